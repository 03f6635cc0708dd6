//! The names of trials.

/// The name of the trial of one stage: `module::experiment::2_small_percentage`. Stages are counted from 1, since
/// runners sort trials by name.
pub(crate) fn trial_name(experiment: &str, stages: &[impl AsRef<str>], stage: usize) -> String {
    let width = stages.len().to_string().len();
    let name = stages.get(stage).map(|name| sanitised(name.as_ref())).unwrap_or_default();
    format!("{experiment}::{:0width$}_{name}", stage + 1)
}

/// A name of lower-case letters, digits and single underscores, as a filter or a shell takes it without quoting.
fn sanitised(name: &str) -> String {
    let spelt_out = name.to_ascii_lowercase().replace('%', "_percent_");
    let words: Vec<_> = spelt_out
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() { "stage".to_owned() } else { words.join("_") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_trial_is_named_after_its_experiment_and_its_numbered_stage() {
        let stages = ["single_instance", "small percentage", "50%"];
        assert_eq!(trial_name("cart::slow_redis", &stages, 0), "cart::slow_redis::1_single_instance");
        assert_eq!(trial_name("cart::slow_redis", &stages, 1), "cart::slow_redis::2_small_percentage");
        assert_eq!(trial_name("slow_redis", &stages, 2), "slow_redis::3_50_percent");
    }

    #[test]
    fn trials_sort_as_their_stages_do_beyond_nine() {
        let stages: Vec<_> = (0..12).map(|stage| format!("s{stage}")).collect();
        let names: Vec<_> = (0..12).map(|stage| trial_name("e", &stages, stage)).collect();
        assert!(names.is_sorted(), "{names:?}");
    }

    proptest! {
        #[test]
        fn any_stage_has_a_plain_name(name in any::<String>()) {
            let name = sanitised(&name);
            prop_assert!(!name.is_empty() && !name.contains("__"));
            prop_assert!(name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')), "{}", name);
        }
    }
}
