//! Tokens as whole runs: asked for once, renewed when an API no longer takes them, and nowhere in what is left.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use sanderling_demo::{Options, Reply, Request, Server, start};
use serde_json::{Value, json};

use crate::leaks;
use crate::program::{Folder, Ran};

const SECRET: &str = "cl1ent&s3cret/+=%\"x";

/// Tokens that an API has given out, of which the last is the valid one.
#[derive(Default)]
struct Given(Mutex<usize>);

impl Given {
    fn token(number: usize) -> String {
        format!("t0k3n/{number:04}+Zq7Rw==")
    }

    fn count(&self) -> usize {
        *self.0.lock().unwrap()
    }

    fn next(&self) -> String {
        let mut count = self.0.lock().unwrap();
        *count += 1;
        Self::token(*count)
    }

    fn is_valid(&self, request: &Request) -> bool {
        request.header("authorization") == Some(&format!("Bearer {}", Self::token(self.count())))
    }
}

fn form(request: &Request) -> BTreeMap<String, String> {
    form_urlencoded::parse(&request.body).into_owned().collect()
}

fn unauthorized() -> Reply {
    Reply::json(401, r#"{"error": "invalid_token"}"#)
}

/// Rows `from..to` of 100, as many as the request asks for.
fn page(request: &Request) -> Reply {
    let (offset, limit) = (request.number_param("offset").unwrap(), request.number_param("limit").unwrap());
    let rows: Vec<Value> = (offset..(offset + limit).min(100)).map(|id| json!({"id": id})).collect();
    Reply::json(200, json!({"data": rows, "total": 100}).to_string())
}

/// An API whose `/rows` want a token of `/oauth/token`, which lasts for so many seconds.
fn api(expires_in: Value) -> (Server, Arc<Given>) {
    let (server, given) = (start(Options::default()).unwrap(), Arc::new(Given::default()));
    let giver = Arc::clone(&given);
    server.set_route("/oauth/token", move |request| {
        let form = form(request);
        if form.get("client_secret").map(String::as_str) != Some(SECRET) || request.method != "POST" {
            return Reply::json(401, r#"{"error": "invalid_client", "error_description": "no such secret"}"#);
        }
        Reply::json(
            200,
            json!({"access_token": giver.next(), "token_type": "Bearer", "expires_in": expires_in})
                .to_string(),
        )
    });
    let valid = Arc::clone(&given);
    server.set_route(
        "/rows",
        move |request| {
            if valid.is_valid(request) { page(request) } else { unauthorized() }
        },
    );
    (server, given)
}

fn auth(server: &Server, part: Value) -> Value {
    let mut auth = json!({
        "type": "oauth2_client_credentials", "access_token_url": format!("{}/oauth/token", server.base_url()),
        "client_id": "me", "client_secret": "${secrets.client_secret}"
    });
    for (key, value) in part.as_object().unwrap() {
        auth[key] = value.clone();
    }
    auth
}

fn config(server: &Server, auth: Value) -> String {
    json!({
        "client": {"base_url": server.base_url(), "auth": auth},
        "resources": [{"name": "rows", "primary_key": "id", "endpoint": {
            "path": "/rows", "data_selector": "data", "paginator": {"type": "offset", "limit": 10},
            "error_handler": {"max_retries": 1, "backoff_factor": 0.01}
        }}]
    })
    .to_string()
}

fn folder(server: &Server, auth: Value) -> Folder {
    let mut folder = Folder::new();
    folder.env("SANDERLING_SECRET_CLIENT_SECRET", SECRET);
    folder.write("c.json", &config(server, auth));
    folder
}

/// Pages side by side share a token that one of them has just been given, and this API takes the last one only.
fn one_by_one(folder: &Folder) {
    let config = folder.read("c.json").replacen('{', r#"{"limits": {"concurrency": 1}, "#, 1);
    folder.write("c.json", &config);
}

/// With every word that the program has to say.
fn run(folder: &Folder, more: &[&str]) -> Ran {
    let args = ["run", "c.json", "--to", "sqlite:out.db", "--json", "--progress", "plain", "-vv"];
    folder.run(&[&args[..], more].concat())
}

/// Neither the secret nor a token is anywhere.
#[track_caller]
fn assert_kept(folder: &Folder, given: &Given, ran: &[&Ran]) {
    leaks::assert_none(folder, ran, SECRET, &[]);
    for number in 1..=given.count() {
        leaks::assert_none(folder, ran, &Given::token(number), &[]);
    }
}

#[track_caller]
fn assert_read(folder: &Folder) {
    assert_eq!(folder.count("out.db", "select count(distinct id) from rows"), 100);
}

#[test]
fn a_token_is_asked_for_once_and_is_nowhere_else() {
    let (server, given) = api(json!(3600));
    let folder =
        folder(&server, auth(&server, json!({"access_token_request_data": {"scope": "a b", "audience": 5}})));
    let checked = folder.run(&["check", "c.json", "-vv"]).expect(0);
    assert_eq!(given.count(), 1);
    let seen = folder.run(&["preview", "c.json", "rows", "-n", "25"]).expect(0);
    assert_eq!(given.count(), 2);
    server.clear_log();
    let ran = run(&folder, &[]).expect(0);
    assert_eq!((given.count(), server.count("/rows")), (3, 10));
    assert_read(&folder);
    let told = ran.stderr.matches("POST").count();
    assert_eq!(told, 1, "a request that is not sent is shown:\n{}", ran.stderr);
    let requests = server.requests();
    assert_eq!(requests[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    let sent = [
        ("client_id", "me"),
        ("client_secret", SECRET),
        ("grant_type", "client_credentials"),
        ("scope", "a b"),
        ("audience", "5"),
    ];
    let got: Vec<_> = form_urlencoded::parse(&requests[0].body).into_owned().collect();
    assert_eq!(got, sent.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_kept(&folder, &given, &[&checked, &seen, &ran]);
}

#[test]
fn a_secret_in_a_header_and_fields_that_take_another_ones_place() {
    let (server, given) = api(json!(3600));
    let token = Arc::clone(&given);
    server.set_route("/oauth/token", move |_| {
        Reply::json(200, json!({"access_token": token.next()}).to_string())
    });
    let part = json!({
        "token_endpoint_auth_method": "client_secret_basic",
        "access_token_request_data": {"grant_type": "password", "username": "u", "password": "${secrets.password}"}
    });
    let mut folder = folder(&server, auth(&server, part));
    folder.env("SANDERLING_SECRET_PASSWORD", "pa55&word-of-u");
    let ran = run(&folder, &[]).expect(0);
    let [asked, ..] = &server.requests()[..] else { panic!() };
    let pair = "bWU6Y2wxZW50JnMzY3JldC8rPSUieA==";
    assert_eq!(asked.header("authorization"), Some(&*format!("Basic {pair}")));
    let sent = [("grant_type", "password"), ("password", "pa55&word-of-u"), ("username", "u")];
    assert_eq!(form(asked), BTreeMap::from(sent.map(|(name, value)| (name.to_owned(), value.to_owned()))));
    assert_kept(&folder, &given, &[&ran]);
    leaks::assert_none(&folder, &[&ran], "pa55&word-of-u", &[]);
}

#[test]
fn a_token_that_expires_at_once_is_asked_for_before_each_page() {
    for expires_in in [json!(0), json!(1), json!("1"), json!(-5)] {
        let (server, given) = api(expires_in);
        let folder = folder(&server, auth(&server, json!({})));
        one_by_one(&folder);
        let ran = run(&folder, &[]).expect(0);
        assert_read(&folder);
        assert_eq!((given.count(), server.count("/rows")), (10, 10));
        assert_kept(&folder, &given, &[&ran]);
    }
    // Where the answer does not say how long it lasts, the config does.
    for (lifetime_s, once) in [(0, false), (3600, true)] {
        let (server, given) = api(Value::Null);
        let folder = folder(&server, auth(&server, json!({"default_token_expiration": lifetime_s})));
        one_by_one(&folder);
        run(&folder, &[]).expect(0);
        assert_eq!(given.count(), if once { 1 } else { 10 });
    }
}

/// Holds requests until so many are there at once, and refuses those.
struct Together {
    there: Mutex<usize>,
    all: Condvar,
}

/// The walk of the contract: four pages side by side meet the end of a token, and one request brings the next.
#[test]
fn a_token_that_ends_between_parallel_pages() {
    let (server, given) = api(json!(3600));
    let together = Arc::new(Together { there: Mutex::new(0), all: Condvar::new() });
    let valid = Arc::clone(&given);
    server.set_route("/rows", move |request| {
        if valid.count() == 1 {
            // Four are allowed side by side from the fourth page on.
            if request.number_param("offset").unwrap() < 40 {
                return page(request);
            }
            let mut there = together.there.lock().unwrap();
            *there += 1;
            together.all.notify_all();
            let all = together.all.wait_timeout_while(there, Duration::from_secs(20), |there| *there < 4);
            if all.unwrap().1.timed_out() {
                return Reply::status(418);
            }
            return unauthorized();
        }
        if valid.is_valid(request) { page(request) } else { unauthorized() }
    });
    let folder = folder(&server, auth(&server, json!({})));
    let ran = run(&folder, &[]).expect(0);
    assert_eq!(given.count(), 2, "{}", ran.stderr);
    assert_eq!(server.count("/rows"), 14);
    assert_read(&folder);
    let result: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(result["resources"][0]["retries"], 0, "a token's end is no failed try");
    assert_kept(&folder, &given, &[&ran]);
}

#[test]
fn a_token_that_is_never_taken_is_a_wrong_credential() {
    let (server, given) = api(json!(3600));
    server.set_route("/rows", |_| unauthorized());
    let folder = folder(&server, auth(&server, json!({})));
    for (command, tokens) in
        [(&["run", "c.json"][..], 2), (&["check", "c.json"], 4), (&["preview", "c.json", "rows"], 6)]
    {
        let ran = folder.run(command).expect(3);
        let ran = ran
            .says(&["the API refuses the credential (401)", "`access_token` in the header `authorization`"]);
        assert_eq!(given.count(), tokens, "one more token is tried, and no third");
        assert_kept(&folder, &given, &[&ran]);
    }
    assert_eq!(server.count("/rows"), 6);
}

#[test]
fn a_token_that_is_given_is_used_until_it_is_refused() {
    let (server, given) = api(json!(3600));
    let valid = Arc::clone(&given);
    server.set_route("/rows", move |request| {
        let old = request.header("authorization") == Some("Bearer old-t0ken-77");
        if valid.is_valid(request) || old && request.number_param("offset").unwrap() < 30 {
            return page(request);
        }
        unauthorized()
    });
    let mut folder = folder(&server, auth(&server, json!({"access_token": "${secrets.access_token}"})));
    folder.env("SANDERLING_SECRET_ACCESS_TOKEN", "old-t0ken-77");
    let ran = run(&folder, &["--max-pages", "3"]).expect(0);
    assert_eq!(given.count(), 0);
    assert_kept(&folder, &given, &[&ran]);
    let ran = run(&folder, &["--fresh"]).expect(0);
    assert_eq!(given.count(), 1);
    assert_read(&folder);
    assert_kept(&folder, &given, &[&ran]);
    leaks::assert_none(&folder, &[&ran], "old-t0ken-77", &[]);
}

#[test]
fn no_token_is_to_be_had() {
    let refused = |status, body: &str| Reply::json(status, body.to_owned());
    let cases = [
        (
            refused(400, r#"{"error": "invalid_client", "error_description": "who are you?"}"#),
            3,
            1,
            "oauth/token: it answered 400 (invalid_client: who are you?)",
        ),
        (refused(401, "no"), 3, 1, "oauth/token: it answered 401\n"),
        (
            refused(200, r#"{"error": {"code": "bad", "message": "expired"}}"#),
            3,
            1,
            "it answered 200 (bad: expired)",
        ),
        (refused(404, "{}"), 1, 1, "oauth/token: it answered 404"),
        (refused(503, "{}"), 4, 2, "oauth/token: it answered 503 (2 tries)"),
        (Reply::html(200, "<html>s3cret-t0ken</html>"), 5, 1, "oauth/token: what it answered is not JSON"),
        (
            refused(200, r#"{"token": "s3cret-t0ken", "expires": 5}"#),
            5,
            1,
            "its answer has no text `access_token`, but `token`, `expires`",
        ),
        (refused(200, "[]"), 5, 1, "its answer has no text `access_token`, but no fields"),
    ];
    for (reply, code, tries, says) in cases {
        let (server, given) = api(json!(3600));
        server.script("/oauth/token", vec![reply]);
        let folder = folder(&server, auth(&server, json!({})));
        let ran = run(&folder, &[]).expect(code).says(&[says]);
        assert_eq!((server.count("/oauth/token"), server.count("/rows")), (tries, 0), "{says}");
        if code == 3 {
            assert!(
                ran.stderr.contains("`client_secret` in the field `client_secret` of the body"),
                "{}",
                ran.stderr
            );
        }
        assert_kept(&folder, &given, &[&ran]);
        leaks::assert_none(&folder, &[&ran], "s3cret-t0ken", &[]);
    }
}

/// Nothing listens where tokens are asked for: that address is the one to look at.
#[test]
fn a_token_endpoint_that_cannot_be_reached_is_named() {
    let (server, _) = api(json!(3600));
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = json!({"access_token_url": format!("http://{gone}/oauth/token")});
    let folder = folder(&server, auth(&server, nowhere));
    let ran = run(&folder, &[]).expect(4);
    assert!(
        ran.stderr.contains("hint: is `access_token_url` right, and is the server up?"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("client.base_url"), "{}", ran.stderr);
    assert_eq!(server.count("/rows"), 0);
}

/// A token's endpoint that is not there is no parent that is gone.
#[test]
fn a_token_endpoint_that_is_gone_takes_no_parent_with_it() {
    let (server, _) = api(json!(3600));
    server.set_route("/oauth/token", |_| Reply::status(404));
    server.set_route("/parents", |_| Reply::json(200, r#"{"data": [{"id": 1}]}"#));
    let folder = folder(&server, json!("bearer"));
    let config = json!({
        "client": {"base_url": server.base_url()},
        "resources": [
            {"name": "parents", "endpoint": {"path": "/parents", "data_selector": "data", "paginator": "single_page"}},
            {"name": "kids", "endpoint": {
                "path": "/parents/{resources.parents.id}/kids", "auth": auth(&server, json!({})),
                "data_selector": "data", "paginator": "single_page"
            }}
        ]
    });
    folder.write("c.json", &config.to_string());
    run(&folder, &[]).expect(1).says(&["kids of parent [1], page 1: no token from", "it answered 404"]);
}

#[test]
fn a_token_endpoint_that_fails_once_is_asked_again() {
    let (server, given) = api(json!(3600));
    let token = Arc::clone(&given);
    let tries = Mutex::new(0);
    server.set_route("/oauth/token", move |_| {
        let mut tries = tries.lock().unwrap();
        *tries += 1;
        match *tries {
            1 => Reply::status(503),
            _ => Reply::json(200, json!({"access_token": token.next()}).to_string()),
        }
    });
    let folder = folder(&server, auth(&server, json!({})));
    run(&folder, &[]).expect(0);
    assert_eq!((given.count(), server.count("/oauth/token")), (1, 2));
    assert_read(&folder);
}

#[test]
fn an_api_that_shows_the_token() {
    let (server, given) = api(json!(3600));
    server.set_route("/rows", |request| {
        let row = json!({"id": 1, "you": request.header("authorization").unwrap(), "access_token": 5});
        Reply::json(200, json!({"data": [row], "total": 1}).to_string())
    });
    let folder = folder(&server, auth(&server, json!({})));
    let ran = run(&folder, &[]).expect(0);
    assert_eq!(
        folder.count("out.db", "select count(*) from rows where you = 'Bearer ${secrets.access_token}'"),
        1
    );
    assert_kept(&folder, &given, &[&ran]);
}

/// The next run has another token: what leads on by this one leads nowhere.
#[test]
fn a_cursor_that_holds_a_token_is_refused() {
    let (server, given) = api(json!(3600));
    server.set_route("/rows", |request| {
        let token = request.header("authorization").unwrap().trim_start_matches("Bearer ").to_owned();
        Reply::json(200, json!({"data": [{"id": 1}], "next": format!("c-{token}")}).to_string())
    });
    let folder = folder(&server, auth(&server, json!({})));
    let config = folder.read("c.json").replace(
        r#""paginator":{"type":"offset","limit":10}"#,
        r#""paginator":{"type":"cursor","cursor_path":"next"}"#,
    );
    assert!(config.contains("cursor_path"), "{config}");
    folder.write("c.json", &config);
    let ran = run(&folder, &[]).expect(5).says(&["holds the token `access_token`, which cannot be stored"]);
    assert_kept(&folder, &given, &[&ran]);
}

#[test]
fn a_key_in_a_cookie() {
    let server = start(Options::default()).unwrap();
    server.set_route("/rows", |request| match request.header("cookie") {
        Some("theme=dark; sid=c00kie-k3y/7") => page(request),
        _ => unauthorized(),
    });
    let folder = Folder::with_key("c00kie-k3y/7");
    let auth =
        json!({"type": "api_key", "name": "sid", "api_key": "${secrets.api_key}", "location": "cookie"});
    let text =
        config(&server, auth).replace(r#""client":{"#, r#""client":{"headers":{"cookie":"theme=dark"},"#);
    folder.write("c.json", &text);
    let ran = run(&folder, &[]).expect(0);
    assert_read(&folder);
    leaks::assert_none(&folder, &[&ran], "c00kie-k3y/7", &[]);
}

/// A token in the answer of a login, in its body or a header, and back in each place; a session that ends is begun anew.
#[test]
fn a_login_and_its_session() {
    let places = [
        json!({"token_path": "data.token"}),
        json!({"token_header": "X-Session", "name": "X-Session"}),
        json!({"token_path": "data.token", "location": "query", "name": "session"}),
        json!({"token_header": "X-Session", "location": "cookie", "name": "sid"}),
    ];
    for place in places {
        let (server, given) = (start(Options::default()).unwrap(), Arc::new(Given::default()));
        let giver = Arc::clone(&given);
        server.set_route("/login", move |request| {
            let sent: Value = serde_json::from_slice(&request.body).unwrap();
            if sent != json!({"user": "u", "password": SECRET}) {
                return unauthorized();
            }
            let token = giver.next();
            Reply::json(200, json!({"data": {"token": token}}).to_string()).header("X-Session", &token)
        });
        let valid = Arc::clone(&given);
        let ends = Mutex::new(true);
        server.set_route("/rows", move |request| {
            let token = Given::token(valid.count());
            let carried = [
                request.header("authorization") == Some(&*format!("Bearer {token}")),
                request.header("x-session") == Some(&*token),
                request.param("session") == Some(&*token),
                request.header("cookie") == Some(&*format!("sid={token}")),
            ];
            let ended =
                request.number_param("offset") == Some(50) && std::mem::take(&mut *ends.lock().unwrap());
            if carried.contains(&true) && !ended { page(request) } else { unauthorized() }
        });
        let mut auth = json!({
            "type": "session_token", "path": "/login", "json": {"user": "u", "password": "${secrets.client_secret}"}
        });
        for (key, value) in place.as_object().unwrap() {
            auth[key] = value.clone();
        }
        let folder = folder(&server, auth);
        one_by_one(&folder);
        let ran = run(&folder, &[]).expect(0);
        assert_eq!((given.count(), server.count("/rows")), (2, 11), "{place}");
        assert_read(&folder);
        assert_kept(&folder, &given, &[&ran]);
    }
}

/// Where replaced refresh tokens are kept.
const ROTATED: &str = ".sanderling/rotated.json";

/// An API that takes each refresh token once, and gives another one for it.
fn rotating() -> (Server, Arc<Given>, Folder) {
    let (server, given) = api(json!(3600));
    let giver = Arc::clone(&given);
    server.set_route("/oauth/token", move |request| {
        let form = form(request);
        let expected = match giver.count() {
            0 => "first-r3fresh&t0ken".to_owned(),
            count => format!("r3fresh-t0ken-{count}"),
        };
        if form.get("refresh_token") != Some(&expected) {
            return Reply::json(400, r#"{"error": "invalid_grant"}"#);
        }
        let token = giver.next();
        let next = format!("r3fresh-t0ken-{}", giver.count());
        Reply::json(200, json!({"access_token": token, "refresh_token": next, "expires_in": 60}).to_string())
    });
    let mut folder = folder(
        &server,
        auth(
            &server,
            json!({
                "type": "oauth2_refresh_token", "refresh_token": "${secrets.refresh_token}"
            }),
        ),
    );
    folder.env("SANDERLING_SECRET_REFRESH_TOKEN", "first-r3fresh&t0ken");
    (server, given, folder)
}

#[test]
fn a_refresh_token_that_is_replaced_is_kept_for_the_next_run() {
    let (_server, given, mut folder) = rotating();
    for turn in 1..=3 {
        let ran = run(&folder, &[]).expect(0);
        assert_eq!(given.count(), turn);
        assert_kept(&folder, &given, &[&ran]);
        leaks::assert_none(&folder, &[&ran], "first-r3fresh&t0ken", &[]);
        leaks::assert_none(&folder, &[&ran], &format!("r3fresh-t0ken-{turn}"), &[ROTATED]);
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&folder.path(ROTATED).metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    // What the user gives anew counts, whatever came of the old one.
    folder.env("SANDERLING_SECRET_REFRESH_TOKEN", "another-one-altogether");
    run(&folder, &[]).expect(3).says(&["oauth/token: it answered 400 (invalid_grant)"]);
}

/// The token is on the disk before anything is asked for with what came beside it.
#[test]
fn a_run_that_is_killed_loses_no_refresh_token() {
    let (server, given, folder) = rotating();
    let gate = Arc::new(Together { there: Mutex::new(0), all: Condvar::new() });
    let (held, valid) = (Arc::clone(&gate), Arc::clone(&given));
    server.set_route("/rows", move |request| {
        if valid.count() > 1 {
            return page(request);
        }
        *held.there.lock().unwrap() += 1;
        held.all.notify_all();
        std::thread::sleep(Duration::from_millis(200));
        unauthorized()
    });
    let mut child = folder.spawn(&["run", "c.json", "--to", "sqlite:out.db"]);
    let waited =
        gate.all.wait_timeout_while(gate.there.lock().unwrap(), Duration::from_secs(30), |there| *there == 0);
    assert!(!waited.unwrap().1.timed_out());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(given.count(), 1);
    run(&folder, &[]).expect(0);
    assert_eq!(given.count(), 2);
    assert_read(&folder);
}

#[test]
fn what_could_not_be_kept_is_not_asked_for() {
    let (server, _, folder) = rotating();
    folder.write(ROTATED, "{}");
    std::fs::set_permissions(folder.path(ROTATED), std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .unwrap();
    let said = run(&folder, &[]).expect(3).stderr;
    std::fs::set_permissions(folder.path(ROTATED), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    folder.write(ROTATED, "x");
    let said = said + &run(&folder, &[]).expect(3).stderr;
    assert_eq!(server.requests().len(), 0);
    insta::assert_snapshot!(said, @r"
    error: .sanderling/rotated.json: others may read it (mode 0644)
    hint: run `chmod 600 .sanderling/rotated.json`
    error: .sanderling/rotated.json: it is not what this program has written
    hint: put it back as it was, or delete .sanderling/rotated.json
    ");
}

/// The claims of a token, whose signature is the gate's own tests' matter.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A folder whose secrets file says this, with mode 0600.
fn secrets_file(folder: &Folder, text: &str) {
    folder.write(".sanderling/secrets.toml", text);
    let file = folder.path(".sanderling/secrets.toml");
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

const KEY: &str = "s1gning-k3y-of-ours";

const SIGNS: &str =
    "[signed]\nkind = \"jwt\"\nalg = \"HS256\"\nclaims = {iss = \"me\", n = [1]}\nttl_s = 60\n";

#[test]
fn a_token_that_is_signed_here_is_a_bearer_token() {
    let server = start(Options::default()).unwrap();
    server.set_route("/rows", |request| {
        let token = request.header("authorization").and_then(|it| it.strip_prefix("Bearer ")).unwrap();
        let claims = claims(token);
        let fits = claims["iss"] == "me" && claims["n"] == json!([1]);
        let lasts = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        if fits && lasts == 60 { page(request) } else { unauthorized() }
    });
    let folder = Folder::new();
    folder.write("c.json", &config(&server, json!({"type": "bearer", "token": "${secrets.signed}"})));
    // The key by itself, or from anywhere that a secret may come from.
    secrets_file(&folder, &format!("{SIGNS}value = \"{KEY}\"\n"));
    let ran = run(&folder, &[]).expect(0);
    assert_read(&folder);
    secrets_file(&folder, SIGNS);
    folder.write("key.txt", KEY);
    let again = run(&folder, &["--secret", "signed=file:key.txt", "--fresh"]).expect(0);
    leaks::assert_none(&folder, &[&ran, &again], KEY, &["key.txt"]);
    let token = server.requests()[0].header("authorization").unwrap()[7..].to_owned();
    leaks::assert_none(&folder, &[&ran, &again], &token, &[]);
}

#[test]
fn a_signed_assertion_is_exchanged_for_a_token() {
    let (server, given) = api(json!(3600));
    let giver = Arc::clone(&given);
    server.set_route("/oauth/token", move |request| {
        let form = form(request);
        let is_grant = form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer";
        if !is_grant || claims(&form["assertion"])["iss"] != "me" {
            return Reply::json(400, r#"{"error": "invalid_grant"}"#);
        }
        Reply::json(200, json!({"access_token": giver.next(), "expires_in": 3600}).to_string())
    });
    let folder = Folder::new();
    let url = format!("{}/oauth/token", server.base_url());
    let auth =
        json!({"type": "oauth2_jwt_bearer", "access_token_url": url, "assertion": "${secrets.signed}"});
    folder.write("c.json", &config(&server, auth));
    secrets_file(&folder, &format!("{SIGNS}value = \"{KEY}\"\n"));
    let ran = run(&folder, &[]).expect(0);
    assert_read(&folder);
    assert_eq!(given.count(), 1);
    assert_kept(&folder, &given, &[&ran]);
    leaks::assert_none(&folder, &[&ran], KEY, &[".sanderling/secrets.toml"]);
}
