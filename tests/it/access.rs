//! Who gets in, and who does not.

use crate::support::{Answer, Client, Database, PASSWORD, TestApp, spawn_app, spawn_app_with};
use countersign::domain::access::{Role, TokenScope};
use countersign::services::access::NewSession;
use countersign::web::routes::{Access, PUBLIC, ROUTES};
use serde_json::{Value, json};

const HOUR_MS: i64 = 3_600_000;

async fn setup(app: &TestApp, visitor: &mut Client, token: &str) -> Answer {
    let csrf = visitor.get("/setup").await.csrf().unwrap_or_default();
    let fields = [
        ("setup_token", token),
        ("username", "ada"),
        ("password", PASSWORD),
        ("password_repeat", PASSWORD),
        ("csrf_token", &csrf),
    ];
    let answer = visitor.post_raw("/setup", &fields).await;
    assert_ne!(answer.status, 500, "{} {}", app.url, answer.body);
    answer
}

fn session_cookie(answer: &Answer) -> String {
    let cookies = answer.headers.get("set-cookie").cloned().unwrap_or_default();
    cookies.into_iter().find(|cookie| cookie.contains("sid=")).unwrap_or_default()
}

on_each_database! {
    async fn the_setup_page_needs_its_token_and_closes_for_ever(app) {
        let mut visitor = app.client();
        assert_eq!(visitor.get("/login").await.header("location"), "/setup");

        let wrong = setup(&app, &mut visitor, "0000").await;
        assert_eq!(wrong.status, 422, "{}", wrong.body);
        assert!(!wrong.body.contains(PASSWORD));

        let token = app.setup_token.clone().unwrap();
        let created = setup(&app, &mut visitor, &token).await;
        assert_eq!((created.status, created.header("location")), (303, "/"), "{}", created.body);
        assert_eq!(visitor.get("/api/whoami").await.json()["username"], "ada");

        assert_eq!(app.client().get("/setup").await.status, 404);
        let again = setup(&app, &mut app.client(), &token).await;
        assert!(matches!(again.status, 403 | 404), "{}", again.status);

        let app = app.restart().await;
        assert_eq!(app.setup_token, None);
        assert_eq!(app.client().get("/setup").await.status, 404);
        app.client().login("ADA", PASSWORD).await;
    }

    async fn two_first_administrators_at_once_are_one(app) {
        let token = app.setup_token.clone().unwrap();
        let (mut one, mut two) = (app.client(), app.client());
        let (first, second) = tokio::join!(setup(&app, &mut one, &token), setup(&app, &mut two, &token));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 404]);
    }

    async fn an_unknown_user_gets_the_same_answer_as_a_wrong_password(app) {
        app.create("ada", Role::Admin).await;
        let hide = |answer: &Answer, name: &str| {
            let token = answer.csrf().unwrap();
            answer.body.replace(&token, "TOKEN").replace(name, "NAME")
        };
        let wrong = app.client().try_login("ada", "not the password").await;
        let unknown = app.client().try_login("bob", "not the password").await;
        assert_eq!((wrong.status, unknown.status), (422, 422));
        assert_eq!(hide(&wrong, "ada"), hide(&unknown, "bob"));
        assert!(!wrong.body.contains("not the password"));
        let absurd = app.client().try_login("' OR 1=1 --", "x").await;
        assert_eq!(absurd.status, 422);
    }

    async fn guessing_is_throttled_by_account_and_forgiven_with_time(app) {
        app.create("ada", Role::Admin).await;
        for _ in 0..5 {
            assert_eq!(app.client().try_login("ada", "wrong wrong wrong").await.status, 422);
        }
        let throttled = app.client().try_login("ada", PASSWORD).await;
        assert_eq!(throttled.status, 429, "even the right password waits");
        assert_eq!(throttled.header("retry-after"), "30");
        assert!(throttled.body.contains("30 s"), "{}", throttled.body);
        app.clock.advance_ms(30_000);
        app.client().login("ada", PASSWORD).await;
    }

    async fn guessing_many_names_is_throttled_by_address(app) {
        let mut last = 0;
        for n in 0..21 {
            app.create("ada", Role::Admin).await;
            last = app.client().try_login(&format!("name{n}"), "wrong wrong wrong").await.status;
        }
        assert_eq!(last, 429);
    }

    async fn the_session_is_new_after_login_and_its_cookie_is_closed_to_scripts(app) {
        app.create("ada", Role::Admin).await;
        let mut planted = app.client();
        planted.login("ada", PASSWORD).await;
        let old = planted.cookies["sid"].clone();

        // Logging in again over an existing session leaves nothing of the old one.
        let mut second = app.client();
        let form = second.get("/login").await;
        second.cookies.insert("sid".to_owned(), old.clone());
        let fields = [("username", "ada"), ("password", PASSWORD), ("csrf_token", &form.csrf().unwrap())];
        let answer = second.post_raw("/login", &fields).await;
        assert_eq!(answer.status, 303);
        assert_ne!(second.cookies["sid"], old);
        assert_eq!(planted.get("/api/whoami").await.status, 401);
        assert_eq!(second.get("/api/whoami").await.status, 200);

        let cookie = session_cookie(&answer);
        for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
    }

    async fn logging_out_ends_the_session_on_the_server(app) {
        let mut ada = app.admin().await;
        let mut thief = ada.clone();
        assert_eq!(thief.get("/api/whoami").await.status, 200);
        assert_eq!(ada.post_form("/logout", &[]).await.status, 303);
        assert_eq!(ada.cookies.get("sid"), None);
        assert_eq!(thief.get("/api/whoami").await.status, 401);
    }

    async fn logging_out_everywhere_and_a_new_password_end_other_sessions(app) {
        let (mut here, mut there) = (app.admin().await, app.admin().await);
        assert_eq!(here.post_form("/account/logout-everywhere", &[]).await.status, 303);
        assert_eq!((here.get("/api/whoami").await.status, there.get("/api/whoami").await.status), (401, 401));

        let (mut here, mut there) = (app.admin().await, app.admin().await);
        let next = "another long password";
        let fields = |current: &'static str, repeat: &'static str| {
            [("current_password", current), ("password", next), ("password_repeat", repeat)]
        };
        let page = here.post_form("/account/password", &fields("wrong password!", next)).await;
        assert_eq!(page.status, 422);
        assert!(!page.body.contains("wrong password!") && !page.body.contains(next), "no secret comes back");
        assert_eq!(here.post_form("/account/password", &fields(PASSWORD, "something else")).await.status, 422);
        assert_eq!(there.get("/api/whoami").await.status, 200);
        assert_eq!(here.post_form("/account/password", &fields(PASSWORD, next)).await.status, 303);
        assert_eq!((here.get("/api/whoami").await.status, there.get("/api/whoami").await.status), (200, 401));
        app.client().login("admin", next).await;
    }

    async fn a_session_ends_idle_and_in_any_case(app) {
        let mut idle = app.admin().await;
        app.clock.advance_ms(12 * HOUR_MS);
        assert_eq!(idle.get("/api/whoami").await.status, 401);

        let mut busy = app.admin().await;
        for _ in 0..15 {
            app.clock.advance_ms(11 * HOUR_MS);
            assert_eq!(busy.get("/api/whoami").await.status, 200);
        }
        app.clock.advance_ms(4 * HOUR_MS);
        assert_eq!(busy.get("/api/whoami").await.status, 401, "seven days are over");
        assert_eq!(app.access.purge_expired().await.unwrap(), 2);
    }

    async fn a_person_has_at_most_fifty_sessions(app) {
        let mut first = app.admin().await;
        let id = app.access.user_by_name("admin").await.unwrap().id;
        for _ in 0..50 {
            app.clock.advance_ms(1);
            let (agent, address) = ("test".to_owned(), "127.0.0.1".to_owned());
            let new = NewSession { user_id: id, state: "{}".to_owned(), agent, address };
            app.access.open_session(new).await.unwrap();
        }
        assert_eq!(first.get("/api/whoami").await.status, 401);
        assert_eq!(app.access.sessions_of(id).await.unwrap().len(), 50);
    }

    async fn tokens_may_what_their_scope_says_and_nothing_once_revoked(app) {
        for scope in TokenScope::ALL {
            let mut bot = app.token(*scope).await;
            let who = bot.api("GET", "/api/whoami", Value::Null).await.json();
            assert_eq!((&who["scope"], &who["username"]), (&json!(scope.as_str()), &json!("admin")));
            assert_eq!(bot.post_raw("/logout", &[]).await.status, 303, "pages want a person");
            for entry in ROUTES {
                let Access::Api(needs) = entry.access else { continue };
                let answer = bot.api(entry.method.as_str(), &filled(entry.path), Value::Null).await;
                let forbidden = answer.status == 403 && answer.code() == "forbidden";
                assert_eq!(forbidden, !scope.may(needs), "{scope} {} {}: {}", entry.method, entry.path, answer.body);
            }
        }
        let mut bot = app.token(TokenScope::Read).await;
        let (token, _) = app.access.tokens(None).await.unwrap().remove(0);
        assert!(app.access.revoke_token(token.id).await.unwrap());
        let refused = bot.api("GET", "/api/whoami", Value::Null).await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "unauthorized"));
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
}

