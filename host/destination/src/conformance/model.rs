//! What merges leave, against a model of them: random loads on SQLite, some on every other database.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Place, load, page, table, typed_place, typed_places};
use crate::*;

/// A row of a load, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Sent {
    id: u8,
    v: u8,
    items: Vec<u8>,
    gone: bool,
}

/// One load: its pages, and whether it stopped at a limit.
#[derive(Debug, Clone)]
struct Loaded {
    rows: Vec<Sent>,
    first_page: usize,
    limited: bool,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    row: Sent,
    /// The load that wrote it.
    load: String,
    /// Whether it has ended, or was missed.
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Merge,
    Deleting,
    Marking,
    InsertOnly,
    KeyedVersions,
    Versions,
    VersionsOfParts,
}

const KINDS: [Kind; 7] = [
    Kind::Merge,
    Kind::Deleting,
    Kind::Marking,
    Kind::InsertOnly,
    Kind::KeyedVersions,
    Kind::Versions,
    Kind::VersionsOfParts,
];

impl Kind {
    fn table(self) -> Table {
        let versions = MergeStrategy::History(History::default());
        let absent = |mark| Some(DeleteAbsent { mark, max_percent: 100 });
        let (strategy, delete_absent) = match self {
            Self::Merge => (MergeStrategy::DeleteInsert, None),
            Self::Deleting => (MergeStrategy::DeleteInsert, absent(false)),
            Self::Marking => (MergeStrategy::DeleteInsert, absent(true)),
            Self::InsertOnly => (MergeStrategy::InsertOnly, None),
            Self::KeyedVersions | Self::Versions | Self::VersionsOfParts => (versions, None),
        };
        let keyed = self != Self::Versions && self != Self::VersionsOfParts;
        let of_parts = self == Self::VersionsOfParts;
        Table {
            strategy,
            delete_absent,
            primary_key: if keyed { vec!["id".to_owned()] } else { vec![] },
            merge_key: if of_parts { vec!["id".to_owned()] } else { vec![] },
            hard_delete: Some("gone".to_owned()),
            partitioned: false,
            shape: Shape { nested: Some(Nested::Tables { max_depth: None }), ..Shape::default() },
            ..table("t", Disposition::Merge)
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::KeyedVersions | Self::Versions | Self::VersionsOfParts => "_valid_to",
            Self::Marking => "_deleted_at",
            _ => "NULL",
        }
    }

    /// What a load makes of a table.
    fn model(self, mut there: Vec<Found>, load: &Loaded, load_id: &str) -> Vec<Found> {
        let came = |id: u8| load.rows.iter().any(|row| row.id == id);
        let mut stay: Vec<Sent> = Vec::new();
        for row in &load.rows {
            // The last of one key; of versions without a key, one of those that are the same.
            let keyed = !matches!(self, Self::Versions | Self::VersionsOfParts);
            stay.retain(|other| if keyed { other.id != row.id } else { other != row });
            stay.push(row.clone());
        }
        stay.retain(|row| !row.gone);
        let new = |row: &Sent| Found { row: row.clone(), load: load_id.to_owned(), ended: false };
        match self {
            Self::Merge | Self::Deleting | Self::Marking => {
                if !load.limited && self == Self::Deleting {
                    there.retain(|found| came(found.row.id));
                }
                if !load.limited && self == Self::Marking {
                    there.iter_mut().for_each(|found| found.ended = !came(found.row.id));
                }
                there.retain(|found| !came(found.row.id));
                there.extend(stay.iter().map(new));
            }
            Self::InsertOnly => {
                stay.retain(|row| !there.iter().any(|found| found.row.id == row.id));
                there.extend(stay.iter().map(new));
            }
            Self::KeyedVersions | Self::Versions | Self::VersionsOfParts => {
                let reach = |id| match self {
                    Self::VersionsOfParts => came(id),
                    _ if !load.limited => true,
                    Self::KeyedVersions => came(id),
                    _ => false,
                };
                for found in &mut there {
                    found.ended |= !stay.contains(&found.row) && reach(found.row.id);
                }
                stay.retain(|row| !there.iter().any(|found| found.row == *row && !found.ended));
                there.extend(stay.iter().map(new));
            }
        }
        there
    }
}

fn text(rows: &[Sent]) -> String {
    let line = |row: &Sent| {
        let Sent { id, v, items, gone } = row;
        let gone = if *gone { ",\"gone\":true" } else { "" };
        format!("{{\"id\":{id},\"v\":{v},\"items\":{items:?}{gone}}}\n")
    };
    rows.iter().map(line).collect()
}

fn write(to: &mut Destination, table: &Table, which: &Loaded, load_id: &str, started_ms: u64) {
    let limit = which.limited.then(|| "max-pages".to_owned());
    let load = Load { started_ms, limit, ..load("t", load_id) };
    to.begin(table, &load).unwrap();
    let (one, other) = which.rows.split_at(which.first_page.min(which.rows.len()));
    for rows in [one, other] {
        to.write(table, &page(&text(rows), load_id), &[]).unwrap();
    }
    to.finish(table, &load, &[]).unwrap();
    to.commit().unwrap();
}

