//! How strong a fault is at a stage: `latency(redis) = 50ms`, or at several: `latency(redis) = [50ms, 100ms]`.

use crate::argument::Units;
use crate::errors::Errors;
use crate::fault;
use crate::list::{self, at_end};
use crate::value::Value;
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::parse::ParseStream;
use syn::{Error, Result, Token, bracketed, parenthesized, token};

/// The fault whose magnitude is said, and its service.
pub(crate) struct Target {
    pub(crate) fault: Ident,
    pub(crate) service: Ident,
}

/// A magnitude, as it is written.
pub(crate) struct Amount {
    pub(crate) value: Value,
    pub(crate) text: String,
}

/// How a constructor of the catalogue takes its main parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// After the service.
    Argument,
    /// After the service, with another after it that is of no concern here.
    FirstOfTwo,
    /// As an option of this name.
    Option(&'static str),
}

/// A fault of the catalogue that has a magnitude. One that is misspelt is taken for one that is as most are: rustc knows
/// which there are.
struct Known {
    fault: &'static str,
    taken: Taken,
    less_is_stronger: bool,
}

const fn known(fault: &'static str, taken: Taken, less_is_stronger: bool) -> Known {
    Known { fault, taken, less_is_stronger }
}

const KNOWN: [Known; 12] = [
    known("latency", Taken::Argument, false),
    known("slow_close", Taken::Argument, false),
    known("delay_connections", Taken::Argument, false),
    known("burst", Taken::FirstOfTwo, false),
    known("reset_peer", Taken::Option("after"), true),
    known("starve_cpu", Taken::Option("to"), true),
    known("bandwidth", Taken::Argument, true),
    known("slicer", Taken::Argument, true),
    known("limit_data", Taken::Argument, true),
    known("stall", Taken::Argument, true),
    known("limit_connections", Taken::Argument, true),
    known("limit_memory", Taken::Argument, true),
];

/// The faults of the catalogue that are there or not.
const WITHOUT: [&str; 6] = ["timeout", "down", "refuse_connections", "kill", "stop", "pause"];

impl Target {
    /// Reads `latency(redis) =`.
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let fault: Ident = input.parse()?;
        let content;
        parenthesized!(content in input);
        let service = content.parse::<Ident>().ok().filter(|_| content.is_empty());
        let Some(service) = service else {
            return Err(Error::new(
                fault.span(),
                format!(
                    "a stage says of `{fault}` how strong it is, and no more: write `{fault}(redis) = ...`, and options where it \
                     is injected"
                ),
            ));
        };
        input.parse::<Token![=]>()?;
        if WITHOUT.iter().any(|known| fault == known) {
            return Err(Error::new(
                fault.span(),
                format!(
                    "`{fault}` is there or not, and has no magnitude: let it touch more and more instead, as in \
                     `stages(5%, 20%, 50%)`"
                ),
            ));
        }
        Ok(Self { fault, service })
    }

    fn known(&self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| self.fault == known.fault)
    }

    /// Whether it is spelt as one of the catalogue.
    pub(crate) fn is_known(&self) -> bool {
        self.known().is_some()
    }

    /// How its constructor takes the magnitude.
    pub(crate) fn taken(&self) -> Taken {
        self.known().map_or(Taken::Argument, |known| known.taken)
    }

    /// Whether it is stronger where there is less of it.
    pub(crate) fn less_is_stronger(&self) -> bool {
        self.known().is_some_and(|known| known.less_is_stronger)
    }

    fn units(&self) -> Units {
        fault::units(&self.fault)
    }
}

impl Amount {
    fn parse(input: ParseStream<'_>, units: Units) -> Result<Self> {
        let ahead = input.fork();
        let mut text = String::new();
        while !at_end(&ahead) {
            text.push_str(&ahead.parse::<TokenTree>()?.to_string());
        }
        let value = Value::parse(input)?;
        let units = units(None);
        let value = if units.is_empty() { value } else { value.with_unit(units)? };
        Ok(Self { value, text })
    }
}

