//! Configs in a folder that may have been meant: looked for when none is named, or one that is not there.

use std::path::Path;

use crate::document::{self, Format, nearest};

/// A file larger than this is none.
const MAX_BYTES: u64 = 1 << 20;

/// Names of files in `dir` that look like configs, in order.
pub fn configs(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let small =
        entries.filter(|entry| entry.metadata().is_ok_and(|file| file.is_file() && file.len() <= MAX_BYTES));
    let mut names: Vec<String> = small
        .filter(|entry| is_config(&entry.path()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The file beside `path` that was probably meant.
pub fn near(path: &Path) -> Option<String> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let name = path.file_name()?.to_string_lossy();
    let all = configs(dir.unwrap_or(Path::new(".")));
    // `time` may stand for `time.yaml`, and `time.yml` too.
    let stem = |name: &str| Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let same_stem = all.iter().find(|other| stem(other) == stem(&name));
    let found = same_stem.map(String::as_str).or_else(|| nearest(&name, all.iter().map(String::as_str)))?;
    Some(dir.map_or_else(|| found.to_owned(), |dir| dir.join(found).display().to_string()))
}

/// Whether a file says what a config says: it is read, and has a key that every config has one of.
fn is_config(path: &Path) -> bool {
    let text = Format::of(path).ok().and_then(|format| Some((format, std::fs::read_to_string(path).ok()?)));
    let document = text.and_then(|(format, text)| document::parse("", &text, format).ok());
    document.is_some_and(|document| {
        ["client", "resources", "connector"].iter().any(|key| document.value.get(key).is_some())
    })
}
