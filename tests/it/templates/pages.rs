//! Samples of the remaining pages, and the list of all of them.

use countersign::web::view::*;

use super::truth::{reconciliation_page, unknown_page};
use super::{cycles::*, decisions::*, desk::*};

pub fn incident(id: i64, severity: Badge, title: &str, open: bool) -> IncidentRow {
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

pub fn fact(key: &str, value: &str) -> KeyValue {
    KeyValue::new(key, value)
}

pub fn costs_page() -> CostsPage {
    let row = CostRow {
        label: "2026-11-27".into(),
        calls: "2".into(),
        input: "1,024".into(),
        output: "68".into(),
        decisions: "2".into(),
        cost: "0.1600 USD".into(),
    };
    CostsPage {
        shell: shell("AI costs", Nav::Models, None),
        id: 1,
        name: "Sage <b>trend</b>".into(),
        state: Badge { text: "active".into(), tone: Tone::Good },
        advisor: "small-1".into(),
        note: "Tokens of 1 call are estimated.".into(),
        figures: vec![Figure::new("Today", "0.1600 USD", "2 calls")],
        budgets: vec![RuleRow {
            verdict: Verdict::Denied,
            name: "This UTC day".into(),
            reading: "0.1600 USD / 0.1000 USD".into(),
            used: Some(100),
            text: "It is spent.".into(),
        }],
        days: vec![row.clone()],
        months: vec![row],
    }
}

pub fn prompt_page() -> PromptPage {
    let line = |sign, text: &str| DiffLine { sign, text: text.into() };
    PromptPage {
        shell: shell("Prompt of Sage", Nav::Models, Some(Env::Testnet)),
        id: 1,
        name: "Sage".into(),
        note: "Built-in rules answer for this model, and they read no prompt.".into(),
        state: badge("its own", Tone::Good),
        is_default: false,
        version: "9f86d081884c7d65".into(),
        may_save: true,
        bytes_max: "16,384".into(),
        template: "{% block system %}\n<script>alert(1)</script>\n{% endblock %}".into(),
        error: "Nothing was saved: line 3: a name that does not exist is used: {{ <script>alert(1)</script> }}.".into(),
        preview: PromptPreview {
            error: String::new(),
            size: "About 4,321 tokens of at most 24,000, counted as three bytes each.".into(),
            cut: vec!["1h candles of each coin: the newest 24 of 48 are told".into()],
            system: "<script>alert(1)</script>".into(),
            user: "too late <img src=x>".into(),
            diff: vec![line(' ', "same"), line('-', "<b>trend"), line('+', "<script>alert(1)</script>")],
        },
        saved: vec![SavedTemplate {
            number: 1,
            version: "9f86d081884c7d65".into(),
            is_default: false,
            by: "ann".into(),
            at: minutes_ago(9),
        }],
    }
}

pub fn approve_form() -> ConfirmForm {
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

pub fn edit_form() -> ConfirmForm {
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

pub fn form_page(title: &str, form: ConfirmForm) -> FormPage<ConfirmForm> {
    FormPage {
        shell: shell(title, Nav::Inbox, Some(Env::Testnet)),
        back_url: form.cancel_url.clone(),
        back: "Back".into(),
        form,
    }
}

pub fn order_page() -> OrderPage {
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
        unknown: true,
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
        answer: r#"{"orderId":28,"status":"<script>"}"#.into(),
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

pub fn account() -> AccountPage {
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

pub fn api_docs() -> ApiDocsPage {
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

pub fn notifications() -> NotificationsPage {
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

pub fn stopped() -> StoppedPage {
    let mut shell = shell("Stopped", Nav::Other, Some(Env::Testnet));
    shell.stop = Some(StopBanner { by: "admin".into(), reason: "odd <prices>".into(), since: minutes_ago(2) });
    StoppedPage { shell, facts: vec!["3 models paused".into(), "2 open orders cancelled".into()] }
}

pub fn desk_empty() -> DeskPage {
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
pub fn pages() -> Vec<(&'static str, String)> {
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
        (
            "key-delete",
            html(&form_page(
                "Delete",
                ConfirmForm::delete_key("c5rf-t0ken", 1, "Sage", Env::Testnet, "2 orders are open."),
            )),
        ),
        (
            "arm",
            html(&form_page(
                "Arm",
                ConfirmForm::arm(
                    "c5rf-t0ken",
                    1,
                    "Sage",
                    12,
                    vec![fact("Key ending in", "…Hx7Q")],
                    "That is not its name.",
                ),
            )),
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
        ("providers", html(&super::providers::list(false))),
        ("providers-empty", html(&super::providers::list(true))),
        ("provider-new", html(&super::providers::new())),
        ("provider", html(&super::providers::page())),
        (
            "model-new",
            html(&NewModelPage {
                shell: shell("New model", Nav::Models, None),
                error: String::new(),
                groups: groups(""),
            }),
        ),
        ("prompt", html(&prompt_page())),
        ("costs", html(&costs_page())),
        ("settings", html(&settings(false))),
        ("settings-confirm", html(&settings(true))),
        ("orders", html(&orders)),
        ("order", html(&order_page())),
        ("unknown", html(&unknown_page(false))),
        ("unknown-empty", html(&unknown_page(true))),
        ("reconciliation", html(&reconciliation_page(false))),
        ("reconciliation-empty", html(&reconciliation_page(true))),
        ("incidents", html(&incidents)),
        ("notifications", html(&notifications())),
        ("account", html(&account())),
        ("cycle", html(&cycle())),
        ("cycle of a language model", html(&talked())),
        ("replay, the same", html(&replay(true))),
        ("replay, different", html(&replay(false))),
        ("conversations", html(&conversations())),
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
