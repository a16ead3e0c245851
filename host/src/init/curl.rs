//! Reads a curl line as people copy it from an API's documents or a browser.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Auth, Draft, InitError};
use crate::secrets::named::is_credential;

/// Flags with a value that say nothing of the request.
const WITH_VALUE: [&str; 45] = [
    "output",
    "max-time",
    "connect-timeout",
    "retry",
    "write-out",
    "user-agent",
    "referer",
    "cookie-jar",
    "retry-delay",
    "retry-max-time",
    "limit-rate",
    "proxy",
    "proxy-user",
    "proxy-header",
    "preproxy",
    "noproxy",
    "socks5",
    "socks5-hostname",
    "cacert",
    "capath",
    "cert",
    "cert-type",
    "key",
    "key-type",
    "pass",
    "ciphers",
    "tls-max",
    "pinnedpubkey",
    "crlfile",
    "aws-sigv4",
    "resolve",
    "connect-to",
    "interface",
    "dns-servers",
    "unix-socket",
    "config",
    "range",
    "upload-file",
    "max-redirs",
    "max-filesize",
    "proto",
    "stderr",
    "trace-ascii",
    "dump-header",
    "time-cond",
];

/// Short flags that have a value, or say something of the request.
const SHORT: [(char, &str); 20] = [
    ('H', "header"),
    ('X', "request"),
    ('u', "user"),
    ('d', "data"),
    ('b', "cookie"),
    ('G', "get"),
    ('F', "form"),
    ('o', "output"),
    ('m', "max-time"),
    ('w', "write-out"),
    ('A', "user-agent"),
    ('e', "referer"),
    ('c', "cookie-jar"),
    ('x', "proxy"),
    ('U', "proxy-user"),
    ('E', "cert"),
    ('K', "config"),
    ('r', "range"),
    ('T', "upload-file"),
    ('D', "dump-header"),
];

/// Headers that a browser or curl adds by itself.
const OF_THE_CLIENT: [&str; 13] = [
    "user-agent",
    "accept-encoding",
    "accept-language",
    "connection",
    "host",
    "content-length",
    "content-type",
    "origin",
    "referer",
    "priority",
    "cache-control",
    "pragma",
    "dnt",
];

/// What a curl line asks for.
///
/// # Errors
/// It has no address, or something in it has no form in a config.
pub fn read(line: &str) -> Result<Draft, InitError> {
    let words = shlex::split(line).ok_or(InitError::Curl("a quote is not closed"))?;
    let mut words = words.into_iter().skip_while(|word| word == "$" || word == "curl");
    let (mut addresses, mut method, mut headers, mut bodies) = (Vec::new(), None, Vec::new(), Vec::new());
    let (mut user, mut bearer, mut as_query, mut is_json) = (None, None, false, false);
    while let Some(word) = words.next() {
        let Some((flag, mut inline)) = flag(&word) else {
            // A dash alone, or a cluster of flags that say nothing.
            if !word.starts_with('-') {
                addresses.push(word);
            }
            continue;
        };
        let mut value =
            || inline.take().or_else(|| words.next()).ok_or(InitError::Curl("a flag lacks its value"));
        match flag {
            "header" => headers.push(value()?),
            "request" => method = Some(value()?),
            "user" => user = Some(value()?),
            "oauth2-bearer" => bearer = Some(value()?),
            "data" | "data-raw" | "data-ascii" | "data-binary" => bodies.push(value()?),
            "data-urlencode" => bodies.push(encoded(&value()?)),
            "json" => {
                is_json = true;
                bodies.push(value()?);
            }
            "get" => as_query = true,
            "url" => addresses.push(value()?),
            "cookie" => headers.push(format!("Cookie: {}", value()?)),
            "form" | "form-string" => {
                return Err(InitError::Curl("a form with files has no form in a config"));
            }
            flag if WITH_VALUE.contains(&flag) => {
                value()?;
            }
            _ => {}
        }
    }
    let address = only_address(addresses)?;
    let address = if address.contains("://") { address } else { format!("https://{address}") };
    let mut draft = if as_query && !bodies.is_empty() {
        let sign = if address.contains('?') { '&' } else { '?' };
        Draft::of_address(&format!("{address}{sign}{}", bodies.join("&")), None)?
    } else {
        Draft::of_address(&address, None)?
    };
    let content_type = headers.iter().find_map(|header| {
        let (name, value) = header.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-type").then(|| value.trim().to_ascii_lowercase())
    });
    if !as_query && !bodies.is_empty() {
        draft.method = Some("POST".to_owned());
        body(&mut draft, &bodies.join("&"), is_json || content_type.is_some_and(|of| of.contains("json")))?;
    }
    match method.as_deref() {
        None => {}
        Some("GET") => draft.method = None,
        Some("POST") => draft.method = Some("POST".to_owned()),
        Some(_) => return Err(InitError::Curl("only GET and POST read")),
    }
    if let Some(user) = user {
        basic(&mut draft, &user);
    }
    if let Some(token) = bearer {
        draft.authorize(Auth::Bearer);
        draft.credentials.push(("token".into(), token));
    }
    // What is the auth is known before any other key is taken for it.
    let is_auth = |header: &String| header.to_ascii_lowercase().starts_with("authorization");
    headers.sort_by_key(|header| !is_auth(header));
    for header in headers {
        if let Some((name, value)) = header.split_once(':') {
            self::header(&mut draft, name.trim(), value.trim());
        }
    }
    Ok(draft)
}

