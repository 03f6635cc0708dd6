//! The attribute macros of `chaos-harness`: use them through that crate, where they are documented.
//!
//! They parse, check what rustc cannot, and expand to the public builder API. Every token of the user is emitted where
//! it means something, so that rustc checks the rest and editors understand it.
//!
//! `#[chaos_test]` also digests the tokens of the function's body, in one way for all versions of rustc, so that the proof of an
//! experiment whose body has changed can be told from that of one that was only laid out anew.
#![forbid(unsafe_code)]

mod argument;
mod digest;
mod errors;
mod expand;
mod experiment;
mod fault;
mod growth;
mod list;
mod literal;
mod magnitude;
mod signature;
mod source;
mod stage;
mod suggest;
mod system;
mod threshold;
mod value;

use proc_macro::TokenStream;

/// Turns an async function into a chaos experiment. See `chaos_harness::chaos_test`.
#[proc_macro_attribute]
pub fn chaos_test(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::chaos_test(attribute.into(), item.into()).into()
}

/// Says which services a system has and what is built on them. See `chaos_harness::system`.
#[proc_macro_attribute]
pub fn system(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::system(attribute.into(), item.into()).into()
}
