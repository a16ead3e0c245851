//! Puts secrets in their placeholders' places, just before a request leaves. Only this, `inject_body` and `sign` read a secret to send it.
//!
//! A placeholder works in header values, query values, Basic pairs, and bodies as `inject_body` has it. Anywhere else it
//! is a refusal, not a request.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::denial::Denial;
use crate::error::GateError;
use crate::headers::is_gates_own;
use crate::origin::Origin;
use crate::secret::Place;
use crate::vault::{Sealed, Vault};

/// RFC 3986, 2.3: what needs no escape anywhere in a URL. All else is escaped, so that a secret arrives whole.
pub(crate) const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Reads Base64 with its padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The shortest encoded pair that is looked for in an answer.
const MIN_PAIR_BYTES: usize = 12;

/// The request that is about to be sent, as far as secrets can stand in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hop<'a> {
    /// Where it goes.
    pub(crate) origin: &'a Origin,
    /// Whether a redirect led away from the origin that the guest asked. Then only a secret that is bound to this
    /// origin by name may be sent.
    pub(crate) strayed: bool,
    /// Whether the wire may carry secrets.
    pub(crate) trusted_wire: bool,
}

/// A request with its secrets in place. Never printed.
pub(crate) struct Filled {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) placed: Vec<(String, Place)>,
    pub(crate) pairs: Vec<BasicPair>,
}

/// An encoded Basic pair, which a server may send back.
pub(crate) struct BasicPair {
    /// As it was sent, without padding.
    pub(crate) sent: String,
    /// What stands in its place in an answer. Not encoded: it must be found again when an answer is stored.
    pub(crate) placeholder: String,
}

/// Refuses a request that has a placeholder where none can work, its URL and its body apart.
pub(crate) fn refuse_misplaced(vault: &Vault, method: &Method, headers: &HeaderMap) -> Result<(), Denial> {
    let refuse = |text: &[u8], place: &str| match vault.placeholder_in(text) {
        Some(secret) => Err(Denial::SecretPlace { secret, place: place.to_owned() }),
        None => Ok(()),
    };
    refuse(method.as_str().as_bytes(), "the method")?;
    for name in headers.keys() {
        refuse(name.as_str().as_bytes(), "a header's name")?;
    }
    for (name, value) in headers.iter().filter(|(name, _)| is_gates_own(name)) {
        refuse(value.as_bytes(), &format!("the header `{name}`, which the gate sets itself"))?;
    }
    Ok(())
}

/// Refuses placeholders in a URL outside its query's values. They are looked for escaped as well: the random part of
/// a placeholder must not become known to an API.
pub(crate) fn refuse_misplaced_in_url(vault: &Vault, url: &Url) -> Result<(), Denial> {
    let refuse = |text: &str, place: &str| {
        let plain: Vec<u8> = percent_decode_str(text).collect();
        match vault.placeholder_in(&plain) {
            Some(secret) => Err(Denial::SecretPlace { secret, place: place.to_owned() }),
            None => Ok(()),
        }
    };
    refuse(url.host_str().unwrap_or_default(), "the host")?;
    refuse(url.path(), "the path")?;
    for part in url.query().unwrap_or_default().split('&') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        refuse(name, "the name of a query parameter")?;
        if !vault.contains_placeholder(value) {
            refuse(value, "an escaped placeholder")?;
        }
    }
    Ok(())
}

/// The request as it goes out on this hop. Across a redirect, a header whose secret may not follow is left out; a URL
/// cannot lose a part of itself, so there it is a refusal.
pub(crate) fn fill(vault: &Vault, url: &Url, headers: &HeaderMap, hop: Hop<'_>) -> Result<Filled, GateError> {
    let mut placed = Vec::new();
    let mut pairs = Vec::new();
    let uri = fill_query(vault, url, hop, &mut placed)?;
    let mut filled = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let mut used = Vec::new();
        match fill_header(vault, name, value, hop, &mut used, &mut pairs) {
            // A credential that the guest wrote out itself is not for another origin.
            Ok(_) if hop.strayed && used.is_empty() && is_credential(name) => {}
            Ok(value) => {
                filled.append(name.clone(), value);
                placed.extend(used);
            }
            Err(Denial::SecretOrigin { .. }) if hop.strayed => {}
            Err(denial) => return Err(denial.into()),
        }
    }
    Ok(Filled { uri, headers: filled, placed, pairs })
}

