//! What every operation means, in the order in which it is read.

use super::document::named;
use super::operation::{Kind, Operation, Param, Reply, Shape, error, may, must, op, reply};
use crate::web::api::{
    activity, ai_costs, axes, books, credentials, cycle, decisions, execution, models, orders, overview, prompt,
    providers, reasks, records, shadows, stop, whoami, wire,
};

const MODEL_ID: Param = may("model_id", Kind::Integer, "Only this model's.");
const BOOK: Param =
    may("book", Kind::Word(&["simulation", "testnet", "mainnet"]), "Another book than the current one.");
const REASON: Param = may("reason", Kind::Text, "Why, for the record; 500 characters or less.");
const NOTE: Param = may("note", Kind::Text, "What was found out; 1000 characters or less.");
const NAME: &str = "Unique among models; 60 characters or less.";
const NOT_FOUND: Reply = error(404, "`not_found`");
const INVALID: Reply = error(422, "`invalid`: every wrong field is named with its rule");
const INCIDENT_STATUS: Param =
    may("status", Kind::Word(&["open", "acknowledged", "resolved"]), "Only those that stand there.");

const DESK: &str = "Desk";
const MODELS: &str = "Models";
const CHOICES: &str = "Environment and automation";
const KEYS: &str = "Exchange keys";
const CYCLES: &str = "Cycles";
const DECISIONS: &str = "Decisions";
const BOOKS: &str = "Books";
const ORDERS: &str = "Orders";
const PROVIDERS: &str = "Providers";
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

