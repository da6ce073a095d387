//! A person at a real browser: the server as a process of its own, Chromium, and the whole way from the first start to a
//! filled order, in simulation and at an exchange, once with JavaScript and once without.

use crate::credentials::canary::clean;
use crate::live::house::{KEY, Owner, SECRET, paper_exchange, until};
use crate::support;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery staple";
/// How long a page may take to show what is waited for, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A child process that ends with the test.
struct Leashed(Child);

impl Drop for Leashed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads a child's lines until one holds the marker, and returns what follows it.
fn wait_for_line(lines: &mut BufReader<ChildStdout>, marker: &str) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the process ended before it said {marker:?}");
        if let Some((_, rest)) = line.split_once(marker) {
            return rest.trim().to_owned();
        }
    }
}

/// The desk as a process with a fresh database: its address and its setup token.
fn server(dir: &TempDir, more: &[&str]) -> (Leashed, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["serve", "--market", "synthetic", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path().join("data"))
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let url = wait_for_line(&mut lines, "URL: ");
    let token = wait_for_line(&mut lines, "Setup token: ");
    // Whatever else it says must not fill the pipe.
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    (Leashed(child), url.trim_end_matches('/').to_owned(), token)
}

/// Chromium behind ChromeDriver; none when it is not installed, which is said, and fails where it is required.
async fn browser(dir: &TempDir, with_javascript: bool) -> Option<(Leashed, Client)> {
    let found = ["/usr/bin/chromium", "/usr/bin/chromedriver"].iter().all(|path| Path::new(path).exists());
    if !found {
        let required = std::env::var("COUNTERSIGN_REQUIRE").is_ok_and(|names| names.split(',').any(|n| n == "browser"));
        assert!(!required, "COUNTERSIGN_REQUIRE names browser, but Chromium and ChromeDriver are not installed");
        println!("SKIPPED: the browser stories need /usr/bin/chromium and /usr/bin/chromedriver");
        return None;
    }
    let mut driver = Command::new("/usr/bin/chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap());
    let port = wait_for_line(&mut lines, "successfully on port ");
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    let profile = format!("--user-data-dir={}", dir.path().join("profile").display());
    let javascript = if with_javascript { 1 } else { 2 };
    let options = json!({
        "binary": "/usr/bin/chromium",
        "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900", profile
        ],
        "prefs": { "profile.managed_default_content_settings.javascript": javascript },
    });
    let capabilities: Capabilities = [("goog:chromeOptions".to_owned(), options)].into_iter().collect();
    let address = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
    let client = ClientBuilder::new(hyper_connector()).capabilities(capabilities).connect(&address).await.unwrap();
    Some((Leashed(driver), client))
}

/// Plain HTTP: the driver is on this machine.
fn hyper_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

/// What a person does on the desk.
struct Person {
    page: Client,
    desk: String,
}

impl Person {
    async fn open(&self, path: &str) {
        self.page.goto(&format!("{}{path}", self.desk)).await.unwrap();
    }

    async fn fill(&self, name: &str, text: &str) {
        let field = self.page.find(Locator::Css(&format!("[name={name}]"))).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    async fn click(&self, css: &str) {
        let found = self.page.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}")).click().await.unwrap();
    }

    /// Waits until the page shows a text somewhere.
    async fn sees(&self, text: &str) {
        let anywhere = format!("//body[contains(normalize-space(.), {text:?})]");
        let found = self.page.wait().at_most(PATIENCE).for_element(Locator::XPath(&anywhere)).await;
        if found.is_err() {
            panic!(
                "never saw {text:?} at {}:\n{}",
                self.page.current_url().await.unwrap(),
                self.page.source().await.unwrap()
            );
        }
    }

    /// The page holds none of the keys that were typed.
    async fn finds_no_secret(&self) {
        clean(self.page.current_url().await.unwrap().path(), self.page.source().await.unwrap().as_bytes());
    }

    /// Chooses on one of the toggles and waits until it holds.
    async fn chooses(&self, toggle: &str) {
        self.click(toggle).await;
        let pressed = format!("{toggle}[aria-pressed=true]");
        let held = self.page.wait().at_most(PATIENCE).for_element(Locator::Css(&pressed)).await;
        held.unwrap_or_else(|error| panic!("{toggle} does not hold: {error}"));
    }

    /// Becomes the first administrator.
    async fn sets_up(&self, token: &str) {
        self.open("/setup").await;
        self.fill("setup_token", token).await;
        self.fill("username", "ann").await;
        self.fill("password", PASSWORD).await;
        self.fill("password_repeat", PASSWORD).await;
        self.click("form[action='/setup'] button").await;
        self.sees("Stop all").await;
    }

