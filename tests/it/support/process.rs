//! The program itself, as a process of its own.

use std::path::Path;
use std::process::{Output, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The program with a clean environment, in a directory.
fn program(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(dir).args(args).kill_on_drop(true).stdin(Stdio::piped());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COUNTERSIGN_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end.
pub async fn run(dir: &Path, args: &[&str], input: &str) -> Output {
    run_with_env(dir, args, input, &[]).await
}

/// Runs a command to its end with environment variables.
pub async fn run_with_env(dir: &Path, args: &[&str], input: &str, env: &[(&str, &str)]) -> Output {
    let mut command = program(dir, args);
    let mut child = command.envs(env.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses its arguments does not read; then the pipe is closed, which is fine.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

/// The last line of what a command printed.
pub fn last_line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

/// What a command complained.
pub fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running server.
pub struct Serving {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Without a slash at the end.
    pub url: String,
}

impl Serving {
    /// Starts `serve` or `demo` and waits until it listens.
    pub async fn start(dir: &Path, args: &[&str]) -> Self {
        Self::start_with(dir, args, Stdio::null()).await
    }

    /// The same with its log lines in a file, behind those that are there.
    pub async fn start_logging(dir: &Path, args: &[&str], log: &Path) -> Self {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        Self::start_with(dir, args, log.into()).await
    }

    async fn start_with(dir: &Path, args: &[&str], log: Stdio) -> Self {
        let mut child = program(dir, args).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut serving = Self { child, lines, url: String::new() };
        serving.url = serving.printed("URL: ").await.trim_end_matches('/').to_owned();
        serving
    }

    /// The rest of the next line that starts so.
    pub async fn printed(&mut self, start: &str) -> String {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
        panic!("the server ended before it printed {start:?}");
    }

    /// Ends it with SIGKILL, which it cannot see coming.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Sends SIGTERM and waits for the end; answers whether it ended well.
    pub async fn terminate(mut self) -> bool {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        self.child.wait().await.unwrap().success()
    }
}
