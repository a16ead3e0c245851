//! What is written for BigQuery and Snowflake is read by sqlglot, which knows their SQL; `SANDERLING_FAKESNOW` names where it is.

use std::io::Write as _;
use std::process::{Command, Stdio};

use sanderling_columns::{Column, ColumnType, Role, SystemNames, TableSchema};

use super::{Adbc, AdbcAddress};
use crate::checkpoint::Change;
use crate::skipped::skipped;
use crate::sql::absent;
use crate::sql::dialect::{Dialect, quoted};
use crate::sql::ledger::{self, Ledger};
use crate::sql::session::{Session, Statement, TableName};
use crate::sql::spoken::spoken;
use crate::sql::statements::{self, Gathered, Keys};
use crate::sql::tables::{columns_of, creation};
use crate::sql::turn::Turn;
use crate::sql::versions::{self, Times};
use crate::strategy::{DeleteAbsent, History};
use crate::table::DedupSort;

/// Says of each statement what kind it is; `Command` is what it did not understand.
const READ: &str = r#"
import json, sys, sqlglot
for text in json.load(sys.stdin):
    for statement in sqlglot.parse(text, dialect=sys.argv[1]):
        print(type(statement).__name__, statement.sql(dialect=sys.argv[1]).replace("\n", " "))
"#;

/// The kinds of statements, each with the statement; none, with a word about it, where sqlglot is not there.
fn read(dialect: Dialect, statements: &[String]) -> Option<Vec<(String, String)>> {
    let Some(folder) = std::env::var_os("SANDERLING_FAKESNOW") else {
        skipped("SQL of BigQuery, since SANDERLING_FAKESNOW does not name the folder that holds sqlglot");
        return None;
    };
    let name = if dialect == Dialect::BigQuery { "bigquery" } else { "snowflake" };
    let mut command = Command::new("python3");
    command.args(["-c", READ, name]).env("PYTHONPATH", folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(statements).unwrap()).unwrap();
    let answer = child.wait_with_output().unwrap();
    assert!(answer.status.success(), "{statements:#?}");
    let lines = String::from_utf8(answer.stdout).unwrap();
    Some(lines.lines().map(|line| line.split_once(' ').unwrap()).map(|(a, b)| (a.into(), b.into())).collect())
}

fn types() -> Vec<ColumnType> {
    vec![
        ColumnType::Bool,
        ColumnType::Int64,
        ColumnType::Double,
        ColumnType::Text,
        ColumnType::Date,
        ColumnType::Time,
        ColumnType::Timestamp { utc: true },
        ColumnType::Timestamp { utc: false },
        ColumnType::Decimal { precision: 38, scale: 9 },
        ColumnType::Decimal { precision: 76, scale: 38 },
        ColumnType::Decimal { precision: 60, scale: 3 },
        ColumnType::Binary,
        ColumnType::Json,
    ]
}

/// A table of each type, and one of a list in its rows. A name is a word of SQL's own.
fn tables() -> [TableSchema; 2] {
    let column = |name: &str, data_type, role| Column {
        name: name.to_owned(),
        field: name.to_owned(),
        data_type,
        nullable: true,
        role,
    };
    let added = |names: &[(&str, Role)]| -> Vec<Column> {
        names.iter().map(|(name, role)| column(name, ColumnType::Text, *role)).collect()
    };
    let fields = types().into_iter().enumerate();
    let fields = fields.map(|(at, kind)| column(&format!("select_{at}"), kind, Role::Field));
    let root = [("_load_id", Role::LoadId), ("_row_id", Role::RowId)];
    let list = [("_row_id", Role::RowId), ("_parent_id", Role::ParentId), ("_root_id", Role::RootId)];
    let table = |name: &str, parent: Option<&str>, columns| TableSchema {
        name: name.to_owned(),
        parent: parent.map(str::to_owned),
        columns,
        field: String::new(),
        settled: false,
    };
    [
        table("order", None, fields.chain(added(&root)).collect()),
        table("order__group", Some("order"), added(&list)),
    ]
}

fn in_dataset(name: &str) -> TableName {
    TableName { schema: Some("raw".to_owned()), name: name.to_owned() }
}

