use super::*;
use crate::secret::Secret;
use crate::system::{Source, SystemSpec, container, process};
use proptest::prelude::*;

fn redactor(sources: &[Source]) -> Redactor {
    let services = sources.iter().enumerate().map(|(number, source)| crate::system::ServiceSpec {
        name: format!("s{number}").into(),
        providers: source.providers.clone(),
        after: Vec::new(),
    });
    let spec = SystemSpec { name: "shop".to_owned(), services: services.collect() };
    Redactor::of(spec.services.iter().flat_map(|service| &service.providers), |redactor, value| {
        String::from_utf8(redactor.line(&spec).unwrap()).unwrap().contains(value)
    })
}

#[test]
fn what_the_rules_find_in_the_plan_is_hidden_wherever_else_it_stands() {
    let redactor = redactor(&[
        process("app --port {port} --password argument1").env("DB=postgres://me:in-the-url@{db}/x").into(),
        container("redis:7")
            .port(1)
            .command("redis-server --requirepass in-a-word")
            .env("TOKEN=by-name")
            .into(),
    ]);
    for secret in ["argument1", "in-the-url", "in-a-word", "by-name"] {
        assert_eq!(redactor.text(&format!("refused: {secret}")), "refused: [redacted]");
    }
}

#[test]
fn what_the_plan_says_openly_is_hidden_only_where_it_stands() {
    let postgres = container("postgres:15").port(5432).env("POSTGRES_PASSWORD=postgres").env("AUTH=none");
    let redactor = redactor(&[postgres.into()]);
    assert_eq!(redactor.text("postgres:15 takes none"), "postgres:15 takes none");
    assert_eq!(redactor.text("POSTGRES_PASSWORD=postgres"), "POSTGRES_PASSWORD=[redacted]");
}

#[test]
fn a_marked_secret_is_hidden_also_where_the_plan_says_it_openly() {
    let marked = container("postgres:15").port(5432).env(("POSTGRES_PASSWORD", Secret::new("postgres")));
    assert_eq!(redactor(&[marked.into()]).text("postgres:15"), "[redacted]:15");
}

#[test]
fn the_lines_of_a_secret_and_its_shape_in_quotes_are_hidden_too() {
    let redactor = Redactor::new(["-- begin --\nc29tZSBrZXk\n-- end --\n", "with \"quotes\""], []);
    assert_eq!(redactor.text("read: c29tZSBrZXk"), "read: [redacted]");
    assert_eq!(redactor.text(&format!("bad {:?}", "with \"quotes\"")), "bad \"[redacted]\"");
}

#[test]
fn of_two_redactors_the_longer_secret_is_hidden_whole() {
    let (short, long) = (Redactor::new(["correct"], []), Redactor::new(["correct horse"], []));
    for both in [short.and(&long), long.and(&short)] {
        assert_eq!(both.text("a correct horse is correct"), "a [redacted] is [redacted]");
    }
}

proptest! {
    #[test]
    fn a_marked_secret_shows_in_no_text(
        secret in "\\PC{4,20}Q7",
        other in "\\PC{4,20}Q8",
        text in prop::collection::vec(prop_oneof![Just(0), Just(1), Just(2)], 1..6),
        filler in any::<String>(),
    ) {
        let redactor = Redactor::new([secret.as_str(), other.as_str()], []);
        let text: String = text.iter().map(|part| [secret.as_str(), other.as_str(), filler.as_str()][*part]).collect();
        let shown = redactor.text(&text);
        prop_assert!(!shown.contains(&secret) && !shown.contains(&other), "{shown}");
    }
}
