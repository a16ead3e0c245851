//! The same cases against every destination: what is true of one is true of all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use serde_json::Value as Json;

use crate::*;

/// A fresh place for each kind of destination.
pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) target: Target,
    /// By which it is written, where that is another way to it.
    pub(crate) driven: Option<Target>,
}

pub(crate) fn places() -> Vec<Place> {
    quick_places().into_iter().chain(driven_places()).chain(real_store_places()).collect()
}

/// All but those of which opening, or a request, costs many milliseconds.
fn quick_places() -> Vec<Place> {
    let files = store_places(crate::store::server::Server::shared().url(""));
    let databases = postgres_place().into_iter().chain(duckdb_place());
    local_places().into_iter().chain(databases).chain(files).collect()
}

/// A prefix of its own in a bucket for lines, and one for Parquet.
pub(crate) fn store_places(url: String) -> impl Iterator<Item = Place> {
    static PREFIXES: AtomicU64 = AtomicU64::new(0);
    ["jsonl", "parquet"].into_iter().map(move |scheme| {
        let (bucket, settings) = url.split_once('?').unwrap();
        let number = PREFIXES.fetch_add(1, Ordering::Relaxed);
        let bucket = bucket.trim_end_matches('/');
        let target = Target::parse(&format!("{scheme}:{bucket}/place {number}?{settings}")).unwrap();
        Place { dir: tempfile::tempdir().unwrap(), target, driven: None }
    })
}

/// On servers that are not ours, as far as they are there: SeaweedFS, and Azurite for Azure's protocol.
fn real_store_places() -> impl Iterator<Item = Place> {
    let weed = crate::store::weed::shared().map(crate::store::weed::Server::url);
    let azure = crate::store::azure::shared().map(crate::store::azure::Server::url);
    weed.into_iter().chain(azure).flat_map(store_places)
}

/// A schema of its own on the server that all tests share.
fn postgres_place() -> Option<Place> {
    static SCHEMAS: AtomicU64 = AtomicU64::new(0);
    let server = crate::postgres::server::shared()?;
    let schema = format!("schema={}_{}", "place", SCHEMAS.fetch_add(1, Ordering::Relaxed));
    let target = Target::parse(&server.url(&schema)).unwrap();
    Some(Place { dir: tempfile::tempdir().unwrap(), target, driven: None })
}

/// One of typed columns that every machine has.
pub(crate) fn typed_place() -> Place {
    let [sqlite, ..] = local_places();
    sqlite
}

/// One of each database that is there.
pub(crate) fn typed_places() -> Vec<Place> {
    [typed_place()].into_iter().chain(postgres_place()).chain(duckdb_place()).chain(driven_places()).collect()
}

/// The same kinds of place, written through ADBC drivers: those in the folder that `SANDERLING_ADBC` names.
pub(crate) fn driven_places() -> Vec<Place> {
    let Some(folder) = std::env::var_os("SANDERLING_ADBC").map(PathBuf::from) else {
        static SAID: std::sync::Once = std::sync::Once::new();
        SAID.call_once(|| {
            crate::skipped::skipped("ADBC, since SANDERLING_ADBC does not name a folder of drivers");
        });
        return Vec::new();
    };
    let driver = |name: &str| {
        format!("driver={}/adbc_driver_{name}/libadbc_driver_{name}.so", folder.to_str().unwrap())
    };
    let driven = |place: Place| {
        let text = match &place.target {
            Target::Sqlite { path } => format!("adbc:sqlite?uri={}&{}", path.display(), driver("sqlite")),
            Target::Postgres { address } => {
                let url = crate::postgres::server::shared()?.driver_url();
                format!("adbc:postgresql?uri={url}&schema={}&{}", address.schema, driver("postgresql"))
            }
            _ => return None,
        };
        Some(Place { driven: Some(Target::parse(&text).unwrap()), ..place })
    };
    let changed = |place: Place, change: fn(&mut AdbcAddress)| {
        let Some(Target::Adbc { mut address }) = place.driven else { unreachable!() };
        change(&mut address);
        Place { driven: Some(Target::Adbc { address }), ..place }
    };
    let deferring = driven(typed_place()).map(|place| changed(place, |address| address.defers = true));
    let plain = duckdb_place().map(|place| {
        let Target::DuckDb { path, driver, .. } = &place.target else { unreachable!() };
        let (path, driver) = (path.display(), driver.as_ref().unwrap().display());
        let driven = Target::parse(&format!("adbc:duckdb?path={path}&driver={driver}")).unwrap();
        changed(Place { driven: Some(driven), ..place }, |address| {
            address.taken_for = Some(crate::sql::dialect::Dialect::Ansi);
            address.schema = Some("main".to_owned());
        })
    });
    let others = deferring.into_iter().chain(plain);
    [typed_place()].into_iter().chain(postgres_place()).filter_map(driven).chain(others).collect()
}

/// Where `SANDERLING_DUCKDB` names DuckDB's library.
fn duckdb_place() -> Option<Place> {
    let Some(driver) = std::env::var_os("SANDERLING_DUCKDB").map(PathBuf::from) else {
        static SAID: std::sync::Once = std::sync::Once::new();
        SAID.call_once(|| {
            crate::skipped::skipped("DuckDB, since SANDERLING_DUCKDB does not name its library");
        });
        return None;
    };
    let dir = tempfile::tempdir().unwrap();
    let target = Target::DuckDb { path: dir.path().join("duck.db"), schema: None, driver: Some(driver) };
    Some(Place { dir, target, driven: None })
}

pub(crate) fn local_places() -> [Place; 3] {
    ["sqlite:{}/out.db", "jsonl:{}/out", "parquet:{}/out"].map(|form| {
        let dir = tempfile::tempdir().unwrap();
        let target = Target::parse(&form.replace("{}", dir.path().to_str().unwrap())).unwrap();
        Place { dir, target, driven: None }
    })
}

