//! `manifest.json`: which files hold the rows of each resource, as of the last commit.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;

use serde::Serialize;

use crate::error::DestinationError;
use crate::files::Folders;
use crate::files::journal::Pipelines;
use crate::files::part::sync_folder;

/// Its name in the folder of rows.
pub(super) const NAME: &str = "manifest.json";

#[derive(Serialize)]
struct Manifest<'p> {
    version: u32,
    resources: BTreeMap<&'p str, Resource<'p>>,
}

#[derive(Default, Serialize)]
struct Resource<'p> {
    files: Vec<&'p str>,
    columns: BTreeMap<&'p str, String>,
}

/// Puts a new one in the place of the old.
pub(crate) fn write(folders: &Folders, pipelines: &Pipelines) -> Result<(), DestinationError> {
    let mut manifest = Manifest { version: 1, resources: BTreeMap::new() };
    for (name, files) in pipelines.values().flat_map(|held| &held.files) {
        let resource = manifest.resources.entry(name.as_str()).or_default();
        resource.files.extend(files.visible.iter().map(String::as_str));
        let columns = files.schema.tables.first().into_iter().flat_map(|table| &table.columns);
        resource.columns.extend(columns.map(|column| (column.name.as_str(), column.data_type.to_string())));
    }
    let path = folders.data.join(NAME);
    let new = folders.data.join(format!(".{NAME}.new"));
    let written = serde_json::to_vec_pretty(&manifest).map_err(std::io::Error::from).and_then(|text| {
        let mut file = File::create(&new)?;
        file.write_all(&text)?;
        file.write_all(b"\n")?;
        file.sync_data()?;
        fs::rename(&new, &path)
    });
    written.map_err(|cause| DestinationError::io(&path, cause))?;
    sync_folder(&folders.data)
}
