//! The crate under another path, relative to where the attribute stands.

mod reexport {
    pub(crate) use chaos_harness as chaos;
}

mod inner {
    use super::reexport;
    use reexport::chaos::ServiceName;
    use reexport::chaos::prelude::*;

    // Nothing may refer to the crate by its own name.
    mod chaos_harness {}

    #[system(
        crate = reexport::chaos,
        redis = container("redis:7", port = 6379, ready = tcp(), ready_within = 5s),
    )]
    async fn shop() -> Result<()> {
        Ok(())
    }

    #[chaos_test(
        crate = reexport::chaos,
        system = shop,
        hypothesis = "h",
        load(rate = 200/s),
        inject(bandwidth(redis, 64KiB/s), latency(redis, 1ms)),
        expect(p99 < 2x baseline, error_rate < 1%),
        recover(within = 1s),
        stages(1 instance, 50%),
    )]
    async fn checkout() -> Result<()> {
        Ok(())
    }

    pub(crate) const SERVICE: ServiceName = shop__system::redis;

    pub(crate) fn experiment() -> Experiment {
        checkout__experiment()
    }
}

pub(crate) fn check() {
    assert_eq!(inner::SERVICE.to_string(), "redis");
    assert_eq!(inner::experiment().definition().name, "renamed_crate::inner::checkout");
}
