//! What the commands do on a server of their own.

use chaos_tests::cargo_chaos::{Server, run};
use chaos_tests::service::EchoService;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// Runs a command that must succeed, and returns what it prints.
#[track_caller]
fn ok(server: &Server, line: &str) -> String {
    let outcome = server.run(line.split(' ')).unwrap();
    assert_eq!(outcome.code, Some(0), "{line}: {}", outcome.stderr);
    assert_eq!(outcome.stderr, "", "{line}");
    outcome.stdout
}

#[track_caller]
fn json_of(server: &Server, line: &str) -> Value {
    serde_json::from_str(&ok(server, &format!("{line} --json"))).unwrap()
}

/// A server with one proxy, `cache`, to a service: and where the proxy listens.
fn with_cache(service: &EchoService) -> (Server, SocketAddr) {
    let server = Server::start::<&str>([]).unwrap();
    let create = format!("proxy create cache --listen 127.0.0.1:0 --upstream {}", service.address());
    let made = json_of(&server, &create);
    let listen = made["listen"].as_str().unwrap().parse().unwrap();
    (server, listen)
}

#[test]
fn a_proxy_is_created_listed_inspected_toggled_and_deleted() {
    let service = EchoService::start().unwrap();
    let server = Server::start::<&str>([]).unwrap();
    assert_eq!(ok(&server, "proxy list"), format!("no proxies at http://{}\n", server.address()));

    let upstream = service.address();
    let said = ok(&server, &format!("proxy create cache -l 127.0.0.1:0 -u {upstream}"));
    let listen: SocketAddr =
        said.strip_prefix("created cache: ").unwrap().split(' ').next().unwrap().parse().unwrap();
    assert_eq!(said, format!("created cache: {listen} -> {upstream}\n"));

    let mut through = TcpStream::connect(listen).unwrap();
    through.write_all(b"?").unwrap();
    through.read_exact(&mut [0]).unwrap();

    let (at, to) = (listen.to_string(), upstream.to_string());
    let (wide, wider) = (at.len().max(6), to.len().max(8));
    let expected = |state: &str| {
        format!(
            "NAME   {:<wide$}  {:<wider$}  {:<state_width$}  TOXICS\ncache  {at:<wide$}  {to:<wider$}  {state}  0\n",
            "LISTEN",
            "UPSTREAM",
            "STATE",
            state_width = state.len()
        )
    };
    assert_eq!(ok(&server, "proxy list"), expected("enabled"));
    assert_eq!(ok(&server, "proxy inspect cache"), format!("cache: {at} -> {to}, enabled\nno toxics\n"));

    assert_eq!(ok(&server, "proxy toggle cache"), "cache is disabled now\n");
    assert_eq!(ok(&server, "proxy list"), expected("disabled"));
    assert!(TcpStream::connect(listen).is_err());
    assert_eq!(ok(&server, "proxy toggle cache"), "cache is enabled now\n");
    assert!(TcpStream::connect(listen).is_ok());

    assert_eq!(ok(&server, "proxy delete cache"), "deleted cache\n");
    assert!(TcpStream::connect(listen).is_err());
    assert_eq!(json_of(&server, "proxy list"), json!([]));
}

#[test]
fn a_toxic_is_added_listed_updated_and_removed() {
    let service = EchoService::start().unwrap();
    let (server, listen) = with_cache(&service);
    assert_eq!(ok(&server, "toxic list cache"), "cache has no toxics\n");

    let said = ok(&server, "toxic add cache --type latency -a latency=100,jitter=10");
    let head = "NAME                TYPE     STREAM      TOXICITY  ATTRIBUTES\n";
    let row = "latency_downstream  latency  downstream  1         jitter=10 latency=100\n";
    assert_eq!(said, format!("added to cache:\n{head}{row}"));
    assert_eq!(ok(&server, "toxic list cache"), format!("{head}{row}"));

    let said = ok(&server, "toxic update cache --name latency_downstream -a latency=5 --toxicity 0.5");
    let row = "latency_downstream  latency  downstream  0.5       jitter=10 latency=5\n";
    assert_eq!(said, format!("updated in cache:\n{head}{row}"));
    let upstream = service.address();
    let inspected = format!("cache: {listen} -> {upstream}, enabled\n\n{head}{row}");
    assert_eq!(ok(&server, "proxy inspect cache"), inspected);

    let removed = ok(&server, "toxic remove cache --name latency_downstream");
    assert_eq!(removed, "removed latency_downstream from cache\n");
    assert_eq!(json_of(&server, "toxic list cache"), json!([]));
}

