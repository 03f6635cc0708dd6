//! `cargo chaos`, end to end: the commands, the server and its limits, what CI calls, and the ledger.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod access;
mod ci;
mod commands;
mod crowds;
mod doctor;
mod init;
mod ledger;
mod mistakes;
mod runs;
mod serving;
mod trials;
