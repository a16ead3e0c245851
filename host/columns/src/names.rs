//! How a field names a column: dlt's `snake_case`, exactly, or as it stands.

use sha2::{Digest, Sha256};

use crate::options::Names;

/// What separates the parts of a name that leads into nested data.
pub(crate) const SEPARATOR: &str = "__";
/// The name of a field without one.
const EMPTY: &str = "_empty";

/// The name of a column for `field`, or of a table for a resource. `a__b` is read as the path that it looks like.
#[must_use]
pub fn column(names: Names, field: &str) -> String {
    match names {
        Names::AsIs if field.is_empty() => EMPTY.to_owned(),
        Names::AsIs => field.to_owned(),
        Names::SnakeCase => {
            let parts = field.split(SEPARATOR).map(str::trim).filter(|part| !part.is_empty());
            let name = parts.map(snake_case).collect::<Vec<_>>().join(SEPARATOR);
            if name.is_empty() { EMPTY.to_owned() } else { name }
        }
    }
}

/// Two names that no database tells apart are one.
pub(crate) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// `name`, cut in the middle if it is longer than `max` bytes: what is cut is named by ten characters of its hash.
#[must_use]
pub fn shortened(name: String, max: Option<usize>) -> String {
    const TAG: usize = 10;
    let Some(max) = max.filter(|max| name.len() > *max) else { return name };
    let tag = tag(&name);
    let kept = max.saturating_sub(TAG);
    let mut head = kept.div_ceil(2);
    while !name.is_char_boundary(head) {
        head -= 1;
    }
    let mut tail = name.len() - kept / 2;
    while !name.is_char_boundary(tail) {
        tail += 1;
    }
    let part = |from, to| name.get(from..to).unwrap_or_default();
    format!("{}{tag}{}", part(0, head), part(tail, name.len()))
}

fn tag(name: &str) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let hash = Sha256::digest(name.as_bytes());
    hash.iter()
        .take(10)
        .filter_map(|byte| LETTERS.get(usize::from(byte % 32)))
        .copied()
        .map(char::from)
        .collect()
}

