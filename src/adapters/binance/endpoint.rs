//! Every call that we make, each with its method, path, weight and security. A call that is not here cannot be made.

use reqwest::Method;

/// A call, with what its weight depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The venue's time.
    Time,
    /// Markets, filters and limits.
    ExchangeInfo,
    /// Last prices of so many markets.
    TickerPrice(usize),
    /// Best bid and ask of so many markets.
    BookTicker(usize),
    /// Last prices with their times, of so many markets.
    DayTicker(usize),
    /// Candles.
    Klines,
    /// Balances and permissions of the account.
    Account,
    /// Fees of the account in one market.
    Commission,
    /// What the key may do (mainnet only).
    ApiRestrictions,
    /// Checks an order without placing it.
    TestOrder,
    /// Places an order.
    PlaceOrder,
    /// Places two orders of which one cancels the other.
    PlaceOco,
    /// Cancels an order.
    CancelOrder,
    /// Cancels every open order of a market.
    CancelOpenOrders,
    /// Cancels a list of orders.
    CancelList,
    /// Asks about one order.
    QueryOrder,
    /// Open orders of one market.
    OpenOrders,
    /// Open orders of every market.
    AllOpenOrders,
    /// Orders of a market, closed ones too.
    AllOrders,
    /// Trades of a market.
    MyTrades,
    /// Trades of one order.
    TradesOfOrder,
    /// How many orders the account has placed lately.
    OrderRateLimit,
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Anybody.
    Public,
    /// A key with a signature.
    Signed,
}

impl Endpoint {
    /// The HTTP method.
    pub const fn method(self) -> Method {
        match self {
            Self::TestOrder | Self::PlaceOrder | Self::PlaceOco => Method::POST,
            Self::CancelOrder | Self::CancelOpenOrders | Self::CancelList => Method::DELETE,
            _ => Method::GET,
        }
    }

    /// The path from the host's root.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Time => "/api/v3/time",
            Self::ExchangeInfo => "/api/v3/exchangeInfo",
            Self::TickerPrice(_) => "/api/v3/ticker/price",
            Self::BookTicker(_) => "/api/v3/ticker/bookTicker",
            Self::DayTicker(_) => "/api/v3/ticker/24hr",
            Self::Klines => "/api/v3/klines",
            Self::Account => "/api/v3/account",
            Self::Commission => "/api/v3/account/commission",
            Self::ApiRestrictions => "/sapi/v1/account/apiRestrictions",
            Self::TestOrder => "/api/v3/order/test",
            Self::PlaceOrder | Self::CancelOrder | Self::QueryOrder => "/api/v3/order",
            Self::PlaceOco => "/api/v3/orderList/oco",
            Self::CancelList => "/api/v3/orderList",
            Self::CancelOpenOrders | Self::OpenOrders | Self::AllOpenOrders => "/api/v3/openOrders",
            Self::AllOrders => "/api/v3/allOrders",
            Self::MyTrades | Self::TradesOfOrder => "/api/v3/myTrades",
            Self::OrderRateLimit => "/api/v3/rateLimit/order",
        }
    }

    /// What the call costs of the address's budget; for orders and cancels, what a refused one costs.
    pub const fn weight(self) -> u32 {
        match self {
            Self::Time
            | Self::ApiRestrictions
            | Self::TestOrder
            | Self::PlaceOrder
            | Self::PlaceOco
            | Self::CancelOrder
            | Self::CancelOpenOrders
            | Self::CancelList => 1,
            Self::Klines => 2,
            Self::TickerPrice(1) | Self::BookTicker(1) => 2,
            Self::TickerPrice(_) | Self::BookTicker(_) | Self::QueryOrder => 4,
            Self::DayTicker(0..=20) => 2,
            Self::DayTicker(21..=100) => 40,
            Self::DayTicker(_) | Self::AllOpenOrders => 80,
            Self::TradesOfOrder => 5,
            Self::OpenOrders => 6,
            Self::ExchangeInfo | Self::Account | Self::Commission | Self::AllOrders | Self::MyTrades => 20,
            Self::OrderRateLimit => 40,
        }
    }

    /// How many orders the account is charged with.
    pub const fn orders(self) -> u32 {
        match self {
            Self::PlaceOrder => 1,
            Self::PlaceOco => 2,
            _ => 0,
        }
    }

    /// Who may call.
    pub const fn security(self) -> Security {
        match self {
            Self::Time
            | Self::ExchangeInfo
            | Self::TickerPrice(_)
            | Self::BookTicker(_)
            | Self::DayTicker(_)
            | Self::Klines => Security::Public,
            _ => Security::Signed,
        }
    }

    /// Whether a second call could do something twice, so that there must not be one.
    pub const fn is_order(self) -> bool {
        self.orders() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_posted_is_signed_and_only_placing_is_charged() {
        for endpoint in [Endpoint::TestOrder, Endpoint::PlaceOrder, Endpoint::PlaceOco] {
            assert_eq!((endpoint.method(), endpoint.security()), (Method::POST, Security::Signed));
        }
        assert_eq!((Endpoint::PlaceOrder.orders(), Endpoint::PlaceOco.orders()), (1, 2));
        assert_eq!((Endpoint::TestOrder.orders(), Endpoint::CancelOrder.orders()), (0, 0));
        assert_eq!(Endpoint::CancelOrder.method(), Method::DELETE);
        assert_eq!([1, 20, 21, 100, 101].map(|n| Endpoint::DayTicker(n).weight()), [2, 2, 40, 40, 80]);
        assert_eq!((Endpoint::OpenOrders.weight(), Endpoint::AllOpenOrders.weight()), (6, 80));
    }
}
