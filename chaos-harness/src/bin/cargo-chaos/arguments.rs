//! The command line, and its help.

use crate::ci::CiArguments;
use crate::completions::Completions;
use crate::config::Config;
use crate::doctor::Doctor;
use crate::init::Init;
use crate::ledger::{Demote, LedgerArguments, Promote, Status};
use crate::trials;
use chaos_harness::Seed;
use chaos_harness::proxy::ApiHost;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use tracing_subscriber::filter::LevelFilter;

/// Where a server is looked for.
pub(crate) const USUAL_SERVER: &str = "http://127.0.0.1:8474";

/// Chaos experiments and faults on TCP connections, from the command line.
#[derive(Debug, Parser)]
#[command(name = "cargo chaos", bin_name = "cargo chaos", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add chaos experiments to a crate: a sample, its settings, nextest's, and workflows
    ///
    /// Adds a test target to Cargo.toml, and makes tests/chaos.rs, and at the root of the workspace chaos.toml,
    /// .config/nextest.toml and two workflows for GitHub. What is there stays as it is: a second time changes nothing.
    Init(Init),
    /// List the trials of all experiments: one for each stage, and why it runs, or does not
    List(trials::List),
    /// Run experiments at the stages that they have earned
    ///
    /// Under nextest where it is installed, else under cargo test. What a profile of chaos.toml says decides which stages run,
    /// and for how long.
    Run(trials::Run),
    /// Run experiments at the stages that they have earned, and at the next
    ///
    /// The nightly job does this, as `cargo chaos ci escalate`, and records what came of it.
    Escalate(trials::Escalate),
    /// Print what is set, and where each value comes from: defaults, chaos.toml, its profiles, the environment
    Config(Config),
    /// Say what will and will not work on this machine, and how to mend it
    ///
    /// The container engine and images, privileges, netem, control groups, descriptors, ports, nextest, git, disk space, the clock,
    /// and what runs left behind.
    Doctor(Doctor),
    /// Show which stage each experiment has earned, and what the next one waits for
    Status(Status),
    /// Give an experiment a stage that its trials have not earned
    Promote(Promote),
    /// Take stages from an experiment
    Demote(Demote),
    /// Check the ledger, or fetch that of a repository
    Ledger(LedgerArguments),
    /// What the jobs of CI call
    Ci(CiArguments),
    /// Run a proxy server, or list, create, toggle and delete the proxies of one that runs
    ///
    /// Without a command, `cargo chaos proxy` is a drop-in for `toxiproxy-server`: it serves Toxiproxy's HTTP API in the
    /// foreground until SIGINT or SIGTERM. Its flags may be written with one dash, as Go writes them.
    Proxy(ProxyArguments),
    /// List, add, update and remove the toxics of a proxy
    Toxic(ToxicArguments),
    /// Show the runs that have something to be undone: those that go on, and those that were cut off
    Ps(Runs),
    /// Undo what runs left behind that were cut off, guard and all: each run does this at its start, too
    ///
    /// What a living test process or its guard holds is never touched. A process is known by its number and start time, a
    /// container by its id and label: what came later by the same number or name is left alone.
    Recover(Runs),
    /// Print what completes these commands in a shell
    Completions(Completions),
}

/// The runs that a command is about.
#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// Folder of build products that the results are in, as `chaos/<run>` [default: cargo's]
    #[arg(long, env = "CHAOS_TARGET_DIR", value_name = "DIR", hide_env_values = true)]
    pub(crate) target_dir: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, version = API_VERSION, display_name = "cargo chaos proxy")]
pub(crate) struct ProxyArguments {
    #[command(flatten)]
    pub(crate) serve: Serve,
    #[command(subcommand)]
    pub(crate) command: Option<ProxyCommand>,
}

