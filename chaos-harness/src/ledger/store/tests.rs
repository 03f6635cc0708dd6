use super::*;
use crate::ledger::sample::{experiment, night, promoted, trial};
use crate::ledger::{Event, History, StageRef};
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// A ledger in which stage 2 of one experiment is earned.
fn proved() -> (TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path().join("ledger"));
    ledger.append(three_nights()).unwrap();
    (folder, ledger)
}

fn three_nights() -> Vec<Event> {
    (0..3).flat_map(|day| night(2, day)).collect()
}

fn state_file(ledger: &Ledger) -> PathBuf {
    ledger.folder().join("shop/chaos/cart.slow.json")
}

fn events_file(ledger: &Ledger) -> PathBuf {
    ledger.folder().join("shop/chaos/cart.slow.events.jsonl")
}

/// All files below a folder, with what is in them.
fn snapshot(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            files.push((path, text));
        }
    }
    files.sort();
    files
}

/// Neither recorded nor looked over by accident.
fn refuses(ledger: &Ledger) -> String {
    let before = snapshot(ledger.folder());
    // Another experiment comes first in the same batch.
    let events = vec![trial(1).of("a").event(), trial(1).run("new").at(500).event()];
    let said = ledger.append(events.clone()).unwrap_err().to_string();
    assert_eq!(ledger.preview(events).unwrap_err().to_string(), said);
    assert_eq!(snapshot(ledger.folder()), before, "nothing was written");
    said
}

#[test]
fn what_was_appended_is_there_and_says_what_changed() {
    let (_folder, ledger) = proved();
    let state = ledger.state(&experiment()).unwrap().unwrap();
    assert_eq!(state.earned, StageRef { number: 2, name: Some("stage_2".to_owned()) });
    assert_eq!(ledger.events(&experiment()).unwrap(), History::new(three_nights()).events());
    let changes = ledger.append(vec![trial(2).run("bad").at(500).refuted().event()]).unwrap();
    let [change] = &changes.changed[..] else { panic!("{changes:?}") };
    assert_eq!((change.before.as_ref(), change.added), (Some(&state), 1));
    assert_eq!(change.after.earned.number, 1);
    assert_eq!(ledger.verify().unwrap(), []);
    let attributes = fs::read_to_string(ledger.folder().join(".gitattributes")).unwrap();
    assert!(attributes.contains("*.events.jsonl merge=union"));
}

#[test]
fn a_ledger_that_is_not_there_is_empty_and_asking_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path().join("none"));
    assert_eq!(ledger.state(&experiment()).unwrap(), None);
    assert_eq!(ledger.events(&experiment()).unwrap(), []);
    assert!(ledger.states().unwrap().is_empty() && ledger.verify().unwrap().is_empty());
    assert_eq!(ledger.append(Vec::new()).unwrap(), Changes::default());
    assert_eq!(ledger.preview(three_nights()).unwrap().changed.len(), 1);
    assert_eq!(snapshot(folder.path()), []);
}

#[test]
fn appending_again_or_piece_by_piece_changes_nothing() {
    let (_folder, ledger) = proved();
    let before = snapshot(ledger.folder());
    let again = ledger.append(three_nights()).unwrap();
    assert_eq!((again.changed, again.known), (vec![], 6));
    assert_eq!(snapshot(ledger.folder()), before);

    let piecemeal = tempfile::tempdir().unwrap();
    let other = Ledger::open(piecemeal.path());
    for event in three_nights().into_iter().rev() {
        other.append(vec![event.clone(), event]).unwrap();
    }
    let strip = |folder: &Path| {
        let files = snapshot(folder).into_iter();
        files.map(|(path, text)| (path.strip_prefix(folder).unwrap().to_owned(), text)).collect::<Vec<_>>()
    };
    assert_eq!(strip(other.folder()), strip(ledger.folder()));
}

