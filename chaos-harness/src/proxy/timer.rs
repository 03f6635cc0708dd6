//! Deadlines to within microseconds: tokio's own timers are a millisecond coarse.
//!
//! On Linux all connections of a proxy share one timer of the kernel's, which wakes the thread that waits for sockets as
//! a socket would. Elsewhere tokio's timers do.

use super::shared::Shared;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

#[cfg(target_os = "linux")]
pub(super) use kernel::Timers;
#[cfg(not(target_os = "linux"))]
pub(super) use runtime::Timers;

/// The one timer of a connection: wakes its task at a deadline that may be moved.
pub(super) struct Timer {
    timers: Arc<Timers>,
    armed: Option<Armed>,
}

#[cfg(target_os = "linux")]
type Armed = kernel::Key;
#[cfg(not(target_os = "linux"))]
type Armed = runtime::Armed;

impl Timer {
    pub(super) fn new(shared: &Shared) -> Self {
        Self { timers: Arc::clone(&shared.timers), armed: None }
    }

    /// Ready once `deadline` has passed; with no deadline, never.
    pub(super) fn poll_at(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        self.timers.poll(&mut self.armed, cx, deadline)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.timers.disarm(&mut self.armed);
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use crate::clock;
    use crate::proxy::lock::lock;
    use futures::FutureExt as _;
    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
    use rustix::time::{timerfd_create, timerfd_settime};
    use std::collections::BTreeMap;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::sync::{Arc, Mutex, Weak};
    use std::task::{Context, Poll, Waker};
    use std::time::{Duration, Instant};
    use tokio::io::unix::AsyncFd;
    use tokio::runtime::Handle;

    /// How much the kernel's timer is set early by: about what it wakes late by. What is left is waited for awake.
    const EARLY: Duration = Duration::from_micros(80);

    /// Told apart where they fall on the same instant.
    pub(in crate::proxy) type Key = (Instant, u64);

    #[derive(Debug)]
    pub(in crate::proxy) struct Timers {
        fd: Arc<AsyncFd<OwnedFd>>,
        queue: Mutex<Queue>,
    }

    #[derive(Debug, Default)]
    struct Queue {
        wakers: BTreeMap<Key, Waker>,
        next: u64,
        /// The deadline for which the kernel's timer is set.
        set: Option<Instant>,
    }

    impl Timers {
        pub(in crate::proxy) fn start(runtime: &Handle) -> io::Result<Arc<Self>> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            let inside = runtime.enter();
            #[expect(
                deprecated,
                reason = "its successor is unsafe for types that may close what they show; an OwnedFd may not"
            )]
            let fd = Arc::new(AsyncFd::new(fd)?);
            drop(inside);
            let timers = Arc::new(Self { fd: Arc::clone(&fd), queue: Mutex::default() });
            runtime.spawn(tick(fd, Arc::downgrade(&timers)).boxed());
            Ok(timers)
        }

        pub(in crate::proxy) fn poll(
            &self,
            armed: &mut Option<Key>,
            cx: &mut Context<'_>,
            deadline: Option<Instant>,
        ) -> Poll<()> {
            let Some(deadline) = deadline else {
                self.disarm(armed);
                return Poll::Pending;
            };
            if deadline <= clock::now() {
                self.disarm(armed);
                return Poll::Ready(());
            }
            let mut queue = lock(&self.queue);
            if let Some(key) = armed.filter(|(at, _)| *at == deadline)
                && let Some(waker) = queue.wakers.get_mut(&key)
            {
                waker.clone_from(cx.waker());
                return Poll::Pending;
            }
            if let Some(key) = armed.take() {
                queue.wakers.remove(&key);
            }
            queue.next += 1;
            let key = (deadline, queue.next);
            queue.wakers.insert(key, cx.waker().clone());
            *armed = Some(key);
            if queue.set.is_none_or(|set| deadline < set) {
                queue.set(&self.fd);
            }
            Poll::Pending
        }

        pub(in crate::proxy) fn disarm(&self, armed: &mut Option<Key>) {
            if let Some(key) = armed.take() {
                // The kernel's timer is left as it is: to wake once too often costs less than to set it.
                lock(&self.queue).wakers.remove(&key);
            }
        }

        fn fire(&self) {
            let first = lock(&self.queue).first();
            let rest = || first.map_or(Duration::ZERO, |first| first.saturating_duration_since(clock::now()));
            if rest() <= EARLY {
                while !rest().is_zero() {
                    std::hint::spin_loop();
                }
            }
            let mut queue = lock(&self.queue);
            let now = clock::now();
            while let Some(entry) = queue.wakers.first_entry() {
                if entry.key().0 > now {
                    break;
                }
                entry.remove().wake();
            }
            queue.set(&self.fd);
        }
    }

    impl Queue {
        fn first(&self) -> Option<Instant> {
            self.wakers.first_key_value().map(|((at, _), _)| *at)
        }

        /// Sets the kernel's timer for the first deadline, if there is one.
        fn set(&mut self, fd: &AsyncFd<OwnedFd>) {
            self.set = self.first();
            let Some(at) = self.set else { return };
            // Zero would mean never.
            let rest = at.saturating_duration_since(clock::now() + EARLY).max(Duration::from_nanos(1));
            let value = Timespec {
                tv_sec: i64::try_from(rest.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(rest.subsec_nanos()),
            };
            let interval = Timespec { tv_sec: 0, tv_nsec: 0 };
            let spec = Itimerspec { it_interval: interval, it_value: value };
            if let Err(error) = timerfd_settime(fd, TimerfdTimerFlags::empty(), &spec) {
                tracing::error!(%error, "cannot set the proxy's timer");
            }
        }
    }

    /// Wakes what is due, for as long as there is anything that could be.
    async fn tick(fd: Arc<AsyncFd<OwnedFd>>, timers: Weak<Timers>) {
        while let Ok(mut ready) = fd.readable().await {
            let mut expirations = [0; 8];
            if let Ok(Err(error)) = ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut expirations)?)) {
                tracing::error!(%error, "cannot read the proxy's timer");
            }
            let Some(timers) = timers.upgrade() else { return };
            timers.fire();
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod runtime {
    use crate::clock;
    use std::future::Future;
    use std::io;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll};
    use std::time::Instant;
    use tokio::runtime::Handle;

    pub(in crate::proxy) type Armed = (Instant, Pin<Box<dyn Future<Output = ()> + Send>>);

    #[derive(Debug)]
    pub(in crate::proxy) struct Timers;

    impl Timers {
        pub(in crate::proxy) fn start(_runtime: &Handle) -> io::Result<Arc<Self>> {
            Ok(Arc::new(Self))
        }

        pub(in crate::proxy) fn poll(
            &self,
            armed: &mut Option<Armed>,
            cx: &mut Context<'_>,
            deadline: Option<Instant>,
        ) -> Poll<()> {
            let Some(deadline) = deadline else {
                *armed = None;
                return Poll::Pending;
            };
            let (_, sleep) = match armed {
                Some(armed) if armed.0 == deadline => armed,
                armed => armed.insert((deadline, Box::pin(clock::sleep_until(deadline)))),
            };
            let polled = sleep.as_mut().poll(cx);
            if polled.is_ready() {
                *armed = None;
            }
            polled
        }

        pub(in crate::proxy) fn disarm(&self, armed: &mut Option<Armed>) {
            *armed = None;
        }
    }
}
