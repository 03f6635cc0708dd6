//! The attributes in an ordinary test target, under this workspace's own lints: what they register is what is said.

use chaos_harness::Experiment;
use chaos_harness::harness::Registration;
use chaos_harness::prelude::*;

/// What is built on the services.
pub struct Shop;

/// A system that other crates could use.
#[system(
    redis = container("redis:7", port = 6379, ready_within = 10s),
    inventory = cargo_bin("inventory", replicas = 10, after = redis),
    stop = stop,
)]
pub async fn shop(redis: Service, inventory: Service) -> Result<Shop> {
    drop((redis, inventory));
    answer().await?;
    Ok(Shop)
}

async fn stop(_shop: Shop) -> Result {
    answer().await
}

fn answer() -> impl Future<Output = Result> + Send {
    std::future::ready(Ok(()))
}

#[chaos_test(
    system = shop,
    hypothesis = "checkout keeps answering while Redis is slow",
    load(rate = 200/s, warmup = 1s),
    inject(latency(redis, 200ms, jitter = 50ms), kill(inventory)),
    expect(p99 < 2x baseline, error_rate < 1%),
    recover(within = 5s),
    stages(1 instance, 20%),
)]
#[ignore = "there is no such shop: only what is registered is looked at"]
async fn checkout_survives(shop: &Shop) -> Result {
    let Shop = shop;
    answer().await
}

mod cart {
    //! Experiments may live in any module.

    use chaos_harness::prelude::*;

    #[chaos_test(
        system = super::shop,
        hypothesis = "the cart needs no inventory",
        inject(pause(inventory)),
        expect(error_rate < 1%),
    )]
    #[ignore = "there is no such shop: only what is registered is looked at"]
    async fn survives() -> Result {
        super::answer().await
    }
}

#[test]
fn experiments_are_registered_under_the_path_in_their_crate() {
    let registered: Vec<Experiment> =
        inventory::iter::<Registration>().map(|registration| (registration.define)()).collect();
    let mut names: Vec<_> =
        registered.iter().map(|experiment| experiment.definition().name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["cart::survives", "checkout_survives"]);
}

#[test]
fn a_definition_says_where_it_is_written() {
    let experiment = checkout_survives__experiment();
    let location = &experiment.definition().location;
    assert_eq!((location.package.as_str(), location.target.as_str()), ("chaos-harness", "attributes"));
    let source = include_str!("attributes.rs");
    let line = source.lines().nth(location.line as usize - 1).unwrap();
    assert!(line.contains("#[chaos_test("), "line {}: {line}", location.line);
}
