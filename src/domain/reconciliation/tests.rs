//! Differences between our books and an account, and what explains them.

use super::*;

fn coin(name: &str) -> Coin {
    Coin::parse(name).expect("coin")
}

fn amounts(pairs: &[(&str, &str)]) -> Amounts {
    pairs.iter().map(|(asset, amount)| (coin(asset), amount.parse().expect("decimal"))).collect()
}

fn movement(side: Side, fee: &str, fee_asset: &str) -> Movement {
    Movement {
        side,
        base: coin("BTC"),
        quote: coin("USDT"),
        quantity: Quantity::parse("0.001").expect("quantity"),
        value: Money::new("43.25".parse().expect("money")),
        fee: Money::new(fee.parse().expect("fee")),
        fee_asset: coin(fee_asset),
    }
}

fn difference(key: &str, kind: DifferenceKind, status: DifferenceStatus, effect: &[(&str, &str)]) -> Difference {
    Difference {
        id: 1,
        fingerprint: AccountFingerprint::parse("0123456789abcdef").expect("fingerprint"),
        finding: finding(key, kind, effect),
        first_at: Timestamp(0),
        last_at: Timestamp(0),
        status,
        settled: None,
        note: String::new(),
        version: 1,
    }
}

fn finding(key: &str, kind: DifferenceKind, effect: &[(&str, &str)]) -> Finding {
    Finding {
        kind,
        key: key.into(),
        subject: String::new(),
        local: String::new(),
        exchange: String::new(),
        effect: amounts(effect),
    }
}

#[test]
fn commissions_are_taken_from_whatever_asset_they_were_taken_in() {
    for (side, fee, fee_asset, expected) in [
        (Side::Buy, "0.000001", "BTC", amounts(&[("BTC", "0.000999"), ("USDT", "-43.25")])),
        (Side::Buy, "0.00007", "BNB", amounts(&[("BTC", "0.001"), ("USDT", "-43.25"), ("BNB", "-0.00007")])),
        (Side::Sell, "0.04325", "USDT", amounts(&[("BTC", "-0.001"), ("USDT", "43.20675")])),
    ] {
        let mut got = Amounts::new();
        movement(side, fee, fee_asset).add_to(&mut got);
        assert_eq!(got, expected, "{side} with a fee in {fee_asset}");
    }
}

#[test]
fn what_was_there_at_first_contact_is_no_drift() {
    let baseline = amounts(&[("BTC", "2"), ("DOGE", "100"), ("USDT", "1000")]);
    let ours = amounts(&[("BTC", "0.000999"), ("USDT", "-43.25")]);
    let exchange = amounts(&[("BTC", "2.000999"), ("DOGE", "100"), ("USDT", "956.75")]);
    let lines = asset_lines(&baseline, &ours, &Amounts::new(), &exchange);
    assert_eq!(balance_findings(&lines, &Amounts::new()), []);
    let less = amounts(&[("BTC", "2.000999"), ("USDT", "956.75")]);
    let found = balance_findings(&asset_lines(&baseline, &ours, &Amounts::new(), &less), &Amounts::new());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].effect, amounts(&[("DOGE", "-100")]));
}

#[test]
fn a_foreign_trade_is_told_once_and_not_again_as_drift() {
    let exchange = amounts(&[("BTC", "1"), ("USDT", "50")]);
    let lines = asset_lines(&amounts(&[("USDT", "100")]), &Amounts::new(), &Amounts::new(), &exchange);
    let trade = amounts(&[("BTC", "1"), ("USDT", "-50")]);
    assert_eq!(balance_findings(&lines, &trade), []);
    assert_eq!(balance_findings(&lines, &Amounts::new()).len(), 2);
}

#[test]
fn adopted_amounts_are_expected_from_then_on() {
    let exchange = amounts(&[("USDT", "150")]);
    let adjusted = amounts(&[("USDT", "50")]);
    let lines = asset_lines(&amounts(&[("USDT", "100")]), &Amounts::new(), &adjusted, &exchange);
    assert_eq!(balance_findings(&lines, &Amounts::new()), []);
    assert_eq!(lines[0].expected(), "150".parse().expect("decimal"));
}

#[test]
fn a_run_opens_keeps_reopens_and_closes_differences() {
    use DifferenceKind::{Balance, ForeignOrder, ForeignTrade};
    use DifferenceStatus::{Adopted, Explained, Open};
    let current = [
        difference("balance BTC", Balance, Explained, &[("BTC", "1")]),
        difference("balance ETH", Balance, Explained, &[("ETH", "1")]),
        difference("balance DOGE", Balance, Open, &[("DOGE", "1")]),
        difference("order 1", ForeignOrder, Open, &[]),
        difference("trade 1", ForeignTrade, Open, &[("BTC", "1")]),
        difference("balance USDT", Balance, Adopted, &[("USDT", "1")]),
    ];
    let found = vec![
        finding("balance BTC", Balance, &[("BTC", "1")]),
        finding("balance ETH", Balance, &[("ETH", "2")]),
        finding("balance USDT", Balance, &[("USDT", "5")]),
    ];
    let merge = merge(&current, found, &[Balance, ForeignTrade], Timestamp(9));
    assert_eq!(merge.new.iter().map(|finding| finding.key.as_str()).collect::<Vec<_>>(), ["balance USDT"]);
    assert_eq!(merge.seen.iter().map(|d| d.status).collect::<Vec<_>>(), [Explained, Open], "a changed figure");
    assert_eq!(merge.gone.iter().map(|d| d.finding.key.as_str()).collect::<Vec<_>>(), ["balance DOGE"]);
    // Open: ETH again, USDT anew, the foreign order nobody looked for, and the trade, which cannot vanish.
    assert_eq!((merge.opened, merge.open), (2, 4));
}

#[test]
fn a_wiped_exchange_has_forgotten_every_trade_and_holds_other_balances() {
    let mark = |trade_id, is_listed| Mark { symbol: Symbol("BTCUSDT".into()), trade_id, is_listed };
    assert!(is_wiped(&[mark(7, false), mark(0, false)], true));
    assert!(!is_wiped(&[mark(7, false)], false), "balances agree");
    assert!(!is_wiped(&[mark(7, false), mark(9, true)], true), "one trade is still known");
    assert!(!is_wiped(&[mark(0, false)], true), "nothing was ever traded");
}

#[test]
fn entries_wait_for_the_truth_and_stop_at_what_nobody_explained() {
    let account = KnownAccount {
        fingerprint: AccountFingerprint::parse("0123456789abcdef").expect("fingerprint"),
        venue: VenueKind::Testnet,
        first_contact: Timestamp(0),
        since: Timestamp(0),
        state: AccountState::Agreed,
        checked_at: Timestamp(0),
        failing: None,
        version: 1,
    };
    let standing = |state, open, by_this_process| Standing {
        account: Some(KnownAccount { state, ..account.clone() }),
        open,
        by_this_process,
    };
    let halted = |standing: Standing, now| standing.halted(Timestamp(now)).is_some();
    assert!(halted(Standing { account: None, open: 0, by_this_process: false }, 0));
    assert!(halted(standing(AccountState::Agreed, 0, false), 0), "another process's run is not ours");
    assert!(!halted(standing(AccountState::Agreed, 0, true), TRUTH_LASTS_MS));
    assert!(halted(standing(AccountState::Agreed, 0, true), TRUTH_LASTS_MS + 1), "old truth");
    assert!(halted(standing(AccountState::Differs, 1, true), 0));
    assert!(halted(standing(AccountState::Wiped, 0, true), 0));
}
