//! What becomes of a credential: it arrives, and is nowhere in what a run prints or stores, whatever the API does.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sanderling_demo::{Action, Fault, Options, Reply, Server, When, start};

use crate::leaks;
use crate::program::{Folder, Ran};

const KEY: &str = "Zx81-k3y-Qw7rTy-0042";
const AWKWARD: &str = "a&é /b+c=d%41\"k<9>Zq";

/// The ways in which a config says who it is. `KEY` is a reference, or the key itself.
const AUTHS: [&str; 4] = [
    "{type: api_key, name: api_key, api_key: KEY, location: query}",
    "{type: api_key, name: X-Api-Key, api_key: KEY, location: header}",
    "{type: bearer, token: KEY}",
    "{type: http_basic, username: user, password: KEY}",
];

const REFERENCE: &str = r#""${secrets.api_key}""#;

/// Small lists, and every answer of it shows the caller the key in all forms.
fn echoing(key: &str) -> Server {
    let options = Options {
        key: Some(key.into()),
        echo_key: true,
        projects: 3,
        tasks_per_project: 5,
        time_entries: 30,
        ..Options::default()
    };
    start(options).unwrap()
}

fn config(server: &Server, auth: &str, key: &str) -> String {
    let auth = auth.replace("KEY", key);
    format!(
        r#"client:
  base_url: {}
  auth: {auth}
resource_defaults:
  primary_key: id
  write_disposition: merge
  endpoint:
    data_selector: data
    paginator: {{type: offset, limit: 4}}
    error_handler: {{max_retries: 1, backoff_factor: 0.01}}
resources:
  projects: /v1/projects
  tasks:
    endpoint: /v1/projects/{{parent_id}}/tasks
    include_from_parent: [id, echo]
  time_entries: /v1/time_entries
"#,
        server.base_url()
    )
}

/// With every word that the program has to say.
fn run(folder: &Folder, to: &str, more: &[&str]) -> Ran {
    let args = ["run", "c.yaml", "--to", to, "--json", "--progress", "plain"];
    folder.run(&[&args[..], more].concat())
}

#[test]
fn an_api_that_echoes_its_key_is_read_without_it() {
    for key in [KEY, AWKWARD] {
        for auth in AUTHS {
            let server = echoing(key);
            let folder = Folder::with_key(key);
            folder.write("c.yaml", &config(&server, auth, REFERENCE));
            let checked = folder.run(&["check", "c.yaml"]).expect(0);
            let ran: Vec<Ran> = ["sqlite:out.db", "jsonl:out", "sqlite:out.db", "jsonl:out"]
                .iter()
                .map(|to| run(&folder, to, &[]).expect(0))
                .collect();
            leaks::assert_none(&folder, &ran.iter().chain([&checked]).collect::<Vec<_>>(), key, &[]);
            // The rest of the rows is there, and says where the key was.
            assert_eq!(folder.count("out.db", "select count(distinct id) from time_entries"), 30);
            let tasks = folder.lines("out/tasks.jsonl");
            assert_eq!(tasks.len(), 15);
            for task in tasks.iter().chain(&folder.lines("out/time_entries.jsonl")) {
                let row: serde_json::Value = serde_json::from_str(task).unwrap();
                assert_eq!(row["echo"]["key"], "${secrets.api_key}");
                assert_eq!(row["echo"]["ascii"], "${secrets.api_key}");
                // A placeholder is another one in every run, and means nothing afterwards.
                assert_eq!(leaks::find(task.as_bytes(), "ing-secret-"), None, "{task}");
            }
            let seen = server.requests();
            assert!(seen.iter().all(|request| request.status == Some(200)), "{auth}");
        }
    }
}

