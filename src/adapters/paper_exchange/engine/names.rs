//! Names and numbers that identify: assets and symbols are shared texts, everything the engine hands out is a counter.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;
use std::sync::Arc;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: &str) -> Self {
                Self(Arc::from(text))
            }

            /// The text as sent and shown.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(|text| Self(Arc::from(text)))
            }
        }
    };
}

macro_rules! counter {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

name! {
    /// Something that is owned and moved: `BTC`, `USDT`.
    Asset
}
name! {
    /// A market: `BTCUSDT`.
    Symbol
}
counter! {
    /// One account. The first is 1.
    AccountId,
    /// One order. The first is 1; no id is ever used again.
    OrderId,
    /// One execution, seen by its taker and its maker. The first is 1.
    TradeId,
    /// One order list. The first is 1.
    ListId,
}

/// Characters of a generated name.
const GENERATED_LENGTH: usize = 22;

/// A name for what its owner did not name: follows from its number, and looks like chance, so that nobody's own
/// numbering comes upon it.
pub(super) fn generated(kind: char, number: u64) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut state = number ^ (u64::from(u32::from(kind)) << 56);
    let letters = std::iter::repeat_with(|| {
        // SplitMix64: each number is the start of its own well-mixed sequence.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let mixed = mixed ^ (mixed >> 31);
        char::from(ALPHABET[usize::try_from(mixed % 62).expect("below 62")])
    });
    letters.take(GENERATED_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_names_are_legal_and_differ() {
        let names: std::collections::BTreeSet<String> =
            (0..1_000).flat_map(|number| [generated('o', number), generated('c', number)]).collect();
        assert_eq!(names.len(), 2_000);
        assert!(names.iter().all(|name| name.len() == 22 && name.bytes().all(|byte| byte.is_ascii_alphanumeric())));
    }
}
