//! Approve, edit, reject: as plain forms, as htmx, and with somebody else at the same moment.

use crate::support::{Answer, Client, House, buy};
use countersign::domain::access::Role;
use countersign::domain::decision::Decision;
use countersign::domain::venue_kind::AutomationLevel;
use countersign::ports::store::{OrderFilter, Page};
use countersign::services::models;

on_each_database!(
    an_approved_decision_becomes_a_filled_order_and_the_pages_say_so,
    an_order_that_is_only_acknowledged_is_never_called_done,
    the_second_of_two_clicks_gets_the_true_row,
    an_expired_decision_is_gone,
    a_drifted_price_is_shown_and_the_new_version_can_be_approved,
    terms_that_were_not_looked_at_are_not_approved,
    a_refused_edit_keeps_what_was_typed_and_names_the_rule,
    a_shown_decision_is_asked_for_and_a_paused_model_takes_no_entry,
    a_hostile_justification_is_text,
    whoever_may_only_look_is_offered_nothing_and_refused,
    two_operators_who_approve_at_once_send_one_order,
);

fn htmx(client: &Client) -> Client {
    client.clone().with_header("hx-request", "true")
}

async fn approve(client: &mut Client, decision: &Decision) -> Answer {
    let (version, digest) = (decision.version.to_string(), decision.digest().unwrap().as_str().to_owned());
    let fields = [("version", version.as_str()), ("digest", digest.as_str())];
    client.post_form(&format!("/decisions/{}/approve", decision.id), &fields).await
}

async fn now(house: &House, decision: &Decision) -> Decision {
    house.desk.store.decision(decision.id).await.unwrap().unwrap()
}

