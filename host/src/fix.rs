//! Settles what a config leaves to be guessed: merges settings, sets them in its text, and puts the file in place.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

use crate::contract::Setting;
use crate::document::Document;
use crate::document::edit::{self, EditError};

/// A config with settings written into it.
pub struct Settled {
    /// The config as it is now.
    pub document: Document,
    /// Settings that could not be written, and why.
    pub refused: Vec<(Setting, EditError)>,
}

/// Writes settings into a config's text. Several that are for one place are merged; where they contradict each other,
/// the first one counts.
pub fn settle(document: &Document, settings: &[Setting]) -> Settled {
    let mut settled = Settled { document: document.clone(), refused: Vec::new() };
    for (path, value) in merged(settings) {
        match edit::set(&settled.document, &path, &value) {
            Ok(document) => settled.document = document,
            Err(error) => settled.refused.push((Setting { path, value: value.to_string() }, error)),
        }
    }
    settled
}

/// One value for each place, in the order of the settings. What is no JSON cannot be written.
fn merged(settings: &[Setting]) -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = Vec::new();
    for setting in settings {
        let Ok(value) = serde_json::from_str(&setting.value) else { continue };
        match all.iter_mut().find(|(path, _)| *path == setting.path) {
            Some((_, first)) => merge(first, value),
            None => all.push((setting.path.clone(), value)),
        }
    }
    all
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                match into.get_mut(&name) {
                    Some(first) => merge(first, value),
                    None => {
                        into.insert(name, value);
                    }
                }
            }
        }
        (Value::Array(into), Value::Array(from)) => {
            for value in from {
                if !into.contains(&value) {
                    into.push(value);
                }
            }
        }
        _ => {}
    }
}

/// Puts `text` in the place of the file at `path`, all at once, with the mode that it had. A link stays a link.
///
/// # Errors
/// The folder or the file cannot be written; the file is as it was.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let put = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.set_permissions(permissions)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    put().inspect_err(|_| {
        // What failed is said; what is left of it should not stay.
        let _ = fs::remove_file(&beside);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Format, parse};

    fn setting(path: &str, value: &str) -> Setting {
        Setting { path: path.into(), value: value.into() }
    }

    #[test]
    fn settings_for_one_place_are_merged() {
        let document = parse("c", "r:\n  t: /t # c\n  u: {}\n", Format::Yaml).unwrap();
        let settings = [
            setting("/r/t", r#"{"endpoint": {"path": "/t/{a.b}"}, "include_from_parent": ["id"]}"#),
            setting("/r/u/x", "1"),
            setting("/r/t", r#"{"endpoint": {"path": "/t", "paginator": "single_page"}}"#),
            setting("/r/t", r#"{"include_from_parent": ["name", "id"]}"#),
            setting("/none/x", "1"),
            setting("/r/y", "no JSON"),
        ];
        let settled = settle(&document, &settings);
        assert_eq!(
            settled.document.text(),
            "r:\n  t: # c\n    endpoint: {path: \"/t/{a.b}\", paginator: single_page}\n    include_from_parent: [id, name]\n  u: {x: 1}\n"
        );
        assert_eq!(settled.refused, [(setting("/none/x", "1"), EditError::NoPlace)]);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_keeps_its_mode_and_its_links() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("c.yaml"), dir.path().join("link.yaml"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        assert!(write(&dir.path().join("none"), "x").is_err());
    }
}
