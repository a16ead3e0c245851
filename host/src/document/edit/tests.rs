//! What edits leave of a text: tables of how configs are written, and random texts with random settings.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

fn read(text: &str, format: Format) -> Document {
    parse("c", text, format).unwrap_or_else(|problems| panic!("{text}\n{problems:?}"))
}

fn edited(format: Format, text: &str, pointer: &str, value: Value) -> Result<String, EditError> {
    set(&read(text, format), pointer, &value).map(|document| document.text)
}

#[test]
fn yaml_keeps_everything_else() {
    let cases = [
        // A member behind the last one, with its indentation.
        (
            "a:\n    b: 1 # one\n    # two\n\nc: 2\n",
            "/a/z",
            json!("x y"),
            "a:\n    b: 1 # one\n    z: \"x y\"\n    # two\n\nc: 2\n",
        ),
        ("a: 1", "/z", json!([1, "b"]), "a: 1\nz: [1, b]"),
        ("a: 1\r\nb: 2\r\n", "/z", json!(true), "a: 1\r\nb: 2\r\nz: true\r\n"),
        (
            "r:\n  - name: x # c\n    e: /x\n  - y\n",
            "/r/0/z",
            json!(1),
            "r:\n  - name: x # c\n    e: /x\n    z: 1\n  - y\n",
        ),
        ("a:\n  b: |\n    text\n\nc: 1\n", "/a/z", json!(1), "a:\n  b: |\n    text\n  z: 1\n\nc: 1\n"),
        ("a:\n  b: # none\nc: 1\n", "/a/z", json!(1), "a:\n  b: # none\n  z: 1\nc: 1\n"),
        (
            "a:\n  b:\n    - 1\n    - 2 # two\n",
            "/a/z",
            json!(1),
            "a:\n  b:\n    - 1\n    - 2 # two\n  z: 1\n",
        ),
        ("---\na: 1\n...\n", "/z", json!(1), "---\na: 1\nz: 1\n...\n"),
        (
            "a: 1\n",
            "/z",
            json!({"path": "/v1/{a.id}/b", "paginator": {"type": "offset", "limit": 10}}),
            "a: 1\nz:\n  path: /v1/{a.id}/b\n  paginator: {type: offset, limit: 10}\n",
        ),
        // Within braces.
        ("a: {b: 1} # c\n", "/a/z", json!("/{x}"), "a: {b: 1, z: \"/{x}\"} # c\n"),
        ("a: {} # c\n", "/a/z", json!(1), "a: {z: 1} # c\n"),
        ("a: {b: {c: 1}, d: 2}\n", "/a/b/z", json!(1), "a: {b: {c: 1, z: 1}, d: 2}\n"),
        ("a: {b}\n", "/a/z", json!(1), "a: {b, z: 1}\n"),
        (
            "a: {\n  b: 1, # one\n  c: 2 # two\n}\n",
            "/a/z",
            json!(3),
            "a: {\n  b: 1, # one\n  c: 2, # two\n  z: 3\n}\n",
        ),
        ("a: {\n  b: 1,\n  c: 2, # two\n}\n", "/a/z", json!(3), "a: {\n  b: 1,\n  c: 2, # two\n  z: 3,\n}\n"),
        // In the place of what is there.
        ("a:   'b' # c\nd: 1\n", "/a", json!("e"), "a:   e # c\nd: 1\n"),
        ("a:\n  - b\n  - c\nd: 1\n", "/a", json!(["x"]), "a: [x]\nd: 1\n"),
        ("a:\nb: 1\n", "/a", json!("e"), "a: e\nb: 1\n"),
        ("a: # c\nb: 1\n", "/a", json!("e"), "a: e # c\nb: 1\n"),
        ("a: {b: x, c: 1}\n", "/a/b", json!([1]), "a: {b: [1], c: 1}\n"),
        ("a: {b: 1, c: 2}\n", "/a", json!({"b": 1, "c": 3, "d": 4}), "a: {b: 1, c: 3, d: 4}\n"),
        // What is written short makes room.
        (
            "r:\n  tasks: /v1/{parent_id}/tasks # each\n  users: /v1/users\n",
            "/r/tasks",
            json!({"endpoint": {"path": "/v1/{resources.p.id}/tasks"}, "include_from_parent": ["id"]}),
            "r:\n  tasks: # each\n    endpoint: {path: \"/v1/{resources.p.id}/tasks\"}\n    include_from_parent: [id]\n  users: /v1/users\n",
        ),
        (
            "r:\n- users # each\n- tasks\n",
            "/r/0",
            json!({"name": "users", "endpoint": {"paginator": "single_page"}}),
            "r:\n- name: users # each\n  endpoint: {paginator: single_page}\n- tasks\n",
        ),
        (
            "r: [users, tasks]\n",
            "/r/0",
            json!({"name": "users", "x": 1}),
            "r: [{name: users, x: 1}, tasks]\n",
        ),
        (
            "r:\n  users:\n  tasks: /t\n",
            "/r/users",
            json!({"endpoint": {"paginator": "single_page"}}),
            "r:\n  users:\n    endpoint: {paginator: single_page}\n  tasks: /t\n",
        ),
        (
            "r: {users: /u}\n",
            "/r/users",
            json!({"endpoint": {"path": "/u"}}),
            "r: {users: {endpoint: {path: /u}}}\n",
        ),
        // It says so already.
        ("a: {b: 'x'}\n", "/a/b", json!("x"), "a: {b: 'x'}\n"),
        ("ž:\n  b: ž # ž\n", "/ž/č", json!("š"), "ž:\n  b: ž # ž\n  \"č\": \"š\"\n"),
    ];
    for (text, pointer, value, expected) in cases {
        assert_eq!(edited(Format::Yaml, text, pointer, value).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn json_keeps_everything_else() {
    let long = "/v1/projects/{resources.projects.id}/tasks/and/what/hangs/on/them";
    let cases = [
        ("{\"a\": {\"b\": 1}}", "/a/z", json!("x"), "{\"a\": {\"b\": 1, \"z\": \"x\"}}"),
        ("{\"a\":{}}", "/a/z", json!([1]), "{\"a\":{\"z\": [1]}}"),
        ("{\n\t\"a\": 1\n}\n", "/z", json!({"b": 1}), "{\n\t\"a\": 1,\n\t\"z\": {\"b\": 1}\n}\n"),
        ("{\r\n  \"a\": [1,\r\n 2]}", "/z", json!(null), "{\r\n  \"a\": [1,\r\n 2],\r\n  \"z\": null}"),
        ("{\"a\": \"x\", \"b\": 2}", "/a", json!({"c": 1}), "{\"a\": {\"c\": 1}, \"b\": 2}"),
        (
            "{\n  \"r\": {\n    \"t\": \"/t\"\n  }\n}\n",
            "/r/t",
            json!({"endpoint": {"path": long}, "include_from_parent": ["id"]}),
            "{\n  \"r\": {\n    \"t\": {\n      \"endpoint\": {\n        \"path\": \"/v1/projects/{resources.projects.id}/tasks/and/what/hangs/on/them\"\n      },\n      \"include_from_parent\": [\"id\"]\n    }\n  }\n}\n",
        ),
        ("\u{feff}{\"a\": 1}", "/a", json!(2), "\u{feff}{\"a\": 2}"),
    ];
    for (text, pointer, value, expected) in cases {
        assert_eq!(edited(Format::Json, text, pointer, value).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn toml_keeps_everything_else() {
    let cases = [
        (
            "a = 1 # one\n\n[b] # two\nc = 'x'\n# end\n",
            "/b/z",
            json!("y"),
            "a = 1 # one\n\n[b] # two\nc = 'x'\nz = \"y\"\n# end\n",
        ),
        (
            "[r]\nt = \"/t\" # each\nu = \"/u\"\n",
            "/r/t",
            json!({"endpoint": "/t", "k": ["id"]}),
            "[r]\nt = {endpoint = \"/t\", k = [\"id\"]} # each\nu = \"/u\"\n",
        ),
        (
            "[[r]]\nname = \"a\"\n\n[[r]] # second\nname = \"b\"\n",
            "/r/1/z",
            json!(true),
            "[[r]]\nname = \"a\"\n\n[[r]] # second\nname = \"b\"\nz = true\n",
        ),
        (
            "r = [\"a\", {name = \"b\"}] # all\n",
            "/r/1/z",
            json!(1),
            "r = [\"a\", {name = \"b\", z = 1}] # all\n",
        ),
        (
            "[r.t]\na = 1\n[r.t.e]\npath = \"x\"\n",
            "/r/t/z",
            json!(1),
            "[r.t]\na = 1\nz = 1\n[r.t.e]\npath = \"x\"\n",
        ),
        ("a.b = 1\r\nc = 2\r\n", "/a/b", json!([1]), "a.b = [1]\r\nc = 2\r\n"),
    ];
    for (text, pointer, value, expected) in cases {
        assert_eq!(edited(Format::Toml, text, pointer, value).as_deref(), Ok(expected), "{text}");
    }
    assert_eq!(edited(Format::Toml, "a = 1", "/z", json!(null)), Err(EditError::Unfit));
    assert_eq!(edited(Format::Toml, "[a]\nb = 1 # c\n", "/a", json!(1)), Err(EditError::Unfit));
}

#[test]
fn what_cannot_be_set_safely_is_refused() {
    let cases = [
        ("a: 1\n", "/b/c", EditError::NoPlace),
        ("a: 1\n", "/a/c", EditError::NoPlace),
        ("a: [1]\n", "/a/1", EditError::NoPlace),
        ("a: 1\n", "", EditError::NoPlace),
        ("a: &x {b: 1}\nc: *x\n", "/c/z", EditError::Shared),
        ("a: &x {b: 1}\nc: *x\n", "/c/b", EditError::Shared),
        ("a: &x {b: 1}\nc: *x\n", "/a/b", EditError::Shared),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "/c/b", EditError::Shared),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "/c/z", EditError::Shared),
        ("a: # c\n  - b # d\n  - c\n", "/a", EditError::Commented),
        ("a:\n  b: 1 # c\n  d: 2\n", "/a", EditError::Commented),
    ];
    for (text, pointer, expected) in cases {
        assert_eq!(edited(Format::Yaml, text, pointer, json!("new")), Err(expected), "{text}{pointer}");
    }
}

/// Writes a value as YAML or JSON in one of the many ways there are. `pick` chooses them; each comment has a number of
/// its own.
struct Scribe<'a> {
    format: Format,
    pick: &'a mut dyn FnMut(usize) -> usize,
    comments: usize,
}

impl Scribe<'_> {
    fn comment(&mut self) -> String {
        if self.format == Format::Json || (self.pick)(3) > 0 {
            return String::new();
        }
        self.comments += 1;
        format!(" # c{}.", self.comments)
    }

    fn scalar(&mut self, value: &Value, in_flow: bool) -> String {
        match value {
            Value::String(text) if self.format == Format::Yaml => match (self.pick)(3) {
                0 => format!("'{}'", text.replace('\'', "''")),
                1 => super::super::write::inline(Format::Yaml, value, in_flow),
                _ => value.to_string(),
            },
            _ => value.to_string(),
        }
    }

    fn flow(&mut self, value: &Value, indent: usize) -> String {
        let (open, close, items): (_, _, Vec<String>) = match value {
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    let name = match self.format {
                        Format::Yaml => self.scalar(&json!(name), true),
                        _ => json!(name).to_string(),
                    };
                    format!("{name}: {}", self.flow(value, indent + 2))
                });
                ('{', '}', members.collect())
            }
            Value::Array(items) => ('[', ']', items.iter().map(|item| self.flow(item, indent + 2)).collect()),
            scalar => return self.scalar(scalar, true),
        };
        if items.is_empty() || (self.pick)(2) == 0 {
            let between = ["", " "][(self.pick)(2)];
            return format!("{open}{}{close}", items.join(&format!(",{between}")));
        }
        let mut out = format!("{open}{}\n", self.comment());
        let last = items.len() - 1;
        let trailing = self.format == Format::Yaml && (self.pick)(2) == 0;
        for (at, item) in items.into_iter().enumerate() {
            let comma = if at < last || trailing { "," } else { "" };
            out.push_str(&format!("{}{item}{comma}{}\n", " ".repeat(indent + 2), self.comment()));
        }
        format!("{out}{}{close}", " ".repeat(indent + 1))
    }

    /// The lines of a collection in block style, and of whatever else in one line.
    fn block(&mut self, value: &Value, indent: usize, out: &mut String) {
        let pad = " ".repeat(indent);
        let deeper = indent + 1 + (self.pick)(3);
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    if (self.pick)(6) == 0 {
                        out.push_str(&format!("{pad}{}\n", self.comment().trim_start()));
                    }
                    let name = self.scalar(&json!(name), false);
                    out.push_str(&format!("{pad}{name}:"));
                    self.value(value, deeper, out);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    out.push_str(&format!("{pad}-"));
                    match item {
                        Value::Object(members) if !members.is_empty() && (self.pick)(3) > 0 => {
                            let mut lines = String::new();
                            self.comments += 1;
                            self.block(item, indent + 2, &mut lines);
                            let first = lines.trim_start();
                            // A comment cannot stand first behind a dash.
                            if first.starts_with('#') {
                                out.push_str(&format!(" # c{}.\n{lines}", self.comments + 1_000));
                            } else {
                                out.push_str(&format!(" {first}"));
                            }
                        }
                        _ => self.value(item, deeper, out),
                    }
                }
            }
            _ => unreachable!("collections that are not empty"),
        }
    }

    /// Tables with heads of their own, and what stands in them.
    fn tables(&mut self, members: &Map<String, Value>, path: &str, out: &mut String) {
        let (mut below, mut heads) = (String::new(), Vec::new());
        for (name, value) in members {
            let name = super::super::write::name(Format::Toml, name, false);
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match value {
                Value::Object(inner) if (self.pick)(3) > 0 => heads.push((format!("[{path}]"), path, inner)),
                Value::Array(items)
                    if !items.is_empty() && items.iter().all(Value::is_object) && (self.pick)(2) > 0 =>
                {
                    let inner = items.iter().filter_map(Value::as_object);
                    heads.extend(inner.map(|inner| (format!("[[{path}]]"), path.clone(), inner)));
                }
                _ => {
                    let value = super::super::write::inline(Format::Toml, value, true);
                    out.push_str(&format!("{name} = {value}{}\n", self.comment()));
                }
            }
        }
        for (head, path, inner) in heads {
            below.push_str(&format!("{head}{}\n", self.comment()));
            self.tables(inner, &path, &mut below);
        }
        out.push_str(&below);
    }

    /// What stands behind a colon or a dash.
    fn value(&mut self, value: &Value, indent: usize, out: &mut String) {
        let empty = match value {
            Value::Object(members) => members.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Null if (self.pick)(2) == 0 => {
                out.push_str(&format!("{}\n", self.comment()));
                return;
            }
            Value::String(text) if (self.pick)(4) == 0 && text.len() > 1 && !text.contains(' ') => {
                out.push_str(&format!(" |-{}\n{}{text}\n", self.comment(), " ".repeat(indent)));
                return;
            }
            _ => true,
        };
        if empty || (self.pick)(3) == 0 {
            out.push_str(&format!(" {}{}\n", self.flow(value, indent), self.comment()));
        } else {
            out.push_str(&format!("{}\n", self.comment()));
            self.block(value, indent, out);
        }
    }
}

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i8>().prop_map(Value::from),
        "[a-z/{}:# 'é]{0,6}".prop_map(Value::from),
        Just(json!("single_page")),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    scalars().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            objects_of(inner, 0).prop_map(Value::from),
        ]
    })
}

