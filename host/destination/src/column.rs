//! What a config declares of a column, and whether a row keeps to it.

use sanderling_columns::DataType;

use crate::error::DataErrorKind;
use crate::fits::{fits, found};

/// A column as it is declared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    /// Its name, as it stands in the rows.
    pub name: String,
    /// What its values are; none: anything.
    pub data_type: Option<DataType>,
    /// Whether it may be null, or missing.
    pub nullable: bool,
    /// Digits of a decimal, and how many of them behind the point; none: 38 and 18.
    pub digits: Option<(u8, i8)>,
    /// Whether moments are kept as they came, without a zone; else in UTC.
    pub naive: bool,
}

/// Whether a row keeps to `columns`; `json_of` gives the JSON of the column at a place of that list.
pub(crate) fn check<'a>(
    columns: &[Column],
    json_of: impl Fn(usize) -> Option<&'a str>,
) -> Result<(), DataErrorKind> {
    for (at, Column { name, data_type, nullable, .. }) in columns.iter().enumerate() {
        let column = || name.clone();
        match (json_of(at), data_type) {
            (None | Some("null"), _) if *nullable => {}
            (None, _) => return Err(DataErrorKind::ColumnMissing { column: column() }),
            (Some("null"), _) => return Err(DataErrorKind::ColumnNull { column: column() }),
            (Some(json), Some(declared)) if !fits(*declared, json) => {
                return Err(DataErrorKind::ColumnType {
                    column: column(),
                    declared: *declared,
                    found: found(json),
                });
            }
            (Some(_), _) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_missing_and_misfits() {
        let column =
            |data_type, nullable| [Column { name: "c".into(), data_type, nullable, ..Column::default() }];
        let bigint = Some(DataType::Bigint);
        let said = |columns: &[Column], json: Option<&'static str>| {
            check(columns, |_| json).map_err(|kind| kind.to_string())
        };
        assert_eq!(said(&column(bigint, true), None), Ok(()));
        assert_eq!(said(&column(bigint, true), Some("null")), Ok(()));
        assert_eq!(said(&column(None, false), Some("[1]")), Ok(()));
        for (columns, json, words) in [
            (column(None, false), None, "column `c` must not be null, and is missing"),
            (column(bigint, false), Some("null"), "column `c` must not be null, and is"),
            (column(bigint, true), Some("1.5"), "column `c` is declared bigint, and holds 1.5"),
            (column(bigint, true), Some("\"n/a\""), "column `c` is declared bigint, and holds \"n/a\""),
        ] {
            assert_eq!(said(&columns, json), Err(words.to_owned()));
        }
    }
}