fn fill_query(
    vault: &Vault,
    url: &Url,
    hop: Hop<'_>,
    placed: &mut Vec<(String, Place)>,
) -> Result<Uri, GateError> {
    let mut url = url.clone();
    // No form of HTTP carries it.
    url.set_fragment(None);
    if let Some(query) = url.query().filter(|query| vault.contains_placeholder(query)) {
        let mut parts = Vec::new();
        for part in query.split('&') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let place = || Place::Query(percent_decode_str(name).decode_utf8_lossy().into_owned());
            let expanded = vault.expand(value, |found| {
                let sealed = permit(found, place(), hop, placed)?;
                Ok::<_, Denial>(utf8_percent_encode(sealed.secret.expose(), UNRESERVED).to_string())
            })?;
            parts.push(match expanded {
                Some(value) => format!("{name}={value}"),
                None => part.to_owned(),
            });
        }
        url.set_query(Some(&parts.join("&")));
    }
    // The parsed URL is what was admitted, so it is also what is sent: two parsers could differ.
    url.as_str().parse().map_err(|_| GateError::Request { reason: "HTTP cannot carry this URL".to_owned() })
}

/// What a header cannot carry.
pub(crate) const UNSPEAKABLE: &str = "holds a line break or another control character";

fn fill_header(
    vault: &Vault,
    name: &HeaderName,
    value: &HeaderValue,
    hop: Hop<'_>,
    placed: &mut Vec<(String, Place)>,
    pairs: &mut Vec<BasicPair>,
) -> Result<HeaderValue, Denial> {
    let Ok(text) = std::str::from_utf8(value.as_bytes()) else {
        return match vault.placeholder_in(value.as_bytes()) {
            Some(secret) => {
                Err(Denial::SecretPlace { secret, place: format!("the header `{name}`, which is not UTF-8") })
            }
            None => Ok(value.clone()),
        };
    };
    if *name == header::AUTHORIZATION
        && let Some(pair) = basic_pair(text).filter(|pair| vault.contains_placeholder(pair))
    {
        let sent = STANDARD.encode(fill_pair(vault, &pair, hop, placed)?);
        // A shorter one would be found in answers by chance.
        if sent.len() >= MIN_PAIR_BYTES
            && let Some(placeholder) = vault.first_placeholder(&pair)
        {
            pairs.push(BasicPair { sent: unpadded(&sent), placeholder });
        }
        return sensitive(&format!("Basic {sent}"))
            .ok_or_else(|| Denial::SecretPlace { secret: "?".to_owned(), place: Place::Basic.to_string() });
    }
    let place = || Place::Header(name.as_str().to_owned());
    let mut last = None;
    let expanded = vault.expand(text, |found| {
        let sealed = permit(found, place(), hop, placed)?;
        if let Some(signer) = &sealed.signs {
            let problem = signer.refuses(&place(), text.len() == sealed.placeholder.len());
            refuse_value(sealed, place(), problem.is_some(), problem.unwrap_or_default())?;
            last = Some(sealed.name.clone());
            // The rest of the request must be known first: `sign` looks for it.
            return Ok(sealed.placeholder.clone());
        }
        refuse_value(sealed, place(), sealed.secret.expose().chars().any(is_unspeakable), UNSPEAKABLE)?;
        let ends_early = *name == header::COOKIE && sealed.secret.expose().contains(';');
        refuse_value(sealed, place(), ends_early, "holds a `;`, which ends a cookie")?;
        last = Some(sealed.name.clone());
        Ok::<_, Denial>(sealed.secret.expose().to_owned())
    })?;
    let Some(expanded) = expanded else {
        return Ok(value.clone());
    };
    let secret = last.unwrap_or_default();
    if expanded.trim_matches([' ', '\t']).len() != expanded.len() {
        // RFC 9110, 5.5: such spaces are not part of the value; the secret would arrive without them.
        let problem = "begins or ends with a space, which HTTP drops";
        return Err(Denial::SecretValue { secret, place: place(), problem });
    }
    sensitive(&expanded).ok_or_else(|| Denial::SecretValue { secret, place: place(), problem: UNSPEAKABLE })
}

