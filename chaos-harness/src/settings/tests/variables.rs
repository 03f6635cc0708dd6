//! The environment alone.

use super::super::profile::Choices;
use super::*;
use crate::safety::Limits;

fn environment<const N: usize>(variables: [(&str, &str); N]) -> Result<Environment, SettingsError> {
    let variables = variables.map(|(name, value)| (name.into(), value.into()));
    match Environment::read(variables) {
        (environment, bad) if bad.is_empty() => Ok(environment),
        (_, bad) => Err(SettingsError::new(bad)),
    }
}

fn read<const N: usize>(variables: [(&str, &str); N]) -> Result<Settings, SettingsError> {
    under("", &variables)
}

#[test]
fn an_empty_environment_says_nothing() {
    let nothing = Environment::default();
    assert_eq!(environment([]).unwrap(), nothing);
    assert_eq!(environment([("CHAOS_SEED", ""), ("CHAOS_KEEP", ""), ("PATH", "/bin")]).unwrap(), nothing);
    assert_eq!(environment([("CHAOS_BACKEND", " \u{c}"), ("CHAOS_REQUIRE", " ")]).unwrap(), nothing);
}

#[test]
fn every_variable_is_read() {
    let read = environment([
        ("CHAOS_APPROVED_BY", "ada"),
        ("CHAOS_BACKEND", "process"),
        ("CHAOS_CONFIDENCE", "99%"),
        ("CHAOS_CONFIG", "other.toml"),
        ("CHAOS_DURATIONS", "1.5x"),
        ("CHAOS_IMAGE_PREFIX", "mirror/"),
        ("CHAOS_INCONCLUSIVE", "warn"),
        ("CHAOS_KEEP", "1"),
        ("CHAOS_LEDGER_DIR", "proof"),
        ("CHAOS_LOG", "warn,chaos_harness=debug"),
        ("CHAOS_MAX_FAULTS", "4"),
        ("CHAOS_MAX_FAULT_TIME", "10min"),
        ("CHAOS_MAX_SHARE", "12.5%"),
        ("CHAOS_NO_FAULT", "true"),
        ("CHAOS_PROFILE", "nightly"),
        ("CHAOS_REQUIRE", "docker"),
        ("CHAOS_RUN_ID", "17"),
        ("CHAOS_SEED", "0xc0ffee"),
        ("CHAOS_STAGES", "all"),
        ("CHAOS_TARGET_DIR", "out"),
        ("CARGO_TARGET_DIR", "/elsewhere"),
    ]);
    let expected = Environment {
        profile: Some("nightly".to_owned()),
        choices: Choices {
            stages: Some(Sourced::variable("CHAOS_STAGES", StageChoice::All)),
            durations: Some(Sourced::variable("CHAOS_DURATIONS", Factor::from_ppm(1_500_000))),
            confidence: Some(Sourced::variable("CHAOS_CONFIDENCE", Percent::new(99).into())),
            seed: Some(Sourced::variable("CHAOS_SEED", SeedPolicy::Fixed(Seed::new(0x00c0_ffee)))),
            backend: Some(Sourced::variable("CHAOS_BACKEND", BackendChoice::Process)),
            inconclusive: Some(Sourced::variable("CHAOS_INCONCLUSIVE", Inconclusive::Warn)),
        },
        config: Some("other.toml".into()),
        ledger_dir: Some("proof".into()),
        run_id: Some("17".to_owned()),
        approved_by: Some("ada".to_owned()),
        require: vec![Requirement::Docker],
        keep: true,
        no_fault: true,
        image_prefix: Some("mirror/".to_owned()),
        limits: Limits {
            faults: NonZeroU32::new(4),
            share: Some(Percent::from_ppm(125_000)),
            time: Some(Duration::from_secs(600)),
        },
        log: Some("warn,chaos_harness=debug".to_owned()),
        #[cfg(feature = "external-toxiproxy")]
        toxiproxy: None,
        target_dir: Some("out".into()),
        unknown: Vec::new(),
    };
    assert_eq!(read.unwrap(), expected);
}

#[test]
fn another_toxiproxy_is_taken_only_by_a_build_that_can_drive_it() {
    let read = |value| read([("CHAOS_TOXIPROXY", value)]);
    #[cfg(feature = "external-toxiproxy")]
    {
        let repeated = read("http://localhost:9000").unwrap().to_repeat();
        assert_eq!(repeated, [("CHAOS_TOXIPROXY", "http://127.0.0.1:9000".to_owned())]);
        let error = read("somewhere").unwrap_err().to_string();
        assert!(
            error.starts_with("CHAOS_TOXIPROXY=somewhere: ") && error.contains("http://127.0.0.1:8474"),
            "{error}"
        );
    }
    #[cfg(not(feature = "external-toxiproxy"))]
    {
        let error = read("http://localhost:9000").unwrap_err().to_string();
        assert!(error.contains("lacks its feature `external-toxiproxy`"), "{error}");
    }
}

