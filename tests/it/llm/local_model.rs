//! A real small language model: asked for six coins with a schema and without. It needs a server of its own, so it runs
//! only when `COUNTERSIGN_LLM_URL` names one, such as `http://127.0.0.1:8080/v1`.

use super::coins;
use countersign::adapters::llm::answer::StrictReader;
use countersign::adapters::llm::client::{ChatClient, ProviderKeys};
use countersign::domain::ids::ProviderId;
use countersign::domain::provider::{AnswerMode, Provider, ProviderKind};
use countersign::domain::time::Timestamp;
use countersign::ports::language_model::{
    AnswerReader, ChatError, ChatMessage, ChatRequest, ChatRole, LanguageModels, ReadAnswer,
};
use rust_decimal::Decimal;
use secrecy::SecretString;
use std::sync::Arc;

/// Where the server is.
const URL_VARIABLE: &str = "COUNTERSIGN_LLM_URL";

struct NoKey;

impl ProviderKeys for NoKey {
    fn open(&self, _: &Provider) -> Result<Option<SecretString>, ChatError> {
        Ok(None)
    }
}

#[tokio::test]
async fn a_real_model_is_asked_and_read() {
    let Ok(url) = std::env::var(URL_VARIABLE) else {
        eprintln!("SKIPPED: no language model is asked, because {URL_VARIABLE} is not set");
        return;
    };
    let provider = Provider {
        id: ProviderId(9),
        name: "Local".into(),
        kind: ProviderKind::LlamaCpp,
        base_url: url.trim_end_matches('/').to_owned(),
        api_key: None,
        key_last4: None,
        price: None,
        max_concurrency: 1,
        timeout_seconds: 600,
        created_at: Timestamp(0),
        deleted_at: None,
        version: 1,
    };
    let client = ChatClient::new(Arc::new(NoKey)).unwrap();
    let offered = client.offered(&provider).await.unwrap();
    println!("offered: {offered:?}");
    let six = coins(&["BTC", "ETH", "SOL", "XRP", "ADA", "DOGE"]);
    let schema = StrictReader.schema(&six);
    for mode in [AnswerMode::JsonSchema, AnswerMode::Plain] {
        let system = format!("You trade crypto. Answer with one JSON object that follows this schema:\n{schema}");
        let user = "Equity 10000 USDT, no positions. BTC 43250, ETH 2510, SOL 98, XRP 0.61, ADA 0.52, DOGE 0.08. \
                    Decide about each coin once."
            .to_owned();
        let messages = vec![
            ChatMessage { role: ChatRole::System, content: system },
            ChatMessage { role: ChatRole::User, content: user },
        ];
        let (model, temperature) = (offered[0].clone(), Decimal::new(2, 1));
        let request = ChatRequest { model, messages, temperature, max_tokens: 1_500, mode, schema: schema.clone() };
        let reply = client.chat(&provider, &request).await.unwrap();
        println!("{mode}: {} ms, {:?}, stopped by {:?}", reply.latency_ms, reply.usage, reply.finish_reason);
        println!("{}", reply.content);
        match StrictReader.read(&reply.content, &six) {
            ReadAnswer::Unusable(why) => println!("-> unusable: {why}"),
            ReadAnswer::Coins(answers) => {
                assert!(answers.iter().zip(&six).all(|((coin, _), asked)| coin == asked));
                for (coin, answer) in answers {
                    match answer {
                        Ok(proposal) => println!("-> {coin}: {} {:?}", proposal.signal, proposal.quantity),
                        Err(why) => println!("-> {coin}: unusable: {why}"),
                    }
                }
            }
        }
    }
}
