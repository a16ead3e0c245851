//! CSV to rows: one JSON object a line.

use serde_json::{Number, Value};

use crate::bindings::{BadResponse, Error};

/// A CSV file whose header names each column and its type: `id:text,height_m:number`.
pub(crate) struct Table {
    columns: Vec<(String, bool)>,
    records: Vec<csv::StringRecord>,
}

/// An answer that is whole, but not what this connector takes: to ask again is of no use.
pub(crate) fn wrong(message: String, excerpt: &str) -> Error {
    Error::BadResponse(BadResponse { message, excerpt: excerpt.into(), retry: false })
}

impl Table {
    /// Reads it to its end; a line with too few or too many fields is an error.
    pub(crate) fn read(body: &[u8]) -> Result<Table, Error> {
        let fail = |error: csv::Error| wrong(format!("not CSV: {error}"), "");
        let mut reader = csv::Reader::from_reader(body);
        let header = reader.headers().map_err(fail)?.clone();
        let columns = header.iter().map(|column| match column.split_once(':') {
            Some((name, "number")) => Ok((name.to_owned(), true)),
            Some((name, "text")) => Ok((name.to_owned(), false)),
            _ => Err(wrong(format!("the column `{column}` has no type that is known"), "")),
        });
        let columns = columns.collect::<Result<_, _>>()?;
        let records = reader.records().collect::<Result<_, _>>().map_err(fail)?;
        Ok(Table { columns, records })
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> u64 {
        self.records.len() as u64
    }

    /// The fields of one column, from the row `skip` on.
    pub(crate) fn column(&self, name: &str, skip: usize) -> Result<Vec<&str>, Error> {
        let at = self.columns.iter().position(|(known, _)| known == name);
        let at = at.ok_or_else(|| wrong(format!("there is no column `{name}`"), ""))?;
        Ok(self.records.iter().skip(skip).map(|record| &record[at]).collect())
    }

    /// The rows as the host wants them: one JSON value a line. An empty field is null, and a number stays as it was
    /// written.
    pub(crate) fn ndjson(&self) -> Result<Vec<u8>, Error> {
        let mut lines = String::new();
        for record in &self.records {
            for (at, ((name, is_number), field)) in self.columns.iter().zip(record).enumerate() {
                lines.push(if at == 0 { '{' } else { ',' });
                lines.push_str(&Value::from(name.as_str()).to_string());
                lines.push(':');
                match (field, is_number) {
                    ("", _) => lines.push_str("null"),
                    (text, false) => lines.push_str(&Value::from(text).to_string()),
                    (text, true) if serde_json::from_str::<Number>(text).is_ok() => {
                        lines.push_str(text.trim())
                    }
                    (text, true) => return Err(wrong(format!("`{name}` is not a number"), text)),
                }
            }
            lines.push_str("}\n");
        }
        Ok(lines.into_bytes())
    }
}
