//! What is wrong is named, with what would be right.

use chaos_tests::cargo_chaos::{Server, run};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

/// What a command that must fail says.
#[track_caller]
fn error(server: &Server, line: &str) -> String {
    let outcome = server.run(line.split(' ')).unwrap();
    assert_eq!(outcome.code, Some(4), "{line}: {outcome:?}");
    assert_eq!(outcome.stdout, "", "{line}");
    outcome.stderr
}

fn with_cache() -> Server {
    let server = Server::start::<&str>([]).unwrap();
    let create = "proxy create cache -l 127.0.0.1:0 -u 127.0.0.1:9";
    assert_eq!(server.run(create.split(' ')).unwrap().code, Some(0));
    server
}

#[test]
fn a_proxy_that_is_not_there_is_named_with_those_that_are() {
    let server = with_cache();
    let at = format!("http://{}", server.address());
    for command in ["proxy inspect", "proxy toggle", "proxy delete", "toxic list"] {
        assert_eq!(
            error(&server, &format!("{command} cahce")),
            format!("error: there is no proxy `cahce` at {at}: did you mean `cache`? There are `cache`\n")
        );
    }
    assert_eq!(
        error(&server, "toxic add store --type down"),
        format!("error: there is no proxy `store` at {at}: there are `cache`\n")
    );
}

#[test]
fn a_name_that_is_taken_says_what_to_do() {
    let server = with_cache();
    assert_eq!(
        error(&server, "proxy create cache -l 127.0.0.1:0 -u 127.0.0.1:9"),
        format!(
            "error: there is a proxy `cache` at http://{} already: take another name, \
             or delete it first with `cargo chaos proxy delete cache`\n",
            server.address()
        )
    );
    server.run(["toxic", "add", "cache", "-t", "down"]).unwrap();
    assert_eq!(
        error(&server, "toxic add cache -t down"),
        "error: the proxy `cache` has a toxic `down_downstream` already: give this one another with --name, \
         or change that one with `cargo chaos toxic update`\n"
    );
}

#[test]
fn a_toxic_that_is_not_there_is_named_with_those_that_are() {
    let server = with_cache();
    let none = "error: the proxy `cache` has no toxic `latency`: there are none\n";
    assert_eq!(error(&server, "toxic remove cache -n latency"), none);
    server.run(["toxic", "add", "cache", "-t", "latency", "-a", "latency=1", "-n", "slow"]).unwrap();
    let slow = "error: the proxy `cache` has no toxic `slwo`: did you mean `slow`? There are `slow`\n";
    assert_eq!(error(&server, "toxic remove cache -n slwo"), slow);
    assert_eq!(error(&server, "toxic update cache -n slwo -a latency=2"), slow);
}

#[test]
fn a_toxic_that_cannot_be_meant_is_refused_with_what_can() {
    let server = with_cache();
    let types = "There are `latency`, `bandwidth`, `slow_close`, `timeout`, `reset_peer`, `slicer`, `limit_data`, \
                 `down`, `burst`, `stall`, `limit_connections`, `refuse_connections`, `delay_connections`";
    assert_eq!(
        error(&server, "toxic add cache -t latncy"),
        format!("error: there is no toxic type `latncy`: did you mean `latency`? {types}\n")
    );
    assert_eq!(
        error(&server, "toxic add cache -t latency"),
        "error: a `latency` toxic needs `latency`: add `--attribute latency=NUMBER`. \
         Its attributes are latency (ms), [jitter (ms)]\n"
    );
    assert_eq!(
        error(&server, "toxic add cache -t latency -a latency=1 --toxicity 5"),
        "error: 5 is not a toxicity: write the share of connections to touch, from 0 to 1\n"
    );
    server.run(["toxic", "add", "cache", "-t", "latency", "-a", "latency=1"]).unwrap();
    assert_eq!(
        error(&server, "toxic update cache -n latency_downstream -a jiter=1"),
        "error: a `latency` toxic has no attribute `jiter`: did you mean `jitter`? \
         There are `latency`, `jitter`\n"
    );
}

