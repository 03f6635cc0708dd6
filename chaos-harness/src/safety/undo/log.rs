//! The log's file, while something holds it.

use super::action::UndoAction;
use super::line::{Line, UndoId};
use super::state::{Here, LogState, OpenEntry};
use crate::clock;
use crate::safety::failpoint::{self, Transition};
use crate::safety::private;
use crate::safety::process::ProcessId;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long others may have a log for a look at it, and a guard for its end: it takes them microseconds.
const LOOKED_AT_FOR: Duration = Duration::from_millis(100);

/// The log of one process, or the part of it that is one trial's. Clones write to the same file.
#[derive(Clone)]
pub(crate) struct UndoLog {
    inner: Arc<Mutex<Inner>>,
    path: Arc<Path>,
    /// Whose entries these are; everyone's where it is not set.
    trial: Option<Arc<str>>,
}

struct Inner {
    file: File,
    state: LogState,
    /// Called before anything is recorded, with the log's descriptor: sees to it that someone watches over it.
    sentry: Option<Sentry>,
    /// Whether the lock is this process's alone, and ends with this value.
    owned: bool,
}

/// What sees to it that someone watches over a log.
pub(in crate::safety) type Sentry = Box<dyn FnMut(BorrowedFd<'_>) -> io::Result<()> + Send>;

impl UndoLog {
    /// An empty log in a new file. This process holds its lock.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = private::create_new_log(path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        let mut inner = Inner { file, state: LogState::default(), sentry: None, owned: true };
        inner.append(&Here::now().opened())?;
        inner.file.sync_all()?;
        Ok(Self::of_everyone(inner, path))
    }

    /// The log whose descriptor, and with it a part in its lock, this process was given. It has not been read yet.
    pub(in crate::safety) fn adopt(file: File, path: &Path) -> Self {
        let inner = Inner { file, state: LogState::default(), sentry: None, owned: false };
        Self::of_everyone(inner, path)
    }

    /// Reads it again: another process wrote to it.
    pub(in crate::safety) fn read_again(&self) -> io::Result<()> {
        let mut inner = self.lock();
        inner.state = state_of(&inner.file)?;
        Ok(())
    }

    /// Takes over the log of an owner that is gone, with its guard. `None` while one of them is there.
    pub(crate) fn take_over(path: &Path) -> io::Result<Option<Self>> {
        let file = private::open_log(path)?;
        let lock = || match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Some(Ok(true)),
            // Someone looks whether it is held, and has it for that moment; or its guard is dying.
            Err(Errno::WOULDBLOCK) => match state_of(&file) {
                Ok(state) if state.owner.is_some_and(ProcessId::is_alive) => Some(Ok(false)),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            },
            Err(error) => Some(Err(error.into())),
        };
        if !clock::look_until_seen(LOOKED_AT_FOR, lock).unwrap_or(Ok(false))? {
            return Ok(None);
        }
        let state = state_of(&file)?;
        Ok(Some(Self::of_everyone(Inner { file, state, sentry: None, owned: true }, path)))
    }

    /// What the log in this file says now, whoever holds it.
    pub(crate) fn look(path: &Path) -> io::Result<LogState> {
        state_of(&private::open_log(path)?)
    }

    /// Whether the process that made the log in this file, or its guard, is there.
    pub(crate) fn is_held(path: &Path) -> io::Result<bool> {
        let file = private::open_log(path)?;
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => {
                // Not only by closing it: a child that is just being started has a copy of it.
                flock(&file, FlockOperation::Unlock)?;
                Ok(false)
            }
            Err(Errno::WOULDBLOCK) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    fn of_everyone(inner: Inner, path: &Path) -> Self {
        Self { inner: Arc::new(Mutex::new(inner)), path: path.into(), trial: None }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The same log, for the entries of one trial.
    pub(crate) fn of_trial(&self, trial: &str) -> Self {
        Self { inner: Arc::clone(&self.inner), path: Arc::clone(&self.path), trial: Some(trial.into()) }
    }

    /// Has this called before anything is recorded.
    pub(in crate::safety) fn watched_by(self, sentry: Sentry) -> Self {
        self.lock().sentry = Some(sentry);
        self
    }

    /// Writes down who watches over it.
    pub(in crate::safety) fn guarded_by(&self, guard: ProcessId) -> io::Result<()> {
        self.lock().write(Line::Guarded { guard })
    }

    /// Writes down what must be undone. It is durable when this returns: only then may it be done.
    pub(crate) fn record(&self, action: UndoAction) -> io::Result<UndoId> {
        let mut inner = self.lock();
        let Inner { file, sentry, .. } = &mut *inner;
        sentry.as_mut().map_or(Ok(()), |sentry| sentry(file.as_fd()))?;
        let id = UndoId(inner.state.next);
        failpoint::reached(Transition::Intending);
        let intent = Line::Intent { id, trial: self.trial.as_deref().map(str::to_owned), action };
        inner.append(&intent)?;
        failpoint::reached(Transition::Written);
        inner.file.sync_data()?;
        inner.state.apply(intent)?;
        failpoint::reached(Transition::Intended);
        Ok(id)
    }

    /// Writes down that what was recorded has been done. Need not be durable: it is undone either way.
    pub(crate) fn applied(&self, id: UndoId) -> io::Result<()> {
        failpoint::reached(Transition::Applying);
        self.lock().write(Line::Applied { id })?;
        failpoint::reached(Transition::Applied);
        Ok(())
    }

    /// Writes down that it has been undone. Need not be durable: undoing twice is harmless.
    pub(crate) fn done(&self, id: UndoId) -> io::Result<()> {
        failpoint::reached(Transition::Undoing);
        self.lock().write(Line::Undone { id })?;
        failpoint::reached(Transition::Undone);
        Ok(())
    }

    /// What is still to be undone, oldest first.
    pub(crate) fn open(&self) -> Vec<(UndoId, UndoAction)> {
        let inner = self.lock();
        let ours = inner.state.open.iter().filter(|(_, entry)| self.is_ours(entry));
        ours.map(|(id, entry)| (*id, entry.action.clone())).collect()
    }

    /// Lines of it that were damaged, or that this version does not understand.
    pub(crate) fn unreadable(&self) -> Vec<String> {
        self.lock().state.unreadable.clone()
    }

    /// The process that wrote it, as far as it was read.
    pub(in crate::safety) fn owner(&self) -> Option<ProcessId> {
        self.lock().state.owner
    }

    /// How much only another container can undo.
    pub(in crate::safety) fn elsewhere(&self) -> usize {
        self.lock().state.elsewhere.len()
    }

    /// Whether it has something to say to others than this process: to another version, or to another container.
    pub(in crate::safety) fn is_for_others(&self) -> bool {
        let inner = self.lock();
        inner.state.is_newer || !inner.state.elsewhere.is_empty()
    }

    fn is_ours(&self, entry: &OpenEntry) -> bool {
        self.trial.is_none() || entry.trial.as_deref() == self.trial.as_deref()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of the log, read from its beginning. What is written is appended, wherever it was read.
fn state_of(mut file: &File) -> io::Result<LogState> {
    file.seek(SeekFrom::Start(0))?;
    LogState::read(BufReader::new(file), &Here::now())
}

impl fmt::Debug for UndoLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UndoLog")
            .field("path", &self.path)
            .field("trial", &self.trial)
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        // Closing the file is not enough: a child that is just being started holds a copy of it until it calls exec.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

impl Inner {
    /// Writes a line that need not be durable.
    fn write(&mut self, line: Line) -> io::Result<()> {
        self.append(&line)?;
        self.state.apply(line)
    }

    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = Vec::new();
        if self.state.is_torn {
            text.push(b'\n');
        }
        text.extend(line.encode()?);
        // One write, of whole lines: what follows a failed one starts on a line of its own.
        self.state.is_torn = true;
        self.file.write_all(&text)?;
        self.state.is_torn = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::Progress;
    use super::*;
    use crate::engine_address::EngineAddress;
    use proptest::prelude::*;
    use std::fs;

    fn action() -> impl Strategy<Value = UndoAction> {
        prop_oneof![
            // Names with bytes that JSON escapes and that UTF-8 splits.
            "[a-z\"\\\\\né∆:]{0,12}".prop_map(|trial| UndoAction::KillTagged { trial }),
            (2_u32.., any::<u64>()).prop_map(|(pid, started)| UndoAction::KillProcess { pid, started }),
            "[0-9a-f]{12}".prop_map(|id| {
                let engine = EngineAddress::Tcp("localhost:2375".to_owned());
                UndoAction::UnpauseContainer { engine, id, trial: "t".to_owned() }
            }),
        ]
    }

    #[derive(Debug, Clone)]
    enum Step {
        Record(bool, UndoAction),
        Applied(prop::sample::Index),
        Done(prop::sample::Index),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            2 => (any::<bool>(), action()).prop_map(|(first, action)| Step::Record(first, action)),
            1 => any::<prop::sample::Index>().prop_map(Step::Applied),
            1 => any::<prop::sample::Index>().prop_map(Step::Done),
        ]
    }

    proptest! {
        // Each case writes to a disk.
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A crash may cut the file anywhere: what was durable by then and not undone is found, and nothing else.
        #[test]
        fn what_was_recorded_and_not_undone_is_found(steps in prop::collection::vec(step(), 0..24), cut in any::<prop::sample::Index>()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("undo.log");
            let log = UndoLog::create(&path).unwrap();
            let trials = [log.of_trial("one"), log.of_trial("two")];
            // The file's length after each step, and what is open then.
            let mut states = vec![(fs::metadata(&path).unwrap().len(), Vec::new())];
            for step in steps {
                let some = |index: prop::sample::Index| {
                    let open = log.open();
                    (!open.is_empty()).then(|| index.get(&open).0)
                };
                match step {
                    Step::Record(first, action) => { trials[usize::from(first)].record(action).unwrap(); }
                    Step::Applied(index) => if let Some(id) = some(index) { log.applied(id).unwrap() },
                    Step::Done(index) => if let Some(id) = some(index) { log.done(id).unwrap() },
                }
                let both = trials.iter().map(|trial| trial.open().len()).sum::<usize>();
                prop_assert_eq!(both, log.open().len());
                states.push((fs::metadata(&path).unwrap().len(), log.open()));
            }
            let text = fs::read(&path).unwrap();
            let cut = cut.index(text.len() + 1) as u64;
            fs::write(&path, &text[..usize::try_from(cut).unwrap()]).unwrap();

            // A line that lacks only its end can be read; counting it as whole is right both ways.
            let expected = states.iter().rev().find(|(length, _)| *length <= cut + 1).map(|(_, open)| open.clone());
            let found = UndoLog::look(&path).unwrap();
            prop_assert!(found.unreadable.is_empty());
            let open = found.open.into_iter().map(|(id, entry)| (id, entry.action)).collect::<Vec<_>>();
            prop_assert_eq!(open, expected.unwrap_or_default());

            // Whoever takes over can write after the tear.
            drop((log, trials));
            let log = UndoLog::take_over(&path).unwrap().expect("its owner is gone");
            let actions = || UndoLog::look(&path).unwrap().open.into_keys().collect::<Vec<_>>();
            let open = |log: &UndoLog| log.open().into_iter().map(|(id, _)| id).collect::<Vec<_>>();
            let id = log.record(UndoAction::KillTagged { trial: "after".to_owned() }).unwrap();
            prop_assert_eq!(actions(), open(&log));
            log.done(id).unwrap();
            prop_assert_eq!(actions(), open(&log));
        }
    }

    fn kill(pid: u32) -> UndoAction {
        UndoAction::KillProcess { pid, started: 1 }
    }

    fn new_log(folder: &tempfile::TempDir) -> (UndoLog, std::path::PathBuf) {
        let path = folder.path().join("undo.log");
        (UndoLog::create(&path).unwrap(), path)
    }

    #[test]
    fn an_entry_is_intended_then_applied_then_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (log, path) = new_log(&folder);
        let id = log.of_trial("t").record(kill(10)).unwrap();
        let seen = || UndoLog::look(&path).unwrap().open.get(&id).map(|entry| entry.progress);
        assert_eq!(seen(), Some(Progress::Intended));
        log.applied(id).unwrap();
        assert_eq!(seen(), Some(Progress::Applied));
        log.done(id).unwrap();
        assert_eq!(seen(), None);
    }

    #[test]
    fn only_a_log_without_an_owner_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let (log, path) = new_log(&folder);
        log.record(kill(10)).unwrap();
        assert!(UndoLog::take_over(&path).unwrap().is_none());
        assert_eq!(UndoLog::look(&path).unwrap().owner, ProcessId::this());
        drop(log);
        let log = UndoLog::take_over(&path).unwrap().expect("its owner is gone");
        assert_eq!(log.open().len(), 1);
    }

    #[test]
    fn a_trial_keeps_what_is_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (log, path) = new_log(&folder);
        let (one, two) = (log.of_trial("one"), log.of_trial("two"));
        one.record(kill(10)).unwrap();
        two.record(kill(11)).unwrap();
        one.record(kill(12)).unwrap();
        for (id, _) in one.open() {
            one.done(id).unwrap();
        }
        assert_eq!(one.open(), []);
        let open: Vec<_> = UndoLog::look(&path).unwrap().open.into_values().collect();
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].trial.as_deref(), &open[0].action), (Some("two"), &kill(11)));
    }

    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (_log, path) = new_log(&folder);
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