/// Names of what the API does wrong, how, and the exit code that shows that it was met.
fn misdeeds(key: &str, server: &Server) -> Vec<(&'static str, Action, i32)> {
    let percent = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string();
    let json = serde_json::Value::from(key).to_string();
    let redirect = |to: String| Action::Answer(Reply::status(302).header("Location", &to));
    let answer = |body: String| Action::Answer(Reply::json(200, body));
    let header = |status, name: &str| Action::Answer(Reply::status(status).header(name, key));
    let elsewhere = format!("127.0.0.1:{}", server.address().port() ^ 1);
    vec![
        ("401", Action::status(401), 3),
        ("403", Action::status(403), 3),
        ("404", Action::status(404), 1),
        ("500", Action::status(500), 4),
        ("a request id that is the key", header(503, "X-Request-Id"), 4),
        ("a Retry-After that is the key", header(503, "Retry-After"), 4),
        (
            "a type that is the key",
            Action::Answer(Reply::new(200, &format!("text/{key}"), key.to_owned())),
            5,
        ),
        ("HTML", Action::Html, 5),
        ("a redirect to nothing", redirect(format!("/nothing?api_key={percent}")), 1),
        ("a redirect to a path", redirect(format!("/nothing/{percent}")), 2),
        ("a redirect to a fragment", redirect(format!("/nothing?api_key={percent}#{percent}")), 1),
        ("a redirect as it is", redirect(format!("/nothing?api_key={percent}&q={key}")), 1),
        ("a redirect elsewhere", redirect(format!("http://{elsewhere}/?api_key={percent}")), 2),
        ("a redirect to a user", redirect(format!("http://{percent}@{elsewhere}/")), 2),
        ("a redirect to a host", redirect(format!("http://{percent}.example.com/")), 2),
        ("a redirect to no URL", redirect(format!("http://[{key}")), 1),
        ("not HTTP", Action::Garbage(format!("{key} {percent}\r\n\r\n").into()), 4),
        (
            "a broken header",
            Action::Garbage(format!("HTTP/1.1 200 OK\r\n{key}\r\n: {key}\r\n\r\n").into()),
            4,
        ),
        ("cut short", Action::Truncate { after_bytes: 900 }, 4),
        ("reset", Action::ResetAfter { bytes: 900 }, 4),
        ("half of the JSON", Action::CutJson { bytes: 900 }, 5),
        ("a JSON that ends in the key", answer(format!("{{\"data\": {json}")), 5),
        ("bytes left over", Action::JunkAfter(format!(" {key}").into()), 5),
        ("no rows but the key", answer(format!("{{{json}: {json}}}")), 5),
        ("rows that are the key", answer(format!("{{\"data\": {json}}}")), 5),
        ("a row without identity", answer(format!("{{\"data\": [{{\"x\": {json}}}]}}")), 5),
        (
            "a field of the system's",
            answer(format!("{{\"data\": [{{\"id\": 1, \"_load_id\": {json}}}]}}")),
            5,
        ),
        ("a null row", Action::NullRow { at: 1 }, 5),
        ("no record path", Action::DropRecordPath, 5),
        ("an empty page", Action::EmptyPage, 5),
        ("a page again", Action::IgnoreOffset, 5),
    ]
}

#[test]
fn an_api_that_fails_and_echoes_its_key() {
    for (turn, key) in [KEY, AWKWARD].into_iter().enumerate() {
        let server = echoing(key);
        for (at, (name, action, code)) in misdeeds(key, &server).into_iter().enumerate() {
            server.clear_faults();
            let folder = Folder::with_key(key);
            folder.write("c.yaml", &config(&server, AUTHS[(at + turn) % AUTHS.len()], REFERENCE));
            server.add_fault(Fault::new("/v1/time_entries", When::From(2), action));
            let ran = run(&folder, "sqlite:out.db", &[]);
            assert_eq!(ran.code, Some(code), "{name}:\n{}", ran.stderr);
            assert!(ran.stderr.contains("time_entries, page"), "{name}:\n{}", ran.stderr);
            let files = run(&folder, "jsonl:out", &[]);
            leaks::assert_none(&folder, &[&ran, &files], key, &[]);
            assert!(folder.count("out.db", "select count(*) from _sanderling_errors") > 0, "{name}");
            assert_ne!(folder.read("out/.sanderling/errors.jsonl"), "", "{name}");
        }
    }
}

