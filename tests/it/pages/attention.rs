//! Incidents and notifications.

use crate::support::House;
use countersign::domain::venue_kind::AutomationLevel;
use countersign::ports::store::{IncidentFilter, Page};

on_each_database!(
    an_incident_is_acknowledged_and_resolved_with_a_note,
    older_incidents_are_one_page_away,
    notifications_lead_to_their_decision_and_can_be_marked_as_read,
);

async fn an_incident_is_acknowledged_and_resolved_with_a_note(house: House) {
    let model = house.model("Sage", AutomationLevel::Manual, &[]).await;
    let mut ann = house.ann().await;
    assert!(ann.get("/incidents").await.body.contains("No open incident."));
    ann.post_form(&format!("/models/{}/automation", model.id), &[("automation", "semi_automated")]).await;
    let incident = house.desk.store.incidents(IncidentFilter::default(), Page::first(1)).await.unwrap().remove(0);
    let page = ann.get("/incidents").await;
    assert!(
        page.body.contains("AUTOMATION_CHANGE") && page.body.contains("Sage: manual → semi_automated"),
        "{}",
        page.body
    );
    let url = |what: &str| format!("/incidents/{}/{what}", incident.id);
    let answer = ann.post_form(&url("acknowledge"), &[("note", "I <b>did</b> that")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/incidents"));
    assert!(ann.get("/incidents").await.body.contains("No open incident."));
    let page = ann.get("/incidents?status=acknowledged").await;
    assert!(page.body.contains("Acknowledged by ann") && page.body.contains("I &#60;b&#62;did"), "{}", page.body);
    ann.post_form(&url("acknowledge"), &[]).await;
    assert!(ann.get("/incidents").await.body.contains("is acknowledged already by ann."));
    ann.post_form(&url("resolve"), &[]).await;
    assert!(ann.get("/incidents?status=resolved").await.body.contains("AUTOMATION_CHANGE"));
    assert_eq!(ann.post_form("/incidents/999/resolve", &[]).await.status, 404);
}

async fn older_incidents_are_one_page_away(house: House) {
    let model = house.model("Sage", AutomationLevel::Manual, &[]).await;
    let mut ann = house.ann().await;
    for round in 0..51 {
        let to = if round % 2 == 0 { AutomationLevel::SemiAutomated } else { AutomationLevel::Manual };
        countersign::services::models::set_automation(&house.desk, model.id, to, "ann").await.unwrap();
    }
    let first = ann.get("/incidents?status=all").await;
    assert_eq!(first.body.matches("class=\"incident ").count(), 50);
    let rest = first.body.split_once("/incidents?status=all&#38;cursor=").expect("a link to older ones").1;
    let cursor = rest.split_once('"').unwrap().0;
    let second = ann.get(&format!("/incidents?status=all&cursor={cursor}")).await;
    assert_eq!(second.body.matches("class=\"incident ").count(), 1);
}

async fn notifications_lead_to_their_decision_and_can_be_marked_as_read(house: House) {
    let (_, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    let page = ann.get("/notifications").await;
    assert!(page.body.contains(&format!("href=\"/decisions/{}\"", decision.id)), "{}", page.body);
    assert!(page.body.contains("Decision waits") && page.body.contains("class=\"unread\""));
    assert_eq!(house.desk.store.unread_notifications().await.unwrap(), 1);
    let answer = ann.post_form("/notifications/read", &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/notifications"));
    assert_eq!(house.desk.store.unread_notifications().await.unwrap(), 0);
    let page = ann.get("/notifications").await;
    assert!(!page.body.contains("class=\"unread\"") && !page.body.contains("Mark all as read"));
}
