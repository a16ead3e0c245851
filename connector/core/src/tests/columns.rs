//! `columns`: both spellings, the merge, keys among them, and what is refused.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Resource `r` with these keys beside its name.
fn with(keys: Value) -> Value {
    let mut config = endpoint(json!({"path": "r", "paginator": "single_page"}));
    let resource = config["resources"][0].as_object_mut().unwrap();
    resource.extend(keys.as_object().unwrap().clone());
    config
}

/// The columns that the host is told of, and the primary key.
fn told(config: &Value) -> (Value, Vec<String>) {
    let info = planned(config).source_info().resources[0].clone();
    let columns = info.columns.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    (columns, info.primary_key)
}

#[test]
fn a_map_and_a_list_say_the_same() {
    let expected = json!({"a": {"data_type": "bigint", "nullable": false}, "b": {"data_type": "text"}});
    let spellings = [
        json!({"a": {"data_type": "bigint", "nullable": false}, "b": {"data_type": "text"}, "c": {}}),
        json!([{"name": "a", "data_type": "bigint", "nullable": false}, {"name": "b", "data_type": "text", "nullable": null}, {"name": "c", "description": "x"}]),
    ];
    for columns in spellings {
        let (told, key) = told(&with(json!({"columns": columns})));
        assert_eq!(told.to_string(), expected.to_string());
        assert!(key.is_empty());
    }
    assert_eq!(told(&with(json!({"columns": {"a": {}}}))).0, Value::Null);
    for name in
        ["text", "double", "bool", "timestamp", "bigint", "binary", "json", "decimal", "wei", "date", "time"]
    {
        let (told, _) = told(&with(json!({"columns": {"x": {"data_type": name}}})));
        assert_eq!(told["x"]["data_type"], name);
    }
    let exact = json!({
        "x": {"data_type": "decimal", "precision": 10, "scale": 2},
        "y": {"data_type": "timestamp", "timezone": false}
    });
    assert_eq!(told(&with(json!({"columns": exact}))).0.to_string(), exact.to_string());
}

#[test]
fn keys_among_the_columns_join_the_primary_key() {
    let columns = json!({"id": {"primary_key": true}, "part": {"primary_key": true, "nullable": false}, "x": {"primary_key": false}});
    let keys = [
        (json!({"columns": columns}), vec!["id", "part"]),
        (json!({"columns": columns, "primary_key": "id"}), vec!["id", "part"]),
        (json!({"columns": columns, "primary_key": ["uid", "part"]}), vec!["uid", "part", "id"]),
        // Enough to merge by; and columns go by the names of the output.
        (
            json!({"columns": {"no": {"primary_key": true}}, "write_disposition": "merge", "rename": {"id": "no"}}),
            vec!["no"],
        ),
        (
            json!({"columns": {"no": {"primary_key": true}}, "primary_key": "id", "rename": {"id": "no"}}),
            vec!["no"],
        ),
    ];
    for (resource, expected) in keys {
        assert_eq!(told(&with(resource.clone())).1, expected, "{resource}");
    }
}

