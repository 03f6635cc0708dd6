//! What the environment says about a run: the variables `CHAOS_*`.

use crate::chance::Seed;
use crate::safety::Limits;
#[cfg(feature = "external-toxiproxy")]
use crate::toxiproxy::Source;
use crate::units::Percent;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// What all variables of this project begin with.
const PREFIX: &str = "CHAOS_";

/// The variables a user may set.
const KNOWN: [&str; 14] = [
    "CHAOS_BACKEND",
    "CHAOS_IMAGE_PREFIX",
    "CHAOS_KEEP",
    "CHAOS_LOG",
    "CHAOS_MAX_FAULTS",
    "CHAOS_MAX_FAULT_TIME",
    "CHAOS_MAX_SHARE",
    "CHAOS_NO_FAULT",
    "CHAOS_PROFILE",
    "CHAOS_REQUIRE",
    "CHAOS_SEED",
    "CHAOS_TARGET_DIR",
    "CHAOS_TOXIPROXY",
    "CHAOS_TOXIPROXY_IMAGE",
];

/// The variables that the harness sets for processes it starts, and that its own tests set.
const INTERNAL: [&str; 4] = ["CHAOS_FAILPOINT", "CHAOS_GUARD", "CHAOS_TRIAL", "CHAOS_TEST_"];

/// How verdicts become results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Profile {
    /// Anything but `upheld` fails.
    #[default]
    Default,
    /// `inconclusive` is a warning.
    Lenient,
}

/// What must be there: without it a trial fails, where it would be ignored otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Requirement {
    /// A container engine with the images.
    Docker,
}

/// What the environment says about a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Config {
    /// `CHAOS_BACKEND`: what runs services, as it is written.
    pub(crate) backend: Option<String>,
    /// `CHAOS_REQUIRE`: what must be there.
    pub(crate) require: Vec<Requirement>,
    /// `CHAOS_SEED`: what random choices are drawn from.
    pub(crate) seed: Option<Seed>,
    /// `CHAOS_KEEP`: services are left up.
    pub(crate) keep: bool,
    /// `CHAOS_NO_FAULT`: nothing is injected.
    pub(crate) no_fault: bool,
    /// `CHAOS_PROFILE`: how verdicts become results.
    pub(crate) profile: Profile,
    /// `CHAOS_IMAGE_PREFIX`: what is put before the name of each image.
    pub(crate) image_prefix: Option<String>,
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
    pub(crate) unknown: Vec<UnknownVariable>,
}

/// A variable that looks like one of this project's and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownVariable(String);

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is set and means nothing here: the variables are {}", self.0, KNOWN.join(", "))
    }
}

