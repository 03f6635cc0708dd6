//! What the attributes accept, and what they say to what they do not. Each file is named after its mistake.
//!
//! After a change of wording: `TRYBUILD=overwrite cargo test -p chaos-harness --test ui`, and read the difference.

#[test]
fn attributes() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
