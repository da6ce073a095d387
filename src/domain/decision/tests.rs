//! What decisions may become, and what they may not.

use super::*;

fn digest() -> Digest {
    Digest::parse(&"a".repeat(64)).expect("digest")
}

fn states() -> Vec<DecisionState> {
    use DecisionState as S;
    let (by, reason) = (String::new(), String::new());
    vec![
        S::Proposed,
        S::ModelError { why: String::new() },
        S::NoAction,
        S::Denied { approval: None },
        S::Displayed { expires_at: Timestamp(9) },
        S::PendingApproval { expires_at: Timestamp(9), digest: digest() },
        S::Ordered { order: OrderId(1), approval: None },
        S::Rejected { by: by.clone(), reason: reason.clone() },
        S::Expired,
        S::Superseded { by: DecisionId(2) },
        S::Cancelled { by, reason },
    ]
}

fn events() -> Vec<DecisionEvent> {
    use DecisionEvent as E;
    let approval = Approval { by: "ann".into(), at: Timestamp(5), version: 1, edited: false };
    let (by, reason) = (String::new(), String::new());
    vec![
        E::AnswerUnusable { why: String::new() },
        E::Hold,
        E::Deny,
        E::Show { expires_at: Timestamp(9) },
        E::Ask { expires_at: Timestamp(9), digest: digest() },
        E::Act { order: OrderId(1) },
        E::Approve { order: OrderId(1), approval: approval.clone() },
        E::DenyApproval { approval },
        E::Requote { digest: digest() },
        E::Edit { digest: digest() },
        E::Reject { by: by.clone(), reason: reason.clone() },
        E::Expire,
        E::Supersede { by: DecisionId(2) },
        E::Cancel { by, reason },
    ]
}

/// Rows: states in order; columns: events in order; the word of the next state, `-` for refused.
const TABLE: [[&str; 14]; 11] = [
    ["model_error", "no_action", "denied", "displayed", "pending", "ordered", "-", "-", "-", "-", "-", "-", "-", "-"],
    ["-"; 14],
    ["-"; 14],
    ["-"; 14],
    ["-", "-", "denied", "-", "pending", "-", "-", "-", "-", "-", "-", "expired", "superseded", "cancelled"],
    [
        "-",
        "-",
        "-",
        "-",
        "-",
        "-",
        "ordered",
        "denied",
        "pending",
        "pending",
        "rejected",
        "expired",
        "superseded",
        "cancelled",
    ],
    ["-"; 14],
    ["-"; 14],
    ["-"; 14],
    ["-"; 14],
    ["-"; 14],
];

#[test]
fn every_pair_of_state_and_event_does_what_the_table_says() {
    for (state, row) in states().iter().zip(TABLE) {
        for (event, expected) in events().into_iter().zip(row) {
            let label = format!("{state:?} + {event:?}");
            let got = state.apply(event).ok().and_then(|next| next.status()).map_or("-", DecisionStatus::as_str);
            assert_eq!(got, expected, "{label}");
        }
    }
}

#[test]
fn an_approval_keeps_who_and_a_requote_keeps_the_time_limit() {
    let pending = DecisionState::PendingApproval { expires_at: Timestamp(77), digest: digest() };
    let other = Digest::parse(&"b".repeat(64)).expect("digest");
    let again = pending.apply(DecisionEvent::Requote { digest: other.clone() }).expect("legal");
    assert_eq!(again, DecisionState::PendingApproval { expires_at: Timestamp(77), digest: other });
    let approval = Approval { by: "ann".into(), at: Timestamp(5), version: 2, edited: true };
    let ordered = again.apply(DecisionEvent::Approve { order: OrderId(3), approval: approval.clone() }).expect("legal");
    assert_eq!(ordered, DecisionState::Ordered { order: OrderId(3), approval: Some(approval) });
}
