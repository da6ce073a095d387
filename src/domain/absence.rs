//! When "no such order" may be believed.
//!
//! One such answer proves nothing: a request may still be on its way, and an exchange may show an order late. Absence is
//! proven when the request can no longer land, the exchange has said so several times with time between, the last time
//! after that moment, and none of its lists shows the order. Errors are no evidence either way.
//!
//! ```text
//! sent ---- receive window ---- the API gives up ---- margin ---- | an answer from here on counts as the last one
//! ```

use crate::domain::time::{MINUTE_MS, SECOND_MS, Timestamp};
use crate::word_enum;

/// An exchange refuses a request that arrives later than this after its stamp.
pub const RECEIVE_WINDOW_MS: i64 = 5 * SECOND_MS;
/// An accepted request is worked on for so long at most: then the API itself gives up.
pub const API_GIVES_UP_MS: i64 = 10 * SECOND_MS;
/// For clocks that differ a little, and for lists that lag.
pub const MARGIN_MS: i64 = 5 * SECOND_MS;
/// After this the request can no longer become an order.
pub const CANNOT_LAND_AFTER_MS: i64 = RECEIVE_WINDOW_MS + API_GIVES_UP_MS + MARGIN_MS;
/// So many answers are needed.
pub const ANSWERS_MIN: u32 = 3;
/// Answers closer together than this are one.
pub const ANSWERS_SPACED_MS: i64 = 2 * SECOND_MS;
/// Lists are asked from this long before the order was sent.
pub const LISTS_LOOK_BACK_MS: i64 = 5 * SECOND_MS;
/// The first probes, counted from the moment at which the reply was given up.
pub const FIRST_PROBES_MS: [i64; 6] = [500, SECOND_MS, 2 * SECOND_MS, 4 * SECOND_MS, 8 * SECOND_MS, 15 * SECOND_MS];
/// Then this often,
pub const OFTEN_EVERY_MS: i64 = 15 * SECOND_MS;
/// for so long,
pub const OFTEN_FOR_MS: i64 = 5 * MINUTE_MS;
/// and from then on this often.
pub const SELDOM_EVERY_MS: i64 = MINUTE_MS;
/// Lines of one order's evidence: the same answer again only counts up, so that more means an exchange that keeps
/// changing its words.
pub const PROBE_LINES_MAX: usize = 24;

word_enum! {
    /// What a probe brought.
    ProbeAnswer {
        /// The exchange knows the order.
        Found = "found",
        /// "No such order."
        NotFound = "not_found",
        /// Neither open orders nor all orders nor trades show it.
        NotListed = "not_listed",
        /// The lists hold something that may be it, or were too long to read to the end.
        Unsure = "unsure",
        /// No usable answer.
        NoAnswer = "no_answer",
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// What it was.
    pub answer: ProbeAnswer,
    /// In words, as far as they matter.
    pub detail: String,
    /// Wall-clock time.
    pub at: Timestamp,
    /// The exchange's time; `None` where it is not known.
    pub venue_at: Option<Timestamp>,
}

/// Equal answers in a row, as one line of the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What they were.
    pub answer: ProbeAnswer,
    /// In words.
    pub detail: String,
    /// How many.
    pub count: u32,
    /// How many of them with time between.
    pub spaced: u32,
    /// Wall-clock time of the last one that counts as spaced.
    pub spaced_at: Timestamp,
    /// Wall-clock time of the first.
    pub first_at: Timestamp,
    /// Wall-clock time of the last.
    pub last_at: Timestamp,
    /// The exchange's time of the last.
    pub venue_at: Option<Timestamp>,
}

/// What is still missing before absence is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The request may land until then (wall-clock time); answers before it do not count as the last one.
    pub may_land_until: Timestamp,
    /// Whether that moment is still to come for the last answer there is.
    pub last_answer: bool,
    /// Answers that are still needed.
    pub answers: u32,
    /// Whether the lists have to be read (again).
    pub lists: bool,
}

/// What the evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It never reached the exchange, and cannot any more.
    Absent,
    /// Not proven.
    Open(Missing),
}

/// When an order is to be asked about next. A probe that was due while nobody could ask is due at once, and only once.
pub fn next_probe(lost_at: Timestamp, last: Option<Timestamp>) -> Timestamp {
    let Some(last) = last else { return lost_at.plus_ms(FIRST_PROBES_MS[0]) };
    let gone = last.since(lost_at);
    if let Some(next) = FIRST_PROBES_MS.into_iter().find(|after| *after > gone) {
        return lost_at.plus_ms(next);
    }
    last.plus_ms(if gone < OFTEN_FOR_MS { OFTEN_EVERY_MS } else { SELDOM_EVERY_MS })
}

