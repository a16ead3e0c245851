//! What a config may say, as data: every key with its type, its default and what it means.
//!
//! The JSON Schema of a config and the reference in `docs/config.md` are written from it. Tests hold it to the readers in
//! `config`: a key that one of them knows and the other does not fails them.

mod schema;
mod sections;
mod table;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;

pub use schema::schema;
pub use table::table;

/// An object of the config.
pub(crate) struct Section {
    /// Its name in the schema's `$defs`.
    pub(crate) name: &'static str,
    /// Its title in the reference.
    pub(crate) title: &'static str,
    pub(crate) rows: &'static [Row],
}

/// A key of an object.
pub(crate) struct Row {
    pub(crate) key: &'static str,
    pub(crate) shape: Shape,
    pub(crate) default: Default,
    /// What it means, as a part of a sentence.
    pub(crate) says: &'static str,
}

/// What holds where a key is not written.
pub(crate) enum Default {
    /// It must be written.
    Required,
    None,
    /// This, as JSON.
    Json(&'static str),
}

/// What a value may be.
pub(crate) enum Shape {
    Any,
    Bool,
    /// A whole number, 0 or more.
    Count,
    /// A number, 0 or more.
    Number,
    Text,
    /// A text, a number or a boolean.
    Scalar,
    /// One of these texts.
    Words(&'static [&'static str]),
    List(&'static Shape),
    /// An object with any keys.
    Map(&'static Shape),
    Either(&'static [Shape]),
    /// A section by name.
    Section(&'static str),
    /// One of several sections, told apart by `type`; these of them also by name alone.
    Union(&'static str, &'static [&'static str]),
}
