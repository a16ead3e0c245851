//! What a place holds, as a reader of it finds it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;

use super::Place;
use crate::*;

impl Place {
    /// A resource's rows as a reader finds them, sorted: no nulls, no system columns, nested values as text.
    pub(crate) fn rows(&self, resource: &str) -> Vec<String> {
        let mut rows: Vec<String> = match &self.target {
            Target::Postgres { address } => postgres_rows(address, resource),
            Target::Sqlite { path } => sqlite_rows(path, resource),
            Target::DuckDb { path, driver, .. } => {
                crate::sql::open::duckdb_rows(path, driver.as_deref(), resource)
            }
            Target::Jsonl { dir, .. } => jsonl_rows(&dir.join(format!("{resource}.jsonl"))),
            Target::Parquet { dir, .. } => parquet_rows(dir, resource),
            Target::Store { form, address } => store_rows(*form, address, resource),
            Target::Adbc { address } => crate::sql::adbc::served::rows(address, resource),
            Target::Stdout => unreachable!(),
        };
        rows.sort();
        rows
    }

    /// The first column of an answer, as text.
    pub(crate) fn ask(&self, sql: &str) -> Vec<String> {
        match &self.target {
            Target::Sqlite { path } => {
                let conn = rusqlite::Connection::open(path).unwrap();
                let mut select = conn.prepare(sql).unwrap();
                select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Target::DuckDb { path, driver, .. } => crate::sql::open::duckdb_ask(path, driver.as_deref(), sql),
            Target::Postgres { address } => crate::postgres::tests::ask_within(address, sql),
            Target::Adbc { address } => crate::sql::adbc::served::ask(address, sql),
            Target::Jsonl { .. } | Target::Parquet { .. } | Target::Store { .. } | Target::Stdout => {
                unreachable!()
            }
        }
    }
}

fn sqlite_rows(path: &Path, resource: &str) -> Vec<String> {
    let conn = rusqlite::Connection::open(path).unwrap();
    let Ok(mut select) = conn.prepare(&format!("SELECT * FROM \"{resource}\"")) else {
        return vec![];
    };
    let names: Vec<String> = select.column_names().map(str::to_owned).collect();
    let rows = select.query_map([], |row| {
        let mut fields = BTreeMap::new();
        for (index, name) in names.iter().enumerate().filter(|(_, name)| !name.starts_with("_load")) {
            let value = match row.get(index)? {
                rusqlite::types::Value::Null => continue,
                rusqlite::types::Value::Integer(integer) => Json::from(integer),
                rusqlite::types::Value::Real(real) => Json::from(real),
                rusqlite::types::Value::Text(text) => Json::from(text),
                rusqlite::types::Value::Blob(_) => unreachable!(),
            };
            fields.insert(name.clone(), value);
        }
        Ok(serde_json::to_string(&fields).unwrap())
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn postgres_rows(address: &PostgresAddress, resource: &str) -> Vec<String> {
    let table = format!("{}.\"{}\"", address.schema, resource.replace('"', "\"\""));
    if crate::postgres::tests::ask(
        address,
        &format!("SELECT to_regclass('{}')::text", table.replace('\'', "''")),
    )
    .iter()
    .any(|found| found == "NULL")
    {
        return vec![];
    }
    let rows = crate::postgres::tests::ask(address, &format!("SELECT to_jsonb(t)::text FROM {table} AS t"));
    let plain = |text: String| {
        let row: BTreeMap<String, Json> = serde_json::from_str(&text).unwrap();
        let fields: BTreeMap<_, _> = row
            .into_iter()
            .filter(|(name, value)| !value.is_null() && !name.starts_with("_load"))
            .map(|(name, value)| match value {
                Json::Array(_) | Json::Object(_) => (name, Json::from(value.to_string())),
                value => (name, value),
            })
            .collect();
        serde_json::to_string(&fields).unwrap()
    };
    rows.into_iter().map(plain).collect()
}

/// The rows of the objects that the manifest names, which are those that are there, but for those of unfinished loads.
fn store_rows(form: Form, address: &StoreAddress, resource: &str) -> Vec<String> {
    let store = crate::store::Store::open(address).unwrap();
    let Some(manifest) = store.get("manifest.json").unwrap() else { return vec![] };
    let manifest: Json = serde_json::from_slice(&manifest.bytes).unwrap();
    let files = files_in(&manifest, resource);
    let there = store.list(&crate::file_name::encode(resource)).unwrap();
    let mut rows = Vec::new();
    for file in &files {
        let file = file.as_str().unwrap();
        assert!(there.iter().any(|name| name == file), "{file} {there:?}");
        let bytes = store.get(file).unwrap().unwrap().bytes;
        match form {
            Form::Lines => rows.extend(lines_as_rows(std::str::from_utf8(&bytes).unwrap())),
            Form::Parquet => rows.extend(parquet_file_rows(bytes)),
        }
    }
    rows
}

fn jsonl_rows(path: &Path) -> Vec<String> {
    lines_as_rows(&std::fs::read_to_string(path).unwrap_or_default())
}

fn lines_as_rows(text: &str) -> Vec<String> {
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| {
            let row: BTreeMap<String, Json> = serde_json::from_str(line).unwrap();
            let fields: BTreeMap<_, _> = row
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| match value {
                    Json::Array(_) | Json::Object(_) => (name, Json::from(value.to_string())),
                    value => (name, value),
                })
                .collect();
            serde_json::to_string(&fields).unwrap()
        })
        .collect()
}

/// The files of a resource, or of a list's table.
pub(super) fn files_in(manifest: &Json, table: &str) -> Vec<Json> {
    let lists = manifest["resources"].as_object().into_iter().flatten().map(|(_, it)| &it["lists"][table]);
    let of = std::iter::once(&manifest["resources"][table]).chain(lists).find(|it| !it.is_null());
    of.and_then(|of| of["files"].as_array()).cloned().unwrap_or_default()
}

/// The rows of the files that the manifest names, which are those that are there.
fn parquet_rows(dir: &Path, resource: &str) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join("manifest.json")).unwrap_or_else(|_| "{}".to_owned());
    let manifest: Json = serde_json::from_str(&text).unwrap();
    let files = files_in(&manifest, resource);
    let files: Vec<&str> = files.iter().map(|file| file.as_str().unwrap()).collect();
    let there = if dir.join(resource).exists() { names(&dir.join(resource)) } else { vec![] };
    let mut named: Vec<&str> = files.iter().map(|file| file.rsplit('/').next().unwrap()).collect();
    named.sort_unstable();
    assert_eq!(named, there);
    let mut rows = Vec::new();
    for file in files {
        let file = std::fs::File::open(dir.join(file)).unwrap();
        rows.extend(parquet_file_rows(file));
    }
    rows
}

