//! One budget of request weight for an address and one of orders for each account, shared by everybody who calls.
//!
//! ```text
//!   0 %                    65 %        80 %          100 %   of the weight per minute
//!   |-- background --------|           |             |
//!   |-- orders ------------------------|             |
//!   |-- cancels and questions about orders ----------|
//! ```
//! The venue's own count, in each answer's headers, wins over ours. When it says "wait", everybody waits until the
//! moment it names; [`Budget::banned_until`] and [`Budget::restore`] carry that moment over a restart.

use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Share of the weight, in per cent, that background reads leave free for the rest.
const BACKGROUND_PCT: u64 = 65;
/// Share of the weight, in per cent, that everything but cancels and questions about orders may use.
const ORDERS_PCT: u64 = 80;
/// Weight per minute until the venue has told its own.
const WEIGHT_DEFAULT: u64 = 6_000;
/// Orders per ten seconds and per day until the venue has told its own: the lowest it has documented.
const ORDERS_DEFAULT: [(i64, u64); 2] = [(10 * SECOND_MS, 50), (DAY_MS, 160_000)];
/// How long to keep quiet after a 429 that does not say, in milliseconds.
const WAIT_DEFAULT_429_MS: i64 = MINUTE_MS;
/// How long to keep quiet after a 418 that does not say: the shortest ban.
const WAIT_DEFAULT_418_MS: i64 = 2 * MINUTE_MS;
/// The longest ban that is handed out: three days.
const WAIT_MAX_MS: i64 = 3 * DAY_MS;
/// Accounts that are remembered; beyond it the counts of the ones that wait for nothing are forgotten.
const ACCOUNTS_MAX: usize = 1_024;

/// How much a call matters when the budget runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Pages, candles, reconciliation: waits for a better time.
    Background,
    /// Prices to decide on, and placing orders.
    Order,
    /// Cancels, and questions about orders whose fate is not known.
    Rescue,
}

impl Urgency {
    /// The part of `limit` that may be used.
    const fn ceiling(self, limit: u64) -> u64 {
        match self {
            Self::Background => limit * BACKGROUND_PCT / 100,
            Self::Order => limit * ORDERS_PCT / 100,
            Self::Rescue => limit,
        }
    }
}

/// A limit as the venue states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Length of the window in milliseconds.
    pub window_ms: i64,
    /// The most within one window.
    pub most: u64,
}

/// Which account is charged for orders: a fingerprint of its key.
pub type AccountKey = u64;

/// Why a call may not be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The venue asked to wait.
    Asked {
        /// Milliseconds until the next call.
        wait_ms: i64,
    },
    /// The budget is used up; the venue was not asked.
    Spent {
        /// Milliseconds until the window ends.
        wait_ms: i64,
    },
}

impl Hold {
    /// Milliseconds to wait.
    pub const fn wait_ms(self) -> i64 {
        match self {
            Self::Asked { wait_ms } | Self::Spent { wait_ms } => wait_ms,
        }
    }
}

impl std::fmt::Display for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = (self.wait_ms() + SECOND_MS - 1) / SECOND_MS;
        match self {
            Self::Asked { .. } => write!(f, "Binance asked to wait; the next call is in {seconds} s"),
            Self::Spent { .. } => {
                write!(f, "our share of Binance's rate limit is used up; the next call is in {seconds} s")
            }
        }
    }
}

/// What a call would cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Request weight.
    pub weight: u32,
    /// Orders, and whose.
    pub orders: Option<(AccountKey, u32)>,
    /// How much it matters.
    pub urgency: Urgency,
}

/// What an answer's headers say of our use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Weight used in the current minute.
    pub weight: Option<u64>,
    /// Orders counted, by length of the window in milliseconds.
    pub orders: Vec<(i64, u64)>,
}

impl Usage {
    /// Reads `(name, value)` pairs of headers; names are compared without case.
    pub fn of_headers<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut usage = Self::default();
        for (name, value) in headers {
            let Ok(count) = value.trim().parse() else { continue };
            let name = name.to_ascii_lowercase();
            if name == "x-mbx-used-weight-1m" {
                usage.weight = Some(count);
            } else if let Some(window_ms) = name.strip_prefix("x-mbx-order-count-").and_then(window_ms) {
                usage.orders.push((window_ms, count));
            }
        }
        usage
    }
}

/// The length of a window that is written as `10s`, `1m` or `1d`.
fn window_ms(text: &str) -> Option<i64> {
    let (number, letter) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match letter {
        "s" => SECOND_MS,
        "m" => MINUTE_MS,
        "h" => HOUR_MS,
        "d" => DAY_MS,
        _ => return None,
    };
    let number: i64 = number.parse().ok()?;
    (1..=366).contains(&number).then(|| number * unit)
}

