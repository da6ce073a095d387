//! The tools: what an agent may read, and the one thing it may do.

use crate::domain::access::Permission;
use crate::domain::market::COIN_MAX;
use crate::domain::signal::Signal;
use crate::observe;
use crate::services::desk::Desk;
use crate::web::api::wire::time;
use crate::web::api::{books, cycle, decisions, models, overview, settings};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{Input, QueryInput};
use actix_web::HttpResponse;
use actix_web::body::to_bytes;
use actix_web::web::{Data, Path};
use serde_json::{Map, Value, json};

/// Decisions that are listed.
const HISTORY_ROWS: &str = "20";
/// Models that are listed.
const MODEL_ROWS: &str = "200";
/// What a decision is made of, by the names of the API.
const DECISION_FIELDS: [&str; 7] =
    ["signal", "quantity", "leverage", "stop_loss", "profit_target", "confidence", "justification"];

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    ListModels,
    GetPortfolio,
    GetMarket,
    GetLimits,
    ListDecisions,
    GetDecision,
    ProposeTrade,
}

impl Tool {
    /// Every tool, in the order in which they are used.
    const ALL: &'static [Self] = &[
        Self::ListModels,
        Self::GetPortfolio,
        Self::GetMarket,
        Self::GetLimits,
        Self::ListDecisions,
        Self::GetDecision,
        Self::ProposeTrade,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::ListModels => "list_models",
            Self::GetPortfolio => "get_portfolio",
            Self::GetMarket => "get_market",
            Self::GetLimits => "get_limits",
            Self::ListDecisions => "list_decisions",
            Self::GetDecision => "get_decision",
            Self::ProposeTrade => "propose_trade",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::ListModels => "The models of the desk, with their environment and how they act.",
            Self::GetPortfolio => "A model's cash, positions and results in its current book.",
            Self::GetMarket => {
                "Prices of the coins that models follow: when each was made, its 24 h change, and the time now."
            }
            Self::GetLimits => "A model's settings, and how much of each risk limit is used.",
            Self::ListDecisions => {
                "A model's latest decisions and what became of them: denied and why, rejected and why."
            }
            Self::GetDecision => "What became of one decision: its status, the rules' verdicts, its order.",
            Self::ProposeTrade => {
                "Proposes one trade for a model. Risk rules check it at once; what passes waits for a person, or is \
                 executed where the model allows decisions from outside to act."
            }
        }
    }

    /// JSON Schema of the arguments.
    fn input(self) -> Value {
        let model = ("model_id", json!({ "type": "integer", "minimum": 1, "description": "From list_models." }));
        match self {
            Self::ListModels | Self::GetMarket => object(&[], &[]),
            Self::GetPortfolio | Self::GetLimits | Self::ListDecisions => object(&[model], &["model_id"]),
            Self::GetDecision => {
                let id =
                    json!({ "type": "integer", "minimum": 1, "description": "From propose_trade or list_decisions." });
                object(&[("decision_id", id)], &["decision_id"])
            }
            Self::ProposeTrade => {
                let number = |help: &str| json!({ "type": ["string", "number", "null"], "description": help });
                let signals: Vec<&str> = Signal::ALL.iter().map(|signal| signal.as_str()).collect();
                let fields = [
                    model,
                    ("coin", json!({ "type": "string", "description": "For example BTC." })),
                    ("signal", json!({ "type": "string", "enum": signals })),
                    ("quantity", number("Base quantity in plain digits; needed for an entry.")),
                    ("leverage", json!({ "type": ["integer", "null"], "minimum": 1 })),
                    ("stop_loss", number("Price at which to give up.")),
                    ("profit_target", number("Price at which to take profit.")),
                    ("confidence", number("Between 0 and 1.")),
                    ("justification", json!({ "type": ["string", "null"], "description": "Why, for the person." })),
                ];
                object(&fields, &["model_id", "coin", "signal"])
            }
        }
    }
}

/// The tool of a name.
pub(super) fn find(name: &str) -> Option<Tool> {
    Tool::ALL.iter().copied().find(|tool| tool.name() == name)
}

