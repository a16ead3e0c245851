//! Which rows stay under merge, by which keys.

use super::left_over::assert_no_leftovers;
use super::loads::{load, merged, page, table};
use super::places;
use crate::*;

#[test]
fn two_parents_rows_with_one_key() {
    let many: String = (10..20).map(|id| format!("{{\"id\":{id},\"kind\":\"x\"}}\n")).collect();
    let of = |partition, ndjson| Rows { partition_key: Some(partition), ..page(ndjson, "1") };
    for place in places() {
        let table = Table {
            primary_key: vec!["id".to_owned(), "kind".to_owned()],
            ..table("tasks", Disposition::Merge)
        };
        let mut to = place.open();
        to.begin(&table, &load("tasks", "1")).unwrap();
        to.write(&table, &of("p1", "{\"id\":1,\"kind\":\"x\"}\n{\"id\":2,\"kind\":\"x\"}\n"), &[]).unwrap();
        // Not confused by the same parent's row coming again.
        to.write(&table, &of("p1", "{\"id\":2,\"kind\":\"x\",\"again\":1}\n"), &[]).unwrap();
        let clash = of("p2", "{\"id\":9,\"kind\":\"x\"}\n{\"kind\":\"\\u0078\",\"id\":1.0}\n");
        let refused = to.write(&table, &clash, &[]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "tasks row 1 of the page: key (id, kind) = (1.0, \"\\u0078\") comes from two parents, `p1` and `p2`"
        );
        // A page that was refused has claimed nothing.
        to.write(&table, &of("p3", "{\"id\":9,\"kind\":\"x\"}\n"), &[]).unwrap();
        assert_eq!(to.shared_by_parents(&table).unwrap(), None);
        to.commit().unwrap();
        drop(to);

        // What came before a break is looked up at the end, and so is what comes behind the keys that are held.
        let mut to = place.open();
        to.resume(&table, &load("tasks", "1")).unwrap();
        to.write(&table, &of("p1", "{\"id\":1,\"kind\":\"x\",\"again\":2}\n"), &[]).unwrap();
        to.write(&table, &of("p2", "{\"id\":2,\"kind\":\"y\"}\n"), &[]).unwrap();
        assert_eq!(to.shared_by_parents(&table).unwrap(), None);
        to.write(&table, &of("p2", &many), &[]).unwrap();
        assert_eq!(to.shared_by_parents(&table).unwrap(), None);
        to.write(&table, &of("p3", "{\"id\":7,\"kind\":\"x\"}\n{\"id\":19,\"kind\":\"x\"}\n"), &[]).unwrap();
        let shared = SharedByParents { first: (15, "p2".to_owned()), second: (17, "p3".to_owned()) };
        assert_eq!(to.shared_by_parents(&table).unwrap(), Some(shared));
        to.undo(&table, "1").unwrap();

        // The next load starts without a memory of this one's parents.
        to.begin(&table, &load("tasks", "2")).unwrap();
        to.write(&table, &of("p4", "{\"id\":1,\"kind\":\"x\"}\n"), &[]).unwrap();
        to.undo(&table, "2").unwrap();
        to.begin(&table, &load("tasks", "3")).unwrap();
        to.write(&table, &of("p5", "{\"id\":1,\"kind\":\"x\"}\n"), &[]).unwrap();
        to.finish(&table, &load("tasks", "3"), &[]).unwrap();
    }
}

#[test]
fn one_row_a_key_under_merge() {
    for place in places() {
        let table = Table { partitioned: false, ..table("tasks", Disposition::Merge) };
        let mut to = place.open();
        to.begin(&table, &load("tasks", "1")).unwrap();
        to.write(&table, &page("{\"id\":1,\"a\":1,\"b\":1}\n{\"id\":2}\n", "1"), &[]).unwrap();
        to.commit().unwrap();
        to.write(&table, &page("{\"id\":1,\"b\":2}\n{\"id\":3}\n{\"id\":1,\"b\":3}\n", "1"), &[]).unwrap();
        to.finish(&table, &load("tasks", "1"), &[]).unwrap();
        to.commit().unwrap();
        drop(to);
        assert_eq!(place.rows("tasks"), ["{\"b\":3,\"id\":1}", "{\"id\":2}", "{\"id\":3}"]);
        drop(place.open());
        assert_no_leftovers(&place);
    }
}

