//! What the exchange confirmed survives its end: every command's events are one line of a file, on the disk before the
//! answer goes out.
//!
//! ```text
//! {"state":1,"seed":1,"origin":...,"m":...,"n":0,"snapshot":null}      what came before; written anew when the rest is long
//! {"n":1,"m":...,"v":1,"e":[...]}                                      one command
//! {"n":2,"m":...,"v":1,"e":[...]}
//! ```
//! `n` counts the commands without a gap and `m` is the market's time. One thread writes: it takes everything that waits,
//! writes it in one go, forces it to the disk once, and then wakes all who wait for it. The last line may be torn by the
//! end of the process; nobody was told about it, so it is cut off at the next start. Any other unreadable line means that
//! the file was damaged, and the exchange does not start.

use super::engine::{Batch, EVENT_VERSION, Event, Snapshot};
use crate::domain::time::Timestamp;
use crate::observe;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::watch;

/// The version of this file's shape.
const STATE_VERSION: u32 = 1;
/// Lines are replaced by a snapshot when they take more bytes than this, and more than the last snapshot did.
pub const LINES_MAX_BYTES: u64 = 64 << 20;
/// The largest file that is read.
const FILE_MAX_BYTES: u64 = 4 << 30;
/// Commands that share one write and one fsync.
const BATCH_MAX: usize = 4_096;

/// Why the state log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateLogError {
    /// A system call failed.
    #[error("the state file {path} cannot be {attempt}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What was attempted.
        attempt: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Another exchange writes this file.
    #[error("the state file {0} is in use by another exchange")]
    InUse(String),
    /// Something in the middle is not what was written.
    #[error("the state file {path} is damaged in line {line}: {rule}")]
    Damaged {
        /// The file.
        path: String,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        rule: String,
    },
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    state: u32,
    seed: u64,
    origin: Timestamp,
    m: Timestamp,
    n: u64,
    snapshot: Option<Snapshot>,
}

/// One command.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    n: u64,
    m: Timestamp,
    v: u32,
    e: Vec<Event>,
}

/// A state file that was read and is ready to go on.
#[derive(Debug)]
pub struct OpenedLog {
    /// The seed of its synthetic market.
    pub seed: u64,
    /// Market time at its very beginning.
    pub origin: Timestamp,
    /// Market time of the last line.
    pub market_at: Timestamp,
    /// Bytes of a torn last line that were cut off.
    pub cut: u64,
    pub(super) snapshot: Option<Snapshot>,
    pub(super) batches: Vec<Batch>,
    pub(super) number: u64,
    place: Place,
    file: File,
    line_bytes: u64,
    snapshot_bytes: u64,
    /// Held as long as the file is in use.
    lock: File,
}

/// Where the file is, and what its first line says of the market.
#[derive(Clone, Debug)]
struct Place {
    path: PathBuf,
    seed: u64,
    origin: Timestamp,
}

impl Place {
    fn failed(&self, attempt: &'static str) -> impl Fn(std::io::Error) -> StateLogError + use<> {
        failed(&self.path, attempt)
    }
}

fn failed(path: &Path, attempt: &'static str) -> impl Fn(std::io::Error) -> StateLogError + use<> {
    let path = path.display().to_string();
    move |source| StateLogError::Io { path: path.clone(), attempt, source }
}

impl OpenedLog {
    /// Reads a state file, or makes it; `seed` and `now` are the new one's market. Blocks while it reads.
    ///
    /// # Errors
    /// When the file is in use, damaged, or cannot be read or written.
    pub fn open(path: &Path, seed: u64, now: Timestamp) -> Result<Self, StateLogError> {
        let lock = lock(path)?;
        let place = Place { path: path.to_owned(), seed, origin: now };
        let length = match std::fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(place.failed("read")(error)),
        };
        if length == 0 {
            let (file, snapshot_bytes) = begin_file(&place, now, 0, None)?;
            return Ok(Self {
                seed,
                origin: now,
                market_at: now,
                cut: 0,
                snapshot: None,
                batches: Vec::new(),
                number: 0,
                place,
                file,
                line_bytes: 0,
                snapshot_bytes,
                lock,
            });
        }
        if length > FILE_MAX_BYTES {
            let rule = format!("it is larger than {FILE_MAX_BYTES} bytes");
            return Err(StateLogError::Damaged { path: path.display().to_string(), line: 1, rule });
        }
        read_file(place, lock, length)
    }
}

