//! Connectors in their sandbox: load a component once, call its two exports, in stores that keep to their limits.

mod bindings;
mod component;
mod engine;
mod store;
mod trap;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sanderling_gate::Gate;
use sha2::{Digest, Sha256};
use tokio::time::error::Elapsed;
use wasmtime::{Engine, Store};

use crate::contract::{Fault, Page, PageRequest, SourceInfo};
use bindings::{Connector, ConnectorPre, WitError};
pub use component::{CONTRACT, LoadError};
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

/// Why a connector does not say what a config describes.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ListError {
    /// It wanted to ask its API what there is, and nothing is sent at that time.
    #[error("the connector asks its API what there is")]
    AsksApi,
    /// As with any call.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// A file that may be a connector, looked at.
pub struct Inspection {
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// Interfaces and functions that it wants, by name; none of what is no component.
    pub imports: Vec<String>,
    /// Interfaces and functions that it offers.
    pub exports: Vec<String>,
    /// The connector, or why it is none for this host.
    pub loaded: Result<Sandbox, LoadError>,
}

/// A loaded component.
pub struct Sandbox {
    engine: Engine,
    pre: ConnectorPre<Host>,
    limits: Limits,
    digest: String,
    _ticker: engine::Ticker,
}

impl Sandbox {
    /// Compiles `wasm`, or takes it from the cache, which goes by the digest of its bytes and the engine's settings.
    pub fn load(wasm: &[u8], cache_dir: Option<&Path>, limits: Limits) -> Result<Self, LoadError> {
        inspect(wasm, cache_dir, limits).loaded
    }

    /// SHA-256 of the component, in hex: its identity.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What `config` describes. Runs in an instance of its own, with the gate shut.
    pub async fn list_resources(&self, config: &str) -> Result<SourceInfo, ListError> {
        let mut instance = self.instance(None).await?;
        let Instance { store, connector } = &mut instance;
        let call = connector.sanderling_connector_source().call_list_resources(&mut *store, config);
        let called = self.in_time(call).await;
        match self.judge(called, store.data()) {
            Ok(info) => Ok(info.into()),
            Err(CallError::Fault(fault))
                if store.data().knocked() && !matches!(fault, Fault::InvalidConfig(_)) =>
            {
                Err(ListError::AsksApi)
            }
            Err(error) => Err(error.into()),
        }
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

/// Looks at a file, as far as it can be understood, and loads it if it is a connector.
pub fn inspect(wasm: &[u8], cache_dir: Option<&Path>, limits: Limits) -> Inspection {
    let digest: String = Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect();
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let load = || {
        let engine = engine::engine(cache_dir).map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        let component = component::compile(&engine, wasm)?;
        imports = component::imports(&engine, &component);
        exports = component::exports(&engine, &component);
        let pre = component::link(&engine, &component, &imports, &exports)?;
        let ticker = engine::Ticker::start(&engine).map_err(|error| LoadError::Engine(error.to_string()))?;
        Ok(Sandbox { engine, pre, limits, digest: digest.clone(), _ticker: ticker })
    };
    let loaded = load();
    Inspection { digest, imports, exports, loaded }
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
