//! Against a real server: values both ways, failures by kind, one run at a time.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, Float64Array,
    Int64Array, RecordBatch, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_buffer::i256;

use super::server::{PASSWORD, Server, shared};
use super::{MAX_COLUMNS, Postgres, PostgresAddress};
use crate::conformance::{load, page, table};
use crate::proxy::losing_a_commit;
use crate::sql::session::{Locked, Scalar, SqlErrorKind, TableName};
use crate::{
    Change, Column, DataType, Destination, DestinationError, Disposition, Load, Nested, ServerFailure, Shape,
    Table, Target,
};

pub(crate) fn tcp(server: &Server, settings: &str) -> PostgresAddress {
    PostgresAddress::parse(&server.url(settings)).unwrap()
}

fn connect(server: &Server) -> Postgres {
    Postgres::connect(&PostgresAddress::parse(&server.socket_url()).unwrap()).unwrap()
}

/// The first column of an answer, as text.
pub(crate) fn ask(address: &PostgresAddress, sql: &str) -> Vec<String> {
    asked(&mut Postgres::connect(address).unwrap(), sql)
}

/// The same of tables in the address's schema, without naming it.
pub(crate) fn ask_within(address: &PostgresAddress, sql: &str) -> Vec<String> {
    let mut session = Postgres::connect(address).unwrap();
    session.batch(&format!("SET search_path = {}", address.schema)).unwrap();
    asked(&mut session, sql)
}

fn asked(session: &mut Postgres, sql: &str) -> Vec<String> {
    let rows = session.query(sql, &[]).unwrap();
    let text = |row: Vec<Scalar>| match row.into_iter().next() {
        Some(Scalar::Text(text)) => text,
        Some(Scalar::Null) => "NULL".to_owned(),
        other => panic!("{other:?}"),
    };
    rows.into_iter().map(text).collect()
}

/// A schema of its own on the shared server.
fn place(name: &str) -> Option<(&'static Server, Postgres, impl Fn(&str) -> TableName)> {
    let server = shared()?;
    let mut session = connect(server);
    session.batch(&format!("CREATE SCHEMA {name}; SET search_path = {name}")).unwrap();
    let schema = name.to_owned();
    Some((server, session, move |table: &str| TableName {
        schema: Some(schema.clone()),
        name: table.to_owned(),
    }))
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

pub(crate) fn texts(session: &mut Postgres, sql: &str) -> Vec<Option<String>> {
    let rows = session.query(sql, &[]).unwrap();
    let text = |row: Vec<Scalar>| match <[Scalar; 1]>::try_from(row).unwrap() {
        [Scalar::Text(text)] => Some(text),
        [Scalar::Null] => None,
        other => panic!("{other:?}"),
    };
    rows.into_iter().map(text).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).chain([None]).collect()
}

