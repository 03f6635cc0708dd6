//! What a system consists of, as plain data, and how it is written down.

use super::{ServiceName, Variable};
use crate::redact;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// The services of one system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct SystemSpec {
    /// The system's name.
    pub name: String,
    /// Its services, in the order in which they were declared.
    pub services: Vec<ServiceSpec>,
}

/// One service and the ways in which it can be provided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct ServiceSpec {
    /// The service's name.
    pub name: ServiceName,
    /// The ways to provide it: the first that this machine can provide is used.
    pub providers: Vec<Provider>,
    /// The services that must be ready before this one is started.
    pub after: Vec<ServiceName>,
}

/// One way of providing a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Provider {
    /// What runs the instances.
    pub kind: ProviderKind,
    /// How many instances there are.
    pub replicas: u32,
    /// Environment variables of each instance. `{port}` and `{SERVICE}` in a value are filled in.
    pub env: Vec<Variable>,
    /// How to tell that an instance is ready.
    pub ready: Ready,
    /// How long an instance may take until it is ready.
    pub ready_within: Duration,
}

/// What runs the instances of a service.
///
/// Shown or stored, its commands and addresses are without the passwords of URLs and the values of options whose names say
/// that they are secret.
///
/// ```
/// use chaos_harness::system::{Source, process};
///
/// let redis: Source = process("redis-server --port {port} --requirepass 'hunter 2'").into();
/// assert!(format!("{redis:?}").contains("redis-server --port {port} --requirepass [redacted]"));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub enum ProviderKind {
    /// A container.
    Container {
        /// Name and tag of the image.
        image: String,
        /// The port that the service listens on inside the container.
        port: u16,
        /// The command and its arguments; the image's own when empty.
        #[serde(serialize_with = "redact::serialize_words")]
        command: Vec<String>,
    },
    /// A child process.
    Command {
        /// Program and arguments in one line, split into words, no shell. `{port}` and `{SERVICE}` are filled in.
        #[serde(serialize_with = "redact::serialize_line")]
        line: String,
    },
    /// A binary that cargo builds from this workspace.
    CargoBin {
        /// The name of the binary target.
        name: String,
        /// Its arguments, split into words, no shell. `{port}` and `{SERVICE}` are filled in.
        #[serde(serialize_with = "redact::serialize_line")]
        args: String,
        /// Where cargo said the binary is when the test was compiled.
        built: Option<String>,
    },
    /// Something that is already running. It is never stopped, killed or paused: only its routes take faults, and they
    /// only where the user allows it.
    External {
        /// `host:port`.
        #[serde(serialize_with = "redact::serialize_text")]
        address: String,
        /// Whether the routes to it take faults.
        #[serde(default)]
        allows_faults: bool,
    },
}

impl fmt::Debug for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container { image, port, command } => f
                .debug_struct("Container")
                .field("image", image)
                .field("port", port)
                .field("command", &redact::words(command))
                .finish(),
            Self::Command { line } => f.debug_struct("Command").field("line", &redact::line(line)).finish(),
            Self::CargoBin { name, args, built } => f
                .debug_struct("CargoBin")
                .field("name", name)
                .field("args", &redact::line(args))
                .field("built", built)
                .finish(),
            Self::External { address, allows_faults } => f
                .debug_struct("External")
                .field("address", &redact::text(address))
                .field("allows_faults", allows_faults)
                .finish(),
        }
    }
}

/// How to tell that an instance is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub enum Ready {
    /// It accepts a TCP connection.
    Tcp,
    /// It answers `GET` of this path with a status from 200 to 399.
    Http {
        /// The path, beginning with a slash.
        path: String,
    },
    /// It has written a line with this text, to standard output or standard error, and accepts a TCP connection.
    Log {
        /// The text to look for.
        text: String,
    },
}

impl Ready {
    /// It accepts a TCP connection. This is how readiness is told unless said otherwise.
    #[must_use]
    pub fn tcp() -> Self {
        Self::Tcp
    }

    /// It answers `GET path` with a status from 200 to 399.
    #[must_use]
    pub fn http(path: impl Into<String>) -> Self {
        Self::Http { path: path.into() }
    }