/// Whether a magnitude stands here, and not a call.
pub(crate) fn begins(input: ParseStream<'_>) -> bool {
    fn assigns(ahead: ParseStream<'_>) -> Result<bool> {
        ahead.parse::<Ident>()?;
        let content;
        parenthesized!(content in ahead);
        // What is left over is read by the caller; here it must not count as unexpected.
        content.parse::<TokenStream>()?;
        Ok(ahead.peek(Token![=]) && !ahead.peek(Token![==]))
    }
    input.peek(syn::Ident) && input.peek2(token::Paren) && assigns(&input.fork()).unwrap_or(false)
}

/// Reads `latency(redis) = 50ms`.
pub(crate) fn one(input: ParseStream<'_>) -> Result<(Target, Amount)> {
    let target = Target::parse(input)?;
    if input.peek(token::Bracket) {
        let fault = &target.fault;
        let message = format!(
            "one stage has one magnitude of `{fault}`: write several as `stages({fault}(redis) = [..])`"
        );
        return Err(Error::new(input.span(), message));
    }
    let amount = Amount::parse(input, target.units())?;
    Ok((target, amount))
}

/// Reads `latency(redis) = [50ms, 100ms]`, or one without brackets.
pub(crate) fn several(input: ParseStream<'_>, errors: &mut Errors) -> Result<(Target, Vec<Amount>)> {
    let target = Target::parse(input)?;
    let units = target.units();
    if !input.peek(token::Bracket) {
        let amount = Amount::parse(input, units)?;
        return Ok((target, vec![amount]));
    }
    let content;
    let bracket = bracketed!(content in input);
    if content.is_empty() {
        let message = format!("there is no stage here: write `{}(redis) = [50ms, 100ms]`", target.fault);
        return Err(Error::new(bracket.span.join(), message));
    }
    let amounts = list::read(&content, errors, |input, _| Amount::parse(input, units));
    Ok((target, amounts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse::Parser;

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let mut errors = Errors::default();
        let parser = |input: ParseStream<'_>| {
            assert!(begins(input), "{text}");
            several(input, &mut errors)
        };
        let amounts = match parser.parse_str(text) {
            Ok((_, amounts)) => amounts.into_iter().map(|amount| amount.text).collect(),
            Err(error) => {
                errors.add(error);
                Vec::new()
            }
        };
        (amounts, errors.messages())
    }

    fn wrong(text: &str) -> String {
        let (_, errors) = read(text);
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn one_or_several_amounts_are_read_as_they_are_written() {
        assert_eq!(read("latency(redis) = 50ms").0, ["50ms"]);
        assert_eq!(read("starve_cpu(redis) = [50%, 20%,]").0, ["50%", "20%"]);
        assert_eq!(read("bandwidth(redis) = [64KiB/s, LIMIT, limit(3)]").0, ["64KiB/s", "LIMIT", "limit(3)"]);
        assert_eq!(read("limit_connections(redis) = [5, 3]").0, ["5", "3"], "it says what is counted");
    }

    #[test]
    fn only_an_assignment_is_a_magnitude() {
        let is_one = |text: &str| {
            let parser = |input: ParseStream<'_>| {
                let is_one = begins(input);
                input.parse::<TokenStream>()?;
                Ok(is_one)
            };
            parser.parse_str(text).unwrap()
        };
        assert!(is_one("latency(redis, jitter = 5ms) = 50ms"));
        for text in ["latency(redis)", "mine(x) == y", "stage(half, 50%)", "latency = 5ms", "5%"] {
            assert!(!is_one(text), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_says_what_would_be_right() {
        assert!(wrong("latency(redis) = [50ms, 100]").starts_with("`100` of what? write `100ms`"));
        assert!(
            wrong("latency(redis, jitter = 5ms) = 50ms")
                .contains("write `latency(redis) = ...`, and options")
        );
        assert!(wrong("latency(redis) = []").contains("write `latency(redis) = [50ms, 100ms]`"));
        for fault in WITHOUT {
            assert!(
                wrong(&format!("{fault}(redis) = [1s]")).contains("is there or not, and has no magnitude")
            );
        }
    }

    #[test]
    fn a_bad_amount_does_not_hide_the_others() {
        assert_eq!(
            read("latency(redis) = [50mss, 100ms, 5m]"),
            (vec!["100ms".to_owned()], {
                let (_, errors) = read("latency(redis) = [50mss, 5m]");
                errors
            })
        );
    }
}
