//! `kind` of a secret in the secrets file: what the gate makes of it before it is sent.

use sanderling_gate::{
    Jwt, JwtAlgorithm, Mac, MacAlgorithm, MacEncoding, MacTemplate, Secret, SigV4, Signer, timestamp_header,
};
use serde_json::{Map, Value};

use crate::clock;

/// Longer is not taken by most servers.
const LIFETIME_S: u64 = 300;

/// What a secret is, as far as the file says.
#[derive(Clone)]
pub(super) enum Kind {
    /// Itself.
    Static,
    /// A key for tokens.
    Jwt(Jwt),
    /// A key for signatures over requests.
    Hmac(Mac),
    /// The secret access key of AWS.
    SigV4(Aws),
}

/// What stands in the file of a key of AWS.
#[derive(Clone)]
pub(super) struct Aws {
    region: String,
    service: String,
    written: [Option<String>; 2],
}

/// What is made with a key.
pub enum Signs {
    /// Tokens.
    Jwt(Jwt),
    /// A signature over each request.
    Request(Signer),
}

impl Kind {
    /// The keys of this kind, beside those of every secret.
    pub(super) fn keys(&self) -> &'static [&'static str] {
        match self {
            Kind::Static => &[],
            Kind::Jwt(_) => &["alg", "claims", "ttl_s", "key_id"],
            Kind::Hmac(_) => &["alg", "encoding", "template", "timestamp_header", "prefix"],
            Kind::SigV4(_) => &["region", "service", "access_key_id", "session_token"],
        }
    }

    /// The same for people, to go on with after the keys of every secret.
    pub(super) fn more(&self) -> &'static str {
        match self {
            Kind::Static => "",
            Kind::Jwt(_) => ", and `alg`, `claims`, `ttl_s` and `key_id` of a `jwt`",
            Kind::Hmac(_) => {
                ", and `alg`, `encoding`, `template`, `timestamp_header` and `prefix` of an `hmac`"
            }
            Kind::SigV4(_) => ", and `region`, `service`, `access_key_id` and `session_token` of a `sigv4`",
        }
    }

    /// What the secret `name` needs beside its own value: a secret's name each, what the file says of it, and whether
    /// it may be missing.
    pub(super) fn parts(&self, name: &str) -> Vec<(String, Option<String>, bool)> {
        match self {
            Kind::SigV4(Aws { written: [id, token], .. }) => vec![
                (format!("{name}.access_key_id"), id.clone(), false),
                (format!("{name}.session_token"), token.clone(), true),
            ],
            _ => Vec::new(),
        }
    }

    /// What is made with the key, given the values of its parts in their order.
    pub(super) fn signs(self, parts: Vec<Option<String>>) -> Option<Signs> {
        match self {
            Kind::Static => None,
            Kind::Jwt(jwt) => Some(Signs::Jwt(jwt)),
            Kind::Hmac(mac) => Some(Signs::Request(Signer::Mac(mac))),
            Kind::SigV4(Aws { region, service, .. }) => {
                let mut parts = parts.into_iter().map(|part| part.map(Secret::new));
                let access_key_id = parts.next()??;
                let session_token = parts.next().flatten();
                let clock = clock::now_ms;
                let aws = SigV4 { access_key_id, session_token, region, service, clock };
                Some(Signs::Request(Signer::SigV4(aws)))
            }
        }
    }
}

/// What a table says that its secret is.
pub(super) fn kind(table: &toml::Table) -> Result<Kind, String> {
    match text(table, "kind")? {
        None | Some("static") => Ok(Kind::Static),
        Some("jwt") => jwt(table).map(Kind::Jwt),
        Some("hmac") => hmac(table).map(Kind::Hmac),
        Some("sigv4") => aws(table).map(Kind::SigV4),
        Some(other) => Err(format!("unknown kind `{other}`; there are `static`, `jwt`, `hmac` and `sigv4`")),
    }
}

fn text<'a>(table: &'a toml::Table, key: &str) -> Result<Option<&'a str>, String> {
    match table.get(key) {
        None => Ok(None),
        Some(toml::Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(format!("`{key}` must be a text")),
    }
}

fn jwt(table: &toml::Table) -> Result<Jwt, String> {
    let names = JwtAlgorithm::ALL.map(JwtAlgorithm::name);
    let algorithm = text(table, "alg")?.ok_or("a `jwt` needs `alg`: `RS256`, `ES256` or `HS256`")?;
    let algorithm = JwtAlgorithm::ALL.into_iter().find(|known| known.name() == algorithm);
    let algorithm = algorithm.ok_or_else(|| format!("`alg` is one of {}", names.join(", ")))?;
    let claims = match table.get("claims") {
        None => Map::new(),
        Some(claims) => match serde_json::to_value(claims) {
            Ok(Value::Object(claims)) => claims,
            _ => return Err("`claims` must be a table".into()),
        },
    };
    let lifetime_s = match table.get("ttl_s") {
        None => LIFETIME_S,
        Some(value) => {
            let seconds = value.as_integer().and_then(|seconds| u64::try_from(seconds).ok());
            seconds.filter(|seconds| *seconds > 0).ok_or("`ttl_s` must be a number of seconds")?
        }
    };
    let key_id = text(table, "key_id")?.map(str::to_owned);
    Ok(Jwt { algorithm, claims, lifetime_s, key_id, clock: clock::now_ms })
}

fn hmac(table: &toml::Table) -> Result<Mac, String> {
    let algorithm = match text(table, "alg")? {
        None | Some("sha256") => MacAlgorithm::Sha256,
        Some("sha1") => MacAlgorithm::Sha1,
        Some("sha512") => MacAlgorithm::Sha512,
        Some(_) => return Err("`alg` of an `hmac` is `sha256`, `sha1` or `sha512`".into()),
    };
    let encoding = match text(table, "encoding")? {
        None | Some("hex") => MacEncoding::Hex,
        Some("base64") => MacEncoding::Base64,
        Some(_) => return Err("`encoding` is `hex` or `base64`".into()),
    };
    let template = text(table, "template")?
        .ok_or("an `hmac` needs `template`, what is signed: such as `{method}{path}{timestamp}{body}`")?;
    let template: MacTemplate = template.parse().map_err(|error| format!("`template`: {error}"))?;
    let header = |name| timestamp_header(name).ok_or("`timestamp_header` must be the name of a header");
    let timestamp_header = text(table, "timestamp_header")?.map(header).transpose()?;
    let prefix = text(table, "prefix")?.unwrap_or_default().to_owned();
    Ok(Mac { algorithm, encoding, template, timestamp_header, prefix, clock: clock::now_ms })
}

fn aws(table: &toml::Table) -> Result<Aws, String> {
    let needed = |key: &str, example: &str| match text(table, key)? {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("a `sigv4` needs `{key}`, such as `{example}`")),
    };
    let written = |key: &str| text(table, key).map(|text| text.map(str::to_owned));
    Ok(Aws {
        region: needed("region", "us-east-1")?,
        service: needed("service", "execute-api")?,
        written: [written("access_key_id")?, written("session_token")?],
    })
}
