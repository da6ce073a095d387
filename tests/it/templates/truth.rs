//! Samples of the pages that tell the truth afterwards.

use super::{decisions::*, pages::fact};
use countersign::web::{show, view::*};

/// What a hostile exchange could say.
const HOSTILE: &str = "<script>alert(1)</script> 502 Bad Gateway";

pub fn unknown_page(is_empty: bool) -> UnknownPage {
    let condition = |met, text: &str, countdown| Condition { met, text: text.into(), countdown };
    let card = UnknownCard {
        id: 7,
        env: Env::Testnet,
        side: Side::Buy,
        title: "Buy 0.0100 BTC".into(),
        model_id: 1,
        model: "Sage".into(),
        decision_id: Some(42),
        sent: minutes_ago(1),
        why: HOSTILE.into(),
        terms: vec![fact("Client order id", "csa1b2c3-d42-1"), fact("Worth", "432.50 USDT")],
        counts_as: "Filled: 432.50 USDT of the budget is taken until the exchange tells.".into(),
        frozen: "New entries of this model, and further orders on the same side of BTCUSDT.".into(),
        evidence: vec![
            EvidenceRow { at: minutes_ago(1), what: "attempt 1 was committed and sent".into(), note: HOSTILE.into() },
            EvidenceRow {
                at: minutes_ago(0),
                what: "the exchange does not know it: no such order".into(),
                note: "6 times, first 18 s ago".into(),
            },
        ],
        conditions: vec![
            condition(false, "it can no longer arrive", Some(show::countdown(12_000, 0))),
            condition(true, "3 of 3 answers that it is not known, each 2 s apart", None),
            condition(false, "open orders, all orders and trades read since, without it", None),
        ],
        next: Some(show::countdown(3_000, 0)),
        can_probe: true,
    };
    UnknownPage {
        shell: shell("Unknown outcomes", Nav::Orders, Some(Env::Testnet)),
        cards: if is_empty { Vec::new() } else { vec![card] },
        more: if is_empty { String::new() } else { "3 more orders".into() },
        empty: Empty::new("No order's outcome is unknown.", "").with_action("All orders", "/orders"),
    }
}

pub fn reconciliation_page(is_empty: bool) -> ReconciliationPage {
    ReconciliationPage {
        shell: shell("Reconciliation", Nav::Orders, Some(Env::Testnet)),
        accounts: if is_empty { Vec::new() } else { vec![account_card()] },
        empty: Empty::new("No exchange account is connected.", "").with_action("Models", "/models"),
    }
}

fn account_card() -> AccountCard {
    let asset = |asset: &str, difference: &str| AssetRow {
        asset: asset.into(),
        baseline: "2".into(),
        ours: "+0.000999".into(),
        adjusted: "0".into(),
        expected: "2.000999".into(),
        exchange: "1.990999".into(),
        difference: show::signed(d(difference), 3),
    };
    let run = |outcome: &str, tone| RunRow {
        at: minutes_ago(5),
        by: "countersign".into(),
        outcome: badge(outcome, tone),
        summary: "1 unexplained, 1 new".into(),
    };
    AccountCard {
        csrf: "c5rf-t0ken".into(),
        fingerprint: "0123456789abcdef".into(),
        env: Env::Testnet,
        models: vec![(1, "Sage".into()), (2, "Oracle".into())],
        state: badge("differs", Tone::Bad),
        sentence: "Entries are halted: 1 difference is unexplained. Exits are not.".into(),
        last: Some(minutes_ago(5)),
        first: Some(minutes_ago(600)),
        notice: Some(Toast { text: "Reconciled: 1 unexplained.".into(), tone: Tone::Wait }),
        assets: vec![asset("BTC", "-0.01"), asset("USDT", "0")],
        resting: vec![RestingRow {
            title: "Buy 0.0100 BTC".into(),
            order_id: Some(7),
            here: "accepted".into(),
            there: "listed".into(),
        }],
        differences: vec![difference(9, "open", true)],
        past: vec![difference(8, "adopted", false)],
        runs: vec![run("differs", Tone::Wait), run("agreed", Tone::Good)],
        can_run: true,
        can_begin_anew: true,
    }
}

fn difference(id: i64, status: &str, is_open: bool) -> DifferenceRow {
    DifferenceRow {
        id,
        kind: "Trade that is not ours".into(),
        subject: "BTCUSDT".into(),
        local: "no order of ours".into(),
        exchange: format!("sell 0.01 BTC at 43250 {HOSTILE}"),
        effect: "-0.01 BTC, +432.0675 USDT".into(),
        first: minutes_ago(5),
        status: badge(status, Tone::Wait),
        settled: if is_open { String::new() } else { "adopted by ann 3 min ago: I sold it by hand".into() },
        can_explain: is_open,
        can_adopt: is_open,
        typed: String::new(),
        error: if is_open { "A reason of 1 to 500 characters is required.".into() } else { String::new() },
    }
}
