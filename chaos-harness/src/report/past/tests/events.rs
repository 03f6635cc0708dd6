//! Every event that is written is one that is known, and reads back as it was.

use crate::experiment::{Blame, Halt, Obstacle, Phase, UndoResult};
use crate::redact::Redactor;
use crate::report::past::KNOWN;
use crate::report::terminal::tests::report;
use crate::report::{Event, Journal, JournalReader, PastEvent};
use crate::safety::Forced;
use serde_json::Value;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// The name of an event, and what it reads back as. Without a wildcard, so that a new event is not forgotten here.
fn read(event: &Event<'_>) -> (&'static str, PastEvent) {
    match *event {
        Event::Planned { plan, at } => ("planned", PastEvent::Planned { plan: Box::new(plan.clone()), at }),
        Event::ServiceReady { service, ref routes } => {
            let (service, routes) = (service.to_owned(), routes.clone());
            ("service_ready", PastEvent::ServiceReady { service, routes })
        }
        Event::PhaseStarted { phase, lasting } => {
            ("phase_started", PastEvent::PhaseStarted { phase, lasting })
        }
        Event::PhaseExtended { phase, by } => ("phase_extended", PastEvent::PhaseExtended { phase, by }),
        Event::PhaseEnded { phase, summary, judged } => {
            let (summary, judged) = (Box::new(summary.clone()), judged.cloned().map(Box::new));
            ("phase_ended", PastEvent::PhaseEnded { phase, summary, judged })
        }
        Event::Injecting { ref fault, ref targets } => {
            ("injecting", PastEvent::Injecting { fault: fault.clone(), targets: targets.clone() })
        }
        Event::Effect { effect } => ("effect", PastEvent::Effect { effect: effect.clone() }),
        Event::Reached { reached } => ("reached", PastEvent::Reached { reached: Box::new(reached.clone()) }),
        Event::Undone { ref fault, ref forced, ref failure } => {
            let (fault, forced, failure) = (fault.clone(), forced.clone(), failure.clone());
            ("undone", PastEvent::Undone { fault, forced, failure })
        }
        Event::Halted { halt } => ("halted", PastEvent::Halted { halt: halt.clone() }),
        Event::Recovered { recovery } => ("recovered", PastEvent::Recovered { recovery: *recovery }),
        Event::Obstacle { obstacle } => ("obstacle", PastEvent::Obstacle { obstacle: obstacle.clone() }),
        Event::TakenDown { undo } => ("taken_down", PastEvent::TakenDown { undo: undo.clone() }),
        Event::Concluded { conclusion } => {
            ("concluded", PastEvent::Concluded { conclusion: conclusion.clone() })
        }
    }
}

/// What a journal of these events says: line by line, and as it is read.
fn written(events: &[Event<'_>], redactor: Redactor) -> (Vec<Value>, Vec<PastEvent>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let journal = Journal::create(&path, redactor).unwrap();
    for event in events {
        journal.event(event);
    }
    journal.seal().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let read = JournalReader::new(text.as_bytes()).map(|entry| entry.unwrap().event);
    (lines.collect(), read.collect())
}

#[test]
fn every_event_that_is_written_is_known_and_reads_back() {
    let report = report();
    let forced = Forced { what: "redis".to_owned(), instead: "kill it".to_owned(), tried: Vec::new() };
    let halt = Halt { phase: Phase::Turbulence, what: "halted by error_rate > 50%".to_owned() };
    let obstacle = Obstacle { blame: Blame::Injector, what: "no route".to_owned() };
    let undo = UndoResult::ByForce { forced: vec![forced.clone()] };
    let (fault, targets) = ("kill redis".to_owned(), "its one instance".to_owned());
    let routes = vec!["127.0.0.1:1".to_owned()];
    let (summary, judged) = (&report.phases[0].summary, report.facts.baseline.as_ref());
    let failure = Some("it hangs".to_owned());
    // In the order of the names.
    let events = [
        Event::Planned { plan: &report.plan, at: 7 },
        Event::ServiceReady { service: "redis", routes },
        Event::PhaseStarted { phase: Phase::Baseline, lasting: SECOND },
        Event::PhaseExtended { phase: Phase::Turbulence, by: SECOND / 4 },
        Event::PhaseEnded { phase: Phase::Baseline, summary, judged },
        Event::Injecting { fault: fault.clone(), targets },
        Event::Effect { effect: &report.facts.effects[0] },
        Event::Reached { reached: &report.facts.reached[0] },
        Event::Undone { fault, forced: Some(forced), failure },
        Event::Halted { halt: &halt },
        Event::Recovered { recovery: report.facts.recovery.as_ref().unwrap() },
        Event::Obstacle { obstacle: &obstacle },
        Event::TakenDown { undo: &undo },
        Event::Concluded { conclusion: &report.conclusion },
    ];
    let (names, expected): (Vec<_>, Vec<_>) = events.iter().map(read).unzip();
    assert_eq!(names, KNOWN);
    let (lines, read) = written(&events, Redactor::default());
    assert_eq!(lines.iter().map(|line| line["event"].as_str().unwrap()).collect::<Vec<_>>(), names);
    assert_eq!(read, expected);
}

#[test]
fn what_is_not_to_be_shown_is_not_written() {
    let forced = |instead: &str| {
        let (what, instead) = ("redis".to_owned(), instead.to_owned());
        UndoResult::ByForce { forced: vec![Forced { what, instead, tried: Vec::new() }] }
    };
    let undo = forced("kill hunter2");
    let (_, read) = written(&[Event::TakenDown { undo: &undo }], Redactor::new(["hunter2"], []));
    assert_eq!(read, [PastEvent::TakenDown { undo: forced("kill [redacted]") }]);
}
