use serde_json::json;

use super::*;

fn get(url: &str) -> Asked<'_> {
    Asked { method: "GET", url, status: 200 }
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Fields with the kinds of each, as a person would write them.
fn shown(documented: &Documented) -> String {
    let field = |(name, kinds): (&String, &BTreeSet<Kind>)| {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        format!("{name}: {}", if kinds.is_empty() { "any".into() } else { kinds.join("|") })
    };
    let fields: Vec<String> = documented.fields.iter().map(field).collect();
    format!("{}{}", fields.join(", "), if documented.open { ", …" } else { "" })
}

/// What is documented where the answer is of this schema.
fn of(schema: &Value, selector: Option<&str>) -> String {
    let spec = json!({
        "openapi": "3.1.0",
        "paths": {"/x": {"get": {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}}},
        "components": {"schemas": {
            "Row": {"type": "object", "properties": {"id": {"type": "integer"}, "of": {"$ref": "#/components/schemas/Row"}}},
            "Named": {"allOf": [{"$ref": "#/components/schemas/Row"}, {"properties": {"name": {"type": "string"}}}]},
            "Round": {"$ref": "#/components/schemas/Round"},
            "Within": {"allOf": [{"$ref": "#/components/schemas/Within"}, {"properties": {"a": {}}}]},
            "A/b~c d": {"type": "object", "properties": {"odd": {"type": "boolean"}}}
        }}
    });
    match documented(&spec, &get("https://a.io/x"), selector, &names(&["id", "name"])) {
        Ok((_, documented)) => shown(&documented),
        Err(unknown) => format!("{unknown:?}"),
    }
}

#[test]
fn rows_are_resolved_through_references_and_parts() {
    let named = json!({"$ref": "#/components/schemas/Named"});
    let list = |items: &Value| json!({"type": "array", "items": items});
    let row = "id: integer, name: string, of: object";
    for (schema, selector, expected) in [
        (list(&named), Some("$"), row),
        (list(&named), Some("$[*]"), row),
        (list(&named), None, row),
        (named.clone(), Some("$"), row),
        (json!({"properties": {"data": list(&named)}}), Some("data"), row),
        (json!({"properties": {"data": list(&named)}}), Some("$['data'][*]"), row),
        (json!({"properties": {"data": list(&named)}}), Some("data[?@.id > 3]"), row),
        (json!({"properties": {"data": list(&named)}}), Some("rows"), "Rows { path: \"/x\" }"),
        (
            json!({"allOf": [{"properties": {"n": {}}}, {"properties": {"a": {"properties": {"b": list(&named)}}}}]}),
            Some("a.b"),
            row,
        ),
        // Without a selector, or with one that does not only walk: the list that is most alike.
        (
            json!({"properties": {"errors": list(&json!({"properties": {"id": {}}})), "a": {"properties": {"b": list(&named)}}}}),
            None,
            row,
        ),
        (
            json!({"properties": {"errors": list(&json!({"properties": {"x": {}}})), "rows": list(&named)}}),
            Some("$..rows"),
            row,
        ),
        (json!({"properties": {"data": list(&json!({"type": "string"}))}}), Some("data"), "value: string"),
        (
            json!({"additionalProperties": {"$ref": "#/components/schemas/Row"}}),
            Some("$.*"),
            "id: integer, of: object",
        ),
        (list(&json!({"$ref": "#/components/schemas/Round"})), Some("$"), "Rows { path: \"/x\" }"),
        (list(&json!({"$ref": "#/components/schemas/Within"})), Some("$"), "a: any"),
        (list(&json!({"$ref": "other.yaml#/Row"})), Some("$"), "Rows { path: \"/x\" }"),
        (list(&json!({"$ref": "#/components/schemas/A~1b~0c%20d"})), Some("$"), "odd: boolean"),
        (list(&json!({"type": "object", "additionalProperties": true})), Some("$"), ", …"),
        (list(&json!({"type": "object"})), Some("$"), "Rows { path: \"/x\" }"),
    ] {
        assert_eq!(of(&schema, selector), expected, "{schema} {selector:?}");
    }
}

