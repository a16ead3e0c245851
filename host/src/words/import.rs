//! What an import says: what was not carried over, and what the config wants from now on.

use super::{Words, exit};
use crate::import::{ImportError, LeftOut, Part, SecretUse};
use crate::show::Paint;

/// A file that nothing can be imported from.
pub(super) fn of_import(file: &str, problem: ImportError) -> Words {
    let words = Words::new(exit::CONFIG, format!("{file} cannot be imported: {problem}"));
    match problem {
        ImportError::NoPython { .. } | ImportError::Nested { .. } => words.hint("it is read as Python 3"),
        ImportError::NoYaml { .. } => words.hint("a manifest is YAML or JSON"),
        ImportError::NoStreams => words.hint("what is looked for: the manifest of a low-code connector, `streams` at its top"),
        ImportError::NoDltSource => words
            .hint("what is looked for: rest_api_source(…), rest_api_resources(…), and values of the type RESTAPIConfig"),
    }
}

/// Something that was not carried over, with its line. `part`: the config that it is missing from.
pub fn of_left(file: &str, part: Option<&Part>, left: &LeftOut, paint: Paint) -> String {
    let place = part.map(|part| part.place_of(left)).filter(|place| !place.is_empty());
    let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
    format!("{file}:{}: {} {place}{}\n", left.line, paint.note("not carried over:"), left.what)
}

/// Where a secret comes from, from now on.
pub fn of_secret_use(used: &SecretUse, paint: Paint) -> String {
    format!("{} ${{secrets.{}}}: {}\n", paint.hint("hint:"), used.name, used.given_by())
}

/// A config that was written.
pub fn of_written(path: &str, paint: Paint) -> String {
    format!("{path}: {}; try it with `sanderling check {path}`\n", paint.good("written"))
}
