//! The paper exchange under load: signed orders over real connections, each on the disk before its answer.

use anyhow::Context;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Connections that place orders at the same time, which share writes and fsyncs.
const CONNECTIONS: usize = 64;
/// Orders of each connection that are measured.
const ORDERS: usize = 400;
/// Orders of each connection before that.
const WARM_UP: usize = 20;
/// Processor time is counted in hundredths of a second on Linux.
const TICK: Duration = Duration::from_millis(10);
const SECRET: &str = "a-secret-that-is-only-used-here";

/// What was measured.
pub struct Figures {
    /// Processor time of the exchange for one order.
    pub cpu: Duration,
    /// Orders in a second, with the clients on the same machine.
    pub rate: f64,
}

/// Measures an exchange as a process of its own, with a state file in this directory.
pub fn measure(dir: &Path) -> anyhow::Result<Figures> {
    std::fs::create_dir_all(dir)?;
    let exchange = Exchange::start(dir)?;
    run(&exchange.address, WARM_UP, 'w')?;
    let (begun, before) = (Instant::now(), exchange.processor_time()?);
    run(&exchange.address, ORDERS, 'm')?;
    let (took, used) = (begun.elapsed(), exchange.processor_time()?.saturating_sub(before));
    let orders = u32::try_from(CONNECTIONS * ORDERS)?;
    Ok(Figures { cpu: used / orders, rate: f64::from(orders) / took.as_secs_f64() })
}

/// Every connection places its orders, one after the other.
fn run(address: &str, orders: usize, prefix: char) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let clients = (0..CONNECTIONS).map(|client| {
            scope.spawn(move || -> anyhow::Result<()> {
                let mut stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                let mut reader = BufReader::new(stream.try_clone()?);
                for n in 0..orders {
                    stream.write_all(request(&format!("{prefix}{client}-{n}"))?.as_bytes())?;
                    read_answer(&mut reader)?;
                }
                Ok(())
            })
        });
        let clients: Vec<_> = clients.collect();
        clients.into_iter().try_for_each(|client| client.join().expect("a client does not panic"))
    })
}

fn request(name: &str) -> anyhow::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let terms = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.0001&price=150000";
    let payload = format!("{terms}&newClientOrderId={name}&recvWindow=60000&timestamp={now}");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(payload.as_bytes());
    let body = format!("{payload}&signature={}", hex::encode(mac.finalize().into_bytes()));
    let length = body.len();
    Ok(format!(
        "POST /api/v3/order HTTP/1.1\r\nHost: exchange\r\nX-MBX-APIKEY: bench\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    ))
}

fn read_answer(reader: &mut BufReader<TcpStream>) -> anyhow::Result<()> {
    let (mut line, mut length, mut is_good) = (String::new(), 0, false);
    loop {
        line.clear();
        anyhow::ensure!(reader.read_line(&mut line)? > 0, "the exchange closed the connection");
        is_good |= line.starts_with("HTTP/1.1 200");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    anyhow::ensure!(is_good, "refused: {}", String::from_utf8_lossy(&body));
    Ok(())
}

struct Exchange {
    child: Child,
    address: String,
}

impl Exchange {
    fn start(dir: &Path) -> anyhow::Result<Self> {
        let account = format!("bench:{SECRET}:USDT=900000000000");
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["paper-exchange", "--listen", "127.0.0.1:0", "--limits", "off", "--account", &account, "--state"])
            .arg(dir.join("state"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output")?).read_line(&mut line)?;
        let address = line.trim().strip_prefix("URL: http://").context("the exchange did not start")?.to_owned();
        Ok(Self { child, address })
    }

    fn processor_time(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let ticks: u32 = fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
        Ok(TICK * ticks)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
