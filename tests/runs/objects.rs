//! Object stores for whole runs: one in memory, and a real one where the machine has it.

use std::sync::atomic::{AtomicU64, Ordering};

use sanderling_destination::{Change, Destination, Target};
use serde_json::Value;

#[path = "../../host/destination/tests-support/s3_server.rs"]
#[allow(dead_code, reason = "used by other tests")]
mod memory;
#[path = "../../host/destination/tests-support/weed_server.rs"]
#[allow(dead_code, reason = "used by other tests")]
mod weed;

/// A prefix of its own in a store.
pub(crate) struct Prefix {
    /// As `s3://…`, with the credentials.
    pub(crate) url: String,
    prefix: String,
    is_real: bool,
}

/// In a store in memory.
pub(crate) fn in_memory() -> Prefix {
    Prefix::of(memory::Server::shared().url(""), false)
}

/// In SeaweedFS; none, with a word about it, where the machine has none.
pub(crate) fn real() -> Option<Prefix> {
    weed::shared().map(|server| Prefix::of(server.url(), true))
}

impl Prefix {
    fn of(url: String, is_real: bool) -> Self {
        static PREFIXES: AtomicU64 = AtomicU64::new(0);
        let prefix = format!("runs-{}", PREFIXES.fetch_add(1, Ordering::Relaxed));
        let (bucket, settings) = url.split_once('?').unwrap();
        let url = format!("{}/{prefix}?{settings}", bucket.trim_end_matches('/'));
        Self { url, prefix, is_real }
    }

    /// Its `host:port`, for clients that are told so.
    pub(crate) fn endpoint(&self) -> &str {
        self.url.split_once("endpoint=http://").unwrap().1.split_once('&').unwrap().0
    }

    /// Bucket and prefix.
    pub(crate) fn folder(&self) -> String {
        format!("lake/{}", self.prefix)
    }

    /// The bytes of an object, past S3's protocol.
    pub(crate) fn object(&self, name: &str) -> Vec<u8> {
        let name = format!("{}/{name}", self.prefix);
        let found = match self.is_real {
            true => weed::shared().unwrap().object(&name),
            false => memory::Server::shared().object(&name),
        };
        found.unwrap_or_else(|| panic!("there is no {name}"))
    }
}

/// The files of a resource, as a manifest names them.
pub(crate) fn files_in(manifest: &[u8], resource: &str) -> Vec<String> {
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    let resources = manifest["resources"].as_object().unwrap();
    let lists = resources.values().map(|it| &it["lists"][resource]);
    let of = std::iter::once(&manifest["resources"][resource]).chain(lists).find(|it| !it.is_null()).unwrap();
    of["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap().to_owned()).collect()
}

/// Makes the bucket of an address by writing into it.
fn make_bucket(url: &str) -> Result<(), String> {
    let target = Target::parse(&format!("jsonl:{}", url.replace("lake?", "lake/ready?"))).unwrap();
    let mut destination = Destination::open(&target, "ready").map_err(|error| error.to_string())?;
    destination.record(&[Change::Done { seq: 0 }]).map_err(|error| error.to_string())?;
    destination.commit().map_err(|error| error.to_string())
}