/// Every tool as the protocol describes one.
pub(super) fn described() -> Vec<Value> {
    let described = |tool: &Tool| {
        let reads = *tool != Tool::ProposeTrade;
        json!({
            "name": tool.name(),
            "description": tool.description(),
            "inputSchema": tool.input(),
            "annotations": {
                "readOnlyHint": reads, "destructiveHint": !reads, "idempotentHint": reads, "openWorldHint": false,
            },
        })
    };
    Tool::ALL.iter().map(described).collect()
}

/// Calls a tool: whether it failed, and its answer as the API gives it. A failure is part of the conversation.
pub(super) async fn call(tool: Tool, desk: &Data<Desk>, ctx: &Ctx, arguments: Map<String, Value>) -> (bool, Value) {
    match run(tool, desk, ctx, arguments).await {
        Ok(value) => (false, value),
        Err(error) => {
            if let Some(cause) = error.cause() {
                observe::request_failed(&ctx.request_id, cause);
            }
            (true, error.json(&ctx.request_id))
        }
    }
}

async fn run(tool: Tool, desk: &Data<Desk>, ctx: &Ctx, arguments: Map<String, Value>) -> Result<Value, AppError> {
    let mut input = Input::from_json(arguments);
    let id = match tool {
        Tool::ListModels | Tool::GetMarket => None,
        Tool::GetDecision => input.required("decision_id", read_id),
        _ => input.required("model_id", read_id),
    };
    if tool == Tool::ProposeTrade {
        return propose(desk, ctx, id, input).await;
    }
    input.refuse_unknown();
    input.finish()?;
    let path = || Path::from(id.unwrap_or_default());
    let desk = || desk.clone();
    let answer = match tool {
        Tool::ListModels => models::index(desk(), query(&[("limit", MODEL_ROWS)])).await?,
        Tool::GetMarket => {
            let prices = body(overview::prices(desk(), query(&[])).await?).await;
            // Whoever has no clock can tell a price's age from this.
            return Ok(json!({ "now": time(desk().markets.simulation.now()), "prices": prices }));
        }
        Tool::GetPortfolio => books::portfolio(desk(), path(), query(&[])).await?,
        Tool::GetLimits => {
            let status = body(books::risk_status(desk(), path(), query(&[])).await?).await;
            let settings = body(settings::show(desk(), path()).await?).await;
            return Ok(json!({ "settings": settings, "risk_status": status }));
        }
        Tool::ListDecisions => {
            let model = id.unwrap_or_default().to_string();
            decisions::history(desk(), query(&[("model_id", &model), ("limit", HISTORY_ROWS)])).await?
        }
        Tool::GetDecision | Tool::ProposeTrade => decisions::show(desk(), path()).await?,
    };
    Ok(body(answer).await)
}

/// One coin's decision, through the same door as the API's.
async fn propose(desk: &Data<Desk>, ctx: &Ctx, model: Option<i64>, mut input: Input) -> Result<Value, AppError> {
    ctx.require(Permission::Propose)?;
    let coin = input.required_text("coin", COIN_MAX);
    let mut decision = Map::new();
    for name in DECISION_FIELDS {
        if let Some(value) = input.raw(name) {
            decision.insert(name.to_owned(), value);
        }
    }
    input.refuse_unknown();
    input.finish()?;
    let decisions = Map::from_iter([("decisions".to_owned(), json!({ coin: decision }))]);
    let model = model.ok_or_else(|| AppError::not_found("model"))?;
    Ok(body(cycle::propose(desk.clone(), ctx.clone(), model, Input::from_json(decisions)).await?).await)
}

fn read_id(text: &str) -> Result<i64, &'static str> {
    text.parse().ok().filter(|id| *id > 0).ok_or("must be a whole number from 1")
}

fn query(pairs: &[(&str, &str)]) -> QueryInput {
    QueryInput(Input::from_pairs(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()))
}

async fn body(answer: HttpResponse) -> Value {
    let bytes = to_bytes(answer.into_body()).await.unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

fn object(fields: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|(name, field)| ((*name).to_owned(), field.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}
