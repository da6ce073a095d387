//! The program as people start it: a process with arguments, a directory and exit codes.

use crate::support::process::{Serving, complaint, last_line, run, run_with_env};
use crate::support::{Client, Database, PASSWORD, postgres};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use tempfile::tempdir;

/// Creates people and tokens beside a running server, on any database.
async fn people_and_tokens_beside_a_running_server(database: Database) {
    let dir = tempdir().unwrap();
    let place: Vec<String> = match &database {
        Database::Sqlite => vec!["--data-dir".into(), "data".into()],
        Database::Postgres(url) => vec!["--data-dir".into(), "data".into(), "--database-url".into(), url.clone()],
    };
    let with = |command: &[&str]| -> Vec<String> {
        command.iter().map(|part| (*part).to_owned()).chain(place.iter().cloned()).collect()
    };
    let serve = with(&["serve", "--listen", "127.0.0.1:0", "--market", "synthetic"]);
    let mut server = Serving::start(dir.path(), &serve.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(server.printed("Setup token: ").await.len(), 64);

    let call = async |command: &[&str], input: &str| {
        let args = with(command);
        run(dir.path(), &args.iter().map(String::as_str).collect::<Vec<_>>(), input).await
    };
    let created = call(&["admin", "create", "--username", "ada", "--password-stdin"], &format!("{PASSWORD}\n")).await;
    assert!(created.status.success(), "{}", complaint(&created));
    assert_eq!(Client::new(&server.url).get("/setup").await.status, 404, "an administrator closes the setup page");
    let mut ada = Client::new(&server.url);
    ada.login("ada", PASSWORD).await;

    let again = call(&["admin", "create", "--username", "Ada", "--password-stdin"], PASSWORD).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(complaint(&again).contains("taken"), "{}", complaint(&again));
    let short = call(&["admin", "create", "--username", "bob", "--password-stdin"], "hunter2\n").await;
    assert!(!short.status.success() && complaint(&short).contains("12 characters"), "{}", complaint(&short));
    assert!(!complaint(&short).contains("hunter2"));

    let made = call(&["token", "create", "--username", "ada", "--name", "bot", "--scope", "propose"], "").await;
    let secret = last_line(&made);
    assert!(secret.starts_with("cs_"), "the token is the last line: {secret}");
    let mut bot = Client::new(&server.url).with_token(&secret);
    assert_eq!(bot.api("GET", "/api/whoami", Value::Null).await.json()["scope"], "propose");
    let listed = String::from_utf8(call(&["token", "list"], "").await.stdout).unwrap();
    assert!(listed.contains("bot") && listed.contains("propose") && !listed.contains(&secret), "{listed}");
    assert!(call(&["token", "revoke", "1"], "").await.status.success());
    assert_eq!(bot.api("GET", "/api/whoami", Value::Null).await.status, 401);
    assert!(!call(&["token", "revoke", "1"], "").await.status.success());

    let reset =
        call(&["admin", "reset-password", "--username", "ada", "--password-stdin"], "a brand new password").await;
    assert!(reset.status.success(), "{}", complaint(&reset));
    assert_eq!(ada.get("/api/whoami").await.status, 401, "a new password ends all sessions");
    ada.login("ada", "a brand new password").await;
    assert!(server.terminate().await, "SIGTERM is a good end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_tokens_are_managed_beside_a_running_server_on_sqlite() {
    people_and_tokens_beside_a_running_server(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_tokens_are_managed_beside_a_running_server_on_postgres() {
    if let Some(database) = postgres::new_database().await {
        people_and_tokens_beside_a_running_server(database).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsafe_settings_do_not_start_and_say_what_to_do() {
    let dir = tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let chmod = |name: &str, mode: u32| {
        std::fs::set_permissions(dir.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write("unknown.toml", "listne = \"127.0.0.1:0\"\n");
    std::fs::create_dir(dir.path().join("open")).unwrap();
    chmod("open", 0o777);
    std::fs::create_dir(dir.path().join("weak")).unwrap();
    chmod("weak", 0o700);
    write("weak/session.key", "changeme");
    chmod("weak/session.key", 0o600);
    write("broken.sqlite", &"this is not a database ".repeat(100));
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--listen", "0.0.0.0:0"], 2, "--behind-tls-proxy"),
        (&["--config", "unknown.toml"], 2, "listne"),
        (&["--config", "missing.toml"], 2, "cannot be read"),
        (&["--data-dir", "open"], 2, "chmod 700"),
        (&["--data-dir", "weak"], 2, "delete it"),
        (&["--database-url", "sqlite:broken.sqlite"], 1, "--database-url"),
        (&["--database-url", "postgres://nobody@127.0.0.1:1/none"], 1, "--database-url"),
        (&["--database-url", "mysql://x"], 2, "postgres://"),
        (&["--market", "casino"], 2, "replay:DIR"),
        (&["--no-such-flag"], 2, "--no-such-flag"),
    ];
    for (args, code, says) in cases {
        let args: Vec<&str> = [&["serve"][..], args].concat();
        let output = run(dir.path(), &args, "").await;
        let text = complaint(&output);
        assert_eq!(output.status.code(), Some(*code), "{args:?}: {text}");
        assert!(text.contains(says), "{args:?}: {text}");
        assert!(!text.contains("DbErr") && !text.contains("{"), "fit for a person: {text}");
    }
    let wide = [("COUNTERSIGN_LISTEN", "0.0.0.0:0")];
    let output = run_with_env(dir.path(), &[], "", &wide).await;
    assert!(complaint(&output).contains("--behind-tls-proxy"), "the environment counts too");
    let output = run_with_env(dir.path(), &["--listen", "nowhere"], "", &wide).await;
    assert!(complaint(&output).contains("`listen`"), "flags win over the environment");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_prints_where_and_how_to_log_in_with_a_new_password_each_time() {
    let dir = tempdir().unwrap();
    let mut passwords = Vec::new();
    for _ in 0..2 {
        let mut demo = Serving::start(dir.path(), &["demo", "--port", "0"]).await;
        let username = demo.printed("Username: ").await;
        let password = demo.printed("Password: ").await;
        assert_eq!(username, "admin");
        let mut client = Client::new(&demo.url);
        client.login(&username, &password).await;
        passwords.push(password);
        assert!(demo.terminate().await);
    }
    assert_ne!(passwords[0], passwords[1]);
    assert!(dir.path().join("countersign-demo/countersign.sqlite").exists());
}
