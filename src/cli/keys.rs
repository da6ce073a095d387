//! `keys`: the vault key under which exchange keys are sealed.

use super::CliError;
use super::args::RotateKeysArgs;
use crate::app::House;
use crate::domain::credential::VAULT_KEY_VARIABLE;
use crate::services::rotate_keys::Rotated;
use crate::settings::StoreSettings;
use crate::telemetry;

/// Only what is wrong: the command prints its result itself.
const QUIET: &str = "error";

/// `keys rotate`
///
/// # Errors
/// While a server runs on the database, when the new key cannot be read, or something was sealed with a key that is not
/// here. The old key stays in use then.
pub async fn rotate(args: RotateKeysArgs) -> Result<(), CliError> {
    let settings = StoreSettings::load(args.store.store, args.store.config.as_deref())?;
    telemetry::start(settings.log_format, Some(settings.log_filter.as_deref().unwrap_or(QUIET)));
    let house = House::open(&settings).await?;
    let outcome = house.rotate_vault_key(&settings, &args.new_key_file, &|_| {}).await;
    let opened = house.count_openable_keys(&settings).await;
    house.close().await;
    let rotated = outcome?;
    let (opened, closed) = opened?;
    let Rotated { key_id, credentials, providers } = rotated;
    println!("Vault key {key_id} is in use. Pairs of exchange keys wrapped anew: {credentials}.");
    println!("Keys of providers wrapped anew: {providers}.");
    println!("Checked: {opened} open with it, {closed} do not.");
    println!("It is kept in vault.key in the data directory: keep a copy apart from the database.");
    println!("{} is not needed any more: delete it, and copies of the old key.", args.new_key_file.display());
    if settings.vault_key.is_some() {
        println!("{VAULT_KEY_VARIABLE} is set: remove it, or set it to the new key, before the next start.");
    }
    Ok(())
}
