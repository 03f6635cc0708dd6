//! A trial's outcome as a person reads it.

use super::{PhaseReport, Report};
use crate::experiment::{Judged, Phase, UndoResult, Verdict};
use crate::measure::{Decision, Load};
use crate::units::show_duration;
use std::fmt;

/// One line: what became of the trial.
#[derive(Debug, Clone, Copy)]
pub struct Headline<'a>(pub &'a Report);

impl fmt::Display for Headline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = render(|text| self.write(text))?;
        f.write_str(&self.0.plan.redactor().text(&text))
    }
}

impl Headline<'_> {
    fn write(self, f: &mut dyn fmt::Write) -> fmt::Result {
        let Report { trial, conclusion, facts, took, .. } = self.0;
        write!(f, "{} {trial}", conclusion.verdict)?;
        if let Some(blame) = conclusion.blame {
            write!(f, ", look at {blame}")?;
        }
        if conclusion.verdict == Verdict::Upheld {
            let expected = facts.turbulence.iter().flat_map(|judged| &judged.thresholds);
            for evaluated in expected {
                write!(f, "; {}", evaluated.threshold)?;
                if let Some(evidence) = &evaluated.evidence {
                    write!(f, " (was {})", evidence.observed)?;
                }
            }
            if let Some(recovery) = facts.recovery {
                write!(f, "; {recovery}")?;
            }
        }
        write!(f, " [{}]", show_duration(*took))
    }
}

/// Everything that a person needs to look into a trial.
#[derive(Debug, Clone, Copy)]
pub struct Details<'a>(pub &'a Report);

impl fmt::Display for Details<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = render(|text| self.write(text))?;
        f.write_str(&self.0.plan.redactor().text(&text))
    }
}

/// The text as it is before what is not to be shown is taken out of it.
fn render(write: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result) -> Result<String, fmt::Error> {
    let mut text = String::new();
    write(&mut text)?;
    Ok(text)
}

impl Details<'_> {
    fn write(self, f: &mut dyn fmt::Write) -> fmt::Result {
        let Report { plan, facts, conclusion, undo, phases, logs, .. } = self.0;
        Headline(self.0).write(f)?;
        writeln!(f)?;
        line(f, "hypothesis", &plan.definition.hypothesis)?;
        for reason in &conclusion.reasons {
            line(f, "because", reason)?;
        }
        undone(f, undo, conclusion.verdict)?;
        let injected = !facts.effects.is_empty() || facts.turbulence.is_some();
        let mut reached = facts.reached.iter();
        for injection in plan.injections.iter().filter(|_| injected) {
            let reached = reached.next().map(|reached| format!("\n{reached}")).unwrap_or_default();
            line(f, "fault", &format!("{}: {}{reached}", injection.fault, injection.reach))?;
        }
        for effect in &facts.effects {
            match &effect.seen {
                Ok(proof) => line(f, "effect", &format!("{} ({proof})", effect.targets))?,
                Err(missing) => line(f, "effect", &format!("none seen on {}: {missing}", effect.targets))?,
            }
        }
        for report in phases {
            let longer = if report.extended { ", made longer" } else { "" };
            let lasted = show_duration(report.lasted);
            line(f, &report.phase.to_string(), &format!("{lasted}{longer}: {}", report.summary))?;
            match report.phase {
                Phase::Baseline => thresholds(f, facts.baseline.as_ref())?,
                Phase::Turbulence => thresholds(f, facts.turbulence.as_ref())?,
                Phase::Recovery => {}
            }
            errors(f, report, &plan.definition.load)?;
        }
        if facts.baseline.iter().chain(&facts.turbulence).any(|judged| !judged.thresholds.is_empty()) {
            let text = format!(
                "{} in each threshold: exact binomial bounds, assuming that operations are independent",
                plan.definition.confidence
            );
            line(f, "confidence", &text)?;
        }
        if let Some(recovery) = facts.recovery {
            line(f, "recovery", &recovery.to_string())?;
        }
        for log in logs {
            line(f, "log", &format!("{}, last {} lines", log.instance, log.lines.len()))?;
            for text in &log.lines {
                // The bar keeps a service's words from being taken for commands to a CI system.
                writeln!(f, "              │ {text}")?;
            }
        }
        line(f, "seed", &plan.seed.to_string())?;
        line(f, "folder", &self.0.folder.display().to_string())?;
        line(f, "run again", &self.0.rerun)
    }
}

