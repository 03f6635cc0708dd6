//! `cargo chaos`, end to end: the commands on proxies, their server and its limits, what runs leave, and the ledger.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod access;
mod commands;
mod crowds;
mod ledger;
mod mistakes;
mod runs;
mod serving;
