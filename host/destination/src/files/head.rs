//! What stands in a store in the place of a journal: one object that names all others that count.
//!
//! Objects are never changed, but for this one (`manifest.json`), which each commit writes anew, on the condition that it
//! is as it was read: of two runs at once only one can commit. It names the files of each resource, for readers, and an
//! object with the state. What no head names was never committed: what was there of that before a run's first commit is
//! removed after it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::path::Path;

use object_store::UpdateVersion;
use serde::{Deserialize, Serialize};

use super::format::Form;
use super::journal::{Held, Mark, Parts, Pipelines};
use crate::error::{DestinationError, StoreFailure};
use crate::file_name;
use crate::parquet::manifest;
use crate::store::{Put, Store, StoreAddress};

/// Of what this program writes into a store.
const VERSION: u32 = 1;
/// Where in a store the state is, and whatever only a run reads.
const STATE: &str = ".sanderling";
/// How often the state is looked for while other commits take it away.
const READS: u32 = 5;

/// The head, as far as a run needs it.
#[derive(Deserialize)]
struct Named {
    version: u32,
    #[serde(default)]
    store: Option<Link>,
}

/// What the head says of the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Link {
    /// What the files are.
    form: Form,
    /// Unique to a commit.
    commit: String,
    /// The object with the state.
    state: String,
}

/// What the state's object holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept<P, Q> {
    version: u32,
    pipelines: P,
    pieces: Q,
}

/// By the name of a file that grows with an unfinished load: the objects that it is made of.
type Pieces = BTreeMap<String, Vec<Piece>>;

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) name: String,
    pub(crate) length: u64,
}

/// A store, as the latest commit left it.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) store: Store,
    form: Form,
    /// None: nothing has been committed yet.
    version: Option<UpdateVersion>,
    /// What the names of this run's objects have in them.
    run: u64,
    objects: u64,
    pieces: Pieces,
    /// The objects that the latest commit names, and those written since.
    known: BTreeSet<String>,
    swept: bool,
    scratch: tempfile::TempDir,
}

impl Head {
    /// Opens a store, and proves that it can be written to, under a condition too.
    pub(crate) fn open(form: Form, address: &StoreAddress) -> Result<(Self, Pipelines), DestinationError> {
        let store = Store::open(address)?;
        let scratch =
            tempfile::tempdir().map_err(|cause| DestinationError::io(&std::env::temp_dir(), cause))?;
        let run = fastrand::u64(..);
        prove(&store, run)?;
        let (version, pipelines, pieces) = read(&store, form)?.unwrap_or_default();
        let mut head = Self {
            store,
            form,
            version,
            run,
            objects: 0,
            pieces,
            known: BTreeSet::new(),
            swept: false,
            scratch,
        };
        head.known = head.named(&pipelines);
        Ok((head, pipelines))
    }

    /// What each pipeline left; none if nothing has been kept there.
    pub(crate) fn look(form: Form, address: &StoreAddress) -> Result<Option<Pipelines>, DestinationError> {
        Ok(read(&Store::open(address)?, form)?.map(|(_, pipelines, _)| pipelines))
    }

    /// Where files are made, for this run alone.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Tells this run's objects, and its files, from others'.
    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    /// A name that no object has had, for one of a resource's, or of a table's of it.
    pub(crate) fn data_name(&mut self, table: &str, load_id: &str) -> String {
        self.objects += 1;
        let (folder, load) = (file_name::encode(table), file_name::encode(load_id));
        format!("{folder}/{load}-{:016x}-{:06}.{}", self.run, self.objects, self.form.extension())
    }

    fn own_name(&mut self, kind: &str) -> String {
        self.objects += 1;
        format!("{STATE}/{:016x}-{:06}.{kind}", self.run, self.objects)
    }

