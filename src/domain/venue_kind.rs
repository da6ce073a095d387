//! Where a trader trades, and the account book that follows from it.

use serde::{Deserialize, Serialize};

/// Declares an enum of words that are stored, sent and shown under one spelling.
#[macro_export]
macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in storage, in the API and in settings.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word; `None` when it is not one of ours.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

word_enum! {
    /// Whether orders go to the built-in fill model or to an exchange.
    TradingEnvironment {
        /// No exchange, no keys: orders meet the built-in fill model.
        Simulation = "simulation",
        /// Orders go to the exchange environment.
        Live = "live",
    }
}

word_enum! {
    /// What happens with a decision that passed the risk rules.
    AutomationLevel {
        /// Shown only.
        Manual = "manual",
        /// Asks a person.
        SemiAutomated = "semi_automated",
        /// Acts at once.
        FullyAutomated = "fully_automated",
    }
}

word_enum! {
    /// Which of the exchange's worlds a live trader uses.
    ExchangeEnvironment {
        /// Play money on the exchange's test network.
        Testnet = "testnet",
        /// Real money.
        Mainnet = "mainnet",
    }
}

word_enum! {
    /// The venue an account book belongs to. Books are never mixed and never summed.
    VenueKind {
        /// The built-in fill model.
        Simulation = "simulation",
        /// The exchange's test network.
        Testnet = "testnet",
        /// The exchange with real money.
        Mainnet = "mainnet",
    }
}

word_enum! {
    /// The exchange whose rules live trading follows.
    ExchangeType {
        /// Binance Spot.
        Binance = "binance",
    }
}

impl VenueKind {
    /// The exchange's environment behind a live venue.
    pub const fn exchange_environment(self) -> Option<ExchangeEnvironment> {
        match self {
            Self::Simulation => None,
            Self::Testnet => Some(ExchangeEnvironment::Testnet),
            Self::Mainnet => Some(ExchangeEnvironment::Mainnet),
        }
    }
}

impl ExchangeEnvironment {
    /// The venue that orders of this environment go to.
    pub const fn venue_kind(self) -> VenueKind {
        match self {
            Self::Testnet => VenueKind::Testnet,
            Self::Mainnet => VenueKind::Mainnet,
        }
    }
}

/// The three independent choices of a trader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axes {
    /// Simulation or live.
    pub trading_environment: TradingEnvironment,
    /// Shown, asked or executed.
    pub automation_level: AutomationLevel,
    /// Used when live.
    pub exchange_environment: ExchangeEnvironment,
}

impl Default for Axes {
    /// The safest corner: simulation, manual, testnet.
    fn default() -> Self {
        Self {
            trading_environment: TradingEnvironment::Simulation,
            automation_level: AutomationLevel::Manual,
            exchange_environment: ExchangeEnvironment::Testnet,
        }
    }
}

impl Axes {
    /// The venue, and so the book, that these choices lead to.
    pub const fn venue_kind(self) -> VenueKind {
        match (self.trading_environment, self.exchange_environment) {
            (TradingEnvironment::Simulation, _) => VenueKind::Simulation,
            (TradingEnvironment::Live, ExchangeEnvironment::Testnet) => VenueKind::Testnet,
            (TradingEnvironment::Live, ExchangeEnvironment::Mainnet) => VenueKind::Mainnet,
        }
    }
}
