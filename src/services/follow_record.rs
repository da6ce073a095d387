//! A shadow is shown the next record of the trader that it follows: the same market at the same moment, with its own
//! account in place of the trader's. What it answers is judged by the trader's limits and filled on paper at the prices
//! of that record. Later prices do not exist for it.

mod show;

use crate::domain::ai_cost::AiCall;
use crate::domain::ids::{BookId, ShadowId};
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::shadow::{Progress, Shadow, ShadowStep};
use crate::ports::bundle::{Bundle, BundleError};
use crate::ports::store::{AuditEntry, Changes, CommitError, LeaderRecord, Lease, StoreError};
use crate::services::aside::{Turn, commit_patiently, put_on_bill};
use crate::services::consult::{ConsultError, Transcript};
use crate::services::desk::Desk;
use crate::services::lease_keeper::{LEASE_MS, until_lost};
use crate::services::live_feed::Topic;
use crate::services::record;
use crate::services::replay_bundle::{ReplayError, load};
use crate::services::run_cycle::told;
use crate::services::settle::SELF;
use rust_decimal::Decimal;
use show::{Show, compare, own_bundle};

/// Records that a shadow may lag behind. One that is slower skips to the newest: what happened long ago is no test.
pub const LAG_MAX: u64 = 10;

/// Why a shadow was not shown a record. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// Its row or its lease changed hands.
    #[error("another process follows in its place")]
    Overtaken,
    /// Nobody is at fault, and nothing was answered.
    #[error(transparent)]
    NotNow(ConsultError),
    /// Something was not written.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Shows a shadow its next record, if there is one. Returns whether there was.
///
/// # Errors
/// [`FollowError`]; the record is shown again then, and what was asked is on the bill.
pub async fn follow(desk: &Desk, id: ShadowId) -> Result<bool, FollowError> {
    let Some(shadow) = desk.store.shadow(id).await?.filter(Shadow::is_active) else { return Ok(false) };
    if desk.store.next_record(shadow.trader_id, shadow.seen).await?.is_none() {
        return Ok(false);
    }
    // Another question on the same budget goes first.
    let Some(turn) = Turn::take(desk, shadow.trader_id).await? else { return Ok(false) };
    let outcome = turn.during(desk, alone(desk, id)).await;
    turn.end(desk).await;
    outcome
}

/// Of all processes one shows records to a shadow.
async fn alone(desk: &Desk, id: ShadowId) -> Result<bool, FollowError> {
    let now = desk.clock.now();
    let name = format!("shadow:{id}");
    let lease = desk.store.acquire_lease(&name, &desk.process, now, now.plus_ms(LEASE_MS), None).await?;
    let Some(lease) = lease else { return Ok(false) };
    let transcript = Transcript::default();
    let outcome = tokio::select! {
        outcome = next(desk, id, &lease, &transcript) => outcome,
        () = until_lost(desk, &lease) => Err(FollowError::Overtaken),
    };
    if outcome.is_err() {
        // The answer is of no use any more, and was paid for.
        put_on_bill(desk, &transcript).await;
    }
    desk.store.release_lease(&lease).await?;
    outcome
}

async fn next(desk: &Desk, id: ShadowId, lease: &Lease, transcript: &Transcript) -> Result<bool, FollowError> {
    // Read again under the lease: another process may have shown it the record between the two.
    let Some(mut shadow) = desk.store.shadow(id).await?.filter(Shadow::is_active) else { return Ok(false) };
    let Some((leader, skipped)) = next_record(desk, &shadow).await? else { return Ok(false) };
    let before = shadow.clone();
    let mut changes = match load(desk, &leader.hash).await {
        Ok(bundle) => take(desk, &mut shadow, (&leader, bundle, skipped), transcript).await?,
        Err(ReplayError::Store(error)) => return Err(error.into()),
        // A record that is gone or damaged is passed over.
        Err(_) => pass_over(&mut shadow, skipped),
    };
    advance(&mut changes, shadow, &before, &leader, lease);
    match commit_patiently(desk, "an answer of a shadow", changes.clone()).await {
        Ok(()) => {}
        // Ended or taken over meanwhile.
        Err(CommitError::Conflict(_) | CommitError::LeaseLost(_)) => return Err(FollowError::Overtaken),
        Err(_) => {
            // The answer may be what the store does not take: it is not asked for, and paid, again and again.
            let mut passed = before.clone();
            let mut bare = pass_over(&mut passed, skipped);
            charge(&mut passed, transcript);
            bare.ai_calls = changes.ai_calls;
            (bare.incidents, bare.notifications) = (changes.incidents, changes.notifications);
            advance(&mut bare, passed, &before, &leader, lease);
            commit_patiently(desk, "passing over a record", bare).await?;
        }
    }
    desk.live.publish(Topic::Model, None, Some(before.trader_id));
    Ok(true)
}

