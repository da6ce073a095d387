//! Identities. Each is its own type, so that an order's id can never be used as a decision's.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

id! {
    /// One AI model with its settings, capital and credentials.
    TraderId,
    /// One account book of a trader: one per trading environment it has used.
    BookId,
    /// One run of a trader: market data, advice, risk, automation.
    CycleId,
    /// One signal for one coin.
    DecisionId,
    /// One order to a venue.
    OrderId,
    /// One execution of (a part of) an order.
    FillId,
    /// One round trip in a coin, from flat to flat.
    PositionId,
    /// Something a person should know.
    IncidentId,
    /// One message behind the bell.
    NotificationId,
    /// A person who can log in.
    UserId,
    /// A bearer token of the API.
    TokenId,
    /// Who answers: the built-in rules, or a language model's host.
    ProviderId,
    /// A cycle's question, put once more.
    ReaskId,
    /// A candidate that follows a trader on paper.
    ShadowId,
}

/// The provider whose advisors are rules in this binary.
pub const BUILT_IN_PROVIDER: ProviderId = ProviderId(1);

/// The longest client order id that Binance accepts.
pub const CLIENT_ORDER_ID_MAX: usize = 36;

/// The name under which a venue knows our order: `[A-Za-z0-9-_]`, at most 36 characters.
///
/// It derives from the installation, the order's cause and the sequence within that cause, so that a crash between
/// minting and sending can never mint a second name for the same intent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientOrderId(String);

impl ClientOrderId {
    /// Derives the id: `cs<installation>-<cause letter><cause id>-<sequence>`.
    pub fn derive(installation: &InstallationTag, cause_letter: char, cause_id: i64, sequence: u32) -> Self {
        let text = format!("cs{}-{cause_letter}{cause_id}-{sequence}", installation.0);
        debug_assert!(text.len() <= CLIENT_ORDER_ID_MAX);
        Self(text)
    }

    /// Takes an id back from storage or a venue's answer, unchecked: it was checked when it was derived.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text as sent to the venue.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Six lower-case hex digits drawn once per database: two installations on one exchange account never share an order name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallationTag(String);

impl InstallationTag {
    /// Takes six lower-case hex digits; anything else is refused.
    pub fn parse(text: &str) -> Option<Self> {
        let ok = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        ok.then(|| Self(text.to_owned()))
    }

    /// The six digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_client_order_id_still_fits_the_exchange() {
        let tag = InstallationTag::parse("a1b2c3").expect("valid");
        let id = ClientOrderId::derive(&tag, 'd', 9_007_199_254_740_991, 9_999);
        assert!(id.as_str().len() <= CLIENT_ORDER_ID_MAX, "{id}");
        assert_eq!(ClientOrderId::derive(&tag, 'd', 7, 1).as_str(), "csa1b2c3-d7-1");
    }
}