#[test]
fn parents_and_fields_that_are_the_key() {
    for key in [KEY, AWKWARD] {
        let json = serde_json::Value::from(key).to_string();
        // Every project brings a task of the same identity, which is the key.
        let server = echoing(key);
        server.set_route("/v1/projects/*/tasks", {
            let json = json.clone();
            move |_| Reply::json(200, format!("{{\"data\":[{{\"id\":{json},{json}:1}}],\"total\":1}}"))
        });
        let folder = Folder::with_key(key);
        folder.write("c.yaml", &config(&server, AUTHS[0], REFERENCE));
        let ran = run(&folder, "sqlite:out.db", &[]).expect(5);
        let files = run(&folder, "jsonl:out", &[]).expect(5);
        leaks::assert_none(&folder, &[&ran, &files], key, &[]);

        // A project whose identity is the key has no tasks: a credential does not go into a path.
        server.set_route("/v1/projects", move |_| {
            Reply::json(200, format!("{{\"data\":[{{\"id\":{json},\"echo\":{json}}}],\"total\":1}}"))
        });
        server.clear_log();
        let folder = Folder::with_key(key);
        folder.write("c.yaml", &config(&server, AUTHS[0], REFERENCE));
        let ran = run(&folder, "sqlite:out.db", &[]).expect(2);
        let files = run(&folder, "jsonl:out", &[]).expect(2);
        leaks::assert_none(&folder, &[&ran, &files], key, &[]);
        assert_eq!(server.count("/v1/projects/*"), server.count("/v1/projects"));
    }
}

