//! An object store: whole objects, read, written, written under a condition, listed and removed, one thing at a time.
//!
//! The client underneath has a runtime, which another runtime does not allow on its threads: it has threads of its own,
//! and callers wait for them. What fails on the way is asked again there, a few times: nobody above does so.

mod address;
#[cfg(test)]
#[path = "../tests-support/azure_server.rs"]
pub(crate) mod azure;
mod connector;
#[cfg(test)]
#[path = "../tests-support/s3_server.rs"]
#[allow(dead_code, reason = "used by other tests")]
pub(crate) mod server;
#[cfg(test)]
#[path = "../tests-support/weed_server.rs"]
#[allow(dead_code, reason = "used by other tests")]
pub(crate) mod weed;

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, RetryConfig, UpdateVersion,
    path,
};
use tokio::runtime::Runtime;

pub(crate) use address::Cloud;
pub use address::{StoreAddress, StoreAddressError};
use connector::{Connector, Latest, Said};

use crate::error::{DestinationError, StoreFailure};

/// A larger file is sent in parts of this size (S3 takes 5 MiB and more, and 10,000 of them).
const PART_BYTES: usize = 16 << 20;
const RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// An open store. Names are relative to its prefix.
pub(crate) struct Store {
    runtime: Option<Runtime>,
    inner: Arc<dyn ObjectStore>,
    latest: Latest,
    address: StoreAddress,
}

/// An object as it was read.
pub(crate) struct Object {
    pub(crate) bytes: Bytes,
    pub(crate) version: UpdateVersion,
}

/// What became of a write under a condition.
#[derive(Debug)]
pub(crate) enum Put {
    /// It is there.
    Done(UpdateVersion),
    /// Something else was there.
    Conflict,
}

impl fmt::Debug for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Store({})", self.address)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Store {
    pub(crate) fn open(address: &StoreAddress) -> Result<Self, DestinationError> {
        let latest = Latest::default();
        let failed = |cause: String| DestinationError::Store {
            at: address.to_string(),
            cause,
            failure: StoreFailure::Settings,
        };
        let inner = build(address, Connector { latest: Arc::clone(&latest) })
            .map_err(|error| failed(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("object store")
            .enable_all()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { runtime: Some(runtime), inner, latest, address: address.clone() })
    }

    pub(crate) fn address(&self) -> &StoreAddress {
        &self.address
    }

    /// An object; none if it is not there.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Object>, DestinationError> {
        let (inner, at) = (Arc::clone(&self.inner), self.path(name)?);
        let got = self.wait(async move {
            let got = inner.get(&at).await?;
            let version = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
            Ok(Object { bytes: got.bytes().await?, version })
        })?;
        match got {
            Ok(object) => Ok(Some(object)),
            Err(Error::NotFound { .. }) if !self.has_no_bucket() => Ok(None),
            Err(error) => Err(self.sort(name, &error)),
        }
    }

    pub(crate) fn put(&self, name: &str, bytes: impl Into<PutPayload>) -> Result<(), DestinationError> {
        let (inner, at, payload) = (Arc::clone(&self.inner), self.path(name)?, bytes.into());
        let put = self.wait(async move { inner.put(&at, payload).await })?;
        put.map(drop).map_err(|error| self.sort(name, &error))
    }

    /// Writes `name` only if it is as it was read, or not there if `expected` is none.
    pub(crate) fn put_if(
        &self,
        name: &str,
        bytes: Vec<u8>,
        expected: Option<&UpdateVersion>,
    ) -> Result<Put, DestinationError> {
        let (inner, at) = (Arc::clone(&self.inner), self.path(name)?);
        let mode = expected.map_or(PutMode::Create, |version| PutMode::Update(version.clone()));
        let put = self.wait(async move { inner.put_opts(&at, bytes.into(), mode.into()).await })?;
        match put {
            Ok(put) => Ok(Put::Done(put.into())),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Put::Conflict),
            // What was to be as it was read is gone.
            Err(Error::NotFound { .. }) if expected.is_some() && !self.has_no_bucket() => Ok(Put::Conflict),
            Err(error) => Err(self.sort(name, &error)),
        }
    }

    /// Writes the bytes of a file from `from` on, up to `to`; in parts if they are many.
    pub(crate) fn put_file(
        &self,
        name: &str,
        file: &Path,
        from: u64,
        to: u64,
    ) -> Result<(), DestinationError> {
        use std::io::{Seek as _, SeekFrom};
        let io = |cause| DestinationError::io(file, cause);
        let mut source = File::open(file).map_err(io)?;
        source.seek(SeekFrom::Start(from)).map_err(io)?;
        let mut source = source.take(to.saturating_sub(from));
        let mut next = move || -> std::io::Result<Vec<u8>> {
            let mut part = Vec::new();
            source.by_ref().take(PART_BYTES as u64).read_to_end(&mut part)?;
            Ok(part)
        };
        let first = next().map_err(io)?;
        if first.len() < PART_BYTES {
            return self.put(name, first);
        }
        let (inner, at) = (Arc::clone(&self.inner), self.path(name)?);
        let sent = self.wait(async move {
            let mut upload = inner.put_multipart(&at).await?;
            let mut part = first;
            let mut read = Ok(());
            while !part.is_empty() {
                if let Err(error) = upload.put_part(part.into()).await {
                    let _ = upload.abort().await;
                    return Err(error);
                }
                part = next().unwrap_or_else(|cause| {
                    read = Err(cause);
                    Vec::new()
                });
            }
            if read.is_err() {
                let _ = upload.abort().await;
                return Ok(read);
            }
            upload.complete().await.map(|_| read)
        })?;
        sent.map_err(|error| self.sort(name, &error))?.map_err(io)
    }

    /// The names of the objects in a folder, without those below its folders.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<String>, DestinationError> {
        let (inner, at) = (Arc::clone(&self.inner), self.path(folder)?);
        let of = at.clone();
        let listed = self.wait(async move { inner.list_with_delimiter(Some(&of)).await })?;
        let listed = listed.map_err(|error| self.sort(folder, &error))?;
        // Some stores list a folder itself.
        let objects = listed.objects.iter().filter(|object| object.location != at);
        let names = objects.filter_map(|object| object.location.filename());
        Ok(names.map(|name| format!("{folder}/{name}")).collect())
    }

    /// Removes an object; without effect if it is not there.
    pub(crate) fn delete(&self, name: &str) -> Result<(), DestinationError> {
        let (inner, at) = (Arc::clone(&self.inner), self.path(name)?);
        match self.wait(async move { inner.delete(&at).await })? {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.sort(name, &error)),
        }
    }

    fn path(&self, name: &str) -> Result<path::Path, DestinationError> {
        let prefix = &self.address.prefix;
        let text = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        path::Path::parse(text).map_err(|error| self.failed(error.to_string(), StoreFailure::Other))
    }

    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, DestinationError> {
        let (told, done) = channel();
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move { drop(told.send(work.await)) });
        }
        done.recv().map_err(|_| self.failed("its client has ended".to_owned(), StoreFailure::Other))
    }

    fn failed(&self, cause: String, failure: StoreFailure) -> DestinationError {
        DestinationError::Store { at: self.address.to_string(), cause, failure }
    }

    fn said(&self) -> Option<Said> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A 404 can be said of an object or of the bucket that it would be in.
    fn has_no_bucket(&self) -> bool {
        let of_bucket =
            |said: Said| ["NoSuchBucket", "ContainerNotFound"].iter().any(|word| said.text.contains(word));
        self.said().is_some_and(of_bucket)
    }

    /// Sorts a failure by what the server said. The error's own words are not repeated where there was a request: they
    /// hold its URL, and that may hold a signature.
    fn sort(&self, name: &str, error: &Error) -> DestinationError {
        let Some(said) = self.said() else { return self.failed(error.to_string(), StoreFailure::Settings) };
        let Some(status) = said.status else {
            if ["169.254.169.254", "169.254.170.2", "metadata.google.internal"].contains(&said.host.as_str())
            {
                return self.failed("there are no credentials for it".to_owned(), StoreFailure::Denied);
            }
            let cause = format!("{} cannot be reached: {}", said.host, said.text);
            return self.failed(cause, StoreFailure::Lost);
        };
        if status.is_success() {
            return self.failed(format!("{name}: the answer makes no sense: {error}"), StoreFailure::Other);
        }
        let mut cause = format!("{name} ({status}");
        for tag in ["Code", "Message"] {
            if let Some(text) = element(&said.text, tag) {
                cause.push_str(if tag == "Code" { "; " } else { ": " });
                cause.push_str(text);
            }
        }
        cause.push(')');
        let is_full = element(&said.text, "Code").is_some_and(|code| code.ends_with("QuotaExceeded"));
        if is_full || status == http::StatusCode::INSUFFICIENT_STORAGE {
            return DestinationError::Full { path: self.address.to_string().into(), cause };
        }
        let failure = match status.as_u16() {
            401 | 403 => StoreFailure::Denied,
            404 if self.has_no_bucket() => StoreFailure::NoBucket,
            301 | 307 | 400 => StoreFailure::Settings,
            429 | 500.. => StoreFailure::Lost,
            _ => StoreFailure::Other,
        };
        self.failed(cause, failure)
    }
}