/// A path with something in place of its variable parts.
fn filled(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect();
    parts.join("/")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_that_is_not_public_wants_a_session_or_a_token() {
    let app = spawn_app().await;
    app.create("ada", Role::Admin).await;
    let mut visitor = app.client();
    let mut forged = app.client().with_token("cs_0000000000000000000000000000000000000000000000000000000000000000");
    forged.cookies.insert("sid".to_owned(), "forged".to_owned());
    for entry in ROUTES.iter().filter(|entry| !PUBLIC.contains(&entry.path)) {
        let (method, path) = (entry.method.as_str(), filled(entry.path));
        for client in [&mut visitor, &mut forged] {
            let answer = client.send(method, &path, None, None).await;
            match entry.access {
                Access::Api(_) => assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"), "{path}"),
                _ => {
                    assert_eq!(answer.status, 303, "{method} {path}");
                    assert!(answer.header("location").starts_with("/login"), "{method} {path}");
                }
            }
        }
    }
    let fragment = app.client().with_header("hx-request", "true");
    let fragment =
        fragment.with_header("hx-current-url", &format!("{}/inbox?tab=all", app.url)).post_raw("/logout", &[]).await;
    assert_eq!((fragment.status, fragment.header("hx-redirect")), (401, "/login?next=/inbox%3Ftab%3Dall"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_login_leads_back_to_where_it_was_asked_for() {
    let app = spawn_app().await;
    app.create("ada", Role::Admin).await;
    let mut ada = app.client();
    assert_eq!(ada.get("/login?next=//evil.example").await.status, 200);
    for (next, expected) in [("/account?x=1", "/account?x=1"), ("//evil.example", "/"), ("https://evil.example", "/")] {
        let mut ada = app.client();
        let token = ada.get("/login").await.csrf().unwrap();
        let fields = [("username", "ada"), ("password", PASSWORD), ("next", next), ("csrf_token", &token)];
        assert_eq!(ada.post_raw("/login", &fields).await.header("location"), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changing_request_needs_the_sessions_own_token_and_our_own_origin() {
    let app = spawn_app().await;
    let mut ada = app.admin().await;
    let good = ada.csrf.clone().unwrap();
    let other = app.admin().await.csrf.unwrap();

    for (what, token) in [("missing", ""), ("wrong", "0000"), ("another session's", other.as_str())] {
        let answer = ada.post_raw("/logout", &[("csrf_token", token)]).await;
        assert_eq!(answer.status, 403, "{what}");
        assert!(answer.header("content-type").starts_with("text/html"));
    }
    let same = ada.clone();
    let with = |name: &str, value: &str| same.clone().with_header(name, value);
    let host = app.url.trim_start_matches("http://").to_owned();
    for (mut client, status) in [
        (with("sec-fetch-site", "cross-site"), 403),
        (with("sec-fetch-site", "same-site"), 403),
        (with("origin", "http://evil.example"), 403),
        (with("origin", "null"), 403),
    ] {
        assert_eq!(client.post_raw("/logout", &[("csrf_token", &good)]).await.status, status);
    }
    assert_eq!(ada.get("/api/whoami").await.status, 200, "nobody was logged out");
    let mut honest = with("sec-fetch-site", "same-origin").with_header("origin", &format!("http://{host}"));
    assert_eq!(honest.post_raw("/logout", &[("csrf_token", &good)]).await.status, 303);

    // The login itself: no session yet, and nothing another site can send.
    let mut visitor = app.client();
    let token = visitor.get("/login").await.csrf().unwrap();
    let credentials = [("username", "admin"), ("password", PASSWORD)];
    assert_eq!(visitor.post_raw("/login", &credentials).await.status, 403);
    let with_token = [credentials[0], credentials[1], ("csrf_token", token.as_str())];
    assert_eq!(app.client().post_raw("/login", &with_token).await.status, 403, "the cookie is missing");
    let mut foreign = visitor.clone().with_header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.post_raw("/login", &with_token).await.status, 403);
    app.clock.advance_ms(12 * HOUR_MS);
    assert_eq!(visitor.post_raw("/login", &with_token).await.status, 403, "the form is too old");
    visitor.login("admin", PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anonymous_visitors_store_nothing() {
    let app = spawn_app().await;
    app.create("ada", Role::Admin).await;
    for _ in 0..20 {
        let answer = app.client().get("/login").await;
        assert_eq!(session_cookie(&answer), "");
        assert!(answer.csrf().is_some());
    }
    app.clock.advance_ms(1_000 * HOUR_MS);
    assert_eq!(app.access.purge_expired().await.unwrap(), 0, "no session was ever stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_carries_the_security_headers() {
    let app = spawn_app().await;
    let mut ada = app.admin().await;
    let csp = countersign::web::security::CONTENT_SECURITY_POLICY;
    for path in
        ["/login", "/nope", "/api/nope", "/api/whoami", "/health/live", "/static/app.css", "/favicon.ico", "/logout"]
    {
        let answer = ada.get(path).await;
        assert_eq!(answer.header("content-security-policy"), csp, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
        assert_eq!(answer.header("strict-transport-security"), "", "{path}");
        let cached = path.starts_with("/static") || path == "/favicon.ico";
        assert_eq!(answer.header("cache-control") == "no-store", !cached, "{path}");
        if answer.header("content-type").starts_with("text/html") {
            let vary: String = answer.headers["vary"].join(",").to_lowercase();
            assert!(vary.contains("hx-request"), "{path}: {vary}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_tls_cookies_are_secure_and_only_named_hosts_are_answered() {
    let app = spawn_app_with(Database::Sqlite, |settings| {
        settings.behind_tls_proxy = true;
        settings.public_hosts = vec!["desk.example.org".to_owned()];
    })
    .await;
    app.create("ada", Role::Admin).await;
    let mut ada = app.client().with_header("host", "desk.example.org");
    let answer = ada.try_login("ada", PASSWORD).await;
    let cookie = session_cookie(&answer);
    assert!(cookie.starts_with("__Host-sid=") && cookie.contains("Secure"), "{cookie}");
    assert!(answer.header("strict-transport-security").contains("max-age"));
    let foreign = app.client().with_header("host", "evil.example").get("/login").await;
    assert_eq!(foreign.status, 421);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_name_for_this_machine_is_not_answered() {
    let app = spawn_app().await;
    app.create("ada", Role::Admin).await;
    assert_eq!(app.client().with_header("host", "evil.example:8080").get("/login").await.status, 421);
    let api = app.client().with_header("host", "evil.example").get("/api/whoami").await;
    assert_eq!((api.status, api.code().as_str()), (421, "wrong_host"));
    assert_eq!(app.client().with_header("host", "localhost:1234").get("/login").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_fit_who_asks_and_repeat_nothing() {
    let app = spawn_app().await;
    let mut ada = app.admin().await;
    let page = ada.get("/no/such/page").await;
    assert_eq!(page.status, 404);
    assert!(page.header("content-type").starts_with("text/html"));
    let api = ada.get("/api/no/such/thing").await;
    assert_eq!((api.status, api.code().as_str()), (404, "not_found"));
    let wrong = ada.api("DELETE", "/api/whoami", Value::Null).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (405, "method_not_allowed"));
    assert_eq!(wrong.header("allow"), "HEAD, GET");
    let huge = "x".repeat(70_000);
    let large = ada.post_raw("/logout", &[("junk", &huge)]).await;
    assert_eq!(large.status, 413);
    let head = ada.send("HEAD", "/login", None, None).await;
    assert!(matches!(head.status, 200 | 303) && head.body.is_empty());
    let bad = app.client().post_raw("/login?x=hunter2-canary", &[("csrf_token", "hunter2-canary")]).await;
    assert_eq!(bad.status, 403);
    assert!(!bad.body.contains("hunter2-canary"));
}

on_each_database! {
    async fn health_says_live_and_ready_and_stopping_drains(app) {
        let mut probe = app.client();
        assert_eq!(probe.get("/health/live").await.json(), json!({ "status": "live" }));
        let ready = probe.get("/health/ready").await;
        assert_eq!((ready.status, ready.json()["checks"]["database"].as_str()), (200, Some("ok")));
        let mut app = app;
        app.stop().await;
    }
}
