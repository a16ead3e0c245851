//! The statements that make the tables of a resource.

use sanderling_columns::{ColumnType, TableSchema, shortened};

use super::dialect::Dialect;
use super::session::TableName;
use super::spoken::spoken;
use super::tables::{columns_of, creation};
use crate::discovered::Discovered;

/// One statement a table, as a database of this kind takes them, without the schema that they would be in.
pub(crate) fn definitions(dialect: Dialect, discovered: &Discovered) -> Vec<String> {
    let time = dialect.column_type(&ColumnType::Timestamp { utc: true });
    let statement = |(at, table): (usize, &TableSchema)| {
        let table = fitted(dialect, table);
        let mut columns = columns_of(dialect, &table);
        let times: &[String] = if at == 0 { &discovered.times } else { &[] };
        columns.extend(times.iter().map(|name| (name.as_str(), time.clone())));
        let statement = creation(dialect, &TableName { schema: None, name: table.name.clone() }, &columns);
        spoken(dialect, &statement).into_owned()
    };
    discovered.schema.tables.iter().enumerate().map(statement).collect()
}

/// The table with names that are no longer than they can be there.
fn fitted(dialect: Dialect, table: &TableSchema) -> TableSchema {
    let most = dialect.max_name_bytes();
    let mut table = table.clone();
    table.name = shortened(table.name, most);
    for column in &mut table.columns {
        column.name = shortened(std::mem::take(&mut column.name), most);
    }
    table
}
