//! The record of a cycle as its pages show it.

use super::super::costs::{UNKNOWN, dollars};
use super::super::providers::mode_word;
use crate::domain::ai_cost::AiCall;
use crate::domain::cycle::Cycle;
use crate::domain::provider::TokenUsage;
use crate::observe;
use crate::ports::bundle::{Bundle, BundleError, Conversation, Turn};
use crate::ports::language_model::{ChatMessage, ChatRole};
use crate::ports::store::StoreError;
use crate::services::desk::Desk;
use crate::web::show;
use crate::web::view::{Badge, KeyValue, Talk, TalkPart, TalkTurn, Tone};
use rust_decimal::Decimal;

/// What there is of a cycle's record.
pub(super) enum Kept {
    /// It never had one.
    Never,
    /// It had one that is gone.
    Removed,
    /// It has one that cannot be used.
    Damaged(BundleError),
    /// Here it is, with its length in bytes.
    Found(Box<Bundle>, u64),
}

/// Reads the record of a cycle.
pub(super) async fn kept(desk: &Desk, cycle: &Cycle) -> Result<Kept, StoreError> {
    let Some(hash) = &cycle.bundle else { return Ok(Kept::Never) };
    let Some(packed) = desk.store.bundle(hash).await? else { return Ok(Kept::Removed) };
    Ok(match desk.bundles.unpack(&packed) {
        Ok(bundle) => Kept::Found(Box::new(bundle), packed.size),
        Err(error) => {
            observe::bundle_damaged(cycle.id, &error);
            Kept::Damaged(error)
        }
    })
}

/// Why a record cannot be looked at, as a sentence.
pub(super) fn note(kept: &Kept) -> String {
    match kept {
        Kept::Never | Kept::Found(..) => String::new(),
        Kept::Removed => "The record of this cycle was removed on schedule.".to_owned(),
        Kept::Damaged(error) => show::sentence(&error.to_string()),
    }
}

/// Name, size and author.
pub(super) fn facts(cycle: &Cycle, bundle: &Bundle, size: u64) -> Vec<KeyValue> {
    let name = cycle.bundle.as_ref().map_or_else(String::new, |hash| show::digest(hash.as_str()));
    vec![
        KeyValue::new("SHA-256", name),
        KeyValue::new("Size", show::bytes(size)),
        KeyValue::new("Written by", format!("Countersign {}", bundle.program)),
    ]
}

/// A conversation, turn by turn.
pub(in crate::web::pages) fn talk(said: &Conversation) -> Talk {
    let mut facts = vec![
        KeyValue::new("Provider", said.provider.as_str()),
        KeyValue::new("Model", said.model_name.as_str()),
        KeyValue::new("Template", said.template_version.as_str()),
    ];
    if let Some(turn) = said.turns.first() {
        facts.push(KeyValue::new("Temperature", turn.request.temperature.normalize().to_string()));
    }
    let before = std::iter::once(None).chain(said.turns.iter().map(Some));
    let turns = said.turns.iter().zip(before).enumerate().map(|(index, (turn, before))| talk_turn(index, turn, before));
    Talk { facts, cut: said.cut.clone(), turns: turns.collect() }
}

fn talk_turn(index: usize, turn: &Turn, before: Option<&Turn>) -> TalkTurn {
    // The conversation so far is sent along with each question: what was shown above is not shown again.
    let shown: &[ChatMessage] = before.map_or(&[], |turn| &turn.request.messages);
    let same = turn.request.messages.iter().zip(shown).take_while(|(now, before)| now == before).count();
    let mut parts: Vec<TalkPart> =
        turn.request.messages.iter().skip(same).map(|said| part(role_word(said.role), &said.content)).collect();
    if let Some(reply) = &turn.reply {
        parts.push(part("Answer", &reply.content));
        parts.extend(reply.refusal.iter().map(|refusal| part("Refusal", refusal)));
    }
    TalkTurn {
        title: format!("Question {}", index + 1),
        state: match turn.reply {
            Some(_) => Badge { text: "answered".to_owned(), tone: Tone::Good },
            None => Badge { text: "no answer".to_owned(), tone: Tone::Bad },
        },
        facts: turn_facts(turn),
        error: turn.error.as_deref().map(show::sentence).unwrap_or_default(),
        note: match same {
            0 => String::new(),
            _ => "The prompt above was sent along unchanged; here is what followed.".to_owned(),
        },
        parts,
    }
}

fn turn_facts(turn: &Turn) -> Vec<KeyValue> {
    let call = &turn.call;
    let reply = turn.reply.as_ref();
    let mut facts = vec![
        KeyValue::new("Asked for", mode_word(turn.request.mode)),
        KeyValue::new("Tokens", tokens(call.usage, call.is_estimated)),
        KeyValue::new("Cost", cost(call.cost)),
        KeyValue::new("Latency", took(call.latency_ms)),
    ];
    if let Some(word) = reply.and_then(|reply| reply.finish_reason.as_deref()) {
        facts.push(KeyValue::new("It stopped by", word));
    }
    if let Some(model) = reply.and_then(|reply| reply.model.as_deref()).filter(|model| *model != turn.request.model) {
        facts.push(KeyValue::new("Answered by", model));
    }
    if let Some(requests) = reply.map(|reply| reply.requests).filter(|requests| *requests > 1) {
        facts.push(KeyValue::new("Requests", requests.to_string()));
    }
    facts
}

fn part(title: &str, text: &str) -> TalkPart {
    TalkPart { title: title.to_owned(), size: show::bytes(text.len() as u64), text: text.to_owned() }
}

const fn role_word(role: ChatRole) -> &'static str {
    match role {
        ChatRole::System => "Prompt, system",
        ChatRole::User => "Prompt, user",
        ChatRole::Assistant => "Its answer, sent back",
    }
}

/// Tokens of a call or several: `1,234 in, 56 out`, and whether that is an estimate.
pub(in crate::web::pages) fn tokens(usage: TokenUsage, is_estimated: bool) -> String {
    let count = |tokens: u64| show::number(Decimal::from(tokens), 0);
    let estimated = if is_estimated { ", estimated" } else { "" };
    format!("{} in, {} out{estimated}", count(usage.input), count(usage.output))
}

/// What a call cost.
fn cost(cost: Option<Decimal>) -> String {
    cost.map_or_else(|| UNKNOWN.to_owned(), dollars)
}

/// How long a call took: `340 ms`, `2.3 s`, `3 min`.
fn took(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => show::span(i64::try_from(ms).unwrap_or(i64::MAX)),
    }
}

/// The calls of a cycle added up, in the order of a reader's questions: tokens, cost, latency. None without a call.
pub(in crate::web::pages) fn bill(calls: &[&AiCall]) -> Option<[String; 3]> {
    if calls.is_empty() {
        return None;
    }
    let usage = calls.iter().fold(TokenUsage { input: 0, output: 0 }, |sum, call| sum.plus(call.usage));
    let is_estimated = calls.iter().any(|call| call.is_estimated);
    // A sum that leaves out a call would say too little.
    let sum = calls.iter().map(|call| call.cost).sum::<Option<Decimal>>();
    let latency = calls.iter().fold(0_u64, |sum, call| sum.saturating_add(call.latency_ms));
    Some([tokens(usage, is_estimated), cost(sum), took(latency)])
}
