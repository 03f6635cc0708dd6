//! This crate's proxy, driven by direct calls.

use super::{Driver, Toxic};
use crate::outcome::Outcome;
use chaos_harness::proxy::{self, Proxy, Route, Stream, ToxicSpec};
use chaos_harness::{Bytes, Seed};
use std::net::SocketAddr;
use std::time::Duration;

pub(super) struct Ours {
    proxy: Proxy,
    routes: Vec<Route>,
}

impl Ours {
    pub(super) fn start() -> Outcome<Self> {
        Ok(Self { proxy: Proxy::start(Seed::new(1))?, routes: Vec::new() })
    }

    fn route(&self, route: usize) -> Outcome<&Route> {
        self.routes.get(route).ok_or_else(|| "there is no such route".into())
    }
}

impl Driver for Ours {
    fn open(&mut self, route: usize, upstream: SocketAddr) -> Outcome<SocketAddr> {
        let opened = self.proxy.route(&format!("r{route}"), upstream)?;
        let address = opened.address().ok_or("the route has no address")?;
        self.routes.push(opened);
        Ok(address)
    }

    fn add(&mut self, route: usize, toxic: Toxic) -> Outcome<()> {
        let spec = match toxic {
            Toxic::Latency { milliseconds } => {
                proxy::Toxic::Latency { delay: Duration::from_millis(milliseconds), jitter: Duration::ZERO }
            }
            Toxic::Bandwidth { rate } => {
                proxy::Toxic::Bandwidth { rate: Bytes::new(rate * 1_000).per_second() }
            }
            Toxic::Slicer { average } => proxy::Toxic::Slicer {
                average: Bytes::new(average),
                variation: Bytes::new(0),
                delay: Duration::ZERO,
            },
        };
        Ok(self.route(route)?.add(ToxicSpec::new(toxic.kind(), spec, Stream::Downstream))?)
    }

    fn remove(&mut self, route: usize, toxic: Toxic) -> Outcome<()> {
        self.route(route)?.remove(toxic.kind())?;
        Ok(())
    }
}
