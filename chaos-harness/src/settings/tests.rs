use super::*;
use crate::system::BackendChoice;
use crate::units::Factor;
use proptest::prelude::*;

mod variables;

fn read(text: &str) -> Result<Settings, SettingsError> {
    under(text, &[])
}

fn under(text: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    let (environment, bad) = Environment::read(variables);
    Settings::of(FILE, Some(text), environment, bad)
}

fn mistakes(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

/// Where the value of a key under the profile that is used comes from.
fn origin(settings: &Settings, key: &str) -> String {
    let name = &settings.in_effect().name;
    let entry = settings.entries(name).find(|entry| entry.key.rsplit('.').next() == Some(key));
    entry.unwrap().origin.to_string()
}

#[test]
fn without_a_file_the_gate_runs_what_is_earned() {
    let settings = read("").unwrap();
    let gate = settings.in_effect();
    assert_eq!((gate.name.as_str(), gate.stages.value), ("gate", StageChoice::Earned));
    assert_eq!((gate.inconclusive.value, gate.seed.value), (Inconclusive::Fail, SeedPolicy::Fresh));
    assert_eq!((gate.durations.value, gate.confidence.value), (Factor::ONE, None));
    assert_eq!(settings.ledger.policy(), Policy::default());
    assert_eq!(settings.chosen().origin, Origin::Default);
    assert_eq!(settings.stages.value, None);
}

#[test]
fn the_built_in_profiles_are_there_without_being_written() {
    let chosen = |profile| {
        let settings = under("", &[("CHAOS_PROFILE", profile)]).unwrap();
        (settings.in_effect().stages.value, settings.in_effect().inconclusive.value)
    };
    assert_eq!(chosen("gate"), (StageChoice::Earned, Inconclusive::Fail));
    assert_eq!(chosen("escalate"), (StageChoice::Escalate, Inconclusive::Fail));
    assert_eq!(chosen("all"), (StageChoice::All, Inconclusive::Fail));
    assert_eq!(chosen("lenient"), (StageChoice::Earned, Inconclusive::Warn));
}

const LAYERS: &str = r#"
durations = "2x"
confidence = "90%"
seed = 7
backend = "process"

[profile.nightly]
inherits = "base"
durations = "3x"

[profile.base]
inherits = "escalate"
confidence = "99.5%"
inconclusive = "warn"

[profile.escalate]
seed = "commit"
"#;

#[test]
fn each_value_comes_from_the_topmost_layer_that_says_something() {
    let variables = [("CHAOS_PROFILE", "nightly"), ("CHAOS_BACKEND", "docker")];
    let settings = under(LAYERS, &variables).unwrap();
    let nightly = settings.in_effect();
    assert_eq!(nightly.stages.value, StageChoice::Escalate);
    assert_eq!(nightly.durations.value, Factor::from_ppm(3_000_000));
    assert_eq!(nightly.confidence.value, Some(Percent::from_ppm(995_000)));
    assert_eq!(nightly.seed.value, SeedPolicy::Commit);
    assert_eq!(nightly.backend.value, BackendChoice::Docker);
    assert_eq!(nightly.inconclusive.value, Inconclusive::Warn);
    let origins: Vec<_> = settings.entries("nightly").map(|entry| entry.origin.to_string()).collect();
    assert_eq!(
        origins[8..],
        [
            "built-in profile `escalate`",
            "chaos.toml:9:1 (profile `nightly`)",
            "chaos.toml:13:1 (profile `base`)",
            "chaos.toml:17:1 (profile `escalate`)",
            "CHAOS_BACKEND",
            "chaos.toml:14:1 (profile `base`)",
        ]
    );
    // What is said for all profiles is below what any of them says.
    let gate = under(LAYERS, &[]).unwrap();
    assert_eq!(gate.in_effect().durations.value, Factor::from_ppm(2_000_000));
    assert_eq!(gate.in_effect().seed.value, SeedPolicy::Fixed(Seed::new(7)));
    assert_eq!(origin(&gate, "seed"), "chaos.toml:4:1");
}

#[test]
fn everything_that_may_stand_in_the_file_is_read() {
    // It is the example that the documentation has.
    let doc = include_str!("mod.rs").lines().filter_map(|line| line.strip_prefix("//! "));
    let text: Vec<_> =
        doc.skip_while(|line| *line != "```toml").skip(1).take_while(|line| *line != "```").collect();
    let settings = read(&text.join("\n")).unwrap();
    assert_eq!(settings.profile("nightly").unwrap().confidence.value, Some(Percent::new(99)));
    assert_eq!(settings.stages.value.as_ref().unwrap()[0].name(), "single_instance");
    let defaults = read("").unwrap();
    assert_eq!(settings.ledger.policy(), defaults.ledger.policy());
    assert_eq!(settings.ledger.approval_over.value, defaults.ledger.approval_over.value);
    assert_eq!(settings.ledger.dir.value, defaults.ledger.dir.value);
    assert_eq!(settings.tests.value, defaults.tests.value);
}

#[test]
fn all_mistakes_are_told_at_once_each_where_it_stands() {
    let text = r#"defalt_profile = "gate"
tests = "chaos"
durations = "2"
seed = "dice"

[ledger]
confirmations = "3"
cool_down = "72"
aproval_over = "50%"
policy = true

[profile.nightly]
inherits = "escalat"
confidence = "0.95"
"#;
    insta::assert_snapshot!(mistakes(text));
}

#[test]
fn wrong_units_and_what_is_out_of_range_say_what_would_be_right() {
    let text = r#"durations = "0x"
confidence = "100%"
backend = "podman"
[ledger]
cool_down = "5m"
approval_over = 50
confirmations = 0
[profile.slow]
durations = 2
stages = "al"
"#;
    insta::assert_snapshot!(mistakes(text));
}

#[test]
fn a_ladder_is_checked_as_a_whole() {
    let text = r#"[[stages]]
scope = "20%"
name = "some"
[[stages]]
name = "some"
scope = "1 instance"
[[stages]]
scope = "5%"
[[stages]]
name = "none"
[[stages]]
scope = "3"
risk = "lo"
"#;
    insta::assert_snapshot!(mistakes(text));
}

#[test]
fn what_is_no_toml_is_told_with_what_is_wrong_elsewhere() {
    let text = r#"[ledger]
cool_down = 72h
dir = "a"
dir = "b"
[profile.gate]
stages = "earnd"
"#;
    insta::assert_snapshot!(mistakes(text));
}

#[test]
fn what_belongs_elsewhere_is_sent_there() {
    insta::assert_snapshot!(mistakes("profile = \"gate\"\nstages = \"all\"\nledger = \"x\"\n"));
}

#[test]
fn profiles_that_inherit_from_each_other_are_refused_where_they_do() {
    let text = "default_profile = \"a\"\n[profile.a]\ninherits = \"b\"\n[profile.b]\ninherits = \"a\"\n[profile.c]\ninherits = \"a\"\n";
    let error = read(text).unwrap_err();
    let lines: Vec<_> = error
        .mistakes()
        .iter()
        .map(|mistake| match mistake {
            Mistake::File { place, what, .. } => (place.line, what.clone()),
            other => panic!("{other}"),
        })
        .collect();
    let circle = |names: &str| format!("a profile that inherits from itself: {names}");
    assert_eq!(lines, [(3, circle("a from b from a")), (5, circle("b from a from b"))]);
}

#[test]
fn a_profile_that_there_is_not_is_refused_with_those_that_there_are() {
    let chosen = under("[profile.nightly]\n", &[("CHAOS_PROFILE", "nighly")]).unwrap_err().to_string();
    assert_eq!(
        chosen,
        "CHAOS_PROFILE=nighly: `nighly` is not known there, write gate, escalate, all, lenient or nightly"
    );
    let default = mistakes("default_profile = \"default\"\n");
    assert!(default.starts_with("chaos.toml:1:19: `default` is not known here"), "{default}");
}

fn toml() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "default_profile",
        "tests",
        "backend",
        "confidence",
        "durations",
        "inconclusive",
        "seed",
        "inherits",
        "stages",
        "dir",
        "policy",
        "confirmations",
        "cool_down",
        "approval_over",
        "name",
        "scope",
        "risk",
        "nonsense",
    ]);
    let value = prop::sample::select(vec![
        "\"72h\"",
        "\"50%\"",
        "\"2x\"",
        "\"commit\"",
        "\"0xc0ffee\"",
        "\"1 instance\"",
        "\"escalate\"",
        "\"gate\"",
        "\"warn\"",
        "\"simple\"",
        "\"low\"",
        "\"a\"",
        "3",
        "1.5",
        "true",
        "[]",
        "[\"x\"]",
        "{}",
        "72h",
        "\"",
        "\"ü\\u0007\"",
        "'''\n'''",
        "1979-05-27",
        "[{ scope = \"5%\" }]",
    ]);
    let header = prop::sample::select(vec![
        "[ledger]",
        "[[stages]]",
        "[profile.a]",
        "[profile.gate]",
        "[profile.\"b \\\" c\"]",
        "[profile]",
        "[x",
        "",
    ]);
    let line = prop_oneof![
        4 => (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
        2 => header.prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ];
    prop::collection::vec(line, 0..10).prop_map(|lines| lines.join("\n"))
}

