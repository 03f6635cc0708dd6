//! The toxics of a route: put on it, changed and taken off while it is used.

use super::{PATIENCE, Registry, Route};
use crate::clock;
use crate::proxy::active::ActiveToxic;
use crate::proxy::counters::ToxicCounters;
use crate::proxy::error::ProxyError;
use crate::proxy::link::ToxicId;
use crate::proxy::lock::lock;
use crate::proxy::spec::ToxicSpec;
use crate::proxy::toxics::Meeting;

impl Route {
    /// Puts a toxic on the route, behind those it has. Never blocks. In force on new connections and on the live ones when
    /// this returns; a connection that is in the middle of moving data by then may end that first, which takes it well
    /// below a millisecond.
    ///
    /// # Errors
    /// There is a toxic of this name already, or its parameters mean nothing.
    pub fn add(&self, spec: ToxicSpec) -> Result<(), ProxyError> {
        let route = &self.inner.name;
        check(&spec)?;
        let mut registry = lock(&self.inner.registry);
        if registry.stopped {
            return Err(ProxyError::Stopped(route.clone()));
        }
        if registry.position(&spec.name).is_some() {
            return Err(ProxyError::ToxicExists { route: route.clone(), toxic: spec.name });
        }
        let id = ToxicId(registry.next_toxic);
        registry.next_toxic += 1;
        let now = clock::now();
        let toxic = ActiveToxic::new(id, spec, route, self.inner.shared.seed, registry.next_connection, now);
        registry.toxics.push(toxic);
        registry.shut_if_told();
        let Registry { connections, toxics, trace, .. } = &mut *registry;
        if let Some(toxic) = toxics.last_mut() {
            for connection in connections.values() {
                connection.meet(toxic, Meeting::Live, trace, now, now + PATIENCE);
            }
        }
        Ok(())
    }

    /// The toxics in force, in the order in which they were added.
    #[must_use]
    pub fn toxics(&self) -> Vec<ToxicSpec> {
        lock(&self.inner.registry).toxics.iter().map(|toxic| toxic.spec().clone()).collect()
    }

    /// The toxic of this name.
    #[must_use]
    pub fn toxic(&self, name: &str) -> Option<ToxicSpec> {
        let registry = lock(&self.inner.registry);
        registry.position(name).map(|position| registry.toxics[position].spec().clone())
    }

    /// Gives the toxic of this name other parameters or another toxicity, on live connections too. Which connections it
    /// touches is decided again only where the toxicity changes.
    ///
    /// # Errors
    /// There is no such toxic, the parameters mean nothing, or type, stream or slice are others: then nothing is changed.
    pub fn update(&self, spec: ToxicSpec) -> Result<(), ProxyError> {
        let route = &self.inner.name;
        check(&spec)?;
        let mut registry = lock(&self.inner.registry);
        let Some(position) = registry.position(&spec.name) else {
            return Err(ProxyError::NoSuchToxic { route: route.clone(), toxic: spec.name });
        };
        let old = registry.toxics[position].spec();
        let same = (old.toxic.kind(), old.stream, old.slice) == (spec.toxic.kind(), spec.stream, spec.slice);
        if !same {
            let reason =
                "its type, stream and slice cannot be changed: remove it, and add another".to_owned();
            return Err(ProxyError::InvalidToxic { toxic: spec.name, reason });
        }
        if !spec.shuts_listener() {
            self.reopen_without(&registry, position)?;
        }
        let redraws = old.toxicity.share() != spec.toxicity.share();
        let now = clock::now();
        let Registry { connections, toxics, trace, .. } = &mut *registry;
        let toxic = &mut toxics[position];
        toxic.change(spec, now);
        for connection in connections.values() {
            connection.change(toxic, redraws, trace, now, now + PATIENCE);
        }
        registry.shut_if_told();
        Ok(())
    }

    /// Takes a toxic off the route, at once and whatever the connections are doing, as [`add`](Self::add) puts it there; what
    /// it did.
    ///
    /// Bytes that it delayed go on in order. Connections whose bytes it withheld for good are closed.
    ///
    /// # Errors
    /// There is no such toxic. Or a route that was down cannot listen on its old port again: then the toxic stays, and
    /// this can be tried again.
    pub fn remove(&self, name: &str) -> Result<ToxicCounters, ProxyError> {
        let route = &self.inner.name;
        let mut registry = lock(&self.inner.registry);
        if registry.stopped {
            return Err(ProxyError::Stopped(route.clone()));
        }
        let Some(position) = registry.position(name) else {
            return Err(ProxyError::NoSuchToxic { route: route.clone(), toxic: name.to_owned() });
        };
        self.reopen_without(&registry, position)?;
        let toxic = registry.toxics.remove(position);
        let until = clock::now() + PATIENCE;
        for connection in registry.connections.values() {
            connection.part(toxic.id, until);
        }
        Ok(toxic.counters())
    }

    /// Listens again where the toxic at `position` alone kept the route from it.
    fn reopen_without(&self, registry: &Registry, position: usize) -> Result<(), ProxyError> {
        if !registry.shutting().eq([position]) {
            return Ok(());
        }
        for listener in &registry.listeners {
            listener.reopen().map_err(|source| ProxyError::Relisten {
                route: self.inner.name.clone(),
                address: listener.address(),
                source,
            })?;
        }
        Ok(())
    }
}

fn check(spec: &ToxicSpec) -> Result<(), ProxyError> {
    let invalid =
        |reason: &str| ProxyError::InvalidToxic { toxic: spec.name.clone(), reason: reason.to_owned() };
    spec.check().map_err(invalid)
}
