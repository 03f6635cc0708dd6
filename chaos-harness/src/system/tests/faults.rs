//! Faults on processes: each is made, proved, undone, and the service answers again.

use super::fixture::{Trial, server};
use crate::fault::InstanceFault;
use crate::safety::Undone;
use crate::system::{Effect, Instance, InstanceState, Ready, RunningSystem};
use crate::units::{Bytes, Percent};
use std::time::Duration;

async fn answers(instance: &dyn Instance) -> bool {
    let limit = Duration::from_millis(500);
    crate::system::ready::answers(&Ready::http("/"), instance.upstream(), limit).await == Some(true)
}

/// Makes the fault, sees `during`, undoes it, and sees that all is well and nothing is left to undo.
async fn goes_through(fault: InstanceFault, during: impl Fn(InstanceState), answers_during: Option<bool>) {
    let trial = Trial::new();
    let system = start(&trial).await;
    let instance = system.instance(&"shop".into(), 0).unwrap();
    assert!(matches!(instance.effect(fault).await.unwrap(), Effect::NotSeen(_)), "before it was made");

    instance.inject(fault).await.unwrap();
    // A duty cycle has to begin first.
    while let Effect::NotSeen(what) = instance.effect(fault).await.unwrap() {
        assert!(matches!(fault, InstanceFault::StarveCpu { .. }), "{what}");
        tokio::task::yield_now().await;
    }
    during(instance.observe().await.unwrap());
    if let Some(expected) = answers_during {
        assert_eq!(answers(instance).await, expected);
    }

    assert_eq!(instance.undo(fault).await.unwrap(), Undone::AsMeant);
    assert_eq!(instance.observe().await.unwrap(), InstanceState::Running);
    assert!(answers(instance).await);
    assert!(matches!(instance.effect(fault).await.unwrap(), Effect::NotSeen(_)), "after it was undone");

    assert!(system.stop().await.is_empty());
    assert!(trial.is_settled());
    assert_eq!(trial.processes(), [""; 0]);
}

async fn start(trial: &Trial) -> RunningSystem {
    trial.start([("shop", server().ready(Ready::http("/")).into())]).await.unwrap()
}

#[tokio::test]
async fn a_killed_process_is_gone_and_comes_back() {
    let gone = |state| assert_eq!(state, InstanceState::Ended("killed (SIGKILL)".to_owned()));
    goes_through(InstanceFault::Kill, gone, Some(false)).await;
}

#[tokio::test]
async fn a_stopped_process_is_asked_first() {
    let asked = |state| assert_eq!(state, InstanceState::Ended("ended by SIGTERM".to_owned()));
    goes_through(InstanceFault::Stop { grace: Duration::from_secs(10) }, asked, Some(false)).await;
}

#[tokio::test]
async fn a_paused_process_holds_its_connections_and_says_nothing() {
    let frozen = |state| {
        if cfg!(target_os = "linux") {
            assert_eq!(state, InstanceState::Frozen);
        }
    };
    goes_through(InstanceFault::Pause, frozen, Some(false)).await;
}

#[tokio::test]
async fn a_starved_process_is_frozen_in_turns() {
    let alive = |state| assert!(!matches!(state, InstanceState::Ended(_)), "{state:?}");
    goes_through(InstanceFault::StarveCpu { to: Percent::new(50) }, alive, None).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_memory_limit_reads_back_and_goes_away() {
    // More than the server has mapped, so that it goes on.
    let limit = InstanceFault::LimitMemory { to: Bytes::new(64 << 30) };
    goes_through(limit, |state| assert_eq!(state, InstanceState::Running), Some(true)).await;
}

#[tokio::test]
async fn a_process_that_ends_under_its_memory_limit_is_started_again() {
    let trial = Trial::new();
    let system = start(&trial).await;
    let instance = system.instance(&"shop".into(), 0).unwrap();
    let fault = InstanceFault::LimitMemory { to: Bytes::new(64 << 30) };
    instance.inject(fault).await.unwrap();

    // As a failed allocation ends a program.
    let told = instance.describe().await;
    let group = told.rsplit_once("-- -").unwrap().1.parse().unwrap();
    let group = rustix::process::Pid::from_raw(group).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::ABORT).unwrap();
    while !matches!(instance.observe().await.unwrap(), InstanceState::Ended(_)) {
        tokio::task::yield_now().await;
    }
    assert!(matches!(instance.effect(fault).await.unwrap(), Effect::Seen(_)));

    assert_eq!(instance.undo(fault).await.unwrap(), Undone::AsMeant);
    assert_eq!(instance.observe().await.unwrap(), InstanceState::Running);
    assert!(answers(instance).await);
    assert!(system.stop().await.is_empty());
    assert_eq!(trial.processes(), [""; 0]);
}

