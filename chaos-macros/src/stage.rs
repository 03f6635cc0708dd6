//! Stages of the blast-radius ladder: `5%`, `1 instance`, `latency(redis) = 50ms`, `stage(half, 50%, risk = high)`.

use crate::argument;
use crate::errors::Errors;
use crate::fault::lone_name;
use crate::list::{self, at_end};
use crate::literal::Number;
use crate::magnitude::{self, Amount, Target};
use crate::suggest;
use crate::value::Value;
use proc_macro2::{Ident, Literal, Span};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Error, Expr, LitStr, Result, Token, parenthesized, token};

/// What stands between two commas of a ladder.
pub(crate) enum Step {
    Stage(Stage),
    /// A stage for each magnitude of a fault.
    Ladder(Target, Vec<Amount>),
}

/// One step of the ladder.
#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) name: Option<Name>,
    /// Everything, where it is not said.
    pub(crate) scope: Option<Scope>,
    pub(crate) magnitudes: Vec<(Target, Amount)>,
    pub(crate) risk: Option<Risk>,
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

/// How much there is to lose.
pub(crate) struct Risk {
    /// The word `risk`.
    pub(crate) word: Ident,
    pub(crate) value: RiskValue,
}

/// What is said of a risk.
pub(crate) enum RiskValue {
    /// One of the words that there are: rustc knows them.
    Word(Ident),
    Expr(Box<Expr>),
}

impl Step {
    /// Reads a step up to the next comma.
    pub(crate) fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Result<Self> {
        if magnitude::begins(input) {
            let (target, amounts) = magnitude::several(input, errors)?;
            return Ok(Self::Ladder(target, amounts));
        }
        if !(input.peek(syn::Ident) && input.peek2(token::Paren)) {
            return Ok(Self::Stage(Stage { scope: Some(Scope::parse(input)?), ..Stage::default() }));
        }
        let ahead = input.fork();
        if ahead.parse::<Ident>()? != "stage" {
            let scope = Scope::Expr(Box::new(input.parse()?));
            return Ok(Self::Stage(Stage { scope: Some(scope), ..Stage::default() }));
        }
        let word: Ident = input.parse()?;
        let content;
        parenthesized!(content in input);
        let name = Name::parse(&content)?;
        content.parse::<Token![,]>()?;
        let mut stage = Stage { name: Some(name), ..Stage::default() };
        let before = errors.count();
        list::read(&content, errors, |input, _| stage.read(input));
        // One whose only part is wrong lacks nothing.
        if errors.count() == before && stage.scope.is_none() && stage.magnitudes.is_empty() {
            let message = "a stage has a name and what it touches: `stage(half, 50%)` or `stage(mild, latency(redis) = 50ms)`";
            return Err(Error::new(word.span(), message));
        }
        Ok(Self::Stage(stage))
    }
}

impl Stage {
    /// Reads one of the things that a stage has, up to the next comma.
    fn read(&mut self, input: ParseStream<'_>) -> Result<()> {
        let twice = |what: &str, span| Err(Error::new(span, format!("a stage has one {what}")));
        if argument::is_named(input) {
            let risk = Risk::parse(input)?;
            let span = risk.word.span();
            return if self.risk.replace(risk).is_none() { Ok(()) } else { twice("risk", span) };
        }
        if magnitude::begins(input) {
            self.magnitudes.push(magnitude::one(input)?);
            return Ok(());
        }
        let span = input.span();
        let scope = Scope::parse(input)?;
        if self.scope.replace(scope).is_none() { Ok(()) } else { twice("scope", span) }
    }
}

impl Risk {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let word: Ident = input.parse()?;
        if word != "risk" {
            let advice = suggest::advice(&word.to_string(), ["risk"]);
            return Err(Error::new(word.span(), format!("unknown option `{word}` of a stage: {advice}")));
        }
        input.parse::<Token![=]>()?;
        let expr: Expr = input.parse()?;
        let value = match lone_name(&expr) {
            // A constant has another case.
            Some(name) if !name.to_string().contains(char::is_uppercase) => RiskValue::Word(name.clone()),
            _ => RiskValue::Expr(Box::new(expr)),
        };
        Ok(Self { word, value })
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
}

