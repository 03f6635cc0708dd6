//! Values as typed constants, located at the user's literal: a wrong unit is a type mismatch there.

use super::Crate;
use crate::argument::Argument;
use crate::literal::Quantity;
use crate::value::Value;
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};

/// The expression that `value` stands for.
pub(super) fn value(value: &Value, krate: &Crate) -> TokenStream {
    match value {
        Value::Quantity { quantity, span } => amount(*quantity, *span, krate),
        Value::Relative { quantity, span, of, measured } => {
            let amount = amount(*quantity, *span, krate);
            let path = krate.at(measured.span());
            quote_spanned! {*span=> #amount.#of(#path::metric::#measured()) }
        }
        Value::Number { number } => number.to_token_stream(),
        Value::Expr(expr) => expr.to_token_stream(),
    }
}

/// What is called with `arguments`: the positional ones in parentheses, then a method for each named one.
pub(super) fn call(arguments: &[Argument], krate: &Crate) -> (Vec<TokenStream>, TokenStream) {
    let mut positional = Vec::new();
    let mut options = TokenStream::new();
    for argument in arguments {
        match argument {
            Argument::Positional(given) => positional.push(value(given, krate)),
            Argument::Named { name, value: given } => {
                let given = value(given, krate);
                options.extend(quote_spanned! {name.span()=> .#name(#given) });
            }
        }
    }
    (positional, options)
}

fn amount(quantity: Quantity, span: Span, krate: &Crate) -> TokenStream {
    let krate = krate.at(span);
    let number = |steps: u64| {
        let mut literal = Literal::u64_unsuffixed(steps);
        literal.set_span(span);
        literal
    };
    match quantity {
        Quantity::Nanoseconds(nanoseconds) => {
            let (constructor, steps) = duration(nanoseconds);
            let constructor = Ident::new(constructor, span);
            let steps = number(steps);
            quote_spanned! {span=> ::core::time::Duration::#constructor(#steps) }
        }
        Quantity::PartsPerMillion(steps) => {
            let steps = number(steps.into());
            quote_spanned! {span=> #krate::Percent::from_ppm(#steps) }
        }
        Quantity::PerThousandSeconds(steps) => {
            let steps = number(steps);
            quote_spanned! {span=> #krate::Rate::per_thousand_seconds(#steps) }
        }
        Quantity::Bytes(steps) => {
            let steps = number(steps);
            quote_spanned! {span=> #krate::Bytes::new(#steps) }
        }
        Quantity::BytesPerSecond(steps) => {
            let steps = number(steps);
            quote_spanned! {span=> #krate::Bytes::new(#steps).per_second() }
        }
        Quantity::Factor(steps) => {
            let steps = number(steps);
            quote_spanned! {span=> #krate::Factor::from_ppm(#steps) }
        }
    }
}

/// The largest unit that a duration is a whole number of, as one would write it by hand.
fn duration(nanoseconds: u64) -> (&'static str, u64) {
    let units = [("from_secs", 1_000_000_000), ("from_millis", 1_000_000), ("from_micros", 1_000)];
    let fits = units.iter().find(|(_, unit)| nanoseconds.is_multiple_of(*unit));
    fits.map_or(("from_nanos", nanoseconds), |(constructor, unit)| (constructor, nanoseconds / unit))
}
