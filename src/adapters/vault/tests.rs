//! Which key a vault takes, and what it says when it has none.

use super::*;
use crate::domain::credential::KeyField;
use crate::domain::ids::TraderId;
use crate::domain::venue_kind::ExchangeEnvironment;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

fn here() -> SealContext {
    SealContext::of(TraderId(1), ExchangeEnvironment::Testnet, KeyField::ApiKey)
}

fn used(vault: &FileVault) -> VaultUse {
    VaultUse { key_id: vault.key_id().ok(), has_secrets: true }
}

fn why(vault: &FileVault) -> String {
    match vault.key_id() {
        Err(VaultError::Locked(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_start_makes_a_key_for_this_account_alone_and_the_next_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let source = VaultSource::in_dir(dir.path());
    let first = FileVault::open(&source, &VaultUse::default());
    let mode = std::fs::metadata(dir.path().join("vault.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let sealed = first.seal(here(), &"secret".into()).unwrap();
    let second = FileVault::open(&source, &used(&first));
    assert_eq!(second.open(here(), &sealed).unwrap().expose_secret(), "secret");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing half-written stays");
}

#[test]
fn a_lost_key_locks_the_vault_and_no_new_one_takes_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let source = VaultSource::in_dir(dir.path());
    let first = FileVault::open(&source, &VaultUse::default());
    let (known, sealed) = (used(&first), first.seal(here(), &"secret".into()).unwrap());
    std::fs::remove_file(dir.path().join("vault.key")).unwrap();
    let vault = FileVault::open(&source, &known);
    assert!(why(&vault).contains(&first.key_id().unwrap()) && why(&vault).contains("not here"), "{}", why(&vault));
    assert!(vault.open(here(), &sealed).is_err() && vault.check(&sealed).is_err());
    assert!(vault.seal(here(), &"secret".into()).is_err());
    assert!(!dir.path().join("vault.key").exists());
}

#[test]
fn another_key_in_the_environment_or_an_open_file_locks_it_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let source = VaultSource::in_dir(dir.path());
    let known = used(&FileVault::open(&source, &VaultUse::default()));
    let file = dir.path().join("vault.key");
    std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    assert!(why(&FileVault::open(&source, &known)).contains("chmod 600"));
    std::fs::remove_file(&file).unwrap();
    let given = |text: &str| VaultSource { given: Some(text.to_owned().into()), data_dir: dir.path().to_owned() };
    let other = FileVault::open(&given(&"ab".repeat(32)), &known);
    assert!(why(&other).contains("and here is"), "{}", why(&other));
    for vault in [FileVault::open(&given("hunter2"), &known), FileVault::open(&given("hunter2"), &VaultUse::default())]
    {
        assert!(why(&vault).contains("64 hex digits") && !why(&vault).contains("hunter2"), "{}", why(&vault));
    }
    let fresh = FileVault::open(&given(&"ab".repeat(32)), &VaultUse::default());
    assert!(fresh.key_id().is_ok() && !file.exists(), "a key from the environment is never written down");
}

#[test]
fn the_key_that_the_store_relies_on_is_taken_whatever_lies_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let source = VaultSource::in_dir(dir.path());
    let first = FileVault::open(&source, &VaultUse::default());
    let next = VaultKey::random();
    let files = source.files();
    files.stage(&files.write_next(&next).unwrap()).unwrap();
    assert_eq!(FileVault::open(&source, &used(&first)).key_id(), first.key_id());
    let known = VaultUse { key_id: Some(next.id()), has_secrets: true };
    assert_eq!(FileVault::open(&source, &known).key_id(), Ok(next.id()));
    let given = VaultSource { given: Some("ab".repeat(32).into()), data_dir: dir.path().to_owned() };
    assert_eq!(FileVault::open(&given, &known).key_id(), Ok(next.id()), "an old variable does not win");
}
