//! Language models behind the chat-completions endpoint: asking, reading what was answered, writing what is asked.
//!
//! Three ports, because three things change for different reasons: how a provider is reached, how an answer is read
//! (again and again, also offline), and how a prompt is written.

use crate::domain::market::Coin;
use crate::domain::provider::{AnswerMode, Provider, TokenUsage};
use crate::ports::advisor::{Brief, Proposal, UnusableAnswer};
use async_trait::async_trait;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The longest answer that is read, in bytes; a longer one is refused.
pub const ANSWER_MAX_BYTES: usize = 1024 * 1024;
/// The longest template of a prompt, in bytes: it fits into a form however its letters are written there.
pub const TEMPLATE_MAX_BYTES: usize = 16 * 1024;

/// The most tokens of a prompt, as estimated: it leaves room for an answer in a context of 32,768 tokens.
pub const PROMPT_TOKENS_MAX: u32 = 24_000;

/// Bytes that make a token. English has four and figures two or three; with fewer bytes the estimate errs upwards.
const TOKEN_BYTES: usize = 3;

/// Tokens of so many bytes of text, estimated.
pub const fn estimate_tokens(bytes: usize) -> u64 {
    bytes.div_ceil(TOKEN_BYTES) as u64
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatRole {
    /// The rules of the conversation.
    System,
    /// Whoever asks.
    User,
    /// The language model.
    Assistant,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: ChatRole,
    /// What is said.
    pub content: String,
}

/// What is asked of a language model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The provider's name of the model.
    pub model: String,
    /// The conversation so far.
    pub messages: Vec<ChatMessage>,
    /// Between 0 and 2.
    pub temperature: Decimal,
    /// The most tokens that the answer may have.
    pub max_tokens: u32,
    /// How the answer's shape is asked for.
    pub mode: AnswerMode,
    /// The JSON Schema of the answer, as JSON text: sent along in mode `json_schema`.
    pub schema: String,
}

/// What a language model answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatReply {
    /// The answer's text; empty when there was none.
    pub content: String,
    /// Why the model says it refuses, if it does.
    pub refusal: Option<String>,
    /// Why it stopped, in the provider's word: `stop`, `length`.
    pub finish_reason: Option<String>,
    /// The model that answered, in the provider's word.
    pub model: Option<String>,
    /// Tokens as the provider counted them; `None` when it did not say.
    pub usage: Option<TokenUsage>,
    /// From the first byte sent to the last one read, in milliseconds, of the request that was answered.
    pub latency_ms: u64,
    /// Requests that were made, refused ones included.
    pub requests: u32,
}

/// Why there is no answer. No text holds a key or a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// It took too long.
    #[error("{provider} did not answer within {seconds} s")]
    TimedOut {
        /// The provider's name.
        provider: String,
        /// The limit, in seconds.
        seconds: u32,
    },
    /// No connection, or it broke.
    #[error("{provider} could not be reached: {why}")]
    Unreachable {
        /// The provider's name.
        provider: String,
        /// In words.
        why: String,
    },
    /// The key is missing or refused (401, 403).
    #[error("{provider} refuses the key (HTTP {status})")]
    Unauthorized {
        /// The provider's name.
        provider: String,
        /// The HTTP status.
        status: u16,
    },
    /// Too many requests, or no credit (429), still after the retries.
    #[error("{provider} asks to wait{}", wait(*.retry_after_seconds))]
    RateLimited {
        /// The provider's name.
        provider: String,
        /// What it asked for, in seconds.
        retry_after_seconds: Option<u64>,
    },
    /// This way of asking for the answer's shape is not supported; another may be.
    #[error("{provider} does not support {mode}: {why}")]
    ModeUnsupported {
        /// The provider's name.
        provider: String,
        /// What was asked for.
        mode: AnswerMode,
        /// The provider's words, cut.
        why: String,
    },
    /// The provider refuses the request (any other 4xx): an unknown model, a prompt that is too long.
    #[error("{provider} refuses the request (HTTP {status}): {why}")]
    Refused {
        /// The provider's name.
        provider: String,
        /// The HTTP status.
        status: u16,
        /// The provider's words, cut.
        why: String,
    },
    /// The provider failed (5xx), still after the retries.
    #[error("{provider} failed (HTTP {status})")]
    ServerError {
        /// The provider's name.
        provider: String,
        /// The HTTP status.
        status: u16,
    },
    /// What came back is no chat completion: HTML, truncated, too large, no choice.
    #[error("{provider} gave an answer that cannot be read: {why}")]
    Unreadable {
        /// The provider's name.
        provider: String,
        /// In words, without the answer.
        why: String,
    },
    /// The provider's key cannot be opened.
    #[error("the key of {provider} cannot be opened: {why}")]
    KeyLocked {
        /// The provider's name.
        provider: String,
        /// In words.
        why: String,
    },
}

