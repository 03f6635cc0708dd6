//! Other programs, run to their end.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{self, IsTerminal as _, Write};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// How long what a program left in its pipe is waited for. What it started may hold the pipe for ever.
const DRAINS_WITHIN: Duration = Duration::from_millis(200);
/// How much is read after a program has ended: more than a pipe can hold.
const DRAINED_AT_MOST: usize = 4 << 20;

/// What a program says, and how it ended; it is killed where it takes longer than this.
pub(crate) fn output_within(command: Command, limit: Duration) -> io::Result<Output> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    runtime.block_on(async {
        timeout(limit, command.output()).await.map_err(|_| {
            io::Error::new(io::ErrorKind::TimedOut, format!("it took longer than {} s", limit.as_secs()))
        })?
    })
}

/// Where a program's output goes.
pub(crate) enum Shown<'a> {
    /// To where it would go by itself.
    AsItIs,
    /// All of it to standard error: standard output is for programs.
    ToStandardError,
    /// All of it here, in the order in which it is written. What outlives the program has nowhere to write to.
    To(&'a mut dyn Write),
}

/// Runs a program to its end. Signals that would end this process end the program first, in its own way.
pub(crate) fn run(mut command: Command, shown: &mut Shown<'_>) -> io::Result<ExitStatus> {
    command.stdin(Stdio::null());
    let (mut reader, output) = match shown {
        Shown::AsItIs => (None, None),
        Shown::ToStandardError => {
            #[expect(clippy::disallowed_methods, reason = "it is handed on, not written to")]
            command.stdout(io::stderr());
            (None, None)
        }
        Shown::To(output) => {
            let (reader, writer) = io::pipe()?;
            command.stdout(writer.try_clone()?).stderr(writer);
            let output: &mut dyn Write = &mut **output;
            (Some(reader), Some(output))
        }
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let reader = reader.take().map(|reader| pipe::Receiver::from_owned_fd(reader.into())).transpose()?;
        attend(tokio::process::Command::from(command), reader.zip(output)).await
    })
}

async fn attend(
    mut command: tokio::process::Command,
    mut shown: Option<(pipe::Receiver, &mut dyn Write)>,
) -> io::Result<ExitStatus> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut child = command.spawn()?;
    // With its ends of the pipe, which is at its end only once nobody holds one.
    drop(command);
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let pass_on = |signal| {
        if let Some(pid) = pid {
            // It may be ending already.
            let _ = kill_process(pid, signal);
        }
    };
    let mut chunk = vec![0; 1 << 16];
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            // A terminal sends it to the program as well; a second one would be taken for impatience.
            _ = interrupt.recv() => if !io::stdin().is_terminal() { pass_on(Signal::INT) },
            _ = terminate.recv() => pass_on(Signal::TERM),
            count = read(&mut shown, &mut chunk) => if !show(&mut shown, &chunk[..count?])? { shown = None },
        }
    };
    let mut left = DRAINED_AT_MOST;
    while let Ok(count) = timeout(DRAINS_WITHIN, read(&mut shown, &mut chunk)).await {
        let count = count?;
        if !show(&mut shown, &chunk[..count])? || count > left {
            break;
        }
        left -= count;
    }
    Ok(status)
}

async fn read(shown: &mut Option<(pipe::Receiver, &mut dyn Write)>, chunk: &mut [u8]) -> io::Result<usize> {
    match shown {
        Some((reader, _)) => reader.read(chunk).await,
        None => std::future::pending().await,
    }
}

/// Shows what was read; whether there may be more.
fn show(shown: &mut Option<(pipe::Receiver, &mut dyn Write)>, bytes: &[u8]) -> io::Result<bool> {
    if let Some((_, output)) = shown {
        output.write_all(bytes)?;
        output.flush()?;
    }
    Ok(!bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, PoisonError};

    /// Runs it while no other test here does: a signal that one test sends to this process ends the programs of all.
    fn run_alone(line: &str, shown: &mut Shown<'_>) -> ExitStatus {
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        run(sh(line), shown).unwrap()
    }

    fn sh(line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    }

    #[test]
    fn both_outputs_come_in_the_order_in_which_they_were_written() {
        let mut seen = Vec::new();
        let status =
            run_alone("for n in 1 2 3; do echo $n; echo e$n >&2; done; exit 7", &mut Shown::To(&mut seen));
        assert_eq!(status.code(), Some(7));
        assert_eq!(String::from_utf8(seen).unwrap(), "1\ne1\n2\ne2\n3\ne3\n");
    }

    #[test]
    fn what_outlives_a_program_is_not_waited_for_nor_shown() {
        let mut seen = Vec::new();
        let status = run_alone("(sleep 5; echo late) & echo early", &mut Shown::To(&mut seen));
        assert!(status.success());
        assert_eq!(String::from_utf8(seen).unwrap(), "early\n");
    }

    /// Ends this process, or would, as soon as the program has said something.
    struct Terminates;

    impl Write for Terminates {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            kill_process(rustix::process::getpid(), Signal::TERM)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_signal_that_would_end_this_process_ends_the_program_in_its_own_way() {
        let line = "trap 'exit 9' TERM; echo ready; sleep 5 & wait";
        assert_eq!(run_alone(line, &mut Shown::To(&mut Terminates)).code(), Some(9));
    }

    #[test]
    fn all_of_a_lot_is_shown() {
        let mut seen = Vec::new();
        let status = run_alone("head -c 3000000 /dev/zero", &mut Shown::To(&mut seen));
        assert!(status.success(), "{status}");
        assert_eq!(seen.len(), 3_000_000);
    }

    #[test]
    fn what_takes_too_long_is_ended() {
        let error = output_within(sh("exec sleep 60"), Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(output_within(sh("echo x"), Duration::from_secs(60)).unwrap().stdout, b"x\n");
    }
}
