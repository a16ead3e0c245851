//! Which connector reads a config: the built-in one, or one from a file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::sandbox::{self, LoadError, Sandbox};
use crate::settings::HostSettings;
use crate::words::of_io;

/// Components of whole language runtimes have a tenth of this.
const MAX_BYTES: u64 = 64 << 20;

/// Whose connector reads a config: what may be assumed of its keys, and what it may reach unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The one that is built in.
    Ours,
    /// Any other.
    Foreign,
}

impl Whose {
    /// Keys at the top of its configs, as far as they are known here.
    pub(super) fn top_keys(self) -> &'static [&'static str] {
        match self {
            Self::Ours => &["client", "resource_defaults", "resources"],
            Self::Foreign => &[],
        }
    }
}

/// Why there is no connector in a file.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The file cannot be read; the text says why.
    #[error("{0}")]
    Unreadable(String),
    /// What it holds cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// The file of a connector that is not built in: `--connector`, from the current folder, or the config's `connector`,
/// from the config's own.
pub(super) fn file(flag: Option<&Path>, key: Option<&str>, config: &Path) -> Option<PathBuf> {
    match (flag, key) {
        (Some(flag), _) => Some(flag.to_owned()),
        (None, Some(key)) => Some(config.parent().unwrap_or(Path::new("")).join(key)),
        (None, None) => None,
    }
}

/// Loads the connector of a file, or without one that which is built in.
pub(super) fn load(
    file: Option<&Path>,
    cache_dir: Option<&Path>,
    settings: &HostSettings,
) -> Result<Sandbox, Error> {
    let limits = settings.sandbox.clone();
    let Some(path) = file else {
        return Ok(Sandbox::load(sandbox::BUILT_IN, cache_dir, limits)?);
    };
    let refused = |problem| Error::Connector { path: path.to_owned(), problem };
    let wasm = read(path).map_err(refused)?;
    Sandbox::load(&wasm, cache_dir, limits).map_err(|error| refused(error.into()))
}

/// Reads a connector's file, whose size is not the connector's to choose.
pub fn read(path: &Path) -> Result<Vec<u8>, ConnectorError> {
    let mut wasm = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut wasm));
    match read {
        Ok(bytes) if bytes as u64 > MAX_BYTES => {
            Err(ConnectorError::Unreadable(format!("it is larger than {} MiB", MAX_BYTES >> 20)))
        }
        Ok(_) => Ok(wasm),
        Err(error) => Err(ConnectorError::Unreadable(of_io(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_goes_before_the_key_and_the_key_is_of_the_configs_folder() {
        let file = |flag, key| file(flag, key, Path::new("configs/api.yaml"));
        assert_eq!(file(None, None), None);
        assert_eq!(file(None, Some("c.wasm")), Some("configs/c.wasm".into()));
        assert_eq!(file(None, Some("/opt/c.wasm")), Some("/opt/c.wasm".into()));
        assert_eq!(file(Some(Path::new("d.wasm")), Some("c.wasm")), Some("d.wasm".into()));
    }
}
