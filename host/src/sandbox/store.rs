//! What one instance of a connector lives in: an empty WASI world, limits, and the gate as its only way out.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use sanderling_gate::{Exchange, Gate, GateError};
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{HostWallClock, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::Limits;
use super::engine::TICK_MS;

/// The body of one request.
const MAX_REQUEST_BYTES: usize = 8 << 20;

/// What a guest may say on its way down, for the report of a trap.
const STDERR_BYTES: usize = 16 * 1024;

/// One request as the gate saw it.
pub struct Seen {
    /// What was sent and what came, for people.
    pub exchange: Exchange,
    /// Why there was no answer.
    pub error: Option<Arc<GateError>>,
}

/// The state of one store.
pub(super) struct Host {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    egress: Egress,
    limits: StoreLimits,
    stderr: MemoryOutputPipe,
    ticks_left: u64,
}

impl Host {
    /// Gives the guest its time for one call.
    pub(super) fn allot(&mut self, cpu_time_ms: u64) {
        self.ticks_left = (cpu_time_ms / TICK_MS).max(1);
    }

    /// What the gate saw since the last call of this.
    pub(super) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.egress.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the guest sent a request to a gate that is shut.
    pub(super) fn knocked(&self) -> bool {
        self.egress.knocked
    }

    /// The last words of a guest that trapped.
    pub(super) fn last_words(&self) -> String {
        String::from_utf8_lossy(&self.stderr.contents()).trim().to_owned()
    }

    /// Whether the guest used up its time.
    pub(super) fn out_of_time(&self) -> bool {
        self.ticks_left == 0
    }
}

/// A store with nothing in it but the limits and the gate. `None` is a gate that is shut.
pub(super) fn store(engine: &Engine, gate: Option<Arc<Gate>>, limits: &Limits) -> Store<Host> {
    let stderr = MemoryOutputPipe::new(STDERR_BYTES);
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.handles);
    let mut wasi = WasiCtx::builder();
    wasi.stderr(stderr.clone())
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(64 * 1024)
        .wall_clock(Still);
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(64 * 1024);
    let host = Host {
        table,
        wasi: wasi.build(),
        http,
        egress: Egress { gate, knocked: false, seen: Arc::default() },
        limits: StoreLimitsBuilder::new()
            .memory_size(limits.memory_bytes)
            .table_elements(100_000)
            .instances(64)
            .tables(64)
            .memories(16)
            .trap_on_grow_failure(true)
            .build(),
        stderr,
        ticks_left: 1,
    };
    let mut store = Store::new(engine, host);
    store.limiter(|host| &mut host.limits);
    store.set_hostcall_fuel(limits.page_bytes);
    store.set_max_component_handles(limits.handles);
    store.set_epoch_deadline(1);
    // An epoch passes only while guest code runs, so this counts the guest's own time and leaves its waiting out.
    store.epoch_deadline_callback(|mut context| {
        let host = context.data_mut();
        host.ticks_left = host.ticks_left.saturating_sub(1);
        Ok(if host.ticks_left == 0 { UpdateDeadline::Interrupt } else { UpdateDeadline::Yield(1) })
    });
    store
}

/// The time of day in the sandbox: none. A connector has `now-ms`.
struct Still;

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.egress, table: &mut self.table, ctx: &mut self.http }
    }
}

/// wasi:http's way to the gate.
struct Egress {
    gate: Option<Arc<Gate>>,
    knocked: bool,
    seen: Arc<Mutex<Vec<Seen>>>,
}

type SentRequest =
    Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Egress {
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn default_scheme(&mut self) -> Option<http::uri::Scheme> {
        None
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = SentRequest> + Send> {
        let (gate, seen) = (self.gate.clone(), self.seen.clone());
        self.knocked |= gate.is_none();
        Box::new(async move {
            let gate = gate.ok_or(Error::HttpRequestDenied)?;
            let (head, body) = request.into_parts();
            let body = Limited::new(body, MAX_REQUEST_BYTES).collect().await;
            let body =
                body.map_err(|_| Error::HttpRequestBodySize(Some(MAX_REQUEST_BYTES as u64)))?.to_bytes();
            let (exchange, result) = gate.send(http::Request::from_parts(head, body)).await;
            let result = result.map_err(Arc::new);
            let error = result.as_ref().err().cloned();
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(Seen { exchange, error });
            let response = result.map_err(|error| code(&error))?;
            let response =
                response.map(|body: Bytes| Full::new(body).map_err(|never| match never {}).boxed_unsync());
            let io: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(async { Ok(()) });
            Ok((response, io))
        })
    }
}

/// The guest learns the kind of a failure; the host has the rest from [`Seen`].
fn code(error: &GateError) -> Error {
    if error.is_denied() { Error::HttpRequestDenied } else { Error::InternalError(Some(error.to_string())) }
}