/// Waits until the server has seen so many requests.
fn wait_for(server: &Server, requests: usize) {
    let begun = Instant::now();
    while server.requests().len() < requests {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} requests", server.requests().len());
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_killed_run_leaves_no_key_and_goes_on() {
    for to in ["sqlite:out.db", "jsonl:out"] {
        for requests in [2, 5, 8, 11] {
            let server = echoing(AWKWARD);
            server.add_fault(Fault::new("*", When::From(requests + 1), Action::Hang));
            let folder = Folder::with_key(AWKWARD);
            folder.write("c.yaml", &config(&server, AUTHS[0], REFERENCE));
            let args = ["run", "c.yaml", "--to", to, "--json", "--progress", "plain"];
            let mut child = folder.spawn(&args);
            wait_for(&server, requests as usize + 1);
            // Long enough for a commit that is due after a second.
            std::thread::sleep(Duration::from_millis(1_200));
            child.kill().unwrap();
            let killed = Ran::from(child.wait_with_output().unwrap());
            assert_eq!(killed.code, None);
            leaks::assert_none(&folder, &[&killed], AWKWARD, &[]);
            server.clear_faults();
            let ran = run(&folder, to, &[]).expect(0).says(&["going on where the last run broke off"]);
            leaks::assert_none(&folder, &[&ran], AWKWARD, &[]);
            if to == "jsonl:out" {
                assert_eq!(folder.lines("out/tasks.jsonl").len(), 15);
            } else {
                assert_eq!(folder.count("out.db", "select count(distinct id) from tasks"), 15);
            }
        }
    }
}

/// Where a key is written down, how the run is told, and the file that then holds it.
#[test]
fn keys_from_everywhere() {
    let toml = format!("api_key = {}\n", serde_json::Value::from(AWKWARD));
    let cases: [(&str, &str, &[&str]); 5] = [
        ("", "", &[]),
        ("", "", &["--secret", "api_key=env:ELSEWHERE"]),
        ("key.txt", AWKWARD, &["--secret", "api_key=file:key.txt"]),
        ("key.txt", AWKWARD, &["--secret", "api_key=cmd:cat key.txt; echo"]),
        (".sanderling/secrets.toml", &toml, &[]),
    ];
    for (at, (file, text, args)) in cases.into_iter().enumerate() {
        let server = echoing(AWKWARD);
        let mut folder = Folder::new();
        let cache = folder.path("cache");
        // A cache of its own, which is searched like all the rest.
        folder.env("XDG_CACHE_HOME", cache.to_str().unwrap());
        match at {
            0 => folder.env("SANDERLING_SECRET_API_KEY", AWKWARD),
            1 => folder.env("ELSEWHERE", AWKWARD),
            _ => {
                folder.write(file, text);
                let mode = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(folder.path(file), mode).unwrap();
            }
        }
        folder.write("c.yaml", &config(&server, AUTHS[at % AUTHS.len()], REFERENCE));
        let ran = run(&folder, "sqlite:out.db", args).expect(0);
        let files = run(&folder, "jsonl:out", args).expect(0);
        assert!(folder.path("cache").is_dir() && folder.lines("out/tasks.jsonl").len() == 15);
        leaks::assert_none(&folder, &[&ran, &files], AWKWARD, &[file]);
    }
}

#[test]
fn a_literal_credential_works_and_is_warned_about() {
    for key in [KEY, AWKWARD] {
        let quoted = serde_json::Value::from(key).to_string();
        for auth in AUTHS {
            let server = echoing(key);
            let folder = Folder::new();
            folder.write("c.yaml", &config(&server, auth, &quoted));
            let warning = ["a credential is written into the config", "(line 3)", "${secrets."];
            let ran = run(&folder, "sqlite:out.db", &[]).expect(0).says(&warning);
            let files = run(&folder, "jsonl:out", &[]).expect(0).says(&warning);
            assert_eq!(folder.count("out.db", "select count(distinct id) from time_entries"), 30);
            leaks::assert_none(&folder, &[&ran, &files], key, &["c.yaml"]);

            // Nor when the run fails, or the config is wrong beside it.
            server.add_fault(Fault::new("/v1/time_entries", When::From(1), Action::status(401)));
            let refused = run(&folder, "sqlite:out.db", &[]).expect(3);
            let checked = folder.run(&["check", "c.yaml"]).expect(3);
            let good = config(&server, auth, &quoted);
            let mut ran = vec![refused, checked];
            for wrong in [
                good.replace("{type:", "{tipe: x, type:"),
                good.replace("}\nresource_defaults", ", more: 1}\nresource_defaults"),
                good.replace("type: api_key", "type: api_kei").replace("type: bearer", "type: barer"),
                good.replace("resource_defaults", "resource_default"),
                good.replace("client:", "client: ["),
                good.replace("}\nresource_defaults", "\nresource_defaults"),
            ] {
                folder.write("c.yaml", &wrong);
                if wrong != good {
                    ran.push(run(&folder, "sqlite:out.db", &[]).expect(2));
                }
            }
            leaks::assert_none(&folder, &ran.iter().collect::<Vec<_>>(), key, &["c.yaml"]);
        }
    }
}

#[test]
fn literal_credentials_in_other_places() {
    let quoted = serde_json::Value::from(AWKWARD).to_string();
    let cases = [
        ("client: {base_url: BASE, headers: {X-Api-Key: KEY}}", ""),
        ("client: {base_url: BASE, headers: {X-Api-Key: KEY}, auth: {token: KEY}}", ""),
        ("client: {base_url: BASE}", ", params: {api_key: KEY}"),
        ("client: {base_url: BASE}", ", headers: {api_key: KEY}"),
        ("client: {base_url: BASE}", ", auth: {type: api_key, name: api_key, api_key: KEY, location: query}"),
    ];
    for (client, endpoint) in cases {
        let server = echoing(AWKWARD);
        let folder = Folder::new();
        let text = format!(
            "{client}\nresource_defaults: {{endpoint: {{data_selector: data, paginator: single_page{endpoint}}}}}\n\
             resources: {{users: /v1/users, nothing: /v1/nothing}}\n"
        );
        folder.write("c.yaml", &text.replace("BASE", &server.base_url()).replace("KEY", &quoted));
        // There is nothing at the second path, so that a failure has words to say, too.
        let warning = ["a credential is written into the config"];
        let ran = run(&folder, "sqlite:out.db", &[]).expect(1).says(&warning);
        let files = run(&folder, "jsonl:out", &[]).expect(1).says(&warning);
        assert_eq!(folder.count("out.db", "select count(*) from users"), 8, "{client}{endpoint}");
        leaks::assert_none(&folder, &[&ran, &files], AWKWARD, &["c.yaml"]);
    }
}

#[test]
fn a_user_without_a_password_is_a_credential() {
    use base64::Engine as _;
    let server = echoing(KEY);
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{KEY}:"));
    server.set_route("/users", move |request| {
        let right = request.header("Authorization") == Some(format!("Basic {pair}").as_str());
        Reply::json(if right { 200 } else { 401 }, format!("{{\"data\":[{{\"id\":1,\"sent\":\"{pair}\"}}]}}"))
    });
    for (user, more) in [(KEY, ""), ("${secrets.api_key}", "env")] {
        let folder = if more.is_empty() { Folder::new() } else { Folder::with_key(KEY) };
        let text = format!(
            "client: {{base_url: \"{}\", auth: {{type: http_basic, username: \"{user}\", password: \"\"}}}}\n\
             resources: [{{name: users, endpoint: {{path: users, data_selector: data, paginator: single_page}}}}]\n",
            server.base_url()
        );
        folder.write("c.yaml", &text);
        let ran = run(&folder, "sqlite:out.db", &[]).expect(0);
        assert_eq!(ran.stderr.contains("a credential is written into the config"), more.is_empty());
        leaks::assert_none(&folder, &[&ran], KEY, &["c.yaml"]);
    }
}

#[test]
fn a_url_with_a_password_is_refused_and_not_repeated() {
    let server = echoing(KEY);
    let host = server.base_url().replace("http://", "");
    for (base, path) in [
        (format!("http://user:{KEY}@{host}"), "/v1/users".to_owned()),
        (format!("http://{KEY}@{host}"), "/v1/users".to_owned()),
        (server.base_url(), format!("http://user:{KEY}@{host}/v1/users")),
        (format!("{}?api_key={KEY}", server.base_url()), "/v1/users".to_owned()),
    ] {
        let folder = Folder::new();
        folder.write(
            "c.yaml",
            &format!("client: {{base_url: \"{base}\"}}\nresources: {{users: \"{path}\"}}\n"),
        );
        let ran = run(&folder, "sqlite:out.db", &[]).expect(2).says(&["c.yaml:"]);
        leaks::assert_none(&folder, &[&ran], KEY, &["c.yaml"]);
    }
    assert_eq!(server.requests(), []);
}

/// A path cannot be sealed, but its key is not said aloud, either. Nor are credentials that an API made itself.
#[test]
fn credentials_in_urls_are_not_shown() {
    let server = echoing(KEY);
    let to = format!("/v1/nothing?api_key={KEY}&signature=zz-sign4ture-11&token=zz-t0ken-22");
    server.set_route("/moved", move |_| Reply::status(302).header("Location", &to));
    let folder = Folder::new();
    let text = format!(
        "client: {{base_url: \"{}\"}}\nresources:\n  - {{name: a, endpoint: \"/v1/none?api_key={KEY}\"}}\n  \
         - {{name: b, endpoint: /moved}}\n",
        server.base_url()
    );
    folder.write("c.yaml", &text);
    // This API's answers show the key; it is not known as one. Only the URL is looked at here.
    let ran =
        run(&folder, "sqlite:out.db", &[]).expect(1).says(&["none?api_key=***", "signature=***&token=***"]);
    for printed in [&ran.stdout, &ran.stderr] {
        assert!(!printed.contains("zz-") && !printed.contains(&format!("api_key={KEY}")), "{printed}");
    }
    let query =
        "select count(*) from _sanderling_errors where url like '%none?api_key=***' or url like '%token=***'";
    assert_eq!(folder.count("out.db", query), 2);
}

#[test]
fn a_command_that_fails_does_not_have_its_output_repeated() {
    let server = echoing(KEY);
    let folder = Folder::new();
    folder.write("key.txt", KEY);
    folder.write("c.yaml", &config(&server, AUTHS[0], REFERENCE));
    let ran = run(&folder, "sqlite:out.db", &["--secret", "api_key=cmd:cat key.txt; false"]).expect(3);
    assert_eq!(server.requests(), []);
    leaks::assert_none(&folder, &[&ran], KEY, &["key.txt"]);
}

/// The binding in the secrets file, the server's origin in the place of `HERE`.
fn bound(folder: &Folder, server: &Server, entry: &str) {
    folder.write(".sanderling/secrets.toml", &entry.replace("HERE", &server.base_url()));
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(folder.path(".sanderling/secrets.toml"), mode).unwrap();
}

#[test]
fn a_secret_goes_only_where_its_file_lets_it() {
    let value = format!("value = \"{KEY}\"\n");
    // What the file says, which way of `AUTHS` is asked for, and whether that is in order.
    let cases = [
        ("origins = [\"https://api.example.com\"]", 0, false),
        ("origins = [\"https://api.example.com\"]", 2, false),
        ("origins = [\"https://127.0.0.1\"]", 1, false),
        ("place = \"header:X-Api-Key\"", 0, false),
        ("place = \"query:key\"", 0, false),
        ("place = \"query:api_key\"", 1, false),
        ("place = \"header:Authorization\"", 3, false),
        ("place = \"basic\"", 2, false),
        ("origins = [\"HERE\"]\nplace = \"header:authorization\"", 2, true),
        ("origins = [\"HERE\"]\nplace = \"header:x-api-key\"", 1, true),
        ("origins = [\"https://api.example.com\", \"HERE\"]\nplace = \"query:api_key\"", 0, true),
        ("place = \"basic\"", 3, true),
    ];
    for (binding, auth, good) in cases {
        // The value may come from elsewhere; the file still says where it may go.
        for from_env in [false, true] {
            let server = echoing(KEY);
            let folder = if from_env { Folder::with_key(KEY) } else { Folder::new() };
            let value = if from_env { "" } else { &value };
            bound(&folder, &server, &format!("[api_key]\n{value}{binding}\n"));
            folder.write("c.yaml", &config(&server, AUTHS[auth], REFERENCE));
            let ran = run(&folder, "sqlite:out.db", &["--allow", "https://api.example.com"]);
            assert_eq!(ran.code, Some(if good { 0 } else { 2 }), "{binding}, {auth}:\n{}", ran.stderr);
            if good {
                assert_eq!(folder.count("out.db", "select count(*) from time_entries"), 30);
            } else {
                assert_eq!(server.requests(), [], "{binding}, {auth}");
                assert!(ran.stderr.contains("`api_key`"), "{}", ran.stderr);
            }
            leaks::assert_none(&folder, &[&ran], KEY, &[".sanderling/secrets.toml"]);
        }
    }
}

#[test]
fn a_secrets_file_that_others_may_read_is_refused() {
    let server = echoing(KEY);
    let folder = Folder::new();
    bound(&folder, &server, &format!("api_key = \"{KEY}\"\n"));
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(folder.path(".sanderling/secrets.toml"), mode).unwrap();
    folder.write("c.yaml", &config(&server, AUTHS[0], REFERENCE));
    let ran = run(&folder, "sqlite:out.db", &[]).expect(3).says(&["chmod 600"]);
    assert_eq!(server.requests(), []);
    // One that is no TOML is not quoted, either.
    bound(&folder, &server, &format!("api_key = \"{KEY}\n"));
    let broken = run(&folder, "sqlite:out.db", &[]).expect(3).says(&["line 1"]);
    leaks::assert_none(&folder, &[&ran, &broken], KEY, &[".sanderling/secrets.toml"]);
}

#[test]
fn a_value_on_the_command_line_is_refused_and_not_repeated() {
    let server = echoing(KEY);
    let folder = Folder::new();
    folder.write("c.yaml", &config(&server, AUTHS[0], REFERENCE));
    let flags = [format!("api_key={KEY}"), format!("api_key=val:{KEY}"), KEY.to_owned(), format!("={KEY}")];
    for flag in flags {
        let ran = run(&folder, "sqlite:out.db", &["--secret", &flag]).expect(2);
        leaks::assert_none(&folder, &[&ran], KEY, &[]);
    }
    assert_eq!(server.requests(), []);
}

#[test]
fn a_key_does_not_follow_a_redirect_to_another_origin() {
    for (at, auth) in AUTHS.into_iter().enumerate() {
        let (server, other) = (echoing(KEY), echoing(KEY));
        let folder = Folder::with_key(KEY);
        folder.write("c.yaml", &config(&server, auth, REFERENCE));
        let to = format!("{}/v1/time_entries?offset=4&limit=4&api_key={KEY}", other.base_url());
        let to = if at == 0 { to } else { to.replace(&format!("&api_key={KEY}"), "") };
        let redirect = Action::Answer(Reply::status(302).header("Location", &to));
        server.add_fault(Fault::new("/v1/time_entries", When::From(2), redirect));
        let ran = run(&folder, "sqlite:out.db", &["--allow", &other.base_url()]);
        // A URL with the key is refused; a header with it is left out, and the other API wants one.
        assert_eq!(ran.code, Some(if at == 0 { 2 } else { 3 }), "{}", ran.stderr);
        assert_eq!(other.requests().is_empty(), at == 0);
        for request in other.requests() {
            let sent = format!("{request:?}");
            assert!(leaks::find(sent.as_bytes(), KEY).is_none(), "{sent}");
        }
        leaks::assert_none(&folder, &[&ran], KEY, &[]);
    }
}