#[test]
fn all_states_are_read_and_a_bad_one_does_not_hide_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path());
    // More than one thread's share.
    let names: Vec<_> = (0..1_200).map(|number| format!("m::e{number:04}")).collect();
    fs::create_dir_all(folder.path().join("shop/chaos")).unwrap();
    for name in &names {
        let state = History::new([trial(1).of(name).event()]).state().unwrap();
        let file = format!("shop/chaos/{}.json", state.experiment.stem());
        fs::write(folder.path().join(file), state.to_text()).unwrap();
    }
    fs::write(folder.path().join("shop/chaos/m.e0700.json"), "{").unwrap();
    fs::write(folder.path().join("shop/chaos/.m.e0001.json.new"), "{").unwrap();
    let states = ledger.states().unwrap();
    let read: Vec<_> = states.iter().flatten().map(|state| state.experiment.name().to_owned()).collect();
    let expected: Vec<_> = names.iter().filter(|name| *name != "m::e0700").cloned().collect();
    assert_eq!((read, states.len()), (expected, 1_200));
}

#[test]
fn a_damaged_file_is_named_and_never_overwritten() {
    for (damage, remedy) in [
        ("{\"schema\": 1,\n  \"experiment\"", "ends in the middle"),
        ("nonsense", ":1 is damaged"),
        ("", "ends in the middle"),
        ("\u{0}\u{0}", ":1 is damaged"),
    ] {
        let (_folder, ledger) = proved();
        fs::write(state_file(&ledger), damage).unwrap();
        let said = refuses(&ledger);
        assert!(said.contains("cart.slow.json") && said.contains(remedy), "{said}");
        assert!(said.contains("verify --rebuild"), "{said}");
        assert!(ledger.state(&experiment()).is_err());
    }
    let (_folder, ledger) = proved();
    let text = fs::read_to_string(state_file(&ledger)).unwrap();
    fs::write(state_file(&ledger), text.replace("\"number\": 2", "\"number\": 7")).unwrap();
    assert!(refuses(&ledger).contains("stage 7 of 4"));
    fs::write(state_file(&ledger), text.replace("\"streak\"", "\"streek\"")).unwrap();
    let said = refuses(&ledger);
    assert!(said.contains("cart.slow.json:7 ") && said.contains("streek"), "{said}");
}

#[test]
fn a_changed_event_is_found_out() {
    let (_folder, ledger) = proved();
    let text = fs::read_to_string(events_file(&ledger)).unwrap();
    fs::write(events_file(&ledger), text.replacen("c1", "c9", 1)).unwrap();
    let said = refuses(&ledger);
    assert!(said.contains("cart.slow.events.jsonl:3 ") && said.contains("it was changed"), "{said}");
    assert!(said.contains("git's history"), "{said}");
    let torn = &text[..text.len() - 20];
    fs::write(events_file(&ledger), torn).unwrap();
    assert!(refuses(&ledger).contains(":6 is damaged: it ends in the middle"));
    fs::write(events_file(&ledger), text.replacen('\n', "\n\n", 1)).unwrap();
    assert!(refuses(&ledger).contains(":2 is damaged"));
}

#[test]
fn what_a_merge_left_open_is_told_with_its_line() {
    let (_folder, ledger) = proved();
    let text = fs::read_to_string(state_file(&ledger)).unwrap();
    let conflict = text.replacen("  \"streak\"", "<<<<<<< HEAD\n  \"streak\"", 1);
    fs::write(state_file(&ledger), conflict).unwrap();
    let said = refuses(&ledger);
    assert!(
        said.contains("cart.slow.json:7 is a conflict that git left") && said.contains("--rebuild"),
        "{said}"
    );
    assert_eq!(ledger.rebuild().unwrap().len(), 1);
    assert_eq!(fs::read_to_string(state_file(&ledger)).unwrap(), text);

    let lines = fs::read_to_string(events_file(&ledger)).unwrap();
    fs::write(events_file(&ledger), lines.replacen('\n', "\n=======\n", 1)).unwrap();
    let said = refuses(&ledger);
    assert!(said.contains("events.jsonl:2 is a conflict") && said.contains("both sides"), "{said}");
}

