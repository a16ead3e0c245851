//! Which origins, methods and addresses a connector may reach. Pure: it sends nothing and resolves nothing.

use std::net::IpAddr;
use std::str::FromStr;

use http::Method;
use url::Url;

use crate::address::{Reach, reach};
use crate::denial::Denial;
use crate::origin::{Origin, OriginError, Scheme, without_userinfo};

/// One line of the user's `allow` list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The origin that may be reached.
    pub origin: Origin,
    /// Also where its name leads to a private, loopback or link-local address.
    pub private: bool,
    /// A method that may be sent there beside GET and HEAD.
    pub method: Option<Method>,
}

/// Why a text is not a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be allowed: {problem}")]
pub struct RuleError {
    text: String,
    problem: &'static str,
}

impl RuleError {
    /// What rules look like.
    pub const HINT: &'static str = "write api.example.com, https://api.example.com:8443, http://localhost:8080, \
         private:https://intra.example.com for a host inside your own network, or POST https://api.example.com for a \
         method beside GET and HEAD";
}

impl FromStr for Rule {
    type Err = RuleError;

    /// Parses `[METHOD ][private:][scheme://]host[:port]`; the scheme is https unless written.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        let fail = |problem| RuleError { text: without_userinfo(trimmed), problem };
        let (method, rest) = match trimmed.split_once(char::is_whitespace) {
            Some((method, rest)) => (Some(granted(method).map_err(fail)?), rest.trim_start()),
            None => (None, trimmed),
        };
        let (private, rest) = match rest.strip_prefix("private:") {
            Some(rest) => (true, rest.trim()),
            None => (false, rest),
        };
        let origin = if rest.contains("://") { rest.parse() } else { format!("https://{rest}").parse() };
        let origin = origin.map_err(|OriginError { problem, .. }| fail(problem))?;
        Ok(Rule { origin, private, method })
    }
}

/// A method that a rule may grant.
fn granted(text: &str) -> Result<Method, &'static str> {
    match text.to_ascii_uppercase().as_str() {
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        "GET" | "HEAD" => Err("GET and HEAD need no grant of their own"),
        _ => Err("a method that can be granted is POST, PUT, PATCH or DELETE"),
    }
}

impl std::fmt::Display for Rule {
    /// As a user writes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(method) = &self.method {
            write!(f, "{method} ")?;
        }
        f.write_str(if self.private { "private:" } else { "" })?;
        self.origin.fmt(f)
    }
}

impl From<Origin> for Rule {
    /// The origin by its public addresses, or by the literal address or `localhost` that the user wrote.
    fn from(origin: Origin) -> Self {
        Rule { origin, private: false, method: None }
    }
}

/// What a connector may ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Methods {
    /// GET and HEAD, and what a rule grants at its origin.
    #[default]
    ReadOnly,
    /// Whatever the user's own config says.
    Any,
}

/// A connector's grants. The default grants nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Where it may go.
    pub rules: Vec<Rule>,
    /// What it may ask.
    pub methods: Methods,
    /// Whether secrets may go over plain http to another machine.
    pub plaintext_secrets: bool,
}

/// Witness that a policy admits a request to this origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Where it goes.
    pub origin: Origin,
}

impl Policy {
    /// Whether a request may be sent at all. Its addresses are checked when they are known.
    ///
    /// # Errors
    /// The first refusal of URL, origin and method, in this order. The rule that it names grants all of it.
    pub fn admit(&self, url: &Url, method: &Method) -> Result<Admitted, Denial> {
        let origin = Origin::of(url).map_err(|problem| Denial::Url { problem })?;
        let reads = method == Method::GET || method == Method::HEAD;
        let wanted = (self.methods == Methods::ReadOnly && !reads).then_some(method);
        let mut rules = self.rules.iter().filter(|rule| rule.origin == origin).peekable();
        let rule = || Rule { method: wanted.cloned(), ..Rule::from(origin.clone()) }.to_string();
        if rules.peek().is_none() {
            return Err(Denial::Origin { rule: rule(), origin });
        }
        if wanted.is_some() && !rules.any(|rule| rule.method.as_ref() == wanted) {
            let grantable = granted(method.as_str()).is_ok();
            return Err(Denial::Method { method: method.to_string(), rule: grantable.then(rule), origin });
        }
        Ok(Admitted { origin })
    }

