//! Accounts as cards: display-ready, from what the last run left in the store.

use super::super::lens::Lens;
use super::super::orders::{lens_of, order_title};
use super::super::shell::env_of;
use crate::domain::access::Permission;
use crate::domain::credential::AccountFingerprint;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::reconciliation::{
    AccountState, Amounts, AssetLine, Difference, DifferenceKind, DifferenceStatus, ReconciliationRun, RunOutcome,
    Standing,
};
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::services::desk::Desk;
use crate::services::reconcile::{ConnectedAccount, connected_accounts, may_begin_anew};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::show;
use crate::web::view::{AccountCard, AssetRow, Badge, DifferenceRow, RestingRow, RunRow, Toast, Tone};
use rust_decimal::Decimal;

/// Settled differences shown.
const PAST_MAX: u32 = 50;
/// Runs shown.
const RUNS_MAX: u32 = 20;

/// A reason that was refused, to be shown again in its form.
pub(super) struct Refused {
    pub id: i64,
    pub typed: String,
    pub why: String,
}

pub(super) async fn cards(
    desk: &Desk,
    ctx: &Ctx,
    notice: Option<(&AccountFingerprint, Toast)>,
    refused: Option<&Refused>,
) -> Result<Vec<AccountCard>, AppError> {
    let connected = connected_accounts(desk).await?;
    let known = desk.store.known_accounts().await?;
    let mut names: Vec<AccountFingerprint> = known.iter().map(|known| known.fingerprint.clone()).collect();
    for account in &connected {
        if !names.contains(&account.fingerprint) {
            names.push(account.fingerprint.clone());
        }
    }
    let mut cards = Vec::with_capacity(names.len());
    for name in names {
        let here = connected.iter().find(|account| account.fingerprint == name);
        let standing = desk.store.account_standing(&name, &desk.process).await?;
        let mut card = card(desk, ctx, &name, here, standing, refused).await?;
        card.notice = notice.as_ref().filter(|(account, _)| **account == name).map(|(_, toast)| toast.clone());
        cards.push(card);
    }
    Ok(cards)
}

async fn card(
    desk: &Desk,
    ctx: &Ctx,
    name: &AccountFingerprint,
    connected: Option<&ConnectedAccount>,
    standing: Standing,
    refused: Option<&Refused>,
) -> Result<AccountCard, AppError> {
    let (store, now) = (&desk.store, desk.clock.now());
    let may = ctx.actor.may(Permission::Operate);
    let known = standing.account.as_ref();
    let venue = known.map(|known| known.venue).or(connected.map(|account| account.venue));
    let venue = venue.unwrap_or(VenueKind::Testnet);
    let differences = store.current_differences(name).await?;
    let runs = store.reconciliation_runs(name, RUNS_MAX).await?;
    let traders: Vec<_> = connected.iter().flat_map(|account| account.traders.iter().map(|(id, _)| *id)).collect();
    let mut orders = Vec::new();
    for trader in &traders {
        let open = store.open_orders(Some(*trader)).await?;
        orders.extend(open.into_iter().filter(|order| order.intent.venue == venue));
    }
    let lens = lens_of(desk, &orders).await?;
    let past = store.past_differences(name, PAST_MAX).await?;
    let row = |difference: &Difference| difference_row(difference, may, refused, now.0);
    Ok(AccountCard {
        csrf: ctx.csrf.clone(),
        fingerprint: name.to_string(),
        env: env_of(venue),
        models: traders.iter().map(|id| (id.0, lens.name(*id))).collect(),
        state: state(&standing, &runs),
        sentence: sentence(&standing, &runs, connected, now),
        last: known.map(|known| show::when(known.checked_at.0, now.0)),
        first: known.map(|known| show::when(known.first_contact.0, now.0)),
        notice: None,
        assets: store.account_assets(name).await?.iter().map(asset_row).collect(),
        resting: resting(&orders, &differences, &lens),
        differences: differences.iter().map(row).collect(),
        past: past.iter().map(row).collect(),
        runs: runs.iter().map(|run| run_row(run, now.0)).collect(),
        can_run: may && connected.is_some(),
        can_begin_anew: match known {
            Some(known) if may && connected.is_some() => may_begin_anew(desk, known).await?,
            _ => false,
        },
    })
}

fn state(standing: &Standing, runs: &[ReconciliationRun]) -> Badge {
    let failing = runs.first().is_some_and(|run| run.outcome == RunOutcome::Failed);
    let (text, tone) = match &standing.account {
        None if failing => ("cannot be read", Tone::Bad),
        None => ("not read yet", Tone::Wait),
        Some(known) if known.state == AccountState::Wiped => ("has forgotten us", Tone::Bad),
        Some(_) if standing.open > 0 => ("differs", Tone::Bad),
        Some(_) if failing => ("cannot be read", Tone::Bad),
        Some(_) if !standing.by_this_process => ("not read yet", Tone::Wait),
        Some(_) => ("agrees", Tone::Good),
    };
    Badge { text: text.to_owned(), tone }
}

