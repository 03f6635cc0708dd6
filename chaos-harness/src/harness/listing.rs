//! From experiments to trials: one for each stage, each either to be run, left out with a reason, or failing at once.

use super::names::trial_name;
use super::record::{Proof, experiment_id};
use super::session::Session;
use crate::blast_radius::{Rung, stages};
use crate::experiment::{Definition, Experiment, fingerprint, outline};
use crate::fault::{FaultKind, InstanceFault};
use crate::ledger::Fingerprint;
use crate::system::{ChosenService, ServiceSpec, Unavailable, choose};
use crate::units::Percent;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One stage of one experiment.
pub(super) struct Entry {
    /// The trial's name.
    pub(super) name: String,
    /// The stages after its own that it stands for, since they reach the same.
    pub(super) merged: Vec<String>,
    pub(super) ladder: Arc<Ladder>,
    /// Its stage: none where the experiment cannot be planned.
    pub(super) rung: Option<Rung>,
    /// Whether the stage counts only where someone approved of it.
    pub(super) needs_approval: bool,
    /// Why the stage is not run unless asked for: it is not the one that was earned.
    pub(super) not_selected: Option<String>,
    pub(super) state: State,
}

/// An experiment as it is run here, and what all its stages have in common.
pub(super) struct Ladder {
    pub(super) experiment: Experiment,
    /// How sure its decisions are to be as it is written, whatever the profile says.
    confidence: Percent,
    pub(super) rungs: Vec<Rung>,
    pub(super) proof: Proof,
}

/// What there is to do for a trial.
pub(super) enum State {
    /// It can be run. Where it is left out unless asked for, the reason says why.
    Ready { services: Vec<ChosenService>, left_out: Option<String> },
    /// This machine cannot provide what it needs.
    Lacking { reason: String, required: bool },
    /// The experiment is impossible or meaningless as it is written.
    Broken { problems: String },
}

impl Entry {
    /// Why the trial is not run unless asked for.
    pub(super) fn left_out(&self) -> Option<&str> {
        match &self.state {
            State::Ready { left_out, .. } => left_out.as_deref(),
            State::Lacking { reason, required: false } => Some(reason),
            State::Lacking { .. } | State::Broken { .. } => None,
        }
    }
}

impl Ladder {
    /// What of the experiment its proof is about. What a profile changes is no part of it.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        written(&self.experiment.definition, self.confidence, &self.rungs)
    }
}

fn written(definition: &Definition, confidence: Percent, rungs: &[Rung]) -> Fingerprint {
    if definition.confidence == confidence {
        return fingerprint(definition, rungs);
    }
    fingerprint(&Definition { confidence, ..definition.clone() }, rungs)
}

/// All trials of these experiments, sorted by name.
pub(super) fn all_entries(experiments: Vec<Experiment>, session: &Session) -> Vec<Entry> {
    let mut by_name: BTreeMap<String, Vec<Experiment>> = BTreeMap::new();
    for experiment in experiments {
        by_name.entry(experiment.definition.name.clone()).or_default().push(experiment);
    }
    let ids: Vec<_> =
        by_name.values().map(|same| same.first().and_then(|one| experiment_id(&one.definition))).collect();
    let (states, outlined) = session.record.states_beside(&ids, || {
        let outlined = by_name.into_values().map(|same| match <[_; 1]>::try_from(same) {
            Ok([experiment]) => Ok(Outlined::of(experiment, session)),
            Err(same) => Err(same),
        });
        outlined.collect::<Vec<_>>()
    });
    let entries = outlined.into_iter().zip(ids.into_iter().zip(states));
    let entries = entries.flat_map(|(outlined, (id, state))| match outlined {
        Ok(outlined) => {
            let rungs = outlined.rungs.as_ref().map_or(1, Vec::len);
            let proof = session.record.proof(id, state.as_ref(), rungs, || outlined.fingerprint());
            outlined.entries(proof, session)
        }
        Err(same) => name_taken(same),
    });
    let entries = entries.collect();
    session.record.warn();
    entries
}

/// Experiments of one name: none of them is run, since nothing could say which one is meant.
fn name_taken(same: Vec<Experiment>) -> Vec<Entry> {
    let places: Vec<_> = same.iter().map(place).collect();
    let problem = format!("give each experiment a name of its own: {} have the same", places.join(" and "));
    same.into_iter().map(|experiment| broken(experiment, problem.clone())).collect()
}

fn broken(experiment: Experiment, problems: String) -> Entry {
    let name = format!("{}::1_cannot_be_planned", experiment.definition.name);
    let confidence = experiment.definition.confidence;
    let proof = Proof::nothing(experiment_id(&experiment.definition));
    let ladder = Arc::new(Ladder { experiment, confidence, rungs: Vec::new(), proof });
    Entry {
        name,
        merged: Vec::new(),
        ladder,
        rung: None,
        needs_approval: false,
        not_selected: None,
        state: State::Broken { problems },
    }
}

