//! What a table declares, held against its rows: a key that is whole, columns that are what they should be.

use crate::column;
use crate::error::{DataError, DataErrorKind, DestinationError};
use crate::table::{Rows, Table};
use crate::{fields, key, rows};

/// The fields of a row that a table says something of.
pub(crate) struct Declared<'t> {
    table: &'t Table,
    /// Those of the primary key, of the merge key, of the columns.
    names: Vec<&'t str>,
}

impl<'t> Declared<'t> {
    /// A key that is declared holds whatever becomes of the rows that are there.
    pub(crate) fn of(table: &'t Table) -> Self {
        let keys = table.primary_key.as_slice();
        let columns = table.columns.iter().map(|column| column.name.as_str());
        let names = keys.iter().chain(&table.merge_key).map(String::as_str).chain(columns).collect();
        Self { table, names }
    }

    /// Whether there is nothing to find.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Holds a row against what is declared, and returns the JSON of its key's fields. The line is read to its end.
    pub(crate) fn check<'a>(&self, line: &'a str) -> Result<Vec<&'a str>, DataErrorKind> {
        let found = fields::find(line, &self.names)?;
        let (keys, merge_keys) = (self.table.primary_key.len(), self.table.merge_key.len());
        let mut named = self.names.iter().zip(&found);
        let key: Result<Vec<_>, _> =
            named.by_ref().take(keys).map(|(name, json)| key::require(name, *json)).collect();
        let key = key?;
        named.take(merge_keys).try_for_each(|(name, json)| key::require_to_merge(name, *json))?;
        column::check(&self.table.columns, |at| found.get(keys + merge_keys + at).copied().flatten())?;
        Ok(key)
    }
}

/// The rows of a page that cannot be written as they are, each with its first breach.
pub(crate) fn breaches(table: &Table, page: &Rows) -> Result<Vec<DataError>, DestinationError> {
    let declared = Declared::of(table);
    let breach = |(row, line): (u64, &str)| {
        let kind = declared.check(line).err().filter(DataErrorKind::is_of_row)?;
        Some(DataError { resource: table.resource.clone(), row: Some(row), kind })
    };
    Ok(rows::lines(&table.resource, page)?.filter_map(breach).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Disposition;
    use crate::{Column, DataType};

    fn table(disposition: Disposition) -> Table {
        let column = |name: &str, data_type| Column {
            name: name.to_owned(),
            data_type,
            nullable: false,
            ..Column::default()
        };
        Table {
            resource: "t".to_owned(),
            name: "t".to_owned(),
            disposition,
            primary_key: vec!["b".to_owned(), "a".to_owned()],
            merge_key: Vec::new(),
            dedup_sort: None,
            hard_delete: None,
            strategy: crate::strategy::MergeStrategy::default(),
            delete_absent: None,
            partial: false,
            partitioned: false,
            columns: vec![column("a", Some(DataType::Bigint)), column("c", None)],
            shape: crate::shape::Shape::default(),
        }
    }

    #[test]
    fn every_field_of_the_key_or_a_typed_error() {
        let (merge, append) = (table(Disposition::Merge), table(Disposition::Append));
        let check = |line: &'static str| Declared::of(&merge).check(line);
        assert_eq!(check(r#"{"a":1,"x":2,"b":"y","c":0}"#), Ok(vec!["\"y\"", "1"]));
        assert_eq!(check(r#"{"a":1,"c":0}"#), Err(DataErrorKind::KeyMissing { field: "b".into() }));
        assert_eq!(check(r#"{"a":null,"b":1}"#), Err(DataErrorKind::KeyNull { field: "a".into() }));
        assert_eq!(check(r#"{"a":1,"b":1,"a":2}"#), Err(DataErrorKind::FieldTwice { field: "a".into() }));
        assert_eq!(check("null"), Err(DataErrorKind::NullRow));
        assert_eq!(check(r#"{"a":1,"b":1}"#), Err(DataErrorKind::ColumnMissing { column: "c".into() }));
        let check = |line: &'static str| Declared::of(&append).check(line);
        assert_eq!(check(r#"{"a":1,"b":0,"c":0}"#), Ok(vec!["0", "1"]));
        assert_eq!(check(r#"{"a":null,"b":0,"c":0}"#), Err(DataErrorKind::KeyNull { field: "a".into() }));
        let grouped = Table { merge_key: vec!["g".to_owned()], ..merge.clone() };
        let check = |line: &'static str| Declared::of(&grouped).check(line);
        assert_eq!(check(r#"{"a":1,"b":2,"c":0,"g":0}"#), Ok(vec!["2", "1"]));
        assert_eq!(
            check(r#"{"a":1,"b":2,"c":0}"#),
            Err(DataErrorKind::MergeKeyMissing { field: "g".into() })
        );
        assert_eq!(
            check(r#"{"a":1,"b":2,"g":null}"#),
            Err(DataErrorKind::MergeKeyNull { field: "g".into() })
        );
        let keyless = Table { primary_key: Vec::new(), ..append.clone() };
        let check = |line: &'static str| Declared::of(&keyless).check(line);
        assert_eq!(check(r#"{"a":1,"c":0}"#), Ok(vec![]));
        assert_eq!(check(r#"{"a":null,"c":0}"#), Err(DataErrorKind::ColumnNull { column: "a".into() }));
    }

    #[test]
    fn breaches_are_those_of_single_rows() {
        let text = "{\"a\":1,\"b\":1,\"c\":1}\n{\"b\":1,\"c\":1}\nnull\n{\"a\":\"x\",\"b\":1,\"c\":1}\n\
                    {\"a\":1,\"b\":1,\"c\":1,\"c\":2}\n{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"d\":2}\n";
        let page =
            Rows { ndjson: text.as_bytes(), count: 6, partition_key: None, load_id: "1", loaded_at_ms: 0 };
        let found = breaches(&table(Disposition::Merge), &page).unwrap();
        let words: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "t row 1 of the page: primary key field `a` is missing",
                "t row 2 of the page: the row is null",
                "t row 3 of the page: column `a` is declared bigint, and holds \"x\"",
                "t row 4 of the page: field `c` stands twice in one row"
            ]
        );
        assert!(breaches(&table(Disposition::Append), &Rows { count: 3, ..page }).is_err());
    }
}
