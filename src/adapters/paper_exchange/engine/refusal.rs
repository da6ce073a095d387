//! Why the exchange does not do what it was asked for: Binance's code and text, and how far the request came.

use std::borrow::Cow;

/// How far a request came before it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It was judged by its own content and the market's filters; `order/test` gives the same answer.
    Validation,
    /// It reached the engine, which looked at the account and the book.
    Engine,
}

/// A refusal. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// Binance's code, below zero.
    pub code: i32,
    /// Binance's text.
    pub message: Cow<'static, str>,
    /// How far it came.
    pub phase: Phase,
}

/// A filter by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filter(pub(super) &'static str);

pub(super) const PRICE_FILTER: Filter = Filter("PRICE_FILTER");
pub(super) const PERCENT_PRICE_BY_SIDE: Filter = Filter("PERCENT_PRICE_BY_SIDE");
pub(super) const LOT_SIZE: Filter = Filter("LOT_SIZE");
pub(super) const MARKET_LOT_SIZE: Filter = Filter("MARKET_LOT_SIZE");
pub(super) const NOTIONAL: Filter = Filter("NOTIONAL");
pub(super) const MAX_POSITION: Filter = Filter("MAX_POSITION");
pub(super) const MAX_NUM_ORDERS: Filter = Filter("MAX_NUM_ORDERS");
pub(super) const MAX_NUM_ALGO_ORDERS: Filter = Filter("MAX_NUM_ALGO_ORDERS");
pub(super) const MAX_NUM_ORDER_LISTS: Filter = Filter("MAX_NUM_ORDER_LISTS");

impl Refusal {
    /// By its own content.
    pub(super) const fn invalid(code: i32, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message), phase: Phase::Validation }
    }

    /// A filter that the order's content alone breaks.
    pub(super) fn filter(filter: Filter) -> Self {
        Self { code: -1013, message: filter_text(filter), phase: Phase::Validation }
    }

    /// A filter that the order breaks together with what the account has.
    pub(super) fn account_filter(filter: Filter) -> Self {
        Self { code: -2010, message: filter_text(filter), phase: Phase::Engine }
    }

    /// More decimals than the market has.
    pub(super) fn too_precise(parameter: &str) -> Self {
        let message = format!("Parameter '{parameter}' has too much precision.");
        Self { code: -1111, message: Cow::Owned(message), phase: Phase::Validation }
    }

    /// No such market.
    pub(super) const fn unknown_symbol() -> Self {
        Self::invalid(-1121, "Invalid symbol.")
    }

    /// No such account; the caller knows accounts by their keys, so this is about the key.
    pub(super) const fn unknown_account() -> Self {
        Self::engine(-2015, "Invalid API-key, IP, or permissions for action.")
    }

    /// The engine rejects an order.
    pub(super) const fn rejected(message: &'static str) -> Self {
        Self::engine(-2010, message)
    }

    /// The engine rejects a cancel.
    pub(super) const fn cancel_rejected(message: &'static str) -> Self {
        Self::engine(-2011, message)
    }

    /// The money is not there.
    pub(super) const fn insufficient_balance() -> Self {
        Self::rejected("Account has insufficient balance for requested action.")
    }

    /// By the engine, under any code.
    pub(super) const fn engine(code: i32, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message), phase: Phase::Engine }
    }
}

fn filter_text(filter: Filter) -> Cow<'static, str> {
    Cow::Owned(format!("Filter failure: {}", filter.0))
}
