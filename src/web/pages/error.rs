//! The page for whatever went wrong.

use super::plain;
use crate::web::ctx::Visitor;
use crate::web::error::AppError;

/// The page for an error, for anyone.
pub fn render(error: &AppError, visitor: &Visitor) -> String {
    let number =
        if error.status().is_server_error() { format!("Number {}", visitor.request_id) } else { String::new() };
    let title = error.status().canonical_reason().unwrap_or("Error");
    plain::page(title, &[error.message(), &number], "")
}
