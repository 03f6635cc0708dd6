//! "Did you mean ...?"

/// The nearest word as a question where one is near enough to be meant, and all that are known.
pub(crate) fn advice<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.into_iter().collect();
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match nearest(word, &known) {
        Some(meant) => format!("did you mean `{meant}`? There are {list}"),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("there are {list}"),
    }
}

/// The word that is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let distances = known.iter().map(|known| (strsim::damerau_levenshtein(word, known), *known));
    // A third of the word wrong is still a slip; more is another word.
    distances
        .filter(|(distance, known)| *distance <= word.len().max(known.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn a_slip_is_asked_about_and_another_word_is_not() {
        let known = ["latency", "limit_data"];
        assert_eq!(advice("latncy", known), "did you mean `latency`? There are `latency`, `limit_data`");
        assert_eq!(advice("colour", known), "there are `latency`, `limit_data`");
        assert_eq!(advice("colour", []), "there are none");
    }
}
