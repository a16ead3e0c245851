//! Places on servers that only a driver speaks to, for tests, and what a reader finds there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::DataType;
use serde_json::Value as Json;

use super::{Adbc, AdbcAddress};
use crate::Target;
use crate::conformance::Place;
use crate::sql::dialect::{Dialect, quoted};
use crate::sql::session::TableName;
use crate::sql::spoken::{spoken, stored};

#[path = "../../../tests-support/python_servers.rs"]
mod servers;

/// A schema of its own on a server of Snowflake's protocol.
pub(crate) fn snowflake() -> Option<Place> {
    servers::snowflake(&schema()).map(place)
}

/// A schema of its own in a database that is not known, behind Flight SQL.
pub(crate) fn flight() -> Option<Place> {
    servers::flight(&schema()).map(place)
}

fn schema() -> String {
    static SCHEMAS: AtomicU64 = AtomicU64::new(0);
    format!("place_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed))
}

fn place(text: String) -> Place {
    let dir = tempfile::tempdir().unwrap();
    Place { dir, target: Target::parse(&text).unwrap(), driven: None }
}

/// A table's rows as JSON, without nulls and what is added. None are where it is not there.
pub(crate) fn rows(address: &AdbcAddress, table: &str) -> Vec<String> {
    let mut session = connected(address);
    let name = TableName { schema: address.schema.clone(), name: table.to_owned() };
    if session.columns(&name).unwrap().is_none() {
        return Vec::new();
    }
    let sql = format!("SELECT * FROM {}", session.dialect.table(&name));
    let batches = session.batches(&sql);
    let dialect = session.dialect;
    let rows = batches.iter().flat_map(|batch| {
        let columns: Vec<String> =
            batch.schema().fields().iter().map(|field| stored(dialect, field.name()).into_owned()).collect();
        let row = move |row: usize| {
            let fields: BTreeMap<&str, Json> = columns
                .iter()
                .zip(batch.columns())
                .filter(|(name, array)| !name.starts_with("_load") && !array.is_null(row))
                .map(|(name, array)| (name.as_str(), value(array.as_ref(), row)))
                .collect();
            serde_json::to_string(&fields).unwrap()
        };
        (0..batch.num_rows()).map(row).collect::<Vec<_>>()
    });
    rows.collect()
}

/// The first column of an answer, as text.
pub(crate) fn ask(address: &AdbcAddress, sql: &str) -> Vec<String> {
    let mut session = connected(address);
    let sql = match (session.dialect, &address.schema) {
        // Its statements know no schema but by name.
        (Dialect::Ansi, Some(schema)) => sql.replace(" FROM ", &format!(" FROM {}.", quoted(schema))),
        _ => sql.to_owned(),
    };
    let batches = session.batches(&sql);
    let text = |batch: &RecordBatch, row: usize| match batch.column(0) {
        texts if *texts.data_type() == DataType::Utf8 => texts.as_string::<i32>().value(row).to_owned(),
        others => value(others.as_ref(), row).to_string(),
    };
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| text(batch, row))).collect()
}

fn connected(address: &AdbcAddress) -> Adbc {
    let mut session = Adbc::open(address.load().unwrap(), address, true).unwrap();
    if session.dialect == Dialect::Snowflake {
        session.work_in(address.schema.as_deref().unwrap()).unwrap();
    }
    session
}

impl Adbc {
    fn batches(&mut self, sql: &str) -> Vec<RecordBatch> {
        use adbc_core::Statement as _;
        let mut statement = self.prepared(&spoken(self.dialect, sql), &[]).unwrap();
        let batches = statement.execute().unwrap();
        batches.map(Result::unwrap).collect()
    }
}

fn value(array: &dyn arrow_array::Array, row: usize) -> Json {
    match array.data_type() {
        DataType::Boolean => Json::from(array.as_boolean().value(row)),
        DataType::Int64 => Json::from(array.as_primitive::<Int64Type>().value(row)),
        DataType::Int32 => Json::from(array.as_primitive::<Int32Type>().value(row)),
        DataType::Float64 => Json::from(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => text(array.as_string::<i32>().value(row)),
        DataType::Decimal128(_, 0) => {
            let number = array.as_primitive::<Decimal128Type>().value(row);
            i64::try_from(number).map_or_else(|_| Json::from(number.to_string()), Json::from)
        }
        other => panic!("a value of type {other}"),
    }
}

/// Nested values as they would be without blanks.
fn text(text: &str) -> Json {
    let nested = text.starts_with(['{', '[']).then(|| serde_json::from_str::<Json>(text).ok()).flatten();
    Json::from(nested.map_or_else(|| text.to_owned(), |nested| nested.to_string()))
}
