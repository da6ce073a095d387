//! What a cycle leaves to be read again: its bundle, and in words what was asked and answered.

use super::Run;
use crate::domain::book::BookView;
use crate::domain::cycle::{AnswerGrade, Cycle};
use crate::domain::ids::BUILT_IN_PROVIDER;
use crate::domain::market::Coin;
use crate::domain::time::Timestamp;
use crate::ports::advisor::Brief;
use crate::ports::bundle::{AnswerRecord, AnswerSource, BUNDLE_FORMAT, Bundle, RulingRecord, SceneRecord};
use crate::ports::store::Changes;
use crate::services::cycle_parts::MarketView;
use crate::services::judge::Answer;
use crate::services::live::AccountView;
use crate::services::record;

/// Warning word: the record of this cycle was too large to be kept.
const BUNDLE_NOT_KEPT: &str = "bundle_not_kept";

/// What a language model was asked about, kept while it thinks.
pub(super) struct Asked {
    /// What it is told.
    pub brief: Brief,
    /// What its answers would be judged by.
    pub scene: SceneRecord,
}

impl Run<'_> {
    /// The record of a cycle whose answers were judged.
    pub(super) fn judged_bundle(
        &self,
        (market, account, view): (&MarketView, &AccountView, &BookView),
        answers: &[(Coin, Answer)],
        rulings: Vec<RulingRecord>,
        wall: Timestamp,
    ) -> Bundle {
        let coins = answers.iter().map(|(coin, _)| coin);
        let scene = record::scene(market, account, view, coins);
        let answers = answers.iter().map(|(coin, answer)| AnswerRecord::of(coin, answer)).collect();
        Bundle { scene: Some(scene), answers, rulings, ..self.empty_bundle(wall) }
    }

    /// The record of a cycle in which a language model was asked and nothing came of it.
    pub(super) fn failed_bundle(&self, wall: Timestamp) -> Option<Bundle> {
        let asked = self.asked.get().filter(|_| self.transcript.conversation().is_some())?;
        Some(Bundle { scene: Some(asked.scene.clone()), ..self.empty_bundle(wall) })
    }

    fn empty_bundle(&self, wall: Timestamp) -> Bundle {
        let source = match self.transcript.conversation() {
            Some(conversation) => AnswerSource::LanguageModel(conversation),
            None if self.request.decisions.is_some() => AnswerSource::Outside { actor: self.request.actor.clone() },
            None => AnswerSource::Rules { model_name: self.trader.model_name.clone() },
        };
        Bundle {
            format: BUNDLE_FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            cycle_id: self.id,
            started_at: self.started_at,
            judged_at: wall,
            trader: self.trader.clone(),
            propose_only: self.request.propose_only,
            source,
            brief: self.asked.get().map(|asked| asked.brief.clone()),
            scene: None,
            answers: Vec::new(),
            rulings: Vec::new(),
        }
    }

    /// Puts the cycle with its record into its commit.
    pub(super) fn keep(&self, changes: &mut Changes, mut cycle: Cycle, bundle: Option<&Bundle>) {
        if let Some(conversation) = self.transcript.conversation() {
            (cycle.asked, cycle.answered) = (conversation.asked(), conversation.answered());
        }
        match bundle.map(|bundle| self.desk.bundles.pack(bundle)) {
            Some(Ok(packed)) => {
                cycle.bundle = Some(packed.hash.clone());
                changes.new_bundles.push(packed);
            }
            Some(Err(error)) => {
                crate::observe::bundle_not_kept(self.id, &error);
                cycle.warnings.push(BUNDLE_NOT_KEPT.to_owned());
            }
            None => {}
        }
        changes.new_cycle = Some(cycle);
    }

    /// How much of a language model's answer could be used; nothing is said of others.
    pub(super) fn grade(&self, answers: &[(Coin, Answer)]) -> Option<AnswerGrade> {
        if self.request.decisions.is_some() || self.trader.provider_id == BUILT_IN_PROVIDER {
            return None;
        }
        let usable = answers.iter().filter(|(_, answer)| answer.is_ok()).count();
        Some(match usable {
            0 => AnswerGrade::Unusable,
            all if all == answers.len() => AnswerGrade::Used,
            _ => AnswerGrade::Partly,
        })
    }
}
