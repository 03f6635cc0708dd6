//! Clauses as calls of the builder's methods.

use super::{Crate, stages, value};
use crate::experiment::{Body, Clause, OptionsOf};
use crate::fault::Fault;
use crate::threshold::{Comparison, Point, Side, Threshold};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;

/// The method call that `clause` stands for. `services` is the type that holds the services' names; without it, faults
/// on services are left out.
pub(super) fn expand(clause: &Clause, services: Option<&Ident>, krate: &Crate) -> TokenStream {
    let Clause { name, body } = clause;
    let span = name.span();
    let argument = match body {
        Body::Flag => TokenStream::new(),
        Body::Value(given) => value::value(given, krate),
        Body::Options { of, arguments } => {
            let krate_path = krate.at(span);
            let (_, options) = value::call(arguments, krate);
            match of {
                OptionsOf::Load => quote_spanned! {span=> #krate_path::Load::new()#options },
                OptionsOf::Recover => {
                    quote_spanned! {span=> #krate_path::experiment::Recover::new()#options }
                }
            }
        }
        Body::Thresholds(thresholds) => {
            let thresholds = thresholds.iter().map(|given| threshold(given, krate));
            quote_spanned! {span=> [#(#thresholds),*] }
        }
        Body::Faults(faults) => {
            let faults = faults.iter().filter_map(|given| fault(given, services, krate));
            quote_spanned! {span=> [#(#faults),*] }
        }
        Body::Stages(steps) => stages::stages(steps, span, services, krate),
    };
    quote_spanned! {span=> .#name(#argument) }
}

fn threshold(threshold: &Threshold, krate: &Crate) -> TokenStream {
    let Comparison { metric, point, side, operator, bound } = match threshold {
        Threshold::Expr(expr) => return expr.to_token_stream(),
        Threshold::Comparison(comparison) => comparison,
    };
    let path = krate.at(metric.span());
    let point = point.as_ref().map(|Point { digits, places, span }| {
        let [digits, places] = [digits, places].map(|number| {
            let mut literal = Literal::u32_unsuffixed(*number);
            literal.set_span(*span);
            literal
        });
        quote_spanned! {*span=> .point(#digits, #places) }
    });
    let side = match side {
        Side::Below => Ident::new("below", *operator),
        Side::Above => Ident::new("above", *operator),
    };
    let bound = value::value(bound, krate);
    quote_spanned! {metric.span()=> #path::metric::#metric()#point.#side(#bound) }
}

fn fault(fault: &Fault, services: Option<&Ident>, krate: &Crate) -> Option<TokenStream> {
    Some(match fault {
        Fault::Expr(expr) => {
            let path = krate.at(expr.span());
            quote_spanned! {expr.span()=> #path::Fault::from(#expr) }
        }
        Fault::Call { fault, service, arguments } => {
            let span = fault.span();
            let path = krate.at(span);
            let services = Ident::new(&services?.to_string(), service.span());
            let (positional, options) = value::call(arguments, krate);
            quote_spanned! {span=>
                #path::Fault::from(#path::fault::#fault(#services::#service #(, #positional)*)#options)
            }
        }
    })
}
