//! The ledger, end to end: what is recorded, where it is pushed, and what stands in the way.

mod bed;
mod branch;
mod by_hand;
mod fetch;
mod races;
mod record;
mod refused;
mod status;
mod tree;
