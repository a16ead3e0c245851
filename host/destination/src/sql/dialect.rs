//! How databases write SQL: names, types, arguments.

use std::fmt::Write as _;

use sanderling_columns::{Column, ColumnType, Nested};

use super::session::TableName;
use super::text::Texts;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    DuckDb,
    Postgres,
    Snowflake,
    BigQuery,
    /// Of a database that is not known: what most read.
    Ansi,
}

/// A name as SQL writes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names with commas between them.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

impl Dialect {
    /// That of a database which a driver calls so.
    pub(crate) fn of_vendor(vendor: &str) -> Self {
        let vendor = vendor.to_ascii_lowercase();
        match vendor.as_str() {
            "sqlite" => Self::Sqlite,
            "duckdb" => Self::DuckDb,
            "postgresql" => Self::Postgres,
            "snowflake" => Self::Snowflake,
            "bigquery" | "google bigquery" => Self::BigQuery,
            _ => Self::Ansi,
        }
    }

    /// Whether definitions commit by themselves, or may: what changes rows then waits for the commit.
    pub(crate) fn defers(self) -> bool {
        matches!(self, Self::Snowflake | Self::BigQuery | Self::Ansi)
    }

    /// What a session begins with, where a driver opens it: as the built-in sessions have it.
    pub(crate) fn settings(self, looked: bool) -> &'static [&'static str] {
        match (self, looked) {
            (Self::Sqlite, true) => &["PRAGMA busy_timeout = 5000", "PRAGMA query_only = on"],
            (Self::Sqlite, false) => &[
                "PRAGMA busy_timeout = 5000",
                "PRAGMA journal_mode = wal",
                "PRAGMA synchronous = normal",
                "PRAGMA legacy_alter_table = on",
            ],
            (Self::DuckDb | Self::Postgres, _) => &["SET TimeZone = 'UTC'"],
            (Self::Snowflake, _) => &["ALTER SESSION SET TIMEZONE = 'UTC'"],
            (Self::BigQuery | Self::Ansi, _) => &[],
        }
    }

    /// What becomes of objects and arrays, where a config does not make tables of them.
    pub(crate) fn nested(self) -> Nested {
        if self == Self::DuckDb { Nested::Columns } else { Nested::Json }
    }

    /// Whether a text becomes a value of a column's type only where a statement says so.
    pub(crate) fn casts(self) -> bool {
        matches!(self, Self::Postgres | Self::Snowflake | Self::BigQuery)
    }

    /// A text, as a value of a column's type.
    pub(crate) fn made_of_text(self, text: &str, kind: &str) -> String {
        match self {
            Self::Snowflake if kind.eq_ignore_ascii_case("variant") => return format!("PARSE_JSON({text})"),
            // An assignment goes by the column's own precision, which a cast would have to repeat.
            Self::Snowflake => return text.to_owned(),
            Self::BigQuery if kind == "JSON" => return format!("PARSE_JSON({text})"),
            Self::BigQuery if kind == "STRING" => return text.to_owned(),
            Self::BigQuery => {
                // Of `BIGNUMERIC(40, 3)` the column sees to the digits.
                let kind = kind.split('(').next().unwrap_or(kind);
                return format!("CAST({text} AS {kind})");
            }
            _ => {}
        }
        // A cast would cut a text that is too long without a word.
        if kind.starts_with("text") || kind.contains("char") {
            text.to_owned()
        } else {
            format!("CAST({text} AS {kind})")
        }
    }

    /// Asks for the columns of a table, in order: its schema's name, where one is given, and its own are the arguments. (For
    /// BigQuery the schema stands in the statement.)
    pub(crate) fn columns_of(self, schema: Option<&str>) -> String {
        let (of, given) = match (self, schema) {
            (Self::BigQuery, schema) => {
                (format!("{}.INFORMATION_SCHEMA.COLUMNS", quoted(schema.unwrap_or_default())), String::new())
            }
            (_, Some(_)) => ("information_schema.columns".to_owned(), "table_schema = ? AND ".to_owned()),
            (Self::Snowflake, None) => {
                ("information_schema.columns".to_owned(), "table_schema = current_schema() AND ".to_owned())
            }
            (_, None) => ("information_schema.columns".to_owned(), String::new()),
        };
        format!(
            "SELECT column_name, data_type FROM {of} WHERE {given}table_name = ? ORDER BY ordinal_position"
        )
    }

    /// Asks for the tables whose names begin so, where the session works.
    pub(crate) fn tables_like(self, schema: Option<&str>, begins: &str) -> String {
        let like = format!("LIKE '{}%'", begins.replace('\'', "''"));
        match self {
            Self::Sqlite => format!("SELECT name FROM sqlite_master WHERE type = 'table' AND name {like}"),
            Self::BigQuery => format!(
                "SELECT table_name FROM {}.INFORMATION_SCHEMA.TABLES WHERE table_name {like}",
                quoted(schema.unwrap_or_default())
            ),
            Self::Ansi => format!("SELECT table_name FROM information_schema.tables WHERE table_name {like}"),
            Self::DuckDb | Self::Postgres | Self::Snowflake => format!(
                "SELECT table_name::text FROM information_schema.tables \
                 WHERE table_schema = current_schema() AND table_name {like}"
            ),
        }
    }

    /// A table of the session's own.
    pub(crate) fn temporary(self, name: &str) -> String {
        match self {
            Self::Postgres => format!("pg_temp.{}", quoted(name)),
            _ => format!("temp.{}", quoted(name)),
        }
    }

    /// Whether rows of a table have one of the keys that table `among` has.
    pub(crate) fn among(self, key: &[&str], of: &str, among: &str) -> String {
        if self == Self::BigQuery {
            // It compares lists of one column only.
            let same: Vec<String> =
                key.iter().map(|column| format!("other.{0} = {of}.{0}", quoted(column))).collect();
            return format!("EXISTS (SELECT 1 FROM {among} AS other WHERE {})", same.join(" AND "));
        }
        let key = list(key.iter().copied());
        format!("({key}) IN (SELECT {key} FROM {among})")
    }

    /// A table's name, with its schema where the database has such.
    pub(crate) fn table(self, table: &TableName) -> String {
        match &table.schema {
            Some(schema) if self != Self::Sqlite => format!("{}.{}", quoted(schema), quoted(&table.name)),
            _ => quoted(&table.name),
        }
    }

    /// The argument at a place, from 1.
    pub(crate) fn argument(self, place: usize) -> String {
        match self {
            Self::Sqlite => format!("?{place}"),
            Self::DuckDb | Self::Postgres => format!("${place}"),
            // They go by their order.
            Self::Snowflake | Self::BigQuery | Self::Ansi => "?".to_owned(),
        }
    }

    /// `rows` lists of `width` arguments, for `VALUES`.
    pub(crate) fn values(self, rows: usize, width: usize) -> String {
        let mut text = String::new();
        for row in 0..rows {
            let places: Vec<String> = (1..=width).map(|place| self.argument(row * width + place)).collect();
            let comma = if row == 0 { "" } else { ", " };
            let _ = write!(text, "{comma}({})", places.join(", "));
        }
        text
    }

    /// The type of a column. SQLite has none for decimals, which its numbers would round, and none for times.
    pub(crate) fn column_type(self, data_type: &ColumnType) -> String {
        match (self, data_type) {
            (Self::Sqlite, ColumnType::Bool) => "BOOLEAN".to_owned(),
            (Self::Sqlite, ColumnType::Int64) => "INTEGER".to_owned(),
            (Self::Sqlite, ColumnType::Double) => "REAL".to_owned(),
            (Self::Sqlite, ColumnType::Binary) => "BLOB".to_owned(),
            (Self::Sqlite, _) => "TEXT".to_owned(),
            (Self::BigQuery, data_type) => big_query_type(data_type),
            (Self::Snowflake, ColumnType::Timestamp { utc: true }) => "timestamp_tz".to_owned(),
            (Self::Snowflake, ColumnType::Timestamp { utc: false }) => "timestamp_ntz".to_owned(),
            (Self::Snowflake, ColumnType::Json | ColumnType::Struct(_) | ColumnType::List(_)) => {
                "variant".to_owned()
            }
            (Self::Snowflake, ColumnType::Binary) => "binary".to_owned(),
            (
                Self::Ansi,
                ColumnType::Json | ColumnType::Struct(_) | ColumnType::List(_) | ColumnType::Text,
            ) => "varchar".to_owned(),
            (Self::Ansi, ColumnType::Binary) => "varbinary".to_owned(),
            (Self::Ansi, ColumnType::Decimal { precision, .. }) if *precision > 38 => "varchar".to_owned(),
            (_, ColumnType::Bool) => "boolean".to_owned(),
            (_, ColumnType::Int64) => "bigint".to_owned(),
            (_, ColumnType::Double) => "double precision".to_owned(),
            (_, ColumnType::Date) => "date".to_owned(),
            (_, ColumnType::Time) => "time".to_owned(),
            (_, ColumnType::Timestamp { utc: true }) => "timestamp with time zone".to_owned(),
            (_, ColumnType::Timestamp { utc: false }) => "timestamp".to_owned(),
            // It has none wider; those are text.
            (Self::DuckDb | Self::Snowflake | Self::Ansi, ColumnType::Decimal { precision, scale })
                if *precision <= 38 =>
            {
                format!("decimal({precision}, {scale})")
            }
            // The decoder gives no value to a column that it would have to round it for.
            (Self::Postgres, ColumnType::Decimal { precision, scale }) => {
                format!("numeric({precision}, {scale})")
            }
            (Self::DuckDb, ColumnType::Binary) => "blob".to_owned(),
            (Self::DuckDb, ColumnType::List(item)) => format!("{}[]", self.column_type(item)),
            (Self::DuckDb, ColumnType::Struct(fields)) => {
                let typed = |field: &Column| {
                    format!("{} {}", quoted(&field.name), self.column_type(&field.data_type))
                };
                format!("struct({})", fields.iter().map(typed).collect::<Vec<_>>().join(", "))
            }
            (Self::Postgres, ColumnType::Binary) => "bytea".to_owned(),
            (Self::Postgres, ColumnType::Json | ColumnType::Struct(_) | ColumnType::List(_)) => {
                "jsonb".to_owned()
            }
            (_, ColumnType::Json) => "json".to_owned(),
            (_, ColumnType::Text | ColumnType::Decimal { .. }) => "text".to_owned(),
        }
    }

    /// A moment, in microseconds since 1970, as a column of such holds it.
    pub(crate) fn moment(self, micros: i64) -> String {
        let mut texts = Texts::default();
        let text = texts.timestamp(micros, true);
        match self {
            Self::Sqlite => format!("'{text}'"),
            Self::Snowflake => format!("TO_TIMESTAMP_TZ('{text}')"),
            Self::BigQuery => format!("TIMESTAMP '{text}'"),
            _ => format!("TIMESTAMP WITH TIME ZONE '{text}'"),
        }
    }

    /// The type of texts, and of whole numbers, in tables of ours.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Sqlite => "TEXT",
            Self::BigQuery => "STRING",
            Self::Ansi => "varchar",
            _ => "text",
        }
    }

    pub(crate) fn integer(self) -> &'static str {
        match self {
            Self::Sqlite => "INTEGER",
            Self::BigQuery => "INT64",
            _ => "bigint",
        }
    }

    /// Whether a part of a transaction can be taken back.
    pub(crate) fn has_savepoints(self) -> bool {
        self != Self::DuckDb
    }

    /// Whether a transaction is as it was after a commit that was refused because someone else holds what it needs.
    pub(crate) fn keeps_what_is_busy(self) -> bool {
        matches!(self, Self::Sqlite | Self::DuckDb)
    }

    /// What a table's or column's name may have, in bytes, where a longer one would be cut without a word.
    pub(crate) fn max_name_bytes(self) -> Option<usize> {
        (self == Self::Postgres).then_some(63)
    }

    /// A column to be sorted by, as its values are; texts byte by byte, whatever the database's language.
    pub(crate) fn sorted_by(self, column: &str, data_type: &ColumnType) -> String {
        let name = quoted(column);
        match (self, data_type) {
            (Self::Postgres, ColumnType::Text) => format!("{name} COLLATE \"C\""),
            (Self::Sqlite, ColumnType::Decimal { .. }) => format!("CAST({name} AS REAL)"),
            _ => name,
        }
    }

    /// What opens a transaction that will write.
    pub(crate) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::BigQuery => "BEGIN TRANSACTION",
            _ => "BEGIN",
        }
    }

    /// Whether a table is replaced by another one that takes its name, as it is.
    pub(crate) fn swaps(self) -> bool {
        self == Self::Sqlite
    }

    /// The type of a column that numbers a table's rows.
    pub(crate) fn row_number(self) -> &'static str {
        if self == Self::Sqlite { "INTEGER PRIMARY KEY" } else { self.integer() }
    }

    /// How many columns a table can have.
    pub(crate) fn max_columns(self) -> Option<usize> {
        match self {
            Self::Sqlite => Some(super::sqlite::MAX_COLUMNS),
            Self::Postgres => Some(crate::postgres::MAX_COLUMNS),
            Self::BigQuery => Some(10_000),
            Self::DuckDb | Self::Snowflake | Self::Ansi => None,
        }
    }
}

