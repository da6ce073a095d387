//! What the exchange confirmed survives its end: every command's events are one line of a file, on the disk before the
//! answer goes out.
//!
//! ```text
//! {"state":1,"seed":1,"origin":...,"m":...,"n":0,"snapshot":null}      what came before; written anew when the rest is long
//! {"n":1,"m":...,"v":1,"e":[...]}                                      one command
//! {"n":2,"m":...,"v":1,"e":[...]}
//! ```
//! `n` counts the commands without a gap and `m` is the market's time. The last line may be torn by the end of the process;
//! nobody was told about it, so it is cut off at the next start. Any other unreadable line means that the file was damaged,
//! and the exchange does not start. [`super::state_writer`] writes it.

use super::engine::{Batch, Event, Snapshot};
use crate::domain::time::Timestamp;
use crate::observe;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The version of this file's shape.
const STATE_VERSION: u32 = 1;
/// The largest file that is read.
const FILE_MAX_BYTES: u64 = 4 << 30;

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
pub(super) struct Line {
    pub n: u64,
    pub m: Timestamp,
    pub v: u32,
    pub e: Vec<Event>,
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
    pub(super) place: Place,
    pub(super) file: File,
    pub(super) line_bytes: u64,
    pub(super) snapshot_bytes: u64,
    /// Held as long as the file is in use.
    pub(super) lock: File,
}

/// Where the file is, and what its first line says of the market.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: PathBuf,
    seed: u64,
    origin: Timestamp,
}

impl Place {
    pub fn failed(&self, attempt: &'static str) -> impl Fn(std::io::Error) -> StateLogError + use<> {
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
pub(super) fn begin_file(
    place: &Place,
    m: Timestamp,
    n: u64,
    snapshot: Option<Snapshot>,
) -> Result<(File, u64), StateLogError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::paper_exchange::engine::AccountId;
    use crate::adapters::paper_exchange::state_writer::{LINES_MAX_BYTES, StateWriter};
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
}
