//! What the attributes expand to, and that no token of the user is lost or said twice.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

fn pretty(tokens: &TokenStream) -> String {
    match syn::parse2(tokens.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        Err(error) => panic!("{error} in {tokens}"),
    }
}

fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap()
}

#[test]
fn a_minimal_experiment() {
    let attribute = quote! {
        system = shop,
        hypothesis = "checkout keeps answering while Redis is slow",
        inject(latency(redis, 200ms)),
        expect(p99 < 500ms),
    };
    let item = quote! {
        async fn survives_slow_redis(shop: &Shop) -> Result<()> {
            shop.checkout().await
        }
    };
    insta::assert_snapshot!(pretty(&super::chaos_test(attribute, item)));
}

#[test]
fn an_experiment_with_everything() {
    let attribute = quote! {
        system = common::shop,
        hypothesis = "checkout keeps answering while Redis is slow",
        load(rate = 200/s, warmup = 1s, baseline = 5s, turbulence = 10s, timeout = 2s, concurrency = 500),
        steady_state(p50 < 5ms, error_rate <= 0.1%, throughput > 180/s, SLO),
        inject(latency(redis, 200ms, jitter = 50ms), bandwidth(postgres, 64KiB/s), common::flaky("redis")),
        expect(p99.9 < 2x baseline, throughput > 90% of baseline, max < LIMIT),
        recover(within = 5s),
        halt_if(error_rate > 50%),
        stages(
            1 instance,
            stage(mild, 5%, latency(redis) = 50ms, burst(redis) = 1s, risk = Risk::Low),
            stage(half, 50%, risk = high),
            starve_cpu(redis) = 20%,
            latency(redis) = [50ms, 100ms, 200ms],
            stage(all, reset_peer(redis) = 1s),
            common::last_stage(),
        ),
        confidence = 99%,
        revision = 2,
        seed = 42,
        parallel,
        crate = reexport::chaos,
    };
    let item = quote! {
        /// Said by the user.
        #[ignore = "needs a fast disk"]
        #[tracing::instrument]
        pub(crate) async fn survives_slow_redis() -> Result<()> {
            checkout().await
        }
    };
    let expanded = pretty(&super::chaos_test(attribute, item));
    assert!(!expanded.contains("chaos_harness"), "`crate = path` holds everywhere:\n{expanded}");
    insta::assert_snapshot!(expanded);
}

#[test]
fn a_system_with_everything() {
    let attribute = quote! {
        redis = container("redis:7", port = 6379, ready = log("Ready"), ready_within = 10s).or(process("redis-server")),
        inventory = cargo_bin("inventory", replicas = REPLICAS, env = "A=1", env = "B=2", after = redis),
        payments = common::payments(),
        stop = Shop::close,
    };
    let item = quote! {
        pub(crate) async fn shop(mut redis: Service, inventory: Service) -> Result<Shop> {
            Ok(Shop)
        }
    };
    insta::assert_snapshot!(pretty(&super::system(attribute, item)));
}

#[test]
fn the_clauses_that_are_right_are_emitted_beside_the_errors() {
    let attribute = quote! {
        system = shop,
        inject(latency(redis, 200), kill(redis)),
        expect(p99 < 500ms, p99 < 5m),
        stagse(5%),
    };
    let item = quote! { fn survives_slow_redis(shop: &Shop) -> Result<()> { shop.checkout() } };
    insta::assert_snapshot!(pretty(&super::chaos_test(attribute, item)));
}

#[test]
fn a_body_that_does_not_parse_is_passed_on() {
    let item = quote! { async fn shop() -> Result<Shop> { Shop. } };
    let expanded = super::system(quote! {}, item.clone()).to_string();
    assert!(expanded.starts_with(&item.to_string()), "{expanded}");
    assert!(!expanded.contains("compile_error"), "{expanded}");
}