#[test]
fn a_newer_release_s_files_stay_as_they_are() {
    let (_folder, ledger) = proved();
    let text = fs::read_to_string(state_file(&ledger)).unwrap();
    fs::write(state_file(&ledger), text.replace("\"schema\": 1", "\"schema\": 2,\n  \"trust\": 1")).unwrap();
    assert!(refuses(&ledger).contains("of form 2, which a newer release"));
    let mismatches = ledger.rebuild().unwrap();
    assert!(!mismatches[0].can_be_rebuilt);
    assert!(fs::read_to_string(state_file(&ledger)).unwrap().contains("trust"));

    let (_folder, ledger) = proved();
    let lines = fs::read_to_string(events_file(&ledger)).unwrap();
    fs::write(events_file(&ledger), lines + "{\"schema\":2,\"what\":[]}\n").unwrap();
    assert!(refuses(&ledger).contains(":7 is of form 2"));
}

#[test]
fn another_experiment_s_file_is_not_taken_for_this_one_s() {
    let (_folder, ledger) = proved();
    ledger.append(vec![trial(1).of("other").event()]).unwrap();
    let other = ledger.folder().join("shop/chaos/other.json");
    fs::copy(&other, state_file(&ledger)).unwrap();
    let said = refuses(&ledger);
    assert!(said.contains("cart.slow.json:1 is about shop::chaos::other"), "{said}");
    assert!(ledger.state(&experiment()).is_err());
}

#[test]
fn lost_events_are_told_and_not_folded_away() {
    let (_folder, ledger) = proved();
    let lines = fs::read_to_string(events_file(&ledger)).unwrap();
    let fewer: String = lines.split_inclusive('\n').skip(1).collect();
    fs::write(events_file(&ledger), fewer).unwrap();
    assert!(refuses(&ledger).contains("has 5 events, and its state comes of 6"));
    let mismatches = ledger.rebuild().unwrap();
    assert!(mismatches.len() == 1 && !mismatches[0].can_be_rebuilt, "{mismatches:?}");
    fs::remove_file(events_file(&ledger)).unwrap();
    assert!(refuses(&ledger).contains("has 0 events"));
    let mismatches = ledger.rebuild().unwrap();
    assert!(mismatches.len() == 1 && !mismatches[0].can_be_rebuilt, "{mismatches:?}");
    assert!(state_file(&ledger).exists());
    // Whoever means it says so by removing the state.
    fs::remove_file(state_file(&ledger)).unwrap();
    ledger.append(vec![trial(1).event()]).unwrap();
}

#[test]
fn a_state_that_says_more_than_its_events_is_found_and_made_anew() {
    let (_folder, ledger) = proved();
    let text = fs::read_to_string(state_file(&ledger)).unwrap();
    fs::write(state_file(&ledger), text.replace("\"number\": 2", "\"number\": 4")).unwrap();
    let mismatches = ledger.verify().unwrap();
    let said = mismatches[0].to_string();
    assert!(said.contains("stage 4 is earned, and its events say 2"), "{said}");
    assert_eq!(ledger.rebuild().unwrap(), mismatches);
    assert_eq!((fs::read_to_string(state_file(&ledger)).unwrap(), ledger.verify().unwrap()), (text, vec![]));
}

#[test]
fn a_recorder_that_died_between_its_two_files_is_made_good_by_the_next() {
    let (_folder, ledger) = proved();
    let before = fs::read(state_file(&ledger)).unwrap();
    let refuted = trial(2).run("bad").at(500).refuted().event();
    ledger.append(vec![refuted.clone()]).unwrap();
    fs::write(state_file(&ledger), before).unwrap();
    assert_eq!(ledger.verify().unwrap().len(), 1);
    let changes = ledger.append(vec![refuted]).unwrap();
    assert_eq!((changes.changed[0].after.earned.number, changes.changed[0].added), (1, 0));
    assert_eq!(ledger.verify().unwrap(), []);
}

