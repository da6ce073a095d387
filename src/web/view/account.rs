//! The operator's own page: password, sessions, tokens.

use askama::Template;

use super::{Field, FieldKind, Shell, When};

/// One active session.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Browser and system in words.
    pub agent: String,
    /// Address.
    pub address: String,
    /// Since when.
    pub since: When,
    /// Last used.
    pub seen: When,
    /// Whether it is this one.
    pub current: bool,
}

/// One API token; made and revoked on the command line, only read here.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// Its label.
    pub label: String,
    /// Its scope.
    pub scope: String,
    /// When it was made.
    pub created: When,
    /// When it was last used; none for never.
    pub used: Option<When>,
}

/// `/account`: posts to `/account/password` and `/account/logout-everywhere`.
#[derive(Clone, Debug, Template)]
#[template(path = "account/page.html")]
pub struct AccountPage {
    /// The layout.
    pub shell: Shell,
    /// Why the last change was refused, may be empty.
    pub error: String,
    /// `current_password`, `password`, `password_repeat`; see [`AccountPage::password_fields`].
    pub fields: Vec<Field>,
    /// Active sessions.
    pub sessions: Vec<SessionRow>,
    /// API tokens.
    pub tokens: Vec<TokenRow>,
}

impl AccountPage {
    /// The three fields with the errors of the last attempt, in order.
    pub fn password_fields(errors: [&str; 3]) -> Vec<Field> {
        vec![
            Field::new("current_password", "Current password", FieldKind::Password, "")
                .autocomplete("current-password")
                .error(errors[0])
                .required(),
            Field::new("password", "New password", FieldKind::Password, "")
                .autocomplete("new-password")
                .range("12 characters or more")
                .error(errors[1])
                .required(),
            Field::new("password_repeat", "New password again", FieldKind::Password, "")
                .autocomplete("new-password")
                .error(errors[2])
                .required(),
        ]
    }
}
