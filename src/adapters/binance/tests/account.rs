//! Keys, balances and lists, and how accounts are opened.

use super::*;
use crate::adapters::binance::exchanges::BinanceExchanges;
use crate::domain::credential::{AccountFingerprint, CheckCode, Credential, Sealed};
use crate::domain::signal::Side;
use crate::domain::venue_kind::ExchangeType;
use crate::ports::exchange::{ExchangeAccount, ExchangeError, Exchanges, TradesFrom};
use crate::ports::vault::{SealContext, Vault, VaultError};
use crate::ports::venue::VenueStatus;
use secrecy::SecretString;
use std::sync::atomic::{AtomicUsize, Ordering};

fn documented_account() -> Value {
    json!({
        "makerCommission": 15, "takerCommission": 15, "buyerCommission": 0, "sellerCommission": 0,
        "commissionRates": {"maker": "0.00150000", "taker": "0.00150000", "buyer": "0.00000000", "seller": "0.00000000"},
        "canTrade": true, "canWithdraw": true, "canDeposit": true, "brokered": false, "preventSor": false,
        "updateTime": 123456789, "accountType": "SPOT",
        "balances": [
            {"asset": "BTC", "free": "4723846.89208129", "locked": "0.00000000"},
            {"asset": "LTC", "free": "0.00000000", "locked": "2.50000000"},
            {"asset": "ETH", "free": "0.00000000", "locked": "0.00000000"},
            {"asset": "这是测试币", "free": "99999999999999999999.00000000", "locked": "0.00000000"},
            {"asset": "no coin of ours", "free": "1.00000000", "locked": "0.00000000"}
        ],
        "permissions": ["SPOT"], "uid": 354937868
    })
}

fn restrictions() -> Value {
    json!({
        "ipRestrict": true, "createTime": 1698645219000_i64, "enableReading": true, "enableWithdrawals": false,
        "enableInternalTransfer": false, "enableMargin": false, "enableFutures": true, "permitsUniversalTransfer": false,
        "enableVanillaOptions": false, "enableFixApiTrade": false, "enableFixReadOnly": true,
        "enableSpotAndMarginTrading": true, "enablePortfolioMarginTrading": true
    })
}

#[tokio::test]
async fn testnet_tells_of_the_account_only() {
    let desk = desk().await;
    desk.answers("GET", "/api/v3/account", ok(documented_account())).await;
    let permissions = desk.account.permissions().await.expect("answers");
    assert!(permissions.can_trade && permissions.can_withdraw.is_none() && permissions.ip_restricted.is_none());
    assert_eq!(permissions.granted, ["SPOT"]);
    assert_eq!(desk.asked().await, ["GET /api/v3/account"]);
}

#[tokio::test]
async fn mainnet_tells_of_the_key_and_silence_is_no_pass() {
    for (change, can_trade, can_withdraw) in [
        (None, true, false),
        (Some(("enableWithdrawals", true)), true, true),
        (Some(("enableInternalTransfer", true)), true, true),
        (Some(("permitsUniversalTransfer", true)), true, true),
        (Some(("enableSpotAndMarginTrading", false)), false, false),
        (Some(("enableReading", false)), false, false),
    ] {
        let desk = desk_of(ExchangeEnvironment::Mainnet, Duration::from_secs(5)).await;
        desk.answers("GET", "/api/v3/account", ok(documented_account())).await;
        let mut told = restrictions();
        if let Some((field, value)) = change {
            told[field] = json!(value);
        }
        desk.answers("GET", "/sapi/v1/account/apiRestrictions", ok(told)).await;
        let permissions = desk.account.permissions().await.expect("answers");
        assert_eq!((permissions.can_trade, permissions.can_withdraw), (can_trade, Some(can_withdraw)), "{change:?}");
        assert_eq!(permissions.ip_restricted, Some(true));
        assert!(permissions.granted.contains(&"futures".to_owned()), "{:?}", permissions.granted);
    }
    let mut incomplete = restrictions();
    incomplete.as_object_mut().expect("an object").remove("enableWithdrawals");
    for answer in [ok(incomplete), ResponseTemplate::new(404), ResponseTemplate::new(500), ok(json!({}))] {
        let desk = desk_of(ExchangeEnvironment::Mainnet, Duration::from_secs(5)).await;
        desk.answers("GET", "/api/v3/account", ok(documented_account())).await;
        desk.answers("GET", "/sapi/v1/account/apiRestrictions", answer).await;
        assert!(desk.account.permissions().await.is_err(), "what is not known is no pass");
    }
}

