//! What `#[system(...)]` says.

use crate::errors::Errors;
use crate::list;
use crate::source::Source;
use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Expr, Path, Result, Token};

/// The services of a system, and how it is stopped.
#[derive(Default)]
pub(crate) struct SystemAttribute {
    pub(crate) services: Vec<Service>,
    /// The word `stop`, and what is called.
    pub(crate) stop: Option<(Ident, Expr)>,
    pub(crate) krate: Option<Path>,
}

/// A service and what provides it.
pub(crate) struct Service {
    pub(crate) name: Ident,
    /// None where it could not be read: its name still means something.
    pub(crate) source: Option<Source>,
}

enum Entry {
    Service(Service),
    Stop(Ident, Expr),
    Crate(Path),
}

impl Entry {
    fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Result<Self> {
        let name = input.call(Ident::parse_any)?;
        if !input.peek(Token![=]) {
            let advice = format!("write `{name} = container(\"image\", port = 80)`");
            errors.push(name.span(), format!("`{name}` has no source: {advice}"));
            list::skip_element(input);
            return Ok(Self::Service(Service { name, source: None }));
        }
        input.parse::<Token![=]>()?;
        if name == "crate" {
            return input.call(Path::parse_mod_style).map(Self::Crate);
        }
        if name == "stop" {
            return Ok(Self::Stop(name, input.parse()?));
        }
        let source = Source::parse(input, errors).map_err(|error| errors.add(error)).ok();
        if source.is_none() {
            list::skip_element(input);
        }
        Ok(Self::Service(Service { name, source }))
    }
}

impl SystemAttribute {
    /// Reads the whole attribute.
    pub(crate) fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Self {
        let mut attribute = Self::default();
        for entry in list::read(input, errors, Entry::parse) {
            match entry {
                Entry::Service(service) => {
                    if attribute.services.iter().any(|other| other.name == service.name) {
                        let name = &service.name;
                        errors.push(name.span(), format!("the service `{name}` is given twice"));
                    } else {
                        attribute.services.push(service);
                    }
                }
                Entry::Stop(word, stop) => {
                    if attribute.stop.is_some() {
                        errors.push(word.span(), "`stop` is given twice");
                    }
                    attribute.stop = Some((word, stop));
                }
                Entry::Crate(path) => attribute.krate = Some(path),
            }
        }
        attribute
    }
}
