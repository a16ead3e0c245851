//! Reads a curl line as people copy it from an API's documents or a browser.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Auth, Draft, InitError};

/// Flags with a value that say nothing of the request.
const WITH_VALUE: [&str; 16] = [
    "-o",
    "--output",
    "-m",
    "--max-time",
    "--connect-timeout",
    "--retry",
    "-w",
    "--write-out",
    "-A",
    "--user-agent",
    "-e",
    "--referer",
    "-c",
    "--cookie-jar",
    "--retry-delay",
    "--limit-rate",
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
    let mut words = words.into_iter().skip_while(|word| word == "$" || word == "curl").peekable();
    let (mut address, mut method, mut headers, mut bodies) = (None, None, Vec::new(), Vec::new());
    let (mut user, mut as_query, mut is_json) = (None, false, false);
    while let Some(word) = words.next() {
        let (flag, mut inline) = split_flag(&word);
        let mut value =
            || inline.take().or_else(|| words.next()).ok_or(InitError::Curl("a flag lacks its value"));
        match flag {
            "-H" | "--header" => headers.push(value()?),
            "-X" | "--request" => method = Some(value()?),
            "-u" | "--user" => user = Some(value()?),
            "-d" | "--data" | "--data-raw" | "--data-ascii" | "--data-binary" => bodies.push(value()?),
            "--data-urlencode" => bodies.push(encoded(&value()?)),
            "--json" => {
                is_json = true;
                bodies.push(value()?);
            }
            "-G" | "--get" => as_query = true,
            "--url" => address = Some(value()?),
            "-b" | "--cookie" => headers.push(format!("Cookie: {}", value()?)),
            "-F" | "--form" => return Err(InitError::Curl("a form with files has no form in a config")),
            flag if WITH_VALUE.contains(&flag) => {
                value()?;
            }
            flag if flag.starts_with('-') && flag.len() > 1 => {}
            _ => address = Some(word),
        }
    }
    let address = address.ok_or(InitError::Curl("it has no address"))?;
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
    for header in headers {
        if let Some((name, value)) = header.split_once(':') {
            self::header(&mut draft, name.trim(), value.trim());
        }
    }
    Ok(draft)
}

/// `-XPOST` and `--request=POST` as a flag and its value.
fn split_flag(word: &str) -> (&str, Option<String>) {
    if word.starts_with("--") {
        return match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (word, None),
        };
    }
    match word.get(..2) {
        Some(flag @ ("-H" | "-X" | "-u" | "-d" | "-b")) if word.len() > 2 => {
            (flag, Some(word[2..].to_owned()))
        }
        _ => (word, None),
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
        Ok(value @ Value::Object(_)) if is_json || looks_so => draft.json = Some(escaped(value)),
        _ if is_json => return Err(InitError::Curl("its body is no object of JSON")),
        _ => {
            let pairs = form_urlencoded::parse(text.as_bytes()).into_owned();
            draft.data = Some(pairs.map(|(name, value)| (name, escaped(value.into()))).collect());
        }
    }
    Ok(())
}

/// Braces in the texts of a body would be placeholders.
fn escaped(value: Value) -> Value {
    match value {
        Value::String(text) => text.replace('{', "{{").replace('}', "}}").into(),
        Value::Array(items) => items.into_iter().map(escaped).collect(),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, escaped(value))).collect())
        }
        other => other,
    }
}

fn header(draft: &mut Draft, name: &str, value: &str) {
    let lower = name.to_ascii_lowercase();
    if lower == "authorization" {
        match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                draft.auth = Some(Auth::Bearer);
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
        draft.headers.insert("Cookie".into(), "${secrets.cookie}".into());
        draft.credentials.push(("cookie".into(), value.to_owned()));
    } else if ["key", "token", "secret", "auth"].iter().any(|part| lower.contains(part)) {
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
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let secret: String = name.chars().map(plain).collect();
    draft.headers.insert(name.to_owned(), format!("${{secrets.{secret}}}").into());
    draft.credentials.push((secret, value.to_owned()));
}

fn basic(draft: &mut Draft, user: &str) {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    draft.auth = Some(Auth::Basic);
    draft.credentials.retain(|(name, _)| name != "username" && name != "password");
    draft.credentials.push(("username".into(), name.to_owned()));
    draft.credentials.push(("password".into(), password.to_owned()));
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
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
