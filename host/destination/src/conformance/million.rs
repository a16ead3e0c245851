//! A million rows into every destination, with a break in the middle: each is there once.

use std::fmt::Write as _;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use serde_json::Value as Json;

use super::places::real_store_places;
use super::{Place, load, local_places, page, store_places, table, typed_places};
use crate::*;

const ROWS: u64 = 1_000_000;
const PAGES: u64 = 100;
/// A run commits after so many pages.
const COMMIT_EVERY: u64 = 10;
/// The page at which the first run breaks off, its last commit some pages behind it.
const BREAKS_AT: u64 = 57;

/// The value beside an id, so that a row that lost its own would be seen.
fn value(id: u64) -> u64 {
    id * 7_919 % 1_000_003
}

fn ndjson(seq: u64) -> String {
    let mut text = String::new();
    let size = ROWS / PAGES;
    for id in seq * size..(seq + 1) * size {
        let _ = writeln!(text, "{{\"id\":{id},\"v\":{}}}", value(id));
    }
    text
}

/// What tells whether all rows are there, once and as they were.
#[derive(Debug, Default, PartialEq)]
struct Sums {
    rows: u64,
    ids: u64,
    values: u64,
    // Of products, which sums of each alone would not notice a swap in.
    pairs: u128,
}

impl Sums {
    fn add(&mut self, id: u64, value: u64) {
        self.rows += 1;
        self.ids += id;
        self.values += value;
        self.pairs += u128::from(id) * u128::from(value);
    }
}

fn pending(seq: u64) -> Change {
    let resource = "many".to_owned();
    Change::Pending(PendingPage { seq, resource, partition: None, cursor: None, failed: false })
}

/// Loads what is left of the pages, up to one at which it breaks off without a commit.
fn run(place: &Place, table: &Table, breaks_at: Option<u64>) {
    let mut to = place.open();
    let state = to.state();
    let mut todo: Vec<u64> = match state.loads.get("many") {
        Some(running) => {
            to.resume(table, running).unwrap();
            state.pending.iter().map(|page| page.seq).collect()
        }
        None => {
            to.begin(table, &load("many", "1")).unwrap();
            to.record(&(0..PAGES).map(pending).collect::<Vec<_>>()).unwrap();
            (0..PAGES).collect()
        }
    };
    todo.sort_unstable();
    for seq in todo {
        let text = ndjson(seq);
        to.write(table, &page(&text, "1"), &[Change::Done { seq }]).unwrap();
        if breaks_at == Some(seq) {
            return;
        }
        if (seq + 1) % COMMIT_EVERY == 0 {
            to.commit().unwrap();
        }
    }
    let mut end = load("many", "1");
    end.rows = ROWS;
    to.finish(table, &end, &[]).unwrap();
    to.commit().unwrap();
}

fn lines(bytes: &[u8], sums: &mut Sums) {
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let row: Json = serde_json::from_slice(line).unwrap();
        sums.add(row["id"].as_u64().unwrap(), row["v"].as_u64().unwrap());
    }
}

fn parquet(bytes: Vec<u8>, sums: &mut Sums) {
    let bytes = bytes::Bytes::from(bytes);
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    for batch in reader.build().unwrap() {
        let batch = batch.unwrap();
        let column = |name| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>();
        let values = column("v").values();
        for (id, value) in column("id").values().iter().zip(values) {
            sums.add(u64::try_from(*id).unwrap(), u64::try_from(*value).unwrap());
        }
    }
}

/// The files that a manifest names, read one by one.
fn files(form: Form, manifest: &[u8], read: impl Fn(&str) -> Vec<u8>) -> Sums {
    let manifest: Json = serde_json::from_slice(manifest).unwrap();
    let mut sums = Sums::default();
    for file in manifest["resources"]["many"]["files"].as_array().unwrap() {
        let bytes = read(file.as_str().unwrap());
        match form {
            Form::Lines => lines(&bytes, &mut sums),
            Form::Parquet => parquet(bytes, &mut sums),
        }
    }
    sums
}

fn found(place: &Place) -> Sums {
    match &place.target {
        Target::Jsonl { dir, .. } => {
            let mut sums = Sums::default();
            lines(&std::fs::read(dir.join("many.jsonl")).unwrap(), &mut sums);
            sums
        }
        Target::Parquet { dir, .. } => {
            let manifest = std::fs::read(dir.join("manifest.json")).unwrap();
            files(Form::Parquet, &manifest, |file| std::fs::read(dir.join(file)).unwrap())
        }
        Target::Store { form, address } => {
            let store = crate::store::Store::open(address).unwrap();
            let get = |name: &str| store.get(name).unwrap().unwrap().bytes.to_vec();
            files(*form, &get("manifest.json"), get)
        }
        _ => {
            let sql = "SELECT CAST(count(*) AS text) || ' ' || CAST(sum(id) AS text) || ' ' || CAST(sum(v) AS text) \
                       || ' ' || CAST(sum(id * v) AS text) FROM many";
            let [answer] = <[String; 1]>::try_from(place.ask(sql)).unwrap();
            let numbers: Vec<u128> = answer.split(' ').map(|number| number.parse().unwrap()).collect();
            let [rows, ids, values, pairs] = numbers[..] else { panic!("{answer}") };
            let [rows, ids, values] = [rows, ids, values].map(|number| u64::try_from(number).unwrap());
            Sums { rows, ids, values, pairs }
        }
    }
}

#[test]
fn a_million_rows_with_a_break_are_there_once() {
    let mut expected = Sums::default();
    (0..ROWS).for_each(|id| expected.add(id, value(id)));
    let [_, jsonl, parquet] = local_places();
    let stores = store_places(crate::store::server::Server::shared().url(""));
    let stores = stores.chain(real_store_places());
    // A million rows by Python's server of Flight SQL would be of Python's doing.
    let typed = typed_places().into_iter().filter(|place| !matches!(place.target, Target::Adbc { .. }));
    for place in typed.chain([jsonl, parquet]).chain(stores) {
        let table = Table { primary_key: Vec::new(), ..table("many", Disposition::Append) };
        run(&place, &table, Some(BREAKS_AT));
        let state = place.open().state();
        let committed = BREAKS_AT / COMMIT_EVERY * COMMIT_EVERY;
        assert_eq!(state.pending.len() as u64, PAGES - committed, "{:?}", place.target);
        run(&place, &table, None);
        assert_eq!(found(&place), expected, "{:?}", place.target);
        let state = place.open().state();
        assert_eq!(state.loads["many"].rows, ROWS);
    }
}
