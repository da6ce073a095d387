//! The smallest components: a signed figure, a time, a countdown, an environment chip, a meter.

use askama::Template;

/// The direction of a figure of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A gain.
    Up,
    /// A loss.
    Down,
    /// Zero, or not money.
    Flat,
}

impl Sign {
    /// The CSS class of this direction.
    pub fn class(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Flat => "flat",
        }
    }

    /// The arrow shown before the figure; empty for [`Sign::Flat`].
    pub fn arrow(self) -> &'static str {
        match self {
            Self::Up => "▲",
            Self::Down => "▼",
            Self::Flat => "",
        }
    }
}

/// A figure with its direction, for example `▲ +84.20`. The text carries its own sign, so colour never stands alone.
#[derive(Clone, Debug, Template)]
#[template(path = "component/signed.html")]
pub struct Signed {
    /// The figure with sign and unit, without the arrow.
    pub text: String,
    /// The direction it is coloured by.
    pub sign: Sign,
}

/// A moment in the past, shown relative to now; the absolute time is in the markup and on hover.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "component/when.html")]
pub struct When {
    /// RFC 3339, UTC.
    pub iso: String,
    /// Readable absolute time.
    pub abs: String,
    /// Relative text such as `18 min ago`.
    pub text: String,
}

/// A moment in the future, counted down once a second where JavaScript runs.
#[derive(Clone, Debug, Template)]
#[template(path = "component/countdown.html")]
pub struct Countdown {
    /// RFC 3339, UTC.
    pub iso: String,
    /// Readable absolute time.
    pub abs: String,
    /// Time left, such as `41:12`.
    pub text: String,
    /// Whether little time is left.
    pub urgent: bool,
}

/// Where a decision, order or model trades; told apart by word, shape and colour together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Template)]
#[template(path = "component/chip.html")]
pub enum Env {
    /// No exchange, play fills.
    Simulation,
    /// An exchange's test network.
    Testnet,
    /// Real money.
    Mainnet,
}

impl Env {
    /// The stable word used in classes and queries.
    pub fn key(self) -> &'static str {
        match self {
            Self::Simulation => "simulation",
            Self::Testnet => "testnet",
            Self::Mainnet => "mainnet",
        }
    }

    /// The word on the chip.
    pub fn word(self) -> &'static str {
        match self {
            Self::Simulation => "Simulation",
            Self::Testnet => "Testnet",
            Self::Mainnet => "Real money",
        }
    }
}

/// What a decision or order does, shown with a sign and a word and never by colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `buy_to_enter`, or an order that buys.
    Buy,
    /// `sell_to_enter`, or an order that sells.
    Sell,
    /// `close_position`.
    Close,
    /// `hold`.
    Hold,
}

impl Side {
    /// The sign before the word.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Buy => "+",
            Self::Sell => "−",
            Self::Close => "×",
            Self::Hold => "·",
        }
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Buy => "Buy",
            Self::Sell => "Sell",
            Self::Close => "Close",
            Self::Hold => "Hold",
        }
    }
}

/// How a state or a message is toned; the word beside it always says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// Finished well.
    Good,
    /// A person is needed, or the outcome is not known yet.
    Wait,
    /// Refused, failed or dangerous.
    Bad,
}

impl Tone {
    /// The CSS class of this tone.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Wait => "wait",
            Self::Bad => "bad",
        }
    }
}

/// A word for a state with its tone, for example an order's `Filled`.
#[derive(Clone, Debug, Template)]
#[template(path = "component/badge.html")]
pub struct Badge {
    /// The word.
    pub text: String,
    /// Its tone.
    pub tone: Tone,
}

/// A name with a value, both shown as text.
#[derive(Clone, Debug)]
pub struct KeyValue {
    /// The name.
    pub key: String,
    /// The value.
    pub value: String,
}

impl KeyValue {
    /// Pairs a name with a value.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// A designed empty state: what is not here, and what happens next and when.
#[derive(Clone, Debug, Template)]
#[template(path = "component/empty.html")]
pub struct Empty {
    /// What is empty, as a sentence.
    pub title: String,
    /// What happens next, and when.
    pub next: String,
    /// Label of the one useful thing to do, empty for none.
    pub action: String,
    /// Where that leads.
    pub url: String,
}

impl Empty {
    /// An empty state without an action.
    pub fn new(title: impl Into<String>, next: impl Into<String>) -> Self {
        Self { title: title.into(), next: next.into(), action: String::new(), url: String::new() }
    }

    /// Adds the one useful thing to do.
    #[must_use]
    pub fn with_action(mut self, label: impl Into<String>, url: impl Into<String>) -> Self {
        self.action = label.into();
        self.url = url.into();
        self
    }
}

/// A filter link with its count, such as a tab of the inbox.
#[derive(Clone, Debug)]
pub struct Tab {
    /// The stable word, for example `pending`.
    pub key: String,
    /// The word shown.
    pub label: String,
    /// The count shown, already formatted; empty for none.
    pub count: String,
    /// Where it leads.
    pub url: String,
    /// Whether it is the current one.
    pub active: bool,
}

/// One choice of a select or of a filter.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The value sent.
    pub value: String,
    /// The word shown.
    pub label: String,
    /// Whether it is chosen.
    pub selected: bool,
}

impl Choice {
    /// A choice of a select.
    pub fn new(value: impl Into<String>, label: impl Into<String>, selected: bool) -> Self {
        Self { value: value.into(), label: label.into(), selected }
    }
}

components!(Signed, When, Countdown, Env, Badge, Empty);
