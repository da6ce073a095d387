//! `countersign paper-exchange` as people start it.

use super::house::Wire;
use crate::support::process::{Serving, complaint, run};
use tempfile::tempdir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_prints_where_it_is_and_a_fresh_key_each_time() {
    let dir = tempdir().unwrap();
    let mut keys = Vec::new();
    for _ in 0..2 {
        let mut exchange = Serving::start(dir.path(), &["paper-exchange", "--listen", "127.0.0.1:0"]).await;
        let (key, secret) = (exchange.printed("API key: ").await, exchange.printed("Secret: ").await);
        assert_eq!((key.len(), secret.len()), (64, 64));
        assert_eq!(Wire::new(&exchange.url).send("GET", "/api/v3/ping", &[], "").await.text, "{}");
        keys.push((key, secret));
        assert!(exchange.terminate().await, "SIGTERM is a good end");
    }
    assert_ne!(keys[0], keys[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_told_and_secrets_are_not() {
    let dir = tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("faults.toml", "[[fault]]\naction = \"drop_before\"\n\n[[fault]]\nactoin = \"hang\"\n");
    write("damaged", "{\"state\":1}\nnot a line\n{}\n");
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--market", "casino"], 2, "replay:DIR"),
        (&["--market", "replay:missing"], 1, "missing"),
        (&["--speed", "0"], 2, "--speed"),
        (&["--fee-bps", "1e2"], 2, "--fee-bps"),
        (&["--limits", "none"], 2, "binance"),
        (&["--account", "key"], 2, "KEY:SECRET"),
        (&["--account", "key:canary:USDT=lots"], 2, "USDT=100000"),
        (&["--account", "key:canary:USDT=1:fly"], 2, "options"),
        (&["--account", "key:canary", "--account", "key:canary"], 1, "same API key"),
        (&["--state", "state"], 2, "--account"),
        (&["--state", "damaged", "--account", "key:canary"], 1, "damaged in line 1"),
        (&["--fault-script", "faults.toml"], 2, "line 5"),
        (&["--fault-script", "missing.toml"], 2, "cannot be read"),
        (&["--listen", "nowhere"], 2, "--listen"),
    ];
    for (args, code, says) in cases {
        let args: Vec<&str> = [&["paper-exchange"][..], args].concat();
        let output = run(dir.path(), &args, "").await;
        let text = complaint(&output);
        assert_eq!(output.status.code(), Some(*code), "{args:?}: {text}");
        assert!(text.contains(says), "{args:?}: {text}");
        assert!(!text.contains("canary"), "{text}");
    }
}
