//! `#[ignore]` and `#[cfg]`, on either side of the attribute, and attributes that stay with the function.
#![deny(warnings)]

use chaos_harness::prelude::*;

#[system(redis = container("redis:7", port = 6379))]
async fn shop() -> Result<()> {
    Ok(())
}

#[chaos_test(system = shop, hypothesis = "h", inject(kill(redis)), expect(p99 < 1s))]
#[ignore = "needs a fast disk"]
#[expect(clippy::unused_async, reason = "stays with the function")]
async fn with_a_reason() -> Result<()> {
    Ok(())
}

#[ignore]
#[chaos_test(system = shop, hypothesis = "h", inject(kill(redis)), expect(p99 < 1s))]
async fn without_a_reason() -> Result<()> {
    Ok(())
}

#[cfg(any())]
#[chaos_test(system = of_another_platform, hypothesis = "h", inject(kill(redis)), expect(p99 < 1s))]
async fn left_out() -> Result<()> {
    Ok(())
}

#[chaos_test(system = of_another_platform, hypothesis = "h", inject(kill(redis)), expect(p99 < 1s))]
#[cfg(any())]
async fn left_out_below() -> Result<()> {
    Ok(())
}

pub(crate) fn check() {
    let reason = |experiment: Experiment| experiment.definition().ignored.clone();
    assert_eq!(reason(with_a_reason__experiment()).as_deref(), Some("needs a fast disk"));
    assert_eq!(reason(without_a_reason__experiment()).as_deref(), Some("marked `#[ignore]`"));
}
