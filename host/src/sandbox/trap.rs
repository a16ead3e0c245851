//! Every way in which a connector breaks or is stopped.

use wasmtime::Trap as Wasm;

use super::Limits;
use super::store::Host;

/// Why a call of a connector came to nothing. The instance is then thrown away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trap {
    /// It ran for longer than it may (`limits.cpu_time_ms`).
    OutOfTime {
        /// Its own running time in one call.
        limit_ms: u64,
    },
    /// The call as a whole, with its waiting, took too long.
    NoAnswer {
        /// What a call may take.
        limit_ms: u64,
    },
    /// It wanted more memory than it may have (`limits.memory_mib`).
    OutOfMemory {
        /// What an instance may have.
        limit_mib: u64,
    },
    /// It handed over more than it may (`limits.max_body_mib`).
    TooMuch {
        /// What one call may hand over.
        limit_mib: u64,
    },
    /// It held more handles than it may.
    Handles {
        /// What an instance may hold.
        limit: usize,
    },
    /// It broke by itself.
    Broke {
        /// The engine's word for it.
        cause: String,
        /// What it wrote on its way down; empty: nothing.
        last_words: String,
    },
    /// The host's side of the call broke.
    Panic {
        /// The runtime's word for it.
        cause: String,
    },
}

impl Trap {
    /// What the engine's error means.
    pub(super) fn of(error: &wasmtime::Error, host: &Host, limits: &Limits) -> Self {
        let mib = |bytes: usize| (bytes >> 20) as u64;
        if host.out_of_time() || matches!(error.downcast_ref::<Wasm>(), Some(Wasm::Interrupt)) {
            return Self::OutOfTime { limit_ms: limits.cpu_time_ms };
        }
        // The engine has no types for these.
        let text = format!("{error:#}");
        if text.contains("memory") && text.contains("grow") {
            return Self::OutOfMemory { limit_mib: mib(limits.memory_bytes) };
        }
        if text.contains("fuel allocated for hostcalls") {
            return Self::TooMuch { limit_mib: mib(limits.page_bytes) };
        }
        if text.contains("no free keys") {
            return Self::Handles { limit: limits.handles };
        }
        Self::Broke { cause: error.root_cause().to_string(), last_words: host.last_words() }
    }
}