    /// Sends a file of the scratch folder, and removes it there.
    pub(crate) fn send(&mut self, file: &str, name: String) -> Result<String, DestinationError> {
        let path = self.scratch().join(file);
        let length = super::part::length_of(&path)?.unwrap_or(0);
        self.known.insert(name.clone());
        self.store.put_file(&name, &path, 0, length)?;
        let _ = std::fs::remove_file(path);
        Ok(name)
    }

    /// Sends what has been added to a file of the scratch folder since it was sent last, to `name`.
    pub(crate) fn send_growth(
        &mut self,
        file: &str,
        length: u64,
        name: Option<String>,
    ) -> Result<Option<String>, DestinationError> {
        let sent = self.length_of(file);
        if length <= sent {
            return Ok(None);
        }
        let name = name.unwrap_or_else(|| self.own_name("part"));
        self.known.insert(name.clone());
        self.store.put_file(&name, &self.scratch().join(file), sent, length)?;
        let piece = Piece { name: name.clone(), length: length - sent };
        self.pieces.entry(file.to_owned()).or_default().push(piece);
        Ok(Some(name))
    }

    fn length_of(&self, file: &str) -> u64 {
        self.pieces(file).iter().map(|piece| piece.length).sum()
    }

    pub(crate) fn pieces(&self, file: &str) -> &[Piece] {
        self.pieces.get(file).map(Vec::as_slice).unwrap_or_default()
    }

    /// Makes a file of the scratch folder as it was when it was sent last, or, if nobody will read it, as long as it was.
    pub(crate) fn fetch(&self, file: &str, is_read: bool) -> Result<(), DestinationError> {
        let path = self.scratch().join(file);
        let io = |cause| DestinationError::io(&path, cause);
        let mut target =
            OpenOptions::new().create(true).truncate(true).write(true).open(&path).map_err(io)?;
        if !is_read {
            return target.set_len(self.length_of(file)).map_err(io);
        }
        for piece in self.pieces(file) {
            std::io::Write::write_all(&mut target, &self.bytes(&piece.name)?).map_err(io)?;
        }
        Ok(())
    }

    /// Gives back the room of a file that nobody will read.
    pub(crate) fn forget_bytes(&self, file: &str) -> Result<(), DestinationError> {
        self.fetch(file, false)
    }

