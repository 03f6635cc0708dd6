//! What the attributes accept: each module compiles, and is what it says.
//!
//! Without libtest, whose targets would run the experiments as tests.
#![expect(clippy::unused_async, reason = "what the experiments here do is nothing")]

mod all_options;
mod ignored_and_configured;
mod minimal;
mod other_modules;
mod renamed_crate;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let trial = |name: &str, check: fn()| {
        Trial::test(name, move || {
            check();
            Ok(())
        })
    };
    let trials = vec![
        trial("all_options", all_options::check),
        trial("ignored_and_configured", ignored_and_configured::check),
        trial("minimal", minimal::check),
        trial("other_modules", other_modules::check),
        trial("renamed_crate", renamed_crate::check),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