impl Place {
    pub(crate) fn open(&self) -> Destination {
        Destination::open(self.door(), "demo").unwrap()
    }

    pub(crate) fn door(&self) -> &Target {
        self.driven.as_ref().unwrap_or(&self.target)
    }

    fn is_sqlite_file(&self) -> bool {
        matches!(self.target, Target::Sqlite { .. })
    }

    fn is_database(&self) -> bool {
        matches!(self.target, Target::Sqlite { .. } | Target::Postgres { .. } | Target::DuckDb { .. })
    }

    /// Of typed columns, by the engine of all databases.
    fn is_typed(&self) -> bool {
        matches!(self.target, Target::Sqlite { .. } | Target::DuckDb { .. } | Target::Postgres { .. })
    }

    /// A resource's rows as a reader finds them, sorted: no nulls, no system columns, nested values as text.
    pub(crate) fn rows(&self, resource: &str) -> Vec<String> {
        let mut rows: Vec<String> = match &self.target {
            Target::Postgres { address } => postgres_rows(address, resource),
            Target::Sqlite { path } => sqlite_rows(path, resource),
            Target::DuckDb { path, driver, .. } => {
                crate::sql::open::duckdb_rows(path, driver.as_deref(), resource)
            }
            Target::Jsonl { dir, .. } => jsonl_rows(&dir.join(format!("{resource}.jsonl"))),
            Target::Parquet { dir, .. } => parquet_rows(dir, resource),
            Target::Store { form, address } => store_rows(*form, address, resource),
            Target::Adbc { .. } | Target::Stdout => unreachable!(),
        };
        rows.sort();
        rows
    }
}

impl Place {
    /// The first column of an answer, as text.
    pub(crate) fn ask(&self, sql: &str) -> Vec<String> {
        match &self.target {
            Target::Sqlite { path } => {
                let conn = rusqlite::Connection::open(path).unwrap();
                let mut select = conn.prepare(sql).unwrap();
                select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Target::DuckDb { path, driver, .. } => crate::sql::open::duckdb_ask(path, driver.as_deref(), sql),
            Target::Postgres { address } => crate::postgres::tests::ask_within(address, sql),
            Target::Jsonl { .. }
            | Target::Parquet { .. }
            | Target::Store { .. }
            | Target::Adbc { .. }
            | Target::Stdout => {
                unreachable!()
            }
        }
    }
}

fn sqlite_rows(path: &Path, resource: &str) -> Vec<String> {
    let conn = rusqlite::Connection::open(path).unwrap();
    let Ok(mut select) = conn.prepare(&format!("SELECT * FROM \"{resource}\"")) else {
        return vec![];
    };
    let names: Vec<String> = select.column_names().map(str::to_owned).collect();
    let rows = select.query_map([], |row| {
        let mut fields = BTreeMap::new();
        for (index, name) in names.iter().enumerate().filter(|(_, name)| !name.starts_with("_load")) {
            let value = match row.get(index)? {
                rusqlite::types::Value::Null => continue,
                rusqlite::types::Value::Integer(integer) => Json::from(integer),
                rusqlite::types::Value::Real(real) => Json::from(real),
                rusqlite::types::Value::Text(text) => Json::from(text),
                rusqlite::types::Value::Blob(_) => unreachable!(),
            };
            fields.insert(name.clone(), value);
        }
        Ok(serde_json::to_string(&fields).unwrap())
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn postgres_rows(address: &PostgresAddress, resource: &str) -> Vec<String> {
    let table = format!("{}.\"{}\"", address.schema, resource.replace('"', "\"\""));
    if crate::postgres::tests::ask(
        address,
        &format!("SELECT to_regclass('{}')::text", table.replace('\'', "''")),
    )
    .iter()
    .any(|found| found == "NULL")
    {
        return vec![];
    }
    let rows = crate::postgres::tests::ask(address, &format!("SELECT to_jsonb(t)::text FROM {table} AS t"));
    let plain = |text: String| {
        let row: BTreeMap<String, Json> = serde_json::from_str(&text).unwrap();
        let fields: BTreeMap<_, _> = row
            .into_iter()
            .filter(|(name, value)| !value.is_null() && !name.starts_with("_load"))
            .map(|(name, value)| match value {
                Json::Array(_) | Json::Object(_) => (name, Json::from(value.to_string())),
                value => (name, value),
            })
            .collect();
        serde_json::to_string(&fields).unwrap()
    };
    rows.into_iter().map(plain).collect()
}

/// The rows of the objects that the manifest names, which are those that are there, but for those of unfinished loads.
fn store_rows(form: Form, address: &StoreAddress, resource: &str) -> Vec<String> {
    let store = crate::store::Store::open(address).unwrap();
    let Some(manifest) = store.get("manifest.json").unwrap() else { return vec![] };
    let manifest: Json = serde_json::from_slice(&manifest.bytes).unwrap();
    let files = files_in(&manifest, resource);
    let there = store.list(&crate::file_name::encode(resource)).unwrap();
    let mut rows = Vec::new();
    for file in &files {
        let file = file.as_str().unwrap();
        assert!(there.iter().any(|name| name == file), "{file} {there:?}");
        let bytes = store.get(file).unwrap().unwrap().bytes;
        match form {
            Form::Lines => rows.extend(lines_as_rows(std::str::from_utf8(&bytes).unwrap())),
            Form::Parquet => rows.extend(parquet_file_rows(bytes)),
        }
    }
    rows
}

fn jsonl_rows(path: &Path) -> Vec<String> {
    lines_as_rows(&std::fs::read_to_string(path).unwrap_or_default())
}

fn lines_as_rows(text: &str) -> Vec<String> {
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| {
            let row: BTreeMap<String, Json> = serde_json::from_str(line).unwrap();
            let fields: BTreeMap<_, _> = row
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| match value {
                    Json::Array(_) | Json::Object(_) => (name, Json::from(value.to_string())),
                    value => (name, value),
                })
                .collect();
            serde_json::to_string(&fields).unwrap()
        })
        .collect()
}

/// The files of a resource, or of a list's table.
fn files_in(manifest: &Json, table: &str) -> Vec<Json> {
    let lists = manifest["resources"].as_object().into_iter().flatten().map(|(_, it)| &it["lists"][table]);
    let of = std::iter::once(&manifest["resources"][table]).chain(lists).find(|it| !it.is_null());
    of.and_then(|of| of["files"].as_array()).cloned().unwrap_or_default()
}

/// The rows of the files that the manifest names, which are those that are there.
fn parquet_rows(dir: &Path, resource: &str) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join("manifest.json")).unwrap_or_else(|_| "{}".to_owned());
    let manifest: Json = serde_json::from_str(&text).unwrap();
    let files = files_in(&manifest, resource);
    let files: Vec<&str> = files.iter().map(|file| file.as_str().unwrap()).collect();
    let there = if dir.join(resource).exists() { names(&dir.join(resource)) } else { vec![] };
    let mut named: Vec<&str> = files.iter().map(|file| file.rsplit('/').next().unwrap()).collect();
    named.sort_unstable();
    assert_eq!(named, there);
    let mut rows = Vec::new();
    for file in files {
        let file = std::fs::File::open(dir.join(file)).unwrap();
        rows.extend(parquet_file_rows(file));
    }
    rows
}

