//! Sources of services: `container("redis:7", port = 6379).or(process("redis-server --port {port}"))`.

use crate::argument::{self, Argument, Units};
use crate::errors::Errors;
use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{Expr, Result, Token, parenthesized, token};

/// What provides a service.
pub(crate) enum Source {
    /// A kind of source, and what is chained to it.
    Call { kind: Ident, arguments: Vec<Argument>, chain: Vec<Link> },
    /// Whatever else makes a source.
    Expr(Box<Expr>),
}

/// A method called on a source.
pub(crate) enum Link {
    /// `.or(process(..))`
    Or { method: Ident, source: Box<Source> },
    /// A builder method called as in Rust: `.replicas(3)`.
    Method { method: Ident, arguments: Vec<Argument> },
}

const UNITS: Units = |name| match name {
    Some(name) if name == "ready_within" => &["s", "ms"],
    _ => &[],
};

impl Source {
    /// Reads a source up to the next comma.
    pub(crate) fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Result<Self> {
        if !(input.peek(syn::Ident) && input.peek2(token::Paren)) {
            return input.parse().map(|expr| Self::Expr(Box::new(expr)));
        }
        let kind = input.parse()?;
        let content;
        parenthesized!(content in input);
        let arguments = argument::read(&content, errors, UNITS);
        let mut chain = Vec::new();
        while input.parse::<Option<Token![.]>>()?.is_some() {
            chain.push(Link::parse(input, errors)?);
        }
        Ok(Self::Call { kind, arguments, chain })
    }
}

impl Link {
    fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Result<Self> {
        let method: Ident = input.parse()?;
        let content;
        parenthesized!(content in input);
        if method != "or" {
            return Ok(Self::Method { arguments: argument::read(&content, errors, UNITS), method });
        }
        let source = Box::new(Source::parse(&content, errors)?);
        content.parse::<Option<Token![,]>>()?;
        if content.is_empty() { Ok(Self::Or { method, source }) } else { Err(content.error("expected `)`")) }
    }
}
