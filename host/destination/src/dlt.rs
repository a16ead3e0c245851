//! What dlt keeps in a database of its own work: how far its pipelines have read, and the columns of their tables.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use sanderling_columns::{Column, ColumnType, DataType, Role, Schema, SystemNames, TableSchema};
use serde::Deserialize;
use serde_json::Value;

/// dlt's tables of states, and of schemas.
pub(crate) const STATES: &str = "_dlt_pipeline_state";
pub(crate) const SCHEMAS: &str = "_dlt_version";

/// More than any state or schema comes to; whoever writes to the database may not fill our memory.
const MAX_BYTES: u64 = 256 << 20;
/// Digits of dlt's decimals where nothing is said, and how many of them behind the point.
const DECIMAL: (u8, i8) = (38, 9);
/// What stands before a text that stands for something else in dlt's typed JSON: a decimal first, and seven more kinds.
const TYPED: std::ops::RangeInclusive<char> = '\u{f026}'..='\u{f02d}';
const TYPED_NUMBERS: [char; 2] = ['\u{f026}', '\u{f02c}'];

/// A pipeline that dlt ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DltPipeline {
    /// Its name.
    pub name: String,
    /// How far it has read, by resource and then by `cursor_path`.
    pub marks: BTreeMap<String, BTreeMap<String, DltMark>>,
    /// Its tables with their columns, by the name of a resource's own table.
    pub schemas: BTreeMap<String, Schema>,
}

/// The last value of a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DltMark {
    /// JSON.
    pub value: String,
    /// Of the rows that have it, as dlt hashes them.
    pub hashes: Vec<String>,
}

/// Why something of dlt's cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be read: {why}")]
pub struct DltError {
    what: &'static str,
    why: String,
}

/// A state as dlt stores it: JSON, or that compressed (zlib) in base64. The schemas are those of the names that it says.
pub(crate) fn pipeline(
    name: &str,
    state: &str,
    schemas: &BTreeMap<String, String>,
) -> Result<DltPipeline, DltError> {
    let what = "the state of the dlt pipeline";
    let state: State = serde_json::from_str(&unpacked(what, state)?).map_err(|error| failed(what, &error))?;
    let mut pipeline = DltPipeline { name: name.to_owned(), ..DltPipeline::default() };
    for (resource, of) in state.sources.into_values().flat_map(|source| source.resources) {
        let marks = of.incremental.into_iter().filter_map(|(cursor, mark)| {
            let value = plain(mark.last_value).filter(|value| !value.is_null())?;
            Some((cursor, DltMark { value: value.to_string(), hashes: mark.unique_hashes }))
        });
        pipeline.marks.entry(resource).or_default().extend(marks);
    }
    for name in &state.schema_names {
        let Some(schema) = schemas.get(name) else { continue };
        let what = "the schema of the dlt pipeline";
        let stored: StoredSchema =
            serde_json::from_str(&unpacked(what, schema)?).map_err(|error| failed(what, &error))?;
        pipeline.schemas.extend(tables(&stored));
    }
    Ok(pipeline)
}

#[derive(Deserialize)]
struct State {
    #[serde(default)]
    schema_names: Vec<String>,
    #[serde(default)]
    sources: BTreeMap<String, Source>,
}

#[derive(Deserialize)]
struct Source {
    #[serde(default)]
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    incremental: BTreeMap<String, Incremental>,
}

#[derive(Deserialize)]
struct Incremental {
    #[serde(default)]
    last_value: Value,
    #[serde(default)]
    unique_hashes: Vec<String>,
}

#[derive(Deserialize)]
struct StoredSchema {
    tables: BTreeMap<String, StoredTable>,
}

