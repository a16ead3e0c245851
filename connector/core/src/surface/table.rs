//! The surface as the tables of the reference, in Markdown.

use super::sections::{NAMED, SECTIONS};
use super::{Default, Row, Shape};

/// One table for each object of a config.
pub fn table() -> String {
    let mut out = String::new();
    for section in SECTIONS {
        out.push_str(&format!(
            "### {}\n\n| key | type | default | what it says |\n|---|---|---|---|\n",
            section.title
        ));
        for row in section.rows {
            out.push_str(&line(row));
        }
        out.push('\n');
    }
    out
}

fn line(row: &Row) -> String {
    let default = match row.default {
        Default::Required => "required".to_owned(),
        Default::None => String::new(),
        Default::Json(json) => format!("`{}`", json.trim_matches('"')),
    };
    format!("| `{}` | {} | {default} | {} |\n", row.key, noun(&row.shape), row.says)
}

/// What a value may be, in words.
fn noun(shape: &Shape) -> String {
    match shape {
        Shape::Any => "anything".to_owned(),
        Shape::Bool => "true or false".to_owned(),
        Shape::Count => "whole number".to_owned(),
        Shape::Number => "number".to_owned(),
        Shape::Text => "text".to_owned(),
        Shape::Scalar => "text, number or boolean".to_owned(),
        Shape::Words(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Shape::List(item) => format!("list of {}", plain(item)),
        Shape::Map(value) => format!("object of {}", plain(value)),
        Shape::Either(several) => several.iter().map(noun).collect::<Vec<_>>().join("; or "),
        Shape::Section(name) | Shape::Union(name, []) => format!("[{}](#{})", title(name).0, title(name).1),
        Shape::Union(name, _) => format!("a type, or [{name}](#{})", title(name).1),
    }
}

/// The same within a list or an object, where several need brackets.
fn plain(shape: &Shape) -> String {
    match shape {
        Shape::Either(_) => format!("({})", noun(shape)),
        other => noun(other),
    }
}

/// What a section is called, and the heading to go to.
fn title(name: &str) -> (String, String) {
    let of = NAMED.iter().find(|(named, _)| *named == name).map_or(name, |(_, of)| of);
    let of = match of {
        "auth" => "bearer",
        "paginator" => "offset",
        other => other,
    };
    let title = SECTIONS.iter().find(|section| section.name == of).map_or(of, |section| section.title);
    let anchor: String = title
        .to_lowercase()
        .chars()
        .filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'))
        .map(|char| if char == ' ' { '-' } else { char })
        .collect();
    let called = match name {
        "auth" => "auth".to_owned(),
        "named_resource" => "a resource with its `name`".to_owned(),
        "listed_column" => "a column with its `name`".to_owned(),
        _ => {
            let mut chars = title.chars();
            chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
        }
    };
    (called, anchor)
}
