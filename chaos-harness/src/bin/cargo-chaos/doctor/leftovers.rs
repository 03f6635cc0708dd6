//! What runs left behind.

use super::check::Check;
use chaos_harness::safety::in_use;
use std::path::Path;

pub(super) fn leftovers(runs: &Path) -> Check {
    match in_use(runs) {
        Err(error) => Check::limited("leftovers", format!("{}: {error}", runs.display())),
        Ok(found) => match found.iter().filter(|run| run.is_abandoned).count() {
            0 => Check::ok("leftovers", "nothing was left behind"),
            count => {
                Check::limited("leftovers", format!("{count} of the runs here left something to be undone"))
                    .effect("the next run undoes it before it begins")
                    .remedy("cargo chaos recover")
            }
        },
    }
}
