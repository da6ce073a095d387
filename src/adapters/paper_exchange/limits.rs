//! How much one address and one account may ask for.
//!
//! Windows are fixed: the weight of a minute is forgotten at its end. Whoever goes on asking after 429 is banned with
//! 418, for two minutes at first and for twice as long each time. Orders are counted per account, and what was filled
//! is taken off again: the count is about orders that nobody wanted.

use super::engine::AccountId;
use super::error::ApiError;
use crate::domain::time::{DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Request weight in one minute, for one address.
const WEIGHT_MAX: u64 = 6_000;
/// Requests in five minutes, for one address.
const RAW_MAX: u64 = 300_000;
/// The window of raw requests.
const RAW_WINDOW_MS: i64 = 5 * MINUTE_MS;
/// Orders in ten seconds, for one account.
const TEN_SECONDS_MAX: u64 = 100;
/// The short window of orders.
const TEN_SECONDS_MS: i64 = 10 * SECOND_MS;
/// Orders in one day, for one account.
const DAY_MAX: u64 = 200_000;
/// What is told when nothing is limited: more than anyone reaches.
const UNLIMITED: u64 = 1_000_000_000;
/// Requests after a 429 in the same minute that are borne before the ban.
const IGNORED_MAX: u32 = 10;
/// The first ban.
const BAN_MS: i64 = 2 * MINUTE_MS;
/// The longest ban.
const BAN_MAX_MS: i64 = 3 * DAY_MS;
/// What the first fill of an order that rested takes off the count.
const MAKER_CREDIT: u64 = 5;
/// Addresses that are remembered; those without a ban are forgotten when there are more.
const ADDRESSES_MAX: usize = 10_000;

/// Whether limits hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitsMode {
    /// As at the real exchange.
    #[default]
    Binance,
    /// Counted and told, never enforced.
    Off,
}

/// One line of the limits that clients are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitLine {
    /// `REQUEST_WEIGHT`, `ORDERS` or `RAW_REQUESTS`.
    pub kind: &'static str,
    /// `SECOND`, `MINUTE` or `DAY`.
    pub interval: &'static str,
    /// How many of that interval.
    pub interval_num: i64,
    /// How much.
    pub limit: u64,
}

/// Orders of one account in the current windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCount {
    /// In ten seconds.
    pub ten_seconds: u64,
    /// Today.
    pub day: u64,
}

/// A count that is forgotten at the end of its window.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    number: i64,
    count: u64,
}

impl Window {
    fn at(&mut self, now: Timestamp, length_ms: i64) -> &mut u64 {
        let number = now.0.div_euclid(length_ms);
        if self.number != number {
            *self = Self { number, count: 0 };
        }
        &mut self.count
    }
}

#[derive(Debug, Default)]
struct Address {
    weight: Window,
    raw: Window,
    ignored: Window,
    banned_until: i64,
    bans: u32,
}

#[derive(Debug, Default)]
struct Orders {
    ten_seconds: Window,
    day: Window,
}

/// All counters.
#[derive(Debug)]
pub struct Limits {
    mode: LimitsMode,
    addresses: Mutex<HashMap<IpAddr, Address>>,
    orders: Mutex<HashMap<AccountId, Orders>>,
}

impl Limits {
    /// Counters at zero.
    pub fn new(mode: LimitsMode) -> Self {
        Self { mode, addresses: Mutex::default(), orders: Mutex::default() }
    }

    /// What clients are told.
    pub fn lines(&self) -> [LimitLine; 4] {
        let real = |limit| if self.mode == LimitsMode::Binance { limit } else { UNLIMITED };
        [
            LimitLine { kind: "REQUEST_WEIGHT", interval: "MINUTE", interval_num: 1, limit: real(WEIGHT_MAX) },
            LimitLine { kind: "ORDERS", interval: "SECOND", interval_num: 10, limit: real(TEN_SECONDS_MAX) },
            LimitLine { kind: "ORDERS", interval: "DAY", interval_num: 1, limit: real(DAY_MAX) },
            LimitLine { kind: "RAW_REQUESTS", interval: "MINUTE", interval_num: 5, limit: real(RAW_MAX) },
        ]
    }

