//! Bad input of every kind: what a person is told, word for word, and what a script is told by the exit code.

use std::net::ToSocketAddrs;

use insta::assert_snapshot;
use sanderling_demo::{Action, Fault, Options, Reply, Server, When, start};

use crate::program::{Folder, Ran};

/// What was printed, without the table of resources, and with the server's port left out.
fn told(ran: &Ran, server: &Server) -> String {
    let is_table = |line: &&str| line.starts_with(' ') && !line.starts_with("  ");
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| !is_table(line)).collect();
    lines.join("\n").replace(&server.base_url(), "http://api")
}

/// One resource `r` at `path`; `more` are lines of its endpoint.
fn one(base_url: &str, path: &str, more: &str) -> String {
    with_auth(base_url, "null", path, more)
}

/// The same, with `auth`.
fn with_auth(base_url: &str, auth: &str, path: &str, more: &str) -> String {
    format!(
        "client: {{base_url: \"{base_url}\", auth: {auth}}}
resources:
  - name: r
    endpoint:
      path: {path}
      error_handler: {{max_retries: 1, backoff_factor: 0.01}}
      {more}
"
    )
}

/// Runs one resource of a server that answers `/x` with `reply`.
fn answered(reply: Reply, more: &str, code: i32) -> String {
    let server = start(Options::default()).unwrap();
    server.set_route("/x", move |_| reply.clone());
    let folder = Folder::new();
    folder.write("c.yaml", &one(&server.base_url(), "x", more));
    told(&folder.run(&["run", "c.yaml", "--progress", "none"]).expect(code), &server)
}

fn json(body: &'static str, more: &str, code: i32) -> String {
    answered(Reply::json(200, body), more, code)
}

/// Runs a config that is refused before anything is sent.
fn refused(name: &str, config: impl AsRef<[u8]>, args: &[&str], code: i32) -> String {
    let folder = Folder::new();
    std::fs::write(folder.path(name), config).unwrap();
    let before = folder.names();
    let ran = folder.run(&[&["run", name], args].concat()).expect(code);
    assert_eq!((ran.stdout.as_str(), folder.names()), ("", before));
    ran.stderr
}