fn plural(number: &Literal) -> &'static str {
    if number.to_string() == "1" { "instance" } else { "instances" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth;
    use proptest::prelude::*;
    use syn::parse::Parser;

    fn stages(text: &str) -> (usize, Vec<String>) {
        let mut errors = Errors::default();
        let read = |input: ParseStream<'_>| Ok(list::read(input, &mut errors, Step::parse));
        let steps = read.parse_str(text).unwrap();
        growth::check(&steps, &mut errors);
        (steps.len(), errors.messages())
    }

    fn wrong(text: &str) -> String {
        let (_, errors) = stages(text);
        assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        errors.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn a_ladder_may_mix_instances_shares_names_and_expressions() {
        let text = "1 instance, 2 instances, 5%, stage(half, 50%), stage(\"all of it\", 100%), Stage::share(LIMIT), LAST";
        assert_eq!(stages(text), (7, vec![]));
    }

    #[test]
    fn a_ladder_may_climb_magnitudes_alone_or_with_scopes() {
        assert_eq!(stages("latency(redis) = [50ms, 0.1s, LONG]"), (1, vec![]));
        let mixed = "stage(mild, 20%, latency(redis) = 50ms), stage(less_mild, 20%, latency(redis) = 100ms), 20%, 50%,
            stage(all, latency(redis) = 1s, kill_rate(redis) = RATE), latency(redis) = 2s";
        assert_eq!(stages(mixed), (6, vec![]));
        assert_eq!(
            stages("bandwidth(redis) = [64KiB/s, 8KiB/s], limit_connections(redis) = [5, 3]").1,
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_ladder_that_does_not_grow_is_refused_at_the_step_that_falls() {
        assert_eq!(wrong("5%, 20%, 10%"), "stages must grow, but `10%` comes after `20%`");
        assert_eq!(wrong("5%, 5%"), "stages must grow, but `5%` comes after `5%`");
        assert_eq!(
            wrong("3 instances, 1 instance"),
            "stages must grow, but `1 instance` comes after `3 instances`"
        );
        assert_eq!(stages("3 instances, 0.5%").1, Vec::<String>::new());
        assert_eq!(wrong("0%, 5%"), "a stage of `0%` touches nothing");
    }

    #[test]
    fn a_magnitude_that_falls_is_refused_whichever_way_it_is_weaker() {
        assert_eq!(
            wrong("latency(redis) = [50ms, 100ms, 20ms]"),
            "stages must grow, but `20ms` comes after `100ms`"
        );
        assert_eq!(wrong("latency(redis) = [1s, 1000ms]"), "stages must grow, but `1000ms` comes after `1s`");
        assert_eq!(
            wrong("bandwidth(redis) = [8KiB/s, 64KiB/s]"),
            "stages must grow, but `64KiB/s` comes after `8KiB/s`, and `bandwidth` is stronger with less"
        );
        assert!(
            wrong("limit_connections(redis) = [3, 5]").contains("`limit_connections` is stronger with less")
        );
        assert!(
            wrong("stage(a, 5%, latency(redis) = 9ms), stage(b, 9%, latency(redis) = 8ms)")
                .contains("`8ms` comes after `9ms`")
        );
        // It touches everything, and what is after it does not.
        assert_eq!(
            wrong("latency(redis) = [50ms, 100ms], 50%"),
            "stages must grow, but `50%` comes after `100%`"
        );
        // Another fault, another service, or another unit, is another thing.
        for text in [
            "latency(redis) = 50ms, latency(postgres) = 5ms",
            "latency(redis) = 50ms, slow_close(redis) = 5ms",
            "latency(redis) = [50ms, 5%]",
        ] {
            assert_eq!(stages(text).1, Vec::<String>::new(), "{text}");
        }
    }

    proptest! {
        /// Each step that is weaker than the one before it is told, and no other.
        #[test]
        fn each_magnitude_that_falls_is_told(
            amounts in prop::collection::vec(1_u64..5, 1..8), fault in prop::sample::select(vec!["latency", "stall"]),
        ) {
            let written: Vec<_> = amounts.iter().map(|amount| format!("{amount}{}", if fault == "stall" { "B" } else { "s" })).collect();
            let grows = |pair: &[u64]| if fault == "stall" { pair[1] < pair[0] } else { pair[1] > pair[0] };
            let falls = amounts.windows(2).filter(|pair| !grows(pair)).count();
            let (_, errors) = stages(&format!("{fault}(redis) = [{}]", written.join(", ")));
            prop_assert_eq!(errors.len(), falls, "{:?}", errors);
        }
    }

    #[test]
    fn a_stage_has_a_risk_of_a_word_or_an_expression() {
        assert_eq!(
            stages("stage(half, 50%, risk = high), stage(most, risk = Risk::Critical, 80%)"),
            (2, vec![])
        );
        assert_eq!(
            wrong("stage(half, 50%, rsk = high)"),
            "unknown option `rsk` of a stage: did you mean `risk`?"
        );
        assert_eq!(wrong("stage(half, 50%, risk = high, risk = low)"), "a stage has one risk");
        assert_eq!(wrong("stage(half, 50%, 60%)"), "a stage has one scope");
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(wrong("1"), "`1` of what? write `1%` or `1 instance`");
        assert_eq!(wrong("2 instnces"), "`2 instnces` is no scope: did you mean `instances`?");
        assert_eq!(wrong("stage(50%)"), "a stage begins with its name: `stage(half, 50%)`");
        assert!(wrong("stage(half, risk = low)").contains("a stage has a name and what it touches"));
        assert!(
            wrong("stage(mild, latency(redis) = [5ms, 6ms])")
                .contains("one stage has one magnitude of `latency`")
        );
    }
}
