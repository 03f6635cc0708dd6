//! Commands: what in their words is not to be shown, by the rules.
//!
//! A word is what the program is given, whatever quotes and backslashes a line needs to say it: so a line is split as it is
//! when it is run, and only then looked at.

use super::names::hides_option;
use super::rules::{hidden_in, is_in_name, text};
use crate::secret::MASK;
use std::borrow::Cow;

/// The words of a command without what the rules hide: an option's value may be a word of its own.
pub(crate) fn words(words: &[String]) -> Vec<Cow<'_, str>> {
    let shown = words.iter().enumerate().map(|(index, word)| {
        if is_value(words, index) {
            return Cow::Borrowed(MASK);
        }
        match named_value(word) {
            Some(value) => Cow::Owned(format!("{}{MASK}", &word[..word.len() - value.len()])),
            None => text(word),
        }
    });
    shown.collect()
}

/// What [`words`] hides.
pub(super) fn hidden_in_words(words: &[String]) -> impl Iterator<Item = &str> {
    let lone = (0..words.len()).filter(|index| is_value(words, *index)).map(|index| words[index].as_str());
    // To the end of the word or of what may be one of several fields in it: either may be said elsewhere.
    lone.chain(words.iter().filter_map(|word| named_value(word)))
        .chain(words.iter().flat_map(|word| hidden_in(word)))
}

/// A line of words as it may be shown; exactly as it was given where it hides nothing.
pub(crate) fn line(given: &str) -> Cow<'_, str> {
    let Ok(split) = shell_words::split(given) else { return text(given) };
    let shown = words(&split);
    if shown == split {
        return text(given);
    }
    Cow::Owned(shown.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

/// What [`line`] hides.
pub(super) fn hidden_in_line(given: &str) -> Vec<String> {
    // A line that cannot be split is refused before it is run, but told in that.
    let split = shell_words::split(given).unwrap_or_default();
    hidden_in_words(&split).chain(hidden_in(given)).map(str::to_owned).collect()
}

/// Whether the word there is the value of the option before it.
fn is_value(words: &[String], index: usize) -> bool {
    let option = index.checked_sub(1).map(|before| &words[before]);
    let word = &words[index];
    option.is_some_and(|option| is_lone_option(option)) && !word.is_empty() && !word.starts_with('-')
}

fn is_lone_option(word: &str) -> bool {
    word.starts_with('-') && word.bytes().all(is_in_name) && hides_option(word)
}

/// The value of a word that is `name=value`, where the name says that it is a secret: blanks and quotes are part of it.
fn named_value(word: &str) -> Option<&str> {
    let (name, value) = word.split_once('=')?;
    (name.bytes().all(is_in_name) && !value.is_empty() && hides_option(name)).then_some(value)
}

/// A word as a line says it: quoted only where it would be read as something else.
fn quoted(word: &str) -> Cow<'_, str> {
    // With another after it: a backslash at the end changes that one.
    match shell_words::split(&format!("{word} .")).as_deref() {
        Ok([read, _]) if read == word => Cow::Borrowed(word),
        _ => shell_words::quote(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_value_of_an_option_is_hidden_whole() {
        let given =
            ["redis-server", "--requirepass", "hun ter2", "--password=a \"b", "--auth-pass", "", "-p", "1"];
        let given = given.map(str::to_owned);
        assert_eq!(
            words(&given).join(" "),
            "redis-server --requirepass [redacted] --password=[redacted] --auth-pass  -p 1"
        );
        assert_eq!(hidden_in_words(&given).collect::<Vec<_>>(), ["hun ter2", "a \"b", "a"]);
    }

    #[test]
    fn a_line_hides_what_the_program_is_given() {
        for (given, shown, hidden) in [
            (r#"app --password "p\"q123" -v"#, "app --password [redacted] -v", "p\"q123"),
            (r"app --password hun\ ter2", "app --password [redacted]", "hun ter2"),
            (r"app '--password=hun ter2' {port}", "app --password=[redacted] {port}", "hun ter2"),
            ("app --password 'a'\\''b'  --save ''", "app --password [redacted] --save ''", "a'b"),
            ("app postgres://me:\"it's\"@db 'x y'", "app postgres://me:[redacted]@db 'x y'", "it's"),
            ("app --password 'hun ter2", "app --password '[redacted]", "hun ter2"),
        ] {
            assert_eq!(line(given), shown);
            assert!(hidden_in_line(given).iter().any(|found| found == hidden), "{given}");
        }
    }

    #[test]
    fn a_line_that_hides_nothing_is_as_it_was_given() {
        for given in
            ["redis-server  --port {port} --save ''", r#"sh -c "a\"b" # 'x"#, "--password ''", "a 'b", ""]
        {
            assert_eq!(line(given), given);
        }
    }

    proptest! {
        #[test]
        fn no_way_to_say_a_value_shows_it(secret in "[ -,.-~\u{e4}\n]{1,12}Q7", way in 0..3) {
            let said: String = match way {
                0 => shell_words::quote(&secret).into_owned(),
                1 => format!("\"{}\"", secret.replace('\\', r"\\").replace('"', "\\\"")),
                // A line break after a backslash is no character.
                _ => secret.replace('\n', "_").chars().flat_map(|letter| ['\\', letter]).collect(),
            };
            let given = format!("app --password {said} --port 1");
            let split = shell_words::split(&given).unwrap();
            let shown = line(&given).into_owned();
            prop_assert!(!shown.contains("Q7"), "{given} became {shown}");
            prop_assert!(hidden_in_line(&given).contains(&split[2]), "{given}");
            let read = shell_words::split(&shown).unwrap();
            prop_assert_eq!(read, ["app", "--password", MASK, "--port", "1"]);
            prop_assert_eq!(text(&shown), shown.as_str());
        }

        #[test]
        fn a_line_says_all_other_words_as_they_were(rest in prop::collection::vec("[ -<>-~\u{e4}]{0,8}", 0..5)) {
            let mut words = vec!["app".to_owned(), "--password=hunter2".to_owned()];
            words.extend(rest.into_iter().filter(|word| text(word) == word.as_str() && !is_lone_option(word)));
            let shown = line(&shell_words::join(&words)).into_owned();
            words[1] = format!("--password={MASK}");
            prop_assert_eq!(shell_words::split(&shown).unwrap(), words);
        }
    }
}
