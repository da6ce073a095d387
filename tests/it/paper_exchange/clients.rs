//! Unmodified public clients of the real exchange trade on this one.
//!
//! They are Python packages (`ccxt`, `python-binance`), looked for in `target/clients` and in the system's Python.
//! `COUNTERSIGN_REQUIRE=ccxt` turns their absence into a failure.

use super::house::{BALANCES, KEY, SECRET};
use crate::support::process::Serving;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// A Python that has the packages.
async fn python() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/bin/python3");
    for python in [here, PathBuf::from("python3")] {
        let found = Command::new(&python).args(["-c", "import ccxt, binance"]).output().await;
        if found.is_ok_and(|output| output.status.success()) {
            return Some(python);
        }
    }
    let required = std::env::var("COUNTERSIGN_REQUIRE").is_ok_and(|names| names.split(',').any(|name| name == "ccxt"));
    assert!(!required, "COUNTERSIGN_REQUIRE names ccxt, but ccxt and python-binance are not installed");
    eprintln!("skipped: ccxt and python-binance are not installed");
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ccxt_and_python_binance_trade_here() {
    let Some(python) = python().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let account = format!("{KEY}:{SECRET}:{BALANCES}");
    let exchange =
        Serving::start(dir.path(), &["paper-exchange", "--listen", "127.0.0.1:0", "--account", &account]).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/paper_exchange/clients.py");
    let output = Command::new(python).arg(script).args([&exchange.url, KEY, SECRET]).output().await.unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(said.ends_with("all clients trade\n"), "{said}");
    assert!(exchange.terminate().await);
}
