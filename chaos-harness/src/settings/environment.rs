//! What the environment says: the variables `CHAOS_*`.

use super::error::Mistake;
use super::origin::Sourced;
use super::profile::Choices;
use super::text::{Confidence, Text};
use crate::safety::Limits;
#[cfg(feature = "external-toxiproxy")]
use crate::toxiproxy::Source;
use crate::units::Share;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tracing_subscriber::filter::Targets;

/// What all variables of this project begin with.
const PREFIX: &str = "CHAOS_";

/// The variables a user may set.
const KNOWN: [&str; 22] = [
    "CHAOS_APPROVED_BY",
    "CHAOS_BACKEND",
    "CHAOS_CONFIDENCE",
    "CHAOS_CONFIG",
    "CHAOS_DURATIONS",
    "CHAOS_IMAGE_PREFIX",
    "CHAOS_INCONCLUSIVE",
    "CHAOS_KEEP",
    "CHAOS_LEDGER_DIR",
    "CHAOS_LOG",
    "CHAOS_MAX_FAULTS",
    "CHAOS_MAX_FAULT_TIME",
    "CHAOS_MAX_SHARE",
    "CHAOS_NO_FAULT",
    "CHAOS_PROFILE",
    "CHAOS_REQUIRE",
    "CHAOS_RUN_ID",
    "CHAOS_SEED",
    "CHAOS_STAGES",
    "CHAOS_TARGET_DIR",
    "CHAOS_TOXIPROXY",
    "CHAOS_TOXIPROXY_IMAGE",
];

/// The variables that the harness sets for processes it starts, and that its own tests and tools set.
const INTERNAL: [&str; 5] = ["CHAOS_FAILPOINT", "CHAOS_GUARD", "CHAOS_LISTING", "CHAOS_TRIAL", "CHAOS_TEST_"];

/// What must be there: without it a trial fails, where it would be ignored otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Requirement {
    /// A container engine with the images.
    Docker,
}

/// What the environment says about a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Environment {
    /// `CHAOS_PROFILE`: the profile to use.
    pub(super) profile: Option<String>,
    /// `CHAOS_STAGES`, `CHAOS_DURATIONS` and so on: what is said in place of the profile.
    pub(super) choices: Choices,
    /// `CHAOS_CONFIG`: the file in place of the `chaos.toml` that is found.
    pub(super) config: Option<PathBuf>,
    /// `CHAOS_LEDGER_DIR`: the folder of the ledger.
    pub(super) ledger_dir: Option<PathBuf>,
    /// `CHAOS_RUN_ID`: what all that belongs to one run of CI has in common.
    pub(crate) run_id: Option<String>,
    /// `CHAOS_APPROVED_BY`: who approved of the stages that need it.
    pub(super) approved_by: Option<String>,
    /// `CHAOS_REQUIRE`: what must be there.
    pub(crate) require: Vec<Requirement>,
    /// `CHAOS_KEEP`: services are left up.
    pub(crate) keep: bool,
    /// `CHAOS_NO_FAULT`: nothing is injected.
    pub(crate) no_fault: bool,
    /// `CHAOS_IMAGE_PREFIX`: what is put before the name of each image.
    pub(super) image_prefix: Option<String>,
    /// `CHAOS_LOG`: what of a trial's progress is told, in the form of tracing's `RUST_LOG`.
    pub(crate) log: Option<String>,
    /// `CHAOS_MAX_FAULTS`, `CHAOS_MAX_SHARE` and `CHAOS_MAX_FAULT_TIME`: what may be in effect at once, and how long.
    pub(crate) limits: Limits,
    /// `CHAOS_TOXIPROXY`: the server that takes the place of the embedded proxy.
    #[cfg(feature = "external-toxiproxy")]
    pub(crate) toxiproxy: Option<Source>,
    /// `CHAOS_TARGET_DIR`, or `CARGO_TARGET_DIR` where that is absolute: the folder of build products.
    pub(crate) target_dir: Option<PathBuf>,
    /// Variables that mean nothing here: most likely misspelt.
    pub(super) unknown: Vec<UnknownVariable>,
}

/// A variable that looks like one of this project's and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownVariable(String);

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is set and means nothing here: the variables are {}", self.0, KNOWN.join(", "))
    }
}

