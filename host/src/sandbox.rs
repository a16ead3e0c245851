//! Connectors in their sandbox: load a component once, call its two exports, in stores that keep to their limits.

mod bindings;
mod engine;
mod store;
mod trap;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sanderling_gate::Gate;
use sha2::{Digest, Sha256};
use tokio::time::error::Elapsed;
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

use crate::contract::{Fault, Page, PageRequest, SourceInfo};
use bindings::{Connector, ConnectorPre, WitError};
use store::Host;
pub use store::Seen;
pub use trap::Trap;

/// The connector that is part of this program: dlt's `rest_api` configs.
pub static BUILT_IN: &[u8] = include_bytes!(env!("SANDERLING_CONNECTOR"));

/// What a guest may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance.
    pub memory_bytes: usize,
    /// What one call may hand to the host.
    pub page_bytes: usize,
    /// Live handles of one instance.
    pub handles: usize,
    /// The guest's own running time in one call.
    pub cpu_time_ms: u64,
    /// One call with all its waiting.
    pub call_time_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            page_bytes: 96 << 20,
            handles: 4_096,
            cpu_time_ms: 30_000,
            call_time_ms: 360_000,
        }
    }
}

/// Why a component cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The engine does not start on this machine.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// Not a component, or one that does not compile.
    #[error("not a WebAssembly component that can be loaded: {0}")]
    Component(String),
    /// An import outside of what connectors get.
    #[error("the connector wants `{0}`, which connectors do not get")]
    Import(String),
    /// It does not export the contract.
    #[error("the component does not export sanderling:connector/source@0.1.0: {0}")]
    World(String),
}

/// Why a call gave no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The connector's own, typed answer.
    #[error("{0:?}")]
    Fault(Fault),
    /// The guest used more than it may, or broke.
    #[error("{0:?}")]
    Trap(Trap),
}

/// A loaded component.
pub struct Sandbox {
    engine: Engine,
    pre: ConnectorPre<Host>,
    limits: Limits,
    digest: String,
    _ticker: engine::Ticker,
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

impl Sandbox {
    /// Compiles `wasm`, or takes it from the cache, which goes by the digest of its bytes and the engine's settings.
    pub fn load(wasm: &[u8], cache_dir: Option<&Path>, limits: Limits) -> Result<Self, LoadError> {
        let engine = engine::engine(cache_dir).map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        let component = Component::from_binary(&engine, wasm)
            .map_err(|error| LoadError::Component(format!("{error:#}")))?;
        for (import, _) in component.component_type().imports(&engine) {
            let ours = import.starts_with("sanderling:connector/types");
            if !ours && !IMPORTS.iter().any(|allowed| import.starts_with(allowed)) {
                return Err(LoadError::Import(import.to_owned()));
            }
        }
        let link = || -> wasmtime::Result<_> {
            let mut linker = Linker::<Host>::new(&engine);
            wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
            wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
            ConnectorPre::new(linker.instantiate_pre(&component)?)
        };
        let pre = link().map_err(|error| LoadError::World(format!("{error:#}")))?;
        let ticker = engine::Ticker::start(&engine).map_err(|error| LoadError::Engine(error.to_string()))?;
        let digest = Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { engine, pre, limits, digest, _ticker: ticker })
    }

    /// SHA-256 of the component, in hex: its identity.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What `config` describes. Runs in an instance of its own, with the gate shut.
    pub async fn list_resources(&self, config: &str) -> Result<SourceInfo, CallError> {
        let mut instance = self.instance(None).await?;
        let Instance { store, connector } = &mut instance;
        let call = connector.sanderling_connector_source().call_list_resources(&mut *store, config);
        let called = self.in_time(call).await;
        self.judge(called, store.data()).map(Into::into)
    }

    /// A pool of instances that read pages of `config` through `gate`.
    pub fn open(self: &Arc<Self>, config: String, gate: Arc<Gate>) -> Connection {
        Connection { sandbox: self.clone(), config, gate, idle: Mutex::default() }
    }

    async fn instance(&self, gate: Option<Arc<Gate>>) -> Result<Instance, CallError> {
        let mut store = store::store(&self.engine, gate, &self.limits);
        store.data_mut().allot(self.limits.cpu_time_ms);
        match self.pre.instantiate_async(&mut store).await {
            Ok(connector) => Ok(Instance { store, connector }),
            Err(error) => Err(CallError::Trap(Trap::of(&error, store.data(), &self.limits))),
        }
    }

    /// Bounds one call with all its waiting. A store whose call was cut off must not be used again.
    async fn in_time<T>(&self, call: impl Future<Output = T>) -> Result<T, Elapsed> {
        tokio::time::timeout(Duration::from_millis(self.limits.call_time_ms), call).await
    }

    fn judge<T>(
        &self,
        called: Result<wasmtime::Result<Result<T, WitError>>, Elapsed>,
        host: &Host,
    ) -> Result<T, CallError> {
        match called {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(CallError::Fault(error.into())),
            Ok(Err(error)) => Err(CallError::Trap(Trap::of(&error, host, &self.limits))),
            Err(_) => Err(CallError::Trap(Trap::NoAnswer { limit_ms: self.limits.call_time_ms })),
        }
    }
}

struct Instance {
    store: Store<Host>,
    connector: Connector,
}

/// A config that is being read: instances come and go with the calls that run side by side.
pub struct Connection {
    sandbox: Arc<Sandbox>,
    config: String,
    gate: Arc<Gate>,
    idle: Mutex<Vec<Instance>>,
}

impl Connection {
    /// One page, and what the gate saw while it was read.
    pub async fn fetch_page(&self, request: &PageRequest) -> (Result<Page, CallError>, Vec<Seen>) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut instance = match idle {
            Some(instance) => instance,
            None => match self.sandbox.instance(Some(self.gate.clone())).await {
                Ok(instance) => instance,
                Err(error) => return (Err(error), Vec::new()),
            },
        };
        let request = bindings::page_request(request);
        let Instance { store, connector } = &mut instance;
        store.data_mut().allot(self.sandbox.limits.cpu_time_ms);
        let call =
            connector.sanderling_connector_source().call_fetch_page(&mut *store, &self.config, &request);
        let called = self.sandbox.in_time(call).await;
        let seen = store.data().take_seen();
        let result = self.sandbox.judge(called, store.data());
        // An instance that trapped or was cut off is not to be trusted again.
        if !matches!(result, Err(CallError::Trap(_))) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
        }
        (result.map(Into::into), seen)
    }
}
