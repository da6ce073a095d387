//! What the operations on providers of language models mean.

use super::document::named;
use super::operation::{Kind, Operation, Param, Reply, Shape, error, may, must, op, reply};
use super::operations::{INVALID, NOT_FOUND, PROVIDERS};
use crate::web::api::{providers, wire};

pub(super) const OPERATIONS: &[Operation] = &[
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
