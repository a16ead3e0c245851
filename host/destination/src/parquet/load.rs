//! The rows of one unfinished load: in memory until a commit, then a file.

use std::collections::{BTreeMap, HashSet};

use sanderling_columns::{Change, Column, Decoded, Nested, Options, Page, Role, Schema};

use arrow_array::RecordBatch;

use super::file;
use crate::checkpoint::Load;
use crate::error::{DataError, DataErrorKind, DestinationError};
use crate::fields;
use crate::files::journal::{Mark, Parts};
use crate::files::keys::Keys;
use crate::files::part::{Names, Part, length_of};
use crate::files::{Folders, kept};
use crate::rows;
use crate::shape::options;
use crate::table::{Disposition, Rows, SharedByParents, Table, Written};
use crate::undecodable::{of_page, of_row};

/// Files of a load, in the order of their rows.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Of the resource's own rows.
    pub(crate) own: Vec<String>,
    /// Of its lists' rows, each with its table.
    pub(crate) lists: Vec<(String, String)>,
}

#[derive(Debug)]
pub(crate) struct OpenLoad {
    pub(crate) load_id: String,
    resource: String,
    disposition: Disposition,
    /// The files it has so far: in the state folder if they wait there, else where they are to be seen.
    pub(crate) parts: Vec<String>,
    /// Those of its lists' rows, each with its table.
    pub(crate) lists: Vec<(String, String)>,
    /// The columns of all its rows.
    pub(crate) schema: Schema,
    rows: u64,
    /// Rows that came: some may have been left out.
    received: u64,
    /// By table.
    batches: BTreeMap<String, Vec<RecordBatch>>,
    keys: Option<Keys>,
    /// Of each row the fields by which it may be chosen or deleted, as JSONL.
    choices: Option<(String, Part)>,
}

impl OpenLoad {
    pub(crate) fn new(
        names: &Names,
        table: &Table,
        load: &Load,
        schema: Schema,
    ) -> Result<Self, DestinationError> {
        let keys = match table.disposition {
            Disposition::Merge if table.is_keyed() => {
                let (name, part) = names.create(&table.resource, "keys")?;
                Some(Keys::open(table, name, part)?)
            }
            _ => None,
        };
        let choices = match choosing(table).is_empty() {
            true => None,
            false => Some(names.create(&table.resource, "choices")?),
        };
        Ok(Self {
            load_id: load.load_id.clone(),
            resource: table.resource.clone(),
            disposition: table.disposition,
            parts: Vec::new(),
            lists: Vec::new(),
            schema,
            rows: 0,
            received: 0,
            batches: BTreeMap::new(),
            keys,
            choices,
        })
    }

    /// A load that goes on at its mark.
    pub(crate) fn marked(folders: &Folders, table: &Table, mark: &Mark) -> Result<Self, DestinationError> {
        let parts = mark.parts.clone().unwrap_or_default();
        let folder = if mark.beside.is_some() { &folders.state } else { &folders.data };
        let keys = mark.keys.as_ref();
        let needed = parts.all().map(|name| (folder.join(name), 1));
        let beside = keys.into_iter().chain(&parts.choices);
        let needed = needed.chain(beside.map(|(name, length)| (folders.state.join(name), *length)));
        for (path, least) in needed {
            if length_of(&path)?.is_none_or(|length| length < least) {
                let reason = format!("it is gone, with the rows of load {}", mark.load_id);
                return Err(DestinationError::Corrupt { path, reason });
            }
        }
        let keys = match keys {
            Some((name, length)) => {
                let part = Part::open(folders.state.join(name), *length)?;
                Some(Keys::open(table, name.clone(), part)?)
            }
            None => None,
        };
        let choices = match parts.choices {
            Some((name, length)) => {
                let part = Part::open(folders.state.join(&name), length)?;
                Some((name, part))
            }
            None => None,
        };
        Ok(Self {
            load_id: mark.load_id.clone(),
            resource: table.resource.clone(),
            disposition: mark.disposition,
            parts: parts.names,
            lists: parts.lists,
            schema: parts.schema,
            rows: mark.length,
            received: parts.received,
            batches: BTreeMap::new(),
            keys,
            choices,
        })
    }

