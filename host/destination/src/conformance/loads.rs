//! What the cases load: tables, loads and pages as small as they can be.

use super::Place;
use super::left_over::assert_no_leftovers;
use crate::*;

pub(crate) fn table(resource: &str, disposition: Disposition) -> Table {
    Table {
        resource: resource.to_owned(),
        name: resource.to_owned(),
        disposition,
        primary_key: vec!["id".to_owned()],
        merge_key: Vec::new(),
        dedup_sort: None,
        hard_delete: None,
        strategy: MergeStrategy::default(),
        delete_absent: None,
        partial: false,
        partitioned: true,
        columns: Vec::new(),
        shape: Shape::default(),
    }
}

pub(crate) fn load(resource: &str, load_id: &str) -> Load {
    Load {
        resource: resource.to_owned(),
        load_id: load_id.to_owned(),
        fingerprint: "f".to_owned(),
        connector_digest: "c".to_owned(),
        started_ms: 1,
        updated_ms: 2,
        status: LoadStatus::Running,
        rows: 0,
        pages: 0,
        retries: 0,
        total: None,
        missing_parents: 0,
        failed_parents: 0,
        ..Load::default()
    }
}

pub(crate) fn page<'a>(ndjson: &'a str, load_id: &'a str) -> Rows<'a> {
    Rows {
        ndjson: ndjson.as_bytes(),
        count: ndjson.lines().count() as u64,
        partition_key: None,
        load_id,
        loaded_at_ms: 1_772_357_400_250,
    }
}

pub(super) fn pending(seq: u64) -> Change {
    Change::Pending(PendingPage {
        seq,
        resource: "tasks".to_owned(),
        partition: None,
        cursor: None,
        failed: false,
    })
}

pub(super) const DISPOSITIONS: [Disposition; 3] =
    [Disposition::Append, Disposition::Replace, Disposition::Merge];

/// Loads `rows`, a text a page, and returns what is there afterwards.
pub(super) fn merged(place: &Place, table: &Table, load_id: &str, pages: &[&str]) -> Vec<String> {
    let mut to = place.open();
    to.begin(table, &load(&table.resource, load_id)).unwrap();
    for rows in pages {
        to.write(table, &page(rows, load_id), &[]).unwrap();
        to.commit().unwrap();
    }
    to.finish(table, &load(&table.resource, load_id), &[]).unwrap();
    to.commit().unwrap();
    drop(to);
    drop(place.open());
    assert_no_leftovers(place);
    place.rows(if place.is_database() { &table.name } else { &table.resource })
}
