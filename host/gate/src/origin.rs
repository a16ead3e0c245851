//! Scheme, host and port: the unit in which reaching out is granted (RFC 6454).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use crate::address::{Reach, reach};

/// The schemes that the gate speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain text.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// Where a request goes. Names are in lower case and in their ASCII form; an IPv6 address that maps an IPv4 one is
/// that IPv4 address, however it was spelt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// How to speak.
    pub scheme: Scheme,
    /// To whom.
    pub host: Host,
    /// At which port, the scheme's own if none was written.
    pub port: u16,
}

const UNPARSED: &str = "it does not parse as a URL";

/// Why a text is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not an origin: {problem}; write it like https://api.example.com or http://localhost:8080"
)]
pub struct OriginError {
    text: String,
    pub(crate) problem: &'static str,
}

impl Origin {
    /// The origin of a URL, whatever follows it.
    ///
    /// # Errors
    /// The URL does not parse, has no host, names a user, or its scheme is neither `http` nor `https`.
    pub fn covering(url: &str) -> Result<Origin, OriginError> {
        let fail = |problem| OriginError { text: without_userinfo(url), problem };
        let parsed = Url::parse(url).map_err(|_| fail(UNPARSED))?;
        Origin::of(&parsed).map_err(fail)
    }

    /// The origin of a parsed URL, or what keeps it from having one.
    pub(crate) fn of(url: &Url) -> Result<Origin, &'static str> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err("its scheme is neither http nor https"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it names a user or a password, which belong in `auth`");
        }
        let host = match url.host() {
            // Without a host, an http or https URL does not parse.
            None => return Err(UNPARSED),
            Some(Host::Domain(name)) => Host::Domain(name.to_owned()),
            Some(Host::Ipv4(v4)) => Host::Ipv4(v4),
            Some(Host::Ipv6(v6)) => match v6.to_ipv4_mapped() {
                Some(v4) => Host::Ipv4(v4),
                None => Host::Ipv6(v6),
            },
        };
        let port = url.port().unwrap_or(scheme.default_port());
        Ok(Origin { scheme, host, port })
    }

    /// The address, if the host is one.
    pub(crate) fn literal(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(v4) => Some(IpAddr::V4(v4)),
            Host::Ipv6(v6) => Some(IpAddr::V6(v6)),
        }
    }

    /// What the host reaches, where it is an address or `localhost`; of other names that is known when they are resolved.
    pub fn reach(&self) -> Option<Reach> {
        let localhost = self.is_localhost().then_some(Reach::Loopback);
        self.literal().map(reach).or(localhost)
    }

    /// Whether the host is the name that means this machine.
    pub(crate) fn is_localhost(&self) -> bool {
        matches!(&self.host, Host::Domain(name) if name == "localhost")
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    /// Parses `https://host[:port]`, with nothing after it but an optional `/`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |problem| OriginError { text: without_userinfo(text), problem };
        let url = Url::parse(text).map_err(|_| fail(UNPARSED))?;
        let origin = Origin::of(&url).map_err(fail)?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(fail("it goes on after the host"));
        }
        if matches!(&origin.host, Host::Domain(name) if name.contains('*')) {
            return Err(fail("`*` stands for nothing here; list each host"));
        }
        Ok(origin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port == self.scheme.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// The text without what could be a password in front of `@`.
pub(crate) fn without_userinfo(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = text.split_at(start);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}{host}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_origin() {
        let cases = [
            ("https://api.example.com", "https://api.example.com"),
            ("https://API.Example.com:443/", "https://api.example.com"),
            ("http://a.b:80", "http://a.b"),
            ("http://a.b:443", "http://a.b:443"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://0xA9FEA9FE", "http://169.254.169.254"),
            ("http://0251.0376.0251.0376", "http://169.254.169.254"),
            ("http://2852039166", "http://169.254.169.254"),
            ("http://127.1:8080", "http://127.0.0.1:8080"),
            ("http://[::ffff:169.254.169.254]", "http://169.254.169.254"),
            ("http://[0:0:0:0:0:0:0:1]:9", "http://[::1]:9"),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_origin() {
        for text in [
            "",
            "api.example.com",
            "ftp://a.b",
            "file:///etc/passwd",
            "https://",
            "https://a.b/v1",
            "https://a.b?x=1",
            "https://a.b#x",
            "https://*.a.b",
            "https://me@a.b",
            "https://a.b:70000",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        let error = "https://me:hunter22@a.b".parse::<Origin>().unwrap_err();
        assert!(!error.to_string().contains("hunter22"));
        assert_eq!(Origin::covering("https://a.b/v1?x#y").unwrap().to_string(), "https://a.b");
        assert!(
            !Origin::covering("https://me:hunter22@a.b/v1").unwrap_err().to_string().contains("hunter22")
        );
    }
}
