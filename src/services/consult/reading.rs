//! From what a language model said to answers for coins: the same for a cycle and for the replay of its record.

use crate::domain::market::Coin;
use crate::ports::advisor::{Proposal, UnusableAnswer};
use crate::ports::language_model::{AnswerReader, ChatReply, ReadAnswer};

/// The most errors that the second question names.
const ERRORS_NAMED_MAX: usize = 20;

type Read = Vec<(Coin, Result<Proposal, UnusableAnswer>)>;

/// What a conversation says in the end: the last answer, and for a coin that it spoils, what an earlier one said.
pub fn conclude<'a>(
    reader: &dyn AnswerReader,
    coins: &[Coin],
    replies: impl IntoIterator<Item = &'a ChatReply>,
) -> Read {
    let mut replies = replies.into_iter();
    let Some(first) = replies.next() else { return Vec::new() };
    replies.fold(read(reader, coins, first), |earlier, reply| better(earlier, read(reader, coins, reply)))
}

/// Each coin's error once, the same words only once. None means that everything can be used.
pub(super) fn errors(coins: &[(Coin, Result<Proposal, UnusableAnswer>)]) -> Vec<String> {
    let mut errors: Vec<String> = Vec::new();
    let failed: Vec<(&Coin, &str)> =
        coins.iter().filter_map(|(coin, read)| Some((coin, read.as_ref().err()?.message.as_str()))).collect();
    let same = failed.len() == coins.len() && failed.windows(2).all(|pair| pair[0].1 == pair[1].1);
    match failed.first() {
        Some((_, why)) if same && failed.len() > 1 => errors.push((*why).to_owned()),
        _ => errors.extend(failed.iter().map(|(coin, why)| format!("{coin}: {why}"))),
    }
    errors.truncate(ERRORS_NAMED_MAX);
    errors
}

/// One answer. What the provider says about it comes before what it says.
fn read(reader: &dyn AnswerReader, coins: &[Coin], reply: &ChatReply) -> Read {
    let whole = match (&reply.refusal, reply.finish_reason.as_deref()) {
        (Some(_), _) => Some("the model refused to answer".to_owned()),
        (None, Some("length")) => Some("the answer was cut off: it is longer than the model may write".to_owned()),
        (None, Some("content_filter")) => Some("the provider's filter withheld the answer".to_owned()),
        _ => None,
    };
    let read = match whole {
        Some(message) => ReadAnswer::Unusable(UnusableAnswer { message }),
        None => reader.read(&reply.content, coins),
    };
    match read {
        ReadAnswer::Coins(coins) => coins,
        ReadAnswer::Unusable(why) => coins.iter().map(|coin| (coin.clone(), Err(why.clone()))).collect(),
    }
}

/// What the second answer says, and for a coin that it spoils, what the first one said.
fn better(first: Read, second: Read) -> Read {
    let spoiled = |coin: &Coin| first.iter().find(|(other, read)| other == coin && read.is_ok()).cloned();
    second
        .into_iter()
        .map(|(coin, read)| match (&read, spoiled(&coin)) {
            (Err(_), Some(kept)) => kept,
            _ => (coin, read),
        })
        .collect()
}