fn parquet_file_rows(file: impl ::parquet::file::reader::ChunkReader + 'static) -> Vec<String> {
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    reader.build().unwrap().flat_map(|batch| batch_rows(&batch.unwrap())).collect()
}

fn batch_rows(batch: &arrow_array::RecordBatch) -> Vec<String> {
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::{Float64Type, Int64Type};
    let schema = batch.schema();
    let columns: Vec<_> = schema.fields().iter().zip(batch.columns()).collect();
    let row = |row| {
        let mut fields = BTreeMap::new();
        for (field, column) in &columns {
            if field.name().starts_with("_load") || column.is_null(row) {
                continue;
            }
            let value = match column.data_type() {
                arrow_schema::DataType::Boolean => Json::from(column.as_boolean().value(row)),
                arrow_schema::DataType::Int64 => Json::from(column.as_primitive::<Int64Type>().value(row)),
                arrow_schema::DataType::Float64 => {
                    Json::from(column.as_primitive::<Float64Type>().value(row))
                }
                arrow_schema::DataType::Utf8 => Json::from(column.as_string::<i32>().value(row)),
                arrow_schema::DataType::List(_) => {
                    let items = column.as_list::<i32>().value(row);
                    let items = items.as_primitive::<Int64Type>().values().to_vec();
                    Json::from(Json::from(items).to_string())
                }
                other => panic!("{other}"),
            };
            // A value of another type than its column's stands beside it.
            let name = field.name().split_once("__v_").map_or(field.name().as_str(), |(name, _)| name);
            fields.insert(name.to_owned(), value);
        }
        serde_json::to_string(&fields).unwrap()
    };
    (0..batch.num_rows()).map(row).collect()
}

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

fn pending(seq: u64) -> Change {
    Change::Pending(PendingPage {
        seq,
        resource: "tasks".to_owned(),
        partition: None,
        cursor: None,
        failed: false,
    })
}

const DISPOSITIONS: [Disposition; 3] = [Disposition::Append, Disposition::Replace, Disposition::Merge];

/// The pages of a load, one for each pending `seq`; rows of several loads share keys.
const PAGES: [&str; 4] = [
    "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"b\"}\n",
    "{\"id\":3,\"name\":\"c\",\"extra\":[1,{\"x\":null}]}\n",
    "",
    "{\"id\":4,\"gone\":null,\"late\":0.5}\n{\"id\":5}",
];

/// How a run that broke off is taken up.
#[derive(Debug, Clone, Copy, PartialEq)]
enum After {
    Resume,
    Undo,
}

/// A run that is killed before the call numbered `dies_at`, counted in `calls`.
struct Run {
    calls: usize,
    dies_at: usize,
}

struct Killed;

impl Run {
    fn call<T>(&mut self, result: impl FnOnce() -> Result<T, DestinationError>) -> Result<T, Killed> {
        if self.calls == self.dies_at {
            return Err(Killed);
        }
        self.calls += 1;
        Ok(result().unwrap())
    }

    /// What a driver does, with a commit every `commit_every` pages.
    fn go(
        &mut self,
        place: &Place,
        table: &Table,
        load_id: &str,
        after: After,
        commit_every: usize,
    ) -> Result<(), Killed> {
        let mut to = place.open();
        let resource = &table.resource;
        let found = to.state();
        let mut running =
            found.loads.get(resource).filter(|load| load.status == LoadStatus::Running).cloned();
        if let Some(broken) = running.take_if(|_| after == After::Undo) {
            self.call(|| to.undo(table, &broken.load_id))?;
            let forget = [
                Change::DropPending { resource: resource.clone() },
                Change::LoadForgotten { resource: resource.clone() },
            ];
            self.call(|| to.record(&forget))?;
        }
        let (load, mut todo) = match running {
            Some(load) => {
                self.call(|| to.resume(table, &load))?;
                (load, found.pending.iter().map(|page| page.seq).collect())
            }
            None => {
                let load = load(resource, load_id);
                self.call(|| to.begin(table, &load))?;
                let todo: Vec<u64> = (0..PAGES.len() as u64).collect();
                let changes: Vec<Change> = todo.iter().copied().map(pending).collect();
                self.call(|| to.record(&changes))?;
                (load, todo)
            }
        };
        let mut since_commit = 0;
        while let Some(seq) = todo.pop() {
            let rows = page(PAGES[seq as usize], &load.load_id);
            self.call(|| to.write(table, &rows, &[Change::Done { seq }]))?;
            since_commit += 1;
            if since_commit == commit_every {
                since_commit = 0;
                self.call(|| to.commit())?;
            }
        }
        self.call(|| to.finish(table, &load, &[]))?;
        self.call(|| to.commit())
    }
}

