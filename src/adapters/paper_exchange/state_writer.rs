//! The thread that writes the state log: it takes everything that waits, writes it in one go, forces it to the disk once,
//! and then wakes all who wait for it.

use super::engine::{EVENT_VERSION, Event, Snapshot};
use super::state_log::{Line, OpenedLog, Place, StateLogError, begin_file};
use crate::domain::time::Timestamp;
use crate::observe;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::watch;

/// Lines are replaced by a snapshot when they take more bytes than this, and more than the last snapshot did.
pub const LINES_MAX_BYTES: u64 = 64 << 20;
/// Commands that share one write and one fsync.
const BATCH_MAX: usize = 4_096;

/// How far the disk is.
#[derive(Clone, Copy, Debug)]
struct Progress {
    durable: u64,
    broken: bool,
}

/// What the writing thread is given, in the order of the commands.
enum Entry {
    Line(Line),
    Snapshot { m: Timestamp, n: u64, snapshot: Box<Snapshot> },
}

/// Hands lines to the thread that writes, and knows how far it is.
#[derive(Debug)]
pub struct StateWriter {
    entries: Sender<Entry>,
    progress: watch::Receiver<Progress>,
    is_long: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

/// Tells how far the disk is.
#[derive(Clone, Debug)]
pub struct Durability(watch::Receiver<Progress>);

impl Durability {
    /// Returns once command `number` is on the disk.
    ///
    /// # Errors
    /// When it never will be.
    pub async fn written(&self, number: u64) -> Result<(), LogBroken> {
        let mut progress = self.0.clone();
        let reached = progress.wait_for(|progress| progress.durable >= number || progress.broken).await;
        match reached {
            Ok(progress) if progress.durable >= number => Ok(()),
            _ => Err(LogBroken),
        }
    }
}

/// The state log could not be written: memory is ahead of the disk for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state log cannot be written")]
pub struct LogBroken;

impl StateWriter {
    /// Starts the thread; lines are replaced by a snapshot beyond `lines_max` bytes, usually [`LINES_MAX_BYTES`].
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(log: OpenedLog, lines_max: u64) -> std::io::Result<Self> {
        let (entries, receiver) = mpsc::channel();
        let (told, progress) = watch::channel(Progress { durable: log.number, broken: false });
        let is_long = Arc::new(AtomicBool::new(false));
        let mut pen = Pen {
            place: log.place,
            file: log.file,
            line_bytes: log.line_bytes,
            snapshot_bytes: log.snapshot_bytes,
            lines_max,
            is_long: Arc::clone(&is_long),
            _lock: log.lock,
        };
        pen.measure();
        let thread = std::thread::Builder::new().name("paper-state".to_owned());
        let thread = thread.spawn(move || pen.run(&receiver, &told))?;
        Ok(Self { entries, progress, is_long, thread })
    }

    /// Hands over the events of command `number`. Numbers must come in order.
    pub fn append(&self, number: u64, market_at: Timestamp, events: Vec<Event>) {
        self.hand_over(Entry::Line(Line { n: number, m: market_at, v: EVENT_VERSION, e: events }));
    }

    /// Whether a snapshot should take the place of the lines so far.
    pub fn is_long(&self) -> bool {
        self.is_long.load(Ordering::Relaxed)
    }

    /// Puts a snapshot of everything up to command `number` in the place of the lines so far.
    pub fn replace(&self, number: u64, market_at: Timestamp, snapshot: Snapshot) {
        self.is_long.store(false, Ordering::Relaxed);
        self.hand_over(Entry::Snapshot { m: market_at, n: number, snapshot: Box::new(snapshot) });
    }

    /// Tells how far the disk is, without a lock.
    pub fn durability(&self) -> Durability {
        Durability(self.progress.clone())
    }

    /// Writes what waits and ends the thread. Blocks meanwhile.
    pub fn close(self) {
        drop(self.entries);
        if self.thread.join().is_err() {
            observe::paper_state_failed(&LogBroken);
        }
    }

    fn hand_over(&self, entry: Entry) {
        // The thread is gone only after a failure that it has told; everyone who waits learns it there.
        let _ = self.entries.send(entry);
    }
}

/// The thread's side.
struct Pen {
    place: Place,
    file: File,
    line_bytes: u64,
    snapshot_bytes: u64,
    lines_max: u64,
    is_long: Arc<AtomicBool>,
    _lock: File,
}

impl Pen {
    fn run(&mut self, entries: &Receiver<Entry>, told: &watch::Sender<Progress>) {
        let mut text = Vec::new();
        while let Ok(first) = entries.recv() {
            let batch = std::iter::once(first).chain(std::iter::from_fn(|| entries.try_recv().ok())).take(BATCH_MAX);
            match self.write(batch, &mut text) {
                Ok(Some(durable)) => told.send_modify(|progress| progress.durable = durable),
                Ok(None) => {}
                Err(error) => {
                    observe::paper_state_failed(&error);
                    told.send_modify(|progress| progress.broken = true);
                    return;
                }
            }
        }
    }

    /// Writes a batch and forces it to the disk once; answers the last number.
    fn write(&mut self, batch: impl Iterator<Item = Entry>, text: &mut Vec<u8>) -> Result<Option<u64>, StateLogError> {
        let mut last = None;
        text.clear();
        for entry in batch {
            match entry {
                Entry::Line(line) => {
                    serde_json::to_writer(&mut *text, &line)
                        .map_err(|error| self.place.failed("written")(error.into()))?;
                    text.push(b'\n');
                    last = Some(line.n);
                }
                // It holds what the lines before it say, and those become durable with it.
                Entry::Snapshot { m, n, snapshot } => {
                    (self.file, self.snapshot_bytes) = begin_file(&self.place, m, n, Some(*snapshot))?;
                    self.line_bytes = 0;
                    text.clear();
                    last = Some(n);
                }
            }
        }
        if !text.is_empty() {
            let written = self.file.write_all(text).and_then(|()| self.file.sync_data());
            written.map_err(self.place.failed("written"))?;
            self.line_bytes += text.len() as u64;
            self.measure();
        }
        Ok(last)
    }

    fn measure(&self) {
        if self.line_bytes > self.lines_max.max(self.snapshot_bytes) {
            self.is_long.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everyone_who_waits_learns_that_the_disk_failed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let mut log = OpenedLog::open(&path, 1, Timestamp(0)).unwrap();
        // A file that is open for reading only stands in for a disk that refuses.
        log.file = File::open(&path).unwrap();
        let writer = StateWriter::start(log, LINES_MAX_BYTES).unwrap();
        writer.append(1, Timestamp(0), Vec::new());
        assert_eq!(writer.durability().written(1).await, Err(LogBroken));
        writer.append(2, Timestamp(0), Vec::new());
        assert_eq!(writer.durability().written(2).await, Err(LogBroken));
    }
}
