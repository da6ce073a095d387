//! Whether the record of a cycle would come to the same decisions today.

use super::record::{self, Kept};
use super::{html, owner};
use crate::domain::cycle::Cycle;
use crate::domain::ids::CycleId;
use crate::ports::bundle::{RulingRecord, RulingWord};
use crate::services::desk::Desk;
use crate::services::replay_bundle::{DIFFERENCES_MAX, Replay, order_text, replay};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::pages::shell::{env_of, shell};
use crate::web::show;
use crate::web::view::{Badge, Nav, ReplayDifferenceRow, ReplayPage, ReplayedRow, Tone};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

/// `GET /cycles/{id}/replay`: judges the recorded answer again, offline. It changes nothing.
///
/// # Errors
/// 404, or when the database fails.
pub async fn show_replay(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let cycle = desk.store.cycle(CycleId(*path)).await?.ok_or_else(|| AppError::not_found("cycle"))?;
    let trader = owner(&desk, cycle.trader_id).await?;
    let mut page = ReplayPage {
        shell: shell(&desk, &ctx, Nav::Models, format!("Replay of cycle {}", cycle.id)).await?,
        id: cycle.id.0,
        model_id: trader.id.0,
        model: trader.name,
        env: env_of(cycle.venue),
        at: show::when(cycle.started_at.0, desk.clock.now().0),
        tone: Tone::Plain,
        verdict: String::new(),
        note: String::new(),
        differences: Vec::new(),
        decisions: Vec::new(),
        record: Vec::new(),
    };
    judge_again(&desk, &cycle, &mut page).await?;
    html(StatusCode::OK, &page)
}

async fn judge_again(desk: &Desk, cycle: &Cycle, page: &mut ReplayPage) -> Result<(), AppError> {
    let kept = record::kept(desk, cycle).await?;
    let note = record::note(&kept);
    let (tone, verdict, note) = match kept {
        Kept::Never => (Tone::Plain, "No record was kept of this cycle.", String::new()),
        Kept::Removed => (Tone::Plain, "There is nothing to replay any more.", note),
        Kept::Damaged(_) => (Tone::Bad, "The record cannot be used.", note),
        Kept::Found(bundle, size) => {
            page.record = record::facts(cycle, &bundle, size);
            let ai = desk.ai.as_ref().ok_or_else(|| {
                AppError::unavailable("not_connected", "This installation reads no answers of language models.")
            })?;
            match replay(&bundle, ai.answers.as_ref()) {
                Ok(replay) => {
                    page.decisions = replay.rulings.iter().map(replayed_row).collect();
                    let verdict = verdict(&replay);
                    page.differences = difference_rows(replay);
                    verdict
                }
                // The bundle is here, so this is all that can be in the way.
                Err(error) => (Tone::Plain, "Nothing was judged.", show::sentence(&error.to_string())),
            }
        }
    };
    (page.tone, page.verdict, page.note) = (tone, verdict.to_owned(), note);
    Ok(())
}

fn verdict(replay: &Replay) -> (Tone, &'static str, String) {
    match replay.differences.len() {
        0 => (Tone::Good, "The same decisions follow.", String::new()),
        DIFFERENCES_MAX => {
            (Tone::Wait, "Other decisions follow today.", format!("The first {DIFFERENCES_MAX} differences are shown."))
        }
        _ => {
            let note = "Rules of this program, or its reading of answers, are not those of that time.";
            (Tone::Wait, "Other decisions follow today.", note.to_owned())
        }
    }
}

fn difference_rows(replay: Replay) -> Vec<ReplayDifferenceRow> {
    let row = |found: crate::services::replay_bundle::Difference| ReplayDifferenceRow {
        coin: found.coin.to_string(),
        what: found.what,
        recorded: found.recorded,
        now: found.now,
    };
    replay.differences.into_iter().map(row).collect()
}

fn replayed_row(ruling: &RulingRecord) -> ReplayedRow {
    let tone = match ruling.word {
        RulingWord::Passed => Tone::Good,
        RulingWord::Hold => Tone::Plain,
        RulingWord::Denied | RulingWord::Unusable => Tone::Bad,
    };
    let denials = ruling.report.denials().map(|denial| denial.rule.label()).collect::<Vec<_>>().join(", ");
    ReplayedRow {
        coin: ruling.coin.to_string(),
        ruling: Badge { text: ruling.word.as_str().to_owned(), tone },
        why: if ruling.why.is_empty() { denials } else { ruling.why.clone() },
        order: order_text(ruling.intent.as_ref()),
        digest: ruling.digest.as_ref().map_or_else(|| show::DASH.to_owned(), |digest| show::digest(digest.as_str())),
    }
}
