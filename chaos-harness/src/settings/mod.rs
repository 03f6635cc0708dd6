//! What is set for a workspace, and where each value comes from: `chaos.toml`, its profiles, and the environment.
//!
//! A value comes from the topmost layer that says something: the environment, then the profile, then what `chaos.toml`
//! says for all profiles, then the default. `chaos.toml` is looked for from the current folder upwards; `CHAOS_CONFIG`
//! names another.
//!
//! ```toml
//! # chaos.toml: all of it may be left out. These are the defaults.
//! default_profile = "gate"        # CHAOS_PROFILE
//! tests = ["chaos"]               # the test targets that hold experiments, for `cargo chaos`
//! durations = "1x"                # what a profile may say may stand here, for all profiles
//!
//! [ledger]
//! dir = "chaos/ledger"            # CHAOS_LEDGER_DIR; relative to this file
//! policy = "confirm"              # or "simple": one success earns the next stage
//! confirmations = 3
//! cool_down = "72h"
//! approval_over = "50%"           # stages that reach more need an approval
//!
//! [[stages]]                      # the ladder of experiments that name none, where it is not to be the default one
//! name = "single_instance"
//! scope = "1 instance"            # or a share, as "5%"
//! risk = "low"                    # or "medium", "high", "critical"; it follows from the scope where it is left out
//!
//! [profile.nightly]               # gate, escalate, all and lenient are there without being written
//! inherits = "escalate"
//! stages = "escalate"             # or "earned", or "all"; CHAOS_STAGES
//! durations = "2x"                # on warm-up, baseline and turbulence; CHAOS_DURATIONS
//! confidence = "99%"              # in place of what each experiment says; CHAOS_CONFIDENCE
//! seed = "commit"                 # or "fresh", or a number, as "0xc0ffee"; CHAOS_SEED
//! backend = "auto"                # or "docker", or "process"; CHAOS_BACKEND
//! inconclusive = "fail"           # or "warn"; CHAOS_INCONCLUSIVE
//! ```

mod document;
mod entries;
mod environment;
mod error;
#[cfg(fuzzing)]
mod fuzzing;
mod origin;
mod profile;
mod repeat;
#[cfg(any(fuzzing, test))]
mod reread;
#[cfg(test)]
mod tests;
mod text;

pub use entries::Entry;
pub use environment::UnknownVariable;
pub(crate) use environment::{Environment, Requirement};
pub use error::{Mistake, Place, SettingsError};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use fuzzing::{environment as fuzz_environment, settings as fuzz_settings};
pub use origin::{Origin, Position, Sourced};
pub use profile::Profile;

use crate::blast_radius::Stage;
use crate::chance::Seed;
use crate::ledger::Policy;
use crate::units::Percent;
use document::Reader;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file's name.
pub const FILE: &str = "chaos.toml";

/// Nobody writes more than this by hand.
const LARGEST: u64 = 1 << 20;

/// Which stages of an experiment run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StageChoice {
    /// The one that it has earned.
    Earned,
    /// The one that it has earned, and the next.
    Escalate,
    /// All of them.
    All,
}

/// What random choices are drawn from, where an experiment does not fix it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeedPolicy {
    /// Another seed each time.
    Fresh,
    /// The same seed for the same commit.
    Commit,
    /// This one.
    Fixed(Seed),
}

/// What a trial whose samples cannot decide comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inconclusive {
    /// It fails.
    Fail,
    /// It passes with a warning.
    Warn,
}

/// What earns the next stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyKind {
    /// So many confirmations.
    Confirm,
    /// One success.
    Simple,
}

/// How the ledger is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerSettings {
    /// Its folder, as it is written: [`Settings::ledger_dir`] says where that is.
    pub dir: Sourced<String>,
    /// What earns the next stage.
    pub policy: Sourced<PolicyKind>,
    /// How many confirmations do.
    pub confirmations: Sourced<NonZeroU32>,
    /// How long the next stage is left alone after it was refuted.
    pub cool_down: Sourced<Duration>,
    /// Stages that reach more than this need an approval.
    pub approval_over: Sourced<Percent>,
}

impl LedgerSettings {
    /// What it takes to earn the next stage.
    #[must_use]
    pub fn policy(&self) -> Policy {
        match self.policy.value {
            PolicyKind::Simple => Policy::Simple,
            PolicyKind::Confirm => {
                Policy::Confirm { confirmations: self.confirmations.value, cool_down: self.cool_down.value }
            }
        }
    }
}

/// What `chaos.toml` says that is no profile's affair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Workspace {
    tests: Option<Sourced<Vec<String>>>,
    dir: Option<Sourced<String>>,
    policy: Option<Sourced<PolicyKind>>,
    confirmations: Option<Sourced<NonZeroU32>>,
    cool_down: Option<Sourced<Duration>>,
    approval_over: Option<Sourced<Percent>>,
    stages: Option<Sourced<Vec<Stage>>>,
}

/// Everything that is set, each value with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The file, where there is one.
    file: Option<PathBuf>,
    /// What relative paths are relative to.
    folder: PathBuf,
    chosen: Sourced<String>,
    in_effect: Profile,
    profiles: BTreeMap<String, Profile>,
    /// The test targets that hold experiments.
    pub tests: Sourced<Vec<String>>,
    /// How the ledger is kept.
    pub ledger: LedgerSettings,
    /// The ladder of experiments that name none; the default one where it is `None`.
    pub stages: Sourced<Option<Vec<Stage>>>,
    pub(crate) environment: Environment,
}

