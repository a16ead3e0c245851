//! Edits of TOML, by a library that keeps what it does not touch.

use serde_json::Value;
use toml_edit::{Decor, DocumentMut, Item, TableLike};

use super::super::Format;
use super::super::write::inline;
use super::{EditError, parent};

/// The text with a value set. Objects are written on one line, behind their name.
pub(super) fn set(text: &str, pointer: &str, value: &Value) -> Result<String, EditError> {
    let (around, name) = parent(pointer).ok_or(EditError::NoPlace)?;
    let mut document: DocumentMut = text.parse().map_err(|_| EditError::Unfit)?;
    let mut new: toml_edit::Value =
        inline(Format::Toml, value, true).parse().map_err(|_| EditError::Unfit)?;
    let mut item = document.as_item_mut();
    for part in around.split('/').skip(1) {
        item = step(item, &part.replace("~1", "/").replace("~0", "~")).ok_or(EditError::Unfit)?;
    }
    match step(item, &name) {
        Some(Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = new;
            *old.decor_mut() = decor;
        }
        // What has a head of its own cannot become a value without moving.
        Some(Item::Table(_) | Item::ArrayOfTables(_)) => return Err(EditError::Unfit),
        Some(Item::None) | None => {
            let table: &mut dyn TableLike = item.as_table_like_mut().ok_or(EditError::Unfit)?;
            *new.decor_mut() = Decor::new(" ", "");
            table.insert(&name, Item::Value(new));
        }
    }
    let edited = document.to_string();
    // The library ends the lines that it writes in one way.
    Ok(if text.contains("\r\n") { edited.replace("\r\n", "\n").replace('\n', "\r\n") } else { edited })
}

fn step<'a>(item: &'a mut Item, name: &str) -> Option<&'a mut Item> {
    if item.is_array_of_tables() || item.is_array() {
        return item.get_mut(name.parse::<usize>().ok()?);
    }
    item.get_mut(name)
}
