//! Parents and children: found by name or by path, bound safely, their fields carried along.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn source(resources: Value) -> Value {
    json!({"client": {"base_url": "https://api.test/"}, "resources": resources})
}

/// The partitions that `body` opens for `child` when it answers for `parent`.
fn opened(plan: &Plan, parent: &PageRequest, child: &str, body: Value) -> Vec<Partition> {
    let got = page(plan, parent, &ok(body)).unwrap();
    got.children.into_iter().find(|list| list.name == child).map(|list| list.partitions).unwrap_or_default()
}

fn url_for(plan: &Plan, name: &str, partition: &Partition) -> std::result::Result<String, Fault> {
    request(plan, &child_page(name, partition)).map(|request| request.url)
}

#[test]
fn a_parent_is_found_by_the_path_before_the_placeholder() {
    let config = json!({
        "client": {"base_url": "https://api.test"},
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
        "resources": [
            {"name": "tasks", "endpoint": {"path": "/v1/projects/{parent_id}/tasks", "data_selector": "data"}},
            {"name": "projects", "endpoint": {"path": "/v1/projects", "data_selector": "data"}},
            {"name": "time_records", "endpoint": {"path": "/v1/projects/{parent_id}/time", "data_selector": "data"}},
            {"name": "clients", "endpoint": {"path": "/v1/clients", "data_selector": "data"}}
        ]
    });
    let plan = planned(&config);
    let info = plan.source_info();
    let order: Vec<_> =
        info.resources.iter().map(|resource| (resource.name.as_str(), resource.parent.as_deref())).collect();
    assert_eq!(
        order,
        [
            ("projects", None),
            ("tasks", Some("projects")),
            ("time_records", Some("projects")),
            ("clients", None)
        ]
    );
    assert_eq!(info.notices.len(), 2);
    assert_eq!(info.notices[0].code, "parent-inferred");
    let settles: Vec<_> =
        info.notices[0].settles.iter().map(|setting| (&*setting.path, &*setting.value)).collect();
    assert_eq!(
        settles,
        [
            ("/resources/0/endpoint/path", r#""/v1/projects/{resources.projects.id}/tasks""#),
            ("/resources/0/include_from_parent", r#"["id"]"#)
        ]
    );
    let got = page(&plan, &first_page("projects"), &ok(json!({"data": [{"id": 7}, {"id": "a/b"}]}))).unwrap();
    assert_eq!(got.children.len(), 2);
    let tasks = &got.children[0];
    assert_eq!(
        (tasks.name.as_str(), tasks.partitions[0].key.as_str(), tasks.partitions[1].key.as_str()),
        ("tasks", "[7]", "[\"a/b\"]")
    );
    assert_eq!(
        url_for(&plan, "tasks", &tasks.partitions[0]).unwrap(),
        "https://api.test/v1/projects/7/tasks"
    );
    assert_eq!(
        url_for(&plan, "tasks", &tasks.partitions[1]).unwrap(),
        "https://api.test/v1/projects/a%2Fb/tasks"
    );
    let wanted = child_page("tasks", &tasks.partitions[1]);
    let rows = page(&plan, &wanted, &ok("{\"data\":[{\"id\":1},{ }]}")).unwrap();
    assert_eq!(rows_text(&rows), "{\"id\":1,\"_projects_id\":\"a/b\"}\n{ \"_projects_id\":\"a/b\"}\n");
}

#[test]
fn grandchildren_are_bound_level_by_level() {
    let plan = planned(&source(json!([
        {"name": "notes", "endpoint": "/v1/projects/{p}/tasks/{t}/notes"},
        {"name": "tasks", "primary_key": "tid", "endpoint": "/v1/projects/{project_id}/tasks/"},
        {"name": "projects", "endpoint": "/v1/projects?active=1"},
        {"name": "tags", "endpoint": "/v1/projects/{p}/tasks/{resources.tasks.meta.code}/tags", "include_from_parent": ["_projects_id"]}
    ])));
    let project = opened(&plan, &first_page("projects"), "tasks", json!([{"id": 1}])).remove(0);
    let tasks = child_page("tasks", &project);
    let body = json!([{"tid": "x", "meta": {"code": 9}}]);
    let note = opened(&plan, &tasks, "notes", body.clone()).remove(0);
    assert_eq!(note.key, "[1,\"x\"]");
    assert_eq!(url_for(&plan, "notes", &note).unwrap(), "https://api.test/v1/projects/1/tasks/x/notes");
    let tag = opened(&plan, &tasks, "tags", body).remove(0);
    assert_eq!(url_for(&plan, "tags", &tag).unwrap(), "https://api.test/v1/projects/1/tasks/9/tags");
    let rows = page(&plan, &child_page("tags", &tag), &ok("[{}]")).unwrap();
    assert_eq!(rows_text(&rows), "{\"_tasks__projects_id\":1}\n");
    assert_eq!(
        rows_text(&page(&plan, &child_page("notes", &note), &ok("[{}]")).unwrap()),
        "{\"_tasks_tid\":\"x\"}\n"
    );
}

#[test]
fn dlts_ways_to_name_a_parent_work() {
    let plan = planned(&source(json!([
        "posts",
        {"name": "det", "endpoint": "posts/{resources.posts.id}", "include_from_parent": ["title"]},
        {"name": "old", "endpoint": {"path": "old/{x}/c", "params": {"x": {"type": "resolve", "resource": "posts", "field": "id"}, "q": 1}}},
        {"name": "query", "endpoint": {"path": "c", "params": {"post": "p-{resources.posts.id}"}, "headers": {"X-Post": "{resources.posts.id}"}}},
        {"name": "gc", "endpoint": {"path": "post_detail", "params": {"post_id": "{resources.det.id}"}}, "include_from_parent": ["id", "body", "_posts_title"]}
    ])));
    let posts = json!([{"id": 3, "title": {"t": "A\nB"}}]);
    let old = opened(&plan, &first_page("posts"), "old", posts.clone()).remove(0);
    assert_eq!(url_for(&plan, "old", &old).unwrap(), "https://api.test/old/3/c?q=1");
    let query = opened(&plan, &first_page("posts"), "query", posts.clone()).remove(0);
    let sent = request(&plan, &child_page("query", &query)).unwrap();
    assert_eq!(sent.url, "https://api.test/c?post=p-3");
    assert!(sent.headers.contains(&("X-Post".into(), "3".into())));
    let det = opened(&plan, &first_page("posts"), "det", posts).remove(0);
    // One entity: one page, one row, whatever looks like more.
    let answer = ok("{\"id\":4,\n \"body\":[1,\n2], \"total\":99}");
    let got = page(&plan, &child_page("det", &det), &answer).unwrap();
    assert_eq!(
        rows_text(&got),
        "{\"id\":4, \"body\":[1,2], \"total\":99,\"_posts_title\":{\"t\":\"A\\nB\"}}\n"
    );
    let gc = &got.children[0].partitions[0];
    let rows = page(&plan, &child_page("gc", gc), &ok("[{}]")).unwrap();
    assert_eq!(
        rows_text(&rows),
        "{\"_det_id\":4,\"_det_body\":[1,2],\"_det__posts_title\":{\"t\":\"A\\nB\"}}\n"
    );
}

#[test]
fn placeholders_that_nothing_explains_are_refused() {
    let refuse = |resources: Value, words: &str| {
        let messages = refused(&source(resources)).join("\n");
        assert!(messages.contains(words), "{words}\n{messages}");
    };
    refuse(
        json!(["p", {"name": "c", "endpoint": "q/{x}/c"}]),
        "/resources/1/endpoint: nothing says what `{x}` is: no resource has the path",
    );
    refuse(
        json!(["p", {"name": "c", "endpoint": "p/{id}"}, {"name": "p2", "endpoint": "p"}]),
        "could be taken from each of `p`, `p2`",
    );
    refuse(
        json!([{"name": "p", "primary_key": ["a", "b"]}, {"name": "c", "endpoint": "p/{x}"}]),
        "identified by `a`, `b` together",
    );
    refuse(json!(["p", {"name": "c", "endpoint": "x/{resources.p}"}]), "names no field");
    refuse(json!(["p", {"name": "c", "endpoint": "x/{resources.pp.id}"}]), "there is no resource `pp`");
    refuse(
        json!(["p", "q", {"name": "c", "endpoint": "{resources.p.id}/{resources.q.id}"}]),
        "takes from `p` and `q`",
    );
    refuse(json!([{"name": "a", "endpoint": "a/{resources.a.id}"}]), "cannot hang on itself: `a`");
    refuse(
        json!([{"name": "a", "endpoint": "a/{resources.b.id}"}, {"name": "b", "endpoint": "b/{resources.a.id}"}]),
        "cannot hang on each other: `a`, `b`",
    );
    refuse(
        json!(["p", {"name": "c", "endpoint": {"path": "p", "params": {"x": {"type": "resolve", "resource": "p", "field": "id"}}}}]),
        "`x` is resolved, but `{x}` is not in the path",
    );
    refuse(
        json!(["p", {"name": "c", "endpoint": {"path": "c", "params": {"x": "{y}"}}}]),
        "nothing says what `{y}` is",
    );
    refuse(json!(["p", {"name": "c", "endpoint": "p/{x}/{x}"}]), "stands twice");
    refuse(
        json!(["p", {"name": "c", "endpoint": "https://{resources.p.id}.test/x"}]),
        "cannot choose the host",
    );
    refuse(json!(["p", {"name": "c", "endpoint": "c/{resources.p.id:%Y}"}]), "`%Y` is no format");
    refuse(json!(["p", {"name": "c", "endpoint": "c/{resources.p.id!r}"}]), "`!` in `{resources.p.id!r}`");
    refuse(json!(["p", {"name": "c", "endpoint": "c/{resources.p.a[*].b[*]}"}]), "one `[*]`");
    refuse(
        json!(["p", {"name": "c", "endpoint": "c/{resources.p.a[*]}/{resources.p.b[*]}"}]),
        "takes from `a[*]` and `b[*]`",
    );
    refuse(
        json!(["p", {"name": "c", "endpoint": "p/{resource.p.id}"}]),
        "`{resource.p.id}` refers to nothing",
    );
    let params = json!({"x": {"type": "resolve", "resource": "pp", "field": "id"}});
    refuse(
        json!(["p", {"name": "c", "endpoint": {"path": "c/{x}", "params": params}}]),
        "/resources/1/endpoint/params/x/resource: there is no resource `pp`",
    );
}

#[test]
fn a_list_in_a_row_asks_once_for_each_item() {
    let endpoint = "c/{resources.p.tags[*].id:03d}/{resources.p.id}/{resources.p.tags[*]['a b']}";
    let plan = planned(&source(json!(["p", {"name": "c", "endpoint": endpoint}])));
    let opened = |row: Value| {
        page(&plan, &first_page("p"), &ok(json!([row])))
            .map(|page| page.children.into_iter().flat_map(|child| child.partitions).collect::<Vec<_>>())
            .map_err(|fault| bad(fault).message)
    };
    let partitions =
        opened(json!({"id": "x", "tags": [{"id": 1, "a b": "u"}, {"id": 2, "a b": "v"}]})).unwrap();
    let urls: Vec<_> =
        partitions.iter().map(|one| request(&plan, &child_page("c", one)).unwrap().url).collect();
    assert_eq!(urls, ["https://api.test/c/001/x/u", "https://api.test/c/002/x/v"]);
    assert_eq!(opened(json!({"id": 1, "tags": []})).unwrap(), []);
    assert_eq!(opened(json!({"id": 1, "tags": null})).unwrap(), []);
    let fails = |row: Value, words: &str| assert!(opened(row).unwrap_err().contains(words), "{words}");
    fails(json!({"id": 1}), "has no `tags[*].id`, which `c` needs");
    fails(json!({"id": 1, "tags": {}}), "has an object, and `tags[*].id` of `c` wants a list");
    fails(json!({"id": 1, "tags": [{"id": 1}]}), "has no `tags[*]['a b']`");
    fails(json!({"id": 1, "tags": [{"id": [1], "a b": 1}]}), "`tags[*].id` that is a list");
    let format = request(
        &plan,
        &child_page("c", &opened(json!({"id": 1, "tags": [{"id": 1.5, "a b": 1}]})).unwrap()[0]),
    );
    let Err(Fault::Other(message)) = format else { panic!("{format:?}") };
    assert_eq!(message, "the parent's value is a decimal number, which the format `03d` cannot write");
}

#[test]
fn every_received_row_opens_its_partition_or_the_page_fails() {
    let plan = planned(&source(json!(["p", {"name": "c", "endpoint": "p/{x}/c"}])));
    let fails = |body: Value, words: &str| {
        let fault = bad(page(&plan, &first_page("p"), &ok(&body)).unwrap_err());
        assert!(!fault.retry && fault.message.contains(words), "{}", fault.message);
    };
    fails(json!([{"id": 1}, {"no": 2}]), "row 2 of the page has no `id`, which `c` needs");
    fails(json!([{"id": null}]), "`id` that is null");
    fails(json!([{"id": {"a": 1}}]), "`id` that is an object");
    fails(json!([5]), "row 1 of the page is a number");
    let got = page(
        &plan,
        &first_page("p"),
        &ok("[{\"id\":1},{\"id\":1},{\"id\":\"1\"},{\"id\":\"\\u0031\"},{\"id\":9007199254740993}]"),
    )
    .unwrap();
    let keys: Vec<_> = got.children[0].partitions.iter().map(|partition| partition.key.as_str()).collect();
    assert_eq!(keys, ["[1]", "[\"1\"]", "[9007199254740993]"]);
    assert!(
        got.notices
            .iter()
            .any(|notice| notice.code == "partition-repeated" && notice.message.starts_with("2 rows"))
    );
    assert_eq!(got.kept, 5);
}

#[test]
fn a_bound_value_cannot_ask_for_another_path() {
    let plan = planned(&source(
        json!(["p", {"name": "c", "endpoint": {"path": "p/{x}/c", "headers": {"X-H": "{resources.p.id}"}}}]),
    ));
    for (id, path) in
        [("a?b#c", "a%3Fb%23c"), ("../..", "..%2F.."), ("%2e%2e", "%252e%252e"), ("ü ", "%C3%BC%20")]
    {
        let partition = opened(&plan, &first_page("p"), "c", json!([{"id": id}])).remove(0);
        assert_eq!(url_for(&plan, "c", &partition).unwrap(), format!("https://api.test/p/{path}/c"));
    }
    for id in [".", "..", "", "a\r\nX: y"] {
        let partition = opened(&plan, &first_page("p"), "c", json!([{"id": id}])).remove(0);
        assert!(matches!(url_for(&plan, "c", &partition), Err(Fault::Other(_))), "{id:?}");
    }
}

#[test]
fn keys_that_are_added_hide_nothing() {
    let config = source(json!(["p", {"name": "c", "endpoint": "p/{x}/c", "rename": {"_p_id": "project"}}]));
    let plan = planned(&config);
    let partition = opened(&plan, &first_page("p"), "c", json!([{"id": 1}])).remove(0);
    let run = |body: &str| {
        page(&plan, &child_page("c", &partition), &ok(body)).map(|page| rows_text(&page).to_owned())
    };
    assert_eq!(run("[{\"a\":2}]").unwrap(), "{\"a\":2,\"project\":1}\n");
    assert_eq!(run("[null]").unwrap(), "null\n", "left to the host");
    for body in ["[{\"_p_id\":2}]", "[{\"\\u005fp_id\":2}]", "[{\"project\":2}]", "[3]"] {
        assert!(!bad(run(body).unwrap_err()).retry, "{body}");
    }
}

#[test]
fn partitions_of_another_kind_are_refused() {
    let plan = planned(&source(json!(["p", {"name": "c", "endpoint": "p/{x}/c"}])));
    for data in ["", "{}", "[]", "{\"bind\":[],\"add\":[1]}", "{\"bind\":1}"] {
        let wanted = child_page("c", &Partition { key: "[1]".into(), data: data.into() });
        assert!(matches!(request(&plan, &wanted), Err(Fault::Other(_))), "{data}");
        assert!(matches!(page(&plan, &wanted, &ok("[]")), Err(Fault::Other(_))), "{data}");
    }
    assert!(matches!(request(&plan, &first_page("c")), Err(Fault::Other(_))));
}
