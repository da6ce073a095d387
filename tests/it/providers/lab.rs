//! The whole program beside a provider made of answers that a story sets.

use crate::support::{Client, Database, House, Stage};
use async_trait::async_trait;
use countersign::domain::market::Coin;
use countersign::domain::provider::{AnswerMode, Provider, TokenUsage};
use countersign::ports::advisor::UnusableAnswer;
use countersign::ports::language_model::{AnswerReader, ChatError, ChatReply, ChatRequest, LanguageModels, ReadAnswer};
use countersign::ports::vault::{SealContext, Vault};
use countersign::services::ai::Ai;
use countersign::services::shutdown::Shutdown;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock};

pub const KEY: &str = "sk-vmPUZE6mv9SD5VNHk4HlWFsOr6aK7Qx9";
pub const OTHER_KEY: &str = "sk-Aa11Bb22Cc33Dd44Ee55Ff66Gg77Zz88";
pub const HOME: &str = "http://127.0.0.1:9/v1";

/// What a provider is called with: its address, and the key that opened for it.
pub type Call = (String, Option<String>);

/// A provider that answers what it is told to.
#[derive(Default)]
pub struct FakeModels {
    /// What it lists.
    pub offers: Mutex<Vec<String>>,
    /// Why it does not answer at all.
    pub down: Mutex<Option<ChatError>>,
    /// Ways of asking that it does not know.
    pub lacks: Mutex<Vec<AnswerMode>>,
    /// What it answers.
    pub says: Mutex<String>,
    /// What it counts for each answer.
    pub usage: Mutex<Option<TokenUsage>>,
    /// How it was called.
    pub calls: Mutex<Vec<Call>>,
    /// What was asked.
    pub asked: Mutex<Vec<ChatRequest>>,
    vault: OnceLock<Arc<dyn Vault>>,
}

impl FakeModels {
    fn called(&self, provider: &Provider) -> Result<(), ChatError> {
        let vault = self.vault.get().unwrap();
        let open = |sealed| vault.open(SealContext::provider(provider.id), sealed).unwrap();
        let key = provider.api_key.as_ref().map(|sealed| open(sealed).expose_secret().to_owned());
        self.calls.lock().unwrap().push((provider.base_url.clone(), key));
        self.down.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    /// The last call; the test fails without one.
    pub fn last_call(&self) -> Call {
        self.calls.lock().unwrap().last().cloned().unwrap()
    }
}

#[async_trait]
impl LanguageModels for FakeModels {
    async fn chat(&self, provider: &Provider, request: &ChatRequest) -> Result<ChatReply, ChatError> {
        self.called(provider)?;
        self.asked.lock().unwrap().push(request.clone());
        let mode = request.mode;
        if self.lacks.lock().unwrap().contains(&mode) {
            let why = "response_format <b>is</b> unknown".to_owned();
            return Err(ChatError::ModeUnsupported { provider: provider.name.clone(), mode, why });
        }
        Ok(ChatReply {
            content: self.says.lock().unwrap().clone(),
            refusal: None,
            finish_reason: Some("stop".to_owned()),
            model: None,
            usage: *self.usage.lock().unwrap(),
            latency_ms: 120,
            requests: 1,
        })
    }

    async fn offered(&self, provider: &Provider) -> Result<Vec<String>, ChatError> {
        self.called(provider)?;
        Ok(self.offers.lock().unwrap().clone())
    }
}

/// Knows one usable answer: `hold`.
struct FakeReader;

impl AnswerReader for FakeReader {
    fn schema(&self, coins: &[Coin]) -> String {
        json!({ "type": "object", "required": coins.iter().map(Coin::as_str).collect::<Vec<_>>() }).to_string()
    }

    fn read(&self, text: &str, coins: &[Coin]) -> ReadAnswer {
        if text != "hold" {
            return ReadAnswer::Unusable(UnusableAnswer { message: "there is no object".to_owned() });
        }
        let hold = || countersign::ports::advisor::Proposal {
            signal: countersign::domain::signal::Signal::Hold,
            quantity: None,
            profit_target: None,
            stop_loss: None,
            ..crate::support::buy("1", "")
        };
        ReadAnswer::Coins(coins.iter().map(|coin| (coin.clone(), Ok(hold()))).collect())
    }
}

pub struct Lab {
    house: House,
    pub models: Arc<FakeModels>,
}

impl Deref for Lab {
    type Target = House;

    fn deref(&self) -> &House {
        &self.house
    }
}

impl Stage for Lab {
    async fn on(database: Database) -> Self {
        let models = Arc::new(FakeModels::default());
        *models.says.lock().unwrap() = "hold".to_owned();
        *models.usage.lock().unwrap() = Some(TokenUsage { input: 100, output: 20 });
        *models.offers.lock().unwrap() = vec!["small-1".to_owned(), "large-<2>".to_owned()];
        let asked = Arc::clone(&models);
        let arrange = move |desk: &mut countersign::services::desk::Desk| {
            let _ = asked.vault.set(Arc::clone(&desk.vault));
            desk.ai = Some(Ai::new(asked, Arc::new(FakeReader), Shutdown::new()));
        };
        Self { house: House::with(database, |_| {}, arrange).await, models }
    }
}

/// A provider with a key and prices.
pub fn openrouter() -> Value {
    json!({
        "name": "Router", "kind": "openrouter", "base_url": "https://openrouter.ai/api/v1/", "api_key": KEY,
        "input_price": "0.15", "output_price": 0.60,
    })
}

/// Saves it; its id.
pub async fn saved(client: &mut Client, body: Value) -> i64 {
    client.post("/api/providers", body).await.expect(201)["id"].as_i64().unwrap()
}