/// The text of an element of the XML in which stores say what went wrong.
fn element<'x>(xml: &'x str, tag: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{tag}>"))?;
    let (text, _) = rest.split_once(&format!("</{tag}>"))?;
    text.lines().next().filter(|text| !text.is_empty())
}

fn build(address: &StoreAddress, connector: Connector) -> object_store::Result<Arc<dyn ObjectStore>> {
    let client = ClientOptions::new().with_allow_http(address.allows_http());
    let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    let settings = || address.settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
    // Of the environment's variables only some are settings.
    Ok(match address.cloud {
        Cloud::S3 => {
            let mut builder = AmazonS3Builder::new();
            for (key, value) in settings().filter_map(|(name, value)| Some((name.parse().ok()?, value))) {
                builder = builder.with_config(key, value);
            }
            let builder = builder.with_bucket_name(&address.bucket).with_client_options(client);
            Arc::new(builder.with_retry(retry).with_http_connector(connector).build()?)
        }
        Cloud::Google => {
            let mut builder = GoogleCloudStorageBuilder::new();
            for (key, value) in settings().filter_map(|(name, value)| Some((name.parse().ok()?, value))) {
                builder = builder.with_config(key, value);
            }
            let builder = builder.with_bucket_name(&address.bucket).with_client_options(client);
            Arc::new(builder.with_retry(retry).with_http_connector(connector).build()?)
        }
        Cloud::Azure => {
            let mut builder = MicrosoftAzureBuilder::new();
            for (key, value) in settings().filter_map(|(name, value)| Some((name.parse().ok()?, value))) {
                builder = builder.with_config(key, value);
            }
            let builder = builder.with_container_name(&address.bucket).with_client_options(client);
            Arc::new(builder.with_retry(retry).with_http_connector(connector).build()?)
        }
    })
}

/// Makes the bucket of an address by writing into it.
#[cfg(test)]
fn make_bucket(url: &str) -> Result<(), String> {
    let address = StoreAddress::parse(url).unwrap().unwrap();
    let made = Store::open(&address).and_then(|store| store.put("ready", b"x".to_vec()));
    made.map_err(|error| error.to_string())
}
