//! A cycle's answer beside another one to the same question: what both say, coin by coin, and what each cost.

use super::cycles::bill;
use crate::ports::bundle::{AnswerSource, Bundle, RulingRecord, RulingWord};
use crate::services::desk::Desk;
use crate::services::replay_bundle::{ReplayError, answer_text, load, order_text};
use crate::web::api::reasks::why_not;
use crate::web::error::AppError;
use crate::web::show;
use crate::web::view::{AnswerSide, Badge, CoinAnswer, CoinAnswers, KeyValue, Tone};

/// A record that can be read; none when it was removed or is damaged.
pub(super) async fn read(
    desk: &Desk,
    hash: Option<&crate::domain::digest::Digest>,
) -> Result<Option<Bundle>, AppError> {
    let Some(hash) = hash else { return Ok(None) };
    match load(desk, hash).await {
        Ok(bundle) => Ok(Some(bundle)),
        Err(ReplayError::Store(error)) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// One of two answers.
pub(super) fn side(title: &str, bundle: &Bundle) -> AnswerSide {
    let (who, answered, mut facts) = match &bundle.source {
        AnswerSource::LanguageModel(said) => {
            let calls: Vec<_> = said.turns.iter().map(|turn| &turn.call).collect();
            let bill = bill(&calls).into_iter().flatten();
            let mut facts: Vec<KeyValue> = ["Tokens", "Cost", "Latency"]
                .into_iter()
                .zip(bill)
                .map(|(key, value)| KeyValue::new(key, value))
                .collect();
            facts.push(KeyValue::new("Template", &said.template_version));
            (format!("{} · {}", said.model_name, said.provider), said.answered(), facts)
        }
        AnswerSource::Rules { model_name } => (format!("{model_name} · built-in rules"), String::new(), Vec::new()),
        AnswerSource::Outside { actor } => (format!("sent in by {actor}"), String::new(), Vec::new()),
    };
    let passed = bundle.rulings.iter().filter(|ruling| ruling.word == RulingWord::Passed).count();
    facts.push(KeyValue::new("Orders it would be", passed.to_string()));
    AnswerSide { title: title.to_owned(), who, facts, answered }
}

/// What both answered, coin by coin.
pub(super) fn coins(then: Option<&Bundle>, now: &Bundle) -> Vec<CoinAnswers> {
    let missing = || CoinAnswer {
        text: "not asked about".to_owned(),
        ruling: Badge { text: show::DASH.to_owned(), tone: Tone::Plain },
        note: String::new(),
        justification: String::new(),
    };
    now.rulings
        .iter()
        .map(|ruling| {
            let coin = &ruling.coin;
            let before = then.and_then(|then| then.rulings.iter().find(|old| &old.coin == coin).map(|old| (then, old)));
            let terms = |ruling: &RulingRecord| (ruling.word, order_text(ruling.intent.as_ref()));
            CoinAnswers {
                coin: coin.to_string(),
                same: before.is_some_and(|(_, old)| terms(old) == terms(ruling)),
                then: before.map_or_else(missing, |(then, old)| coin_answer(then, old)),
                now: coin_answer(now, ruling),
            }
        })
        .collect()
}

fn coin_answer(bundle: &Bundle, ruling: &RulingRecord) -> CoinAnswer {
    let answer = bundle.answers.iter().find(|answer| answer.coin == ruling.coin);
    let (word, tone) = match ruling.word {
        RulingWord::Unusable => ("unusable", Tone::Bad),
        RulingWord::Hold => ("hold", Tone::Plain),
        RulingWord::Denied => ("denied", Tone::Bad),
        RulingWord::Passed => ("passes", Tone::Good),
    };
    let note = match ruling.word {
        RulingWord::Passed => order_text(ruling.intent.as_ref()),
        RulingWord::Hold => String::new(),
        RulingWord::Denied | RulingWord::Unusable => why_not(ruling),
    };
    let said = answer.and_then(|answer| answer.proposal.as_ref());
    CoinAnswer {
        // The badge has said that it holds, or that it cannot be used.
        text: match ruling.word {
            RulingWord::Unusable | RulingWord::Hold => String::new(),
            RulingWord::Denied | RulingWord::Passed => answer.map(answer_text).unwrap_or_default(),
        },
        ruling: Badge { text: word.to_owned(), tone },
        note,
        justification: said.map(|proposal| proposal.justification.clone()).unwrap_or_default(),
    }
}
