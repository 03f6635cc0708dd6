//! How the server starts and ends.

use chaos_tests::cargo_chaos::{Server, run};
use rustix::process::Signal;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;

/// Runs a server that must not start, and returns what it says.
#[track_caller]
fn fails(arguments: &[&str]) -> String {
    let outcome = run([&["proxy"], arguments].concat()).unwrap();
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    assert_eq!(outcome.stdout, "", "it is not ready");
    outcome.stderr
}

fn written<'a>(path: &'a Path, text: &str) -> &'a str {
    fs::write(path, text).unwrap();
    path.to_str().unwrap()
}

#[test]
fn a_signal_ends_it_with_0_and_frees_its_ports() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start::<&str>([]).unwrap();
        let create = "proxy create cache -l 127.0.0.1:0 -u 127.0.0.1:9";
        assert_eq!(server.run(create.split(' ')).unwrap().code, Some(0));
        let api = server.address();
        // A connection that is open does not hold it up.
        let open = TcpStream::connect(api).unwrap();
        assert_eq!(server.end_with(signal).unwrap().code(), Some(0), "{signal:?}");
        assert!(TcpStream::connect(api).is_err());
        drop(open);
    }
}

#[test]
fn the_seed_is_the_one_given_or_a_fresh_one_each_time() {
    let seed = |arguments: &[&str]| Server::start(arguments).unwrap().seed().to_owned();
    assert_eq!(seed(&["--seed", "0xc0ffee"]), "0xc0ffee");
    assert_eq!(seed(&["-seed=12"]), "0xc");
    assert_eq!(seed(&["-seed", "-1"]), "0xffffffffffffffff");
    assert_ne!(seed(&[]), seed(&[]));
}

#[test]
fn the_proxies_of_a_configuration_are_there_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toxiproxy.json");
    let config = written(
        &path,
        r#"[{"name": "cache", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"},
            {"name": "store", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9", "enabled": false}]"#,
    );
    let server = Server::start(["-config", config]).unwrap();
    let said = server.run(["proxy", "list", "--json"]).unwrap().stdout;
    let proxies: serde_json::Value = serde_json::from_str(&said).unwrap();
    let found: Vec<_> =
        proxies.as_array().unwrap().iter().map(|proxy| (&proxy["name"], &proxy["enabled"])).collect();
    assert_eq!(found, [(&"cache".into(), &true.into()), (&"store".into(), &false.into())]);
    let listen = proxies[0]["listen"].as_str().unwrap();
    assert!(TcpStream::connect(listen).is_ok());
}

#[test]
fn a_taken_port_is_an_error_and_no_server_runs_on_without_an_api() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let said = fails(&["--host", "127.0.0.1", "--port", &port.to_string()]);
    assert_eq!(
        said,
        format!(
            "error: cannot serve the API at 127.0.0.1:{port}: free that port, or choose another\n  \
             caused by: Address already in use (os error 98)\n"
        )
    );
}

#[test]
fn a_bad_configuration_is_an_error_that_names_the_file_and_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toxiproxy.json");
    let shown = path.display().to_string();

    let said = fails(&["--config", &shown]);
    assert!(said.contains(&format!("the configuration {shown} cannot be read")), "{said}");

    let said = fails(&["--config", written(&path, "proxies: []")]);
    assert!(said.contains(&format!("the configuration {shown} is no JSON array of proxies")), "{said}");
    assert!(said.contains("caused by: "), "{said}");

    let said = fails(&["--config", written(&path, r#"[{"name": "cache"}]"#)]);
    assert!(said.contains("missing required field: upstream at proxy 1"), "{said}");

    let longest = 8 << 20;
    let said = fails(&["--config", written(&path, &" ".repeat(longest + 1))]);
    assert!(said.contains(&format!("the configuration {shown} cannot be read")), "{said}");
    assert!(said.contains("caused by: it is too long: it can have 8388608 bytes at most"), "{said}");
    // One without an end is given up as soon.
    let said = fails(&["--config", "/dev/zero"]);
    assert!(said.contains("it is too long"), "{said}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    let config = format!(r#"[{{"name": "cache", "listen": "{at}", "upstream": "127.0.0.1:9"}}]"#);
    let said = fails(&["--port=0", "--config", written(&path, &config)]);
    assert!(said.contains(&format!("the proxy `cache` of {shown} cannot be opened")), "{said}");
    assert!(said.contains("address already in use"), "{said}");
}

#[test]
fn the_flags_of_the_original_are_taken_with_one_dash_or_two() {
    for flags in [
        ["-proxy-metrics", "-runtime-metrics"],
        ["--proxy-metrics", "--runtime-metrics"],
        ["-proxy-metrics=true", "-runtime-metrics=false"],
    ] {
        Server::start(flags).unwrap();
    }
    for version in ["-version", "--version"] {
        let outcome = run(["chaos", "proxy", version]).unwrap();
        assert_eq!(outcome.code, Some(0));
        assert!(outcome.stdout.contains("the API of Toxiproxy 2.12.0"), "{}", outcome.stdout);
    }
}
