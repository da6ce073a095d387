//! The bridge between an agent's standard input and output and a running desk.

use crate::adapters::mcp_bridge::Bridge;
use secrecy::SecretString;
use tokio::io::{BufReader, stdin, stdout};

pub use crate::adapters::mcp_bridge::BridgeError;

/// Passes an agent's messages on until it closes its side.
///
/// # Errors
/// [`BridgeError`].
pub async fn run(base_url: &str, token: SecretString) -> Result<(), BridgeError> {
    Bridge::new(base_url, token)?.run(BufReader::new(stdin()), stdout()).await
}