    /// Of the addresses that a name resolved to, those that may be connected to.
    ///
    /// # Errors
    /// None may: the refusal names the first one.
    pub fn admit_addresses(
        &self,
        origin: &Origin,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Result<Vec<IpAddr>, Denial> {
        let mut refused = None;
        let mut admitted = Vec::new();
        for address in addresses {
            let address = address.to_canonical();
            if self.reaches(origin, address) {
                admitted.push(address);
            } else {
                refused.get_or_insert(address);
            }
        }
        match refused {
            Some(address) if admitted.is_empty() => {
                let reach = reach(address);
                // Neither a literal nor `localhost` gains anything by `private:`.
                let mendable =
                    reach != Reach::Unusable && origin.literal().is_none() && !origin.is_localhost();
                Err(Denial::Address {
                    host: origin.host.to_string(),
                    address,
                    reach,
                    rule: mendable.then(|| format!("private:{origin}")),
                })
            }
            _ => Ok(admitted),
        }
    }

    fn reaches(&self, origin: &Origin, address: IpAddr) -> bool {
        let reach = reach(address);
        self.rules.iter().filter(|rule| rule.origin == *origin).any(|rule| {
            if let Some(literal) = origin.literal() {
                literal.to_canonical() == address && reach != Reach::Unusable
            } else if origin.is_localhost() {
                reach == Reach::Loopback
            } else if rule.private {
                reach != Reach::Unusable
            } else {
                reach == Reach::Global
            }
        })
    }

    /// Whether secrets may be sent to the origin: over TLS, within this machine, or by the user's leave.
    pub(crate) fn trusts_wire(&self, origin: &Origin) -> bool {
        origin.scheme == Scheme::Https
            || self.plaintext_secrets
            || origin.is_localhost()
            || origin.literal().is_some_and(|address| reach(address) == Reach::Loopback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(rules: &[&str]) -> Policy {
        Policy { rules: rules.iter().map(|rule| rule.parse().unwrap()).collect(), ..Policy::default() }
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn rules_as_people_write_them() {
        let cases = [
            ("api.example.com", "https://api.example.com", false),
            ("api.example.com:8443", "https://api.example.com:8443", false),
            (" http://10.0.0.7:8080 ", "http://10.0.0.7:8080", false),
            ("private:https://intra.example.com", "https://intra.example.com", true),
            ("private:intra", "https://intra", true),
            ("[::1]:8080", "https://[::1]:8080", false),
        ];
        for (text, origin, private) in cases {
            let rule: Rule = text.parse().unwrap();
            assert_eq!((rule.origin.to_string().as_str(), rule.private), (origin, private), "{text}");
            assert_eq!(rule.method, None, "{text}");
            assert_eq!(rule.to_string().parse::<Rule>().unwrap(), rule, "{text}");
        }
        let rule: Rule = "post  private:https://intra".parse().unwrap();
        assert_eq!((rule.method.as_ref(), rule.private), (Some(&Method::POST), true));
        assert_eq!(rule.to_string(), "POST private:https://intra");
        let malformed =
            ["", "*", "*.example.com", "https://a.b/v1", "a.b/v1", "ftp://a.b", "a b", "private:"];
        let malformed = malformed.into_iter().chain(["me@a.b", "GET a.b", "TRACE a.b", "POST a.b c"]);
        for text in malformed.chain(["POST https://a.b/v1", "private:POST a.b"]) {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }

    /// S1, S2, S5, S5b, S7, S9d, S16: what no rule names is refused, in whatever spelling.
    #[test]
    fn only_what_a_rule_names() {
        let policy = policy(&["https://api.example.com", "http://127.0.0.1:11434"]);
        for admitted in [
            "https://api.example.com/v1?x=y",
            "https://API.example.com:443/",
            "http://127.0.0.1:11434/",
            "http://0x7f.1:11434/",
            "http://[::ffff:127.0.0.1]:11434/",
        ] {
            assert!(policy.admit(&url(admitted), &Method::GET).is_ok(), "{admitted}");
        }
        for refused in [
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://api.example.com.evil.example/",
            "https://evil.example/api.example.com",
            "https://api.example.com./",
            "https://xapi.example.com/",
            "http://169.254.169.254/latest/meta-data",
            "http://0xA9FEA9FE/",
            "http://0251.0376.0251.0376/",
            "http://[::ffff:169.254.169.254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://127.0.0.1:6379/",
        ] {
            let denial = policy.admit(&url(refused), &Method::GET).unwrap_err();
            assert!(matches!(denial, Denial::Origin { .. }), "{refused}: {denial}");
            let rule = denial.rule().unwrap();
            let opened = Policy { rules: vec![rule.parse().unwrap()], ..Policy::default() };
            assert!(opened.admit(&url(refused), &Method::GET).is_ok(), "{rule} allows {refused}");
        }
        for refused in ["file:///etc/passwd", "gopher://api.example.com/", "https://u:p@api.example.com/"] {
            assert!(
                matches!(policy.admit(&url(refused), &Method::GET), Err(Denial::Url { .. })),
                "{refused}"
            );
        }
        assert!(Policy::default().admit(&url("https://api.example.com"), &Method::GET).is_err());
    }

    #[test]
    fn methods() {
        let mut policy = policy(&["a.b"]);
        let to = url("https://a.b/");
        assert!(policy.admit(&to, &Method::HEAD).is_ok());
        for method in [Method::POST, Method::DELETE, Method::OPTIONS, Method::CONNECT] {
            assert!(matches!(policy.admit(&to, &method), Err(Denial::Method { .. })), "{method}");
        }
        policy.methods = Methods::Any;
        assert!(policy.admit(&to, &Method::POST).is_ok());
    }

    #[test]
    fn a_refused_method_names_the_rule_that_would_grant_it_and_no_more() {
        let mut policy = policy(&["a.b", "c.d"]);
        let refused = policy.admit(&url("https://a.b/"), &Method::POST).unwrap_err();
        assert_eq!(refused.rule(), Some("POST https://a.b"));
        let elsewhere = policy.admit(&url("https://e.f/"), &Method::POST).unwrap_err();
        assert_eq!(elsewhere.rule(), Some("POST https://e.f"));
        assert_eq!(policy.admit(&url("https://a.b/"), &Method::OPTIONS).unwrap_err().rule(), None);
        policy.rules.push(refused.rule().unwrap().parse().unwrap());
        for (at, method, granted) in [
            ("https://a.b/x", Method::POST, true),
            ("https://a.b/x", Method::PUT, false),
            ("https://a.b/x", Method::GET, true),
            ("https://c.d/x", Method::POST, false),
        ] {
            assert_eq!(policy.admit(&url(at), &method).is_ok(), granted, "{method} {at}");
        }
    }

    /// S3, S5b, S6: names may lead only where their rule lets them.
    #[test]
    fn addresses() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("a.b", &["8.8.8.8", "2606:4700::1111"], &["8.8.8.8", "2606:4700::1111"]),
            ("a.b", &["8.8.8.8", "10.0.0.1", "::1"], &["8.8.8.8"]),
            ("a.b", &["::ffff:8.8.8.8"], &["8.8.8.8"]),
            ("a.b", &["10.0.0.1"], &[]),
            ("a.b", &["127.0.0.1"], &[]),
            ("a.b", &["169.254.169.254"], &[]),
            ("a.b", &["64:ff9b::a9fe:a9fe"], &[]),
            ("a.b", &["::ffff:169.254.169.254"], &[]),
            ("private:a.b", &["10.0.0.1", "0.0.0.0", "8.8.8.8"], &["10.0.0.1", "8.8.8.8"]),
            ("private:a.b", &["224.0.0.1"], &[]),
            ("localhost", &["127.0.0.1", "10.0.0.1", "8.8.8.8"], &["127.0.0.1"]),
            ("private:localhost", &["10.0.0.1"], &[]),
            ("10.0.0.1", &["10.0.0.1"], &["10.0.0.1"]),
            ("169.254.169.254", &["169.254.169.254"], &["169.254.169.254"]),
            ("0.0.0.0", &["0.0.0.0"], &[]),
        ];
        for (rule, resolved, expected) in cases {
            let policy = policy(&[rule]);
            let origin = policy.rules[0].origin.clone();
            let resolved: Vec<IpAddr> = resolved.iter().map(|a| a.parse().unwrap()).collect();
            let expected: Vec<IpAddr> = expected.iter().map(|a| a.parse().unwrap()).collect();
            match policy.admit_addresses(&origin, resolved.clone()) {
                Ok(admitted) => assert_eq!(admitted, expected, "{rule} {resolved:?}"),
                Err(Denial::Address { .. }) => assert!(expected.is_empty(), "{rule} {resolved:?}"),
                Err(other) => panic!("{rule}: {other}"),
            }
        }
    }

    #[test]
    fn a_refused_address_names_the_line_that_would_allow_it() {
        let policy = policy(&["http://intra.example:8080"]);
        let origin = policy.rules[0].origin.clone();
        let refusal =
            |address: &str| policy.admit_addresses(&origin, [address.parse().unwrap()]).unwrap_err();
        assert_eq!(refusal("10.1.2.3").rule(), Some("private:http://intra.example:8080"));
        assert_eq!(refusal("224.0.0.1").rule(), None);
        assert_eq!(refusal("10.1.2.3").to_string(), "intra.example leads to 10.1.2.3, a private address");
    }

    #[test]
    fn secrets_travel_in_the_clear_only_at_home() {
        let mut policy = Policy::default();
        let trusts = |policy: &Policy, text: &str| policy.trusts_wire(&text.parse().unwrap());
        for safe in [
            "https://a.b",
            "http://localhost:1",
            "http://127.0.0.9",
            "http://[::1]",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(trusts(&policy, safe), "{safe}");
        }
        for open in ["http://a.b", "http://10.0.0.1", "http://localhost.a.b"] {
            assert!(!trusts(&policy, open), "{open}");
        }
        policy.plaintext_secrets = true;
        assert!(trusts(&policy, "http://a.b"));
    }
}
