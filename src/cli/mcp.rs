//! `countersign mcp`: a Model Context Protocol server on standard input and output, for agents that start it themselves.

use super::CliError;
use super::args::McpArgs;
use crate::app::mcp;

/// Holds the desk's token. It is no argument: those can be read by everybody on the machine.
const TOKEN_VARIABLE: &str = "COUNTERSIGN_TOKEN";

/// Bridges to a running desk until the agent ends.
pub async fn run(args: McpArgs) -> Result<(), CliError> {
    let token = std::env::var(TOKEN_VARIABLE).unwrap_or_default();
    if token.trim().is_empty() {
        return Err(CliError::Usage(format!("{TOKEN_VARIABLE} must hold a token of the desk, best of scope propose")));
    }
    Ok(mcp::run(&args.url, token.trim().to_owned().into()).await?)
}
