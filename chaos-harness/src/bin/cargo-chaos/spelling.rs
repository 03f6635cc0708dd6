//! The ways in which the same command is spelt.

use std::ffi::OsString;

/// The flags of `toxiproxy-server`, which Go lets one write with one dash, and those that it would have.
const FLAGS: [&str; 10] = [
    "host",
    "port",
    "config",
    "seed",
    "proxy-metrics",
    "runtime-metrics",
    "version",
    "remote",
    "allow-host",
    "token-file",
];

/// The command line without the word that cargo puts in, and with two dashes where Go takes one.
pub(crate) fn normal(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    // `cargo chaos proxy` runs `cargo-chaos chaos proxy`.
    if arguments.get(1).is_some_and(|word| word == "chaos") {
        arguments.remove(1);
    }
    if arguments.get(1).is_some_and(|word| word == "proxy") {
        arguments.iter_mut().skip(2).for_each(widen);
    }
    arguments
}

/// Gives a flag of Go's its second dash.
fn widen(argument: &mut OsString) {
    let Some(flag) = argument.to_str().and_then(|text| text.strip_prefix('-')) else { return };
    let name = flag.split_once('=').map_or(flag, |(name, _)| name);
    if FLAGS.contains(&name) {
        *argument = format!("--{flag}").into();
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    fn spelt(line: &str) -> String {
        let words = normal(line.split(' ').map(Into::into));
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_word_that_cargo_puts_in_is_taken_out_once() {
        assert_eq!(spelt("cargo-chaos chaos proxy list"), "cargo-chaos proxy list");
        assert_eq!(spelt("cargo-chaos proxy list"), "cargo-chaos proxy list");
        assert_eq!(spelt("cargo-chaos proxy inspect chaos"), "cargo-chaos proxy inspect chaos");
    }

    #[test]
    fn a_flag_of_the_server_may_have_one_dash() {
        assert_eq!(spelt("x proxy -host 0.0.0.0 -port=1"), "x proxy --host 0.0.0.0 --port=1");
        assert_eq!(spelt("x proxy --host ::1 -proxy-metrics"), "x proxy --host ::1 --proxy-metrics");
    }

    #[test]
    fn other_words_with_one_dash_stay() {
        assert_eq!(spelt("x proxy create r -l :1 -u h:2"), "x proxy create r -l :1 -u h:2");
        assert_eq!(spelt("x proxy -hosts -"), "x proxy -hosts -");
        assert_eq!(spelt("x toxic add -port"), "x toxic add -port");
    }
}
