//! Injecting faults, and undoing them: in reverse order, whatever happened meanwhile.

use super::routes::ToxicRoutes;
use super::traffic::{self, Watched};
use crate::BoxError;
use crate::blast_radius::Reach;
use crate::causes::causes;
use crate::experiment::undo::Undoing;
use crate::experiment::{Effect, Injection, Plan, Reached};
use crate::fault::{FaultKind, InstanceFault};
use crate::proxy::{RouteCounters, ToxicSpec};
use crate::report::{Event, Journal};
use crate::safety::{Attempt, Undone};
use crate::system::{self, Instance, InstanceState, RunningSystem};
use crate::units::{Percent, Portion};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What has been injected, so that just this is undone.
pub(super) struct Injector<'a> {
    system: &'a RunningSystem,
    routes: &'a dyn ToxicRoutes,
    journal: &'a Journal,
    applied: Mutex<Vec<Applied>>,
    /// What had passed through the routes to each service concerned, before anything was injected.
    before: Mutex<BTreeMap<String, RouteCounters>>,
    /// What came of undoing, until it is told: it may be cut off and go on later.
    undoing: Mutex<Undoing>,
    is_in_doubt: AtomicBool,
}

/// One fault on one instance or its route.
#[derive(Debug, Clone)]
struct Applied {
    injection: Injection,
    index: usize,
    toxic: String,
}

impl<'a> Injector<'a> {
    pub(super) fn new(system: &'a RunningSystem, routes: &'a dyn ToxicRoutes, journal: &'a Journal) -> Self {
        Self {
            system,
            routes,
            journal,
            applied: Mutex::default(),
            before: Mutex::default(),
            undoing: Mutex::default(),
            is_in_doubt: AtomicBool::new(false),
        }
    }

    /// Injects everything. What was begun is remembered before it is done, so that a cut-off injection is undone too.
    pub(super) async fn inject(&self, injections: &[Injection]) -> Result<(), BoxError> {
        for label in injections.iter().flat_map(|injection| self.labels(injection)) {
            if let Some(counters) = self.routes.passed(label, "").await.route {
                let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
                before.insert(label.to_owned(), counters);
            }
        }
        for (number, injection) in injections.iter().enumerate() {
            let (fault, targets) = (injection.fault.to_string(), injection.reach.to_string());
            tracing::info!("inject: {fault}: {targets}");
            self.journal.event(&Event::Injecting { fault: fault.clone(), targets });
            for &index in injection.instances() {
                let applied = Applied { injection: injection.clone(), index, toxic: toxic_name(number) };
                self.applied.lock().unwrap_or_else(PoisonError::into_inner).push(applied.clone());
                self.apply(&applied).await.map_err(|cause| format!("could not inject {fault}: {cause}"))?;
            }
        }
        Ok(())
    }

    /// What the injections have done so far: to be asked while they are in effect.
    pub(super) async fn effects(&self, injections: &[Injection]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (number, injection) in injections.iter().enumerate() {
            let seen = match injection.fault.kind {
                FaultKind::Toxic { .. } => self.seen_by_proxy(injection, &toxic_name(number)).await,
                FaultKind::Instance(fault) => self.seen_on_instances(injection, fault).await,
            };
            let effect =
                Effect { fault: injection.fault.to_string(), targets: injection.reach.to_string(), seen };
            self.journal.event(&Event::Effect { effect: &effect });
            effects.push(effect);
        }
        effects
    }

    /// How much each injection has reached, to be asked while they are in effect: under them, so many operations were
    /// started.
    pub(super) async fn reached(&self, plan: &Plan, started: u64) -> Vec<Reached> {
        let mut all = Vec::new();
        for (number, injection) in plan.injections.iter().enumerate() {
            let chosen = injection.instances();
            let mut watched = Vec::new();
            for (index, label) in self.labels(injection).enumerate() {
                let now = self.routes.passed(label, &toxic_name(number)).await;
                let before = self.before.lock().unwrap_or_else(PoisonError::into_inner).get(label).cloned();
                watched.push(Watched { is_chosen: chosen.contains(&index), before, now });
            }
            let instances = Portion { hit: chosen.len() as u64, of: watched.len() as u64 };
            let counted = traffic::count(&injection.reach, &watched);
            let reached = Reached::new(injection, plan.stage.scope, instances, counted, started);
            tracing::info!("reached: {}: {reached}", reached.fault);
            self.journal.event(&Event::Reached { reached: &reached });
            all.push(reached);
        }
        all
    }

    /// The routes to all instances of the service that a fault is on.
    fn labels(&self, injection: &Injection) -> impl Iterator<Item = &str> {
        let service = injection.fault.service.clone();
        (0..).map_while(move |index| self.system.route_name(&service, index))
    }

    async fn seen_by_proxy(&self, injection: &Injection, toxic: &str) -> Result<String, String> {
        let labels = injection.instances().iter().map(|&index| self.route(injection, index));
        let effect = async {
            let labels = labels.collect::<Result<Vec<_>, _>>()?;
            self.routes.effect(&injection.reach, &labels, toxic).await
        };
        effect.await.map_err(|error: BoxError| error.to_string())
    }

