//! From experiments to trials: one for each stage, each either to be run, left out with a reason, or failing at once.

use super::names::trial_name;
use super::session::Session;
use crate::blast_radius::{Rung, stages};
use crate::experiment::{Experiment, outline};
use crate::fault::{FaultKind, InstanceFault};
use crate::system::{ChosenService, ServiceSpec, Unavailable, choose};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One stage of one experiment.
pub(super) struct Entry {
    /// The trial's name.
    pub(super) name: String,
    /// The stages after its own that it stands for, since they reach the same.
    pub(super) merged: Vec<String>,
    /// What it touches, where that is another share than its stage asks for.
    pub(super) reaches: Option<String>,
    pub(super) experiment: Arc<Experiment>,
    pub(super) state: State,
}

/// What there is to do for a trial.
pub(super) enum State {
    /// It can be run. Where it is left out unless asked for, the reason says why.
    Ready { rung: Rung, services: Vec<ChosenService>, left_out: Option<String> },
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

/// All trials of these experiments, sorted by name.
pub(super) fn all_entries(experiments: Vec<Experiment>, session: &Session) -> Vec<Entry> {
    let mut by_name: BTreeMap<String, Vec<Experiment>> = BTreeMap::new();
    for experiment in experiments {
        by_name.entry(experiment.definition.name.clone()).or_default().push(experiment);
    }
    let entries = by_name.into_values().flat_map(|same| match <[_; 1]>::try_from(same) {
        Ok([experiment]) => entries(experiment, session),
        Err(same) => name_taken(same),
    });
    entries.collect()
}

/// Experiments of one name: none of them is run, since nothing could say which one is meant.
fn name_taken(same: Vec<Experiment>) -> Vec<Entry> {
    let places: Vec<_> = same.iter().map(place).collect();
    let problem = format!("give each experiment a name of its own: {} have the same", places.join(" and "));
    same.into_iter().map(|experiment| broken(Arc::new(experiment), problem.clone())).collect()
}

fn broken(experiment: Arc<Experiment>, problems: String) -> Entry {
    let name = format!("{}::1_cannot_be_planned", experiment.definition.name);
    Entry { name, merged: Vec::new(), reaches: None, experiment, state: State::Broken { problems } }
}

/// All trials of one experiment.
pub(super) fn entries(mut experiment: Experiment, session: &Session) -> Vec<Entry> {
    let rungs = outline(&experiment.definition, &[]);
    if let Ok(rungs) = &rungs {
        // A plan says the ladder that was in force: elsewhere, and later, there may be another.
        experiment.definition.stages = stages(rungs);
    }
    let experiment = Arc::new(experiment);
    let definition = &experiment.definition;
    let rungs = match rungs {
        Ok(rungs) => rungs,
        Err(problems) => {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            let problems = format!("{}: {}", place(&experiment), lines.join("\n  and "));
            return vec![broken(experiment, problems)];
        }
    };
    let provided = provide(&experiment, session);
    let names: Vec<_> = rungs.iter().map(|rung| rung.stage.name()).collect();
    let entry = |rung: Rung| {
        let name = trial_name(&definition.name, &names, rung.number - 1);
        let merged = rung.same.iter().map(ToString::to_string).collect();
        let differences = rung.differences();
        let reaches = (!differences.is_empty())
            .then(|| format!("asks for {} and touches {}", rung.stage.scope(), differences.join(" and ")));
        let left_out = left_out(&experiment, &rung);
        let beyond = session.refuses(definition, &rung);
        let beyond =
            beyond.map(|shortage| format!("{}: stage {}: {shortage}", place(&experiment), rung.stage));
        let state = match (&provided, beyond) {
            // One that would run fails: that a limit keeps an experiment from ever running is not to be overlooked.
            (_, Some(problems)) if left_out.is_none() => State::Broken { problems },
            (_, Some(reason)) => State::Lacking { reason, required: false },
            (Ok(services), None) => State::Ready { services: services.clone(), left_out, rung },
            (Err(lacking), None) => State::Lacking {
                reason: lacking.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
                // Nothing is required of a trial that would not run anyway.
                required: left_out.is_none() && lacking.iter().any(|service| session.requires(service)),
            },
        };
        Entry { name, merged, reaches, experiment: Arc::clone(&experiment), state }
    };
    rungs.into_iter().map(entry).collect()
}

/// How each service is provided here, or all that is lacking.
fn provide(experiment: &Experiment, session: &Session) -> Result<Vec<ChosenService>, Vec<Unavailable>> {
    let (mut chosen, mut lacking) = (Vec::new(), Vec::new());
    for service in &experiment.definition.system.services {
        match choose(service, &instance_faults(experiment, service), session.backend, &session.availability) {
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

fn left_out(experiment: &Experiment, rung: &Rung) -> Option<String> {
    if let Some(reason) = &experiment.definition.ignored {
        let reason = if reason.is_empty() { "#[ignore]" } else { reason };
        return Some(reason.to_owned());
    }
    (rung.number > 1)
        .then(|| "its stage is not earned yet: only the first stage of an experiment runs".to_owned())
}

fn place(experiment: &Experiment) -> String {
    let location = &experiment.definition.location;
    if location.file.is_empty() {
        experiment.definition.name.clone()
    } else {
        format!("{} ({}:{})", experiment.definition.name, location.file, location.line)
    }
}
