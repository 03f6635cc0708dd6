//! Sources as calls of the builder in `chaos_harness::system`.

use super::{Crate, value};
use crate::argument::Argument;
use crate::fault::lone_name;
use crate::source::{Link, Source};
use crate::value::Value;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Expr, ExprLit, Lit};

/// The expression that makes `source`. `services` is the type that holds the services' names.
pub(super) fn expand(source: &Source, services: &Ident, krate: &Crate) -> TokenStream {
    let (kind, arguments, chain) = match source {
        Source::Expr(expr) => return expr.to_token_stream(),
        Source::Call { kind, arguments, chain } => (kind, arguments, chain),
    };
    let span = kind.span();
    let path = krate.at(span);
    let (positional, options) = call(arguments, services, krate);
    let built = if kind == "cargo_bin" { built(arguments) } else { TokenStream::new() };
    let links = chain.iter().map(|link| match link {
        Link::Or { method, source } => {
            let source = expand(source, services, krate);
            quote_spanned! {method.span()=> .#method(#source) }
        }
        Link::Method { method, arguments } => {
            let (positional, options) = call(arguments, services, krate);
            quote_spanned! {method.span()=> .#method(#(#positional),*)#options }
        }
    });
    quote_spanned! {span=> #path::system::#kind(#(#positional),*)#built #options #(#links)* }
}

fn call(arguments: &[Argument], services: &Ident, krate: &Crate) -> (Vec<TokenStream>, TokenStream) {
    let mut positional = Vec::new();
    let mut options = TokenStream::new();
    for argument in arguments {
        match argument {
            Argument::Positional(given) => positional.push(value::value(given, krate)),
            Argument::Named { name, value } => {
                let given = option(name, value, services, krate);
                options.extend(quote_spanned! {name.span()=> .#name(#given) });
            }
        }
    }
    (positional, options)
}

/// Two options have words of their own: `after = redis` names a service, `ready = http("/health")` a kind of readiness.
fn option(name: &Ident, given: &Value, services: &Ident, krate: &Crate) -> TokenStream {
    if let Value::Expr(expr) = given {
        if name == "after"
            && let Some(service) = lone_name(expr)
        {
            let services = Ident::new(&services.to_string(), service.span());
            return quote_spanned! {service.span()=> #services::#service };
        }
        if name == "ready"
            && let Expr::Call(call) = &**expr
            && let Some(kind) = lone_name(&call.func)
        {
            let path = krate.at(kind.span());
            let arguments = &call.args;
            return quote_spanned! {kind.span()=> #path::system::Ready::#kind(#arguments) };
        }
    }
    value::value(given, krate)
}

/// Cargo tells only the test's own compilation where the binaries of its package are.
fn built(arguments: &[Argument]) -> TokenStream {
    let binary = arguments.iter().find_map(|argument| match argument {
        Argument::Positional(Value::Expr(expr)) => match &**expr {
            Expr::Lit(ExprLit { lit: Lit::Str(binary), .. }) => Some(binary),
            _ => None,
        },
        _ => None,
    });
    let Some(binary) = binary else { return TokenStream::new() };
    let mut variable = Literal::string(&format!("CARGO_BIN_EXE_{}", binary.value()));
    variable.set_span(binary.span());
    quote_spanned! {binary.span()=> .built(::core::option_env!(#variable)) }
}