/// Variables with values that mean nothing, all of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ConfigError(Vec<BadValue>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct BadValue {
    variable: &'static str,
    value: String,
    right: &'static str,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, BadValue { variable, value, right }) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{variable}={value}: `{value}` is not known there, write {right}")?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads the environment of this process.
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(std::env::vars_os())
    }

    /// Reads these variables. An empty one counts as not set, and so does one of blanks.
    pub(super) fn from_variables(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut variables: Variables = variables.into_iter().collect();
        #[cfg(not(feature = "external-toxiproxy"))]
        variables.parse(
            "CHAOS_TOXIPROXY",
            "nothing: this build of chaos-harness lacks its feature `external-toxiproxy`",
            |_| None::<()>,
        );
        let config = Self {
            backend: variables
                .parse("CHAOS_BACKEND", "auto, docker or process", |text| Some(text.to_owned())),
            require: variables.parse("CHAOS_REQUIRE", "a list of: docker", requirements).unwrap_or_default(),
            seed: variables.parse("CHAOS_SEED", "a whole number, as 0xc0ffee", |text| text.parse().ok()),
            keep: variables.parse("CHAOS_KEEP", "1 or 0", switch).unwrap_or_default(),
            no_fault: variables.parse("CHAOS_NO_FAULT", "1 or 0", switch).unwrap_or_default(),
            profile: variables.parse("CHAOS_PROFILE", "default or lenient", profile).unwrap_or_default(),
            image_prefix: variables.parse("CHAOS_IMAGE_PREFIX", "a prefix", |text| Some(text.to_owned())),
            limits: variables.limits(),
            log: variables.parse("CHAOS_LOG", "a filter, as debug or chaos_harness::proxy=trace", log_filter),
            #[cfg(feature = "external-toxiproxy")]
            toxiproxy: variables.parse("CHAOS_TOXIPROXY", Source::RIGHT, Source::parse),
            target_dir: variables.target_dir(),
            unknown: variables.unknown(),
        };
        #[cfg(all(feature = "docker", feature = "external-toxiproxy"))]
        let config = {
            let named = variables.parse("CHAOS_TOXIPROXY_IMAGE", "an image", |text| Some(text.to_owned()));
            let prefix = config.image_prefix.clone().unwrap_or_default();
            let toxiproxy = config.toxiproxy.map(|source| source.with_image(named, &prefix));
            Self { toxiproxy, ..config }
        };
        if variables.bad.is_empty() { Ok(config) } else { Err(ConfigError(variables.bad)) }
    }

    /// The variables that another run needs to do the same, with their values. Not the seed, which a run has in any
    /// case, and not what only says where things go.
    pub(crate) fn to_repeat(&self) -> Vec<(&'static str, String)> {
        let switch = |on: bool| on.then(|| "1".to_owned());
        let require = self.require.contains(&Requirement::Docker).then(|| "docker".to_owned());
        let profile = (self.profile == Profile::Lenient).then(|| "lenient".to_owned());
        let variables = [
            ("CHAOS_BACKEND", self.backend.clone()),
            ("CHAOS_IMAGE_PREFIX", self.image_prefix.clone()),
            ("CHAOS_MAX_FAULTS", self.limits.faults.map(|faults| faults.to_string())),
            ("CHAOS_MAX_FAULT_TIME", self.limits.time.map(|time| format!("{}ms", time.as_millis()))),
            ("CHAOS_MAX_SHARE", self.limits.share.map(|share| share.to_string())),
            ("CHAOS_NO_FAULT", switch(self.no_fault)),
            ("CHAOS_PROFILE", profile),
            ("CHAOS_REQUIRE", require),
            #[cfg(feature = "external-toxiproxy")]
            ("CHAOS_TOXIPROXY", self.toxiproxy.as_ref().map(ToString::to_string)),
            #[cfg(all(feature = "docker", feature = "external-toxiproxy"))]
            ("CHAOS_TOXIPROXY_IMAGE", self.toxiproxy.as_ref().and_then(Source::image)),
        ];
        variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
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

fn profile(text: &str) -> Option<Profile> {
    match text {
        "default" => Some(Profile::Default),
        "lenient" => Some(Profile::Lenient),
        _ => None,
    }
}

/// More than 0 % and at most 100 %, to 0.0001 %.
fn share(text: &str) -> Option<Percent> {
    let number = text.strip_suffix('%')?.trim_end();
    let (whole, digits) = number.split_once('.').unwrap_or((number, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(digits) || digits.len() > 4 {
        return None;
    }
    let ppm = whole.parse::<u32>().ok()?.checked_mul(10_000)?;
    let ppm = ppm.checked_add(format!("{digits:0<4}").parse().ok()?)?;
    Percent::try_from(ppm).ok().filter(|share| *share != Percent::ZERO)
}

/// A whole number of a unit, at least 1 ms and at most a year.
fn duration(text: &str) -> Option<Duration> {
    let units = [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000)];
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let (_, milliseconds) = units.iter().find(|(unit, _)| *unit == &text[digits.len()..])?;
    let duration = Duration::from_millis(digits.trim_end().parse::<u64>().ok()?.checked_mul(*milliseconds)?);
    (!duration.is_zero() && duration <= Duration::from_secs(365 * 86_400)).then_some(duration)
}

fn log_filter(text: &str) -> Option<String> {
    // Behind a space, tracing's parser panics at a character of more than one byte.
    if !text.is_ascii() {
        return None;
    }
    EnvFilter::builder().parse(text).ok().map(|_| text.to_owned())
}

/// The variables of interest that have a value, and those whose value turned out to mean nothing.
#[derive(Default)]
struct Variables {
    values: BTreeMap<String, OsString>,
    bad: Vec<BadValue>,
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
            self.bad.push(BadValue { variable, value, right });
        }
        parsed
    }

    fn limits(&mut self) -> Limits {
        Limits {
            faults: self
                .parse("CHAOS_MAX_FAULTS", "a whole number from 1 up, as 4", |text| text.parse().ok()),
            share: self.parse("CHAOS_MAX_SHARE", "a share of more than 0% and at most 100%, as 50%", share),
            time: self.parse("CHAOS_MAX_FAULT_TIME", "a time in ms, s, min or h, as 10min", duration),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const N: usize>(variables: [(&str, &str); N]) -> Result<Config, ConfigError> {
        Config::from_variables(variables.map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn an_empty_environment_says_nothing() {
        assert_eq!(read([]), Ok(Config::default()));
        assert_eq!(read([("CHAOS_SEED", ""), ("CHAOS_KEEP", ""), ("PATH", "/bin")]), Ok(Config::default()));
        assert_eq!(read([("CHAOS_BACKEND", " \u{c}"), ("CHAOS_REQUIRE", " ")]), Ok(Config::default()));
    }

    #[test]
    fn every_variable_is_read() {
        let config = read([
            ("CHAOS_BACKEND", "process"),
            ("CHAOS_REQUIRE", "docker"),
            ("CHAOS_SEED", "0xc0ffee"),
            ("CHAOS_KEEP", "1"),
            ("CHAOS_NO_FAULT", "true"),
            ("CHAOS_PROFILE", "lenient"),
            ("CHAOS_IMAGE_PREFIX", "mirror/"),
            ("CHAOS_LOG", "warn,chaos_harness=debug"),
            ("CHAOS_MAX_FAULTS", "4"),
            ("CHAOS_MAX_SHARE", "12.5%"),
            ("CHAOS_MAX_FAULT_TIME", "10min"),
            ("CHAOS_TARGET_DIR", "out"),
            ("CARGO_TARGET_DIR", "/elsewhere"),
        ])
        .unwrap();
        let expected = Config {
            backend: Some("process".to_owned()),
            require: vec![Requirement::Docker],
            seed: Some(Seed::new(0x00c0_ffee)),
            keep: true,
            no_fault: true,
            profile: Profile::Lenient,
            image_prefix: Some("mirror/".to_owned()),
            limits: Limits {
                faults: std::num::NonZeroU32::new(4),
                share: Some(Percent::from_ppm(125_000)),
                time: Some(Duration::from_secs(600)),
            },
            log: Some("warn,chaos_harness=debug".to_owned()),
            #[cfg(feature = "external-toxiproxy")]
            toxiproxy: None,
            target_dir: Some("out".into()),
            unknown: Vec::new(),
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn another_toxiproxy_is_taken_only_by_a_build_that_can_drive_it() {
        let read = |value| read([("CHAOS_TOXIPROXY", value)]);
        #[cfg(feature = "external-toxiproxy")]
        {
            let repeated = read("http://localhost:9000").unwrap().to_repeat();
            assert_eq!(repeated, [("CHAOS_TOXIPROXY", "http://127.0.0.1:9000".to_owned())]);
            let error = read("somewhere").unwrap_err().to_string();
            assert!(
                error.starts_with("CHAOS_TOXIPROXY=somewhere: ") && error.contains("http://127.0.0.1:8474"),
                "{error}"
            );
        }
        #[cfg(not(feature = "external-toxiproxy"))]
        {
            let error = read("http://localhost:9000").unwrap_err().to_string();
            assert!(error.contains("lacks its feature `external-toxiproxy`"), "{error}");
        }
    }

    #[test]
    fn what_is_repeated_reads_back_as_the_same() {
        let config = read([
            ("CHAOS_BACKEND", "docker"),
            ("CHAOS_IMAGE_PREFIX", "mirror/"),
            ("CHAOS_PROFILE", "lenient"),
            ("CHAOS_NO_FAULT", "1"),
            ("CHAOS_MAX_FAULTS", "1"),
            ("CHAOS_MAX_SHARE", "0.0001%"),
            ("CHAOS_MAX_FAULT_TIME", "1500ms"),
        ])
        .unwrap();
        let repeated = config.to_repeat().into_iter().map(|(name, value)| (name.into(), value.into()));
        assert_eq!(Config::from_variables(repeated), Ok(config));
    }

    #[test]
    fn all_bad_values_are_named_with_what_would_be_right() {
        let error = read([("CHAOS_SEED", "dice"), ("CHAOS_KEEP", "yes"), ("CHAOS_REQUIRE", "docker,moon")])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "CHAOS_REQUIRE=docker,moon: `docker,moon` is not known there, write a list of: docker\n\
             CHAOS_SEED=dice: `dice` is not known there, write a whole number, as 0xc0ffee\n\
             CHAOS_KEEP=yes: `yes` is not known there, write 1 or 0"
        );
    }

    #[test]
    fn a_limit_that_allows_nothing_or_means_nothing_is_a_bad_value() {
        let bad = [
            ("CHAOS_MAX_FAULTS", &["0", "-1", "many", "4294967296"][..]),
            ("CHAOS_MAX_SHARE", &["0%", "0.0%", "50", "101%", "0.00001%", "%", ".5%", "-1%", "4294967295%"]),
            (
                "CHAOS_MAX_FAULT_TIME",
                &["0s", "10", "10m", "min", "9999999h", "18446744073709551615h", "1.5s"],
            ),
        ];
        for (variable, values) in bad {
            for value in values {
                let error = read([(variable, *value)]).unwrap_err().to_string();
                assert!(error.starts_with(&format!("{variable}={value}: ")), "{error}");
            }
        }
    }

    #[test]
    fn a_filter_of_the_log_that_tracing_does_not_take_is_a_bad_value() {
        for filter in ["chaos_harness=loud", "warn, \u{fc}\u{fc}=debug"] {
            let error = read([("CHAOS_LOG", filter)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("CHAOS_LOG={filter}: ")), "{error}");
        }
    }

    #[test]
    fn a_misspelt_variable_is_pointed_out_and_those_of_the_harness_are_not() {
        let unknown =
            read([("CHAOS_SEEDS", "1"), ("CHAOS_TRIAL", "t"), ("CHAOS_GUARD", "g"), ("CHAOS_LOG", "debug")])
                .unwrap()
                .unknown;
        assert_eq!(unknown.len(), 1);
        let text = unknown[0].to_string();
        assert!(text.starts_with("CHAOS_SEEDS is set") && text.contains("CHAOS_SEED,"), "{text}");
    }

    #[test]
    fn a_relative_target_dir_of_cargo_is_not_believed() {
        assert_eq!(read([("CARGO_TARGET_DIR", "target")]).unwrap().target_dir, None);
        assert_eq!(read([("CARGO_TARGET_DIR", "/t")]).unwrap().target_dir, Some("/t".into()));
    }
}
