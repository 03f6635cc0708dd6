//! The values of the grammar: an amount with its unit, a bare number, or any Rust expression.

use crate::list::at_end;
use crate::literal::{Number, Quantity};
use proc_macro2::{Ident, Literal, Span};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::spanned::Spanned;
use syn::{Error, Expr, Result, Token};

/// What stands where a value is expected.
#[derive(Clone)]
pub(crate) enum Value {
    /// `500ms`, `5%`, `200/s`, `64KiB/s`.
    Quantity { quantity: Quantity, span: Span },
    /// `2x baseline`, `90% of baseline`: an amount of something measured.
    Relative { quantity: Quantity, span: Span, of: Ident, measured: Ident },
    /// `10`.
    Number { number: Literal },
    /// Anything else: handed to rustc as it stands.
    Expr(Box<Expr>),
}

impl Value {
    /// Reads a value up to the next comma.
    pub(crate) fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attempt = input.fork();
        if let Some(value) = Self::parse_number(&attempt)? {
            input.advance_to(&attempt);
            return Ok(value);
        }
        let expr = input.parse()?;
        Ok(Self::Expr(Box::new(expr)))
    }

    /// Where it is written.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Quantity { span, .. } | Self::Relative { span, .. } => *span,
            Self::Number { number } => number.span(),
            Self::Expr(expr) => expr.span(),
        }
    }

    /// A bare number is refused where only an amount makes sense: it lacks its unit.
    pub(crate) fn with_unit(self, examples: &[&str]) -> Result<Self> {
        match self {
            Self::Number { number } => Err(missing_unit(&number, examples)),
            other => Ok(other),
        }
    }

    fn parse_number(input: ParseStream<'_>) -> Result<Option<Self>> {
        let negative = input.parse::<Option<Token![-]>>()?;
        let Ok(literal) = input.parse::<Literal>() else { return Ok(None) };
        let Some(number) = Number::read(&literal) else { return Ok(None) };
        let span = literal.span();
        if negative.is_some() {
            let amount = !number.is_bare() || input.peek(Token![%]);
            return if amount { Err(Error::new(span, "an amount is never negative")) } else { Ok(None) };
        }
        if number.is_bare() {
            return Self::after_bare(input, &number, literal);
        }
        let quantity = if input.peek(Token![/]) {
            input.parse::<Token![/]>()?;
            per_second(&input.parse()?)?;
            number.per_second()
        } else {
            number.quantity()
        };
        let quantity = quantity.map_err(|message| Error::new(span, message))?;
        if !number.is_factor() {
            return Ok(Some(Self::Quantity { quantity, span }));
        }
        if at_end(input) {
            let text = number.text();
            return Err(Error::new(span, format!("`{text}` of what? write `{text} baseline`")));
        }
        let measured: Ident = input.parse()?;
        let of = Ident::new("of", span);
        Ok(Some(Self::Relative { quantity, span, of, measured }))
    }

    /// What may follow a number without a suffix: `%`, `% of baseline`, `/s`, nothing, or the rest of an expression.
    fn after_bare(input: ParseStream<'_>, number: &Number, literal: Literal) -> Result<Option<Self>> {
        let span = literal.span();
        let located = |quantity: std::result::Result<Quantity, String>| {
            quantity.map_err(|message| Error::new(span, message))
        };
        if at_end(input) {
            return Ok(Some(Self::Number { number: literal }));
        }
        if input.parse::<Option<Token![%]>>()?.is_some() {
            if at_end(input) {
                return Ok(Some(Self::Quantity { quantity: located(number.percent())?, span }));
            }
            if !input.peek(syn::Ident) {
                return Ok(None);
            }
            let of: Ident = input.parse()?;
            if of != "of" || !input.peek(syn::Ident) {
                return Ok(None);
            }
            let quantity = located(number.percent())?;
            return Ok(Some(Self::Relative { quantity, span, of, measured: input.parse()? }));
        }
        if input.parse::<Option<Token![/]>>()?.is_some() && input.peek(Ident::peek_any) {
            let unit = input.call(Ident::parse_any)?;
            if at_end(input) && is_time_unit(&unit) {
                per_second(&unit)?;
                return Ok(Some(Self::Quantity { quantity: located(number.per_second())?, span }));
            }
        }
        Ok(None)
    }
}

fn missing_unit(number: &Literal, examples: &[&str]) -> Error {
    let written: Vec<_> = examples
        .iter()
        .filter(|unit| **unit != "%" || Number::read(number).is_some_and(|number| number.percent().is_ok()))
        .map(|unit| format!("`{number}{unit}`"))
        .collect();
    let written = match written.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "its unit".to_owned(),
    };
    Error::new(number.span(), format!("`{number}` of what? write {written}"))
}

fn is_time_unit(unit: &Ident) -> bool {
    ["s", "ms", "us", "ns", "min", "m", "h", "sec", "second", "minute", "hour"]
        .iter()
        .any(|known| unit == known)
}

fn per_second(unit: &Ident) -> Result<()> {
    if unit == "s" {
        return Ok(());
    }
    Err(Error::new(
        unit.span(),
        format!("unknown rate `/{unit}`: a rate is per second, as in `200/s` or `64KiB/s`"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::ToTokens;
    use syn::parse::Parser;

    fn parse(text: &str) -> Result<Value> {
        Value::parse.parse_str(text)
    }

    #[test]
    fn amounts_numbers_and_expressions_are_told_apart() {
        let quantity = |text: &str| match parse(text) {
            Ok(Value::Quantity { quantity, .. }) => quantity,
            _ => panic!("{text} is something else"),
        };
        assert_eq!(quantity("500ms"), Quantity::Nanoseconds(500_000_000));
        assert_eq!(quantity("0.1%"), Quantity::PartsPerMillion(1_000));
        assert_eq!(quantity("200/s"), Quantity::PerThousandSeconds(200_000));
        assert_eq!(quantity("64KiB/s"), Quantity::BytesPerSecond(65_536));
        assert!(matches!(parse("42"), Ok(Value::Number { .. })));
        for expr in
            ["LIMIT", "5 % width", "2 * LIMIT", "200 / COUNT", "Duration::from_secs(5)", "\"text\"", "-5"]
        {
            let Ok(Value::Expr(found)) = parse(expr) else { panic!("{expr}") };
            let written: proc_macro2::TokenStream = expr.parse().unwrap();
            assert_eq!(found.to_token_stream().to_string(), written.to_string());
        }
    }

    #[test]
    fn a_share_or_a_multiple_of_the_baseline_keeps_the_name() {
        for (text, expected) in [
            ("2x baseline", Quantity::Factor(2_000_000)),
            ("90% of baseline", Quantity::PartsPerMillion(900_000)),
        ] {
            let Ok(Value::Relative { quantity, of, measured, .. }) = parse(text) else { panic!("{text}") };
            assert_eq!(
                (quantity, of.to_string(), measured.to_string()),
                (expected, "of".into(), "baseline".into())
            );
        }
    }

    #[test]
    fn what_is_wrong_says_what_is_right() {
        let error = |text: &str| parse(text).err().unwrap().to_string();
        assert_eq!(error("2x"), "`2x` of what? write `2x baseline`");
        assert_eq!(error("-5ms"), "an amount is never negative");
        assert!(error("200/min").contains("a rate is per second"));
        assert!(error("64KiB/ms").contains("a rate is per second"));
        let bare = parse("200").ok().unwrap().with_unit(&["ms", "/s", "%"]).err().unwrap();
        assert_eq!(bare.to_string(), "`200` of what? write `200ms` or `200/s`");
    }
}
