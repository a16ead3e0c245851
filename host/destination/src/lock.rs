//! One run at a time: a lock file, held by the operating system and let go when the process ends, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::DestinationError;

/// Held until dropped; the file is then removed.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    // Kept for the lock on it.
    _file: File,
}

impl Lock {
    /// Takes the lock `path`; `subject` is what an error says is in use.
    pub(crate) fn take(path: PathBuf, subject: &Path) -> Result<Self, DestinationError> {
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(|cause| DestinationError::io(&path, cause))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(DestinationError::Locked { path: subject.to_owned(), by: "run" });
                }
                Err(TryLockError::Error(cause)) => return Err(DestinationError::io(&path, cause)),
            }
            // Its last holder may have removed it between the two calls; a lock on a file that has no name keeps
            // nobody out.
            if is_at(&file, &path) {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Lock {
    /// Takes the lock of a database file, made with its folders if they are not there.
    pub(crate) fn beside(database: &Path) -> Result<Self, DestinationError> {
        Self::take(path_beside(database)?, database)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Elsewhere than on Unix nothing tells whether a path is still the locked file, so it stays.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// `.NAME.lock` beside the database, by its real name: two links to one file are one lock.
fn path_beside(path: &Path) -> Result<PathBuf, DestinationError> {
    let sort = |cause| DestinationError::io(path, cause);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(sort)?;
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(_) => folder.canonicalize().map_err(sort)?.join(path.file_name().unwrap_or_default()),
    };
    let mut name = std::ffi::OsString::from(".");
    name.push(real.file_name().unwrap_or_default());
    name.push(".lock");
    Ok(real.with_file_name(name))
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(named)) => held.ino() == named.ino() && held.dev() == named.dev(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn keeps_others_out_until_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::take(path.clone(), Path::new("demo.db")).unwrap();
        let refused = Lock::take(path.clone(), Path::new("demo.db")).unwrap_err();
        assert_eq!(refused.to_string(), "demo.db is in use by another run");
        drop(held);
        assert!(cfg!(not(unix)) || !path.exists());
        Lock::take(path, Path::new("demo.db")).unwrap();
    }

    #[test]
    fn one_holder_at_a_time_while_the_file_comes_and_goes() {
        let dir = tempfile::tempdir().unwrap();
        let holders = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        if let Ok(_lock) = Lock::take(dir.path().join("lock"), dir.path()) {
                            assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                            holders.fetch_sub(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
    }
}
