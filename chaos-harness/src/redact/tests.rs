use super::*;
use crate::secret::Secret;
use crate::system::{Source, SystemSpec, cargo_bin, container, process};
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
fn both_kinds_of_quotes_in_a_secret_hide_it_nowhere_less() {
    let secret = "it's \"x\"pass";
    let redactor = Redactor::new([secret], []);
    let error = std::io::Error::other(secret);
    for said in [format!("{error:?}"), format!("{secret:?}"), serde_json::json!({"at": secret}).to_string()] {
        let shown = redactor.text(&said);
        assert!(shown.contains("\"[redacted]\"") && !shown.contains("pass"), "{said} became {shown}");
    }
}

#[test]
fn the_password_of_a_url_is_hidden_as_it_is_meant_and_as_it_is_written() {
    let redactor = redactor(&[
        process("app --port {port} --db postgres://me:p%40ss-word@db")
            .env("B=amqp://me:pa'ss word@b/")
            .into(),
        container("redis:7").port(1).env(("URL", Secret::new("redis://:in-a-secret%21@db/0"))).into(),
    ]);
    for said in [
        "p%40ss-word",
        "p@ss-word",
        "in-a-secret%21",
        "in-a-secret!",
        "redis%3A%2F%2F%3Ain-a-secret%2521%40db%2F0",
    ] {
        assert_eq!(redactor.text(&format!("no {said}.")), "no [redacted].");
    }
}

#[test]
fn a_line_is_stored_and_shown_without_what_its_program_is_given() {
    let app = process(r#"app --port {port} --password "p\"q12345""#);
    let redactor = redactor(&[app.clone().into(), cargo_bin("b").args(r"--password hun\ ter2").into()]);
    assert_eq!(redactor.text("refused: p\"q12345, hun ter2"), "refused: [redacted], [redacted]");
    let provider = &Source::from(app).providers[0];
    let stored = serde_json::to_value(provider).unwrap();
    assert_eq!(stored["kind"]["Command"]["line"], "app --port {port} --password [redacted]");
}

#[test]
fn nothing_that_is_not_stored_is_shown_by_debug() {
    let sources: [Source; 4] = [
        process(r"app --password hun\ ter2 redis://:horse@host").into(),
        cargo_bin("b").args("--password horse").into(),
        container("redis:7").port(1).command("redis-server --requirepass horse").into(),
        crate::system::external("redis://:horse@host:1").into(),
    ];
    for source in &sources {
        let shown = format!("{source:?} {source:#?} {}", source.providers[0]);
        assert!(
            shown.contains("[redacted]") && !shown.contains("horse") && !shown.contains("ter2"),
            "{shown}"
        );
    }
    let debug = format!("{:?}", sources[2].providers[0].kind);
    let command = r#"["redis-server", "--requirepass", "[redacted]"]"#;
    assert_eq!(debug, format!(r#"Container {{ image: "redis:7", port: 1, command: {command} }}"#));
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
