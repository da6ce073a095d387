//! The fields of a decision in one table: the schema that is sent and the reading of what comes back both follow from it.

/// How a field's value looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters::llm) enum Shape {
    /// One of the coins that were asked about.
    Coin,
    /// One of the signals.
    Signal,
    /// A plain decimal number, as text so that no float comes near it: what an entry must have.
    Size,
    /// A plain decimal number greater than zero, as text, or null.
    Number,
    /// A plain decimal number between 0 and 1, as text, or null.
    Share,
    /// A whole number, or null.
    Whole,
    /// Words that must be there.
    Words,
    /// Words, or null.
    OptionalWords,
}

/// A field of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters::llm) enum Field {
    Coin,
    Signal,
    Quantity,
    EquityPct,
    Leverage,
    ProfitTarget,
    StopLoss,
    Confidence,
    Justification,
    Invalidation,
}

/// Every field, in the order in which it is asked for and in which it is declared.
pub(in crate::adapters::llm) const FIELDS: [Field; 10] = [
    Field::Coin,
    Field::Signal,
    Field::Quantity,
    Field::EquityPct,
    Field::Leverage,
    Field::ProfitTarget,
    Field::StopLoss,
    Field::Confidence,
    Field::Justification,
    Field::Invalidation,
];

impl Field {
    /// The name on the wire, the shape of its value, and what it means, as the schema says it.
    const fn spec(self) -> (&'static str, Shape, &'static str) {
        match self {
            Self::Coin => ("coin", Shape::Coin, "The coin that is decided about, once in the answer."),
            Self::Signal => ("signal", Shape::Signal, "What to do."),
            Self::Quantity => {
                ("quantity", Shape::Size, "Base quantity of an entry, such as 0.01; null when equity_pct is given.")
            }
            Self::EquityPct => {
                ("equity_pct", Shape::Size, "Instead of quantity: the entry's size in percent of equity, such as 5.")
            }
            Self::Leverage => ("leverage", Shape::Whole, "At least 1."),
            Self::ProfitTarget => ("profit_target", Shape::Number, "Price at which to take profit."),
            Self::StopLoss => ("stop_loss", Shape::Number, "Price at which to give up."),
            Self::Confidence => ("confidence", Shape::Share, "Between 0 and 1, such as 0.7."),
            Self::Justification => ("justification", Shape::Words, "Why, in a few sentences."),
            Self::Invalidation => ("invalidation", Shape::OptionalWords, "What would prove it wrong."),
        }
    }

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        self.spec().0
    }

    /// How its value looks.
    pub const fn shape(self) -> Shape {
        self.spec().1
    }

    /// What it means, in one sentence for the model.
    pub const fn help(self) -> &'static str {
        self.spec().2
    }

    /// The field of this name.
    pub fn named(name: &str) -> Option<Self> {
        FIELDS.into_iter().find(|field| field.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_declaration() {
        for (index, field) in FIELDS.into_iter().enumerate() {
            assert_eq!((field as usize, Field::named(field.name())), (index, Some(field)));
        }
    }
}