fn parquet_file_rows(file: impl ::parquet::file::reader::ChunkReader + 'static) -> Vec<String> {
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    reader.build().unwrap().flat_map(|batch| batch_rows(&batch.unwrap())).collect()
}

fn batch_rows(batch: &arrow_array::RecordBatch) -> Vec<String> {
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::{Float64Type, Int64Type};
    let schema = batch.schema();
    let columns: Vec<_> = schema.fields().iter().zip(batch.columns()).collect();
    let row = |row| {
        let mut fields = BTreeMap::new();
        for (field, column) in &columns {
            if field.name().starts_with("_load") || column.is_null(row) {
                continue;
            }
            let value = match column.data_type() {
                arrow_schema::DataType::Boolean => Json::from(column.as_boolean().value(row)),
                arrow_schema::DataType::Int64 => Json::from(column.as_primitive::<Int64Type>().value(row)),
                arrow_schema::DataType::Float64 => {
                    Json::from(column.as_primitive::<Float64Type>().value(row))
                }
                arrow_schema::DataType::Utf8 => Json::from(column.as_string::<i32>().value(row)),
                arrow_schema::DataType::List(_) => {
                    let items = column.as_list::<i32>().value(row);
                    let items = items.as_primitive::<Int64Type>().values().to_vec();
                    Json::from(Json::from(items).to_string())
                }
                other => panic!("{other}"),
            };
            // A value of another type than its column's stands beside it.
            let name = field.name().split_once("__v_").map_or(field.name().as_str(), |(name, _)| name);
            fields.insert(name.to_owned(), value);
        }
        serde_json::to_string(&fields).unwrap()
    };
    (0..batch.num_rows()).map(row).collect()
}

pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