async fn an_approved_decision_becomes_a_filled_order_and_the_pages_say_so(house: House) {
    let (_, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;

    let sheet = ann.get(&format!("/decisions/{}", decision.id)).await;
    assert_eq!(sheet.status, 200);
    for words in ["Buy 0.01", "waits for you", "Rising on volume.", "Position size", "stop 42,000", "You pay"] {
        assert!(sheet.body.contains(words), "{words} is missing");
    }

    let answer = approve(&mut ann, &decision).await;
    assert_eq!((answer.status, answer.header("location")), (303, format!("/decisions/{}", decision.id).as_str()));
    let page = ann.get(answer.header("location")).await;
    assert!(page.body.contains("data-toast") && page.body.contains("Filled 0.01"), "{}", page.body);
    assert!(page.body.contains("approved it") && page.body.contains("taker"));
    assert!(!page.body.contains(&format!("action=\"/decisions/{}/approve\"", decision.id)));

    // The message is shown once.
    let again = ann.get(&format!("/decisions/{}", decision.id)).await;
    assert!(!again.body.contains("data-toast"));

    let orders = ann.get("/orders").await;
    assert!(orders.body.contains("filled") && orders.body.contains("100 %"));
}

async fn an_order_that_is_only_acknowledged_is_never_called_done(house: House) {
    house.hold_orders();
    let (_, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    approve(&mut ann, &decision).await;
    let page = ann.get(&format!("/decisions/{}", decision.id)).await;
    assert!(page.body.contains("queued") && page.body.contains("about to be sent"), "{}", page.body);
    assert!(!page.body.contains("outcome good") && !page.body.contains("Filled"));
}

async fn the_second_of_two_clicks_gets_the_true_row(house: House) {
    let (_, decision) = house.waiting("Sage").await;
    let (mut ann, mut bob) = (house.ann().await, house.person("bob", Role::Operator).await);
    let url = format!("/decisions/{}/reject", decision.id);
    assert_eq!(ann.post_form(&url, &[("version", "1"), ("reason", "too late in the day")]).await.status, 303);
    house.clock.advance_ms(12_000);

    let plain = approve(&mut bob, &decision).await;
    assert_eq!(plain.status, 409);
    for words in ["Rejected by ann, 12 s ago", "Your click changed nothing", "too late in the day", "<!doctype html>"] {
        assert!(plain.body.contains(words), "{words} is missing: {}", plain.body);
    }

    let fragment = approve(&mut htmx(&bob), &decision).await;
    assert_eq!(fragment.status, 409);
    assert!(fragment.body.contains("Rejected by ann") && !fragment.body.contains("<!doctype html>"));
    for part in ["id=\"detail\"", "id=\"inbox-tabs\"", "id=\"inbox-count\"", "id=\"row-", "hx-swap-oob=\"true\""] {
        assert!(fragment.body.contains(part), "{part} is missing");
    }
}

async fn an_expired_decision_is_gone(house: House) {
    let (_, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    house.clock.advance_ms(61 * 60_000);
    let answer = approve(&mut ann, &decision).await;
    assert_eq!(answer.status, 410);
    assert!(answer.body.contains("Expired just now") && answer.body.contains("Nothing was sent"));
    assert_eq!(now(&house, &decision).await.status().as_str(), "expired");
}

async fn a_drifted_price_is_shown_and_the_new_version_can_be_approved(house: House) {
    let (model, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    house.price(model.id, "BTC", "43600");
    let answer = approve(&mut htmx(&ann), &decision).await;
    assert_eq!(answer.status, 409);
    for words in ["43,250.00", "43,600.00", "The price moved", "v2"] {
        assert!(answer.body.contains(words), "{words} is missing: {}", answer.body);
    }
    let fresh = now(&house, &decision).await;
    assert_eq!(approve(&mut ann, &fresh).await.status, 303);
    assert_eq!(now(&house, &decision).await.status().as_str(), "ordered");
}

async fn terms_that_were_not_looked_at_are_not_approved(house: House) {
    let (_, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    let url = format!("/decisions/{}/approve", decision.id);
    let other = ann.post_form(&url, &[("version", "1"), ("digest", &"0".repeat(64))]).await;
    assert_eq!(other.status, 409);
    assert!(other.body.contains("The terms changed since you looked"));
    assert_eq!(now(&house, &decision).await.status().as_str(), "pending");
}

async fn a_refused_edit_keeps_what_was_typed_and_names_the_rule(house: House) {
    let (_, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    let url = format!("/decisions/{}/edit", decision.id);
    let form = ann.get(&url).await;
    assert!(form.body.contains("name=\"quantity\"") && form.body.contains("value=\"42000\""), "{}", form.body);

    let bad =
        [("version", "1"), ("quantity", "1e-3"), ("leverage", "x"), ("stop_loss", "42000"), ("profit_target", "")];
    let answer = ann.post_form(&url, &bad).await;
    assert_eq!(answer.status, 422);
    for words in ["value=\"1e-3\"", "must be a plain decimal number", "value=\"x\"", "must be a whole number from 1"] {
        assert!(answer.body.contains(words), "{words} is missing: {}", answer.body);
    }

    let large =
        [("version", "1"), ("quantity", "0.5"), ("leverage", "1"), ("stop_loss", "42000"), ("profit_target", "")];
    let answer = htmx(&ann).post_form(&url, &large).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("id=\"form\"") && !answer.body.contains("<!doctype html>"));
    assert!(answer.body.contains("Position size") && answer.body.contains("value=\"0.5\""), "{}", answer.body);
    assert_eq!(now(&house, &decision).await.version, 1);

    let good =
        [("version", "1"), ("quantity", "0.005"), ("leverage", "1"), ("stop_loss", ""), ("profit_target", "46000")];
    assert_eq!(ann.post_form(&url, &good).await.status, 303);
    let edited = now(&house, &decision).await;
    assert_eq!((edited.version, edited.stop_loss, edited.edited), (2, None, true));
    let page = ann.get(&format!("/decisions/{}", decision.id)).await;
    assert!(
        page.body.contains("edited the terms") && page.body.contains("0.01 -&gt; 0.005")
            || page.body.contains("0.01 -&#62; 0.005")
    );
}

async fn a_shown_decision_is_asked_for_and_a_paused_model_takes_no_entry(house: House) {
    let model = house.model("Sage", AutomationLevel::Manual, &[]).await;
    let decision = house.propose(model.id, "BTC", buy("0.01", ""), "43250").await;
    let mut ann = house.ann().await;
    let page = ann.get(&format!("/decisions/{}", decision.id)).await;
    assert!(page.body.contains("Ask for approval: buy 0.01"));
    let url = format!("/decisions/{}/request-approval", decision.id);
    assert_eq!(ann.post_form(&url, &[("version", "1")]).await.status, 303);
    let pending = now(&house, &decision).await;
    assert_eq!(pending.status().as_str(), "pending");

    models::pause(&house.desk, model.id, "lunch", "ann").await.unwrap();
    let page = ann.get(&format!("/decisions/{}", decision.id)).await;
    assert!(page.body.contains("Sage is paused") && page.body.contains("disabled"), "{}", page.body);
    let answer = approve(&mut ann, &pending).await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("The model is paused"));
}

async fn a_hostile_justification_is_text(house: House) {
    let model = house.model("<b>Sage</b>", AutomationLevel::SemiAutomated, &[]).await;
    let why = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let mut proposal = buy("0.01", why);
    proposal.explanation.insert("<i>k</i>".into(), "<svg onload=alert(1)>".into());
    let decision = house.propose(model.id, "BTC", proposal, "43250").await;
    let mut ann = house.ann().await;
    for path in
        ["/inbox".to_owned(), format!("/decisions/{}", decision.id), format!("/decisions/{}/approve", decision.id)]
    {
        let page = ann.get(&path).await;
        for tag in ["<script>alert", "<img src=x", "<svg onload", "<b>Sage", "<i>k"] {
            assert!(!page.body.contains(tag), "{tag} in {path}");
        }
        assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"));
    }
}

async fn whoever_may_only_look_is_offered_nothing_and_refused(house: House) {
    let (_, decision) = house.waiting("Sage").await;
    let mut eve = house.person("eve", Role::Viewer).await;
    let page = eve.get(&format!("/decisions/{}", decision.id)).await;
    assert!(page.body.contains("Rising on volume.") && !page.body.contains("/approve\""));
    assert_eq!(approve(&mut eve, &decision).await.status, 403);
    assert_eq!(eve.post_form("/stop", &[]).await.status, 403);
    assert_eq!(eve.get("/decisions/999").await.status, 404);
}

async fn two_operators_who_approve_at_once_send_one_order(house: House) {
    let (_, decision) = house.waiting("Sage").await;
    let (mut ann, mut bob) = (house.ann().await, house.person("bob", Role::Operator).await);
    let (one, two) = tokio::join!(approve(&mut ann, &decision), approve(&mut bob, &decision));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    let later = if one.status == 409 { one } else { two };
    assert!(later.body.contains("Approved by "), "{}", later.body);
    let orders = house.desk.store.orders(OrderFilter::default(), Page::first(10)).await.unwrap();
    assert_eq!(orders.len(), 1);
}
