//! A provider: who hosts language models, how it is reached, and what its tokens cost.

use crate::domain::credential::Sealed;
use crate::domain::ids::ProviderId;
use crate::domain::time::Timestamp;
use crate::word_enum;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The longest name of a provider, in characters.
pub const PROVIDER_NAME_MAX: usize = 60;
/// The longest base URL, in characters.
pub const BASE_URL_MAX: usize = 300;
/// Tokens that a price is quoted for.
pub const PRICE_UNIT_TOKENS: u32 = 1_000_000;

word_enum! {
    /// Whose dialect of the chat-completions endpoint a provider speaks. All are used in the same way; the kind decides
    /// what is suggested for the address and how the length of an answer is limited.
    ProviderKind {
        /// OpenAI itself.
        OpenAi = "openai",
        /// OpenRouter.
        OpenRouter = "openrouter",
        /// DeepSeek.
        DeepSeek = "deepseek",
        /// Anthropic's compatible endpoint.
        Anthropic = "anthropic",
        /// Gemini's compatible endpoint.
        Gemini = "gemini",
        /// llama.cpp's server.
        LlamaCpp = "llama_cpp",
        /// vLLM.
        Vllm = "vllm",
        /// Ollama.
        Ollama = "ollama",
        /// Anything else that answers as they do.
        Other = "other",
    }
}

word_enum! {
    /// How an answer's shape is asked for. Providers support different ones; what worked is remembered.
    AnswerMode {
        /// `response_format: json_schema`: the provider holds the model to the schema.
        JsonSchema = "json_schema",
        /// `response_format: json_object`: some JSON object; the schema stands in the prompt.
        JsonObject = "json_object",
        /// Nothing: the schema stands in the prompt.
        Plain = "plain",
    }
}

/// What a provider's tokens cost, in US dollars for a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPrice {
    /// Tokens of the prompt.
    pub input: Decimal,
    /// Tokens of the answer.
    pub output: Decimal,
}

/// Tokens as the provider counted them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens of the prompt.
    pub input: u64,
    /// Tokens of the answer, thinking included.
    pub output: u64,
}

impl TokenUsage {
    /// Both together.
    pub const fn plus(self, other: Self) -> Self {
        Self { input: self.input.saturating_add(other.input), output: self.output.saturating_add(other.output) }
    }
}

impl TokenPrice {
    /// What so many tokens cost, exactly; `None` beyond what a decimal holds.
    pub fn cost(&self, usage: TokenUsage) -> Option<Decimal> {
        let part = |price: Decimal, tokens: u64| price.checked_mul(Decimal::from(tokens));
        let sum = part(self.input, usage.input)?.checked_add(part(self.output, usage.output)?)?;
        sum.checked_div(Decimal::from(PRICE_UNIT_TOKENS))
    }
}

/// Who hosts language models. The built-in rules have no row; see [`crate::domain::ids::BUILT_IN_PROVIDER`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Identity.
    pub id: ProviderId,
    /// Unique among providers that are not deleted.
    pub name: String,
    /// Whose dialect it speaks.
    pub kind: ProviderKind,
    /// The address as it was given, without a slash at its end: `/chat/completions` and `/models` follow it.
    pub base_url: String,
    /// The key, sealed; none for a server that asks for none.
    pub api_key: Option<Sealed>,
    /// Last four characters of the key, for recognition.
    pub key_last4: Option<String>,
    /// What its tokens cost; `None` when nobody said.
    pub price: Option<TokenPrice>,
    /// Requests that may run at once, of all models together.
    pub max_concurrency: u32,
    /// Longest wait for one answer, in seconds.
    pub timeout_seconds: u32,
    /// Wall-clock time.
    pub created_at: Timestamp,
    /// Wall-clock time of deletion; its calls stay readable.
    pub deleted_at: Option<Timestamp>,
    /// Grows with each change: compare-and-set.
    pub version: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_exact() {
        let price = TokenPrice { input: Decimal::new(15, 2), output: Decimal::new(60, 2) };
        let cost = price.cost(TokenUsage { input: 1_234, output: 567 }).unwrap();
        assert_eq!(cost.normalize().to_string(), "0.0005253");
        assert_eq!(
            TokenPrice { input: Decimal::MAX, output: Decimal::ZERO }.cost(TokenUsage { input: 2, output: 0 }),
            None
        );
    }
}
