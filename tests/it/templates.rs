//! Every template rendered with samples: nothing may panic, nothing may break the content security policy,
//! and text from a model stays text. `COUNTERSIGN_RENDER_DIR=dir cargo test --test it templates` also writes the pages
//! out, to be looked at.

use askama::Template;
use countersign::web::{assets, show, view::*};
use regex::Regex;
use rust_decimal::Decimal;

const NOW: i64 = 1_795_400_000_000;
const HOSTILE: &str = "Four closed hours above the 21-period average on rising volume; RSI 58 leaves room. Wrong if an hour closes below 42,000. <script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

fn d(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn minutes_ago(minutes: i64) -> When {
    show::when(NOW - minutes * 60_000, NOW)
}

fn badge(text: &str, tone: Tone) -> Badge {
    Badge { text: text.into(), tone }
}

fn topbar() -> Topbar {
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
        oob: false,
    }
}

fn shell(title: &str, nav: Nav, frame: Option<Env>) -> Shell {
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

fn closes() -> Vec<Decimal> {
    [
        42310, 42250, 42480, 42400, 42760, 42650, 42830, 42700, 42960, 42860, 43050, 42920, 43080, 42850, 42990, 43130,
        43060, 43250, 43190, 43261,
    ]
    .into_iter()
    .map(Decimal::from)
    .collect()
}

fn price_line() -> Option<PriceLine> {
    PriceLine::draw(
        &closes(),
        Some((17, d("43250"))),
        Some((d("42000"), "stop 42,000".into())),
        Some((d("45000"), "target 45,000".into())),
        "BTC over 24 hours, from 42,310 to 43,261",
        true,
    )
}

fn terms() -> Vec<Figure> {
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

fn rule(verdict: Verdict, name: &str, reading: &str, used: Option<u8>, text: &str) -> RuleRow {
    RuleRow { verdict, name: name.into(), reading: reading.into(), used, text: text.into() }
}

fn rules() -> Vec<RuleRow> {
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

fn sheet() -> TermSheet {
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

fn events() -> Vec<EventRow> {
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

fn fills() -> Vec<FillRow> {
    vec![FillRow {
        at: minutes_ago(1),
        quantity: "0.0100 BTC".into(),
        price: "43,262.00".into(),
        fee: "0.43 USDT".into(),
        liquidity: "taker".into(),
        trade_id: "10017".into(),
    }]
}

fn decided_sheet() -> TermSheet {
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

fn drifted_sheet() -> TermSheet {
    TermSheet {
        explicit: true,
        notice: Some(Notice::drift("43,250.10", "43,601.00", "+81 bps")),
        version: 2,
        ..sheet()
    }
}

fn denied_sheet() -> TermSheet {
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

fn mainnet_sheet() -> TermSheet {
    TermSheet {
        explicit: true,
        env: Env::Mainnet,
        confirm_first: true,
        notice: Some(Notice::conflict("Rejected by another operator, 12 s ago")),
        ..sheet()
    }
}

fn row(id: i64, side: Side, title: &str, model: &str, amount: &str, left_min: i64) -> DecisionRow {
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

fn rows() -> Vec<DecisionRow> {
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

fn tab(key: &str, label: &str, count: &str, active: bool) -> Tab {
    Tab { key: key.into(), label: label.into(), count: count.into(), url: format!("/inbox?tab={key}"), active }
}

fn tabs(oob: bool) -> InboxTabs {
    InboxTabs {
        tabs: vec![
            tab("pending", "Pending", "3", true),
            tab("approved", "Approved", "41", false),
            tab("rejected", "Rejected", "6", false),
            tab("expired", "Expired", "2", false),
            tab("denied", "Denied", "12", false),
            tab("displayed", "Displayed", "4", false),
            tab("all", "All", "68", false),
        ],
        oob,
    }
}

fn news(new: u64) -> InboxNews {
    InboxNews {
        poll_url: "/fragments/inbox-news?tab=pending&model=&after=42".into(),
        new,
        label: format!("{new} new"),
        reload_url: "/inbox?tab=pending".into(),
        tabs: (new > 0).then(|| tabs(true)),
    }
}

fn model_choices() -> Vec<Choice> {
    vec![Choice::new("", "All models", true), Choice::new("1", "Sage", false), Choice::new("2", "Drifter", false)]
}

fn inbox(detail: Option<TermSheet>, rows: Vec<DecisionRow>, frame: Env) -> InboxPage {
    InboxPage {
        shell: shell("Inbox", Nav::Inbox, Some(frame)),
        tabs: tabs(false),
        tab: "pending".into(),
        models: model_choices(),
        news: news(0),
        empty: Empty::new("No decisions wait.", "Sage runs next in 3:12 and will ask here.")
            .with_action("Run Sage now", "/models/1"),
        older_url: (!rows.is_empty()).then(|| "/inbox?cursor=abc".into()),
        newest_url: None,
        rows,
        detail,
    }
}

fn series(name: &str, hue: u8, change: &str, seed: i64) -> Series {
    let mut value = Decimal::ZERO;
    let mut state = seed;
    let values = (0..120)
        .map(|_| {
            state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
            value += Decimal::new(state % 101 - 48, 2);
            value.to_string()
        })
        .collect();
    Series { name: name.into(), hue, dashed: hue == 0, change: show::signed_percent(d(change), 1), values }
}

fn chart(id: &str) -> Chart {
    let day = 86_400;
    Chart {
        id: id.into(),
        title: "Return since the start".into(),
        unit: "%".into(),
        times: (0..120).map(|i| NOW / 1000 - 30 * day + i * day / 4).collect(),
        series: vec![
            series("Sage", 1, "8.1", 7),
            series("Drifter", 2, "2.4", 11),
            series("Coin", 3, "-1.9", 5),
            series("hold BTC", 0, "4.6", 3),
        ],
        rows: (0..6)
            .map(|i| ChartRow {
                at: show::minute(NOW - i * 86_400_000),
                cells: vec!["+8.10".into(), "+2.40".into(), "-1.90".into(), "+4.60".into()],
            })
            .collect(),
    }
}

fn model_row(id: i64, name: &str, advisor: &str, env: Env, acts: &str, running: bool) -> ModelRow {
    ModelRow {
        id,
        name: name.into(),
        advisor: advisor.into(),
        env,
        acts: acts.into(),
        state: if running { badge("running", Tone::Good) } else { badge("paused", Tone::Plain) },
        equity: "10,810.00".into(),
        today: show::signed(d("61.2"), 2),
        total: show::signed_percent(d("8.1"), 1),
        open: "2".into(),
        closed: "31 / 22".into(),
        drawdown: "-3.1 %".into(),
        next_run: "3:12".into(),
        next_run_iso: if running { show::rfc3339(NOW + 192_000) } else { String::new() },
        pending: u64::from(id == 1) * 3,
    }
}

fn model_rows() -> Vec<ModelRow> {
    vec![
        model_row(1, "Sage", "EMA cross, rules", Env::Testnet, "asks", true),
        model_row(2, "Drifter", "RSI reversion, rules", Env::Simulation, "acts", true),
        model_row(3, "Coin", "random, baseline", Env::Simulation, "shows", false),
    ]
}

fn need(title: &str, note: &str, value: &str, tone: Tone) -> NeedRow {
    NeedRow { title: title.into(), note: note.into(), value: value.into(), tone, url: "/decisions/42".into() }
}

fn desk() -> DeskPage {
    DeskPage {
        shell: shell("Desk", Nav::Desk, Some(Env::Testnet)),
        subtitle: "three models, the last 30 days".into(),
        health: vec![
            HealthItem { label: "Market".into(), text: "2 s old, synthetic".into(), ok: true },
            HealthItem { label: "Workers".into(), text: "4 of 4 run".into(), ok: true },
            HealthItem { label: "Exchange".into(), text: "no answer for 40 s".into(), ok: false },
        ],
        books: vec![
            BookToday {
                env: Env::Simulation,
                equity: "20,050.00 USDT".into(),
                today: show::signed(d("23"), 2),
                note: "2 models, 1 position".into(),
            },
            BookToday {
                env: Env::Testnet,
                equity: "10,810.00 USDT".into(),
                today: show::signed(d("-61.2"), 2),
                note: "1 model, 2 positions".into(),
            },
        ],
        equity: Some(chart("equity")),
        equity_empty: Empty::new("", ""),
        needs: vec![
            need("Buy 0.0100 BTC", "Sage · expires in 41 min", "432.61", Tone::Plain),
            need("Close 1.20 ETH", "Sage · 52 min", "2,871.96", Tone::Plain),
            need("Market data is stale", "since 40 s · new entries wait", "look", Tone::Wait),
        ],
        needs_empty: Empty::new("Nothing needs you.", "Sage runs next in 3:12."),
        models: model_rows(),
        models_empty: Empty::new("No model yet.", ""),
        latest: {
            let mut rows = rows();
            rows[1].expires = None;
            rows[1].state = Some(badge("filled", Tone::Good));
            rows
        },
    }
}

fn order_rows() -> Vec<OrderRow> {
    let order = |id, side, title: &str, filled: &str, state, can_cancel| OrderRow {
        id,
        at: minutes_ago(12),
        env: Env::Testnet,
        model: "Sage".into(),
        side,
        title: title.into(),
        style: "market".into(),
        filled: filled.into(),
        price: "43,262.00".into(),
        cause: "decision".into(),
        state,
        can_cancel,
    };
    vec![
        order(7, Side::Buy, "Buy 0.0100 BTC", "60 %", badge("partly filled", Tone::Wait), true),
        order(6, Side::Sell, "Sell 1.20 ETH", "100 %", badge("filled", Tone::Good), false),
        order(5, Side::Buy, "Buy 180 DOGE", "0 %", badge("unknown, asking", Tone::Wait), false),
        order(4, Side::Buy, "Buy 9 SOL", "0 %", badge("rejected", Tone::Bad), false),
    ]
}

fn model_page() -> ModelPage {
    ModelPage {
        shell: shell("Sage", Nav::Models, Some(Env::Testnet)),
        id: 1,
        name: "Sage".into(),
        advisor: "EMA cross, rules and not AI".into(),
        env: Env::Testnet,
        automation: "semi-automated".into(),
        state: badge("running", Tone::Good),
        state_note: String::new(),
        next_run: "next run in".into(),
        next_run_iso: show::rfc3339(NOW + 192_000),
        running: true,
        deleted: false,
        run_blocked: String::new(),
        live_note: "Cannot go live as configured: its leverage is 3, and spot has none.".into(),
        figures: vec![
            Figure::new("Equity", "10,810.00 USDT", "started with 10,000.00"),
            Figure::money("Today", show::signed_money(d("61.2"), 2, "USDT"), "since 00:00 UTC"),
            Figure::money("Realised", show::signed_money(d("512.4"), 2, "USDT"), "53 closed trades"),
            Figure::money("Drawdown", show::signed_percent(d("-3.1"), 1), "limit 15 %"),
        ],
        equity: Some(chart("equity")),
        equity_empty: Empty::new("", ""),
        positions: vec![PositionRow {
            coin: "ETH".into(),
            side: "long x 3".into(),
            quantity: "1.20 ETH".into(),
            entry: "2,340.10".into(),
            now: "2,393.30".into(),
            pnl: show::signed(d("63.84"), 2),
            stop: "2,300.00".into(),
            target: "2,500.00".into(),
            blocked: String::new(),
        }],
        positions_empty: Empty::new("No position.", ""),
        risk: rules(),
        decisions: rows(),
        decisions_empty: Empty::new("No decision yet.", ""),
        orders: order_rows(),
        trades: vec![TradeRow {
            at: minutes_ago(12),
            side: Side::Sell,
            coin: "ETH".into(),
            quantity: "1.20 ETH".into(),
            price: "2,393.30".into(),
            fee: "2.87 USDT".into(),
            pnl: show::signed(d("-12.4"), 2),
            order_id: Some(6),
        }],
        conversations: vec![ConversationRow {
            at: minutes_ago(18),
            cycle_id: 9,
            outcome: "2 decisions, 1 denied".into(),
            asked: "Six coins, 200 hourly candles".into(),
            answered: HOSTILE.into(),
        }],
    }
}

fn groups(error: &str) -> Vec<FieldGroup> {
    vec![
        FieldGroup {
            title: "Limits".into(),
            note: "Checked when it proposes, when you approve, and when an order is sent.".into(),
            fields: vec![
                Field::new("max_position_size_pct", "Largest position", FieldKind::Number, "10")
                    .unit("%")
                    .range("1 to 100")
                    .help("Of equity, in one coin."),
                Field::new("max_daily_loss_pct", "Daily loss", FieldKind::Number, "<99>")
                    .unit("%")
                    .range("0.1 to 50")
                    .error(error),
                Field::new("order_style", "Order style", FieldKind::Select, "market").choices(vec![
                    Choice::new("market", "Market", true),
                    Choice::new("protected", "Protected: never worse than approved", false),
                ]),
                Field::new("auto_pause_enabled", "Pause itself after a losing streak", FieldKind::Bool, "true")
                    .help("Falls back to asking."),
            ],
        },
        FieldGroup {
            title: "What it trades".into(),
            note: String::new(),
            fields: vec![
                Field::new("supported_assets", "Coins", FieldKind::Assets, "").choices(
                    ["BTC", "ETH", "SOL", "BNB", "XRP", "DOGE"]
                        .iter()
                        .map(|c| Choice::new(*c, *c, *c != "XRP"))
                        .collect(),
                ),
                Field::new("ai_strategy", "Strategy in words", FieldKind::Area, "Trade <b>trends</b>."),
            ],
        },
    ]
}

fn settings(confirm: bool) -> SettingsPage {
    SettingsPage {
        shell: shell("Settings of Sage", Nav::Models, Some(Env::Testnet)),
        id: 1,
        name: "Sage".into(),
        axes: AxisPanel {
            csrf: "c5rf-t0ken".into(),
            model: "Sage".into(),
            axes: vec![
                Axis::environment(
                    1,
                    "live",
                    "Missing before it can trade live: a testnet key. Until then every live order is refused.",
                ),
                Axis::automation(1, "semi_automated"),
                Axis::exchange(1, "testnet", "not armed on this installation"),
            ],
            confirm: confirm.then(|| AxisPanel::confirm_full("c5rf-t0ken", 1, "Sage")),
            done: String::new(),
            error: String::new(),
        },
        error: "One field needs another look. Nothing was saved.".into(),
        groups: groups("Daily loss must be a number from 0.1 to 50."),
        high_water_mark: "11,152.00 USDT".into(),
        drawdown: "-3.1 %".into(),
    }
}

fn incident(id: i64, severity: Badge, title: &str, open: bool) -> IncidentRow {
    IncidentRow {
        csrf: "c5rf-t0ken".into(),
        id,
        severity,
        kind: "STALE_MARKET_DATA".into(),
        title: title.into(),
        body: "The last price of BTC is 131 s old, limit 120 s. No trade was made on it.".into(),
        model: Some((1, "Sage".into())),
        count: "7 times".into(),
        first: minutes_ago(30),
        last: minutes_ago(2),
        state: if open { badge("open", Tone::Wait) } else { badge("resolved", Tone::Plain) },
        handled: if open { String::new() } else { "Resolved by admin: prices are back".into() },
        can_acknowledge: open,
        can_resolve: open,
    }
}

fn fact(key: &str, value: &str) -> KeyValue {
    KeyValue::new(key, value)
}

fn approve_form() -> ConfirmForm {
    ConfirmForm::approve(
        "c5rf-t0ken",
        42,
        1,
        "7f3a90c1".repeat(8),
        Env::Mainnet,
        "buy 0.0100 BTC",
        vec![
            fact("Worst price", "43,466.25"),
            fact("You pay", "432.61 USDT"),
            fact("Loss at stop", "-12.61 USDT"),
            fact("Terms", "7f3a 90c1 … c21e"),
        ],
    )
}

fn edit_form() -> ConfirmForm {
    ConfirmForm::edit(
        "c5rf-t0ken",
        42,
        1,
        Env::Testnet,
        "buy 0.0100 BTC",
        vec![
            Field::new("quantity", "Quantity", FieldKind::Number, "1e5")
                .unit("BTC")
                .error("Quantity must be plain digits, without an exponent."),
            Field::new("leverage", "Leverage", FieldKind::Number, "1").unit("x").range("1 to 1"),
            Field::new("stop_loss", "Stop", FieldKind::Number, "42000").unit("USDT"),
            Field::new("profit_target", "Target", FieldKind::Number, "45000").unit("USDT"),
        ],
        "",
    )
}

fn form_page(title: &str, form: ConfirmForm) -> FormPage<ConfirmForm> {
    FormPage {
        shell: shell(title, Nav::Inbox, Some(Env::Testnet)),
        back_url: form.cancel_url.clone(),
        back: "Back".into(),
        form,
    }
}

fn order_page() -> OrderPage {
    OrderPage {
        shell: shell("Order 7", Nav::Orders, Some(Env::Testnet)),
        id: 7,
        env: Env::Testnet,
        side: Side::Buy,
        title: "Buy 0.0100 BTC".into(),
        model_id: 1,
        model: "Sage".into(),
        decision_id: Some(42),
        state: badge("unknown", Tone::Wait),
        state_note: "The reply was lost. The exchange is being asked; nothing is sent again.".into(),
        at: minutes_ago(3),
        filled: "60 % filled".into(),
        filled_pct: 60,
        facts: vec![
            fact("Client order id", "cs-0193f0a2-1"),
            fact("Style", "market"),
            fact("Average price", "43,262.00"),
        ],
        can_cancel: true,
        events: events(),
        attempts: vec![AttemptRow {
            number: "1".into(),
            at: minutes_ago(3),
            result: badge("no reply", Tone::Wait),
            note: "timeout after 15 s".into(),
        }],
        fills: fills(),
        ledger: vec![LedgerRow {
            at: minutes_ago(1),
            account: "position BTC".into(),
            debit: "432.62".into(),
            credit: String::new(),
            memo: "trade 10017".into(),
        }],
    }
}

fn account() -> AccountPage {
    AccountPage {
        shell: shell("Account", Nav::Account, None),
        error: String::new(),
        fields: AccountPage::password_fields(["", "", "The two passwords differ."]),
        sessions: vec![SessionRow {
            agent: "Chromium on Linux".into(),
            address: "127.0.0.1".into(),
            since: minutes_ago(90),
            seen: minutes_ago(0),
            current: true,
        }],
        tokens: vec![TokenRow { label: "bot".into(), scope: "propose".into(), created: minutes_ago(9000), used: None }],
    }
}

fn cycle() -> CyclePage {
    CyclePage {
        shell: shell("Cycle 9", Nav::Models, Some(Env::Testnet)),
        id: 9,
        model_id: 1,
        model: "Sage".into(),
        env: Env::Testnet,
        automation: "semi-automated".into(),
        state: badge("done", Tone::Good),
        at: minutes_ago(18),
        figures: vec![
            Figure::new("Took", "8 ms", "one commit"),
            Figure::new("Asked by", "schedule", ""),
            Figure::new("Decisions", "2", "1 denied"),
        ],
        warnings: vec!["The market data sent along was ignored: this model trades live.".into()],
        prices: vec![fact("BTC", "43,250.10, 2 s old")],
        asked: "Six coins".into(),
        answered: HOSTILE.into(),
        decisions: rows(),
    }
}

fn api_docs() -> ApiDocsPage {
    ApiDocsPage {
        shell: shell("API", Nav::Other, None),
        version: "0.1.0".into(),
        intro: vec!["JSON under /api. Money, prices and quantities are strings.".into()],
        groups: vec![ApiGroup {
            anchor: "decisions".into(),
            title: "Decisions".into(),
            text: "What models propose.".into(),
            operations: vec![ApiOperation {
                anchor: "approve".into(),
                method: "POST".into(),
                path: "/api/pending-decisions/{id}/approve".into(),
                summary: "Approve a decision".into(),
                text: "Waits up to 15 s for a final order.".into(),
                auth: "session with X-CSRF-Token, or bearer token with scope operate".into(),
                params: vec![ApiParam {
                    name: "version".into(),
                    place: "body".into(),
                    kind: "integer".into(),
                    required: false,
                    text: "The version looked at.".into(),
                }],
                request: "{\"version\": 1}".into(),
                responses: vec![ApiResponse {
                    status: "200".into(),
                    text: "Executed".into(),
                    example: "{\"success\": true}".into(),
                }],
            }],
        }],
    }
}

fn notifications() -> NotificationsPage {
    let note = |id, kind, title: &str, unread| NotificationRow {
        id,
        kind,
        title: title.into(),
        body: "Sage asks: position 4.3 % of equity.".into(),
        url: "/decisions/42".into(),
        at: minutes_ago(id),
        unread,
    };
    NotificationsPage {
        shell: shell("Notifications", Nav::Notifications, Some(Env::Testnet)),
        rows: vec![
            note(2, badge("Decision waits", Tone::Wait), "Buy 0.0100 BTC", true),
            note(9, badge("Trade executed", Tone::Good), "BUY 0.001 BTC", false),
        ],
        any_unread: true,
        empty: Empty::new("Nothing yet.", ""),
        older_url: None,
    }
}

fn stopped() -> StoppedPage {
    let mut shell = shell("Stopped", Nav::Other, Some(Env::Testnet));
    shell.stop = Some(StopBanner { by: "admin".into(), reason: "odd <prices>".into(), since: minutes_ago(2) });
    StoppedPage { shell, facts: vec!["3 models paused".into(), "2 open orders cancelled".into()] }
}

fn desk_empty() -> DeskPage {
    let mut page = desk();
    page.shell.frame = Some(Env::Simulation);
    page.shell.topbar.verified = false;
    page.shell.topbar.pending = 0;
    page.shell.toasts = vec![Toast { text: "Welcome. This desk is set up.".into(), tone: Tone::Good }];
    page.equity = None;
    page.equity_empty = Empty::new("No equity yet.", "The first point appears after the first cycle.");
    page.needs.clear();
    page.models.clear();
    page.models_empty = Empty::new(
        "No model yet.",
        "A model watches the market and proposes trades. It starts in simulation and only shows.",
    )
    .with_action("Create the first model", "/models/new");
    page.latest.clear();
    page.books.clear();
    page
}

/// Every page and fragment, by name.
fn pages() -> Vec<(&'static str, String)> {
    let html = |page: &dyn askama::DynTemplate| page.dyn_render().expect("a template renders");
    let mainnet = inbox(Some(mainnet_sheet()), rows(), Env::Mainnet);
    let orders = OrdersPage {
        shell: shell("Orders", Nav::Orders, Some(Env::Testnet)),
        tabs: vec![
            tab("all", "All", "48", true),
            tab("open", "Open", "2", false),
            tab("unknown", "Unknown", "1", false),
        ],
        status: "all".into(),
        models: model_choices(),
        rows: order_rows(),
        empty: Empty::new("No order yet.", ""),
        older_url: Some("/orders?cursor=x".into()),
    };
    let incidents = IncidentsPage {
        shell: shell("Incidents", Nav::Incidents, Some(Env::Testnet)),
        tabs: vec![tab("open", "Open", "2", true), tab("all", "All", "9", false)],
        rows: vec![
            incident(3, badge("critical", Tone::Bad), "Reconciliation found 0.2 BTC more than expected", true),
            incident(2, badge("high", Tone::Wait), "Market data is stale", true),
            incident(1, badge("low", Tone::Plain), "Automation lowered to manual", false),
        ],
        empty: Empty::new("No open incident.", "You will be told in the bell."),
        older_url: None,
    };
    let update = DecisionUpdate {
        detail: decided_sheet(),
        row: DecisionRow {
            oob: true,
            expires: None,
            state: Some(badge("filled", Tone::Good)),
            ..row(42, Side::Buy, "Buy 0.0100 BTC", "Sage", "432.61", 1)
        },
        tabs: tabs(true),
        pending: 2,
        toasts: vec![Toast { text: "Order accepted. Filled 60 %.".into(), tone: Tone::Plain }],
    };
    let stop_form = ConfirmForm::stop(
        "c5rf-t0ken",
        vec![fact("Models", "3 running"), fact("Open orders", "2"), fact("Waiting decisions", "3")],
        "",
    );
    vec![
        ("inbox", html(&inbox(Some(sheet()), rows(), Env::Testnet))),
        ("inbox-empty", html(&inbox(None, Vec::new(), Env::Simulation))),
        ("decision", html(&inbox(Some(TermSheet { explicit: true, ..sheet() }), rows(), Env::Testnet))),
        ("decision-filled", html(&inbox(Some(decided_sheet()), rows(), Env::Testnet))),
        ("decision-drift", html(&inbox(Some(drifted_sheet()), rows(), Env::Simulation))),
        ("decision-denied", html(&inbox(Some(denied_sheet()), rows(), Env::Testnet))),
        ("decision-mainnet", html(&mainnet)),
        ("fragment-update", html(&update)),
        ("fragment-news", html(&news(3))),
        ("fragment-topbar", html(&Topbar { oob: true, ..topbar() })),
        ("fragment-toasts", html(&Toasts { toasts: vec![Toast { text: "Saved.".into(), tone: Tone::Good }] })),
        ("approve", html(&form_page("Approve", approve_form()))),
        ("edit", html(&form_page("Edit", edit_form()))),
        (
            "reject",
            html(&form_page(
                "Reject",
                ConfirmForm::reject("c5rf-t0ken", 42, 1, Env::Testnet, "buy 0.0100 BTC", "", ""),
            )),
        ),
        (
            "close",
            html(&form_page(
                "Close",
                ConfirmForm::close_position(
                    "c5rf-t0ken",
                    1,
                    "ETH",
                    Env::Testnet,
                    "1.20 ETH",
                    vec![fact("Now", "2,393.30")],
                ),
            )),
        ),
        (
            "delete",
            html(&form_page("Delete", ConfirmForm::delete_model("c5rf-t0ken", 1, "Sage", "That is not its name."))),
        ),
        ("stop", html(&form_page("Stop", stop_form))),
        ("stopped", html(&stopped())),
        ("desk", html(&desk())),
        ("desk-empty", html(&desk_empty())),
        (
            "models",
            html(&ModelsPage {
                shell: shell("Models", Nav::Models, Some(Env::Testnet)),
                models: model_rows(),
                empty: Empty::new("No model yet.", ""),
            }),
        ),
        ("model", html(&model_page())),
        (
            "model-new",
            html(&NewModelPage {
                shell: shell("New model", Nav::Models, None),
                error: String::new(),
                groups: groups(""),
            }),
        ),
        ("settings", html(&settings(false))),
        ("settings-confirm", html(&settings(true))),
        ("orders", html(&orders)),
        ("order", html(&order_page())),
        ("incidents", html(&incidents)),
        ("notifications", html(&notifications())),
        ("account", html(&account())),
        ("cycle", html(&cycle())),
        ("api-docs", html(&api_docs())),
        (
            "login",
            html(&LoginPage {
                csrf: "c5rf-t0ken".into(),
                theme: Theme::Auto,
                error: "User name or password is wrong.".into(),
                note: String::new(),
                username: "admin".into(),
                next: "/inbox".into(),
            }),
        ),
        (
            "setup",
            html(&SetupPage {
                csrf: "c5rf-t0ken".into(),
                theme: Theme::Auto,
                error: String::new(),
                fields: SetupPage::fields("", ["", "", "", ""]),
            }),
        ),
        ("error-404", html(&ErrorPage::for_status(404, Theme::Auto, "0193f0a2"))),
        ("error-500", html(&ErrorPage::for_status(500, Theme::Auto, "0193f0a2"))),
    ]
}

#[test]
fn every_page_renders_and_nothing_in_it_needs_an_inline_script_or_style() {
    let forbidden = Regex::new(r#"(?i)\sstyle=|\son[a-z]+="|<style|javascript:|hx-on|<script>"#).expect("a pattern");
    for (name, html) in pages() {
        let found = forbidden.find(&html).map(|found| found.as_str());
        assert_eq!(found, None, "{name}");
    }
}

#[test]
fn text_from_a_model_stays_text_on_every_page() {
    for (name, html) in pages() {
        assert!(
            !html.contains("<script>alert") && !html.contains("<img src=x") && !html.contains("<b>trend"),
            "{name}"
        );
    }
}

#[test]
fn every_form_that_posts_carries_the_csrf_token_and_every_layout_gives_it_to_htmx() {
    let form = Regex::new(r#"(?s)<form[^>]*method="post".*?</form>"#).expect("a pattern");
    for (name, html) in pages() {
        for found in form.find_iter(&html) {
            assert!(found.as_str().contains(r#"name="csrf_token" value="c5rf-t0ken""#), "{name}: {}", found.as_str());
        }
        if html.contains("htmx.js") {
            assert!(html.contains(r#"hx-headers='{"X-CSRF-Token":"c5rf-t0ken"}'"#), "{name}");
        }
    }
}

#[test]
fn every_htmx_action_also_works_without_javascript() {
    let tag = Regex::new(r"<(a|form)\b[^>]*\bhx-(?:get|post)=[^>]*>").expect("a pattern");
    for (name, html) in pages() {
        for found in tag.find_iter(&html) {
            assert!(
                found.as_str().contains(" href=") || found.as_str().contains(" action="),
                "{name}: {}",
                found.as_str()
            );
        }
    }
}

#[test]
fn ids_are_unique_on_a_page_and_every_label_has_its_control() {
    let id = Regex::new(r#"\sid="([^"]+)""#).expect("a pattern");
    let label = Regex::new(r#"<label[^>]*\sfor="([^"]+)""#).expect("a pattern");
    for (name, html) in pages() {
        let mut seen = std::collections::HashSet::new();
        for found in id.captures_iter(&html) {
            assert!(seen.insert(found[1].to_owned()), "{name}: {} twice", &found[1]);
        }
        for found in label.captures_iter(&html) {
            assert!(seen.contains(&found[1]), "{name}: no control {}", &found[1]);
        }
    }
}

#[test]
fn a_password_is_never_rendered_back() {
    let field = Field::new("password", "Password", FieldKind::Password, "hunter2-hunter2");
    assert!(!field.render().expect("it renders").contains("hunter2"));
}

#[test]
fn real_money_is_said_in_the_title_and_by_the_frame() {
    let html = inbox(Some(mainnet_sheet()), rows(), Env::Mainnet).render().expect("it renders");
    assert!(html.contains("REAL MONEY</title>") && html.contains(r#"data-frame="mainnet""#));
}

#[test]
fn no_number_shows_before_the_first_verified_read() {
    let html = Topbar { verified: false, ..topbar() }.render().expect("it renders");
    assert!(!html.contains("84.20"));
}

#[test]
fn the_first_view_of_the_inbox_weighs_less_than_sixty_kilobytes_compressed() {
    let weigh = |bytes: &[u8]| {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).expect("memory takes it");
        encoder.finish().expect("memory takes it").len()
    };
    let many = (0..50).map(|id| row(id + 100, Side::Buy, "Buy 0.0100 BTC", "Sage", "432.61", 41)).collect();
    let html = inbox(Some(sheet()), many, Env::Testnet).render().expect("it renders");
    let assets: usize = ["app.css", "app.js", "htmx.js", "icon.svg"]
        .iter()
        .map(|name| weigh(assets::bytes(name).expect("an asset")))
        .sum();
    let total = assets + weigh(html.as_bytes());
    assert!(total < 60_000, "{total} bytes");
    assert!(!html.contains("uplot"), "charts are loaded only where there are charts");
}

#[test]
fn vendored_files_are_byte_for_byte_what_the_manifest_says() {
    use sha2::{Digest, Sha384};
    let manifest = include_str!("../../static/VENDORED.md");
    for name in ["htmx.js", "uplot.js", "uplot.css"] {
        let digest = Sha384::digest(assets::bytes(name).expect("an asset"));
        let line = manifest.lines().find(|line| line.contains(&base64(&digest)));
        assert!(line.is_some(), "{name} is not what the manifest says");
    }
}

/// Base64, written here because nothing else in the project needs it.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = (u32::from(chunk[0]) << 16)
            | (u32::from(*chunk.get(1).unwrap_or(&0)) << 8)
            | u32::from(*chunk.get(2).unwrap_or(&0));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place)) as usize & 63] as char;
            out.push(if place > chunk.len() { '=' } else { letter });
        }
    }
    out
}

/// Writes pages and assets where `COUNTERSIGN_RENDER_DIR` says, for looking at them; does nothing without it.
#[test]
fn every_page_can_be_written_out_to_be_looked_at() {
    let Ok(dir) = std::env::var("COUNTERSIGN_RENDER_DIR") else { return };
    let dir = std::path::Path::new(&dir);
    for (name, html) in pages() {
        std::fs::write(dir.join(format!("{name}.html")), html).expect("a page is written");
    }
    for name in ["app.css", "app.js", "chart.js", "htmx.js", "uplot.js", "uplot.css", "icon.svg"] {
        let path = dir.join(assets::asset(name).trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a directory is made");
        std::fs::write(path, assets::bytes(name).expect("an asset")).expect("an asset is written");
    }
}
