//! One request on its way through the exchange, and what comes back.

use super::auth;
use super::engine::{OrderId, Refusal};
use super::error::ApiError;
use super::exchange::{Exchange, Member};
use super::json::Json;
use super::limits::OrderCount;
use super::params::Params;
use super::timing::{TimeUnit, Window};
use crate::domain::time::Timestamp;
use rust_decimal::Decimal;

/// What a fault asks of the work itself; everything else of it happens around the work.
#[derive(Clone, Debug, Default)]
pub struct Bend {
    /// Added to the clock, in milliseconds.
    pub skew_ms: i64,
    /// For how long an accepted order is hidden: milliseconds, questions.
    pub hide: Option<(Option<i64>, Option<u32>)>,
    /// Share of the book's usual depth.
    pub thin: Option<Decimal>,
}

/// A request with everything that its answer needs.
pub struct Call<'a> {
    /// The exchange.
    pub exchange: &'a Exchange,
    /// Its parameters.
    pub params: Params<'a>,
    /// Server time as this request sees it.
    pub now: Timestamp,
    /// The unit of times in the answer.
    pub unit: TimeUnit,
    /// What a fault asks for.
    pub bend: Bend,
    /// Who asks, and the request's time frame; only for signed requests.
    pub signer: Option<(&'a Member, Window)>,
}

/// What is told.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: Vec<u8>,
    /// The command that must be on the disk first.
    pub number: u64,
    /// Orders counted, after a placement.
    pub orders: Option<OrderCount>,
}

impl Answer {
    /// A plain answer that shows nothing of the floor.
    pub fn of(json: Json) -> Self {
        Self { status: 200, body: json.into_bytes(), number: 0, orders: None }
    }

    /// An answer that shows the floor as command `number` left it.
    pub fn after(number: u64, json: Json) -> Self {
        Self { number, ..Self::of(json) }
    }
}

impl<'a> Call<'a> {
    /// An empty document in the caller's unit of time.
    pub fn json(&self) -> Json {
        Json::in_unit(self.unit)
    }

    /// Who asks.
    ///
    /// # Errors
    /// -2014 when nobody signed, which the route's security does not let through.
    pub fn member(&self) -> Result<&'a Member, ApiError> {
        self.signer.map(|(member, _)| member).ok_or_else(ApiError::key_format)
    }

    /// The second look at the time frame, right before the engine.
    ///
    /// # Errors
    /// -1021 when it has passed meanwhile.
    pub fn still_in_time(&self) -> Result<(), ApiError> {
        let now = self.exchange.clock.now().plus_ms(self.bend.skew_ms);
        self.signer.map_or(Ok(()), |(_, window)| window.check_again(now))
    }

    /// Hides an accepted order when a fault asks for it.
    pub fn hide(&self, floor: &mut super::floor::Floor, orders: impl IntoIterator<Item = OrderId>) {
        if let Some((milliseconds, queries)) = self.bend.hide {
            let until = milliseconds.map(|ms| self.exchange.clock.now().0.saturating_add(ms));
            orders.into_iter().for_each(|order| floor.hiding.hide(order, until, queries));
        }
    }
}

/// Checks key, time frame and signature of a signed request.
///
/// # Errors
/// In this order: -2014, -2015, what is wrong with `timestamp` and `recvWindow`, -1102 without a signature, -1022, -1021.
pub fn check_signer<'a>(
    exchange: &'a Exchange,
    key: Option<&[u8]>,
    params: &mut Params<'_>,
    parts: [&str; 2],
    now: Timestamp,
) -> Result<(&'a Member, Window), ApiError> {
    let member = exchange.member(auth::key_of(key)?).ok_or_else(ApiError::unknown_key)?;
    let window = Window::read(params)?;
    let signature = params.required("signature")?;
    let [query, body] = parts;
    let payload = [auth::unsigned(query), auth::unsigned(body)];
    let fits = member.verifier.fits([payload[0].as_bytes(), payload[1].as_bytes()], signature);
    if !fits {
        return Err(ApiError::signature());
    }
    window.check(now)?;
    Ok((member, window))
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code, refusal.message)
    }
}
