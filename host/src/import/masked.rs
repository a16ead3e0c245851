//! Code of another tool as messages show it: without the texts in it that may be credentials.

use crate::secrets::named::is_credential;

/// The code, with `…` in the place of text literals that may be credentials.
pub(super) fn masked(code: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(code.len()), code);
    // The last word, and whether it names what follows.
    let (mut word, mut names) = (String::new(), false);
    while let Some(char) = rest.chars().next() {
        if matches!(char, '"' | '\'') {
            let (literal, after) = literal(rest, char);
            let inner = literal.trim_matches(char);
            if (names && is_credential(&word)) || is_telling(inner) {
                out.extend([char, '…', char]);
            } else {
                out.push_str(literal);
            }
            (word, names, rest) = (inner.to_owned(), false, after);
            continue;
        }
        let end = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
        let (part, after) = match end {
            0 => rest.split_at(char.len_utf8()),
            end => rest.split_at(end),
        };
        if end > 0 {
            (word, names) = (part.to_owned(), false);
        } else {
            names |= matches!(char, '=' | ':' | ',');
        }
        out.push_str(part);
        rest = after;
    }
    out
}

fn is_of_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The text literal that the code begins with, and what stands behind it.
fn literal(code: &str, quote: char) -> (&str, &str) {
    let mut escaped = false;
    let end = code.char_indices().skip(1).find(|(_, char)| {
        let ends = *char == quote && !escaped;
        escaped = *char == '\\' && !escaped;
        ends
    });
    code.split_at(end.map_or(code.len(), |(at, _)| at + quote.len_utf8()))
}

/// Whether a text looks like a credential: one in an address, or letters and digits as nobody writes them.
fn is_telling(text: &str) -> bool {
    if let Some((_, rest)) = text.split_once("://") {
        return rest.split(['/', '?']).next().is_some_and(|host| host.contains('@'));
    }
    let is_plain = text.chars().all(|c| is_of_word(c) || matches!(c, '-' | '+' | '=' | '.'));
    let has = |wanted: fn(&char) -> bool| text.chars().any(|c| wanted(&c));
    let is_date = text
        .get(..5)
        .is_some_and(|start| start.ends_with('-') && start.bytes().take(4).all(|byte| byte.is_ascii_digit()));
    text.len() >= 12 && is_plain && !is_date && has(char::is_ascii_digit) && has(char::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_code_are_not_shown() {
        let cases = [
            (r#"os.environ.get("API_KEY", "abc")"#, r#"os.environ.get("API_KEY", "…")"#),
            (r#"run(source, password='it\'s', n=1)"#, "run(source, password='…', n=1)"),
            (r#"{"token": "abc"}"#, r#"{"token": "…"}"#),
            (r#"postgres("postgresql://u:p@h/db")"#, r#"postgres("…")"#),
            (r#"make("sk_live_0123456789")"#, r#"make("…")"#),
            (r#"dlt.secrets["api_key"]"#, r#"dlt.secrets["api_key"]"#),
            (r#"f(token, "plain", "2024-01-01T00:00:00Z")"#, r#"f(token, "…", "2024-01-01T00:00:00Z")"#),
            (r#"get("https://a.io/v1/x2", key)"#, r#"get("https://a.io/v1/x2", key)"#),
            ("a = \"é", "a = \"é"),
            ("token = \"é", "token = \"…\""),
        ];
        for (code, shown) in cases {
            assert_eq!(masked(code), shown);
        }
    }
}
