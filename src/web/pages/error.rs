//! The page for whatever went wrong.

use crate::web::ctx::Visitor;
use crate::web::error::AppError;
use crate::web::view::ErrorPage;
use askama::Template;

/// The page for an error, for anyone.
pub fn render(error: &AppError, visitor: &Visitor) -> String {
    let status = error.status();
    // The id leads to the log, where only our own failures are.
    let request_id = if status.is_server_error() { visitor.request_id.as_str() } else { "" };
    let mut page = ErrorPage::for_status(status.as_u16(), visitor.theme, request_id);
    if error.code() != AppError::for_status(status).code() {
        error.message().clone_into(&mut page.text);
    }
    page.render().unwrap_or(page.title)
}
