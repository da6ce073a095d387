//! Any sequence of commands: the books add up after each (every story's desk sees to that), a refusal changes nothing,
//! the log makes the same memory from any point on, and the same commands make the same log.

use super::*;
use proptest::prelude::*;

/// Raw numbers that become a command.
#[derive(Clone, Copy, Debug)]
struct Chance {
    what: u8,
    account: u8,
    side: u8,
    quantity: u32,
    price: i32,
    other: i32,
    word: u8,
}

prop_compose! {
    fn chance()(
        what in 0u8..24,
        account in 0u8..3,
        side in 0u8..2,
        quantity in 1u32..400_000,
        price in -600i32..600,
        other in -600i32..600,
        word in 0u8..12,
    ) -> Chance {
        Chance { what, account, side, quantity, price, other, word }
    }
}

/// A command that follows from the numbers; most are sensible, some are refused.
fn command(desk: &mut Desk, it: Chance) {
    let account = AccountId(u64::from(it.account) + 1);
    let side = if it.side == 0 { Side::Buy } else { Side::Sell };
    let quantity = Decimal::new(i64::from(it.quantity), 5);
    let near = |cents: i32| dec("50000") + Decimal::from(cents) / dec("10");
    let (price, stop_price) = (near(it.price), near(it.other));
    let time_in_force = TimeInForce::ALL[usize::from(it.word) % 3];
    let kind = match it.what {
        0..=5 => OrderKind::Limit { quantity, price, time_in_force: TimeInForce::Gtc },
        6 => OrderKind::Limit { quantity, price, time_in_force },
        7 => OrderKind::LimitMaker { quantity, price },
        8 | 9 => OrderKind::Market { quantity },
        10 => OrderKind::MarketByQuote { quote_quantity: quantity * dec("1000") },
        11 => OrderKind::StopLoss { quantity, stop_price },
        12 => OrderKind::StopLossLimit { quantity, price, stop_price, time_in_force },
        13 => OrderKind::TakeProfit { quantity, stop_price },
        14 => OrderKind::TakeProfitLimit { quantity, price, stop_price, time_in_force },
        _ => return other_command(desk, it, account, side),
    };
    let mut order = desk.order(account, side, kind);
    order.self_trade_prevention = Some(SelfTradePrevention::ALL[usize::from(it.word) % 4]);
    order.client_order_id = (it.word < 3).then(|| format!("n{}", it.word));
    let _ = desk.try_place(order);
    if it.word == 11 {
        trade_bnb(desk, account, side, quantity);
    }
}

/// Commission in BNB on a market of BNB, where it is also what is given or received.
fn trade_bnb(desk: &mut Desk, account: AccountId, side: Side, quantity: Decimal) {
    let mut order = desk.order(account, side, OrderKind::Market { quantity: quantity.round_dp(3) });
    order.symbol = Symbol::new("BNBUSDT");
    let _ = desk.try_place(order);
}

fn other_command(desk: &mut Desk, it: Chance, account: AccountId, side: Side) {
    let open: Vec<OrderId> =
        desk.engine.open_orders(account, None).expect("orders").iter().map(|order| order.id).collect();
    let picked = open.get(usize::from(it.word) % open.len().max(1)).copied();
    match (it.what, picked) {
        (15 | 16, Some(id)) => drop(desk.cancel(account, id)),
        (17, Some(_)) => {
            let done = desk.engine.cancel_all(account, BTC, desk.now).expect("one is open");
            desk.note(done);
        }
        (18, Some(id)) => {
            let kind = limit("0.1", if it.side == 0 { "49999" } else { "50001" });
            let place = desk.order(account, side, kind);
            let cancel = cancel_of(account, OrderRef::Id(id));
            let request = CancelReplace { cancel, place, mode: CancelReplaceMode::StopOnFailure };
            let done = desk.engine.cancel_replace(request, desk.now).expect("a valid order");
            desk.note(done);
        }
        (19, _) => {
            let on = it.word.is_multiple_of(2);
            let done = desk.engine.set_bnb_burn(account, on, desk.now).expect("an account");
            desk.note(done);
        }
        (20 | 21, _) => tie(desk, it, account, side),
        _ => {
            let price = dec("50000") + Decimal::from(it.price) / dec("10");
            desk.tick(&price.to_string(), ["0", "3", "42", "420"][usize::from(it.word) % 4]);
        }
    }
}

