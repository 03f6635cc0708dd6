use super::*;
use crate::blast_radius::{Risk, Stage};
use crate::experiment::{Experiment, Location, Recover, outline};
use crate::ledger::Digest;
use crate::measure::metric;
use crate::secret::Secret;
use crate::system::{Command, Ready, ServiceSpec, Source, System, cargo_bin, container, external, process};
use crate::units::{Bytes, Factor, Percent, Rate};
use crate::{BoxError, fault};
use std::time::Duration;

mod attribute;

const MS: Duration = Duration::from_millis(1);

fn shop(redis: impl Into<Source>, inventory: impl Into<Source>) -> System<()> {
    System::new("shop")
        .service("redis", redis)
        .service("inventory", inventory)
        .start(|_| async { Ok::<_, BoxError>(()) })
}

fn inventory() -> Command {
    process("inventory --port {port} --config=fixtures/inventory.conf")
        .replicas(10)
        .env("REDIS={redis}")
        .env(("PASSWORD", Secret::new("hunter2")))
        .env("API_TOKEN=swordfish")
}

fn experiment() -> Experiment {
    let redis = container("redis:7")
        .port(6379)
        .command("redis-server --save ''")
        .or(cargo_bin("redis").built(Some("/a/redis")));
    Experiment::new("survives", shop(redis, inventory()), |_| async { Ok::<_, BoxError>(()) })
        .hypothesis("nobody notices")
        .load(Load::new().rate(Rate::per_second(200)))
        .steady_state([metric::p99().below(50 * MS), metric::error_rate().below(Percent::new(1))])
        .inject([fault::latency("redis", 200 * MS).jitter(50 * MS).into(), fault::kill("inventory").into()])
        .expect([metric::throughput().above(Percent::new(90).of(metric::baseline()))])
        .halt_if([metric::error_rate().above(Percent::new(50))])
        .stages([Stage::percent::<20>(), Stage::percent::<50>().named("half")])
        .revision(1)
        .body(Digest::of(b"body"))
}

/// As it is reckoned when trials are listed. What cannot be decided or run is of no concern here.
fn of(definition: &Definition) -> Fingerprint {
    let mut sound = definition.clone();
    sound.steady_state.truncate(1);
    sound.steady_state[0] = metric::error_rate().below(Percent::new(10));
    sound.expect.clone_from(&sound.steady_state);
    sound.load = Load::new();
    let rungs = outline(&sound, &[]).unwrap_or_else(|problems| panic!("{problems:?}"));
    fingerprint(definition, &rungs)
}

/// What is seen to have changed when this is changed.
fn changed(change: impl FnOnce(&mut Definition)) -> Vec<Part> {
    let definition = experiment().definition;
    let mut changed = definition.clone();
    change(&mut changed);
    assert_ne!(changed, definition, "something is changed");
    of(&changed).changed_since(&of(&definition))
}

fn with_system(redis: impl Into<Source>, inventory: impl Into<Source>) -> impl FnOnce(&mut Definition) {
    let system = shop(redis, inventory).erase().spec;
    move |definition| definition.system = system
}

fn redis() -> Source {
    container("redis:7").port(6379).command("redis-server --save ''").or(cargo_bin("redis"))
}

