//! Pages of JSON rows as Arrow columns: names, types, nested data.
//!
//! [`decode`] reads a page once and appends its values to the columns of its tables straight from the text. What it learns
//! of the tables it adds to a [`Schema`], plain data that the caller keeps from page to page and stores with the rows.
//!
//! What holds, whatever the bytes are:
//! 1. A value is kept exactly, or its row is refused with a typed [`Reason`]. Nothing is rounded, cut or dropped, but by a
//!    [`Contract`] that says so, and then it is counted. A declared type converts what fits it.
//! 2. A column of the schema is never changed or taken away. On an error the schema is as it was; to undo a page that was
//!    decoded, keep a clone (it is small).
//! 3. The same pages give the same columns and row ids.
//! 4. A batch has all columns of its table's schema, in order.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")
)]

mod builder;
mod child_tables;
mod coerce;
mod column_type;
mod data_type;
mod decode;
#[cfg(test)]
mod messages_tests;
mod moment;
mod names;
mod number;
mod options;
mod page;
mod put;
mod record;
mod refusal;
mod row_id;
mod scan;
mod schema;
mod skip;
mod table;
#[cfg(test)]
mod tests;
mod trees;
mod value;
mod version;
mod walk;
mod within;

pub use column_type::{ColumnType, TYPE_KEY};
pub use data_type::DataType;
pub use decode::{decode, without_rows};
pub use names::{column as identifier, shortened};
pub use number::{Decimal, exact_double_of};
pub use options::{Contract, Declared, Mode, Names, Nested, Options, SystemNames, Version};
pub use page::{Decoded, Page, Refused, TableBatch};
pub use refusal::{DecodeError, Reason, Unforeseen};
pub use schema::{Change, Column, NewColumn, Role, Schema, TableSchema};
pub use within::{Step, Within};
