//! The annotated function. Its body is never parsed: half-typed code still expands, and editors stay alive.

use crate::errors::Errors;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Ident, PatType, Result, ReturnType, Signature, Type, Visibility};

/// A function with an opaque body.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        Ok(Self {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: input.parse()?,
        })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attributes, visibility, signature, body } = self;
        for attribute in attributes {
            attribute.to_tokens(tokens);
        }
        visibility.to_tokens(tokens);
        signature.to_tokens(tokens);
        tokens.extend(body.clone());
    }
}

impl Function {
    /// Its name.
    pub(crate) fn name(&self) -> &Ident {
        &self.signature.ident
    }

    /// Its return type.
    pub(crate) fn output(&self) -> Option<&Type> {
        match &self.signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, output) => Some(output),
        }
    }

    /// Its parameters, without `self`.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &PatType> {
        self.signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(parameter) => Some(parameter),
            FnArg::Receiver(_) => None,
        })
    }

    /// Takes the attributes that `belongs` says are another item's.
    pub(crate) fn take_attributes(&mut self, belongs: impl Fn(&Attribute) -> bool) -> Vec<Attribute> {
        let (taken, kept) = std::mem::take(&mut self.attributes).into_iter().partition(belongs);
        self.attributes = kept;
        taken
    }

    /// Reports what keeps it from being called by the harness. `returns` is a return type to write.
    pub(crate) fn check(&self, returns: &str, errors: &mut Errors) {
        let Signature { asyncness, fn_token, ident, generics, inputs, variadic, output, .. } =
            &self.signature;
        if asyncness.is_none() {
            errors.push(fn_token.span, format!("`{ident}` must be async: write `async fn {ident}`"));
        }
        if !generics.params.is_empty() {
            let span = generics.params.span();
            errors.push(span, format!("`{ident}` cannot be generic: the harness calls it with one type"));
        }
        for input in inputs {
            if let FnArg::Receiver(receiver) = input {
                let span = receiver.self_token.span;
                errors.push(span, format!("`{ident}` cannot take `self`: move it out of its `impl`"));
            }
        }
        if let Some(variadic) = variadic {
            errors.push(variadic.dots.spans[0], format!("`{ident}` cannot be variadic"));
        }
        if matches!(output, ReturnType::Default) {
            let span: Span = ident.span();
            errors.push(span, format!("`{ident}` must say whether it succeeded: write `-> {returns}`"));
        }
    }
}