fn objects_of(
    inner: impl Strategy<Value = Value>,
    least: usize,
) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec(("[a-d]|k e|é", inner), least..4).prop_map(|members| members.into_iter().collect())
}

/// Every place of a value, and one more in each object.
fn places(value: &Value, pointer: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                out.push(child(pointer, name));
                places(value, &child(pointer, name), out);
            }
            out.push(child(pointer, "new"));
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                out.push(child(pointer, &at.to_string()));
                places(value, &child(pointer, &at.to_string()), out);
            }
        }
        _ => {}
    }
}

fn comments(text: &str) -> Vec<&str> {
    text.split("# c").skip(1).filter_map(|rest| rest.split_once('.').map(|(number, _)| number)).collect()
}

/// Sets a value in a text, and says whether it was done; all that must hold is asserted.
fn check(text: &str, format: Format, pointer: &str, value: &Value) -> bool {
    let document = read(text, format);
    let mut meant = document.value.clone();
    match meant.pointer_mut(pointer) {
        Some(place) => *place = value.clone(),
        None => {
            let (around, name) = parent(pointer).unwrap();
            meant.pointer_mut(around).unwrap()[name.as_str()] = value.clone();
        }
    }
    let Ok(edited) = set(&document, pointer, value) else { return false };
    assert_eq!(read(&edited.text, format).value, meant, "{text}\n---\n{}", edited.text);
    assert_eq!(comments(text), comments(&edited.text), "{text}\n---\n{}", edited.text);
    assert_eq!(set(&edited, pointer, value).unwrap().text, edited.text, "again");
    // All lines but those of what was replaced, or the one behind which something was added, are there.
    let touched = match document.places.get(pointer).filter(|_| document.value.pointer(pointer).is_some()) {
        Some(place) => {
            let start = place.key.as_ref().map_or(place.value.start, |key| key.start);
            let there = text[start..place.value.end.max(start)].lines().count().max(1);
            // A table of TOML stands at its header; its entries are lines of their own.
            let entries = document.value.pointer(pointer).map_or(0, leaves);
            if format == Format::Toml { there.max(entries) } else { there }
        }
        None => 1,
    };
    let lost = lost(&text.lines().collect::<Vec<_>>(), &edited.text.lines().collect::<Vec<_>>());
    assert!(lost <= touched, "{lost} lines are gone\n{text}\n---\n{}", edited.text);
    true
}

