//! Builds the connectors that tests run, once each.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds a package of `tests/guests` where the built-in connector was built, with the same flags, so that they share
/// what they need. Gives the component's file, which the next build of the same package overwrites.
pub(crate) fn build(package: &str, features: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target_dir = Path::new(env!("CARGO_BIN_EXE_sanderling")).ancestors().nth(2).unwrap().join("guest");
    let mut cargo = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let home = ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"].contains(&name.as_str());
        if (name.starts_with("CARGO") || name.starts_with("RUST")) && !home {
            cargo.env_remove(name);
        }
    }
    let flags = format!("-Ctarget-feature=+simd128\x1f--remap-path-prefix={}=.", root.display());
    let output = cargo
        .current_dir(root)
        .args(["build", "--locked", "--package", package, "--profile", "guest"])
        .args(["--target", "wasm32-wasip2", "--target-dir"])
        .arg(&target_dir)
        .args(features)
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target_dir.join("wasm32-wasip2/guest").join(format!("{}.wasm", package.replace('-', "_")))
}
