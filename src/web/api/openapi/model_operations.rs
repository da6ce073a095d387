//! What the operations on models and on those that follow them mean.

use super::document::named;
use super::operation::{Kind, Operation, Param, Shape, error, may, must, op, reply};
use super::operations::{INVALID, MODELS, NOT_FOUND, REASON};
use crate::web::api::{activity, ai_costs, models, prompt, shadows, wire};

const NAME: &str = "Unique among models; 60 characters or less.";

pub(super) const OPERATIONS: &[Operation] = &[
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
        error(409, "`duplicate_name`, `too_many_shadows`, `changed_meanwhile`"),
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
    op("GET", "/api/shadows/{id}/steps/{number}", MODELS, "Show what a candidate answered to one record", &[
        reply(200, "With what was decided on paper, coin by coin", Shape::One(named::<shadows::StepDetailRow>)),
        NOT_FOUND,
    ]),
    op("POST", "/api/shadows/{id}/stop", MODELS, "End a candidate", &[
        reply(200, "The candidate; its results stay", Shape::One(named::<shadows::ShadowRow>)),
        NOT_FOUND,
        error(409, "`shadow_changed`: it has ended already, or was just shown a record"),
    ]),
];

const EDIT: &[Param] = &[
    may("name", Kind::Text, NAME),
    may("provider_id", Kind::Integer, "Who answers; 1 is the built-in provider."),
    may("model_name", Kind::Text, "Which of the provider's models."),
];