impl Settings {
    /// What is set for a folder and what is below it, with these variables: those of
    /// [`std::env::vars_os`], mostly.
    pub fn load(
        start: &Path,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        let start = std::path::absolute(start).unwrap_or_else(|_| start.to_owned());
        let start = start.as_path();
        let (environment, bad) = Environment::read(variables);
        // Cargo runs tests in the folder of their package, wherever it was called itself.
        let named = environment.config.as_ref();
        let named = named.map(|named| above(start, named).unwrap_or_else(|| start.join(named)));
        let path = named.or_else(|| above(start, FILE));
        // The one that was found goes by its name, another by the name that it was given.
        let name = match &environment.config {
            Some(named) => named.display().to_string(),
            None => FILE.to_owned(),
        };
        let text = match &path {
            Some(path) => {
                let bytes = read(path).map_err(|source| error::unreadable(path, source))?;
                Some(error::utf8(&name, bytes)?)
            }
            None => None,
        };
        let base = match &path {
            Some(path) => path.parent().map(Path::to_owned),
            // The lock file lies in the folder of the workspace, and nowhere else.
            None => above(start, "Cargo.lock").and_then(|lock| lock.parent().map(Path::to_owned)),
        };
        let base = base.unwrap_or_else(|| start.to_owned());
        Self::of(&name, text.as_deref(), environment, bad).map(|settings| Self {
            file: path,
            folder: base,
            ..settings
        })
    }

    /// What a file of this name and text says, and the environment.
    fn of(
        name: &str,
        text: Option<&str>,
        environment: Environment,
        bad: Vec<Mistake>,
    ) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(name, text.unwrap_or_default());
        let document = reader.read();
        let profiles = profile::all(&document, &environment.choices, &mut reader);
        let mut mistakes = reader.into_mistakes();
        mistakes.extend(bad);
        let chosen = match (&environment.profile, &document.default_profile) {
            (Some(name), _) => Sourced::variable("CHAOS_PROFILE", name.clone()),
            (None, Some(named)) => {
                Sourced { value: named.name.clone(), origin: Origin::Workspace(named.position.clone()) }
            }
            (None, None) => Sourced::default(profile::GATE.to_owned()),
        };
        let names = profile::names(&document);
        if let Some(name) = environment.profile.as_ref().filter(|name| !names.contains(name)) {
            mistakes.push(Mistake::Variable {
                name: "CHAOS_PROFILE",
                value: name.clone(),
                right: text::unknown(name, &names).right,
            });
        }
        let in_effect = match profiles.get(&chosen.value) {
            Some(profile) if mistakes.is_empty() => profile.clone(),
            _ => return Err(SettingsError::new(mistakes)),
        };
        let written = document.workspace;
        let dir = environment.ledger_dir.as_ref().map(|dir| dir.to_string_lossy().into_owned());
        let dir = dir.map(|dir| Sourced::variable("CHAOS_LEDGER_DIR", dir)).or(written.dir);
        let ledger = LedgerSettings {
            dir: dir.unwrap_or_else(|| Sourced::default("chaos/ledger".to_owned())),
            policy: written.policy.unwrap_or_else(|| Sourced::default(PolicyKind::Confirm)),
            confirmations: written
                .confirmations
                .unwrap_or_else(|| Sourced::default(NonZeroU32::MIN.saturating_add(2))),
            cool_down: written.cool_down.unwrap_or_else(|| Sourced::default(Duration::from_secs(72 * 3_600))),
            approval_over: written.approval_over.unwrap_or_else(|| Sourced::default(Percent::new(50))),
        };
        Ok(Self {
            file: None,
            folder: PathBuf::new(),
            chosen,
            in_effect,
            profiles,
            tests: written.tests.unwrap_or_else(|| Sourced::default(vec!["chaos".to_owned()])),
            ledger,
            stages: match written.stages {
                Some(Sourced { value, origin }) => Sourced { value: Some(value), origin },
                None => Sourced::default(None),
            },
            environment,
        })
    }

    /// The file that was read, where there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The folder that relative paths are relative to: that of the file, or the workspace's.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of the ledger.
    #[must_use]
    pub fn ledger_dir(&self) -> PathBuf {
        let dir = self.environment.ledger_dir.clone();
        self.folder.join(dir.unwrap_or_else(|| PathBuf::from(&self.ledger.dir.value)))
    }

    /// The name of the profile that is used, and why that one.
    #[must_use]
    pub fn chosen(&self) -> &Sourced<String> {
        &self.chosen
    }

    /// The profile that is used.
    #[must_use]
    pub fn in_effect(&self) -> &Profile {
        &self.in_effect
    }

    /// The profile of this name.
    #[must_use]
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// All profiles, by name.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }

    /// Who approved of the stages that need it, for this run: `CHAOS_APPROVED_BY`.
    #[must_use]
    pub fn approved_by(&self) -> Option<&str> {
        self.environment.approved_by.as_deref()
    }

    /// Variables that look like this project's and mean nothing: most likely misspelt.
    #[must_use]
    pub fn unknown_variables(&self) -> &[UnknownVariable] {
        &self.environment.unknown
    }
}

/// The nearest file of this name, in a folder or above it.
fn above(start: &Path, name: impl AsRef<Path>) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(&name)).find(|path| path.is_file())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it is larger than {LARGEST} bytes")));
    }
    Ok(bytes)
}