    /// Brings an object to its own name in the scratch folder.
    pub(crate) fn fetch_object(&self, name: &str) -> Result<(), DestinationError> {
        let path = self.scratch().join(name);
        let bytes = self.bytes(name)?;
        let folder = path.parent().unwrap_or(self.scratch());
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, bytes))
            .map_err(|cause| DestinationError::io(&path, cause))
    }

    fn bytes(&self, name: &str) -> Result<bytes::Bytes, DestinationError> {
        match self.store.get(name)? {
            Some(object) => Ok(object.bytes),
            None => Err(self.gone(name)),
        }
    }

    /// Refuses to go on where objects are missing.
    pub(crate) fn check_there<'a>(
        &self,
        names: impl IntoIterator<Item = &'a String>,
    ) -> Result<(), DestinationError> {
        let mut listed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for name in names {
            let folder = name.split_once('/').map_or("", |(folder, _)| folder);
            if !listed.contains_key(folder) {
                listed.insert(folder, self.store.list(folder)?.into_iter().collect());
            }
            if !listed.get(folder).is_some_and(|there| there.contains(name)) {
                return Err(self.gone(name));
            }
        }
        Ok(())
    }

    fn gone(&self, name: &str) -> DestinationError {
        let path = format!("{}/{name}", self.store.address()).into();
        DestinationError::Corrupt { path, reason: "it is gone, with rows of a load".to_owned() }
    }

    /// Adds a log's lines, as an object of their own.
    pub(crate) fn log(&mut self, kind: &str, lines: Vec<u8>) -> Result<(), DestinationError> {
        let name = self.own_name("jsonl").replace(STATE, &format!("{STATE}/{kind}"));
        self.store.put(&name, lines)
    }

    /// Makes `pipelines` what counts: the moment at which a commit happens.
    ///
    /// # Errors
    /// `Locked` if another run has committed since: then nothing of this one ever will.
    pub(crate) fn commit(&mut self, pipelines: &Pipelines) -> Result<(), DestinationError> {
        let used: BTreeSet<&String> =
            pipelines.values().flat_map(|held| held.marks.values()).flat_map(Mark::own_files).collect();
        self.pieces.retain(|file, _| used.contains(file));
        let state = self.own_name("state.zst");
        let kept = Kept { version: VERSION, pipelines, pieces: &self.pieces };
        let packed = serde_json::to_vec(&kept)
            .map_err(std::io::Error::from)
            .and_then(|text| zstd::encode_all(text.as_slice(), 0));
        let packed = packed.map_err(|cause| DestinationError::io(self.scratch(), cause))?;
        self.store.put(&state, packed)?;
        self.known.insert(state.clone());
        let link = Link { form: self.form, commit: state.clone(), state: state.clone() };
        let text = manifest::text(pipelines, Some(&link))
            .map_err(|cause| DestinationError::io(self.scratch(), cause))?;
        // What is there by now and not named can only be named by runs that read an older head, and so never will be.
        if !self.swept {
            self.sweep(pipelines)?;
        }
        let put = self.store.put_if(manifest::NAME, text, self.version.as_ref());
        self.version = Some(match put {
            Ok(Put::Done(version)) => version,
            // The answer to what was done may have been lost, and what was asked again have met itself.
            refused => match (refused, self.latest_commit()) {
                (_, Ok(Some((version, latest)))) if latest == link.commit => version,
                (Ok(_), _) => {
                    let path = self.store.address().to_string().into();
                    return Err(DestinationError::Locked { path, by: "run" });
                }
                (Err(error), Ok(_)) => return Err(error),
                (Err(error), Err(_)) => {
                    let cause = error.to_string();
                    let at = self.store.address().to_string();
                    return Err(DestinationError::Store { at, cause, failure: StoreFailure::LostInCommit });
                }
            },
        });
        let mut named = self.named(pipelines);
        named.insert(state);
        // Should that fail, a later run does it.
        for name in self.known.difference(&named) {
            let _ = self.store.delete(name);
        }
        self.known = named;
        Ok(())
    }

    fn latest_commit(&self) -> Result<Option<(UpdateVersion, String)>, DestinationError> {
        let Some(head) = self.store.get(manifest::NAME)? else { return Ok(None) };
        let named: Option<Named> = serde_json::from_slice(&head.bytes).ok();
        let commit = named.and_then(|named| named.store).map(|link| link.commit).unwrap_or_default();
        Ok(Some((head.version, commit)))
    }

    /// All that `pipelines` stand on, but for the state itself.
    fn named(&self, pipelines: &Pipelines) -> BTreeSet<String> {
        let visible =
            pipelines.values().flat_map(|held| held.files.values()).flat_map(|files| &files.visible);
        let marks = pipelines.values().flat_map(|held| held.marks.values());
        let parts = marks.flat_map(|mark| &mark.parts).flat_map(Parts::all);
        let pieces = self.pieces.values().flatten().map(|piece| &piece.name);
        visible.chain(parts).chain(pieces).cloned().collect()
    }

    /// Finds what killed runs have left.
    fn sweep(&mut self, pipelines: &Pipelines) -> Result<(), DestinationError> {
        let folders = pipelines.values().flat_map(folders_of).chain([STATE.to_owned()]);
        for folder in folders.collect::<BTreeSet<_>>() {
            let found = self.store.list(&folder)?;
            self.known.extend(found.into_iter().filter(|name| is_ours(name)));
        }
        self.swept = true;
        Ok(())
    }
}

/// Where a pipeline's files are.
fn folders_of(held: &Held) -> BTreeSet<String> {
    let tables = held.files.iter().flat_map(|(resource, files)| {
        std::iter::once(resource).chain(files.schema.tables.iter().map(|table| &table.name))
    });
    tables.map(|name| file_name::encode(name)).collect()
}