impl Environment {
    /// Reads these variables, and says what is wrong with them. An empty one counts as not set, and so does one of blanks.
    pub(super) fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> (Self, Vec<Mistake>) {
        let mut variables: Variables = variables.into_iter().collect();
        #[cfg(not(feature = "external-toxiproxy"))]
        variables.parse(
            "CHAOS_TOXIPROXY",
            "nothing: this build of chaos-harness lacks its feature `external-toxiproxy`",
            |_| None::<()>,
        );
        let environment = Self {
            profile: variables.words("CHAOS_PROFILE"),
            choices: Choices {
                stages: variables.text("CHAOS_STAGES"),
                durations: variables.text("CHAOS_DURATIONS"),
                confidence: variables.text::<Confidence>("CHAOS_CONFIDENCE"),
                seed: variables.text("CHAOS_SEED"),
                backend: variables.text("CHAOS_BACKEND"),
                inconclusive: variables.text("CHAOS_INCONCLUSIVE"),
            },
            config: variables.path("CHAOS_CONFIG"),
            ledger_dir: variables.path("CHAOS_LEDGER_DIR"),
            run_id: variables.words("CHAOS_RUN_ID"),
            approved_by: variables.words("CHAOS_APPROVED_BY"),
            require: variables.parse("CHAOS_REQUIRE", "a list of: docker", requirements).unwrap_or_default(),
            keep: variables.parse("CHAOS_KEEP", "1 or 0", switch).unwrap_or_default(),
            no_fault: variables.parse("CHAOS_NO_FAULT", "1 or 0", switch).unwrap_or_default(),
            image_prefix: variables.words("CHAOS_IMAGE_PREFIX"),
            limits: variables.limits(),
            log: variables.parse("CHAOS_LOG", "a filter, as debug or chaos_harness::proxy=trace", log_filter),
            #[cfg(feature = "external-toxiproxy")]
            toxiproxy: variables.parse("CHAOS_TOXIPROXY", Source::RIGHT, Source::parse),
            target_dir: variables.target_dir(),
            unknown: variables.unknown(),
        };
        #[cfg(all(feature = "docker", feature = "external-toxiproxy"))]
        let environment = {
            let named = variables.words("CHAOS_TOXIPROXY_IMAGE");
            let prefix = environment.image_prefix.clone().unwrap_or_default();
            let toxiproxy = environment.toxiproxy.map(|source| source.with_image(named, &prefix));
            Self { toxiproxy, ..environment }
        };
        (environment, variables.bad)
    }
}

fn requirements(text: &str) -> Option<Vec<Requirement>> {
    let words = text.split(',').map(str::trim);
    words.map(|word| (word == "docker").then_some(Requirement::Docker)).collect()
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

/// At least 1 ms: a limit of no time allows nothing.
fn some_time(text: &str) -> Option<Duration> {
    Duration::read(text).ok().filter(|time| !time.is_zero())
}

fn log_filter(text: &str) -> Option<String> {
    // Names of modules are taken as they are: one in other letters is a mistake that would silence what is told.
    if !text.is_ascii() {
        return None;
    }
    let text: String = text.split_whitespace().collect();
    text.parse::<Targets>().ok().map(|_| text)
}

/// The variables of interest that have a value, and those whose value turned out to mean nothing.
#[derive(Default)]
struct Variables {
    values: BTreeMap<String, OsString>,
    bad: Vec<Mistake>,
}

impl FromIterator<(OsString, OsString)> for Variables {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        let values = variables.into_iter().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let ours = name.starts_with(PREFIX) || name == "CARGO_TARGET_DIR";
            let says_something = !value.to_string_lossy().trim().is_empty();
            (ours && says_something).then_some((name, value))
        });
        Self { values: values.collect(), bad: Vec::new() }
    }
}

impl Variables {
    fn parse<T>(
        &mut self,
        variable: &'static str,
        right: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.values.get(variable)?.to_string_lossy().into_owned();
        let parsed = parse(value.trim());
        if parsed.is_none() {
            self.bad.push(Mistake::Variable { name: variable, value, right: right.to_owned() });
        }
        parsed
    }

    /// A value that `chaos.toml` may have, too.
    fn text<T: Text>(&mut self, variable: &'static str) -> Option<Sourced<T>> {
        let value = self.values.get(variable)?.to_string_lossy().into_owned();
        match T::read(value.trim()) {
            Ok(value) => Some(Sourced::variable(variable, value)),
            Err(wrong) => {
                // Quotes belong in a file, and not in a variable.
                let right = wrong.right.replace('"', "");
                self.bad.push(Mistake::Variable { name: variable, value, right });
                None
            }
        }
    }

    /// Whatever it says.
    fn words(&self, variable: &str) -> Option<String> {
        Some(self.values.get(variable)?.to_string_lossy().trim().to_owned())
    }

    fn path(&self, variable: &str) -> Option<PathBuf> {
        self.values.get(variable).map(PathBuf::from)
    }

    fn limits(&mut self) -> Limits {
        Limits {
            faults: self
                .parse("CHAOS_MAX_FAULTS", "a whole number from 1 up, as 4", |text| text.parse().ok()),
            share: self.parse(
                "CHAOS_MAX_SHARE",
                "a share of more than 0% and at most 100%, as 50%",
                |text| Share::read(text).ok().map(Share::get),
            ),
            time: self.parse("CHAOS_MAX_FAULT_TIME", "a time in ms, s, min or h, as 10min", some_time),
        }
    }

    fn target_dir(&self) -> Option<PathBuf> {
        let chosen = self.values.get("CHAOS_TARGET_DIR").map(PathBuf::from);
        // A relative one is relative to where cargo was called, which a test cannot know.
        let cargo = self.values.get("CARGO_TARGET_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        chosen.or(cargo)
    }

    fn unknown(&self) -> Vec<UnknownVariable> {
        let unknown = |name: &&String| {
            name.starts_with(PREFIX)
                && !KNOWN.contains(&name.as_str())
                && !INTERNAL.iter().any(|internal| name.starts_with(internal))
        };
        self.values.keys().filter(unknown).cloned().map(UnknownVariable).collect()
    }
}
