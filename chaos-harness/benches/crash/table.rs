//! The machine's table of processes, read anew: what the library knows of finding processes must not be what judges it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A process, told from later ones of its number by when it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    started: u64,
    parent: u32,
}

impl Process {
    /// Whether it is the same, whoever its parent is by now.
    fn is(self, other: Self) -> bool {
        (self.pid, self.started) == (other.pid, other.started)
    }

    fn read(self, file: &str) -> Vec<u8> {
        fs::read(format!("/proc/{}/{file}", self.pid)).unwrap_or_default()
    }

    /// Its command line, in words.
    pub(crate) fn command_line(self) -> String {
        let line = self.read("cmdline");
        String::from_utf8_lossy(&line).replace('\0', " ").trim().to_owned()
    }

    /// Whether this stands anywhere about it: in its command line, its environment, or the names of its open files.
    fn carries(self, token: &str) -> bool {
        let holds = |bytes: &[u8]| bytes.windows(token.len()).any(|part| part == token.as_bytes());
        let leads =
            |link: &Path| fs::read_link(link).is_ok_and(|to| holds(to.as_os_str().as_encoded_bytes()));
        let home = Path::new("/proc").join(self.pid.to_string());
        let files = || fs::read_dir(home.join("fd")).into_iter().flatten().flatten();
        holds(&self.read("cmdline"))
            || holds(&self.read("environ"))
            || leads(&home.join("cwd"))
            || files().any(|file| leads(&file.path()))
    }

    /// Whether it is a guard of the library.
    pub(crate) fn is_guard(self) -> bool {
        self.command_line().starts_with("chaos-guard")
    }
}

/// The flag of the kernel's own threads: those of a machine are half of what there is to read.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// All processes that are there, without the kernel's, and without those that are dead and were not waited for.
fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(process).collect()
}

fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in brackets, and may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let is_of_kernel = fields.get(6)?.parse::<u64>().ok()? & KERNEL_THREAD != 0;
    let process =
        Process { pid, parent: fields.get(1)?.parse().ok()?, started: fields.get(19)?.parse().ok()? };
    (!is_of_kernel && !matches!(*fields.first()?, "Z" | "X")).then_some(process)
}

/// What descends from this process now, and it.
pub(crate) fn family(ancestor: u32) -> Vec<Process> {
    let all = all();
    let mut reached: BTreeSet<u32> = BTreeSet::from([ancestor]);
    loop {
        let before = reached.len();
        let children = all.iter().filter(|process| reached.contains(&process.parent));
        let children: Vec<_> = children.map(|process| process.pid).collect();
        reached.extend(children);
        if reached.len() == before {
            return all.into_iter().filter(|process| reached.contains(&process.pid)).collect();
        }
    }
}

/// The processes that are among these, or carry this token.
pub(crate) fn found(token: &str, family: &[Process]) -> Vec<Process> {
    let this = std::process::id();
    let ours = |process: &Process| family.iter().any(|member| member.is(*process)) || process.carries(token);
    all().into_iter().filter(|process| process.pid != this).filter(ours).collect()
}
