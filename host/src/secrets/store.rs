//! Keeps secrets in `.sanderling/secrets.toml`, for its owner alone.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use toml_edit::{Array, DocumentMut, Item, Table, value};

/// Why a secret is not kept.
#[derive(Debug)]
pub enum StoreError {
    /// The file cannot be read or written.
    Io(io::Error),
    /// It is no TOML.
    Broken,
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The names that are kept in a file.
///
/// # Errors
/// It cannot be read, or is no TOML.
pub fn names(path: &Path) -> Result<Vec<String>, StoreError> {
    Ok(read(path)?.iter().map(|(name, _)| name.to_owned()).collect())
}

/// Adds secrets, bound to an origin: no config can send them elsewhere. What is there stays.
///
/// # Errors
/// The file cannot be read or written, or is no TOML; it is as it was.
pub fn add(path: &Path, secrets: &[(String, String)], origin: &str) -> Result<(), StoreError> {
    let mut document = read(path)?;
    for (name, secret) in secrets {
        let mut table = Table::new();
        table.insert("value", value(secret.as_str()));
        table.insert("origins", value(Array::from_iter([origin])));
        document.insert(name, Item::Table(table));
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let put = || {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(document.to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    put().inspect_err(|_| {
        // What failed is said; what is left of it should not stay.
        let _ = fs::remove_file(&beside);
    })?;
    Ok(())
}

fn read(path: &Path) -> Result<DocumentMut, StoreError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    // The parser's own message would quote the line, and with it the secret.
    text.parse().map_err(|_| StoreError::Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn secrets_are_added_to_what_is_there() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".sanderling/secrets.toml");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(names(&path).unwrap(), Vec::<String>::new());
        add(&path, &[pair("a", "1")], "https://a.io").unwrap();
        fs::write(&path, fs::read_to_string(&path).unwrap() + "# mine\nold = \"x\"\n").unwrap();
        add(&path, &[pair("b", "q\"\\\n")], "https://b.io").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(table["b"]["value"].as_str(), Some("q\"\\\n"));
        assert_eq!(table["b"]["origins"][0].as_str(), Some("https://b.io"));
        assert!(text.contains("# mine") && table["a"]["value"].as_str() == Some("1"));
        assert_eq!(names(&path).unwrap(), ["a", "b"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path().join(".sanderling")).unwrap().count(), 1);
        fs::write(&path, "k = hunter2").unwrap();
        assert!(matches!(add(&path, &[pair("c", "1")], "https://c.io"), Err(StoreError::Broken)));
        assert_eq!(fs::read_to_string(&path).unwrap(), "k = hunter2");
    }
}