#[test]
fn what_the_server_refuses_is_told_in_its_words() {
    let server = with_cache();
    let said = error(&server, "toxic add cache -t latency -a latency=-1");
    assert!(said.starts_with(&format!("error: http://{} refused: ", server.address())), "{said}");
    assert!(said.ends_with("(400 Bad Request)\n"), "{said}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    let said = error(&server, &format!("proxy create store -l {at} -u 127.0.0.1:9"));
    assert!(said.contains(&format!("listen tcp {at}: bind: address already in use")), "{said}");
}

#[test]
fn a_server_that_is_not_there_is_named_with_how_to_start_one() {
    // A port that was free a moment ago.
    let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outcome = run(["proxy", "list", "--server", &format!("http://{at}")]).unwrap();
    assert_eq!(outcome.code, Some(4));
    assert_eq!(
        outcome.stderr,
        format!(
            "error: no server answers at http://{at}: Connection refused (os error 111)\n\
             start one with `cargo chaos proxy`, or say with --server or TOXIPROXY_URL where it is\n"
        )
    );
}

#[test]
fn a_server_of_another_kind_is_told_from_a_toxiproxy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _ = connection.read(&mut [0; 1024]);
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        }
    });
    let outcome = run(["proxy", "list", "--server", &at.to_string()]).unwrap();
    assert_eq!(outcome.code, Some(4));
    let expected = format!("error: what http://{at} answers is not Toxiproxy's: ");
    assert!(outcome.stderr.starts_with(&expected), "{}", outcome.stderr);
}

/// A server that answers everything with this status and body.
fn answering(status: &'static str, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _ = connection.read(&mut [0; 1024]);
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = connection.write_all((head + &body).as_bytes());
        }
    });
    format!("--server=http://{at}")
}

#[test]
fn what_a_server_says_commands_no_terminal_and_has_an_end() {
    let clears = "\u{1b}[2J\u{1b}]0;title\u{7}\n::error::";
    let refusing = answering("500 Internal Server Error", format!("{clears}{}", "x".repeat(1 << 20)));
    let said = run(["proxy", "list", &refusing]).unwrap().stderr;
    assert!(said.contains(" refused: \\u{1b}[2J\\u{1b}]0;title\\u{7}\\n::error::xxx"), "{said}");
    assert!(said.ends_with("xxx [...] (500 Internal Server Error)\n") && said.len() < 1000, "{said}");

    let proxy = |name: &str| {
        format!(r#"{{"{name}":{{"name":"{name}","listen":"a","upstream":"b","enabled":true}}}}"#)
    };
    let listing = answering("200 OK", proxy(r"\u001b[2J"));
    let listed = run(["proxy", "list", &listing]).unwrap();
    assert!(listed.stdout.contains("\\u{1b}[2J"), "{listed:?}");
    let said = run(["proxy", "inspect", "x", &listing]).unwrap();
    assert!(!(listed.stdout + &said.stdout + &said.stderr).contains('\u{1b}'), "{said:?}");
}

#[test]
fn an_answer_without_an_end_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _ = connection.read(&mut [0; 1024]);
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while connection.write_all(&[b' '; 1 << 12]).is_ok() {}
        }
    });
    let outcome = run(["proxy", "list", "--server", &at.to_string()]).unwrap();
    assert_eq!(outcome.code, Some(4));
    assert_eq!(
        outcome.stderr,
        format!("error: what http://{at} answers has no end: it can have 67108864 bytes at most\n")
    );
}

#[test]
fn a_type_beyond_toxiproxy_is_told_from_one_that_the_server_lacks() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _ = connection.read(&mut [0; 1024]);
            let body = "{\"error\":\"invalid toxic type\",\"status\":400}\n";
            let head = format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = connection.write_all((head + body).as_bytes());
        }
    });
    let server = format!("http://{at}");
    let outcome = run(["toxic", "add", "cache", "-t", "refuse_connections", "--server", &server]).unwrap();
    assert_eq!(
        outcome.stderr,
        format!(
            "error: the server at {server} has no toxic type `refuse_connections`: \
             it is beyond Toxiproxy, and `cargo chaos proxy` has it\n"
        )
    );
}

#[test]
fn a_command_written_wrongly_ends_with_2_and_its_usage() {
    let outcome = run(["proxy", "create", "cache", "--listen", "127.0.0.1:0"]).unwrap();
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("--upstream <HOST:PORT>"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("Usage: cargo chaos proxy create"), "{}", outcome.stderr);
}
