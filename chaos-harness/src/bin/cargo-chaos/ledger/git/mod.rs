//! A ledger in a git repository, read and written without a checkout.

mod base;
mod command;
mod error;
mod jitter;
mod push;
mod remote;
mod token;
mod tree;

pub(crate) use base::{Fetched, Source, fetch};
pub(crate) use error::GitError;
pub(crate) use push::{Place, Pushed, push};
pub(crate) use tree::Needed;
