//! What is measured, how often, and the medians of it.

use std::path::Path;

use tempfile::TempDir;

use crate::process::{Target, Took, rows_in, run};
use crate::server;
use crate::show::thousands;

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measure {
    pub(crate) rows: usize,
    pub(crate) target: Target,
    /// Whether the connector has to be compiled, as on the first start after an installation.
    pub(crate) is_first_start: bool,
}

/// What its runs took.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) measure: Measure,
    pub(crate) runs: Vec<Took>,
}

/// Ten rows show what a start costs.
const FEW: usize = 10;

/// Everything that is measured, for these numbers of rows.
pub(crate) fn measures(rows: &[usize]) -> Vec<Measure> {
    let few = |is_first_start| Measure { rows: FEW, target: Target::Sqlite, is_first_start };
    let many = rows.iter().flat_map(|rows| {
        [Target::Jsonl, Target::Sqlite].map(|target| Measure { rows: *rows, target, is_first_start: false })
    });
    [few(true), few(false)].into_iter().chain(many).collect()
}

/// Takes them, one after the other. `begin` hears the name of each.
pub(crate) fn take(measures: &[Measure], runs: usize, mut begin: impl FnMut(&str)) -> Vec<Measured> {
    let cache = folder();
    let one = |measure: &Measure| {
        begin(&measure.name());
        let server = server::start(measure.rows);
        // The first run is not counted: it fills the cache of compiled connectors, and the server renders its pages.
        // It shows, too, that all rows arrive.
        let first = folder();
        run(&server.base_url, measure.target, first.path(), cache.path());
        assert_eq!(rows_in(first.path(), measure.target), measure.rows, "{}", measure.name());
        let runs = if measure.rows == FEW && !measure.is_first_start { runs * 4 } else { runs };
        let runs = (0..runs).map(|_| {
            let (place, own) = (folder(), folder());
            let cache = if measure.is_first_start { own.path() } else { cache.path() };
            run(&server.base_url, measure.target, place.path(), cache)
        });
        Measured { measure: *measure, runs: runs.collect() }
    };
    measures.iter().map(one).collect()
}

/// A new folder on the disk that the build is on: a system's folder for temporary files may be memory.
fn folder() -> TempDir {
    TempDir::new_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

impl Measure {
    /// What is read where.
    pub(crate) fn name(&self) -> String {
        let target = match self.target {
            Target::Jsonl => "JSONL",
            Target::Sqlite => "SQLite",
        };
        let start = if self.is_first_start { ", first start" } else { "" };
        format!("{} rows to {target}{start}", thousands(self.rows as f64))
    }
}

impl Measured {
    pub(crate) fn cpu_s(&self) -> f64 {
        self.median(|took| took.cpu_s)
    }

    pub(crate) fn wall_s(&self) -> f64 {
        self.median(|took| took.wall_s)
    }

    pub(crate) fn peak_mib(&self) -> f64 {
        self.median(|took| took.peak_mib)
    }

    pub(crate) fn rows_per_cpu_s(&self) -> f64 {
        self.measure.rows as f64 / self.cpu_s()
    }

    fn median(&self, of: impl Fn(&Took) -> f64) -> f64 {
        let mut values: Vec<f64> = self.runs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
    }
}
