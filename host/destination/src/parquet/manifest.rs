//! `manifest.json`: which files hold the rows of each resource, as of the last commit.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;

use sanderling_columns::TableSchema;
use serde::Serialize;

use crate::error::DestinationError;
use crate::file_name;
use crate::files::Folders;
use crate::files::head::Link;
use crate::files::journal::Pipelines;
use crate::files::part::sync_folder;

/// Its name in the folder of rows.
pub(crate) const NAME: &str = "manifest.json";

#[derive(Serialize)]
struct Manifest<'p> {
    version: u32,
    /// In a store only.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'p Link>,
    resources: BTreeMap<&'p str, Resource<'p>>,
}

#[derive(Default, Serialize)]
struct Resource<'p> {
    files: Vec<&'p str>,
    columns: BTreeMap<&'p str, String>,
    /// Of its lists, by their tables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    lists: BTreeMap<&'p str, Resource<'p>>,
}

fn columns(table: &TableSchema) -> impl Iterator<Item = (&str, String)> {
    table.columns.iter().map(|column| (column.name.as_str(), column.data_type.to_string()))
}

/// What one says.
pub(crate) fn text(pipelines: &Pipelines, store: Option<&Link>) -> std::io::Result<Vec<u8>> {
    let mut manifest = Manifest { version: 1, store, resources: BTreeMap::new() };
    for (name, files) in pipelines.values().flat_map(|held| &held.files) {
        let resource = manifest.resources.entry(name.as_str()).or_default();
        resource.columns.extend(files.schema.tables.first().into_iter().flat_map(columns));
        for list in files.schema.tables.iter().skip(1) {
            resource.lists.entry(list.name.as_str()).or_default().columns.extend(columns(list));
        }
        for file in &files.visible {
            let is_its = |list: &&TableSchema| {
                file.strip_prefix(&file_name::encode(&list.name)).is_some_and(|rest| rest.starts_with('/'))
            };
            let of = match files.schema.tables.iter().skip(1).find(is_its) {
                Some(list) => resource.lists.entry(list.name.as_str()).or_default(),
                None => &mut *resource,
            };
            of.files.push(file.as_str());
        }
    }
    let mut text = serde_json::to_vec_pretty(&manifest)?;
    text.push(b'\n');
    Ok(text)
}

/// Puts a new one in the place of the old.
pub(crate) fn write(folders: &Folders, pipelines: &Pipelines) -> Result<(), DestinationError> {
    let path = folders.data.join(NAME);
    let new = folders.data.join(format!(".{NAME}.new"));
    let written = text(pipelines, None).and_then(|text| {
        let mut file = File::create(&new)?;
        file.write_all(&text)?;
        file.sync_data()?;
        fs::rename(&new, &path)
    });
    written.map_err(|cause| DestinationError::io(&path, cause))?;
    sync_folder(&folders.data)
}