#[test]
fn an_item_that_is_no_function_stays_as_it_is() {
    let expanded = super::chaos_test(quote! { system = shop }, quote! { struct Shop; });
    let text = expanded.to_string();
    assert!(text.starts_with("struct Shop ;"), "{text}");
    assert_eq!(text.matches("compile_error").count(), 1, "{text}");
}

/// How often each identifier and literal occurs.
fn count(tokens: TokenStream, word: &str) -> usize {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) => count(group.stream(), word),
            other => usize::from(other.to_string() == word),
        })
        .sum()
}

#[test]
fn each_token_of_an_experiment_is_emitted_exactly_once() {
    let attribute = "system = u_module::u_system, hypothesis = \"u_hypothesis\",
        load(u_rate = 101/s, u_warmup = 102s, u_load = U_LOAD, u_count = 103),
        steady_state(u_p1 < 104ms, u_p2.77 > 5.5%, u_slo(U_SLO)),
        inject(u_fault(u_service, 106ms, 107KiB, u_jitter = 10.8MB), u_expr.u_method(\"u_text\")),
        expect(u_p3 < 109x u_baseline, u_p4 > 11% of u_share),
        recover(u_within = 111min), halt_if(u_p5 >= 112kbit/s),
        stages(13%, 113 instances, stage(u_stage, 14%, u_one(u_its) = 115ms, risk = u_risk), u_many(u_theirs) = [116ms, U_MORE]),
        confidence = 15.5%, seed = 114, revision = 117, parallel";
    let item = quote! { async fn item() -> Result<()> {} };
    let expanded = super::chaos_test(tokens(attribute), item);
    let amounts = [
        "101000",
        "102",
        "103",
        "104",
        "77",
        "2",
        "55000",
        "106",
        "109568",
        "10800000",
        "109000000",
        "110000",
        "6660",
        "14000",
        "130000",
        "113",
        "140000",
        "155000",
        "114",
        "115",
        "116",
        "117",
    ];
    let names = [
        "u_module",
        "u_system",
        "\"u_hypothesis\"",
        "u_rate",
        "u_warmup",
        "u_load",
        "U_LOAD",
        "u_count",
        "u_p1",
        "u_p2",
        "u_slo",
        "U_SLO",
        "u_fault",
        "u_service",
        "u_jitter",
        "u_expr",
        "u_method",
        "\"u_text\"",
        "u_p3",
        "u_baseline",
        "u_p4",
        "u_share",
        "u_within",
        "u_p5",
        "\"u_stage\"",
        "u_one",
        "u_its",
        "u_risk",
        "u_many",
        "u_theirs",
        "U_MORE",
        "hypothesis",
        "load",
        "steady_state",
        "inject",
        "expect",
        "recover",
        "halt_if",
        "stages",
        "confidence",
        "seed",
        "revision",
        "parallel",
        "instances",
    ];
    for word in names.into_iter().chain(amounts) {
        assert_eq!(count(expanded.clone(), word), 1, "`{word}` in {}", pretty(&expanded));
    }
}

#[test]
fn each_token_of_a_system_is_emitted_exactly_once() {
    let attribute = "u_first = u_kind(\"u_image\", u_port = 101, after = u_second, u_limit = 102ms)
            .or(u_other(U_COMMAND, ready = u_ready(\"u_path\"))).u_method(103),
        u_third = u_module::u_source(),
        stop = u_type::u_stop";
    let item = quote! { async fn item() -> Result<()> {} };
    let expanded = super::system(tokens(attribute), item);
    let words = [
        "u_first",
        "u_kind",
        "\"u_image\"",
        "u_port",
        "101",
        "after",
        "u_second",
        "u_limit",
        "102",
        "u_other",
        "U_COMMAND",
        "ready",
        "u_ready",
        "\"u_path\"",
        "u_method",
        "103",
        "u_third",
        "u_module",
        "u_source",
        "u_type",
        "u_stop",
        "stop",
        "or",
    ];
    for word in words {
        assert_eq!(count(expanded.clone(), word), 1, "`{word}` in {}", pretty(&expanded));
    }
}