#[test]
fn every_type_at_its_edges() {
    let Some((_, mut session, table)) = place("edges") else { return };
    let utc = |values: Vec<Option<i64>>| TimestampMicrosecondArray::from(values).with_timezone("+00:00");
    let wide = |text: &str| i256::from_string(text).unwrap();
    let cases: Vec<(&str, ArrayRef, Vec<Option<String>>)> = vec![
        (
            "boolean",
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
            some(&["true", "false"]),
        ),
        (
            "int8",
            Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None])),
            some(&["-9223372036854775808", "9223372036854775807"]),
        ),
        (
            "int4",
            Arc::new(Int64Array::from(vec![Some(-2_147_483_648), Some(2_147_483_647), None])),
            some(&["-2147483648", "2147483647"]),
        ),
        (
            "int2",
            Arc::new(Int64Array::from(vec![Some(-32_768), Some(32_767), None])),
            some(&["-32768", "32767"]),
        ),
        (
            "numeric",
            Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(10_000), None])),
            some(&["-9223372036854775808", "10000"]),
        ),
        (
            "float8",
            Arc::new(Float64Array::from(vec![
                Some(f64::MAX),
                Some(f64::MIN_POSITIVE),
                Some(5e-324),
                Some(-0.0),
                Some(f64::INFINITY),
                Some(f64::NAN),
                Some(0.1),
                None,
            ])),
            some(&[
                "1.7976931348623157e+308",
                "2.2250738585072014e-308",
                "5e-324",
                "-0",
                "Infinity",
                "NaN",
                "0.1",
            ]),
        ),
        (
            "text",
            Arc::new(StringArray::from(vec![
                Some(""),
                Some("\u{1}\u{7f}\t\n\r\\N \\."),
                Some("\u{10ffff}é\u{feff}"),
                None,
            ])),
            some(&["", "\u{1}\u{7f}\t\n\r\\N \\.", "\u{10ffff}é\u{feff}"]),
        ),
        (
            "numeric",
            Arc::new(
                Decimal128Array::from(vec![
                    Some(10_i128.pow(38) - 1),
                    Some(-1),
                    Some(0),
                    Some(10_i128.pow(37)),
                    None,
                ])
                .with_precision_and_scale(38, 10)
                .unwrap(),
            ),
            some(&[
                "9999999999999999999999999999.9999999999",
                "-0.0000000001",
                "0.0000000000",
                "1000000000000000000000000000.0000000000",
            ]),
        ),
        (
            "numeric",
            Arc::new(
                Decimal128Array::from(vec![Some(10_i128.pow(38) - 1), None])
                    .with_precision_and_scale(38, 38)
                    .unwrap(),
            ),
            some(&["0.99999999999999999999999999999999999999"]),
        ),
        (
            "numeric",
            Arc::new(
                Decimal256Array::from(vec![
                    Some(wide(&"9".repeat(76))),
                    Some(wide(&format!("-{}", "1".repeat(76)))),
                    None,
                ])
                .with_precision_and_scale(76, 3)
                .unwrap(),
            ),
            some(&[&format!("{}.999", "9".repeat(73)), &format!("-{}.111", "1".repeat(73))]),
        ),
        (
            "timestamptz",
            Arc::new(utc(vec![
                Some(0),
                Some(-1),
                Some(253_402_300_799_999_999),
                Some(-62_135_596_800_000_000),
                None,
            ])),
            some(&[
                "1970-01-01 00:00:00+00",
                "1969-12-31 23:59:59.999999+00",
                "9999-12-31 23:59:59.999999+00",
                "0001-01-01 00:00:00+00",
            ]),
        ),
        (
            "timestamp",
            Arc::new(TimestampMicrosecondArray::from(vec![
                Some(0),
                Some(i64::MAX),
                Some(-210_866_803_200_000_000),
                None,
            ])),
            some(&["1970-01-01 00:00:00", "294247-01-10 04:00:54.775807", "4714-11-24 00:00:00 BC"]),
        ),
        (
            "date",
            Arc::new(Date32Array::from(vec![
                Some(0),
                Some(2_932_896),
                Some(-2_440_588),
                Some(2_145_042_905),
                None,
            ])),
            some(&["1970-01-01", "9999-12-31", "4714-11-24 BC", "5874897-12-31"]),
        ),
        (
            "time",
            Arc::new(Time64MicrosecondArray::from(vec![
                Some(0),
                Some(86_399_999_999),
                Some(86_400_000_000),
                None,
            ])),
            some(&["00:00:00", "23:59:59.999999", "24:00:00"]),
        ),
        (
            "bytea",
            Arc::new(BinaryArray::from(vec![Some(b"".as_slice()), Some(b"\0\xff"), None])),
            some(&["\\x", "\\x00ff"]),
        ),
        (
            "jsonb",
            Arc::new(StringArray::from(vec![
                Some("{\"a\": [1, 2.50, null, \"\\\\u0000\"]}"),
                Some("\"\""),
                Some("null"),
                None,
            ])),
            some(&["{\"a\": [1, 2.50, null, \"\\\\u0000\"]}", "\"\"", "null"]),
        ),
        (
            "json",
            Arc::new(StringArray::from(vec![Some("{\"b\":1,\"a\": 1E2}"), Some("\"\\u0000\""), None])),
            some(&["{\"b\":1,\"a\": 1E2}", "\"\\u0000\""]),
        ),
    ];
    for (at, (ty, array, expected)) in cases.into_iter().enumerate() {
        let name = format!("t{at}");
        session.batch(&format!("CREATE TABLE {name} (row serial, v {ty})")).unwrap();
        let count = array.len() as u64;
        assert_eq!(session.ingest(&table(&name), &batch(vec![("v", array)])), Ok(count), "{ty}");
        assert_eq!(
            texts(&mut session, &format!("SELECT v::text FROM {name} ORDER BY row")),
            expected,
            "{ty}"
        );
        // What a statement takes as text is the same value.
        for value in expected.iter().flatten() {
            let sql = format!("SELECT count(*) FROM {name} WHERE v::text = ($1::{ty})::text");
            let found = session.query(&sql, &[Scalar::Text(value.clone())]).unwrap();
            assert_eq!(found, [[Scalar::Int(1)]], "{ty} {value}");
        }
    }
}

#[test]
fn scalars_both_ways() {
    let Some((_, mut session, _)) = place("scalars") else { return };
    session
        .batch("CREATE TABLE t (i int8, r float8, s text, b bytea, n numeric, j jsonb, c int4, k bool)")
        .unwrap();
    let row = [
        Scalar::Int(i64::MIN),
        Scalar::Real(0.1),
        Scalar::Text("ünï \\ ' \"".to_owned()),
        Scalar::Text("\\x00ff".to_owned()),
        Scalar::Text("12345678901234567890.10".to_owned()),
        Scalar::Text("{\"a\": 1}".to_owned()),
        Scalar::Int(7),
        Scalar::Int(1),
    ];
    let insert = "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    for args in [row.clone(), [const { Scalar::Null }; 8]] {
        assert_eq!(session.execute(insert, &args), Ok(1));
    }
    assert_eq!(
        session.query("SELECT i, r, s, b::text, n, j, c, k FROM t ORDER BY i", &[]).unwrap(),
        [row.to_vec(), vec![Scalar::Null; 8]]
    );
    let error = session.query("SELECT '10.0.0.1'::inet", &[]).unwrap_err();
    assert!(error.message.contains("cast it to text"), "{error}");
    for number in [f64::MAX, 5e-324, f64::INFINITY, -0.0] {
        let read = session.query("SELECT $1::float8", &[Scalar::Real(number)]).unwrap();
        assert_eq!(read, [[Scalar::Real(number)]]);
    }
}

