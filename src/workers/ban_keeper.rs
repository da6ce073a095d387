//! Writes down when an exchange asks us to wait, so that a restart obeys it too.

use super::Workers;
use crate::services::desk::Desk;
use crate::services::exchange_bans::{Remembered, keep_bans};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How often it is looked at: a client that was asked to wait calls nobody meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>) {
    let remembered = Arc::new(Mutex::new(Remembered::default()));
    workers.every("ban keeper", LOOK_EVERY, move || {
        let (desk, remembered) = (Arc::clone(&desk), Arc::clone(&remembered));
        async move {
            if let Some(exchanges) = &desk.exchanges {
                keep_bans(desk.store.as_ref(), exchanges.as_ref(), &mut *remembered.lock().await).await?;
            }
            Ok(())
        }
    });
}
