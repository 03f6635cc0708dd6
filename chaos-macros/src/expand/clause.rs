//! Clauses as calls of the builder's methods.

use super::{Crate, value};
use crate::experiment::{Body, Clause, OptionsOf};
use crate::fault::Fault;
use crate::literal::Quantity;
use crate::stage::{Name, Scope, Stage};
use crate::threshold::{Comparison, Point, Side, Threshold};
use crate::value::Value;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
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
        Body::Stages(stages) => {
            let stages = stages.iter().map(|given| stage(given, krate));
            quote_spanned! {span=> [#(#stages),*] }
        }
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

fn stage(stage: &Stage, krate: &Crate) -> TokenStream {
    let Stage { name, scope } = stage;
    let made = match scope {
        Scope::Expr(expr) => expr.to_token_stream(),
        // It was reported: rustc need not find it once more.
        Scope::Share { value: Value::Quantity { quantity: Quantity::PartsPerMillion(0), span } } => {
            let path = krate.at(*span);
            quote_spanned! {*span=> #path::Stage::share(#path::Share::ALL) }
        }
        Scope::Share { value: share } => {
            let path = krate.at(share.span());
            let value = value::value(share, krate);
            quote_spanned! {share.span()=> #path::Stage::share(const { #path::__private::share(#value) }) }
        }
        Scope::Instances { count, keyword } => {
            let path = krate.at(keyword.span());
            let instances = Ident::new("instances", keyword.span());
            quote_spanned! {keyword.span()=> #path::Stage::#instances::<#count>() }
        }
    };
    match name {
        None => made,
        Some(Name { text, span }) => {
            let mut name = Literal::string(text);
            name.set_span(*span);
            let named = quote_spanned! {*span=> .named(#name) };
            quote! { #made #named }
        }
    }
}