/// The table with its rows in the other, by two questions that every database understands.
fn found(place: &Place, kind: Kind) -> Vec<Found> {
    let mut items: BTreeMap<String, BTreeMap<u8, u8>> = BTreeMap::new();
    let of = "SELECT _parent_id || ' ' || CAST(_list_idx AS varchar(9)) || ' ' || CAST(value AS varchar(9)) FROM t__items";
    for item in place.ask(of) {
        let parts: Vec<&str> = item.split(' ').collect();
        let place_of = items.entry(parts[0].to_owned()).or_default();
        assert_eq!(place_of.insert(parts[1].parse().unwrap(), parts[2].parse().unwrap()), None);
    }
    let of = format!(
        "SELECT _row_id || ' ' || CAST(id AS varchar(9)) || ' ' || CAST(v AS varchar(9)) || ' ' || _load_id || ' ' ||
         CASE WHEN {} IS NULL THEN 'holds' ELSE 'ended' END FROM t",
        kind.end()
    );
    let mut met: Vec<String> = Vec::new();
    let mut found: Vec<Found> = Vec::new();
    for row in place.ask(&of) {
        let parts: Vec<&str> = row.split(' ').collect();
        let items = items.get(parts[0]).map(|items| items.values().copied().collect());
        met.push(parts[0].to_owned());
        let (id, v) = (parts[1].parse().unwrap(), parts[2].parse().unwrap());
        let row = Sent { id, v, items: items.unwrap_or_default(), gone: false };
        found.push(Found { row, load: parts[3].to_owned(), ended: parts[4] == "ended" });
    }
    assert!(items.keys().all(|parent| met.contains(parent)), "rows of rows that are gone");
    found.sort();
    found
}

