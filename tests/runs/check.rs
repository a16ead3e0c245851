//! `check`: what it finds in a config, and what `--fix` writes into it.

use insta::assert_snapshot;
use sanderling_demo::{Action, Fault, KEY, Options, Reply, Server, When, demo_config, start};
use serde_json::Value;

use crate::program::{Folder, Ran};

/// A server, and a folder whose `c.yaml` reads it: `rest` below `client`.
fn config(rest: &str) -> (Server, Folder) {
    let server = start(Options::default()).unwrap();
    let folder = Folder::new();
    folder.write("c.yaml", &format!("client: {{base_url: \"{}\"}} # where\n{rest}", server.base_url()));
    (server, folder)
}

fn told(ran: &Ran, server: &Server) -> String {
    ran.stderr.replace(&server.base_url(), "http://api")
}

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", ran.stdout))
}

fn list(rows: &str) -> Reply {
    Reply::json(200, format!("[{rows}]"))
}

#[test]
fn a_page_of_each_resource_and_of_two_parents_is_asked_for_once() {
    let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
    let folder = Folder::with_key(KEY);
    folder.write("demo.yaml", &demo_config(&server.base_url()));
    let before = folder.names();
    let ran = folder.run(&["check", "demo.yaml"]).expect(0);
    assert_snapshot!(ran.stderr, @r#"
    note: `{parent_id}` in the path of `tasks` is taken to be `id` of `projects`; its rows carry it as `_projects_id`
    hint: in demo.yaml:20 write `tasks: {endpoint: "/v1/projects/{resources.projects.id}/tasks", include_from_parent: [id]}`
    projects: good, 20 of 20 rows on the first page
    tasks: good, 20 of 20 rows on the first pages of 2 parents
    time_entries: good, 100 of 2,500 rows on the first page, and there are more
    expenses: good, 100 of 340 rows on the first page, and there are more
    clients: good, 12 of 12 rows on the first page
    users: good, 8 of 8 rows on the first page
    the config is good; nothing was written
    "#);
    let mut asked: Vec<String> = server.requests().iter().map(|request| request.path.clone()).collect();
    asked.sort();
    assert_eq!(
        asked,
        [
            "/v1/clients",
            "/v1/expenses",
            "/v1/projects",
            "/v1/projects/101/tasks",
            "/v1/projects/102/tasks",
            "/v1/time_entries",
            "/v1/users"
        ]
    );
    server.clear_log();
    folder.run(&["check", "demo.yaml", "--resource", "tasks"]).expect(0).says(&["tasks: good"]);
    assert_eq!(server.requests().len(), 3);

    for (fault, code, words) in [
        (Action::status(503), 4, "error: users, page 1: the API answered 503"),
        (Action::Html, 5, "error: users, page 1: the server answered with an HTML page"),
        (Action::NullRow { at: 0 }, 5, "error: users: 1 of 8 rows that came are null, which no run writes"),
    ] {
        server.clear_log();
        server.clear_faults();
        server.add_fault(Fault::new("/v1/users", When::Always, fault));
        let ran =
            folder.run(&["check", "demo.yaml"]).expect(code).says(&[words, "clients: good, 12 of 12 rows"]);
        assert!(!ran.stderr.contains("the config is good"), "{}", ran.stderr);
        assert_eq!(server.requests().len(), 7, "nothing is tried again");
    }
    assert_eq!(folder.names(), before);
}

#[test]
fn a_refused_credential_is_not_sent_again() {
    let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
    let folder = Folder::with_key("wrong-key-4f1c9b7e2a");
    folder.write("demo.yaml", &demo_config(&server.base_url()));
    let ran = folder.run(&["check", "demo.yaml"]).expect(3);
    assert_snapshot!(told(&ran, &server), @r#"
    note: `{parent_id}` in the path of `tasks` is taken to be `id` of `projects`; its rows carry it as `_projects_id`
    hint: in demo.yaml:20 write `tasks: {endpoint: "/v1/projects/{resources.projects.id}/tasks", include_from_parent: [id]}`
    error: projects, page 1: the API refuses the credential (403)
      GET http://api/v1/projects?offset=0&limit=100&api_key=***
      it said: {"error":{"code":"forbidden","message":"this API key is not known"}}
    hint: it was sent `api_key` in the query parameter `api_key`: is its value right, does it belong there, may it read this?
    tasks: not tried: projects failed
    time_entries: not tried: http://api has refused the credential
    expenses: not tried: http://api has refused the credential
    clients: not tried: http://api has refused the credential
    users: not tried: http://api has refused the credential
    "#);
    assert_eq!(server.requests().len(), 1);
}

/// What an OpenAPI file says of the API that [`documented`] serves.
const OPENAPI: &str = "\
openapi: 3.0.3
servers: [{url: /v1}]
paths:
  /clients:
    get:
      responses:
        200:
          content:
            application/json:
              schema:
                properties:
                  total: {type: integer}
                  data: {type: array, items: {$ref: '#/components/schemas/Client'}}
  /clients/{id}/notes:
    get: {responses: {2XX: {$ref: '#/components/responses/Notes'}}}
  /steps: {get: {responses: {default: {content: {application/json: {schema: {items: {properties: {id: {}}}}}}}}}}
  /vague: {get: {responses: {200: {description: rows}}}}
components:
  responses:
    Notes: {content: {application/json: {schema: {type: array, items: {properties: {id: {type: integer}, text: {type: string}}}}}}}
  schemas:
    Base: {properties: {id: {type: integer}, secret: {type: string, writeOnly: true}}}
    Client:
      allOf:
        - $ref: '#/components/schemas/Base'
        - properties: {name: {type: string}, rate: {type: number}, phone: {type: string, nullable: true}}
";

fn documented() -> (Server, Folder) {
    let (server, folder) = config(
        "\
resource_defaults: {primary_key: id, endpoint: {paginator: single_page}}
resources:
  - {name: clients, endpoint: {path: v1/clients, data_selector: data}}
  - {name: notes, include_from_parent: [id], rename: {text: said}, endpoint: {path: 'v1/clients/{resources.clients.id}/notes', data_selector: $}}
  - {name: steps, processing_steps: [{map: '{id: .id, twice: (.id * 2)}'}], endpoint: {path: v1/steps, data_selector: $}}
  - {name: vague, endpoint: {path: v1/vague, data_selector: $}}
  - {name: elsewhere, endpoint: {path: v1/elsewhere, data_selector: $}}
  - {name: none, endpoint: {path: v1/none, data_selector: $}}
",
    );
    let clients = r#"{"id":1,"name":"a","rate":"9","zip":1},{"id":2,"name":null,"rate":2}"#;
    server
        .set_route("/v1/clients", move |_| Reply::json(200, format!(r#"{{"total":2,"data":[{clients}]}}"#)));
    server.set_route("/v1/none", |_| list(""));
    for notes in ["/v1/clients/1/notes", "/v1/clients/2/notes"] {
        server.set_route(notes, |_| list(r#"{"id":1,"text":"x"}"#));
    }
    for other in ["/v1/steps", "/v1/vague", "/v1/elsewhere"] {
        server.set_route(other, |_| list(r#"{"id":1}"#));
    }
    folder.write("api.openapi.yaml", OPENAPI);
    (server, folder)
}

#[test]
fn rows_are_compared_with_an_openapi_file() {
    let (server, folder) = documented();
    let args = ["check", "c.yaml", "--openapi", "api.openapi.yaml"];
    let ran = folder.run(&args).expect(0);
    assert_snapshot!(told(&ran, &server), @r"
    note: clients: not documented for `GET /clients`, but in rows that came: zip
    note: clients: documented for `GET /clients`, but in none of 2 rows that came: phone
    note: clients: `name` is null in 1 of 2 rows that came, but documented as string for `GET /clients`
    note: clients: `rate` is string in 1 of 2 rows that came, but documented as number for `GET /clients`
    clients: good, 2 rows on the first page
    notes: good, 2 rows on the first pages of 2 parents; 2 columns as documented for `GET /clients/{id}/notes`
    note: steps: its rows are not compared with the OpenAPI file: `processing_steps` changes them
    steps: good, 1 row on the first page
    note: vague: the OpenAPI file does not say which rows `GET /vague` has at `$`
    vague: good, 1 row on the first page
    note: elsewhere: the OpenAPI file does not know `GET http://api/v1/elsewhere`, so its rows are not compared with it
    elsewhere: good, 1 row on the first page
    none: good, 0 rows on the first page
    the config is good; nothing was written
    ");
    let document = document(&folder.run(&[&args[..], &["--json"]].concat()).expect(0));
    let of = |list: &str, key: &str| -> Vec<Value> {
        document[list].as_array().unwrap().iter().map(|entry| entry[key].clone()).collect()
    };
    let (yes, no, null) = (Value::Bool(true), Value::Bool(false), Value::Null);
    assert_eq!(of("resources", "documented"), [no, yes, null.clone(), null.clone(), null.clone(), null]);
    let notices = of("notices", "message");
    assert_eq!(notices.len(), 7, "{notices:?}");
    assert!(notices.iter().all(|notice| ran.stderr.contains(notice.as_str().unwrap())), "{notices:?}");

    folder.write("list.yaml", "- a\n");
    folder.run(&["check", "c.yaml", "--openapi", "list.yaml"]).expect(2);
    folder.run(&["check", "c.yaml", "--openapi", "missing.yaml"]).expect(2).says(&["missing.yaml"]);
}

#[test]
fn keys_and_columns_that_the_rows_do_not_have_are_told() {
    let (server, folder) = config(
        "\
resource_defaults: {write_disposition: merge, endpoint: {paginator: single_page}}
resources:
  wrong: {primary_key: ID}
  gaps: {primary_key: id}
  loose: {primary_key: uuid, write_disposition: append}
  columns: {primary_key: id, columns: {name: {nullable: false}, note: {nullable: true}}}
  fine: {primary_key: id}
",
    );
    server.set_route("/wrong", |_| list(r#"{"id":1,"name":"a"},{"id":2}"#));
    server.set_route("/gaps", |_| list(r#"{"id":1},{"id":null},{"name":"a"}"#));
    server.set_route("/loose", |_| list(r#"{"id":1}"#));
    server.set_route("/columns", |_| list(r#"{"id":1,"name":"a"},{"id":2,"name":null,"note":null}"#));
    server.set_route("/fine", |_| list(r#"{"id":1},{"id":2}"#));
    let ran = folder.run(&["check", "c.yaml"]).expect(2);
    assert_snapshot!(told(&ran, &server), @r"
    error: wrong: no row that came has `ID`, which `primary_key` names
      the rows have id, name
    hint: did you mean `id`?
    error: gaps: of 3 rows that came, 1 lacks and 1 has null in `id`, a part of its primary key
    hint: name a `primary_key` that every row has, or none
    error: loose: no row that came has `uuid`, which `primary_key` names
      the rows have id
    error: columns: of 2 rows that came, 1 has null in `name`, which is declared to be in each
    hint: if it may be missing, write `nullable: true` for the column
    fine: good, 2 rows on the first page
    ");
    let ran = folder.run(&["check", "c.yaml", "--json"]).expect(2);
    let document = document(&ran);
    let of = |list: &str, key: &str| -> Vec<Value> {
        document[list].as_array().unwrap().iter().map(|entry| entry[key].clone()).collect()
    };
    assert_eq!(of("resources", "status"), ["failed", "failed", "failed", "failed", "good"]);
    assert_eq!(of("problems", "exit_code"), [2, 5, 2, 5]);
    assert_eq!(of("problems", "resource"), ["wrong", "gaps", "loose", "columns"]);
    assert_eq!((document["version"].as_u64(), document["exit_code"].as_u64()), (Some(1), Some(2)));
}

/// Two parents whose children have the same ids.
fn shared(resources: &str) -> (Server, Folder) {
    let (server, folder) = config(&format!(
        "\
resource_defaults:
  primary_key: id
  write_disposition: merge
  endpoint: {{paginator: single_page, data_selector: $}}
resources:
{resources}"
    ));
    server.set_route("/p", |_| list(r#"{"id":7},{"id":8},{"id":9}"#));
    server.set_route("/p/*/c", |_| list(r#"{"id":1},{"id":2}"#));
    (server, folder)
}

#[test]
fn a_key_that_two_parents_share_is_told_with_the_one_that_tells_them_apart() {
    for (resources, written, key) in [
        (
            "  p: /p # parents\n  c: # children\n    endpoint: {path: \"/p/{resources.p.id}/c\"} # each\n    include_from_parent: [id]\n",
            "  p: /p # parents\n  c: # children\n    endpoint: {path: \"/p/{resources.p.id}/c\"} # each\n    include_from_parent: [id]\n    primary_key: [_p_id, id]\n",
            "in `c` (c.yaml:8) write `primary_key: [_p_id, id]`",
        ),
        (
            "  p: /p\n  c: \"/p/{resources.p.id}/c\" # each\n",
            "  p: /p\n  c: # each\n    endpoint: {path: \"/p/{resources.p.id}/c\"}\n    primary_key: [_p_id, id]\n    include_from_parent: [id]\n",
            "in c.yaml:8 write `c: {endpoint: {path: \"/p/{resources.p.id}/c\"}, primary_key: [_p_id, id], include_from_parent: [id]}`",
        ),
    ] {
        let (server, folder) = shared(resources);
        let before = folder.read("c.yaml");
        let ran = folder.run(&["check", "c.yaml"]).expect(5);
        ran.says(&[
            "error: c: rows of two parents have the same key (id): merged, one would take the other's place\n",
            &format!("hint: {key}\n"),
        ]);
        assert_eq!(folder.read("c.yaml"), before);
        folder.run(&["run", "c.yaml"]).expect(5);
        folder.run(&["check", "c.yaml", "--fix"]).expect(0);
        assert_eq!(folder.read("c.yaml"), before.replace(resources, written));
        server.clear_log();
        folder.run(&["run", "c.yaml", "--frozen", "--fresh"]).expect(0);
        assert_eq!(folder.count("c.db", "select count(*) from c"), 6);
    }
}

/// A config in which everything is left to be guessed.
const GUESSED: &str = "\
# a comment
resources:
  p: /p   # parents
  c:
    endpoint: '/p/{parent_id}/c' # for each
    # the end
  top: {endpoint: {path: /top}} # inline
";

fn guessed() -> (Server, Folder) {
    let (server, folder) = config(GUESSED);
    server.set_route("/p", |_| list(r#"{"id":7},{"id":8}"#));
    server.set_route("/p/*/c", |_| Reply::json(200, r#"{"items":[{"n":1}],"tags":[]}"#));
    server.set_route("/top", |_| Reply::json(200, r#"{"data":[{"n":1}]}"#));
    (server, folder)
}

#[test]
fn fix_writes_what_was_guessed_and_keeps_the_rest() {
    let (server, folder) = guessed();
    let first = folder.read("c.yaml");
    folder.run(&["run", "c.yaml", "--frozen"]).expect(2);
    assert_eq!((server.requests().len(), folder.path("c.db").exists()), (0, false));

    let ran = folder.run(&["check", "c.yaml", "--fix"]).expect(0);
    assert_snapshot!(told(&ran, &server), @r"
    p: good, 2 rows on the first page
    c: good, 2 rows on the first pages of 2 parents
    top: good, 1 row on the first page
    c.yaml:4: - p: /p   # parents
    c.yaml:4: + p:   # parents
    c.yaml:5: +   endpoint: {path: /p, paginator: single_page}
    c.yaml:6: - endpoint: '/p/{parent_id}/c' # for each
    c.yaml:7: + endpoint: # for each
    c.yaml:8: +   path: /p/{resources.p.id}/c
    c.yaml:9: +   data_selector: items
    c.yaml:10: +   paginator: single_page
    c.yaml:11: + include_from_parent: [id]
    c.yaml:8: - top: {endpoint: {path: /top}} # inline
    c.yaml:13: + top: {endpoint: {path: /top, data_selector: data, paginator: single_page}} # inline
    the config is good; no rows were written
    ");
    assert_snapshot!(folder.read("c.yaml").replace(&server.base_url(), "http://api"), @r#"
    client: {base_url: "http://api"} # where
    # a comment
    resources:
      p:   # parents
        endpoint: {path: /p, paginator: single_page}
      c:
        endpoint: # for each
          path: /p/{resources.p.id}/c
          data_selector: items
          paginator: single_page
        include_from_parent: [id]
        # the end
      top: {endpoint: {path: /top, data_selector: data, paginator: single_page}} # inline
    "#);
    for comment in first.lines().filter_map(|line| line.split_once('#')).map(|(_, comment)| comment) {
        assert!(folder.read("c.yaml").contains(comment), "{comment}");
    }
    let fixed = folder.read("c.yaml");
    let ran = folder.run(&["check", "c.yaml", "--fix"]).expect(0);
    ran.says(&["nothing to fix: the config leaves nothing to be guessed\n"]);
    assert_eq!(folder.read("c.yaml"), fixed);
    folder.run(&["check", "c.yaml", "--frozen"]).expect(0);
    let ran = folder.run(&["run", "c.yaml", "--frozen"]).expect(0);
    assert!(!ran.stderr.contains("note:"), "{}", ran.stderr);
    assert_eq!(folder.count("c.db", "select count(*) from c"), 2);
}

#[test]
fn fix_writes_json_too() {
    let (server, folder) = guessed();
    let json = format!(
        "{{\n  \"client\": {{\"base_url\": \"{}\"}},\n  \"resources\": [\n    \"p\",\n    {{\n      \"name\": \"c\",\n      \"endpoint\": {{\"path\": \"/p/{{parent_id}}/c\"}}\n    }}\n  ]\n}}\n",
        server.base_url()
    );
    folder.write("c.json", &json);
    let ran = folder.run(&["check", "c.json"]).expect(0);
    assert_snapshot!(told(&ran, &server), @r#"
    note: `{parent_id}` in the path of `c` is taken to be `id` of `p`; its rows carry it as `_p_id`
    hint: in c.json:7 write `"path": "/p/{resources.p.id}/c"`, and in `c` (c.json:5) write `"include_from_parent": ["id"]`
    note: p: no paginator is named, and the answer has no sign of more pages: read as one page
    hint: in c.json:4 write `{"name": "p", "endpoint": {"paginator": "single_page"}}`
    p: good, 2 rows on the first page
    note: c: the rows of `c` are taken to stand at `items`, not at `tags`
    hint: in `c.endpoint` (c.json:7) write `"data_selector": "items"`
    note: c: no paginator is named, and the answer has no sign of more pages: read as one page
    hint: in `c.endpoint` (c.json:7) write `"paginator": "single_page"`
    c: good, 2 rows on the first pages of 2 parents
    the config is good; nothing was written
    "#);
    folder.run(&["check", "c.json", "--fix"]).expect(0);
    assert_snapshot!(folder.read("c.json").replace(&server.base_url(), "http://api"), @r#"
    {
      "client": {"base_url": "http://api"},
      "resources": [
        {"name": "p", "endpoint": {"paginator": "single_page"}},
        {
          "name": "c",
          "endpoint": {"path": "/p/{resources.p.id}/c", "data_selector": "items", "paginator": "single_page"},
          "include_from_parent": ["id"]
        }
      ]
    }
    "#);
    folder.run(&["run", "c.json", "--frozen"]).expect(0);
    let document = document(&folder.run(&["check", "c.json", "--fix", "--json"]).expect(0));
    assert_eq!((&document["changes"], &document["notices"]), (&Value::Array(vec![]), &Value::Array(vec![])));
}

#[test]
fn fix_writes_toml_too() {
    let (server, folder) = guessed();
    let toml = format!(
        "# a comment\n[client]\nbase_url = \"{}\" # where\n\n[resources]\np = \"/p\" # parents\n\n[resources.c.endpoint]\npath = '/p/{{parent_id}}/c' # each\n",
        server.base_url()
    );
    folder.write("c.toml", &toml);
    folder
        .run(&["check", "c.toml"])
        .expect(0)
        .says(&["hint: in c.toml:9 write `path = \"/p/{resources.p.id}/c\"`"]);
    folder.run(&["check", "c.toml", "--fix"]).expect(0);
    assert_snapshot!(folder.read("c.toml").replace(&server.base_url(), "http://api"), @r#"
    # a comment
    [client]
    base_url = "http://api" # where

    [resources]
    p = {endpoint = {path = "/p", paginator = "single_page"}} # parents

    [resources.c]
    include_from_parent = ["id"]

    [resources.c.endpoint]
    path = "/p/{resources.p.id}/c" # each
    data_selector = "items"
    paginator = "single_page"
    "#);
    let fixed = folder.read("c.toml");
    folder.run(&["check", "c.toml", "--fix"]).expect(0).says(&["nothing to fix"]);
    assert_eq!(folder.read("c.toml"), fixed);
    folder.run(&["run", "c.toml", "--frozen"]).expect(0);
}

#[test]
fn what_fix_cannot_write_is_told_and_the_file_stays() {
    let (server, folder) = guessed();
    let aliased = format!(
        "client: {{base_url: \"{}\"}}\nresources:\n  p: &p {{endpoint: {{path: /p}}, primary_key: id}}\n  q: *p\n",
        server.base_url()
    );
    folder.write("c.yaml", &aliased);
    let ran = folder.run(&["check", "c.yaml", "--fix"]).expect(2);
    assert_snapshot!(told(&ran, &server), @r"
    p: good, 2 rows on the first page
    q: good, 2 rows on the first page
    error: c.yaml is left as it is: an alias or a merge key stands there
    hint: in `p.endpoint` (c.yaml:3) write `paginator: single_page`
    error: c.yaml is left as it is: an alias or a merge key stands there
    hint: in `q.endpoint` (c.yaml:3) write `paginator: single_page`
    ");
    assert_eq!(folder.read("c.yaml"), aliased);
    for broken in ["client: {\n", "client: {base_url: x}\nresourcs: []\n"] {
        folder.write("c.yaml", broken);
        folder.run(&["check", "c.yaml", "--fix"]).expect(2);
        assert_eq!(folder.read("c.yaml"), broken);
    }
    assert_eq!(folder.names(), ["c.yaml"]);
}

#[test]
fn a_wrong_config_and_missing_secrets_are_told_at_once() {
    let folder = Folder::new();
    folder.write(
        "c.yaml",
        "client: {base_url: \"https://api.example.com\", auth: {type: bearer, token: \"${secrets.k}\"}}\nresourcs: [a]\n",
    );
    let ran = folder.run(&["check", "c.yaml", "--json"]).expect(2);
    let document = document(&ran);
    ran.says(&["error: the secret `k` is not given", "error: the config has 2 problems"]);
    let codes: Vec<&Value> =
        document["problems"].as_array().unwrap().iter().map(|problem| &problem["exit_code"]).collect();
    assert_eq!(
        (codes.as_slice(), &document["exit_code"]),
        (&[&Value::from(3), &Value::from(2)][..], &Value::from(2))
    );
    let ran = folder.run(&["check", "c.yaml", "--fix", "--frozen"]).expect(2);
    ran.says(&["cannot be used with"]);
}

#[test]
fn parents_without_rows_or_gone_do_not_make_a_config_bad() {
    let (server, folder) = shared("  p: /p\n  c: \"/p/{resources.p.id}/c\"\n");
    server.set_route("/p", |_| list(""));
    let ran = folder.run(&["check", "c.yaml"]).expect(0);
    ran.says(&[
        "p: good, 0 rows on the first page\n",
        "c: not tried: no row of p was found to read it for\n",
    ]);
    server.set_route("/p", |_| list(r#"{"id":7},{"id":8},{"id":9}"#));
    server.set_route("/p/*/c", |request| match request.path.as_str() {
        "/p/7/c" => Reply::status(404),
        _ => list(&format!("{{\"id\":\"{}\"}}", request.path)),
    });
    folder.run(&["check", "c.yaml"]).expect(0).says(&["c: good, 2 rows on the first pages of 2 parents\n"]);
    server.set_route("/p/*/c", |_| Reply::status(404));
    folder
        .run(&["check", "c.yaml"])
        .expect(1)
        .says(&["error: c of parent [7], page 1: the API answered 404"]);
    server.set_route("/p", |_| Reply::status(500));
    let ran = folder.run(&["check", "c.yaml"]).expect(4);
    ran.says(&["error: p, page 1: the API answered 500", "c: not tried: p failed\n"]);
}

#[test]
fn where_there_is_nothing_to_fix_that_is_said() {
    let (server, folder) = config(
        "resources:
  p: {endpoint: {path: p, paginator: single_page, data_selector: $}}
  c: {endpoint: {path: \"p/{resources.p.id}/c\", paginator: single_page, data_selector: $}}
",
    );
    server.set_route("/p", |_| list(r#"{"id":1}"#));
    server.set_route("/p/*/c", |_| list(r#"{"id":7}"#));
    let ran = folder.run(&["check", "c.yaml", "--fix"]).expect(0);
    assert_snapshot!(told(&ran, &server), @r"
    p: good, 1 row on the first page
    c: good, 1 row on the first page of one parent
    nothing to fix: the config leaves nothing to be guessed
    the config is good; no rows were written
    ");
}