/// One part of a name. Not empty, nor are there spaces at its ends.
fn snake_case(part: &str) -> String {
    // 1. An alphabet of letters, digits and underscores.
    let mut plain = Vec::with_capacity(part.len() + 4);
    let mut within_run = false;
    for symbol in part.chars() {
        let (byte, other) = match symbol {
            '+' | '*' => (b'x', false),
            '-' => (b'_', false),
            '@' => (b'a', false),
            '|' => (b'l', false),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => (symbol as u8, false),
            _ => (b'_', true),
        };
        // A run of others is one underscore.
        if !(other && within_run) {
            plain.push(byte);
        }
        within_run = other;
    }
    // 2. A break before a capital with small letters behind it, but for one after an underscore.
    let mut broken = Vec::with_capacity(plain.len() + 4);
    let mut at = 0;
    while let Some(byte) = plain.get(at).copied() {
        let small = plain
            .get(at + 2..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| byte.is_ascii_lowercase())
            .count();
        let capital = plain.get(at + 1).is_some_and(u8::is_ascii_uppercase);
        broken.push(byte);
        at += 1;
        if byte != b'_' && capital && small > 0 {
            broken.push(b'_');
            // Taken whole: the next break begins behind it.
            broken.extend(plain.get(at..at + 1 + small).unwrap_or_default());
            at += 1 + small;
        }
    }
    // 3. A break between a small letter or a digit, and a capital.
    let mut name = String::with_capacity(broken.len() + 4);
    let mut before = b'_';
    for byte in broken {
        if byte.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            name.push('_');
        }
        name.push(char::from(byte.to_ascii_lowercase()));
        before = byte;
    }
    // 4. No digit first, no underscore last, no two in a row.
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    let kept = name.trim_end_matches('_').len();
    let trailing = name.len() - kept;
    name.truncate(kept);
    name.push_str(&"x".repeat(trailing));
    let mut single = String::with_capacity(name.len());
    for symbol in name.chars() {
        if !(symbol == '_' && single.ends_with('_')) {
            single.push(symbol);
        }
    }
    single
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snake_case_as_dlt_has_it() {
        for (field, name) in SNAKE {
            assert_eq!(column(Names::SnakeCase, field), *name, "{field}");
        }
    }

    #[test]
    fn as_they_stand() {
        for field in ["firstName", "a b", "ünï", "a__b"] {
            assert_eq!(column(Names::AsIs, field), field);
        }
        assert_eq!(column(Names::AsIs, ""), "_empty");
    }

    #[test]
    fn long_names_are_cut_in_the_middle() {
        let long = "a".repeat(40) + &"é".repeat(40);
        let cut = shortened(long.clone(), Some(63));
        assert!(cut.len() <= 63 && cut.starts_with("aaaa") && cut.ends_with('é'), "{cut}");
        assert_ne!(cut, shortened("a".repeat(41) + &"é".repeat(40), Some(63)));
        assert_eq!(shortened("short".into(), Some(63)), "short");
        assert_eq!(shortened(long.clone(), None), long);
    }

    /// What dlt makes of each.
    const SNAKE: &[(&str, &str)] = &[
        ("ID", "id"),
        ("firstName", "first_name"),
        ("HTTPServer", "http_server"),
        ("already_snake", "already_snake"),
        ("with space", "with_space"),
        ("dash-ed", "dash_ed"),
        ("a__b", "a__b"),
        ("_lead", "_lead"),
        ("trail_", "trailx"),
        ("1digit", "_1digit"),
        ("ünï", "_nx"),
        ("a.b", "a_b"),
        ("x+y", "xxy"),
        ("X*", "xx"),
        ("userID2", "user_id2"),
        ("A", "a"),
        ("percent%", "percentx"),
        ("@odata", "aodata"),
        ("", "_empty"),
        (" ", "_empty"),
        ("a__", "a"),
        ("__a", "a"),
        ("a___b", "a___b"),
        ("a____b", "a__b"),
        ("_", "x"),
        ("%", "x"),
        ("%%", "x"),
        ("a%%b", "a_b"),
        ("-", "x"),
        ("a--b", "a_b"),
        ("AbcDEFGhi", "abc_def_ghi"),
        ("getHTTPResponseCode", "get_http_response_code"),
        ("A1B2", "a1_b2"),
        ("a1B", "a1_b"),
        ("ABc", "a_bc"),
        ("aBC", "a_bc"),
        ("Ab", "ab"),
        ("AAb", "a_ab"),
        ("éA", "_a"),
        ("ÉtatCivil", "_tat_civil"),
        ("a_B", "a_b"),
        ("a_Bc", "a_bc"),
        ("_Bc", "_bc"),
        ("A_", "ax"),
        ("1", "_1"),
        ("1A", "_1_a"),
        ("12__34", "_12___34"),
        (" a ", "a"),
        ("a b__c D", "a_b__c_d"),
        ("x|y", "xly"),
        ("日本", "x"),
        ("日本__x", "x__x"),
        ("Straße", "stra_e"),
        ("a$", "ax"),
        ("a-", "ax"),
        ("FooBarBAZ", "foo_bar_baz"),
        ("fooBarBAZQux", "foo_bar_baz_qux"),
        ("IDs", "i_ds"),
        ("userIDs", "user_i_ds"),
        ("iPhone", "i_phone"),
        ("eBay", "e_bay"),
        ("OAuth2Token", "o_auth2_token"),
        ("v1.2.3", "v1_2_3"),
        ("a/b", "a_b"),
        ("a:b", "a_b"),
        ("__typename", "typename"),
        ("$ref", "_ref"),
        ("é", "x"),
        ("A-B", "a_b"),
        ("AB-Cd", "ab_cd"),
        ("aBcDe", "a_bc_de"),
        ("ABCDe", "abc_de"),
        ("A2b", "a2b"),
        ("a2b", "a2b"),
        ("aB2C", "a_b2_c"),
        ("x__Y__z", "x__y__z"),
        ("Ünï__1a", "_nx___1a"),
        ("tab\tbed", "tab_bed"),
    ];
}
