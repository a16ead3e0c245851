//! Refresh tokens that an API has replaced: kept in a file of the user's alone, before anything is done with them.
//!
//! The file names a token by the secret that it took the place of, and by the digest of what that secret was when the
//! user gave it: where the user gives another one, what came of the old one counts no more.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::secret::Secret;

/// Why replaced tokens cannot be read or kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RotatedError {
    /// The system says no, in these words.
    #[error("{0}")]
    Io(String),
    /// Not what this program writes.
    #[error("it is not what this program has written")]
    Malformed,
    /// Not for the user alone.
    #[error("others may read it (mode {0:04o})")]
    Open(u32),
}

impl From<io::Error> for RotatedError {
    fn from(error: io::Error) -> Self {
        RotatedError::Io(error.to_string())
    }
}

#[derive(Clone)]
struct Entry {
    /// Digest of what the user gave.
    of: String,
    value: Secret,
}

/// The file, and what the user has given in this run.
pub struct Rotated {
    path: PathBuf,
    given: Mutex<BTreeMap<String, String>>,
}

impl Rotated {
    /// Reads the file, and writes it: what cannot be written later must not be asked for.
    ///
    /// # Errors
    /// The folder cannot be made, the file cannot be read or written, or is open to others.
    pub fn open(path: PathBuf) -> Result<Rotated, RotatedError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let rotated = Rotated { path, given: Mutex::default() };
        let _lock = rotated.lock()?;
        write(&rotated.path, &read(&rotated.path)?)?;
        Ok(rotated)
    }

    /// What a secret is now that the user gave as `given`.
    ///
    /// # Errors
    /// As [`Rotated::open`].
    pub fn latest(&self, name: &str, given: Secret) -> Result<Secret, RotatedError> {
        self.given().insert(name.to_owned(), digest(&given));
        Ok(self.newest(name)?.unwrap_or(given))
    }

    /// What the secret has been replaced by, in this process or another.
    pub(crate) fn newest(&self, name: &str) -> Result<Option<Secret>, RotatedError> {
        let of = self.given().get(name).cloned();
        let entry = read(&self.path)?.remove(name);
        Ok(entry.filter(|entry| Some(&entry.of) == of.as_ref()).map(|entry| entry.value))
    }

    /// Keeps what has taken the secret's place: it is on the disk when this returns.
    pub(crate) fn keep(&self, name: &str, value: &Secret) -> Result<(), RotatedError> {
        let Some(of) = self.given().get(name).cloned() else { return Ok(()) };
        let _lock = self.lock()?;
        let mut entries = read(&self.path)?;
        entries.insert(name.to_owned(), Entry { of, value: value.clone() });
        write(&self.path, &entries)
    }

    fn given(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One process at a time writes; the lock goes with the file that is returned.
    fn lock(&self) -> Result<File, RotatedError> {
        let file = own(&self.path.with_extension("lock"), OpenOptions::new().write(true).create(true))?;
        file.lock()?;
        Ok(file)
    }
}

fn digest(secret: &Secret) -> String {
    Sha256::digest(secret.expose()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Opens a file that is made for the user alone.
fn own(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

fn read(path: &Path) -> Result<BTreeMap<String, Entry>, RotatedError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.into()),
    };
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path)?.permissions());
        if mode & 0o077 != 0 {
            return Err(RotatedError::Open(mode & 0o7777));
        }
    }
    let document: BTreeMap<String, Value> =
        serde_json::from_str(&text).map_err(|_| RotatedError::Malformed)?;
    let entry = |(name, entry): (String, Value)| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).ok_or(RotatedError::Malformed);
        Ok((name, Entry { of: text("of")?.to_owned(), value: Secret::new(text("value")?) }))
    };
    document.into_iter().map(entry).collect()
}

/// Puts a whole new file in the old one's place.
fn write(path: &Path, entries: &BTreeMap<String, Entry>) -> Result<(), RotatedError> {
    let entry = |(name, entry): (&String, &Entry)| {
        (name.clone(), json!({"of": entry.of, "value": entry.value.expose()}))
    };
    let document: serde_json::Map<String, Value> = entries.iter().map(entry).collect();
    let beside = path.with_extension("new");
    let mut file = own(&beside, OpenOptions::new().write(true).create(true).truncate(true))?;
    file.write_all(format!("{:#}\n", Value::Object(document)).as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_there_for_the_secret_that_it_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/rotated.json");
        let given = || Secret::new("given");
        let rotated = Rotated::open(path.clone()).unwrap();
        assert!(rotated.latest("r", given()).unwrap() == given());
        rotated.keep("r", &Secret::new("second")).unwrap();
        rotated.keep("r", &Secret::new("third")).unwrap();
        rotated.keep("stranger", &Secret::new("x")).unwrap();
        let again = Rotated::open(path.clone()).unwrap();
        assert!(again.latest("r", given()).unwrap() == Secret::new("third"));
        again.keep("r", &Secret::new("fourth")).unwrap();
        assert!(rotated.newest("r").unwrap() == Some(Secret::new("fourth")), "another process has it too");
        assert!(again.latest("r", Secret::new("a new one")).unwrap() == Secret::new("a new one"));
        assert!(again.latest("stranger", given()).unwrap() == given());
        let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|it| it.unwrap()).collect();
        for entry in names {
            #[cfg(unix)]
            {
                let mode = std::os::unix::fs::PermissionsExt::mode(&entry.metadata().unwrap().permissions());
                assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
            }
        }
    }

    #[test]
    fn a_file_that_is_not_ours_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rotated.json");
        for text in ["", "[]", "{\"r\": 1}", "{\"r\": {\"of\": \"x\"}}"] {
            fs::write(&path, text).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            assert_eq!(Rotated::open(path.clone()).err(), Some(RotatedError::Malformed), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        #[cfg(unix)]
        {
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
            assert_eq!(Rotated::open(path.clone()).err(), Some(RotatedError::Open(0o640)));
        }
    }
}
