//! Plans and experiments that someone stored, read with limits: nothing is run that the builder would refuse.

use super::{Definition, Plan, outline};
use crate::foreign_json::{DEEPEST, is_shallow, unknown_field};
use crate::system::SystemSpec;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// Most bytes of a stored plan.
const MOST_BYTES: usize = 1 << 20;

/// Most services of a system, faults, stages, and thresholds of a clause.
const MOST_OF_A_KIND: usize = 256;

/// Most ways to provide a service.
const MOST_PROVIDERS: usize = 16;

/// Most of the problems that are told.
const MOST_PROBLEMS: usize = 20;

/// Most instances of a service.
const MOST_REPLICAS: u32 = 1_000;

/// Longest of the times that an experiment says.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A stored plan or experiment that is not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// It is larger than what is read.
    #[error("{what}: {is}, and at most {limit} is read")]
    TooLarge {
        /// What of it.
        what: &'static str,
        /// How large it is.
        is: String,
        /// How large it may be.
        limit: String,
    },
    /// It is not JSON of this form.
    #[error("it is not of the form that this release stores: {0}")]
    Form(String),
    /// It says something that means nothing here.
    #[error("`{path}` means nothing here{}", hint(path, there))]
    Unknown {
        /// Where.
        path: String,
        /// What there is in its place.
        there: Vec<String>,
    },
    /// It was stored in another form.
    #[error("it is stored in form {is}, and this release reads form {}", Plan::SCHEMA)]
    Schema {
        /// Its form.
        is: u32,
    },
    /// It is an experiment that cannot be run, for these reasons.
    #[error("it cannot be run: {}", .0.join("; "))]
    Problems(Vec<String>),
    /// What it says of its stage is not what comes of its experiment and its seed.
    #[error("its {part} is not what comes of its experiment and its seed: plan it anew")]
    Inconsistent {
        /// Which part.
        part: &'static str,
    },
}

fn hint(path: &str, there: &[String]) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    // A slip of the finger leaves most of a name as it was.
    let near = |other: &&String| {
        let same = name.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
        same > 0 && same + 2 >= name.len().max(other.len())
    };
    match there.iter().find(near) {
        Some(meant) => format!(": is `{meant}` meant?"),
        None if there.is_empty() => String::new(),
        None => format!(": there are {}", there.join(", ")),
    }
}

impl Plan {
    /// Reads a plan as a journal has it, in its event `planned`, and asks of it what is asked of every experiment.
    ///
    /// With the feature `records`.
    ///
    /// At most 1 MiB is read, 32 arrays and objects deep, with at most 256 services, faults, stages, and thresholds of a
    /// clause, 1,000 instances of a service, and no time beyond 24 h. A field that means nothing is refused, and so is a
    /// plan that was stored without its secrets (`[redacted]`), and one whose targets are not what its seed draws.
    ///
    /// ```
    /// use chaos_harness::experiment::{Plan, StoredError};
    ///
    /// let error = Plan::from_json(br#"{"schema": 1}"#).unwrap_err();
    /// assert!(matches!(error, StoredError::Form(_)));
    /// assert!(error.to_string().contains("missing field `definition`"));
    /// ```
    pub fn from_json(text: &[u8]) -> Result<Self, StoredError> {
        let mut plan: Self = read(text)?;
        if plan.schema != Self::SCHEMA {
            return Err(StoredError::Schema { is: plan.schema });
        }
        count("injections", plan.injections.len(), MOST_OF_A_KIND)?;
        count("services", plan.services.len(), MOST_OF_A_KIND)?;
        let rungs = plan.definition.rungs()?;
        let inconsistent = |part| Err(StoredError::Inconsistent { part });
        let specs = &plan.definition.system.services;
        let is_chosen = |chosen: &crate::system::ChosenService, spec: &crate::system::ServiceSpec| {
            let is_offered = spec.providers.iter().any(|offered| offered.is_offer_of(&chosen.provider));
            chosen.name == spec.name && chosen.after == spec.after && is_offered
        };
        let are_chosen = plan.services.iter().zip(specs).all(|(chosen, spec)| is_chosen(chosen, spec));
        if plan.services.len() != specs.len() || !are_chosen {
            return inconsistent("choice of services");
        }
        let Some(rung) = rungs.iter().find(|rung| rung.number == plan.stage.number) else {
            return inconsistent("stage");
        };
        let anew = Self::new(&plan.definition, rung, plan.services.clone(), plan.seed, plan.inject);
        // One of a release that did not say these comes to the same.
        if plan.stage.risk.is_none() {
            plan.stage.risk = anew.stage.risk;
            plan.stage.reaches.clone_from(&anew.stage.reaches);
        }
        if anew.stage != plan.stage {
            return inconsistent("stage");
        }
        if anew.injections != plan.injections {
            return inconsistent("choice of targets");
        }
        Ok(plan)
    }
}

