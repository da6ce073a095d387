//! How values are shown: numbers, money, times. Display only, never arithmetic that money depends on.

use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::{Decimal, RoundingStrategy};

use super::view::{Countdown, Sign, Signed, When};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Below this a countdown is shown as urgent.
const URGENT_BELOW: i64 = 5 * MINUTE;
/// Hex digits of a digest are shown in groups of this size.
const DIGEST_GROUP: usize = 4;

/// What stands in the place of a figure that is not known.
pub const DASH: &str = "–";

/// A decimal with thousands separators and exactly `places` decimals, rounded half away from zero: `43,250.10`.
pub fn number(value: Decimal, places: u32) -> String {
    let rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    let plain = format!("{:.*}", places as usize, rounded.abs());
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut out = String::with_capacity(plain.len() + plain.len() / 3 + 1);
    if rounded.is_sign_negative() && !rounded.is_zero() {
        out.push('-');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A decimal with as many decimals as it has, without trailing zeros: `0.000999`.
pub fn exact(value: Decimal) -> String {
    let value = value.normalize();
    number(value, value.scale())
}

/// An amount with its currency: `432.61 USDT`.
pub fn money(value: Decimal, places: u32, currency: &str) -> String {
    format!("{} {currency}", number(value, places))
}

/// The direction of a value once it is rounded to what is shown.
pub fn sign(value: Decimal, places: u32) -> Sign {
    let rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    if rounded.is_zero() {
        Sign::Flat
    } else if rounded.is_sign_negative() {
        Sign::Down
    } else {
        Sign::Up
    }
}

/// A gain or loss with sign and direction: `▲ +84.20`.
pub fn signed(value: Decimal, places: u32) -> Signed {
    signed_with(value, places, "")
}

/// A gain or loss with currency: `▼ -12.61 USDT`.
pub fn signed_money(value: Decimal, places: u32, currency: &str) -> Signed {
    signed_with(value, places, &format!(" {currency}"))
}

/// A gain or loss in per cent, given in per cent: `▲ +8.1 %`.
pub fn signed_percent(value: Decimal, places: u32) -> Signed {
    signed_with(value, places, " %")
}

/// A move in basis points with a remark: `▲ +2.5 bps since asked`.
pub fn signed_bps(value: Decimal, remark: &str) -> Signed {
    let tail = if remark.is_empty() { " bps".to_owned() } else { format!(" bps {remark}") };
    signed_with(value, 1, &tail)
}

fn signed_with(value: Decimal, places: u32, tail: &str) -> Signed {
    let direction = sign(value, places);
    let plus = if direction == Sign::Up { "+" } else { "" };
    Signed { text: format!("{plus}{}{tail}", number(value, places)), sign: direction }
}

/// A figure that is not known, as a signed one.
pub fn unknown() -> Signed {
    Signed { text: DASH.into(), sign: Sign::Flat }
}

/// A share in per cent, given in per cent: `4.3 %`.
pub fn percent(value: Decimal, places: u32) -> String {
    format!("{} %", number(value, places))
}

/// The number of decimals a price deserves when no instrument says: more for small prices.
pub fn price_places(value: Decimal) -> u32 {
    let value = value.abs();
    if value >= Decimal::from(100) {
        2
    } else if value >= Decimal::ONE {
        4
    } else {
        6
    }
}

/// A message of the services as a sentence.
pub fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// A length in its largest unit of 1,024: `812 B`, `45.2 kB`, `1.3 MB`.
pub fn bytes(count: u64) -> String {
    const KB: u64 = 1_024;
    const MB: u64 = 1_024 * KB;
    let (unit, word) = match count {
        0..KB => return format!("{count} B"),
        KB..MB => (KB, "kB"),
        _ => (MB, "MB"),
    };
    let tenths = u128::from(count) * 10 / u128::from(unit);
    format!("{} {word}", number(Decimal::from(tenths) / Decimal::TEN, 1))
}

/// A count with its noun: `1 model`, `3 models`.
pub fn plural(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {many}", number(Decimal::from(count), 0)) }
}

/// A span as a clock: `41:12`, from one hour `5:12:09`, from one day `2 d 5 h`. Never negative.
pub fn clock(span_ms: i64) -> String {
    let span = span_ms.max(0);
    let (days, hours) = (span / DAY, span % DAY / HOUR);
    let (minutes, seconds) = (span % HOUR / MINUTE, span % MINUTE / SECOND);
    if days > 0 {
        format!("{days} d {hours} h")
    } else if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A span in its largest unit: `12 s`, `18 min`, `3 h`, `2 d`. Never negative.
pub fn span(span_ms: i64) -> String {
    let span = span_ms.max(0);
    if span < MINUTE {
        format!("{} s", span / SECOND)
    } else if span < HOUR {
        format!("{} min", span / MINUTE)
    } else if span < DAY {
        format!("{} h", span / HOUR)
    } else {
        format!("{} d", span / DAY)
    }
}

/// How long ago: `just now`, `18 min ago`.
pub fn ago(at_ms: i64, now_ms: i64) -> String {
    let span_ms = now_ms - at_ms;
    if span_ms < 5 * SECOND { "just now".into() } else { format!("{} ago", span(span_ms)) }
}

/// RFC 3339 in UTC with milliseconds; a time out of range is shown as the epoch.
pub fn rfc3339(at_ms: i64) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A readable absolute time: `2026-11-23 02:58:31 UTC`.
pub fn timestamp(at_ms: i64) -> String {
    utc(at_ms, "%Y-%m-%d %H:%M:%S UTC")
}

/// A readable time without seconds, for tables of charts: `2026-11-23 02:58`.
pub fn minute(at_ms: i64) -> String {
    utc(at_ms, "%Y-%m-%d %H:%M")
}

/// A readable day: `2026-11-23`.
pub fn day(at_ms: i64) -> String {
    utc(at_ms, "%Y-%m-%d")
}

fn utc(at_ms: i64, format: &str) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// A moment in the past with its relative and absolute text.
pub fn when(at_ms: i64, now_ms: i64) -> When {
    When { iso: rfc3339(at_ms), abs: timestamp(at_ms), text: ago(at_ms, now_ms) }
}

/// A moment in the future as a countdown.
pub fn countdown(at_ms: i64, now_ms: i64) -> Countdown {
    let left = at_ms - now_ms;
    Countdown { iso: rfc3339(at_ms), abs: timestamp(at_ms), text: clock(left), urgent: left < URGENT_BELOW }
}

/// A digest as a person compares it: first eight and last four digits, `7f3a 90c1 … c21e`.
pub fn digest(full: &str) -> String {
    let all: Vec<char> = full.chars().collect();
    if all.len() < 4 * DIGEST_GROUP {
        return full.to_owned();
    }
    let part = |from: usize| all[from..from + DIGEST_GROUP].iter().collect::<String>();
    format!("{} {} … {}", part(0), part(DIGEST_GROUP), part(all.len() - DIGEST_GROUP))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn a_length_is_told_in_its_largest_unit() {
        let shown = [0, 1_023, 1_024, 46_285, 1_048_576, 1_400_000_000].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 kB", "45.2 kB", "1.0 MB", "1,335.1 MB"]);
    }

    #[test]
    fn thousands_are_separated_and_decimals_fixed() {
        for (value, places, shown) in [
            ("43250.1", 2, "43,250.10"),
            ("0", 2, "0.00"),
            ("-0.001", 2, "0.00"),
            ("-12.605", 2, "-12.61"),
            ("999.995", 2, "1,000.00"),
            ("1234567", 0, "1,234,567"),
            ("0.00100000", 4, "0.0010"),
        ] {
            assert_eq!(number(d(value), places), shown);
        }
        assert_eq!(exact(d("0.00099900")), "0.000999");
    }

    #[test]
    fn a_gain_carries_its_sign_and_nothing_rounds_to_a_coloured_zero() {
        assert_eq!(signed(d("84.2"), 2).text, "+84.20");
        assert_eq!(signed(d("84.2"), 2).sign, Sign::Up);
        assert_eq!(signed_money(d("-12.61"), 2, "USDT").text, "-12.61 USDT");
        assert_eq!(signed(d("0.004"), 2).sign, Sign::Flat);
        assert_eq!(signed_bps(d("2.5"), "since asked").text, "+2.5 bps since asked");
    }

    #[test]
    fn spans_read_like_a_clock() {
        assert_eq!(clock(41 * MINUTE + 12 * SECOND), "41:12");
        assert_eq!(clock(5 * HOUR + 2 * MINUTE + 9 * SECOND), "5:02:09");
        assert_eq!(clock(-1), "0:00");
        assert_eq!(ago(0, 18 * MINUTE), "18 min ago");
        assert_eq!(ago(10, 0), "just now");
        assert_eq!(span(2 * DAY), "2 d");
    }

    #[test]
    fn times_are_utc_in_text_and_markup() {
        assert_eq!(timestamp(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(rfc3339(1_500), "1970-01-01T00:00:01.500Z");
    }

    #[test]
    fn a_digest_is_shortened_for_the_eye() {
        assert_eq!(digest("7f3a90c1aaaaaaaaaaaac21e"), "7f3a 90c1 … c21e");
        assert_eq!(digest("abc"), "abc");
    }
}