/// An experiment with its ladder, or with what is wrong with it.
struct Outlined {
    experiment: Experiment,
    /// How sure its decisions are to be as it is written.
    confidence: Percent,
    rungs: Result<Vec<Rung>, String>,
}

impl Outlined {
    fn of(mut experiment: Experiment, session: &Session) -> Self {
        let confidence = experiment.definition.confidence;
        session.adapt(&mut experiment.definition);
        let rungs = outline(&experiment.definition, session.ladder()).map_err(|problems| {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            format!("{}: {}", place(&experiment), lines.join("\n  and "))
        });
        if let Ok(rungs) = &rungs {
            // A plan says the ladder that was in force: elsewhere, and later, there may be another.
            experiment.definition.stages = stages(rungs);
        }
        Self { experiment, confidence, rungs }
    }

    fn fingerprint(&self) -> Fingerprint {
        written(&self.experiment.definition, self.confidence, self.rungs.as_deref().unwrap_or_default())
    }

    /// All its trials.
    fn entries(self, proof: Proof, session: &Session) -> Vec<Entry> {
        let Self { experiment, confidence, rungs } = self;
        match rungs {
            Ok(rungs) => entries(Ladder { experiment, confidence, rungs, proof }, session),
            Err(problems) => vec![broken(experiment, problems)],
        }
    }
}

/// All trials of one experiment.
fn entries(ladder: Ladder, session: &Session) -> Vec<Entry> {
    let ladder = Arc::new(ladder);
    let provided = provide(&ladder.experiment, session);
    let (experiment, definition) = (&ladder.experiment, &ladder.experiment.definition);
    let names: Vec<_> = ladder.rungs.iter().map(|rung| rung.stage.name()).collect();
    let entry = |rung: &Rung| {
        let name = trial_name(&definition.name, &names, rung.number - 1);
        let merged = rung.same.iter().map(ToString::to_string).collect();
        let (selection, reaches) = (session.selection(), reaches(rung));
        let needs_approval = selection.needs_approval(rung.number, reaches);
        let not_selected = selection.left_out(rung.number, reaches, &ladder.proof);
        let left_out = ignored(experiment).or_else(|| not_selected.clone());
        let beyond = session.refuses(definition, rung);
        let beyond =
            beyond.map(|shortage| format!("{}: stage {}: {shortage}", place(experiment), rung.stage));
        let state = match (&provided, beyond) {
            // One that would run fails: that a limit keeps an experiment from ever running is not to be overlooked.
            (_, Some(problems)) if left_out.is_none() => State::Broken { problems },
            (_, Some(reason)) => State::Lacking { reason, required: false },
            (Ok(services), None) => State::Ready { services: services.clone(), left_out },
            (Err(lacking), None) => State::Lacking {
                reason: lacking.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
                // Nothing is required of a trial that would not run anyway.
                required: left_out.is_none() && lacking.iter().any(|service| session.requires(service)),
            },
        };
        Entry {
            name,
            merged,
            ladder: Arc::clone(&ladder),
            rung: Some(rung.clone()),
            needs_approval,
            not_selected,
            state,
        }
    };
    ladder.rungs.iter().map(entry).collect()
}

/// The most that a stage reaches of any service.
fn reaches(rung: &Rung) -> Percent {
    rung.extents.iter().map(|extent| extent.share()).max().unwrap_or(Percent::ZERO)
}

/// How each service is provided here, or all that is lacking.
fn provide(experiment: &Experiment, session: &Session) -> Result<Vec<ChosenService>, Vec<Unavailable>> {
    let (mut chosen, mut lacking) = (Vec::new(), Vec::new());
    for service in &experiment.definition.system.services {
        match choose(service, &instance_faults(experiment, service), session.backend(), &session.availability)
        {
            Ok(service) => chosen.push(service),
            Err(unavailable) => lacking.push(unavailable),
        }
    }
    if lacking.is_empty() { Ok(chosen) } else { Err(lacking) }
}

/// What is done to the instances of a service.
fn instance_faults(experiment: &Experiment, service: &ServiceSpec) -> Vec<InstanceFault> {
    let faults = experiment.definition.faults.iter().filter(|fault| fault.service == service.name);
    let instance_faults = faults.filter_map(|fault| match fault.kind {
        FaultKind::Instance(fault) => Some(fault),
        FaultKind::Toxic { .. } => None,
    });
    instance_faults.collect()
}

/// The reason that stands beside `#[ignore]`.
fn ignored(experiment: &Experiment) -> Option<String> {
    let reason = experiment.definition.ignored.as_ref()?;
    Some(if reason.is_empty() { "#[ignore]".to_owned() } else { reason.clone() })
}

fn place(experiment: &Experiment) -> String {
    let location = &experiment.definition.location;
    if location.file.is_empty() {
        experiment.definition.name.clone()
    } else {
        format!("{} ({}:{})", experiment.definition.name, location.file, location.line)
    }
}
