use super::*;
use crate::BoxError;
use crate::blast_radius::Stage;
use crate::chance::Seed;
use crate::experiment::Experiment;
use crate::fault::{self, Fault};
use crate::measure::{Load, metric};
use crate::redact::Redactor;
use crate::report::{Event, Journal, JournalReader, PastEvent};
use crate::secret::Secret;
use crate::system::{ChosenService, Command, System, cargo_bin, process};
use crate::units::{Bytes, Percent, Rate, Share};
use proptest::prelude::*;
use serde_json::json;

fn app() -> Command {
    process("app --port {port}")
}

fn plan_of(app: Command, faults: Vec<Fault>, stages: Vec<Stage>, rung: usize, seed: Seed) -> Option<Plan> {
    let system = System::new("shop")
        .service("app", app.env("REDIS={redis}"))
        .service("redis", cargo_bin("redis"))
        .start(|_| async { Ok::<_, BoxError>(()) });
    let experiment = Experiment::new("stock::survives", system, |_| async { Ok::<_, BoxError>(()) })
        .hypothesis("nobody notices \"it\"")
        .load(Load::new().rate(Rate::per_second(200)))
        .steady_state([metric::p90().below(Duration::from_millis(50))])
        .inject(faults)
        .expect([metric::throughput().above(Percent::new(50).of(metric::baseline()))])
        .stages(stages);
    let definition = experiment.definition();
    let rungs = outline(definition, &[]).ok()?;
    let chosen = definition.system.services.iter().map(|service| ChosenService {
        name: service.name.clone(),
        provider: service.providers[0].clone(),
        after: service.after.clone(),
    });
    Some(Plan::new(definition, rungs.get(rung)?, chosen.collect(), seed, true))
}

fn plan() -> Plan {
    let faults = vec![fault::kill("app").into()];
    let stages = vec![Stage::percent::<20>(), Stage::percent::<50>()];
    plan_of(app().replicas(10), faults, stages, 0, Seed::new(7)).expect("it is sound")
}

/// What is said of the plan with this changed in it.
#[track_caller]
fn refused(change: impl FnOnce(&mut Value)) -> String {
    let mut value = serde_json::to_value(plan()).unwrap();
    change(&mut value);
    Plan::from_json(value.to_string().as_bytes()).expect_err("it is refused").to_string()
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let fault = prop_oneof![
        (0_u64..1_000).prop_map(|ms| fault::latency("app", Duration::from_millis(ms)).into()),
        Just(fault::down("redis").into()),
        Just(fault::kill("app").into()),
        (1_u64..1_000_000).prop_map(|bytes| fault::limit_data("app", Bytes::new(bytes)).into()),
        (1_u32..100).prop_map(|percent| fault::starve_cpu("app").to(Percent::new(percent)).into()),
    ];
    prop::collection::vec(fault, 1..4)
}

proptest! {
    // Each case writes to a disk.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_plan_reads_back_from_its_journal_as_it_was_written(
        replicas in 1_u32..12,
        faults in faults(),
        shares in prop::collection::btree_set(1_u32..=100, 1..4),
        rung in 0_usize..2,
        seed in any::<u64>(),
        value in "[ -~]{0,20}",
    ) {
        let stages = shares.into_iter().map(|share| Stage::share(Share::try_from(Percent::new(share)).unwrap())).collect();
        let app = app().replicas(replicas).env(format!("GREETING={}", value.replace(['{', ':', '='], " ")));
        let plan = plan_of(app, faults, stages, rung, Seed::new(seed));
        prop_assume!(plan.is_some());
        let plan = plan.unwrap();

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        Journal::create(&path, plan.redactor()).unwrap().event(&Event::Planned { plan: &plan, at: 1 });
        let text = std::fs::read(&path).unwrap();
        let first = JournalReader::new(&text[..]).next();
        let Some(Ok(entry)) = first else { panic!("{first:?}") };
        let PastEvent::Planned { plan: read, .. } = entry.event else { panic!("{entry:?}") };
        prop_assert_eq!(&*read, &plan);
        prop_assert_eq!(Plan::from_json(&serde_json::to_vec(&read).unwrap()), Ok(plan.clone()));
        prop_assert_eq!(
            Definition::from_json(&serde_json::to_vec(&plan.definition).unwrap()),
            Ok(plan.definition)
        );
    }

    #[test]
    fn any_text_is_taken(text in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Plan::from_json(&text).is_err());
    }
}

#[test]
fn a_plan_stored_without_its_secrets_is_refused() {
    for app in [
        app().env(("SEED", Secret::new("correct horse"))),
        app().env("API_KEY=horse"),
        process("app --port {port} --db redis://:horse@host"),
    ] {
        let plan = plan_of(app, vec![fault::kill("app").into()], Vec::new(), 0, Seed::new(7)).unwrap();
        let stored = plan.redactor().line(&plan).unwrap();
        let error = Plan::from_json(&stored).expect_err("its secrets are gone").to_string();
        assert!(error.contains("holds `[redacted]`") && error.contains("write them in again"), "{error}");
        let text = String::from_utf8(Redactor::default().line(&plan).unwrap()).unwrap();
        assert!(!text.contains("horse"), "{text}");
    }
}

