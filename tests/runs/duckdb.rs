//! What a run has left in a DuckDB file, read by DuckDB's own library.

use std::path::{Path, PathBuf};

use adbc_core::options::{AdbcVersion, OptionDatabase, OptionValue};
use adbc_core::{Connection as _, Database as _, Driver as _, Statement as _};
use adbc_driver_manager::{ManagedConnection, ManagedDriver};
use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;

use crate::skipped::skipped;

/// The library that `SANDERLING_DUCKDB` names; without one nothing is shown, and that is said.
pub(crate) fn library() -> Option<PathBuf> {
    let library = std::env::var_os("SANDERLING_DUCKDB").map(PathBuf::from);
    if library.is_none() {
        skipped("DuckDB, since SANDERLING_DUCKDB does not name its library");
    }
    library
}

/// To a file, or to none.
fn connection(path: Option<&Path>, mode: &str) -> ManagedConnection {
    let entry: Option<&[u8]> = Some(b"duckdb_adbc_init");
    let library = library().unwrap();
    let mut driver = ManagedDriver::load_dynamic_from_filename(library, entry, AdbcVersion::V110).unwrap();
    let option = |name: &str, value: &str| (OptionDatabase::Other(name.to_owned()), OptionValue::from(value));
    let file = path.map(|path| [option("path", path.to_str().unwrap()), option("access_mode", mode)]);
    driver.new_database_with_opts(file.into_iter().flatten()).unwrap().new_connection().unwrap()
}

/// Runs statements in a file, made if it is not there.
pub(crate) fn batch(path: &Path, sql: &str) {
    let mut connection = connection(Some(path), "READ_WRITE");
    for sql in sql.split(";\n").filter(|sql| !sql.trim().is_empty()) {
        let mut statement = connection.new_statement().unwrap();
        statement.set_sql_query(sql).unwrap();
        statement.execute_update().unwrap();
    }
}

/// The values of a table's column, as text.
pub(crate) fn column(path: &Path, table: &str, column: &str) -> Vec<String> {
    ask(Some(path), &format!("SELECT \"{column}\"::text FROM \"{table}\""))
}

/// The rows of a table as JSON, without what each load has of its own.
pub(crate) fn rows(path: &Path, table: &str) -> Vec<String> {
    let own = format!("SELECT * EXCLUDE (_load_id, _loaded_at) FROM \"{table}\"");
    ask(Some(path), &format!("SELECT to_json(t)::text FROM ({own}) AS t"))
}

/// The first column of an answer, which is text; of a file, or of none.
pub(crate) fn ask(path: Option<&Path>, sql: &str) -> Vec<String> {
    let mut connection = connection(path, "READ_ONLY");
    let mut statement = connection.new_statement().unwrap();
    statement.set_sql_query(sql).unwrap();
    let mut values = Vec::new();
    for batch in statement.execute().unwrap() {
        let batch = batch.unwrap();
        let texts = batch.column(0).as_string::<i32>();
        values.extend((0..texts.len()).map(|row| texts.value(row).to_owned()));
    }
    values
}
