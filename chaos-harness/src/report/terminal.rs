//! A trial's outcome as a person reads it.

use super::Report;
use crate::experiment::{Judged, Phase, Recovery, Verdict};
use crate::measure::Decision;
use crate::units::show_duration;
use std::fmt;

/// One line: what became of the trial.
#[derive(Debug, Clone, Copy)]
pub struct Headline<'a>(pub &'a Report);

impl fmt::Display for Headline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
            if let Some(Recovery { after: Some(after), .. }) = facts.recovery {
                write!(f, "; steady again after {}", show_duration(after))?;
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
        let Report { plan, facts, conclusion, phases, logs, .. } = self.0;
        writeln!(f, "{}", Headline(self.0))?;
        line(f, "hypothesis", &plan.definition.hypothesis)?;
        for reason in &conclusion.reasons {
            line(f, "because", reason)?;
        }
        for injection in &plan.injections {
            line(f, "fault", &format!("{}: {}", injection.fault, injection.reach))?;
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
            for error in report.summary.errors.by_count().into_iter().take(5) {
                line(f, "", &format!("{} x {}", error.count, error.message))?;
            }
        }
        if !phases.is_empty() {
            line(f, "", "(bounds are exact for operations that do not depend on each other)")?;
        }
        match facts.recovery {
            Some(Recovery { after: Some(after), within }) => {
                let text =
                    format!("steady again after {} (within {})", show_duration(after), show_duration(within));
                line(f, "recovery", &text)?;
            }
            Some(Recovery { after: None, within }) => {
                line(f, "recovery", &format!("not within {}", show_duration(within)))?;
            }
            None => {}
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

fn line(f: &mut fmt::Formatter<'_>, title: &str, text: &str) -> fmt::Result {
    let mut lines = text.lines();
    writeln!(f, "  {title:<11} {}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|more| writeln!(f, "  {:<11} {more}", ""))
}

fn thresholds(f: &mut fmt::Formatter<'_>, judged: Option<&Judged>) -> fmt::Result {
    for evaluated in judged.iter().flat_map(|judged| &judged.thresholds) {
        let mark = match evaluated.decision {
            Decision::Holds => "held",
            Decision::Violated => "VIOLATED",
            Decision::Undecided => "undecided",
        };
        line(f, "", &format!("{mark}: {evaluated}"))?;
    }
    Ok(())
}
