//! What a model asks for, and the sides that follow.

use crate::word_enum;

word_enum! {
    /// What a model wants to do with one coin.
    Signal {
        /// Open or add to a long position.
        BuyToEnter = "buy_to_enter",
        /// Open or add to a short position (simulation only).
        SellToEnter = "sell_to_enter",
        /// Close the whole position.
        ClosePosition = "close_position",
        /// Do nothing.
        Hold = "hold",
    }
}

impl Signal {
    /// Opens or adds exposure.
    pub const fn is_entry(self) -> bool {
        matches!(self, Self::BuyToEnter | Self::SellToEnter)
    }

    /// Asks for an order at all.
    pub const fn is_actionable(self) -> bool {
        !matches!(self, Self::Hold)
    }

    /// The side of the position that an entry opens.
    pub const fn entry_side(self) -> Option<PositionSide> {
        match self {
            Self::BuyToEnter => Some(PositionSide::Long),
            Self::SellToEnter => Some(PositionSide::Short),
            Self::ClosePosition | Self::Hold => None,
        }
    }
}

word_enum! {
    /// The side of an order.
    Side {
        /// Takes base, gives quote.
        Buy = "buy",
        /// Gives base, takes quote.
        Sell = "sell",
    }
}

word_enum! {
    /// The side of a position.
    PositionSide {
        /// Gains when the price rises.
        Long = "long",
        /// Gains when the price falls.
        Short = "short",
    }
}

impl PositionSide {
    /// The order side that opens it.
    pub const fn opened_by(self) -> Side {
        match self {
            Self::Long => Side::Buy,
            Self::Short => Side::Sell,
        }
    }

    /// The order side that closes it.
    pub const fn closed_by(self) -> Side {
        match self {
            Self::Long => Side::Sell,
            Self::Short => Side::Buy,
        }
    }
}
