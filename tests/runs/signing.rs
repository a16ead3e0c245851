//! Runs whose requests are signed: the API checks each signature with the key, which is nowhere else.

use ring::{digest, hmac};
use sanderling_demo::{Action, Fault, Options, Reply, Request, Server, When, start};
use serde_json::{Value, json};

use crate::leaks;
use crate::program::{Folder, Ran};

const KEY: &str = "s1gning&k3y/+=of-ours";

const FILE: &str = ".sanderling/secrets.toml";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// An API of 30 rows in pages of 10, for requests that are signed as this says. It shows what it was sent.
fn api(is_signed: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Server {
    let server = start(Options::default()).unwrap();
    server.set_route("/rows", move |request| {
        if !is_signed(request) {
            return Reply::json(401, r#"{"error": "no such signature"}"#);
        }
        let sent: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let offset = request.number_param("offset").map(|it| it as u64).or(sent["offset"].as_u64()).unwrap();
        let you = request.header("x-sig").or(request.header("authorization"));
        let rows: Vec<Value> = (offset..offset + 10).map(|id| json!({"id": id, "you": you})).collect();
        Reply::json(200, json!({"data": rows, "total": 30}).to_string())
    });
    server
}

fn folder(server: &Server, auth: Value, endpoint: Value, secrets: &str) -> Folder {
    let mut rows =
        json!({"path": "/rows", "data_selector": "data", "paginator": {"type": "offset", "limit": 10}});
    for (key, value) in endpoint.as_object().unwrap() {
        rows[key] = value.clone();
    }
    let config = json!({
        "client": {"base_url": server.base_url(), "auth": auth},
        "resources": [{"name": "rows", "primary_key": "id", "endpoint": rows}]
    });
    let folder = Folder::new();
    folder.write("c.json", &config.to_string());
    folder.write(FILE, secrets);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(folder.path(FILE), mode).unwrap();
    folder
}

fn run(folder: &Folder, more: &[&str]) -> Ran {
    let args = ["run", "c.json", "--to", "sqlite:out.db", "--json", "--progress", "plain", "-vv"];
    folder.run(&[&args[..], more].concat())
}

/// All rows are there, and of what was sent neither the key nor a signature.
#[track_caller]
fn assert_whole(folder: &Folder, server: &Server, ran: &Ran, header: &str) {
    assert_eq!(folder.count("out.db", "select count(distinct id) from rows"), 30);
    leaks::assert_none(folder, &[ran], KEY, &[FILE]);
    let requests = server.requests();
    assert!(requests.len() >= 3);
    for request in requests {
        let sent = request.header(header).unwrap();
        let signature = sent.rsplit('=').next().unwrap();
        assert_eq!(signature.len(), 64, "{sent}");
        leaks::assert_none(folder, &[ran], signature, &[FILE]);
    }
}

#[test]
fn a_search_whose_pages_are_signed_by_hmac() {
    let server = api(|request| {
        let (Some(time), Some(sent)) = (request.header("x-time"), request.header("x-sig")) else {
            return false;
        };
        let text = format!("POST\n/rows\n{time}\n{}", String::from_utf8_lossy(&request.body));
        time.parse::<u64>().is_ok()
            && sent == format!("sha256={}", hex(&mac(KEY.as_bytes(), text.as_bytes())))
    });
    let secrets = format!(
        "[sig]\nvalue = \"{KEY}\"\nkind = \"hmac\"\nalg = \"sha256\"\nencoding = \"hex\"\nprefix = \"sha256=\"\n\
         template = \"{{method}}\\n{{path}}\\n{{timestamp}}\\n{{body}}\"\ntimestamp_header = \"X-Time\"\n"
    );
    let auth = json!({"type": "api_key", "name": "X-Sig", "api_key": "${secrets.sig}"});
    let endpoint = json!({"method": "POST", "json": {"q": "é"}, "paginator": {
        "type": "offset", "limit": 10, "offset_body_path": "offset", "limit_body_path": "limit"
    }});
    let folder = folder(&server, auth, endpoint, &secrets);
    let ran = run(&folder, &[]).expect(0);
    assert_whole(&folder, &server, &ran, "x-sig");
    let you = folder
        .database("out.db")
        .query_row("select distinct you from rows", [], |row| row.get::<_, String>(0));
    assert_eq!(you.unwrap(), "sha256=${secrets.sig}");
    // What is asked for once more is signed once more.
    server.clear_log();
    server.add_fault(Fault::new("/rows", When::Nth(2), Action::status(503)));
    let ran = run(&folder, &["--fresh"]).expect(0);
    assert_eq!(server.requests().len(), 4);
    assert_whole(&folder, &server, &ran, "x-sig");
    // Another key is a wrong credential.
    folder.write("other.txt", "another-key-altogether");
    let refused = run(&folder, &["--secret", "sig=file:other.txt", "--fresh"]).expect(3);
    refused.says(&["the API refuses the credential (401)", "`sig` in the header `x-sig`"]);
}

/// Whether AWS would take it: the canonical request is written out here, for these requests alone.
fn is_signed_for_aws(request: &Request) -> bool {
    let header = |name: &str| request.header(name).unwrap_or_default();
    let (date, token, host) = (header("x-amz-date"), header("x-amz-security-token"), header("host"));
    let names = "host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
    let query =
        format!("limit={}&offset={}", request.param("limit").unwrap(), request.param("offset").unwrap());
    let content = sha256(b"");
    let canonical = format!(
        "GET\n/rows\n{query}\nhost:{host}\nx-amz-content-sha256:{content}\nx-amz-date:{date}\n\
         x-amz-security-token:{token}\n\n{names}\n{content}"
    );
    let Some((day, _)) = date.split_once('T') else { return false };
    let scope = format!("{day}/eu-central-1/execute-api/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let parts = [day, "eu-central-1", "execute-api", "aws4_request", &text];
    let key = format!("AWS4{KEY}").into_bytes();
    let signature = hex(&parts.iter().fold(key, |key, part| mac(&key, part.as_bytes())));
    header("x-amz-content-sha256") == content
        && token == "s3ssion-t0ken"
        && header("authorization")
            == format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={names}, Signature={signature}"
            )
}

#[test]
fn pages_that_are_signed_for_aws() {
    let server = api(is_signed_for_aws);
    let secrets = "[aws]\nkind = \"sigv4\"\nregion = \"eu-central-1\"\nservice = \"execute-api\"\n";
    let auth = json!({"type": "api_key", "name": "Authorization", "api_key": "${secrets.aws}"});
    let mut folder = folder(&server, auth, json!({}), secrets);
    // Each part from elsewhere: the environment, a file, a command.
    folder.env("SANDERLING_SECRET_AWS", KEY);
    folder.write("id.txt", "AKIDEXAMPLE\n");
    let flags =
        ["--secret", "aws.access_key_id=file:id.txt", "--secret", "aws.session_token=cmd:echo s3ssion-t0ken"];
    let ran = run(&folder, &flags).expect(0);
    assert_whole(&folder, &server, &ran, "authorization");
    leaks::assert_none(&folder, &[&ran], "s3ssion-t0ken", &[]);
    leaks::assert_none(&folder, &[&ran], "AKIDEXAMPLE", &["id.txt"]);
    // Without the one that it needs, nothing is asked.
    server.clear_log();
    let missing = run(&folder, &["--fresh"]).expect(3).says(&["the secret `aws.access_key_id` is not given"]);
    assert!(missing.stderr.contains("SANDERLING_SECRET_AWS_ACCESS_KEY_ID"), "{}", missing.stderr);
    assert_eq!(server.requests().len(), 0);
}
