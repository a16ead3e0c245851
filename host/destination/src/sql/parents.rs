//! Finds, among the rows that are gathered, those of two parents that have one key.

use super::dialect::quoted;
use super::session::{Scalar, Session, SqlError, TableName};
use super::statements::{KEY, PARTITION, ROW};
use crate::table::SharedByParents;

/// The first that is found in table `beside`.
pub(super) fn shared_by_parents(
    session: &mut Session,
    beside: &TableName,
) -> Result<Option<SharedByParents>, SqlError> {
    let dialect = session.dialect();
    let table = dialect.table(beside);
    let [key, partition, row] = [KEY, PARTITION, ROW].map(quoted);
    let shared = session.query(
        &[beside],
        &format!(
            "SELECT {key} FROM {table} GROUP BY {key} HAVING min({partition}) <> max({partition}) LIMIT 1"
        ),
        &[],
    )?;
    let Some([digest @ Scalar::Text(_)]) = shared.first().and_then(|row| row.first_chunk()) else {
        return Ok(None);
    };
    let rows = session.query(
        &[beside],
        &format!(
            "SELECT {row}, {partition} FROM {table} WHERE {key} = {} ORDER BY {row}",
            dialect.argument(1)
        ),
        std::slice::from_ref(digest),
    )?;
    let mut rows = rows.into_iter().filter_map(|row| match <[Scalar; 2]>::try_from(row) {
        Ok([Scalar::Int(row), Scalar::Text(parent)]) => Some((u64::try_from(row).ok()?, parent)),
        _ => None,
    });
    let Some(first) = rows.next() else { return Ok(None) };
    let second = rows.find(|(_, parent)| *parent != first.1);
    Ok(second.map(|second| SharedByParents { first, second }))
}
