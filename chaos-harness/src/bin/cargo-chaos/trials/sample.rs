//! Evidence, for tests.

use chaos_harness::experiment::Verdict;
use chaos_harness::ledger::Evidence;
use serde_json::json;

/// What a trial left that came to this.
pub(crate) fn evidence(trial: &str, verdict: Verdict) -> Evidence {
    let evidence = json!({
        "schema": Evidence::SCHEMA,
        "experiment": format!("shop::chaos::{}", trial.rsplit_once("::").unwrap().0),
        "location": {"file": "tests/chaos.rs", "line": 7},
        "fingerprint": "expect:6c74b26b105b",
        "stage": {
            "number": 2, "name": "5_percent", "of": 4, "asked": "5%",
            "reached": [{"service": "redis", "text": "1 of 3 (33 %)", "ppm": 333_333}],
            "touched": {"touched": 15, "of": 300}, "risk": "low", "needs_approval": false,
        },
        "trial": trial,
        "profile": "escalate",
        "verdict": verdict,
        "why": if verdict == Verdict::Upheld { "" } else { "p99 < 500ms: observed 801ms" },
        "thresholds": [
            {"threshold": "p99 < 500ms", "observed": "801ms", "held": verdict == Verdict::Upheld},
            {"threshold": "error_rate < 1%", "observed": "", "held": null},
        ],
        "seed": "0xc0ffee",
        "attempt": {"run": 1, "trial": 1},
        "at": "2026-11-27T20:19:06.107Z",
        "as_of": null,
        "run": {"id": "4711"},
        "commit": null,
        "dirty": false,
        "origin": {},
        "policy": "simple",
        "approved_by": null,
        "injected": true,
        "journal": "4711/slow_redis.2_5_percent/journal.jsonl",
        "rerun": "CHAOS_SEED=0xc0ffee cargo test -p shop",
    });
    serde_json::from_value(evidence).unwrap()
}
