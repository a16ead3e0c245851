//! `init`: a first config of what one page shows, and where the key goes.

use insta::assert_snapshot;
use sanderling_demo::{Action, Fault, Options, Reply, Server, When, start};

use crate::program::{Folder, Ran};

const KEY: &str = "first-key-93be";

fn server() -> Server {
    start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap()
}

/// What a run printed, and the files that it left, without the server's port and the secret itself.
fn told(folder: &Folder, server: &Server, ran: &Ran) -> String {
    let file = if folder.path("api.yaml").exists() { folder.read("api.yaml") } else { String::new() };
    assert!(!format!("{file}{}{}", ran.stdout, ran.stderr).contains(KEY), "{file}{}", ran.stderr);
    let text =
        format!("[exit {}]\n{}{}\n[api.yaml]\n{file}", ran.code.unwrap_or_default(), ran.stdout, ran.stderr);
    text.replace(&server.base_url(), "http://API")
}

fn secrets(folder: &Folder) -> toml::Table {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.path(".sanderling/secrets.toml");
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    toml::from_str(&folder.read(".sanderling/secrets.toml")).unwrap()
}

/// What `init` wrote is good, and reads everything.
fn assert_reads(folder: &Folder, resource: &str, rows: usize) {
    folder.run(&["check", "api.yaml", "--frozen"]).expect(0);
    folder.run(&["run", "api.yaml", "--frozen", "--to", "jsonl:out"]).expect(0);
    assert_eq!(folder.lines(&format!("out/{resource}.jsonl")).len(), rows);
}

#[test]
fn of_a_curl_line_with_a_key() {
    let (server, folder) = (server(), Folder::new());
    let line = format!(
        "curl -s '{}/v1/time_entries?limit=100&offset=0' -H 'Authorization: Bearer {KEY}' -H 'Accept: */*'",
        server.base_url()
    );
    let ran = folder.run(&["init", "--curl", &line]);
    assert_eq!(server.requests().len(), 1);
    assert_snapshot!(told(&folder, &server, &ran));
    let kept = &secrets(&folder)["token"];
    assert_eq!(kept["value"].as_str(), Some(KEY));
    assert_eq!(kept["origins"][0].as_str(), Some(server.base_url().as_str()));
    assert_reads(&folder, "time_entries", 2_500);

    // The same name is another API's: neither takes the other's key.
    let ran = folder.run(&["init", "--curl", &line, "-o", "second.yaml"]).expect(0).says(&["`token_2`"]);
    assert!(folder.read("second.yaml").contains("${secrets.token_2}"), "{}", ran.stderr);
    assert_eq!(secrets(&folder)["token_2"]["value"].as_str(), Some(KEY));
    folder.run(&["check", "second.yaml", "--frozen"]).expect(0);
}

#[test]
fn of_an_address_and_a_key_from_outside() {
    let (server, mut folder) = (server(), Folder::new());
    folder.env("THE_KEY", KEY);
    let base = format!("{}/v1", server.base_url());
    let args =
        ["init", &base, "--path", "users", "--auth", "header:X-Api-Key", "--secret", "api_key=env:THE_KEY"];
    let ran = folder.run(&args);
    assert_snapshot!(told(&folder, &server, &ran));
    // Where a key comes from outside, none is kept.
    assert!(!folder.path(".sanderling").exists());
    folder.env("SANDERLING_SECRET_API_KEY", KEY);
    assert_reads(&folder, "users", 8);
}

#[test]
fn of_an_openapi_file() {
    let (server, folder) = (server(), Folder::with_key(KEY));
    let spec = "\
openapi: 3.1.0
servers: [{url: 'API/v1'}]
paths:
  /clients:
    get:
      security: [{k: []}]
      responses:
        200:
          content:
            application/json:
              schema: {properties: {data: {items: {properties: {id: {type: integer}, vat: {}}}}}}
  /users: {get: {}}
components: {securitySchemes: {k: {type: apiKey, in: query, name: api_key}}}
"
    .replace("API", &server.base_url());
    folder.write("openapi.yaml", &spec);
    let ran = folder.run(&["init", "--openapi", "openapi.yaml", "--path", "/clients"]);
    assert_snapshot!(told(&folder, &server, &ran));
    assert_reads(&folder, "clients", 12);
    let ran = folder.run(&["check", "api.yaml", "--openapi", "openapi.yaml"]).expect(0);
    ran.says(&["documented for `GET /clients`, but in none of 12 rows that came: vat"]);
}

#[test]
fn what_keeps_it_from_writing() {
    let (server, folder) = (server(), Folder::new());
    let users = format!("{}/v1/users", server.base_url());
    folder.write("there.yaml", "mine");
    folder.write("openapi.yaml", "openapi: 3.1.0\npaths: {/a: {get: {}}, /b: {get: {}}}\n");
    folder.write("empty.yaml", "openapi: 3.1.0\n");
    let cases: [&[&str]; 13] = [
        &[],
        &["ftp://api.example.com/x"],
        &[&users],
        &[&users, "--auth", "bearer"],
        &[&users, "--auth", "cookie"],
        &[&users, "-o", "there.yaml"],
        &[&users, "-o", "api.json"],
        &["--curl", "curl -X DELETE https://api.example.com/x"],
        &["--openapi", "openapi.yaml"],
        &["--openapi", "openapi.yaml", "--path", "/aa"],
        &["--openapi", "openapi.yaml", "--path", "/elsewhere"],
        &["--openapi", "openapi.yaml", "--path", "/a"],
        &["--openapi", "empty.yaml"],
    ];
    let mut all = String::new();
    for args in cases {
        let ran = folder.run(&[&["init"][..], args].concat());
        assert_ne!(ran.code, Some(0), "{args:?}");
        all.push_str(&format!("$ {}\n[exit {}]\n{}\n", args.join(" "), ran.code.unwrap(), ran.stderr));
    }
    assert_snapshot!(all.replace(&server.base_url(), "http://API"));
    assert_eq!(folder.read("there.yaml"), "mine");
    assert_eq!(folder.names(), ["empty.yaml", "openapi.yaml", "there.yaml"]);
}

#[test]
fn a_wrong_key_is_not_kept() {
    let (server, folder) = (server(), Folder::new());
    let line = format!("curl {}/v1/users -H 'X-Api-Key: wrong-{KEY}'", server.base_url());
    let ran = folder.run(&["init", "--curl", &line]).expect(3);
    assert!(!ran.stderr.contains(KEY), "{}", ran.stderr);
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[test]
fn a_file_of_secrets_that_is_broken_stays_as_it_is() {
    let (server, folder) = (server(), Folder::new());
    folder.write(".sanderling/secrets.toml", "token = hunter2");
    let line = format!("curl {}/v1/users -H 'X-Api-Key: {KEY}'", server.base_url());
    let ran = folder.run(&["init", "--curl", &line]);
    assert_snapshot!(told(&folder, &server, &ran));
    assert_eq!(
        (folder.read(".sanderling/secrets.toml").as_str(), server.requests().len()),
        ("token = hunter2", 0)
    );
}

#[test]
fn rows_without_a_key_are_replaced() {
    let (server, folder) = (server(), Folder::with_key(KEY));
    let rows = r#"[{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]"#;
    server.add_fault(Fault::new("/v1/users", When::Always, Action::Answer(Reply::json(200, rows))));
    let users = format!("{}/v1/users?api_key={KEY}", server.base_url());
    let ran = folder.run(&["init", &users]);
    assert_snapshot!(told(&folder, &server, &ran));
}