#[test]
fn many_rows_and_the_columns_of_a_table() {
    let Some((_, mut session, table)) = place("many") else { return };
    let name = table("odd \" name");
    assert_eq!(session.columns(&name), Ok(None));
    session
        .batch("CREATE TABLE \"odd \"\" name\" (\"Id\" int8 PRIMARY KEY, name text, amount numeric(20, 2))")
        .unwrap();
    let columns = [("Id", "bigint"), ("name", "text"), ("amount", "numeric(20,2)")];
    let columns = columns.map(|(name, ty)| (name.to_owned(), ty.to_owned())).to_vec();
    assert_eq!(session.columns(&name), Ok(Some(columns)));
    let rows = 100_000;
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let names: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("name of {row}"))));
    let amounts = Decimal128Array::from_iter_values((0..rows).map(|row| i128::from(row) * 7))
        .with_precision_and_scale(38, 2);
    let batch = batch(vec![("Id", ids), ("name", names), ("amount", Arc::new(amounts.unwrap()))]);
    assert_eq!(session.ingest(&name, &batch), Ok(rows as u64));
    let sums =
        "SELECT sum(\"Id\")::text || ' ' || sum(amount)::text || ' ' || max(name) FROM \"odd \"\" name\"";
    assert_eq!(texts(&mut session, sums), [Some("4999950000 349996500.00 name of 99999".to_owned())]);
    // The same again is one violation, and nothing of it is kept.
    assert_eq!(session.ingest(&name, &batch).unwrap_err().kind, SqlErrorKind::UniqueViolation);
    assert_eq!(
        texts(&mut session, "SELECT count(*)::text FROM \"odd \"\" name\""),
        [Some("100000".to_owned())]
    );
    // A column that came meanwhile is filled too.
    session.batch("ALTER TABLE \"odd \"\" name\" DROP COLUMN amount; TRUNCATE \"odd \"\" name\"").unwrap();
    let error = session.ingest(&name, &batch).unwrap_err();
    assert!(error.message.contains("amount"), "{error}");
}

#[test]
fn values_that_postgresql_cannot_hold() {
    let Some((_, mut session, table)) = place("refused") else { return };
    session
        .batch("CREATE TABLE t (s text, j jsonb, w timestamp, d date, h time, c int4, n numeric(5, 2), u uuid); BEGIN")
        .unwrap();
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec!["fine", value])) };
    let cases: Vec<(&str, ArrayRef, Option<u64>, &str)> = vec![
        ("s", text("a\0b"), Some(1), "PostgreSQL's text cannot hold a NUL character (U+0000)"),
        (
            "j",
            Arc::new(StringArray::from(vec!["1", "\"\\u0000\""])),
            Some(1),
            "PostgreSQL's jsonb cannot hold a NUL character (U+0000)",
        ),
        (
            "w",
            Arc::new(TimestampMicrosecondArray::from(vec![0, i64::MIN])),
            Some(1),
            "-9223372036854775808 is beyond what the column's type holds",
        ),
        (
            "d",
            Arc::new(Date32Array::from(vec![0, i32::MAX])),
            Some(1),
            "2147483647 is beyond what the column's type holds",
        ),
        (
            "h",
            Arc::new(Time64MicrosecondArray::from(vec![0, -1])),
            Some(1),
            "-1 is beyond what the column's type holds",
        ),
        (
            "c",
            Arc::new(Int64Array::from(vec![1 << 31, 0])),
            Some(0),
            "2147483648 is beyond what the column's type holds",
        ),
        ("u", text("x"), None, "the table's column is `uuid`, which takes no Utf8"),
    ];
    for (column, array, row, reason) in cases {
        let error = session.ingest(&table("t"), &batch(vec![(column, array)])).unwrap_err();
        assert_eq!(error.kind, SqlErrorKind::Value { row, column: column.to_owned() });
        assert_eq!(error.message, reason);
        // The open transaction is as it was.
        assert_eq!(session.query("SELECT 1", &[]).unwrap(), [[Scalar::Int(1)]]);
    }
    // What only the server can tell.
    session.batch("SAVEPOINT page").unwrap();
    let amounts = Decimal128Array::from(vec![100, 100_000_000]).with_precision_and_scale(38, 2).unwrap();
    let error = session.ingest(&table("t"), &batch(vec![("n", Arc::new(amounts))])).unwrap_err();
    assert_eq!(error.kind, SqlErrorKind::Value { row: Some(1), column: "n".to_owned() }, "{error}");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for broken in ["{", &deep] {
        session.batch("ROLLBACK TO page").unwrap();
        let broken: ArrayRef = Arc::new(StringArray::from(vec!["1", broken]));
        let error = session.ingest(&table("t"), &batch(vec![("j", broken)])).unwrap_err();
        assert_eq!(error.kind, SqlErrorKind::Value { row: Some(1), column: "j".to_owned() }, "{error}");
    }
}

