//! Stages of the blast-radius ladder: `5%`, `1 instance`, `stage(half, 50%)`.

use crate::errors::Errors;
use crate::list::at_end;
use crate::literal::{Number, Quantity};
use crate::suggest;
use crate::value::Value;
use proc_macro2::{Ident, Literal, Span};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Error, Expr, LitStr, Result, Token, parenthesized, token};

/// One step of the ladder.
pub(crate) struct Stage {
    pub(crate) name: Option<Name>,
    pub(crate) scope: Scope,
}

/// The name of a stage, as a string.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// How much a stage touches.
pub(crate) enum Scope {
    Share {
        value: Value,
    },
    Instances {
        count: Literal,
        keyword: Ident,
    },
    /// A whole stage that the user made.
    Expr(Box<Expr>),
}

impl Stage {
    /// Reads a stage up to the next comma.
    pub(crate) fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !(input.peek(syn::Ident) && input.peek2(token::Paren)) {
            return Ok(Self { name: None, scope: Scope::parse(input)? });
        }
        let ahead = input.fork();
        if ahead.parse::<Ident>()? != "stage" {
            return input.parse().map(|expr| Self { name: None, scope: Scope::Expr(Box::new(expr)) });
        }
        input.parse::<Ident>()?;
        let content;
        parenthesized!(content in input);
        let name = Name::parse(&content)?;
        content.parse::<Token![,]>()?;
        let scope = Scope::parse(&content)?;
        content.parse::<Option<Token![,]>>()?;
        if !content.is_empty() {
            return Err(content.error("a stage has a name and a scope: `stage(half, 50%)`"));
        }
        Ok(Self { name: Some(name), scope })
    }
}

impl Name {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            return Ok(Self { text: literal.value(), span: literal.span() });
        }
        let name = input
            .call(Ident::parse_any)
            .map_err(|error| Error::new(error.span(), "a stage begins with its name: `stage(half, 50%)`"))?;
        Ok(Self { text: name.unraw().to_string(), span: name.span() })
    }
}

impl Scope {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(syn::Lit) && input.peek2(syn::Ident) {
            let count: Literal = input.parse()?;
            let keyword: Ident = input.parse()?;
            let whole = Number::read(&count).is_some_and(|number| number.is_bare());
            return if whole && (keyword == "instance" || keyword == "instances") {
                Ok(Self::Instances { count, keyword })
            } else {
                let advice = suggest::advice(&keyword.to_string(), ["instance", "instances"]);
                Err(Error::new(keyword.span(), format!("`{count} {keyword}` is no scope: {advice}")))
            };
        }
        match Value::parse(input)? {
            Value::Number { number } => Err(Error::new(
                number.span(),
                format!("`{number}` of what? write `{number}%` or `{number} {}`", plural(&number)),
            )),
            Value::Expr(expr) => Ok(Self::Expr(expr)),
            value if at_end(input) => Ok(Self::Share { value }),
            _ => Err(input.error("expected `,`")),
        }
    }

    /// What can be compared where it is a literal: instances with instances, shares with shares.
    fn size(&self) -> Option<Size> {
        match self {
            Self::Share { value: Value::Quantity { quantity: Quantity::PartsPerMillion(ppm), span } } => {
                Some(Size { of: SizeOf::Share, amount: u64::from(*ppm), span: *span })
            }
            Self::Instances { count, .. } => {
                let amount = count.to_string().parse().ok()?;
                Some(Size { of: SizeOf::Instances, amount, span: count.span() })
            }
            Self::Share { .. } | Self::Expr(_) => None,
        }
    }
}

fn plural(number: &Literal) -> &'static str {
    if number.to_string() == "1" { "instance" } else { "instances" }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SizeOf {
    Share,
    Instances,
}

#[derive(Debug, Clone, Copy)]
struct Size {
    of: SizeOf,
    amount: u64,
    span: Span,
}

impl SizeOf {
    fn show(self, amount: u64) -> String {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "parts per million, at most a million of them")]
            Self::Share => format!("{}%", amount as f64 / 10_000.0),
            Self::Instances if amount == 1 => "1 instance".to_owned(),
            Self::Instances => format!("{amount} instances"),
        }
    }
}

/// Reports each stage that is not larger than the one of its kind before it, and each that touches nothing.
pub(crate) fn check_growth(stages: &[Stage], errors: &mut Errors) {
    for kind in [SizeOf::Share, SizeOf::Instances] {
        let sizes = stages.iter().filter_map(|stage| stage.scope.size()).filter(|size| size.of == kind);
        let mut largest = None;
        for Size { amount, span, .. } in sizes {
            match largest {
                _ if amount == 0 => {
                    errors.push(span, format!("a stage of `{}` touches nothing", kind.show(0)));
                }
                Some(before) if amount <= before => errors.push(
                    span,
                    format!(
                        "stages must grow, but `{}` comes after `{}`",
                        kind.show(amount),
                        kind.show(before)
                    ),
                ),
                _ => {}
            }
            largest = largest.max(Some(amount));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list;
    use syn::parse::Parser;

    fn stages(text: &str) -> (usize, Vec<String>) {
        let mut errors = Errors::default();
        let read =
            |input: ParseStream<'_>| Ok(list::read(input, &mut errors, |input, _| Stage::parse(input)));
        let stages = read.parse_str(text).unwrap();
        check_growth(&stages, &mut errors);
        (stages.len(), errors.messages())
    }

    #[test]
    fn a_ladder_may_mix_instances_shares_names_and_expressions() {
        let text = "1 instance, 2 instances, 5%, stage(half, 50%), stage(\"all of it\", 100%), Stage::share(LIMIT), LAST";
        assert_eq!(stages(text), (7, vec![]));
    }

    #[test]
    fn a_ladder_that_does_not_grow_is_refused_at_the_step_that_falls() {
        assert_eq!(stages("5%, 20%, 10%").1, ["stages must grow, but `10%` comes after `20%`"]);
        assert_eq!(stages("5%, 5%").1, ["stages must grow, but `5%` comes after `5%`"]);
        assert_eq!(
            stages("3 instances, 1 instance").1,
            ["stages must grow, but `1 instance` comes after `3 instances`"]
        );
        assert_eq!(stages("3 instances, 0.5%").1, Vec::<String>::new());
        assert_eq!(stages("0%, 5%").1, ["a stage of `0%` touches nothing"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(stages("1").1, ["`1` of what? write `1%` or `1 instance`"]);
        assert_eq!(stages("2 instnces").1, ["`2 instnces` is no scope: did you mean `instances`?"]);
        assert_eq!(stages("stage(50%)").1, ["a stage begins with its name: `stage(half, 50%)`"]);
    }
}
