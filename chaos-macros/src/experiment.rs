//! What `#[chaos_test(...)]` says.

use crate::argument::{self, Argument, Units};
use crate::errors::Errors;
use crate::fault::{self, Fault};
use crate::growth;
use crate::list;
use crate::stage::Step;
use crate::suggest;
use crate::threshold::Threshold;
use crate::value::Value;
use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::{ParseBuffer, ParseStream};
use syn::{Error, Path, Result, Token, parenthesized, token};

/// The clauses of an experiment.
#[derive(Default)]
pub(crate) struct ExperimentAttribute {
    /// The word `system`, and the path of its function.
    pub(crate) system: Option<(Ident, Path)>,
    pub(crate) krate: Option<Path>,
    /// Everything else, in the order in which it is written.
    pub(crate) clauses: Vec<Clause>,
}

/// A clause: it becomes the builder method of its name.
pub(crate) struct Clause {
    pub(crate) name: Ident,
    pub(crate) body: Body,
}

/// What a clause says.
pub(crate) enum Body {
    Flag,
    Value(Value),
    /// Named options of the type of this name.
    Options {
        of: OptionsOf,
        arguments: Vec<Argument>,
    },
    Thresholds(Vec<Threshold>),
    Faults(Vec<Fault>),
    Stages(Vec<Step>),
}

/// The types whose methods are a clause's options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OptionsOf {
    Load,
    Recover,
}

/// How a clause is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    System,
    Crate,
    Flag,
    /// After an equals sign.
    Value {
        units: &'static [&'static str],
    },
    /// In parentheses.
    List(ListOf),
}

/// What a clause lists in its parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListOf {
    Options(OptionsOf),
    Thresholds,
    Faults,
    Stages,
}

const CLAUSES: [(&str, Form, &str); 14] = [
    ("system", Form::System, "system = shop"),
    (
        "hypothesis",
        Form::Value { units: &[] },
        "hypothesis = \"checkout keeps answering while Redis is slow\"",
    ),
    ("load", Form::List(ListOf::Options(OptionsOf::Load)), "load(rate = 200/s)"),
    ("steady_state", Form::List(ListOf::Thresholds), "steady_state(p99 < 50ms)"),
    ("inject", Form::List(ListOf::Faults), "inject(latency(redis, 200ms))"),
    ("expect", Form::List(ListOf::Thresholds), "expect(p99 < 500ms)"),
    ("recover", Form::List(ListOf::Options(OptionsOf::Recover)), "recover(within = 5s)"),
    ("halt_if", Form::List(ListOf::Thresholds), "halt_if(error_rate > 50%)"),
    ("stages", Form::List(ListOf::Stages), "stages(1 instance, 20%)"),
    ("confidence", Form::Value { units: &["%"] }, "confidence = 99%"),
    ("seed", Form::Value { units: &[] }, "seed = 42"),
    ("revision", Form::Value { units: &[] }, "revision = 2"),
    ("parallel", Form::Flag, "parallel"),
    ("crate", Form::Crate, "crate = path"),
];

/// What every experiment must say.
const REQUIRED: [&str; 4] = ["system", "hypothesis", "inject", "expect"];

const LOAD_UNITS: Units = |name| match name {
    Some(name) if name == "rate" => &["/s"],
    Some(name) if ["warmup", "baseline", "turbulence", "timeout"].iter().any(|known| name == known) => {
        &["s", "ms"]
    }
    _ => &[],
};

const RECOVER_UNITS: Units = |name| match name {
    Some(name) if name == "within" => &["s", "ms"],
    _ => &[],
};

enum Entry {
    System(Ident, Path),
    Crate(Path),
    Clause(Clause),
}