    async fn seen_on_instances(&self, injection: &Injection, fault: InstanceFault) -> Result<String, String> {
        let mut proofs = Vec::new();
        for &index in injection.instances() {
            let instance = self.instance(injection, index).map_err(|error| error.to_string())?;
            match instance.effect(fault).await.map_err(|error| error.to_string())? {
                system::Effect::Seen(proof) => proofs.push(proof),
                system::Effect::NotSeen(instead) => return Err(instead),
            }
        }
        Ok(proofs.join("; "))
    }

    /// Whether something could not be undone, ever.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.is_in_doubt.load(Ordering::SeqCst)
    }

    /// Undoes what was injected, the last first. Where this is cut off, the rest is still to be undone, and what came of the
    /// beginning is told with it.
    pub(super) async fn undo(&self) -> Undoing {
        while let Some(applied) = self.last() {
            let fault = applied.injection.fault.to_string();
            let taken_back = self.take_back(&applied, self.is_held_otherwise(&applied)).await;
            let (forced, failure) = match taken_back {
                Ok(Undone::AsMeant) => (None, None),
                Ok(Undone::ByForce(forced)) => (Some(forced), None),
                Err(cause) => {
                    let way = format!("undo {fault} on instance {}", applied.index + 1);
                    (None, Some(Attempt { way, why: causes(&*cause) }))
                }
            };
            self.is_in_doubt.fetch_or(failure.is_some(), Ordering::SeqCst);
            self.applied.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut undoing = self.undoing.lock().unwrap_or_else(PoisonError::into_inner);
            undoing.forced.extend(forced.clone());
            undoing.failures.extend(failure.clone());
            drop(undoing);
            match &failure {
                None => tracing::info!("undone: {fault}"),
                Some(failure) => tracing::warn!("{failure}"),
            }
            let told = failure.as_ref().map(ToString::to_string);
            self.journal.event(&Event::Undone { fault, forced, failure: told });
        }
        std::mem::take(&mut *self.undoing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn last(&self) -> Option<Applied> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    /// Whether an earlier fault is still on the same instance: until that is undone too, it need not run.
    fn is_held_otherwise(&self, last: &Applied) -> bool {
        let applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = applied.split_last().map_or(&[][..], |(_, earlier)| earlier);
        earlier.iter().any(|other| {
            let is_same =
                other.injection.fault.service == last.injection.fault.service && other.index == last.index;
            is_same && matches!(other.injection.fault.kind, FaultKind::Instance(_))
        })
    }

    async fn apply(&self, Applied { injection, index, toxic: name }: &Applied) -> Result<(), BoxError> {
        match injection.fault.kind {
            FaultKind::Toxic { .. } => {
                let spec = toxic_of(injection, name).ok_or("it is no toxic")?;
                self.routes.add(self.route(injection, *index)?, spec).await
            }
            FaultKind::Instance(fault) => Ok(self.instance(injection, *index)?.inject(fault).await?),
        }
    }

    async fn take_back(
        &self,
        Applied { injection, index, toxic }: &Applied,
        is_held: bool,
    ) -> Result<Undone, BoxError> {
        match injection.fault.kind {
            FaultKind::Toxic { .. } => self.routes.remove(self.route(injection, *index)?, toxic).await,
            FaultKind::Instance(fault) => {
                let instance = self.instance(injection, *index)?;
                let undone = instance.undo(fault).await?;
                if undone == Undone::AsMeant && !is_held {
                    confirm_running(instance).await?;
                }
                Ok(undone)
            }
        }
    }

    fn instance(&self, injection: &Injection, index: usize) -> Result<&dyn Instance, BoxError> {
        let service = &injection.fault.service;
        let instance = self.system.instance(service, index);
        instance.ok_or_else(|| format!("`{service}` has no instance {}", index + 1).into())
    }

    fn route(&self, injection: &Injection, index: usize) -> Result<&str, BoxError> {
        let service = &injection.fault.service;
        let label = self.system.route_name(service, index);
        label.ok_or_else(|| format!("`{service}` has no route {}", index + 1).into())
    }
}

/// An undo is believed only when it is seen.
async fn confirm_running(instance: &dyn Instance) -> Result<(), BoxError> {
    match instance.observe().await? {
        InstanceState::Running => Ok(()),
        InstanceState::Frozen => Err("it is still frozen".into()),
        InstanceState::Ended(how) => Err(format!("it has ended: {how}").into()),
        InstanceState::Unreachable(why) => Err(format!("it cannot be reached: {why}").into()),
    }
}

fn toxic_name(number: usize) -> String {
    format!("chaos-{number}")
}

/// The toxic that an injection comes to, if it is one.
pub(super) fn toxic_of(injection: &Injection, name: &str) -> Option<ToxicSpec> {
    let FaultKind::Toxic { toxic, stream, slice } = injection.fault.kind else { return None };
    let share = match injection.reach {
        Reach::Instances { .. } => Percent::ALL,
        Reach::Connections { share } | Reach::Time { share, .. } => share.get(),
    };
    let spec = ToxicSpec::new(name, toxic, stream).share(share);
    Some(match slice {
        Some(slice) => spec.slice(slice),
        None => spec,
    })
}
