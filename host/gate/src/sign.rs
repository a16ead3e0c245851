//! Signs a request just as it goes out: the placeholders that `inject` has left are those of keys.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use ring::digest;

use crate::denial::Denial;
use crate::inject::{BasicPair, Filled, UNSPEAKABLE, sensitive};
use crate::mac::Mac;
use crate::needles::needles;
use crate::secret::{Place, Secret};
use crate::sigv4::{self, SigV4};
use crate::vault::{Sealed, Vault};

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const AMZ_CONTENT: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const AMZ_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// What a key signs requests with.
#[derive(Debug, Clone)]
pub enum Signer {
    /// HMAC over a template.
    Mac(Mac),
    /// AWS's Signature Version 4.
    SigV4(SigV4),
}

impl Signer {
    /// Credentials beside the key, which are looked for in answers as well.
    pub(crate) fn parts(&self) -> Vec<(&'static str, Secret)> {
        match self {
            Signer::Mac(_) => Vec::new(),
            Signer::SigV4(aws) => std::iter::once(("access_key_id", aws.access_key_id.clone()))
                .chain(aws.session_token.clone().map(|token| ("session_token", token)))
                .collect(),
        }
    }

    /// Why there can be no signature in this place, if so. `whole`: nothing stands beside it.
    pub(crate) fn refuses(&self, place: &Place, whole: bool) -> Option<&'static str> {
        match (self, place) {
            (Signer::Mac(_), Place::Header(_)) => None,
            (Signer::Mac(_), _) => Some("signs the request, in the value of a header only"),
            (Signer::SigV4(_), Place::Header(name))
                if whole && name.eq_ignore_ascii_case("authorization") =>
            {
                None
            }
            (Signer::SigV4(_), _) => Some("signs for AWS, as the whole value of the header `authorization`"),
        }
    }
}

/// A request as it is signed: what it is on the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outgoing<'a> {
    pub(crate) method: &'a str,
    /// As the header `Host` has it.
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    /// Without its `?`.
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

/// Puts signatures in their placeholders' places, and sets the headers that go with them.
pub(crate) fn sign(vault: &Vault, method: &Method, filled: &mut Filled, body: &Bytes) -> Result<(), Denial> {
    let is_left = |value: &HeaderValue| vault.placeholder_in(value.as_bytes()).is_some();
    if !filled.headers.values().any(is_left) {
        return Ok(());
    }
    let uri: Uri = filled.uri.clone();
    let request = Outgoing {
        method: method.as_str(),
        host: uri.authority().map_or("", |authority| authority.as_str()),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        body,
    };
    let mut signed = HeaderMap::with_capacity(filled.headers.len());
    let mut times = Vec::new();
    let mut aws = None;
    for (name, value) in &filled.headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        let expanded =
            vault.expand(&text, |found| match found.map(|sealed| (sealed, sealed.signs.as_deref())) {
                Some((sealed, Some(Signer::Mac(mac)))) => {
                    let now_s = (mac.clock)() / 1_000;
                    let signature = mac.signature(&sealed.secret, &request, now_s);
                    filled.pairs.extend(shapes(&signature, sealed));
                    times.extend(mac.timestamp_header.clone().map(|header| (header, now_s)));
                    Ok(format!("{}{signature}", mac.prefix))
                }
                Some((sealed, Some(Signer::SigV4(_)))) => {
                    aws = Some(sealed.clone());
                    Ok(String::new())
                }
                found => Err(unspeakable(found.map(|(sealed, _)| sealed), name)),
            })?;
        let value = match &expanded {
            None => value.clone(),
            Some(text) => sensitive(text).ok_or_else(|| unspeakable(None, name))?,
        };
        signed.append(name.clone(), value);
    }
    for (header, now_s) in times {
        signed.insert(header, HeaderValue::from(now_s));
    }
    if let Some(sealed) = aws {
        sign_for_aws(&sealed, &request, &mut signed, &mut filled.pairs)?;
    }
    filled.headers = signed;
    Ok(())
}

fn sign_for_aws(
    sealed: &Sealed,
    request: &Outgoing<'_>,
    headers: &mut HeaderMap,
    pairs: &mut Vec<BasicPair>,
) -> Result<(), Denial> {
    let Some(Signer::SigV4(aws)) = sealed.signs.as_deref() else { return Ok(()) };
    let wrong = |name: &HeaderName| unspeakable(Some(sealed), name);
    let date = sigv4::amz_date((aws.clock)() / 1_000).ok_or_else(|| wrong(&AMZ_DATE))?;
    let mut set = |name: HeaderName, text: &str| {
        let value = sensitive(text).ok_or_else(|| wrong(&name))?;
        headers.insert(name, value);
        Ok::<_, Denial>(())
    };
    set(AMZ_DATE, &date)?;
    set(AMZ_CONTENT, &sha256_hex(request.body))?;
    if let Some(token) = &aws.session_token {
        set(AMZ_TOKEN, token.expose())?;
    }
    let is_signed = |name: &HeaderName| *name == CONTENT_TYPE || name.as_str().starts_with("x-amz-");
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut listed: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| is_signed(name))
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect();
    listed.push((HOST.as_str().to_owned(), request.host.to_owned()));
    let (value, signature) = sigv4::authorization(aws, &sealed.secret, request, &listed, &date);
    headers.insert(AUTHORIZATION, sensitive(&value).ok_or_else(|| wrong(&AUTHORIZATION))?);
    pairs.extend(shapes(&signature, sealed));
    Ok(())
}

/// A signature as an answer may give it back.
fn shapes(signature: &str, sealed: &Sealed) -> Vec<BasicPair> {
    let whole = needles(signature.trim_end_matches('=')).into_iter().filter(|it| !it.before && !it.after);
    let texts = whole.filter_map(|needle| String::from_utf8(needle.bytes).ok());
    texts.map(|sent| BasicPair { sent, placeholder: sealed.placeholder.clone() }).collect()
}

fn unspeakable(sealed: Option<&Sealed>, name: &HeaderName) -> Denial {
    let secret = sealed.map_or_else(|| "?".to_owned(), |sealed| sealed.name.clone());
    Denial::SecretValue { secret, place: Place::Header(name.as_str().to_owned()), problem: UNSPEAKABLE }
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
