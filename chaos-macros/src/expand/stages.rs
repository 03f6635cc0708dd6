//! Stages of a ladder.

use super::{Crate, hidden_name, value};
use crate::literal::Quantity;
use crate::magnitude::{Amount, Taken, Target};
use crate::stage::{Name, Risk, RiskValue, Scope, Stage, Step};
use crate::value::Value;
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};

/// The ladder that `steps` are. `services` is the type that holds the services' names; without it, magnitudes are left out.
pub(super) fn stages(steps: &[Step], span: Span, services: Option<&Ident>, krate: &Crate) -> TokenStream {
    let mut parts: Vec<TokenStream> = Vec::new();
    let mut single: Vec<TokenStream> = Vec::new();
    for step in steps {
        let several = match step {
            Step::Stage(given) => {
                single.extend(stage(given, services, krate));
                None
            }
            Step::Ladder(target, amounts) => match amounts.as_slice() {
                [only] => {
                    single.extend(magnitude(target, only, services, krate));
                    None
                }
                several => ladder(target, several, services, krate),
            },
        };
        if let Some(several) = several {
            parts.extend(listed(&mut single, span));
            parts.push(several);
        }
    }
    if parts.is_empty() {
        return quote_spanned! {span=> [#(#single),*] };
    }
    parts.extend(listed(&mut single, span));
    match parts.as_slice() {
        [one] => one.clone(),
        several => quote_spanned! {span=> [#(#several),*].concat() },
    }
}

/// Stages that were said one by one, as a ladder of several has them.
fn listed(single: &mut Vec<TokenStream>, span: Span) -> Option<TokenStream> {
    let single = std::mem::take(single);
    (!single.is_empty()).then(|| quote_spanned! {span=> [#(#single),*].to_vec() })
}

/// A stage for each of these amounts: the fault and its service are said once, as they are written.
fn ladder(
    target: &Target,
    amounts: &[Amount],
    services: Option<&Ident>,
    krate: &Crate,
) -> Option<TokenStream> {
    let first = amounts.first()?;
    let span = target.fault.span();
    let path = krate.at(span);
    // An amount of a wrong unit is a type mismatch here: where there is one, it is the first.
    let amount = hidden_name("value", first.value.span());
    let fault = fault(target, &amount.to_token_stream(), first.value.span(), services?, krate);
    let values = amounts.iter().map(|amount| value::value(&amount.value, krate));
    Some(quote_spanned! {span=> #path::Stage::magnitudes([#(#values),*], |#amount| #fault) })
}

/// A stage that is no more than a magnitude.
fn magnitude(
    target: &Target,
    amount: &Amount,
    services: Option<&Ident>,
    krate: &Crate,
) -> Option<TokenStream> {
    let span = target.fault.span();
    let path = krate.at(span);
    let fault = said(target, amount, services?, krate);
    Some(quote_spanned! {span=> #path::Stage::magnitude(#fault) })
}

/// The fault with the magnitude that is said.
fn said(target: &Target, amount: &Amount, services: &Ident, krate: &Crate) -> TokenStream {
    fault(target, &value::value(&amount.value, krate), amount.value.span(), services, krate)
}

/// The fault with this magnitude, as the catalogue makes it.
fn fault(target: &Target, amount: &TokenStream, at: Span, services: &Ident, krate: &Crate) -> TokenStream {
    let Target { fault, service } = target;
    let span = fault.span();
    let path = krate.at(span);
    let services = Ident::new(&services.to_string(), service.span());
    match target.taken() {
        Taken::Argument => quote_spanned! {span=> #path::fault::#fault(#services::#service, #amount) },
        Taken::FirstOfTwo => {
            quote_spanned! {span=> #path::fault::#fault(#services::#service, #amount, ::core::time::Duration::ZERO) }
        }
        Taken::Option(option) => {
            let option = Ident::new(option, at);
            quote_spanned! {span=> #path::fault::#fault(#services::#service).#option(#amount) }
        }
    }
}

/// One stage, unless what there is of it is wrong.
fn stage(stage: &Stage, services: Option<&Ident>, krate: &Crate) -> Option<TokenStream> {
    let Stage { name, scope, magnitudes, risk } = stage;
    let (mut made, more) = match (scope, magnitudes.as_slice()) {
        (Some(given), magnitudes) => (self::scope(given, krate), magnitudes),
        (None, [(target, amount), more @ ..]) => (magnitude(target, amount, services, krate)?, more),
        (None, []) => return None,
    };
    for (target, amount) in more {
        let span = target.fault.span();
        let fault = said(target, amount, services?, krate);
        made.extend(quote_spanned! {span=> .with(#fault) });
    }
    if let Some(Risk { word, value }) = risk {
        let path = krate.at(word.span());
        let value = match value {
            RiskValue::Word(level) => {
                let levels = Ident::new("risk", level.span());
                quote_spanned! {level.span()=> #path::#levels::#level() }
            }
            RiskValue::Expr(expr) => expr.to_token_stream(),
        };
        made.extend(quote_spanned! {word.span()=> .#word(#value) });
    }
    if let Some(Name { text, span }) = name {
        let mut name = Literal::string(text);
        name.set_span(*span);
        made.extend(quote_spanned! {*span=> .named(#name) });
    }
    Some(made)
}

fn scope(scope: &Scope, krate: &Crate) -> TokenStream {
    match scope {
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
    }
}
