//! Lists as tables of their own, the same cases against every destination that has columns.

use std::collections::BTreeMap;

use sanderling_columns::{Contract, Mode, Nested, SystemNames};
use serde_json::Value as Json;

use super::{Place, load, page, places, table};
use crate::*;

/// Those whose rows are columns.
fn columned() -> Vec<Place> {
    let has_columns = |place: &Place| {
        !matches!(place.target, Target::Jsonl { .. } | Target::Store { form: Form::Lines, .. })
    };
    places().into_iter().filter(has_columns).collect()
}

fn orders(disposition: Disposition) -> Table {
    let shape = Shape { nested: Some(Nested::Tables { max_depth: None }), ..Shape::default() };
    Table { partitioned: false, shape, ..table("orders", disposition) }
}

fn loaded(place: &Place, table: &Table, load_id: &str, pages: &[&str]) {
    let mut to = place.open();
    let load = load(&table.resource, load_id);
    to.begin(table, &load).unwrap();
    for text in pages {
        to.write(table, &page(text, load_id), &[]).unwrap();
        to.commit().unwrap();
    }
    to.finish(table, &load, &[]).unwrap();
    to.commit().unwrap();
}

fn rows_of(place: &Place, table: &str) -> Vec<BTreeMap<String, Json>> {
    place.rows(table).iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

/// Each order with its items and their tags, found by ids: `1: a[x y] b[]`.
fn tree(place: &Place) -> Vec<String> {
    let [orders, items, tags] =
        ["orders", "orders__items", "orders__items__tags"].map(|it| rows_of(place, it));
    let under = |rows: &[BTreeMap<String, Json>], id: Option<&Json>| -> Vec<BTreeMap<String, Json>> {
        let own = rows.iter().filter(|row| id.is_some() && row.get("_parent_id") == id);
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_by_key(|row| row["_list_idx"].as_i64());
        own
    };
    let mut seen = (0, 0);
    let mut lines: Vec<String> = orders
        .iter()
        .map(|order| {
            let items = under(&items, order.get("_row_id"));
            seen.0 += items.len();
            let items: Vec<String> = items
                .iter()
                .map(|item| {
                    assert_eq!(item["_root_id"], order["_row_id"]);
                    let tags = under(&tags, item.get("_row_id"));
                    seen.1 += tags.len();
                    let tags: Vec<&str> = tags.iter().map(|tag| tag["value"].as_str().unwrap()).collect();
                    format!("{}[{}]", item["sku"].as_str().unwrap(), tags.join(" "))
                })
                .collect();
            format!("{}: {}", order["id"], items.join(" "))
        })
        .collect();
    // None hangs on nothing.
    assert_eq!(seen, (items.len(), tags.len()), "{:?}", place.target);
    lines.sort();
    lines
}

const ONE: &str = "{\"id\":1,\"items\":[{\"sku\":\"a\",\"tags\":[\"x\",\"y\"]},{\"sku\":\"b\"}]}\n{\"id\":2,\"items\":[]}\n";
const TWO: &str = "{\"id\":3,\"items\":[{\"sku\":\"c\",\"tags\":[\"z\"]}]}\n{\"id\":4}\n";

#[test]
fn lists_go_where_their_rows_go() {
    for place in columned() {
        loaded(&place, &orders(Disposition::Append), "1", &[ONE, TWO]);
        assert_eq!(tree(&place), ["1: a[x y] b[]", "2: ", "3: c[z]", "4: "], "{:?}", place.target);
        loaded(&place, &orders(Disposition::Append), "2", &[TWO]);
        let twice = ["1: a[x y] b[]", "2: ", "3: c[z]", "3: c[z]", "4: ", "4: "];
        assert_eq!(tree(&place), twice, "{:?}", place.target);
        loaded(&place, &orders(Disposition::Replace), "3", &[TWO, ONE]);
        assert_eq!(tree(&place), ["1: a[x y] b[]", "2: ", "3: c[z]", "4: "], "{:?}", place.target);
        // Of the lists of rows that are replaced nothing is left.
        loaded(&place, &orders(Disposition::Replace), "4", &["{\"id\":1}\n"]);
        assert_eq!(tree(&place), ["1: "], "{:?}", place.target);
    }
}

#[test]
fn a_merge_takes_the_lists_of_what_gives_way() {
    for place in columned() {
        let whole = matches!(place.target, Target::Parquet { .. } | Target::Store { .. });
        let merge = Table { hard_delete: Some("gone".to_owned()), ..orders(Disposition::Merge) };
        loaded(&place, &merge, "1", &[ONE, TWO]);
        // Fewer items, other tags; one order deleted with its items; of two rows with one key the last.
        let pages = [
            "{\"id\":1,\"items\":[{\"sku\":\"b\",\"tags\":[\"w\"],\"n\":5}]}\n{\"id\":3,\"gone\":true,\"items\":[{\"sku\":\"c\"}]}\n",
            "{\"id\":5,\"items\":[{\"sku\":\"old\",\"tags\":[\"o\"]}]}\n",
            "{\"id\":5,\"items\":[{\"sku\":\"e\"}]}\n",
        ];
        loaded(&place, &merge, "2", &pages);
        // Files are replaced as a whole.
        let expected: &[&str] =
            if whole { &["1: b[w]", "5: e[]"] } else { &["1: b[w]", "2: ", "4: ", "5: e[]"] };
        assert_eq!(tree(&place), expected, "{:?}", place.target);
        assert!(rows_of(&place, "orders__items").iter().any(|item| item.get("n") == Some(&Json::from(5))));
    }
}

#[test]
fn a_broken_load_goes_on_or_is_undone_with_its_lists() {
    for place in columned() {
        for disposition in [Disposition::Append, Disposition::Replace, Disposition::Merge] {
            let kind =
                |place: &Place| (std::mem::discriminant(&place.target), std::mem::discriminant(place.door()));
            let place = columned().into_iter().find(|it| kind(it) == kind(&place));
            let place = place.unwrap();
            let orders = orders(disposition);
            let load = load("orders", "1");
            let mut to = place.open();
            to.begin(&orders, &load).unwrap();
            to.write(&orders, &page(ONE, "1"), &[]).unwrap();
            to.commit().unwrap();
            to.write(&orders, &page(ONE, "1"), &[]).unwrap();
            drop(to);
            let mut to = place.open();
            to.resume(&orders, &Load { rows: 2, ..load.clone() }).unwrap();
            to.write(&orders, &page(TWO, "1"), &[]).unwrap();
            to.finish(&orders, &load, &[]).unwrap();
            to.commit().unwrap();
            drop(to);
            let whole = ["1: a[x y] b[]", "2: ", "3: c[z]", "4: "];
            assert_eq!(tree(&place), whole, "{disposition:?} {:?}", place.target);

            let next = super::load("orders", "2");
            let mut to = place.open();
            to.begin(&orders, &next).unwrap();
            to.write(&orders, &page("{\"id\":9,\"items\":[{\"sku\":\"n\",\"tags\":[\"t\"]}]}\n", "2"), &[])
                .unwrap();
            to.commit().unwrap();
            drop(to);
            let mut to = place.open();
            to.undo(&orders, "2").unwrap();
            to.commit().unwrap();
            drop(to);
            assert_eq!(tree(&place), whole, "{disposition:?} {:?}", place.target);
        }
    }
}

/// PostgreSQL would cut names at 63 bytes by itself, and take two for one.
#[test]
fn long_names_stay_apart() {
    for place in columned() {
        let (one, two) = ("a".repeat(70), "a".repeat(71));
        let text = format!("{{\"id\":1,\"{one}\":[1,2],\"{two}\":[{{\"{one}\":3,\"{two}\":4}}]}}\n");
        for load_id in ["1", "2"] {
            loaded(&place, &orders(Disposition::Append), load_id, &[&text]);
        }
        let most = if matches!(place.target, Target::Postgres { .. }) { 63 } else { usize::MAX };
        let cut = |name: String| sanderling_columns::shortened(name, (most == 63).then_some(63));
        let names = [&one, &two].map(|field| cut(format!("orders__{}", cut(field.clone()))));
        assert!(names.iter().all(|name| name.len() <= most));
        let rows = names.map(|name| rows_of(&place, &name));
        assert_eq!(rows.each_ref().map(Vec::len), [4, 2], "{:?}", place.target);
        let of_rows = |row: &BTreeMap<String, Json>| row.keys().filter(|name| name.starts_with('a')).count();
        assert!(rows[1].iter().all(|row| of_rows(row) == 2), "{:?}", rows[1]);
    }
}

#[test]
fn a_table_of_another_is_not_a_lists() {
    for place in columned() {
        let other = Table { partitioned: false, ..table("orders__items", Disposition::Append) };
        loaded(&place, &other, "1", &["{\"id\":1}\n"]);
        let orders = orders(Disposition::Append);
        let mut to = place.open();
        to.begin(&orders, &load("orders", "2")).unwrap();
        let error = to.write(&orders, &page(ONE, "2"), &[]).unwrap_err();
        let DestinationError::Data(error) = error else { panic!("{error:?}") };
        assert!(matches!(error.kind, DataErrorKind::ListTable { .. }), "{error}");
        assert!(!error.kind.is_of_row());
        // What has no items is written.
        to.write(&orders, &page("{\"id\":1}\n", "2"), &[]).unwrap();
        to.finish(&orders, &load("orders", "2"), &[]).unwrap();
        to.commit().unwrap();
        drop(to);
        assert_eq!(rows_of(&place, "orders__items").len(), 1);
        assert_eq!(place.rows("orders"), ["{\"id\":1}"], "{:?}", place.target);
    }
    // And the other way round.
    for place in columned() {
        loaded(&place, &orders(Disposition::Append), "1", &[ONE]);
        let mut to = place.open();
        let error = to.begin(&table("orders__items", Disposition::Append), &load("orders__items", "2"));
        assert!(matches!(error, Err(DestinationError::Name(_))), "{error:?}");
        to.undo(&table("orders__items", Disposition::Append), "2").unwrap();
        drop(to);
        let mut to = Destination::open(place.door(), "other").unwrap();
        let error = to.begin(&table("orders__items", Disposition::Append), &load("orders__items", "2"));
        let is_refused = matches!(error, Err(DestinationError::Name(_) | DestinationError::NotOurs { .. }));
        assert!(is_refused, "{error:?}");
    }
}

#[test]
fn names_of_dlts_columns() {
    for place in columned() {
        let shape = Shape { system: SystemNames::Dlt, ..orders(Disposition::Append).shape };
        for (load_id, disposition) in [("1", Disposition::Append), ("2", Disposition::Merge)] {
            let orders = Table { shape, ..orders(disposition) };
            loaded(&place, &orders, load_id, &[TWO, "{\"id\":1,\"items\":[{\"sku\":\"a\"}]}\n"]);
            let items = rows_of(&place, "orders__items");
            assert_eq!(items.len(), 2, "{:?}", place.target);
            for item in &items {
                assert!(item.contains_key("_dlt_parent_id") && item.contains_key("_dlt_list_idx"));
            }
            assert!(rows_of(&place, "orders").iter().all(|row| row.contains_key("_dlt_id")));
        }
        let append = Table { shape, ..orders(Disposition::Append) };
        let mut to = place.open();
        to.begin(&append, &load("orders", "3")).unwrap();
        to.write(&append, &page(ONE, "3"), &[]).unwrap();
        to.commit().unwrap();
        to.undo(&append, "3").unwrap();
        to.commit().unwrap();
        drop(to);
        assert_eq!(rows_of(&place, "orders__items").len(), 2, "{:?}", place.target);
        // Tables whose rows have no lists have ids all the same, as dlt's do.
        let plain = Table { shape, ..table("plain", Disposition::Append) };
        loaded(&place, &plain, "4", &["{\"id\":1}\n"]);
        assert!(rows_of(&place, "plain")[0].contains_key("_dlt_id"));
    }
}

#[test]
fn a_contract_leaves_out_rows_and_values() {
    for place in columned() {
        let with = |mode| Shape {
            contract: Contract { tables: mode, columns: mode, data_type: mode },
            ..orders(Disposition::Merge).shape
        };
        let orders = |mode| Table { shape: with(mode), ..orders(Disposition::Merge) };
        loaded(&place, &orders(Mode::Evolve), "1", &["{\"id\":1,\"n\":1,\"items\":[{\"sku\":\"a\"}]}\n"]);
        let text = "{\"id\":2,\"n\":1,\"new\":1}\n{\"id\":3,\"items\":[{\"sku\":\"b\",\"new\":1}]}\n{\"id\":4,\"n\":4}\n{\"id\":5,\"n\":\"x\"}\n{\"id\":6,\"list\":[1]}\n{\"id\":7,\"items\":[{\"sku\":\"c\"}]}\n";
        for (mode, counts, ids) in
            [(Mode::DiscardRow, (4, 0), vec![4, 7]), (Mode::DiscardValue, (0, 4), vec![2, 3, 4, 5, 6, 7])]
        {
            let orders = orders(mode);
            let mut to = place.open();
            to.begin(&orders, &load("orders", "2")).unwrap();
            for _ in 0..2 {
                let written = to.write(&orders, &page(text, "2"), &[]).unwrap();
                assert_eq!((written.discarded_rows, written.discarded_values), counts);
                assert_eq!(written.rows, 6 - counts.0);
            }
            assert_eq!(to.distinct_keys(&orders).unwrap(), Some(6 - counts.0));
            to.finish(&orders, &load("orders", "2"), &[]).unwrap();
            to.commit().unwrap();
            drop(to);
            let mut found: Vec<i64> =
                rows_of(&place, "orders").iter().map(|row| row["id"].as_i64().unwrap()).collect();
            found.sort_unstable();
            found.retain(|id| *id > 1);
            assert_eq!(found, ids, "{:?}", place.target);
        }
        let frozen = orders(Mode::Freeze);
        let mut to = place.open();
        to.begin(&frozen, &load("orders", "3")).unwrap();
        let error = to.write(&frozen, &page(text, "3"), &[]).unwrap_err();
        let DestinationError::Data(error) = error else { panic!("{error:?}") };
        assert_eq!(
            error.to_string(),
            "orders row 0 of the page: table `orders` gets a new column, `new`, which its schema contract freezes"
        );
        assert!(!error.kind.is_of_row());
    }
}
