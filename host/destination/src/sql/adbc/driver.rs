//! Loading an ADBC driver: a library, by its name or its path.

use std::path::Path;

use adbc_core::LOAD_FLAG_DEFAULT;
use adbc_core::error::{Error, Status};
use adbc_core::options::AdbcVersion;
use adbc_driver_manager::ManagedDriver;

use super::AdbcAddress;

/// The library at `library`, or the one that is installed as `name`.
///
/// # Errors
/// The loader's words, in one line.
pub(crate) fn load(
    name: &str,
    library: Option<&Path>,
    entrypoint: Option<&str>,
) -> Result<ManagedDriver, String> {
    // DuckDB's library is no driver by its name.
    let entrypoint = match (entrypoint, library) {
        (None, Some(_)) if name == "duckdb" => Some("duckdb_adbc_init"),
        (entrypoint, _) => entrypoint,
    };
    let entrypoint = entrypoint.map(str::as_bytes);
    let load = |version| match library {
        Some(path) => ManagedDriver::load_dynamic_from_filename(path, entrypoint, version),
        None => ManagedDriver::load_from_name(name, entrypoint, version, LOAD_FLAG_DEFAULT, None),
    };
    let is_older = |error: &Error| error.status == Status::NotImplemented;
    let loaded = match load(AdbcVersion::V110) {
        Err(error) if is_older(&error) => load(AdbcVersion::V100),
        loaded => loaded,
    };
    loaded.map_err(|error| error.message.lines().next().unwrap_or_default().to_owned())
}

impl AdbcAddress {
    pub(crate) fn load(&self) -> Result<ManagedDriver, String> {
        load(&self.driver, self.library.as_deref(), self.entrypoint.as_deref())
    }
}
