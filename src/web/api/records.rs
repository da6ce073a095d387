//! The record of a cycle: replayed, and downloaded.

use crate::domain::cycle::Cycle;
use crate::domain::digest::Digest;
use crate::domain::ids::CycleId;
use crate::observe;
use crate::ports::bundle::{BundleError, RulingRecord};
use crate::services::desk::Desk;
use crate::services::replay_bundle::{Difference, ReplayError, order_text, replay_stored};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::show::sentence;
use actix_web::http::header::{ContentDisposition, ContentType, DispositionParam, DispositionType, ETag, EntityTag};
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

/// Digits of a record's name in the name of its file.
const NAME_DIGITS: usize = 12;

/// What a replay came to.
#[derive(Serialize, ToSchema)]
pub struct ReplayAnswer {
    /// The cycle.
    pub cycle_id: i64,
    /// The name of its record: the SHA-256 of the document.
    pub bundle: String,
    /// Whether the same decisions follow.
    pub identical: bool,
    /// Where they do not; 50 at most.
    pub differences: Vec<ReplayDifference>,
    /// What follows now, coin by coin.
    pub decisions: Vec<ReplayedDecision>,
}

/// One thing that is not as it was.
#[derive(Serialize, ToSchema)]
pub struct ReplayDifference {
    /// Of which coin.
    pub coin: String,
    /// For example `answer`, `ruling`, `order` or `rule DAILY_LOSS`.
    pub what: String,
    /// As recorded.
    pub recorded: String,
    /// As it is now.
    pub now: String,
}

/// What the code made of one coin's answer, this time.
#[derive(Serialize, ToSchema)]
pub struct ReplayedDecision {
    /// The coin.
    pub coin: String,
    /// `unusable`, `hold`, `denied` or `passed`.
    pub ruling: &'static str,
    /// The order it asks for, in words.
    pub order: Option<String>,
    /// The digest of that order's terms.
    pub digest: Option<String>,
}

/// `POST /api/cycles/{id}/replay`: judges the recorded answer again, offline. It changes nothing.
///
/// # Errors
/// 404, 409, 410, 503.
pub async fn replay(desk: Data<Desk>, _: Ctx, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let (cycle, hash) = recorded(&desk, CycleId(*id)).await?;
    let refused = |error| replay_error(cycle.id, error);
    let (_, replay) = replay_stored(&desk, &hash).await.map_err(refused)?;
    Ok(HttpResponse::Ok().json(ReplayAnswer {
        cycle_id: cycle.id.0,
        bundle: hash.as_str().to_owned(),
        identical: replay.is_identical(),
        differences: replay.differences.into_iter().map(ReplayDifference::of).collect(),
        decisions: replay.rulings.iter().map(ReplayedDecision::of).collect(),
    }))
}

/// `GET /api/cycles/{id}/bundle`: the document as it was kept, byte for byte.
///
/// # Errors
/// 404, 409, 410.
pub async fn download(desk: Data<Desk>, request: HttpRequest, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let (cycle, hash) = recorded(&desk, CycleId(*id)).await?;
    let refused = |error| replay_error(cycle.id, error);
    let packed = desk.store.bundle(&hash).await?.ok_or_else(|| refused(ReplayError::Gone(hash.clone())))?;
    let document = desk.bundles.document(&packed).map_err(|error| refused(error.into()))?;
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let tag = ETag(EntityTag::new_strong(hash.as_str().to_owned()));
    if known.is_some_and(|known| known.trim_matches('"') == hash.as_str()) {
        return Ok(HttpResponse::NotModified().insert_header(tag).finish());
    }
    let name: String = hash.as_str().chars().take(NAME_DIGITS).collect();
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(format!("cycle-{}-{name}.json", cycle.id))],
    };
    let mut response = HttpResponse::Ok();
    Ok(response.insert_header(ContentType::json()).insert_header(tag).insert_header(disposition).body(document))
}

/// A cycle and the name of its record.
async fn recorded(desk: &Desk, id: CycleId) -> Result<(Cycle, Digest), AppError> {
    let cycle = desk.store.cycle(id).await?.ok_or_else(|| AppError::not_found("cycle"))?;
    let missing = || AppError::new(StatusCode::NOT_FOUND, "no_record", "No record was kept of this cycle.");
    let hash = cycle.bundle.clone().ok_or_else(missing)?;
    Ok((cycle, hash))
}

/// Why there is no replay, as the API says it. Damage is told to the log too.
pub fn replay_error(cycle: CycleId, error: ReplayError) -> AppError {
    let words = sentence(&error.to_string());
    match error {
        ReplayError::Gone(_) => AppError::gone("record_removed", words),
        ReplayError::NothingJudged => AppError::conflict("nothing_judged", words),
        ReplayError::NotConnected => AppError::unavailable("not_connected", words),
        ReplayError::Bundle(error) => {
            observe::bundle_damaged(cycle, &error);
            match error {
                BundleError::Damaged(_) => AppError::conflict("record_damaged", words),
                BundleError::Unreadable { .. } | BundleError::TooLarge { .. } => {
                    AppError::conflict("record_unreadable", words)
                }
            }
        }
        ReplayError::Store(error) => error.into(),
    }
}

impl ReplayDifference {
    fn of(found: Difference) -> Self {
        let Difference { coin, what, recorded, now } = found;
        Self { coin: coin.to_string(), what, recorded, now }
    }
}

impl ReplayedDecision {
    fn of(ruling: &RulingRecord) -> Self {
        Self {
            coin: ruling.coin.to_string(),
            ruling: ruling.word.as_str(),
            order: ruling.intent.as_ref().map(|intent| order_text(Some(intent))),
            digest: ruling.digest.as_ref().map(|digest| digest.as_str().to_owned()),
        }
    }
}
