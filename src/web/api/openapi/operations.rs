//! What every operation means, in the order in which it is read.

use super::document::named;
use super::operation::{Kind, Operation, Param, Reply, Shape, error, may, must, op, reply};
use super::{model_operations, provider_operations};
use crate::web::api::{
    activity, axes, books, credentials, cycle, decisions, execution, orders, overview, reasks, records, stop, whoami,
    wire,
};

const MODEL_ID: Param = may("model_id", Kind::Integer, "Only this model's.");
const BOOK: Param =
    may("book", Kind::Word(&["simulation", "testnet", "mainnet"]), "Another book than the current one.");
pub(super) const REASON: Param = may("reason", Kind::Text, "Why, for the record; 500 characters or less.");
const NOTE: Param = may("note", Kind::Text, "What was found out; 1000 characters or less.");
pub(super) const NOT_FOUND: Reply = error(404, "`not_found`");
pub(super) const INVALID: Reply = error(422, "`invalid`: every wrong field is named with its rule");
const INCIDENT_STATUS: Param =
    may("status", Kind::Word(&["open", "acknowledged", "resolved"]), "Only those that stand there.");

const DESK: &str = "Desk";
pub(super) const MODELS: &str = "Models";
const CHOICES: &str = "Environment and automation";
const KEYS: &str = "Exchange keys";
const CYCLES: &str = "Cycles";
const DECISIONS: &str = "Decisions";
const BOOKS: &str = "Books";
const ORDERS: &str = "Orders";
pub(super) const PROVIDERS: &str = "Providers";
const ATTENTION: &str = "Incidents and notifications";
const ABOUT: &str = "About the API";

/// Headings in the order in which they are read, with a sentence each.
pub const GROUPS: &[(&str, &str)] = &[
    (MODELS, "A model is an advisor with its own settings, capital and books."),
    (CHOICES, "Three independent choices. Each change cancels what waits for the model and leaves an incident."),
    (KEYS, "They go in and never come out. Saving or deleting one cancels what waits for the model."),
    (
        PROVIDERS,
        "Who answers for the models: the built-in rules, and hosts of language models. Their keys never come out.",
    ),
    (CYCLES, "Decisions sent in, or asked of the model, checked by the risk rules and routed by its automation level."),
    (DECISIONS, "What waits for a person, and the person's word on it."),
    (BOOKS, "A model has a book for each place it has traded; books are never mixed and never summed."),
    (ORDERS, "What went to a venue, and the truth about it. An unknown outcome is never called failed."),
    (ATTENTION, "What a person should know."),
    (DESK, "All models side by side, prices, and the red button."),
    (ABOUT, "This document."),
];

/// Every row of the API in the URL map, exactly once, group by group.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    [model_operations::OPERATIONS, OPERATIONS, provider_operations::OPERATIONS].into_iter().flatten()
}

