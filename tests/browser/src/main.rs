//! Runs tests that were compiled for wasm32-unknown-unknown, in Node or in a browser: `browser-tests FILE.wasm`.

fn main() -> anyhow::Result<()> {
    wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(std::env::args_os())
}
