//! Error pages: told apart from emptiness, each with a way on.

use askama::Template;

use super::{Shell, Theme};

/// An error page. It works with and without a session.
#[derive(Clone, Debug, Template)]
#[template(path = "layout/error.html")]
pub struct ErrorPage {
    /// The HTTP status.
    pub status: u16,
    /// What happened, as a sentence.
    pub title: String,
    /// What it means and what to do.
    pub text: String,
    /// The request id, to be found in the log; may be empty.
    pub request_id: String,
    /// Label of the way on.
    pub action: String,
    /// Where that leads.
    pub url: String,
    /// The colour scheme.
    pub theme: Theme,
}

impl ErrorPage {
    /// The words for a status; nothing internal ever leaks into them.
    pub fn for_status(status: u16, theme: Theme, request_id: impl Into<String>) -> Self {
        let (title, text, action, url) = match status {
            400 => (
                "That request made no sense",
                "The address or the form was malformed. Nothing was changed.",
                "Back to the desk",
                "/",
            ),
            401 => (
                "Please log in",
                "Your session has ended or was ended elsewhere. Nothing was changed.",
                "Log in",
                "/login",
            ),
            403 => (
                "Not allowed",
                "The form was too old, or this account may not do that. Nothing was changed.",
                "Back to the desk",
                "/",
            ),
            404 => {
                ("Nothing is here", "The address is wrong, or what it named never existed.", "Back to the desk", "/")
            }
            409 => (
                "Someone was quicker",
                "It changed since you looked. Your click changed nothing; look at it as it stands now.",
                "To the inbox",
                "/inbox",
            ),
            410 => ("Too late", "It expired before your click arrived. Nothing was sent.", "To the inbox", "/inbox"),
            413 => (
                "Too large",
                "What was sent is larger than this page accepts. Nothing was changed.",
                "Back to the desk",
                "/",
            ),
            422 => (
                "Something is not right yet",
                "A value was refused. Nothing was changed; go back to correct it.",
                "Back to the desk",
                "/",
            ),
            428 => (
                "The terms are missing",
                "On mainnet an approval must name the exact terms it approves. Nothing was sent.",
                "To the inbox",
                "/inbox",
            ),
            429 => ("Too many attempts", "Please wait a minute, then try again.", "Back to the desk", "/"),
            503 => (
                "Not ready yet",
                "The server is starting or stopping. Nothing was changed; try again in a moment.",
                "Try again",
                "/",
            ),
            _ => (
                "Something broke on our side",
                "It is in the log under the number below. An order that was on its way keeps its true state: look at Orders before you try again.",
                "To the orders",
                "/orders",
            ),
        };
        Self {
            status,
            title: title.into(),
            text: text.into(),
            request_id: request_id.into(),
            action: action.into(),
            url: url.into(),
            theme,
        }
    }
}

/// `GET /stop` while the stop is in force: who pulled it, and how to lift it. POST `/stop/lift`.
#[derive(Clone, Debug, Template)]
#[template(path = "stop/page.html")]
pub struct StoppedPage {
    /// The layout; its `stop` is set.
    pub shell: Shell,
    /// What was stopped, as sentences.
    pub facts: Vec<String>,
}