fn clean(place: &Place, table: &Table, load_id: &str) {
    let mut run = Run { calls: 0, dies_at: usize::MAX };
    assert!(run.go(place, table, load_id, After::Resume, 1).is_ok());
}

/// A run that dies at any call, and dies again at any call, and is then let through, leaves what one clean run leaves.
#[test]
fn killed_at_any_call_twice() {
    for disposition in DISPOSITIONS {
        let table = table("tasks", disposition);
        for (commit_every, after) in
            [(1, After::Resume), (1, After::Undo), (3, After::Resume), (3, After::Undo)]
        {
            let once = disposition == Disposition::Merge && after == After::Resume && commit_every == 1;
            let places = || if once { places() } else { quick_places() };
            let reference = places();
            for (index, reference) in reference.iter().enumerate() {
                clean(reference, &table, "0");
                let before = reference.rows("tasks");
                clean(reference, &table, "1");
                let expected = reference.rows("tasks");
                assert_eq!(expected.len(), if disposition == Disposition::Append { 10 } else { 5 });

                for dies_at in 0.. {
                    let place = places().into_iter().nth(index).unwrap();
                    clean(&place, &table, "0");
                    let mut run = Run { calls: 0, dies_at };
                    if run.go(&place, &table, "1", after, commit_every).is_ok() {
                        break;
                    }
                    if disposition == Disposition::Replace {
                        assert_eq!(place.rows("tasks"), before, "not swapped before the end");
                    }
                    let mut run = Run { calls: 0, dies_at: dies_at / 2 };
                    if run.go(&place, &table, "2", after, commit_every).is_err() {
                        let mut run = Run { calls: 0, dies_at: usize::MAX };
                        assert!(run.go(&place, &table, "3", after, commit_every).is_ok());
                    }
                    let context = (disposition, commit_every, after, dies_at, place.is_database());
                    assert_eq!(place.rows("tasks"), expected, "{context:?}");
                    let state = place.open().state();
                    assert_eq!(state.pending, [], "{context:?}");
                    assert_eq!(state.loads["tasks"].status, LoadStatus::Complete);
                    assert_no_leftovers(&place);
                }
            }
        }
    }
}

/// Nothing that belongs to no unfinished load lies about.
fn assert_no_leftovers(place: &Place) {
    if let Some(Target::Adbc { address }) = &place.driven
        && (address.defers || address.taken_for.is_some())
    {
        // A table that was made for a load that broke off stays until the next load makes it anew.
        return;
    }
    match &place.target {
        Target::Sqlite { path } => {
            let conn = rusqlite::Connection::open(path).unwrap();
            let count = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
            assert_eq!(count("SELECT count(*) FROM sqlite_master WHERE name LIKE '_sanderling_new%'"), 0);
        }
        Target::Postgres { address } => {
            let ask = |sql: &str| crate::postgres::tests::ask(address, sql);
            let schema = &address.schema;
            let tables = format!(
                "SELECT c.relname::text FROM pg_class c WHERE relnamespace = '{schema}'::regnamespace
                 AND relkind = 'r' AND starts_with(relname, '_sanderling_new')"
            );
            assert_eq!(ask(&tables), [""; 0]);
        }
        Target::DuckDb { path, driver, .. } => {
            let left = crate::sql::open::duckdb_tables(path, driver.as_deref(), "_sanderling_new");
            assert_eq!(left, [""; 0]);
        }
        Target::Jsonl { dir, state_dir } => {
            let found = names(dir);
            assert!(found.iter().all(|name| name == ".sanderling" || name.ends_with(".jsonl")), "{found:?}");
            assert_eq!(names(state_dir), ["journal.jsonl"]);
        }
        Target::Parquet { dir, state_dir } => {
            let mut found = names(dir);
            found.retain(|name| ![".sanderling", "manifest.json"].contains(&name.as_str()));
            // That those of a resource are the ones that the manifest names, `rows` sees to.
            found.iter().for_each(|resource| drop(place.rows(resource)));
            assert_eq!(names(state_dir), ["parquet.jsonl"]);
        }
        Target::Store { address, .. } => {
            // What a killed run has left goes with the next one's first commit.
            let mut to = place.open();
            to.record(&[Change::Done { seq: u64::MAX }]).unwrap();
            to.commit().unwrap();
            let store = crate::store::Store::open(address).unwrap();
            let manifest = store.get("manifest.json").unwrap().unwrap();
            let manifest: Json = serde_json::from_slice(&manifest.bytes).unwrap();
            assert_eq!(store.list(".sanderling").unwrap(), [manifest["store"]["state"].as_str().unwrap()]);
            let mut named: Vec<String> =
                serde_json::from_value(manifest["resources"]["tasks"]["files"].clone()).unwrap_or_default();
            named.sort();
            assert_eq!(store.list("tasks").unwrap(), named);
        }
        Target::Adbc { .. } | Target::Stdout => unreachable!(),
    }
}

pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_page_is_whole_or_absent() {
    for place in places() {
        for (ndjson, said) in [
            ("{\"id\":7}\nnull\n", "tasks row 1 of the page: the row is null"),
            ("{\"id\":7}\n{\"id\":\n", "tasks row 1 of the page: not JSON"),
            ("{\"id\":7}\n{\"id\":8} x\n", "tasks row 1 of the page: not JSON"),
            ("{\"id\":7}\n{\"new\":1}\n", "tasks row 1 of the page: primary key field `id` is missing"),
            ("{\"id\":7}\n{\"id\":null}\n", "tasks row 1 of the page: primary key field `id` is null"),
            ("{\"id\":7}\n3\n", "tasks row 1 of the page: primary key field `id` is missing"),
            ("{\"id\":7}\n{\"id\":8,\"id\":9}\n", "tasks row 1 of the page: field `id` stands twice in one "),
        ] {
            let table = table("tasks", Disposition::Merge);
            let mut to = place.open();
            to.begin(&table, &load("tasks", "1")).unwrap();
            to.write(&table, &page("{\"id\":1}\n", "1"), &[]).unwrap();
            let refused = to.write(&table, &page(ndjson, "1"), &[pending(9)]).unwrap_err();
            assert!(refused.to_string().starts_with(said), "{refused}");
            assert!(matches!(refused, DestinationError::Data(_)));
            let short = Rows { count: 2, ..page("{\"id\":3}\n", "1") };
            assert!(matches!(to.write(&table, &short, &[]), Err(DestinationError::Data(_))));
            to.write(&table, &page("{\"id\":2,\"newer\":1}\n", "1"), &[]).unwrap();
            to.finish(&table, &load("tasks", "1"), &[]).unwrap();
            to.commit().unwrap();
            assert_eq!(to.state().pending, []);
            drop(to);
            assert_eq!(place.rows("tasks"), ["{\"id\":1}", "{\"id\":2,\"newer\":1}"]);
        }
    }
}

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

