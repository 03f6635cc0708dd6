//! One step of the blast-radius ladder.

use super::Risk;
use crate::fault::Fault;
use crate::units::Share;
use serde::Serialize;
use std::fmt;
use std::num::NonZeroU32;

/// How much of a service a fault may touch: never nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub enum Scope {
    /// This many instances.
    Instances(NonZeroU32),
    /// This share: of instances where the service has replicas or the fault is on instances, of connections where a
    /// toxic meets a single instance.
    Share(Share),
}

impl Scope {
    /// As it is told beside what was reached.
    pub(crate) fn told(self) -> String {
        match self {
            Self::Instances(_) => self.to_string(),
            Self::Share(share) => format!("{} %", share.to_string().trim_end_matches('%')),
        }
    }

    /// With the magnitudes that a stage has, as an attribute says them: where it has some and touches everything, they are
    /// what is asked for.
    pub(crate) fn told_with(self, magnitude: Option<&str>) -> String {
        match magnitude {
            None => self.told(),
            Some(magnitude) if self == Self::Share(Share::ALL) => magnitude.to_owned(),
            Some(magnitude) => format!("{}, {magnitude}", self.told()),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instances(NonZeroU32::MIN) => f.write_str("1 instance"),
            Self::Instances(count) => write!(f, "{count} instances"),
            Self::Share(share) => write!(f, "{share}"),
        }
    }
}

/// One step of the blast-radius ladder: a scope, a risk, and the name that its trial has.
///
/// ```
/// use chaos_harness::{Risk, Scope, Share, Stage};
/// use std::num::NonZeroU32;
/// assert_eq!(Stage::percent::<5>().name(), "5_percent");
/// assert_eq!(Stage::share(Share::ppm::<5_000>()).name(), "0_5_percent");
/// assert_eq!(Stage::instances::<1>().name(), "1_instance");
/// assert_eq!(Stage::percent::<50>().named("half").name(), "half");
/// assert_eq!(Stage::percent::<50>().risk(Risk::Critical).said_risk(), Some(Risk::Critical));
///
/// // A number that is known only when the program runs.
/// let count = NonZeroU32::new(3).expect("three is not zero");
/// assert_eq!(Stage::from(Scope::Instances(count)).name(), "3_instances");
/// ```
///
/// A stage that touches nothing does not compile:
///
/// ```compile_fail
/// let nothing = chaos_harness::Stage::instances::<0>();
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Stage {
    name: Option<String>,
    scope: Scope,
    #[serde(default)]
    risk: Option<Risk>,
    #[serde(default)]
    magnitudes: Vec<Fault>,
}

impl Stage {
    const fn of(scope: Scope) -> Self {
        Self { name: None, scope, risk: None, magnitudes: Vec::new() }
    }

    /// Touches this share of the service.
    #[must_use]
    pub const fn share(share: Share) -> Self {
        Self::of(Scope::Share(share))
    }

    /// Touches this share of the service, in whole percent from 1 to 100. Anything else does not compile.
    #[must_use]
    pub const fn percent<const PERCENT: u32>() -> Self {
        Self::share(Share::percent::<PERCENT>())
    }

    /// Touches this many instances of the service. None at all does not compile.
    #[must_use]
    pub const fn instances<const COUNT: u32>() -> Self {
        let count = const {
            match NonZeroU32::new(COUNT) {
                Some(count) => count,
                None => panic!("a stage of 0 instances touches nothing"),
            }
        };
        Self::of(Scope::Instances(count))
    }

    /// Touches everything that the faults are on, with one of them no stronger than this.
    ///
    /// See [`with`](Self::with); `latency(redis) = 50ms` in an attribute is this.
    #[must_use]
    pub fn magnitude(fault: impl Into<Fault>) -> Self {
        Self::share(Share::ALL).with(fault)
    }

    /// A stage for each of these values, each of them a [`magnitude`](Self::magnitude).
    ///
    /// `latency(redis) = [50ms, 100ms]` in an attribute is this:
    ///
    /// ```
    /// use chaos_harness::{Stage, fault};
    /// use std::time::Duration;
    ///
    /// let stages = Stage::magnitudes([50, 100].map(Duration::from_millis), |value| fault::latency("redis", value));
    /// let names: Vec<_> = stages.iter().map(Stage::name).collect();
    /// assert_eq!(names, ["latency_redis_50ms", "latency_redis_100ms"]);
    /// ```
    pub fn magnitudes<V, F: Into<Fault>>(
        values: impl IntoIterator<Item = V>,
        fault: impl Fn(V) -> F,
    ) -> Vec<Self> {
        values.into_iter().map(|value| Self::magnitude(fault(value))).collect()
    }

