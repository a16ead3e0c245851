//! The paginator that a first answer shows, where the config names none: dlt's rules in dlt's order, then more.
//!
//! A guess says what the next request is; it never ends a read that dlt would go on with. One that is wrong is loud: the
//! API repeats its page, or the rows do not reach its total.

use serde_json::{Map, Value, json};

use crate::signs::{Sign, Tells};

/// A paginator, guessed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Guess {
    /// As a config would write it.
    pub(crate) paginator: Value,
    /// What is taken to be so: the same words for every answer of an API.
    pub(crate) said: String,
}

/// Guesses from the signs in an answer of so many rows.
pub(crate) fn detect(signs: &[Sign], received: u64) -> Option<Guess> {
    let first = |wanted: fn(&Tells) -> bool| signs.iter().find(|sign| wanted(&sign.tells));
    if first(|tells| matches!(tells, Tells::HeaderLink)).is_some() {
        return guess(json!("header_link"), "the next page is taken to be where the Link header leads");
    }
    if let Some(link) = first(|tells| matches!(tells, Tells::NextUrl)) {
        return guess(
            object("json_link", [("next_url_path", json!(link.place), json!("next"))]),
            format!("the next page is taken to be the link at `{}`", link.place),
        );
    }
    numbered(signs, received)
        .or_else(|| header_cursor(signs))
        .or_else(|| cursor(signs))
        .or_else(|| counted_in_header(signs))
        .or_else(|| by_offset(signs, received))
        .or_else(|| by_page(signs, received))
}

fn guess(paginator: Value, said: impl Into<String>) -> Option<Guess> {
    Some(Guess { paginator, said: said.into() })
}

/// The paginator with the options that are not dlt's defaults: names, values, defaults.
fn object<const N: usize>(kind: &str, options: [(&str, Value, Value); N]) -> Value {
    let mut members = Map::new();
    members.insert("type".to_owned(), json!(kind));
    for (name, value, default) in options {
        if value != default {
            members.insert(name.to_owned(), value);
        }
    }
    match members.len() {
        1 => json!(kind),
        _ => Value::Object(members),
    }
}

/// The number that the first page has: what the answer says, else 1, which most APIs count from. dlt takes 0, and reads
/// the first page twice where that is wrong. `None`: another page than the first.
fn base(signs: &[Sign]) -> Option<u64> {
    let said = signs.iter().find_map(|sign| match sign.tells {
        Tells::Page(page) => Some(page),
        _ => None,
    });
    said.or(Some(1)).filter(|page| *page <= 1)
}

fn numbered(signs: &[Sign], received: u64) -> Option<Guess> {
    let base = base(signs)?;
    let counts = |sign: &&Sign| match sign.tells {
        Tells::Pages { pages, in_body: true } => {
            // The number of the last page counts one less than there are, where pages count from 0.
            let last = sign.key.to_lowercase().contains("last");
            (pages > 0 || received == 0) && !(last && base == 0)
        }
        _ => false,
    };
    let place = &signs.iter().find(counts)?.place;
    guess(
        object(
            "page_number",
            [("base_page", json!(base), json!(0)), ("total_path", json!(place), json!("total"))],
        ),
        format!("pages are taken to be numbered from {base}, and counted by `{place}`"),
    )
}

fn header_cursor(signs: &[Sign]) -> Option<Guess> {
    let sign = signs.iter().find(|sign| sign.tells == Tells::HeaderCursor)?;
    let param = if sign.place.ends_with("page") { "page" } else { "cursor" };
    guess(
        object(
            "header_cursor",
            [
                ("cursor_key", json!(sign.place), json!("next")),
                ("cursor_param", json!(param), json!("cursor")),
            ],
        ),
        format!("the next page is taken to be asked by `{param}`, from the header `{}`", sign.place),
    )
}

fn cursor(signs: &[Sign]) -> Option<Guess> {
    let leads = |sign: &&Sign| matches!(sign.tells, Tells::Cursor | Tells::NextPage | Tells::NextOffset);
    let sign = signs.iter().find(leads)?;
    let param = match sign.tells {
        Tells::NextPage => "page".to_owned(),
        Tells::NextOffset => "offset".to_owned(),
        _ => cursor_param(&sign.key),
    };
    let flag = flag_beside(signs, &sign.place);
    guess(
        object(
            "cursor",
            [
                ("cursor_path", json!(sign.place), json!("cursors.next")),
                ("cursor_param", json!(param), json!("cursor")),
                ("has_more_path", json!(flag), Value::Null),
            ],
        ),
        format!("the next page is taken to be asked by `{param}`, from `{}`", sign.place),
    )
}