#[test]
fn what_is_said_of_faults_thresholds_load_and_stages_resets_the_proof() {
    let (faults, expect, load, stages) = ([Part::Faults], [Part::Expect], [Part::Load], [Part::Stages]);
    assert_eq!(changed(|it| it.faults[0] = fault::latency("redis", 201 * MS).jitter(50 * MS).into()), faults);
    assert_eq!(changed(|it| it.faults[0] = fault::latency("redis", 200 * MS).jitter(51 * MS).into()), faults);
    assert_eq!(changed(|it| it.faults[1] = fault::kill("redis").into()), faults);
    assert_eq!(changed(|it| it.faults[1] = fault::pause("inventory").into()), faults);
    assert_eq!(changed(|it| it.faults.push(fault::pause("redis").into())), faults);
    let sliced = fault::latency("redis", 200 * MS).jitter(50 * MS).slices(MS);
    assert_eq!(changed(|it| it.faults[0] = sliced.clone().into()), faults);
    let upstream = fault::latency("redis", 200 * MS).jitter(50 * MS).stream(Stream::Upstream);
    assert_eq!(changed(|it| it.faults[0] = upstream.into()), faults);

    assert_eq!(changed(|it| it.steady_state[0] = metric::p99().below(51 * MS)), expect);
    assert_eq!(changed(|it| it.steady_state[0] = metric::p90().below(50 * MS)), expect);
    assert_eq!(changed(|it| it.expect[0] = metric::throughput().above(Rate::per_second(90))), expect);
    assert_eq!(
        changed(
            |it| it.expect[0] = metric::throughput().above(Factor::from_ppm(910_000).of(metric::baseline()))
        ),
        expect
    );
    assert_eq!(changed(|it| it.halt_if.clear()), expect);
    // From the end of one clause to the beginning of the next.
    assert_eq!(changed(|it| it.expect.splice(0..0, it.steady_state.pop()).for_each(drop)), expect);
    assert_eq!(changed(|it| it.recover = Recover::new().within(MS)), expect);
    assert_eq!(changed(|it| it.confidence = Percent::new(99)), expect);

    assert_eq!(changed(|it| it.load = Load { rate: Rate::per_second(201), ..it.load }), load);
    assert_eq!(changed(|it| it.load = Load { concurrency: 5, ..it.load }), load);
    assert_eq!(changed(|it| it.load = Load { timeout: MS, ..it.load }), load);

    assert_eq!(changed(|it| it.stages[0] = Stage::percent::<30>()), stages);
    assert_eq!(changed(|it| it.stages[1] = Stage::percent::<50>().named("most")), stages);
    assert_eq!(changed(|it| drop(it.stages.pop())), stages);
    assert_eq!(changed(|it| it.stages.clear()), stages);
    let mild = |delay| fault::latency("redis", delay);
    assert_eq!(
        changed(|it| it.stages[0] = Stage::percent::<20>().named("20_percent").with(mild(MS))),
        stages
    );
    let stronger = |delay| {
        let mut it = experiment().definition;
        it.stages = vec![Stage::percent::<20>().named("mild").with(mild(delay)), Stage::percent::<20>()];
        of(&it)
    };
    assert_eq!(stronger(MS).changed_since(&stronger(2 * MS)), stages);

    assert_eq!(changed(|it| it.revision = Some(2)), [Part::Revision]);
    assert_eq!(changed(|it| it.revision = None), [Part::Revision]);
    assert_eq!(changed(|it| it.body = Some(Digest::of(b"another"))), [Part::Body]);
}

#[test]
fn another_service_or_another_way_to_provide_it_resets_the_proof() {
    let system = [Part::System];
    let image = || container("redis:7").port(6379).command("redis-server --save ''");
    assert_eq!(
        changed(with_system(container("redis:8").port(6379).or(cargo_bin("redis")), inventory())),
        system
    );
    assert_eq!(changed(with_system(image().port(6380).or(cargo_bin("redis")), inventory())), system);
    assert_eq!(changed(with_system(image(), inventory())), system);
    assert_eq!(changed(with_system(cargo_bin("redis").or(image()), inventory())), system);
    assert_eq!(changed(with_system(image().env("A=1").or(cargo_bin("redis")), inventory())), system);
    assert_eq!(
        changed(with_system(image().ready(Ready::log("up")).or(cargo_bin("redis")), inventory())),
        system
    );
    assert_eq!(changed(with_system(redis(), inventory().env("MODE=fast"))), system);
    assert_eq!(changed(with_system(redis(), inventory().after("redis"))), system);
    let other = process("inventory --port {port} --config=fixtures/other.conf");
    assert_eq!(changed(with_system(redis(), other.replicas(10).env("REDIS={redis}"))), system);
    assert_eq!(changed(|it| drop(it.system.services[0].providers.pop())), system);
    let more = ServiceSpec { name: "more".into(), ..experiment().definition.system.services[0].clone() };
    assert_eq!(changed(|it| it.system.services.push(more)), system);
    let at = |address: &str| {
        let mut it = experiment().definition;
        with_system(external(address).allow_faults(), inventory())(&mut it);
        of(&it)
    };
    assert_eq!(at("127.0.0.1:1").changed_since(&at("127.0.0.1:2")), system);
}

