//! Why a server could not be driven.

use crate::token::TokenError;
use hyper::StatusCode;

/// What is wrong with a toxic's attributes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttributeError {
    #[error("`{0}` is no attribute: write NAME=NUMBER, as in `latency=100`")]
    NotPaired(String),
    #[error("`{number}` is no value for `{name}`{unit}: write a whole number, as in `{name}=100`")]
    NotWhole { name: String, number: String, unit: String },
    #[error("`{0}` is given twice: give it once")]
    Twice(String),
    #[error("a `{kind}` toxic has no attribute `{name}`: {advice}")]
    Unknown { name: String, kind: &'static str, advice: String },
    #[error(
        "a `{kind}` toxic needs `{name}`: add `--attribute {name}=NUMBER`. Its attributes are {signature}"
    )]
    Missing { name: &'static str, kind: &'static str, signature: String },
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriveError {
    #[error("`{text}` is not the address of a server: {reason}; write it as in http://127.0.0.1:8474")]
    Address { text: String, reason: &'static str },
    #[error(
        "no server answers at {url}: {reason}\n\
         start one with `cargo chaos proxy`, or say with --server or TOXIPROXY_URL where it is"
    )]
    Unreachable { url: String, reason: String },
    #[error("{url} did not answer within {seconds} s: its server hangs")]
    Silent { url: String, seconds: u64 },
    #[error("what {url} answers is not Toxiproxy's: {reason}")]
    Garbled { url: String, reason: String },
    #[error("what {url} answers has no end: it can have {longest} bytes at most")]
    Endless { url: String, longest: usize },
    #[error(
        "{url} asks for its token, and got none or another: set CHAOS_API_TOKEN to it, or name its file with --token-file"
    )]
    Unauthorized { url: String },
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("{url} refused: {message} ({status})")]
    Refused { url: String, status: StatusCode, message: String },
    #[error("there is no proxy `{name}` at {url}: {advice}")]
    NoSuchProxy { name: String, url: String, advice: String },
    #[error(
        "there is a proxy `{name}` at {url} already: take another name, \
         or delete it first with `cargo chaos proxy delete {name}`"
    )]
    ProxyExists { name: String, url: String },
    #[error("the proxy `{proxy}` has no toxic `{name}`: {advice}")]
    NoSuchToxic { name: String, proxy: String, advice: String },
    #[error(
        "the proxy `{proxy}` has a toxic `{name}` already: give this one another with --name, \
         or change that one with `cargo chaos toxic update`"
    )]
    ToxicExists { name: String, proxy: String },
    #[error("there is no toxic type `{kind}`: {advice}")]
    NoSuchKind { kind: String, advice: String },
    #[error(
        "the server at {url} has no toxic type `{kind}`: it is beyond Toxiproxy, and `cargo chaos proxy` has it"
    )]
    KindBeyondServer { kind: String, url: String },
    #[error("{0} is not a toxicity: write the share of connections to touch, from 0 to 1")]
    Toxicity(f64),
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    #[error("the result could not be printed: {0}")]
    Output(std::io::Error),
    #[error("the client's runtime could not start: {0}")]
    Runtime(std::io::Error),
}
