//! The contract. A case that a place cannot express stands in [`EXEMPT`] with its reason.

use super::bench::{Place, Stage, Trouble};
use super::journal::{Terms, buy, buy_within, sell};
use countersign::domain::money::{Price, Quantity};
use countersign::domain::order::{Order, OrderEvent, OrderKind};
use countersign::domain::signal::Side;
use countersign::ports::store::JournalError;
use countersign::ports::venue::{CancelOutcome, QueryOutcome, SubmitOutcome, VenueFill, VenueReport, VenueStatus};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

const IN_PROCESS: &str = "it answers by returning from a function: no answer can be lost, late or unreadable";

/// What a place cannot express, and why.
const EXEMPT: &[(Place, &str, &str)] = &[
    (Place::Simulation, "an_answer_that_cannot_be_read_is_ambiguous", IN_PROCESS),
    (Place::Simulation, "a_lost_answer_is_ambiguous_and_asking_finds_the_order", IN_PROCESS),
    (Place::Simulation, "a_server_error_proves_nothing", IN_PROCESS),
    (Place::Simulation, "what_is_proven_not_taken_may_be_tried_again", "it has no limits and no clock of its own"),
    (
        Place::Simulation,
        "what_cannot_be_paid_is_refused_for_good",
        "its account is the model's book, and the risk rules alone watch over that",
    ),
    (
        Place::Recorded,
        "a_lost_answer_is_ambiguous_and_asking_finds_the_order",
        "a recording is of an answer; one that never came cannot be played back",
    ),
];