/// `nextPageToken` is asked by `pageToken`; dlt asks by `cursor` always.
fn cursor_param(key: &str) -> String {
    match key {
        "nextPageToken" => "pageToken".to_owned(),
        "next_page_token" => "page_token".to_owned(),
        other if other.to_lowercase() == "offset" => other.to_owned(),
        _ => "cursor".to_owned(),
    }
}

/// The flag that stands in the same object as the cursor.
fn flag_beside<'a>(signs: &'a [Sign], place: &str) -> Option<&'a str> {
    let above = |place: &str| place.rsplit_once('.').map(|(above, _)| above.to_owned());
    let is_beside = |sign: &&Sign| {
        matches!(sign.tells, Tells::Flag(_)) && sign.place != place && above(&sign.place) == above(place)
    };
    signs.iter().find(is_beside).map(|sign| sign.place.as_str())
}

fn counted_in_header(signs: &[Sign]) -> Option<Guess> {
    let counts = |sign: &&Sign| matches!(sign.tells, Tells::Pages { in_body: false, pages } if pages > 1);
    let sign = signs.iter().find(counts)?;
    let base = base(signs)?;
    guess(
        object(
            "page_number",
            [("base_page", json!(base), json!(0)), ("total_path", Value::Null, json!("total"))],
        ),
        format!("pages are taken to be numbered from {base}, because of the header `{}`", sign.place),
    )
}

/// A total in the body that is more than the page's own number of rows.
fn total(signs: &[Sign], received: u64) -> Option<&Sign> {
    let is_total =
        |sign: &&Sign| matches!(sign.tells, Tells::Total { rows, in_body: true } if rows > received);
    signs.iter().find(is_total)
}

/// An answer that repeats offset 0 and its limit.
fn by_offset(signs: &[Sign], received: u64) -> Option<Guess> {
    let offset = signs.iter().find(|sign| sign.tells == Tells::Offset(0))?;
    let (limit, rows) = signs.iter().find_map(|sign| match sign.tells {
        Tells::Limit(rows) if rows > 0 => Some((sign, rows)),
        _ => None,
    })?;
    let total = total(signs, received);
    let has_ended = signs.iter().any(|sign| match sign.tells {
        Tells::Total { rows, in_body: true } => rows == received && sign.key.to_lowercase() != "count",
        Tells::Flag(more) => !more,
        Tells::NoNext => true,
        _ => false,
    });
    if total.is_none() && has_ended {
        return None;
    }
    let flag = signs.iter().find(|sign| total.is_none() && sign.tells == Tells::Flag(true));
    let total_path = total.map_or(Value::Null, |total| json!(total.place));
    let counted = total.map(|total| format!(", and counted by `{}`", total.place)).unwrap_or_default();
    guess(
        object(
            "offset",
            [
                ("limit", json!(rows), Value::Null),
                ("offset_param", json!(offset.key), json!("offset")),
                ("limit_param", json!(limit.key), json!("limit")),
                ("total_path", total_path, json!("total")),
                ("has_more_path", json!(flag.map(|flag| &flag.place)), Value::Null),
            ],
        ),
        format!("rows are taken to be asked by `{}` and `{}`{counted}", offset.key, limit.key),
    )
}

/// An answer that repeats its page number, and says that there are more rows.
fn by_page(signs: &[Sign], received: u64) -> Option<Guess> {
    let page = signs.iter().find(|sign| matches!(sign.tells, Tells::Page(0 | 1)))?;
    let base = base(signs)?;
    let words =
        |by: &str| format!("pages are taken to be numbered from {base}, as `{}` says{by}", page.place);
    if let Some(total) = total(signs, received) {
        return guess(
            object(
                "page_number",
                [("base_page", json!(base), json!(0)), ("total_path", json!(total.place), json!("total"))],
            ),
            words(&format!(", and their rows counted by `{}`", total.place)),
        );
    }
    let more = signs.iter().find(|sign| sign.tells == Tells::Flag(true))?;
    guess(
        object(
            "page_number",
            [
                ("base_page", json!(base), json!(0)),
                ("total_path", Value::Null, json!("total")),
                ("has_more_path", json!(more.place), Value::Null),
            ],
        ),
        words(&format!(", until `{}` is false", more.place)),
    )
}