const OPERATIONS: &[Operation] = &[
    op("GET", "/api/models/{id}/config", CHOICES, "Show the three choices", &[reply(200, "The choices", Shape::One(named::<axes::ConfigAnswer>)), NOT_FOUND]),
    op("GET", "/api/models/{id}/environment", CHOICES, "Show the environment", &[reply(200, "The choice", Shape::One(named::<axes::EnvironmentAnswer>)), NOT_FOUND]),
    op("POST", "/api/models/{id}/environment", CHOICES, "Choose simulation or live", &[
        reply(200, "The choice", Shape::One(named::<axes::EnvironmentAnswer>)),
        error(403, "`mainnet_disabled`, or `forbidden`: real money is let in by an administrator"),
        NOT_FOUND,
        INVALID,
    ])
    .body(&[must("environment", Kind::Word(&["simulation", "live"]), "Where orders go.")], r#"{"environment": "simulation"}"#),
    op("GET", "/api/models/{id}/automation", CHOICES, "Show the automation level", &[reply(200, "The choice", Shape::One(named::<axes::AutomationAnswer>)), NOT_FOUND]),
    op("POST", "/api/models/{id}/automation", CHOICES, "Choose the automation level", &[
        reply(200, "The choice", Shape::One(named::<axes::AutomationAnswer>)),
        NOT_FOUND,
        INVALID,
    ])
    .body(
        &[must("automation", Kind::Word(&["manual", "semi_automated", "fully_automated"]), "Shown, asked or executed.")],
        r#"{"automation": "semi_automated"}"#,
    ),
    op("GET", "/api/models/{id}/exchange/environment", CHOICES, "Show the exchange environment", &[
        reply(200, "The choice", Shape::One(named::<axes::ExchangeEnvironmentAnswer>)),
        NOT_FOUND,
    ]),
    op("POST", "/api/models/{id}/exchange/environment", CHOICES, "Choose testnet or mainnet", &[
        reply(200, "The choice", Shape::One(named::<axes::ExchangeEnvironmentAnswer>)),
        error(403, "`mainnet_disabled`, or `forbidden`: real money is let in by an administrator"),
        NOT_FOUND,
        INVALID,
    ])
    .body(
        &[must("exchange_environment", Kind::Word(&["testnet", "mainnet"]), "Used when live.")],
        r#"{"exchange_environment": "testnet"}"#,
    ),
    op("GET", "/api/models/{id}/exchange/credentials", KEYS, "Show which keys there are", &[
        reply(200, "Which, and how the last check ended", Shape::One(named::<credentials::CredentialsAnswer>)),
        NOT_FOUND,
    ]),
    op("POST", "/api/models/{id}/exchange/credentials", KEYS, "Save keys", &[
        reply(200, "Saved, sealed", Shape::One(named::<credentials::CredentialsSaved>)),
        NOT_FOUND,
        error(409, "`orders_unresolved`: orders of the model are open or unknown there"),
        error(422, "`invalid`: half a pair, a wrong length, key and secret swapped, ..."),
        error(503, "`vault_locked`"),
    ])
    .text(
        "A key and its secret are saved together; a pair that is not sent stays, and empty counts as not sent. The secret \
         is 64 letters and digits (HMAC) or an Ed25519 private key in PEM. Spaces and line breaks are removed, which \
         `warnings` says.",
    )
    .body(
        &[
            may("testnet_api_key", Kind::Text, "For testnet."),
            may("testnet_api_secret", Kind::Text, "For testnet."),
            may("api_key", Kind::Text, "For mainnet."),
            may("api_secret", Kind::Text, "For mainnet."),
            may("exchange_type", Kind::Word(&["binance"]), "Which exchange."),
        ],
        r#"{"testnet_api_key": "...", "testnet_api_secret": "..."}"#,
    ),
    op("DELETE", "/api/models/{id}/exchange/credentials", KEYS, "Delete keys", &[
        reply(200, "They are gone", Shape::One(named::<wire::Done>)),
        NOT_FOUND,
        error(409, "`orders_unresolved`: orders of the model are open or unknown there"),
        INVALID,
    ])
    .query(&[may("environment", Kind::Word(&["testnet", "mainnet"]), "Only this pair; both when it is left out.")]),
    op("POST", "/api/models/{id}/exchange/validate", KEYS, "Verify a key at the exchange", &[
        reply(200, "What was found, good or bad", Shape::One(named::<credentials::ValidateAnswer>)),
        NOT_FOUND,
        INVALID,
    ])
    .text("A signed call. A key that can withdraw or transfer is refused; on mainnet so is one of which that is not known.")
    .query(&[may("environment", Kind::Word(&["testnet", "mainnet"]), "Another than the current one.")]),
    op("POST", "/api/models/{id}/cycle", CYCLES, "Run a cycle", &[
        reply(200, "What became of each coin", Shape::One(named::<cycle::CycleRow>)),
        reply(202, "It takes longer than 30 s; ask for the cycle later", Shape::One(named::<cycle::CycleProgress>)),
        error(403, "`forbidden`: a token of scope propose must send decisions"),
        NOT_FOUND,
        error(409, "`cycle_running`, `model_paused`, `emergency_stop`, `auto_paused`, `EXCHANGE_NOT_CONFIGURED`, `cycle_abandoned`"),
        error(422, "`invalid`: the body is no set of decisions; one bad coin ends in `skipped` with `model_error`"),
        error(503, "`stale_market_data`, `market_unavailable`, `advisor_failed`"),
    ])
    .text(
        "Without decisions the model's advisor is asked. In simulation, prices in market_data stand in for the market's \
         until they are stale; in live trading they are ignored and the answer warns. Decisions from a token of scope \
         propose wait for approval on a fully automated model, unless its external_autonomy is on.",
    )
    .body(
        &[
            may("decisions", Kind::Object, "By coin: signal (required), quantity (required for entries), leverage, confidence, profit_target, stop_loss, justification; 50 coins at most."),
            may("market_data", Kind::Object, "By coin: price."),
        ],
        r#"{"decisions": {"BTC": {"signal": "buy_to_enter", "quantity": "0.001", "leverage": 1, "confidence": 0.7, "profit_target": null, "stop_loss": null, "justification": "..."}}, "market_data": {"BTC": {"price": "43250.0"}}}"#,
    ),
    op("GET", "/api/cycles/{id}", CYCLES, "Show a cycle", &[
        reply(200, "The same answer, or its status while it runs or after it failed", Shape::One(named::<cycle::CycleRow>)),
        NOT_FOUND,
    ]),
    op("POST", "/api/cycles/{id}/ask", CYCLES, "Ask another language model the same", &[
        reply(200, "What would have been decided, or why there is no answer", Shape::One(named::<reasks::ReaskRow>)),
        reply(202, "It takes longer than 30 s; look for the answer later", Shape::One(named::<reasks::ReaskRow>)),
        NOT_FOUND,
        error(409, "`no_question`, `already_asking`, `asked_too_often`, `record_damaged`"),
        error(410, "`record_removed`"),
        INVALID,
    ])
    .text("The same brief, judged by the prices, the account and the limits of that cycle. Nothing is ordered or asked for.")
    .body(
        &[
            must("provider_id", Kind::Integer, "Who is asked."),
            must("model_name", Kind::Text, "Which of its models."),
            may("template", Kind::Word(&["recorded", "current", "default"]), "In which words; those of the cycle unless another is named."),
        ],
        r#"{"provider_id": 2, "model_name": "gpt-4o-mini"}"#,
    ),
    op("GET", "/api/cycles/{id}/answers", CYCLES, "List other answers to the same question", &[
        reply(200, "The newest first", Shape::List(named::<reasks::ReaskRow>)),
        NOT_FOUND,
    ]),
    op("GET", "/api/cycles/{id}/bundle", CYCLES, "Download the record of a cycle", &[
        reply(200, "The document: everything that its decisions followed from", Shape::Other("application/json")),
        error(404, "`not_found`, or `no_record`: none was kept of this cycle"),
        error(409, "`record_damaged` or `record_unreadable`"),
        error(410, "`record_removed`: it was removed on schedule"),
    ])
    .text("As it was kept, byte for byte. `ETag` is its name: the SHA-256 of the document."),
    op("POST", "/api/cycles/{id}/replay", CYCLES, "Judge the record of a cycle again", &[
        reply(200, "Whether the same decisions follow, and where not", Shape::One(named::<records::ReplayAnswer>)),
        error(404, "`not_found`, or `no_record`: none was kept of this cycle"),
        error(409, "`nothing_judged`: there was no answer; `record_damaged` or `record_unreadable`"),
        error(410, "`record_removed`: it was removed on schedule"),
        error(503, "`not_connected`"),
    ])
    .text(
        "Offline: the recorded answer is read again and judged again by this program, with the prices, the account and the \
         limits of that moment. It changes nothing.",
    ),
    op("GET", "/api/pending-decisions", DECISIONS, "List what waits for approval", &[
        reply(200, "Decisions, newest first", Shape::List(named::<crate::web::api::decision_row::DecisionRow>)),
        NOT_FOUND,
    ])
    .query(&[MODEL_ID])
    .paged(),
    op("POST", "/api/pending-decisions/{id}/approve", DECISIONS, "Approve a decision", &[
        reply(200, "The order is final: executed, partially filled, rejected or expired", Shape::One(named::<execution::ExecutionAnswer>)),
        reply(202, "The order is under way, or its outcome is unknown", Shape::One(named::<execution::ExecutionAnswer>)),
        NOT_FOUND,
        error(409, "`already_decided`, `terms_changed`, `price_drift`, `stale_price`, `model_paused`, `emergency_stop`, `EXCHANGE_NOT_CONFIGURED`; with `decision`"),
        error(410, "`expired`; with `decision`"),
        error(422, "`risk_denied` with `rules` and `decision`, or `invalid`"),
        error(428, "`terms_required`: real money needs version and digest"),
    ])
    .text(
        "Everything is checked again on current data; waits up to 15 s for the order. After a price drift the decision is \
         a new version with a fresh quote: approving that version goes on.",
    )
    .body(
        &[
            may("version", Kind::Integer, "The version that was looked at."),
            may("digest", Kind::Text, "The digest that was looked at."),
            may("modified", Kind::Bool, "Whether there are modifications."),
            may("modifications", Kind::Object, "quantity, leverage, profit_target, stop_loss; null takes a target or stop away."),
        ],
        r#"{"version": 1, "modified": true, "modifications": {"quantity": "0.0005"}}"#,
    ),
    op("POST", "/api/pending-decisions/{id}/reject", DECISIONS, "Reject a decision", &[
        reply(200, "The decision", Shape::One(named::<decisions::DecisionDone>)),
        NOT_FOUND,
        error(409, "`already_decided`, `terms_changed`; with `decision`"),
        error(410, "`expired`; with `decision`"),
        INVALID,
    ])
    .body(&[REASON, may("version", Kind::Integer, "The version that was looked at.")], r#"{"reason": "too close to the high"}"#),
    op("GET", "/api/decision-history", DECISIONS, "List decisions", &[
        reply(200, "Decisions, newest first", Shape::List(named::<crate::web::api::decision_row::DecisionRow>)),
        NOT_FOUND,
    ])
    .query(&[MODEL_ID, may("status", Kind::Word(decisions::STATUSES), "Only these; `approved` are those ordered after an approval.")])
    .paged(),
    op("GET", "/api/decisions/{id}", DECISIONS, "Show a decision with its history", &[
        reply(200, "The decision", Shape::One(named::<decisions::DecisionDetail>)),
        NOT_FOUND,
    ]),
    op("POST", "/api/decisions/{id}/request-approval", DECISIONS, "Ask for approval of a displayed decision", &[
        reply(200, "The decision", Shape::One(named::<decisions::DecisionDone>)),
        NOT_FOUND,
        error(409, "`already_decided`, `stale_price`, `model_paused`, `emergency_stop`, `EXCHANGE_NOT_CONFIGURED`; with `decision`"),
        error(410, "`expired`; with `decision`"),
        error(422, "`risk_denied` with `rules` and `decision`"),
    ]),
    op("GET", "/api/models/{id}/portfolio", BOOKS, "Show a book", &[reply(200, "Cash, positions and the curve", Shape::One(named::<books::PortfolioAnswer>)), NOT_FOUND])
        .query(&[BOOK]),
    op("POST", "/api/models/{id}/positions/{coin}/close", BOOKS, "Close a position", &[
        reply(200, "The order is final", Shape::One(named::<execution::ExecutionAnswer>)),
        reply(202, "The order is under way, or its outcome is unknown", Shape::One(named::<execution::ExecutionAnswer>)),
        NOT_FOUND,
        error(409, "`emergency_stop`, `EXCHANGE_NOT_CONFIGURED`"),
        error(422, "`risk_denied` with `rules`: no price, dust, or being closed already"),
    ])
    .text("Everything that is held of the coin in the current book."),
    op("GET", "/api/models/{id}/trades", BOOKS, "List trades", &[reply(200, "Trades, newest first", Shape::List(named::<books::TradeAnswer>)), NOT_FOUND])
        .query(&[BOOK])
        .paged(),
    op("GET", "/api/models/{id}/risk-status", BOOKS, "Show how much of each limit is used", &[reply(200, "Rule by rule", Shape::List(named::<books::RiskStatusRow>)), NOT_FOUND])
        .query(&[BOOK]),
    op("GET", "/api/models/{id}/orders", ORDERS, "List orders", &[reply(200, "Orders, newest first", Shape::List(named::<orders::OrderRow>)), NOT_FOUND])
        .query(&[BOOK, may("status", Kind::Word(orders::STATUSES), "Only those that stand there.")])
        .paged(),
    op("GET", "/api/orders/{id}", ORDERS, "Show an order with its fills and time line", &[reply(200, "The order", Shape::One(named::<orders::OrderDetail>)), NOT_FOUND]),
    op("POST", "/api/orders/{id}/cancel", ORDERS, "Cancel what is left of an order", &[
        reply(200, "The order", Shape::One(named::<orders::OrderRow>)),
        NOT_FOUND,
        error(409, "`not_cancellable`: it is final, being sent, or unknown"),
        error(503, "`venue_unavailable`"),
    ]),
    op("POST", "/api/orders/{id}/probe", ORDERS, "Ask what became of an order", &[
        reply(200, "The order: still `unknown` unless the venue told", Shape::One(named::<orders::OrderRow>)),
        NOT_FOUND,
        error(409, "`not_unknown`: its outcome is known, or it is being sent"),
    ])
    .text("For orders whose outcome is unknown. Nothing is sent again; one \"no such order\" proves nothing."),
    op("GET", "/api/incidents", ATTENTION, "List incidents", &[reply(200, "Incidents, newest first", Shape::List(named::<activity::IncidentRow>)), NOT_FOUND])
        .query(&[MODEL_ID, INCIDENT_STATUS])
        .paged(),
    op("GET", "/api/models/{id}/incidents", ATTENTION, "List a model's incidents", &[reply(200, "Incidents, newest first", Shape::List(named::<activity::IncidentRow>)), NOT_FOUND])
        .query(&[INCIDENT_STATUS])
        .paged(),
    op("POST", "/api/incidents/{id}/acknowledge", ATTENTION, "Say that somebody has looked", &[
        reply(200, "The incident", Shape::One(named::<activity::IncidentDone>)),
        NOT_FOUND,
        error(409, "`already_moved`; with `incident`"),
        INVALID,
    ])
    .body(&[NOTE], r#"{"note": "looking into it"}"#),
    op("POST", "/api/incidents/{id}/resolve", ATTENTION, "Say that it is over", &[
        reply(200, "The incident", Shape::One(named::<activity::IncidentDone>)),
        NOT_FOUND,
        error(409, "`already_moved`; with `incident`"),
        INVALID,
    ])
    .body(&[NOTE], r#"{"note": "a typo in the settings"}"#),
    op("GET", "/api/notifications", ATTENTION, "List notifications", &[reply(200, "Notifications, newest first", Shape::List(named::<activity::NotificationRow>)), NOT_FOUND])
        .query(&[MODEL_ID, may("unread", Kind::Bool, "Only unread ones.")])
        .paged(),
    op("POST", "/api/notifications/read", ATTENTION, "Mark notifications as read", &[reply(200, "Done", Shape::One(named::<wire::Done>)), INVALID])
        .body(&[may("ids", Kind::Integers, "Which; all of them when it is left out.")], r#"{"ids": [1, 2]}"#),
    op("GET", "/api/leaderboard", DESK, "Rank the models", &[reply(200, "The best return first", Shape::List(named::<overview::LeaderboardRow>))]),
    op("GET", "/api/models/all-summary", DESK, "Sum up all models", &[reply(200, "Per model, and per venue", Shape::One(named::<overview::AllSummary>))])
        .text("Simulation, testnet and mainnet are never summed."),
    op("GET", "/api/market/prices", DESK, "Show prices", &[reply(200, "By coin", Shape::Map(named::<overview::PriceRow>))]),
    op("POST", "/api/emergency-stop-all", DESK, "Stop everything", &[
        reply(200, "What was stopped", Shape::One(named::<stop::StopAnswer>)),
        INVALID,
        error(503, "`stop_not_durable`: it holds in this process but could not be written down"),
    ])
    .text("Pauses every model, takes full automation back to asking, cancels open orders and what waits.")
    .body(&[REASON], r#"{"reason": "market gone mad"}"#),
    op("GET", "/api/whoami", ABOUT, "Find out who this session or token is", &[reply(200, "Name, role, and the token's scope", Shape::One(named::<whoami::WhoAmI>))]),
    op("GET", "/api/openapi.json", ABOUT, "This document", &[reply(200, "OpenAPI 3.1", Shape::Other("application/json"))]),
    op("GET", "/api/docs", ABOUT, "This document as a page", &[reply(200, "HTML", Shape::Other("text/html"))]),
];
