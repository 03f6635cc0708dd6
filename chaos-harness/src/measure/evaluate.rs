//! Thresholds held against the operations of a phase.

use super::claim::{Claim, Event, Measured, NoClaim, rate_of};
use super::proportion::{self, Decision};
use super::sample::Sample;
use super::summary::Summary;
use super::threshold::{Comparison, Metric, Quantile, Threshold};
use crate::units::{Percent, Rate};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// A threshold, and what the operations of a phase say of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub struct Evaluated {
    /// The threshold as it was written.
    pub threshold: Threshold,
    /// Whether it holds.
    pub decision: Decision,
    /// What that rests on; `None` where nothing could be measured.
    pub evidence: Option<Evidence>,
    /// What else there is to say.
    pub note: Option<String>,
}

/// What a decision rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub struct Evidence {
    /// The bound, worked out where it is relative to the baseline.
    pub bound: Measured,
    /// What was measured for the metric.
    pub observed: Measured,
    /// What was counted.
    pub event: Event,
    /// How many operations had the event.
    pub count: u64,
    /// Of how many.
    pub operations: u64,
    /// What that says of the share behind it; `None` for an observation, which says no more than itself.
    pub inference: Option<Inference>,
}

/// What a count says of the share behind it, assuming that operations are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub struct Inference {
    /// The share that is the limit, between 0 and 1.
    pub limit: f64,
    /// The share is at least this, with this confidence.
    pub at_least: f64,
    /// The share is at most this, with this confidence.
    pub at_most: f64,
    /// The confidence of each of the two.
    pub confidence: Percent,
}

/// Decides `threshold` by the operations of a phase, scheduled at `rate`.
pub(crate) fn evaluate(
    threshold: &Threshold,
    samples: &[Sample],
    rate: Rate,
    baseline: Option<&Summary>,
    confidence: Percent,
) -> Evaluated {
    let undecided = |evidence, note: Option<String>| Evaluated {
        threshold: *threshold,
        decision: Decision::Undecided,
        evidence,
        note,
    };
    let claim = match Claim::new(threshold, rate, baseline) {
        Ok(claim) => claim,
        Err(no_claim) => return undecided(None, Some(no_claim.to_string())),
    };
    let Some(observed) = observe(threshold.metric, samples, rate) else {
        return undecided(None, Some("no operation was measured".to_owned()));
    };
    let operations = samples.len() as u64;
    let count = samples.iter().filter(|sample| claim.event.is_seen_in(sample)).count() as u64;
    let inference = (!claim.is_observation).then(|| Inference {
        limit: claim.limit,
        at_least: proportion::lower_bound(count, operations, confidence),
        at_most: proportion::upper_bound(count, operations, confidence),
        confidence,
    });
    let decision = match inference {
        Some(_) => proportion::decide(count, operations, claim.limit, claim.side, confidence),
        None if claim.is_met(count, operations) => Decision::Holds,
        None => Decision::Violated,
    };
    let note = (decision == Decision::Undecided
        && proportion::samples_needed(claim.limit, claim.side, confidence).is_none())
    .then(|| format!("no number of operations can show a bound of {} to hold", claim.bound));
    let evidence =
        Evidence { bound: claim.bound, observed, event: claim.event, count, operations, inference };
    Evaluated { threshold: *threshold, decision, evidence: Some(evidence), note }
}

/// The value of `metric` among these operations, exactly.
fn observe(metric: Metric, samples: &[Sample], rate: Rate) -> Option<Measured> {
    if samples.is_empty() {
        return None;
    }
    let succeeded = samples.iter().filter(|sample| sample.is_ok()).count() as f64 / samples.len() as f64;
    Some(match metric {
        Metric::Latency(quantile) => Measured::Latency(nearest_rank(samples, quantile)),
        Metric::MaxLatency => Measured::Latency(samples.iter().map(|sample| sample.latency).max()?),
        Metric::ErrorRate => Measured::Share(Percent::from_fraction(1.0 - succeeded)),
        Metric::Throughput => Measured::Rate(rate_of(rate.hertz() * succeeded)),
    })
}

