//! Reads one file of Binance kline rows, plain or gzip, and names the file, the line and the rule when a row breaks one.

use super::series::{Series, consistent};
use crate::domain::market::{Candle, CandleInterval};
use crate::domain::money::{NumberError, Price, Quantity, parse_plain};
use crate::domain::time::Timestamp;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The most rows in one file: five-minute candles of nine years.
pub const ROWS_MAX: usize = 1_000_000;
/// The longest row, in bytes.
pub const LINE_MAX: usize = 1_024;
/// The most bytes read from one file, after unpacking.
pub const BYTES_MAX: u64 = 256 * 1_024 * 1_024;
/// Columns that are read: open_time, open, high, low, close, volume.
const COLUMNS_MIN: usize = 6;
/// Columns of a full kline row.
const COLUMNS_MAX: usize = 12;
/// 2009-01-01 and 2100-01-01 in milliseconds: an open time outside is in some other unit.
const OPEN_TIME_MS: std::ops::Range<i64> = 1_230_768_000_000..4_102_444_800_000;

/// Why a file of candles is not one. Each names the file.
#[derive(Debug, thiserror::Error)]
pub enum KlineFileError {
    /// The file could not be read or unpacked.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// File name.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A row breaks a rule.
    #[error("{file}, line {line}: {rule}")]
    Row {
        /// File name.
        file: String,
        /// Line number, from 1.
        line: usize,
        /// The rule, without the value.
        rule: String,
    },
    /// The file as a whole breaks a rule.
    #[error("{file}: {rule}")]
    File {
        /// File name.
        file: String,
        /// The rule.
        rule: String,
    },
}

/// Reads a whole file.
///
/// # Errors
/// The first rule that is broken, with file and line.
pub(super) fn read(path: &Path, name: &str) -> Result<Series, KlineFileError> {
    let failed = |source| KlineFileError::Read { file: name.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if name.ends_with(".gz") {
        parse(BufReader::new(flate2::read::MultiGzDecoder::new(file).take(BYTES_MAX)), name)
    } else {
        parse(BufReader::new(file.take(BYTES_MAX)), name)
    }
}

fn parse(mut reader: impl BufRead, name: &str) -> Result<Series, KlineFileError> {
    let row_error = |line: usize, rule: String| KlineFileError::Row { file: name.to_owned(), line, rule };
    let mut candles: Vec<Candle> = Vec::new();
    let mut lines: Vec<u32> = Vec::new();
    let mut buffer = Vec::with_capacity(LINE_MAX);
    let (mut line, mut blank, mut bytes) = (0_usize, None, 0_u64);
    loop {
        buffer.clear();
        let limit = LINE_MAX as u64 + 1;
        let read = reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut buffer)
            .map_err(|source| KlineFileError::Read { file: name.to_owned(), source })?;
        if read == 0 {
            break;
        }
        line += 1;
        bytes += read as u64;
        if buffer.len() > LINE_MAX {
            return Err(row_error(line, format!("the row is longer than {LINE_MAX} bytes")));
        }
        let text = std::str::from_utf8(&buffer).map_err(|_| row_error(line, "the row is not text".to_owned()))?;
        let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            blank = blank.or(Some(line));
            continue;
        }
        if let Some(blank) = blank {
            return Err(row_error(blank, "an empty row stands between rows".to_owned()));
        }
        if line == 1 && is_header(text) {
            continue;
        }
        if candles.len() == ROWS_MAX {
            return Err(row_error(line, format!("a file holds at most {ROWS_MAX} rows")));
        }
        let candle = parse_row(text).map_err(|rule| row_error(line, rule))?;
        if let Some(previous) = candles.last() {
            follows(previous, &candle).map_err(|rule| row_error(line, rule))?;
        }
        candles.push(candle);
        lines.push(u32::try_from(line).unwrap_or(u32::MAX));
    }
    if bytes >= BYTES_MAX {
        let rule = format!("a file holds at most {BYTES_MAX} bytes unpacked");
        return Err(KlineFileError::File { file: name.to_owned(), rule });
    }
    finish(candles, &lines, name)
}

/// Finds the interval in the data and checks that every row keeps it.
fn finish(candles: Vec<Candle>, lines: &[u32], name: &str) -> Result<Series, KlineFileError> {
    let file_error = |rule: &str| KlineFileError::File { file: name.to_owned(), rule: rule.to_owned() };
    let row_error = |index: usize, rule: String| {
        let line = lines.get(index).map_or(0, |line| *line as usize);
        KlineFileError::Row { file: name.to_owned(), line, rule }
    };
    let spacing = candles.windows(2).map(|pair| pair[1].open_time.since(pair[0].open_time)).min();
    let spacing = spacing.ok_or_else(|| file_error("needs at least two rows"))?;
    let interval = [CandleInterval::FiveMinutes, CandleInterval::OneHour].into_iter().find(|i| i.ms() == spacing);
    let Some(interval) = interval else {
        let found = spacing / 1_000;
        return Err(file_error(&format!("its candles are {found} s apart; only 5m and 1h candles are replayed")));
    };
    for (index, candle) in candles.iter().enumerate() {
        if candle.open_time.floor_to(spacing) != candle.open_time {
            return Err(row_error(index, format!("open_time is not on a multiple of {}", interval.as_str())));
        }
        if index > 0 && candle.open_time.since(candles[index - 1].open_time) != spacing {
            let missing = candle.open_time.since(candles[index - 1].open_time) / spacing - 1;
            return Err(row_error(index, format!("a gap: {missing} candles are missing before this row")));
        }
    }
    Series::new(interval, candles).ok_or_else(|| file_error("needs at least two rows"))
}

