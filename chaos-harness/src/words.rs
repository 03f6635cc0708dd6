//! Words to choose from: "did you mean ...?"

/// The word nearest to `word`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A word much longer than any that is known is no slip, and would take long to compare.
    let length = word.chars().count();
    let near =
        known.into_iter().filter(|known| known.chars().count().abs_diff(length) <= known.len().div_ceil(2));
    let distances = near.map(|known| (strsim::damerau_levenshtein(word, known), known));
    // A third of the word wrong is still a slip; more is another word.
    distances
        .filter(|(distance, known)| *distance <= length.max(known.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// These words as one reads them: `a, b or c`.
pub(crate) fn any_of<T: AsRef<str>>(words: &[T]) -> String {
    list(words, "or")
}

/// These words as one reads them: `a, b and c`.
pub(crate) fn all_of<T: AsRef<str>>(words: &[T]) -> String {
    list(words, "and")
}

fn list<T: AsRef<str>>(words: &[T], before_last: &str) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => only.as_ref().to_owned(),
        [all @ .., last] => {
            let all: Vec<_> = all.iter().map(AsRef::as_ref).collect();
            format!("{} {before_last} {}", all.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_none() {
        let known = ["cool_down", "confirmations", "dir"];
        assert_eq!(nearest("cooldown", known), Some("cool_down"));
        assert_eq!(nearest("confirmation", known), Some("confirmations"));
        assert_eq!(nearest("dirr", known), Some("dir"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest(&"c".repeat(100_000), known), None);
    }

    #[test]
    fn words_are_listed_as_one_reads_them() {
        assert_eq!(any_of(&["a", "b", "c"]), "a, b or c");
        assert_eq!(all_of(&["a", "b"]), "a and b");
        assert_eq!(any_of(&["a"]), "a");
        assert_eq!(any_of::<&str>(&[]), "nothing");
    }
}
