//! Who may do what: people, their roles, API tokens and the permission matrix.
//!
//! | permission    | admin | operator, `operate` | viewer, `read` | `propose` |
//! |---------------|-------|---------------------|----------------|-----------|
//! | Read          | yes   | yes                 | yes            | yes       |
//! | Propose       | yes   | yes                 |                | yes       |
//! | Operate       | yes   | yes                 |                |           |
//! | Credentials   | yes   |                     |                |           |
//! | Arm           | yes   |                     |                |           |
//! | Administer    | yes   |                     |                |           |
//!
//! A token never may more than the person it belongs to.

use super::ids::{TokenId, UserId};
use super::time::Timestamp;

/// The longest user name, in characters.
pub const USERNAME_MAX: usize = 64;
/// The shortest password that may be set, in characters.
pub const PASSWORD_MIN_CHARS: usize = 12;
/// The longest password, in bytes: hashing is paid per byte by us.
pub const PASSWORD_MAX_BYTES: usize = 1_024;
/// The longest label of a token, in characters.
pub const TOKEN_LABEL_MAX: usize = 100;

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every value, in the order shown.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word used in storage, on the command line and in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a word, exactly as [`Self::as_str`] writes it.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Admin,
    /// Everything but users, tokens, credentials and arming.
    Operator,
    /// Look, touch nothing.
    Viewer,
}

words!(Role { Admin = "admin", Operator = "operator", Viewer = "viewer" });

/// What a bearer token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenScope {
    /// Everything.
    Admin,
    /// Everything but users, tokens, credentials and arming.
    Operate,
    /// Look, touch nothing.
    Read,
    /// Send decisions into a cycle, and read.
    Propose,
}

words!(TokenScope { Admin = "admin", Operate = "operate", Read = "read", Propose = "propose" });

/// What a route or a use case asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See models, decisions, orders, prices.
    Read,
    /// Send decisions into a model's cycle.
    Propose,
    /// Run the desk: models, settings, approvals, orders, stop.
    Operate,
    /// Save or delete exchange credentials.
    Credentials,
    /// Let a model trade real money.
    Arm,
    /// Manage users and tokens.
    Administer,
}

impl Role {
    /// Whether the matrix above grants `permission`.
    pub const fn may(self, permission: Permission) -> bool {
        match self {
            Self::Admin => true,
            Self::Operator => {
                matches!(permission, Permission::Read | Permission::Propose | Permission::Operate)
            }
            Self::Viewer => matches!(permission, Permission::Read),
        }
    }
}

impl TokenScope {
    /// Whether the matrix above grants `permission`.
    pub const fn may(self, permission: Permission) -> bool {
        match self {
            Self::Admin => true,
            Self::Operate => {
                matches!(permission, Permission::Read | Permission::Propose | Permission::Operate)
            }
            Self::Read => matches!(permission, Permission::Read),
            Self::Propose => matches!(permission, Permission::Read | Permission::Propose),
        }
    }
}

/// A person who can log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// The name as typed when it was created.
    pub username: Username,
    /// What the person may do.
    pub role: Role,
    /// Wall-clock time.
    pub created_at: Timestamp,
}

/// A bearer token of the API; the secret itself is never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Identity.
    pub id: TokenId,
    /// The person it belongs to.
    pub user_id: UserId,
    /// What it is for.
    pub label: String,
    /// What it may do.
    pub scope: TokenScope,
    /// Wall-clock time.
    pub created_at: Timestamp,
    /// When it was last used, to five minutes.
    pub used_at: Option<Timestamp>,
    /// Since when it is refused.
    pub revoked_at: Option<Timestamp>,
}

/// Who acts. Every change that is recorded names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person in the browser.
    User {
        /// Identity.
        id: UserId,
        /// The person's name.
        name: String,
        /// What the person may do.
        role: Role,
    },
    /// A program with a bearer token.
    Token {
        /// Identity.
        id: TokenId,
        /// The token's label.
        label: String,
        /// The person it belongs to.
        user_id: UserId,
        /// That person's name.
        user_name: String,
        /// What that person may do.
        role: Role,
        /// What the token may do.
        scope: TokenScope,
    },
    /// This program by itself: scheduler, expirer, risk engine.
    System,
    /// Somebody with a shell on this machine.
    Cli,
}

impl Actor {
    /// Whether the actor may do it; a token needs both its scope and its owner's role.
    pub const fn may(&self, permission: Permission) -> bool {
        match self {
            Self::User { role, .. } => role.may(permission),
            Self::Token { role, scope, .. } => role.may(permission) && scope.may(permission),
            Self::System | Self::Cli => true,
        }
    }

    /// The name for records and pages: `ada`, `ada (token "bot")`, `Countersign`, `command line`.
    pub fn name(&self) -> String {
        match self {
            Self::User { name, .. } => name.clone(),
            Self::Token { label, user_name, .. } => format!("{user_name} (token \"{label}\")"),
            Self::System => "Countersign".to_owned(),
            Self::Cli => "command line".to_owned(),
        }
    }

    /// The person behind the act, if there is one.
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            Self::Token { user_id, .. } => Some(*user_id),
            Self::System | Self::Cli => None,
        }
    }

    /// The token's scope, for rules that differ by it (decisions of `propose` never act on their own).
    pub const fn scope(&self) -> Option<TokenScope> {
        match self {
            Self::Token { scope, .. } => Some(*scope),
            Self::User { .. } | Self::System | Self::Cli => None,
        }
    }
}