/// Values that hold no others.
fn leaves(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(leaves).sum::<usize>().max(1),
        Value::Object(entries) => entries.values().map(leaves).sum::<usize>().max(1),
        _ => 1,
    }
}

/// How many of `old` are not in `new`, in their order: what a longest common subsequence leaves.
fn lost(old: &[&str], new: &[&str]) -> usize {
    let mut row = vec![0; new.len() + 1];
    for line in old {
        let above = row.clone();
        for (at, other) in new.iter().enumerate() {
            row[at + 1] = if line == other { above[at] + 1 } else { row[at].max(above[at + 1]) };
        }
    }
    old.len() - row[new.len()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_is_what_was_meant_or_refused(
        members in objects_of(values(), 1),
        format in prop::sample::select(vec![Format::Yaml, Format::Yaml, Format::Json, Format::Toml]),
        picks in prop::collection::vec(any::<u8>(), 1..40),
        at in any::<prop::sample::Index>(),
        new in values(),
    ) {
        let mut turn = 0;
        let mut pick = |n: usize| { turn += 1; usize::from(picks[turn % picks.len()]) % n };
        let mut scribe = Scribe { format, pick: &mut pick, comments: 0 };
        let value = Value::from(members);
        let mut text = String::new();
        match format {
            Format::Json => text = scribe.flow(&value, 0),
            Format::Yaml => scribe.block(&value, 0, &mut text),
            Format::Toml => scribe.tables(value.as_object().unwrap(), "", &mut text),
        }
        prop_assume!(parse("c", &text, format).is_ok_and(|document| document.value == value));
        let mut all = Vec::new();
        places(&value, "", &mut all);
        let pointer: &String = at.get(&all);
        check(&text, format, pointer, &new);
    }
}
