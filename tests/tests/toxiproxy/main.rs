//! The real client of Toxiproxy, with every call it has: against the embedded server in this process, against a
//! separate `cargo chaos proxy`, and against the original where `TOXIPROXY_BIN` names one.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod bed;
mod control;
mod servers;
mod toxics;

/// Makes a test of each function, for each kind of server.
macro_rules! suite {
    ($($module:ident::$test:ident,)*) => {
        mod embedded {
            $(#[test] fn $test() { crate::$module::$test(&crate::bed::Bed::new(crate::servers::embedded())); })*
        }
        mod process {
            $(#[test] fn $test() { crate::$module::$test(&crate::bed::Bed::new(crate::servers::process())); })*
        }
        mod original {
            $(#[test] fn $test() {
                match crate::servers::original() {
                    Some(server) => crate::$module::$test(&crate::bed::Bed::new(server)),
                    None => eprintln!("skipped: TOXIPROXY_BIN names no toxiproxy-server"),
                }
            })*
        }
    };
}

suite! {
    control::the_server_runs_and_tells_its_version,
    control::populated_proxies_are_found_one_by_one_and_all_together,
    control::populating_anew_keeps_what_is_the_same_and_replaces_what_differs,
    control::a_proxy_on_a_taken_port_is_an_error,
    control::a_disabled_proxy_refuses_until_it_is_enabled,
    control::a_proxy_is_down_for_a_closure_and_up_after_it,
    control::a_deleted_proxy_is_gone_and_refuses,
    control::resetting_enables_all_proxies_and_removes_all_toxics,
    control::one_proxy_is_found_and_reset_while_others_stay,
    control::toxics_apply_for_a_closure_and_are_gone_after_it,
    control::all_toxics_of_a_proxy_are_deleted_at_once,
    control::a_second_toxic_of_one_name_changes_nothing,
    control::each_toxic_is_listed_with_what_was_asked_for,
    toxics::latency_delays_each_stream,
    toxics::bandwidth_holds_each_stream_to_its_rate,
    toxics::slow_close_delays_the_end_of_each_stream,
    toxics::timeout_drops_data_and_closes_on_each_stream,
    toxics::slicer_cuts_each_stream_and_loses_nothing,
    toxics::limit_data_passes_just_so_many_bytes_on_each_stream,
    toxics::a_toxicity_of_nothing_touches_nothing,
    toxics::toxics_on_both_streams_add_up,
}