/// Loads `rows`, a text a page, and returns what is there afterwards.
fn merged(place: &Place, table: &Table, load_id: &str, pages: &[&str]) -> Vec<String> {
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

#[test]
fn a_table_of_another_name() {
    for place in places() {
        for disposition in DISPOSITIONS {
            let name = format!("My {disposition:?}");
            let table = Table { name: name.clone(), ..table(&format!("{disposition:?}"), disposition) };
            clean(&place, &table, "1");
            let (named, own) = (place.rows(&name), place.rows(&table.resource));
            assert_eq!(named.is_empty(), !place.is_database());
            assert_eq!(own.is_empty(), place.is_database());
            // What a load has begun under one name is taken back there.
            let mut to = place.open();
            to.begin(&table, &load(&table.resource, "2")).unwrap();
            to.write(&table, &page("{\"id\":99}", "2"), &[]).unwrap();
            to.commit().unwrap();
            let renamed = Table { name: "Other".to_owned(), ..table.clone() };
            let gone = to.resume(&renamed, &load(&table.resource, "2"));
            assert_eq!(gone.is_err(), place.is_database());
            to.undo(&renamed, "2").unwrap();
            to.commit().unwrap();
            drop(to);
            assert_eq!(place.rows(&name), named);
            assert_eq!(place.rows(&table.resource), own);
            assert_no_leftovers(&place);
        }
        let mut to = place.open();
        let named = |resource: &str| Table { name: "t".to_owned(), ..table(resource, Disposition::Append) };
        to.begin(&named("a"), &load("a", "1")).unwrap();
        let second = to.begin(&named("b"), &load("b", "1"));
        assert_eq!(second.is_err(), place.is_database());
    }
}

#[test]
fn a_load_without_rows() {
    for disposition in DISPOSITIONS {
        for place in places() {
            let table = table("tasks", disposition);
            let mut to = place.open();
            let mut load_nothing = |id: &str| {
                to.begin(&table, &load("tasks", id)).unwrap();
                to.write(&table, &page("", id), &[]).unwrap();
                to.finish(&table, &load("tasks", id), &[]).unwrap();
                to.commit().unwrap();
            };
            load_nothing("1");
            load_nothing("2");
            assert_eq!(place.rows("tasks"), [""; 0]);
            match &place.target {
                Target::DuckDb { path, driver, .. } => {
                    let found = crate::sql::open::duckdb_tables(path, driver.as_deref(), "tasks");
                    assert_eq!(found, ["tasks"]);
                }
                Target::Sqlite { path } => {
                    let conn = rusqlite::Connection::open(path).unwrap();
                    conn.prepare("SELECT _loaded_at, _load_id FROM tasks").unwrap();
                }
                Target::Postgres { address } => {
                    let sql =
                        format!("SELECT count((_loaded_at, _load_id))::text FROM {}.tasks", address.schema);
                    assert_eq!(crate::postgres::tests::ask(address, &sql), ["0"]);
                }
                Target::Jsonl { dir, .. } => assert!(dir.join("tasks.jsonl").exists()),
                Target::Parquet { dir, .. } => {
                    let manifest = std::fs::read_to_string(dir.join("manifest.json")).unwrap();
                    assert!(manifest.contains("\"tasks\""), "{manifest}");
                }
                Target::Store { address, .. } => {
                    let store = crate::store::Store::open(address).unwrap();
                    let manifest = store.get("manifest.json").unwrap().unwrap();
                    assert!(String::from_utf8_lossy(&manifest.bytes).contains("\"tasks\""));
                }
                Target::Adbc { .. } | Target::Stdout => unreachable!(),
            }
        }
    }
}

#[test]
fn undo_takes_back_what_its_own_transaction_wrote() {
    for disposition in DISPOSITIONS {
        for place in places() {
            let table = table("tasks", disposition);
            clean(&place, &table, "0");
            let before = place.rows("tasks");
            let mut to = place.open();
            for id in ["1", "2", "3"] {
                to.begin(&table, &load("tasks", id)).unwrap();
                to.write(&table, &page("{\"id\":1,\"name\":\"a\"}\n", id), &[]).unwrap();
                to.undo(&table, id).unwrap();
            }
            to.undo(&table, "never begun").unwrap();
            to.record(&[Change::LoadForgotten { resource: "tasks".to_owned() }]).unwrap();
            to.commit().unwrap();
            drop(to);
            assert_eq!(place.rows("tasks"), before, "{disposition:?}");
            assert_eq!(place.open().state(), State::default());
            assert_no_leftovers(&place);
        }
    }
}

/// Undone, begun again, undone again and begun again, with a commit after some of it.
#[test]
fn undo_of_committed_rows_waits_for_the_commit() {
    for place in places() {
        let table = table("tasks", Disposition::Append);
        clean(&place, &table, "0");
        let before = place.rows("tasks");
        let mut to = place.open();
        to.begin(&table, &load("tasks", "1")).unwrap();
        to.write(&table, &page("{\"id\":11}\n{\"id\":12}\n", "1"), &[]).unwrap();
        to.commit().unwrap();
        let committed = place.rows("tasks");
        to.undo(&table, "1").unwrap();
        to.begin(&table, &load("tasks", "2")).unwrap();
        to.write(&table, &page("{\"id\":21}\n", "2"), &[]).unwrap();
        to.undo(&table, "2").unwrap();
        to.begin(&table, &load("tasks", "3")).unwrap();
        to.write(&table, &page("{\"id\":31}\n", "3"), &[]).unwrap();
        assert_eq!(place.rows("tasks"), committed);
        drop(to);
        assert_eq!(place.rows("tasks"), committed);

        let mut to = place.open();
        assert_eq!(to.state().loads["tasks"].load_id, "1");
        to.undo(&table, "1").unwrap();
        to.begin(&table, &load("tasks", "4")).unwrap();
        to.write(&table, &page("{\"id\":41}\n", "4"), &[]).unwrap();
        to.commit().unwrap();
        to.write(&table, &page("{\"id\":42}\n", "4"), &[]).unwrap();
        to.finish(&table, &load("tasks", "4"), &[]).unwrap();
        to.commit().unwrap();
        drop(to);
        let mut expected = before;
        expected.extend(["{\"id\":41}".to_owned(), "{\"id\":42}".to_owned()]);
        expected.sort();
        assert_eq!(place.rows("tasks"), expected);
        drop(place.open());
        assert_no_leftovers(&place);
    }
}

/// Recovery looks again at the commit before; it must not take the files of what came after for its own.
#[test]
fn a_load_that_dies_after_a_finished_one() {
    for disposition in DISPOSITIONS {
        for place in places() {
            let table = table("tasks", disposition);
            let mut to = place.open();
            for id in ["1", "2"] {
                to.begin(&table, &load("tasks", id)).unwrap();
                to.write(&table, &page("{\"id\":1}\n{\"id\":1}\n", "1"), &[]).unwrap();
                to.finish(&table, &load("tasks", id), &[]).unwrap();
                to.commit().unwrap();
            }
            let expected = place.rows("tasks");
            to.begin(&table, &load("tasks", "3")).unwrap();
            to.write(&table, &page("{\"id\":9}\n{\"id\":9}\n", "3"), &[]).unwrap();
            to.finish(&table, &load("tasks", "3"), &[]).unwrap();
            drop(to);
            drop(place.open());
            assert_eq!(place.rows("tasks"), expected, "{disposition:?}");
            assert_no_leftovers(&place);
        }
    }
}

/// The config was changed after the load broke off: it is undone as it was begun.
#[test]
fn undo_under_another_disposition() {
    for was in DISPOSITIONS {
        for is in DISPOSITIONS {
            for place in places() {
                clean(&place, &table("tasks", was), "0");
                let before = place.rows("tasks");
                let mut to = place.open();
                to.begin(&table("tasks", was), &load("tasks", "1")).unwrap();
                to.write(&table("tasks", was), &page("{\"id\":1,\"name\":\"a\"}\n", "1"), &[]).unwrap();
                to.commit().unwrap();
                drop(to);
                let mut to = place.open();
                if was != is {
                    let refused = to.resume(&table("tasks", is), &load("tasks", "1")).unwrap_err();
                    assert!(matches!(refused, DestinationError::Corrupt { .. }), "{refused}");
                }
                to.undo(&table("tasks", is), "1").unwrap();
                drop(to);

                let mut to = place.open();
                to.undo(&table("tasks", is), "1").unwrap();
                to.begin(&table("tasks", is), &load("tasks", "2")).unwrap();
                to.write(&table("tasks", is), &page("{\"id\":77}\n", "2"), &[]).unwrap();
                to.finish(&table("tasks", is), &load("tasks", "2"), &[]).unwrap();
                to.commit().unwrap();
                drop(to);
                drop(place.open());
                let mut expected = before;
                if is == Disposition::Replace || (is == Disposition::Merge && !place.is_database()) {
                    expected.clear();
                }
                expected.push("{\"id\":77}".to_owned());
                expected.sort();
                assert_eq!(place.rows("tasks"), expected, "{was:?} {is:?}");
                assert_no_leftovers(&place);
            }
        }
    }
}

#[test]
fn calls_out_of_order() {
    for place in places() {
        let mut to = place.open();
        let table = table("tasks", Disposition::Append);
        let refused = to.write(&table, &page("{}\n", "1"), &[]).unwrap_err();
        assert!(matches!(refused, DestinationError::NotBegun { .. }), "{refused}");
        let refused = to.finish(&table, &load("tasks", "1"), &[]).unwrap_err();
        assert!(matches!(refused, DestinationError::NotBegun { .. }), "{refused}");
        let refused = to.resume(&table, &load("tasks", "1")).unwrap_err();
        assert!(matches!(refused, DestinationError::Corrupt { .. }), "{refused}");
        to.commit().unwrap();
        to.commit().unwrap();
    }
}

#[test]
fn one_run_at_a_time() {
    // In a store, and on a server that a driver speaks to, the first one to commit keeps the others from it:
    // `objects_tests`, `sql/adbc/tests.rs`.
    let commits = |place: &Place| {
        matches!(place.target, Target::Store { .. })
            || (place.driven.is_some() && matches!(place.target, Target::Postgres { .. }))
    };
    for place in places().into_iter().filter(|place| !commits(place)) {
        let to = place.open();
        // A server keeps pipelines apart.
        let server = matches!(place.target, Target::Postgres { .. });
        let refused = Destination::open(place.door(), if server { "demo" } else { "other" }).unwrap_err();
        let busy = matches!(
            refused,
            DestinationError::Locked { by: "run", .. }
                | DestinationError::Server { failure: ServerFailure::Busy, .. }
        );
        assert!(busy, "{refused}");
        drop(to);
        place.open();
    }
}

#[test]
fn names_that_cannot_be_stored() {
    for place in places() {
        let mut to = place.open();
        for name in ["", "_sanderling_loads", "_Sanderling", "sqlite_master", "a\0b"] {
            let refused = to.begin(&table(name, Disposition::Append), &load(name, "1")).unwrap_err();
            assert!(matches!(refused, DestinationError::Name(_)), "{name}: {refused}");
        }
        let keyless = Table { primary_key: vec![], ..table("tasks", Disposition::Merge) };
        assert!(matches!(to.begin(&keyless, &load("tasks", "1")), Err(DestinationError::Name(_))));
        to.begin(&table("Tasks", Disposition::Append), &load("Tasks", "1")).unwrap();
        let refused = to.begin(&table("tasks", Disposition::Append), &load("tasks", "1")).unwrap_err();
        assert!(matches!(refused, DestinationError::Name(_)), "{refused}");
        for odd in ["../up", "a b\"c'd;--", "..", "é/ü"] {
            let table = table(odd, Disposition::Replace);
            to.begin(&table, &load(odd, "1")).unwrap();
            to.write(&table, &page("{\"id\":1,\"a\\\"b\":2}\n", "1"), &[]).unwrap();
            to.finish(&table, &load(odd, "1"), &[]).unwrap();
        }
        to.commit().unwrap();
        assert_eq!(names(place.dir.path()).iter().filter(|name| name.contains("up")).count(), 0);
    }
}

#[test]
fn a_place_that_cannot_be_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    for text in [
        format!("sqlite:{}/x.db", file.display()),
        format!("jsonl:{}", file.display()),
        format!("parquet:{}", file.display()),
    ] {
        let refused = Destination::open(&Target::parse(&text).unwrap(), "demo").unwrap_err();
        assert!(matches!(refused, DestinationError::Unwritable { .. }), "{text}: {refused}");
    }
    let folder = dir.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let target = Target::Sqlite { path: folder.clone() };
    let refused = Destination::open(&target, "demo").unwrap_err();
    assert!(matches!(refused, DestinationError::Unwritable { .. }), "{refused}");

    let mut permissions = std::fs::metadata(&folder).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&folder, permissions).unwrap();
    // Root may write anywhere.
    if std::fs::write(folder.join("probe"), "").is_err() {
        for text in [format!("sqlite:{}/x.db", folder.display()), format!("jsonl:{}", folder.display())] {
            let refused = Destination::open(&Target::parse(&text).unwrap(), "demo").unwrap_err();
            assert!(matches!(refused, DestinationError::Unwritable { .. }), "{text}: {refused}");
        }
    }
}

