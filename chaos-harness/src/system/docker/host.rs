//! How containers reach this machine, where the routes are.
//!
//! Containers are on the engine's own network `bridge`, whose gateway is an address of this machine: a route that listens
//! there too is reached by containers and leaves nothing to undo. A network of the run's own would be one more thing to
//! clean up, and engines have room for about thirty of them.

use super::engine::{ANSWERS_WITHIN, Engine};
use super::{Launch, engine, knock};
use crate::clock;
use crate::engine_address::EngineAddress;
use crate::safety::containers::ask;
use crate::system::ServiceName;
use crate::system::error::StartError;
use crate::system::running::{ReadyRoute, Routes};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, CopyTargetOptions, GenericImage, ImageExt as _};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::timeout;

/// The network that containers are on unless something else is asked for.
const NETWORK: &str = "bridge";

/// The name by which containers reach this machine where the engine runs in a virtual machine.
const DESKTOP_NAME: &str = "host.docker.internal";

/// How long a connection from a container may take. One that is not dropped takes a millisecond.
const KNOCK_WITHIN: Duration = Duration::from_secs(3);

/// How long the removal of the throw-away container may take.
const REMOVED_WITHIN: Duration = Duration::from_secs(10);

/// What the throw-away container is called in labels.
const PROBE: &str = "reaches this machine?";

/// Containers of this run cannot reach its routes.
#[derive(Debug, thiserror::Error)]
#[error("it is given routes, which are on this machine, and containers do not reach this machine: {0}")]
pub(crate) struct HostError(Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(
        "they run elsewhere, on the engine at {0}; run the service as a process, or use an engine on this machine \
         (unset DOCKER_HOST)"
    )]
    Remote(EngineAddress),
    #[error("the engine's network `{NETWORK}` has no IPv4 gateway; run the service as a process")]
    NoGateway,
    #[error(
        "{0}, the gateway of the engine's network `{NETWORK}`, is not an address of this machine ({1}), as where the \
         engine is rootless or this test runs in a container itself; run the service as a process"
    )]
    NotHere(Ipv4Addr, io::Error),
    #[error("there is no program to try it with on `{0}`; run the service as a process")]
    Architecture(String),
    #[error(
        "a throw-away container was to connect to {address}, the gateway of the engine's network `{NETWORK}`: {seen}; \
         let the network in (`iptables -I INPUT -i docker0 -j ACCEPT`, with ufw: `ufw allow in on docker0`), or run \
         the service as a process"
    )]
    Unheard { address: SocketAddr, seen: String },
}

/// How containers reach this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    /// At this address of it, where a route has to listen beside 127.0.0.1. Tried out.
    Gateway(Ipv4Addr),
    /// By this name, which stands for its 127.0.0.1. A promise of the engine, not tried out.
    Name(&'static str),
}

/// The routes of one system as its containers reach them.
#[derive(Debug, Default)]
pub(in crate::system) struct ContainerRoutes {
    host: OnceCell<Host>,
    /// Where routes listen for containers, by their names.
    opened: Mutex<BTreeMap<String, SocketAddr>>,
}

impl ContainerRoutes {
    /// What the placeholders of one container stand for, when it names these routes. How containers reach this machine
    /// is found out by a container of the image of the first that asks: it is needed in any case.
    pub(in crate::system) async fn addresses(
        &self,
        launch: &Launch,
        named: &BTreeMap<ServiceName, ReadyRoute>,
    ) -> Result<BTreeMap<ServiceName, String>, StartError> {
        if named.is_empty() {
            return Ok(BTreeMap::new());
        }
        let host = *self.host.get_or_try_init(|| find_host(launch)).await?;
        let mut addresses = BTreeMap::new();
        for (service, route) in named {
            let address = match host {
                Host::Name(name) => format!("{name}:{}", route.address.port()),
                Host::Gateway(gateway) => self.open(&*launch.routes, &route.name, gateway).await?.to_string(),
            };
            addresses.insert(service.clone(), address);
        }
        Ok(addresses)
    }

    /// Where the route listens on the gateway; once for all containers.
    async fn open(
        &self,
        routes: &dyn Routes,
        name: &str,
        gateway: Ipv4Addr,
    ) -> Result<SocketAddr, StartError> {
        let mut opened = self.opened.lock().await;
        if let Some(address) = opened.get(name) {
            return Ok(*address);
        }
        let address = routes.open_for_containers(name, gateway.into()).await.map_err(StartError::Route)?;
        opened.insert(name.to_owned(), address);
        Ok(address)
    }
}

/// What is needed of an engine's version.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Version {
    platform: Option<Platform>,
    arch: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Platform {
    name: Option<String>,
}

