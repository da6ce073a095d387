//! The truth afterwards: proven absence, and our books held against an exchange's.

mod differences;
mod exchange;
mod first_contact;
mod house;
mod leases;
mod pages;
mod sending;
mod unknown;
mod wiped;
