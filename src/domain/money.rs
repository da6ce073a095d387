//! Decimal newtypes. Price x Quantity = Money and nothing else compiles; no float comes near any of them.
//!
//! Every value is bounded by [`MAX_MAGNITUDE`], so that a product of two stays inside what a decimal can hold: the
//! operators below cannot overflow for values that came through the constructors.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// The largest price, quantity or amount accepted anywhere: 10^12.
pub const MAX_MAGNITUDE: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);
/// Decimal places of stored money: what Binance uses.
pub const MONEY_SCALE: u32 = 8;
/// The longest number text that is looked at: twenty digits, a point, twenty digits.
const MAX_NUMBER_TEXT: usize = 41;

/// Why a text is not a number that we accept. The value itself is never repeated: it may be a secret in the wrong field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Empty or only spaces.
    #[error("is required")]
    Missing,
    /// Not digits with at most one point: exponents, signs, NaN, separators and full-width digits are refused.
    #[error("must be a plain decimal number such as 0.001 (no exponent, sign or separators)")]
    NotPlain,
    /// A minus sign where only positive numbers make sense.
    #[error("must not be negative")]
    Negative,
    /// Zero where only positive numbers make sense.
    #[error("must be greater than zero")]
    Zero,
    /// More than a decimal or our own bound can hold.
    #[error("is too large")]
    TooLarge,
}

/// Reads an unsigned number in plain notation, at most 20 digits before and after the point.
///
/// # Errors
/// [`NumberError`] names the rule that the text breaks.
pub fn parse_plain(text: &str) -> Result<Decimal, NumberError> {
    if text.trim().is_empty() {
        return Err(NumberError::Missing);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if digits.len() > MAX_NUMBER_TEXT || !plain(whole) || !plain(fraction) {
        return Err(NumberError::NotPlain);
    }
    if whole.len() > 20 || fraction.len() > 20 {
        return Err(NumberError::TooLarge);
    }
    let value = Decimal::from_str_exact(digits).map_err(|_| NumberError::TooLarge)?;
    if negative && !value.is_zero() {
        return Err(NumberError::Negative);
    }
    if value > MAX_MAGNITUDE {
        return Err(NumberError::TooLarge);
    }
    Ok(value.normalize())
}

/// Reads a number that must be greater than zero.
///
/// # Errors
/// [`NumberError`] names the rule that the text breaks.
pub fn parse_positive(text: &str) -> Result<Decimal, NumberError> {
    let value = parse_plain(text)?;
    if value.is_zero() { Err(NumberError::Zero) } else { Ok(value) }
}

macro_rules! decimal_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Decimal);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(Decimal::ZERO);

            /// The decimal inside, for display, storage and ratios.
            pub const fn decimal(self) -> Decimal {
                self.0
            }

            /// Whether this is exactly zero.
            pub const fn is_zero(self) -> bool {
                self.0.is_zero()
            }
        }

        impl std::fmt::Display for $name {
            /// Plain notation without trailing zeros: `0.00001`, never `1e-5`.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.normalize().fmt(f)
            }
        }
    };
}

decimal_newtype! {
    /// Quote units for one base unit; always greater than zero once parsed.
    Price
}
decimal_newtype! {
    /// An amount of the base asset; never negative.
    Quantity
}
decimal_newtype! {
    /// A signed amount of the quote asset.
    Money
}

impl Price {
    /// A price, when the value is greater than zero and not beyond [`MAX_MAGNITUDE`].
    pub fn new(value: Decimal) -> Option<Self> {
        (value > Decimal::ZERO && value <= MAX_MAGNITUDE).then_some(Self(value))
    }

    /// Reads a price in plain notation.
    ///
    /// # Errors
    /// [`NumberError`] names the rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        parse_positive(text).map(Self)
    }

    /// How far `now` is from this price, in basis points, signed: +50 means half a percent higher.
    pub fn drift_bps(self, now: Price) -> Decimal {
        (now.0 - self.0) / self.0 * Decimal::from(10_000)
    }

    /// This price moved by `bps` basis points; `None` when nothing above zero would remain.
    pub fn moved_bps(self, bps: Decimal) -> Option<Self> {
        Self::new(self.0 + self.0 * bps / Decimal::from(10_000))
    }

    /// This price moved by `percent`; `None` when nothing above zero would remain.
    pub fn moved_percent(self, percent: Decimal) -> Option<Self> {
        Self::new(self.0 + self.0 * percent / Decimal::ONE_HUNDRED)
    }
}

impl Quantity {
    /// A quantity, when the value is not negative and not beyond [`MAX_MAGNITUDE`].
    pub fn new(value: Decimal) -> Option<Self> {
        (value >= Decimal::ZERO && value <= MAX_MAGNITUDE).then_some(Self(value))
    }

    /// Reads a quantity greater than zero in plain notation.
    ///
    /// # Errors
    /// [`NumberError`] names the rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        parse_positive(text).map(Self)
    }

    /// What remains after taking `other` away; nothing when `other` is larger.
    pub fn minus(self, other: Self) -> Self {
        Self((self.0 - other.0).max(Decimal::ZERO))
    }

    /// The smaller of two.
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// The largest multiple of `step` that is not above this quantity. A step of zero means "no rule".
    pub fn floor_to(self, step: Decimal) -> Self {
        Self(floor_multiple(self.0, step))
    }
}