/// The time of the last probe.
pub fn last_probe(probes: &[Probe]) -> Option<Timestamp> {
    probes.iter().map(|probe| probe.last_at).max()
}

/// Adds an answer to the evidence and returns the line that changed: its place and what it says now.
pub fn note(probes: &mut Vec<Probe>, look: Look) -> (usize, Probe) {
    let counted = probes.iter().filter(|probe| probe.answer == look.answer).map(|probe| probe.spaced_at).max();
    let is_spaced = counted.is_none_or(|last| look.at.since(last) >= ANSWERS_SPACED_MS);
    let same = |probe: &Probe| probe.answer == look.answer && probe.detail == look.detail;
    let place = match probes.last() {
        Some(last) if same(last) => Some(probes.len() - 1),
        _ if probes.len() >= PROBE_LINES_MAX => probes.iter().rposition(|probe| probe.answer == look.answer),
        _ => None,
    };
    match place.and_then(|place| probes.get_mut(place).map(|probe| (place, probe))) {
        Some((place, probe)) => {
            probe.count = probe.count.saturating_add(1);
            probe.last_at = look.at;
            probe.venue_at = look.venue_at;
            if is_spaced {
                probe.spaced = probe.spaced.saturating_add(1);
                probe.spaced_at = look.at;
            }
            (place, probe.clone())
        }
        None => {
            let probe = Probe {
                answer: look.answer,
                detail: look.detail,
                count: 1,
                spaced: u32::from(is_spaced),
                spaced_at: if is_spaced { look.at } else { counted.unwrap_or(look.at) },
                first_at: look.at,
                last_at: look.at,
                venue_at: look.venue_at,
            };
            probes.push(probe.clone());
            (probes.len() - 1, probe)
        }
    }
}

