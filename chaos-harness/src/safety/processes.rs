//! Undoing on processes.

use super::fallback::{Rung, Stuck, Undone, climb};
use super::perform::kill_one;
use super::process::{ProcessId, look, signal, signal_group};
use crate::clock;
use futures::FutureExt as _;
use rustix::process::Signal;
use std::fmt;
use std::io;
use std::time::Duration;

/// How long a process may take to go on, or its limits to be set: the kernel does it at once.
const GOES_ON_WITHIN: Duration = Duration::from_secs(1);

/// How long a killed process may take to be gone: it may wait for a disk.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// Between two looks at what a process does.
const POLL: Duration = Duration::from_millis(5);

/// What was done to a process, and is to be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harm {
    Stopped,
    /// It had these limits of its address space, in bytes.
    Limited {
        soft: Option<u64>,
        hard: Option<u64>,
    },
}

/// How a process is put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Undo(Harm),
    Kill,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Undo(Harm::Stopped) => "let it go on",
            Self::Undo(Harm::Limited { .. }) => "lift its memory limit",
            Self::Kill => "kill it",
        })
    }
}

impl Harm {
    /// The ways to undo it: 6 s in all.
    const fn ladder(self) -> [Rung<Way>; 2] {
        [Rung { way: Way::Undo(self), within: GOES_ON_WITHIN }, Rung { way: Way::Kill, within: ENDS_WITHIN }]
    }
}

/// A process of a trial. Its start time tells it from a later one of its number, which is never touched.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnProcess(pub(super) ProcessId);

impl OwnProcess {
    /// Undoes what was done to it, by force where it must be. It is a success when it is gone.
    pub(super) async fn put_right(self, harm: Harm) -> Result<Undone, Stuck> {
        let what = format!("process {}", self.0.pid);
        climb(&what, &harm.ladder(), |way| {
            async move {
                match way {
                    Way::Undo(Harm::Stopped) => self.resume().await?,
                    Way::Undo(Harm::Limited { soft, hard }) => self.restore_address_space(soft, hard)?,
                    Way::Kill => kill_one(self.0).await?,
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Lets it go on with its group, and waits until it does.
    async fn resume(self) -> io::Result<()> {
        while self.0.is_alive() {
            signal_group(self.0.pid, Signal::CONT)?;
            signal(self.0, Signal::CONT)?;
            if !look(self.0.pid).is_some_and(|process| process.is_stopped()) {
                break;
            }
            clock::sleep(POLL).await;
        }
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn restore_address_space(self, soft: Option<u64>, hard: Option<u64>) -> io::Result<()> {
        use super::process::{addressable, gone_is_fine};
        use rustix::process::{Resource, Rlimit, prlimit};

        if self.0.is_alive() {
            let limit = Rlimit { current: soft, maximum: hard };
            gone_is_fine(prlimit(Some(addressable(self.0.pid)?), Resource::As, limit).map(drop))?;
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn restore_address_space(self, _: Option<u64>, _: Option<u64>) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "limits of other processes are set on Linux only"))
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::safety::fallback::Forced;
    use crate::safety::victim::wait_until;
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::{Child, Command, Stdio};

    fn forced(outcome: Result<Undone, Stuck>) -> Forced {
        match outcome {
            Ok(Undone::ByForce(forced)) => forced,
            other => panic!("{other:?}"),
        }
    }

    fn own(child: &Child) -> OwnProcess {
        OwnProcess(look(child.id()).unwrap().id)
    }

    #[tokio::test]
    async fn a_process_whose_limit_cannot_be_lifted_is_killed_with_its_group() {
        let mut child = Command::new("sh")
            // Deaf to what could be ignored.
            .args(["-c", "trap '' TERM; sleep 1000 & echo; wait"])
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut String::new()).unwrap();
        // A soft limit above the hard one is refused.
        let harm = Harm::Limited { soft: Some(2 << 30), hard: Some(1 << 30) };

        let OwnProcess(id) = own(&child);
        let later = OwnProcess(ProcessId { started: id.started + 1, ..id });
        assert_eq!(later.put_right(harm).await, Ok(Undone::AsMeant), "one of its number is not touched");
        assert_eq!(child.try_wait().unwrap(), None);

        let forced = forced(own(&child).put_right(harm).await);
        assert_eq!((&*forced.tried[0].way, &*forced.instead), ("lift its memory limit", "kill it"));
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        // The pipe ends with the last of the group.
        assert_eq!(output.read_line(&mut String::new()).unwrap(), 0);
    }

    /// A process that a debugger holds goes on with no signal but SIGKILL.
    #[tokio::test]
    async fn a_process_that_does_not_go_on_is_killed() {
        let attach = if cfg!(target_arch = "x86_64") { 101 } else { 117 };
        let script = format!(
            "$p = fork; if (!$p) {{ exec 'sleep', '1000' }} $| = 1; \
             syscall({attach}, 16, $p, 0, 0) == 0 or die; print \"$p\\n\"; sleep 1000"
        );
        let debugger = Command::new("perl").args(["-e", &script]).stdout(Stdio::piped()).spawn();
        let Ok(mut debugger) = debugger else { return };
        let mut line = String::new();
        BufReader::new(debugger.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(pid) = line.trim().parse() else {
            debugger.wait().unwrap();
            return;
        };
        let held = OwnProcess(look(pid).unwrap().id);
        wait_until("the debugger holds it", || look(pid).is_some_and(|process| process.is_stopped()));

        let forced = forced(held.put_right(Harm::Stopped).await);
        assert_eq!(
            forced.to_string(),
            format!("process {pid}: had to kill it; could not let it go on: not done within 1s")
        );
        assert!(!held.0.is_alive());
        debugger.kill().unwrap();
        debugger.wait().unwrap();
    }
}
