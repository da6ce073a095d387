//! First start and login: the two pages outside the shell.

use askama::Template;

use super::{Field, Theme};

/// `/setup`: creates the first operator; closes for ever once one exists.
#[derive(Clone, Debug, Template)]
#[template(path = "auth/setup.html")]
pub struct SetupPage {
    /// The CSRF token.
    pub csrf: String,
    /// The colour scheme.
    pub theme: Theme,
    /// Why the last attempt was refused, may be empty.
    pub error: String,
    /// `setup_token`, `username`, `password`, `password_repeat`; see [`SetupPage::fields`].
    pub fields: Vec<Field>,
}

impl SetupPage {
    /// The four fields with what was typed (never secrets) and the errors of the last attempt, in order.
    pub fn fields(username: &str, errors: [&str; 4]) -> Vec<Field> {
        use super::FieldKind::{Password, Text};
        vec![
            Field::new("setup_token", "Setup token", Text, "")
                .autocomplete("one-time-code")
                .help("Printed where the server was started, on the line “Setup token”.")
                .error(errors[0])
                .required()
                .autofocus(),
            Field::new("username", "User name", Text, username).autocomplete("username").error(errors[1]).required(),
            Field::new("password", "Password", Password, "")
                .autocomplete("new-password")
                .range("12 characters or more")
                .error(errors[2])
                .required(),
            Field::new("password_repeat", "Password again", Password, "")
                .autocomplete("new-password")
                .error(errors[3])
                .required(),
        ]
    }
}

/// `/login`.
#[derive(Clone, Debug, Template)]
#[template(path = "auth/login.html")]
pub struct LoginPage {
    /// The CSRF token.
    pub csrf: String,
    /// The colour scheme.
    pub theme: Theme,
    /// The same sentence for every failure, or the throttle; may be empty.
    pub error: String,
    /// A sentence such as `You are logged out.`; may be empty.
    pub note: String,
    /// The user name typed.
    pub username: String,
    /// The local path to go to afterwards, sent as `next`; may be empty.
    pub next: String,
}

impl LoginPage {
    /// The two fields.
    pub fn fields(&self) -> Vec<Field> {
        use super::FieldKind::{Password, Text};
        let name = Field::new("username", "User name", Text, self.username.clone()).autocomplete("username").required();
        let password = Field::new("password", "Password", Password, "").autocomplete("current-password").required();
        if self.username.is_empty() { vec![name.autofocus(), password] } else { vec![name, password.autofocus()] }
    }
}
