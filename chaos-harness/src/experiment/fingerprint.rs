//! What of an experiment must stay the same for its proof to stay.

mod canonical;
mod system;

use super::Definition;
use crate::blast_radius::{Rung, Scope};
use crate::fault::{Amount, Fault, FaultKind, InstanceFault};
use crate::ledger::{Fingerprint, Part};
use crate::measure::{Bound, Comparison, Load, Metric, Threshold};
use crate::proxy::{Stream, Toxic};
use canonical::Canonical;

/// The fingerprint of an experiment whose ladder is this.
///
/// It sees the tokens of the body, the revision, what is injected, the thresholds and how sure a decision on them must be,
/// the rate, concurrency and time-out of the load, the stages as they are named and resolved, and the services and what
/// provides them. It does not see the hypothesis in words, how long phases are, where the experiment is written, its seed,
/// why it is left out, whether it runs beside others, how risky a stage is said to be; nor secrets, nor folders of this machine;
/// nor the code that the body calls.
pub(crate) fn fingerprint(definition: &Definition, rungs: &[Rung]) -> Fingerprint {
    // All fields, so that a new one is not forgotten here.
    let Definition {
        name: _,
        location: _,
        hypothesis: _,
        system,
        load,
        steady_state,
        faults,
        expect,
        recover,
        halt_if,
        stages: _,
        confidence,
        seed: _,
        parallel: _,
        ignored: _,
        revision,
        body,
    } = definition;
    let mut parts = Vec::with_capacity(7);
    parts.extend(body.map(|digest| (Part::Body, digest)));
    let thresholds = |canonical: &mut Canonical| {
        for clause in [steady_state, expect, halt_if] {
            canonical.list(clause, threshold);
        }
        canonical.time(recover.within).number(confidence.ppm());
    };
    parts.push((Part::Expect, Canonical::digest(thresholds)));
    parts.push((Part::Faults, Canonical::digest(|canonical| canonical.list(faults, fault))));
    parts.push((Part::Load, Canonical::digest(|canonical| how_called(load, canonical))));
    parts.extend(revision.map(|revision| {
        (
            Part::Revision,
            Canonical::digest(|canonical| {
                canonical.number(revision);
            }),
        )
    }));
    parts.push((Part::Stages, Canonical::digest(|canonical| canonical.list(rungs, rung))));
    parts.push((Part::System, Canonical::digest(|canonical| system::services(system, canonical))));
    Fingerprint::new(parts)
}

fn threshold(threshold: &Threshold, canonical: &mut Canonical) {
    let Threshold { metric, comparison, bound } = threshold;
    match metric {
        Metric::Latency(quantile) => canonical.word("latency").number(quantile.share().ppm()),
        Metric::MaxLatency => canonical.word("max"),
        Metric::ErrorRate => canonical.word("error_rate"),
        Metric::Throughput => canonical.word("throughput"),
    };
    canonical.word(match comparison {
        Comparison::Below => "below",
        Comparison::Above => "above",
    });
    match bound {
        Bound::Latency(latency) => canonical.word("latency").time(*latency),
        Bound::Share(share) => canonical.word("share").number(share.ppm()),
        Bound::Rate(rate) => canonical.word("rate").number(rate.in_thousand_seconds()),
        Bound::Baseline(relative) => canonical.word("baseline").number(relative.factor().ppm()),
    };
}

fn fault(fault: &Fault, canonical: &mut Canonical) {
    let Fault { service, kind } = fault;
    canonical.word(service.as_str());
    match kind {
        FaultKind::Toxic { toxic: kind, stream, slice } => {
            canonical.word(match stream {
                Stream::Downstream => "downstream",
                Stream::Upstream => "upstream",
            });
            canonical.option(*slice, |slice, canonical| {
                canonical.time(slice);
            });
            toxic(kind, canonical);
        }
        FaultKind::Instance(fault) => {
            canonical.word("instance").word(fault.name());
            match fault {
                InstanceFault::Kill | InstanceFault::Pause => canonical,
                InstanceFault::Stop { grace } => canonical.time(*grace),
                InstanceFault::StarveCpu { to } => canonical.number(to.ppm()),
                InstanceFault::LimitMemory { to } => canonical.number(to.get()),
            };
        }
    }
}

fn amount(amount: Amount, canonical: &mut Canonical) {
    match amount {
        Amount::Time(time) => canonical.time(time),
        Amount::Rate(rate) => canonical.number(rate.bytes_per_second()),
        Amount::Data(bytes) => canonical.number(bytes.get()),
        Amount::Count(count) => canonical.number(count),
        Amount::Share(share) => canonical.number(share.ppm()),
    };
}

fn toxic(toxic: &Toxic, canonical: &mut Canonical) {
    canonical.word(toxic.kind());
    match toxic {
        Toxic::Down | Toxic::RefuseConnections => canonical,
        Toxic::Latency { delay, jitter } | Toxic::DelayConnections { delay, jitter } => {
            canonical.time(*delay).time(*jitter)
        }
        Toxic::Bandwidth { rate } => canonical.number(rate.bytes_per_second()),
        Toxic::SlowClose { delay } => canonical.time(*delay),
        Toxic::Timeout { after } | Toxic::ResetPeer { after } => canonical.time(*after),
        Toxic::Slicer { average, variation, delay } => {
            canonical.number(average.get()).number(variation.get()).time(*delay)
        }
        Toxic::LimitData { bytes } => canonical.number(bytes.get()),
        Toxic::Burst { on, off } => canonical.time(*on).time(*off),
        Toxic::Stall { after, hold } => canonical.number(after.get()).time(*hold),
        Toxic::LimitConnections { connections, wait } => canonical.number(*connections).time(*wait),
    };
}

/// How operations are called, without how long.
fn how_called(load: &Load, canonical: &mut Canonical) {
    let Load { rate, warmup: _, baseline: _, turbulence: _, timeout, concurrency } = load;
    canonical.number(rate.in_thousand_seconds()).number(*concurrency).time(*timeout);
}

fn rung(rung: &Rung, canonical: &mut Canonical) {
    canonical.word(&rung.stage.name());
    match rung.stage.scope() {
        Scope::Instances(count) => canonical.word("instances").number(count.get()),
        Scope::Share(share) => canonical.word("share").number(share.get().ppm()),
    };
    canonical.list(rung.stage.said_magnitudes(), |magnitude, canonical| {
        canonical.word(magnitude.kind.name()).word(magnitude.service.as_str());
        // One without was refused.
        canonical.option(magnitude.magnitude(), |magnitude, canonical| amount(magnitude.amount, canonical));
    });
}

#[cfg(test)]
mod tests;