#[derive(Deserialize)]
struct StoredTable {
    parent: Option<String>,
    #[serde(default)]
    columns: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
struct StoredColumn {
    data_type: Option<String>,
    #[serde(default = "yes")]
    nullable: bool,
    precision: Option<u8>,
    scale: Option<i8>,
    timezone: Option<bool>,
    #[serde(default)]
    variant: bool,
}

fn yes() -> bool {
    true
}

fn unpacked(what: &'static str, text: &str) -> Result<String, DltError> {
    if text.trim_start().starts_with('{') {
        return Ok(text.to_owned());
    }
    let packed = STANDARD.decode(text.trim()).map_err(|error| failed(what, &error))?;
    let mut json = String::new();
    ZlibDecoder::new(packed.as_slice())
        .take(MAX_BYTES)
        .read_to_string(&mut json)
        .map_err(|error| failed(what, &error))?;
    Ok(json)
}

fn failed(what: &'static str, why: &dyn std::fmt::Display) -> DltError {
    DltError { what, why: why.to_string() }
}

/// A value without the mark that dlt's typed JSON puts before what JSON has no type for.
fn plain(value: Value) -> Option<Value> {
    let Value::String(text) = value else { return Some(value) };
    let Some(mark) = text.chars().next().filter(|first| TYPED.contains(first)) else {
        return Some(Value::String(text));
    };
    let rest = text.get(mark.len_utf8()..)?;
    if TYPED_NUMBERS.contains(&mark) {
        return serde_json::from_str(rest).ok();
    }
    Some(Value::String(rest.to_owned()))
}

/// The tables of a schema, each resource's own first, with those that hang on it behind it.
fn tables(schema: &StoredSchema) -> BTreeMap<String, Schema> {
    let roots =
        schema.tables.iter().filter(|(name, table)| table.parent.is_none() && !name.starts_with("_dlt"));
    let whole = |(root, table): (&String, &StoredTable)| {
        let mut tables = vec![table_of(root, table)];
        let mut at = 0;
        while let Some(parent) = tables.get(at).map(|table| table.name.clone()) {
            let below = schema.tables.iter().filter(|(_, table)| table.parent.as_ref() == Some(&parent));
            // What hangs on itself is met once.
            let new: Vec<TableSchema> = below
                .filter(|(name, _)| tables.iter().all(|known| known.name != **name))
                .map(|(name, table)| table_of(name, table))
                .collect();
            tables.extend(new);
            at += 1;
        }
        (root.clone(), Schema { tables })
    };
    roots
        .map(whole)
        .filter(|(_, schema)| schema.tables.iter().any(|table| !table.columns.is_empty()))
        .collect()
}

fn table_of(name: &str, table: &StoredTable) -> TableSchema {
    let columns = table.columns.iter().filter_map(|(name, column)| column_of(name, column)).collect();
    // Which field a list was is not written down: its table's name says it again when it comes.
    TableSchema {
        name: name.to_owned(),
        parent: table.parent.clone(),
        field: String::new(),
        columns,
        settled: true,
    }
}

/// A column of a table. dlt does not say which field it was: the first that has its name is taken. A variant is found again
/// by its name when a value needs one; a column without a type is not in the table.
fn column_of(name: &str, column: &Value) -> Option<Column> {
    let column = StoredColumn::deserialize(column).ok().filter(|column| !column.variant)?;
    let data_type = match DataType::parse(column.data_type.as_deref()?)? {
        DataType::Timestamp => ColumnType::Timestamp { utc: column.timezone.unwrap_or(true) },
        DataType::Decimal => {
            let precision = column.precision.map_or(DECIMAL, |digits| (digits, column.scale.unwrap_or(0)));
            DataType::Decimal.column_type(Some(precision))
        }
        other => other.column_type(None),
    };
    let role = [Role::LoadId, Role::RowId, Role::ParentId, Role::ListIndex, Role::RootId]
        .into_iter()
        .find(|role| SystemNames::Dlt.name(*role) == Some(name))
        .unwrap_or(Role::Field);
    Some(Column { name: name.to_owned(), field: String::new(), data_type, nullable: column.nullable, role })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use serde_json::json;

    use super::*;

    fn packed(value: &Value) -> String {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(value.to_string().as_bytes()).unwrap();
        STANDARD.encode(encoder.finish().unwrap())
    }

    fn state() -> Value {
        json!({
            "schema_names": ["api"],
            "sources": {"api": {"resources": {
                "events": {"incremental": {"at": {"last_value": "\u{f027}2024-01-03T10:00:00+00:00", "unique_hashes": ["a", "b"]}}},
                "issues": {"incremental": {"updatedAt": {"initial_value": 0, "last_value": 17, "unique_hashes": []}}},
                "prices": {"incremental": {"price": {"last_value": "\u{f026}1.50"}, "other": {"last_value": null}}},
                "none": {}
            }}}
        })
    }

    fn schema() -> Value {
        let column = |data_type: &str| json!({"data_type": data_type, "nullable": true});
        json!({"tables": {
            "_dlt_loads": {"columns": {"load_id": column("text")}},
            "events": {"columns": {
                "id": {"data_type": "bigint", "nullable": false}, "at": column("timestamp"), "price": column("decimal"),
                "local": {"data_type": "timestamp", "timezone": false}, "never": {"nullable": true},
                "id__v_text": {"data_type": "text", "variant": true},
                "_dlt_load_id": {"data_type": "text", "nullable": false}, "_dlt_id": {"data_type": "text", "nullable": false}
            }},
            "events__labels": {"parent": "events", "columns": {"value": column("text"), "_dlt_list_idx": column("bigint")}},
            "events__labels__parts": {"parent": "events__labels", "columns": {"value": column("text")}},
            "empty": {"columns": {"id": {}}}
        }})
    }

    #[test]
    fn a_state_and_its_schema() {
        let schemas = BTreeMap::from([("api".to_owned(), schema().to_string())]);
        for text in [state().to_string(), packed(&state())] {
            let found = pipeline("p", &text, &schemas).unwrap();
            let mark = |resource: &str, cursor: &str| found.marks[resource].get(cursor).cloned();
            assert_eq!(
                mark("events", "at"),
                Some(DltMark {
                    value: "\"2024-01-03T10:00:00+00:00\"".to_owned(),
                    hashes: vec!["a".to_owned(), "b".to_owned()]
                })
            );
            assert_eq!(mark("issues", "updatedAt").unwrap().value, "17");
            assert_eq!(mark("prices", "price").unwrap().value, "1.5");
            assert_eq!(mark("prices", "other"), None);
            assert_eq!(found.schemas.keys().collect::<Vec<_>>(), ["events"]);
            let tables: Vec<_> = found.schemas["events"]
                .tables
                .iter()
                .map(|table| {
                    let columns: Vec<String> = table
                        .columns
                        .iter()
                        .map(|column| format!("{} {} {:?}", column.name, column.data_type, column.role))
                        .collect();
                    (table.name.as_str(), table.parent.as_deref(), columns.join(", "))
                })
                .collect();
            assert_eq!(
                tables,
                [
                    (
                        "events",
                        None,
                        "id bigint Field, at timestamp Field, price decimal(38, 9) Field, local datetime \
                         Field, _dlt_load_id text LoadId, _dlt_id text RowId"
                            .to_owned()
                    ),
                    (
                        "events__labels",
                        Some("events"),
                        "value text Field, _dlt_list_idx bigint ListIndex".to_owned()
                    ),
                    ("events__labels__parts", Some("events__labels"), "value text Field".to_owned()),
                ]
            );
        }
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        let packed_otherwise = STANDARD.encode("none");
        let schemas = BTreeMap::from([("api".to_owned(), "{}".to_owned())]);
        let mut told = String::new();
        for text in ["?", "{\"sources\": 1}", &packed_otherwise, &state().to_string()] {
            let error = pipeline("p", text, &schemas).unwrap_err();
            told.push_str(&format!("{error}\n"));
        }
        insta::assert_snapshot!(told);
    }
}
