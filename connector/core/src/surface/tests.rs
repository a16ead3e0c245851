//! The surface against the readers, and against the files that are written from it.

use serde_json::{Value, json};

use super::sections::{SECTIONS, members};
use super::{Default, Shape};

/// A config with `value` where the section stands.
fn placed(section: &str, value: Value) -> Value {
    let with = |resource: Value| json!({"client": {"base_url": "https://a.test"}, "resources": [resource]});
    let endpoint = |endpoint: Value| with(json!({"name": "a", "endpoint": endpoint}));
    match section {
        "config" => value,
        "client" => json!({"client": value, "resources": ["a"]}),
        "resource" => json!({"client": {"base_url": "https://a.test"}, "resources": {"a": value}}),
        "endpoint" => endpoint(value),
        "error_handler" => endpoint(json!({"error_handler": value})),
        "response_action" => endpoint(json!({"response_actions": [value]})),
        "step" => with(json!({"name": "a", "processing_steps": [value]})),
        "incremental" => endpoint(json!({"incremental": value})),
        "resolve" | "incremental_param" => endpoint(json!({"params": {"x": value}})),
        "write_disposition" => with(json!({"name": "a", "write_disposition": value})),
        "delete_absent" => with(json!({
            "name": "a", "write_disposition": "merge", "primary_key": "id", "delete_absent": value
        })),
        "column" => with(json!({"name": "a", "columns": {"x": value}})),
        other if members("auth").contains(&other) => endpoint(json!({"auth": value})),
        other if members("paginator").contains(&other) => endpoint(json!({"paginator": value})),
        other => panic!("say where `{other}` stands"),
    }
}

#[test]
fn the_keys_are_those_that_the_readers_know() {
    for section in SECTIONS {
        let mut keys: Vec<&str> = section.rows.iter().map(|row| row.key).collect();
        let strange = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";
        let tags = match section.rows.iter().find(|row| row.key == "type").map(|row| &row.shape) {
            Some(Shape::Words(tags)) => tags.iter().map(|tag| json!({strange: 1, "type": tag})).collect(),
            _ => vec![json!({strange: 1})],
        };
        for object in tags {
            let config = placed(section.name, object).to_string();
            let problems = crate::plan(&config).err().unwrap_or_default();
            let message = format!("unknown key `{strange}`");
            let said = problems.iter().find(|problem| problem.message.starts_with(&message));
            let said = said.unwrap_or_else(|| panic!("{}: {problems:?}", section.name));
            let hint = said.hint.as_deref().unwrap_or_default();
            let mut known: Vec<&str> = hint.split('`').skip(1).step_by(2).collect();
            // A resource's name is the key of a map.
            known.retain(|key| (section.name, *key) != ("resource", "name"));
            known.sort_unstable();
            keys.sort_unstable();
            assert_eq!(
                keys, known,
                "surface/sections.rs, `{}`: the reader knows the keys on the right",
                section.name
            );
        }
    }
}

#[test]
fn defaults_are_of_their_keys_types() {
    for (section, row) in
        SECTIONS.iter().flat_map(|section| section.rows.iter().map(move |row| (section, row)))
    {
        let Default::Json(text) = row.default else { continue };
        let value: Value = serde_json::from_str(text).unwrap();
        assert!(fits(&row.shape, &value), "{}.{}: {text}", section.name, row.key);
    }
}

fn fits(shape: &Shape, value: &Value) -> bool {
    match shape {
        Shape::Bool => value.is_boolean(),
        Shape::Count => value.is_u64(),
        Shape::Number => value.is_f64(),
        Shape::Text => value.is_string(),
        Shape::Words(words) | Shape::Union(_, words) => words.iter().any(|word| *word == *value),
        Shape::List(_) => value.is_array(),
        Shape::Either(shapes) => shapes.iter().any(|shape| fits(shape, value)),
        _ => false,
    }
}

#[test]
fn the_files_are_up_to_date() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let update = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    let check = |path: std::path::PathBuf, text: String| {
        if update {
            std::fs::write(&path, &text).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text,
            "{} is not what the surface says; INSTA_UPDATE=always writes it",
            path.display()
        );
    };
    check(folder.join("config.schema.json"), format!("{:#}\n", super::schema()));
    let path = folder.join("../../docs/config.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- connector: begin -->\n", "<!-- connector: end -->");
    let (before, rest) = page.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    check(path, format!("{before}{begin}\n{}{end}{after}", super::table()));
}