#[tokio::test]
async fn each_trouble_with_a_key_has_its_word() {
    for (answer, expected) in [
        (error(401, -2014, "API-key format invalid."), CheckCode::BadKey),
        (error(400, -1022, "Signature for this request is not valid."), CheckCode::BadKey),
        (error(401, -2015, "Invalid API-key, IP, or permissions for action."), CheckCode::WrongEnvironment),
        (error(400, -2008, "Invalid Api-Key ID."), CheckCode::WrongEnvironment),
        (error(400, -1021, "Timestamp for this request is outside of the recvWindow."), CheckCode::ClockSkew),
        (error(429, -1003, "Too many requests queued."), CheckCode::RateLimited),
        (ResponseTemplate::new(418), CheckCode::RateLimited),
        (ResponseTemplate::new(503), CheckCode::Unreachable),
        (ResponseTemplate::new(403).set_body_string("<html>"), CheckCode::Unreachable),
        (ok(json!({"canTrade": "yes"})), CheckCode::UnreadableAnswer),
    ] {
        let desk = desk().await;
        desk.answers("GET", "/api/v3/account", answer).await;
        let error = desk.account.permissions().await.expect_err("trouble");
        assert_eq!(error.check_code(), expected, "{error}");
    }
}

#[tokio::test]
async fn a_key_that_has_worked_is_of_no_other_environment() {
    let desk = desk().await;
    let good = Mock::given(path("/api/v3/account")).respond_with(ok(documented_account())).up_to_n_times(1);
    good.mount(&desk.server).await;
    let refused = error(401, -2015, "Invalid API-key, IP, or permissions for action.");
    desk.answers("GET", "/api/v3/account", refused).await;
    desk.account.permissions().await.expect("works");
    assert!(matches!(desk.account.permissions().await, Err(ExchangeError::BadKey(_))));
}

#[tokio::test]
async fn balances_are_exact_and_leave_nothing_out_that_has_a_name() {
    let desk = desk().await;
    desk.answers("GET", "/api/v3/account", ok(documented_account())).await;
    let held = desk.account.balances().await.expect("answers");
    let shown: Vec<String> = held.iter().map(|b| format!("{} {} {}", b.asset, b.free, b.locked)).collect();
    assert_eq!(shown, ["BTC 4723846.89208129 0", "LTC 0 2.5", "这是测试币 99999999999999999999 0"]);
}

#[tokio::test]
async fn lists_of_orders_and_trades_say_where_they_begin() {
    let desk = desk().await;
    desk.answers("GET", "/api/v3/openOrders", ok(json!([asked_about("PARTIALLY_FILLED", "4.0")]))).await;
    let mut old = asked_about("FILLED", "10.0");
    old["cummulativeQuoteQty"] = json!("-1.00000000");
    desk.answers("GET", "/api/v3/allOrders", ok(json!([old]))).await;
    desk.answers("GET", "/api/v3/myTrades", ok(json!([traded(28457, "12.00000000", "10.10000000", "BNB")]))).await;
    let open = desk.account.open_orders(None).await.expect("answers");
    assert_eq!((open[0].venue_order_id, open[0].client_order_id.as_str(), open[0].side), (28, NAME, Side::Buy));
    assert_eq!((open[0].status.clone(), open[0].filled), (VenueStatus::Open, quantity("4")));
    assert_eq!(open[0].created_at, Timestamp(1_499_827_319_559));
    let all = desk.account.orders_since(&btcusdt(), Timestamp(1_000)).await.expect("answers");
    assert_eq!((all[0].status.clone(), all[0].filled_value.is_zero()), (VenueStatus::Filled, true));
    for from in [TradesFrom::After(41), TradesFrom::Since(Timestamp(5)), TradesFrom::Newest] {
        let trades = desk.account.trades(&btcusdt(), from).await.expect("answers");
        assert_eq!((trades[0].venue_order_id, trades[0].fill.trade_id, trades[0].side), (28, 28_457, Side::Buy));
    }
    let requests = desk.server.received_requests().await.expect("recorded");
    let queries: Vec<&str> = requests.iter().filter_map(|request| request.url.query()).collect();
    for (query, begins) in queries.iter().zip([
        "recvWindow=5000&timestamp=",
        "symbol=BTCUSDT&startTime=1000&endTime=86401000&limit=1000&recvWindow",
        "symbol=BTCUSDT&fromId=42&limit=1000&recvWindow",
        "symbol=BTCUSDT&startTime=5&endTime=86400005&limit=1000&recvWindow",
        "symbol=BTCUSDT&limit=1000&recvWindow",
    ]) {
        assert!(query.starts_with(begins), "{query}");
    }
}

