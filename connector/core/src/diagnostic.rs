//! What is wrong with a config: where, what, and what would mend it.

/// One thing that is wrong with a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// JSON pointer (RFC 6901) to where it was written.
    pub path: String,
    /// The sentence.
    pub message: String,
    /// What would mend it.
    pub hint: Option<String>,
}

/// All that is wrong, in the order of finding, each thing once: a fault in the defaults shows itself in every resource.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Diagnostic>);

impl Problems {
    pub(crate) fn add(&mut self, path: &str, message: impl Into<String>) {
        self.push(Diagnostic { path: path.to_owned(), message: message.into(), hint: None });
    }

    pub(crate) fn hint(&mut self, path: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Diagnostic { path: path.to_owned(), message: message.into(), hint: Some(hint.into()) });
    }

    /// Something that dlt knows and this connector does not know yet: never passed over in silence.
    pub(crate) fn later(&mut self, path: &str, what: &str) {
        self.add(path, format!("{what} is not supported yet"));
    }

    /// The same, with what can be written in its place.
    pub(crate) fn later_but(&mut self, path: &str, what: &str, hint: impl Into<String>) {
        self.hint(path, format!("{what} is not supported yet"), hint);
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        if !self.0.contains(&diagnostic) {
            self.0.push(diagnostic);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_vec(self) -> Vec<Diagnostic> {
        self.0
    }
}

/// The candidate that a misspelt `word` most likely means, if any is near enough.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = word.chars().count().max(3) / 3 + 1;
    candidates
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), candidate)
        })
        .filter(|(distance, candidate)| *distance <= far && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean …?`, if a candidate is near.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// All of the names, where a person has to choose one.
pub(crate) fn all<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Names for a sentence: `a`, `b`, `c` …
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.get(..12) {
        Some(first) if names.len() > 12 => format!("{} and {} more", first.join(", "), names.len() - 12),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn suggests_only_near_names() {
        let keys = ["data_selector", "paginator", "path", "params"];
        assert_eq!(nearest("data_selectr", keys), Some("data_selector"));
        assert_eq!(nearest("Paginater", keys), Some("paginator"));
        assert_eq!(nearest("pth", keys), Some("path"));
        assert_eq!(nearest("zzzzzz", keys), None);
    }

    #[test]
    fn says_each_thing_once() {
        let mut problems = Problems::default();
        problems.later("/a", "`json`");
        problems.later("/a", "`json`");
        assert_eq!(problems.into_vec().len(), 1);
    }
}