/// The budget of one host.
#[derive(Debug)]
pub struct Budget(Mutex<State>);

#[derive(Debug)]
struct State {
    weight: Counter,
    order_limits: Vec<Limit>,
    accounts: HashMap<AccountKey, Account>,
    banned_until: Timestamp,
}

#[derive(Debug, Default)]
struct Account {
    counters: Vec<Counter>,
    held_until: Timestamp,
}

/// Use within a window that begins at multiples of its length, as the venue's do.
#[derive(Debug)]
struct Counter {
    limit: Limit,
    window: i64,
    used: u64,
    in_flight: u64,
}

impl Counter {
    const fn new(limit: Limit) -> Self {
        Self { limit, window: i64::MIN, used: 0, in_flight: 0 }
    }

    fn roll(&mut self, now: Timestamp) {
        let window = now.0.div_euclid(self.limit.window_ms.max(1));
        // A clock that was set back must not bring an old window, and with it a full budget, to life again.
        if window > self.window || window < self.window - 1 {
            (self.window, self.used) = (window, 0);
        }
    }

    fn wait_ms(&self, now: Timestamp) -> i64 {
        self.limit.window_ms - now.0.rem_euclid(self.limit.window_ms.max(1))
    }

    const fn fits(&self, more: u64, ceiling: u64) -> bool {
        self.used + self.in_flight + more <= ceiling
    }

    /// The answer is there: the venue's count holds if it told one, or else ours.
    fn settle(&mut self, cost: u64, told: Option<u64>) {
        self.in_flight = self.in_flight.saturating_sub(cost);
        self.used = match told {
            Some(told) => self.used.max(told),
            None => self.used + cost,
        };
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self(Mutex::new(State {
            weight: Counter::new(Limit { window_ms: MINUTE_MS, most: WEIGHT_DEFAULT }),
            order_limits: ORDERS_DEFAULT.map(|(window_ms, most)| Limit { window_ms, most }).into(),
            accounts: HashMap::new(),
            banned_until: Timestamp(i64::MIN),
        }))
    }
}

impl Budget {
    /// Takes over the limits that the venue states.
    pub fn learn(&self, weight: Option<Limit>, orders: &[Limit]) {
        let mut state = self.state();
        if let Some(limit) = weight.filter(|limit| limit.most > 0 && limit.window_ms > 0) {
            state.weight.limit = limit;
        }
        let orders: Vec<Limit> = orders.iter().copied().filter(|l| l.most > 0 && l.window_ms > 0).collect();
        if !orders.is_empty() && state.order_limits != orders {
            state.order_limits = orders;
            // Counters of other windows would never be told their use; what they knew, the next answer tells again.
            for account in state.accounts.values_mut() {
                account.counters.clear();
            }
        }
    }

    /// Sets the cost of a call aside, or says how long to wait. The permit gives it back when the call ends in any way.
    ///
    /// # Errors
    /// The [`Hold`] that is in the way.
    pub fn admit(&self, cost: Cost, now: Timestamp) -> Result<Permit<'_>, Hold> {
        let mut state = self.state();
        let asked = state.banned_until.since(now);
        if asked > 0 {
            return Err(Hold::Asked { wait_ms: asked });
        }
        state.weight.roll(now);
        let weight = u64::from(cost.weight);
        if !state.weight.fits(weight, cost.urgency.ceiling(state.weight.limit.most)) {
            return Err(Hold::Spent { wait_ms: state.weight.wait_ms(now) });
        }
        if let Some((key, orders)) = cost.orders {
            let account = state.account(key);
            let asked = account.held_until.since(now);
            if asked > 0 {
                return Err(Hold::Asked { wait_ms: asked });
            }
            for counter in &mut account.counters {
                counter.roll(now);
                if !counter.fits(u64::from(orders), counter.limit.most) {
                    return Err(Hold::Spent { wait_ms: counter.wait_ms(now) });
                }
            }
            for counter in &mut account.counters {
                counter.in_flight += u64::from(orders);
            }
        }
        state.weight.in_flight += weight;
        Ok(Permit { budget: self, cost, is_settled: false })
    }

    /// Obeys an answer that asked to wait (429 or 418) and returns for how long, in milliseconds. A limit of orders
    /// holds for the account only.
    pub fn obey(
        &self,
        status: u16,
        retry_after_s: Option<i64>,
        order_limit_of: Option<AccountKey>,
        now: Timestamp,
    ) -> i64 {
        let default = if status == 418 { WAIT_DEFAULT_418_MS } else { WAIT_DEFAULT_429_MS };
        let wait_ms = retry_after_s.map_or(default, |s| s.saturating_mul(SECOND_MS)).clamp(SECOND_MS, WAIT_MAX_MS);
        let until = now.plus_ms(wait_ms);
        let mut state = self.state();
        match order_limit_of {
            Some(key) => {
                let account = state.account(key);
                account.held_until = account.held_until.max(until);
            }
            None => state.banned_until = state.banned_until.max(until),
        }
        wait_ms
    }

    /// The moment until which the venue wants no call at all; `None` when that has passed. Keep it over a restart.
    pub fn banned_until(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.state().banned_until).filter(|until| *until > now)
    }

    /// Takes over a moment that an earlier process was told; one further off than any ban is cut to that.
    pub fn restore(&self, banned_until: Timestamp, now: Timestamp) {
        let mut state = self.state();
        state.banned_until = state.banned_until.max(banned_until.min(now.plus_ms(WAIT_MAX_MS)));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is a few assignments that leave the counters usable, so a poisoned lock is still good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn account(&mut self, key: AccountKey) -> &mut Account {
        if self.accounts.len() >= ACCOUNTS_MAX && !self.accounts.contains_key(&key) {
            self.accounts.retain(|_, account| account.counters.iter().any(|counter| counter.in_flight > 0));
        }
        let limits = &self.order_limits;
        let account = self.accounts.entry(key).or_default();
        if account.counters.is_empty() {
            account.counters = limits.iter().copied().map(Counter::new).collect();
        }
        account
    }
}

