//! Samples of a cycle's pages.

use super::pages::fact;
use super::{decisions::*, desk::*};
use countersign::web::{show, view::*};

pub fn cycle() -> CyclePage {
    CyclePage {
        shell: shell("Cycle 9", Nav::Models, Some(Env::Testnet)),
        id: 9,
        model_id: 1,
        model: "Sage".into(),
        env: Env::Testnet,
        automation: "semi-automated".into(),
        state: badge("done", Tone::Good),
        at: minutes_ago(18),
        figures: vec![
            Figure::new("Took", "8 ms", "one commit"),
            Figure::new("Asked by", "schedule", ""),
            Figure::new("Decisions", "2", "1 denied"),
        ],
        warnings: vec!["The market data sent along was ignored: this model trades live.".into()],
        prices: vec![fact("BTC", "43,250.10, 2 s old")],
        asked: "Six coins".into(),
        answered: HOSTILE.into(),
        decisions: rows(),
        record_note: "The record of this cycle was removed on schedule.".into(),
        record: Vec::new(),
        can_ask: true,
        others: Vec::new(),
        talk: None,
    }
}

pub fn talked() -> CyclePage {
    let part = |title: &str| TalkPart { title: title.into(), size: "4.2 kB".into(), text: HOSTILE.into() };
    let turn = |number: u32, state| TalkTurn {
        title: format!("Question {number}"),
        state,
        facts: vec![fact("Asked for", "JSON Schema"), fact("It stopped by", HOSTILE)],
        error: "Fake refuses the request: <script>alert(1)</script>.".into(),
        note: "The prompt above was sent along unchanged; here is what followed.".into(),
        parts: vec![part("Prompt, system"), part("Answer")],
    };
    CyclePage {
        record_note: String::new(),
        record: vec![fact("SHA-256", "7f3a 90c1 … c21e"), fact("Size", "45.2 kB")],
        talk: Some(Talk {
            facts: vec![fact("Provider", "Router <img src=x>"), fact("Model", HOSTILE)],
            cut: vec!["1h candles".into(), "history".into()],
            turns: vec![turn(1, badge("no answer", Tone::Bad)), turn(2, badge("answered", Tone::Good))],
        }),
        ..cycle()
    }
}

pub fn replay(same: bool) -> ReplayPage {
    let difference = ReplayDifferenceRow {
        coin: "BTC".into(),
        what: "ruling".into(),
        recorded: HOSTILE.into(),
        now: HOSTILE.into(),
    };
    ReplayPage {
        shell: shell("Replay of cycle 9", Nav::Models, Some(Env::Testnet)),
        id: 9,
        model_id: 1,
        model: "Sage <b>trend</b>".into(),
        env: Env::Testnet,
        at: minutes_ago(18),
        tone: if same { Tone::Good } else { Tone::Wait },
        verdict: if same { "The same decisions follow." } else { "Other decisions follow today." }.into(),
        note: String::new(),
        differences: if same { Vec::new() } else { vec![difference] },
        decisions: vec![ReplayedRow {
            coin: "BTC".into(),
            ruling: badge("unusable", Tone::Bad),
            why: HOSTILE.into(),
            order: "no order".into(),
            digest: show::DASH.into(),
        }],
        record: vec![fact("SHA-256", "7f3a 90c1 … c21e")],
    }
}

pub fn conversations() -> ConversationsPage {
    let row = |cycle_id, answer| SaidRow {
        cycle_id,
        at: minutes_ago(18),
        answer,
        bill: "1,024 in, 68 out · 0.0012 USD · 2.3 s".into(),
        asked: HOSTILE.into(),
        answered: HOSTILE.into(),
        is_cut: true,
    };
    ConversationsPage {
        shell: shell("Conversations of Sage", Nav::Models, None),
        id: 1,
        name: "Sage <b>trend</b>".into(),
        state: badge("running", Tone::Good),
        advisor: "small-1".into(),
        q: "\"><script>alert(1)</script>".into(),
        q_max: 200,
        answers: model_choices(),
        note: "Only the newest 2,000 conversations are looked through.".into(),
        rows: vec![row(9, badge("used", Tone::Good)), row(8, badge("no answer", Tone::Bad))],
        empty: Empty::new("Nothing found.", ""),
        newest_url: Some("/models/1/conversations".into()),
        older_url: Some("/models/1/conversations?q=a%26b&cursor=8".into()),
    }
}