#[test]
fn what_is_repeated_reads_back_as_the_same() {
    let settings = read([
        ("CHAOS_BACKEND", "docker"),
        ("CHAOS_IMAGE_PREFIX", "mirror/"),
        ("CHAOS_PROFILE", "lenient"),
        ("CHAOS_CONFIDENCE", "99%"),
        ("CHAOS_NO_FAULT", "1"),
        ("CHAOS_MAX_FAULTS", "1"),
        ("CHAOS_MAX_SHARE", "0.0001%"),
        ("CHAOS_MAX_FAULT_TIME", "1500ms"),
    ])
    .unwrap();
    let repeated = settings.to_repeat();
    let variables: Vec<_> = repeated.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(under("", &variables).unwrap(), settings);
}

#[test]
fn what_a_profile_of_the_file_says_is_repeated_as_if_it_were_said_by_variables() {
    let text = "default_profile = \"nightly\"\nbackend = \"process\"\n[profile.nightly]\ninherits = \"escalate\"\n\
                durations = \"2x\"\nconfidence = \"99%\"\nseed = \"commit\"\nstages = \"all\"\ninconclusive = \"warn\"\n";
    let repeated = under(text, &[]).unwrap().to_repeat();
    let repeated: Vec<_> = repeated.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        repeated,
        [
            "CHAOS_BACKEND=process",
            "CHAOS_CONFIDENCE=99%",
            "CHAOS_DURATIONS=2x",
            "CHAOS_INCONCLUSIVE=warn",
            "CHAOS_PROFILE=nightly",
            "CHAOS_STAGES=all",
        ]
    );
    assert_eq!(under("", &[]).unwrap().to_repeat(), [], "the gate is what runs anyway");
}

#[test]
fn all_bad_values_are_named_with_what_would_be_right() {
    let bad = [
        ("CHAOS_SEED", "dice"),
        ("CHAOS_KEEP", "yes"),
        ("CHAOS_REQUIRE", "docker,moon"),
        ("CHAOS_DURATIONS", "2"),
        ("CHAOS_STAGES", "erned"),
    ];
    assert_eq!(
        read(bad).unwrap_err().to_string(),
        "CHAOS_STAGES=erned: `erned` is not known there, write earned, escalate or all\n\
         CHAOS_DURATIONS=2: `2` is not known there, write 2x\n\
         CHAOS_SEED=dice: `dice` is not known there, write a whole number, as 0xc0ffee, or fresh, or commit\n\
         CHAOS_REQUIRE=docker,moon: `docker,moon` is not known there, write a list of: docker\n\
         CHAOS_KEEP=yes: `yes` is not known there, write 1 or 0"
    );
}

#[test]
fn a_limit_that_allows_nothing_or_means_nothing_is_a_bad_value() {
    let bad = [
        ("CHAOS_MAX_FAULTS", &["0", "-1", "many", "4294967296"][..]),
        ("CHAOS_MAX_SHARE", &["0%", "0.0%", "50", "101%", "0.00001%", "%", ".5%", "-1%", "4294967295%"]),
        ("CHAOS_MAX_FAULT_TIME", &["0s", "10", "10m", "min", "9999999h", "18446744073709551615h", "1.5s"]),
    ];
    for (variable, values) in bad {
        for value in values {
            let error = read([(variable, *value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{variable}={value}: ")), "{error}");
        }
    }
}

#[test]
fn blanks_in_a_filter_of_the_log_are_part_of_no_name() {
    let log = environment([("CHAOS_LOG", " warn, chaos_harness=debug")]).unwrap().log;
    assert_eq!(log.as_deref(), Some("warn,chaos_harness=debug"));
}

#[test]
fn a_filter_of_the_log_that_tracing_does_not_take_is_a_bad_value() {
    for filter in ["chaos_harness=loud", "warn, \u{fc}\u{fc}=debug"] {
        let error = read([("CHAOS_LOG", filter)]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("CHAOS_LOG={filter}: ")), "{error}");
    }
}

#[test]
fn a_misspelt_variable_is_pointed_out_and_those_of_the_harness_are_not() {
    let unknown =
        read([("CHAOS_SEEDS", "1"), ("CHAOS_TRIAL", "t"), ("CHAOS_GUARD", "g"), ("CHAOS_LOG", "debug")])
            .unwrap();
    let unknown = unknown.unknown_variables();
    assert_eq!(unknown.len(), 1);
    let text = unknown[0].to_string();
    assert!(text.starts_with("CHAOS_SEEDS is set") && text.contains("CHAOS_SEED,"), "{text}");
}

#[test]
fn a_relative_target_dir_of_cargo_is_not_believed() {
    assert_eq!(environment([("CARGO_TARGET_DIR", "target")]).unwrap().target_dir, None);
    assert_eq!(environment([("CARGO_TARGET_DIR", "/t")]).unwrap().target_dir, Some("/t".into()));
}