/// `-XPOST`, `-sXPOST` and `--request=POST` as a flag by its long name, with what stands behind it.
fn flag(word: &str) -> Option<(&str, Option<String>)> {
    if let Some(long) = word.strip_prefix("--") {
        return Some(match long.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (long, None),
        });
    }
    let letters = word.strip_prefix('-')?;
    letters.char_indices().find_map(|(at, letter)| {
        let (_, long) = SHORT.iter().find(|(short, _)| *short == letter)?;
        let behind = letters.get(at + letter.len_utf8()..).filter(|behind| !behind.is_empty());
        Some((*long, behind.map(str::to_owned)))
    })
}

/// The value of a flag that is not known here must not be taken for an address: it may be a credential.
fn only_address(mut found: Vec<String>) -> Result<String, InitError> {
    if found.len() > 1 {
        found.retain(|address| address.contains("://"));
    }
    match <[String; 1]>::try_from(found) {
        Ok([address]) => Ok(address),
        Err(found) if found.is_empty() => Err(InitError::Curl("it has no address")),
        Err(_) => Err(InitError::Curl("it has several addresses, or a flag that is not known here")),
    }
}

fn encoded(text: &str) -> String {
    let (name, value) = text.split_once('=').unwrap_or(("", text));
    let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    if name.is_empty() { value } else { format!("{name}={value}") }
}

fn body(draft: &mut Draft, text: &str, is_json: bool) -> Result<(), InitError> {
    if text.starts_with('@') {
        return Err(InitError::Curl("a body from a file has no form in a config"));
    }
    let looks_so = text.trim_start().starts_with('{');
    match serde_json::from_str::<Value>(text) {
        Ok(value @ Value::Object(_)) if is_json || looks_so => draft.json = Some(kept(draft, "", value)),
        _ if is_json => return Err(InitError::Curl("its body is no object of JSON")),
        _ => {
            let pairs = form_urlencoded::parse(text.as_bytes()).into_owned();
            let data = pairs.map(|(name, value)| {
                let value = kept(draft, &name, value.into());
                (name, value)
            });
            draft.data = Some(data.collect());
        }
    }
    Ok(())
}

/// A value of a body, its credentials apart from it.
fn kept(draft: &mut Draft, name: &str, value: Value) -> Value {
    match value {
        Value::String(text) if is_credential(name) && !text.is_empty() => draft.keep(name, text).into(),
        Value::Array(items) => items.into_iter().map(|item| kept(draft, name, item)).collect(),
        Value::Object(map) => {
            let fields = map.into_iter().map(|(key, value)| {
                let value = kept(draft, &key, value);
                (key, value)
            });
            Value::Object(fields.collect())
        }
        other => escaped(other),
    }
}

