//! The list of trials as tools read it: `CHAOS_LISTING=json`.

use super::listing::{Entry, State};
use crate::blast_radius::{Stage, Touch};
use crate::ledger::{ExperimentId, Fingerprint, Moment, Part, SourceLocation};
use crate::redact::Redactor;
use crate::system::{ProviderKind, SystemSpec};
use crate::units::Percent;
use serde::Serialize;
use std::io::{self, Write};

/// The variable that asks for the list in place of a run.
const VARIABLE: &str = "CHAOS_LISTING";

/// One trial of a test program, as a line of `CHAOS_LISTING=json` says it: for tools that list what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub struct ListedTrial {
    /// [`ListedTrial::SCHEMA`].
    pub schema: u32,
    /// The trial's name.
    pub name: String,
    /// The experiment; none where it does not say what it is part of.
    pub experiment: Option<ExperimentId>,
    /// Where it is in the source.
    pub location: SourceLocation,
    /// The hypothesis in words.
    pub hypothesis: String,
    /// The stage; none where the experiment cannot be planned.
    pub stage: Option<ListedStage>,
    /// What of the experiment its proof is about; none where it cannot be planned.
    pub fingerprint: Option<Fingerprint>,
    /// What it has earned.
    pub proof: ListedProof,
    /// Why it is not run unless it is asked for.
    pub left_out: Option<String>,
    /// Why it fails whenever it is run.
    pub problems: Option<String>,
    /// What this machine lacks for it, and how to get it.
    pub lacking: Option<String>,
    /// The images of the containers that its services can be.
    pub images: Vec<String>,
}

/// The stage of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub struct ListedStage {
    /// Its number, from 1.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// How many there are.
    pub of: usize,
    /// How much it asks for: `5 %`.
    pub asked: String,
    /// How much of each service that has faults it comes to.
    pub reached: Vec<ListedReach>,
    /// How much is at stake.
    pub risk: String,
    /// The stages after it that reach just the same, and are run with it.
    pub merged: Vec<String>,
    /// Whether it is tried only where someone approved of it.
    pub needs_approval: bool,
}

/// What a stage comes to on one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub struct ListedReach {
    /// The service.
    pub service: String,
    /// In words: `1 of 3 instances (33 %)`.
    pub text: String,
    /// As a share, in parts per million.
    #[serde(rename = "ppm")]
    pub share: Percent,
}

impl From<Touch> for ListedReach {
    fn from(Touch { service, text, share }: Touch) -> Self {
        Self { service, text, share }
    }
}

/// What an experiment has earned, as the ledger says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub struct ListedProof {
    /// The stage that the gate runs, from 1.
    pub earned: usize,
    /// How many times the next one was confirmed.
    pub confirmed: u32,
    /// How many times it takes; 0 where the ledger says nothing of the experiment.
    pub wanted: u32,
    /// What changed since more was earned.
    pub reset: Vec<Part>,
    /// Until when the next stage is left alone.
    pub cooling_until: Option<Moment>,
}

impl ListedTrial {
    /// The form that this release writes.
    pub const SCHEMA: u32 = 1;

    fn of(entry: &Entry) -> Self {
        let definition = &entry.ladder.experiment.definition;
        let proof = &entry.ladder.proof;
        let stage = entry.rung.as_ref().map(|rung| ListedStage {
            number: rung.number,
            name: rung.stage.name(),
            of: entry.ladder.rungs.len(),
            asked: rung.stage.told(),
            reached: rung.touches().into_iter().map(ListedReach::from).collect(),
            risk: rung.risk().to_string(),
            merged: rung.same.iter().map(Stage::told).collect(),
            needs_approval: entry.needs_approval,
        });
        Self {
            schema: Self::SCHEMA,
            name: entry.name.clone(),
            experiment: proof.id.clone(),
            location: SourceLocation {
                file: definition.location.file.clone(),
                line: definition.location.line,
            },
            hypothesis: definition.hypothesis.clone(),
            fingerprint: stage.is_some().then(|| entry.ladder.fingerprint()),
            stage,
            proof: ListedProof {
                earned: proof.earned,
                confirmed: proof.confirmed.0,
                wanted: proof.confirmed.1,
                reset: proof.reset.clone(),
                cooling_until: proof.cooling_until,
            },
            left_out: entry.left_out().map(str::to_owned),
            problems: match &entry.state {
                State::Broken { problems } => Some(problems.clone()),
                State::Ready { .. } | State::Lacking { .. } => None,
            },
            lacking: match &entry.state {
                State::Lacking { reason, .. } => Some(reason.clone()),
                State::Ready { .. } | State::Broken { .. } => None,
            },
            images: images(&definition.system),
        }
    }
}

fn images(system: &SystemSpec) -> Vec<String> {
    let providers = system.services.iter().flat_map(|service| &service.providers);
    let images = providers.filter_map(|provider| match &provider.kind {
        ProviderKind::Container { image, .. } => Some(image.clone()),
        _ => None,
    });
    images.collect()
}

/// Whether the list is asked for.
pub(super) fn is_asked_for() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|form| form == "json")
}

/// Writes one line for each trial.
pub(super) fn write(entries: &[Entry], out: &mut impl Write) -> io::Result<()> {
    let redactor = Redactor::default();
    for entry in entries {
        out.write_all(&redactor.line(&ListedTrial::of(entry))?)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