fn is_header(text: &str) -> bool {
    text.split(',').next().is_some_and(|first| first.bytes().any(|b| b.is_ascii_alphabetic()))
}

fn follows(previous: &Candle, candle: &Candle) -> Result<(), String> {
    match candle.open_time.cmp(&previous.open_time) {
        std::cmp::Ordering::Greater => Ok(()),
        std::cmp::Ordering::Equal => Err("a duplicate: open_time is the same as in the row before".to_owned()),
        std::cmp::Ordering::Less => Err("out of order: open_time is before the row above".to_owned()),
    }
}

fn parse_row(text: &str) -> Result<Candle, String> {
    let mut columns = [""; COLUMNS_MAX];
    let mut count = 0;
    for column in text.split(',') {
        if count == COLUMNS_MAX {
            return Err(format!("a row has at most {COLUMNS_MAX} columns"));
        }
        columns[count] = column;
        count += 1;
    }
    if count < COLUMNS_MIN {
        return Err(format!("a row has at least {COLUMNS_MIN} columns: open_time,open,high,low,close,volume"));
    }
    let price = |column: usize, name: &str| Price::parse(columns[column]).map_err(|error| format!("{name} {error}"));
    let candle = Candle {
        open_time: parse_open_time(columns[0])?,
        open: price(1, "open")?,
        high: price(2, "high")?,
        low: price(3, "low")?,
        close: price(4, "close")?,
        volume: parse_plain(columns[5])
            .and_then(|value| Quantity::new(value).ok_or(NumberError::TooLarge))
            .map_err(|error| format!("volume {error}"))?,
    };
    consistent(&candle)?;
    Ok(candle)
}

/// Milliseconds, or microseconds as in newer files.
fn parse_open_time(text: &str) -> Result<Timestamp, String> {
    let digits = !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
    let value: i64 = digits.then(|| text.parse().ok()).flatten().ok_or("open_time must be a whole number")?;
    if OPEN_TIME_MS.contains(&value) {
        Ok(Timestamp(value))
    } else if value % 1_000 == 0 && OPEN_TIME_MS.contains(&(value / 1_000)) {
        Ok(Timestamp(value / 1_000))
    } else {
        Err("open_time must be UTC milliseconds or microseconds between 2009 and 2100".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const START: i64 = 1_700_000_000_000 / HOUR * HOUR;

    fn row(open_time: i64) -> String {
        format!("{open_time},10,12,9,11,5.5")
    }

    fn rows(times: &[i64]) -> String {
        times.iter().map(|time| row(*time) + "\n").collect()
    }

    fn read_text(text: &str) -> Result<Series, String> {
        parse(text.as_bytes(), "BTCUSDT.csv").map_err(|error| error.to_string())
    }

    #[test]
    fn header_line_ends_and_microseconds_make_no_difference() {
        let plain = read_text(&rows(&[START, START + HOUR])).expect("good");
        let micro =
            format!("\u{feff}open_time,open\r\n{}\r\n{}\r\n\r\n", row(START * 1_000), row((START + HOUR) * 1_000));
        let micro = read_text(&micro).expect("good");
        assert_eq!(plain.candles(), micro.candles());
        assert_eq!(plain.interval(), CandleInterval::OneHour);
    }

    #[test]
    fn each_broken_row_is_named_by_file_line_and_rule() {
        let good = rows(&[START, START + HOUR]);
        for (bad, expected) in [
            (row(START + HOUR), "a duplicate"),
            (row(START), "out of order"),
            (row(START + 4 * HOUR), "a gap: 2 candles are missing"),
            (row(START / 1_000), "open_time must be UTC milliseconds"),
            ("x,10,12,9,11,5".to_owned(), "open_time must be a whole number"),
            (format!("{},10,12,9,11", START + 2 * HOUR), "at least 6 columns"),
            (format!("{},10,12,9,11,1,1,1,1,1,1,1,1", START + 2 * HOUR), "at most 12 columns"),
            (format!("{},0,12,9,11,1", START + 2 * HOUR), "open must be greater than zero"),
            (format!("{},1e1,12,9,11,1", START + 2 * HOUR), "open must be a plain decimal"),
            (format!("{},10,12,9,11,-1", START + 2 * HOUR), "volume must not be negative"),
            (format!("{},10,12,9,NaN,1", START + 2 * HOUR), "close must be a plain decimal"),
            (format!("{},10,10.5,9,11,1", START + 2 * HOUR), "high must not be below"),
            (format!("{},10,12,10.5,11,1", START + 2 * HOUR), "low must not be above"),
            ("x".repeat(5_000), "longer than 1024 bytes"),
        ] {
            let error = read_text(&format!("{good}{bad}\n")).expect_err(expected);
            assert!(error.starts_with("BTCUSDT.csv, line 3: "), "{error}");
            assert!(error.contains(expected), "{error}");
        }
        let error = read_text(&format!("{}\n\n{}\n", row(START), row(START + HOUR))).expect_err("blank");
        assert_eq!(error, "BTCUSDT.csv, line 2: an empty row stands between rows");
    }

    #[test]
    fn other_intervals_and_single_rows_are_refused_by_name() {
        let error = read_text(&rows(&[START, START + 60_000])).expect_err("one minute");
        assert_eq!(error, "BTCUSDT.csv: its candles are 60 s apart; only 5m and 1h candles are replayed");
        assert_eq!(read_text(&row(START)).expect_err("one"), "BTCUSDT.csv: needs at least two rows");
        assert_eq!(read_text("").expect_err("none"), "BTCUSDT.csv: needs at least two rows");
        let off = read_text(&rows(&[START + 1, START + 1 + HOUR])).expect_err("off the grid");
        assert!(off.contains("line 1: open_time is not on a multiple of 1h"), "{off}");
    }
}
