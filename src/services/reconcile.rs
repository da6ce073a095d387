//! stub
use crate::domain::credential::AccountFingerprint;
use crate::ports::store::StoreError;
use crate::services::desk::Desk;
pub async fn entries_halted(_desk: &Desk, _account: &AccountFingerprint) -> Result<Option<String>, StoreError> { Ok(None) }