/// A cost set aside. Settle it with what the answer told; dropped without an answer, the call is counted in full.
#[derive(Debug)]
pub struct Permit<'a> {
    budget: &'a Budget,
    cost: Cost,
    is_settled: bool,
}

impl Permit<'_> {
    /// The answer is there, with what its headers say. `is_placed` is false when no order was counted.
    pub fn settle(mut self, usage: &Usage, is_placed: bool, now: Timestamp) {
        self.is_settled = true;
        self.close(usage, is_placed, now);
    }

    fn close(&self, usage: &Usage, is_placed: bool, now: Timestamp) {
        let mut state = self.budget.state();
        if now.0 > 0 {
            state.weight.roll(now);
        }
        state.weight.settle(u64::from(self.cost.weight), usage.weight);
        let Some((key, orders)) = self.cost.orders else { return };
        for counter in &mut state.account(key).counters {
            if now.0 > 0 {
                counter.roll(now);
            }
            let told = usage.orders.iter().find(|(window, _)| *window == counter.limit.window_ms).map(|(_, n)| *n);
            // A refused order is not counted; its answer tells no count.
            counter.settle(u64::from(orders), told.or(if is_placed { None } else { Some(0) }));
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.is_settled {
            self.close(&Usage::default(), true, Timestamp(i64::MIN));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of a minute.
    const NOW: Timestamp = Timestamp(1_767_262_800_000);

    fn cost(weight: u32, urgency: Urgency) -> Cost {
        Cost { weight, orders: None, urgency }
    }

    fn used(weight: u64) -> Usage {
        Usage { weight: Some(weight), orders: Vec::new() }
    }

    fn order(account: AccountKey) -> Cost {
        Cost { weight: 1, orders: Some((account, 1)), urgency: Urgency::Order }
    }

    #[test]
    fn background_yields_to_orders_and_orders_to_cancels() {
        let budget = Budget::default();
        let at = |weight: u64, urgency| {
            budget.admit(cost(0, Urgency::Rescue), NOW).expect("free").settle(&used(weight), false, NOW);
            budget.admit(cost(1, urgency), NOW).map(|permit| permit.settle(&used(weight), false, NOW)).is_ok()
        };
        assert!(at(3_899, Urgency::Background));
        assert!(!at(3_900, Urgency::Background) && at(4_799, Urgency::Order));
        assert!(!at(4_800, Urgency::Order) && at(5_999, Urgency::Rescue));
        assert!(!at(6_000, Urgency::Rescue));
        let hold = budget.admit(cost(1, Urgency::Rescue), NOW.plus_ms(15_000)).expect_err("spent");
        assert_eq!(hold, Hold::Spent { wait_ms: 45_000 });
        assert!(budget.admit(cost(1, Urgency::Background), NOW.plus_ms(60_000)).is_ok(), "a new minute");
    }

    #[test]
    fn calls_in_flight_count_until_their_answer_and_for_good_when_it_never_comes() {
        let budget = Budget::default();
        budget.learn(Some(Limit { window_ms: MINUTE_MS, most: 100 }), &[]);
        let first = budget.admit(cost(60, Urgency::Rescue), NOW).expect("free");
        assert!(budget.admit(cost(60, Urgency::Rescue), NOW).is_err(), "two would be too much");
        first.settle(&used(0), false, NOW);
        drop(budget.admit(cost(60, Urgency::Rescue), NOW).expect("the venue counted nothing"));
        assert!(budget.admit(cost(60, Urgency::Rescue), NOW).is_err(), "no answer: it counts");
    }

    #[test]
    fn the_venues_count_wins_and_an_older_one_does_not_take_it_back() {
        let budget = Budget::default();
        for told in [5_990, 10] {
            budget.admit(cost(4, Urgency::Rescue), NOW).expect("fits").settle(&used(told), false, NOW);
        }
        assert!(budget.admit(cost(20, Urgency::Rescue), NOW).is_err());
    }

    #[test]
    fn orders_are_counted_by_account_in_every_window() {
        let budget = Budget::default();
        budget.learn(None, &[Limit { window_ms: 10_000, most: 2 }, Limit { window_ms: DAY_MS, most: 3 }]);
        let place = |account, now| budget.admit(order(account), now).map(|p| p.settle(&Usage::default(), true, now));
        assert!(place(1, NOW).is_ok() && place(1, NOW).is_ok());
        assert_eq!(place(1, NOW.plus_ms(4_000)), Err(Hold::Spent { wait_ms: 6_000 }));
        assert!(place(2, NOW).is_ok(), "another account has its own");
        assert!(place(1, NOW.plus_ms(10_000)).is_ok());
        assert!(place(1, NOW.plus_ms(20_000)).is_err(), "the day is full");
        let told = Usage { weight: None, orders: vec![(10_000, 2), (DAY_MS, 2)] };
        budget.admit(order(3), NOW).expect("new").settle(&told, true, NOW);
        assert!(place(3, NOW).is_err(), "others order with this account too");
    }

    #[test]
    fn a_refused_order_is_not_counted() {
        let budget = Budget::default();
        budget.learn(None, &[Limit { window_ms: 10_000, most: 1 }]);
        budget.admit(order(1), NOW).expect("free").settle(&Usage::default(), false, NOW);
        assert!(budget.admit(order(1), NOW).is_ok());
    }

    #[test]
    fn who_is_asked_to_wait_waits_and_takes_it_over_a_restart() {
        let budget = Budget::default();
        assert_eq!(budget.obey(418, Some(300), None, NOW), 300_000);
        assert_eq!(budget.obey(429, Some(1), None, NOW), 1_000, "a shorter one does not end it");
        let hold = budget.admit(cost(1, Urgency::Rescue), NOW.plus_ms(299_000)).expect_err("banned");
        assert_eq!(hold.to_string(), "Binance asked to wait; the next call is in 1 s");
        let until = budget.banned_until(NOW).expect("banned");
        let restarted = Budget::default();
        restarted.restore(until, NOW);
        assert!(restarted.admit(cost(1, Urgency::Rescue), NOW.plus_ms(299_999)).is_err());
        assert!(restarted.admit(cost(1, Urgency::Rescue), NOW.plus_ms(300_000)).is_ok());
        assert_eq!(restarted.banned_until(NOW.plus_ms(300_000)), None);
        restarted.restore(Timestamp(i64::MAX), NOW);
        assert_eq!(restarted.banned_until(NOW), Some(NOW.plus_ms(WAIT_MAX_MS)), "no ban is longer");
    }

    #[test]
    fn an_answer_that_does_not_say_how_long_is_obeyed_too() {
        assert_eq!(Budget::default().obey(429, None, None, NOW), WAIT_DEFAULT_429_MS);
        assert_eq!(Budget::default().obey(418, Some(-5), None, NOW), SECOND_MS);
        assert_eq!(Budget::default().obey(418, Some(i64::MAX), None, NOW), WAIT_MAX_MS);
    }

    #[test]
    fn a_limit_of_orders_holds_for_its_account_only() {
        let budget = Budget::default();
        budget.obey(429, Some(10), Some(1), NOW);
        assert!(budget.admit(order(1), NOW.plus_ms(9_999)).is_err());
        assert!(budget.admit(order(2), NOW).is_ok() && budget.admit(cost(1, Urgency::Background), NOW).is_ok());
        assert!(budget.admit(order(1), NOW.plus_ms(10_000)).is_ok());
    }

    #[test]
    fn headers_are_read_in_any_case_and_rubbish_is_passed_over() {
        let headers = [
            ("x-mbx-used-weight-1m", "17"),
            ("X-MBX-USED-WEIGHT", "99"),
            ("X-MBX-ORDER-COUNT-10S", "3"),
            ("x-mbx-order-count-1d", " 40 "),
            ("x-mbx-order-count-1y", "1"),
            ("x-mbx-order-count-", "1"),
            ("x-mbx-order-count-9999999d", "1"),
            ("x-mbx-order-count-1h", "-1"),
        ];
        let usage = Usage::of_headers(headers.into_iter());
        assert_eq!(usage, Usage { weight: Some(17), orders: vec![(10_000, 3), (DAY_MS, 40)] });
    }
}