/// What `-version` answers: that of this program, and that of the API.
const API_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (the API of Toxiproxy 2.12.0)");

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Host name or address of the HTTP API
    #[arg(long, default_value = "localhost")]
    pub(crate) host: String,
    /// Port of the HTTP API; 0 takes a free one
    #[arg(long, default_value_t = 8474)]
    pub(crate) port: u16,
    /// Let other machines use the API, which an address that is not loopback needs
    #[arg(long, value_name = "WHO", value_enum)]
    pub(crate) remote: Option<Remote>,
    /// Name by which clients call the API; may be given more than once
    ///
    /// Requests for any other host get 403, but for localhost, addresses of loopback, the host listened on, and where that
    /// is any address, addresses of all kinds. A web site could otherwise have its name lead here, and use the API through
    /// a browser.
    #[arg(long = "allow-host", value_name = "NAME")]
    pub(crate) allowed_hosts: Vec<ApiHost>,
    #[command(flatten)]
    pub(crate) token: TokenSource,
    /// JSON file of proxies to make at the start: an array, as POST /populate takes it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What every random choice is drawn from, decimal or 0x…; a fresh one where none is given
    #[arg(long, value_parser = seed, allow_negative_numbers = true)]
    pub(crate) seed: Option<Seed>,
    /// Count each proxy's bytes in GET /metrics
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false,
          default_missing_value = "true", hide_default_value = true, hide_possible_values = true)]
    pub(crate) proxy_metrics: bool,
    /// Show the server's own figures in GET /metrics
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false,
          default_missing_value = "true", hide_default_value = true, hide_possible_values = true)]
    pub(crate) runtime_metrics: bool,
    /// Least level that is logged to standard error: error, warn, info, debug or trace
    #[arg(long, env = "LOG_LEVEL", default_value = "info", value_name = "LEVEL", hide_env_values = true,
          value_parser = level)]
    pub(crate) log_level: LevelFilter,
}

/// Who may use the API from other machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Remote {
    /// Who shows the token
    Token,
    /// Whoever reaches it: on a network of its own, as containers have
    Anyone,
}