#[test]
fn the_kinds_of_a_field() {
    for (field, expected) in [
        (json!({"type": "string"}), "string"),
        (json!({"type": ["string", "null"]}), "string|null"),
        (json!({"type": "string", "nullable": true}), "string|null"),
        (json!({"type": "number", "x-nullable": true}), "number|null"),
        (json!({"nullable": true, "allOf": [{"$ref": "#/components/schemas/Row"}]}), "object|null"),
        (json!({"$ref": "#/components/schemas/Row", "nullable": true}), "object|null"),
        (json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), "string|null"),
        (json!({"oneOf": [{"type": "string"}, {}]}), "any"),
        (json!({"enum": ["a", 1, null]}), "integer|string|null"),
        (json!({"type": "string", "enum": ["a"]}), "string"),
        (json!({"properties": {}}), "object"),
        (json!({"items": {}}), "array"),
        (json!({"type": "file"}), "any"),
        (json!({}), "any"),
        (json!(true), "any"),
    ] {
        let row = json!({"type": "array", "items": {"properties": {"f": field}}});
        assert_eq!(of(&row, Some("$")), format!("f: {expected}"), "{field}");
    }
    let either = json!({"oneOf": [
        {"properties": {"a": {"type": "string"}, "b": {}, "c": {"type": "null", "writeOnly": true}}},
        {"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}
    ]});
    assert_eq!(of(&either, Some("$")), "a: integer|string, b: any");
}

#[test]
fn kinds_of_values() {
    for (value, kind) in
        [("1", "integer"), ("1.0", "integer"), ("1e30", "integer"), ("1.5", "number"), ("null", "null")]
    {
        assert_eq!(Kind::of(&serde_json::from_str(value).unwrap()).name(), kind, "{value}");
    }
}

#[test]
fn a_request_is_found_among_the_paths() {
    let answers =
        |field: &str| json!({"get": {"responses": {"default": {"$ref": format!("#/responses/{field}")}}}});
    let response = |field: &str| json!({"schema": {"properties": {field: {}}}});
    let mut spec = json!({
        "swagger": "2.0",
        "basePath": "/v1",
        "paths": {
            "/users": answers("all"),
            "/users/{id}": answers("one"),
            "/users/me": answers("me"),
            "/users/{id}.json": answers("file"),
            "/v1/users": answers("deep"),
            "/{any}": answers("any"),
            "/post": {"post": {"responses": {"201": response("made"), "2XX": response("ok")}}}
        },
        "responses": {"all": response("all"), "one": response("one"), "me": response("me"), "file": response("file"), "any": response("any"), "deep": response("deep")}
    });
    let found = |spec: &Value, asked: Asked<'_>| match documented(spec, &asked, None, &BTreeSet::new()) {
        Ok((path, documented)) => format!("{path} {}", shown(&documented)),
        Err(unknown) => format!("{unknown:?}"),
    };
    for (url, expected) in [
        ("https://a.io/v1/users?page=2#x", "/users all: any"),
        ("https://a.io/v1/users/", "/users all: any"),
        ("https://a.io/v1/users/***", "/users/{id} one: any"),
        ("https://a.io/v1/users/me", "/users/me me: any"),
        ("https://a.io/v1/users/7.json", "/users/{id}.json file: any"),
        ("https://a.io/v1/v1/users", "/v1/users deep: any"),
        ("https://a.io/v1/else", "/{any} any: any"),
        // Through another address: by what the URL ends in, if that is not only a placeholder.
        ("http://127.0.0.1:80/mock/users", "/users all: any"),
        ("http://127.0.0.1:80/mock/else", "Path"),
        ("https://a.io", "Path"),
    ] {
        assert_eq!(found(&spec, get(url)), expected, "{url}");
    }
    let post = |status| Asked { method: "POST", url: "https://a.io/v1/post", status };
    assert_eq!(found(&spec, post(201)), "/post made: any");
    assert_eq!(found(&spec, post(200)), "/post ok: any");
    assert_eq!(found(&spec, post(404)), "Rows { path: \"/post\" }");
    spec["basePath"] = Value::Null;
    spec["servers"] =
        json!([{"url": "https://b.io"}, {"url": "/{v}/", "variables": {"v": {"default": "v1"}}}]);
    assert_eq!(found(&spec, get("https://a.io/v1/users/me")), "/users/me me: any");
    assert_eq!(found(&spec, get("https://a.io/else")), "/{any} any: any");
}