/// BigQuery's types ("Data types" of its reference). A decimal with more digits than it has is text.
fn big_query_type(data_type: &ColumnType) -> String {
    let name = match data_type {
        ColumnType::Bool => "BOOL",
        ColumnType::Int64 => "INT64",
        ColumnType::Double => "FLOAT64",
        ColumnType::Date => "DATE",
        ColumnType::Time => "TIME",
        ColumnType::Timestamp { utc: true } => "TIMESTAMP",
        ColumnType::Timestamp { utc: false } => "DATETIME",
        ColumnType::Binary => "BYTES",
        ColumnType::Json | ColumnType::Struct(_) | ColumnType::List(_) => "JSON",
        ColumnType::Decimal { precision, scale } => {
            let (precision, scale) = (i32::from(*precision), i32::from(*scale));
            if (0..=38).contains(&scale) && precision - scale <= 38 {
                return format!("BIGNUMERIC({precision}, {scale})");
            }
            "STRING"
        }
        ColumnType::Text => "STRING",
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inner(name: &str, data_type: ColumnType) -> Column {
        let role = sanderling_columns::Role::Field;
        Column { name: name.into(), field: name.into(), data_type, nullable: true, role }
    }

    #[test]
    fn types_of_each() {
        let types = [
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
            ColumnType::List(Box::new(ColumnType::Struct(vec![
                inner("a b", ColumnType::List(Box::new(ColumnType::Json))),
                inner("c", ColumnType::Decimal { precision: 76, scale: 0 }),
            ]))),
        ];
        for (dialect, expected) in [
            (
                Dialect::Snowflake,
                "boolean, bigint, double precision, text, date, time, timestamp_tz, timestamp_ntz, decimal(38, 9), text, text, \
                 binary, variant, variant",
            ),
            (
                Dialect::BigQuery,
                "BOOL, INT64, FLOAT64, STRING, DATE, TIME, TIMESTAMP, DATETIME, BIGNUMERIC(38, 9), BIGNUMERIC(76, 38), STRING, \
                 BYTES, JSON, JSON",
            ),
            (
                Dialect::Ansi,
                "boolean, bigint, double precision, varchar, date, time, timestamp with time zone, timestamp, \
                 decimal(38, 9), varchar, varchar, varbinary, varchar, varchar",
            ),
            (
                Dialect::Postgres,
                "boolean, bigint, double precision, text, date, time, timestamp with time zone, timestamp, numeric(38, 9), \
                 numeric(76, 38), numeric(60, 3), bytea, jsonb, jsonb",
            ),
            (
                Dialect::DuckDb,
                "boolean, bigint, double precision, text, date, time, timestamp with time zone, timestamp, decimal(38, 9), \
                 text, text, blob, json, struct(\"a b\" json[], \"c\" text)[]",
            ),
            (
                Dialect::Sqlite,
                "BOOLEAN, INTEGER, REAL, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, BLOB, TEXT, TEXT",
            ),
        ] {
            let found: Vec<String> = types.iter().map(|data_type| dialect.column_type(data_type)).collect();
            assert_eq!(found.join(", "), expected, "{dialect:?}");
        }
    }

    #[test]
    fn what_else_differs() {
        for (vendor, dialect, arguments, moment, among, made) in [
            (
                "SQLite",
                Dialect::Sqlite,
                "(?1, ?2)",
                "'1970-01-01T00:00:00.000000Z'",
                "(\"a\", \"b\") IN (SELECT \"a\", \"b\" FROM x)",
                "c0",
            ),
            (
                "Snowflake",
                Dialect::Snowflake,
                "(?, ?)",
                "TO_TIMESTAMP_TZ('1970-01-01T00:00:00.000000Z')",
                "(\"a\", \"b\") IN (SELECT \"a\", \"b\" FROM x)",
                "PARSE_JSON(c0)",
            ),
            (
                "BigQuery",
                Dialect::BigQuery,
                "(?, ?)",
                "TIMESTAMP '1970-01-01T00:00:00.000000Z'",
                "EXISTS (SELECT 1 FROM x AS other WHERE other.\"a\" = t.\"a\" AND other.\"b\" = t.\"b\")",
                "PARSE_JSON(c0)",
            ),
            (
                "Dremio",
                Dialect::Ansi,
                "(?, ?)",
                "TIMESTAMP WITH TIME ZONE '1970-01-01T00:00:00.000000Z'",
                "(\"a\", \"b\") IN (SELECT \"a\", \"b\" FROM x)",
                "c0",
            ),
        ] {
            assert_eq!(Dialect::of_vendor(vendor), dialect);
            assert_eq!(dialect.values(1, 2), arguments);
            assert_eq!(dialect.moment(0), moment);
            assert_eq!(dialect.among(&["a", "b"], "t", "x"), among);
            let kind = if dialect == Dialect::Snowflake { "VARIANT" } else { "JSON" };
            if dialect.casts() {
                assert_eq!(dialect.made_of_text("c0", kind), made);
            }
        }
        assert_eq!(Dialect::BigQuery.made_of_text("c0", "BIGNUMERIC(40, 3)"), "CAST(c0 AS BIGNUMERIC)");
        assert_eq!(Dialect::Snowflake.made_of_text("c0", "NUMBER"), "c0");
        assert_eq!(Dialect::Postgres.made_of_text("c0", "character varying(3)"), "c0");
        assert_eq!(Dialect::Postgres.made_of_text("c0", "numeric(40,3)"), "CAST(c0 AS numeric(40,3))");
    }
}
