//! Who may use the server: by address, by host and by token.

use chaos_tests::cargo_chaos::{Server, command, run};
use chaos_tests::program::{Outcome, outcome};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

const TOKEN: &str = "correct-horse-battery-staple";

/// What a server that must not start says.
#[track_caller]
fn refused(arguments: &[&str], token: Option<&str>) -> String {
    let mut command = command([&["proxy", "--port=0"], arguments].concat()).unwrap();
    command.envs(token.map(|token| ("CHAOS_API_TOKEN", token)));
    let outcome = outcome(&mut command).unwrap();
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    assert_eq!(outcome.stdout, "", "it is not ready");
    outcome.stderr
}

/// A server, with this token in its environment.
fn serve(arguments: &[&str], token: Option<&str>) -> Server {
    let mut command = command([&["proxy", "--port=0"], arguments].concat()).unwrap();
    command.envs(token.map(|token| ("CHAOS_API_TOKEN", token)));
    Server::from_command(command).unwrap()
}

/// The status of the answer to `GET /proxies` with these header lines.
fn status(server: &Server, headers: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.address().port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET /proxies HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

/// `proxy list` on a server, with this token in its environment.
fn list(at: SocketAddr, arguments: &[&str], token: Option<&str>) -> Outcome {
    let server = format!("--server=http://{at}");
    let mut command = command([&["proxy", "list", &server], arguments].concat()).unwrap();
    command.envs(token.map(|token| ("CHAOS_API_TOKEN", token)));
    outcome(&mut command).unwrap()
}

#[test]
fn an_address_that_others_reach_is_refused_with_what_to_do() {
    for host in ["0.0.0.0", "::", "192.0.2.7"] {
        for token in [None, Some(TOKEN)] {
            let said = refused(&["-host", host], token);
            let at = if host == "::" { "[::]" } else { host };
            assert_eq!(
                said,
                format!(
                    "error: the API at {at}:0 could be used from other machines: listen on localhost, or add --remote \
                     token and give a token in CHAOS_API_TOKEN or --token-file; on a network of its own, as containers \
                     have, --remote anyone needs none\n"
                )
            );
        }
    }
    assert!(
        refused(&["--host=0.0.0.0", "--remote=token"], None).contains("needs a token: set CHAOS_API_TOKEN")
    );
    // A variable of blanks is none.
    assert!(refused(&["--host=0.0.0.0", "--remote=token"], Some(" ")).contains("needs a token"));
    assert!(refused(&["--host=0.0.0.0", "--remote=anyone"], Some(TOKEN)).contains("asks for no token"));
}

#[test]
fn it_serves_others_where_that_is_said_outright() {
    let server = serve(&["-host=0.0.0.0", "-remote", "anyone"], None);
    assert_eq!(server.address().ip(), Ipv4Addr::UNSPECIFIED);
    assert_eq!(status(&server, "Host: 172.17.0.2:8474\r\n"), "200");
    assert_eq!(status(&server, "Host: toxiproxy:8474\r\n"), "403");

    let server = serve(&["--host=0.0.0.0", "--remote=token"], Some(TOKEN));
    assert_eq!(status(&server, "Host: 172.17.0.2:8474\r\n"), "401");
    let shown = format!("Host: 172.17.0.2:8474\r\nAuthorization: Bearer {TOKEN}\r\n");
    assert_eq!(status(&server, &shown), "200");
}

#[test]
fn a_strangers_host_and_page_are_refused_and_a_name_that_is_allowed_is_not() {
    let server = serve(&["-allow-host", "toxiproxy", "--allow-host=toxics.test"], None);
    assert_eq!(status(&server, "Host: evil.test\r\n"), "403");
    for own in ["localhost", "127.0.0.1:9", "Toxiproxy:8474", "toxics.test"] {
        assert_eq!(status(&server, &format!("Host: {own}\r\n")), "200", "{own}");
    }
    assert_eq!(status(&server, "Host: localhost\r\nOrigin: http://evil.test\r\n"), "403");
    let wrong = run(["proxy", "--allow-host", "http://toxiproxy"]).unwrap();
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("`http://toxiproxy` is no host: write a name"), "{}", wrong.stderr);
}

#[test]
fn server_and_commands_take_the_token_from_the_environment_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, format!("{TOKEN}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let file = format!("--token-file={}", path.display());
    let servers =
        [serve(&[], Some(TOKEN)), serve(&[&file], None), serve(&[&file], Some("another-token-altogether"))];
    for server in &servers {
        let at = server.address();
        let right = [
            list(at, &[], Some(TOKEN)),
            list(at, &[&file], None),
            list(at, &[&file], Some("wrong-token-12345")),
        ];
        for listed in right {
            assert_eq!((listed.code, listed.stderr.as_str()), (Some(0), ""));
        }
        for token in [None, Some("wrong-token-12345")] {
            let listed = list(at, &[], token);
            assert_eq!(listed.code, Some(4));
            assert_eq!(
                listed.stderr,
                format!(
                    "error: http://{at} asks for its token, and got none or another: set CHAOS_API_TOKEN to it, \
                     or name its file with --token-file\n"
                )
            );
        }
    }
}

#[test]
fn a_token_file_that_others_can_read_is_taken_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, TOKEN).unwrap();
    let file = format!("--token-file={}", path.display());
    let server = serve(&[], Some(TOKEN));
    for (mode, warns) in [(0o600, false), (0o400, false), (0o640, true), (0o602, true)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let listed = list(server.address(), &[&file], None);
        assert_eq!(listed.code, Some(0), "{listed:?}");
        let path = path.display();
        let warning =
            format!("warning: others can get at the token file {path} (mode {mode:o}): chmod 600 {path}\n");
        assert_eq!(listed.stderr, if warns { warning } else { String::new() });
    }
}

#[test]
fn a_token_is_never_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "a secret of two lines\nand blanks").unwrap();
    let file = format!("--token-file={}", path.display());
    let said = [
        refused(&[&file], None),
        refused(&[], Some("a secret with blanks")),
        refused(&[], Some("secret")),
        refused(&["--token-file=/dev/zero"], None),
        refused(&["--token-file=/nonexistent/token"], None),
    ];
    for (said, part) in said.iter().zip([
        "holds no token",
        "CHAOS_API_TOKEN is no token",
        "not 6",
        "it is too long",
        "cannot be read",
    ]) {
        assert!(said.contains(part) && !said.contains("secret"), "{said}");
    }
    // Nor in the log, at any level.
    let mut logging = command(["proxy", "--host=127.0.0.1", "--port=0", "--log-level=trace"]).unwrap();
    let log = fs::File::create(folder.path().join("log")).unwrap();
    logging.env("CHAOS_API_TOKEN", TOKEN).stderr(log);
    let server = Server::from_command(logging).unwrap();
    assert_eq!(list(server.address(), &[], Some(TOKEN)).code, Some(0));
    assert_eq!(list(server.address(), &[], Some("wrong-token-12345")).code, Some(4));
    drop(server);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("/proxies"), "the calls are logged: {log}");
    assert!(!log.contains(TOKEN) && !log.contains("wrong-token"), "{log}");
    // `--help` shows no variable's value.
    let help = outcome(command(["proxy", "--help"]).unwrap().env("CHAOS_API_TOKEN", TOKEN)).unwrap();
    assert!(help.stdout.contains("CHAOS_API_TOKEN") && !help.stdout.contains(TOKEN), "{}", help.stdout);
}
