//! A decision as a row: the state's variant is spread over columns, and each status has exactly the data it needs.

use super::amount::Amount;
use super::entity::decision::{Column, Entity, Model};
use super::row::{Row, of_price, of_quantity, of_symbol, of_time, to_json};
use crate::domain::account::AccountName;
use crate::domain::decision::{Approval, Decision, DecisionSource, DecisionState, DecisionStatus, Impact};
use crate::domain::digest::Digest;
use crate::domain::ids::{BookId, CycleId, DecisionId, OrderId, TraderId};
use crate::domain::market::{Quote, Symbol};
use crate::domain::money::Money;
use crate::domain::risk::RiskReport;
use crate::domain::signal::Signal;
use crate::domain::time::Timestamp;
use crate::domain::trader_settings::OrderStyle;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::{DecisionLine, DecisionTab, StoreError};
use rust_decimal::Decimal;
use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{ColumnTrait, FromQueryResult, QuerySelect, Select};
use serde::{Deserialize, Serialize};

/// The tab of a decision other than "all"; an empty word for none.
pub(super) const fn tab_of(state: &DecisionState) -> &'static str {
    match state {
        DecisionState::PendingApproval { .. } => DecisionTab::Pending.as_str(),
        DecisionState::Ordered { approval: Some(_), .. } => DecisionTab::Approved.as_str(),
        DecisionState::Rejected { .. } => DecisionTab::Rejected.as_str(),
        DecisionState::Expired => DecisionTab::Expired.as_str(),
        DecisionState::Denied { .. } => DecisionTab::Denied.as_str(),
        DecisionState::Displayed { .. } => DecisionTab::Displayed.as_str(),
        DecisionState::Proposed
        | DecisionState::ModelError { .. }
        | DecisionState::NoAction
        | DecisionState::Ordered { approval: None, .. }
        | DecisionState::Superseded { .. }
        | DecisionState::Cancelled { .. } => "",
    }
}

/// [`Impact`] as JSON; decimals are texts in it.
#[derive(Serialize, Deserialize)]
struct StoredImpact {
    notional: Money,
    fee: Money,
    exposure_before_pct: Decimal,
    exposure_after_pct: Decimal,
    cash_before_pct: Decimal,
    cash_after_pct: Decimal,
    loss_at_stop: Option<Money>,
    daily_budget_left: Money,
}

impl StoredImpact {
    const fn of(impact: &Impact) -> Self {
        Self {
            notional: impact.notional,
            fee: impact.fee,
            exposure_before_pct: impact.exposure_before_pct,
            exposure_after_pct: impact.exposure_after_pct,
            cash_before_pct: impact.cash_before_pct,
            cash_after_pct: impact.cash_after_pct,
            loss_at_stop: impact.loss_at_stop,
            daily_budget_left: impact.daily_budget_left,
        }
    }

    const fn impact(self) -> Impact {
        Impact {
            notional: self.notional,
            fee: self.fee,
            exposure_before_pct: self.exposure_before_pct,
            exposure_after_pct: self.exposure_after_pct,
            cash_before_pct: self.cash_before_pct,
            cash_after_pct: self.cash_after_pct,
            loss_at_stop: self.loss_at_stop,
            daily_budget_left: self.daily_budget_left,
        }
    }
}

/// The part of [`StoredImpact`] that a list shows.
#[derive(Deserialize)]
struct StoredNotional {
    notional: Money,
}

/// The columns of a state.
#[derive(Default)]
struct StateColumns {
    expires_at: Option<i64>,
    digest: Option<String>,
    order_id: Option<i64>,
    approval: Option<Approval>,
    ended_by: Option<String>,
    reason: Option<String>,
    superseded_by: Option<i64>,
}

fn columns_of(state: &DecisionState) -> StateColumns {
    let mut columns = StateColumns { expires_at: of_time(state.expires_at()), ..StateColumns::default() };
    match state {
        DecisionState::Proposed
        | DecisionState::NoAction
        | DecisionState::Expired
        | DecisionState::Displayed { .. } => {}
        DecisionState::ModelError { why } => columns.reason = Some(why.clone()),
        DecisionState::Denied { approval } => columns.approval.clone_from(approval),
        DecisionState::PendingApproval { digest, .. } => columns.digest = Some(digest.as_str().to_owned()),
        DecisionState::Ordered { order, approval } => {
            columns.order_id = Some(order.0);
            columns.approval.clone_from(approval);
        }
        DecisionState::Rejected { by, reason } | DecisionState::Cancelled { by, reason } => {
            columns.ended_by = Some(by.clone());
            columns.reason = Some(reason.clone());
        }
        DecisionState::Superseded { by } => columns.superseded_by = Some(by.0),
    }
    columns
}