/// Adds to a shadow's cost what was asked in vain.
fn charge(shadow: &mut Shadow, transcript: &Transcript) {
    let Some(progress) = &mut shadow.progress else { return };
    let (cost, unpriced) = sum(&transcript.calls());
    progress.cost = progress.cost.saturating_add(cost.unwrap_or_default());
    progress.unpriced_calls += unpriced;
}

/// The shadow has seen a record.
fn advance(changes: &mut Changes, mut shadow: Shadow, before: &Shadow, leader: &LeaderRecord, lease: &Lease) {
    shadow.seen = leader.number;
    shadow.version = before.version + 1;
    changes.guards.push(lease.guard());
    changes.updated_shadows.push((shadow, before.version));
}

/// The next record, and how many were left out because the shadow is too slow.
async fn next_record(desk: &Desk, shadow: &Shadow) -> Result<Option<(LeaderRecord, u32)>, StoreError> {
    let behind = desk.store.records_after(shadow.trader_id, shadow.seen).await?;
    if behind <= LAG_MAX {
        let next = desk.store.next_record(shadow.trader_id, shadow.seen).await?;
        return Ok(next.map(|record| (record, 0)));
    }
    let skipped = u32::try_from(behind - 1).unwrap_or(u32::MAX);
    let last = desk.store.last_record(shadow.trader_id, shadow.seen).await?;
    Ok(last.map(|record| (record, skipped)))
}

/// A record that nothing can be made of.
fn pass_over(shadow: &mut Shadow, skipped: u32) -> Changes {
    if let Some(progress) = &mut shadow.progress {
        progress.skipped = progress.skipped.saturating_add(skipped).saturating_add(1);
    }
    Changes::default()
}

