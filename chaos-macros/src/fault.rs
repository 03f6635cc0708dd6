//! Faults: `latency(redis, 200ms, jitter = 50ms)`.

use crate::argument::{self, Argument, Units};
use crate::errors::Errors;
use crate::list::{self, at_end};
use crate::value::Value;
use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{Error, Expr, ExprPath, Result, Token, parenthesized, token};

/// What is injected.
pub(crate) enum Fault {
    /// A fault of the catalogue on one of the system's services.
    Call { fault: Ident, service: Ident, arguments: Vec<Argument> },
    /// Whatever else makes a fault.
    Expr(Box<Expr>),
}

const UNITS: Units = |_| &["ms", "%", "KiB", "KiB/s"];

/// Where the fault's own name says what is counted, as in `limit_connections(redis, 5)`.
const COUNTED: Units = |name| if name.is_some() { UNITS(name) } else { &[] };

/// The units that make sense for what is said of a fault.
pub(crate) fn units(fault: &Ident) -> Units {
    if fault == "limit_connections" { COUNTED } else { UNITS }
}

/// Reads all of `input` as faults. One with a bad argument is left out: without the argument, rustc would miss it.
pub(crate) fn read(input: ParseStream<'_>, errors: &mut Errors) -> Vec<Fault> {
    let faults = list::read(input, errors, |input, errors| {
        let before = errors.count();
        let fault = Fault::parse(input, errors)?;
        Ok((errors.count() == before).then_some(fault))
    });
    faults.into_iter().flatten().collect()
}

impl Fault {
    /// Which fault of the catalogue it is, and its service.
    pub(crate) fn call(&self) -> Option<(&Ident, &Ident)> {
        match self {
            Self::Call { fault, service, .. } => Some((fault, service)),
            Self::Expr(_) => None,
        }
    }

    /// Reads a fault up to the next comma.
    fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Result<Self> {
        if !begins_call(input) {
            return input.parse().map(|expr| Self::Expr(Box::new(expr)));
        }
        let fault: Ident = input.parse()?;
        let content;
        parenthesized!(content in input);
        let mut arguments = argument::read(&content, errors, units(&fault));
        let first = arguments.iter().position(|argument| matches!(argument, Argument::Positional(_)));
        let service = match first.map(|first| arguments.remove(first)) {
            Some(Argument::Positional(Value::Expr(expr))) => lone_name(&expr).cloned(),
            _ => None,
        };
        match service {
            Some(service) => Ok(Self::Call { fault, service, arguments }),
            None => Err(Error::new(
                fault.span(),
                format!("`{fault}` names no service: write `{fault}(redis, ...)`"),
            )),
        }
    }
}

/// `expr` as a single name.
pub(crate) fn lone_name(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Path(ExprPath { attrs, qself: None, path }) if attrs.is_empty() => path.get_ident(),
        _ => None,
    }
}

/// A name with parentheses that begin with a service, or with an option, is a fault of the catalogue. Everything else
/// is Rust: a path, a method call, a variable, a function of the user's own.
fn begins_call(input: ParseStream<'_>) -> bool {
    fn call(ahead: ParseStream<'_>) -> Result<bool> {
        ahead.parse::<Ident>()?;
        let content;
        parenthesized!(content in ahead);
        let named = argument::is_named(&content);
        let lone = content.parse::<Ident>().is_ok() && at_end(&content);
        // What is left over is read by the caller; here it must not count as unexpected.
        while content.parse::<proc_macro2::TokenTree>().is_ok() {}
        Ok((named || lone) && at_end(ahead))
    }
    let is_call = input.peek(syn::Ident) && input.peek2(token::Paren) && !input.peek2(Token![::]);
    is_call && call(&input.fork()).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse::Parser;

    fn fault(text: &str) -> (Result<Fault>, Vec<String>) {
        let mut errors = Errors::default();
        let fault = (|input: ParseStream<'_>| Fault::parse(input, &mut errors)).parse_str(text);
        (fault, errors.messages())
    }

    #[test]
    fn the_first_argument_is_the_service() {
        for text in ["latency(redis, 200ms, jitter = 50ms)", "latency(jitter = 50ms, redis, 200ms)"] {
            let (Ok(Fault::Call { fault, service, arguments }), errors) = fault(text) else {
                panic!("{text}")
            };
            assert_eq!((fault.to_string(), service.to_string()), ("latency".into(), "redis".into()));
            assert_eq!((arguments.len(), errors.len()), (2, 0));
        }
    }

    #[test]
    fn anything_else_is_rust() {
        for text in
            ["fault::kill(\"redis\")", "mine()", "mine(\"redis\")", "kill(redis).into()", "SLOW", "mine(a.b)"]
        {
            assert!(matches!(fault(text), (Ok(Fault::Expr(_)), errors) if errors.is_empty()), "{text}");
        }
    }

    #[test]
    fn a_number_needs_no_unit_where_the_fault_says_what_is_counted() {
        let (_, errors) = fault("limit_connections(redis, 5)");
        assert!(errors.is_empty(), "{errors:?}");
        let (_, errors) = fault("limit_connections(redis, 5, wait = 100)");
        assert!(errors[0].starts_with("`100` of what?"), "{errors:?}");
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(fault("latency(jitter = 50ms)").0.err().unwrap().to_string().contains("names no service"));
        let (_, errors) = fault("latency(redis, 200)");
        assert_eq!(errors, ["`200` of what? write `200ms`, `200KiB` or `200KiB/s`"]);
    }
}
