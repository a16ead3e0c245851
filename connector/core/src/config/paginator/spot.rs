//! Where in a request a paginator writes.

use std::fmt;

use crate::diagnostic::Problems;
use crate::document::Fields;

/// A parameter, or a place in a body of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spot {
    Param(String),
    /// Names from the outermost object inwards.
    Body(Vec<String>),
}

impl Spot {
    /// The parameter's name, if it is one.
    pub(crate) fn param(&self) -> Option<&str> {
        match self {
            Self::Param(name) => Some(name),
            Self::Body(_) => None,
        }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(name) => f.write_str(name),
            Self::Body(path) => f.write_str(&path.join(".")),
        }
    }
}

/// The spot that one of both keys names, or the parameter that is the default. By dlt's rule a body's path is plain names
/// with dots between them.
pub(super) fn read(
    fields: &mut Fields<'_>,
    [param_key, body_key]: [&str; 2],
    default: &str,
    problems: &mut Problems,
) -> Spot {
    let param = fields.take(param_key);
    let Some(body) = fields.take(body_key) else {
        let name = match param {
            Some(node) => {
                node.name("the name of a parameter", problems).map_or_else(String::new, |name| name.value)
            }
            None => default.to_owned(),
        };
        return Spot::Param(name);
    };
    if param.is_some() {
        let message =
            format!("it is sent as a parameter or in the body: `{param_key}` or `{body_key}`, not both");
        problems.add(&body.pointer, message);
    }
    let path = body.name("a path in the body", problems).map_or_else(String::new, |path| path.value);
    let names: Vec<String> = path.split('.').map(str::to_owned).collect();
    if !path.is_empty() && names.iter().any(String::is_empty) {
        let message = format!("`{path}` is no path in a body");
        problems.hint(&body.pointer, message, "names with dots between them: `paging.offset`");
    }
    Spot::Body(names)
}
