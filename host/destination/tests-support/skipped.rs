//! What is said of a part that a test needs and the machine lacks. Where `SANDERLING_REQUIRE_ALL` is set, that is a failure.

/// Says it past the test's captured output.
///
/// # Panics
/// Where nothing may be left out.
pub(crate) fn skipped(what: &str) {
    use std::io::Write as _;
    assert!(std::env::var_os("SANDERLING_REQUIRE_ALL").is_none(), "nothing may be left out, but: {what}");
    // Whoever closed stderr does not want to know.
    let _ = writeln!(std::io::stderr().lock(), "SKIPPED: {what}");
}