#[test]
fn rows_of_lists_that_cannot_be_held_are_those_of_their_page() {
    let Some(server) = shared() else { return };
    let target = Target::Postgres { address: Box::new(tcp(server, "schema=lists")) };
    let mut to = Destination::open(&target, "demo").unwrap();
    let declared = Column {
        name: "size".to_owned(),
        data_type: Some(DataType::Bigint),
        nullable: true,
        ..Column::default()
    };
    let table = Table {
        shape: Shape { nested: Some(Nested::Tables { max_depth: None }), ..Shape::default() },
        columns: vec![declared],
        ..table("tasks", Disposition::Append)
    };
    to.begin(&table, &load("tasks", "1")).unwrap();
    let bad_item = "{\"id\":2,\"items\":[{\"t\":\"fine\"},{\"t\":\"a\\u0000\"}]}";
    let bad_name = "{\"id\":4,\"name\":\"\\u0000\"}";
    let text = format!(
        "{{\"id\":1,\"items\":[{{\"t\":\"x\"}}]}}\n{{\"id\":3,\"size\":\"much\"}}\n{bad_item}\n{bad_name}\n"
    );
    let found = to.breaches(&table, &page(&text, "1")).unwrap();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "tasks row 1 of the page: column `size` is declared bigint, and holds \"much\"",
            "tasks row 2 of the page: column `t`: PostgreSQL's text cannot hold a NUL character (U+0000)",
            "tasks row 3 of the page: column `name`: PostgreSQL's text cannot hold a NUL character (U+0000)",
        ]
    );
    for (row, words) in [(bad_item, "column `t`"), (bad_name, "column `name`")] {
        let refused = to.write(&table, &page(&format!("{{\"id\":0}}\n{row}"), "1"), &[]).unwrap_err();
        assert!(refused.to_string().starts_with(&format!("tasks row 1 of the page: {words}")), "{refused}");
    }
    // Nothing of either page is there.
    to.finish(&table, &load("tasks", "1"), &[]).unwrap();
    to.commit().unwrap();
    assert_eq!(ask(&tcp(server, "schema=lists"), "SELECT count(*)::text FROM lists.tasks"), ["0"]);
}

#[test]
fn long_names_are_cut_so_that_they_differ() {
    let Some(server) = shared() else { return };
    let address = tcp(server, "schema=long_names");
    let target = Target::Postgres { address: Box::new(address.clone()) };
    let mut to = Destination::open(&target, "demo").unwrap();
    let table = Table {
        shape: Shape { nested: Some(Nested::Tables { max_depth: None }), ..Shape::default() },
        ..table(&"t".repeat(63), Disposition::Merge)
    };
    let (long, list) = ("n".repeat(80), "l".repeat(80));
    for id in ["1", "2"] {
        to.begin(&table, &load(&table.resource, id)).unwrap();
        let row = format!("{{\"id\":1,\"{long}a\":1,\"{long}b\":2,\"{list}a\":[1],\"{list}b\":[1,2,3]}}\n");
        to.write(&table, &page(&row, id), &[]).unwrap();
        to.finish(&table, &load(&table.resource, id), &[]).unwrap();
        to.commit().unwrap();
    }
    let sql = "SELECT c.table_name || ' ' || count(*) FROM information_schema.columns c WHERE table_schema = 'long_names' \
               AND NOT starts_with(table_name, '_') GROUP BY c.table_name ORDER BY length(c.table_name), 1";
    let found = ask(&address, sql);
    assert_eq!(found.len(), 3, "{found:?}");
    let columns = format!(
        "SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'long_names' \
         AND table_name = '{}' AND starts_with(column_name, 'nnn')",
        table.name
    );
    assert_eq!(ask(&address, &columns).len(), 2);
    let tables = "SELECT c.oid::regclass::text FROM pg_class c WHERE relnamespace = 'long_names'::regnamespace \
                  AND relkind = 'r' AND starts_with(relname, 'ttt')";
    let mut counts: Vec<String> = ask(&address, tables)
        .iter()
        .flat_map(|table| ask(&address, &format!("SELECT count(*)::text FROM {table}")))
        .collect();
    counts.sort();
    assert_eq!(counts, ["1", "1", "3"]);
}

