//! `config …`: a config as it is understood, and the schema of all.

use super::{print, read, request_of_config};
use crate::cli::ConfigShowArgs;
use crate::document;
use crate::error::Error;
use crate::schema::SCHEMA;
use crate::source::{self, Described};

/// Runs `config show`.
pub async fn show(args: &ConfigShowArgs) -> Result<u8, Error> {
    let text = read(&args.file.config)?;
    let Described { name, settings, config, info, .. } =
        source::describe(&request_of_config(&args.file, &text)).await?;
    let mut shown = settings.to_json(&name);
    if let serde_json::Value::Object(config) = document::without_credentials(config, &info.credentials) {
        shown.extend(config);
    }
    print(format!("{:#}\n", serde_json::Value::Object(shown)).as_bytes())
}

/// Runs `config schema`.
pub fn schema() -> Result<u8, Error> {
    print(SCHEMA.as_bytes())
}