#[test]
fn pipelines_share_a_place() {
    for place in places() {
        for disposition in [Disposition::Append, Disposition::Replace] {
            let name = format!("{disposition:?}");
            let table = table(&name, disposition);
            let mut one = Destination::open(place.door(), "one").unwrap();
            one.begin(&table, &load(&name, "1")).unwrap();
            one.write(&table, &page("{\"id\":1}\n", "1"), &[pending(1)]).unwrap();
            one.commit().unwrap();
            drop(one);

            let mut two = Destination::open(place.door(), "two").unwrap();
            assert!(!two.state().loads.contains_key(&name));
            let begun = two.begin(&table, &load(&name, "2"));
            if place.is_typed() || (!place.is_database() && disposition == Disposition::Append) {
                assert!(matches!(begun, Err(DestinationError::NotOurs { .. })));
            } else {
                begun.unwrap();
                two.write(&table, &page("{\"id\":2}\n", "2"), &[pending(1)]).unwrap();
                two.commit().unwrap();
            }
            drop(two);

            let mut one = Destination::open(place.door(), "one").unwrap();
            assert_eq!(one.state().pending.len(), 1);
            one.resume(&table, &load(&name, "1")).unwrap();
            one.write(&table, &page("{\"id\":3}\n", "1"), &[]).unwrap();
            one.finish(&table, &load(&name, "1"), &[Change::Done { seq: 1 }]).unwrap();
            one.commit().unwrap();
            drop(one);
            let expected: &[&str] = match disposition {
                Disposition::Append if place.is_database() && !place.is_typed() => {
                    &["{\"id\":1}", "{\"id\":2}", "{\"id\":3}"]
                }
                _ => &["{\"id\":1}", "{\"id\":3}"],
            };
            assert_eq!(place.rows(&name), expected);
        }
    }
}