/// What was not undone as it was meant to be.
fn undone(f: &mut dyn fmt::Write, undo: &UndoResult, verdict: Verdict) -> fmt::Result {
    match undo {
        UndoResult::Clean => return Ok(()),
        UndoResult::ByForce { .. } => line(f, "undo", "everything, but not all of it as it was meant to be")?,
        UndoResult::Failed { .. } => {
            line(f, "undo", &format!("FAILED. The verdict, {verdict}, stands: this was not undone"))?;
        }
    }
    undo.lines().iter().try_for_each(|text| line(f, "", text))
}

/// What was undone only by force, in a trial that passed.
#[derive(Debug, Clone, Copy)]
pub struct Warnings<'a>(pub &'a Report);

impl fmt::Display for Warnings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = render(|text| undone(text, &self.0.undo, self.0.conclusion.verdict))?;
        f.write_str(&self.0.plan.redactor().text(&text))
    }
}

fn line(f: &mut dyn fmt::Write, title: &str, text: &str) -> fmt::Result {
    let mut lines = text.lines();
    writeln!(f, "  {title:<11} {}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|more| writeln!(f, "  {:<11} {more}", ""))
}

/// What went wrong with operations: what they said themselves, and what was done to them.
fn errors(f: &mut dyn fmt::Write, report: &PhaseReport, load: &Load) -> fmt::Result {
    let summary = &report.summary;
    for error in summary.errors.by_count().into_iter().take(5) {
        line(f, "", &format!("{} x {}", error.count, error.message))?;
    }
    if summary.timed_out > 0 {
        line(f, "", &format!("{} x not ended within {}", summary.timed_out, show_duration(load.timeout)))?;
    }
    if summary.overloaded > 0 {
        let text = format!(
            "{} x overload: {} operations were in flight, the most that this experiment's load allows",
            summary.overloaded, load.concurrency
        );
        line(f, "", &text)?;
    }
    Ok(())
}

fn thresholds(f: &mut dyn fmt::Write, judged: Option<&Judged>) -> fmt::Result {
    for evaluated in judged.iter().flat_map(|judged| &judged.thresholds) {
        let mark = match evaluated.decision {
            Decision::Holds => "held: ",
            Decision::Violated => "VIOLATED: ",
            // It says so itself, and why.
            Decision::Undecided => "",
        };
        line(f, "", &format!("{mark}{evaluated}"))?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::blast_radius::Stage;
    use crate::chance::Seed;
    use crate::experiment::reached::Counted;
    use crate::experiment::{Blame, Conclusion, Effect, Experiment, Facts, Plan, Reached, Recovery, outline};
    use crate::measure::sample::tests::sample;
    use crate::measure::sample::{ErrorTable, Outcome};
    use crate::measure::{Load, Sample, Summary, Threshold, evaluate, metric};
    use crate::report::{LogTail, PhaseReport};
    use crate::system::{ChosenService, System, cargo_bin};
    use crate::units::{Percent, Portion, Rate};
    use crate::{BoxError, fault};
    use std::time::Duration;

    const RATE: Rate = Rate::per_second(100);
    const SECOND: Duration = Duration::from_secs(1);

    fn thresholds() -> [Threshold; 2] {
        [metric::error_rate().below(Percent::new(5)), metric::p99().below(Duration::from_millis(500))]
    }

    fn plan() -> Plan {
        let system = System::new("shop")
            .service("inventory", cargo_bin("inventory").replicas(4))
            .start(|_| async { Ok::<_, BoxError>(()) });
        let experiment = Experiment::new("stock::survives", system, |_| async { Ok::<_, BoxError>(()) })
            .hypothesis("a dead replica is not noticed")
            .load(Load::new().rate(RATE).baseline(SECOND).turbulence(SECOND))
            .steady_state([thresholds()[0]])
            .inject([fault::kill("inventory").into()])
            .expect(thresholds())
            .stages([Stage::percent::<50>().named("half")]);
        let definition = experiment.definition();
        // What cannot be decided within a second is of no concern here.
        let decidable = crate::experiment::Definition { expect: vec![thresholds()[0]], ..definition.clone() };
        let rungs = outline(&decidable, &[]).expect("it is sound");
        let service = &definition.system.services[0];
        let services = vec![ChosenService {
            name: service.name.clone(),
            provider: service.providers[0].clone(),
            after: Vec::new(),
        }];
        Plan::new(definition, &rungs[0], services, Seed::new(0x00c0_ffee), true)
    }

    /// So many operations, of which the first few fail.
    fn samples(failed: u64, operations: u64) -> (Vec<Sample>, ErrorTable) {
        let mut errors = ErrorTable::default();
        let sample = |number| {
            let outcome = if number < failed {
                Outcome::Error(errors.record("inventory-2: connection refused"))
            } else {
                Outcome::Ok
            };
            Sample { outcome, ..sample(number, Duration::from_millis(8)) }
        };
        let samples = (0..operations).map(sample).collect();
        (samples, errors)
    }

    fn phase(phase: Phase, failed: u64) -> (PhaseReport, Judged) {
        let (samples, errors) = samples(failed, 100);
        let judge = |threshold| evaluate(threshold, &samples, RATE, None, Percent::new(95));
        let judged = Judged {
            thresholds: thresholds().iter().map(judge).collect(),
            by_lateness: Vec::new(),
            late: 0.0,
        };
        let summary = Summary::new(&samples, &errors, RATE);
        (PhaseReport { phase, lasted: SECOND, extended: failed > 0, summary }, judged)
    }

    fn reached() -> Reached {
        let (connections, requests) = (Some(part(51, 100)), Some(part(50, 100)));
        let counted = Counted { connections, requests, bytes: None };
        let plan = plan();
        Reached::new(&plan.injections[0], plan.stage.scope, part(2, 4), counted, 100)
    }

    fn part(hit: u64, of: u64) -> Portion {
        Portion { hit, of }
    }

    /// A trial of which there is something to tell of every kind.
    pub(in crate::report) fn report() -> Report {
        let (before, baseline) = phase(Phase::Baseline, 0);
        let (during, turbulence) = phase(Phase::Turbulence, 50);
        let facts = Facts {
            baseline: Some(baseline),
            turbulence: Some(turbulence),
            effects: vec![Effect {
                fault: "kill inventory".to_owned(),
                targets: "2 of 4 instances".to_owned(),
                seen: Ok("it has ended and refuses connections".to_owned()),
            }],
            reached: vec![reached()],
            recovery: Some(Recovery { after: Some(SECOND / 4), within: SECOND * 5, late: 0.0 }),
            ..Facts::default()
        };
        let conclusion = Conclusion {
            verdict: Verdict::Refuted,
            blame: Some(Blame::System),
            reasons: vec!["error_rate < 5%: observed 50%".to_owned(), "a reason\nof two lines".to_owned()],
        };
        let lines = vec!["listening".to_owned(), "::error::not a command".to_owned()];
        Report {
            trial: "stock::survives::1_half".to_owned(),
            plan: plan(),
            phases: vec![before, during],
            facts,
            conclusion,
            undo: UndoResult::Clean,
            logs: vec![LogTail { instance: "inventory-2".to_owned(), lines }],
            folder: "target/chaos/run/stock.survives.1_half".into(),
            rerun: "CHAOS_SEED=0xc0ffee cargo test -p shop --test chaos".to_owned(),
            took: SECOND * 4,
            services_started_in: SECOND / 2,
            overhead: SECOND / 50,
        }
    }

    #[test]
    fn a_failing_trial_says_all_there_is_to_know() {
        insta::assert_snapshot!(Details(&report()));
    }

    #[test]
    fn a_trial_that_passed_says_what_was_observed_in_one_line() {
        let mut report = report();
        report.conclusion = Conclusion { verdict: Verdict::Upheld, blame: None, reasons: Vec::new() };
        report.facts.turbulence = report.facts.baseline.clone();
        assert_eq!(
            Headline(&report).to_string(),
            "upheld stock::survives::1_half; error_rate < 5% (was 0%); p99 < 500ms (was 8ms); \
             steady again after 250ms [4s]"
        );
    }

    #[test]
    fn a_missing_effect_and_a_missing_recovery_are_said() {
        let mut report = report();
        report.facts.effects[0].seen = Err("it is still running".to_owned());
        report.facts.recovery = Some(Recovery { after: None, within: SECOND * 5, late: 0.0 });
        let text = Details(&report).to_string();
        assert!(text.contains("effect      none seen on 2 of 4 instances: it is still running"), "{text}");
        assert!(text.contains("recovery    not steady within 5s"), "{text}");
    }
}
