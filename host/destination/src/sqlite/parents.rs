//! Which parent brought each key of a load, so that two parents' rows do not overwrite each other.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use crate::value::Value;

/// Keys that a load has seen; asked and told row by row.
pub(super) struct Parents<'c> {
    claim: CachedStatement<'c>,
    holder: CachedStatement<'c>,
}

impl<'c> Parents<'c> {
    pub(super) fn open(conn: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            claim: conn.prepare_cached(
                "INSERT INTO _sanderling_keys (pipeline, resource, key, partition) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING",
            )?,
            holder: conn.prepare_cached(
                "SELECT partition FROM _sanderling_keys WHERE pipeline = ?1 AND resource = ?2 AND key = ?3",
            )?,
        })
    }

    /// Notes that `partition` brings `key`; returns the other partition that brought it before, if one did.
    pub(super) fn claim(
        &mut self,
        pipeline: &str,
        resource: &str,
        key: &Value,
        partition: &str,
    ) -> rusqlite::Result<Option<String>> {
        if self.claim.execute(params![pipeline, resource, key, partition])? == 1 {
            return Ok(None);
        }
        let holder: Option<String> =
            self.holder.query_row(params![pipeline, resource, key], |row| row.get(0)).optional()?;
        Ok(holder.filter(|holder| holder != partition))
    }
}

/// Forgets every key of the resource.
pub(super) fn forget(conn: &Connection, pipeline: &str, resource: &str) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM _sanderling_keys WHERE pipeline = ?1 AND resource = ?2")?
        .execute([pipeline, resource])?;
    Ok(())
}
