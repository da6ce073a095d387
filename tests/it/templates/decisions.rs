//! Samples of decisions: term sheets, rows, forms.

use countersign::web::{show, view::*};
use rust_decimal::Decimal;

pub const NOW: i64 = 1_795_400_000_000;
pub const HOSTILE: &str = "Four closed hours above the 21-period average on rising volume; RSI 58 leaves room. Wrong if an hour closes below 42,000. <script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

pub fn d(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

pub fn minutes_ago(minutes: i64) -> When {
    show::when(NOW - minutes * 60_000, NOW)
}

pub fn badge(text: &str, tone: Tone) -> Badge {
    Badge { text: text.into(), tone }
}

pub fn topbar() -> Topbar {
    Topbar {
        verified: true,
        market: "market 2 s".into(),
        market_ok: true,
        market_simulated: true,
        exchange: "exchange ok".into(),
        exchange_ok: true,
        workers: "workers ok".into(),
        workers_ok: true,
        equity_today: show::signed(d("84.2"), 2),
        pending: 3,
        unread: 2,
        unknown: 1,
        oob: false,
    }
}

pub fn shell(title: &str, nav: Nav, frame: Option<Env>) -> Shell {
    Shell {
        title: title.into(),
        nav,
        operator: "admin".into(),
        csrf: "c5rf-t0ken".into(),
        theme: Theme::Auto,
        frame,
        topbar: topbar(),
        stop: None,
        toasts: Vec::new(),
    }
}

pub fn closes() -> Vec<Decimal> {
    [
        42310, 42250, 42480, 42400, 42760, 42650, 42830, 42700, 42960, 42860, 43050, 42920, 43080, 42850, 42990, 43130,
        43060, 43250, 43190, 43261,
    ]
    .into_iter()
    .map(Decimal::from)
    .collect()
}

pub fn price_line() -> Option<PriceLine> {
    PriceLine::draw(
        &closes(),
        Some((17, d("43250"))),
        Some((d("42000"), "stop 42,000".into())),
        Some((d("45000"), "target 45,000".into())),
        "BTC over 24 hours, from 42,310 to 43,261",
        true,
    )
}

pub fn terms() -> Vec<Figure> {
    Terms {
        coin: "BTC".into(),
        quantity: "0.0100 BTC".into(),
        notional: "432.61 USDT".into(),
        worst_price: "43,466.25".into(),
        worst_note: "hard cap, +50 bps".into(),
        price_asked: "43,250.10".into(),
        price_now: "43,261.10".into(),
        drift: show::signed_bps(d("2.5"), "since asked"),
        pay_label: "You pay".into(),
        pay: "432.61 USDT".into(),
        fee: "fee about 0.43".into(),
        loss_at_stop: Some(show::signed_money(d("-12.61"), 2, "USDT")),
        stop_note: "stop 42,000, target 45,000".into(),
        exposure: "0.0 → 4.3 %".into(),
        exposure_note: "limit 10 %".into(),
        cash: "100.0 → 95.7 %".into(),
        cash_note: "reserve 20 %".into(),
        budget: "300.00 USDT".into(),
        budget_note: "of a 3 % daily loss".into(),
        confidence: "0.72".into(),
        confidence_note: "of 1".into(),
    }
    .figures()
}

pub fn rule(verdict: Verdict, name: &str, reading: &str, used: Option<u8>, text: &str) -> RuleRow {
    RuleRow { verdict, name: name.into(), reading: reading.into(), used, text: text.into() }
}

pub fn rules() -> Vec<RuleRow> {
    vec![
        rule(
            Verdict::Ok,
            "Position size",
            "4.3 / 10 %",
            Some(43),
            "4.3 % of equity in BTC after this trade, limit 10 %",
        ),
        rule(Verdict::Ok, "Daily loss", "0.0 / 3 %", Some(1), ""),
        rule(Verdict::Ok, "Trades today", "3 / 20", Some(15), ""),
        rule(Verdict::Ok, "Cash reserve", "95.7 ≥ 20 %", Some(21), ""),
        rule(Verdict::Skipped, "Short selling", "–", None, "Not a short"),
    ]
}

pub fn sheet() -> TermSheet {
    TermSheet {
        csrf: "c5rf-t0ken".into(),
        id: 42,
        version: 1,
        digest: "7f3a90c1".repeat(8),
        digest_short: "7f3a 90c1 … c21e".into(),
        explicit: false,
        back_url: "/inbox".into(),
        env: Env::Testnet,
        side: Side::Buy,
        title: "Buy 0.0100 BTC".into(),
        model_id: 1,
        model: "Sage".into(),
        automation: "semi-automated".into(),
        cycle_id: Some(9),
        state: badge("waits for you", Tone::Wait),
        asked: minutes_ago(18),
        expires: Some(show::countdown(NOW + 2_472_000, NOW)),
        notice: None,
        terms: terms(),
        line: price_line(),
        rules_title: "Rules checked just now".into(),
        rules: rules(),
        why: HOSTILE.into(),
        explanation: vec![KeyValue::new("EMA 9 against 21", "43,180.20 over 42,961.75"), KeyValue::new("Regime", "<b>trend</b> up")],
        fold_explanation: false,
        fold_rules: false,
        on_approve: "One market order over 0.0100 BTC, never above 43,466.25. A stop at 42,000 and a target at 45,000 are watched from the first fill.".into(),
        outcome: None,
        events: events(),
        can_decide: true,
        can_request: false,
        action_noun: "buy 0.0100 BTC".into(),
        confirm_first: false,
        blocked: String::new(),
        follow_order: false,
    }
}

pub fn events() -> Vec<EventRow> {
    vec![
        EventRow { at: minutes_ago(18), who: "Sage".into(), what: "proposed it".into(), note: String::new() },
        EventRow {
            at: minutes_ago(17),
            who: "countersign".into(),
            what: "checked 8 rules and asked".into(),
            note: "version 1".into(),
        },
    ]
}

pub fn fills() -> Vec<FillRow> {
    vec![FillRow {
        at: minutes_ago(1),
        quantity: "0.0100 BTC".into(),
        price: "43,262.00".into(),
        fee: "0.43 USDT".into(),
        liquidity: "taker".into(),
        trade_id: "10017".into(),
    }]
}

pub fn decided_sheet() -> TermSheet {
    TermSheet {
        explicit: true,
        state: badge("filled", Tone::Good),
        expires: None,
        can_decide: false,
        on_approve: String::new(),
        rules_title: "Rules checked at approval".into(),
        outcome: Some(Outcome {
            text: "Filled 0.0100 BTC at 43,262.00".into(),
            tone: Tone::Good,
            order_id: Some(7),
            fills: fills(),
        }),
        ..sheet()
    }
}

pub fn drifted_sheet() -> TermSheet {
    TermSheet {
        explicit: true,
        notice: Some(Notice::drift("43,250.10", "43,601.00", "+81 bps")),
        version: 2,
        ..sheet()
    }
}

pub fn denied_sheet() -> TermSheet {
    let mut rules = rules();
    rules[0] = rule(
        Verdict::Denied,
        "Position size",
        "12.6 / 10 %",
        Some(100),
        "12.6 % of equity in BTC after this trade, limit 10 %. The largest quantity that fits is 0.0079 BTC.",
    );
    TermSheet {
        explicit: true,
        notice: Some(Notice::denied(vec!["Position size: 12.6 % of equity, limit 10 %".into()])),
        rules,
        state: badge("denied", Tone::Bad),
        can_decide: false,
        expires: None,
        ..sheet()
    }
}

pub fn mainnet_sheet() -> TermSheet {
    TermSheet {
        explicit: true,
        env: Env::Mainnet,
        confirm_first: true,
        notice: Some(Notice::conflict("Rejected by another operator, 12 s ago")),
        ..sheet()
    }
}

pub fn row(id: i64, side: Side, title: &str, model: &str, amount: &str, left_min: i64) -> DecisionRow {
    DecisionRow {
        id,
        env: if model == "Sage" { Env::Testnet } else { Env::Simulation },
        side,
        title: title.into(),
        model: model.into(),
        amount: amount.into(),
        note: String::new(),
        drift: None,
        expires: Some(show::countdown(NOW + left_min * 60_000 + 12_000, NOW)),
        state: None,
        at: minutes_ago(18),
        selected: false,
        oob: false,
    }
}

pub fn rows() -> Vec<DecisionRow> {
    let mut first = row(42, Side::Buy, "Buy 0.0100 BTC", "Sage", "432.61", 41);
    first.selected = true;
    first.drift = Some(show::signed_bps(d("2.5"), ""));
    let mut second = row(41, Side::Close, "Close 1.20 ETH", "Sage", "2,871.96", 52);
    second.note = "stop is near".into();
    let mut third = row(40, Side::Sell, "Sell short 180 DOGE", "Drifter with a rather long name", "24.48", 3);
    third.note = "will ask again".into();
    third.drift = Some(show::signed_bps(d("-61"), ""));
    vec![first, second, third]
}