/// Judges the evidence about an order that was sent at `sent_at` (wall-clock time).
pub fn verdict(sent_at: Timestamp, probes: &[Probe]) -> Verdict {
    let may_land_until = sent_at.plus_ms(CANNOT_LAND_AFTER_MS);
    // By both clocks: ours tells how long ago it was sent, the exchange's what it would still let in.
    let is_late = |probe: &Probe| {
        probe.last_at >= may_land_until && probe.venue_at.is_some_and(|venue_at| venue_at >= may_land_until)
    };
    let of = |answer: ProbeAnswer| probes.iter().filter(move |probe| probe.answer == answer);
    let spaced: u32 = of(ProbeAnswer::NotFound).map(|probe| probe.spaced).sum();
    // What the exchange has shown once was there, whatever it shows later.
    let was_found = of(ProbeAnswer::Found).next().is_some();
    let unsure_at = of(ProbeAnswer::Unsure).map(|probe| probe.last_at).max();
    let missing = Missing {
        may_land_until,
        last_answer: !of(ProbeAnswer::NotFound).any(is_late),
        answers: ANSWERS_MIN.saturating_sub(spaced),
        lists: was_found
            || !of(ProbeAnswer::NotListed)
                .any(|probe| is_late(probe) && unsure_at.is_none_or(|unsure_at| probe.last_at > unsure_at)),
    };
    if missing.last_answer || missing.answers > 0 || missing.lists { Verdict::Open(missing) } else { Verdict::Absent }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProbeAnswer::{Found, NoAnswer, NotFound, NotListed, Unsure};

    const SENT: Timestamp = Timestamp(1_000_000);

    fn evidence(looks: &[(ProbeAnswer, i64)]) -> Vec<Probe> {
        let mut probes = Vec::new();
        for (answer, after) in looks {
            let at = SENT.plus_ms(*after);
            note(&mut probes, Look { answer: *answer, detail: String::new(), at, venue_at: Some(at) });
        }
        probes
    }

    #[test]
    fn absence_needs_time_several_spaced_answers_and_empty_lists() {
        let late = CANNOT_LAND_AFTER_MS;
        for (looks, proven, why) in [
            (vec![], false, "nothing was asked"),
            (vec![(NotFound, 500)], false, "once is not believed"),
            (vec![(NotFound, late), (NotListed, late)], false, "once, however late, is not believed"),
            (vec![(NotFound, 500), (NotFound, 5_000), (NotFound, late), (NotListed, late)], true, "all there is"),
            (vec![(NotFound, 500), (NotFound, 5_000), (NotFound, late - 1), (NotListed, late)], false, "too early"),
            (vec![(NotFound, 500), (NotFound, 5_000), (NotFound, late)], false, "the lists were not read"),
            (vec![(NotFound, 500), (NotFound, 5_000), (NotFound, late), (NotListed, 9_000)], false, "read too early"),
            (vec![(NotFound, late), (NotFound, late + 1), (NotFound, late + 2), (NotListed, late)], false, "no space"),
            (
                vec![(NotFound, 1), (NoAnswer, 5_000), (NoAnswer, 9_000), (NotFound, late), (NotListed, late)],
                false,
                "errors are no evidence",
            ),
            (
                vec![(NotFound, 500), (NotFound, 5_000), (NotFound, late), (NotListed, late), (Unsure, late + 1)],
                false,
                "the lists hold something",
            ),
            (
                vec![(NotFound, 500), (NotFound, 5_000), (NotFound, late), (Unsure, late), (NotListed, late + 1)],
                true,
                "read again",
            ),
            (
                vec![(Found, 1), (NotFound, 500), (NotFound, 5_000), (NotFound, late), (NotListed, late)],
                false,
                "it was there",
            ),
        ] {
            assert_eq!(verdict(SENT, &evidence(&looks)) == Verdict::Absent, proven, "{why}: {looks:?}");
        }
    }

    #[test]
    fn the_exchanges_own_clock_must_have_passed_the_moment_too() {
        let mut probes = evidence(&[(NotFound, 500), (NotFound, 5_000), (NotFound, 30_000), (NotListed, 30_000)]);
        assert_eq!(verdict(SENT, &probes), Verdict::Absent);
        for probe in &mut probes {
            probe.venue_at = Some(SENT.plus_ms(CANNOT_LAND_AFTER_MS - 1));
        }
        assert!(matches!(verdict(SENT, &probes), Verdict::Open(_)));
        for probe in &mut probes {
            probe.venue_at = None;
        }
        assert!(matches!(verdict(SENT, &probes), Verdict::Open(_)), "an unknown clock proves nothing");
    }

    #[test]
    fn what_is_missing_is_told() {
        let Verdict::Open(missing) = verdict(SENT, &evidence(&[(NotFound, 500), (NotFound, 1_000)])) else {
            panic!("nothing is proven yet")
        };
        assert_eq!(missing.answers, 2, "two answers half a second apart are one");
        assert!(missing.last_answer && missing.lists);
        assert_eq!(missing.may_land_until, SENT.plus_ms(20_000));
    }

    #[test]
    fn probes_come_quickly_first_and_then_seldom() {
        let mut at = SENT;
        let mut last = None;
        let mut gaps = Vec::new();
        while at.since(SENT) < OFTEN_FOR_MS + 3 * SELDOM_EVERY_MS {
            at = next_probe(SENT, last);
            gaps.push(at.since(last.unwrap_or(SENT)));
            last = Some(at);
        }
        assert_eq!(gaps[..8], [500, 500, 1_000, 2_000, 4_000, 7_000, 15_000, 15_000]);
        assert_eq!(gaps.last(), Some(&SELDOM_EVERY_MS));
        // After an hour in which nobody could ask, it is due once, not many times.
        let after = next_probe(SENT, Some(SENT.plus_ms(3_600_000)));
        assert_eq!(after, SENT.plus_ms(3_600_000 + SELDOM_EVERY_MS));
    }

    #[test]
    fn equal_answers_fold_and_the_evidence_stays_short() {
        let mut probes = evidence(&[(NotFound, 0), (NotFound, 500), (NotFound, 2_500), (NoAnswer, 3_000)]);
        assert_eq!(probes.iter().map(|probe| (probe.count, probe.spaced)).collect::<Vec<_>>(), [(3, 2), (1, 1)]);
        for turn in 0..1_000 {
            let answer = if turn % 2 == 0 { NotFound } else { NoAnswer };
            let at = SENT.plus_ms(10_000 + turn * 60_000);
            note(&mut probes, Look { answer, detail: format!("words {turn}"), at, venue_at: Some(at) });
        }
        assert_eq!(probes.len(), PROBE_LINES_MAX);
        assert_eq!(probes.iter().map(|probe| probe.count).sum::<u32>(), 1_004, "every answer is counted");
    }
}
