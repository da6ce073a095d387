//! A client written by others, and the bridge between it and the desk.
//!
//! It is a Python package (`mcp`), looked for in `target/clients` and in the system's Python. `COUNTERSIGN_REQUIRE=mcp`
//! turns its absence into a failure.

use crate::api::shorthand::asking_model;
use crate::support::process::{complaint, run_with_env};
use crate::support::{Client, House, Stage, app::Database};
use countersign::domain::access::TokenScope;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

/// A Python that has the package.
async fn python() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/bin/python3");
    for python in [here, PathBuf::from("python3")] {
        let found = Command::new(&python).args(["-c", "from mcp import Client"]).output().await;
        if found.is_ok_and(|output| output.status.success()) {
            return Some(python);
        }
    }
    let required = std::env::var("COUNTERSIGN_REQUIRE").is_ok_and(|names| names.split(',').any(|name| name == "mcp"));
    assert!(!required, "COUNTERSIGN_REQUIRE names mcp, but the package is not installed");
    eprintln!("skipped: the mcp package is not installed");
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_public_client_proposes_over_http_and_learns_why_it_was_rejected() {
    propose_by("http").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_public_client_proposes_over_stdio_and_learns_why_it_was_rejected() {
    propose_by("stdio").await;
}

async fn propose_by(way: &str) {
    let Some(python) = python().await else { return };
    let house = House::on(Database::Sqlite).await;
    let mut operator = house.token(TokenScope::Operate).await;
    asking_model(&mut operator, "Sage").await;
    let (_, token) = house.access.create_token("admin", "agent", TokenScope::Propose).await.unwrap();
    let mut agent = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mcp/client.py"))
        .args([way, &house.url, PROGRAM])
        .env("COUNTERSIGN_TOKEN", token.expose_secret())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(agent.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    let mut ann = house.ann().await;
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(decision) = line.strip_prefix("waiting ") {
            reject(&mut ann, decision, "Not on a Friday.").await;
            agent.stdin.as_mut().unwrap().write_all(b"Not on a Friday.\n").await.unwrap();
        }
        said.push(line);
    }
    let mut complained = String::new();
    agent.stderr.take().unwrap().read_to_string(&mut complained).await.unwrap();
    assert!(agent.wait().await.unwrap().success(), "{said:?}\n{complained}");
    assert_eq!(said.first().map(String::as_str), Some("version 2025-11-25"));
    assert_eq!(said.last().map(String::as_str), Some("the agent knows why"), "{complained}");
}

async fn reject(person: &mut Client, decision: &str, reason: &str) {
    let row = person.get(&format!("/api/decisions/{decision}")).await.expect(200);
    assert_eq!(row["status"], "pending");
    let path = format!("/api/pending-decisions/{decision}/reject");
    person.post(&path, json!({ "reason": reason })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bridge_speaks_lines_and_never_sends_its_token_astray() {
    let house = House::on(Database::Sqlite).await;
    let dir = tempfile::tempdir().unwrap();
    let (_, token) = house.access.create_token("admin", "agent", TokenScope::Propose).await.unwrap();
    let token = token.expose_secret();
    let bridge = async |url: &str, token: &str, input: &str| {
        run_with_env(dir.path(), &["mcp", "--url", url], input, &[("COUNTERSIGN_TOKEN", token)]).await
    };
    let hello =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-06-18" } });
    let ping = json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" });
    let remark = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    // The version that was agreed on knows no batches, and the bridge keeps to it.
    let input = format!("{hello}\n{remark}\n\n{ping}\n[{ping}]\nno JSON\n{ping}");
    let output = bridge(&house.url, token, &input).await;
    assert!(output.status.success(), "{}", complaint(&output));
    let answers: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0]["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(answers[1], json!({ "jsonrpc": "2.0", "id": 2, "result": {} }));
    assert_eq!(answers[2]["error"]["code"], -32_600);
    assert_eq!(answers[3]["error"]["code"], -32_700);
    assert_eq!((answers.len(), &answers[4]), (5, &answers[1]));

    let strange = bridge(&house.url, "cs_nope", &format!("{ping}\n")).await;
    let answer: Value = serde_json::from_slice(&strange.stdout).unwrap();
    assert_eq!((&answer["id"], &answer["error"]["message"]), (&json!(2), &json!("the desk does not know this token")));
    for (url, token, why) in [
        (house.url.as_str(), "", "COUNTERSIGN_TOKEN must hold a token"),
        ("http://desk.example.com", token, "--url must begin with https://"),
        ("ftp://127.0.0.1", token, "--url must be an http or https address"),
    ] {
        let refused = bridge(url, token, &format!("{ping}\n")).await;
        assert!(!refused.status.success() && refused.stdout.is_empty());
        assert!(complaint(&refused).contains(why), "{}", complaint(&refused));
        assert!(token.is_empty() || !complaint(&refused).contains(token));
    }
}