#[test]
fn json_is_what_the_server_answers() {
    let service = EchoService::start().unwrap();
    let (server, listen) = with_cache(&service);
    let toxic = json_of(&server, "toxic add cache -t slicer -n cut -u -a average_size=10 --toxicity 0.25");
    let expected = json!({
        "name": "cut", "type": "slicer", "stream": "upstream", "toxicity": 0.25,
        "attributes": { "average_size": 10, "size_variation": 0, "delay": 0 },
    });
    assert_eq!(toxic, expected);
    let proxy = json!({
        "name": "cache", "listen": listen.to_string(), "upstream": service.address().to_string(),
        "enabled": true, "toxics": [expected],
    });
    assert_eq!(json_of(&server, "proxy inspect cache"), proxy);
    assert_eq!(json_of(&server, "proxy list"), json!([proxy]));
    assert_eq!(json_of(&server, "toxic remove cache -n cut"), json!({ "removed": "cut" }));
    assert_eq!(json_of(&server, "proxy toggle cache")["enabled"], false);
    assert_eq!(json_of(&server, "proxy delete cache"), json!({ "deleted": "cache" }));
}

#[test]
fn the_server_has_each_type_of_toxic_that_the_command_line_knows() {
    let service = EchoService::start().unwrap();
    let (server, _) = with_cache(&service);
    let toxics = [
        "latency -a latency=1,jitter=1",
        "bandwidth -a rate=1000",
        "slow_close -a delay=1",
        "timeout -a timeout=1",
        "reset_peer -a timeout=1",
        "slicer -a average_size=10,size_variation=1,delay=1",
        "limit_data -a bytes=10",
        "down",
        "burst -a on=1,off=1",
        "stall -a bytes=10,hold=1",
        "limit_connections -a connections=10,wait=1",
        "refuse_connections",
        "delay_connections -a delay=1,jitter=1",
    ];
    for toxic in toxics {
        let added = json_of(&server, &format!("toxic add cache --type {toxic}"));
        let attributes = toxic.split_once(" -a ").map_or("", |(_, attributes)| attributes);
        let attributes: Value = attributes
            .split_terminator(',')
            .filter_map(|attribute| attribute.split_once('='))
            .map(|(name, value)| (name.to_owned(), json!(value.parse::<u64>().unwrap())))
            .collect::<serde_json::Map<_, _>>()
            .into();
        assert_eq!(added["attributes"], attributes, "{toxic}");
    }
    // None is left out of the help either.
    let help = run(["toxic", "add", "--help"]).unwrap().stdout;
    for toxic in toxics {
        let kind = toxic.split(' ').next().unwrap();
        assert!(help.lines().any(|line| line.starts_with(&format!("  {kind}"))), "{kind}: {help}");
    }
}

#[test]
fn a_slice_is_sent_and_shown() {
    let service = EchoService::start().unwrap();
    let (server, _) = with_cache(&service);
    let added = json_of(&server, "toxic add cache --type latency -a latency=1 --toxicity 0.05 --slice 100");
    assert_eq!(added["slice"], 100);
    let shown = ok(&server, "toxic list cache");
    assert_eq!(
        shown,
        "NAME                TYPE     STREAM      TOXICITY  SLICE   ATTRIBUTES\n\
         latency_downstream  latency  downstream  0.05      100 ms  jitter=0 latency=1\n"
    );
}

#[test]
fn a_name_with_spaces_and_signs_is_found() {
    let server = Server::start::<&str>([]).unwrap();
    let create = ["proxy", "create", "my cache? ü", "-l", "127.0.0.1:0", "-u", "127.0.0.1:9"];
    assert_eq!(server.run(create).unwrap().code, Some(0));
    let inspected = server.run(["proxy", "inspect", "my cache? ü"]).unwrap();
    assert!(inspected.stdout.starts_with("my cache? ü: "), "{inspected:?}");
}

#[test]
fn cargo_finds_it_as_a_subcommand_and_the_server_may_be_named_by_a_flag() {
    let server = Server::start::<&str>([]).unwrap();
    let url = format!("http://{}", server.address());
    let listed = run(["chaos", "proxy", "list", "--server", &url]).unwrap();
    assert_eq!(listed.stdout, format!("no proxies at {url}\n"));
}
