//! Language models: what they answer, and how they are asked.

mod again;
mod beside;
mod cassettes;
mod client;
mod corpus;
mod costs;
pub(crate) mod desk;
mod fuzz;
mod hang;
mod local_model;
mod pages;
mod record;

use countersign::domain::market::Coin;

fn coins(names: &[&str]) -> Vec<Coin> {
    names.iter().map(|name| Coin::parse(name).unwrap()).collect()
}