pub(super) fn row_of(decision: &Decision) -> Model {
    let state = columns_of(&decision.state);
    Model {
        id: decision.id.0,
        trader_id: decision.trader_id.0,
        book_id: decision.book_id.0,
        venue: decision.venue.as_str().to_owned(),
        account: decision.account.as_str().to_owned(),
        cycle_id: decision.cycle_id.0,
        source: decision.source.as_str().to_owned(),
        coin: decision.coin.as_str().to_owned(),
        symbol: decision.symbol.as_ref().map(of_symbol),
        signal: decision.signal.map(|signal| signal.as_str().to_owned()),
        quantity: decision.quantity.map(of_quantity),
        leverage: decision.leverage.into(),
        confidence: decision.confidence.map(Amount),
        profit_target: decision.profit_target.map(of_price),
        stop_loss: decision.stop_loss.map(of_price),
        order_style: decision.order_style.as_str().to_owned(),
        worst_price: decision.worst_price.map(of_price),
        justification: decision.justification.clone(),
        explanation: to_json(&decision.explanation),
        quote_price: decision.quote.map(|quote| of_price(quote.price)),
        quote_at: decision.quote.map(|quote| quote.at.0),
        risk: to_json(&decision.risk),
        impact: to_json(&StoredImpact::of(&decision.impact)),
        policy_version: decision.policy_version,
        edited: decision.edited,
        status: decision.state.status().map_or_else(|| "proposed".to_owned(), |status| status.as_str().to_owned()),
        tab: tab_of(&decision.state).to_owned(),
        expires_at: state.expires_at,
        digest: state.digest,
        order_id: state.order_id,
        approved_by: state.approval.as_ref().map(|approval| approval.by.clone()),
        approved_at: state.approval.as_ref().map(|approval| approval.at.0),
        approved_version: state.approval.as_ref().map(|approval| approval.version),
        approved_edited: state.approval.as_ref().map(|approval| approval.edited),
        ended_by: state.ended_by,
        reason: state.reason,
        superseded_by: state.superseded_by,
        created_at: decision.created_at.0,
        resolved_at: of_time(decision.resolved_at),
        version: decision.version,
    }
}

/// The approval that a row's columns hold, if any.
fn approval_of(
    row: Row,
    by: Option<String>,
    at: Option<i64>,
    version: Option<i64>,
    edited: Option<bool>,
) -> Result<Option<Approval>, StoreError> {
    let Some(by) = by else { return Ok(None) };
    Ok(Some(Approval {
        by,
        at: Timestamp(row.present("approved_at", at)?),
        version: row.present("approved_version", version)?,
        edited: row.present("approved_edited", edited)?,
    }))
}

fn state_of(row: Row, status: &str, columns: StateColumns) -> Result<DecisionState, StoreError> {
    let StateColumns { expires_at, digest, order_id, approval, ended_by, reason, superseded_by } = columns;
    let expires_at = || row.present("expires_at", expires_at).map(Timestamp);
    let reason = reason.unwrap_or_default();
    Ok(match row.word("status", status, DecisionStatus::parse)? {
        DecisionStatus::ModelError => DecisionState::ModelError { why: reason },
        DecisionStatus::NoAction => DecisionState::NoAction,
        DecisionStatus::Denied => DecisionState::Denied { approval },
        DecisionStatus::Displayed => DecisionState::Displayed { expires_at: expires_at()? },
        DecisionStatus::Pending => {
            let digest = row.present("digest", digest)?;
            DecisionState::PendingApproval {
                expires_at: expires_at()?,
                digest: row.word("digest", &digest, Digest::parse)?,
            }
        }
        DecisionStatus::Ordered => {
            DecisionState::Ordered { order: OrderId(row.present("order_id", order_id)?), approval }
        }
        DecisionStatus::Rejected => DecisionState::Rejected { by: row.present("ended_by", ended_by)?, reason },
        DecisionStatus::Expired => DecisionState::Expired,
        DecisionStatus::Superseded => {
            DecisionState::Superseded { by: DecisionId(row.present("superseded_by", superseded_by)?) }
        }
        DecisionStatus::Cancelled => DecisionState::Cancelled { by: row.present("ended_by", ended_by)?, reason },
    })
}

