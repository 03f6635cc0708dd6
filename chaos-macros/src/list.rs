//! Comma-separated lists in which one bad element does not hide the others.

use crate::errors::Errors;
use proc_macro2::TokenTree;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Result, Token};

/// Whether an element ends here.
pub(crate) fn at_end(input: ParseStream<'_>) -> bool {
    input.is_empty() || input.peek(Token![,])
}

/// Reads all of `input` as elements between commas. What is wrong with an element is reported, and the next one is
/// read from its own beginning.
pub(crate) fn read<T>(
    input: ParseStream<'_>,
    errors: &mut Errors,
    mut element: impl FnMut(ParseStream<'_>, &mut Errors) -> Result<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    while !input.is_empty() {
        let attempt = input.fork();
        let result = element(&attempt, errors).and_then(|element| {
            if at_end(&attempt) { Ok(element) } else { Err(attempt.error("expected `,`")) }
        });
        match result {
            Ok(element) => {
                input.advance_to(&attempt);
                found.push(element);
            }
            Err(error) => {
                errors.add(error);
                skip_element(input);
            }
        }
        // Never fails: each branch above stops at a comma or at the end.
        if input.peek(Token![,]) && input.parse::<Token![,]>().is_err() {
            break;
        }
    }
    found
}

/// Passes over the rest of an element.
pub(crate) fn skip_element(input: ParseStream<'_>) {
    while !at_end(input) && input.parse::<TokenTree>().is_ok() {}
}