impl std::ops::Add for Quantity {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, |a, b| a + b)
    }
}

impl std::ops::Mul<Quantity> for Price {
    type Output = Money;
    fn mul(self, quantity: Quantity) -> Money {
        Money(self.0 * quantity.0)
    }
}

impl Money {
    /// Any signed amount.
    pub const fn new(value: Decimal) -> Self {
        Self(value)
    }

    /// Rounded towards plus infinity to [`MONEY_SCALE`] places: what we owe is never rounded in our favour.
    pub fn round_up(self) -> Self {
        Self(self.0.round_dp_with_strategy(MONEY_SCALE, RoundingStrategy::ToPositiveInfinity))
    }

    /// Rounded to the nearest at [`MONEY_SCALE`] places, ties to even.
    pub fn round(self) -> Self {
        Self(self.0.round_dp(MONEY_SCALE))
    }

    /// `percent` per cent of this amount, not rounded.
    pub fn percent(self, percent: Decimal) -> Self {
        Self(self.0 * percent / Decimal::ONE_HUNDRED)
    }

    /// This amount as a share of `whole` in per cent; `None` when the whole is zero or less.
    pub fn percent_of(self, whole: Self) -> Option<Decimal> {
        (whole.0 > Decimal::ZERO).then(|| self.0 / whole.0 * Decimal::ONE_HUNDRED)
    }

    /// The part of this amount that belongs to `part` of `whole`, rounded to the nearest. The whole for the whole, exactly.
    pub fn share(self, part: Quantity, whole: Quantity) -> Self {
        if part >= whole { self } else { Self(self.0 * part.0 / whole.0).round() }
    }

    /// This amount divided by a whole number such as a leverage, rounded up.
    pub fn divide_up(self, by: u32) -> Self {
        Self(self.0 / Decimal::from(by.max(1))).round_up()
    }

    /// Without its sign.
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// Below zero.
    pub fn is_negative(self) -> bool {
        self.0 < Decimal::ZERO
    }

    /// The larger of two.
    pub fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    /// The smaller of two.
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// The price at which `quantity` is worth this amount, at 8 places; `None` for no quantity or no worth.
    pub fn per(self, quantity: Quantity) -> Option<Price> {
        if quantity.is_zero() { None } else { Price::new((self.0 / quantity.0).round_dp(MONEY_SCALE)) }
    }

    /// How much base this amount buys at `price`, at 8 places, rounded down; zero for a negative amount.
    pub fn buys_at(self, price: Price) -> Quantity {
        let value = (self.0 / price.0).round_dp_with_strategy(MONEY_SCALE, RoundingStrategy::ToZero);
        Quantity(value.max(Decimal::ZERO))
    }
}

impl std::ops::Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl std::ops::Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl std::ops::Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, |a, b| a + b)
    }
}

/// The largest multiple of `step` that is not above `value`; `value` itself when the step is zero.
pub fn floor_multiple(value: Decimal, step: Decimal) -> Decimal {
    if step.is_zero() { value } else { (value - value % step).normalize() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_plain_numbers_are_read() {
        for bad in ["1e5", "NaN", "inf", "+1", "1,000", "１２", "0x1", "1.", ".5", "1.2.3", " 1", "1 ", "--1", "1_0"]
        {
            assert_eq!(parse_plain(bad), Err(NumberError::NotPlain), "{bad}");
        }
        assert_eq!(parse_plain(""), Err(NumberError::Missing));
        assert_eq!(parse_plain("-1"), Err(NumberError::Negative));
        assert_eq!(parse_positive("0.000"), Err(NumberError::Zero));
        assert_eq!(parse_plain("1000000000000.1"), Err(NumberError::TooLarge));
        assert_eq!(parse_plain(&"9".repeat(10_000)), Err(NumberError::NotPlain));
        assert_eq!(parse_plain("0.00001").map(|d| d.to_string()).as_deref(), Ok("0.00001"));
        assert_eq!(MAX_MAGNITUDE, Decimal::from(1_000_000_000_000_i64));
    }

    #[test]
    fn drift_is_signed_and_in_basis_points() {
        let quote = Price::parse("100").expect("valid");
        assert_eq!(quote.drift_bps(Price::parse("100.5").expect("valid")), Decimal::from(50));
        assert_eq!(quote.drift_bps(Price::parse("99").expect("valid")), Decimal::from(-100));
    }

    proptest! {
        #[test]
        fn flooring_never_exceeds_its_input_and_hits_the_step(units in 0u64..10_000_000_000, step in 1u64..1_000_000, scale in 0u32..8) {
            let value = Decimal::from_i128_with_scale(i128::from(units), scale);
            let step = Decimal::from_i128_with_scale(i128::from(step), scale);
            let floored = floor_multiple(value, step);
            prop_assert!(floored <= value);
            prop_assert!(value - floored < step);
            prop_assert!((floored % step).is_zero());
        }

        #[test]
        fn shares_of_money_never_lose_or_make_any(cents in 1i64..1_000_000_000, part in 1u64..1000, whole in 1000u64..100_000) {
            let total = Money::new(Decimal::new(cents, 2));
            let (part, whole) = (Quantity(Decimal::from(part)), Quantity(Decimal::from(whole)));
            let taken = total.share(part, whole);
            let rest = total - taken;
            prop_assert_eq!(taken + rest.share(whole.minus(part), whole.minus(part)), total);
        }
    }
}