    /// Makes a model with a rule, and looks at its settings.
    async fn makes_a_model(&self, rule: &str) {
        self.open("/models/new").await;
        self.fill("name", "Sage").await;
        self.click(&format!("[name=model_name] option[value$={rule}]")).await;
        self.click("form[action='/models'] button[type=submit]").await;
        self.sees("Sage").await;
        self.open("/models/1/settings").await;
    }

    async fn is_at(&self, path: &str) -> bool {
        self.page.current_url().await.unwrap().path() == path
    }
}

/// First start, log out and in, a model that asks, a cycle, an approval, a fill.
async fn story(with_javascript: bool) {
    let dir = tempfile::tempdir().unwrap();
    let Some((_driver, page)) = browser(&dir, with_javascript).await else { return };
    let (_server, desk, token) = server(&dir, &[]);
    let ann = Person { page, desk };

    ann.sets_up(&token).await;
    ann.open("/account").await;
    ann.click("form[action='/account/logout-everywhere'] button").await;
    ann.open("/inbox").await;
    assert!(ann.is_at("/login").await, "nothing is shown without a login");
    ann.fill("username", "ann").await;
    ann.fill("password", PASSWORD).await;
    ann.click("form[action='/login'] button").await;
    ann.sees("Stop all").await;

    ann.makes_a_model("ema_cross").await;
    ann.chooses("#axis-automation-semi_automated").await;

    ann.open("/models/1").await;
    ann.click("form[action='/models/1/run'] button").await;
    ann.sees("Sage").await;
    ann.open("/inbox").await;
    // A synthetic market begins with Bitcoin on the rise, so there is always something to approve.
    ann.sees("BTC").await;
    ann.click("#detail form[action$='/approve'] button").await;
    ann.sees("filled").await;

    ann.open("/orders").await;
    ann.sees("filled").await;
    ann.open("/models/1").await;
    ann.sees("Close").await;
    ann.page.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_goes_from_first_start_to_a_filled_order() {
    story(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_again_without_javascript() {
    story(false).await;
}

/// Keys typed in and checked, a decision sent in and approved, its order at the exchange, and the position closed again.
async fn live_story(with_javascript: bool) {
    let dir = tempfile::tempdir().unwrap();
    let Some((_driver, page)) = browser(&dir, with_javascript).await else { return };
    let exchange = paper_exchange().await;
    let (_server, desk, token) = server(&dir, &["--binance-testnet-url", &exchange.url()]);
    let ann = Person { page, desk };
    ann.sets_up(&token).await;
    ann.makes_a_model("buy_and_hold").await;

    ann.fill("testnet_api_key", KEY).await;
    ann.fill("testnet_api_secret", SECRET).await;
    ann.click("form[action='/models/1/credentials/testnet'] button[type=submit]").await;
    ann.sees(&KEY[KEY.len() - 4..]).await;
    ann.finds_no_secret().await;
    ann.click("form[action='/models/1/credentials/testnet/verify'] button").await;
    ann.sees("The testnet key works and can trade.").await;
    ann.open("/models/1/settings").await;
    ann.chooses("#axis-environment-live").await;
    ann.chooses("#axis-automation-semi_automated").await;
    ann.finds_no_secret().await;

    let mut program = support::Client::new(&ann.desk);
    program.login("ann", PASSWORD).await;
    let buy = json!({ "decisions": { "BTC": { "signal": "buy_to_enter", "quantity": "0.001" } } });
    until("a decision that waits", async || {
        // The books are held against the exchange's before anything is proposed.
        let cycle = program.post("/api/models/1/cycle", buy.clone()).await;
        (cycle.status == 200 && cycle.json()["pending"] != json!([])).then_some(())
    })
    .await;
    ann.open("/inbox").await;
    ann.sees("BTC").await;
    ann.click("#detail form[action$='/approve'] button").await;
    ann.sees("filled").await;
    ann.finds_no_secret().await;

    let orders = Owner::new(&exchange.url(), KEY, SECRET).orders("BTCUSDT").await;
    assert_eq!(orders.len(), 1, "{orders:?}");
    let ours = program.get("/api/models/1/orders").await.expect(200);
    ann.open(&format!("/orders/{}", ours[0]["id"])).await;
    ann.sees(&orders[0]["orderId"].to_string()).await;
    ann.sees(orders[0]["clientOrderId"].as_str().unwrap()).await;
    ann.finds_no_secret().await;

    ann.open("/models/1/positions/BTC/close").await;
    ann.click("form[action='/models/1/positions/BTC/close'] button").await;
    ann.sees("dust: too little to sell here").await;
    ann.finds_no_secret().await;
    for path in ["/", "/orders", "/incidents", "/notifications", "/reconciliation", "/models/1/settings"] {
        ann.open(path).await;
        ann.finds_no_secret().await;
    }
    ann.page.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_goes_from_testnet_keys_to_an_order_at_the_exchange_and_back() {
    live_story(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_to_the_exchange_without_javascript() {
    live_story(false).await;
}