#[test]
fn what_a_merge_goes_by_reaches_the_host() {
    let merged = json!({
        "write_disposition": {"disposition": "merge", "strategy": "delete-insert", "deduplicated": false},
        "merge_key": "on", "table_name": "My Table", "total": "ignore",
        "max_table_nesting": 2, "schema_contract": {"columns": "freeze"},
        "endpoint": {"path": "r", "paginator": {"type": "offset", "limit": 5}}, "rename": {"on": "day"},
        "columns": {
            "part": {"merge_key": true},
            "at": {"dedup_sort": "desc"},
            "gone": {"hard_delete": true, "data_type": "bool"},
            "not": {"hard_delete": false, "merge_key": null, "dedup_sort": null}
        }
    });
    let config = with(merged);
    let info = planned(&config).source_info().resources[0].clone();
    let settings: Value = serde_json::from_str(&info.settings.unwrap()).unwrap();
    let told_host = json!({
        "total": "ignore", "table_name": "My Table", "merge_key": ["day", "part"],
        "max_table_nesting": 2, "schema_contract": {"columns": "freeze"},
    });
    assert_eq!(settings, told_host);
    assert_eq!(info.write_disposition, WriteDisposition::Merge);
    let (columns, key) = told(&config);
    let expected = json!({"at": {"dedup_sort": "desc"}, "gone": {"data_type": "bool", "hard_delete": true}});
    assert_eq!((columns, key), (expected, vec![]));
    let upsert = with(json!({
        "write_disposition": {"disposition": "merge", "strategy": "upsert", "deduplicated": null},
        "primary_key": "id", "table_name": "r"
    }));
    let info = planned(&upsert).source_info().resources[0].clone();
    assert_eq!((info.write_disposition, info.settings), (WriteDisposition::Merge, None));
    let plain = |disposition: Value| {
        let config = json!({"write_disposition": disposition, "primary_key": "id", "delete_absent": "mark"});
        planned(&with(config)).source_info().resources[0].clone()
    };
    let info = plain(json!({"disposition": "merge", "strategy": "insert-only"}));
    assert_eq!(info.write_disposition, WriteDisposition::Other("insert-only"));
    assert_eq!(info.settings.as_deref(), Some(r#"{"delete_absent":{"mark":true,"max_percent":5}}"#));
    let asked = json!({
        "write_disposition": {
            "disposition": "merge", "strategy": "scd2", "validity_column_names": ["a", "b"],
            "active_record_timestamp": "9999-12-31", "boundary_timestamp": "1970-01-02T01:00:00.25+01:00",
            "row_version_column_name": "hash"
        },
        "rename": {"hash": "version"}
    });
    let info = planned(&with(asked)).source_info().resources[0].clone();
    assert_eq!(info.write_disposition, WriteDisposition::Other("scd2"));
    let settings: Value = serde_json::from_str(&info.settings.unwrap()).unwrap();
    let told = json!({
        "columns": ["a", "b"], "active_micros": 253_402_214_400_000_000_i64,
        "boundary_micros": 86_400_250_000_i64, "version_field": "version"
    });
    assert_eq!(settings, json!({"scd2": told}));
    // Fields that rows would not have.
    for (hint, key) in [
        (json!({"merge_key": true}), "`x` is of the merge key, and rows would not have it"),
        (json!({"dedup_sort": "asc"}), "`x` is a column of `dedup_sort`, and rows would not have it"),
        (json!({"hard_delete": true}), "`x` is a column of `hard_delete`, and rows would not have it"),
    ] {
        let cut = with(json!({"drop": "x", "columns": {"x": hint}}));
        assert_eq!(refused(&cut), [format!("/resources/0/drop: {key}")]);
    }
}

#[test]
fn a_table_is_one_resources() {
    let tables = |resources: Value| {
        refused(&json!({"client": {"base_url": "https://api.test"}, "resources": resources}))
    };
    for (resources, expected) in [
        (
            json!([{"name": "a", "table_name": "t"}, {"name": "b", "table_name": "T"}]),
            "/resources/1/table_name: `T` is the table of `a` already",
        ),
        (
            json!([{"name": "a", "table_name": "b"}, "b"]),
            "/resources/0/table_name: `b` is the table of `b` already",
        ),
        (
            json!(["b", {"name": "a", "table_name": "B"}]),
            "/resources/1/table_name: `B` is the table of `b` already",
        ),
    ] {
        assert_eq!(tables(resources), [expected]);
    }
    // They change places.
    let swapped = json!([{"name": "a", "table_name": "b"}, {"name": "b", "table_name": "a"}]);
    assert!(
        plan(&json!({"client": {"base_url": "https://api.test"}, "resources": swapped}).to_string()).is_ok()
    );
}

#[test]
fn a_child_is_bound_to_a_key_among_the_columns_by_the_name_that_the_api_gives_it() {
    let config = json!({
        "client": {"base_url": "https://api.test", "paginator": "single_page"},
        "resources": {
            "p": {"columns": {"no": {"primary_key": true}}, "rename": {"uid": "no"}},
            "c": "/p/{p}/c"
        }
    });
    let plan = planned(&config);
    let read = page(&plan, &first_page("p"), &ok(r#"[{"uid": 7}]"#)).unwrap();
    assert_eq!(read.children[0].partitions[0].key, "[7]");
}

#[test]
fn what_is_no_column_is_refused_in_its_place() {
    let cases = [
        (json!(5), "/resources/0/columns: columns (an object) is expected here, but this is a number"),
        (json!([5]), "/resources/0/columns/0: a column (an object) is expected here, but this is a number"),
        (
            json!({"a": "text"}),
            "/resources/0/columns/a: the hints of a column (an object) is expected here, but this is a string",
        ),
        (json!([{"data_type": "text"}]), "/resources/0/columns/0: a column in a list needs its `name`"),
        (
            json!([{"name": 5}]),
            "/resources/0/columns/0/name: a column's name (a string) is expected here, but this is a number",
        ),
        (json!({"": {}}), "/resources/0/columns/: a column's name is empty"),
        (json!([{"name": "a"}, {"name": "a"}]), "/resources/0/columns/1: there are two columns named `a`"),
        (json!({"a": {"data_type": "strng"}}), "/resources/0/columns/a/data_type: unknown data type `strng`"),
        (
            json!({"a": {"data_type": 5}}),
            "/resources/0/columns/a/data_type: a data type (a string) is expected here, but this is a number",
        ),
        (
            json!({"a": {"nullable": "no"}}),
            "/resources/0/columns/a/nullable: true or false is expected here, but this is a string",
        ),
        (
            json!({"a": {"primary_key": 1}}),
            "/resources/0/columns/a/primary_key: true or false is expected here, but this is a number",
        ),
        (
            json!({"a": {"nulable": true}}),
            "/resources/0/columns/a/nulable: unknown key `nulable` in a column",
        ),
        (
            json!({"a": {"dedup_sort": "descending"}}),
            "/resources/0/columns/a/dedup_sort: unknown order `descending`",
        ),
        (
            json!({"a": {"dedup_sort": "asc"}, "b": {"dedup_sort": "desc"}}),
            "/resources/0/columns/b/dedup_sort: `a` has a `dedup_sort` already; a table can have one",
        ),
        (
            json!([{"name": "a", "hard_delete": true}, {"name": "b", "hard_delete": true}]),
            "/resources/0/columns/1/hard_delete: `a` has a `hard_delete` already; a table can have one",
        ),
        (json!({"a": {"unique": true}}), "/resources/0/columns/a/unique: `unique` is not supported yet"),
        (
            json!([{"name": "a", "precision": 3}]),
            "/resources/0/columns/0/precision: `precision` and `scale` are of columns of the type `decimal`",
        ),
        (
            json!({"a": {"data_type": "decimal", "scale": 3}}),
            "/resources/0/columns/a/scale: a decimal that says one of `precision` and `scale` has to say both",
        ),
        (
            json!({"a": {"data_type": "decimal", "precision": 77, "scale": 3}}),
            "/resources/0/columns/a/precision: a number from 1 to 76 is expected here",
        ),
        (
            json!({"a": {"data_type": "wei", "precision": 7, "scale": 8}}),
            "/resources/0/columns/a/scale: of 7 digits no 8 can be behind the point",
        ),
        (
            json!({"a": {"data_type": "decimal", "precision": -1, "scale": 0}}),
            "/resources/0/columns/a/precision: a whole number, 0 or more, is expected here",
        ),
        (
            json!({"a": {"data_type": "date", "timezone": false}}),
            "/resources/0/columns/a/timezone: `timezone` is of columns of the type `timestamp`",
        ),
    ];
    for (columns, expected) in cases {
        assert_eq!(refused(&with(json!({"columns": columns}))), [expected], "{columns}");
    }
    for (name, meant) in [("String", "text"), ("int", "bigint"), ("datetime", "timestamp"), ("booll", "bool")]
    {
        let problems = plan(&with(json!({"columns": {"a": {"data_type": name}}})).to_string()).unwrap_err();
        assert_eq!(problems[0].hint, Some(format!("did you mean `{meant}`?")), "{name}");
    }
    let renamed = with(json!({"columns": {"id": {"nullable": false}}, "rename": {"id": "no"}}));
    assert_eq!(
        refused(&renamed),
        ["/resources/0/columns/id: `id` is renamed, and columns go by the new names"]
    );
}
