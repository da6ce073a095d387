//! How values look in the API: money, prices and quantities are texts, percentages JSON numbers, times RFC 3339 in UTC.

use crate::domain::ids::TraderId;
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::{TradingEnvironment, VenueKind};
use crate::ports::store::Page;
use crate::services::desk::Desk;
use crate::web::error::AppError;
use crate::web::form::{Input, Paging};
use crate::web::show;
use actix_web::HttpResponse;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

/// The header with the cursor of the next page.
pub const NEXT_CURSOR: &str = "X-Next-Cursor";

/// A time as the API writes it.
pub fn time(at: Timestamp) -> String {
    show::rfc3339(at.0)
}

/// A percentage or ratio as a JSON number, digit by digit: no float lies in between.
pub fn number(value: Decimal) -> Number {
    // A decimal in plain notation always is a JSON number; zero stands in for the case that cannot be.
    value.normalize().to_string().parse().unwrap_or_else(|_| Number::from(0))
}

/// A percentage that is shown to four decimals.
pub fn percent(value: Decimal) -> Number {
    number(value.round_dp(4))
}

/// The trading environment behind a venue.
pub const fn environment(venue: VenueKind) -> TradingEnvironment {
    match venue {
        VenueKind::Simulation => TradingEnvironment::Simulation,
        VenueKind::Testnet | VenueKind::Mainnet => TradingEnvironment::Live,
    }
}

/// The answer to something that was done and leaves nothing to show.
#[derive(Serialize, ToSchema)]
pub struct Done {
    /// Always true: what was not done is an error.
    pub success: bool,
    /// What was done, in words.
    pub message: String,
}

/// Says that something was done.
pub fn done(message: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok().json(Done { success: true, message: message.into() })
}

/// The model of an address, deleted or not: its history stays readable.
///
/// # Errors
/// 404 when there never was one.
pub async fn any_model(desk: &Desk, id: i64) -> Result<Trader, AppError> {
    desk.store.trader(TraderId(id)).await?.ok_or_else(|| AppError::not_found("model"))
}

/// The living model of an address.
///
/// # Errors
/// 404 when there is none, or it was deleted.
pub async fn model(desk: &Desk, id: i64) -> Result<Trader, AppError> {
    let trader = any_model(desk, id).await?;
    if trader.deleted_at.is_some() { Err(AppError::not_found("model")) } else { Ok(trader) }
}

/// The model that `?model_id=` names; everybody's when it is left out.
///
/// # Errors
/// 404 for a model that never was.
pub async fn model_filter(desk: &Desk, id: Option<i64>) -> Result<Option<TraderId>, AppError> {
    match id {
        None => Ok(None),
        Some(id) => Ok(Some(any_model(desk, id).await?.id)),
    }
}

/// Reads `?model_id=`.
pub fn read_model_id(query: &mut Input) -> Option<i64> {
    query.integer("model_id", 1..=i64::MAX)
}

/// Reads `?book=`; the current book when it is left out.
pub fn read_book(query: &mut Input) -> Option<VenueKind> {
    query.word("book", &["simulation", "testnet", "mainnet"], VenueKind::parse)
}

/// Reads `?limit=&cursor=`.
pub fn read_page(query: &mut Input) -> Page {
    let paging = Paging::read(query);
    let before = paging.cursor.as_deref().and_then(|cursor| {
        let id = i64::from_str_radix(cursor, 36).ok().filter(|id| *id > 0);
        if id.is_none() {
            query.fail("cursor", "is not a cursor of this list");
        }
        id
    });
    Page { before, limit: paging.limit }
}

/// A page of a list, with the cursor of the next one when there may be more.
pub fn list<T: Serialize>(rows: &[T], page: Page, last_id: Option<i64>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    let is_full = rows.len() >= page.limit as usize;
    if let Some(id) = last_id.filter(|_| is_full) {
        response.insert_header((NEXT_CURSOR, cursor(id)));
    }
    response.json(rows)
}

/// An id as an opaque text, readable by [`read_page`].
fn cursor(id: i64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut rest = id.unsigned_abs();
    let mut digits = Vec::new();
    while rest > 0 {
        digits.push(char::from(DIGITS[(rest % 36) as usize]));
        rest /= 36;
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_row() {
        for id in [1, 35, 36, 1_234_567, i64::MAX] {
            let mut query = Input::from_pairs(vec![("cursor".to_owned(), cursor(id))]);
            assert_eq!(read_page(&mut query).before, Some(id));
        }
        let mut query = Input::from_pairs(vec![("cursor".to_owned(), "hunter2!".to_owned())]);
        assert_eq!(read_page(&mut query).before, None);
        assert!(query.finish().is_err());
    }

    #[test]
    fn a_percentage_keeps_its_digits() {
        let value: Decimal = "0.10".parse().unwrap();
        assert_eq!(serde_json::to_string(&number(value)).unwrap(), "0.1");
        let value: Decimal = "-12.3456789".parse().unwrap();
        assert_eq!(serde_json::to_string(&percent(value)).unwrap(), "-12.3457");
    }
}
