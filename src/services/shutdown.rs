//! One signal for the end: workers, event streams and the server all watch it.

use std::sync::Arc;
use tokio::sync::watch;

/// A switch that is thrown once and never taken back. Clones share it.
#[derive(Clone, Debug)]
pub struct Shutdown {
    begun: Arc<watch::Sender<bool>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { begun: Arc::new(watch::Sender::new(false)) }
    }
}

impl Shutdown {
    /// A switch that is not thrown.
    pub fn new() -> Self {
        Self::default()
    }

    /// Throws the switch.
    pub fn begin(&self) {
        self.begun.send_replace(true);
    }

    /// Whether it is thrown: take on nothing new.
    pub fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Returns once it is thrown, at once when it already is.
    pub async fn begun(&self) {
        let mut receiver = self.begun.subscribe();
        // The sender lives in `self`, so waiting cannot fail before the switch is thrown.
        let _ = receiver.wait_for(|begun| *begun).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everyone_who_waits_is_told_and_latecomers_too() {
        let shutdown = Shutdown::new();
        let early = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.begun().await }
        });
        assert!(!shutdown.has_begun());
        shutdown.begin();
        early.await.unwrap();
        shutdown.begun().await;
        assert!(shutdown.has_begun());
    }
}
