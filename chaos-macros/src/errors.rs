//! The errors of one expansion, collected so that all of them are reported together.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use std::fmt::Display;

/// Where every part of an expansion reports what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Reports `message` at `span`.
    pub(crate) fn push(&mut self, span: Span, message: impl Display) {
        self.0.push(syn::Error::new(span, message));
    }

    /// Reports an error of the parser.
    pub(crate) fn add(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    /// How many there are: a part that compares this before and after knows whether it failed itself.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One `compile_error!` each. They go last: before the item they would confuse editors. And they go inside a
    /// constant: directly in a module they keep rustc from reporting names that it cannot find there.
    pub(crate) fn into_tokens(self) -> TokenStream {
        if self.0.is_empty() {
            return TokenStream::new();
        }
        let errors = self.0.iter().map(syn::Error::to_compile_error);
        quote! { const _: () = { #(#errors)* }; }
    }

    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}