/// Gives back what was put in, and counts how often.
#[derive(Default)]
struct OpenVault(AtomicUsize);

impl Vault for OpenVault {
    fn key_id(&self) -> Result<String, VaultError> {
        Ok("test".into())
    }

    fn seal(&self, _: SealContext, _: &SecretString) -> Result<Sealed, VaultError> {
        Err(VaultError::Damaged)
    }

    fn check(&self, _: &Sealed) -> Result<(), VaultError> {
        Ok(())
    }

    fn open(&self, context: SealContext, sealed: &Sealed) -> Result<SecretString, VaultError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let text = String::from_utf8(sealed.0.clone()).map_err(|_| VaultError::Damaged)?;
        let (field, value) = text.split_once(' ').ok_or(VaultError::Damaged)?;
        if field == context.field { Ok(value.to_owned().into()) } else { Err(VaultError::Damaged) }
    }
}

fn credential(key: &str, version: i64) -> Credential {
    Credential {
        trader_id: TraderId(1),
        environment: ExchangeEnvironment::Testnet,
        exchange_type: ExchangeType::Binance,
        api_key: Sealed(format!("api_key {key}").into_bytes()),
        api_secret: Sealed(format!("api_secret {SECRET}").into_bytes()),
        key_last4: "Eh8A".into(),
        fingerprint: AccountFingerprint::of_key(ExchangeEnvironment::Testnet, key),
        check: None,
        saved_at: Timestamp(0),
        version,
    }
}

#[tokio::test]
async fn an_account_is_opened_once_for_each_version_of_its_credential() {
    let vault = Arc::new(OpenVault::default());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let url = "http://127.0.0.1:9";
    let exchanges = BinanceExchanges::new(url, url, Arc::clone(&vault) as Arc<dyn Vault>, &clock).expect("loopback");
    let first = exchanges.open(&credential(KEY, 1)).await.expect("opens");
    assert_eq!(first.fingerprint(), &AccountFingerprint::of_key(ExchangeEnvironment::Testnet, KEY));
    assert_eq!(first.kind(), VenueKind::Testnet);
    assert!(Arc::ptr_eq(&first, &exchanges.open(&credential(KEY, 1)).await.expect("kept")));
    assert_eq!(vault.0.load(Ordering::SeqCst), 2, "key and secret, once");
    let replaced = exchanges.open(&credential(KEY, 2)).await.expect("opens");
    assert!(!Arc::ptr_eq(&first, &replaced));

    let mut swapped = credential(KEY, 3);
    std::mem::swap(&mut swapped.api_key, &mut swapped.api_secret);
    assert!(matches!(exchanges.open(&swapped).await, Err(ExchangeError::VaultLocked(_))));
    let mut strange = credential(KEY, 3);
    strange.fingerprint = AccountFingerprint::of_key(ExchangeEnvironment::Testnet, "other");
    assert!(matches!(exchanges.open(&strange).await, Err(ExchangeError::VaultLocked(_))));
    let error = exchanges.open(&credential("two words", 3)).await.err().expect("no key");
    assert_eq!(error.check_code(), CheckCode::BadKey);
    assert!(!error.to_string().contains("two words"), "{error}");
    assert!(exchanges.market(VenueKind::Mainnet).is_some() && exchanges.market(VenueKind::Simulation).is_none());
}