proptest! {
    /// Never a panic; a mistake has its place in the file; what can be read is the same when it is written and read again.
    #[test]
    fn any_file_is_read_or_refused_where_it_is_wrong(text in toml()) {
        reread::reread(&text);
    }

    #[test]
    fn any_sound_file_is_written_as_it_is_read(
        milliseconds in 0_u64..=365 * 86_400_000,
        factor in 10_000_u64..=1_000_000_000,
        confidence in 500_000_u32..=999_900,
        seed in any::<u64>(),
        share in 1_u32..=1_000_000,
        name in "[^\\s\\p{C}]{1,8}",
    ) {
        let quoted = |text: &str| serde_json::to_string(text).unwrap().replace('\u{7f}', "\\u007f");
        let text = format!(
            "durations = \"{}\"\nseed = \"{}\"\n[ledger]\ncool_down = \"{milliseconds}ms\"\n[[stages]]\nname = {}\nscope = \"{}\"\n\
             [profile.{}]\nconfidence = \"{}\"\n",
            Factor::from_ppm(factor), Seed::new(seed), quoted(&name), Percent::from_ppm(share), quoted(&name),
            Percent::from_ppm(confidence),
        );
        let settings = read(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(settings.ledger.cool_down.value, Duration::from_millis(milliseconds));
        prop_assert_eq!(settings.in_effect().durations.value, Factor::from_ppm(factor));
        reread::reread(&text);
    }
}

mod on_disk {
    use super::*;
    use std::fs;

    fn load(start: &Path, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::load(start, variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn the_file_is_found_from_any_folder_below_it_and_paths_are_relative_to_it() {
        let root = tempfile::tempdir().unwrap();
        let package = root.path().join("crates/shop");
        fs::create_dir_all(&package).unwrap();
        fs::write(root.path().join("Cargo.lock"), "").unwrap();
        let without = load(&package, &[]).unwrap();
        assert_eq!((without.file(), without.ledger_dir()), (None, root.path().join("chaos/ledger")));

        fs::write(root.path().join("crates").join(FILE), "[ledger]\ndir = \"proof\"\n").unwrap();
        let settings = load(&package, &[]).unwrap();
        assert_eq!(settings.file(), Some(root.path().join("crates/chaos.toml").as_path()));
        assert_eq!(settings.ledger_dir(), root.path().join("crates/proof"));
        let elsewhere = |dir| load(&package, &[("CHAOS_LEDGER_DIR", dir)]).unwrap().ledger_dir();
        assert_eq!(elsewhere("l"), root.path().join("crates/l"));
        assert_eq!(elsewhere("/l"), Path::new("/l"));
    }

    #[test]
    fn another_file_can_be_named_and_must_be_there() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(FILE), "not read").unwrap();
        fs::write(root.path().join("other.toml"), "durations = \"5\"\n").unwrap();
        let error = load(root.path(), &[("CHAOS_CONFIG", "other.toml")]).unwrap_err().to_string();
        assert!(error.starts_with("other.toml:1:13: 5 of what?"), "{error}");
        let package = root.path().join("crates/shop");
        fs::create_dir_all(&package).unwrap();
        let error = load(&package, &[("CHAOS_CONFIG", "other.toml")]).unwrap_err().to_string();
        assert!(error.starts_with("other.toml:1:13: "), "it is relative to where cargo was called: {error}");
        let error = load(root.path(), &[("CHAOS_CONFIG", "none.toml")]).unwrap_err().to_string();
        assert!(error.starts_with("cannot read ") && error.contains("none.toml: No such file"), "{error}");
    }

    #[test]
    fn what_is_not_text_or_endless_is_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(FILE), b"seed = 1\ntests = [\"\xff\"]\n").unwrap();
        let error = load(root.path(), &[]).unwrap_err().to_string();
        assert!(error.starts_with("chaos.toml:2:11: this is not text"), "{error}");
        let error = load(root.path(), &[("CHAOS_CONFIG", "/dev/zero")]).unwrap_err().to_string();
        assert_eq!(error, "cannot read /dev/zero: it is larger than 1048576 bytes");
    }
}
