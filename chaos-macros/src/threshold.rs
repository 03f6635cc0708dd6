//! Thresholds: `p99 < 500ms`, `p99.9 < 2x baseline`, `throughput > 180/s`.

use crate::list::at_end;
use crate::literal::Number;
use crate::value::Value;
use proc_macro2::{Ident, Literal, Span};
use syn::parse::ParseStream;
use syn::{Error, Expr, Result, Token, token};

/// A claim about a metric.
pub(crate) enum Threshold {
    Comparison(Comparison),
    /// A threshold that the user made.
    Expr(Box<Expr>),
}

/// A metric, a side, and a bound.
pub(crate) struct Comparison {
    pub(crate) metric: Ident,
    pub(crate) point: Option<Point>,
    pub(crate) side: Side,
    pub(crate) operator: Span,
    pub(crate) bound: Value,
}

/// What stands after the point in `p99.9`: the digits, and how many there are.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) digits: u32,
    pub(crate) places: u32,
    pub(crate) span: Span,
}

/// The side of the bound that the metric must be on. `<` and `<=` differ by nothing that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Below,
    Above,
}

const UNITS: &[&str] = &["ms", "%", "/s", "x baseline"];

impl Threshold {
    /// Reads a threshold up to the next comma.
    pub(crate) fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !Self::begins_comparison(input) {
            return input.parse().map(|expr| Self::Expr(Box::new(expr)));
        }
        let metric: Ident = input.parse()?;
        let point = if input.peek(Token![.]) { Some(Point::parse(input)?) } else { None };
        let (side, operator) = Self::operator(input, &metric)?;
        if at_end(input) {
            return Err(Error::new(
                operator,
                format!("`{metric}` is compared with nothing: write `{metric} < 500ms`"),
            ));
        }
        let bound = Value::parse(input)?.with_unit(UNITS)?;
        Ok(Self::Comparison(Comparison { metric, point, side, operator, bound }))
    }

    /// A name that is neither alone, nor called, nor part of a path is the name of a metric.
    fn begins_comparison(input: ParseStream<'_>) -> bool {
        let ahead = input.fork();
        if ahead.parse::<Ident>().is_err() || at_end(&ahead) {
            return false;
        }
        if ahead.peek(Token![.]) {
            return ahead.peek2(syn::Lit);
        }
        let is_macro = ahead.peek(Token![!]) && !ahead.peek(Token![!=]);
        let goes_on = ahead.peek(Token![::]) || ahead.peek(token::Paren) || ahead.peek(token::Bracket);
        !(is_macro || goes_on)
    }

    fn operator(input: ParseStream<'_>, metric: &Ident) -> Result<(Side, Span)> {
        if let Some(token) = input.parse::<Option<Token![<=]>>()? {
            return Ok((Side::Below, token.spans[0]));
        }
        if let Some(token) = input.parse::<Option<Token![>=]>>()? {
            return Ok((Side::Above, token.spans[0]));
        }
        if let Some(token) = input.parse::<Option<Token![<]>>()? {
            return Ok((Side::Below, token.spans[0]));
        }
        if let Some(token) = input.parse::<Option<Token![>]>>()? {
            return Ok((Side::Above, token.spans[0]));
        }
        Err(input.error(format!("expected `<` or `>` after `{metric}`, as in `p99 < 500ms`")))
    }
}

impl Point {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        input.parse::<Token![.]>()?;
        let literal: Literal = input.parse()?;
        let span = literal.span();
        let text = literal.to_string();
        let places = text.len();
        let digits = Number::read(&literal).and_then(|_| text.parse().ok());
        match (digits, u32::try_from(places)) {
            (Some(digits), Ok(places @ 1..=4)) => Ok(Self { digits, places, span }),
            _ => Err(Error::new(
                span,
                format!("`.{text}`: a quantile has up to four digits after its point, as in `p99.95`"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse::Parser;

    fn comparison(text: &str) -> Comparison {
        match Threshold::parse.parse_str(text) {
            Ok(Threshold::Comparison(comparison)) => comparison,
            _ => panic!("{text} is something else"),
        }
    }

    #[test]
    fn metrics_are_compared_on_either_side() {
        assert_eq!(comparison("p99 < 500ms").side, Side::Below);
        assert_eq!(comparison("p99 <= LIMIT").side, Side::Below);
        assert_eq!(comparison("throughput > 90% of baseline").side, Side::Above);
        assert_eq!(comparison("throughput >= 180/s").side, Side::Above);
    }

    #[test]
    fn digits_after_the_point_keep_their_place() {
        let point = |text: &str| comparison(text).point.map(|point| (point.digits, point.places));
        assert_eq!(point("p99 < 1s"), None);
        assert_eq!(point("p99.9 < 1s"), Some((9, 1)));
        assert_eq!(point("p99.05 < 1s"), Some((5, 2)));
        assert!(Threshold::parse.parse_str("p99.99999 < 1s").is_err());
    }

    #[test]
    fn a_threshold_may_be_any_expression() {
        for text in ["SLO", "slo(3)", "metric::p99().below(LIMIT)", "slo.strict()", "SLOS[0]"] {
            assert!(matches!(Threshold::parse.parse_str(text), Ok(Threshold::Expr(_))), "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |text: &str| Threshold::parse.parse_str(text).err().unwrap().to_string();
        assert!(error("error_rate 1%").contains("expected `<` or `>` after `error_rate`"));
        assert!(error("p99 == 1s").contains("expected `<` or `>` after `p99`"));
        assert!(error("p99 <").contains("compared with nothing"));
        assert_eq!(error("p99 < 500"), "`500` of what? write `500ms`, `500/s` or `500x baseline`");
    }
}
