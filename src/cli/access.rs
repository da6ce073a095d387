//! `admin` and `token`: people and bearer tokens. They work on the database, beside a running server.

use super::CliError;
use super::args::{CreateAdminArgs, CreateTokenArgs, ListTokensArgs, ResetPasswordArgs, RevokeTokenArgs, StoreArgs};
use crate::app::House;
use crate::domain::access::{Actor, PASSWORD_MAX_BYTES, Role, TokenScope};
use crate::domain::ids::TokenId;
use crate::domain::time::Timestamp;
use crate::settings::StoreSettings;
use crate::telemetry;
use secrecy::{ExposeSecret, SecretString};
use std::io::Read;
use zeroize::Zeroizing;

/// Only what is wrong: these commands print their result themselves.
const QUIET: &str = "error";

/// `admin create`
///
/// # Errors
/// When name or password are refused or the database fails.
pub async fn create_admin(args: CreateAdminArgs) -> Result<(), CliError> {
    let role = Role::parse(&args.role).ok_or_else(|| CliError::Usage("--role is not known".to_owned()))?;
    let password = password_from_stdin()?;
    let desk = open(args.store).await?;
    let user = desk.access.create_user(&args.username, role, password, &Actor::Cli).await?;
    println!("Created {} ({}).", user.username, user.role);
    desk.close().await;
    Ok(())
}

/// `admin reset-password`
///
/// # Errors
/// When nobody has that name, the password is refused, or the database fails.
pub async fn reset_password(args: ResetPasswordArgs) -> Result<(), CliError> {
    let password = password_from_stdin()?;
    let desk = open(args.store).await?;
    let ended = desk.access.reset_password(&args.username, password, &Actor::Cli).await?;
    println!("Password of {} changed; sessions ended: {ended}.", args.username);
    desk.close().await;
    Ok(())
}

/// `token create`
///
/// # Errors
/// When nobody has that name, the label is refused, or the database fails.
pub async fn create_token(args: CreateTokenArgs) -> Result<(), CliError> {
    let scope = TokenScope::parse(&args.scope).ok_or_else(|| CliError::Usage("--scope is not known".to_owned()))?;
    let desk = open(args.store).await?;
    let (token, secret) = desk.access.create_token(&args.username, &args.name, scope).await?;
    println!("Token {} of {}, scope {}. It is shown this once:", token.id, args.username, token.scope);
    println!("{}", secret.expose_secret());
    desk.close().await;
    Ok(())
}

/// `token list`
///
/// # Errors
/// When nobody has that name or the database fails.
pub async fn list_tokens(args: ListTokensArgs) -> Result<(), CliError> {
    let desk = open(args.store).await?;
    let user = match &args.username {
        Some(name) => Some(desk.access.user_by_name(name).await?.id),
        None => None,
    };
    println!("{:>5}  {:<16} {:<8} {:<20} {:<20} {:<8} label", "id", "user", "scope", "created", "last used", "state");
    for (token, owner) in desk.access.tokens(user).await? {
        let used = token.used_at.map_or_else(|| "never".to_owned(), date);
        let state = if token.revoked_at.is_some() { "revoked" } else { "good" };
        let (created, scope, id) = (date(token.created_at), token.scope.as_str(), token.id.0);
        println!(
            "{id:>5}  {:<16} {scope:<8} {created:<20} {used:<20} {state:<8} {}",
            owner.username.as_str(),
            token.label
        );
    }
    desk.close().await;
    Ok(())
}

/// `token revoke`
///
/// # Errors
/// When there is no such token in force, or the database fails.
pub async fn revoke_token(args: RevokeTokenArgs) -> Result<(), CliError> {
    let desk = open(args.store).await?;
    let revoked = desk.access.revoke_token(TokenId(args.id)).await?;
    desk.close().await;
    if !revoked {
        return Err(CliError::Usage(format!("there is no token {} in force; see countersign token list", args.id)));
    }
    println!("Token {} is refused from now on.", args.id);
    Ok(())
}

async fn open(args: StoreArgs) -> Result<House, CliError> {
    let settings = StoreSettings::load(args.store, args.config.as_deref())?;
    telemetry::start(settings.log_format, Some(settings.log_filter.as_deref().unwrap_or(QUIET)));
    Ok(House::open(&settings).await?)
}

/// One line, without its end.
fn password_from_stdin() -> Result<SecretString, CliError> {
    let mut text = Zeroizing::new(String::new());
    let limit = PASSWORD_MAX_BYTES as u64 + 3;
    std::io::stdin()
        .take(limit)
        .read_to_string(&mut text)
        .map_err(|source| CliError::Io { attempt: "reading the password from standard input failed", source })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains(['\n', '\r']) {
        return Err(CliError::Usage("standard input must hold one line, the password".to_owned()));
    }
    Ok(line.to_owned().into())
}

fn date(at: Timestamp) -> String {
    let seconds = at.0.div_euclid(1_000);
    jiff::Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}
