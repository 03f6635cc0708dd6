//! What the workspace's experiments need, as they say it themselves.

use super::check::Check;
use crate::cargo::Workspace;
use crate::trials::{ListedTarget, TrialsError, listed_targets};
use chaos_harness::harness::ListedTrial;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;

/// Whether each experiment has what it needs here, and the images that they name.
pub(super) fn experiments(workspace: Option<&Workspace>, no_build: bool) -> (Vec<Check>, BTreeSet<String>) {
    let Some(workspace) = workspace else {
        return (vec![Check::ok("experiments", "no workspace is here")], BTreeSet::new());
    };
    if no_build {
        return (vec![Check::ok("experiments", "not looked at (--no-build)")], BTreeSet::new());
    }
    match listed_targets(workspace, &[], None, &[]) {
        Ok(listed) => {
            let trials =
                || listed.iter().filter_map(|target: &ListedTarget| target.trials.as_ref()).flatten();
            (of_trials(trials()), trials().flat_map(|trial| trial.images.clone()).collect())
        }
        Err(TrialsError::Targets(none)) => {
            (vec![Check::ok("experiments", format!("none: {none}"))], BTreeSet::new())
        }
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            let check = Check::missing("experiments", format!("{error}{cause}"));
            (vec![check.effect("no experiment runs").needed()], BTreeSet::new())
        }
    }
}

fn of_trials<'a>(trials: impl Iterator<Item = &'a ListedTrial>) -> Vec<Check> {
    // What a machine lacks, it lacks for every stage: the first one says it.
    let mut first: BTreeMap<String, &ListedTrial> = BTreeMap::new();
    for trial in trials {
        let experiment = match &trial.experiment {
            Some(experiment) => experiment.to_string(),
            None => trial.name.clone(),
        };
        let number = |trial: &ListedTrial| trial.stage.as_ref().map_or(0, |stage| stage.number);
        let known = first.entry(experiment).or_insert(trial);
        if number(trial) < number(known) {
            *known = trial;
        }
    }
    let all = first.len();
    let mut checks = Vec::new();
    for (experiment, trial) in first {
        if let Some(problems) = &trial.problems {
            let check =
                Check::missing("experiment", format!("{experiment} fails as it is written: {problems}"));
            checks.push(check.needed());
        } else if let Some(lacking) = &trial.lacking {
            let (reason, remedy) = lacking.split_once(". To run it, ").unwrap_or((lacking, ""));
            let check = Check::missing("experiment", format!("{experiment}: {reason}"));
            checks.push(check.effect("it is listed as ignored").remedy(remedy).needed());
        }
    }
    if checks.is_empty() {
        checks.push(Check::ok("experiments", format!("{all}, and each has what it needs")));
    }
    checks
}