    /// The same, where its files are not in a folder.
    pub(crate) fn marked_elsewhere(
        folders: &Folders,
        table: &Table,
        mark: &Mark,
    ) -> Result<Self, DestinationError> {
        let mut parts = mark.parts.clone().unwrap_or_default();
        let (names, lists) = (std::mem::take(&mut parts.names), std::mem::take(&mut parts.lists));
        let mark = Mark { parts: Some(parts), ..mark.clone() };
        Ok(Self { parts: names, lists, ..Self::marked(folders, table, &mark)? })
    }

    pub(crate) fn is_beside(&self) -> bool {
        self.disposition != Disposition::Append
    }

    /// How far it has come.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            load_id: self.load_id.clone(),
            disposition: self.disposition,
            // There is no one file beside.
            beside: self.is_beside().then(String::new),
            start: 0,
            length: self.rows,
            keys: self.keys.as_ref().map(|keys| (keys.name.clone(), keys.part.length())),
            parts: Some(Parts {
                names: self.parts.clone(),
                lists: self.lists.clone(),
                received: self.received,
                schema: self.schema.clone(),
                choices: self.choices.as_ref().map(|(name, part)| (name.clone(), part.length())),
            }),
        }
    }

    /// Takes a page: all of it or, on an error, nothing. `owner` says whose a folder is.
    pub(crate) fn write(
        &mut self,
        table: &Table,
        page: &Rows,
        owner: impl Fn(&str) -> Option<String>,
    ) -> Result<Written, DestinationError> {
        let before = self.choices.as_ref().map_or(0, |(_, choices)| choices.length());
        let mut schema = self.schema.clone();
        let decoded = decode(table, page, self.received, &mut schema)?;
        if let Some(refused) = decoded.refused.first() {
            let kind = of_row(table, &refused.line, &refused.reason);
            return Err(DestinationError::data(&self.resource, Some(refused.row), kind));
        }
        let lists = schema.tables.iter().skip(1).filter(|list| self.schema.table(&list.name).is_none());
        for list in lists {
            let of = if list.name.eq_ignore_ascii_case(&self.resource) {
                Some(self.resource.clone())
            } else {
                owner(&list.name)
            };
            if let Some(of) = of {
                let reason = format!("`{of}` has its rows in a folder of that name");
                let kind = DataErrorKind::ListTable { table: list.name.clone(), reason };
                return Err(DestinationError::data(&self.resource, None, kind));
            }
        }
        let left_out = |row: &u64| decoded.discarded_rows.binary_search(row).is_ok();
        let lines = || Ok(rows::lines(&self.resource, page)?.filter(|(row, _)| !left_out(row)));
        let page_keys = match &self.keys {
            Some(keys) => Some(keys.check(table, page.partition_key, lines()?)?),
            None => None,
        };
        if let Some((_, choices)) = &mut self.choices {
            let text = chosen_by(&choosing(table), lines()?);
            choices.append(&[text.as_bytes()])?;
        }
        if let (Some(keys), Some(page_keys)) = (&mut self.keys, &page_keys) {
            if let Err(error) = keys.append(page_keys) {
                if let Some((_, choices)) = &mut self.choices {
                    choices.cut(before)?;
                }
                return Err(error);
            }
            keys.note(page_keys);
        }
        let had_columns = !self.schema.tables.is_empty();
        self.schema = schema;
        let discarded_rows = decoded.discarded_rows.len() as u64;
        self.rows += page.count - discarded_rows;
        self.received += page.count;
        for found in decoded.tables {
            self.batches.entry(found.table).or_default().push(found.batch);
        }
        let news =
            decoded.new_columns.into_iter().filter(|new| had_columns && new.change != Change::NewTable);
        let new = news.map(|new| new.column).filter(Column::is_of_rows);
        Ok(Written {
            rows: page.count - discarded_rows,
            new_columns: new.map(|column| column.name).collect(),
            discarded_rows,
            discarded_values: decoded.discarded_values,
        })
    }

    /// What waits becomes files of the state folder, durable: one of its own rows, and one of each list's.
    pub(crate) fn flush(&mut self, folders: &Folders, names: &Names) -> Result<Files, DestinationError> {
        let mut files = Files::default();
        for (at, of) in self.schema.tables.iter().enumerate() {
            let Some(batches) = self.batches.get(&of.name) else { continue };
            let (name, _) = names.create(&self.resource, "part")?;
            file::write(&folders.state.join(&name), &of.arrow(), batches)?;
            if at == 0 {
                files.own.push(name);
            } else {
                files.lists.push((of.name.clone(), name));
            }
        }
        self.batches.clear();
        Ok(files)
    }

    pub(crate) fn sync(&mut self) -> Result<(), DestinationError> {
        self.choices.as_mut().map_or(Ok(()), |(_, choices)| choices.sync())?;
        self.keys.as_mut().map_or(Ok(()), |keys| keys.part.sync())
    }

    pub(crate) fn distinct_keys(&self) -> Result<Option<u64>, DestinationError> {
        self.keys.as_ref().map(Keys::distinct).transpose()
    }

    pub(crate) fn shared_by_parents(&self) -> Result<Option<SharedByParents>, DestinationError> {
        self.keys.as_ref().map_or(Ok(None), Keys::shared_by_parents)
    }

    /// Its files in the state folder, with the rows that stay: of each key the one that counts, and none that is deleted;
    /// of lists those of such rows.
    pub(crate) fn kept(
        &mut self,
        table: &Table,
        folders: &Folders,
        names: &Names,
    ) -> Result<Files, DestinationError> {
        self.sync()?;
        let (parts, lists) = (std::mem::take(&mut self.parts), std::mem::take(&mut self.lists));
        let choices = self.choices.as_ref().map(|(_, part)| part.path());
        // Without choices the last row of each key stays, and nothing is read.
        let mut leaves = kept::leaves(table, choices.unwrap_or(folders.state.as_path()), self.keys.as_ref())?;
        if !leaves.contains(&true) {
            return Ok(Files { own: parts, lists });
        }
        let mut gone = HashSet::new();
        leaves.resize(usize::try_from(self.rows).unwrap_or(0), false);
        let stays: Vec<bool> = leaves.into_iter().map(|leaves| !leaves).collect();
        let mut kept = Vec::new();
        let mut rest = stays.as_slice();
        for part in parts {
            let path = folders.state.join(&part);
            let rows = file::rows(&path)?;
            let (own, others) = rest.split_at_checked(rows).unwrap_or((rest, &[]));
            rest = others;
            if !lists.is_empty()
                && let Some(id) = self.system(0, Role::RowId)
            {
                let ids = file::texts(&path, id)?.into_iter().zip(own);
                gone.extend(ids.filter(|(_, stays)| !**stays).filter_map(|(id, _)| id));
            }
            if let Some(name) = self.copy(folders, names, part, own)? {
                kept.push(name);
            }
        }
        let mut kept = Files { own: kept, lists: Vec::new() };
        for (list, part) in lists {
            let at = self.schema.tables.iter().position(|of| of.name == list);
            let Some(root) = at.and_then(|at| self.system(at, Role::RootId)) else { continue };
            let roots = file::texts(&folders.state.join(&part), root)?;
            let stays: Vec<bool> =
                roots.iter().map(|root| root.as_ref().is_none_or(|root| !gone.contains(root))).collect();
            if let Some(name) = self.copy(folders, names, part, &stays)? {
                kept.lists.push((list, name));
            }
        }
        Ok(kept)
    }

    /// A file with the rows of `part` that stay: itself, where all do; none, where none does.
    fn copy(
        &self,
        folders: &Folders,
        names: &Names,
        part: String,
        stays: &[bool],
    ) -> Result<Option<String>, DestinationError> {
        if stays.iter().all(|stays| *stays) {
            return Ok(Some(part));
        }
        if !stays.contains(&true) {
            return Ok(None);
        }
        let (name, _) = names.create(&self.resource, "merged")?;
        file::copy(&folders.state.join(part), &folders.state.join(&name), stays)?;
        Ok(Some(name))
    }

    /// The name of a column that was added to the table at a place.
    fn system(&self, at: usize, role: Role) -> Option<&str> {
        let table = self.schema.tables.get(at)?;
        table.columns.iter().find(|column| column.role == role).map(|column| column.name.as_str())
    }
}

