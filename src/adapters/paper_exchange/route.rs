//! The URL map: method, path, security, weight and who answers. What is not here is 404.

use super::call::{Answer, Call};
use super::endpoints::tickers::Question;
use super::endpoints::{account, cancel_replace, history, lists, market, orders};
use super::error::ApiError;
use super::params::Params;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Everybody.
    Public,
    /// Whoever signs.
    UserData,
    /// Whoever signs with a key that may trade.
    Trade,
}

/// How an answer comes about.
#[derive(Clone, Copy)]
pub enum Run {
    /// From memory.
    Now(fn(&mut Call<'_>) -> Result<Answer, ApiError>),
    /// From the market's candles.
    Candles(Question),
}

/// One line of the map.
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path.
    pub path: &'static str,
    /// Who may ask.
    pub security: Security,
    /// Request weight; of orders and cancels only when they fail.
    pub weight: fn(&Params<'_>) -> u64,
    /// Who answers.
    pub run: Run,
}

impl Route {
    /// Whether success costs no weight.
    pub fn is_free_on_success(&self) -> bool {
        self.security == Security::Trade && self.path != "/api/v3/order/test"
    }
}

/// Finds the route of a request.
pub fn find(method: &str, path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == path && route.method == method)
}

const fn route(
    method: &'static str,
    path: &'static str,
    security: Security,
    weight: fn(&Params<'_>) -> u64,
    run: Run,
) -> Route {
    Route { method, path, security, weight, run }
}

use Question::{Day, Klines, Rolling, TradingDay};
use Run::{Candles, Now};
use Security::{Public, Trade, UserData};

/// The whole map, what is asked most first.
pub static ROUTES: &[Route] = &[
    route("POST", "/api/v3/order", Trade, |_| 1, Now(orders::place)),
    route("GET", "/api/v3/order", UserData, |_| 4, Now(history::order)),
    route("DELETE", "/api/v3/order", Trade, |_| 1, Now(orders::cancel)),
    route("POST", "/api/v3/order/test", Trade, test_weight, Now(orders::test)),
    route("POST", "/api/v3/order/cancelReplace", Trade, |_| 1, Now(cancel_replace::run)),
    route("GET", "/api/v3/openOrders", UserData, open_weight, Now(history::open_orders)),
    route("DELETE", "/api/v3/openOrders", Trade, |_| 1, Now(orders::cancel_all)),
    route("GET", "/api/v3/allOrders", UserData, |_| 20, Now(history::all_orders)),
    route("GET", "/api/v3/myTrades", UserData, trades_weight, Now(history::my_trades)),
    route("POST", "/api/v3/orderList/oco", Trade, |_| 1, Now(lists::place)),
    route("POST", "/api/v3/order/oco", Trade, |_| 1, Now(lists::place_old)),
    route("DELETE", "/api/v3/orderList", Trade, |_| 1, Now(lists::cancel)),
    route("GET", "/api/v3/orderList", UserData, |_| 4, Now(lists::query)),
    route("GET", "/api/v3/allOrderList", UserData, |_| 20, Now(lists::all)),
    route("GET", "/api/v3/openOrderList", UserData, |_| 6, Now(lists::open)),
    route("GET", "/api/v3/account", UserData, |_| 20, Now(account::account)),
    route("GET", "/api/v3/account/commission", UserData, |_| 20, Now(account::commission)),
    route("GET", "/api/v3/rateLimit/order", UserData, |_| 40, Now(account::order_count)),
    route("GET", "/api/v3/myFilters", UserData, |_| 40, Now(account::my_filters)),
    route("GET", "/api/v3/myPreventedMatches", UserData, |_| 20, Now(history::none)),
    route("GET", "/api/v3/myAllocations", UserData, |_| 20, Now(history::none)),
    route("GET", "/api/v3/ping", Public, |_| 1, Now(account::ping)),
    route("GET", "/api/v3/time", Public, |_| 1, Now(market::time)),
    route("GET", "/api/v3/exchangeInfo", Public, |_| 20, Now(market::exchange_info)),
    route("GET", "/api/v3/depth", Public, depth_weight, Now(market::depth)),
    route("GET", "/api/v3/trades", Public, |_| 25, Now(market::trades)),
    route("GET", "/api/v3/historicalTrades", Public, |_| 25, Now(market::trades)),
    route("GET", "/api/v3/aggTrades", Public, |_| 4, Now(market::aggregate_trades)),
    route("GET", "/api/v3/avgPrice", Public, |_| 2, Now(market::average_price)),
    route("GET", "/api/v3/ticker/price", Public, price_weight, Now(market::price_ticker)),
    route("GET", "/api/v3/ticker/bookTicker", Public, price_weight, Now(market::book_ticker)),
    route("GET", "/api/v3/klines", Public, |_| 2, Candles(Klines)),
    route("GET", "/api/v3/uiKlines", Public, |_| 2, Candles(Klines)),
    route("GET", "/api/v3/ticker/24hr", Public, day_weight, Candles(Day)),
    route("GET", "/api/v3/ticker/tradingDay", Public, window_weight, Candles(TradingDay)),
    route("GET", "/api/v3/ticker", Public, window_weight, Candles(Rolling)),
    route("GET", "/sapi/v1/account/apiRestrictions", UserData, |_| 1, Now(account::restrictions)),
    route("GET", "/sapi/v1/bnbBurn", UserData, |_| 1, Now(account::bnb_burn)),
    route("POST", "/sapi/v1/bnbBurn", UserData, |_| 1, Now(account::set_bnb_burn)),
    route("GET", "/sapi/v1/capital/config/getall", UserData, |_| 10, Now(account::coins)),
];

/// How many markets are asked for: one, the length of a list, or `None` for all.
fn markets(params: &Params<'_>) -> Option<u64> {
    match (params.peek("symbol"), params.peek("symbols")) {
        (Some(_), _) => Some(1),
        (None, Some(list)) => Some(list.bytes().filter(|byte| *byte == b',').count() as u64 + 1),
        (None, None) => None,
    }
}

fn test_weight(params: &Params<'_>) -> u64 {
    if params.peek("computeCommissionRates").is_some_and(|it| it.eq_ignore_ascii_case("true")) { 20 } else { 1 }
}

fn open_weight(params: &Params<'_>) -> u64 {
    if params.has("symbol") { 6 } else { 80 }
}

fn trades_weight(params: &Params<'_>) -> u64 {
    if params.has("orderId") { 5 } else { 20 }
}

fn depth_weight(params: &Params<'_>) -> u64 {
    match params.peek("limit").and_then(|limit| limit.parse::<u64>().ok()).unwrap_or(100) {
        0..=100 => 5,
        101..=500 => 25,
        501..=1_000 => 50,
        _ => 250,
    }
}

fn price_weight(params: &Params<'_>) -> u64 {
    if params.has("symbol") { 2 } else { 4 }
}

fn day_weight(params: &Params<'_>) -> u64 {
    match markets(params) {
        Some(0..=20) => 2,
        Some(21..=100) => 40,
        _ => 80,
    }
}

fn window_weight(params: &Params<'_>) -> u64 {
    (4 * markets(params).unwrap_or(1)).min(200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_map_can_be_reached() {
        for route in ROUTES {
            let found = find(route.method, route.path).expect("found");
            assert!(std::ptr::eq(found, route), "{} {} is there twice", route.method, route.path);
        }
        assert!(find("GET", "/api/v3/nothing").is_none());
        assert!(find("PUT", "/api/v3/order").is_none());
    }

    #[test]
    fn weights_follow_what_is_asked() {
        let weight = |method: &str, path: &str, query: &str| {
            (find(method, path).expect("a route").weight)(&Params::parse(query, "").expect("pairs"))
        };
        assert_eq!(weight("GET", "/api/v3/depth", "symbol=A&limit=1000"), 50);
        assert_eq!(weight("GET", "/api/v3/depth", "symbol=A"), 5);
        assert_eq!(weight("GET", "/api/v3/openOrders", ""), 80);
        assert_eq!(weight("GET", "/api/v3/openOrders", "symbol=A"), 6);
        assert_eq!(weight("GET", "/api/v3/myTrades", "symbol=A&orderId=1"), 5);
        assert_eq!(weight("GET", "/api/v3/ticker/24hr", ""), 80);
        assert_eq!(weight("GET", "/api/v3/ticker/24hr", "symbols=%5B%22A%22,%22B%22%5D"), 2);
        assert_eq!(weight("GET", "/api/v3/ticker", "symbols=%5B%22A%22,%22B%22%5D"), 8);
    }
}
