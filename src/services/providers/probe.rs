//! Trying a provider: what it offers, and which way of asking for an answer's shape works with one of its models.

use super::given::{GivenProvider, read_base_url, read_key};
use super::{ProviderError, line, living, seal};
use crate::domain::ai_cost::AiPurpose;
use crate::domain::ids::ProviderId;
use crate::domain::market::Coin;
use crate::domain::provider::{AnswerMode, Provider, ProviderKind, TokenUsage};
use crate::domain::trader::MODEL_NAME_MAX;
use crate::observe;
use crate::ports::language_model::{ChatError, ChatMessage, ChatReply, ChatRequest, ChatRole, ReadAnswer};
use crate::ports::store::{Changes, CommitError, Guard, KnownMode};
use crate::services::ai::Ai;
use crate::services::desk::{Desk, is_conflict};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::time::Duration;

/// The most names of models that are passed on; the largest host lists some hundreds.
pub const OFFERED_MAX: usize = 1_000;
/// How long a list of models may take.
const DISCOVER_WITHIN: Duration = Duration::from_secs(30);
/// How long one answer of a test may take, when the provider's own limit is longer: a person waits.
const TEST_WITHIN_SECONDS: u32 = 90;
/// The most tokens of an answer: a hold needs fifty, a model that thinks aloud some hundreds.
const TEST_TOKENS: u32 = 2_048;
/// The coin that a test asks about.
const TEST_COIN: &str = "BTC";

/// What became of one way of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// The answer followed the schema.
    Worked {
        /// In milliseconds.
        latency_ms: u64,
    },
    /// The provider says that it does not do this.
    Unsupported {
        /// In its words, cut.
        why: String,
    },
    /// It answered, but not what was asked for.
    Unusable {
        /// What was wrong with the answer.
        why: String,
        /// In milliseconds.
        latency_ms: u64,
    },
}

/// What a test found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestReport {
    /// Which model was asked.
    pub model_name: String,
    /// What became of each way that was tried, the strictest first.
    pub tried: Vec<(AnswerMode, Tried)>,
    /// The strictest way that worked; it is remembered.
    pub mode: Option<AnswerMode>,
    /// Tokens of all answers together; `None` when the provider did not say of each.
    pub usage: Option<TokenUsage>,
    /// What they cost in US dollars; `None` when tokens or price are not known.
    pub cost: Option<Decimal>,
    /// What ended the test before every way was tried.
    pub failed: Option<String>,
}

/// The names of the models that a provider offers, in its order, at most [`OFFERED_MAX`].
///
/// # Errors
/// [`ProviderError::Failed`] says why there is no list; one is never invented.
pub async fn discover(desk: &Desk, id: ProviderId) -> Result<Vec<String>, ProviderError> {
    let provider = living(desk, id).await?;
    offered(desk, &provider).await
}

/// The same before a provider is saved. The key is sealed for the call and kept nowhere.
///
/// # Errors
/// [`ProviderError::Invalid`] for an address or key that is refused, else as [`discover`].
pub async fn discover_unsaved(desk: &Desk, given: &GivenProvider) -> Result<Vec<String>, ProviderError> {
    let mut fields = BTreeMap::new();
    let mut note = |field: &str, why: String| {
        fields.insert(field.to_owned(), why);
    };
    let base_url = read_base_url(&given.base_url).map_err(|why| note("base_url", why)).ok();
    let key = given.api_key.as_ref().map(read_key).transpose().map_err(|why| note("api_key", why)).ok();
    let kind = ProviderKind::parse(&given.kind);
    if kind.is_none() {
        note("kind", "is not a kind of provider".to_owned());
    }
    let (Some(base_url), Some(key), Some(kind)) = (base_url, key, kind) else {
        return Err(ProviderError::Invalid(fields));
    };
    let defaults = super::TIMEOUT_SECONDS_DEFAULT;
    let mut provider = Provider {
        // No row has this id, so the seal opens nothing that is stored.
        id: ProviderId(0),
        name: "the provider".to_owned(),
        kind,
        base_url,
        api_key: None,
        key_last4: None,
        price: None,
        max_concurrency: 1,
        timeout_seconds: defaults,
        created_at: desk.clock.now(),
        deleted_at: None,
        version: desk.clock.now().0,
    };
    if let Some(key) = &key {
        seal(desk, &mut provider, key)?;
    }
    offered(desk, &provider).await
}

async fn offered(desk: &Desk, provider: &Provider) -> Result<Vec<String>, ProviderError> {
    let ai = connected(desk)?;
    let asked = tokio::time::timeout(DISCOVER_WITHIN, ai.models.offered(provider)).await;
    let seconds = u32::try_from(DISCOVER_WITHIN.as_secs()).unwrap_or(u32::MAX);
    let mut names = asked.unwrap_or_else(|_| Err(timed_out(provider, seconds)))?;
    names.truncate(OFFERED_MAX);
    Ok(names)
}

