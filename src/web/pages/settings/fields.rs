//! The settings form, made from the domain's table: a setting that is in the table is on the page.

use crate::domain::market::Coin;
use crate::domain::trader_settings::{ASSETS_MAX, SPECS, SettingGroup, SettingKind, SettingSpec, TraderSettings};
use crate::services::desk::Desk;
use crate::web::form::Input;
use crate::web::show;
use crate::web::view::{Choice, Field, FieldGroup, FieldKind};
use std::collections::{BTreeMap, BTreeSet};

/// Coins offered beside those that are chosen already.
const COINS_OFFERED: usize = 60;
/// The longest name of a coin that is read, in characters.
const COIN_CHARS_MAX: usize = 40;
/// The groups in page order, with heading and a sentence below it.
const GROUPS: [(SettingGroup, &str, &str); 8] = [
    (SettingGroup::Trading, "Trading", ""),
    (SettingGroup::Risk, "Risk limits", "Checked before every entry. Exits are never held back by them."),
    (SettingGroup::Orders, "Approval and orders", ""),
    (SettingGroup::Simulation, "Simulated costs", "Used by the built-in fill model only."),
    (SettingGroup::AutoPause, "Auto-pause", "Full automation falls back to asking when one of these is met."),
    (SettingGroup::Ai, "AI", "Used when a language model answers. The built-in rules read neither."),
    (SettingGroup::Notifications, "Notifications", "What lands behind the bell. Incidents are recorded in any case."),
    (SettingGroup::Presentation, "Explanations", ""),
];

/// What stands in the form: the values of a model or what was typed last, and what is wrong with them.
#[derive(Clone, Debug, Default)]
pub struct Filled {
    /// Values as text, by key.
    pub values: BTreeMap<String, String>,
    /// Rules that are broken, by key.
    pub errors: BTreeMap<String, String>,
}

impl Filled {
    /// What is stored.
    pub fn of(settings: &TraderSettings) -> Self {
        let value = |spec: &SettingSpec| (spec.key.to_owned(), settings.get(spec.key).unwrap_or_default());
        Self { values: SPECS.iter().map(value).collect(), errors: BTreeMap::new() }
    }

    /// What was typed over what is stored.
    #[must_use]
    pub fn with(mut self, typed: &[(String, String)], errors: BTreeMap<String, String>) -> Self {
        self.values.extend(typed.iter().cloned());
        self.errors = errors;
        self
    }

    fn value(&self, key: &str) -> String {
        self.values.get(key).cloned().unwrap_or_default()
    }
}

/// The form in groups.
pub async fn groups(desk: &Desk, filled: &Filled) -> Vec<FieldGroup> {
    let offered = offered_coins(desk).await;
    let of = |group: SettingGroup| {
        let specs = SPECS.iter().filter(move |spec| spec.group == group);
        specs.map(|spec| field(spec, filled, &offered)).collect()
    };
    let group = |(group, title, note): &(SettingGroup, &str, &str)| FieldGroup {
        title: (*title).to_owned(),
        note: (*note).to_owned(),
        fields: of(*group),
    };
    GROUPS.iter().map(group).collect()
}

/// Takes every setting out of a form, as text for the domain's parser. An emptied field is an empty text, not one that
/// was not sent, and no box ticked is an empty list.
pub fn read(form: &mut Input) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    for spec in SPECS {
        let sent = form.raw(spec.key).is_some();
        match spec.kind {
            SettingKind::Coins => {
                // One more than is allowed, so that too many are told from just enough.
                let coins = form.texts(spec.key, usize::MAX, COIN_CHARS_MAX).unwrap_or_default();
                let coins: Vec<String> = coins.into_iter().take(ASSETS_MAX + 1).collect();
                settings.push((spec.key.to_owned(), coins.join(",")));
            }
            _ if sent => settings.push((spec.key.to_owned(), form.typed(spec.key))),
            _ => {}
        }
    }
    settings
}

fn field(spec: &SettingSpec, filled: &Filled, offered: &[Coin]) -> Field {
    let value = filled.value(spec.key);
    let error = filled.errors.get(spec.key).map_or_else(String::new, |why| format!("{} {why}.", spec.label));
    let field = |kind| Field::new(spec.key, spec.label, kind, &value).help(spec.help).unit(spec.unit).error(&error);
    match spec.kind {
        SettingKind::Decimal(low, high) => {
            field(FieldKind::Number).range(format!("{} to {}", grouped(low), grouped(high)))
        }
        SettingKind::Integer(low, high) => {
            let (low, high) = (show::exact(low.into()), show::exact(high.into()));
            field(FieldKind::Number).range(format!("{low} to {high}"))
        }
        SettingKind::Bool => field(FieldKind::Bool),
        SettingKind::Text(max) => field(FieldKind::Area).range(format!("up to {max} characters")),
        SettingKind::Choice(words) => {
            field(FieldKind::Select).choices(words.iter().map(|word| choice(word, *word == value)).collect())
        }
        SettingKind::Coins => {
            field(FieldKind::Assets).range(format!("1 to {ASSETS_MAX}")).choices(coins(&value, offered))
        }
    }
}

/// A bound of the table with thousands separators.
fn grouped(bound: &str) -> String {
    bound.parse().map_or_else(|_| bound.to_owned(), show::exact)
}

fn choice(word: &str, selected: bool) -> Choice {
    let mut letters = word.chars();
    let first = letters.next().map_or_else(String::new, |first| first.to_uppercase().collect());
    Choice::new(word, first + letters.as_str(), selected)
}

fn coins(value: &str, offered: &[Coin]) -> Vec<Choice> {
    let chosen: Vec<&str> = value.split(',').filter(|coin| !coin.is_empty()).collect();
    let others = offered.iter().map(Coin::as_str).filter(|coin| !chosen.contains(coin));
    let all = chosen.iter().map(|coin| (*coin, true)).chain(others.map(|coin| (coin, false)));
    all.map(|(coin, selected)| Choice::new(coin, coin, selected)).collect()
}

/// The usual coins, then what the market has; a market that does not answer leaves the usual ones.
async fn offered_coins(desk: &Desk) -> Vec<Coin> {
    let mut offered = TraderSettings::default().supported_assets;
    if let Ok(instruments) = desk.markets.simulation.instruments().await {
        let known: BTreeSet<Coin> = instruments.coins().cloned().collect();
        let more: Vec<Coin> = known.into_iter().filter(|coin| !offered.contains(coin)).collect();
        offered.extend(more);
    }
    offered.truncate(COINS_OFFERED);
    offered
}
