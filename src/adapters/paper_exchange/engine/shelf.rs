//! What one account has on one market, by the keys under which it is asked for. Everything here follows from the state.

use super::names::{ListId, OrderId};
use super::record::{Order, OrderList};
use super::words::ListStatus;
use std::collections::{BTreeSet, HashMap};

/// The keys of one account's orders and lists on one market.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shelf {
    /// Every remembered order.
    pub(super) all: BTreeSet<OrderId>,
    /// The open ones.
    pub(super) open: BTreeSet<OrderId>,
    /// How many open ones have a type with a trigger.
    pub(super) open_algo: usize,
    /// The latest order of each name.
    names: HashMap<String, OrderId>,
    /// Every remembered list.
    pub(super) lists: BTreeSet<ListId>,
    /// How many lists are executing.
    pub(super) open_lists: usize,
    /// The latest list of each name.
    list_names: HashMap<String, ListId>,
}

impl Shelf {
    /// The latest order of a name.
    pub(super) fn named(&self, client_order_id: &str) -> Option<OrderId> {
        self.names.get(client_order_id).copied()
    }

    /// The latest list of a name.
    pub(super) fn list_named(&self, client_order_id: &str) -> Option<ListId> {
        self.list_names.get(client_order_id).copied()
    }

    /// Takes an order in; orders come by ascending number.
    pub(super) fn insert(&mut self, order: &Order) {
        self.all.insert(order.id);
        self.names.insert(order.client_order_id.clone(), order.id);
        if order.status.is_open() {
            self.open.insert(order.id);
            self.open_algo += usize::from(order.order_type.is_algo());
        }
    }

    /// Notes that an order has closed.
    pub(super) fn close(&mut self, order: &Order) {
        if self.open.remove(&order.id) {
            self.open_algo -= usize::from(order.order_type.is_algo());
        }
    }

    /// Forgets a closed order.
    pub(super) fn forget(&mut self, order: &Order) {
        self.all.remove(&order.id);
        if self.named(&order.client_order_id) == Some(order.id) {
            self.names.remove(&order.client_order_id);
        }
    }

    /// Takes a list in; lists come by ascending number.
    pub(super) fn insert_list(&mut self, list: &OrderList) {
        self.lists.insert(list.id);
        self.list_names.insert(list.client_order_id.clone(), list.id);
        self.open_lists += usize::from(list.status == ListStatus::Executing);
    }

    /// Forgets a list.
    pub(super) fn forget_list(&mut self, list: &OrderList) {
        if self.lists.remove(&list.id) && list.status == ListStatus::Executing {
            self.open_lists -= 1;
        }
        if self.list_named(&list.client_order_id) == Some(list.id) {
            self.list_names.remove(&list.client_order_id);
        }
    }
}