/// What is needed of a network.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Network {
    #[serde(rename = "IPAM")]
    ipam: Option<Ipam>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Ipam {
    config: Option<Vec<IpamConfig>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct IpamConfig {
    subnet: Option<String>,
    gateway: Option<String>,
}

async fn find_host(launch: &Launch) -> Result<Host, StartError> {
    let address = EngineAddress::from_env();
    if !matches!(address, EngineAddress::Unix(_)) {
        return Err(HostError(Cause::Remote(address)).into());
    }
    let engine = Engine::connect()?;
    let version: Version = ask(&engine.address, "/version", ANSWERS_WITHIN, "ask what it is").await?;
    if is_virtual(&version) {
        tracing::info!("containers are given this machine as {DESKTOP_NAME}");
        return Ok(Host::Name(DESKTOP_NAME));
    }
    let path = format!("/networks/{NETWORK}");
    let network: Network = ask(&engine.address, &path, ANSWERS_WITHIN, "inspect its network").await?;
    let gateway = gateway(&network).ok_or(HostError(Cause::NoGateway))?;
    let listener =
        TcpListener::bind((gateway, 0)).await.map_err(|error| HostError(Cause::NotHere(gateway, error)))?;
    let began = clock::now();
    hear(launch, &engine, &listener, version.arch.as_deref().unwrap_or_default()).await?;
    let took = clock::now().saturating_duration_since(began);
    tracing::info!("containers reach this machine at {gateway}: tried in {} ms", took.as_millis());
    Ok(Host::Gateway(gateway))
}

/// Whether the engine runs in a virtual machine, whose networks have no address here.
fn is_virtual(version: &Version) -> bool {
    let product = version.platform.as_ref().and_then(|platform| platform.name.as_deref());
    !cfg!(target_os = "linux") || product.is_some_and(|product| product.starts_with("Docker Desktop"))
}

/// The address that this machine has on the network. Engines leave it out where nobody has set it: then it is the first
/// of the network's addresses.
fn gateway(network: &Network) -> Option<Ipv4Addr> {
    let configured = network.ipam.as_ref()?.config.as_ref()?;
    configured.iter().find_map(|config| {
        if let Some(gateway) = &config.gateway {
            return gateway.parse().ok();
        }
        let (first, _) = config.subnet.as_ref()?.split_once('/')?;
        let first: Ipv4Addr = first.parse().ok()?;
        Some(Ipv4Addr::from(u32::from(first).checked_add(1)?))
    })
}

/// Waits for a connection from a throw-away container to this listener.
async fn hear(
    launch: &Launch,
    engine: &Engine,
    listener: &TcpListener,
    architecture: &str,
) -> Result<(), StartError> {
    let address = listener.local_addr().map_err(StartError::Route)?;
    let SocketAddr::V4(target) = address else { return Err(HostError(Cause::NoGateway).into()) };
    let program = knock::program(architecture, target)
        .ok_or_else(|| HostError(Cause::Architecture(architecture.to_owned())))?;
    let container = launch.start_throw_away(program).await?;
    let unheard = |seen: String| StartError::from(HostError(Cause::Unheard { address, seen }));
    let heard = tokio::select! {
        biased;
        // What is dropped on the way is not answered at all.
        heard = timeout(KNOCK_WITHIN, listener.accept()) => match heard {
            Ok(accepted) => accepted.map(drop).map_err(StartError::Route),
            Err(_) => Err(unheard(format!("nothing has arrived within {} s", KNOCK_WITHIN.as_secs()))),
        },
        refused = engine.refusal(container.id()) => Err(match refused {
            Ok(error) => unheard(error.to_string()),
            Err(error) => error.into(),
        }),
        () = launch.cut.happened() => Err(StartError::CutOff),
    };
    // Should that fail, the undo log still has it: it carries the trial's label.
    let _ = timeout(REMOVED_WITHIN, container.rm()).await;
    heard
}

impl Launch {
    /// A container of the same image that runs nothing but this program.
    async fn start_throw_away(&self, program: Vec<u8>) -> Result<ContainerAsync<GenericImage>, StartError> {
        let (name, tag) = engine::name_and_tag(&self.image);
        let request = GenericImage::new(name, tag)
            .with_entrypoint(knock::PATH)
            .with_copy_to(CopyTargetOptions::new(knock::PATH).with_mode(0o755), program)
            .with_user("0")
            .with_startup_timeout(self.ready_within)
            .with_labels(self.labels(PROBE))
            .with_host_config_modifier(|host| host.publish_all_ports = Some(false));
        self.create(request.start()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(gateway: Option<&str>, subnet: &str) -> Network {
        let config = IpamConfig { subnet: Some(subnet.to_owned()), gateway: gateway.map(str::to_owned) };
        Network { ipam: Some(Ipam { config: Some(vec![config]) }) }
    }

    #[test]
    fn the_gateway_is_as_configured_or_the_first_address() {
        assert_eq!(gateway(&network(Some("10.1.2.254"), "10.1.2.0/24")), Some([10, 1, 2, 254].into()));
        assert_eq!(gateway(&network(None, "172.17.0.0/16")), Some([172, 17, 0, 1].into()));
        assert_eq!(gateway(&network(None, "fd00::/64")), None);
        assert_eq!(gateway(&Network::default()), None);
    }

    #[test]
    fn only_an_engine_in_a_virtual_machine_is_reached_by_name() {
        let version = |product: &str| Version {
            platform: Some(Platform { name: Some(product.to_owned()) }),
            ..Version::default()
        };
        assert!(is_virtual(&version("Docker Desktop 4.34.2 (167172)")));
        assert_eq!(is_virtual(&version("Docker Engine - Community")), !cfg!(target_os = "linux"));
        assert_eq!(is_virtual(&Version::default()), !cfg!(target_os = "linux"));
    }
}