#[test]
fn as_many_columns_as_a_table_can_have() {
    let Some(server) = shared() else { return };
    let target = Target::Postgres { address: Box::new(tcp(server, "schema=wide")) };
    let mut to = Destination::open(&target, "demo").unwrap();
    for disposition in [Disposition::Append, Disposition::Replace] {
        let table = table(&format!("{disposition:?}"), disposition);
        to.begin(&table, &load(&table.resource, "1")).unwrap();
        // Beside the id, what is added, and what numbers the rows that are gathered.
        let most = MAX_COLUMNS - 3 - usize::from(disposition != Disposition::Append);
        let row = |count: usize| {
            let fields: String = (0..count).map(|at| format!(",\"f{at}\":true")).collect();
            format!("{{\"id\":1{fields}}}\n")
        };
        let refused = to.write(&table, &page(&row(most + 1), "1"), &[]).unwrap_err();
        assert_eq!(refused.to_string(), format!("{}: more than 1600 columns", table.resource));
        to.write(&table, &page(&row(most), "1"), &[]).unwrap();
        to.finish(&table, &load(&table.resource, "1"), &[]).unwrap();
        to.commit().unwrap();
    }
}

#[test]
fn failures_by_kind() {
    let Some((server, mut session, table)) = place("kinds") else { return };
    session
        .batch(
            "CREATE TABLE t (id int8 PRIMARY KEY); INSERT INTO t VALUES (1);
            CREATE ROLE weak LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA kinds TO weak",
        )
        .unwrap();
    for (sql, kind) in [
        ("INSERT INTO kinds.t VALUES (1)", SqlErrorKind::UniqueViolation),
        ("SELECT * FROM kinds.none", SqlErrorKind::NoTable),
        ("SET transaction_read_only = on; INSERT INTO kinds.t VALUES (2)", SqlErrorKind::Denied),
        ("SELEKT 1", SqlErrorKind::Other),
    ] {
        assert_eq!(session.batch(sql).unwrap_err().kind, kind, "{sql}");
        let _ = session.batch("ROLLBACK; RESET transaction_read_only");
    }
    assert_eq!(
        session.execute("INSERT INTO t VALUES ($1)", &[Scalar::Int(1)]).unwrap_err().kind,
        SqlErrorKind::UniqueViolation
    );
    // A lock that someone else holds.
    let mut other = connect(server);
    other.batch("BEGIN; LOCK TABLE kinds.t").unwrap();
    let busy = session.batch("SET lock_timeout = 10; DROP TABLE kinds.t").unwrap_err();
    assert_eq!(busy.kind, SqlErrorKind::Busy, "{busy}");
    other.batch("ROLLBACK").unwrap();
    // Someone who may not.
    let weak = server.url("").replace("tester:", "weak:").replace(&PASSWORD.replace('%', "%25"), "x");
    let mut weak = Postgres::connect(&PostgresAddress::parse(&weak).unwrap()).unwrap();
    assert_eq!(weak.batch("INSERT INTO kinds.t VALUES (3)").unwrap_err().kind, SqlErrorKind::Denied);
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![3]));
    assert_eq!(weak.ingest(&table("t"), &batch(vec![("id", ids)])).unwrap_err().kind, SqlErrorKind::Denied);
}

#[test]
fn connections_that_are_refused_tell_no_password() {
    let Some(server) = shared() else { return };
    let at = |url: &str| Postgres::connect(&PostgresAddress::parse(url).unwrap()).unwrap_err();
    let wrong = at(&server.url("").replace(":p@ss", ":hidden"));
    assert_eq!(wrong.kind, SqlErrorKind::Denied);
    assert_eq!(wrong.message, "password authentication failed for user \"tester\" (SQLSTATE 28P01)");
    let none = at(&server.url("dbname=none"));
    assert_eq!(none.message, "database \"none\" does not exist (SQLSTATE 3D000)");
    let plain = at(&server.url("sslmode=require"));
    assert!(plain.message.contains("server does not support TLS"), "{plain}");
    // Taken, and nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgresql://u:hidden@{}/db", port.local_addr().unwrap());
    drop(port);
    let gone = at(&url);
    assert_eq!(gone.kind, SqlErrorKind::ConnectionLost, "{gone}");
    assert!(!format!("{gone} {wrong} {none:?}").contains("hidden"));
}

#[test]
fn one_run_at_a_time() {
    let Some((server, mut first, _)) = place("locked") else { return };
    let mut second = connect(server);
    first.lock("locked", Locked::Pipeline("tasks")).unwrap();
    let error = second.lock("locked", Locked::Pipeline("tasks")).unwrap_err();
    assert_eq!(error.kind, SqlErrorKind::Busy);
    let said = "pipeline `tasks` is being loaded by another run (sanderling, user tester, process ";
    assert!(error.message.starts_with(said), "{error}");
    // Another pipeline, another schema; and the first is free again when its holder is gone.
    second.lock("locked", Locked::Pipeline("people")).unwrap();
    second.lock("elsewhere", Locked::Pipeline("tasks")).unwrap();
    drop(first);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while second.lock("locked", Locked::Pipeline("tasks")).is_err() {
        assert!(std::time::Instant::now() < until);
    }
}

