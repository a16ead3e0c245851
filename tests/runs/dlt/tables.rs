//! The tables that a case's runs leave in a database, held against those that dlt made.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use serde_json::{Map, Value, json};

use super::case::Case;
use super::server::Server;
use crate::program::Folder;

/// What tells a row from others: its fields, its place in its list, and the same of the row that it hangs on.
type Rows = BTreeMap<String, Vec<String>>;

/// Runs a case into one database, in tables like dlt's, and says in what they differ.
pub(super) fn differ(case: &Case, server: &Server) -> Option<String> {
    let theirs = case.tables();
    if theirs.is_empty() {
        return None;
    }
    let mut folder = Folder::new();
    for (name, value) in &case.env {
        folder.env(name, value);
    }
    let mut config = case.config.clone();
    config["nested"] = json!({"tables": {"system": "dlt"}});
    folder.write("config.json", &config.to_string().replace("${BASE}", &server.base_url()));
    for run in 0..case.runs {
        server.reset(case.script(run));
        let ran = folder.run(&["run", "config.json", "--to", "sqlite:out.db"]);
        if ran.code != Some(0) {
            return Some(format!("into a database: exit {:?}\n{}", ran.code, ran.stderr));
        }
    }
    let (ours, theirs) =
        (linked(&ours(&folder), "_dlt_id", "_dlt_parent_id"), linked(&theirs, "_row", "_parent_row"));
    (ours != theirs).then(|| format!("tables: {ours:#?}\ndlt's: {theirs:#?}\n"))
}

fn ours(folder: &Folder) -> BTreeMap<String, Vec<Value>> {
    let database = folder.database("out.db");
    let mut select = database.prepare("select name from sqlite_master where type = 'table'").unwrap();
    let names = select.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    let own = |name: &String| {
        !["_sanderling", "_quarantine", "sqlite_"].iter().any(|begin| name.starts_with(begin))
    };
    let names: Vec<String> = names.filter(own).collect();
    let rows = |name: &String| {
        let mut select =
            database.prepare("select name, type = 'BOOLEAN' from pragma_table_info(?1)").unwrap();
        let columns = select.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)));
        let columns: Vec<(String, bool)> = columns.unwrap().map(Result::unwrap).collect();
        let mut select = database.prepare(&format!("select * from \"{name}\"")).unwrap();
        let rows = select.query_map([], |row| {
            let mut fields = Map::new();
            for (at, (name, is_bool)) in columns.iter().enumerate() {
                let value = match row.get_ref(at)? {
                    ValueRef::Null => continue,
                    ValueRef::Integer(int) if *is_bool => Value::from(int != 0),
                    ValueRef::Integer(int) => Value::from(int),
                    ValueRef::Real(real) => Value::from(real),
                    ValueRef::Text(text) | ValueRef::Blob(text) => {
                        Value::from(String::from_utf8_lossy(text).into_owned())
                    }
                };
                fields.insert(name.clone(), value);
            }
            Ok(Value::Object(fields))
        });
        rows.unwrap().map(Result::unwrap).collect::<Vec<Value>>()
    };
    names.iter().map(|name| (name.clone(), rows(name))).filter(|(_, rows)| !rows.is_empty()).collect()
}

/// Each row as text, with the row above it; `id` names rows, `parent` those above.
fn linked(tables: &BTreeMap<String, Vec<Value>>, id: &str, parent: &str) -> Rows {
    let above = |table: &str| {
        let names = tables
            .keys()
            .filter(|name| table.strip_prefix(name.as_str()).is_some_and(|it| it.starts_with("__")));
        names.max_by_key(|name| name.len())
    };
    let told = |name: &String, row: &Value| {
        let mut parts = vec![plain(row)];
        let (mut name, mut row) = (name, row);
        while let (Some(over), Some(of)) = (above(name), row.get(parent)) {
            let Some(found) = tables[over].iter().find(|row| row.get(id) == Some(of)) else {
                parts.push("nothing".to_owned());
                break;
            };
            parts.push(plain(found));
            (name, row) = (over, found);
        }
        parts.join(" of ")
    };
    let table = |(name, rows): (&String, &Vec<Value>)| {
        let mut rows: Vec<String> = rows.iter().map(|row| told(name, row)).collect();
        rows.sort();
        (name.clone(), rows)
    };
    tables.iter().map(table).collect()
}

/// A row without what is added, and without nulls, in one way of writing.
fn plain(row: &Value) -> String {
    const ADDED: [&str; 7] =
        ["_dlt_id", "_dlt_load_id", "_dlt_parent_id", "_dlt_root_id", "_loaded_at", "_row", "_parent_row"];
    let mut fields = row.as_object().cloned().unwrap_or_default();
    fields.retain(|name, value| !ADDED.contains(&name.as_str()) && !value.is_null());
    for value in fields.values_mut() {
        *value = match &*value {
            Value::Object(_) | Value::Array(_) => value.to_string().into(),
            // Wider than what a database has for whole numbers.
            Value::Number(number) if number.as_u64().is_some_and(|int| int > i64::MAX as u64) => {
                number.to_string().into()
            }
            Value::String(text) => as_moment(text).into(),
            other => other.clone(),
        };
    }
    let mut row = Value::Object(fields);
    row.sort_all_objects();
    row.to_string()
}

/// dlt's ways to write moments.
fn as_moment(text: &str) -> String {
    let is_moment =
        text.len() >= 19 && text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(13) == Some(&b':');
    if !is_moment {
        return serde_json::from_str::<Value>(text)
            .ok()
            .filter(|value| value.is_object() || value.is_array())
            .map_or_else(|| text.to_owned(), |value| value.to_string());
    }
    let text = text.replacen(' ', "T", 1);
    let text = text.strip_suffix("+00:00").map_or(text.clone(), |text| format!("{text}Z"));
    match text.split_once('.') {
        Some((before, rest)) if rest.trim_end_matches('Z').bytes().all(|byte| byte == b'0') => {
            format!("{before}Z")
        }
        _ => text,
    }
}
