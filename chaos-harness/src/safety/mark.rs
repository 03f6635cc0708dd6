//! A mark on the processes of a trial that they inherit, whatever they do to their environment.
//!
//! It is a descriptor of a nameless file that tells the trial's name to whoever looks at a process's open files. A process
//! may close it, as some daemons do; then its environment, or its ancestors, tell whose it is.

use super::before_main;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::Command;

/// The mark of one trial, where the system has such files.
#[derive(Debug)]
pub(crate) struct Mark(Option<OwnedFd>);

impl Mark {
    /// The mark of this trial. This process carries it too, and none that it starts without [`Mark::put_on`].
    pub(crate) fn of_trial(trial: &str) -> io::Result<Self> {
        platform::file(&name(trial)).map(Self)
    }

    /// Has the process that `command` starts, and all that come of it, carry the mark. To be kept until it was started.
    pub(crate) fn put_on(&self, command: &mut Command) {
        if let Some(file) = &self.0 {
            before_main::inherit(command, file.as_fd());
        }
    }
}

/// The name of the file: no longer than the kernel takes.
pub(super) fn name(trial: &str) -> String {
    const LONGEST: usize = 200;
    // The end tells more than the beginning; what is cut off still counts.
    let from = trial.len().saturating_sub(LONGEST);
    let start = (from..trial.len()).find(|at| trial.is_char_boundary(*at)).unwrap_or(from);
    format!("chaos-{:08x}-{}", crc32fast::hash(trial.as_bytes()), &trial[start..])
}

#[cfg(target_os = "linux")]
mod platform {
    use rustix::fs::{MemfdFlags, memfd_create};
    use rustix::io::Errno;
    use std::io;
    use std::os::fd::OwnedFd;

    pub(super) fn file(name: &str) -> io::Result<Option<OwnedFd>> {
        match memfd_create(name, MemfdFlags::CLOEXEC) {
            Ok(file) => Ok(Some(file)),
            // An old kernel, or one that is told to refuse them: there are other ways to find a process.
            Err(Errno::NOSYS | Errno::ACCESS | Errno::PERM) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::io;
    use std::os::fd::OwnedFd;

    pub(super) fn file(_: &str) -> io::Result<Option<OwnedFd>> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_tell_long_trials_apart() {
        let long = |first: char| format!("{first}{}", "é".repeat(300));
        assert!(name(&long('a')).len() < 240);
        assert_ne!(name(&long('a')), name(&long('b')));
        assert!(name("run/cart.1_half").ends_with("-run/cart.1_half"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_lost_its_parents_and_its_environment_is_found() {
        use crate::safety::process::tagged;
        use crate::safety::victim::wait_until;
        use std::process::Stdio;

        let trial = format!("mark-{}", std::process::id());
        let mark = Mark::of_trial(&trial).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "setsid env -i sleep 1000 & exit 0"]).stdin(Stdio::null());
        mark.put_on(&mut command);
        command.spawn().unwrap().wait().unwrap();
        wait_until("it is found", || tagged(&trial).unwrap().len() == 1);
        assert!(tagged(&format!("{trial}-2")).unwrap().is_empty());
        let found = tagged(&trial).unwrap();
        crate::safety::process::signal(found[0], rustix::process::Signal::KILL).unwrap();
        wait_until("it is gone", || tagged(&trial).unwrap().is_empty());
    }
}