    /// It has written a line with this text, and accepts a TCP connection.
    #[must_use]
    pub fn log(text: impl Into<String>) -> Self {
        Self::Log { text: text.into() }
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp => f.write_str("to accept a connection"),
            Self::Http { path } => write!(f, "to answer GET {path}"),
            Self::Log { text } => write!(f, "to log \"{text}\""),
        }
    }
}

impl Provider {
    /// Whether this is what was chosen on some machine, where names of images have a prefix (`CHAOS_IMAGE_PREFIX`).
    #[cfg(feature = "records")]
    pub(crate) fn is_offer_of(&self, chosen: &Self) -> bool {
        let mut offered = self.clone();
        if let (ProviderKind::Container { image, .. }, ProviderKind::Container { image: chosen, .. }) =
            (&mut offered.kind, &chosen.kind)
            && chosen.ends_with(image.as_str())
        {
            image.clone_from(chosen);
        }
        offered == *chosen
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ProviderKind::Container { image, .. } => write!(f, "container {image}")?,
            ProviderKind::Command { line } => {
                write!(f, "process {}", line.split_whitespace().next().unwrap_or_default())?;
            }
            ProviderKind::CargoBin { name, .. } => write!(f, "binary {name}")?,
            ProviderKind::External { address, .. } => write!(f, "external {}", redact::text(address))?,
        }
        if self.replicas == 1 { Ok(()) } else { write!(f, " x {}", self.replicas) }
    }
}

/// The ways to provide one service. Made by [`container`], [`process`], [`cargo_bin`] and [`external`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a source does nothing until a system has it"]
pub struct Source {
    pub(crate) providers: Vec<Provider>,
    pub(crate) after: Vec<ServiceName>,
}

impl Source {
    fn new(kind: ProviderKind) -> Self {
        let provider = Provider {
            kind,
            replicas: 1,
            env: Vec::new(),
            ready: Ready::Tcp,
            ready_within: Duration::from_secs(30),
        };
        Self { providers: vec![provider], after: Vec::new() }
    }

    fn provider(&mut self) -> &mut Provider {
        // A source is made with one provider and only ever gains more.
        let last = self.providers.len() - 1;
        &mut self.providers[last]
    }

    /// What to use where this machine cannot provide the service so.
    pub fn or(mut self, other: impl Into<Self>) -> Self {
        let other = other.into();
        self.providers.extend(other.providers);
        self.after.extend(other.after);
        self
    }
}

/// The options that every kind of source has.
macro_rules! common_options {
    ($kind:ident) => {
        impl $kind {
            /// What to use where this machine cannot provide the service so.
            pub fn or(self, other: impl Into<Source>) -> Source {
                Source::from(self).or(other)
            }

            /// How to tell that an instance is ready: it accepts a connection, unless said otherwise.
            pub fn ready(mut self, ready: Ready) -> Self {
                self.0.provider().ready = ready;
                self
            }

            /// How long an instance may take until it is ready; 30 s unless said otherwise.
            pub fn ready_within(mut self, limit: Duration) -> Self {
                self.0.provider().ready_within = limit;
                self
            }

            /// Starts this service only once that one is ready. May be given more than once.
            pub fn after(mut self, service: impl Into<ServiceName>) -> Self {
                self.0.after.push(service.into());
                self
            }
        }

        impl From<$kind> for Source {
            fn from(source: $kind) -> Self {
                source.0
            }
        }
    };
}

/// The options of a source whose instances this run starts.
macro_rules! started_options {
    ($kind:ident) => {
        impl $kind {
            /// How many instances there are; one unless said otherwise.
            pub fn replicas(mut self, count: u32) -> Self {
                self.0.provider().replicas = count;
                self
            }

            /// Sets an environment variable, as `NAME=value`. May be given more than once.
            ///
            /// `{port}` in the value becomes the instance's port, and the name of another service in braces, as in
            /// `{redis}`, the `host:port` of the route to it (which is then started first).
            ///
            /// A value that must never be shown is given as `("NAME", Secret::new(value))`, and taken as it stands: see
            /// [`Secret`](crate::Secret).
            pub fn env(mut self, variable: impl Into<Variable>) -> Self {
                self.0.provider().env.push(variable.into());
                self
            }
        }
    };
}