/// All that the engine writes for tables, with one of each choice.
fn of_tables(dialect: Dialect) -> Vec<String> {
    let tables = tables();
    let gathered: Vec<Gathered> = tables
        .iter()
        .map(|table| Gathered {
            table,
            name: in_dataset(&table.name),
            beside: in_dataset(&format!("_sanderling_new_{}", table.name)),
        })
        .collect();
    let columns = &tables[0].columns;
    let sort = DedupSort { field: "select_1".to_owned(), greatest: true };
    let keys = |merge: &[&'static str]| Keys {
        primary: vec!["select_1", "select_3"],
        merge: merge.to_vec(),
        dedup_sort: Some((&columns[1], &sort)),
        hard_delete: columns.iter().take(9).collect(),
    };
    let times = |history| Times { history, system: SystemNames::Ours, now: 1_772_357_400_250_000 };
    let (open, ended) = (History::default(), History { active_micros: Some(0), ..History::default() });
    let absent = |mark| DeleteAbsent { mark, max_percent: 5 };
    let of_load: Vec<(TableName, &TableSchema)> =
        tables.iter().map(|table| (in_dataset(&table.name), table)).collect();
    let changes = [
        statements::replace(dialect, &gathered[0]),
        statements::delete_insert(dialect, &gathered, &keys(&["select_4"]), "it's"),
        statements::insert_only(dialect, &gathered, &keys(&[]), "1"),
        statements::delete_load(dialect, &of_load, "1"),
        versions::versions(dialect, &gathered, &keys(&[]), &times(&open), true),
        versions::versions(dialect, &gathered, &keys(&["select_4", "select_1"]), &times(&ended), false),
        absent::taken_away(dialect, &gathered, &keys(&[]), absent(true), 1_772_357_400_250_000),
        absent::taken_away(dialect, &gathered, &keys(&[]), absent(false), 0),
    ];
    let mut texts: Vec<String> = changes
        .into_iter()
        .flatten()
        .map(|statement| match statement {
            Statement::Definition(sql) => sql,
            Statement::Change(change) => change.sql,
        })
        .collect();
    texts.push(format!("CREATE SCHEMA IF NOT EXISTS {}", quoted("raw")));
    for table in &tables {
        let (name, columns) = (in_dataset(&table.name), columns_of(dialect, table));
        texts.push(creation(dialect, &name, &columns));
        let name = dialect.table(&name);
        texts.push(format!("DROP TABLE IF EXISTS {name}"));
        for (at, (column, kind)) in columns.iter().enumerate() {
            texts.push(format!("ALTER TABLE {name} ADD COLUMN {} {kind}", quoted(column)));
            let value = dialect.made_of_text(&quoted(&format!("c{at}")), kind);
            texts.push(format!(
                "INSERT INTO {name} ({}) SELECT {value} FROM {}",
                quoted(column),
                quoted("p")
            ));
        }
    }
    texts.push(dialect.columns_of(Some("raw")));
    texts.push(dialect.tables_like(Some("raw"), "_sanderling_page_"));
    texts.iter().map(|text| spoken(dialect, text).into_owned()).collect()
}

/// A checkpoint with whose turn it is, as one text.
fn of_a_commit(dialect: Dialect) -> Option<String> {
    // What waits is never sent, so that any driver will do.
    let folder = std::env::var("SANDERLING_ADBC").ok()?;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("any.db");
    let driver = format!("{folder}/adbc_driver_sqlite/libadbc_driver_sqlite.so");
    let address = AdbcAddress::parse(&format!("adbc:sqlite?uri={}&driver={driver}", file.display())).unwrap();
    let mut session = Adbc::open(address.load().unwrap(), &address, false).unwrap();
    session.dialect = dialect;
    session.waiting = Some(super::Waiting::default());
    let mut session = Session::Adbc(session);
    let mut after = Ledger::default();
    let changes = [
        Change::Load(crate::conformance::load("order", "it's \\ 1")),
        Change::Error(crate::ErrorLine {
            at_ms: 1_772_357_400_250,
            load_id: "it's \\ 1".to_owned(),
            resource: "order".to_owned(),
            partition_key: None,
            url: None,
            status: Some(503),
            attempts: 4,
            message: "a\nb `c` \"d\" ; -- ?".to_owned(),
            excerpt: None,
            request_id: None,
        }),
    ];
    changes.iter().for_each(|change| after.state.apply(change.clone()));
    session.begin().unwrap();
    let mut turn = Turn::known();
    turn.take(&mut session, Some("raw"), "demo").unwrap();
    ledger::write(&mut session, Some("raw"), "demo", &Ledger::default(), &after, &changes).unwrap();
    if dialect == Dialect::BigQuery {
        turn.check(&mut session, Some("raw"), "demo").unwrap();
    }
    let Session::Adbc(session) = &session else { unreachable!() };
    Some(session.script(if dialect == Dialect::BigQuery { "COMMIT TRANSACTION" } else { "COMMIT" }))
}

#[test]
fn what_is_written_is_understood() {
    for dialect in [Dialect::BigQuery, Dialect::Snowflake] {
        let statements: Vec<String> = of_tables(dialect).into_iter().chain(of_a_commit(dialect)).collect();
        let Some(found) = read(dialect, &statements) else { return };
        assert!(found.len() > 60, "{}", found.len());
        for (kind, statement) in found {
            // The one that it only passes on, having no word for it.
            let is_known = kind != "Command" || statement.starts_with("ASSERT ");
            assert!(is_known, "{dialect:?} {kind}: {statement}");
        }
        // That it would be said.
        let broken = ["CREATE TABL x".to_owned()];
        assert_eq!(read(dialect, &broken).unwrap()[0].0, "Command", "{dialect:?}");
    }
}
