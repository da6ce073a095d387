//! Samples of the inbox, the desk, models and their settings.

use countersign::web::{show, view::*};
use rust_decimal::Decimal;

use super::decisions::*;

pub fn tab(key: &str, label: &str, count: &str, active: bool) -> Tab {
    Tab { key: key.into(), label: label.into(), count: count.into(), url: format!("/inbox?tab={key}"), active }
}

pub fn tabs(oob: bool) -> InboxTabs {
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

pub fn news(new: u64) -> InboxNews {
    InboxNews {
        poll_url: "/fragments/inbox-news?tab=pending&model=&after=42".into(),
        new,
        label: format!("{new} new"),
        reload_url: "/inbox?tab=pending".into(),
        tabs: (new > 0).then(|| tabs(true)),
    }
}

pub fn model_choices() -> Vec<Choice> {
    vec![Choice::new("", "All models", true), Choice::new("1", "Sage", false), Choice::new("2", "Drifter", false)]
}

pub fn inbox(detail: Option<TermSheet>, rows: Vec<DecisionRow>, frame: Env) -> InboxPage {
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

pub fn series(name: &str, hue: u8, change: &str, seed: i64) -> Series {
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

pub fn chart(id: &str) -> Chart {
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

pub fn model_row(id: i64, name: &str, advisor: &str, env: Env, acts: &str, running: bool) -> ModelRow {
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

pub fn model_rows() -> Vec<ModelRow> {
    vec![
        model_row(1, "Sage", "EMA cross, rules", Env::Testnet, "asks", true),
        model_row(2, "Drifter", "RSI reversion, rules", Env::Simulation, "acts", true),
        model_row(3, "Coin", "random, baseline", Env::Simulation, "shows", false),
    ]
}

pub fn need(title: &str, note: &str, value: &str, tone: Tone) -> NeedRow {
    NeedRow { title: title.into(), note: note.into(), value: value.into(), tone, url: "/decisions/42".into() }
}

pub fn desk() -> DeskPage {
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

pub fn order_rows() -> Vec<OrderRow> {
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

pub fn model_page() -> ModelPage {
    ModelPage {
        shell: shell("Sage", Nav::Models, Some(Env::Testnet)),
        id: 1,
        name: "Sage".into(),
        advisor: "EMA cross, rules and not AI".into(),
        env: Env::Testnet,
        url: "/models/1".into(),
        books: Vec::new(),
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
            liquidation: "1,570.00".into(),
            blocked: String::new(),
        }],
        positions_empty: Empty::new("No position.", ""),
        risk: rules(),
        decisions: rows()
            .into_iter()
            .map(|row| ToldDecision {
                row,
                why: HOSTILE.into(),
                facts: vec![KeyValue::new("EMA 9", HOSTILE)],
                open_facts: true,
                rules: rules(),
                rules_title: "3 rules checked, 1 against it".into(),
                open_rules: true,
            })
            .collect(),
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

pub fn groups(error: &str) -> Vec<FieldGroup> {
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

pub fn settings(confirm: bool) -> SettingsPage {
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
        credentials: super::keys::panel(confirm),
        error: "One field needs another look. Nothing was saved.".into(),
        groups: groups("Daily loss must be a number from 0.1 to 50."),
        high_water_mark: "11,152.00 USDT".into(),
        drawdown: "-3.1 %".into(),
    }
}
