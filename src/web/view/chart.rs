//! Charts: the interactive one, whose data is also a table, and the small price line drawn on the server.

use askama::Template;
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::{Sign, Signed, When};

/// One line of a chart.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// The hue, 1 to 6; 0 is the grey of a benchmark.
    pub hue: u8,
    /// Whether it is dashed (a benchmark).
    pub dashed: bool,
    /// Change over the period, for the legend.
    pub change: Signed,
    /// One plain decimal a time, empty where there is none; joined with commas by [`Series::joined`].
    pub values: Vec<String>,
}

impl Series {
    /// The values as one attribute.
    pub fn joined(&self) -> String {
        self.values.join(",")
    }
}

/// One row of a chart's table.
#[derive(Clone, Debug)]
pub struct ChartRow {
    /// The time.
    pub at: String,
    /// One formatted value a series.
    pub cells: Vec<String>,
}

/// An interactive line chart; the same data stands below it as a table.
#[derive(Clone, Debug, Template)]
#[template(path = "component/chart.html")]
pub struct Chart {
    /// The element's id, unique on the page.
    pub id: String,
    /// What is drawn, for screen readers and the table's caption.
    pub title: String,
    /// The unit of the values, for example `USDT` or `%`.
    pub unit: String,
    /// Times in epoch seconds, ascending, at most a few hundred.
    pub times: Vec<i64>,
    /// The lines.
    pub series: Vec<Series>,
    /// The table, newest first; may be coarser than the lines.
    pub rows: Vec<ChartRow>,
}

impl Chart {
    /// The times as one attribute.
    pub fn times_joined(&self) -> String {
        self.times.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

/// Width of the price line's drawing in its own units.
const LINE_W: i64 = 400;
/// Height of the band between the highest and the lowest mark.
const LINE_H: i64 = 96;
/// Space above and below the band, for labels.
const LINE_PAD: i64 = 18;

/// The price of the last day with marks for quote, stop and target.
#[derive(Clone, Debug, Template)]
#[template(path = "component/price_line.html")]
pub struct PriceLine {
    /// Says in words what the line shows.
    pub label: String,
    /// `x,y` pairs of the line.
    pub points: String,
    /// Where the quote stands, if it is within the day.
    pub quote: Option<(String, String)>,
    /// Height and label of the stop.
    pub stop: Option<(String, String)>,
    /// Height and label of the target.
    pub target: Option<(String, String)>,
    /// Whether prices are simulated, which is then said beside the title.
    pub simulated: bool,
    /// Age of the last price, for the note under the line.
    pub at: Option<When>,
}

impl PriceLine {
    /// Draws closes (oldest first). `quote` is an index into them with its price; stop and target come with their labels.
    /// Returns nothing when there are fewer than two closes.
    pub fn draw(
        closes: &[Decimal],
        quote: Option<(usize, Decimal)>,
        stop: Option<(Decimal, String)>,
        target: Option<(Decimal, String)>,
        label: impl Into<String>,
        simulated: bool,
    ) -> Option<Self> {
        if closes.len() < 2 {
            return None;
        }
        let marks = quote.iter().map(|q| q.1).chain(stop.iter().map(|s| s.0)).chain(target.iter().map(|t| t.0));
        let all: Vec<Decimal> = closes.iter().copied().chain(marks).collect();
        let low = all.iter().min().copied()?;
        let high = all.iter().max().copied()?;
        let y = |price: Decimal| -> String {
            let share = if high > low { (high - price) / (high - low) } else { Decimal::new(5, 1) };
            (share * Decimal::from(LINE_H) + Decimal::from(LINE_PAD)).round_dp(1).to_string()
        };
        let last = i64::try_from(closes.len() - 1).ok()?;
        let x = |index: usize| -> String {
            let index = index.to_i64().unwrap_or(last).min(last);
            (Decimal::from(index * LINE_W) / Decimal::from(last)).round_dp(1).to_string()
        };
        let points =
            closes.iter().enumerate().map(|(i, c)| format!("{},{}", x(i), y(*c))).collect::<Vec<_>>().join(" ");
        Some(Self {
            label: label.into(),
            points,
            quote: quote.map(|(i, p)| (x(i), y(p))),
            stop: stop.map(|(p, l)| (y(p), l)),
            target: target.map(|(p, l)| (y(p), l)),
            simulated,
            at: None,
        })
    }
}

/// A figure with a heading and a note, one cell of a term sheet or of a summary strip.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is.
    pub label: String,
    /// The value with its unit.
    pub value: String,
    /// Its direction if it is money gained or lost, otherwise [`Sign::Flat`].
    pub sign: Sign,
    /// A note below, may be empty.
    pub note: String,
    /// The note's direction if it is a change.
    pub note_sign: Sign,
}

impl Figure {
    /// A plain figure.
    pub fn new(label: impl Into<String>, value: impl Into<String>, note: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), sign: Sign::Flat, note: note.into(), note_sign: Sign::Flat }
    }

    /// A figure that is itself a gain or loss.
    pub fn money(label: impl Into<String>, value: Signed, note: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.text, sign: value.sign, note: note.into(), note_sign: Sign::Flat }
    }

    /// A plain figure whose note is a change.
    pub fn with_change(label: impl Into<String>, value: impl Into<String>, note: Signed) -> Self {
        Self { label: label.into(), value: value.into(), sign: Sign::Flat, note: note.text, note_sign: note.sign }
    }
}

components!(Chart, PriceLine);
