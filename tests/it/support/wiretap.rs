//! A wire that is listened to. It leads to an exchange on this machine and passes on what it hears: each request is noted
//! with the moment of its first bytes, and the weight that the exchange charged is read from its answers.

use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Bytes that are passed on at once.
const PART: usize = 64 * 1_024;
/// In what every answer says how much of the minute's weight is used.
const USED_WEIGHT: &str = "x-mbx-used-weight-1m:";

/// What has gone through since somebody asked last.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Method and path of each request, with the moment of its first bytes.
    pub requests: Vec<(String, Instant)>,
    /// Request weight, as the exchange counted it.
    pub weight: u64,
}

impl Traffic {
    /// How many requests had this method and path.
    pub fn count(&self, what: &str) -> usize {
        self.requests.iter().filter(|(request, _)| request == what).count()
    }
}

#[derive(Default)]
struct Notes {
    traffic: Traffic,
    used: u64,
}

impl Notes {
    /// The count starts anew with each minute.
    fn weigh(&mut self, used: u64) {
        self.traffic.weight += if used >= self.used { used - self.used } else { used };
        self.used = used;
    }
}

pub struct Wiretap {
    /// Where clients connect, without a slash at the end.
    pub url: String,
    notes: Arc<Mutex<Notes>>,
    door: JoinHandle<()>,
}

impl Drop for Wiretap {
    fn drop(&mut self) {
        self.door.abort();
    }
}

impl Wiretap {
    /// A wire to a server, given as `http://HOST:PORT`.
    pub async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let notes = Arc::new(Mutex::new(Notes::default()));
        let (heard, server) = (Arc::clone(&notes), url.trim_start_matches("http://").to_owned());
        let door = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), Arc::clone(&heard)));
            }
        });
        Self { url: own, notes, door }
    }

    /// What went through since the last time.
    pub fn take(&self) -> Traffic {
        std::mem::take(&mut self.notes.lock().unwrap().traffic)
    }

    /// When the first request of this kind came through, if one has.
    pub fn first(&self, what: &str) -> Option<Instant> {
        let notes = self.notes.lock().unwrap();
        notes.traffic.requests.iter().find(|(request, _)| request == what).map(|(_, at)| *at)
    }
}

/// One connection, until either side ends it.
async fn pass(client: TcpStream, server: String, notes: Arc<Mutex<Notes>>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let asked = |part: &str, at| {
        if let Some(request) = request(part) {
            notes.lock().unwrap().traffic.requests.push((request, at));
        }
    };
    let answered = |part: &str, _| {
        if let Some(used) = used_weight(part) {
            notes.lock().unwrap().weigh(used);
        }
    };
    tokio::select! {
        () = copy(from_client, to_server, asked) => {}
        () = copy(from_server, to_client, answered) => {}
    }
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, hear: impl Fn(&str, Instant)) {
    let mut part = vec![0; PART];
    while let Ok(count @ 1..) = from.read(&mut part).await {
        hear(&String::from_utf8_lossy(&part[..count]), Instant::now());
        if to.write_all(&part[..count]).await.is_err() {
            return;
        }
    }
}

/// Method and path, where a part begins a request. One follows the other on a connection, so that each begins a part.
fn request(part: &str) -> Option<String> {
    let (method, rest) = part.split_once(" /")?;
    let path = rest.split([' ', '?']).next()?;
    ["GET", "POST", "DELETE"].contains(&method).then(|| format!("{method} /{path}"))
}

fn used_weight(part: &str) -> Option<u64> {
    let (head, _) = part.strip_prefix("HTTP/1.1 ")?.split_once("\r\n\r\n")?;
    let value = |line: &str| line.to_ascii_lowercase().strip_prefix(USED_WEIGHT).map(|value| value.trim().to_owned());
    head.lines().find_map(value)?.parse().ok()
}
