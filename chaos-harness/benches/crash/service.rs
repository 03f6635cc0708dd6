//! The services of the experiments, and the children of one that are hard to find.

use crate::Outcome;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// A leftover child ends by itself in the end, long after it was counted.
const LONGEST_LIFE: Duration = Duration::from_secs(300);

/// A service that answers whoever says something. `breeds`: it has children that leave it, first.
pub(crate) fn serve(port: &str, token: &str, breeds: bool) -> Outcome<()> {
    if breeds {
        spawn_hidden(token, 2)?;
    }
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    for stream in listener.incoming().flatten() {
        thread::spawn(move || answer(stream));
    }
    Ok(())
}

fn answer(mut stream: TcpStream) {
    let mut asked = [0; 512];
    while stream.read(&mut asked).is_ok_and(|count| count > 0) {
        if stream.write_all(b"+PONG\r\n").is_err() {
            return;
        }
    }
}

/// A child with nothing in its environment: the token, by which the observer finds it, is an argument.
fn spawn_hidden(token: &str, generations: u32) -> Outcome<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["hide", token, &generations.to_string()]).env_clear().current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    Ok(())
}

/// Leaves its parent's session and group, as PostgreSQL's children do, has a child that does the same, and stays.
pub(crate) fn hide(token: &str, generations: &str) -> Outcome<()> {
    rustix::process::setsid()?;
    let generations: u32 = generations.parse()?;
    if generations > 1 {
        spawn_hidden(token, generations - 1)?;
    }
    thread::sleep(LONGEST_LIFE);
    Ok(())
}
