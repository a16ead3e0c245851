//! Statements as databases read them whose names and texts are written otherwise: Snowflake, BigQuery.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::dialect::Dialect;
use super::session::Scalar;

/// A piece of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    /// Between double quotes, doubled ones among it.
    Name(&'a str),
    /// Between single quotes, doubled ones among it.
    Text(&'a str),
    /// A place of an argument that goes by its order.
    Argument,
    Other(&'a str),
}

/// A statement with its names and texts as the database has them.
pub(crate) fn spoken(dialect: Dialect, sql: &str) -> Cow<'_, str> {
    if !matches!(dialect, Dialect::Snowflake | Dialect::BigQuery) {
        return Cow::Borrowed(sql);
    }
    Cow::Owned(written(dialect, sql, &mut |_| "?".to_owned()))
}

/// The same, and its arguments but for nulls, which stand in it where arguments go by their order: of what type a null is no
/// driver can tell, and some refuse one of none.
pub(crate) fn asked<'a>(
    dialect: Dialect,
    sql: &'a str,
    args: &'a [Scalar],
) -> (Cow<'a, str>, Cow<'a, [Scalar]>) {
    let by_order = matches!(dialect, Dialect::Snowflake | Dialect::BigQuery | Dialect::Ansi);
    if !by_order || !args.contains(&Scalar::Null) {
        return (spoken(dialect, sql), Cow::Borrowed(args));
    }
    let mut all = args.iter();
    let sql = written(dialect, sql, &mut |_| {
        if all.next() == Some(&Scalar::Null) { "NULL".to_owned() } else { "?".to_owned() }
    });
    let others = args.iter().filter(|arg| **arg != Scalar::Null);
    (Cow::Owned(sql), Cow::Owned(others.cloned().collect()))
}

/// The same with arguments in their places, for statements that are sent as one text.
pub(crate) fn inlined(dialect: Dialect, sql: &str, args: &[Scalar]) -> String {
    let mut args = args.iter();
    written(dialect, sql, &mut |_| match args.next() {
        None | Some(Scalar::Null) => "NULL".to_owned(),
        Some(Scalar::Int(number)) => number.to_string(),
        Some(Scalar::Real(number)) => format!("{number:e}"),
        Some(Scalar::Text(text)) => literal(dialect, text),
    })
}

/// A name of ours as the database has it. Snowflake reads names without quotes as capitals, and people write them so: what is
/// all small is all capitals there, and the other way round, so that no two become one.
pub(crate) fn stored(dialect: Dialect, name: &str) -> Cow<'_, str> {
    if dialect != Dialect::Snowflake {
        return Cow::Borrowed(name);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts || !name.chars().all(plain) {
        return Cow::Borrowed(name);
    }
    match (name.contains(|c: char| c.is_ascii_lowercase()), name.contains(|c: char| c.is_ascii_uppercase())) {
        (true, false) => Cow::Owned(name.to_ascii_uppercase()),
        (false, true) => Cow::Owned(name.to_ascii_lowercase()),
        _ => Cow::Borrowed(name),
    }
}

fn written(dialect: Dialect, sql: &str, argument: &mut dyn FnMut(()) -> String) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    for piece in pieces(sql) {
        match piece {
            Piece::Name(name) => out.push_str(&quoted(dialect, &name.replace("\"\"", "\""))),
            Piece::Text(text) => out.push_str(&literal(dialect, &text.replace("''", "'"))),
            Piece::Argument => out.push_str(&argument(())),
            Piece::Other(text) => out.push_str(text),
        }
    }
    out
}

