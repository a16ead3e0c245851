//! The JSON Schema of a config, for editors.

#[cfg(test)]
mod tests;

/// The schema (draft 2020-12). The tests beside write it, from what the connector and [`crate::settings`] read.
pub const SCHEMA: &str = include_str!("../../docs/config.schema.json");