/// The shortest latency that this share of the operations stays within.
fn nearest_rank(samples: &[Sample], quantile: Quantile) -> Duration {
    let mut latencies: Vec<_> = samples.iter().map(|sample| sample.latency).collect();
    let beyond = quantile.tail().of_count(latencies.len());
    let rank = latencies.len().saturating_sub(beyond + 1);
    if latencies.is_empty() { Duration::ZERO } else { *latencies.select_nth_unstable(rank).1 }
}

impl fmt::Display for Evaluated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.threshold)?;
        let mut separator = ": ";
        if let Some(evidence) = &self.evidence {
            write!(f, "{separator}{evidence}")?;
            separator = "; ";
        }
        if self.decision == Decision::Undecided {
            write!(f, "{separator}undecided")?;
            separator = ", ";
        }
        if let Some(note) = &self.note {
            write!(f, "{separator}{note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { observed, event, count, operations, .. } = self;
        write!(f, "observed {observed}; {count} of {operations} {event}")?;
        match &self.inference {
            Some(inference) => write!(f, ", {inference}"),
            None => f.write_str(", no confidence"),
        }
    }
}

impl fmt::Display for Inference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, at_least, at_most, confidence } = *self;
        if at_least > limit {
            write!(f, "at least {}", percent_apart(at_least, limit))?;
        } else {
            write!(f, "at most {}", percent_apart(at_most, limit))?;
        }
        write!(f, " with {confidence} confidence ({} allowed)", percent(limit, 4))
    }
}

/// `share` to two digits, or to as many more as it takes to stay on its side of `limit`.
fn percent_apart(share: f64, limit: f64) -> String {
    let stays = |digits: &i32| (rounded(share, *digits) < limit) == (share < limit);
    percent(share, (2..6).find(stays).unwrap_or(6))
}

fn percent(share: f64, digits: i32) -> String {
    let percent = rounded(share, digits) * 100.0;
    let decimals = if percent >= 10.0 { digits - 2 } else { digits + 3 };
    let text = format!("{percent:.*}", usize::try_from(decimals.max(1)).unwrap_or(1));
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

fn rounded(share: f64, digits: i32) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "the exponent of a float")]
    let exponent = if share > 0.0 { share.log10().floor() as i32 } else { 0 };
    let scale = 10_f64.powi(digits - 1 - exponent);
    (share * scale).round() / scale
}

/// Why no run of this plan could decide a threshold.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Undecidable {
    /// The phase is too short.
    #[error(
        "`{threshold}` cannot be decided by {planned} operations: at {confidence} confidence it takes {needed}; \
         at {rate} that is {}",
        show_span(*.span)
    )]
    TooFew {
        /// The threshold.
        threshold: Threshold,
        /// How many operations the phase has.
        planned: u64,
        /// How many it takes at the least.
        needed: u64,
        /// The confidence asked for.
        confidence: Percent,
        /// The configured rate.
        rate: Rate,
        /// How long the phase would have to be at that rate.
        span: Duration,
    },
    /// Operations do not start as often as they are to succeed.
    #[error(
        "`{threshold}` can never hold: operations start at {rate}, so at best as many succeed; lower the bound"
    )]
    AboveRate {
        /// The threshold.
        threshold: Threshold,
        /// The configured rate.
        rate: Rate,
    },
    /// No number of operations can show it.
    #[error(
        "`{threshold}` can never be shown to hold at {confidence} confidence, by any number of operations"
    )]
    Never {
        /// The threshold.
        threshold: Threshold,
        /// The confidence asked for.
        confidence: Percent,
    },
    /// The bound is not of the metric's unit.
    #[error("`{threshold}` compares different units")]
    WrongUnit {
        /// The threshold.
        threshold: Threshold,
    },
}

