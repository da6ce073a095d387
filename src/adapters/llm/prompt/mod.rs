//! Prompts: a template that an operator may change, filled with the brief of one moment.
//!
//! A template has two blocks, `system` and `user`. It is rendered by an engine with a budget; names that do not exist
//! are errors. What does not fit below the cap is left out, the oldest candles first, then history, and said.

mod engine;
mod facts;
mod sample;
mod vet;
mod words;

use crate::domain::provider::AnswerMode;
use crate::ports::advisor::{BRIEF_CLOSED_TRADES, BRIEF_PAST_DECISIONS, Brief};
use crate::ports::language_model::{PROMPT_TOKENS_MAX, Prompt, PromptWriter, TemplateError, estimate_tokens};
use engine::{Compiled, Parts};
use facts::{Extent, Facts};
use minijinja::value::{Serde, Value};
use sha2::{Digest, Sha256};

/// Hexadecimal digits of a template's name.
const VERSION_DIGITS: usize = 16;
/// Hourly and five-minute candles that are told while there is room: two days, and two hours.
const CANDLES_TOLD: (usize, usize) = (48, 24);

/// What is left out step by step until the prompt fits: candles by halves, then history.
const EXTENTS: [Extent; 7] = {
    let (hourly, recent) = CANDLES_TOLD;
    let (trades, decisions) = (BRIEF_CLOSED_TRADES as usize, BRIEF_PAST_DECISIONS as usize);
    [
        Extent { hourly, recent, trades, decisions },
        Extent { hourly: hourly / 2, recent: recent / 2, trades, decisions },
        Extent { hourly: hourly / 4, recent: recent / 4, trades, decisions },
        Extent { hourly: hourly / 8, recent: recent / 8, trades, decisions },
        Extent { hourly: 0, recent: 0, trades, decisions },
        Extent { hourly: 0, recent: 0, trades: trades / 2, decisions: decisions / 2 },
        Extent { hourly: 0, recent: 0, trades: 0, decisions: 0 },
    ]
};

/// Writes prompts from templates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Templates;

impl PromptWriter for Templates {
    fn default_template(&self) -> &'static str {
        include_str!("default.jinja")
    }

    fn version(&self, template: &str) -> String {
        let mut digits = hex::encode(Sha256::digest(template.as_bytes()));
        digits.truncate(VERSION_DIGITS);
        digits
    }

    fn check(&self, template: &str) -> Result<(), TemplateError> {
        let compiled = Compiled::read(template)?;
        for brief in [sample::furnished(), sample::empty()] {
            for mode in AnswerMode::ALL {
                let prompt = write(&compiled, &brief, sample::SCHEMA, *mode)?;
                check_parts(&prompt, *mode)?;
            }
        }
        Ok(())
    }

    fn write(&self, template: &str, brief: &Brief, schema: &str, mode: AnswerMode) -> Result<Prompt, TemplateError> {
        write(&Compiled::read(template)?, brief, schema, mode)
    }
}

/// Tokens of a text, estimated from its bytes.
pub fn estimated_tokens(text: &str) -> u32 {
    u32::try_from(estimate_tokens(text.len())).unwrap_or(u32::MAX)
}

fn write(compiled: &Compiled<'_>, brief: &Brief, schema: &str, mode: AnswerMode) -> Result<Prompt, TemplateError> {
    let (most, mut smallest) = (brief.settings.ai_prompt_tokens.min(PROMPT_TOKENS_MAX), 0);
    for extent in EXTENTS {
        let facts = Value::from(Serde(Facts::of(brief, extent, schema, mode)));
        let Parts { system, mut user } = compiled.render(facts)?;
        let cut = left_out(brief, extent);
        if !cut.is_empty() {
            user.push_str(&format!("\n\nLeft out for want of room: {}.", cut.join("; ")));
        }
        let estimated_tokens = estimated_tokens(&system).saturating_add(estimated_tokens(&user));
        if estimated_tokens <= most {
            return Ok(Prompt { system, user, cut, estimated_tokens });
        }
        smallest = estimated_tokens;
    }
    let message = format!(
        "the prompt has about {smallest} tokens even without candles and history, and the setting `ai_prompt_tokens` \
         allows {most}: follow fewer coins, shorten the template, or allow more"
    );
    Err(TemplateError { line: None, message })
}

/// What an extent leaves out of this brief, in words.
fn left_out(brief: &Brief, extent: Extent) -> Vec<String> {
    let most = |count: fn(&crate::ports::advisor::CoinBrief) -> usize| brief.coins.iter().map(count).max().unwrap_or(0);
    let (hourly, recent) = CANDLES_TOLD;
    let kinds = [
        ("1h candles of each coin", extent.hourly, most(|coin| coin.candles.len()).min(hourly)),
        ("5m candles of each coin", extent.recent, most(|coin| coin.recent_candles.len()).min(recent)),
        ("closed trades", extent.trades, brief.closed_trades.len()),
        ("earlier decisions", extent.decisions, brief.past_decisions.len()),
    ];
    let lacks = kinds.into_iter().filter(|(_, told, there)| told < there);
    lacks.map(|(what, told, there)| format!("{what}: the newest {told} of {there} are told")).collect()
}

/// A prompt without rules or data cannot be meant, and a model that no schema binds must be shown it.
fn check_parts(prompt: &Prompt, mode: AnswerMode) -> Result<(), TemplateError> {
    let refused = |message: &str| Err(TemplateError { line: None, message: message.to_owned() });
    if prompt.system.is_empty() {
        return refused("the block system is empty");
    }
    if prompt.user.is_empty() {
        return refused("the block user is empty");
    }
    let shows_schema = prompt.system.contains(sample::SCHEMA) || prompt.user.contains(sample::SCHEMA);
    if mode != AnswerMode::JsonSchema && !shows_schema {
        return refused(
            "the schema of the answer is nowhere: providers that cannot be bound to it need {{ schema }} in the prompt",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