/// Asks a model of a provider for one tiny decision, in each way that an answer's shape can be asked for, and remembers
/// the strictest that worked. Whatever the provider says is part of the report.
///
/// # Errors
/// [`ProviderError::Invalid`] for a name that no model has, or when the store fails.
pub async fn test(desk: &Desk, id: ProviderId, model_name: &str, by: &str) -> Result<TestReport, ProviderError> {
    let model_name = model_name.trim();
    let is_name = (1..=MODEL_NAME_MAX).contains(&model_name.chars().count()) && !model_name.contains(char::is_control);
    if !is_name {
        let rule = format!("must be 1 to {MODEL_NAME_MAX} characters: the provider's name of a model");
        return Err(ProviderError::Invalid([("model_name".to_owned(), rule)].into()));
    }
    let (ai, provider) = (connected(desk)?, living(desk, id).await?);
    let report = ask_each(ai, &provider, model_name).await;
    let words = report.mode.map_or_else(|| "no mode works".to_owned(), |mode| format!("{mode} works"));
    let at = desk.clock.now();
    let known = report.mode.map(|mode| KnownMode { provider_id: id, model_name: model_name.to_owned(), mode, at });
    let changes = Changes {
        // What was found out about one address must not be remembered of another.
        guards: vec![Guard::Provider { id, version: provider.version }],
        answer_modes: known.into_iter().collect(),
        audit: vec![line(at, by, "provider.test", &provider, format!("{model_name}: {words}"))],
        ..Changes::default()
    };
    match desk.store.commit(changes).await {
        Ok(()) => {
            observe::provider_tested(&provider, report.mode, by);
            Ok(report)
        }
        Err(error) if is_conflict(&error) => Err(ProviderError::Changed),
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(_) => Err(ProviderError::Changed),
    }
}

fn connected(desk: &Desk) -> Result<&Ai, ProviderError> {
    desk.ai.as_ref().ok_or(ProviderError::NotConnected)
}

async fn ask_each(ai: &Ai, provider: &Provider, model_name: &str) -> TestReport {
    let coins = [Coin::parse(TEST_COIN).expect("it is the name of a coin")];
    let schema = ai.answers.schema(&coins);
    let (mut tried, mut failed) = (Vec::new(), None);
    let mut usage = Some(TokenUsage { input: 0, output: 0 });
    for mode in AnswerMode::ALL {
        let reply = match ask(ai, provider, &request(model_name, *mode, &schema)).await {
            Ok(reply) => reply,
            Err(ChatError::ModeUnsupported { why, .. }) => {
                tried.push((*mode, Tried::Unsupported { why }));
                continue;
            }
            Err(error) => {
                failed = Some(error.to_string());
                break;
            }
        };
        usage = usage.zip(reply.usage).map(|(sum, one)| TokenUsage {
            input: sum.input.saturating_add(one.input),
            output: sum.output.saturating_add(one.output),
        });
        tried.push((*mode, judge(ai, &coins, &reply)));
    }
    let answered = tried.iter().any(|(_, tried)| !matches!(tried, Tried::Unsupported { .. }));
    let usage = usage.filter(|_| answered);
    let mode = tried.iter().find(|(_, tried)| matches!(tried, Tried::Worked { .. })).map(|(mode, _)| *mode);
    let cost = usage.zip(provider.price).and_then(|(usage, price)| price.cost(usage));
    TestReport { model_name: model_name.to_owned(), tried, mode, usage, cost, failed }
}

async fn ask(ai: &Ai, provider: &Provider, request: &ChatRequest) -> Result<ChatReply, ChatError> {
    let seconds = provider.timeout_seconds.min(TEST_WITHIN_SECONDS);
    let within = Duration::from_secs(seconds.into());
    let place = tokio::time::timeout(within, ai.places.take(provider, AiPurpose::Reask)).await;
    let Some(_place) = place.ok().flatten() else {
        let why = "as many questions as its settings allow are being answered".to_owned();
        return Err(ChatError::Unreachable { provider: provider.name.clone(), why });
    };
    let asked = tokio::time::timeout(within, ai.models.chat(provider, request)).await;
    asked.unwrap_or_else(|_| Err(timed_out(provider, seconds)))
}

fn timed_out(provider: &Provider, seconds: u32) -> ChatError {
    ChatError::TimedOut { provider: provider.name.clone(), seconds }
}

/// The schema stands in the prompt whatever the mode: one that is not held to it must read it.
fn request(model_name: &str, mode: AnswerMode, schema: &str) -> ChatRequest {
    let system = format!(
        "This is a connection test of a trading desk. Answer with one JSON object and nothing else. It must follow this \
         JSON Schema:\n{schema}"
    );
    let user = format!("The only coin is {TEST_COIN}. Decide hold for it, with a justification of a few words.");
    ChatRequest {
        model: model_name.to_owned(),
        messages: vec![
            ChatMessage { role: ChatRole::System, content: system },
            ChatMessage { role: ChatRole::User, content: user },
        ],
        // The one value that every provider takes.
        temperature: Decimal::ONE,
        max_tokens: TEST_TOKENS,
        mode,
        schema: schema.to_owned(),
    }
}

fn judge(ai: &Ai, coins: &[Coin], reply: &ChatReply) -> Tried {
    let latency_ms = reply.latency_ms;
    let unusable = |why: String| Tried::Unusable { why, latency_ms };
    if let Some(refusal) = &reply.refusal {
        return unusable(format!("the model refuses: {refusal}"));
    }
    match ai.answers.read(&reply.content, coins) {
        ReadAnswer::Coins(read) => match read.into_iter().find_map(|(_, proposal)| proposal.err()) {
            Some(problem) => unusable(problem.message),
            None => Tried::Worked { latency_ms },
        },
        ReadAnswer::Unusable(problem) => unusable(problem.message),
    }
}
