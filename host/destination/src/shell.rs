//! Words of a command as a shell reads them.

use std::path::Path;

/// None for a path that is not Unicode: a command that cannot be copied is no help.
pub(crate) fn path(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    // A leading dash would be taken for an option.
    Some(word(&if text.starts_with('-') { format!("./{text}") } else { text.to_owned() }))
}

/// As it is, quoted where the shell would read something into it.
pub(crate) fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./%+=:@".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_reads_as_they_are() {
        for (text, expected) in [
            ("out/tasks.jsonl", "out/tasks.jsonl"),
            ("my data.db", "'my data.db'"),
            ("it's", r"'it'\''s'"),
            ("$(rm)", "'$(rm)'"),
            ("", "''"),
        ] {
            assert_eq!(word(text), expected);
        }
        assert_eq!(path(Path::new("-x.db")), Some("./-x.db".to_owned()));
    }
}
