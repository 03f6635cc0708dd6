//! What each toxic does to data, on each stream.

use crate::bed::{Bed, connect, echo, now};
use chaos_tests::service::CLOSE;
use std::io::{Read as _, Write as _};
use std::time::Duration;

const UPSTREAM: &str = "upstream";
const DOWNSTREAM: &str = "downstream";

/// What a route without toxics does with room to spare, also on a busy machine.
const SOON: Duration = Duration::from_secs(5);

fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) fn latency_delays_each_stream(bed: &Bed) {
    let proxy = bed.proxy("cache");
    for stream in [UPSTREAM, DOWNSTREAM] {
        let shaped = proxy.with_latency(stream.into(), 300, 50, 1.0);
        shaped
            .apply(|| {
                let took = echo(&mut connect(&proxy), b"late");
                assert!((milliseconds(250)..SOON).contains(&took), "{stream}: {took:?}");
            })
            .unwrap();
    }
}

pub(crate) fn bandwidth_holds_each_stream_to_its_rate(bed: &Bed) {
    let proxy = bed.proxy("cache");
    for stream in [UPSTREAM, DOWNSTREAM] {
        let shaped = proxy.with_bandwidth(stream.into(), 100, 1.0);
        shaped
            .apply(|| {
                let took = echo(&mut connect(&proxy), &vec![b'x'; 80_000]);
                assert!((milliseconds(600)..2 * SOON).contains(&took), "{stream}: {took:?}");
            })
            .unwrap();
    }
}

pub(crate) fn slow_close_delays_the_end_of_each_stream(bed: &Bed) {
    let proxy = bed.proxy("cache");
    proxy
        .with_slow_close(DOWNSTREAM.into(), 500, 1.0)
        .apply(|| {
            let mut connection = connect(&proxy);
            let began = now();
            echo(&mut connection, &[CLOSE]);
            let echoed = began.elapsed();
            assert_eq!(connection.read(&mut [0]).unwrap(), 0);
            assert!(
                (milliseconds(450)..SOON).contains(&began.elapsed()),
                "closed after {:?}",
                began.elapsed()
            );
            assert!(echoed < began.elapsed(), "the data itself is not delayed");
            let _ = bed.service.wait_for_end();
        })
        .unwrap();
    proxy
        .with_slow_close(UPSTREAM.into(), 500, 1.0)
        .apply(|| {
            let mut connection = connect(&proxy);
            echo(&mut connection, b"data");
            let began = now();
            drop(connection);
            assert_eq!(bed.service.wait_for_end(), 4);
            assert!(
                (milliseconds(450)..SOON).contains(&began.elapsed()),
                "closed after {:?}",
                began.elapsed()
            );
        })
        .unwrap();
}

pub(crate) fn timeout_drops_data_and_closes_on_each_stream(bed: &Bed) {
    let proxy = bed.proxy("cache");
    for (stream, reaches_service) in [(UPSTREAM, 0), (DOWNSTREAM, 4)] {
        let shaped = proxy.with_timeout(stream.into(), 300, 1.0);
        shaped
            .apply(|| {
                let mut connection = connect(&proxy);
                let began = now();
                connection.write_all(b"lost").unwrap();
                // An end, or a reset where unread data was thrown away.
                assert!(
                    matches!(connection.read(&mut [0; 8]), Ok(0) | Err(_)),
                    "{stream}: data came through"
                );
                let took = began.elapsed();
                assert!((milliseconds(250)..SOON).contains(&took), "{stream}: {took:?}");
                assert_eq!(bed.service.wait_for_end(), reaches_service, "{stream}");
            })
            .unwrap();
    }
}

pub(crate) fn slicer_cuts_each_stream_and_loses_nothing(bed: &Bed) {
    let proxy = bed.proxy("cache");
    let bytes: Vec<u8> = (0..1_000_u32).map(|at| u8::try_from(at % 250 + 1).unwrap()).collect();
    for stream in [UPSTREAM, DOWNSTREAM] {
        // 20 slices with 20 ms after each.
        let shaped = proxy.with_slicer(stream.into(), 50, 10, 20_000, 1.0);
        shaped
            .apply(|| {
                let took = echo(&mut connect(&proxy), &bytes);
                assert!((milliseconds(250)..SOON).contains(&took), "{stream}: {took:?}");
            })
            .unwrap();
    }
}

pub(crate) fn limit_data_passes_just_so_many_bytes_on_each_stream(bed: &Bed) {
    let proxy = bed.proxy("cache");
    let bytes = vec![b'x'; 1_000];
    for (stream, reaches_service) in [(UPSTREAM, 100), (DOWNSTREAM, 1_000)] {
        let shaped = proxy.with_limit_data(stream.into(), 100, 1.0);
        shaped
            .apply(|| {
                let mut connection = connect(&proxy);
                connection.write_all(&bytes).unwrap();
                let mut back = Vec::new();
                // It may end in a reset, after what was let through.
                let _ = connection.read_to_end(&mut back);
                assert!(back.len() <= 100, "{stream}: {} bytes came back", back.len());
                if stream == DOWNSTREAM {
                    assert_eq!(back.len(), 100, "{stream}");
                }
                assert_eq!(bed.service.wait_for_end(), reaches_service, "{stream}");
            })
            .unwrap();
    }
}

pub(crate) fn a_toxicity_of_nothing_touches_nothing(bed: &Bed) {
    let proxy = bed.proxy("cache");
    proxy.with_timeout(DOWNSTREAM.into(), 1, 0.0).with_latency(UPSTREAM.into(), 60_000, 0, 0.0);
    let took = echo(&mut connect(&proxy), b"untouched");
    assert!(took < SOON, "{took:?}");
}

pub(crate) fn toxics_on_both_streams_add_up(bed: &Bed) {
    let proxy = bed.proxy("cache");
    proxy.with_latency(UPSTREAM.into(), 200, 0, 1.0).with_latency(DOWNSTREAM.into(), 250, 0, 1.0);
    let mut connection = connect(&proxy);
    let took = echo(&mut connection, b"late twice");
    assert!((milliseconds(440)..SOON).contains(&took), "{took:?}");
    // On a live connection as well.
    proxy.delete_all_toxics().unwrap();
    echo(&mut connection, b"on time");
    proxy.with_latency(DOWNSTREAM.into(), 300, 0, 1.0);
    let took = echo(&mut connection, b"late once");
    assert!((milliseconds(290)..SOON).contains(&took), "{took:?}");
}