fn decode(
    table: &Table,
    page: &Rows,
    first_row: u64,
    schema: &mut Schema,
) -> Result<Decoded, DestinationError> {
    let options = Options { root_id: true, ..options(table, Nested::Columns, None) };
    let Rows { ndjson, count, load_id, loaded_at_ms, .. } = *page;
    let page = Page { ndjson, count, first_row, load_id, loaded_at_ms };
    sanderling_columns::decode(&page, schema, &options).map_err(|error| of_page(table, error))
}

/// What a page would bring to `schema`, and what would be written of it. On an error the schema is as it was.
pub(crate) fn foresee(table: &Table, page: &Rows, schema: &mut Schema) -> Result<Written, DestinationError> {
    let had_columns = !schema.tables.is_empty();
    let decoded = decode(table, page, 0, schema)?;
    if let Some(refused) = decoded.refused.first() {
        let kind = of_row(table, &refused.line, &refused.reason);
        return Err(DestinationError::data(&table.resource, Some(refused.row), kind));
    }
    let discarded_rows = decoded.discarded_rows.len() as u64;
    let news = decoded.new_columns.into_iter().filter(|new| had_columns && new.change != Change::NewTable);
    Ok(Written {
        rows: page.count - discarded_rows,
        new_columns: news.map(|new| new.column.name).collect(),
        discarded_rows,
        discarded_values: decoded.discarded_values,
    })
}

