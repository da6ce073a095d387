//! Reads the answers of language models. It refuses rather than repairs: what is not exactly what was asked for becomes
//! a reason that the model can be shown, never a guess about money.
//!
//! ```text
//! text -> locate: the one object -> json: names and raw values -> decision: one coin's proposal
//! ```
//! Two kinds of fault are told apart. One coin's fault (a wrong type, two sizes) is that coin's alone. A fault of the
//! whole (no object, two of them, truncated, a name twice) makes all of it unusable, since nobody can tell what else is
//! missing. Reasons name the field and the rule and never repeat a value.
//!
//! Each byte is looked at a bounded number of times and nothing recurses on what the answer nests.

mod decision;
mod field;
mod json;
mod locate;

pub use decision::PROVEN_WRONG;
pub(super) use field::{FIELDS, Field, Shape};

use crate::adapters::llm::schema;
use crate::domain::market::Coin;
use crate::ports::advisor::{Proposal, UnusableAnswer};
use crate::ports::language_model::{ANSWER_MAX_BYTES, AnswerReader, ReadAnswer};
use decision::{Draft, Named};
use json::{Fault, Reader};

/// The most decisions of one answer: four times the coins that a model may follow.
pub const DECISIONS_MAX: usize = 200;
/// The one field of an answer.
pub(super) const DECISIONS: &str = "decisions";

/// Reads answers strictly.
#[derive(Clone, Copy, Debug, Default)]
pub struct StrictReader;

impl AnswerReader for StrictReader {
    fn schema(&self, coins: &[Coin]) -> String {
        schema::write(coins)
    }

    fn read(&self, text: &str, coins: &[Coin]) -> ReadAnswer {
        match read(text, coins) {
            Ok(answers) => ReadAnswer::Coins(answers),
            Err(fault) => ReadAnswer::Unusable(UnusableAnswer { message: format!("the answer {fault}") }),
        }
    }
}

/// What an answer says about one coin.
type OfCoin = Result<Proposal, UnusableAnswer>;

fn read(text: &str, coins: &[Coin]) -> Result<Vec<(Coin, OfCoin)>, Fault> {
    if text.len() > ANSWER_MAX_BYTES {
        return Err(Fault::Shape("is longer than 1 MB"));
    }
    let found = locate::start(text)?;
    let mut reader = Reader::at(text, found.at);
    let mut answers = Answers::about(coins);
    // What is wrong with the shape is told only when the text is one whole object: the other faults come first.
    let shape = read_object(&mut reader, &mut answers)?;
    locate::end(text, &found, reader.position())?;
    match shape {
        None => Ok(answers.finish()),
        Some(fault) => Err(fault),
    }
}

/// Reads the whole object; tells what is wrong with its shape, if anything.
fn read_object(reader: &mut Reader<'_>, answers: &mut Answers<'_>) -> Result<Option<Fault>, Fault> {
    let (mut has_decisions, mut is_array, mut has_foreign) = (false, false, false);
    reader.open_object()?;
    let mut is_first = true;
    while let Some(name) = reader.next_name(is_first)? {
        is_first = false;
        if name != DECISIONS {
            has_foreign = true;
            reader.value()?;
            continue;
        }
        if has_decisions {
            return Err(Fault::Twice(DECISIONS));
        }
        has_decisions = true;
        is_array = reader.opens_array()?;
        if is_array {
            read_decisions(reader, answers)?;
        } else {
            reader.value()?;
        }
    }
    Ok(match (has_decisions, is_array, has_foreign) {
        (false, ..) => Some(Fault::Shape("has no field decisions")),
        (true, false, _) => Some(Fault::Shape("must hold an array in its field decisions")),
        (true, true, true) => Some(Fault::Shape("has a field beside decisions")),
        (true, true, false) => None,
    })
}

fn read_decisions(reader: &mut Reader<'_>, answers: &mut Answers<'_>) -> Result<(), Fault> {
    reader.open_array()?;
    let mut count = 0;
    while reader.next_item(count == 0)? {
        count += 1;
        if count > DECISIONS_MAX {
            return Err(Fault::Shape("holds more than 200 decisions"));
        }
        if !reader.opens_object()? {
            reader.value()?;
            answers.unreadable("the decision must be an object");
            continue;
        }
        answers.take(&Draft::read(reader)?);
    }
    Ok(())
}

/// Answers by coin while they are read.
struct Answers<'a> {
    coins: &'a [Coin],
    asked: Vec<Option<OfCoin>>,
    others: Vec<(Coin, OfCoin)>,
}

impl<'a> Answers<'a> {
    fn about(coins: &'a [Coin]) -> Self {
        Self { coins, asked: coins.iter().map(|_| None).collect(), others: Vec::new() }
    }

    /// One decision, whatever coin it names.
    fn take(&mut self, draft: &Draft<'_>) {
        match draft.names(self.coins) {
            Named::Asked(index) => self.place(index, draft.proposal()),
            Named::Spelt(index) => self.place(index, unusable("coin must be spelt exactly as it was asked about")),
            Named::Other(coin) => {
                if self.others.iter().all(|(other, _)| *other != coin) {
                    self.others.push((coin, unusable("coin must be one that was asked about")));
                }
            }
            Named::Nothing => self.unreadable("coin must name one that was asked about"),
        }
    }

    /// Two decisions about one coin are two opinions: neither is taken.
    fn place(&mut self, index: usize, answer: OfCoin) {
        let Some(slot) = self.asked.get_mut(index) else { return };
        *slot = Some(if slot.is_none() { answer } else { unusable("the answer decides about this coin twice") });
    }

    /// A decision that belongs to no coin stands under a name of ours: its own cannot be stored or repeated.
    fn unreadable(&mut self, why: &str) {
        let is_free = |coin: &Coin| !self.coins.contains(coin) && self.others.iter().all(|(other, _)| other != coin);
        let name = |n: usize| Coin::parse(&format!("UNREADABLE{n}")).expect("letters and digits are a coin's name");
        let coin = (1..).map(name).find(is_free).expect("names are free as long as decisions are bounded");
        self.others.push((coin, unusable(why)));
    }

    fn finish(self) -> Vec<(Coin, OfCoin)> {
        let left_out = || unusable("the answer leaves this coin out");
        let asked = self.coins.iter().cloned().zip(self.asked.into_iter().map(|slot| slot.unwrap_or_else(left_out)));
        asked.chain(self.others).collect()
    }
}

fn unusable(message: &str) -> OfCoin {
    Err(UnusableAnswer { message: message.to_owned() })
}
