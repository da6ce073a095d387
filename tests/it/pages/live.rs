//! The event stream: what it tells, and when it ends.

use crate::support::app::Workers;
use crate::support::{Client, House};
use countersign::services::decide::reject;
use countersign::services::follow_others::OthersFollower;
use countersign::services::live_feed::Topic;
use std::time::Duration;

on_each_database!(
    an_open_page_is_told_what_changed,
    whoever_falls_behind_is_told_to_read_everything_again,
    the_stream_ends_with_its_session,
    a_stream_does_not_hold_up_the_end,
    without_a_session_nothing_is_told,
    what_another_process_does_reaches_an_open_page,
);

/// Longer than anything below takes; a story that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

async fn open(house: &House, client: &Client) -> reqwest::Response {
    let cookies: Vec<String> = client.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = reqwest::Client::new().get(format!("{}/events", house.url)).header("cookie", cookies.join("; "));
    request.header("accept-encoding", "gzip, br").send().await.unwrap()
}

async fn read_until(stream: &mut reqwest::Response, wanted: &str) -> String {
    let mut text = String::new();
    let reading = async {
        while !text.contains(wanted) {
            let Some(chunk) = stream.chunk().await.unwrap() else { break };
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap();
    text
}

async fn ended(stream: &mut reqwest::Response) -> bool {
    let reading = async { while let Ok(Some(_)) = stream.chunk().await {} };
    tokio::time::timeout(PATIENCE, reading).await.is_ok()
}

async fn an_open_page_is_told_what_changed(house: House) {
    let ann = house.ann().await;
    let mut stream = open(&house, &ann).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_ne!(stream.headers().get("content-encoding").map(|v| v.as_bytes()), Some(&b"gzip"[..]));
    read_until(&mut stream, "welcome").await;
    let (_, decision) = house.waiting("Sage").await;
    let text = read_until(&mut stream, "event: decision\n").await;
    assert!(text.contains("event: decision\ndata: {\"id\":") || text.contains("\"model_id\":"), "{text}");
    house.desk.live.publish(Topic::Order, Some(7), Some(decision.trader_id));
    let text = read_until(&mut stream, "event: order\n").await;
    assert!(text.contains(&format!("data: {{\"id\":7,\"model_id\":{}}}", decision.trader_id)), "{text}");
}

async fn whoever_falls_behind_is_told_to_read_everything_again(house: House) {
    let ann = house.ann().await;
    let mut stream = open(&house, &ann).await;
    read_until(&mut stream, "welcome").await;
    // More than the feed keeps for a slow listener, in one breath.
    for _ in 0..100_000 {
        house.desk.live.publish(Topic::Equity, None, None);
    }
    let text = read_until(&mut stream, "event: health\n").await;
    assert!(text.contains("event: decision\ndata: {\"id\":null"), "no hint to reload");
}

async fn the_stream_ends_with_its_session(house: House) {
    let mut ann = house.ann().await;
    let mut stream = open(&house, &ann).await;
    read_until(&mut stream, "welcome").await;
    assert_eq!(ann.post_form("/logout", &[]).await.status, 303);
    assert!(ended(&mut stream).await, "the stream outlives its session");
}

async fn a_stream_does_not_hold_up_the_end(mut house: House) {
    let ann = house.ann().await;
    let mut stream = open(&house, &ann).await;
    read_until(&mut stream, "welcome").await;
    let (stopped, ended) = tokio::join!(tokio::time::timeout(PATIENCE, house.stop()), ended(&mut stream));
    assert!(ended, "the stream outlives its server");
    assert!(stopped.is_ok(), "the server waits for the stream");
}

async fn without_a_session_nothing_is_told(house: House) {
    let stream = open(&house, &house.client()).await;
    assert_ne!(stream.headers()["content-type"], "text/event-stream");
}

async fn what_another_process_does_reaches_an_open_page(house: House) {
    let (_, decision) = house.waiting("Sage").await;
    let other = house.neighbour(Workers::Absent).await;
    let neighbour = &other.desk;
    let mut feed = house.desk.live.subscribe();
    let mut follower = OthersFollower::default();
    let now = neighbour.clock.now();

    // Alone on the database there is nothing to follow.
    reject(neighbour, decision.id, None, "", "bob").await.unwrap();
    follower.look(&house.desk).await.unwrap();
    assert!(feed.try_recv().is_err());

    let until = now.plus_ms(60_000);
    neighbour.store.acquire_lease("process:neighbour", "neighbour", now, until, None).await.unwrap();
    follower.look(&house.desk).await.unwrap();
    let (_, decision) = house.waiting("Drifter").await;
    while feed.try_recv().is_ok() {}
    follower.look(&house.desk).await.unwrap();
    while feed.try_recv().is_ok() {}
    reject(neighbour, decision.id, None, "", "bob").await.unwrap();
    follower.look(&house.desk).await.unwrap();
    let event = feed.try_recv().unwrap();
    assert_eq!((event.topic, event.id), (Topic::Decision, Some(decision.id.0)));
    assert!(feed.try_recv().is_err(), "nothing else has moved");
}
