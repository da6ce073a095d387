//! The closed sets of words of the wire, each under the spelling that Binance uses.

macro_rules! wire_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as sent.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word exactly as it is spelt; `None` for any other text.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

wire_words! {
    /// Which way an order trades.
    Side {
        /// Gives quote, receives base.
        Buy = "BUY",
        /// Gives base, receives quote.
        Sell = "SELL",
    }
}

impl Side {
    /// The other side.
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

wire_words! {
    /// The type of an order.
    OrderType {
        /// Trades at once at whatever price the book has.
        Market = "MARKET",
        /// Trades at its price or better.
        Limit = "LIMIT",
        /// A limit order that may only rest.
        LimitMaker = "LIMIT_MAKER",
        /// Becomes a market order when the price moves against the holder.
        StopLoss = "STOP_LOSS",
        /// Becomes a limit order when the price moves against the holder.
        StopLossLimit = "STOP_LOSS_LIMIT",
        /// Becomes a market order when the price moves in the holder's favour.
        TakeProfit = "TAKE_PROFIT",
        /// Becomes a limit order when the price moves in the holder's favour.
        TakeProfitLimit = "TAKE_PROFIT_LIMIT",
    }
}

impl OrderType {
    /// Whether it waits for a trigger price: what MAX_NUM_ALGO_ORDERS counts.
    pub const fn is_algo(self) -> bool {
        matches!(self, Self::StopLoss | Self::StopLossLimit | Self::TakeProfit | Self::TakeProfitLimit)
    }

    /// Whether it trades at its own price or better, once it works.
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::Limit | Self::LimitMaker | Self::StopLossLimit | Self::TakeProfitLimit)
    }
}

wire_words! {
    /// How long an order may work.
    TimeInForce {
        /// Until it is filled or taken back.
        Gtc = "GTC",
        /// What can be had at once; the rest expires.
        Ioc = "IOC",
        /// All of it at once, or nothing.
        Fok = "FOK",
    }
}

wire_words! {
    /// Where an order stands.
    OrderStatus {
        /// Accepted, nothing executed.
        New = "NEW",
        /// Open with a part executed.
        PartiallyFilled = "PARTIALLY_FILLED",
        /// Executed wholly.
        Filled = "FILLED",
        /// Taken back by its owner.
        Canceled = "CANCELED",
        /// Ended by the exchange's rules; a part may be executed.
        Expired = "EXPIRED",
        /// Ended because it would have traded with its own account.
        ExpiredInMatch = "EXPIRED_IN_MATCH",
    }
}

impl OrderStatus {
    /// Whether the order can still execute or be taken back.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::PartiallyFilled)
    }
}

wire_words! {
    /// Why the exchange ended an order.
    ExpiryReason {
        /// It could not be carried out when its trigger came: the money was not there.
        Rejected = "REJECTED",
        /// The rest of an IOC order.
        UnfilledIoc = "UNFILLED_IOC_QUANTITY_EXPIRED",
        /// A FOK order that could not be had whole.
        UnfilledFok = "UNFILLED_FOK_ORDER_EXPIRED",
        /// A market order that was larger than the book.
        InsufficientLiquidity = "INSUFFICIENT_LIQUIDITY",
        /// The other leg of its OCO traded or was triggered.
        OcoTrigger = "OCO_TRIGGER",
    }
}

wire_words! {
    /// What happens when an order would trade with its own account; the taker's word counts.
    SelfTradePrevention {
        /// The account trades with itself.
        None = "NONE",
        /// The resting order ends, the taker goes on.
        ExpireMaker = "EXPIRE_MAKER",
        /// The taker ends, the resting order stays.
        ExpireTaker = "EXPIRE_TAKER",
        /// Both end.
        ExpireBoth = "EXPIRE_BOTH",
    }
}

wire_words! {
    /// Whether a market takes orders.
    SymbolStatus {
        /// Open.
        Trading = "TRADING",
        /// Closed for the day.
        EndOfDay = "END_OF_DAY",
        /// Stopped.
        Halt = "HALT",
        /// Paused.
        Break = "BREAK",
        /// Orders may only be taken back.
        CancelOnly = "CANCEL_ONLY",
    }
}

wire_words! {
    /// In which state alone an order may be taken back.
    CancelRestriction {
        /// Only when nothing is executed.
        OnlyNew = "ONLY_NEW",
        /// Only when a part is executed.
        OnlyPartiallyFilled = "ONLY_PARTIALLY_FILLED",
    }
}

wire_words! {
    /// What a failed cancel means for the order that should replace.
    CancelReplaceMode {
        /// Nothing is placed when the cancel fails.
        StopOnFailure = "STOP_ON_FAILURE",
        /// The new order is placed in any case.
        AllowFailure = "ALLOW_FAILURE",
    }
}

wire_words! {
    /// Where an order list stands.
    ListStatus {
        /// A leg is open.
        Executing = "EXECUTING",
        /// Every leg is closed.
        AllDone = "ALL_DONE",
    }
}
