//! The one module with `unsafe`: how a program becomes a guard before its `main`, and how a guard is started.
//!
//! A program with libtest's harness has no `main` of ours, and one with ours may do anything before it calls us. A
//! constructor, which the loader runs before `main`, is the one place that every such program passes first. It does
//! nothing at all unless this process was started as a guard.
#![expect(
    unsafe_code,
    reason = "constructors, inherited descriptors, and what a child does before it is another program"
)]

use rustix::io::{FdFlags, fcntl_setfd};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Called by the loader of every program with this library, before its `main`.
#[used]
// SAFETY: the section is the platform's list of pointers to functions that take nothing we read and return nothing; the
// static is such a pointer, and it is never written to.
#[cfg_attr(any(target_os = "macos", target_os = "ios"), unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(any(target_os = "macos", target_os = "ios")), unsafe(link_section = ".init_array"))]
static CONSTRUCTOR: extern "C" fn() = construct;

extern "C" fn construct() {
    // Unwinding out of here would be undefined where the loader is no Rust: it ends here. The standard library can be
    // used: it is initialised as it is needed, and a guard needs of `main`'s set-up only that SIGPIPE is ignored, which
    // it sees to itself.
    let outcome = std::panic::catch_unwind(super::guard::become_guard_if_asked);
    if outcome.is_err() {
        std::process::exit(2);
    }
}

/// Makes `command` inherit `descriptor` under its own number.
///
/// Whoever calls this keeps the descriptor open until the command was spawned.
pub(super) fn inherit(command: &mut Command, descriptor: BorrowedFd<'_>) {
    let descriptor = descriptor.as_raw_fd();
    let settle = move || {
        // SAFETY: the descriptor is open in the parent until the spawn is over, and so in its copy, the child.
        let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
        Ok(fcntl_setfd(descriptor, FdFlags::empty())?)
    };
    // SAFETY: between fork and exec only a system call is made: nothing allocates, and no lock is taken.
    unsafe { command.pre_exec(settle) };
}

/// Makes `command` lead a session of its own: no signal to this process's group or terminal reaches it.
pub(super) fn lead_session(command: &mut Command) {
    // A program that can start a guard can become one: what is not referred to may be left out of it by the linker.
    std::hint::black_box(&CONSTRUCTOR);
    // SAFETY: between fork and exec only a system call is made: nothing allocates, and no lock is taken.
    unsafe { command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?)) };
}

/// Takes the descriptor of this number, which this process was given by [`inherit`], and closes all others but the
/// standard ones: what the test's process had open must not stay open for as long as its guard lives.
///
/// To be called before anything in this process opens a file, and once.
pub(super) fn take_inherited(number: RawFd) -> io::Result<File> {
    let listing = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let open: Vec<RawFd> = std::fs::read_dir(listing)?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|found| *found > 2)
        .collect();
    if !open.contains(&number) {
        return Err(io::Error::from(rustix::io::Errno::BADF));
    }
    for other in open.into_iter().filter(|found| *found != number) {
        // The listing's own descriptor is closed by now.
        if fcntl_exists(other) {
            // SAFETY: it is open, and nothing in this process has opened or will use it: `main` has not begun.
            drop(unsafe { OwnedFd::from_raw_fd(other) });
        }
    }
    // SAFETY: it is open, and it is taken once.
    let file = unsafe { File::from_raw_fd(number) };
    fcntl_setfd(&file, FdFlags::CLOEXEC)?;
    Ok(file)
}

fn fcntl_exists(number: RawFd) -> bool {
    // SAFETY: the descriptor is only asked about; one that is not open makes the call fail, and nothing else.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_getfd(descriptor).is_ok()
}
