//! Limits on what may be in effect at the same time, kept across processes by leases.
//!
//! A runner such as nextest gives each trial a process of its own: what they do at the same time, none of them sees. So
//! each trial that is about to put faults into effect takes a lease first, a file in the folder that all of them
//! share, and counts the leases of the others.
//!
//! - A lease says what it stands for, and for how long at most. All that a trial injects is in one lease, asked for at
//!   once: nobody holds some and waits for more, so that nothing can wait in a circle.
//! - A lease is held while its process holds the lock on it, **or anyone holds the lock on its holder**: a file that the
//!   lease names, in use the undo log, whose lock the test process and its guard have in common. A process that was
//!   killed may leave a fault behind until its guard has undone it, and so long the lease counts. The locks are the
//!   kernel's: they end with the processes, however those went, and across containers that share the folder.
//! - An orderly end is written into the lease, and needs no lock that another one could hold up. Whoever comes next
//!   books its time and removes the file.
//! - What is not known counts in full: a lease that nobody ended is booked with at least all the time it had reserved,
//!   and one that cannot be read lets nobody pass who is under a limit.

mod account;
mod error;
mod file;
mod folder;
#[cfg(fuzzing)]
mod fuzzing;
mod request;
#[cfg(test)]
mod tests;
mod wait;

pub(crate) use account::{Limits, Shortage};
pub(in crate::safety) use error::LeaseError;
#[cfg(fuzzing)]
pub use fuzzing::lease as fuzz_lease;
pub(crate) use request::{Request, Touched};
pub(crate) use wait::{Lease, Leases};
pub(in crate::safety) use wait::{folder, tidy, tidy_after_the_dead};
