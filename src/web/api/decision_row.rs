//! A decision as the API shows it: the same row in lists, in answers and beside every refusal.

use super::wire::{number, percent, time};
use crate::domain::decision::{Decision, DecisionState};
use crate::domain::ids::OrderId;
use crate::domain::market::Quote;
use crate::domain::order::Order;
use crate::domain::risk::{RiskReport, RuleResult};
use crate::ports::store::StoreError;
use crate::services::desk::Desk;
use serde::Serialize;
use serde_json::Number;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A decision.
#[derive(Serialize, ToSchema)]
pub struct DecisionRow {
    /// Its id.
    pub id: i64,
    /// Grows with each change; an approval may name it.
    pub version: i64,
    /// Digest of the exact terms, while it waits for approval.
    pub digest: Option<String>,
    /// `model_error`, `no_action`, `denied`, `displayed`, `pending`, `ordered`, `rejected`, `expired`, `superseded` or
    /// `cancelled`.
    pub status: &'static str,
    /// Why it is rejected, cancelled or unusable; null otherwise.
    pub reason: Option<String>,
    /// Whose.
    pub model_id: i64,
    /// The coin.
    pub coin: String,
    /// What is wanted.
    pub decision_data: DecisionData,
    /// Named facts behind the reasons.
    #[schema(value_type = Object)]
    pub explanation_data: BTreeMap<String, String>,
    /// Every rule that was evaluated, at the latest check.
    pub risk: RiskRow,
    /// The price it is shown with; null when there was none.
    pub quote: Option<QuoteRow>,
    /// When it stops waiting.
    pub expires_at: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When nothing more could happen to it.
    pub resolved_at: Option<String>,
    /// Its order, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<DecisionOrder>,
}

/// What a decision wants.
#[derive(Serialize, ToSchema)]
pub struct DecisionData {
    /// `buy_to_enter`, `sell_to_enter`, `close_position` or `hold`; null when the answer was unusable.
    pub signal: Option<&'static str>,
    /// Base quantity.
    pub quantity: Option<String>,
    /// At least 1.
    pub leverage: u32,
    /// Between 0 and 1.
    #[schema(value_type = Option<f64>)]
    pub confidence: Option<Number>,
    /// Price at which to take profit.
    pub profit_target: Option<String>,
    /// Price at which to give up.
    pub stop_loss: Option<String>,
    /// Reasons in words. Text from outside: never markup.
    pub justification: String,
}

/// What the risk rules said.
#[derive(Serialize, ToSchema)]
pub struct RiskRow {
    /// Rule by rule.
    pub rules: Vec<RuleRow>,
}

/// One rule with its inputs and verdict.
#[derive(Serialize, ToSchema)]
pub struct RuleRow {
    /// For example `POSITION_SIZE`.
    pub rule: &'static str,
    /// `pass`, `deny` or `skip`.
    pub verdict: &'static str,
    /// The figure it looked at; null when it is unknown or no figure.
    #[schema(value_type = Option<f64>)]
    pub value: Option<Number>,
    /// The limit it was held against.
    #[schema(value_type = Option<f64>)]
    pub limit: Option<Number>,
    /// Unit of both; may be empty.
    pub unit: String,
    /// For a person.
    pub message: String,
}

/// A price and when it was true.
#[derive(Serialize, ToSchema)]
pub struct QuoteRow {
    /// Quote units for one base unit.
    pub price: String,
    /// Market time.
    pub at: String,
}

/// The order of a decision.
#[derive(Serialize, ToSchema)]
pub struct DecisionOrder {
    /// The desk's own id.
    pub id: i64,
    /// See the order's own row.
    pub status: &'static str,
    /// The name under which the venue knows it.
    pub client_order_id: String,
    /// The venue's id once it has answered.
    pub order_id: Option<i64>,
}

impl QuoteRow {
    /// A quote as the API shows it.
    pub fn of(quote: Quote) -> Self {
        Self { price: quote.price.to_string(), at: time(quote.at) }
    }
}

impl RuleRow {
    fn of(result: &RuleResult) -> Self {
        Self {
            rule: result.rule.as_str(),
            verdict: result.verdict.as_str(),
            value: result.value.map(percent),
            limit: result.limit.map(number),
            unit: result.unit.clone(),
            message: result.message.clone(),
        }
    }
}

/// Every rule of a report.
pub fn rules(report: &RiskReport) -> Vec<RuleRow> {
    report.rules.iter().map(RuleRow::of).collect()
}

impl DecisionRow {
    /// Reads the decision's order, if it has one, and puts the row together.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(desk: &Desk, decision: &Decision) -> Result<Self, StoreError> {
        let order = match order_of(decision) {
            Some(id) => desk.store.order(id).await?,
            None => None,
        };
        Ok(Self::of(decision, order.as_ref()))
    }

    fn of(decision: &Decision, order: Option<&Order>) -> Self {
        Self {
            id: decision.id.0,
            version: decision.version,
            digest: decision.digest().map(|digest| digest.as_str().to_owned()),
            status: decision.status().as_str(),
            reason: reason(decision),
            model_id: decision.trader_id.0,
            coin: decision.coin.to_string(),
            decision_data: DecisionData {
                signal: decision.signal.map(|signal| signal.as_str()),
                quantity: decision.quantity.map(|quantity| quantity.to_string()),
                leverage: decision.leverage,
                confidence: decision.confidence.map(number),
                profit_target: decision.profit_target.map(|price| price.to_string()),
                stop_loss: decision.stop_loss.map(|price| price.to_string()),
                justification: decision.justification.clone(),
            },
            explanation_data: decision.explanation.clone(),
            risk: RiskRow { rules: rules(&decision.risk) },
            quote: decision.quote.map(QuoteRow::of),
            expires_at: decision.state.expires_at().map(time),
            created_at: time(decision.created_at),
            resolved_at: decision.resolved_at.map(time),
            order: order.map(|order| DecisionOrder {
                id: order.id.0,
                status: order.status().as_str(),
                client_order_id: order.client_order_id.to_string(),
                order_id: order.venue_order_id,
            }),
        }
    }
}

const fn order_of(decision: &Decision) -> Option<OrderId> {
    match &decision.state {
        DecisionState::Ordered { order, .. } => Some(*order),
        _ => None,
    }
}

fn reason(decision: &Decision) -> Option<String> {
    match &decision.state {
        DecisionState::ModelError { why } => Some(why.clone()),
        DecisionState::Rejected { reason, .. } | DecisionState::Cancelled { reason, .. } => Some(reason.clone()),
        _ => None,
    }
}
