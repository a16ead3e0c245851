//! What a place remembers of loads, and lets a person read.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::loads::load;
use super::places;
use crate::*;

fn change() -> impl Strategy<Value = Change> {
    let name = || prop_oneof!["[a-c]", "\\PC{0,3}"];
    let count = || prop_oneof![0..4_u64, any::<u64>()];
    let maybe = || proptest::option::of("[xy]?");
    let seq = || 0..6_u64;
    let mark = || {
        let mark = |(cursor, value, order, ties)| Mark { cursor, value, order, ties };
        let bytes = proptest::collection::vec(any::<u8>(), 0..4);
        let ties = proptest::collection::vec("[a-c]", 0..3);
        proptest::option::of((name(), name(), bytes, ties).prop_map(mark))
    };
    let counts = || (count(), count(), count(), proptest::option::of(count()), proptest::option::of(count()));
    prop_oneof![
        (name(), name(), counts(), any::<bool>()).prop_map(|(resource, load_id, counts, complete)| {
            let (rows, pages, started_ms, total, other) = counts;
            Change::Load(Load {
                status: if complete { LoadStatus::Complete } else { LoadStatus::Running },
                rows,
                pages,
                started_ms,
                total,
                missing_parents: other.unwrap_or(3),
                refused_rows: rows,
                unwritten: complete,
                limit: total.map(|total| format!("--max-pages {total}")),
                to_undo: other.map(|other| other.to_string()),
                last_complete: total.map(|total| Complete {
                    load_id: load_id.clone(),
                    at_ms: started_ms,
                    rows,
                    total: other,
                    refused_rows: total,
                    discarded_rows: rows,
                    discarded_values: total,
                    limit: other.map(|_| "x".to_owned()),
                }),
                ..load(&resource, &load_id)
            })
        }),
        name().prop_map(|resource| Change::LoadForgotten { resource }),
        (seq(), name(), proptest::option::of((name(), name())), maybe(), any::<bool>()).prop_map(
            |(seq, resource, partition, cursor, failed)| {
                let partition = partition.map(|(key, data)| Partition { key, data });
                Change::Pending(PendingPage { seq, resource, partition, cursor, failed })
            }
        ),
        (name(), proptest::collection::vec(name(), 0..3)).prop_map(|(resource, keys)| Change::Opened {
            resource,
            partitions: keys.iter().map(|key| PartitionId::of(key)).collect(),
        }),
        name().prop_map(|resource| Change::OpenedForgotten { resource }),
        seq().prop_map(|seq| Change::Done { seq }),
        name().prop_map(|resource| Change::DropPending { resource }),
        (name(), maybe(), counts(), maybe(), any::<u32>(), any::<bool>()).prop_map(
            |(resource, partition_key, counts, last_digest, repeats, limited)| {
                let (received, pages, _, first_total, last_total) = counts;
                Change::Chain(Chain {
                    resource,
                    partition_key,
                    received,
                    dropped: pages,
                    pages,
                    first_total,
                    last_total,
                    last_digest,
                    repeats,
                    limited,
                })
            }
        ),
        (name(), maybe()).prop_map(|(resource, partition_key)| Change::ChainEnd { resource, partition_key }),
        (name(), name(), name(), any::<bool>(), mark(), mark()).prop_map(
            |(resource, partition, load_id, whole, reached, before)| {
                Change::Watermark(Watermark { resource, partition, load_id, whole, reached, before })
            }
        ),
        (name(), name()).prop_map(|(resource, load_id)| Change::WatermarksBack { resource, load_id }),
        (name(), maybe()).prop_map(|(resource, but_of)| Change::WatermarksForgotten { resource, but_of }),
        (name(), count()).prop_map(|(origin, at_ms)| Change::Halt { origin, at_ms }),
        name().prop_map(|origin| Change::HaltCleared { origin }),
        (name(), maybe(), proptest::option::of(any::<u16>())).prop_map(|(message, url, status)| {
            Change::Error(ErrorLine {
                at_ms: 0,
                load_id: "1".to_owned(),
                resource: "tasks".to_owned(),
                partition_key: None,
                url,
                status,
                attempts: 4,
                message,
                excerpt: None,
                request_id: None,
            })
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Any changes, committed or dropped in any groups, fold to one state everywhere, and are read back as it.
    #[test]
    fn every_destination_remembers_alike(
        groups in proptest::collection::vec((proptest::collection::vec(change(), 0..8), 0..4_u8), 0..6)
    ) {
        for place in places().into_iter().filter(|place| !place.is_snowflake()) {
            let mut to = place.open();
            let mut expected = State::default();
            for (changes, how) in &groups {
                to.record(changes).unwrap();
                prop_assert_eq!(&to.state(), &expected);
                if *how == 0 {
                    drop(to);
                    to = place.open();
                } else {
                    to.commit().unwrap();
                    for change in changes {
                        expected.apply(change.clone());
                    }
                }
                if *how == 1 {
                    drop(to);
                    to = place.open();
                }
                prop_assert_eq!(&to.state(), &expected);
                // Whoever only looks sees what is committed, while the run holds the lock.
                let seen = Destination::look(place.door()).unwrap().unwrap_or_default();
                let of_loads = |state: &State| state.loads.is_empty();
                match seen.get("demo") {
                    Some(seen) => prop_assert_eq!(seen, &expected),
                    None => prop_assert!(of_loads(&expected)),
                }
            }
        }
    }
}

#[test]
fn partitions_with_long_keys_are_remembered() {
    let key = |last: &str| format!("[\"{}{last}\"]", "é".repeat(2_000));
    let chain = |last: &str| {
        let partition_key = Some(key(last));
        let resource = "tasks".to_owned();
        Change::Chain(Chain { resource, partition_key, pages: 1, ..Chain::default() })
    };
    let mark = |last: &str| {
        let (resource, partition, load_id) = ("tasks".to_owned(), key(last), "1".to_owned());
        Change::Watermark(Watermark {
            resource,
            partition,
            load_id,
            whole: true,
            reached: None,
            before: None,
        })
    };
    let end = Change::ChainEnd { resource: "tasks".to_owned(), partition_key: Some(key("a")) };
    for place in places() {
        let mut expected = State::default();
        for changes in [vec![chain("a"), chain("b"), mark("a"), mark("b")], vec![end.clone(), mark("a")]] {
            let mut to = place.open();
            to.record(&changes).unwrap();
            to.commit().unwrap();
            changes.into_iter().for_each(|change| expected.apply(change));
            drop(to);
            assert_eq!(place.open().state(), expected);
        }
    }
}

#[test]
fn failures_stay_for_a_person_to_read() {
    let line = |message: &str| {
        Change::Error(ErrorLine {
            at_ms: 1_772_357_400_250,
            load_id: "1".to_owned(),
            resource: "tasks".to_owned(),
            partition_key: Some("p".to_owned()),
            url: Some("https://api.example.com/tasks?key=***".to_owned()),
            status: Some(503),
            attempts: 4,
            message: message.to_owned(),
            excerpt: None,
            request_id: Some("r-1".to_owned()),
        })
    };
    for place in places() {
        let mut to = place.open();
        to.record(&[line("first")]).unwrap();
        to.commit().unwrap();
        to.record(&[line("second")]).unwrap();
        to.commit().unwrap();
        to.record(&[line("dropped")]).unwrap();
        drop(to);
        drop(place.open());
        let messages: Vec<String> = match &place.target {
            Target::DuckDb { path, driver, .. } => {
                let sql = "SELECT message FROM _sanderling_errors WHERE \"at\" = '2026-03-01T09:30:00.250Z'";
                crate::sql::open::duckdb_ask(path, driver.as_deref(), sql)
            }
            Target::Sqlite { path } => {
                let conn = rusqlite::Connection::open(path).unwrap();
                let sql = "SELECT message FROM _sanderling_errors WHERE at = '2026-03-01T09:30:00.250Z'";
                let mut select = conn.prepare(sql).unwrap();
                select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Target::Postgres { address } => crate::postgres::tests::ask(
                address,
                &format!(
                    "SELECT message FROM {}._sanderling_errors WHERE at = '2026-03-01T09:30:00.250Z' ORDER BY ctid",
                    address.schema
                ),
            ),
            Target::Jsonl { state_dir, .. } | Target::Parquet { state_dir, .. } => {
                let text = std::fs::read_to_string(state_dir.join("errors.jsonl")).unwrap();
                let lines = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
                let messages = lines.map(|line| {
                    assert_eq!(line["at"], "2026-03-01T09:30:00.250Z");
                    line["message"].as_str().unwrap().to_owned()
                });
                messages.collect()
            }
            Target::Store { address, .. } => {
                let store = crate::store::Store::open(address).unwrap();
                let mut names = store.list(".sanderling/errors").unwrap();
                names.sort();
                let texts = names.iter().map(|name| store.get(name).unwrap().unwrap().bytes);
                texts
                    .map(|text| {
                        serde_json::from_slice::<Json>(&text).unwrap()["message"].as_str().unwrap().to_owned()
                    })
                    .collect()
            }
            Target::Adbc { .. } => place.ask(
                "SELECT message FROM \"_sanderling_errors\" WHERE \"at\" = '2026-03-01T09:30:00.250Z' ORDER BY message",
            ),
            Target::Stdout => unreachable!(),
        };
        assert_eq!(messages, ["first", "second"]);
    }
}