/// Where the token is: never in an argument, which all users of the machine see.
#[derive(Debug, Clone, Args)]
pub(crate) struct TokenSource {
    /// File with the token of the API; without it, `CHAOS_API_TOKEN` is the token, if it is set
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// Go's seeds are signed: those below zero count from the top.
fn seed(text: &str) -> Result<Seed, chaos_harness::ParseSeedError> {
    match text.parse::<i64>() {
        Ok(signed) => Ok(Seed::new(signed.cast_unsigned())),
        Err(_) => text.parse(),
    }
}

/// A level as Toxiproxy calls it: `LOG_LEVEL` may be there for either.
fn level(text: &str) -> Result<LevelFilter, &'static str> {
    match text {
        "" => Ok(LevelFilter::INFO),
        "fatal" | "panic" => Ok(LevelFilter::ERROR),
        "disabled" => Ok(LevelFilter::OFF),
        _ => text.parse().map_err(|_| "write error, warn, info, debug or trace"),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProxyCommand {
    /// Show all proxies
    #[command(aliases = ["l", "li", "ls"])]
    List(List),
    /// Show one proxy and its toxics
    #[command(aliases = ["i", "ins"])]
    Inspect(One),
    /// Make a proxy
    #[command(aliases = ["c", "new"])]
    Create(Create),
    /// Disable a proxy that is enabled, enable one that is disabled
    #[command(aliases = ["tog"])]
    Toggle(One),
    /// Close a proxy and its connections
    #[command(aliases = ["d"])]
    Delete(One),
}

/// The server that a command drives.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_field_names, reason = "the flag is called as what it names")]
pub(crate) struct Server {
    /// The server: this one, or any other Toxiproxy
    #[arg(long, env = "TOXIPROXY_URL", value_name = "URL", default_value = USUAL_SERVER, hide_env_values = true)]
    pub(crate) server: String,
    #[command(flatten)]
    pub(crate) token: TokenSource,
    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// Name of the proxy
    #[arg(value_name = "PROXY")]
    pub(crate) proxy: String,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Name of the proxy
    #[arg(value_name = "PROXY")]
    pub(crate) proxy: String,
    /// Where it listens, as in 127.0.0.1:26379; port 0 takes a free one
    #[arg(long, short, value_name = "HOST:PORT")]
    pub(crate) listen: String,
    /// What it connects to, as in localhost:6379
    #[arg(long, short, value_name = "HOST:PORT")]
    pub(crate) upstream: String,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct ToxicArguments {
    #[command(subcommand)]
    pub(crate) command: ToxicCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ToxicCommand {
    /// Show a proxy's toxics
    #[command(aliases = ["l", "li", "ls"])]
    List(One),
    /// Add a toxic, in force at once on every connection
    #[command(aliases = ["a"], after_help = crate::drive::KINDS_HELP.as_str())]
    Add(Add),
    /// Change a toxic's attributes or toxicity; what is not named stays
    #[command(aliases = ["u"])]
    Update(Update),
    /// Remove a toxic, at once
    #[command(aliases = ["r", "delete", "d"])]
    Remove(Remove),
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("stream").args(["upstream", "downstream"]))]
pub(crate) struct Add {
    /// Name of the proxy
    #[arg(value_name = "PROXY")]
    pub(crate) proxy: String,
    /// Type of the toxic: see below
    #[arg(long = "type", short = 't', value_name = "TYPE")]
    pub(crate) kind: String,
    /// Attribute, as in latency=100; may be given more than once
    #[arg(long = "attribute", short = 'a', value_name = "NAME=NUMBER", value_delimiter = ',')]
    pub(crate) attributes: Vec<String>,
    /// Name of the toxic [default: its type and stream, as in `latency_downstream`]
    #[arg(long, short, visible_alias = "toxicName", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Act on what goes to the service
    #[arg(long, short)]
    pub(crate) upstream: bool,
    /// Act on what comes from the service, which is the default
    #[arg(long, short)]
    pub(crate) downstream: bool,
    /// Share of connections that it touches, from 0 to 1 [default: 1]
    #[arg(long, visible_alias = "tox", value_name = "SHARE", allow_negative_numbers = true)]
    pub(crate) toxicity: Option<f64>,
    /// Decide anew for each slice of this many milliseconds on each connection, rather than once for each connection
    #[arg(long, value_name = "MS")]
    pub(crate) slice: Option<u64>,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").args(["attributes", "toxicity"]).required(true).multiple(true))]
pub(crate) struct Update {
    /// Name of the proxy
    #[arg(value_name = "PROXY")]
    pub(crate) proxy: String,
    /// Name of the toxic
    #[arg(long, short, visible_alias = "toxicName", value_name = "NAME")]
    pub(crate) name: String,
    /// Attribute, as in latency=100; may be given more than once
    #[arg(long = "attribute", short = 'a', value_name = "NAME=NUMBER", value_delimiter = ',')]
    pub(crate) attributes: Vec<String>,
    /// Share of connections that it touches, from 0 to 1
    #[arg(long, visible_alias = "tox", value_name = "SHARE", allow_negative_numbers = true)]
    pub(crate) toxicity: Option<f64>,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Name of the proxy
    #[arg(value_name = "PROXY")]
    pub(crate) proxy: String,
    /// Name of the toxic
    #[arg(long, short, visible_alias = "toxicName", value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn clap_takes_the_command_line_for_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn seeds_and_levels_are_those_of_toxiproxy_and_our_own() {
        assert_eq!(seed("-1").unwrap(), Seed::new(u64::MAX));
        assert_eq!(seed("0xc").unwrap(), Seed::new(12));
        assert_eq!(seed("18446744073709551615").unwrap(), Seed::new(u64::MAX));
        assert_eq!(level("fatal"), Ok(LevelFilter::ERROR));
        assert_eq!(level("warn"), Ok(LevelFilter::WARN));
        assert!(level("loud").is_err());
        assert!(seed("dice").unwrap_err().to_string().contains("`dice` is not a seed"));
    }
}