#[test]
fn what_the_builder_refuses_is_refused_here() {
    let error = refused(|plan| plan["definition"]["expect"] = json!([]));
    assert!(error.starts_with("it cannot be run: the hypothesis has no threshold"), "{error}");
    let error = refused(|plan| plan["definition"]["load"]["concurrency"] = json!(0));
    assert!(error.contains("concurrency is 0"), "{error}");
}

#[test]
fn what_does_not_come_of_experiment_and_seed_is_refused() {
    for (part, change) in [
        ("stage", json!({"stage": {"number": 3, "name": "x", "scope": {"Instances": 1}, "same": []}})),
        ("choice of targets", json!({"seed": 8})),
        ("choice of targets", json!({"injections": []})),
        ("choice of services", json!({"services": []})),
    ] {
        let error = refused(|plan| plan.as_object_mut().unwrap().extend(change.as_object().unwrap().clone()));
        assert!(error.starts_with(&format!("its {part} is not what comes of")), "{error}");
    }
    let error =
        refused(|plan| plan["services"][0]["provider"]["kind"] = json!({"Command": {"line": "rm {port}"}}));
    assert!(error.starts_with("its choice of services"), "{error}");
}

#[test]
fn an_image_may_have_the_prefix_of_the_machine_that_planned() {
    let image = |image: &str| {
        crate::system::Source::from(crate::system::container(image).port(1)).providers[0].clone()
    };
    assert!(image("redis:7").is_offer_of(&image("mirror/redis:7")));
    assert!(!image("redis:7").is_offer_of(&image("redis:8")));
}

#[test]
fn a_plan_of_before_there_were_risks_is_read_as_if_it_had_them() {
    let stages = vec![Stage::percent::<5>(), Stage::percent::<50>()];
    let plan = plan_of(app().replicas(3), vec![fault::kill("app").into()], stages, 0, Seed::new(7)).unwrap();
    assert_eq!(plan.stage.reaches, ["1 of 3 instances (33 %) of `app`"]);
    let mut old = serde_json::to_value(&plan).unwrap();
    let forget = |value: &mut Value, fields: &[&str]| {
        let object = value.as_object_mut().unwrap();
        for field in fields {
            assert!(object.remove(*field).is_some(), "{field} is there");
        }
    };
    forget(&mut old["stage"], &["risk", "magnitude", "reaches"]);
    forget(&mut old["definition"], &["revision", "body"]);
    for stage in old["definition"]["stages"].as_array_mut().unwrap() {
        forget(stage, &["risk", "magnitudes"]);
    }
    assert_eq!(Plan::from_json(old.to_string().as_bytes()), Ok(plan.clone()));
    assert_eq!(Definition::from_json(old["definition"].to_string().as_bytes()), Ok(plan.definition));
}

#[test]
fn what_means_nothing_is_refused_with_what_was_meant() {
    let error = refused(|plan| plan["definition"]["load"]["tiemout"] = json!(1));
    assert!(error.starts_with("`definition.load.tiemout` means nothing here: there are "), "{error}");
    let error = refused(|plan| plan["sed"] = json!(1));
    assert_eq!(error, "`sed` means nothing here: is `seed` meant?");
    let error = refused(|plan| plan["schema"] = json!(2));
    assert_eq!(error, "it is stored in form 2, and this release reads form 1");
}

#[test]
fn nothing_beyond_the_limits_is_looked_into() {
    let error = refused(|plan| {
        plan["definition"]["system"]["services"][0]["providers"][0]["replicas"] = json!(4_000_000_000_u32);
    });
    assert_eq!(error, "instances of a service: 4000000000, and at most 1000 is read");
    let error = refused(|plan| plan["definition"]["recover"]["within"]["secs"] = json!(u64::MAX));
    assert!(error.starts_with("a time: ") && error.ends_with("at most 86400s is read"), "{error}");
    for part in ["services", "stages", "faults"] {
        let error = refused(|plan| {
            let list = match part {
                "services" => &mut plan["definition"]["system"]["services"],
                part => &mut plan["definition"][part],
            };
            *list = json!(vec![list[0].clone(); 257]);
        });
        assert_eq!(error, format!("{part}: 257, and at most 256 is read"));
    }
    let error = refused(|plan| plan["definition"]["hypothesis"] = json!("x".repeat(1 << 20)));
    assert!(error.starts_with("its bytes: "), "{error}");
    let error = Plan::from_json(&[b'['; 100]).unwrap_err().to_string();
    assert!(error.starts_with("arrays and objects within each other"), "{error}");
}
