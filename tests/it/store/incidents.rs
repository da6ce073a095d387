//! Incidents fold while they are unresolved, and move on once.

use super::harness::{conflict, on_both};
use super::samples::{NOW, TRADER};
use countersign::adapters::store::SqlStore;
use countersign::domain::ids::IncidentId;
use countersign::domain::incident::{Incident, IncidentKind, IncidentStatus, NewIncident, Severity};
use countersign::ports::store::{Changes, IncidentFilter, Page, Reads, Store};

fn stale(detail: &str, minute: i64) -> NewIncident {
    NewIncident {
        kind: IncidentKind::StaleMarketData,
        severity: Severity::Medium,
        trader_id: Some(TRADER),
        title: format!("No fresh price: {detail}"),
        detail: detail.to_owned(),
        fingerprint: "BTC".to_owned(),
        at: NOW.plus_ms(minute * 60_000),
    }
}

fn raise(incidents: Vec<NewIncident>) -> Changes {
    Changes { incidents, ..Changes::default() }
}

fn step(id: IncidentId, status: IncidentStatus, note: &str) -> Changes {
    let moves = vec![(id, status, "ada".to_owned(), NOW, note.to_owned())];
    Changes { incident_moves: moves, ..Changes::default() }
}

async fn all(store: &SqlStore) -> Vec<Incident> {
    store.incidents(IncidentFilter::default(), Page::first(50)).await.unwrap()
}

on_both! {
    async fn the_same_trouble_is_one_incident_with_a_count(db) {
        let store = db.desk().await;
        let other = NewIncident { fingerprint: "ETH".to_owned(), ..stale("other coin", 0) };
        let nobodys = NewIncident { trader_id: None, ..stale("everybody", 0) };
        store.commit(raise(vec![stale("first", 0), other, nobodys.clone(), stale("second", 1), nobodys])).await.unwrap();
        store.commit(raise(vec![NewIncident { severity: Severity::High, ..stale("third", 2) }])).await.unwrap();
        let incidents = all(&store).await;
        assert_eq!(incidents.iter().map(|incident| incident.count).collect::<Vec<_>>(), [2, 1, 3]);
        let folded = incidents.last().unwrap();
        assert_eq!((folded.first_at, folded.last_at), (NOW, NOW.plus_ms(120_000)));
        assert_eq!((folded.detail.as_str(), folded.severity), ("third", Severity::High));
        assert_eq!(store.open_incidents().await.unwrap(), 3);
        let mine = IncidentFilter { trader_id: Some(TRADER), status: Some(IncidentStatus::Open) };
        assert_eq!(store.incidents(mine, Page::first(50)).await.unwrap().len(), 2);
    }

    async fn one_that_recurs_after_somebody_looked_is_open_again(db) {
        let store = db.desk().await;
        store.commit(raise(vec![stale("first", 0)])).await.unwrap();
        let id = all(&store).await[0].id;
        store.commit(step(id, IncidentStatus::Acknowledged, "looking")).await.unwrap();
        let seen = store.incident(id).await.unwrap().unwrap();
        assert_eq!((seen.status, seen.note.as_str()), (IncidentStatus::Acknowledged, "looking"));
        assert_eq!(seen.acknowledged, Some(("ada".to_owned(), NOW)));
        assert_eq!(store.open_incidents().await.unwrap(), 0);
        assert_eq!(conflict(&store, step(id, IncidentStatus::Acknowledged, "")).await, "incident");
        store.commit(raise(vec![stale("again", 1)])).await.unwrap();
        let again = store.incident(id).await.unwrap().unwrap();
        assert_eq!((again.status, again.count, again.acknowledged), (IncidentStatus::Open, 2, None));
    }

    async fn what_is_resolved_stays_so_and_the_next_one_is_new(db) {
        let store = db.desk().await;
        store.commit(raise(vec![stale("first", 0)])).await.unwrap();
        let id = all(&store).await[0].id;
        store.commit(step(id, IncidentStatus::Resolved, "restarted the feed")).await.unwrap();
        assert_eq!(conflict(&store, step(id, IncidentStatus::Resolved, "")).await, "incident");
        assert_eq!(conflict(&store, step(id, IncidentStatus::Acknowledged, "")).await, "incident");
        assert_eq!(conflict(&store, step(IncidentId(99), IncidentStatus::Resolved, "")).await, "incident");
        store.commit(raise(vec![stale("second", 1)])).await.unwrap();
        let incidents = all(&store).await;
        assert_eq!(incidents.iter().map(|incident| incident.status).collect::<Vec<_>>(), [
            IncidentStatus::Open, IncidentStatus::Resolved,
        ]);
        assert_eq!(incidents[1].resolved, Some(("ada".to_owned(), NOW)));
    }

    async fn recovery_resolves_what_it_ends_and_nothing_else(db) {
        let store = db.desk().await;
        let other = NewIncident { fingerprint: "ETH".to_owned(), ..stale("other coin", 0) };
        store.commit(raise(vec![stale("first", 0), other])).await.unwrap();
        let recovered = vec![(stale("", 5), "prices are back".to_owned())];
        store.commit(Changes { recovered: recovered.clone(), ..Changes::default() }).await.unwrap();
        store.commit(Changes { recovered, ..Changes::default() }).await.unwrap();
        let incidents = all(&store).await;
        assert_eq!(incidents[0].status, IncidentStatus::Open);
        assert_eq!(incidents[1].resolved, Some(("recovery".to_owned(), NOW.plus_ms(300_000))));
        assert_eq!(incidents[1].note, "prices are back");
    }

    async fn every_kind_and_severity_has_its_word(db) {
        let store = db.desk().await;
        for kind in IncidentKind::ALL {
            let severity = Severity::ALL[kind.as_str().len() % Severity::ALL.len()];
            store.commit(raise(vec![NewIncident { kind: *kind, severity, ..stale("x", 0) }])).await.unwrap();
        }
        let kinds: Vec<IncidentKind> = all(&store).await.iter().rev().map(|incident| incident.kind).collect();
        assert_eq!(kinds, IncidentKind::ALL);
    }
}