/// What another run has made of a list is not seen until it commits.
#[test]
fn one_run_at_a_time_in_the_table_of_a_list() {
    let Some(server) = shared() else { return };
    let target = Target::parse(&server.url("schema=locked_lists")).unwrap();
    let shape = Shape { nested: Some(Nested::Tables { max_depth: None }), ..Shape::default() };
    let of = |name: &str| Table { shape, ..table(name, Disposition::Append) };
    let (one, other) = (of("a"), of("a__b"));
    let mut first = Destination::open(&target, "first").unwrap();
    first.begin(&one, &load("a", "1")).unwrap();
    first.write(&one, &page("{\"id\":1,\"b\":{\"c\":[1]}}", "1"), &[]).unwrap();
    let mut second = Destination::open(&target, "second").unwrap();
    second.begin(&other, &load("a__b", "1")).unwrap();
    let error = second.write(&other, &page("{\"id\":1,\"c\":[1]}", "1"), &[]).unwrap_err();
    assert!(error.to_string().contains("table `a__b__c` is being loaded by another run"), "{error}");
    drop(second);
    first.commit().unwrap();
    // One that goes on has it as well, before its first page.
    drop(first);
    let mut first = Destination::open(&target, "first").unwrap();
    let running = first.state().loads["a"].clone();
    first.resume(&one, &running).unwrap();
    let mut session = connect(server);
    let held = session.lock("locked_lists", Locked::Table("a__b__c")).unwrap_err();
    assert_eq!(held.kind, SqlErrorKind::Busy);
}