#[test]
fn prose_durations_places_secrets_and_folders_of_this_machine_are_not_seen() {
    let none: [Part; 0] = [];
    assert_eq!(changed(|it| it.hypothesis = "nobody cares".to_owned()), none);
    assert_eq!(changed(|it| it.ignored = Some("slow".to_owned())), none);
    assert_eq!(changed(|it| it.name = "moved::survives".to_owned()), none);
    assert_eq!(changed(|it| it.location = Location { line: 7, ..Location::default() }), none);
    assert_eq!(changed(|it| it.seed = Some(7.into())), none);
    assert_eq!(changed(|it| it.parallel = true), none);
    assert_eq!(changed(|it| it.load = Load { warmup: MS, baseline: MS, turbulence: MS, ..it.load }), none);
    assert_eq!(changed(|it| it.stages[0] = it.stages[0].clone().risk(Risk::Critical)), none);
    assert_eq!(changed(|it| it.stages.insert(1, Stage::percent::<20>())), none, "it is merged");
    assert_eq!(changed(|it| it.system.name = "store".to_owned()), none);
    assert_eq!(changed(|it| it.system.services[0].providers[0].ready_within = MS), none);

    let secret = |secret: &str, token: &str| {
        let inventory = process("inventory --port {port} --config=fixtures/inventory.conf")
            .replicas(10)
            .env("REDIS={redis}");
        inventory.env(("PASSWORD", Secret::new(secret))).env(format!("API_TOKEN={token}"))
    };
    assert_eq!(changed(with_system(redis(), secret("hunter3", "marlin"))), none);
    let built = |path| {
        container("redis:7").port(6379).command("redis-server --save ''").or(cargo_bin("redis").built(path))
    };
    assert_eq!(changed(with_system(built(None), inventory())), none);
    let at = |folder: &str, password: &str| {
        let line = format!("{folder}/target/debug/inventory --port {{port}} --db redis://:{password}@host");
        let mut it = experiment().definition;
        with_system(redis(), process(line).replicas(10).env(format!("HOME={folder}/home")))(&mut it);
        of(&it)
    };
    assert_eq!(at("/home/runner/work", "hunter2"), at("/home/me", "hunter3"));
    assert_ne!(at("/home/me", "x"), at("bin", "x"), "what is there on each machine counts");
}

#[test]
fn an_experiment_says_no_part_that_it_does_not_have() {
    let mut bare = experiment().definition;
    (bare.body, bare.revision) = (None, None);
    assert_eq!(of(&experiment().definition).changed_since(&of(&bare)), [Part::Body, Part::Revision]);
}

/// The proof of everybody's experiments is kept by these numbers: a release that changes them resets it.
#[test]
fn fingerprints_stay_what_they_are() {
    let parts = "body:9f0b8a1e6ad4 expect:076d1a0950b5 faults:291e4196a5f1 load:ab6e7ca719a1 revision:246a10cda0bc \
                 stages:b2cc7a35fee4 system:013776abe56e";
    assert_eq!(of(&experiment().definition).to_string(), parts);
    // One of each kind that the other does not have.
    let every =
        Experiment::new("every", shop(external("127.0.0.1:1").allow_faults(), inventory()), |_| async {
            Ok::<_, BoxError>(())
        })
        .load(Load::new())
        .steady_state([metric::max().below(50 * MS)])
        .inject([
            fault::bandwidth("redis", Bytes::new(9).per_second()).into(),
            fault::timeout("redis").into(),
            fault::reset_peer("redis").into(),
            fault::down("redis").into(),
            fault::slow_close("redis", MS).into(),
            fault::slicer("redis", Bytes::new(9)).into(),
            fault::limit_data("redis", Bytes::new(9)).into(),
            fault::stall("redis", Bytes::new(9)).into(),
            fault::burst("redis", MS, MS).into(),
            fault::limit_connections("redis", 9).into(),
            fault::refuse_connections("redis").into(),
            fault::delay_connections("redis", MS).into(),
            fault::stop("inventory").into(),
            fault::pause("inventory").into(),
            fault::starve_cpu("inventory").into(),
        ])
        .expect([metric::p50().below(Factor::from_ppm(2_000_000).of(metric::baseline()))]);
    let parts =
        "expect:bfc9230d9250 faults:dac5c7597eb1 load:d1083b080c33 stages:77e46cade929 system:7ecfb8f0be00";
    assert_eq!(of(&every.definition).to_string(), parts);
    // And stages that say more than a scope.
    let stages = [
        Stage::percent::<50>().with(fault::starve_cpu("inventory").to(Percent::new(50))),
        Stage::magnitude(fault::bandwidth("redis", Bytes::new(8).per_second())),
        Stage::magnitude(fault::bandwidth("redis", Bytes::new(8).per_second())).with(fault::burst(
            "redis",
            2 * MS,
            MS,
        )),
        Stage::magnitude(fault::bandwidth("redis", Bytes::new(7).per_second()))
            .with(fault::burst("redis", 2 * MS, MS))
            .with(fault::limit_connections("redis", 3)),
    ];
    let of_stages = of(&every.stages(stages).definition).to_string();
    assert!(of_stages.contains(" stages:41ca9b16468b "), "{of_stages}");
}