/// The rows of a page that cannot be written as they are, each with what is wrong with it.
pub(crate) fn breaches(
    table: &Table,
    page: &Rows,
    mut schema: Schema,
) -> Result<Vec<DataError>, DestinationError> {
    let decoded = decode(table, page, 0, &mut schema)?;
    let breach = |refused: &sanderling_columns::Refused| DataError {
        resource: table.resource.clone(),
        row: Some(refused.row),
        kind: of_row(table, &refused.line, &refused.reason),
    };
    Ok(decoded.refused.iter().map(breach).filter(|breach| breach.kind.is_of_row()).collect())
}

/// The fields by which rows of one key are chosen, or deleted.
fn choosing(table: &Table) -> Vec<&str> {
    if table.disposition != Disposition::Merge {
        return Vec::new();
    }
    let sort = table.dedup_sort.as_ref().map(|sort| sort.field.as_str());
    sort.into_iter().chain(table.hard_delete.as_deref()).collect()
}

/// These fields of each line, as an object a line.
fn chosen_by<'a>(names: &[&str], lines: impl Iterator<Item = (u64, &'a str)>) -> String {
    let mut text = String::new();
    for (_, line) in lines {
        let found = fields::find(line, names).unwrap_or_default();
        text.push('{');
        let mut comma = "";
        for (at, (name, json)) in names.iter().zip(found).enumerate() {
            if let Some(json) = json.filter(|_| names.iter().position(|other| other == name) == Some(at)) {
                text.push_str(comma);
                text.push_str(&serde_json::Value::from(*name).to_string());
                text.push(':');
                text.push_str(json);
                comma = ",";
            }
        }
        text.push_str("}\n");
    }
    text
}
