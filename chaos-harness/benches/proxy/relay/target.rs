//! What is measured: a relay, or nothing in between.

use super::Toxic;
use crate::outcome::Outcome;
use crate::part::Part;
use crate::service::Addresses;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// No relay at all.
    Direct,
    Copy,
    Splice,
    Ours,
    Toxiproxy,
}

impl Target {
    /// All there are: Toxiproxy only where its binary is named.
    pub(crate) fn all() -> Vec<Self> {
        let mut targets = vec![Self::Direct, Self::Copy, Self::Splice, Self::Ours];
        targets.extend(Self::toxiproxy());
        targets
    }

    /// Those that know toxics.
    pub(crate) fn with_toxics() -> Vec<Self> {
        [Some(Self::Ours), Self::toxiproxy()].into_iter().flatten().collect()
    }

    fn toxiproxy() -> Option<Self> {
        std::env::var_os(super::toxiproxy::BINARY).map(|_| Self::Toxiproxy)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Copy => "copy",
            Self::Splice => "splice",
            Self::Ours => "ours",
            Self::Toxiproxy => "toxiproxy",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Which of the service's two ports.
#[derive(Clone, Copy)]
pub(crate) enum Port {
    Echo = 0,
    Source = 1,
}

/// When a call to a relay began, on the clock of [`stamp`](crate::part::stamp), and how long it took.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) began: u64,
    pub(crate) took: Duration,
}

/// A way to the service.
pub(crate) struct Relay {
    pub(crate) target: Target,
    pub(crate) echo: SocketAddr,
    pub(crate) source: SocketAddr,
    part: Option<Part>,
}

impl Relay {
    pub(crate) fn start(target: Target, service: Addresses) -> Outcome<Self> {
        if target == Target::Direct {
            return Ok(Self { target, echo: service.echo, source: service.source, part: None });
        }
        let mut part = Part::start(target.name())?;
        let echo = part.ask(&format!("open {}", service.echo))?.parse()?;
        let source = part.ask(&format!("open {}", service.source))?.parse()?;
        Ok(Self { target, echo, source, part: Some(part) })
    }

    pub(crate) fn add(&mut self, port: Port, toxic: Toxic) -> Outcome<Call> {
        self.part_mut()?.tell(&format!("add {} {toxic}", port as usize))?;
        self.call()
    }

    pub(crate) fn remove(&mut self, port: Port, toxic: Toxic) -> Outcome<Call> {
        self.begin_removal(port, toxic)?;
        self.call()
    }

    /// Has a toxic removed without waiting for it: [`call`](Self::call) does.
    pub(crate) fn begin_removal(&mut self, port: Port, toxic: Toxic) -> Outcome<()> {
        self.part_mut()?.tell(&format!("remove {} {toxic}", port as usize))
    }

    /// The end of the call that was begun.
    pub(crate) fn call(&self) -> Outcome<Call> {
        let answer = self.part()?.answer()?;
        let (began, ended) = answer.split_once(' ').ok_or("a call has a beginning and an end")?;
        let (began, ended): (u64, u64) = (began.parse()?, ended.parse()?);
        Ok(Call { began, took: Duration::from_nanos(ended.saturating_sub(began)) })
    }

    pub(crate) fn part(&self) -> Outcome<&Part> {
        self.part.as_ref().ok_or_else(|| "there is no relay".into())
    }

    fn part_mut(&mut self) -> Outcome<&mut Part> {
        self.part.as_mut().ok_or_else(|| "there is no relay".into())
    }
}
