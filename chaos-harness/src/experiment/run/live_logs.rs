//! What services write, told as they write it.

use crate::clock;
use crate::redact::Redactor;
use crate::terminal;
use futures::FutureExt as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinSet;

/// How often the logs are looked at: they are files, so that services outlive a killed trial.
const PERIOD: Duration = Duration::from_millis(100);

/// Tells each line of the logs of these instances on standard error, until it is dropped.
pub(super) fn follow<'a>(
    folder: &Path,
    labels: impl IntoIterator<Item = &'a str>,
    redactor: &Redactor,
) -> JoinSet<()> {
    let mut following = JoinSet::new();
    for label in labels {
        // What is external writes no log here.
        if let Ok(file) = File::open(folder.join(format!("{label}.log"))) {
            following.spawn(tell(label.to_owned(), BufReader::new(file), redactor.clone()).boxed());
        }
    }
    following
}

async fn tell(label: String, mut log: BufReader<File>, redactor: Redactor) {
    let mut line = Vec::new();
    loop {
        // At the end of the file this is what there is so far of a line: the rest is added to it later.
        while log.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) && line.ends_with(b"\n") {
            // The bar keeps a service's words from being taken for commands to a CI system.
            let text = String::from_utf8_lossy(&line);
            terminal::tell_of(&redactor, format_args!("{label} │ {}", text.trim_end()));
            line.clear();
        }
        clock::sleep(PERIOD).await;
    }
}
