//! The words in which PostgreSQL's part refuses, each from what leads to it.

use std::fmt::Write as _;
use std::sync::Arc;

use ::postgres::types::Type;
use arrow_array::{ArrayRef, BinaryArray, Decimal128Array, Int64Array, RecordBatch, StringArray};
use insta::assert_snapshot;

use super::Postgres;
use super::copy::Copy;
use super::server::shared;
use super::tests::tcp;
use crate::conformance::{load, page, table};
use crate::sql::session::Locked;
use crate::*;

#[test]
fn addresses() {
    let mut told = String::new();
    for text in [
        "postgresql:x",
        "postgresql://u:secret@h:x/db",
        "postgresql://u:sec%ret@h/db",
        "postgresql://h/d%b",
        "postgresql://u%@h/db",
        "postgresql://h%/db",
        "postgresql://h/db?a%=b",
        "postgresql://h/db?schema=%",
        "postgresql://h/db?shema=x",
        "postgresql://h/db?sslcert=x",
        "postgresql://h/db?sslmode=allow",
        "postgresql://h/db?schema=",
        "postgresql://h/db?connect_timeout=0",
    ] {
        let _ = writeln!(told, "{}", Target::parse(text).unwrap_err());
    }
    assert_snapshot!(told);
}

#[test]
fn values() {
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1_i64 << 40]));
    let hundreds = Decimal128Array::from(vec![1]).with_precision_and_scale(38, -2).unwrap();
    let mut told = String::new();
    for (array, ty) in [
        (text("a\0b"), Type::TEXT),
        (Arc::new(hundreds), Type::NUMERIC),
        (text("\"\\u0000\""), Type::JSONB),
        (text("1e999999"), Type::JSONB),
        (number, Type::INT4),
        (Arc::new(BinaryArray::from(vec![b"".as_slice()])), Type::UUID),
    ] {
        let batch = RecordBatch::try_from_iter([("v", array)]).unwrap();
        let _ = writeln!(told, "{}", Copy::new(&batch, &[ty]).err().unwrap());
    }
    assert_snapshot!(told);
}

#[test]
fn servers() {
    let Some(server) = shared() else { return };
    let address = tcp(server, "schema=words");
    let mut told = String::new();
    let mut say = |error: String| {
        let at = format!("127.0.0.1:{}", server.port());
        let process =
            error.split_once("process ").map(|(_, rest)| rest.split(')').next().unwrap_or_default());
        let plain = process.map_or(error.clone(), |process| error.replace(process, "…"));
        let _ = writeln!(told, "{}", plain.replace(&at, "SERVER"));
    };
    let target = Target::Postgres { address: Box::new(address.clone()) };
    let mut to = Destination::open(&target, "demo").unwrap();
    say(Destination::open(&target, "demo").unwrap_err().to_string());
    let long = table(&"n".repeat(64), Disposition::Append);
    say(to.begin(&long, &load(&long.resource, "1")).unwrap_err().to_string());
    let mut other = Postgres::connect(&address).unwrap();
    other.batch("CREATE TABLE words.theirs (id int8)").unwrap();
    let theirs = table("theirs", Disposition::Append);
    say(to.begin(&theirs, &load("theirs", "1")).unwrap_err().to_string());
    other.lock("words", Locked::Table("held")).unwrap();
    let held = table("held", Disposition::Append);
    say(to.begin(&held, &load("held", "1")).unwrap_err().to_string());
    let merged = table("merged", Disposition::Merge);
    to.begin(&merged, &load("merged", "1")).unwrap();
    for row in [
        "{\"id\":1,\"name\":\"a\\u0000\"}",
        "{\"id\":1,\"list\":[\"\\u0000\"]}",
        "{\"id\":1,\"name\":\"\\ud800\"}",
        "{\"id\":1}\n{\"id\":\"x\"}",
    ] {
        say(to.write(&merged, &page(row, "1"), &[]).unwrap_err().to_string());
    }
    to.begin(&table("gone", Disposition::Replace), &load("gone", "1")).unwrap();
    to.commit().unwrap();
    drop(to);
    let mut to = Destination::open(&target, "demo").unwrap();
    say(to.resume(&table("gone", Disposition::Append), &load("gone", "1")).unwrap_err().to_string());
    drop(to);
    let mut to = Destination::open(&target, "other").unwrap();
    say(to.begin(&table("gone", Disposition::Append), &load("gone", "1")).unwrap_err().to_string());
    drop(to);
    other.batch("UPDATE words._sanderling_state SET value = '99' WHERE entry = 'version'").unwrap();
    say(Destination::open(&target, "demo").unwrap_err().to_string());
    for settings in ["sslmode=require", "sslmode=verify-full&sslrootcert=/none"] {
        say(Postgres::connect(&tcp(server, settings)).unwrap_err().to_string());
    }
    let empty = tempfile::NamedTempFile::new().unwrap();
    let settings = format!("sslmode=verify-full&sslrootcert={}", empty.path().display());
    say(Postgres::connect(&tcp(server, &settings)).unwrap_err().to_string());
    assert_snapshot!(told);
}
