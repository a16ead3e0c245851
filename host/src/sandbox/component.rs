//! Tells whether a file is a connector, and if not, what it is instead.

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::bindings::ConnectorPre;
use super::store::Host;

/// What a connector exports.
pub const CONTRACT: &str = "sanderling:connector/source@0.1.0";

/// Why a component cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The engine does not start on this machine.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// Another kind of file.
    #[error("not WebAssembly")]
    NotWasm,
    /// What compilers for other targets make: it has no typed imports and exports.
    #[error("a core WebAssembly module, and not a component")]
    Module,
    /// Cut short, or made for another engine.
    #[error("a WebAssembly component that does not compile: {0}")]
    Component(String),
    /// An import outside of what connectors get.
    #[error("the connector wants `{0}`, which connectors do not get")]
    Import(String),
    /// It is no connector.
    #[error("a component of another world: it exports {}", listed(.exports))]
    World {
        /// What it exports.
        exports: Vec<String>,
    },
    /// Made for another version of the contract.
    #[error("a connector of another version of the contract: it exports {found}")]
    Version {
        /// Its export.
        found: String,
    },
    /// The right name, another shape.
    #[error("it exports {CONTRACT}, but not as the contract has it: {0}")]
    Shape(String),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

/// Interfaces that a connector may import: wasi:http and what the standard libraries of languages drag in. All of the
/// latter are empty here (no files, no environment, no sockets).
const IMPORTS: [&str; 7] = [
    "wasi:http/",
    "wasi:io/",
    "wasi:clocks/",
    "wasi:cli/",
    "wasi:random/",
    "wasi:filesystem/",
    "wasi:sockets/",
];

/// How files of WebAssembly begin: the magic number, the version, and whether it is a component (the component model's
/// `Binary.md`, "component preamble").
const MAGIC: &[u8] = b"\0asm";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

pub(super) fn compile(engine: &Engine, wasm: &[u8]) -> Result<Component, LoadError> {
    if !wasm.starts_with(MAGIC) {
        return Err(LoadError::NotWasm);
    }
    if wasm.starts_with(MODULE) {
        return Err(LoadError::Module);
    }
    Component::from_binary(engine, wasm).map_err(|error| LoadError::Component(format!("{error:#}")))
}

pub(super) fn imports(engine: &Engine, component: &Component) -> Vec<String> {
    component.component_type().imports(engine).map(|(name, _)| name.to_owned()).collect()
}

pub(super) fn exports(engine: &Engine, component: &Component) -> Vec<String> {
    component.component_type().exports(engine).map(|(name, _)| name.to_owned()).collect()
}

/// Gives a component its imports, none of which does anything yet, and finds the contract in its exports.
pub(super) fn link(
    engine: &Engine,
    component: &Component,
    imports: &[String],
    exports: &[String],
) -> Result<ConnectorPre<Host>, LoadError> {
    let (contract, _) = CONTRACT.split_once('@').unwrap_or((CONTRACT, ""));
    let ours = |name: &&String| name.split('@').next() == Some(contract);
    let Some(found) = exports.iter().find(ours) else {
        return Err(LoadError::World { exports: exports.to_vec() });
    };
    let known = |import: &str| {
        import.starts_with("sanderling:connector/types@") || IMPORTS.iter().any(|one| import.starts_with(one))
    };
    if let Some(import) = imports.iter().find(|import| !known(import)) {
        return Err(LoadError::Import(import.clone()));
    }
    let mut linker = Linker::<Host>::new(engine);
    let given = wasmtime_wasi::p2::add_to_linker_async(&mut linker)
        .and_then(|()| wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker));
    given.map_err(|error| LoadError::Engine(format!("{error:#}")))?;
    let shape = |error: wasmtime::Error| match found {
        found if found == CONTRACT => LoadError::Shape(format!("{error:#}")),
        found => LoadError::Version { found: found.clone() },
    };
    // Of another version of WASI, say: its name is in the engine's words only.
    let pre = linker.instantiate_pre(component).map_err(|error| {
        let text = format!("{error:#}");
        match imports.iter().find(|import| text.contains(&format!("`{import}`"))) {
            Some(import) => LoadError::Import(import.clone()),
            None => shape(error),
        }
    })?;
    ConnectorPre::new(pre).map_err(shape)
}
