//! The data is JSON, unique by `id`, and the same in every run.

use std::collections::HashSet;

use serde_json::Value;

use super::*;

const TABLES: [Table; 8] = [
    Table::Projects,
    Table::Tasks,
    Table::TimeEntries,
    Table::TeamTime,
    Table::Expenses,
    Table::Clients,
    Table::Users,
    Table::Resources,
];

fn parse(rows: &Rows, list: Pick) -> Vec<Value> {
    (0..list.count)
        .map(|place| {
            let row = rows.joined(list.first + place * list.step, 1);
            serde_json::from_slice(row).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(row)))
        })
        .collect()
}

#[test]
fn every_row_is_an_object_with_an_id_of_its_own() {
    let tables = Tables::new(&Options { clients: 40, users: 40, ..Options::default() }, None);
    for table in TABLES {
        let rows = parse(tables.rows(table), tables.all(table));
        let ids: HashSet<u64> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), rows.len(), "{table:?}");
        let bytes = tables.rows(table).joined(0, rows.len()).len() / rows.len();
        assert!((200..450).contains(&bytes), "{table:?}: {bytes} bytes a row");
    }
}

#[test]
fn every_table_mixes_types() {
    let tables = Tables::new(&Options { users: 30, ..Options::default() }, None);
    for table in TABLES {
        let rows = parse(tables.rows(table), tables.all(table));
        let values = || rows.iter().flat_map(|row| row.as_object().unwrap().values());
        let has = |what: &str, found: bool| assert!(found, "{table:?} has no {what}");
        has("null", values().any(Value::is_null));
        has("bool", values().any(Value::is_boolean));
        has("integer", values().any(Value::is_u64));
        has("float", values().any(Value::is_f64));
        has("object or list of objects", values().any(|v| v.is_object() || v[0].is_object()));
        has("list", values().any(Value::is_array));
        has("escape", tables.rows(table).joined(0, rows.len()).contains(&b'\\'));
        has("time", values().any(|v| v.as_str().is_some_and(|v| v.len() == 20 && v.ends_with(":00Z"))));
    }
}

#[test]
fn children_share_out_their_table() {
    for (projects, time_entries) in [(20, 2_500), (7, 100), (3, 2), (1, 5)] {
        let options = Options { projects, time_entries, ..Options::default() };
        let tables = Tables::new(&options, None);
        for table in [Table::Tasks, Table::TimeEntries] {
            let mut ids = HashSet::new();
            for project in parse(tables.rows(Table::Projects), tables.all(Table::Projects)) {
                let list = tables.of_project(table, &project["id"].to_string()).unwrap();
                for row in parse(tables.rows(table), list) {
                    assert_eq!(row["project_id"], project["id"]);
                    assert!(ids.insert(row["id"].as_u64()), "{row}");
                }
            }
            assert_eq!(ids.len(), tables.all(table).count, "{table:?} {projects}");
        }
    }
}

#[test]
fn unknown_projects() {
    let tables = Tables::new(&Options::default(), None);
    for id in ["0", "100", "121", "-1", "", "x", "99999999999999999999"] {
        assert_eq!(tables.of_project(Table::Tasks, id), None, "{id}");
    }
    assert!(tables.of_project(Table::Tasks, "101").is_some());
    assert!(tables.of_project(Table::Tasks, "120").is_some());
}

#[test]
fn rows_carry_the_echo_and_empty_tables_stay_empty() {
    let options = Options { clients: 2, users: 0, ..Options::default() };
    let tables = Tables::new(&options, Some("\"echo\":{\"key\":\"k\"}"));
    for row in parse(tables.rows(Table::Clients), tables.all(Table::Clients)) {
        assert_eq!(row["echo"]["key"], "k");
    }
    assert_eq!(tables.rows(Table::Users).joined(0, 0), b"");
    assert_eq!(tables.rows(Table::Users).joined(0, 9), b"");
}
