//! "Did you mean ...?"

/// The word nearest to `word`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)
        // A third of the word wrong is still a slip; more is another word.
        .filter(|(distance, candidate)| *distance <= word.chars().count().max(candidate.len()).div_ceil(3))
        .map(|(_, candidate)| candidate)
}

/// The names in backticks, as a list.
pub(crate) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// The nearest word as a question, else all that are known.
pub(crate) fn advice<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("known are {}", quoted(known)),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_none() {
        let known = ["inject", "expect", "stages", "steady_state"];
        assert_eq!(nearest("injcet", known), Some("inject"));
        assert_eq!(nearest("steadystate", known), Some("steady_state"));
        assert_eq!(nearest("stage", known), Some("stages"));
        assert_eq!(nearest("colour", known), None);
    }
}