/// One record, taken in.
async fn take(
    desk: &Desk,
    shadow: &mut Shadow,
    (leader, bundle, skipped): (&LeaderRecord, Bundle, u32),
    transcript: &Transcript,
) -> Result<Changes, FollowError> {
    // A trader whose worth is not known at that moment is no measure.
    let (Some(brief), Some(scene)) = (&bundle.brief, &bundle.scene) else { return Ok(pass_over(shadow, skipped)) };
    let (market, _) = record::seen(scene);
    let Some(worth) = scene.view.value(&market.fresh_marks(&bundle.trader.settings)) else {
        return Ok(pass_over(shadow, skipped));
    };
    let leader_equity = worth.equity;
    let begin = || Progress::begin(&scene.view.book, leader_equity, market.now);
    let mut progress = shadow.progress.take().unwrap_or_else(begin);
    if progress.book == BookId::default() {
        // It began before books were noted.
        progress.book = scene.view.book.id;
    }
    if progress.book != scene.view.book.id {
        return Ok(end(desk, shadow, progress, &bundle));
    }
    progress.skipped = progress.skipped.saturating_add(skipped);
    progress.steps += 1;
    progress.observe_leader(leader_equity);
    let theirs = bundle.conversation().into_iter().flat_map(|said| said.turns.iter().map(|turn| &turn.call));
    let (theirs, unpriced) = sum(theirs);
    progress.leader_cost = progress.leader_cost.saturating_add(theirs.unwrap_or_default());
    progress.leader_unpriced_calls += unpriced;

    let template = bundle.conversation().map(|said| said.template.as_str());
    let mut show = Show { trader: &bundle.trader, brief, scene, market: &market, template, fills: Vec::new() };
    show.protect(&mut progress.account);
    let (packed, error) = match show.ask(desk, shadow, &progress, leader, transcript).await? {
        Ok(answers) => {
            progress.unanswered = 0;
            let judged_as = show.judged_as(progress.model_errors);
            let (own_scene, rulings) = show.act(&judged_as, &mut progress, &answers);
            compare(&mut progress, &bundle, &answers);
            let own = own_bundle(desk, &bundle, transcript, (judged_as, own_scene), &answers, rulings);
            match own.map(|own| desk.bundles.pack(&own)) {
                Some(Ok(packed)) => (Some(packed), None),
                Some(Err(error)) => (None, Some(BundleError::to_string(&error))),
                None => (None, None),
            }
        }
        Err(error) => {
            progress.failed += 1;
            progress.unanswered += 1;
            progress.model_errors += u32::from(error.is_the_models());
            (None, Some(error.to_string()))
        }
    };
    progress.account.observe(market.now);
    let calls = transcript.calls();
    let (cost, unpriced) = sum(&calls);
    progress.cost = progress.cost.saturating_add(cost.unwrap_or_default());
    progress.unpriced_calls += unpriced;
    let step = ShadowStep {
        shadow_id: shadow.id,
        number: progress.steps,
        cycle_id: leader.cycle_id,
        market_at: market.now,
        at: desk.clock.now(),
        equity: progress.account.equity(),
        leader_equity,
        fills: show.fills,
        error,
        bundle: packed.as_ref().map(|packed| packed.hash.clone()),
        cost,
    };
    let warnings = transcript.warnings();
    let tells = bundle.trader.settings.notify_errors;
    shadow.progress = Some(progress);
    Ok(Changes {
        new_bundles: packed.into_iter().collect(),
        new_shadow_steps: vec![step],
        ai_calls: calls,
        notifications: if tells { warnings.iter().map(told).collect() } else { Vec::new() },
        incidents: warnings,
        ..Changes::default()
    })
}

/// The trader changed the account that it trades on: what comes from now on cannot be compared with what was.
fn end(desk: &Desk, shadow: &mut Shadow, mut progress: Progress, bundle: &Bundle) -> Changes {
    let now = desk.clock.now();
    let why = format!("{} trades on another account now", bundle.trader.name);
    progress.ended = Some(why.clone());
    shadow.progress = Some(progress);
    shadow.stopped_at = Some(now);
    let incident = NewIncident {
        kind: IncidentKind::AutomationChange,
        severity: Severity::Low,
        trader_id: Some(shadow.trader_id),
        title: format!("{}: shadow {} has ended", bundle.trader.name, shadow.name),
        detail: format!("{why}. Its results stay; a new shadow can follow from here."),
        fingerprint: format!("shadow {} ended", shadow.id),
        at: now,
    };
    let tells = bundle.trader.settings.notify_errors;
    Changes {
        notifications: if tells { vec![told(&incident)] } else { Vec::new() },
        incidents: vec![incident],
        audit: vec![AuditEntry {
            at: now,
            actor: SELF.to_owned(),
            action: "shadow.stop",
            subject: format!("model {}", shadow.trader_id),
            detail: format!("{}: {why}", shadow.name),
        }],
        ..Changes::default()
    }
}

/// What calls cost together, and how many nobody priced; no cost where nobody priced any.
fn sum<'a>(calls: impl IntoIterator<Item = &'a AiCall>) -> (Option<Decimal>, u32) {
    let (mut cost, mut unpriced, mut priced) = (Decimal::ZERO, 0, 0);
    for call in calls {
        match call.cost {
            Some(price) => (cost, priced) = (cost.saturating_add(price), priced + 1),
            None => unpriced += 1,
        }
    }
    (Some(cost).filter(|_| priced > 0 || unpriced == 0), unpriced)
}