/// A service in a container. Its port is published on 127.0.0.1 only.
///
/// The name of another service in braces, in the command or a variable, becomes the `host:port` of the route to it as
/// containers reach it: on Linux at the gateway of Docker's own network, with Docker Desktop at `host.docker.internal`.
///
/// ```
/// use chaos_harness::system::{container, process};
/// let redis = container("redis:7").port(6379).or(process("redis-server --port {port} --save ''"));
/// # let _ = redis;
/// ```
pub fn container(image: impl Into<String>) -> Container {
    Container(Source::new(ProviderKind::Container { image: image.into(), port: 0, command: Vec::new() }))
}

/// A service in a container. See [`container`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a source does nothing until a system has it"]
pub struct Container(Source);
common_options!(Container);
started_options!(Container);

impl Container {
    /// The port that the service listens on inside the container. Every container needs one.
    pub fn port(mut self, inside: u16) -> Self {
        if let ProviderKind::Container { port, .. } = &mut self.0.provider().kind {
            *port = inside;
        }
        self
    }

    /// The command and its arguments, in place of the image's own: split into words, no shell.
    ///
    /// Words are split as a shell does; a line that cannot be split (an open quote) is kept as one word.
    pub fn command(mut self, line: impl AsRef<str>) -> Self {
        if let ProviderKind::Container { command, .. } = &mut self.0.provider().kind {
            *command = shell_words::split(line.as_ref()).unwrap_or_else(|_| vec![line.as_ref().to_owned()]);
        }
        self
    }
}

/// A service as a child process: program and arguments in one line, split into words, no shell.
///
/// `{port}` becomes a free port that the process must listen on, at 127.0.0.1. The name of another service in braces,
/// as in `{redis}`, becomes the `host:port` of the route to it (which is then started first).
pub fn process(line: impl Into<String>) -> Command {
    Command(Source::new(ProviderKind::Command { line: line.into() }))
}

/// A service as a child process. See [`process`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a source does nothing until a system has it"]
pub struct Command(Source);
common_options!(Command);
started_options!(Command);

/// A service as a child process: a binary that cargo builds from this workspace.
///
/// Its port is given to it as the environment variable `PORT`, and wherever [`args`](CargoBin::args) say `{port}`.
pub fn cargo_bin(name: impl Into<String>) -> CargoBin {
    CargoBin(Source::new(ProviderKind::CargoBin { name: name.into(), args: String::new(), built: None }))
}

/// A service as a binary of this workspace. See [`cargo_bin`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a source does nothing until a system has it"]
pub struct CargoBin(Source);
common_options!(CargoBin);
started_options!(CargoBin);

impl CargoBin {
    /// The arguments in one line, split into words, no shell. `{port}` and `{SERVICE}` are filled in as for
    /// [`process`].
    pub fn args(mut self, line: impl Into<String>) -> Self {
        if let ProviderKind::CargoBin { args, .. } = &mut self.0.provider().kind {
            *args = line.into();
        }
        self
    }

    /// Where cargo said the binary is when the test was compiled: `option_env!("CARGO_BIN_EXE_…")`. In `#[system]`
    /// this is given by the attribute.
    pub fn built(mut self, path: Option<&str>) -> Self {
        if let ProviderKind::CargoBin { built, .. } = &mut self.0.provider().kind {
            *built = path.map(str::to_owned);
        }
        self
    }
}

/// A service that is already running at `host:port`. It is never stopped, and nothing is injected on the route to it
/// unless [`allow_faults`](External::allow_faults) says so.
///
/// ```
/// use chaos_harness::system::external;
/// let payments = external("127.0.0.1:8080").allow_faults();
/// # let _ = payments;
/// ```
pub fn external(address: impl Into<String>) -> External {
    External(Source::new(ProviderKind::External { address: address.into(), allows_faults: false }))
}

/// A service that is already running. See [`external`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a source does nothing until a system has it"]
pub struct External(Source);
common_options!(External);

impl External {
    /// Lets experiments inject faults on the route to it.
    ///
    /// They act on the connections of this test alone, which go through a proxy; but what is behind them is not this
    /// run's own, and may feel it: half-sent requests, connections that are held open, or reset. An experiment with a fault
    /// on a service that is already running is refused without this.
    pub fn allow_faults(mut self) -> Self {
        if let ProviderKind::External { allows_faults, .. } = &mut self.0.provider().kind {
            *allows_faults = true;
        }
        self
    }
}
