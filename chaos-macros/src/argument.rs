//! Arguments of a clause, a fault or a source: `200ms`, `jitter = 50ms`.

use crate::errors::Errors;
use crate::list;
use crate::value::Value;
use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{Result, Token};

/// One argument. A named one becomes the builder method of that name.
#[derive(Clone)]
pub(crate) enum Argument {
    Positional(Value),
    Named { name: Ident, value: Value },
}

/// Whether `name = ...` stands here, and not `name == ...`.
pub(crate) fn is_named(input: ParseStream<'_>) -> bool {
    input.peek(syn::Ident) && input.peek2(Token![=]) && !input.peek2(Token![==])
}

/// The units that make sense for an argument of this name, none where a bare number does.
pub(crate) type Units = fn(Option<&Ident>) -> &'static [&'static str];

/// Reads all of `input` as arguments.
pub(crate) fn read(input: ParseStream<'_>, errors: &mut Errors, units: Units) -> Vec<Argument> {
    list::read(input, errors, |input, _| {
        let name = if is_named(input) {
            let name: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            Some(name)
        } else {
            None
        };
        let value = value(input, units(name.as_ref()))?;
        Ok(match name {
            Some(name) => Argument::Named { name, value },
            None => Argument::Positional(value),
        })
    })
}

fn value(input: ParseStream<'_>, units: &[&str]) -> Result<Value> {
    let value = Value::parse(input)?;
    if units.is_empty() { Ok(value) } else { value.with_unit(units) }
}