/// Why a user name, password or label is refused. The value is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessInputError {
    /// Empty.
    #[error("is required")]
    Missing,
    /// Too long or with other characters.
    #[error("must be 1 to 64 of the letters a-z, digits, dot, dash, underscore and @")]
    BadUsername,
    /// Fewer than [`PASSWORD_MIN_CHARS`].
    #[error("must be 12 characters or more")]
    PasswordTooShort,
    /// More than [`PASSWORD_MAX_BYTES`].
    #[error("must be 1024 bytes or less")]
    PasswordTooLong,
    /// The password is the user name, or one character repeated.
    #[error("is too easy to guess")]
    PasswordTooWeak,
    /// Too long, or with control characters.
    #[error("must be 1 to 100 characters without line breaks")]
    BadLabel,
}

/// A user name; `Ada` and `ada` are one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// Reads a user name.
    ///
    /// # Errors
    /// When it is empty, too long or has characters that could be mistaken for others.
    pub fn parse(text: &str) -> Result<Self, AccessInputError> {
        if text.is_empty() {
            return Err(AccessInputError::Missing);
        }
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'@');
        if text.len() > USERNAME_MAX || !text.bytes().all(legal) {
            return Err(AccessInputError::BadUsername);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which names are told apart.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl std::fmt::Display for Username {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks a password that is about to be set.
///
/// # Errors
/// When it is too short, too long or trivially guessed.
pub fn check_new_password(password: &str, username: &Username) -> Result<(), AccessInputError> {
    if password.is_empty() {
        return Err(AccessInputError::Missing);
    }
    if password.len() > PASSWORD_MAX_BYTES {
        return Err(AccessInputError::PasswordTooLong);
    }
    if password.chars().count() < PASSWORD_MIN_CHARS {
        return Err(AccessInputError::PasswordTooShort);
    }
    let first = password.chars().next();
    if password.chars().all(|c| Some(c) == first) || password.eq_ignore_ascii_case(username.as_str()) {
        return Err(AccessInputError::PasswordTooWeak);
    }
    Ok(())
}

/// Checks the label of a token that is about to be made.
///
/// # Errors
/// When it is empty, too long or has control characters.
pub fn check_token_label(label: &str) -> Result<(), AccessInputError> {
    let length = label.chars().count();
    if length == 0 || length > TOKEN_LABEL_MAX || label.chars().any(char::is_control) {
        return Err(AccessInputError::BadLabel);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERMISSIONS: [Permission; 6] = [
        Permission::Read,
        Permission::Propose,
        Permission::Operate,
        Permission::Credentials,
        Permission::Arm,
        Permission::Administer,
    ];

    #[test]
    fn a_token_never_may_more_than_its_owner() {
        for role in Role::ALL {
            for scope in TokenScope::ALL {
                for permission in PERMISSIONS {
                    let actor = Actor::Token {
                        id: TokenId(1),
                        label: "bot".into(),
                        user_id: UserId(1),
                        user_name: "ada".into(),
                        role: *role,
                        scope: *scope,
                    };
                    assert_eq!(actor.may(permission), role.may(permission) && scope.may(permission));
                }
            }
        }
    }

    #[test]
    fn only_admins_touch_users_credentials_and_arming() {
        for permission in [Permission::Credentials, Permission::Arm, Permission::Administer] {
            let roles: Vec<_> = Role::ALL.iter().filter(|role| role.may(permission)).collect();
            let scopes: Vec<_> = TokenScope::ALL.iter().filter(|scope| scope.may(permission)).collect();
            assert_eq!((roles, scopes), (vec![&Role::Admin], vec![&TokenScope::Admin]), "{permission:?}");
        }
    }

    #[test]
    fn words_read_back_as_what_they_were() {
        assert!(Role::ALL.iter().all(|role| Role::parse(role.as_str()) == Some(*role)));
        assert!(TokenScope::ALL.iter().all(|scope| TokenScope::parse(scope.as_str()) == Some(*scope)));
        assert_eq!(Role::parse("Admin"), None);
    }

    #[test]
    fn passwords_need_twelve_characters_and_some_variety() {
        let ada = Username::parse("ada.lovelace1").unwrap();
        assert_eq!(check_new_password("elevenchars", &ada), Err(AccessInputError::PasswordTooShort));
        assert_eq!(check_new_password("aaaaaaaaaaaaaa", &ada), Err(AccessInputError::PasswordTooWeak));
        assert_eq!(check_new_password("ADA.lovelace1", &ada), Err(AccessInputError::PasswordTooWeak));
        assert_eq!(check_new_password(&"ab".repeat(513), &ada), Err(AccessInputError::PasswordTooLong));
        assert_eq!(check_new_password("twelve chars", &ada), Ok(()));
        assert_eq!(check_new_password("zwölf Zeichen", &ada), Ok(()));
    }

    #[test]
    fn user_names_are_plain_ascii() {
        for bad in ["a b", "аdmin", "x\n", &"a".repeat(65)] {
            assert_eq!(Username::parse(bad), Err(AccessInputError::BadUsername), "{bad:?}");
        }
        assert_eq!(Username::parse("Ada").map(|name| name.key()).as_deref(), Ok("ada"));
    }
}
