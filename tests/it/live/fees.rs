//! Fees in BNB: the account's to pay, and none of what was bought.

use super::scene::Scene;
use countersign::domain::ledger::LedgerAccount;
use countersign::domain::market::Coin;
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::store::{OrderFilter, Page};
use rust_decimal::Decimal;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trade_whose_fees_are_paid_in_bnb_leaves_the_position_whole_and_the_books_in_agreement() {
    let scene = Scene::open("bnb-burn").await;
    let desk = &scene.house.desk;
    let position = scene.holding().await;
    assert_eq!(position.quantity.decimal(), "0.01".parse().unwrap(), "what was bought is what arrived");
    scene.books_agree().await;
    scene.close().await;
    assert!(scene.held().await.is_none(), "and all of it could be sold");

    let bnb = Coin::parse("BNB").unwrap();
    let (mut fees, mut worth, mut cash) = (Decimal::ZERO, Decimal::ZERO, Decimal::from(10_000));
    let orders = desk.store.orders(OrderFilter::default(), Page::first(50)).await.unwrap();
    assert_eq!(orders.len(), 2);
    for order in &orders {
        let fills = desk.store.fills(order.id).await.unwrap();
        assert!(!fills.is_empty());
        for fill in fills {
            assert_eq!(fill.fee_asset, bnb);
            assert!(fill.fee_value.decimal() > Decimal::ZERO, "told in the account's money too: {fill:?}");
            fees += fill.fee.decimal();
            worth += fill.fee_value.decimal();
        }
        let sign = if order.intent.purpose.is_entry() { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
        cash += sign * order.filled_value.decimal();
    }
    let book = desk.store.book(scene.trader.id, VenueKind::Testnet).await.unwrap().unwrap();
    assert_eq!(book.cash.decimal(), cash, "no fee is taken from the model's cash");
    let closed = desk.store.closed_positions(book.id, 10).await.unwrap().remove(0);
    assert!(closed.net_result() < closed.realized, "and they count in the trade's result: {closed:?}");
    let outside = (book.realized - book.fees) - closed.net_result();
    assert_eq!(outside.decimal(), worth, "but not in the book's, which is told as without them");
    let sums = desk.store.ledger_sums(book.id).await.unwrap();
    let of_bnb: Vec<_> =
        sums.iter().filter(|(_, _, asset, _)| *asset == bnb).map(|(name, .., sum)| (name, *sum)).collect();
    assert!(of_bnb.contains(&(&LedgerAccount::Fees, fees)), "the ledger has each of them: {of_bnb:?}");
    assert_eq!(of_bnb.iter().map(|(_, sum)| *sum).sum::<Decimal>(), Decimal::ZERO);
    assert_eq!(scene.owner.balances().await["BNB"], Decimal::TEN - fees, "the account has paid them");
    scene.books_agree().await;
    scene.end().await;
}
