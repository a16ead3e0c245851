//! Link paging: each answer gives the URL of the next page.
//!
//! A link is complete: the config's parameters are not added to it, as in dlt. It is resolved against the URL that was
//! asked (RFC 3986, 5). Where it may lead, and which credentials go along, is decided when it is asked.

use serde_json::{Map, Value};
use url::Url;

use super::link_header::next_link;
use super::said::next;
use super::{MAX_EMPTY_PAGES, Outcome, PagingError, Paths, Seen, Settled, fields};
use crate::config::{LinkConfig, Source};
use crate::contract::{Continuation, Response};

#[derive(Debug, Clone)]
pub(crate) struct LinkPager {
    config: LinkConfig,
}

/// The URL that a page is asked by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Absolute. `None`: the first page.
    pub(crate) url: Option<String>,
    /// Empty pages just before this one.
    empty: u64,
    pub(crate) settled: Settled,
}

impl Cursor {
    pub(super) fn read(text: Option<&str>) -> Result<Self, PagingError> {
        let Some(text) = text else { return Ok(Self::default()) };
        let fields = fields(text)?;
        let url = fields.get("u").and_then(Value::as_str).ok_or(PagingError::Cursor)?;
        Ok(Self {
            url: Some(url.to_owned()),
            empty: fields.get("z").and_then(Value::as_u64).unwrap_or(0),
            settled: Settled::parse(&fields),
        })
    }

    /// Compact JSON: `{"u":"https://api.test/rows?page=2"}`.
    fn text(&self) -> String {
        let mut fields = Map::new();
        fields.insert("u".to_owned(), Value::from(self.url.as_deref().unwrap_or_default()));
        if self.empty > 0 {
            fields.insert("z".to_owned(), Value::from(self.empty));
        }
        self.settled.text(fields)
    }
}

impl LinkPager {
    pub(super) fn new(config: &LinkConfig) -> Self {
        Self { config: config.clone() }
    }

    pub(super) fn paths(&self) -> Paths<'_> {
        let next = match &self.config.source {
            Source::Body(path) => Some(path),
            Source::Header(_) => None,
        };
        Paths { next, ..Paths::default() }
    }

    pub(super) fn header(&self, response: &Response) -> Option<String> {
        match &self.config.source {
            Source::Body(_) => None,
            Source::Header(relation) => next_link(response, relation),
        }
    }

    fn place(&self) -> String {
        match &self.config.source {
            Source::Body(path) => format!("next_url_path `{}`", path.text),
            Source::Header(relation) => format!("the link `{relation}` in the header"),
        }
    }

    pub(super) fn step(&self, cursor: &Cursor, seen: &Seen) -> Result<Outcome, PagingError> {
        let end = Outcome { owed: seen.received, total: None, continuation: Continuation::End, notice: None };
        let Some(link) = self.link(seen)? else { return Ok(end) };
        let url = resolve(&seen.url, &link).map_err(|problem| PagingError::NoUrl {
            place: self.place(),
            link: shown(&link),
            problem,
        })?;
        // The first page's own URL may be a link, once: an API may tell by other things than the URL how far it is.
        if cursor.url.as_deref() == Some(&url) {
            return if seen.received == 0 {
                Ok(end)
            } else {
                Err(PagingError::Circle { place: self.place() })
            };
        }
        let empty = if seen.received == 0 { cursor.empty.saturating_add(1) } else { 0 };
        if empty > MAX_EMPTY_PAGES {
            return Err(PagingError::Hollow);
        }
        let next = Cursor { url: Some(url), empty, settled: cursor.settled.clone() };
        Ok(Outcome { continuation: Continuation::Next(next.text()), ..end })
    }

    /// The link as it was given. An empty one, at which dlt fails, is none.
    fn link(&self, seen: &Seen) -> Result<Option<String>, PagingError> {
        let json = seen.next.as_deref();
        let link = next(json, &self.place(), "URL")?.map(|link| link.trim().to_owned());
        if let Some(number) = json.filter(|json| link.is_some() && !json.starts_with(b"\"")) {
            let found = super::said::shown(number);
            return Err(PagingError::NotNext { place: self.place(), found, what: "URL" });
        }
        Ok(link.filter(|link| !link.is_empty()))
    }
}

/// The absolute URL of a link that was found at `base`.
fn resolve(base: &str, link: &str) -> Result<String, String> {
    let base = Url::parse(base).map_err(|error| error.to_string())?;
    let mut url = base.join(link).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("its scheme is `{}`", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it carries a user's name or password".to_owned());
    }
    url.set_fragment(None);
    // A server behind a proxy that ends TLS often writes http; what was asked over https stays there.
    if base.scheme() == "https"
        && url.scheme() == "http"
        && base.port().is_none()
        && url.port().is_none()
        && base.host() == url.host()
    {
        // Of two schemes of the same kind one takes the other's place.
        let _ = url.set_scheme("https");
    }
    Ok(url.into())
}

/// The start of a link, without what could be a password in it.
fn shown(link: &str) -> String {
    let start = link.find("//").map_or(0, |at| at + 2);
    let (scheme, rest) = link.split_at(start);
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => authority.to_owned(),
    };
    format!("{scheme}{host}{path}").chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::resolve;

    #[test]
    fn links_are_resolved_against_the_url_that_was_asked() {
        let base = "https://api.test/v1/rows?page=1&x=2";
        let cases = [
            ("https://api.test/v1/rows?page=2", "https://api.test/v1/rows?page=2"),
            ("/rows?page=2", "https://api.test/rows?page=2"),
            ("?page=2", "https://api.test/v1/rows?page=2"),
            ("rows/2", "https://api.test/v1/rows/2"),
            ("../v2/rows", "https://api.test/v2/rows"),
            ("//other.test/rows", "https://other.test/rows"),
            ("http://other.test/rows", "http://other.test/rows"),
            ("HTTPS://API.test:443/rows#top", "https://api.test/rows"),
            // A proxy's http.
            ("http://api.test/v1/rows?page=2", "https://api.test/v1/rows?page=2"),
            ("http://api.test:8080/rows", "http://api.test:8080/rows"),
            ("/a b?q=\u{e9}", "https://api.test/a%20b?q=%C3%A9"),
        ];
        for (link, url) in cases {
            assert_eq!(resolve(base, link).as_deref(), Ok(url), "{link}");
        }
        for link in ["ftp://api.test/rows", "mailto:a@b", "https://user:pw@api.test/rows", "https://"] {
            assert!(resolve(base, link).is_err(), "{link}");
        }
        assert_eq!(resolve("http://api.test/", "http://api.test/2").as_deref(), Ok("http://api.test/2"));
    }
}