#[test]
fn both_sides_of_a_merge_are_right_in_any_order() {
    let (_folder, ledger) = proved();
    let lines = fs::read_to_string(events_file(&ledger)).unwrap();
    let mut merged: Vec<_> = lines.lines().rev().collect();
    merged.extend(lines.lines().take(2));
    fs::write(events_file(&ledger), merged.join("\n") + "\n").unwrap();
    fs::remove_file(state_file(&ledger)).unwrap();
    assert_eq!(ledger.verify().unwrap().len(), 2);
    ledger.rebuild().unwrap();
    assert_eq!(fs::read_to_string(events_file(&ledger)).unwrap(), lines);
    assert_eq!(ledger.state(&experiment()).unwrap().unwrap().earned.number, 2);
}

#[test]
fn what_could_not_be_read_again_is_not_recorded() {
    let (_folder, ledger) = proved();
    let before = snapshot(ledger.folder());
    let odd = [
        trial(9).event(),
        trial(1).run("a\nb").event(),
        trial(1).attempt(crate::ledger::Attempt { run: 0, trial: 1 }).event(),
        promoted(0, 1),
    ];
    for event in odd {
        let said = ledger.append(vec![event]).unwrap_err().to_string();
        assert!(said.contains("shop::chaos::cart::slow cannot be recorded"), "{said}");
    }
    assert_eq!(snapshot(ledger.folder()), before);
}

#[test]
fn recorders_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path());
    thread::scope(|scope| {
        for recorder in 0..8_u64 {
            let ledger = &ledger;
            scope.spawn(move || {
                for number in 0..5 {
                    let run = format!("r{recorder}-{number}");
                    ledger.append(vec![trial(1).run(&run).at(number).event()]).unwrap();
                }
            });
        }
    });
    assert_eq!(ledger.state(&experiment()).unwrap().unwrap().events, 40);
    assert_eq!(ledger.verify().unwrap(), []);
}

#[test]
fn a_link_is_replaced_and_not_written_through() {
    let (folder, ledger) = proved();
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "theirs").unwrap();
    fs::remove_file(state_file(&ledger)).unwrap();
    symlink(&elsewhere, state_file(&ledger)).unwrap();
    assert!(refuses(&ledger).contains("cart.slow.json cannot be read"));
    symlink(&elsewhere, ledger.folder().join("shop/chaos/.other.json.new")).unwrap();
    ledger.append(vec![trial(1).of("other").event()]).unwrap();
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "theirs");
}

/// A limit on a file's size is of a whole process: this test runs its own program again, with one.
#[test]
fn a_disk_that_is_full_leaves_the_ledger_as_it_was() {
    let name = "ledger::store::tests::a_disk_that_is_full_leaves_the_ledger_as_it_was";
    let Some(folder) = std::env::var_os("LEDGER_ON_A_FULL_DISK") else {
        let (_folder, ledger) = proved();
        let before = snapshot(ledger.folder());
        let mut shell = std::process::Command::new("sh");
        // Blocks of 512 bytes: the events fit, with more of them they do not.
        let blocks = fs::metadata(events_file(&ledger)).unwrap().len().div_ceil(512);
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --exact {name}");
        shell.args(["-c", &script]).arg(std::env::current_exe().unwrap());
        let output = shell.env("LEDGER_ON_A_FULL_DISK", ledger.folder()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        assert_eq!(snapshot(ledger.folder()), before);
        return;
    };
    let ledger = Ledger::open(folder);
    let mut events = vec![trial(1).of("a").event()];
    events.extend((10..20).flat_map(|day| night(2, day)));
    let error = ledger.append(events).unwrap_err().to_string();
    assert!(error.contains("events.jsonl cannot be written: the ledger is as it was"), "{error}");
}
