//! Targets below a folder that something has been loaded into.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use crate::target::Target;
use crate::{jsonl, parquet, sql};

/// What stands behind the first eight bytes of every DuckDB file.
const DUCKDB: &[u8; 4] = b"DUCK";

/// The databases (`*.db`, and DuckDB's also as `*.duckdb` or `*.ddb`) and state folders in `folder` and, down to `depth` levels, below it, in the order of their paths.
/// Whether a database is one of ours is found by looking into it. What cannot be read is passed over.
#[must_use]
pub fn find(folder: &Path, depth: usize) -> Vec<Target> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // A link could lead anywhere, and in a circle.
        let Ok(kind) = entry.file_type() else { continue };
        let path = shortened(folder, &entry);
        if kind.is_file() {
            let extension = path.extension().and_then(|extension| extension.to_str());
            match extension {
                Some("db" | "duckdb" | "ddb") if is_duckdb(&path) => {
                    found.extend(sql::found::duckdb_targets(&path));
                }
                Some("db") => found.push(Target::Sqlite { path }),
                _ => {}
            }
        } else if kind.is_dir() {
            let is_parquet = path.join(parquet::JOURNAL).is_file();
            if is_parquet || path.join(jsonl::JOURNAL).is_file() {
                let own = path.file_name().is_some_and(|name| name == ".sanderling");
                let dir = if own { path.parent().unwrap_or(&path).to_owned() } else { path.clone() };
                let dir = if dir.as_os_str().is_empty() { ".".into() } else { dir };
                found.push(match is_parquet {
                    true => Target::Parquet { dir, state_dir: path },
                    false => Target::Jsonl { dir, state_dir: path },
                });
            } else if depth > 0 {
                found.extend(find(&path, depth - 1));
            }
        }
    }
    found
}

fn is_duckdb(path: &Path) -> bool {
    let mut head = [0; 12];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head.ends_with(DUCKDB)
}

/// The path without a leading `./`.
fn shortened(folder: &Path, entry: &fs::DirEntry) -> std::path::PathBuf {
    if folder == Path::new(".") { entry.file_name().into() } else { entry.path() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::DuckDbLimits;

    #[test]
    fn databases_and_state_folders_down_to_a_depth() {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            "a.db",
            "notes.txt",
            "x/b.db",
            "x/y/c.db",
            "x/y/z/d.db",
            "out/.sanderling/journal.jsonl",
            "kept/journal.jsonl",
            "lake/.sanderling/parquet.jsonl",
            "x/duck.duckdb",
            "x/duck.db",
            "x/other.duckdb",
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let is_duck = path.file_stem().is_some_and(|stem| stem == "duck");
            fs::write(path, if is_duck { "checksumDUCKand the rest" } else { "" }).unwrap();
        }
        let at = |path: &str| dir.path().join(path);
        let expected = [
            Target::Sqlite { path: at("a.db") },
            Target::Jsonl { dir: at("kept"), state_dir: at("kept") },
            Target::Parquet { dir: at("lake"), state_dir: at("lake/.sanderling") },
            Target::Jsonl { dir: at("out"), state_dir: at("out/.sanderling") },
            Target::Sqlite { path: at("x/b.db") },
            // Whether anything is in them is told by a look.
            Target::DuckDb {
                path: at("x/duck.db"),
                schema: None,
                driver: None,
                limits: DuckDbLimits::default(),
            },
            Target::DuckDb {
                path: at("x/duck.duckdb"),
                schema: None,
                driver: None,
                limits: DuckDbLimits::default(),
            },
            Target::Sqlite { path: at("x/y/c.db") },
        ];
        assert_eq!(find(dir.path(), 2), expected);
        assert_eq!(find(&at("nowhere"), 2), []);
    }
}