impl ExperimentAttribute {
    /// Reads the whole attribute. `here` is where to say that a clause is missing.
    pub(crate) fn parse(input: ParseStream<'_>, here: Span, errors: &mut Errors) -> Self {
        let mut attribute = Self::default();
        // A clause that is wrong is not missing as well.
        let mut mentioned: Vec<String> = Vec::new();
        let entries = list::read(input, errors, |input, errors| {
            let name = input.call(Ident::parse_any)?;
            let text = name.unraw().to_string();
            let twice = mentioned.contains(&text);
            mentioned.push(text.clone());
            if twice {
                errors.push(name.span(), format!("`{text}` is given twice"));
            }
            Ok((twice, Entry::parse(name, &text, input, errors)?))
        });
        for (_, entry) in entries.into_iter().filter(|(twice, _)| !twice) {
            match entry {
                Entry::System(word, path) => attribute.system = Some((word, path)),
                Entry::Crate(path) => attribute.krate = Some(path),
                Entry::Clause(clause) => attribute.clauses.push(clause),
            }
        }
        attribute.check_injected(errors);
        let misspelt =
            |required: &str| mentioned.iter().any(|name| suggest::nearest(name, names()) == Some(required));
        for (name, _, example) in CLAUSES.iter().filter(|(name, ..)| REQUIRED.contains(name)) {
            if !misspelt(name) {
                errors.push(here, format!("`#[chaos_test]` needs the clause `{name}`: write `{example}`"));
            }
        }
        attribute
    }
}

impl ExperimentAttribute {
    fn check_injected(&self, errors: &mut Errors) {
        // A fault that is wrong was left out, and is injected all the same.
        if !errors.is_empty() {
            return;
        }
        let injected = self.clauses.iter().find_map(|clause| match &clause.body {
            Body::Faults(faults) => Some(faults),
            _ => None,
        });
        for clause in &self.clauses {
            if let (Body::Stages(steps), Some(injected)) = (&clause.body, injected) {
                growth::check_injected(steps, injected, errors);
            }
        }
    }
}

fn names() -> impl Iterator<Item = &'static str> + Clone {
    CLAUSES.iter().map(|(name, ..)| *name)
}

impl Entry {
    fn parse(name: Ident, text: &str, input: ParseStream<'_>, errors: &mut Errors) -> Result<Self> {
        let Some((_, form, example)) = CLAUSES.iter().find(|(known, ..)| *known == text) else {
            let advice = suggest::advice(text, names());
            return Err(Error::new(name.span(), format!("unknown clause `{text}`: {advice}")));
        };
        let body = match form {
            Form::Flag if list::at_end(input) => Body::Flag,
            Form::System | Form::Crate | Form::Value { .. } if input.peek(Token![=]) => {
                input.parse::<Token![=]>()?;
                match form {
                    Form::System => return Ok(Self::System(name, input.call(Path::parse_mod_style)?)),
                    Form::Value { units: [] } => Body::Value(Value::parse(input)?),
                    Form::Value { units } => Body::Value(Value::parse(input)?.with_unit(units)?),
                    _ => return input.call(Path::parse_mod_style).map(Self::Crate),
                }
            }
            Form::List(of) if input.peek(token::Paren) => {
                let content;
                parenthesized!(content in input);
                if content.is_empty() {
                    return Err(Error::new(name.span(), format!("`{text}` is empty: write `{example}`")));
                }
                Body::list(*of, &content, errors)
            }
            _ => return Err(Error::new(name.span(), format!("`{text}` is written as `{example}`"))),
        };
        Ok(Self::Clause(Clause { name, body }))
    }
}

impl Body {
    fn list(of: ListOf, content: &ParseBuffer<'_>, errors: &mut Errors) -> Self {
        match of {
            ListOf::Thresholds => {
                Self::Thresholds(list::read(content, errors, |input, _| Threshold::parse(input)))
            }
            ListOf::Faults => Self::Faults(fault::read(content, errors)),
            ListOf::Options(of) => {
                let units = match of {
                    OptionsOf::Load => LOAD_UNITS,
                    OptionsOf::Recover => RECOVER_UNITS,
                };
                let arguments = argument::read(content, errors, units);
                Self::Options { of, arguments: named(arguments, of, errors) }
            }
            ListOf::Stages => {
                let steps = list::read(content, errors, Step::parse);
                growth::check(&steps, errors);
                Self::Stages(steps)
            }
        }
    }
}

