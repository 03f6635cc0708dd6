//! From what is said to code: the item first, unchanged; then what is made of it; errors last.

mod clause;
mod experiment;
mod source;
mod stages;
mod system;
mod value;

#[cfg(test)]
mod tests;

use crate::errors::Errors;
use crate::signature::Function;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Path;
use syn::parse::{ParseStream, Parser};

/// Expands `#[chaos_test]`.
pub(crate) fn chaos_test(attribute: TokenStream, item: TokenStream) -> TokenStream {
    attribute_macro(attribute, item, experiment::expand)
}

/// Expands `#[system]`.
pub(crate) fn system(attribute: TokenStream, item: TokenStream) -> TokenStream {
    attribute_macro(attribute, item, |input, function, errors| system::expand(input, &function, errors))
}

fn attribute_macro(
    attribute: TokenStream,
    item: TokenStream,
    expand: impl FnOnce(ParseStream<'_>, Function, &mut Errors) -> TokenStream,
) -> TokenStream {
    let mut errors = Errors::default();
    let expanded = match syn::parse2::<Function>(item.clone()) {
        Ok(function) => {
            let parser = |input: ParseStream<'_>| Ok(expand(input, function, &mut errors));
            parser.parse2(attribute).unwrap_or_else(|error| {
                errors.add(error);
                item
            })
        }
        Err(error) => {
            errors.add(error);
            item
        }
    };
    let errors = errors.into_tokens();
    quote! { #expanded #errors }
}

/// The path of the `chaos_harness` crate, as the user's code must say it.
struct Crate(Option<TokenStream>);

impl Crate {
    fn new(path: Option<&Path>) -> Self {
        Self(path.map(ToTokens::to_token_stream))
    }

    /// The path located at `span`, so that rustc points there and nowhere else.
    fn at(&self, span: Span) -> TokenStream {
        let Some(path) = self.0.clone() else { return quote_spanned! {span=> ::chaos_harness } };
        let relocate = |mut token: TokenTree| {
            // Names still resolve as where they were written: `$crate` must keep its meaning.
            token.set_span(span.resolved_at(token.span()));
            token
        };
        path.into_iter().map(relocate).collect()
    }
}

/// A name of the expansion's own, that user code cannot see, located at `span`.
fn hidden_name(name: &str, span: Span) -> Ident {
    Ident::new(name, Span::mixed_site().located_at(span))
}

/// The name of what `#[system]` makes beside its function: a function that makes the system, and a type of the same
/// name that holds the names of its services. They live in different namespaces, and one `use` imports both.
fn companion(function: &Ident) -> Ident {
    format_ident!("{function}__system", span = function.span())
}

fn doc_hidden(span: Span) -> TokenStream {
    quote_spanned! {span=> #[doc(hidden)] }
}
