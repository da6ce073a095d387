//! The program itself, as a process.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take before it counts as failed.
const START_MAX: Duration = Duration::from_secs(30);
/// Processor time is counted in hundredths of a second on Linux.
const TICK: Duration = Duration::from_millis(10);

/// A running server; it ends with this value.
pub struct Server {
    child: Child,
    pub url: String,
    pub started_in: Duration,
}

impl Server {
    /// Starts it on a data directory and waits for the first answer.
    pub fn start(dir: &Path) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let begun = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["serve", "--market", "synthetic", "--log", "error", "--listen", &address, "--data-dir"])
            .arg(dir)
            .stdout(Stdio::null())
            .spawn()?;
        let mut this = Self { child, url: format!("http://{address}"), started_in: Duration::ZERO };
        let answers =
            |url: &str| get(url, "/health/live", "identity", "").is_ok_and(|got| got.starts_with(b"HTTP/1.1 200"));
        while !answers(&this.url) {
            anyhow::ensure!(begun.elapsed() < START_MAX, "the server does not answer");
            anyhow::ensure!(this.child.try_wait()?.is_none(), "the server ended");
            std::thread::sleep(Duration::from_millis(1));
        }
        this.started_in = begun.elapsed();
        Ok(this)
    }

    /// Memory in MB that is its own now.
    pub fn resident_mb(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: f64 = line.and_then(|line| line.split_whitespace().next()).unwrap_or("0").parse()?;
        Ok(kib * 1_024.0 / 1e6)
    }

    /// Processor time used so far, in the program and in the system for it.
    pub fn processor_time(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let ticks: u32 = fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
        Ok(TICK * ticks)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // As an operator would, so that the database is closed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// One request on a connection of its own; head and body as they came.
fn get(url: &str, path: &str, encoding: &str, cookies: &str) -> std::io::Result<Vec<u8>> {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: {encoding}\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn body(answer: &[u8]) -> &[u8] {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    end.map_or(&[], |end| &answer[end + 4..])
}

/// What a browser loads for the inbox, in kB as it comes over the wire: the page, its style and its scripts.
pub fn page_weight(url: &str, encoding: &str, cookies: &str) -> anyhow::Result<f64> {
    let plain = get(url, "/inbox", "identity", cookies)?;
    let html = String::from_utf8_lossy(body(&plain)).into_owned();
    let files = html.split('"').filter(|part| part.starts_with("/static/"));
    let files: BTreeSet<&str> = files.filter(|part| part.ends_with(".css") || part.ends_with(".js")).collect();
    anyhow::ensure!(!files.is_empty(), "the inbox names no files");
    let mut bytes = body(&get(url, "/inbox", encoding, cookies)?).len();
    for file in files {
        bytes += body(&get(url, file, encoding, cookies)?).len();
    }
    Ok(f64::from(u32::try_from(bytes)?) / 1_000.0)
}
