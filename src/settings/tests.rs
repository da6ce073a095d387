//! Where settings come from, and what is refused.

use super::*;

fn load(serve: ServeLayer, file: &str) -> Result<Settings, SettingsError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("settings.toml");
    std::fs::write(&path, file).unwrap();
    Settings::load(StoreLayer::default(), serve, Some(&path))
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    let flags = ServeLayer { speed: Some(9), ..ServeLayer::default() };
    let settings = load(flags, "speed = 5\nseed = 7\nmarket = \"replay:candles\"").unwrap();
    assert_eq!((settings.speed, settings.seed), (9, 7));
    assert_eq!(settings.market, MarketChoice::Replay("candles".into()));
    assert_eq!(settings.listen.to_string(), DEFAULT_LISTEN);
    assert!(settings.store.database_url.sqlite_file().is_some_and(|file| file.ends_with(DATABASE_FILE)));
}

#[test]
fn an_unknown_key_is_refused_by_line_and_name_without_repeating_values() {
    let error = load(ServeLayer::default(), "speed = 5\nlistne = \"hunter2-hunter2\"").unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("listne") && !error.contains("hunter2"), "{error}");
}

#[test]
fn listening_beyond_this_machine_needs_tls() {
    let open = |tls| ServeLayer { listen: Some("0.0.0.0:8080".into()), behind_tls_proxy: tls, ..ServeLayer::default() };
    let error = load(open(None), "").unwrap_err();
    assert!(error.to_string().contains("--behind-tls-proxy"), "{error}");
    assert!(load(open(Some(true)), "").is_ok());
    assert!(load(open(None), "behind_tls_proxy = true").is_ok());
}

#[test]
fn bad_values_name_the_setting_and_the_rule() {
    for (file, name) in [
        ("listen = \"nowhere\"", "listen"),
        ("market = \"replay:\"", "market"),
        ("speed = 0", "speed"),
        ("log_format = \"xml\"", "log_format"),
        ("database_url = \"mysql://x\"", "database_url"),
        ("public_host = [\"https://x\"]", "public_host"),
        ("session_idle_hours = 0", "session_idle_hours"),
        ("arm_hours = 0", "arm_hours"),
        ("arm_hours = 169", "arm_hours"),
        ("bundles_keep_days = 3651", "bundles_keep_days"),
        ("bundles_max_mb = 1048577", "bundles_max_mb"),
        ("binance_testnet_url = \"testnet.binance.vision\"", "binance_testnet_url"),
        ("binance_mainnet_url = \"http://api.binance.com\"", "binance_mainnet_url"),
    ] {
        let error = load(ServeLayer::default(), file).unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`")), "{file}: {error}");
    }
}

#[test]
fn records_are_kept_as_long_as_it_says() {
    let limits = |flags: ServeLayer, file: &str| {
        let RecordLimits { keep_days, max_mb } = load(flags, file).unwrap().record_limits;
        (keep_days, max_mb)
    };
    assert_eq!(limits(ServeLayer::default(), ""), (90, 1_024));
    let flags = ServeLayer { bundles_max_mb: Some(0), ..ServeLayer::default() };
    assert_eq!(limits(flags, "bundles_keep_days = 7\nbundles_max_mb = 5"), (7, 0));
}

#[test]
fn keys_and_orders_travel_encrypted_or_stay_on_this_machine() {
    let taken = |url: &str| {
        let flags = ServeLayer { binance_mainnet_url: Some(url.to_owned()), ..ServeLayer::default() };
        load(flags, "").map(|settings| settings.binance_mainnet_url).ok()
    };
    for (url, kept) in [
        ("https://api1.binance.com/", "https://api1.binance.com"),
        ("http://127.0.0.1:9900", "http://127.0.0.1:9900"),
        ("http://[::1]:9900/", "http://[::1]:9900"),
        ("http://localhost:9900", "http://localhost:9900"),
    ] {
        assert_eq!(taken(url).as_deref(), Some(kept), "{url}");
    }
    for url in [
        "http://api.binance.com",
        "http://127.0.0.1.example.org",
        "http://user@127.0.0.1",
        "http://127.0.0.1@example.org",
        "https://",
        "https://api.binance.com/api",
        "https://user:pass@api.binance.com",
        "ftp://127.0.0.1",
        "",
    ] {
        assert_eq!(taken(url), None, "{url}");
    }
    let settings = load(ServeLayer::default(), "").unwrap();
    assert_eq!(settings.binance_testnet_url, DEFAULT_BINANCE_TESTNET_URL);
    assert_eq!(settings.binance_mainnet_url, DEFAULT_BINANCE_MAINNET_URL);
}