impl OpenedLog {
    /// Whether anything was ever written to it: then its market time is the market's.
    pub const fn has_begun(&self) -> bool {
        self.number > 0
    }
}

/// One exchange for one file. The lock is a file of its own, since the state file is replaced now and then.
fn lock(path: &Path) -> Result<File, StateLogError> {
    let lock_path = beside(path, ".lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock_path);
    let lock = lock.map_err(failed(&lock_path, "created"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(StateLogError::InUse(path.display().to_string())),
        Err(std::fs::TryLockError::Error(error)) => Err(failed(&lock_path, "locked")(error)),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// Writes a file that holds its first line only, and puts it in the place of the old one: a crash leaves one of the two.
fn begin_file(place: &Place, m: Timestamp, n: u64, snapshot: Option<Snapshot>) -> Result<(File, u64), StateLogError> {
    let failed = place.failed("written");
    let next = beside(&place.path, ".next");
    let header = Header { state: STATE_VERSION, seed: place.seed, origin: place.origin, m, n, snapshot };
    let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&next).map_err(&failed)?;
    let mut writer = BufWriter::new(file);
    serde_json::to_writer(&mut writer, &header).map_err(|error| failed(error.into()))?;
    writer.write_all(b"\n").map_err(&failed)?;
    let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(&failed)?;
    std::fs::rename(&next, &place.path).map_err(&failed)?;
    let folder = place.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(&failed)?;
    let bytes = file.metadata().map_err(&failed)?.len();
    let file = OpenOptions::new().append(true).open(&place.path).map_err(&failed)?;
    Ok((file, bytes))
}

fn read_file(mut place: Place, lock: File, length: u64) -> Result<OpenedLog, StateLogError> {
    let failed = place.failed("read");
    let damaged = |place: &Place, line: u64, rule: String| StateLogError::Damaged {
        path: place.path.display().to_string(),
        line,
        rule,
    };
    let mut reader = BufReader::new(File::open(&place.path).map_err(&failed)?);
    let mut text = Vec::new();
    reader.read_until(b'\n', &mut text).map_err(&failed)?;
    let header: Header = serde_json::from_slice(&text).map_err(|error| damaged(&place, 1, error.to_string()))?;
    if header.state != STATE_VERSION {
        let rule = format!("it has version {}, and this program reads {STATE_VERSION}", header.state);
        return Err(damaged(&place, 1, rule));
    }
    (place.seed, place.origin) = (header.seed, header.origin);
    let snapshot_bytes = text.len() as u64;
    let (mut good, mut number, mut market_at) = (snapshot_bytes, header.n, header.m);
    let (mut batches, mut line) = (Vec::new(), 1_u64);
    while good < length {
        text.clear();
        let read = reader.read_until(b'\n', &mut text).map_err(&failed)? as u64;
        line += 1;
        let parsed = if text.last() == Some(&b'\n') { serde_json::from_slice::<Line>(&text).ok() } else { None };
        match parsed {
            Some(parsed) if parsed.n == number + 1 => {
                (number, market_at) = (parsed.n, parsed.m);
                batches.push(Batch { version: parsed.v, events: parsed.e });
            }
            Some(parsed) => {
                let rule = format!("number {} follows {number}", parsed.n);
                return Err(damaged(&place, line, rule));
            }
            None if good + read >= length => break,
            None => return Err(damaged(&place, line, "it cannot be read".to_owned())),
        }
        good += read;
    }
    let file = OpenOptions::new().append(true).open(&place.path).map_err(place.failed("written"))?;
    if good < length {
        file.set_len(good).and_then(|()| file.sync_all()).map_err(place.failed("written"))?;
        observe::paper_state_cut(length - good);
    }
    Ok(OpenedLog {
        seed: header.seed,
        origin: header.origin,
        market_at,
        cut: length - good,
        snapshot: header.snapshot,
        batches,
        number,
        place,
        file,
        line_bytes: good - snapshot_bytes,
        snapshot_bytes,
        lock,
    })
}

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
    use crate::adapters::paper_exchange::engine::AccountId;
    use rust_decimal::Decimal;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn event(amount: i64) -> Vec<Event> {
        let asset = crate::adapters::paper_exchange::engine::Asset::new("USDT");
        vec![Event::Deposited { account: AccountId(1), asset, amount: Decimal::from(amount), at: NOW.0 }]
    }

    fn open(path: &Path) -> Result<OpenedLog, StateLogError> {
        OpenedLog::open(path, 7, NOW)
    }

    async fn write(path: &Path, from: u64, to: u64) {
        let writer = StateWriter::start(open(path).unwrap(), LINES_MAX_BYTES).unwrap();
        for number in from..=to {
            writer.append(number, NOW.plus_ms(number as i64), event(number as i64));
        }
        writer.durability().written(to).await.unwrap();
        writer.close();
    }

    #[tokio::test]
    async fn what_was_written_is_read_again_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        write(&path, 1, 3).await;
        write(&path, 4, 5).await;
        let log = OpenedLog::open(&path, 99, NOW.plus_ms(50)).unwrap();
        assert_eq!((log.seed, log.origin, log.market_at, log.number, log.cut), (7, NOW, NOW.plus_ms(5), 5, 0));
        let expected: Vec<Batch> = (1..=5).map(|amount| Batch::new(event(amount))).collect();
        assert_eq!(log.batches, expected);
    }

    #[tokio::test]
    async fn a_torn_last_line_is_cut_off_wherever_it_tore_and_the_log_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        write(&path, 1, 3).await;
        let whole = std::fs::read(&path).unwrap();
        let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        for end in last..whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            let log = open(&path).unwrap();
            assert_eq!((log.number, log.cut), (2, (end - last) as u64), "torn after {end} bytes");
            drop(log);
            assert_eq!(std::fs::read(&path).unwrap(), whole[..last]);
        }
        write(&path, 3, 4).await;
        assert_eq!(open(&path).unwrap().number, 4);
    }

    #[tokio::test]
    async fn damage_in_the_middle_a_gap_and_a_second_exchange_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        write(&path, 1, 3).await;
        let text = std::fs::read_to_string(&path).unwrap();
        let refused = |text: String| {
            std::fs::write(&path, text).unwrap();
            open(&path).map(drop).unwrap_err().to_string()
        };
        assert!(refused(text.replace("{\"n\":2", "{\"n\":x")).ends_with("line 3: it cannot be read"));
        assert!(refused(text.replace("{\"n\":2", "{\"n\":5")).ends_with("line 3: number 5 follows 1"));
        assert!(refused(text.replace("{\"state\":1", "{\"state\":2")).contains("version 2"));
        std::fs::write(&path, &text).unwrap();
        let held = open(&path).unwrap();
        assert!(matches!(open(&path), Err(StateLogError::InUse(_))));
        drop(held);
        assert_eq!(open(&path).unwrap().number, 3);
    }

    #[tokio::test]
    async fn everyone_who_waits_learns_that_the_disk_failed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let mut log = open(&path).unwrap();
        // A file that is open for reading only stands in for a disk that refuses.
        log.file = File::open(&path).unwrap();
        let writer = StateWriter::start(log, LINES_MAX_BYTES).unwrap();
        writer.append(1, NOW, event(1));
        assert_eq!(writer.durability().written(1).await, Err(LogBroken));
        writer.append(2, NOW, event(2));
        assert_eq!(writer.durability().written(2).await, Err(LogBroken));
    }
}