/// Every row of the API in the URL map, exactly once.
pub const OPERATIONS: &[Operation] = &[
    op("GET", "/api/models", MODELS, "List models", &[reply(200, "Models, newest first", Shape::List(named::<models::ModelRow>))])
        .paged(),
    op("POST", "/api/models", MODELS, "Create a model", &[
        reply(201, "The model", Shape::One(named::<models::ModelRow>)),
        error(409, "`duplicate_name`"),
        INVALID,
    ])
    .text("It begins in simulation and shows its decisions only. Settings that are left out take their default.")
    .body(
        &[
            must("name", Kind::Text, NAME),
            must("provider_id", Kind::Integer, "Who answers; 1 is the built-in provider."),
            must("model_name", Kind::Text, "Which of the provider's models."),
        ],
        r#"{"name": "Sage", "provider_id": 1, "model_name": "ema_cross", "initial_capital": "10000"}"#,
    )
    .settings(),
    op("GET", "/api/models/{id}", MODELS, "Show a model", &[reply(200, "The model", Shape::One(named::<models::ModelRow>)), NOT_FOUND]),
    op("PUT", "/api/models/{id}", MODELS, "Edit a model", &[
        reply(200, "The model", Shape::One(named::<models::ModelRow>)),
        NOT_FOUND,
        error(409, "`duplicate_name`"),
        INVALID,
    ])
    .text("What is left out stays as it is: the same as PATCH.")
    .body(EDIT, r#"{"max_position_size_pct": 5}"#)
    .settings(),
    op("PATCH", "/api/models/{id}", MODELS, "Edit a model", &[
        reply(200, "The model", Shape::One(named::<models::ModelRow>)),
        NOT_FOUND,
        error(409, "`duplicate_name`"),
        INVALID,
    ])
    .text("What is left out stays as it is. Changing the order style cancels what waits.")
    .body(EDIT, r#"{"name": "Sage II"}"#)
    .settings(),
    op("DELETE", "/api/models/{id}", MODELS, "Delete a model", &[
        reply(200, "It is gone; its history stays readable", Shape::One(named::<wire::Done>)),
        NOT_FOUND,
        error(409, "`orders_under_way`"),
        error(422, "`invalid`: another name"),
        error(428, "`confirmation_required`: no name"),
    ])
    .text("Asks for the model's name, in the query or in the body.")
    .query(&[may("confirm", Kind::Text, "The model's name.")])
    .body(&[may("name", Kind::Text, "The model's name, when it is not in the query.")], r#"{"name": "Sage"}"#),
    op("POST", "/api/models/{id}/pause", MODELS, "Pause a model", &[reply(200, "The model", Shape::One(named::<models::ModelDone>)), NOT_FOUND, INVALID])
        .text("No cycles and no entries. What waits can be rejected; exits still work.")
        .body(&[REASON], r#"{"reason": "looking into it"}"#),
    op("POST", "/api/models/{id}/resume", MODELS, "Let a model run again", &[reply(200, "The model", Shape::One(named::<models::ModelDone>)), NOT_FOUND]),
    op("POST", "/api/models/{id}/reset-high-water-mark", MODELS, "Measure the drawdown from the equity now", &[
        reply(200, "The new mark", Shape::One(named::<models::HighWaterMark>)),
        NOT_FOUND,
        error(422, "`invalid`: the equity is unknown"),
    ])
    .text("Re-opens entries after a drawdown. Audited."),
    op("GET", "/api/models/{id}/settings", MODELS, "Show all settings", &[reply(200, "All settings", Shape::Settings), NOT_FOUND]),
    op("POST", "/api/models/{id}/settings", MODELS, "Change settings", &[
        reply(200, "All settings", Shape::Settings),
        NOT_FOUND,
        error(422, "`invalid`: an unknown key or a value out of range; nothing is changed"),
    ])
    .text("Any subset, all or nothing.")
    .body(&[], r#"{"max_daily_loss_pct": 2.5, "supported_assets": ["BTC", "ETH"]}"#)
    .settings(),
    op("GET", "/api/models/{id}/ai-costs", MODELS, "Show what asking the model cost", &[
        reply(200, "Sums, budgets, cost a decision, result before and after", Shape::One(named::<ai_costs::AiCostsRow>)),
        error(404, "`not_found`"),
    ]),
    op("GET", "/api/models/{id}/prompt", MODELS, "Show the template of the prompts", &[
        reply(200, "The template in force", Shape::One(named::<prompt::PromptRow>)),
        NOT_FOUND,
    ]),
    op("POST", "/api/models/{id}/prompt", MODELS, "Change the template of the prompts", &[
        reply(200, "The template in force", Shape::One(named::<prompt::PromptRow>)),
        NOT_FOUND,
        error(409, "`template_changed`: another version is in force than the one named"),
        error(422, "`invalid`: it does not render; the line is named and nothing is changed"),
    ])
    .text("A template is tried with sample data before it is kept. Every saved one stays.")
    .body(
        &[
            may("template", Kind::Text, "Jinja with the blocks `system` and `user`; 16,384 bytes or less."),
            may("is_default", Kind::Bool, "True, without a template: back to the program's own."),
            may("version", Kind::Text, "The version that the change was made from."),
        ],
        r#"{"is_default": true}"#,
    ),
    op("GET", "/api/models/{id}/conversations", MODELS, "List what was asked and answered", &[
        reply(200, "Cycles, newest first", Shape::List(named::<activity::Conversation>)),
        NOT_FOUND,
        INVALID,
    ])
    .text(
        "A search looks through the newest 2,000 cycles of the model; `X-Searched-Newest` says so where there are older \
         ones.",
    )
    .query(&[
        may("q", Kind::Text, "A text that was asked or answered, letters of either case; 200 characters or less."),
        may(
            "answer",
            Kind::Word(&["used", "partly", "unusable", "no_answer"]),
            "How much of a language model's answer could be used.",
        ),
    ])
    .paged(),
    op("GET", "/api/models/{id}/shadows", MODELS, "List candidates that follow on paper", &[
        reply(200, "The newest first", Shape::List(named::<shadows::ShadowRow>)),
        NOT_FOUND,
    ]),
    op("POST", "/api/models/{id}/shadows", MODELS, "Let a candidate follow on paper", &[
        reply(201, "The candidate", Shape::One(named::<shadows::ShadowRow>)),
        NOT_FOUND,
        error(409, "`duplicate_name`, `too_many_shadows`"),
        INVALID,
    ])
    .text(
        "It is told what the model is told, at the same moments, and acts on paper with as much money. It never trades. \
         Its calls are on the model's bill.",
    )
    .body(
        &[
            must("name", Kind::Text, "Unique among the model's candidates; 60 characters or less."),
            must("provider_id", Kind::Integer, "Who is asked."),
            must("model_name", Kind::Text, "Which of its models."),
            may("template", Kind::Text, "A template of its own; the model's unless one is given."),
        ],
        r#"{"name": "Candidate", "provider_id": 2, "model_name": "gpt-4o-mini"}"#,
    ),
    op("GET", "/api/shadows/{id}", MODELS, "Show a candidate", &[reply(200, "The candidate", Shape::One(named::<shadows::ShadowRow>)), NOT_FOUND]),
    op("GET", "/api/shadows/{id}/steps", MODELS, "List what a candidate did", &[
        reply(200, "Record by record, the newest first", Shape::List(named::<shadows::StepRow>)),
        NOT_FOUND,
    ])
    .paged(),
    op("POST", "/api/shadows/{id}/stop", MODELS, "End a candidate", &[
        reply(200, "The candidate; its results stay", Shape::One(named::<shadows::ShadowRow>)),
        NOT_FOUND,
        error(409, "`shadow_changed`: it has ended already, or was just shown a record"),
    ]),
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
    op("GET", "/api/providers", PROVIDERS, "List providers", &[reply(200, "Who can answer", Shape::List(named::<providers::ProviderRow>))]),
    op("POST", "/api/providers", PROVIDERS, "Add a provider", &[
        reply(201, "The provider", Shape::One(named::<providers::ProviderRow>)),
        error(409, "`duplicate_name`"),
        INVALID,
        error(503, "`vault_locked`"),
    ])
    .text("Any server that speaks OpenAI's chat completions. The key is sealed and never told again.")
    .body(
        PROVIDER,
        r#"{"name": "OpenRouter", "kind": "openrouter", "base_url": "https://openrouter.ai/api/v1", "api_key": "...", "input_price": "0.15", "output_price": "0.60"}"#,
    ),
    op("GET", "/api/providers/{id}", PROVIDERS, "Show a provider", &[reply(200, "The provider", Shape::One(named::<providers::ProviderRow>)), NOT_FOUND]),
    op("PUT", "/api/providers/{id}", PROVIDERS, "Edit a provider", PROVIDER_EDITED)
        .text("What is left out stays as it is: the same as PATCH.")
        .body(PROVIDER_EDIT, r#"{"timeout_seconds": 300}"#),
    op("PATCH", "/api/providers/{id}", PROVIDERS, "Edit a provider", PROVIDER_EDITED)
        .text("What is left out stays as it is. Another address needs the key again, or `remove_key`.")
        .body(PROVIDER_EDIT, r#"{"input_price": "0.10", "output_price": "0.40"}"#),
    op("DELETE", "/api/providers/{id}", PROVIDERS, "Delete a provider", &[
        reply(200, "It is gone, and its key", Shape::One(named::<wire::Done>)),
        NOT_FOUND,
        error(409, "`provider_in_use`, by the models that are named; `built_in_provider`; `contended`"),
    ]),
    op("POST", "/api/providers/models", PROVIDERS, "List what a provider offers", &[
        reply(200, "Its models", Shape::One(named::<providers::ProviderModels>)),
        NOT_FOUND,
        INVALID,
        error(502, "`provider_failed`, with the reason; a list is never invented"),
        error(503, "`vault_locked` or `not_connected`"),
    ])
    .text("A saved one by `provider_id`, one that is not saved by `base_url`, `kind` and `api_key`.")
    .body(
        &[
            may("provider_id", Kind::Integer, "Which provider."),
            may("base_url", Kind::Text, "The address of one that is not saved."),
            may("kind", Kind::Word(PROVIDER_KINDS), "Whose dialect that one speaks."),
            may("api_key", Kind::Text, "The key of that one; kept nowhere."),
        ],
        r#"{"provider_id": 1}"#,
    ),
    op("POST", "/api/providers/{id}/test", PROVIDERS, "Test a provider's model", &[
        reply(200, "What was found, failures too", Shape::One(named::<providers::ProviderTest>)),
        NOT_FOUND,
        error(409, "`built_in_provider` or `contended`"),
        INVALID,
        error(503, "`not_connected`"),
    ])
    .text("Asks for one tiny decision in each way that an answer's shape can be asked for. It costs a few hundred tokens.")
    .body(&[must("model_name", Kind::Text, "The provider's name of a model.")], r#"{"model_name": "gpt-4o-mini"}"#),
    op("GET", "/api/whoami", ABOUT, "Find out who this session or token is", &[reply(200, "Name, role, and the token's scope", Shape::One(named::<whoami::WhoAmI>))]),
    op("GET", "/api/openapi.json", ABOUT, "This document", &[reply(200, "OpenAPI 3.1", Shape::Other("application/json"))]),
    op("GET", "/api/docs", ABOUT, "This document as a page", &[reply(200, "HTML", Shape::Other("text/html"))]),
];

const EDIT: &[Param] = &[
    may("name", Kind::Text, NAME),
    may("provider_id", Kind::Integer, "Who answers; 1 is the built-in provider."),
    may("model_name", Kind::Text, "Which of the provider's models."),
];

const PROVIDER_KINDS: &[&str] =
    &["openai", "openrouter", "deepseek", "anthropic", "gemini", "llama_cpp", "vllm", "ollama", "other"];

const PROVIDER: &[Param] = &[
    must("name", Kind::Text, "Unique among providers; 60 characters or less."),
    must("base_url", Kind::Text, BASE_URL),
    may("kind", Kind::Word(PROVIDER_KINDS), "Whose dialect it speaks; `other` unless given."),
    may("api_key", Kind::Text, "None for a server that asks for none."),
    may("input_price", Kind::Decimal, "US dollars for a million tokens of the prompt; both prices or none."),
    may("output_price", Kind::Decimal, "US dollars for a million tokens of the answer."),
    may("max_concurrency", Kind::Integer, "Requests at once, 1 to 32; 4 unless given."),
    may("timeout_seconds", Kind::Integer, "Longest wait for an answer, 5 to 600; 180 unless given."),
];

const BASE_URL: &str = "Used as it stands; `/chat/completions` and `/models` follow it. https, or http on this machine and \
                        private networks.";

const PROVIDER_EDIT: &[Param] = &[
    may("name", Kind::Text, "Unique among providers; 60 characters or less."),
    may("base_url", Kind::Text, BASE_URL),
    may("kind", Kind::Word(PROVIDER_KINDS), "Whose dialect it speaks."),
    may("api_key", Kind::Text, "A new key; the saved one stays without it."),
    may("remove_key", Kind::Bool, "Whether the saved key goes."),
    may("input_price", Kind::Decimal, "US dollars for a million tokens of the prompt; null for both when unknown."),
    may("output_price", Kind::Decimal, "US dollars for a million tokens of the answer."),
    may("max_concurrency", Kind::Integer, "Requests at once, 1 to 32."),
    may("timeout_seconds", Kind::Integer, "Longest wait for an answer, 5 to 600."),
    may("version", Kind::Integer, "The version that is changed: another one is a conflict."),
];

const PROVIDER_EDITED: &[Reply] = &[
    reply(200, "The provider", Shape::One(named::<providers::ProviderRow>)),
    NOT_FOUND,
    error(409, "`duplicate_name`, `contended` or `built_in_provider`"),
    INVALID,
    error(503, "`vault_locked`"),
];
