//! What another run needs to be told to do the same.

use super::Settings;
use super::environment::{Environment, Requirement};
use super::origin::{Origin, Sourced};
use super::profile::{GATE, Profile};
use super::text::{Confidence, Text};
#[cfg(all(feature = "docker", feature = "external-toxiproxy"))]
use crate::toxiproxy::Source;

type Variable = (&'static str, String);

impl Settings {
    /// The variables that a run of one trial needs to do the same, with their values. Not the seed, which a run has in
    /// any case, and not what only says where things go.
    pub(crate) fn to_repeat(&self) -> Vec<Variable> {
        let name = &self.chosen;
        let is_named = matches!(name.origin, Origin::Variable(_)) || name.value != GATE;
        let profile = is_named.then(|| ("CHAOS_PROFILE", name.value.clone()));
        let mut variables = self.environment.to_repeat();
        variables.extend(profile);
        variables.extend(self.in_effect.to_repeat());
        variables.sort_unstable();
        variables
    }
}

impl Profile {
    /// What was chosen, but for what the profile's name says anywhere: the file may be another by then.
    fn to_repeat(&self) -> Vec<Variable> {
        let confidence = &self.confidence;
        let variables = [
            ("CHAOS_BACKEND", chosen(&self.backend)),
            ("CHAOS_CONFIDENCE", confidence.value.map(|value| Confidence::from(value).write())),
            ("CHAOS_DURATIONS", chosen(&self.durations)),
            ("CHAOS_INCONCLUSIVE", chosen(&self.inconclusive)),
            ("CHAOS_STAGES", chosen(&self.stages)),
        ];
        variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn chosen<T: Text>(value: &Sourced<T>) -> Option<String> {
    let is_chosen = !matches!(value.origin, Origin::Default | Origin::BuiltIn { .. });
    is_chosen.then(|| value.value.write())
}

impl Environment {
    fn to_repeat(&self) -> Vec<Variable> {
        let switch = |on: bool| on.then(|| "1".to_owned());
        let require = self.require.contains(&Requirement::Docker).then(|| "docker".to_owned());
        let variables = [
            // The ladder and the profiles are in it.
            ("CHAOS_CONFIG", self.config.as_ref().map(|path| path.display().to_string())),
            ("CHAOS_IMAGE_PREFIX", self.image_prefix.clone()),
            ("CHAOS_MAX_FAULTS", self.limits.faults.map(|faults| faults.to_string())),
            ("CHAOS_MAX_FAULT_TIME", self.limits.time.map(|time| time.write())),
            ("CHAOS_MAX_SHARE", self.limits.share.map(|share| share.to_string())),
            ("CHAOS_NO_FAULT", switch(self.no_fault)),
            ("CHAOS_REQUIRE", require),
            #[cfg(feature = "external-toxiproxy")]
            ("CHAOS_TOXIPROXY", self.toxiproxy.as_ref().map(ToString::to_string)),
            #[cfg(all(feature = "docker", feature = "external-toxiproxy"))]
            ("CHAOS_TOXIPROXY_IMAGE", self.toxiproxy.as_ref().and_then(Source::image)),
        ];
        variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