/// Refuses a threshold that no outcome of `duration` at `rate` could show to hold.
///
/// A phase may be extended where its samples do not decide, but a plan must not count on that.
pub(crate) fn check_decidable(
    threshold: &Threshold,
    rate: Rate,
    duration: Duration,
    confidence: Percent,
) -> Result<(), Undecidable> {
    let threshold = *threshold;
    let ideal = Summary::ideal(rate);
    let claim = match Claim::new(&threshold, rate, Some(&ideal)) {
        Ok(claim) => claim,
        Err(NoClaim::WrongUnit { .. }) => return Err(Undecidable::WrongUnit { threshold }),
        Err(NoClaim::NoBaseline) => return Ok(()),
    };
    let is_relative = matches!(threshold.bound, super::threshold::Bound::Baseline(_));
    // Every operation takes some time.
    if claim.side == Comparison::Below && claim.event == Event::TookAtLeast(Duration::ZERO) && !is_relative {
        return Err(Undecidable::Never { threshold, confidence });
    }
    // What the baseline's errors and latencies will be is not known yet; its throughput is at best the rate.
    if claim.is_observation || (is_relative && threshold.metric == Metric::ErrorRate) {
        return Ok(());
    }
    if threshold.metric == Metric::Throughput && claim.side == Comparison::Below && claim.limit <= 0.0 {
        return Err(Undecidable::AboveRate { threshold, rate });
    }
    let Some(needed) = proportion::samples_needed(claim.limit, claim.side, confidence) else {
        return Err(Undecidable::Never { threshold, confidence });
    };
    let planned = rate.count_in(duration);
    if planned < needed {
        return Err(Undecidable::TooFew {
            threshold,
            planned,
            needed,
            confidence,
            rate,
            span: round_up(rate.due(needed)),
        });
    }
    Ok(())
}

/// Why a threshold is no halt condition.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoHalt {
    /// It is met where nothing is wrong.
    #[error(
        "`{threshold}` is met even where every operation succeeds at once; a halt condition says when to stop{}",
        did_you_mean(meant.as_ref())
    )]
    AtOnce {
        /// The threshold.
        threshold: Threshold,
        /// The other side of the same bound, where that makes sense.
        meant: Option<Threshold>,
    },
    /// The bound is not of the metric's unit.
    #[error("`{threshold}` compares different units")]
    WrongUnit {
        /// The threshold.
        threshold: Threshold,
    },
}

/// Refuses a halt condition that a perfect run would meet: most likely it says what should hold.
pub(crate) fn check_halt(threshold: &Threshold, rate: Rate) -> Result<(), NoHalt> {
    let threshold = *threshold;
    let other = match threshold.comparison {
        Comparison::Below => Comparison::Above,
        Comparison::Above => Comparison::Below,
    };
    let flipped = Threshold { comparison: other, ..threshold };
    if claim_of_halt(&threshold, rate)?.is_met_at_once {
        // Only what some run could meet is worth a proposal.
        let meant = claim_of_halt(&flipped, rate)
            .is_ok_and(|flipped| !flipped.is_met_at_once && flipped.is_met_at_worst)
            .then_some(flipped);
        return Err(NoHalt::AtOnce { threshold, meant });
    }
    Ok(())
}

/// What it takes for a halt condition to be met.
struct HaltClaim {
    /// Everything succeeded at once, and still it is.
    is_met_at_once: bool,
    /// It is where everything went wrong.
    is_met_at_worst: bool,
}

fn claim_of_halt(threshold: &Threshold, rate: Rate) -> Result<HaltClaim, NoHalt> {
    let threshold = *threshold;
    let claim = Claim::new(&threshold, rate, Some(&Summary::ideal(rate)))
        .map_err(|_| NoHalt::WrongUnit { threshold })?;
    let is_relative = matches!(threshold.bound, super::threshold::Bound::Baseline(_));
    // Every operation takes some time, which is over none at all. No baseline's latency is none at all.
    let is_over_nothing = claim.event == Event::TookAtLeast(Duration::ZERO) && !is_relative;
    Ok(HaltClaim {
        is_met_at_once: claim.is_met(u64::from(is_over_nothing), 1),
        is_met_at_worst: claim.is_met(1, 1),
    })
}

fn did_you_mean(meant: Option<&Threshold>) -> String {
    meant.map_or_else(String::new, |meant| format!(": did you mean `{meant}`?"))
}

/// Rounded up to what a person would write: whole seconds, or tenths of the first ten.
fn round_up(span: Duration) -> Duration {
    let step: u64 = if span > Duration::from_secs(10) { 1_000 } else { 100 };
    let millis = u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    Duration::from_millis(millis.div_ceil(step).saturating_mul(step))
}

fn show_span(span: Duration) -> String {
    format!("{}s", span.as_secs_f64())
}

#[cfg(test)]
mod tests;