/// Whether a run gives such names: `…-<16 hexadecimal digits>-<6 digits or more>.<kind>`.
fn is_ours(name: &str) -> bool {
    let stem = name.rsplit_once('/').map_or(name, |(_, file)| file).split('.').next().unwrap_or_default();
    let Some((stem, number)) = stem.rsplit_once('-') else { return false };
    let run = stem.rsplit_once('-').map_or(stem, |(_, run)| run);
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    number.len() >= 6
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && run.len() == 16
        && run.bytes().all(is_hex)
}

/// What a store holds: the head's version, what the pipelines left, and of which objects their files are.
type Found = (Option<UpdateVersion>, Pipelines, Pieces);

fn read(store: &Store, form: Form) -> Result<Option<Found>, DestinationError> {
    let corrupt = |name: &str, reason: String| DestinationError::Corrupt {
        path: format!("{}/{name}", store.address()).into(),
        reason,
    };
    for _ in 0..READS {
        let Some(head) = store.get(manifest::NAME)? else { return Ok(None) };
        let named = serde_json::from_slice(&head.bytes);
        let Ok(Named { version: VERSION, store: Some(link) }) = named else {
            return Err(DestinationError::NotOurs {
                name: format!("{}/{}", store.address(), manifest::NAME),
                reason: "it is not what a run of this version writes into a store".to_owned(),
            });
        };
        if link.form != form {
            return Err(DestinationError::NotOurs {
                name: store.address().to_string(),
                reason: format!("its files are {}", link.form.extension()),
            });
        }
        // Another run may have committed in between, and removed it.
        let Some(state) = store.get(&link.state)? else { continue };
        let kept: Result<Kept<Pipelines, Pieces>, _> = zstd::decode_all(state.bytes.as_ref())
            .and_then(|text| serde_json::from_slice(&text).map_err(Into::into));
        return match kept {
            Ok(Kept { version: VERSION, pipelines, pieces }) => {
                Ok(Some((Some(head.version), pipelines, pieces)))
            }
            Ok(Kept { version, .. }) => Err(corrupt(
                &link.state,
                format!("it is of version {version}; this program knows {VERSION}: use a newer one"),
            )),
            Err(_) => Err(corrupt(&link.state, "it is not what a run leaves".to_owned())),
        };
    }
    Err(corrupt(manifest::NAME, "the state that it names is not there".to_owned()))
}

/// Writes an object, and sees that the store refuses to write it again under a condition that does not hold.
fn prove(store: &Store, run: u64) -> Result<(), DestinationError> {
    let name = format!("{STATE}/{run:016x}-000000.probe");
    let put = |expected: Option<&UpdateVersion>| store.put_if(&name, b"{}".to_vec(), expected);
    let first = put(None)?;
    let other = UpdateVersion { e_tag: Some("\"0\"".to_owned()), version: Some("1".to_owned()) };
    let heeds = matches!(first, Put::Conflict)
        || (matches!(put(None)?, Put::Conflict) && matches!(put(Some(&other))?, Put::Conflict));
    store.delete(&name)?;
    if heeds {
        return Ok(());
    }
    let cause = "it writes objects whatever the condition (If-None-Match, If-Match), so that two runs at once would spoil \
                 each other's rows";
    let at = store.address().to_string();
    Err(DestinationError::Store { at, cause: cause.to_owned(), failure: StoreFailure::Unconditional })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_write_is_ever_swept() {
        for (name, ours) in [
            ("tasks/1-0123456789abcdef-000001.parquet", true),
            (".sanderling/0123456789abcdef-000001.state.zst", true),
            ("tasks/notes.txt", false),
            ("tasks/1-000001.parquet", false),
            ("tasks/2024-01-01.parquet", false),
            ("tasks/1-0123456789ABCDEF-000001.parquet", false),
        ] {
            assert_eq!(is_ours(name), ours, "{name}");
        }
    }
}