#[test]
fn each_unknown_key_is_shown_in_its_place_with_the_name_that_was_meant() {
    let config = "\
nmae: x
client:
  base_url: https://api.example.com
  auth: {type: api_key, api_keey: \"${secrets.k}\", location: querry}
resource_defaults:
  primary_ky: id
resources:
  - name: r
    endpoint:
      pth: r
      paginator: {type: ofset}
    write_disposition: upsert
limits: {concurency: 3}
nested: jsn
";
    assert_snapshot!(refused("c.yaml", config, &[], 2), @r#"
    error: the config has 10 problems
      error: unknown key `nmae` in the config
       --> c.yaml:1:1
        |
      1 | nmae: x
        | ^^^^
        |
        = hint: did you mean `name`?
      
      error: auth needs `api_key`
       --> c.yaml:4:3
        |
      4 |   auth: {type: api_key, api_keey: "${secrets.k}", location: querry}
        |   ^^^^
        |
        = hint: api_key: "${secrets.api_key}"
      
      error: unknown key `api_keey` in auth of type `api_key`
       --> c.yaml:4:25
        |
      4 |   auth: {type: api_key, api_keey: "${secrets.k}", location: querry}
        |                         ^^^^^^^^
        |
        = hint: did you mean `api_key`?
      
      error: unknown location `querry`
       --> c.yaml:4:61
        |
      4 |   auth: {type: api_key, api_keey: "${secrets.k}", location: querry}
        |                                                             ^^^^^^
        |
        = hint: `header`, `query` or `cookie`
      
      error: unknown key `primary_ky` in a resource
       --> c.yaml:6:3
        |
      6 |   primary_ky: id
        |   ^^^^^^^^^^
        |
        = hint: did you mean `primary_key`?
      
      error: unknown key `pth` in an endpoint
        --> c.yaml:10:7
         |
      10 |       pth: r
         |       ^^^
         |
         = hint: did you mean `path`?
      
      error: unknown type of paginator `ofset`
        --> c.yaml:11:25
         |
      11 |       paginator: {type: ofset}
         |                         ^^^^^
         |
         = hint: did you mean `offset`?
      
      error: unknown write disposition `upsert`
        --> c.yaml:12:24
         |
      12 |     write_disposition: upsert
         |                        ^^^^^^
         |
         = hint: `append`, `replace` or `merge`
      
      error: unknown key `concurency` in `limits`
        --> c.yaml:13:10
         |
      13 | limits: {concurency: 3}
         |          ^^^^^^^^^^
         |
         = hint: did you mean `concurrency`?
      
      error: `json` or `tables` is expected here
        --> c.yaml:14:9
         |
      14 | nested: jsn
         |         ^^^
         |
         = hint: did you mean `json`?
    "#);
}

#[test]
fn json_is_pointed_at_as_well() {
    let config = "{\"client\": {\"base_url\": \"https://a.example\"},\n \"resources\": [{\"nam\": \"r\"}]}";
    assert_snapshot!(refused("c.json", config, &[], 2), @r#"
    error: the config has a problem
      error: unknown key `nam` in a resource
       --> c.json:2:17
        |
      2 |  "resources": [{"nam": "r"}]}
        |                 ^^^^^
        |
        = hint: did you mean `name`?
    "#);
}

#[test]
fn a_file_that_is_no_config_is_told_by_what_is_wrong_with_it() {
    let flow = "client: {base_url: https://a.b, auth: {type: bearer, token: ${secrets.x}}}\n";
    let cases: [(&str, &[u8], &str); 13] = [
        ("c.yaml", b"", "the file is empty"),
        ("c.json", b"", "the file is empty"),
        ("c.yaml", b"# nothing yet\n", "the file is empty"),
        ("c.yaml", b"- a\n- b\n", "a source config is a mapping of names to values, as in `client: "),
        ("c.json", b"[1]", "a source config is a mapping of names to values, as in `client: "),
        ("c.toml", b"[client]\nbase_url = https://a.b\n", "= hint: texts stand in quotes"),
        ("config", b"a: b\n", "config: the name of a config ends in .yaml, .yml, .json or .toml"),
        ("c.yaml", b"name: \xff\xfe\n", "c.yaml cannot be read: it is not UTF-8"),
        ("c.yaml", flow.as_bytes(), "= hint: quote it: \"${secrets.NAME}\""),
        ("c.yaml", b"client:\n\tbase_url: x\n", "= hint: indent with spaces, not with tabs"),
        ("c.yaml", b"client: {}\nclient: {}\n", "`client` stands twice in one mapping, first in line 1"),
        ("c.json", b"{\"client\": {},}", "= hint: take the last comma away"),
        ("c.toml", b"", "`resources` is missing"),
    ];
    for (name, config, words) in cases {
        let stderr = refused(name, config, &[], 2);
        assert!(stderr.contains(words), "{words}:\n{stderr}");
    }
    let folder = Folder::new();
    folder.run(&["run", "c.yaml"]).expect(2).says(&["c.yaml cannot be read: there is no such file\n"]);
    folder.run(&["run", "."]).expect(2).says(&[". cannot be read: it is a folder\n"]);
}

const WITH_KEY: &str = "\
client: {base_url: \"https://a.example\", auth: {type: bearer, token: \"${secrets.api_key}\"}}
resources: [r]
";

#[test]
fn a_missing_secret_is_named_with_every_place_for_it() {
    let config = WITH_KEY.replace("}}", "}, headers: {X-Tenant: \"${secrets.tenant}\"}}");
    assert_snapshot!(refused("c.yaml", config, &[], 3), @r#"
    error: 2 problems with secrets
      the secret `api_key` is not given
      the secret `tenant` is not given
    hint: give `api_key` by one of
        --secret api_key=env:VAR, api_key=file:PATH or api_key=cmd:COMMAND
        the environment variable SANDERLING_SECRET_API_KEY
        a line `api_key = "…"` in .sanderling/secrets.toml (mode 0600)
    hint: give `tenant` by one of
        --secret tenant=env:VAR, tenant=file:PATH or tenant=cmd:COMMAND
        the environment variable SANDERLING_SECRET_TENANT
        a line `tenant = "…"` in .sanderling/secrets.toml (mode 0600)
    "#);
}

#[test]
fn a_source_of_a_secret_that_gives_none_says_why() {
    let cases = [
        (
            "api_key=hunter2hunter2",
            2,
            "--secret api_key=…: a value does not belong on the command line, where other users see it; write env:VAR, file:PATH or cmd:COMMAND",
        ),
        ("api_key", 2, "--secret api_key=…: write NAME=env:VAR, NAME=file:PATH or NAME=cmd:COMMAND"),
        ("hunter2 hunter2", 2, "--secret …: write NAME=env:VAR, NAME=file:PATH or NAME=cmd:COMMAND"),
        ("api_key=env:NOPE", 3, "the secret `api_key` cannot be read from env:NOPE: it is not set"),
        ("api_key=file:nope", 3, "the secret `api_key` cannot be read from file:nope: there is no such file"),
        ("api_key=file:.", 3, "the secret `api_key` cannot be read from file:.: it is a folder"),
        (
            "api_key=cmd:exit 7",
            3,
            "the secret `api_key` cannot be read from cmd:exit 7: it failed (exit status: 7)",
        ),
        ("api_key=cmd:true", 3, "the secret `api_key` cannot be read from cmd:true: it is empty"),
        (
            "apikey=env:HOME",
            2,
            "--secret apikey=…: the config has no `${secrets.apikey}`\nhint: did you mean `api_key`?",
        ),
    ];
    for (flag, code, words) in cases {
        let stderr = refused("c.yaml", WITH_KEY, &["--secret", flag], code);
        assert_eq!(stderr, format!("error: {words}\n"));
    }
}

#[cfg(unix)]
#[test]
fn a_secrets_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.write("c.yaml", WITH_KEY);
    folder.write(".sanderling/secrets.toml", "api_key = \"hunter2hunter2\"\n");
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(folder.path(".sanderling/secrets.toml"), mode(0o644)).unwrap();
    assert_snapshot!(folder.run(&["run", "c.yaml"]).expect(3).stderr, @r"
    error: .sanderling/secrets.toml: others may read it (mode 0644)
    hint: run `chmod 600 .sanderling/secrets.toml`
    ");
    std::fs::set_permissions(folder.path(".sanderling/secrets.toml"), mode(0o600)).unwrap();
    folder.write(".sanderling/secrets.toml", "api_key = hunter2hunter2\n");
    assert_snapshot!(folder.run(&["run", "c.yaml"]).expect(3).stderr, @r#"
    error: .sanderling/secrets.toml: line 1 is not TOML
    hint: write `name = "value"`
    "#);
}

#[test]
fn what_is_nearly_a_reference_is_not_sent_as_a_credential() {
    for wrong in ["${secret.api_key}", "${Secrets.api_key}", "${secrets.api key}", "${secrets.}"] {
        let config = WITH_KEY.replace("${secrets.api_key}", wrong);
        let stderr = refused("c.yaml", config, &[], 2);
        for words in
            ["this looks like a reference to a secret, and is none", "c.yaml:1:69", "${secrets.NAME}"]
        {
            assert!(stderr.contains(words), "{stderr}");
        }
    }
}

#[test]
fn a_credential_in_the_config_is_warned_about() {
    let server = start(Options { key: Some("literal-key-123".into()), ..Options::default() }).unwrap();
    let folder = Folder::new();
    let auth = "{type: api_key, name: api_key, api_key: literal-key-123, location: query}";
    folder.write(
        "c.yaml",
        &with_auth(
            &server.base_url(),
            auth,
            "/v1/users",
            "data_selector: data\n      paginator: single_page",
        ),
    );
    assert_snapshot!(told(&folder.run(&["run", "c.yaml", "--progress", "none"]).expect(0), &server), @r#"
    note: a credential is written into the config at /client/auth/api_key (line 1); it is kept from the connector, but not from who reads the file
    hint: write `api_key: "${secrets.api_key}"` and give it by SANDERLING_SECRET_API_KEY
    look at it: sqlite3 c.db 'select * from "r" limit 5'
    "#);
}

#[test]
fn an_unknown_resource_is_answered_with_those_that_there_are() {
    let config = "client: {base_url: \"https://a.example\"}\nresources: [users, projects]\n";
    assert_snapshot!(refused("c.yaml", config, &["--resource", "user"], 2), @r"
    error: no resource is called `user`
    hint: did you mean `users`?
    hint: the config has users, projects
    ");
}

#[test]
fn a_destination_must_be_named_with_its_kind() {
    let config = "client: {base_url: \"https://a.example\"}\nresources: [users]\n";
    let cases = [
        (
            "out.db",
            "`out.db` does not say what kind of destination it is; write `sqlite:FILE`, `postgresql://…`, `jsonl:DIR`, `parquet:DIR` or `-`",
        ),
        (
            "csv:out",
            "`csv:` is no destination; write `sqlite:FILE`, `postgresql://…`, `jsonl:DIR`, `parquet:DIR` or `-`",
        ),
        ("sqlite:", "`sqlite:` names no file or folder; write `sqlite:FILE`"),
        ("jsonl:", "`jsonl:` names no file or folder; write `jsonl:DIR`"),
    ];
    for (to, words) in cases {
        assert_eq!(refused("c.yaml", config, &["--to", to], 2), format!("error: {words}\n"));
    }
    let stderr = refused("c.yaml", config, &["--state", "s"], 2);
    assert_eq!(
        stderr,
        "error: --state would do nothing: a database keeps its own state\nhint: leave --state out\n"
    );
    let stderr = refused("c.yaml", config, &["--allow", "https://a.b/c"], 2);
    assert!(
        stderr
            .starts_with("error: `https://a.b/c` cannot be allowed: it goes on after the host\nhint: write")
    );
}

#[test]
fn what_a_config_cannot_mean_is_told_in_its_place() {
    let cases = [
        ("{}", "", "`base_url` is missing\n   --> c.yaml:1:1"),
        ("{base_url: \"https://a.b\"}", "", "`resources` is missing"),
        (
            "{base_url: \"https://a.b\"}",
            "resources: []",
            "no resources: nothing would be read\n   --> c.yaml:2:12",
        ),
        (
            "{base_url: \"https://a.b\"}",
            "resources: [r, r]",
            "there are two resources named `r`\n   --> c.yaml:2:16",
        ),
        ("{base_url: \"https://a.b\"}", "resources: {c: \"/p/{x}/c\"}", "nothing says what `{x}` is"),
        (
            "{base_url: \"https://a.b\"}",
            "resources: {c: \"/p/{resources.q.id}/c\", p: p}",
            "= hint: there are `c`, `p`",
        ),
        (
            "{base_url: \"https://a.b\"}",
            "resources: [r]\nname: a/b",
            "cannot stand in a name\n   --> c.yaml:3:7",
        ),
        (
            "{base_url: \"https://a.b\"}",
            "resources: [r]\nto: out.db",
            "write `sqlite:FILE`, `postgresql://…`, `jsonl:DIR`, `parquet:DIR` or `-`\n   --> c.yaml:3:5",
        ),
        ("{base_url: \"https://a.b\"}", "resources: [r]\nallow: [foo bar]", "`foo bar` cannot be allowed: "),
        ("{base_url: \"https://a.b\"}", "resources: [r]\nallow: [a.b, \"https://a.b/c\"]", "--> c.yaml:3:14"),
        (
            "{base_url: \"https://a.b\"}",
            "resources: [r]\nresume_within: soon",
            "= hint: write seconds, or `90s`",
        ),
        (
            "{base_url: \"https://a.b\"}",
            "resources: [{name: r, write_disposition: merge}]",
            "no `primary_key` to merge by",
        ),
        (
            "{base_url: \"https://a.b\"}",
            "resources: [{name: r, endpoint: {error_handler: {max_retries: -1}}}]",
            "error: a whole number, 0 or more, is expected here\n",
        ),
    ];
    for (client, rest, words) in cases {
        let stderr = refused("c.yaml", format!("client: {client}\n{rest}\n"), &[], 2);
        assert!(stderr.contains(words), "{words}:\n{stderr}");
    }
}

#[test]
fn a_base_url_that_is_none_is_shown_how_to_write_it() {
    for (url, words) in [
        ("ftp://a.example", "= hint: https://a.example"),
        ("127.0.0.1:80", "= hint: https://127.0.0.1:80"),
        ("https://me:pass@a.example", "a URL may not carry a user's name or password"),
        ("https://a.example/?x=1", "write `params` on the endpoint"),
    ] {
        let stderr = refused("c.yaml", one(url, "x", ""), &[], 2);
        assert!(stderr.contains(words), "{words}:\n{stderr}");
    }
}

#[test]
fn a_host_that_cannot_be_reached_is_told_from_one_that_does_not_exist() {
    let closed = start(Options::default()).unwrap().base_url();
    let server = start(Options::default()).unwrap();
    let tls = server.base_url().replace("http://", "https://");
    let cases: [(&str, &[&str]); 3] = [
        (&closed, &["no connection to 127.0.0.1", "Connection refused (2 tries)", "and is the server up?"]),
        (
            "http://no-such-host.invalid",
            &["no-such-host.invalid cannot be resolved", "(2 tries)", "is the host's name"],
        ),
        (&tls, &["127.0.0.1 answers, but not over TLS", "start with http://?"]),
    ];
    for (base_url, words) in cases {
        let folder = Folder::new();
        folder.write("c.yaml", &one(base_url, "x", ""));
        let ran = folder.run(&["run", "c.yaml", "--progress", "none"]).expect(4).says(words);
        ran.says(&["error: r, page 1: ", "run the same command again later to go on from there"]);
    }
}

#[test]
fn a_redirect_to_another_host_is_refused_with_the_line_that_allows_it() {
    let reply = Reply::status(302).header("Location", "https://files.example.org/x");
    assert_snapshot!(answered(reply, "", 2), @r#"
    error: r, page 1: redirected, but https://files.example.org is not among the origins that this connector may reach
      not sent: GET https://files.example.org/x
    hint: if it may be asked, write `allow: ["https://files.example.org"]` in the config, or give --allow https://files.example.org
    not everything is there: once that is mended, run the same command again
    "#);
}

#[test]
fn a_name_that_leads_into_the_own_network_is_refused_with_the_line_that_allows_it() {
    let server = start(Options::default()).unwrap();
    let port = server.address().port();
    // Which names lead here is the machine's affair; most have one of these.
    let leads_here = |name: &&str| {
        let found = (*name, port).to_socket_addrs();
        found.is_ok_and(|mut found| found.next().is_some())
    };
    let hostname = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let names = ["ip6-localhost", "localhost.localdomain", hostname.trim()];
    let Some(name) = names.into_iter().filter(|name| !name.is_empty()).find(leads_here) else { return };
    let folder = Folder::new();
    folder.write("c.yaml", &one(&format!("http://{name}:{port}"), "x", ""));
    folder.run(&["run", "c.yaml"]).expect(2).says(&[
        &format!("error: r, page 1: {name} leads to "),
        &format!("hint: if that is your own network, write `allow: [\"private:http://{name}:{port}\"]` in the config"),
    ]);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_refused_credential_is_told_with_where_it_was_sent() {
    let server = start(Options::default()).unwrap();
    server.set_route("/x", |_| Reply::status(401));
    let folder = Folder::with_key("not-the-right-key");
    let auth = "{type: api_key, name: api_key, api_key: \"${secrets.api_key}\", location: header}";
    folder.write("c.yaml", &with_auth(&server.base_url(), auth, "x", ""));
    assert_snapshot!(told(&folder.run(&["run", "c.yaml", "--progress", "none"]).expect(3), &server), @r#"
    error: r, page 1: the API refuses the credential (401)
      GET http://api/x
      it said: {"error":{"code":"unauthorized","message":"the server says: unauthorized"}}
    hint: it was sent `api_key` in the header `api_key`: is its value right, does it belong there, may it read this?
    hint: some servers drop headers with `_` in their names, such as `api_key`: does the API take `X-Api-Key`, or the key in the query (`location: query`)?
    not everything is there: once that is mended, run the same command again
    "#);
    assert_eq!(server.requests().len(), 1, "401 is not tried again");
    assert_snapshot!(answered(Reply::status(403), "", 3), @r#"
    error: r, page 1: the API refuses the credential (403)
      GET http://api/x
      it said: {"error":{"code":"forbidden","message":"the server says: forbidden"}}
    hint: no credential was sent; write one under `client`, such as `auth: {type: bearer, token: "${secrets.token}"}`
    not everything is there: once that is mended, run the same command again
    "#);
}

#[test]
fn statuses_that_mean_no_are_told_with_what_the_api_said() {
    assert_snapshot!(answered(Reply::status(404), "", 1), @r#"
    error: r, page 1: the API answered 404 (not found)
      GET http://api/x
      it said: {"error":{"code":"not_found","message":"the server says: not found"}}
    hint: check `path` of the resource, and `client.base_url`
    not everything is there: once that is mended, run the same command again
    "#);
    assert_snapshot!(answered(Reply::status(500), "", 4), @r#"
    error: r, page 1: the API answered 500 (the server failed) (2 tries)
      GET http://api/x
      it said: {"error":{"code":"internal_server_error","message":"the server says: internal server error"}}
    not everything is there: run the same command again later to go on from there
    "#);
}

#[test]
fn answers_that_are_not_what_the_config_says_are_told_with_what_they_are() {
    let data = "data_selector: data";
    assert_snapshot!(answered(Reply::html(200, "<!DOCTYPE html><title>Sign in</title>"), "", 5), @r"
    error: r, page 1: the server answered with an HTML page (content-type text/html; charset=utf-8): a wrong base_url or path, or a login page?
      GET http://api/x -> 200
      it said: <!DOCTYPE html><title>Sign in</title>
    not everything is there: once that is mended, run the same command again
    ");
    assert_snapshot!(json(r#"{"items":[{"id":1}],"meta":{}}"#, data, 5), @r#"
    error: r, page 1: nothing at data_selector `data`: the answer has `items`, `meta`; `empty_ok: true` takes that for a page without rows
      GET http://api/x -> 200
      it said: {"items":[{"id":1}],"meta":{}}
    not everything is there: once that is mended, run the same command again
    "#);
    assert_snapshot!(json(r#"[{"id":1}]"#, data, 5), @r#"
    error: r, page 1: nothing at data_selector `data`: the answer is a list, so `data_selector: $` is meant?
      GET http://api/x -> 200
      it said: [{"id":1}]
    not everything is there: once that is mended, run the same command again
    "#);
    assert_snapshot!(json(r#"{"data":[{"id":1},null]}"#, data, 5), @r"
    note: r: no paginator is named, and the answer has no sign of more pages: read as one page
    hint: in `r.endpoint` (c.yaml:4) write `paginator: single_page`
    error: r, page 1: row 2 of the page: the row is null
      GET http://api/x -> 200
    not everything is there: once that is mended, run the same command again
    ");
    assert_snapshot!(json(r#"{"data":[{"id":1},{"i"#, data, 5), @r#"
    error: r, page 1: the answer is damaged: cut short at byte 21 (2 tries)
      GET http://api/x -> 200
      it said: {"data":[{"id":1},{"i
    not everything is there: once that is mended, run the same command again
    "#);
    assert_snapshot!(json(r#"{"data":[{"id":1}]} oops"#, data, 5), @r#"
    error: r, page 1: the answer is damaged: bytes left over after the end, at byte 20 (2 tries)
      GET http://api/x -> 200
      it said: {"data":[{"id":1}]} oops
    not everything is there: once that is mended, run the same command again
    "#);
    assert_snapshot!(json("", data, 5), @r"
    error: r, page 1: the answer (status 200) has no body; `empty_ok: true` takes that for a page without rows (2 tries)
      GET http://api/x -> 200
    not everything is there: once that is mended, run the same command again
    ");
    let paged = "data_selector: data\n      paginator: single_page";
    assert_snapshot!(json(r#"{"data":[{"id":1,"_load_id":"x"}]}"#, paged, 5), @r"
    error: r, page 1: row 1 of the page: field `_load_id` has the name of a column that every table gets; rename it
      GET http://api/x -> 200
    hint: write `rename: {_load_id: another_name}` on the resource
    not everything is there: once that is mended, run the same command again
    ");
}

#[test]
fn an_answer_that_is_only_a_part_names_the_paginator_to_write() {
    let data = "data_selector: data";
    assert_snapshot!(json(r#"{"data":[{"id":1}],"total":30}"#, data, 5), @r#"
    error: r, page 1: 1 row, but `total` says 30, and how to ask for them cannot be told: name the paginator, such as `paginator: {type: offset, limit: 1}`, or `paginator: single_page` if this page is all that is wanted
      GET http://api/x -> 200
      it said: {"data":[{"id":1}],"total":30}
    not everything is there: once that is mended, run the same command again
    "#);
    assert_snapshot!(json(r#"{"data":[{"id":1},{"id":2}],"has_more":true}"#, data, 5), @r#"
    error: r, page 1: 2 rows, but `has_more` is true, and how to ask for them cannot be told: name the paginator, such as `paginator: {type: offset, limit: 2, total_path: null, has_more_path: has_more}`, or `paginator: single_page` if this page is all that is wanted
      GET http://api/x -> 200
      it said: {"data":[{"id":1},{"id":2}],"has_more":true}
    not everything is there: once that is mended, run the same command again
    "#);
}

#[test]
fn a_body_that_breaks_off_is_tried_again_and_then_told() {
    for (action, words) in [
        (Action::Truncate { after_bytes: 40 }, "the answer's body is not whole"),
        (Action::Reset, "no whole answer"),
    ] {
        let server = start(Options::default()).unwrap();
        server.add_fault(Fault::new("*", When::Always, action));
        let folder = Folder::new();
        folder.write("c.yaml", &one(&server.base_url(), "/v1/users", ""));
        let ran = folder.run(&["run", "c.yaml", "--progress", "none"]).expect(4);
        ran.says(&["error: r, page 1: ", words, "(2 tries)"]);
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn one_key_from_two_parents_is_refused_and_the_key_that_is_proposed_works() {
    let parent = "{resources.p.id}";
    // What the config says of the child, and the key that is proposed for it.
    for (path, proposed) in [
        ("/p/{parent_id}/c", "write `primary_key: [_p_id, id]`\n"),
        (&format!("/p/{parent}/c"), "write `primary_key: [_p_id, id]` and `include_from_parent: [id]`\n"),
    ] {
        let server = start(Options::default()).unwrap();
        server.set_route("/p", |_| Reply::json(200, r#"[{"id":1},{"id":2}]"#));
        server.set_route("/p/*/c", |_| Reply::json(200, r#"[{"id":7,"v":"x"}]"#));
        let folder = Folder::new();
        let config = |more: &str| {
            format!(
                "client: {{base_url: \"{}\"}}
resource_defaults: {{primary_key: id, write_disposition: merge}}
resources:
  - {{name: p, endpoint: /p}}
  - name: c
    endpoint: \"{path}\"
    {more}
",
                server.base_url()
            )
        };
        folder.write("c.yaml", &config(""));
        for to in ["sqlite:c.db", "jsonl:c"] {
            let ran = folder.run(&["run", "c.yaml", "--progress", "none", "--to", to]).expect(5);
            ran.says(&["key (id) = (7) comes from two parents, `[1]` and `[2]`", proposed]);
        }
        let written: Vec<&str> = proposed.split('`').skip(1).step_by(2).collect();
        folder.write("c.yaml", &config(&written.join("\n    ")));
        for to in ["sqlite:c.db", "jsonl:c"] {
            folder.run(&["run", "c.yaml", "--progress", "none", "--to", to]).expect(0);
        }
        assert_eq!(folder.count("c.db", "select count(*) from c where id = 7"), 2);
        assert_eq!(folder.lines("c/c.jsonl").len(), 2);
    }
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_the_first_request() {
    let server = start(Options::default()).unwrap();
    let folder = Folder::new();
    folder.write("c.yaml", &one(&server.base_url(), "/v1/users", ""));
    folder.write("file", "not a database\n");
    folder.database("theirs.db").execute_batch("create table r (id integer)").unwrap();
    for (to, words) in [
        ("sqlite:.", "error: . cannot be written to"),
        ("sqlite:file", "error: file: the file is not an SQLite database"),
        ("sqlite:file/x.db", "error: file/x.db cannot be written to: File exists\n"),
        ("jsonl:file", "error: file cannot be written to"),
        (
            "sqlite:theirs.db",
            "table `r` in theirs.db: it was not made by this program: it has no column `_load_id`",
        ),
    ] {
        let ran = folder
            .run(&["run", "c.yaml", "--progress", "none", "--to", to])
            .expect(2)
            .says(&[words, "hint: "]);
        assert!(!ran.stderr.contains("os error"), "{}", ran.stderr);
    }
    assert_eq!(server.requests().len(), 0);
    assert_eq!(folder.read("file"), "not a database\n");
}

#[test]
fn two_runs_at_once_do_not_write_to_one_place() {
    for to in ["sqlite:c.db", "jsonl:c"] {
        let server = start(Options::default()).unwrap();
        server.add_fault(Fault::new("*", When::Always, Action::Hang));
        let folder = Folder::new();
        folder.write("c.yaml", &one(&server.base_url(), "/v1/users", ""));
        let mut first = folder.spawn(&["run", "c.yaml", "--to", to]);
        while server.requests().is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let ran = folder.run(&["run", "c.yaml", "--to", to]);
        first.kill().unwrap();
        first.wait().unwrap();
        ran.expect(4).says(&["hint: wait for the other one to end, or write elsewhere with --to"]);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn one_key_from_two_parents_is_found_among_a_million() {
    let server = start(Options::default()).unwrap();
    server.set_route("/p", |_| Reply::json(200, r#"[{"id":1},{"id":2}]"#));
    // One page of the first parent's more than keys are held of; the second one has a row with the last one's key.
    let first = 1_000_000_usize;
    server.set_route("/p/*/c", move |request| {
        let rows = |from: usize, to: usize| {
            let rows: Vec<String> = (from..to).map(|id| format!("{{\"id\":{id}}}")).collect();
            Reply::json(200, format!("{{\"items\":[{}],\"total\":{}}}", rows.join(","), first + 10_000))
        };
        if request.path == "/p/2/c" {
            return Reply::json(200, format!("{{\"items\":[{{\"id\":{first}}}],\"total\":1}}"));
        }
        let offset = request.number_param("offset").unwrap_or(0);
        rows(offset, (offset + 10_000).min(first + 10_000))
    });
    let folder = Folder::new();
    let config = format!(
        "client: {{base_url: \"{}\", paginator: {{type: offset, limit: 10000}}}}
resource_defaults: {{primary_key: id, write_disposition: merge}}
resources:
  - {{name: p, endpoint: {{path: /p, paginator: single_page}}}}
  - {{name: c, endpoint: {{path: \"/p/{{resources.p.id}}/c\", data_selector: items}}}}
",
        server.base_url()
    );
    folder.write("c.yaml", &config);
    for to in ["sqlite:c.db", "jsonl:c"] {
        let ran = folder.run(&["run", "c.yaml", "--progress", "none", "--to", to]).expect(5);
        ran.says(&["rows 1000001 and 1010001 have one key (id), but come from two parents, `[1]` and `[2]`"]);
    }
}
