//! What the attributes say to what they do not accept. Each file is named after its mistake; what they accept is in
//! `accepted`, since among cases that pass, each of the others would be built by itself.
//!
//! After a change of wording: `TRYBUILD=overwrite cargo test -p chaos-harness --test ui`, and read the difference.

/// Most of the messages are rustc's own, and these are its words.
const WORDS_OF: &str = "rustc 1.95.";

#[test]
fn attributes() {
    let version = std::process::Command::new("rustc").arg("--version").output();
    let version = version
        .map_or_else(|error| error.to_string(), |output| String::from_utf8_lossy(&output.stdout).into());
    if version.starts_with(WORDS_OF) {
        trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
    } else {
        eprintln!("left out: the messages are those of {WORDS_OF}x, and this is {version}");
    }
}
