//! Profiles: which stages run, and how. Each value comes from the topmost layer that says something.

use super::document::{Document, Reader};
use super::origin::{Origin, Sourced};
use super::text::{Confidence, Wrong, unknown};
use super::{Inconclusive, SeedPolicy, StageChoice};
use crate::system::BackendChoice;
use crate::units::{Factor, Percent};
use crate::words::any_of;
use std::collections::BTreeMap;

/// The profile that is used where nothing else is said.
pub(super) const GATE: &str = "gate";

/// The profiles that there are in any case.
const BUILT_IN: [&str; 4] = [GATE, "escalate", "all", "lenient"];

/// A profile as it is in effect, all layers taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Which stages run.
    pub stages: Sourced<StageChoice>,
    /// What warm-up, baseline and turbulence of each experiment are multiplied by.
    pub durations: Sourced<Factor>,
    /// How sure decisions must be; as each experiment says where it is `None`.
    pub confidence: Sourced<Option<Percent>>,
    /// What random choices are drawn from.
    pub seed: Sourced<SeedPolicy>,
    /// What runs services.
    pub(crate) backend: Sourced<BackendChoice>,
    /// What an inconclusive trial comes to.
    pub inconclusive: Sourced<Inconclusive>,
}

/// What one layer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Choices {
    pub(super) stages: Option<Sourced<StageChoice>>,
    pub(super) durations: Option<Sourced<Factor>>,
    pub(super) confidence: Option<Sourced<Confidence>>,
    pub(super) seed: Option<Sourced<SeedPolicy>>,
    pub(super) backend: Option<Sourced<BackendChoice>>,
    pub(super) inconclusive: Option<Sourced<Inconclusive>>,
}

impl Choices {
    /// This layer on top of that one.
    fn over(self, below: &Self) -> Self {
        Self {
            stages: self.stages.or_else(|| below.stages.clone()),
            durations: self.durations.or_else(|| below.durations.clone()),
            confidence: self.confidence.or_else(|| below.confidence.clone()),
            seed: self.seed.or_else(|| below.seed.clone()),
            backend: self.backend.or_else(|| below.backend.clone()),
            inconclusive: self.inconclusive.or_else(|| below.inconclusive.clone()),
        }
    }

    fn built_in(profile: &str) -> Self {
        let origin = || Origin::BuiltIn { profile: profile.to_owned() };
        let stages = |value| Some(Sourced { value, origin: origin() });
        match profile {
            "gate" => Self { stages: stages(StageChoice::Earned), ..Self::default() },
            "escalate" => Self { stages: stages(StageChoice::Escalate), ..Self::default() },
            "all" => Self { stages: stages(StageChoice::All), ..Self::default() },
            "lenient" => Self {
                stages: stages(StageChoice::Earned),
                inconclusive: Some(Sourced { value: Inconclusive::Warn, origin: origin() }),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }

    fn into_profile(self, name: String) -> Profile {
        Profile {
            name,
            stages: self.stages.unwrap_or_else(|| Sourced::default(StageChoice::Earned)),
            durations: self.durations.unwrap_or_else(|| Sourced::default(Factor::ONE)),
            confidence: self.confidence.map_or_else(
                || Sourced::default(None),
                |Sourced { value, origin }| Sourced { value: Some(value.get()), origin },
            ),
            seed: self.seed.unwrap_or_else(|| Sourced::default(SeedPolicy::Fresh)),
            backend: self.backend.unwrap_or_else(|| Sourced::default(BackendChoice::Auto)),
            inconclusive: self.inconclusive.unwrap_or_else(|| Sourced::default(Inconclusive::Fail)),
        }
    }
}

/// All profiles there are, by name. Where a profile inherits from what is not there, or from itself, that is wrong.
pub(super) fn all(
    document: &Document,
    environment: &Choices,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, Profile> {
    let names = names(document);
    let mut profiles = BTreeMap::new();
    for name in &names {
        match lineage(name, document) {
            Ok(lineage) => {
                let layers = lineage.into_iter().rev();
                let written = layers.fold(document.choices.clone(), |below, layer| layer.over(&below));
                let choices = environment.clone().over(&written);
                profiles.insert(name.clone(), choices.into_profile(name.clone()));
            }
            // Not again for each profile that inherits from that one.
            Err((at, _)) if at != name => {}
            Err((_, wrong)) => {
                let inherits = document.profiles.get(name).and_then(|section| section.inherits.as_ref());
                reader.wrong(&inherits.map(|named| named.span.clone()).unwrap_or_default(), wrong);
            }
        }
    }
    if let Some(chosen) = document.default_profile.as_ref().filter(|chosen| !names.contains(&chosen.name)) {
        reader.wrong(&chosen.span, unknown(&chosen.name, &names));
    }
    profiles
}

/// The names of all profiles, the built-in ones first.
pub(super) fn names(document: &Document) -> Vec<String> {
    let own = document.profiles.keys().filter(|name| !BUILT_IN.contains(&name.as_str())).cloned();
    BUILT_IN.iter().map(|name| (*name).to_owned()).chain(own).collect()
}

/// What a profile says, and all that it inherits from, itself first; or what is wrong with which of them.
fn lineage<'a>(name: &'a str, document: &'a Document) -> Result<Vec<Choices>, (&'a str, Wrong)> {
    let (mut passed, mut layers) = (vec![name], Vec::new());
    let mut name = name;
    loop {
        let section = document.profiles.get(name);
        layers.extend(section.map(|section| section.choices.clone()));
        layers.push(Choices::built_in(name));
        let Some(parent) = section.and_then(|section| section.inherits.as_ref()) else {
            return Ok(layers);
        };
        let parent = parent.name.as_str();
        if !document.profiles.contains_key(parent) && !BUILT_IN.contains(&parent) {
            return Err((name, unknown(parent, &names(document))));
        }
        passed.push(parent);
        if passed[..passed.len() - 1].contains(&parent) {
            let others: Vec<_> = BUILT_IN.iter().filter(|built_in| !passed.contains(built_in)).collect();
            let what = format!("a profile that inherits from itself: {}", passed.join(" from "));
            return Err((parent, Wrong::new(what, any_of(&others))));
        }
        name = parent;
    }
}
