//! `cargo chaos`, end to end: the commands, the server and its limits, and what CI calls.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod access;
mod ci;
mod commands;
mod crowds;
mod doctor;
mod init;
mod mistakes;
mod runs;
mod serving;
mod trials;