pub(super) fn decision_of(model: Model) -> Result<Decision, StoreError> {
    let row = Row::new("decisions", model.id);
    let quote = match (model.quote_price, model.quote_at) {
        (Some(price), Some(at)) => Some(Quote { price: row.price("quote_price", price)?, at: Timestamp(at) }),
        _ => None,
    };
    let state = StateColumns {
        expires_at: model.expires_at,
        digest: model.digest,
        order_id: model.order_id,
        approval: approval_of(
            row,
            model.approved_by,
            model.approved_at,
            model.approved_version,
            model.approved_edited,
        )?,
        ended_by: model.ended_by,
        reason: model.reason,
        superseded_by: model.superseded_by,
    };
    Ok(Decision {
        id: DecisionId(model.id),
        trader_id: TraderId(model.trader_id),
        book_id: BookId(model.book_id),
        venue: row.word("venue", &model.venue, VenueKind::parse)?,
        account: AccountName::from_stored(model.account.clone()),
        cycle_id: CycleId(model.cycle_id),
        source: row.word("source", &model.source, DecisionSource::parse)?,
        coin: row.coin("coin", &model.coin)?,
        signal: row.word_opt("signal", model.signal.as_deref(), Signal::parse)?,
        quantity: row.quantity_opt("quantity", model.quantity)?,
        leverage: row.count("leverage", model.leverage)?,
        confidence: model.confidence.map(|amount| amount.0),
        profit_target: row.price_opt("profit_target", model.profit_target)?,
        stop_loss: row.price_opt("stop_loss", model.stop_loss)?,
        order_style: row.word("order_style", &model.order_style, OrderStyle::parse)?,
        worst_price: row.price_opt("worst_price", model.worst_price)?,
        explanation: row.json("explanation", &model.explanation)?,
        quote,
        risk: row.json("risk", &model.risk)?,
        impact: row.json::<StoredImpact>("impact", &model.impact)?.impact(),
        policy_version: model.policy_version,
        edited: model.edited,
        state: state_of(row, &model.status, state)?,
        created_at: Timestamp(model.created_at),
        resolved_at: model.resolved_at.map(Timestamp),
        version: model.version,
        symbol: model.symbol.map(Symbol),
        justification: model.justification,
    })
}

/// The columns of a [`DecisionLine`].
#[derive(FromQueryResult)]
pub(super) struct LineRow {
    id: i64,
    trader_id: i64,
    venue: String,
    coin: String,
    signal: Option<String>,
    quantity: Option<Amount>,
    quote_price: Option<Amount>,
    impact: String,
    edited: bool,
    status: String,
    expires_at: Option<i64>,
    digest: Option<String>,
    order_id: Option<i64>,
    approved_by: Option<String>,
    approved_at: Option<i64>,
    approved_version: Option<i64>,
    approved_edited: Option<bool>,
    ended_by: Option<String>,
    reason: Option<String>,
    superseded_by: Option<i64>,
    created_at: i64,
    resolved_at: Option<i64>,
    /// The rules, of a denied decision only.
    denial: Option<String>,
}

impl LineRow {
    /// Narrows a query of decisions to these columns.
    pub(super) fn select(query: Select<Entity>) -> Select<Entity> {
        let is_denied = Column::Status.eq(DecisionStatus::Denied.as_str());
        let denial = CaseStatement::new().case(is_denied, Expr::col(Column::Risk));
        query
            .select_only()
            .columns([
                Column::Id,
                Column::TraderId,
                Column::Venue,
                Column::Coin,
                Column::Signal,
                Column::Quantity,
                Column::QuotePrice,
                Column::Impact,
                Column::Edited,
                Column::Status,
                Column::ExpiresAt,
                Column::Digest,
                Column::OrderId,
                Column::ApprovedBy,
                Column::ApprovedAt,
                Column::ApprovedVersion,
                Column::ApprovedEdited,
                Column::EndedBy,
                Column::Reason,
                Column::SupersededBy,
                Column::CreatedAt,
                Column::ResolvedAt,
            ])
            .expr_as(denial, "denial")
    }

    pub(super) fn line(self) -> Result<DecisionLine, StoreError> {
        let row = Row::new("decisions", self.id);
        let risk = self.denial.map(|risk| row.json::<RiskReport>("risk", &risk)).transpose()?;
        let state = StateColumns {
            expires_at: self.expires_at,
            digest: self.digest,
            order_id: self.order_id,
            approval: approval_of(
                row,
                self.approved_by,
                self.approved_at,
                self.approved_version,
                self.approved_edited,
            )?,
            ended_by: self.ended_by,
            reason: self.reason,
            superseded_by: self.superseded_by,
        };
        Ok(DecisionLine {
            id: DecisionId(self.id),
            trader_id: TraderId(self.trader_id),
            venue: row.word("venue", &self.venue, VenueKind::parse)?,
            coin: row.coin("coin", &self.coin)?,
            signal: row.word_opt("signal", self.signal.as_deref(), Signal::parse)?,
            quantity: row.quantity_opt("quantity", self.quantity)?,
            notional: row.json::<StoredNotional>("impact", &self.impact)?.notional,
            asked_price: row.price_opt("quote_price", self.quote_price)?,
            edited: self.edited,
            state: state_of(row, &self.status, state)?,
            denied_by: risk.and_then(|risk| risk.denials().next().map(|rule| rule.rule)),
            created_at: Timestamp(self.created_at),
            resolved_at: self.resolved_at.map(Timestamp),
        })
    }
}