fn check(place: &Place, kind: Kind, loads: &[Loaded]) {
    let table = kind.table();
    let mut model = Vec::new();
    for (at, which) in loads.iter().enumerate() {
        let load_id = format!("load{at}");
        let mut to = place.open();
        write(&mut to, &table, which, &load_id, 1_000 * (at as u64 + 1));
        drop(to);
        model = kind.model(model, which, &load_id);
        model.sort();
        assert_eq!(found(place, kind), model, "{kind:?} after load {at}");
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let items = proptest::collection::vec(0..3_u8, 0..3);
    let gone = proptest::bool::weighted(0.1);
    (0..5_u8, 0..3_u8, items, gone).prop_map(|(id, v, items, gone)| Sent { id, v, items, gone })
}

fn loaded() -> impl Strategy<Value = Loaded> {
    let rows = proptest::collection::vec(sent(), 0..7);
    (rows, 0..7_usize, proptest::bool::weighted(0.2)).prop_map(|(rows, first_page, limited)| Loaded {
        rows,
        first_page,
        limited,
    })
}

/// The first load makes both tables.
fn loads() -> impl Strategy<Value = Vec<Loaded>> {
    proptest::collection::vec(loaded(), 1..5).prop_map(|mut loads| {
        let first = Sent { id: 9, v: 0, items: vec![7], gone: false };
        loads[0].rows.insert(0, first);
        loads
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn random_loads_leave_what_the_model_says(loads in loads()) {
        for kind in KINDS {
            check(&typed_place(), kind, &loads);
        }
    }
}

/// Rows change, come back, go, come twice, are deleted; of a part of the rows, and of all.
#[test]
fn the_same_loads_on_every_database() {
    let row = |id, v, items: &[u8]| Sent { id, v, items: items.to_vec(), gone: false };
    let of = |rows: &[Sent], limited| Loaded { rows: rows.to_vec(), first_page: 1, limited };
    let loads = [
        of(&[row(9, 0, &[7]), row(1, 0, &[1, 2]), row(2, 0, &[])], false),
        of(&[row(1, 1, &[1]), row(1, 2, &[3]), row(3, 0, &[4])], true),
        of(&[row(1, 0, &[1, 2]), row(1, 0, &[1, 2]), row(3, 0, &[4])], false),
        of(&[], true),
        of(&[Sent { gone: true, ..row(3, 0, &[4]) }, row(2, 1, &[5])], false),
        of(&[row(2, 1, &[5]), row(9, 0, &[7])], false),
        of(&[], false),
    ];
    for kind in KINDS {
        for place in typed_places() {
            check(&place, kind, &loads);
        }
    }
}

/// From when to when versions hold, to the letter, and under the names that a config gives.
#[test]
fn when_versions_hold() {
    let place = typed_place();
    let one = |v| Loaded {
        rows: vec![Sent { id: 1, v, items: vec![], gone: false }],
        first_page: 0,
        limited: false,
    };
    let history = History {
        columns: Some(("since".to_owned(), "until".to_owned())),
        active_micros: Some(253_402_214_400_000_000),
        boundary_micros: None,
        version_field: None,
    };
    let shape = Shape { nested: Some(Nested::Json), ..Shape::default() };
    let table = Table { strategy: MergeStrategy::History(history.clone()), shape, ..Kind::Versions.table() };
    let mut to = place.open();
    write(&mut to, &table, &one(1), "a", 86_400_000);
    write(&mut to, &table, &one(1), "b", 2 * 86_400_000);
    write(&mut to, &table, &one(2), "c", 3 * 86_400_000);
    let boundary = History { boundary_micros: Some(5 * 86_400_000_000), ..history };
    let moved = Table { strategy: MergeStrategy::History(boundary), ..table };
    write(&mut to, &moved, &one(1), "d", 4 * 86_400_000);
    assert_eq!(
        place.ask("SELECT v || ' ' || since || ' ' || until || ' ' || _load_id FROM t ORDER BY _load_id"),
        [
            "1 1970-01-02T00:00:00.000000Z 1970-01-04T00:00:00.000000Z a",
            "2 1970-01-04T00:00:00.000000Z 1970-01-06T00:00:00.000000Z c",
            "1 1970-01-06T00:00:00.000000Z 9999-12-31T00:00:00.000000Z d",
        ]
    );
}

/// By a field of its own a row is another version only when that changes.
#[test]
fn versions_by_a_field() {
    let place = typed_place();
    let history = History { version_field: Some("v".to_owned()), ..History::default() };
    let shape = Shape { nested: Some(Nested::Json), ..Shape::default() };
    let table = Table { strategy: MergeStrategy::History(history), shape, ..Kind::Versions.table() };
    let one = |v, items: &[u8]| Loaded {
        rows: vec![Sent { id: 1, v, items: items.to_vec(), gone: false }],
        first_page: 0,
        limited: false,
    };
    let mut to = place.open();
    write(&mut to, &table, &one(1, &[1]), "a", 1);
    write(&mut to, &table, &one(1, &[2]), "b", 2);
    write(&mut to, &table, &one(2, &[2]), "c", 3);
    assert_eq!(place.ask("SELECT v || items FROM t ORDER BY _load_id"), ["1[1]", "2[2]"]);
}

/// A merge replaces a row as a whole: what the new one lacks is null, in its own table and in others.
#[test]
fn what_a_new_row_lacks_is_null() {
    for place in typed_places() {
        let table = Kind::Merge.table();
        let mut to = place.open();
        for (load_id, rows) in
            [("a", "{\"id\":1,\"v\":1,\"items\":[1]}\n{\"id\":2,\"v\":2}\n"), ("b", "{\"id\":1,\"w\":3}\n")]
        {
            to.begin(&table, &load("t", load_id)).unwrap();
            to.write(&table, &page(rows, load_id), &[]).unwrap();
            to.finish(&table, &load("t", load_id), &[]).unwrap();
            to.commit().unwrap();
        }
        drop(to);
        let text = |column: &str| format!("coalesce(CAST({column} AS varchar(9)), '-')");
        let of = format!("SELECT {} || {} || {} FROM t ORDER BY id", text("id"), text("v"), text("w"));
        assert_eq!(place.ask(&of), ["1-3", "22-"]);
        assert_eq!(place.ask("SELECT CAST(count(*) AS varchar(9)) FROM t__items"), ["0"]);
    }
}

/// What would go is counted before anything does.
#[test]
fn what_a_whole_read_would_take_away() {
    for place in typed_places() {
        let table = Kind::Marking.table();
        let rows = |ids: std::ops::Range<u8>| Loaded {
            rows: ids.map(|id| Sent { id, v: 0, items: vec![1], gone: false }).collect(),
            first_page: 2,
            limited: false,
        };
        let mut to = place.open();
        write(&mut to, &table, &rows(0..10), "a", 1);
        let mut count = |ids: std::ops::Range<u8>, load_id: &str| {
            let load = load("t", load_id);
            to.begin(&table, &load).unwrap();
            to.write(&table, &page(&text(&rows(ids).rows), load_id), &[]).unwrap();
            let limited = Load { limit: Some("x".to_owned()), ..load.clone() };
            assert_eq!(to.absent(&table, &limited).unwrap(), None);
            let refused = Load { refused_rows: 1, ..load.clone() };
            assert_eq!(to.absent(&table, &refused).unwrap(), None);
            let partial = Table { partial: true, ..table.clone() };
            assert_eq!(to.absent(&partial, &load).unwrap(), None);
            let found = to.absent(&table, &load).unwrap().unwrap();
            to.finish(&table, &load, &[]).unwrap();
            to.commit().unwrap();
            (found.absent, found.rows)
        };
        assert_eq!(count(0..8, "b"), (2, 10));
        // What is marked is missed once.
        assert_eq!(count(0..7, "c"), (1, 8));
        assert_eq!(count(0..10, "d"), (0, 7));
        assert_eq!(count(0..0, "e"), (10, 10));
    }
}

#[test]
fn files_have_no_versions_and_take_nothing_away() {
    let [_, jsonl, parquet] = super::local_places();
    for place in [jsonl, parquet] {
        let said: Vec<Option<&str>> = KINDS.iter().map(|kind| place.target.cannot(&kind.table())).collect();
        let (scd2, absent) = (Some("the merge strategy `scd2`"), Some("`delete_absent`"));
        let insert_only = Some("the merge strategy `insert-only`");
        assert_eq!(said, [None, absent, absent, insert_only, scd2, scd2, scd2]);
    }
}
