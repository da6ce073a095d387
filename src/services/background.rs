//! Work that outlives the request which started it: a cycle or a question goes on when its caller hangs up, and the
//! process does not end before it has written down how it ended.

use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Starts such work, on the runtime that it was made on: those of web servers end with their last connection.
#[derive(Clone, Debug)]
pub struct Background {
    runtime: Handle,
    open: Arc<watch::Sender<usize>>,
}

/// One piece of work under way.
struct Open(Arc<watch::Sender<usize>>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open = open.saturating_sub(1));
    }
}

impl Background {
    /// On the runtime of whoever calls.
    pub fn here() -> Self {
        Self { runtime: Handle::current(), open: Arc::new(watch::Sender::new(0)) }
    }

    /// Starts work. Nobody has to wait for it.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.open.send_modify(|open| *open += 1);
        let open = Open(Arc::clone(&self.open));
        self.runtime.spawn(async move {
            let _open = open;
            work.await
        })
    }

    /// Returns as soon as nothing is under way.
    pub async fn ended(&self) {
        // The sender lives in `self`, so waiting cannot fail before.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[test]
    fn work_goes_on_when_the_runtime_of_its_caller_ends() {
        let main = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let background = main.block_on(async { Background::here() });
        let (go, wait) = oneshot::channel::<()>();
        let caller = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let entered = caller.enter();
        let task = background.spawn(async move { wait.await.is_ok() });
        drop(entered);
        drop(caller);
        main.block_on(async {
            let ended = tokio::spawn({
                let background = background.clone();
                async move { background.ended().await }
            });
            tokio::task::yield_now().await;
            assert!(!ended.is_finished(), "it is under way");
            go.send(()).unwrap();
            assert!(task.await.unwrap());
            ended.await.unwrap();
        });
    }

    #[tokio::test]
    async fn work_that_panics_has_ended_too() {
        let background = Background::here();
        let task = background.spawn(async { panic!("a defect") });
        background.ended().await;
        assert!(task.await.is_err());
        background.ended().await;
    }
}