fn sentence(
    standing: &Standing,
    runs: &[ReconciliationRun],
    connected: Option<&ConnectedAccount>,
    now: Timestamp,
) -> String {
    if connected.is_none() {
        return "No model has keys for it now. It is shown as it stood last.".to_owned();
    }
    let failure = runs.first().filter(|run| run.outcome == RunOutcome::Failed);
    let failure = failure.map_or_else(String::new, |run| format!(" The last run failed: {}.", run.summary));
    match standing.halted(now) {
        Some(why) => format!("Entries are halted: {why}. Exits are not.{failure}"),
        None => format!("Nothing is unexplained; entries may go on.{failure}"),
    }
}

fn asset_row(line: &AssetLine) -> AssetRow {
    let difference = line.difference();
    AssetRow {
        asset: line.asset.to_string(),
        baseline: show::exact(line.baseline),
        ours: signed(line.ours),
        adjusted: signed(line.adjusted),
        expected: show::exact(line.expected()),
        exchange: show::exact(line.exchange),
        difference: show::signed(difference, difference.scale()),
    }
}

/// A change with its sign; nothing for none.
fn signed(amount: Decimal) -> String {
    let shown = show::exact(amount);
    if amount > Decimal::ZERO { format!("+{shown}") } else { shown }
}

fn amounts(amounts: &Amounts) -> String {
    amounts.iter().map(|(asset, amount)| format!("{} {asset}", signed(*amount))).collect::<Vec<_>>().join(", ")
}

fn resting(orders: &[Order], differences: &[Difference], lens: &Lens<'_>) -> Vec<RestingRow> {
    let missing = |order: &Order| {
        differences.iter().any(|difference| {
            difference.finding.kind == DifferenceKind::OrderMissing
                && difference.finding.subject == order.id.to_string()
        })
    };
    let is_resting =
        |status| matches!(status, OrderStatus::Accepted | OrderStatus::PartiallyFilled | OrderStatus::PendingCancel);
    let ours = orders.iter().filter(|order| is_resting(order.status())).map(|order| RestingRow {
        title: order_title(order, lens),
        order_id: Some(order.id.0),
        here: order.status().as_str().replace('_', " "),
        there: if missing(order) { "not known".to_owned() } else { "listed".to_owned() },
    });
    let theirs = differences.iter().filter(|difference| {
        let kinds = [DifferenceKind::ForeignOrder, DifferenceKind::UnknownOrder, DifferenceKind::OrderState];
        kinds.contains(&difference.finding.kind)
    });
    let theirs = theirs.map(|difference| RestingRow {
        title: difference.finding.subject.clone(),
        order_id: None,
        here: difference.finding.local.clone(),
        there: difference.finding.exchange.clone(),
    });
    ours.chain(theirs).collect()
}

fn difference_row(difference: &Difference, may: bool, refused: Option<&Refused>, now: i64) -> DifferenceRow {
    let finding = &difference.finding;
    let (tone, current) = match difference.status {
        DifferenceStatus::Open => (Tone::Wait, true),
        DifferenceStatus::Explained => (Tone::Good, true),
        DifferenceStatus::Adopted => (Tone::Good, false),
        DifferenceStatus::Gone => (Tone::Plain, false),
    };
    let adoptable = !finding.effect.is_empty() || finding.kind == DifferenceKind::OrderMissing;
    let refused = refused.filter(|refused| refused.id == difference.id);
    DifferenceRow {
        id: difference.id,
        kind: kind(finding.kind).to_owned(),
        subject: match finding.kind {
            DifferenceKind::OrderMissing => format!("order {}", finding.subject),
            _ => finding.subject.clone(),
        },
        local: finding.local.clone(),
        exchange: finding.exchange.clone(),
        effect: amounts(&finding.effect),
        first: show::when(difference.first_at.0, now),
        status: Badge { text: difference.status.as_str().to_owned(), tone },
        settled: settled(difference, now),
        can_explain: may && difference.status == DifferenceStatus::Open,
        can_adopt: may && current && adoptable,
        typed: refused.map_or_else(String::new, |refused| refused.typed.clone()),
        error: refused.map_or_else(String::new, |refused| refused.why.clone()),
    }
}

const fn kind(kind: DifferenceKind) -> &'static str {
    match kind {
        DifferenceKind::Balance => "Balance",
        DifferenceKind::ForeignTrade => "Trade that is not ours",
        DifferenceKind::ForeignOrder => "Open order that is not ours",
        DifferenceKind::UnknownOrder => "Open order under our name without a record",
        DifferenceKind::OrderMissing => "Our order is not known there",
        DifferenceKind::OrderState => "Order in another state there",
        DifferenceKind::TradeMissing => "Trade no longer listed",
    }
}

fn settled(difference: &Difference, now: i64) -> String {
    match (&difference.settled, difference.status) {
        (Some((by, at)), status) => format!("{status} by {by} {}: {}", show::ago(at.0, now), difference.note),
        (None, DifferenceStatus::Gone) => format!("no longer seen {}", show::ago(difference.last_at.0, now)),
        (None, _) => String::new(),
    }
}

fn run_row(run: &ReconciliationRun, now: i64) -> RunRow {
    let tone = match run.outcome {
        RunOutcome::Agreed => Tone::Good,
        RunOutcome::Differs => Tone::Wait,
        RunOutcome::Wiped | RunOutcome::Failed => Tone::Bad,
    };
    RunRow {
        at: show::when(run.finished_at.0, now),
        by: run.by.clone(),
        outcome: Badge { text: run.outcome.as_str().to_owned(), tone },
        summary: run.summary.clone(),
    }
}