#[test]
fn groups_give_way_by_merge_key() {
    for place in places() {
        let (day, grouped) = (vec!["day".to_owned()], table("tasks", Disposition::Merge));
        let by_day = Table { merge_key: day, primary_key: vec![], name: "by day".to_owned(), ..grouped };
        let first = ["{\"day\":\"a\",\"v\":1}\n{\"day\":\"a\",\"v\":1}\n", "{\"day\":\"b\",\"v\":2}\n"];
        let found = merged(&place, &by_day, "1", &first);
        let (a, b) = ("{\"day\":\"a\",\"v\":1}", "{\"day\":\"b\",\"v\":2}");
        assert_eq!(found, [a, a, b], "rows without a primary key are not one another's");
        let found = merged(&place, &by_day, "2", &["{\"day\":\"a\",\"new\":[1]}\n"]);
        let new = "{\"day\":\"a\",\"new\":\"[1]\"}";
        // A file has the rows of the last read.
        assert_eq!(found, if place.is_database() { vec![new, b] } else { vec![new] });
        let found = merged(&place, &by_day, "3", &[]);
        assert_eq!(found, if place.is_database() { vec![new, b] } else { vec![] });
        let mut to = place.open();
        to.begin(&by_day, &load("tasks", "4")).unwrap();
        for (row, words) in [("{\"v\":1}", "is missing"), ("{\"day\":null}", "is null")] {
            let refused = to.write(&by_day, &page(row, "4"), &[]).unwrap_err().to_string();
            assert_eq!(refused, format!("tasks row 0 of the page: merge key field `day` {words}"));
            assert!(to.breaches(&by_day, &page(row, "4")).unwrap()[0].kind.is_of_row());
        }
        assert_eq!(to.distinct_keys(&by_day).unwrap(), None);
        // By both keys: 2 leaves its day, and what was there of its new day goes.
        let both = Table { resource: "both".to_owned(), name: "both".to_owned(), ..by_day.clone() };
        let both = Table { primary_key: vec!["id".to_owned()], ..both };
        drop(to);
        let rows = "{\"id\":1,\"day\":\"a\"}\n{\"id\":2,\"day\":\"a\"}\n{\"id\":3,\"day\":\"b\"}\n";
        merged(&place, &both, "1", &[rows]);
        let found = merged(&place, &both, "2", &["{\"id\":2,\"day\":\"b\"}\n"]);
        let (one, two) = ("{\"day\":\"a\",\"id\":1}", "{\"day\":\"b\",\"id\":2}");
        assert_eq!(found, if place.is_database() { vec![one, two] } else { vec![two] });
    }
}

#[test]
fn of_rows_of_one_key_the_best_stays_and_the_deleted_go() {
    let sort = |greatest| Some(DedupSort { field: "v".to_owned(), greatest });
    let of = |name: &str, dedup_sort, hard_delete: Option<&str>| Table {
        dedup_sort,
        hard_delete: hard_delete.map(str::to_owned),
        partitioned: false,
        ..table(name, Disposition::Merge)
    };
    let pages = [
        "{\"id\":1,\"v\":1}\n{\"id\":1,\"v\":5}\n{\"id\":2,\"v\":7,\"n\":1}\n{\"id\":2,\"v\":7,\"n\":2}\n",
        "{\"id\":1,\"v\":3}\n{\"id\":1,\"v\":null}\n{\"id\":1}\n",
    ];
    for place in places() {
        let found = merged(&place, &of("most", sort(true), None), "1", &pages);
        assert_eq!(found, ["{\"id\":1,\"v\":5}", "{\"id\":2,\"n\":2,\"v\":7}"]);
        let least = of("least", sort(false), None);
        let found = merged(&place, &least, "1", &pages);
        assert_eq!(found, ["{\"id\":1,\"v\":1}", "{\"id\":2,\"n\":2,\"v\":7}"]);
        // It chooses among the rows of one load, not between loads.
        let found = merged(&place, &least, "2", &["{\"id\":1,\"v\":9}\n{\"id\":2}\n"]);
        assert_eq!(found, ["{\"id\":1,\"v\":9}", "{\"id\":2}"]);

        let gone = of("gone", None, Some("gone"));
        let rows = "{\"id\":1}\n{\"id\":2,\"gone\":false}\n{\"id\":3,\"gone\":true}\n{\"id\":4,\"gone\":0}\n";
        let found = merged(&place, &gone, "1", &[rows]);
        let as_stored =
            |text: &str| if place.is_sqlite_file() { text.replace("false", "0") } else { text.to_owned() };
        // A column of truth values has no place for a number.
        let zero = if place.is_typed() { "gone__v_bigint" } else { "gone" };
        let four = format!("{{\"{zero}\":0,\"id\":4}}");
        let kept = [four.as_str(), "{\"gone\":false,\"id\":2}", "{\"id\":1}"].map(as_stored);
        let mut kept = kept.to_vec();
        kept.sort();
        assert_eq!(found, kept);
        // Deleted with its key, and not there where the deleted row is the one that counts.
        let rows = "{\"id\":1,\"gone\":\"2026-01-01\"}\n{\"id\":4}\n{\"id\":4,\"gone\":{}}\n{\"id\":5}\n";
        let found = merged(&place, &gone, "2", &[rows]);
        let two = if place.is_sqlite_file() { "{\"gone\":0,\"id\":2}" } else { "{\"gone\":false,\"id\":2}" };
        assert_eq!(found, if place.is_database() { vec![two, "{\"id\":5}"] } else { vec!["{\"id\":5}"] });
        let gone = of("best", sort(true), Some("gone"));
        let rows = "{\"id\":1,\"v\":2,\"gone\":true}\n{\"id\":1,\"v\":1}\n{\"id\":2,\"v\":1,\"gone\":true}\n{\"id\":2,\"v\":2}\n";
        assert_eq!(merged(&place, &gone, "1", &[rows]), ["{\"id\":2,\"v\":2}"]);
        let mut to = place.open();
        to.begin(&gone, &load("best", "2")).unwrap();
        to.write(&gone, &page(rows, "2"), &[]).unwrap();
        assert_eq!(to.distinct_keys(&gone).unwrap(), Some(2));
    }
}
