//! What a trial leaves for the ledger.

use super::listing::Ladder;
use super::provenance;
use super::session::Session;
use crate::experiment::{Reached, Verdict};
use crate::ledger::{
    Evidence, EvidenceStage, Moment, Observed, Origin, ReachedShare, SourceLocation, TouchedOperations,
};
use crate::measure::{Decision, Evaluated};
use crate::report::Report;

/// Why there is no evidence of a trial.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no evidence for the ledger: the experiment does not say which package and test target it is part of"
)]
pub(super) struct Nameless;

/// The evidence of a trial that came to an end.
pub(super) fn of(
    report: &Report,
    ladder: &Ladder,
    needs_approval: bool,
    session: &Session,
) -> Result<Evidence, Nameless> {
    let Report { plan, facts, conclusion, .. } = report;
    let proof = &ladder.proof;
    let commit = session.provenance.commit();
    let location = &plan.definition.location;
    // What was left behind spoils whatever was measured.
    let (verdict, why) = match conclusion.verdict {
        Verdict::Upheld if report.undo.is_failed() => {
            (Verdict::Error, "not all that was done could be undone".to_owned())
        }
        Verdict::Upheld => (Verdict::Upheld, String::new()),
        other => (other, conclusion.reasons.join("; ")),
    };
    let judged = facts.turbulence.as_ref().or(facts.baseline.as_ref());
    Ok(Evidence {
        schema: Evidence::SCHEMA,
        experiment: proof.id.clone().ok_or(Nameless)?,
        location: SourceLocation { file: location.file.clone(), line: location.line },
        fingerprint: ladder.fingerprint(),
        stage: EvidenceStage {
            number: plan.stage.number,
            name: plan.stage.name.clone(),
            of: ladder.rungs.len(),
            asked: plan.stage.asked(),
            reached: facts.reached.iter().filter_map(reached).collect(),
            touched: touched(&facts.reached),
            risk: plan.stage.risk.map(|risk| risk.to_string()),
            needs_approval,
        },
        trial: report.trial.clone(),
        profile: session.settings.in_effect().name.clone(),
        verdict,
        why,
        thresholds: judged.into_iter().flat_map(|judged| judged.thresholds.iter().map(observed)).collect(),
        seed: plan.seed,
        attempt: provenance::attempt(),
        at: Moment::now(),
        as_of: proof.as_of,
        run: provenance::run(session.settings.environment.run_id.as_deref(), &session.run),
        commit: commit.id.clone(),
        dirty: commit.dirty,
        origin: Origin::of_github(|name| std::env::var(name).ok()),
        policy: session.settings.ledger.policy(),
        approved_by: session.settings.approved_by().map(str::to_owned),
        injected: plan.inject,
        journal: report
            .folder
            .strip_prefix(&session.runs)
            .unwrap_or(&report.folder)
            .join("journal.jsonl")
            .display()
            .to_string(),
        rerun: report.rerun.clone(),
    })
}

/// What a fault came to, where it could be counted.
fn reached(reached: &Reached) -> Option<ReachedShare> {
    let portion = reached.share()?;
    Some(ReachedShare { service: reached.service.clone(), text: portion.to_string(), share: portion.share() })
}

/// The operations that met the fault that most of them met.
fn touched(reached: &[Reached]) -> Option<TouchedOperations> {
    let operations = reached.iter().map(|reached| reached.operations);
    let touched = operations.filter_map(|operations| {
        Some(TouchedOperations { touched: operations.met?, of: operations.started })
    });
    touched.max_by_key(|operations| operations.touched)
}

fn observed(evaluated: &Evaluated) -> Observed {
    Observed {
        threshold: evaluated.threshold.to_string(),
        observed: evaluated
            .evidence
            .as_ref()
            .map_or_else(String::new, |evidence| evidence.observed.to_string()),
        held: match evaluated.decision {
            Decision::Holds => Some(true),
            Decision::Violated => Some(false),
            Decision::Undecided => None,
        },
    }
}
