//! The wasmtime engine: its settings, the cache of compiled components, the clock that interrupts a guest.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Cache, CacheConfig, Config, Engine};

/// How often a running guest is looked at.
pub(super) const TICK_MS: u64 = 10;

/// An engine for untrusted components. A cache directory that cannot be used costs time, not the run.
pub(super) fn engine(cache_dir: Option<&Path>) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model(true).epoch_interruption(true);
    if let Some(directory) = cache_dir {
        let mut cache = CacheConfig::new();
        cache.with_directory(directory);
        config.cache(Cache::new(cache).ok());
    }
    Engine::new(&config)
}

/// Bumps the engine's epoch every [`TICK_MS`] until it is dropped.
pub(super) struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(super) fn start(engine: &Engine) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (engine, seen) = (engine.weak(), stop.clone());
        let thread = std::thread::Builder::new().name("epoch".into()).spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                std::thread::park_timeout(Duration::from_millis(TICK_MS));
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread cannot panic; a failed join would only mean that it is gone already.
            let _ = thread.join();
        }
    }
}