fn is_credential(name: &HeaderName) -> bool {
    *name == header::AUTHORIZATION || *name == header::COOKIE
}

/// The decoded pair of `Basic …` (RFC 7617), if that is what the text is.
fn basic_pair(text: &str) -> Option<String> {
    let (scheme, encoded) = text.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    String::from_utf8(LENIENT.decode(encoded.trim()).ok()?).ok()
}

fn fill_pair(
    vault: &Vault,
    pair: &str,
    hop: Hop<'_>,
    placed: &mut Vec<(String, Place)>,
) -> Result<String, Denial> {
    let (user, password) = pair.split_once(':').unwrap_or((pair, ""));
    let mut fill = |text: &str, is_user: bool| {
        let filled = vault.expand(text, |found| {
            let sealed = permit(found, Place::Basic, hop, placed)?;
            let value = sealed.secret.expose();
            refuse_value(
                sealed,
                Place::Basic,
                value.chars().any(char::is_control),
                "holds a control character",
            )?;
            refuse_value(
                sealed,
                Place::Basic,
                is_user && value.contains(':'),
                "is a user name with a colon in it",
            )?;
            Ok::<_, Denial>(value.to_owned())
        })?;
        Ok::<_, Denial>(filled.unwrap_or_else(|| text.to_owned()))
    };
    let user = fill(user, true)?;
    let password = fill(password, false)?;
    Ok(format!("{user}:{password}"))
}

/// Whether this secret may be sent in this place on this hop; if so, it is noted.
pub(crate) fn permit<'a>(
    found: Option<&'a Sealed>,
    place: Place,
    hop: Hop<'_>,
    placed: &mut Vec<(String, Place)>,
) -> Result<&'a Sealed, Denial> {
    let Some(sealed) = found else {
        return Err(Denial::SecretPlace { secret: "?".to_owned(), place: format!("{place}, cut short") });
    };
    let header = matches!(place, Place::Header(_));
    if let Some(problem) =
        sealed.signs.as_ref().filter(|_| !header).and_then(|signer| signer.refuses(&place, false))
    {
        return Err(Denial::SecretValue { secret: sealed.name.clone(), place, problem });
    }
    let secret = sealed.name.clone();
    let entitled = match &sealed.binding.origins {
        Some(origins) => origins.contains(hop.origin),
        None => !hop.strayed,
    };
    if !entitled {
        return Err(Denial::SecretOrigin { secret, origin: hop.origin.clone() });
    }
    if let Some(places) = &sealed.binding.places
        && !places.iter().any(|bound| bound.covers(&place))
    {
        return Err(Denial::SecretBinding { secret, place });
    }
    if !hop.trusted_wire {
        return Err(Denial::SecretPlaintext { secret, origin: hop.origin.clone() });
    }
    let entry = (secret, place);
    if !placed.contains(&entry) {
        placed.push(entry);
    }
    Ok(sealed)
}

fn refuse_value(sealed: &Sealed, place: Place, bad: bool, problem: &'static str) -> Result<(), Denial> {
    if bad { Err(Denial::SecretValue { secret: sealed.name.clone(), place, problem }) } else { Ok(()) }
}

/// What may not stand in a header (RFC 9110, 5.5): control characters but the tab. UTF-8 goes as its bytes.
fn is_unspeakable(letter: char) -> bool {
    letter.is_ascii_control() && letter != '\t'
}

/// A header value that HTTP/2 never puts into its compression tables.
pub(crate) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(text.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn unpadded(encoded: &str) -> String {
    encoded.trim_end_matches('=').to_owned()
}

#[cfg(test)]
#[path = "inject_tests.rs"]
mod tests;
