//! The command line of libtest. libtest-mimic reads it, but for one thing: libtest takes any number of filters.

use libtest_mimic::Arguments;
use std::ffi::OsString;

/// The options whose value may be the next word. A value is no filter.
const WITH_VALUE: [&str; 6] = ["--test-threads", "--logfile", "--skip", "--color", "--format", "-Z"];

/// What the command line asks for.
#[derive(Debug, Clone)]
pub(super) struct CommandLine {
    arguments: Arguments,
    filters: Vec<String>,
}

impl CommandLine {
    /// Reads this process's command line; where it cannot be read, that is told, and the process ends.
    pub(super) fn from_env() -> Self {
        Self::from_words(std::env::args_os())
    }

    /// Reads the program's name and the words after it.
    fn from_words(words: impl IntoIterator<Item = OsString>) -> Self {
        let mut words = words.into_iter();
        let mut rest: Vec<OsString> = words.next().into_iter().collect();
        let mut filters = Vec::new();
        let (mut is_value, mut only_filters) = (false, false);
        for word in words {
            let text = word.to_string_lossy();
            if is_value || (text.starts_with('-') && !only_filters) {
                only_filters = !is_value && text == "--";
                is_value = !is_value && WITH_VALUE.contains(&text.as_ref());
                if !only_filters {
                    rest.push(word);
                }
            } else {
                filters.push(text.into_owned());
            }
        }
        Self { arguments: Arguments::from_iter(rest), filters }
    }

    /// Whether trials print what they do.
    pub(super) fn is_live(&self) -> bool {
        self.arguments.nocapture
    }

    /// The same as libtest-mimic can apply it to trials of these names: all that are not asked for are skipped by name.
    pub(super) fn arguments<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Arguments {
        let skip = names.into_iter().filter(|name| !self.asks_for(name)).map(str::to_owned).collect();
        Arguments { exact: true, skip, ..self.arguments.clone() }
    }

    fn asks_for(&self, name: &str) -> bool {
        let is_met = |pattern: &String| {
            if self.arguments.exact { name == pattern } else { name.contains(pattern.as_str()) }
        };
        (self.filters.is_empty() || self.filters.iter().any(is_met))
            && !self.arguments.skip.iter().any(is_met)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libtest_mimic::Trial;

    const NAMES: [&str; 4] =
        ["cart::slow::1_half", "cart::slow::2_all", "cart::down::1_half", "stock::slow::1_half"];

    fn chosen(words: &str) -> Vec<&'static str> {
        let words = std::iter::once("program").chain(words.split_whitespace());
        let arguments = CommandLine::from_words(words.map(OsString::from)).arguments(NAMES);
        let is_chosen = |name: &&str| !arguments.is_filtered_out(&Trial::test(*name, || Ok(())));
        NAMES.into_iter().filter(is_chosen).collect()
    }

    #[test]
    fn any_of_the_filters_is_enough() {
        assert_eq!(chosen(""), NAMES);
        assert_eq!(chosen("slow"), [NAMES[0], NAMES[1], NAMES[3]]);
        assert_eq!(chosen("stock down"), NAMES[2..]);
        assert_eq!(chosen("stock --nocapture -- down"), NAMES[2..]);
        assert!(chosen("nothing never").is_empty());
    }

    #[test]
    fn exact_filters_are_whole_names() {
        assert_eq!(chosen("--exact cart::slow::1_half stock::slow::1_half"), [NAMES[0], NAMES[3]]);
        assert!(chosen("--exact cart stock").is_empty());
    }

    #[test]
    fn what_is_skipped_is_skipped_whatever_else_is_asked_for() {
        assert_eq!(chosen("cart stock --skip slow"), [NAMES[2]]);
        assert_eq!(chosen("--skip=2_all --skip down"), [NAMES[0], NAMES[3]]);
        assert_eq!(chosen("--exact --skip cart::slow::1_half"), NAMES[1..]);
    }

    #[test]
    fn the_value_of_an_option_is_no_filter() {
        assert_eq!(chosen("--test-threads 1 --color never --format terse -Z unstable-options"), NAMES);
        assert_eq!(chosen("--test-threads=1 stock --logfile down"), [NAMES[3]]);
    }

    #[test]
    fn what_follows_a_double_hyphen_are_filters_only() {
        assert!(chosen("-- --skip --exact").is_empty());
        assert_eq!(chosen("-- stock"), [NAMES[3]]);
    }

    #[test]
    fn options_are_passed_on() {
        let words = ["program", "--list", "a", "--test-threads", "3", "b", "--ignored"].map(OsString::from);
        let arguments = CommandLine::from_words(words).arguments([]);
        assert!(arguments.list && arguments.ignored);
        assert_eq!((arguments.test_threads, arguments.filter), (Some(3), None));
    }
}