#[tokio::test]
async fn a_process_that_ignores_the_request_is_killed_after_the_grace_period() {
    let trial = Trial::new();
    // The shell ignores the signal, and so do those it starts.
    let own = std::env::current_exe().unwrap();
    let line = format!(
        "sh -c \"trap '' TERM; {} --exact system::tests::fixture::serve --ignored --nocapture & wait\" {{port}}",
        own.display()
    );
    let stubborn = crate::system::process(line).env("CHAOS_TEST_SERVER=127.0.0.1:{port}");
    let system = trial.start([("stubborn", stubborn.into())]).await.unwrap();
    let instance = system.instance(&"stubborn".into(), 0).unwrap();
    let fault = InstanceFault::Stop { grace: Duration::from_millis(50) };
    instance.inject(fault).await.unwrap();
    assert_eq!(instance.observe().await.unwrap(), InstanceState::Ended("killed (SIGKILL)".to_owned()));
    assert!(matches!(instance.effect(fault).await.unwrap(), Effect::Seen(_)));
    assert_eq!(instance.undo(fault).await.unwrap(), Undone::AsMeant);
    assert!(system.stop().await.is_empty());
    assert_eq!(trial.processes(), [""; 0]);
}

#[tokio::test]
async fn stopping_a_paused_or_starved_system_lets_it_go_first() {
    for fault in [InstanceFault::Pause, InstanceFault::StarveCpu { to: Percent::new(10) }] {
        let trial = Trial::new();
        let system = start(&trial).await;
        let instance = system.instance(&"shop".into(), 0).unwrap();
        instance.inject(fault).await.unwrap();
        assert!(system.stop().await.is_empty());
        // Asked to end, and let go to do so: one that stayed frozen would have been killed.
        assert_eq!(instance.observe().await.unwrap(), InstanceState::Ended("ended by SIGTERM".to_owned()));
        assert!(trial.is_settled());
        assert_eq!(trial.processes(), [""; 0]);
    }
}

#[tokio::test]
async fn a_duty_cycle_does_not_share_its_process_with_a_pause() {
    let trial = Trial::new();
    let system = start(&trial).await;
    let instance = system.instance(&"shop".into(), 0).unwrap();
    instance.inject(InstanceFault::Pause).await.unwrap();
    let starve = InstanceFault::StarveCpu { to: Percent::new(10) };
    let error = instance.inject(starve).await.unwrap_err().to_string();
    assert_eq!(error, "could not inject `starve_cpu` on `shop`: it is already paused");
    assert_eq!(instance.observe().await.unwrap(), InstanceState::Frozen);
    assert!(system.stop().await.is_empty());
}

#[tokio::test]
async fn a_fault_on_what_has_already_ended_is_refused() {
    let trial = Trial::new();
    let system = start(&trial).await;
    let instance = system.instance(&"shop".into(), 0).unwrap();
    instance.inject(InstanceFault::Kill).await.unwrap();
    let error = instance.inject(InstanceFault::Pause).await.unwrap_err().to_string();
    assert_eq!(error, "could not inject `pause` on `shop`: it had already ended: killed (SIGKILL)");
    assert!(system.stop().await.is_empty());
}
