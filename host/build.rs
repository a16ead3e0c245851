//! Builds the declarative connector for wasm32-wasip2, so that one `cargo build` makes the whole program.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

const TARGET: &str = "wasm32-wasip2";

fn main() -> ExitCode {
    match build() {
        Ok(wasm) => {
            println!("cargo::rustc-env=SANDERLING_CONNECTOR={}", wasm.display());
            ExitCode::SUCCESS
        }
        Err(message) => {
            for line in message.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<PathBuf, String> {
    let host = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo did not say where the host is")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo did not say where to build")?);
    let root = host.parent().ok_or("the host has no folder above it")?;
    for input in ["connector", "wit", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    println!("cargo::rerun-if-changed=build.rs");

    // Beside the profile folders of the outer build (OUT_DIR is `target/PROFILE/build/PACKAGE/out`), so that checks,
    // docs and tests share one guest; never the outer folder itself, which the outer cargo holds locked.
    let target_dir = out.ancestors().nth(4).unwrap_or(&out).join("guest");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root)
        .args(["build", "--locked", "--package", "sanderling-connector", "--profile", "guest"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&target_dir);
    // What was meant for the outer build (flags, wrappers such as clippy's, another target) must not reach the guest.
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
    cargo.env("CARGO_ENCODED_RUSTFLAGS", guest_flags(root));
    let mut output = run(&mut cargo)?;
    if !output.status.success() && is_target_missing(&output) && add_target() {
        output = run(&mut cargo)?;
    }
    if !output.status.success() {
        return Err(explain(&output));
    }
    Ok(target_dir.join(TARGET).join("guest").join("sanderling_connector.wasm"))
}

fn run(cargo: &mut Command) -> Result<Output, String> {
    cargo.output().map_err(|error| format!("cannot start cargo for the connector: {error}"))
}

fn is_target_missing(output: &Output) -> bool {
    let stderr = String::from_utf8_lossy(&output.stderr);
    stderr.contains(TARGET) && stderr.contains("may not be installed")
}

/// rust-toolchain.toml names the target, and rustup adds what it names, unless it is told not to add anything by itself.
fn add_target() -> bool {
    let rustup = Command::new("rustup").args(["target", "add", TARGET]).output();
    rustup.is_ok_and(|output| output.status.success())
}

/// 128-bit SIMD is part of every runtime that matters; the prefix map keeps the component the same on every machine.
fn guest_flags(root: &Path) -> String {
    format!("-Ctarget-feature=+simd128\x1f--remap-path-prefix={}=.", root.display())
}

fn explain(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    if is_target_missing(output) {
        return format!(
            "the {TARGET} target is missing, and rustup did not add it: run `rustup target add {TARGET}`\n{stderr}"
        );
    }
    format!("the connector does not build:\n{stderr}")
}
