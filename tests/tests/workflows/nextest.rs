//! nextest's configuration, beside what the experiments ask for.

use super::file::root;
use std::fs;
use std::time::Duration;

/// How long services may take to start, unless they say so.
const STARTED_WITHIN: Duration = Duration::from_secs(30);

/// How long undoing may take, and what comes after it.
const ENDED_WITHIN: Duration = Duration::from_secs(40);

/// A time as it is written: `1500ms`, `5s`, `2min`.
fn time(text: &str) -> Duration {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap();
    let number: u64 = text[..digits].parse().unwrap();
    match &text[digits..] {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "min" => Duration::from_secs(60 * number),
        unit => panic!("{text}: {unit}"),
    }
}

/// What stands behind a name: `baseline = 1500ms`, `grace-period = "45s"`.
fn values<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let begin = format!("{name} = ");
    let behind = text.split(&begin).skip(1);
    behind.map(|rest| rest.split([',', ')', '}', '\n']).next().unwrap().trim().trim_matches('"')).collect()
}

/// The longest that a plan of the example takes by itself.
fn longest_plan() -> Duration {
    let folder = root().join("examples/checkout/tests/chaos");
    let sources = fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let of_source = |source: String| {
        let plans = source.split("#[chaos_test(").skip(1).map(|plan| {
            let phases = ["warmup", "baseline", "turbulence", "within"];
            let times =
                phases.map(|name| *values(plan, name).first().unwrap_or_else(|| panic!("no {name}: {plan}")));
            times.into_iter().map(time).sum::<Duration>()
        });
        plans.max()
    };
    sources.filter_map(of_source).max().unwrap()
}

#[test]
fn nextest_waits_for_longer_than_any_plan_takes_and_then_for_its_undoing() {
    let longest = longest_plan();
    assert!(longest > Duration::from_secs(5), "{longest:?}");
    for file in [".config/nextest.toml", "chaos-harness/src/bin/cargo-chaos/init/templates/nextest.toml"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let (_, of_chaos) = text.split_once("[[profile.default.overrides]]").unwrap();
        let after: u32 = values(of_chaos, "terminate-after")[0].parse().unwrap();
        let ended = time(values(of_chaos, "period")[0]) * after;
        assert!(ended > STARTED_WITHIN + longest * 2 + ENDED_WITHIN, "{file}: {ended:?}");
        let grace = time(values(of_chaos, "grace-period")[0]);
        assert!(grace > ENDED_WITHIN, "{file}: {grace:?}");
        assert_eq!(values(of_chaos, "retries")[0], "0", "{file}");
        assert_eq!(values(of_chaos, "test-group")[0], "chaos", "{file}");
        assert_eq!(values(&text, "max-threads")[0], "1", "{file}");
    }
}