    /// Injects a fault of this kind and service only as strongly as this. May be said of several faults.
    ///
    /// The main parameter of the injected fault becomes that of this one, and its other options stay as they are:
    ///
    /// | fault | main parameter | stronger is |
    /// | --- | --- | --- |
    /// | `latency`, `slow_close`, `delay_connections` | the delay | more |
    /// | `burst` | how long each outage lasts | more |
    /// | `bandwidth` | the rate | less |
    /// | `slicer` | the average size of a piece | less |
    /// | `limit_data`, `stall` | how much is carried | less |
    /// | `reset_peer` | how long a connection lives | less |
    /// | `limit_connections` | how many there may be | less |
    /// | `starve_cpu` | the share that is left | less |
    /// | `limit_memory` | the limit | less |
    ///
    /// The others (`timeout`, `down`, `refuse_connections`, `kill`, `stop`, `pause`) are there or not: they have no
    /// magnitude. That a ladder names one of them, or a fault that is not injected, or one that becomes weaker, is an
    /// error when trials are listed.
    ///
    /// ```
    /// use chaos_harness::{Stage, fault};
    /// use std::time::Duration;
    ///
    /// let mild = Stage::percent::<20>().with(fault::latency("redis", Duration::from_millis(50)));
    /// assert_eq!(mild.to_string(), "20%, latency(redis) = 50ms");
    /// assert_eq!(mild.name(), "20_percent_latency_redis_50ms");
    /// ```
    #[must_use]
    pub fn with(mut self, fault: impl Into<Fault>) -> Self {
        self.magnitudes.push(fault.into());
        self
    }

    /// Names the stage; without, the name is made from its scope and its magnitudes.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Says how much there is to lose; without, it follows from the share that is touched ([`Risk`]).
    #[must_use]
    pub fn risk(self, risk: Risk) -> Self {
        Self { risk: Some(risk), ..self }
    }

    /// How much there is to lose, where the stage says it.
    #[must_use]
    pub const fn said_risk(&self) -> Option<Risk> {
        self.risk
    }

    /// How much it touches.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// The faults that it makes weaker or stronger: their main parameters are those that they have here.
    pub(crate) fn said_magnitudes(&self) -> &[Fault] {
        &self.magnitudes
    }

    /// The magnitudes as an attribute says them.
    pub(crate) fn magnitude_text(&self) -> Option<String> {
        let said: Vec<_> = self.magnitudes.iter().map(assignment).collect();
        (!said.is_empty()).then(|| said.join(", "))
    }

    /// What it asks for, as it is told beside what was reached.
    pub(crate) fn told(&self) -> String {
        self.scope.told_with(self.magnitude_text().as_deref())
    }

    /// Whether it touches everything because nothing else was said.
    fn is_all_for_its_magnitudes(&self) -> bool {
        !self.magnitudes.is_empty() && self.scope == Scope::Share(Share::ALL)
    }

    /// The name its trial has, after its number.
    #[must_use]
    pub fn name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let scope = (!self.is_all_for_its_magnitudes()).then(|| self.scope.to_string());
        let magnitudes = self.magnitudes.iter().map(|fault| match fault.magnitude() {
            Some(magnitude) => format!("{}_{}_{}", fault.kind.name(), fault.service, magnitude.amount),
            None => format!("{}_{}", fault.kind.name(), fault.service),
        });
        let words: Vec<_> = scope.into_iter().chain(magnitudes).collect();
        words.join("_").replace('%', "_percent").replace([' ', '.', '/'], "_")
    }
}

/// As it is written in an attribute, without its name.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.magnitude_text() {
            None => write!(f, "{}", self.scope),
            Some(magnitudes) if self.is_all_for_its_magnitudes() => f.write_str(&magnitudes),
            Some(magnitudes) => write!(f, "{}, {magnitudes}", self.scope),
        }
    }
}

/// A magnitude as an attribute says it: `latency(redis) = 50ms`.
fn assignment(fault: &Fault) -> String {
    let (name, service) = (fault.kind.name(), &fault.service);
    match fault.magnitude() {
        Some(magnitude) => format!("{name}({service}) = {}", magnitude.amount),
        None => format!("{name}({service})"),
    }
}

impl From<Scope> for Stage {
    fn from(scope: Scope) -> Self {
        Self::of(scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault;

    #[test]
    fn a_stage_that_was_stored_with_a_scope_alone_is_read() {
        let read: Stage = serde_json::from_str(r#"{"name":null,"scope":{"Instances":2}}"#).unwrap();
        assert_eq!(read, Stage::instances::<2>());
    }

    #[test]
    fn a_name_tells_scope_and_magnitudes_in_plain_letters() {
        let rate = crate::units::Bytes::new(1 << 16).per_second();
        let stage = Stage::share(Share::ppm::<25_000>()).with(fault::bandwidth("redis", rate));
        assert_eq!(stage.name(), "2_5_percent_bandwidth_redis_64KiB_s");
        let starved = Stage::magnitude(fault::starve_cpu("redis")).with(fault::kill("redis"));
        assert_eq!(starved.name(), "starve_cpu_redis_10_percent_kill_redis");
        assert_eq!(starved.to_string(), "starve_cpu(redis) = 10%, kill(redis)");
    }

    #[test]
    fn a_stored_scope_of_nothing_is_refused() {
        let read = |text| serde_json::from_str::<Scope>(text);
        assert_eq!(read(r#"{"Instances":2}"#).ok(), Some(Stage::instances::<2>().scope()));
        for nothing in [r#"{"Instances":0}"#, r#"{"Share":0}"#] {
            assert!(read(nothing).is_err(), "{nothing}");
        }
    }
}