/// Braces in a text would be placeholders.
fn escaped(value: Value) -> Value {
    match value {
        Value::String(text) => text.replace('{', "{{").replace('}', "}}").into(),
        other => other,
    }
}

fn header(draft: &mut Draft, name: &str, value: &str) {
    let lower = name.to_ascii_lowercase();
    if lower == "authorization" {
        match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                draft.authorize(Auth::Bearer);
                draft.credentials.push(("token".into(), token.trim().to_owned()));
            }
            Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => {
                let user = STANDARD.decode(pair.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                match user {
                    Some(user) => basic(draft, &user),
                    None => key(draft, name, value),
                }
            }
            _ => key(draft, name, value),
        }
    } else if lower == "cookie" {
        let reference = draft.keep("cookie", value.to_owned());
        draft.headers.insert("Cookie".into(), reference.into());
    } else if is_credential(name)
        || ["key", "token", "secret", "auth", "session"].iter().any(|part| lower.contains(part))
    {
        key(draft, name, value);
    } else if !is_of_the_client(&lower, value) {
        draft.headers.insert(name.to_owned(), escaped(value.into()));
    }
}

fn is_of_the_client(name: &str, value: &str) -> bool {
    OF_THE_CLIENT.contains(&name) || name.starts_with("sec-") || (name == "accept" && value == "*/*")
}

/// A header with a credential: the first is the auth, others stay headers.
fn key(draft: &mut Draft, name: &str, value: &str) {
    if draft.auth.is_none() {
        draft.auth = Some(Auth::Header(name.to_owned()));
        draft.credentials.push(("api_key".into(), value.to_owned()));
        return;
    }
    let reference = draft.keep(name, value.to_owned());
    draft.headers.insert(name.to_owned(), reference.into());
}

