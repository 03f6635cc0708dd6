//! `#[system]`: a function that makes the system, and a type that holds the names of its services.

use super::{Crate, companion, doc_hidden, hidden_name, source};
use crate::errors::Errors;
use crate::signature::Function;
use crate::suggest;
use crate::system::{Service, SystemAttribute};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Pat, PatType};

pub(super) fn expand(input: ParseStream<'_>, function: &Function, errors: &mut Errors) -> TokenStream {
    let attribute = SystemAttribute::parse(input, errors);
    let before = errors.count();
    function.check("Result<Shop>", errors);
    let taken = taken(function, &attribute.services, errors);
    let callable = errors.count() == before;
    let krate = Crate::new(attribute.krate.as_ref());
    let names = names(function, &attribute.services, &krate);
    let system = system(function, &attribute, callable.then_some(taken), &krate);
    quote! { #function #names #system }
}

/// A parameter of the function: the service it is given, and where its type is written.
struct Taken {
    service: Literal,
    type_span: Span,
}

/// Each parameter is the service of its name.
fn taken(function: &Function, services: &[Service], errors: &mut Errors) -> Vec<Taken> {
    let mut taken = Vec::new();
    for PatType { pat, ty, .. } in function.parameters() {
        let Pat::Ident(parameter) = &**pat else {
            errors.push(pat.span(), "a service is taken by its name: write `redis: Service`");
            continue;
        };
        let name = &parameter.ident;
        let declared = || services.iter().map(|service| service.name.unraw().to_string());
        let text = name.unraw().to_string();
        if declared().any(|service| service == text) {
            taken.push(Taken { service: string(name), type_span: ty.span() });
        } else {
            let declared: Vec<_> = declared().collect();
            let advice = if declared.is_empty() {
                format!("it has none; write `#[system({text} = container(\"image\", port = 80))]`")
            } else {
                suggest::advice(&text, declared.iter().map(String::as_str))
            };
            errors.push(name.span(), format!("the system has no service `{text}`: {advice}"));
        }
    }
    taken
}

/// The type whose constants are the services' names: a misspelt one is rustc's own error.
fn names(function: &Function, services: &[Service], krate: &Crate) -> TokenStream {
    let visibility = &function.visibility;
    let companion = companion(function.name());
    let hidden = doc_hidden(companion.span());
    let names = services.iter().map(|Service { name, .. }| {
        let path = krate.at(name.span());
        let text = string(name);
        quote_spanned! {name.span()=>
            #visibility const #name: #path::ServiceName = #path::ServiceName::from_static(#text);
        }
    });
    quote_spanned! {companion.span()=>
        #hidden
        #[allow(dead_code, non_camel_case_types, unnameable_types, unreachable_pub)]
        #visibility struct #companion {}
        #[allow(dead_code, non_upper_case_globals, unreachable_pub, unused_qualifications)]
        impl #companion {
            #(#names)*
        }
    }
}

/// The function that makes the system. Without `taken` the user's function cannot be called, and it is left out.
fn system(
    function: &Function,
    attribute: &SystemAttribute,
    taken: Option<Vec<Taken>>,
    krate: &Crate,
) -> TokenStream {
    let SystemAttribute { services, stop, .. } = attribute;
    let name = function.name();
    let span = name.span();
    let path = krate.at(span);
    let visibility = &function.visibility;
    let companion = companion(name);
    let hidden = doc_hidden(span);
    let text = string(name);
    let services = services.iter().filter_map(|Service { name, source }| {
        let text = string(name);
        let source = source::expand(source.as_ref()?, &companion, krate);
        Some(quote_spanned! {name.span()=> .service(#text, #source) })
    });
    let (output, start) = match taken.zip(function.output()) {
        Some((taken, output)) => {
            let span = output.span();
            let path = krate.at(span);
            (
                quote_spanned! {span=> <#output as #path::__private::Outcome>::Value },
                start(name, &taken, span, krate),
            )
        }
        None => (
            quote! { () },
            quote_spanned! {span=> .start(|_| async { ::core::result::Result::Ok::<(), #path::BoxError>(()) }) },
        ),
    };
    let stop = stop.as_ref().map(|(word, stop)| quote_spanned! {word.span()=> .#word(#stop) });
    quote_spanned! {span=>
        #hidden
        #[allow(dead_code, non_snake_case, private_interfaces, unused_qualifications, unreachable_pub, clippy::pedantic, clippy::zero_prefixed_literal)]
        #visibility fn #companion() -> #path::System<#output> {
            #path::System::new(#text)#(#services)*#start #stop
        }
    }
}

fn start(name: &Ident, taken: &[Taken], output: Span, krate: &Crate) -> TokenStream {
    let services = if taken.is_empty() { "_services" } else { "services" };
    let arguments = taken.iter().map(|Taken { service, type_span }| {
        let services = hidden_name(services, *type_span);
        quote_spanned! {*type_span=> #services.get(#service)? }
    });
    let services = hidden_name(services, output);
    let path = krate.at(output);
    let call = quote_spanned! {name.span()=> #name(#(#arguments),*) };
    quote_spanned! {output=>
        .start(|#services| async move { #path::__private::Outcome::into_result(#call.await) })
    }
}

fn string(name: &Ident) -> Literal {
    let mut literal = Literal::string(&name.unraw().to_string());
    literal.set_span(name.span());
    literal
}
