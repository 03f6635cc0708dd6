//! What a person asks about this machine's engine and its images, by the probes that trials are listed by.

use super::probes::{Availability, engine_obstacle};
use super::{Obstacle, ProviderKind};
use crate::engine_address::EngineAddress;
use crate::engine_query;
use serde::Deserialize;
use std::io;
use std::time::Duration;

/// How long an engine may take to say what it is: it counts its images for that.
const TELLS_WITHIN: Duration = Duration::from_secs(3);

/// The container engine of this machine.
#[derive(Debug)]
pub struct EngineReport {
    /// Where it is looked for.
    pub address: String,
    /// What it says of itself, or why there is none.
    pub facts: Result<EngineFacts, Obstacle>,
}

/// What an engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineFacts {
    /// Its version.
    pub version: String,
    /// The newest version of its API.
    pub api: String,
    /// The operating system that containers run on.
    pub system: String,
    /// Whether its containers are without privileges on this machine.
    pub is_rootless: bool,
    /// Which version of control groups it uses, where it says so.
    pub cgroup_version: Option<String>,
    /// Whether it can limit what a container has of the processor.
    pub limits_cpu: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Version {
    version: String,
    api_version: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Info {
    operating_system: String,
    security_options: Vec<String>,
    cgroup_version: Option<String>,
    cpu_cfs_quota: bool,
}

/// Asks the engine what it is. Takes seconds at most.
#[must_use]
pub fn engine_report() -> EngineReport {
    report(&EngineAddress::from_env())
}

fn report(address: &EngineAddress) -> EngineReport {
    let facts = match engine_obstacle(address) {
        Some(obstacle) => Err(obstacle),
        None => facts(address).map_err(|error| Obstacle {
            reason: format!("the engine at {address} does not say what it is: {error}"),
            remedy: "see that `docker info` works".to_owned(),
        }),
    };
    EngineReport { address: address.to_string(), facts }
}

fn facts(engine: &EngineAddress) -> io::Result<EngineFacts> {
    let version: Version = engine_query::ask_now(engine, "/version", TELLS_WITHIN)?;
    let info: Info = engine_query::ask_now(engine, "/info", TELLS_WITHIN)?;
    Ok(EngineFacts {
        version: version.version,
        api: version.api_version,
        system: info.operating_system,
        is_rootless: info.security_options.iter().any(|option| option.contains("rootless")),
        cgroup_version: info.cgroup_version,
        limits_cpu: info.cpu_cfs_quota,
    })
}

/// Why an image cannot be had here; nothing where it is present, or its registry is reached.
#[must_use]
pub fn image_report(image: &str) -> Option<Obstacle> {
    let kind = ProviderKind::Container { image: image.to_owned(), port: 0, command: Vec::new() };
    Availability::from_env().obstacle(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    /// An engine that answers each question so.
    fn engine(answers: impl Fn(&str) -> &'static str + Send + 'static) -> EngineAddress {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = EngineAddress::Tcp(listener.local_addr().unwrap().to_string());
        thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let mut asked = [0; 256];
                let count = connection.read(&mut asked).unwrap();
                let asked = String::from_utf8_lossy(&asked[..count]).into_owned();
                let answer = answers(asked.split(' ').nth(1).unwrap());
                // It may have had enough.
                let _ = write!(connection, "HTTP/1.0 200 OK\r\n\r\n{answer}");
            }
        });
        address
    }

    #[test]
    fn an_engine_is_told_by_what_it_says() {
        let rootless = engine(|path| match path {
            "/version" => r#"{"Version": "27.1", "ApiVersion": "1.46", "Os": "linux"}"#,
            "/info" => {
                r#"{"OperatingSystem": "Debian", "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"],
                    "CgroupVersion": "2", "CpuCfsQuota": true}"#
            }
            _ => "OK",
        });
        let facts = report(&rootless).facts.unwrap();
        assert_eq!((facts.version.as_str(), facts.api.as_str()), ("27.1", "1.46"));
        assert!(facts.is_rootless && facts.limits_cpu);
        assert_eq!(facts.cgroup_version.as_deref(), Some("2"));
    }

    #[test]
    fn what_is_no_engine_is_said_with_a_remedy() {
        let silent = report(&EngineAddress::Unix("/nonexistent/docker.sock".into())).facts.unwrap_err();
        assert!(silent.reason.contains("no Docker engine") && !silent.remedy.is_empty(), "{silent:?}");
        let other = report(&engine(|_| "OK")).facts.unwrap_err();
        assert!(other.reason.contains("does not say what it is"), "{other:?}");
    }
}