fn process(session: &mut Postgres) -> i64 {
    match session.query("SELECT pg_backend_pid()", &[]).unwrap().as_slice() {
        [row] => match row.as_slice() {
            [Scalar::Int(process)] => *process,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connection_that_is_killed() {
    let Some((server, mut other, table)) = place("killed") else { return };
    other.batch("CREATE TABLE t (id int8)").unwrap();
    let ids = || batch(vec![("id", Arc::new(Int64Array::from_iter_values(0..200_000)) as ArrayRef)]);
    type Step = fn(&mut Postgres, &TableName, &RecordBatch) -> SqlErrorKind;
    let steps: [(&str, Step); 4] = [
        ("execute", |session, _, _| {
            session.execute("INSERT INTO killed.t VALUES (1)", &[]).unwrap_err().kind
        }),
        ("query", |session, _, _| session.query("SELECT 1", &[]).unwrap_err().kind),
        ("ingest", |session, table, batch| session.ingest(table, batch).unwrap_err().kind),
        ("commit", |session, _, _| session.commit().unwrap_err().kind),
    ];
    for (step, act) in steps {
        let mut session = connect(server);
        session.batch("BEGIN").unwrap();
        session.ingest(&table("t"), &ids()).unwrap();
        let process = process(&mut session);
        other.query("SELECT pg_terminate_backend($1, 10000)", &[Scalar::Int(process)]).unwrap();
        let kind = act(&mut session, &table("t"), &ids());
        let expected =
            if step == "commit" { SqlErrorKind::UnknownOutcome } else { SqlErrorKind::ConnectionLost };
        assert_eq!(kind, expected, "{step}");
        // It stays lost, and nothing was kept.
        assert_eq!(session.batch("SELECT 1").unwrap_err().kind, SqlErrorKind::ConnectionLost, "{step}");
        assert_eq!(
            texts(&mut other, "SELECT count(*)::text FROM killed.t"),
            [Some("0".to_owned())],
            "{step}"
        );
    }
}

#[test]
fn a_transaction_that_failed_is_not_committed_in_silence() {
    let Some((_, mut session, _)) = place("failed") else { return };
    session.batch("CREATE TABLE t (id int8 PRIMARY KEY)").unwrap();
    session.batch("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    session.batch("SAVEPOINT page").unwrap();
    session.batch("INSERT INTO t VALUES (1)").unwrap_err();
    session.batch("ROLLBACK TO page").unwrap();
    session.commit().unwrap();
    session.batch("BEGIN; INSERT INTO t VALUES (2)").unwrap();
    session.batch("INSERT INTO t VALUES (2)").unwrap_err();
    assert!(session.commit().unwrap_err().message.contains("current transaction is aborted"));
    session.batch("ROLLBACK").unwrap();
    assert_eq!(texts(&mut session, "SELECT id::text FROM t"), [Some("1".to_owned())]);
}

fn rows_and_state(target: &Target, address: &PostgresAddress) -> (Vec<String>, Option<u64>) {
    let found = Destination::look(target).unwrap().unwrap_or_default().remove("demo").unwrap_or_default();
    let of_state = found.loads.get("tasks").map(|load| load.rows);
    let tables = ask(address, &format!("SELECT to_regclass('{}.tasks')::text", address.schema));
    let rows = match tables[0].as_str() {
        "NULL" => vec![],
        table => ask(address, &format!("SELECT id::text FROM {table} ORDER BY id")),
    };
    (rows, of_state)
}

/// The ways to a schema of a server: our own, by PostgreSQL's driver, and by it as if definitions committed by themselves.
/// `settings` are what each connection is to have set.
fn doors(server: &Server, port: u16, schema: &str, settings: &str) -> Vec<(String, Target)> {
    let through = |url: String| url.replace(&server.port().to_string(), &port.to_string());
    let own = Target::parse(&through(server.url(&format!("schema={schema}_own&{settings}")))).unwrap();
    let driven = crate::conformance::driver("postgresql").into_iter().flat_map(|driver| {
        [false, true].map(|defers| {
            let name = format!("{schema}_driven_{defers}");
            let url = through(server.driver_url());
            let target =
                Target::parse(&format!("adbc:postgresql?uri={url}?{settings}&{driver}&schema={name}"));
            let Ok(Target::Adbc { mut address }) = target else { panic!("{target:?}") };
            address.defers = defers;
            (name, Target::Adbc { address })
        })
    });
    [(format!("{schema}_own"), own)].into_iter().chain(driven).collect()
}

#[test]
fn a_commit_that_nobody_answers_was_done_or_not() {
    let Some(server) = shared() else { return };
    for done in [false, true] {
        let doors = doors(server, server.port(), &format!("lost_{done}"), "");
        for (at, (schema, target)) in doors.into_iter().enumerate() {
            let address = tcp(server, &format!("schema={schema}"));
            // The first commit is that of opening.
            let port = losing_a_commit(server.port(), 2, done);
            let (_, way) = self::doors(server, port, &format!("lost_{done}"), "").swap_remove(at);
            let mut to = Destination::open(&way, "demo").unwrap();
            let table = table("tasks", Disposition::Append);
            to.begin(&table, &load("tasks", "1")).unwrap();
            let counted = Change::Load(Load { rows: 2, ..load("tasks", "1") });
            to.write(&table, &page("{\"id\":1}\n{\"id\":2}\n", "1"), &[counted]).unwrap();
            let lost = to.commit().unwrap_err();
            let in_commit =
                matches!(lost, DestinationError::Server { failure: ServerFailure::LostInCommit, .. });
            assert!(in_commit, "{schema}: {lost:?}");
            let after = to.write(&table, &page("{\"id\":3}\n", "1"), &[]).unwrap_err();
            assert!(matches!(after, DestinationError::Stopped { .. }), "{schema}: {after}");
            drop(to);
            let mut to = Destination::open(&target, "demo").unwrap();
            let (rows, of_state) = rows_and_state(&target, &address);
            let expected: (&[&str], Option<u64>) = if done { (&["1", "2"], Some(2)) } else { (&[], None) };
            assert_eq!(
                (rows, of_state),
                (expected.0.iter().map(ToString::to_string).collect(), expected.1),
                "{schema}"
            );
            // What the state says is what the run goes on from.
            let running = to.state().loads.contains_key("tasks");
            assert_eq!(running, done, "{schema}");
            if running {
                to.resume(&table, &load("tasks", "1")).unwrap();
            } else {
                to.begin(&table, &load("tasks", "1")).unwrap();
            }
            to.write(&table, &page("{\"id\":3}\n", "1"), &[]).unwrap();
            to.finish(&table, &load("tasks", "1"), &[]).unwrap();
            to.commit().unwrap();
            let whole: Vec<&str> = expected.0.iter().copied().chain(["3"]).collect();
            assert_eq!(rows_and_state(&target, &address).0, whole, "{schema}");
        }
    }
}

#[test]
fn a_full_disk() {
    let Some((server, disk)) = Server::with_small_disk(12) else { return };
    let mut other = connect(&server);
    other.batch(&format!("CREATE TABLESPACE small LOCATION '{}'", disk.display())).unwrap();
    other.batch("CREATE TABLE filler TABLESPACE small AS SELECT 1").unwrap();
    let counted = |rows| Change::Load(Load { rows, ..load("tasks", "1") });
    let wide = |id: u32| format!("{{\"id\":{id},\"text\":\"{}\"}}\n", "x".repeat(1_000));
    let big: String = (2..=8_000).map(wide).collect();
    let on_disk = "options=-c%20default_tablespace%3Dsmall";
    for (schema, target) in doors(&server, server.port(), "brimful", on_disk) {
        let address = tcp(&server, &format!("schema={schema}"));
        for disposition in [Disposition::Append, Disposition::Merge] {
            let table = table("tasks", disposition);
            let fill = "INSERT INTO filler SELECT generate_series(1, 120000)";
            other.batch(fill).unwrap();
            let mut to = Destination::open(&target, "demo").unwrap();
            to.begin(&table, &load("tasks", "1")).unwrap();
            to.write(&table, &page(&wide(1), "1"), &[counted(1)]).unwrap();
            to.commit().unwrap();
            let full = to.write(&table, &page(&big, "1"), &[counted(8_000)]).unwrap_err();
            assert!(matches!(full, DestinationError::Full { .. }), "{schema}: {full:?}");
            let said = full.to_string();
            assert!(
                said.starts_with("no space is left for ") && said.contains("postgresql://tester@"),
                "{said}"
            );
            // The page is not there, what came before is, and when there is space again the same run goes on.
            other.batch("TRUNCATE filler").unwrap();
            let of_append = if disposition == Disposition::Append { vec!["1".to_owned()] } else { vec![] };
            let (rows, of_state) = rows_and_state(&target, &address);
            assert_eq!((rows, of_state), (of_append, Some(1)), "{schema}");
            to.write(&table, &page(&wide(2), "1"), &[counted(2)]).unwrap();
            to.finish(&table, &load("tasks", "1"), &[counted(2)]).unwrap();
            to.commit().unwrap();
            drop(to);
            assert_eq!(rows_and_state(&target, &address).0, ["1", "2"], "{schema}");
            other.batch(&format!("DROP SCHEMA {schema} CASCADE")).unwrap();
        }
    }
}

#[test]
fn certificates() {
    let mut authority = rcgen::CertificateParams::new(vec![]).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap()
        .pem();
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap().cert.pem();
    let files = [("server.crt", certificate.as_str()), ("server.key", &key.serialize_pem())];
    let Some(server) =
        Server::start(&["ssl=on", "ssl_cert_file=../server.crt", "ssl_key_file=../server.key"], &files)
    else {
        return;
    };
    let roots = tempfile::tempdir().unwrap();
    let (good, bad) = (roots.path().join("good.pem"), roots.path().join("bad.pem"));
    std::fs::write(&good, root).unwrap();
    std::fs::write(&bad, stranger).unwrap();
    let (good, bad) = (good.display(), bad.display());
    let by = |host: &str, settings: String| {
        let url = server.url(&settings).replace("127.0.0.1", host);
        Postgres::connect(&PostgresAddress::parse(&url).unwrap()).map(|mut session| {
            texts(&mut session, "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        })
    };
    let encrypted = |is: bool| Ok(vec![Some(is.to_string())]);
    assert_eq!(by("localhost", "sslmode=disable".to_owned()), encrypted(false));
    assert_eq!(by("localhost", "sslmode=prefer".to_owned()), encrypted(true));
    assert_eq!(by("127.0.0.1", "sslmode=require".to_owned()), encrypted(true));
    assert_eq!(by("localhost", format!("sslmode=verify-full&sslrootcert={good}")), encrypted(true));
    assert_eq!(by("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={good}")), encrypted(true));
    for (host, settings, said) in [
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={good}"), "not valid for name"),
        ("localhost", format!("sslmode=verify-full&sslrootcert={bad}"), "invalid peer certificate"),
        ("localhost", format!("sslmode=require&sslrootcert={bad}"), "invalid peer certificate"),
        ("localhost", "sslmode=verify-full".to_owned(), "invalid peer certificate"),
        ("localhost", "sslmode=verify-full&sslrootcert=/none".to_owned(), "`sslrootcert` /none: "),
    ] {
        let error = by(host, settings.clone()).unwrap_err();
        assert!(error.message.contains(said), "{settings}: {error}");
    }
}

#[test]
#[ignore = "takes seconds: what a million rows cost this side"]
fn a_million_rows() {
    let Some((_, mut session, table)) = place("million") else { return };
    let names: Vec<String> = (0..12).map(|at| format!("c{at}")).collect();
    let types = ["int8", "text", "float8", "timestamptz", "numeric", "boolean"];
    let columns: Vec<String> =
        names.iter().enumerate().map(|(at, name)| format!("{name} {}", types[at % 6])).collect();
    session.batch(&format!("CREATE TABLE t ({})", columns.join(", "))).unwrap();
    let rows = 10_000_i64;
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let words: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("name of {row}"))));
    let reals: ArrayRef = Arc::new(Float64Array::from_iter_values((0..rows).map(|row| row as f64 * 1.5)));
    let times: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from_iter_values(0..rows).with_timezone("+00:00"));
    let amounts = Decimal128Array::from_iter_values((0..rows).map(|row| i128::from(row) * 7));
    let amounts: ArrayRef = Arc::new(amounts.with_precision_and_scale(38, 2).unwrap());
    let flags: ArrayRef = Arc::new(BooleanArray::from_iter((0..rows).map(|row| Some(row % 2 == 0))));
    let kinds = [ids, words, reals, times, amounts, flags];
    let batch =
        batch(names.iter().enumerate().map(|(at, name)| (name.as_str(), kinds[at % 6].clone())).collect());
    for _ in 0..100 {
        assert_eq!(session.ingest(&table("t"), &batch), Ok(10_000));
    }
    assert_eq!(texts(&mut session, "SELECT count(*)::text FROM t"), [Some("1000000".to_owned())]);
}
