//! `records`: the records of cycles, replayed or written out. Both work beside a running server and change nothing.

use super::CliError;
use super::args::{ExportRecordsArgs, ReplayRecordsArgs, StoreArgs};
use crate::app::House;
use crate::domain::ids::TraderId;
use crate::ports::store::BundleFilter;
use crate::services::records::{ExportError, ExportTally, Finding, Records};
use crate::settings::StoreSettings;
use crate::telemetry;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Only what is wrong: these commands print their result themselves.
const QUIET: &str = "error";
/// The name that stands for standard output.
const STDOUT: &str = "-";

/// `records replay`
///
/// # Errors
/// When the database fails, or something would be decided otherwise, or a record is damaged.
pub async fn replay(args: ReplayRecordsArgs) -> Result<(), CliError> {
    let house = open(args.store).await?;
    let mut tell = |cycle, finding| match finding {
        Finding::Differs(found) => {
            println!("cycle {cycle}, {} {}: recorded {}; now {}", found.coin, found.what, found.recorded, found.now);
        }
        Finding::Damaged(error) => println!("cycle {cycle}: {error}"),
    };
    let outcome = house.records().replay_all(&mut tell).await;
    house.close().await;
    let tally = outcome?;
    let damaged = if tally.damaged > 0 { format!(", {} damaged", tally.damaged) } else { String::new() };
    println!(
        "{} replayed, {} identical, {} differ, {} without an answer{damaged}",
        tally.all(),
        tally.identical,
        tally.differing,
        tally.unanswered
    );
    if tally.is_clean() {
        return Ok(());
    }
    Err(CliError::Records("from some records other decisions follow than were made, or they are damaged".to_owned()))
}

/// `records export`
///
/// # Errors
/// When the file is there already or cannot be written, the database fails, or a record is damaged.
pub async fn export(args: ExportRecordsArgs) -> Result<(), CliError> {
    let filter = BundleFilter { trader: args.model.map(TraderId), since: args.since, before: args.before };
    let house = open(args.store).await?;
    let outcome = write_out(&house.records(), filter, &args.out).await;
    house.close().await;
    let tally = outcome?;
    let summary = match tally.written {
        1 => "1 record written".to_owned(),
        written => format!("{written} records written"),
    };
    if args.out.as_os_str() == STDOUT {
        eprintln!("{summary}")
    } else {
        println!("{summary}")
    }
    match tally.damaged {
        0 => Ok(()),
        damaged => Err(CliError::Records(format!("{damaged} of the records are damaged and were left out"))),
    }
}

async fn open(args: StoreArgs) -> Result<House, CliError> {
    let settings = StoreSettings::load(args.store, args.config.as_deref())?;
    telemetry::start(settings.log_format, Some(settings.log_filter.as_deref().unwrap_or(QUIET)));
    Ok(House::open(&settings).await?)
}

/// What is half written is taken away again.
async fn write_out(records: &Records, filter: BundleFilter, out: &Path) -> Result<ExportTally, CliError> {
    let mut sink = Sink::open(out)?;
    let outcome = {
        let mut write = |line: &str| sink.line(line);
        let mut tell = |cycle, error| eprintln!("cycle {cycle}: {error}");
        records.export(filter, &mut write, &mut tell).await
    };
    let outcome = match outcome {
        Ok(tally) => sink.finish().map(|()| tally).map_err(ExportError::from),
        Err(error) => Err(error),
    };
    if outcome.is_err()
        && out.as_os_str() != STDOUT
        && let Err(error) = std::fs::remove_file(out)
    {
        eprintln!("{} is incomplete and could not be removed: {error}", out.display());
    }
    Ok(outcome?)
}

/// Where lines go.
enum Sink {
    Plain(BufWriter<Box<dyn Write + Send>>, Option<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl Sink {
    fn open(out: &Path) -> Result<Self, CliError> {
        if out.as_os_str() == STDOUT {
            return Ok(Self::Plain(BufWriter::new(Box::new(std::io::stdout())), None));
        }
        let failed = |source| CliError::Io { attempt: "creating the file failed", source };
        // Records tell what an account holds: nobody else reads them.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(|error| {
            if error.kind() == ErrorKind::AlreadyExists {
                CliError::Usage(format!("{} is there already, and nothing is overwritten", out.display()))
            } else {
                failed(error)
            }
        })?;
        if out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz")) {
            let encoder = GzEncoder::new(BufWriter::new(file), Compression::default());
            return Ok(Self::Gzip(Box::new(encoder)));
        }
        let again = file.try_clone().map_err(failed)?;
        Ok(Self::Plain(BufWriter::new(Box::new(file)), Some(again)))
    }

    fn line(&mut self, line: &str) -> std::io::Result<()> {
        let writer: &mut dyn Write = match self {
            Self::Plain(writer, _) => writer,
            Self::Gzip(writer) => writer,
        };
        writer.write_all(line.as_bytes())?;
        writer.write_all(b"\n")
    }

    /// Everything is on the disk when this returns.
    fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Plain(mut writer, file) => {
                writer.flush()?;
                file.map_or(Ok(()), |file| file.sync_all())
            }
            Self::Gzip(encoder) => {
                let file = encoder.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
                file.sync_all()
            }
        }
    }
}
