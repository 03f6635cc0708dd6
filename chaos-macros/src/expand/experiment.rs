//! `#[chaos_test]`: a function that makes the experiment, its entry in the registry, and an ordinary `#[test]`.

use super::{Crate, clause, companion, doc_hidden, hidden_name};
use crate::digest::digest;
use crate::errors::Errors;
use crate::experiment::ExperimentAttribute;
use crate::signature::Function;
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Meta, MetaNameValue, Path, Type};

pub(super) fn expand(input: ParseStream<'_>, mut function: Function, errors: &mut Errors) -> TokenStream {
    let attribute = ExperimentAttribute::parse(input, Span::call_site(), errors);
    let krate = Crate::new(attribute.krate.as_ref());
    let operation = operation(&function, &krate, errors);
    let ignore = function.take_attributes(|attribute| attribute.path().is_ident("ignore"));

    let experiment = experiment(&function, &attribute, operation, &ignore, &krate);
    // What is wrong is not run: the experiment is emitted only so that rustc sees the clauses that are right.
    let run = if errors.is_empty() { run(&function, &ignore, &krate) } else { TokenStream::new() };
    quote! { #function #experiment #run }
}

/// The type of the one parameter, if there is one.
fn parameter<'a>(function: &'a Function, errors: &mut Errors) -> Option<&'a Type> {
    let mut parameters = function.parameters();
    let first = parameters.next();
    for more in parameters {
        let name = function.name();
        let message =
            format!("`{name}` takes what the system built, by reference, or nothing: write `shop: &Shop`");
        errors.push(more.span(), message);
    }
    first.map(|parameter| &*parameter.ty)
}

fn experiment(
    function: &Function,
    attribute: &ExperimentAttribute,
    operation: Option<TokenStream>,
    ignore: &[Attribute],
    krate: &Crate,
) -> TokenStream {
    let name = function.name();
    let span = name.span();
    let path = krate.at(span);
    let hidden = doc_hidden(span);
    let define = define(name);
    let text = name.unraw().to_string();
    let system = attribute.system.as_ref().map(|(word, system)| import(word, system));
    let made = match (&attribute.system, operation) {
        (Some((word, _)), Some(operation)) => quote_spanned! {span=>
            #path::Experiment::new(
                #path::__private::experiment_name(::core::module_path!(), #text), #word, #operation
            )
        },
        (Some((word, _)), None) => quote_spanned! {span=> #path::__private::unfinished(#word) },
        (None, _) => quote_spanned! {span=> #path::__private::unfinished(()) },
    };
    let body = body(function, span);
    let ignored = ignore.iter().map(|attribute| {
        let reason = reason(attribute);
        quote_spanned! {attribute.span()=> .ignored(#reason) }
    });
    let services = attribute
        .system
        .as_ref()
        .and_then(|(_, system)| system.segments.last())
        .map(|last| imported(&last.ident));
    let clauses = attribute.clauses.iter().map(|given| clause::expand(given, services.as_ref(), krate));
    // The attribute's line, not that of the function's name.
    let line = quote! { ::core::line!() };
    quote_spanned! {span=>
        #hidden
        #[allow(non_snake_case, dead_code, unused_qualifications, clippy::pedantic, clippy::useless_conversion, clippy::zero_prefixed_literal)]
        fn #define() -> #path::Experiment {
            #system
            #made
                .location(#path::__private::location(
                    ::core::module_path!(), ::core::option_env!("CARGO_PKG_NAME"), ::core::file!(), #line
                ))
                .body(#path::__private::digest(#body))
                #(#ignored)*
                #(#clauses)*
        }
    }
}

/// The digest of the function's body, in base 16.
fn body(function: &Function, span: Span) -> Literal {
    let digest = digest(&function.body);
    // Written as it is shown elsewhere.
    let literal = format!("0x{digest:032x}").parse();
    let mut literal = literal.unwrap_or_else(|_| Literal::u128_unsuffixed(digest));
    literal.set_span(span);
    literal
}

/// Imports what `#[system]` made beside its function, and makes the system. Both names are in one `use`, so that a
/// misspelt system is one error.
fn import(word: &Ident, system: &Path) -> TokenStream {
    let mut prefix = system.clone();
    let Some(function) = prefix.segments.pop().map(|last| last.ident) else {
        return TokenStream::new();
    };
    let span = function.span();
    // A crate may have the name of the function: a name alone is one of this module.
    let prefix = match (&prefix.leading_colon, &prefix.segments) {
        (None, segments) if segments.is_empty() => quote_spanned! {span=> self:: },
        (leading, segments) => quote! { #leading #segments },
    };
    let companion = companion(&function);
    let imported = imported(&function);
    quote_spanned! {span=>
        #[allow(unused_imports)]
        use #prefix {#function as _, #companion as #imported};
        let #word = #imported();
    }
}

/// What the companion of the system's function is called in the expansion.
fn imported(function: &Ident) -> Ident {
    Ident::new("__system", function.span())
}

/// The closure that calls the function, unless it cannot be called.
fn operation(function: &Function, krate: &Crate, errors: &mut Errors) -> Option<TokenStream> {
    let before = errors.count();
    function.check("Result<()>", errors);
    let parameter = parameter(function, errors);
    if errors.count() > before {
        return None;
    }
    let name = function.name();
    let value = match &parameter {
        Some(parameter) => hidden_name("value", parameter.span()),
        None => hidden_name("_value", name.span()),
    };
    let argument = parameter.map(|parameter| quote_spanned! {parameter.span()=> &*#value });
    let call = quote_spanned! {name.span()=> #name(#argument) };
    let output = function.output()?.span();
    let path = krate.at(output);
    Some(
        quote_spanned! {output=> |#value| async move { #path::__private::Outcome::into_result(#call.await) } },
    )
}

/// The reason that `#[ignore]` gives.
fn reason(ignore: &Attribute) -> TokenStream {
    if let Meta::NameValue(MetaNameValue { value: Expr::Lit(reason), .. }) = &ignore.meta {
        return reason.to_token_stream();
    }
    quote_spanned! {ignore.span()=> "marked `#[ignore]`" }
}

/// The entry in the registry, for a target with `harness = false`, and the test, for one without: an attribute cannot
/// know which it is in. Paths are said at the function's own scope, where a relative `crate = path` means something.
fn run(function: &Function, ignore: &[Attribute], krate: &Crate) -> TokenStream {
    let name = function.name();
    let span = name.span();
    let path = krate.at(span);
    let hidden = doc_hidden(span);
    let define = define(name);
    let run = format_ident!("{name}__run", span = span);
    let tests = format_ident!("{name}__chaos", span = span);
    quote_spanned! {span=>
        #path::__private::inventory::submit! {
            #path::__private::Registration { define: #define }
        }
        #[cfg(test)]
        #hidden
        #[allow(non_snake_case, dead_code, unused_qualifications)]
        fn #run(test: &str) {
            #path::__private::run_as_test(#define, test);
        }
        #[cfg(test)]
        #hidden
        #[allow(non_snake_case, unused_qualifications)]
        mod #tests {
            #[::core::prelude::v1::test]
            #(#ignore)*
            fn earned_stage() {
                super::#run(::core::concat!(::core::module_path!(), "::earned_stage"));
            }
        }
    }
}

fn define(name: &Ident) -> Ident {
    format_ident!("{name}__experiment", span = name.span())
}