fn quoted(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::BigQuery => format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`")),
        _ => super::dialect::quoted(&stored(dialect, name)),
    }
}

/// A text between quotes. Snowflake and BigQuery read what follows a backslash as an escape.
fn literal(dialect: Dialect, text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match (dialect, c) {
            (Dialect::Snowflake | Dialect::BigQuery, '\\') => out.push_str("\\\\"),
            (Dialect::BigQuery, '\'') => out.push_str("\\'"),
            (Dialect::BigQuery, '\n') => out.push_str("\\n"),
            (Dialect::BigQuery, '\r') => out.push_str("\\r"),
            (Dialect::BigQuery, '\0') => {
                let _ = write!(out, "\\u0000");
            }
            (_, '\'') => out.push_str("''"),
            (_, c) => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// The statement's pieces in order. One that breaks off in a name or text ends with it.
fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = sql;
    while let Some(at) = rest.find(['"', '\'', '?']) {
        let (before, from) = rest.split_at(at);
        if !before.is_empty() {
            pieces.push(Piece::Other(before));
        }
        let mut chars = from.chars();
        let quote = chars.next().unwrap_or_default();
        let inner = chars.as_str();
        if quote == '?' {
            pieces.push(Piece::Argument);
            rest = inner;
            continue;
        }
        let end = end_of(inner, quote);
        let (text, after) = inner.split_at(end);
        pieces.push(if quote == '"' { Piece::Name(text) } else { Piece::Text(text) });
        rest = after.strip_prefix(quote).unwrap_or(after);
    }
    if !rest.is_empty() {
        pieces.push(Piece::Other(rest));
    }
    pieces
}

/// Where what is between quotes ends: at a quote that is not doubled.
fn end_of(inner: &str, quote: char) -> usize {
    let mut from = 0;
    while let Some(at) = inner.get(from..).and_then(|rest| rest.find(quote)) {
        let end = from + at;
        if inner.get(end + 1..).is_some_and(|rest| rest.starts_with(quote)) {
            from = end + 2;
        } else {
            return end;
        }
    }
    inner.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: &str = r#"INSERT INTO "raw"."My ""t""" ("id", "ID", "Id", "a`b") SELECT "id", ?, 'it''s \ "x" ?' FROM "page" WHERE x = ?"#;

    #[test]
    fn names_and_texts_of_each() {
        for (dialect, said) in [
            (
                Dialect::Snowflake,
                r#"INSERT INTO "RAW"."My ""t""" ("ID", "id", "Id", "a`b") SELECT "ID", ?, 'it''s \\ "x" ?' FROM "PAGE" WHERE x = ?"#,
            ),
            (
                Dialect::BigQuery,
                r#"INSERT INTO `raw`.`My "t"` (`id`, `ID`, `Id`, `a\`b`) SELECT `id`, ?, 'it\'s \\ "x" ?' FROM `page` WHERE x = ?"#,
            ),
            (Dialect::Ansi, STATEMENT),
            (Dialect::Postgres, STATEMENT),
        ] {
            assert_eq!(spoken(dialect, STATEMENT), said, "{dialect:?}");
        }
    }

    #[test]
    fn nulls_are_no_arguments() {
        let args = [Scalar::Int(7), Scalar::Null, Scalar::Int(8)];
        let sql = "INSERT INTO \"t\" VALUES (?, ?, '?', ?)";
        for (dialect, said) in [
            (Dialect::Snowflake, "INSERT INTO \"T\" VALUES (?, NULL, '?', ?)"),
            (Dialect::BigQuery, "INSERT INTO `t` VALUES (?, NULL, '?', ?)"),
            (Dialect::Ansi, "INSERT INTO \"t\" VALUES (?, NULL, '?', ?)"),
        ] {
            let (sql, args) = asked(dialect, sql, &args);
            assert_eq!((&*sql, &*args), (said, &[Scalar::Int(7), Scalar::Int(8)][..]), "{dialect:?}");
        }
        let (numbered, all) = asked(Dialect::DuckDb, "VALUES ($1, $2, $3)", &args);
        assert_eq!((&*numbered, &*all), ("VALUES ($1, $2, $3)", &args[..]));
    }

    #[test]
    fn arguments_in_their_places() {
        let args = [Scalar::Text("a'b\\c\n".to_owned()), Scalar::Int(-7), Scalar::Null, Scalar::Real(0.5)];
        for (dialect, said) in [
            (Dialect::Snowflake, "VALUES ('a''b\\\\c\n', -7, NULL, 5e-1, '?')"),
            (Dialect::BigQuery, "VALUES ('a\\'b\\\\c\\n', -7, NULL, 5e-1, '?')"),
            (Dialect::Ansi, "VALUES ('a''b\\c\n', -7, NULL, 5e-1, '?')"),
        ] {
            assert_eq!(inlined(dialect, "VALUES (?, ?, ?, ?, '?')", &args), said, "{dialect:?}");
        }
    }

    #[test]
    fn names_in_capitals_and_back() {
        for (name, stored_as) in [
            ("id", "ID"),
            ("ID", "id"),
            ("_load_id", "_LOAD_ID"),
            ("Id", "Id"),
            ("my id", "my id"),
            ("1a", "1a"),
            ("_1", "_1"),
            ("é", "é"),
        ] {
            assert_eq!(stored(Dialect::Snowflake, name), stored_as);
            assert_eq!(stored(Dialect::Snowflake, stored_as), name);
            assert_eq!(stored(Dialect::BigQuery, name), name);
        }
    }
}