    /// Takes a request in: whether it may go on, and the weight used in this minute in either case.
    pub fn arrive(&self, from: IpAddr, weight: u64, now: Timestamp) -> (u64, Result<(), ApiError>) {
        let mut addresses = lock(&self.addresses);
        if addresses.len() >= ADDRESSES_MAX && !addresses.contains_key(&from) {
            addresses.retain(|_, address| address.banned_until > now.0);
        }
        let address = addresses.entry(from).or_default();
        let used = *address.weight.at(now, MINUTE_MS);
        if self.mode == LimitsMode::Off {
            *address.weight.at(now, MINUTE_MS) = used + weight;
            return (used + weight, Ok(()));
        }
        if address.banned_until > now.0 {
            return (used, Err(ApiError::banned(address.banned_until, seconds(address.banned_until - now.0))));
        }
        let raw = address.raw.at(now, RAW_WINDOW_MS);
        *raw += 1;
        let refusal = if used + weight > WEIGHT_MAX {
            ApiError::overweight(WEIGHT_MAX, "1 MINUTE", until_next(now, MINUTE_MS))
        } else if *raw > RAW_MAX {
            ApiError::overweight(RAW_MAX, "5 MINUTE", until_next(now, RAW_WINDOW_MS))
        } else {
            *address.weight.at(now, MINUTE_MS) = used + weight;
            return (used + weight, Ok(()));
        };
        let ignored = address.ignored.at(now, MINUTE_MS);
        *ignored += 1;
        if *ignored <= u64::from(IGNORED_MAX) {
            return (used, Err(refusal));
        }
        let length = BAN_MS.saturating_mul(1 << address.bans.min(16)).min(BAN_MAX_MS);
        address.bans = address.bans.saturating_add(1);
        address.banned_until = now.0.saturating_add(length);
        (used, Err(ApiError::banned(address.banned_until, seconds(length))))
    }

    /// Charges weight for a request that is through: trading that succeeds is free, and what fails is not.
    pub fn charge(&self, from: IpAddr, weight: u64, now: Timestamp) -> u64 {
        let mut addresses = lock(&self.addresses);
        let used = addresses.entry(from).or_default().weight.at(now, MINUTE_MS);
        *used += weight;
        *used
    }

    /// Whether an account may place `count` more orders.
    ///
    /// # Errors
    /// -1015 when it may not.
    pub fn may_place(&self, account: AccountId, count: u64, now: Timestamp) -> Result<(), ApiError> {
        if self.mode == LimitsMode::Off {
            return Ok(());
        }
        let mut orders = lock(&self.orders);
        let orders = orders.entry(account).or_default();
        if *orders.day.at(now, DAY_MS) + count > DAY_MAX {
            return Err(ApiError::too_many_orders(DAY_MAX, "1 DAY", until_next(now, DAY_MS)));
        }
        if *orders.ten_seconds.at(now, TEN_SECONDS_MS) + count > TEN_SECONDS_MAX {
            return Err(ApiError::too_many_orders(TEN_SECONDS_MAX, "10 SECOND", until_next(now, TEN_SECONDS_MS)));
        }
        Ok(())
    }

    /// Counts accepted orders; one that took at once is not counted.
    pub fn placed(&self, account: AccountId, count: u64, took: bool, now: Timestamp) -> OrderCount {
        let added = if took { count.saturating_sub(1) } else { count };
        self.change(account, now, |counted| counted + added)
    }

    /// Takes the first fill of an order that rested off the count.
    pub fn maker_filled(&self, account: AccountId, now: Timestamp) {
        self.change(account, now, |counted| counted.saturating_sub(MAKER_CREDIT));
    }

    /// What is counted now.
    pub fn order_count(&self, account: AccountId, now: Timestamp) -> OrderCount {
        self.change(account, now, |counted| counted)
    }

    fn change(&self, account: AccountId, now: Timestamp, to: impl Fn(u64) -> u64) -> OrderCount {
        let mut orders = lock(&self.orders);
        let orders = orders.entry(account).or_default();
        let ten_seconds = orders.ten_seconds.at(now, TEN_SECONDS_MS);
        *ten_seconds = to(*ten_seconds);
        let day = orders.day.at(now, DAY_MS);
        *day = to(*day);
        OrderCount { ten_seconds: *ten_seconds, day: *day }
    }
}

