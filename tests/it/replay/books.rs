//! The books as the ledger alone tells them: an account of its own beside the desk's, to be held against it.

use countersign::adapters::store::Db;
use countersign::domain::book::{BookView, Marks};
use countersign::domain::ledger::LedgerAccount;
use countersign::domain::market::Coin;
use countersign::domain::money::Money;
use countersign::domain::signal::PositionSide;
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use std::collections::BTreeMap;

/// Every line that was written after the last one read. A transaction is written whole, so it is read whole.
const NEW_LINES: &str = "SELECT id, transaction_id, book_id, account, coin, asset, amount FROM ledger_entries \
                         WHERE id > $1 ORDER BY id";

/// Sums of every account of every book, carried on line by line.
#[derive(Default)]
pub struct Tally {
    last: i64,
    accounts: BTreeMap<(i64, String, Option<String>), Decimal>,
}

impl Tally {
    /// Reads what was written since the last time. Every transaction sums to zero in each asset, and so does the ledger.
    pub async fn read_on(&mut self, db: &Db) {
        let lines = Statement::from_sql_and_values(db.backend, NEW_LINES, [self.last.into()]);
        let mut transactions: BTreeMap<(i64, String), Decimal> = BTreeMap::new();
        for line in db.reader.query_all_raw(lines).await.unwrap() {
            self.last = get(&line, "id");
            let amount: Decimal = get::<String>(&line, "amount").parse().unwrap();
            *transactions.entry((get(&line, "transaction_id"), get(&line, "asset"))).or_default() += amount;
            let account = (get(&line, "book_id"), get(&line, "account"), get(&line, "coin"));
            *self.accounts.entry(account).or_default() += amount;
        }
        for ((transaction, asset), sum) in transactions {
            assert_eq!(sum, Decimal::ZERO, "{asset} of ledger transaction {transaction}");
        }
    }

    /// Everything that must be true of a book at any moment, from the ledger, the fold and the positions.
    pub fn agrees_with(&self, view: &BookView, marks: &Marks) {
        let book = &view.book;
        let of = |account: LedgerAccount, coin: Option<&Coin>| {
            let name = (book.id.0, account.as_str().to_owned(), coin.map(|coin| coin.as_str().to_owned()));
            self.accounts.get(&name).copied().unwrap_or_default()
        };
        assert_eq!(book.cash.decimal(), of(LedgerAccount::Cash, None), "cash");
        assert_eq!(book.fees.decimal(), of(LedgerAccount::Fees, None), "fees");
        let results = of(LedgerAccount::RealizedPnl, None) + of(LedgerAccount::Insurance, None);
        assert_eq!(book.realized.decimal(), -results, "results");
        let of_book = self.accounts.keys().filter(|(id, _, _)| *id == book.id.0);
        for coin in of_book.filter_map(|(_, _, coin)| Coin::parse(coin.as_deref()?)) {
            let (mut held, mut margin) = (Decimal::ZERO, Decimal::ZERO);
            if let Some(position) = view.position(&coin) {
                let quantity = position.quantity.decimal();
                held = if position.side == PositionSide::Long { quantity } else { -quantity };
                margin = position.margin.decimal();
            }
            assert_eq!(of(LedgerAccount::Holding, Some(&coin)), held, "{coin}");
            assert_eq!(of(LedgerAccount::Margin, Some(&coin)), margin, "margin of {coin}");
        }
        let valuation = view.value(marks).expect("every held coin has a price");
        let values: Money = view.positions.iter().map(|position| position.value(marks[&position.coin])).sum();
        assert_eq!(valuation.equity, book.cash + values, "equity is cash and positions");
        // The same from the other end: what came in, what was won and lost, what is open.
        let won = book.initial_capital + book.realized - book.fees + valuation.unrealized;
        assert_eq!(valuation.equity, won, "equity is its history");
    }

    /// A book's accounts that are not empty.
    pub fn of_book(&self, book: i64) -> Vec<(String, Option<String>, Decimal)> {
        let lines = self.accounts.iter().filter(|((id, _, _), sum)| *id == book && !sum.is_zero());
        lines.map(|((_, account, coin), sum)| (account.clone(), coin.clone(), sum.normalize())).collect()
    }
}

fn get<T: sea_orm::TryGetable>(line: &QueryResult, column: &str) -> T {
    line.try_get("", column).unwrap()
}