/// Options have names: one without is reported and left out.
fn named(arguments: Vec<Argument>, of: OptionsOf, errors: &mut Errors) -> Vec<Argument> {
    let example = match of {
        OptionsOf::Load => "load(rate = 200/s)",
        OptionsOf::Recover => "recover(within = 5s)",
    };
    let mut keep = |argument: &Argument| match argument {
        Argument::Named { .. } => true,
        Argument::Positional(value) => {
            errors.push(value.span(), format!("which option is this? write its name, as in `{example}`"));
            false
        }
    };
    arguments.into_iter().filter(|argument| keep(argument)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse::Parser;

    fn errors(text: &str) -> Vec<String> {
        let mut errors = Errors::default();
        let read =
            |input: ParseStream<'_>| Ok(ExperimentAttribute::parse(input, Span::call_site(), &mut errors));
        read.parse_str(text).unwrap();
        errors.messages()
    }

    const COMPLETE: &str = "system = shop, hypothesis = \"h\", inject(kill(redis)), expect(p99 < 1s)";

    #[test]
    fn what_is_complete_has_no_errors() {
        assert_eq!(errors(COMPLETE), Vec::<String>::new());
        assert_eq!(
            errors(&format!("{COMPLETE}, parallel, seed = 42, confidence = 99%,")),
            Vec::<String>::new()
        );
    }

    #[test]
    fn each_missing_clause_is_named_with_an_example() {
        let messages = errors("");
        assert_eq!(messages.len(), REQUIRED.len());
        assert!(messages[0].contains("needs the clause `system`: write `system = shop`"), "{messages:?}");
    }

    #[test]
    fn a_misspelt_clause_is_not_missing_as_well() {
        let text = COMPLETE.replace("inject", "injcet");
        assert_eq!(errors(&text), ["unknown clause `injcet`: did you mean `inject`?"]);
    }

    #[test]
    fn all_that_is_wrong_is_reported_together() {
        let messages = errors(&format!(
            "{COMPLETE}, load(rate = 200, 5s), steady_state(p99 < 5m, error_rate < 101%), stages(5%, 1%), recover = 5s, expect(max < 1s)"
        ));
        let parts = [
            "`200` of what",
            "which option",
            "`5min` or `5ms`",
            "at most `100%`",
            "must grow",
            "recover(within",
            "twice",
        ];
        assert_eq!(messages.len(), parts.len(), "{messages:#?}");
        for part in parts {
            assert!(messages.iter().any(|message| message.contains(part)), "{part}: {messages:#?}");
        }
    }

    #[test]
    fn a_magnitude_of_what_is_not_injected_is_named_where_it_can_only_be_that() {
        let stages = |injected: &str, stages: &str| {
            errors(&format!("{}, stages({stages})", COMPLETE.replace("kill(redis)", injected)))
        };
        let ladder = "latency(redis) = [1ms, 2ms], latency(redis) = 3ms";
        let [message] = &stages("kill(redis), bandwidth(redis, 1MB/s)", ladder)[..] else { panic!() };
        assert!(
            message.starts_with("no `latency` is injected into `redis`, only `kill`, `bandwidth`: "),
            "{message}"
        );
        for injected in ["latency(redis, 9ms)", "kill(redis), mine()", "kill(inventory)"] {
            assert_eq!(stages(injected, ladder), Vec::<String>::new(), "{injected}");
        }
        assert_eq!(
            stages("kill(redis)", "latncy(redis) = 1ms"),
            Vec::<String>::new(),
            "that is rustc's to say"
        );
    }

    #[test]
    fn an_empty_clause_says_nothing() {
        assert_eq!(
            errors(&COMPLETE.replace("kill(redis)", "")),
            ["`inject` is empty: write `inject(latency(redis, 200ms))`"]
        );
    }
}