/// Counters are whole after every step, so a poisoned lock is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whole seconds, rounded up.
fn seconds(ms: i64) -> u64 {
    (ms.max(0).unsigned_abs()).div_ceil(SECOND_MS.unsigned_abs())
}

fn until_next(now: Timestamp, window_ms: i64) -> u64 {
    seconds(window_ms - now.0.rem_euclid(window_ms)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const FROM: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const ACCOUNT: AccountId = AccountId(1);

    /// 15 seconds into a minute and 5 into ten seconds.
    fn now() -> Timestamp {
        Timestamp(1_700_000_000_000).floor_to(MINUTE_MS).plus_ms(15_000)
    }

    #[test]
    fn weight_is_refused_beyond_the_limit_and_forgotten_with_the_minute() {
        let limits = Limits::new(LimitsMode::Binance);
        assert_eq!(limits.arrive(FROM, WEIGHT_MAX, now()), (WEIGHT_MAX, Ok(())));
        let (used, refused) = limits.arrive(FROM, 1, now());
        let refused = refused.expect_err("too much");
        assert_eq!((used, refused.status, refused.code, refused.retry_after), (WEIGHT_MAX, 429, -1003, Some(45)));
        assert_eq!(limits.arrive(FROM, 2, now().plus_ms(45_000)), (2, Ok(())));
    }

    #[test]
    fn whoever_goes_on_after_429_is_banned_longer_each_time() {
        let limits = Limits::new(LimitsMode::Binance);
        let mut at = now();
        for minutes in [2, 4, 8] {
            assert_eq!(limits.arrive(FROM, WEIGHT_MAX, at).1, Ok(()));
            for _ in 0..IGNORED_MAX {
                assert_eq!(limits.arrive(FROM, 1, at).1.expect_err("refused").status, 429);
            }
            let ban = limits.arrive(FROM, 1, at).1.expect_err("banned");
            assert_eq!((ban.status, ban.code, ban.retry_after), (418, -1003, Some(minutes * 60)));
            at = at.plus_ms(i64::try_from(minutes).expect("small") * MINUTE_MS - 1);
            assert_eq!(limits.arrive(FROM, 1, at).1.expect_err("still banned").retry_after, Some(1));
            at = at.plus_ms(1);
        }
    }

    #[test]
    fn orders_are_counted_until_they_fill() {
        let limits = Limits::new(LimitsMode::Binance);
        assert_eq!(limits.placed(ACCOUNT, 1, true, now()), OrderCount::default());
        for _ in 0..TEN_SECONDS_MAX {
            assert_eq!(limits.may_place(ACCOUNT, 1, now()), Ok(()));
            limits.placed(ACCOUNT, 1, false, now());
        }
        let refused = limits.may_place(ACCOUNT, 1, now()).expect_err("too many");
        assert_eq!((refused.status, refused.code, refused.retry_after), (429, -1015, Some(5)));
        assert_eq!(limits.may_place(AccountId(2), 1, now()), Ok(()), "accounts are counted apart");
        limits.maker_filled(ACCOUNT, now());
        assert_eq!(limits.may_place(ACCOUNT, 2, now()), Ok(()));
        let later = limits.order_count(ACCOUNT, now().plus_ms(5_000));
        assert_eq!(later, OrderCount { ten_seconds: 0, day: TEN_SECONDS_MAX - MAKER_CREDIT });
    }

    #[test]
    fn nothing_is_refused_when_limits_are_off_and_everything_is_counted() {
        let limits = Limits::new(LimitsMode::Off);
        assert_eq!(limits.arrive(FROM, WEIGHT_MAX * 2, now()), (WEIGHT_MAX * 2, Ok(())));
        assert_eq!(limits.arrive(FROM, 1, now()), (WEIGHT_MAX * 2 + 1, Ok(())));
        limits.placed(ACCOUNT, 1_000, false, now());
        assert_eq!(limits.may_place(ACCOUNT, 1, now()), Ok(()));
        assert_eq!(limits.lines()[0].limit, UNLIMITED);
    }
}