fn basic(draft: &mut Draft, user: &str) {
    match user.split_once(':') {
        Some((name, password)) => draft.basic(name.to_owned(), Some(password.to_owned())),
        None => draft.basic(user.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(line: &str) -> (Value, Vec<(String, String)>) {
        let draft = read(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        (draft.config(None), draft.credentials)
    }

    #[test]
    fn lines_as_people_copy_them() {
        let cases = [
            ("curl https://a.io/v1/users", json!({}), json!({"path": "users"}), vec![]),
            (
                "$ curl -sSL --compressed \\\n  -H 'Authorization: Bearer tok' -H \"Accept: */*\" \\\n  'https://a.io/v1/users?limit=5&x=a%20b&x=c#top'",
                json!({"type": "bearer", "token": "${secrets.token}"}),
                json!({"path": "users", "params": {"limit": 5, "x": ["a b", "c"]}}),
                vec![("token", "tok")],
            ),
            (
                "curl -u 'me:p w' --request GET --url https://a.io/v1/users -o out.json",
                json!({"type": "http_basic", "username": "${secrets.username}", "password": "${secrets.password}"}),
                json!({"path": "users"}),
                vec![("username", "me"), ("password", "p w")],
            ),
            (
                "curl https://a.io/v1/users -H 'authorization: Basic bWU6cHc='",
                json!({"type": "http_basic", "username": "${secrets.username}", "password": "${secrets.password}"}),
                json!({"path": "users"}),
                vec![("username", "me"), ("password", "pw")],
            ),
            (
                "curl -HX-Api-Key:k a.io/v1/users -H 'X-Other-Token: t' -H 'X-Tenant: {7}' -H 'User-Agent: me'",
                json!({"type": "api_key", "name": "X-Api-Key", "api_key": "${secrets.api_key}", "location": "header"}),
                json!({"path": "users", "headers": {"X-Other-Token": "${secrets.x_other_token}", "X-Tenant": "{{7}}"}}),
                vec![("api_key", "k"), ("x_other_token", "t")],
            ),
            (
                "curl 'https://a.io/v1/users?apikey=k%2B1&n=01'",
                json!({"type": "api_key", "name": "apikey", "api_key": "${secrets.api_key}", "location": "query"}),
                json!({"path": "users", "params": {"n": "01"}}),
                vec![("api_key", "k+1")],
            ),
            (
                "curl -XPOST https://a.io/v1/users -H 'Content-Type: application/json' -d '{\"q\": \"{ a }\", \"n\": 1}'",
                json!({}),
                json!({"path": "users", "method": "POST", "json": {"q": "{{ a }}", "n": 1}}),
                vec![],
            ),
            (
                "curl https://a.io/v1/users -d a=1 --data-urlencode 'b=x y'",
                json!({}),
                json!({"path": "users", "method": "POST", "data": {"a": "1", "b": "x y"}}),
                vec![],
            ),
            (
                "curl -G https://a.io/v1/users -d a=1",
                json!({}),
                json!({"path": "users", "params": {"a": 1}}),
                vec![],
            ),
            (
                "curl 'https://me:p%40w@a.io/v1/users' -b 's=1'",
                json!({"type": "http_basic", "username": "${secrets.username}", "password": "${secrets.password}"}),
                json!({"path": "users", "headers": {"Cookie": "${secrets.cookie}"}}),
                vec![("username", "me"), ("password", "p@w"), ("cookie", "s=1")],
            ),
            (
                "curl https://a.io/v1/users -d 'api_key=k&q=x'",
                json!({}),
                json!({"path": "users", "method": "POST", "data": {"api_key": "${secrets.api_key}", "q": "x"}}),
                vec![("api_key", "k")],
            ),
            (
                "curl https://a.io/v1/users --json '{\"by\": {\"password\": \"p\", \"token\": \"t\"}, \"q\": \"{\"}'",
                json!({}),
                json!({"path": "users", "method": "POST", "json":
                    {"by": {"password": "${secrets.password}", "token": "${secrets.token}"}, "q": "{{"}}),
                vec![("password", "p"), ("token", "t")],
            ),
            (
                "curl 'https://a.io/v1/users?api_key=k&secret=s&page_token=2'",
                json!({"type": "api_key", "name": "api_key", "api_key": "${secrets.api_key}", "location": "query"}),
                json!({"path": "users", "params": {"secret": "${secrets.secret}", "page_token": 2}}),
                vec![("api_key", "k"), ("secret", "s")],
            ),
            (
                "curl -sSLH 'Token: t' --proxy http://me:p@b.io --oauth2-bearer tok https://a.io/v1/users",
                json!({"type": "bearer", "token": "${secrets.token}"}),
                json!({"path": "users", "headers": {"Token": "${secrets.token_2}"}}),
                vec![("token", "tok"), ("token_2", "t")],
            ),
            (
                "curl -H 'X-Key: k' -H 'Authorization: Bearer tok' 'https://a.io/v1/users?key=q'",
                json!({"type": "bearer", "token": "${secrets.token}"}),
                json!({"path": "users", "headers": {"X-Key": "${secrets.x_key}"}, "params": {"key": "${secrets.api_key}"}}),
                vec![("api_key", "q"), ("token", "tok"), ("x_key", "k")],
            ),
            (
                "curl -u sk_test: --unheard-of secret https://a.io/v1/users",
                json!({"type": "http_basic", "username": "${secrets.username}", "password": ""}),
                json!({"path": "users"}),
                vec![("username", "sk_test")],
            ),
        ];
        for (line, auth, endpoint, credentials) in cases {
            let (config, given) = config(line);
            assert_eq!(config["client"]["base_url"], "https://a.io/v1", "{line}");
            assert_eq!(config["client"].get("auth").cloned().unwrap_or(json!({})), auth, "{line}");
            assert_eq!(config["resources"][0]["endpoint"], endpoint, "{line}");
            assert_eq!(config["resources"][0]["name"], "users");
            let given: Vec<(&str, &str)> =
                given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(given, credentials, "{line}");
        }
    }

    #[test]
    fn lines_that_cannot_be_read() {
        for line in [
            "curl",
            "curl 'https://a.io",
            "curl -X DELETE https://a.io/x",
            "curl ftp://a.io/x",
            "curl https://a.io -H",
            "curl a.io --unheard-of secret",
            "curl https://a.io https://b.io",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
