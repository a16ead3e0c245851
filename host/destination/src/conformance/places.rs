//! Which places there are to be written to, and how each is opened.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sql::adbc::served;
use crate::*;

/// A fresh place for each kind of destination.
pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) target: Target,
    /// By which it is written, where that is another way to it.
    pub(crate) driven: Option<Target>,
}

pub(crate) fn places() -> Vec<Place> {
    quick_places().into_iter().chain(slow_places()).chain(served::snowflake()).collect()
}

/// Those of which opening, or a request, costs many milliseconds.
pub(super) fn slow_places() -> Vec<Place> {
    driven_places().into_iter().chain(served::flight()).chain(real_store_places()).collect()
}

/// All others.
pub(super) fn quick_places() -> Vec<Place> {
    let store = crate::store::server::Server::shared();
    let files = store_places(store.url("")).chain(store_places(store.google_url("")));
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
pub(super) fn real_store_places() -> impl Iterator<Item = Place> {
    real_stores().into_iter().flat_map(store_places)
}

/// Their addresses.
pub(super) fn real_stores() -> Vec<String> {
    let weed = crate::store::weed::shared().map(crate::store::weed::Server::url);
    let azure = crate::store::azure::shared().map(crate::store::azure::Server::url);
    weed.into_iter().chain(azure).collect()
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

/// One of each database that is there, but the slowest.
pub(crate) fn typed_places() -> Vec<Place> {
    let built_in = [typed_place()].into_iter().chain(postgres_place()).chain(duckdb_place());
    built_in.chain(driven_places()).chain(served::flight()).collect()
}

/// The same kinds of place, written through ADBC drivers.
pub(crate) fn driven_places() -> Vec<Place> {
    postgres_place().and_then(driven).into_iter().chain(driven_files()).collect()
}

/// Those that are files: by SQLite's driver, by the same as if its definitions committed by themselves, and by DuckDB's, taken
/// for a database that is not known.
fn driven_files() -> impl Iterator<Item = Place> {
    let deferring = driven(typed_place()).map(|place| changed(place, |address| address.defers = true));
    let plain = duckdb_place().filter(|_| driver("duckdb").is_some()).map(|place| {
        let Target::DuckDb { path, driver, .. } = &place.target else { unreachable!() };
        let (path, driver) = (path.display(), driver.as_ref().unwrap().display());
        let driven = Target::parse(&format!("adbc:duckdb?path={path}&driver={driver}")).unwrap();
        changed(Place { driven: Some(driven), ..place }, |address| {
            address.taken_for = Some(crate::sql::dialect::Dialect::Ansi);
            address.schema = Some("main".to_owned());
        })
    });
    driven(typed_place()).into_iter().chain(deferring).chain(plain)
}

/// `driver=LIBRARY` for one of the drivers in the folder that `SANDERLING_ADBC` names.
pub(crate) fn driver(name: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("SANDERLING_ADBC").map(PathBuf::from) else {
        static SAID: std::sync::Once = std::sync::Once::new();
        SAID.call_once(|| {
            crate::skipped::skipped("ADBC, since SANDERLING_ADBC does not name a folder of drivers");
        });
        return None;
    };
    Some(format!("driver={}/adbc_driver_{name}/libadbc_driver_{name}.so", folder.to_str().unwrap()))
}

/// A place, written through its driver.
fn driven(place: Place) -> Option<Place> {
    let text = match &place.target {
        Target::Sqlite { path } => format!("adbc:sqlite?uri={}&{}", path.display(), driver("sqlite")?),
        Target::Postgres { address } => {
            let url = crate::postgres::server::shared()?.driver_url();
            format!("adbc:postgresql?uri={url}&schema={}&{}", address.schema, driver("postgresql")?)
        }
        _ => return None,
    };
    Some(Place { driven: Some(Target::parse(&text).unwrap()), ..place })
}

fn changed(place: Place, change: fn(&mut AdbcAddress)) -> Place {
    let Some(Target::Adbc { mut address }) = place.driven else { unreachable!() };
    change(&mut address);
    Place { driven: Some(Target::Adbc { address }), ..place }
}

/// Those that are on this machine's disk.
pub(super) fn file_places() -> Vec<Place> {
    local_places().into_iter().chain(duckdb_place()).chain(driven_files()).collect()
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
    let (path, limits) = (dir.path().join("duck.db"), DuckDbLimits::default());
    let target = Target::DuckDb { path, schema: None, driver: Some(driver), limits };
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

    pub(super) fn is_sqlite_file(&self) -> bool {
        matches!(self.target, Target::Sqlite { .. })
    }

    pub(super) fn is_database(&self) -> bool {
        !matches!(
            self.target,
            Target::Jsonl { .. } | Target::Parquet { .. } | Target::Store { .. } | Target::Stdout
        )
    }

    /// A database as fakesnow has it, of which each statement takes long.
    pub(crate) fn is_snowflake(&self) -> bool {
        matches!(&self.target, Target::Adbc { address } if address.driver == "snowflake")
    }

    /// Of typed columns, by the engine of all databases.
    pub(super) fn is_typed(&self) -> bool {
        self.is_database()
    }
}
