//! This crate's tests once more where a connector may have to run: as WebAssembly in Node, and in a headless Chromium.
//!
//! What that takes beside cargo is fetched where it can be. Where it cannot, a line on stderr says what was not tested;
//! with `SANDERLING_REQUIRE_ALL=1` that is a failure.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::expect_used, clippy::panic, reason = "a failed test may panic")]

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const TARGET: &str = "wasm32-unknown-unknown";

/// Something that is not on this machine and could not be fetched.
struct Missing(String);

#[test]
fn every_test_passes_in_node() {
    passes_in("Node", "WASM_BINDGEN_USE_NODE_EXPERIMENTAL", || there("node", "--version", &[]));
}

#[test]
fn every_test_passes_in_chromium() {
    passes_in("Chromium", "WASM_BINDGEN_USE_BROWSER", || match env::var_os("CHROMEDRIVER") {
        Some(_) => Ok(()),
        None => there("chromedriver", "--version", &["chromium", "chromium-driver"]),
    });
}

fn passes_in(place: &str, mode: &str, have: impl Fn() -> Result<(), Missing>) {
    let ready = have().and_then(|()| runner().as_ref().map_err(|Missing(what)| Missing(what.clone())));
    let runner = match ready {
        Ok(runner) => runner,
        Err(Missing(what)) => return not_tested(place, &what),
    };
    let mut tests = cargo();
    tests
        .args(["test", "--locked", "--release", "--package", "sanderling-core", "--lib", "--target", TARGET])
        .arg("--target-dir")
        .arg(root().join("target").join("wasm"))
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "600")
        .env(mode, "1");
    let mut ran = run(&mut tests);
    if !ran.status.success() && is_target_missing(&ran) {
        let added = Command::new("rustup").args(["target", "add", TARGET]).output();
        if !added.is_ok_and(|output| output.status.success()) {
            return not_tested(place, &format!("the target {TARGET}, which rustup could not add"));
        }
        ran = run(&mut tests);
    }
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "in {place}:\n{said}");
    let all = count_of_tests(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let passed = format!("test result: ok. {all} passed");
    assert!(said.contains(&passed), "in {place}, of {all} tests of this crate:\n{said}");
}

/// Says past the test's captured output that something was not done.
fn not_tested(place: &str, missing: &str) {
    assert!(
        env::var_os("SANDERLING_REQUIRE_ALL").is_none(),
        "sanderling-core cannot be tested in {place}: there is no {missing}"
    );
    // Whoever closed stderr does not want to know.
    let _ = writeln!(io::stderr(), "NOT TESTED: sanderling-core in {place}, for want of {missing}");
}

/// Whether a program is here; on a machine whose packages this user may install, it is fetched.
fn there(program: &str, question: &str, packages: &[&str]) -> Result<(), Missing> {
    let answers = || Command::new(program).arg(question).output().is_ok_and(|output| output.status.success());
    let apt = |args: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(args).output().is_ok()
    };
    let install = [&["install", "--yes", "--quiet", "--no-install-recommends"], packages].concat();
    let fetched = || {
        !packages.is_empty()
            && ((apt(&install) && answers()) || (apt(&["update"]) && apt(&install) && answers()))
    };
    if answers() || fetched() { Ok(()) } else { Err(Missing(format!("`{program}`"))) }
}

/// The program that runs tests for wasm-bindgen, built once.
fn runner() -> &'static Result<PathBuf, Missing> {
    static RUNNER: OnceLock<Result<PathBuf, Missing>> = OnceLock::new();
    RUNNER.get_or_init(|| {
        let package = root().join("tests").join("browser");
        assert_eq!(
            version_of_bindgen(&package.join("Cargo.lock")),
            version_of_bindgen(&root().join("Cargo.lock")),
            "tests/browser/Cargo.toml must name the version of wasm-bindgen that Cargo.lock has"
        );
        let manifest = package.join("Cargo.toml");
        let fetch = |manifest: &Path| {
            run(cargo().args(["fetch", "--locked", "--manifest-path"]).arg(manifest)).status.success()
        };
        if !fetch(&manifest) || !fetch(&root().join("Cargo.toml")) {
            return Err(Missing("crates that cargo could not fetch".to_owned()));
        }
        let target_dir = root().join("target").join("tools").join("browser-tests");
        let mut build = cargo();
        build
            .args(["build", "--locked", "--manifest-path"])
            .arg(&manifest)
            .arg("--target-dir")
            .arg(&target_dir);
        let built = run(&mut build);
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Ok(target_dir.join("debug").join(format!("sanderling-browser-tests{}", env::consts::EXE_SUFFIX)))
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("..")
}

/// The cargo that runs this test, without what was meant for the outer build.
fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    for inherited in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_BUILD_DIR",
        "RUSTC",
        "RUSTDOC",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        cargo.env_remove(inherited);
    }
    cargo
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"))
}

fn is_target_missing(output: &Output) -> bool {
    let stderr = String::from_utf8_lossy(&output.stderr);
    stderr.contains(TARGET) && stderr.contains("may not be installed")
}

fn version_of_bindgen(lock: &Path) -> String {
    let lock = fs::read_to_string(lock).expect("a lock file");
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"wasm-bindgen-shared\"");
    lines.nth(1).expect("wasm-bindgen is in the lock file").to_owned()
}

/// Tests in the sources below `folder`: a module that forgets to take `wasm_bindgen_test` for `test` shows here.
fn count_of_tests(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("the sources");
    let count = |path: PathBuf| {
        if path.is_dir() {
            return count_of_tests(&path);
        }
        // What is compared are files, which there are none of in a browser.
        if path.ends_with("tests/messages.rs") || path.ends_with("surface/tests.rs") {
            return 0;
        }
        let text = fs::read_to_string(path).expect("a source file");
        text.lines().filter(|line| line.trim() == "#[test]").count()
    };
    entries.map(|entry| count(entry.expect("an entry").path())).sum()
}