#[test]
fn looking_at_the_rows() {
    let [sqlite, jsonl, parquet] = local_places();
    let path = |place: &Place| -> PathBuf { place.dir.path().to_owned() };
    let table = table("my tasks", Disposition::Append);
    assert_eq!(
        sqlite.open().peek(&table),
        Some(format!("sqlite3 {}/out.db 'select * from \"my tasks\" limit 5'", path(&sqlite).display()))
    );
    let said = jsonl.open().peek(&table).unwrap();
    assert_eq!(said, format!("head -5 {}/out/my%20tasks.jsonl", path(&jsonl).display()));
    let said = parquet.open().peek(&table).unwrap();
    let files = format!("{}/out/my%20tasks/*.parquet", path(&parquet).display());
    assert_eq!(
        said,
        format!(r"duckdb -c 'select * from read_parquet('\''{files}'\'', union_by_name=true) limit 5'")
    );
}

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
        for place in places() {
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
            Target::Adbc { .. } | Target::Stdout => unreachable!(),
        };
        assert_eq!(messages, ["first", "second"]);
    }
}

fn declared(resource: &str, disposition: Disposition) -> Table {
    let column = |name: &str, data_type, nullable| Column {
        name: name.to_owned(),
        data_type,
        nullable,
        ..Column::default()
    };
    Table {
        columns: vec![
            column("amount", Some(DataType::Decimal), true),
            column("id", Some(DataType::Bigint), false),
            column("late", Some(DataType::Timestamp), true),
        ],
        ..table(resource, disposition)
    }
}

#[test]
fn a_row_that_breaks_what_is_declared_refuses_its_page() {
    let cases = [
        ("{\"id\":\"x\"}", "column `id` is declared bigint, and holds \"x\""),
        ("{\"id\":2,\"amount\":\"much\"}", "column `amount` is declared decimal, and holds \"much\""),
        ("{\"late\":null,\"id\":2.5}", "column `id` is declared bigint, and holds 2.5"),
    ];
    for place in places() {
        for disposition in DISPOSITIONS {
            let table = declared("tasks", disposition);
            let mut to = place.open();
            to.begin(&table, &load("tasks", "1")).unwrap();
            for (bad, words) in cases {
                let text = format!("{{\"id\":1}}\n{bad}\n{{\"id\":3}}\n");
                let refused = to.write(&table, &page(&text, "1"), &[]).unwrap_err();
                assert_eq!(refused.to_string(), format!("tasks row 1 of the page: {words}"));
                let found = to.breaches(&table, &page(&text, "1")).unwrap();
                assert_eq!(found.iter().map(|breach| breach.row).collect::<Vec<_>>(), [Some(1)]);
                assert!(found.iter().all(|breach| breach.kind.is_of_row()));
            }
            to.write(
                &table,
                &page("{\"id\":\"1\",\"amount\":0.10}\n{\"id\":3,\"amount\":\"1e3\"}", "1"),
                &[],
            )
            .unwrap();
            to.undo(&table, "1").unwrap();
            to.commit().unwrap();
        }
    }
}

#[test]
fn declared_columns_are_there_even_where_no_row_has_them() {
    let [place, ..] = local_places();
    let columns = |resource: &str| -> Vec<String> {
        let Target::Sqlite { path } = &place.target else { unreachable!() };
        let conn = rusqlite::Connection::open(path).unwrap();
        let select = conn.prepare(&format!("SELECT * FROM \"{resource}\"")).unwrap();
        select.column_names().map(str::to_owned).collect()
    };
    let mut to = place.open();
    for (name, disposition) in ["a", "r", "m"].into_iter().zip(DISPOSITIONS) {
        let table = declared(name, disposition);
        for (load_id, rows) in [("1", ""), ("2", "{\"x\":1,\"id\":1}"), ("3", "")] {
            let load = load(name, load_id);
            to.begin(&table, &load).unwrap();
            to.write(&table, &page(rows, load_id), &[]).unwrap();
            to.finish(&table, &load, &[]).unwrap();
            to.commit().unwrap();
            let mut found = columns(name);
            found.sort();
            let expected: &[&str] = match load_id {
                "1" => &["_load_id", "_loaded_at", "amount", "id", "late"],
                _ => &["_load_id", "_loaded_at", "amount", "id", "late", "x"],
            };
            assert_eq!(found, expected, "{name} {load_id}");
        }
    }
    // A value is kept exactly, as its column is declared.
    let table = declared("kept", Disposition::Append);
    to.begin(&table, &load("kept", "1")).unwrap();
    let row = "{\"id\":\"007\",\"amount\":12345678901234567890.123456789}";
    to.write(&table, &page(row, "1"), &[]).unwrap();
    to.finish(&table, &load("kept", "1"), &[]).unwrap();
    to.commit().unwrap();
    assert_eq!(place.rows("kept"), ["{\"amount\":\"12345678901234567890.123456789\",\"id\":7}"]);
}

#[test]
fn what_an_unlisted_load_wrote_is_taken_back() {
    for place in places() {
        for disposition in DISPOSITIONS {
            let table = table("tasks", disposition);
            let mut to = place.open();
            to.begin(&table, &load("tasks", "1")).unwrap();
            to.write(&table, &page("{\"id\":1}", "1"), &[pending(1)]).unwrap();
            to.commit().unwrap();
            to.undo_unlisted("tasks", "1").unwrap();
            to.record(&[
                Change::LoadForgotten { resource: "tasks".to_owned() },
                Change::DropPending { resource: "tasks".to_owned() },
            ])
            .unwrap();
            to.commit().unwrap();
            drop(to);
            assert_eq!(place.open().state(), State::default());
            assert_eq!(place.rows("tasks"), [""; 0], "{disposition:?}");
        }
    }
}

#[test]
fn looking_where_nothing_is_changes_nothing() {
    for place in places() {
        assert_eq!(Destination::look(place.door()).unwrap(), None);
        assert_eq!(std::fs::read_dir(place.dir.path()).unwrap().count(), 0);
    }
    let [place, ..] = local_places();
    let Target::Sqlite { path } = &place.target else { unreachable!() };
    rusqlite::Connection::open(path).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    assert_eq!(Destination::look(place.door()).unwrap(), None);
}
