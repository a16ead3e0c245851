//! Which resource has which table: no two have one.

use crate::config::ResourceConfig;
use crate::diagnostic::Problems;

/// Refuses a `table_name` that another resource has too, by its own name or by its `table_name`. Databases take names in
/// both cases for one.
pub(super) fn check(resources: &[ResourceConfig], problems: &mut Problems) {
    let table = |of: &ResourceConfig| {
        of.tables.name.as_ref().map_or(&of.name.value, |name| &name.value).to_lowercase()
    };
    for (index, resource) in resources.iter().enumerate() {
        let Some(name) = &resource.tables.name else { continue };
        let own = name.value.to_lowercase();
        // Of two that name it, the second is at fault; one that is named so is never.
        let other = resources.iter().enumerate().find(|(at, other)| {
            *at != index && table(other) == own && (*at < index || other.tables.name.is_none())
        });
        if let Some((_, other)) = other {
            let message = format!("`{}` is the table of `{}` already", name.value, other.name.value);
            problems.hint(&name.pointer, message, "give it another name: each resource has its own table");
        }
    }
}