fn tie(desk: &mut Desk, it: Chance, account: AccountId, side: Side) {
    let last = desk.engine.last_price(BTC).expect("a market").expect("a tick");
    let away = |tenths: i32| Decimal::from(tenths.abs() + 1) / dec("10");
    let leg = |kind| OcoLeg { kind, client_order_id: None, strategy_id: None, strategy_type: None };
    let (up, down) = (last + away(it.price), last - away(it.other));
    let gain_at = if side == Side::Sell { up } else { down };
    let gain = if it.word.is_multiple_of(2) {
        LegKind::LimitMaker { price: gain_at }
    } else {
        LegKind::TakeProfit { stop_price: gain_at }
    };
    let stop_at = if side == Side::Sell { down } else { up };
    let stop = if it.word.is_multiple_of(3) {
        LegKind::StopLoss { stop_price: stop_at }
    } else {
        LegKind::StopLossLimit { price: gain_at, stop_price: stop_at, time_in_force: TimeInForce::Gtc }
    };
    let (above, below) = if side == Side::Sell { (gain, stop) } else { (stop, gain) };
    let oco = NewOco {
        account,
        symbol: Symbol::new(BTC),
        side,
        quantity: Decimal::new(i64::from(it.quantity), 5),
        above: leg(above),
        below: leg(below),
        list_client_order_id: None,
        self_trade_prevention: None,
    };
    if let Ok(done) = desk.engine.place_oco(oco, desk.now) {
        desk.note(done);
    }
}

/// A desk whose accounts have some BNB, and BNB a price; the third account has uneven rates.
fn rich() -> Desk {
    let mut desk = Desk::new();
    desk.tick_of("BNBUSDT", "600.5", "42");
    let carol = NewAccount {
        name: "carol".into(),
        maker_rate: dec("0.0001234567"),
        taker_rate: dec("0.07654321"),
        bnb_burn: true,
        deposits: vec![(Asset::new("BTC"), dec("3.00000001")), (Asset::new("USDT"), dec("77777.77777777"))],
    };
    let done = desk.engine.open_account(carol, desk.now);
    let carol = desk.note(done);
    for account in [desk.alice, desk.bob, carol] {
        let done = desk.engine.deposit(account, "BNB", dec("0.3"), desk.now).expect("a deposit");
        desk.note(done);
    }
    desk
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn any_commands_keep_the_books(commands in prop::collection::vec(chance(), 1..60), cut in 0usize..60) {
        let mut desk = rich();
        let mut half = None;
        for (n, it) in commands.iter().enumerate() {
            if n == cut {
                half = Some((desk.engine.snapshot(), desk.log.len()));
            }
            command(&mut desk, *it);
        }
        // A snapshot and the log after it are as good as the whole log.
        if let Some((snapshot, seen)) = half {
            let mut again = Engine::new(desk.rules.clone()).expect("rules");
            again.restore(snapshot).expect("our own snapshot");
            for batch in &desk.log[seen..] {
                again.replay(batch).expect("our own log");
            }
            prop_assert!(again.memory == desk.engine.memory);
        }
    }

    #[test]
    fn the_same_commands_make_the_same_log(commands in prop::collection::vec(chance(), 1..40)) {
        let logs = [(), ()].map(|()| {
            let mut desk = rich();
            commands.iter().for_each(|it| command(&mut desk, *it));
            desk.log.clone()
        });
        prop_assert_eq!(&logs[0], &logs[1]);
    }

    /// What happens on one market to one account does not depend on what happens elsewhere in between.
    #[test]
    fn markets_do_not_depend_on_each_other(
        commands in prop::collection::vec((any::<bool>(), 1u32..50_000, -300i32..300, any::<bool>()), 1..40),
    ) {
        let played = |filter: fn(bool) -> bool| {
            let mut desk = rich();
            for (is_bnb, quantity, price, is_buy) in commands.iter().filter(|it| filter(it.0)) {
                let side = if *is_buy { Side::Buy } else { Side::Sell };
                let (symbol, account, middle, scale) =
                    if *is_bnb { ("BNBUSDT", desk.bob, dec("600"), 4) } else { (BTC, desk.alice, dec("50000"), 6) };
                let price = middle + Decimal::from(*price) / dec("100");
                let quantity = Decimal::new(i64::from(*quantity), scale).round_dp(scale - 1);
                let kind = OrderKind::Limit { quantity, price, time_in_force: TimeInForce::Gtc };
                let mut order = desk.order(account, side, kind);
                order.symbol = Symbol::new(symbol);
                let _ = desk.try_place(order);
                desk.tick_of(symbol, &price.to_string(), "42");
            }
            [desk.alice, desk.bob].map(|account| desk.engine.account(account).expect("account").balances.clone())
        };
        let (both, bnb, btc) = (played(|_| true), played(|is_bnb| is_bnb), played(|is_bnb| !is_bnb));
        prop_assert_eq!(&both[0], &btc[0]);
        prop_assert_eq!(&both[1], &bnb[1]);
    }
}