impl Definition {
    /// Reads what an experiment says as it was stored, within the limits of [`Plan::from_json`], and asks of it what is
    /// asked of every experiment.
    ///
    /// With the feature `records`.
    ///
    /// ```
    /// use chaos_harness::experiment::Definition;
    ///
    /// let error = Definition::from_json(b"[").unwrap_err();
    /// assert!(error.to_string().starts_with("it is not of the form that this release stores"));
    /// ```
    pub fn from_json(text: &[u8]) -> Result<Self, StoredError> {
        let definition: Self = read(text)?;
        definition.rungs()?;
        Ok(definition)
    }

    /// Its ladder, where nothing is wrong with it.
    fn rungs(&self) -> Result<Vec<crate::blast_radius::Rung>, StoredError> {
        self.bounded()?;
        let said = |problems: Vec<outline::Problem>| {
            StoredError::Problems(problems.iter().take(MOST_PROBLEMS).map(ToString::to_string).collect())
        };
        outline(self, &[]).map_err(said)
    }

    /// Asked first: what follows takes time and memory as they say.
    fn bounded(&self) -> Result<(), StoredError> {
        count("faults", self.faults.len(), MOST_OF_A_KIND)?;
        count("stages", self.stages.len(), MOST_OF_A_KIND)?;
        for stage in &self.stages {
            count("magnitudes of a stage", stage.said_magnitudes().len(), MOST_OF_A_KIND)?;
        }
        for clause in [&self.steady_state, &self.expect, &self.halt_if] {
            count("thresholds of a clause", clause.len(), MOST_OF_A_KIND)?;
        }
        bounded_system(&self.system)?;
        let load = &self.load;
        for time in [load.warmup, load.baseline, load.turbulence, load.timeout, self.recover.within] {
            within("a time", time, LONGEST)?;
        }
        Ok(())
    }
}

fn bounded_system(system: &SystemSpec) -> Result<(), StoredError> {
    count("services", system.services.len(), MOST_OF_A_KIND)?;
    for service in &system.services {
        count("providers of a service", service.providers.len(), MOST_PROVIDERS)?;
        count("services that one comes after", service.after.len(), MOST_OF_A_KIND)?;
        for provider in &service.providers {
            count("instances of a service", provider.replicas as usize, MOST_REPLICAS as usize)?;
            within("a time", provider.ready_within, LONGEST)?;
        }
    }
    Ok(())
}

fn count(what: &'static str, is: usize, limit: usize) -> Result<(), StoredError> {
    if is <= limit {
        return Ok(());
    }
    Err(StoredError::TooLarge { what, is: is.to_string(), limit: limit.to_string() })
}

fn within(what: &'static str, is: Duration, limit: Duration) -> Result<(), StoredError> {
    if is <= limit {
        return Ok(());
    }
    let show = crate::units::show_duration;
    Err(StoredError::TooLarge { what, is: show(is), limit: show(limit) })
}

/// Reads a value that is no larger than is read, and says nothing that is not understood.
fn read<T: DeserializeOwned + Serialize>(text: &[u8]) -> Result<T, StoredError> {
    count("its bytes", text.len(), MOST_BYTES)?;
    if !is_shallow(text) {
        let (is, limit) = ("deeper".to_owned(), DEEPEST.to_string());
        return Err(StoredError::TooLarge { what: "arrays and objects within each other", is, limit });
    }
    let form = |error: serde_json::Error| StoredError::Form(error.to_string());
    let read: T = serde_json::from_slice(text).map_err(form)?;
    let given: Value = serde_json::from_slice(text).map_err(form)?;
    let known = serde_json::to_value(&read).map_err(form)?;
    match unknown_field(&given, &known) {
        Some((path, there)) => Err(StoredError::Unknown { path, there }),
        None => Ok(read),
    }
}

#[cfg(test)]
mod tests;