/// Makes of each case a test at each place, and of all of them a list.
macro_rules! contract {
    ($($case:ident),+ $(,)?) => {
        const CASES: &[&str] = &[$(stringify!($case)),+];

        $(mod $case {
            use super::{Place, play};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn simulation() {
                play(Place::Simulation, stringify!($case), super::$case).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn paper_exchange() {
                play(Place::Paper, stringify!($case), super::$case).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn recorded_answers() {
                play(Place::Recorded, stringify!($case), super::$case).await;
            }
        })+
    };
}

contract!(
    a_purchase_at_the_market_fills_whole_and_tells_its_fees,
    a_sale_at_the_market_fills_whole_and_tells_its_fees,
    a_limit_that_the_market_is_within_fills_no_worse,
    a_limit_that_the_market_is_beyond_expires_with_nothing,
    a_part_that_could_be_had_is_told_and_the_rest_expires,
    too_little_is_refused_for_good,
    what_cannot_be_paid_is_refused_for_good,
    asking_by_its_name_finds_an_order,
    asking_by_the_venues_id_finds_an_order,
    an_order_that_was_never_sent_is_not_there,
    a_name_that_is_taken_is_never_a_second_order,
    what_was_sent_is_never_journaled_for_sending_again,
    every_fill_keeps_its_number,
    what_lies_open_is_cancelled_with_the_part_that_filled,
    what_has_ended_cannot_be_cancelled,
    what_is_not_there_cannot_be_cancelled,
    an_answer_that_cannot_be_read_is_ambiguous,
    a_lost_answer_is_ambiguous_and_asking_finds_the_order,
    a_server_error_proves_nothing,
    what_is_proven_not_taken_may_be_tried_again,
);

async fn play(place: Place, case: &str, story: impl AsyncFnOnce(&Stage)) {
    if let Some((.., why)) = EXEMPT.iter().find(|(exempt, name, _)| (*exempt, *name) == (place, case)) {
        println!("{case} is not for {place:?}: {why}");
        return;
    }
    let stage = Stage::at(place, case).await;
    story(&stage).await;
    stage.bench.end().await;
}

#[test]
fn what_is_exempt_is_a_case_and_every_case_holds_at_two_places_or_more() {
    for (place, name, _) in EXEMPT {
        assert!(CASES.contains(name), "{place:?} is exempt from {name}, which is no case");
    }
    for case in CASES {
        let exempt = EXEMPT.iter().filter(|(_, name, _)| name == case).count();
        let lonely = *case == "a_lost_answer_is_ambiguous_and_asking_finds_the_order";
        assert!(exempt <= if lonely { 2 } else { 1 }, "{case}");
    }
}

#[test]
fn every_recording_is_of_a_case() {
    for name in super::recorded::names() {
        assert!(CASES.contains(&name.as_str()), "{name} is recorded and no case");
    }
}

fn executed(report: &VenueReport) -> Decimal {
    report.fills.iter().map(|fill| fill.quantity).sum::<Quantity>().decimal()
}

fn numbers(report: &VenueReport) -> Vec<i64> {
    report.fills.iter().map(|fill| fill.trade_id).collect()
}

/// The order as its row stands once the venue has named it.
fn named(mut order: Order, report: &VenueReport) -> Order {
    order.apply(OrderEvent::Accept, order.updated_at).unwrap();
    order.venue_order_id = Some(report.venue_order_id);
    order
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// All of it was executed, with the fee that the venue takes.
#[track_caller]
fn is_whole(stage: &Stage, terms: Terms<'_>, report: &VenueReport) {
    assert_eq!(report.status, VenueStatus::Filled);
    assert_eq!(executed(report), dec(terms.quantity));
    let side = terms.purpose.side();
    for fill in &report.fills {
        has_its_fee(stage, side, fill);
    }
}

#[track_caller]
fn has_its_fee(stage: &Stage, side: Side, fill: &VenueFill) {
    let (fee, asset) = stage.bench.fee(side, fill);
    assert_eq!((fill.fee.decimal(), fill.fee_asset.as_str()), (fee, asset), "{fill:?}");
    assert!(fee > Decimal::ZERO);
}

async fn a_purchase_at_the_market_fills_whole_and_tells_its_fees(stage: &Stage) {
    // More than the best level of a book has.
    let (order, report) = stage.accepted(buy("8")).await;
    is_whole(stage, buy("8"), &report);
    let around = [dec("49000"), dec("51000")];
    assert!(report.fills.iter().all(|fill| (around[0]..around[1]).contains(&fill.price.decimal())), "{report:?}");
    assert!(report.fills.iter().all(|fill| !fill.is_maker), "whoever goes to the market takes");
    assert!(report.raw.contains(order.client_order_id.as_str()), "what the venue said is kept: {}", report.raw);
    stage.has_taken(order.client_order_id.as_str(), 1).await;
}

async fn a_sale_at_the_market_fills_whole_and_tells_its_fees(stage: &Stage) {
    let (_, report) = stage.accepted(sell("0.4")).await;
    is_whole(stage, sell("0.4"), &report);
}

async fn a_limit_that_the_market_is_within_fills_no_worse(stage: &Stage) {
    let terms = buy_within("50500", "1");
    let (_, report) = stage.accepted(terms).await;
    is_whole(stage, terms, &report);
    let OrderKind::LimitIoc(limit) = terms.kind else { panic!("a limit") };
    assert!(report.fills.iter().all(|fill| fill.price <= limit), "{report:?}");
}

async fn a_limit_that_the_market_is_beyond_expires_with_nothing(stage: &Stage) {
    let (order, report) = stage.accepted(buy_within("49000", "1")).await;
    assert!(matches!(&report.status, VenueStatus::Expired(why) if !why.is_empty()), "{report:?}");
    assert_eq!(report.fills, []);
    let asked = stage.found(&order).await;
    assert_eq!((asked.venue_order_id, asked.fills.len()), (report.venue_order_id, 0));
    assert!(matches!(asked.status, VenueStatus::Expired(_)), "{asked:?}");
}

async fn a_part_that_could_be_had_is_told_and_the_rest_expires(stage: &Stage) {
    stage.bench.thin().await;
    let (order, report) = stage.accepted(buy_within("50500", "8")).await;
    assert!(matches!(report.status, VenueStatus::Expired(_)), "{report:?}");
    let part = executed(&report);
    assert!(part > Decimal::ZERO && part < dec("8"), "{part}");
    for fill in &report.fills {
        assert!(fill.price <= Price::parse("50500").unwrap());
        has_its_fee(stage, Side::Buy, fill);
    }
    assert_eq!(executed(&stage.found(&order).await), part, "asked later, it is the same part");
}

async fn too_little_is_refused_for_good(stage: &Stage) {
    // The key's first order is tried out beforehand; this is about one that is placed.
    stage.accepted(Terms { decision: 6, ..buy("1") }).await;
    let tiny = stage.journal.submit(buy("0.00002")).await;
    let outcome = stage.submit(&tiny).await;
    assert!(
        matches!(&outcome, SubmitOutcome::Rejected { code, message, .. } if !code.is_empty() && !message.is_empty()),
        "{outcome:?}"
    );
    stage.has_taken(tiny.order().client_order_id.as_str(), 0).await;
    assert!(matches!(stage.query(tiny.order()).await, QueryOutcome::NotFound { .. }));
}

async fn what_cannot_be_paid_is_refused_for_good(stage: &Stage) {
    let huge = stage.journal.submit(buy("800")).await;
    let outcome = stage.submit(&huge).await;
    assert!(matches!(&outcome, SubmitOutcome::Rejected { code, .. } if code == "-2010"), "{outcome:?}");
    stage.has_taken(huge.order().client_order_id.as_str(), 0).await;
}

async fn asking_by_its_name_finds_an_order(stage: &Stage) {
    let (order, report) = stage.accepted(buy("1")).await;
    assert_eq!(order.venue_order_id, None, "its name is all that is known of it");
    let found = stage.found(&order).await;
    assert_eq!((found.venue_order_id, found.status), (report.venue_order_id, report.status));
    assert_eq!(found.fills, report.fills);
}

async fn asking_by_the_venues_id_finds_an_order(stage: &Stage) {
    let (order, report) = stage.accepted(buy("1")).await;
    let found = stage.found(&named(order, &report)).await;
    assert_eq!((found.venue_order_id, found.status), (report.venue_order_id, report.status));
    assert_eq!(found.fills, report.fills);
}

async fn an_order_that_was_never_sent_is_not_there(stage: &Stage) {
    let never = stage.journal.submit(buy("1")).await;
    let is_final = stage.bench.absence_is_final();
    assert_eq!(stage.query(never.order()).await, QueryOutcome::NotFound { is_final });
}

async fn a_name_that_is_taken_is_never_a_second_order(stage: &Stage) {
    let order = stage.journal.submit(buy("8")).await;
    stage.bench.lies_open(&order, stage.context()).await;
    let there = stage.found(order.order()).await;
    let SubmitOutcome::Accepted(again) = stage.submit(&order).await else { panic!("it is ours, and there") };
    assert_eq!((again.venue_order_id, &again.status), (there.venue_order_id, &VenueStatus::Open));
    assert_eq!(again.fills, there.fills, "nothing was executed once more");
    stage.has_taken(order.order().client_order_id.as_str(), 1).await;
}

async fn what_was_sent_is_never_journaled_for_sending_again(stage: &Stage) {
    // A venue forgets the name of what has filled, and would take it as a new order.
    let (order, _) = stage.accepted(buy("1")).await;
    let again = stage.journal.submit_again(order.id).await;
    assert!(matches!(again, Err(JournalError::Illegal(_))), "{again:?}");
    stage.has_taken(order.client_order_id.as_str(), 1).await;
}

async fn every_fill_keeps_its_number(stage: &Stage) {
    let (first, report) = stage.accepted(Terms { decision: 6, ..buy("8") }).await;
    let (second, next) = stage.accepted(buy("8")).await;
    for (order, told) in [(&first, &report), (&second, &next)] {
        for _ in 0..2 {
            assert_eq!(numbers(&stage.found(order).await), numbers(told));
        }
    }
    let all: Vec<i64> = numbers(&report).into_iter().chain(numbers(&next)).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "no two fills share one: {all:?}");
}

async fn what_lies_open_is_cancelled_with_the_part_that_filled(stage: &Stage) {
    let order = stage.journal.submit(buy("8")).await;
    stage.bench.lies_open(&order, stage.context()).await;
    let open = stage.found(order.order()).await;
    assert_eq!(open.status, VenueStatus::Open);
    assert!(executed(&open) > Decimal::ZERO && executed(&open) < dec("8"));
    let CancelOutcome::Canceled(report) = stage.cancel(order.order()).await else { panic!("it lay open") };
    assert!(matches!(report.status, VenueStatus::Canceled(_)), "{report:?}");
    assert_eq!((report.venue_order_id, &report.fills), (open.venue_order_id, &open.fills));
    let asked = stage.found(order.order()).await;
    assert!(matches!(asked.status, VenueStatus::Canceled(_)), "{asked:?}");
}

async fn what_has_ended_cannot_be_cancelled(stage: &Stage) {
    let (order, report) = stage.accepted(buy("1")).await;
    let outcome = stage.cancel(&named(order.clone(), &report)).await;
    assert!(matches!(&outcome, CancelOutcome::Refused { why } if !why.is_empty()), "{outcome:?}");
    let found = stage.found(&order).await;
    assert_eq!((found.status, found.fills), (VenueStatus::Filled, report.fills), "it stays what it was");
}

async fn what_is_not_there_cannot_be_cancelled(stage: &Stage) {
    let never = stage.journal.submit(buy("1")).await;
    let outcome = stage.cancel(never.order()).await;
    assert!(matches!(outcome, CancelOutcome::Refused { .. }), "{outcome:?}");
}

/// An order that meets trouble.
async fn in_trouble(stage: &Stage, trouble: Trouble) -> (Order, SubmitOutcome) {
    stage.bench.troubles(trouble).await;
    let journaled = stage.journal.submit(buy("1")).await;
    let outcome = stage.submit(&journaled).await;
    (journaled.into_order(), outcome)
}

async fn an_answer_that_cannot_be_read_is_ambiguous(stage: &Stage) {
    let (order, outcome) = in_trouble(stage, Trouble::Unreadable).await;
    assert!(matches!(&outcome, SubmitOutcome::Ambiguous { why } if !why.is_empty()), "{outcome:?}");
    assert_eq!(executed(&stage.found(&order).await), dec("1"), "and it was taken");
}

async fn a_lost_answer_is_ambiguous_and_asking_finds_the_order(stage: &Stage) {
    let (order, outcome) = in_trouble(stage, Trouble::Lost).await;
    assert!(matches!(outcome, SubmitOutcome::Ambiguous { .. }), "{outcome:?}");
    is_whole(stage, buy("1"), &stage.found(&order).await);
    stage.has_taken(order.client_order_id.as_str(), 1).await;
}

async fn a_server_error_proves_nothing(stage: &Stage) {
    let (order, outcome) = in_trouble(stage, Trouble::ServerError).await;
    assert!(matches!(outcome, SubmitOutcome::Ambiguous { .. }), "{outcome:?}");
    assert_eq!(executed(&stage.found(&order).await), dec("1"));
}

async fn what_is_proven_not_taken_may_be_tried_again(stage: &Stage) {
    let (order, outcome) = in_trouble(stage, Trouble::ClockOff).await;
    assert!(matches!(outcome, SubmitOutcome::NotAccepted { retry_after_ms: 0, .. }), "{outcome:?}");
    stage.has_taken(order.client_order_id.as_str(), 0).await;
    stage.bench.troubles(Trouble::TooMany).await;
    let limited = stage.journal.submit(Terms { decision: 8, ..buy("1") }).await;
    let outcome = stage.submit(&limited).await;
    assert!(matches!(outcome, SubmitOutcome::NotAccepted { retry_after_ms: 2_000, .. }), "{outcome:?}");
    stage.has_taken(limited.order().client_order_id.as_str(), 0).await;
}
