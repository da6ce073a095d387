//! A person at a real browser: the server as a process of its own, Chromium, and the whole way from the first start to a
//! filled order, once with JavaScript and once without.

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
fn server(dir: &TempDir) -> (Leashed, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["serve", "--market", "synthetic", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path().join("data"))
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

    async fn is_at(&self, path: &str) -> bool {
        self.page.current_url().await.unwrap().path() == path
    }
}

/// First start, log out and in, a model that asks, a cycle, an approval, a fill.
async fn story(with_javascript: bool) {
    let dir = tempfile::tempdir().unwrap();
    let Some((_driver, page)) = browser(&dir, with_javascript).await else { return };
    let (_server, desk, token) = server(&dir);
    let ann = Person { page, desk };

    ann.open("/setup").await;
    ann.fill("setup_token", &token).await;
    ann.fill("username", "ann").await;
    ann.fill("password", PASSWORD).await;
    ann.fill("password_repeat", PASSWORD).await;
    ann.click("form[action='/setup'] button").await;
    ann.sees("Stop all").await;

    ann.open("/account").await;
    ann.click("form[action='/account/logout-everywhere'] button").await;
    ann.open("/inbox").await;
    assert!(ann.is_at("/login").await, "nothing is shown without a login");
    ann.fill("username", "ann").await;
    ann.fill("password", PASSWORD).await;
    ann.click("form[action='/login'] button").await;
    ann.sees("Stop all").await;

    ann.open("/models/new").await;
    ann.fill("name", "Sage").await;
    ann.click("[name=model_name] option[value$=ema_cross]").await;
    ann.click("form[action='/models'] button[type=submit]").await;
    ann.sees("Sage").await;
    ann.open("/models/1/settings").await;
    ann.click("#axis-automation-semi_automated").await;
    let pressed = "#axis-automation-semi_automated[aria-pressed=true]";
    ann.page.wait().at_most(PATIENCE).for_element(Locator::Css(pressed)).await.expect("the toggle holds");

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