fn wait(seconds: Option<u64>) -> String {
    seconds.map(|seconds| format!(", {seconds} s")).unwrap_or_default()
}

/// Providers of language models.
#[async_trait]
pub trait LanguageModels: Send + Sync {
    /// Asks once, with bounded retries of what may be repeated (429 and 5xx, honouring `Retry-After`; no connection),
    /// within the provider's time-out. Dropping the future cancels the request. How many are asked at once is for
    /// whoever asks to decide.
    ///
    /// # Errors
    /// [`ChatError`].
    async fn chat(&self, provider: &Provider, request: &ChatRequest) -> Result<ChatReply, ChatError>;

    /// The names of the models that a provider offers, as it lists them, in its order.
    ///
    /// # Errors
    /// [`ChatError`]; a list is never invented.
    async fn offered(&self, provider: &Provider) -> Result<Vec<String>, ChatError>;
}

/// An answer as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadAnswer {
    /// One entry for each coin that was asked about, in the order asked, and one for each unknown coin that was named. A
    /// coin that the answer leaves out is unusable.
    Coins(Vec<(Coin, Result<Proposal, UnusableAnswer>)>),
    /// Nothing of it can be used: no object, two of them, a refusal, truncated.
    Unusable(UnusableAnswer),
}

/// Reads answers: refuses rather than repairs.
pub trait AnswerReader: Send + Sync {
    /// The JSON Schema that an answer must follow, as JSON text: strict, with the coins as an enum.
    fn schema(&self, coins: &[Coin]) -> String;

    /// Reads the text of an answer. Time and memory are bounded by the length of the text, which is refused beyond
    /// [`ANSWER_MAX_BYTES`].
    fn read(&self, text: &str, coins: &[Coin]) -> ReadAnswer;
}

/// A prompt ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The rules: who it is, what it may do, the shape of the answer.
    pub system: String,
    /// The brief.
    pub user: String,
    /// What was left out to stay within the cap, in words; also said in the prompt.
    pub cut: Vec<String>,
    /// Tokens of both parts, estimated.
    pub estimated_tokens: u32,
}

/// Why a template was refused, or failed on real data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", at_line(*.line))]
pub struct TemplateError {
    /// Line in the template, from 1.
    pub line: Option<u32>,
    /// What is wrong with it.
    pub message: String,
}

fn at_line(line: Option<u32>) -> String {
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}

/// Writes prompts from templates.
pub trait PromptWriter: Send + Sync {
    /// The template that models start with.
    fn default_template(&self) -> &'static str;

    /// Names a template by its content: 16 hex digits.
    fn version(&self, template: &str) -> String;

    /// Whether a template renders with a sample brief.
    ///
    /// # Errors
    /// [`TemplateError`] names the line.
    fn check(&self, template: &str) -> Result<(), TemplateError>;

    /// Writes a prompt.
    ///
    /// # Errors
    /// [`TemplateError`] when the template does not render with this brief.
    fn write(&self, template: &str, brief: &Brief, schema: &str, mode: AnswerMode) -> Result<Prompt, TemplateError>;
}
