//! A URL as people see it: without a user, and without what its parameters' names say is a credential.
//!
//! The vault knows the secrets that it was given. An API puts others into its own links: signatures, session tokens.

use crate::origin::without_userinfo;

/// Parameters whose values are not shown, in lower case and with `_` for `-`.
const NAMES: [&str; 16] = [
    "access_token",
    "api_key",
    "apikey",
    "auth_token",
    "authorization",
    "client_secret",
    "password",
    "pwd",
    "refresh_token",
    "secret",
    "sig",
    "signature",
    "token",
    "x_amz_security_token",
    "x_amz_signature",
    "x_api_key",
];

const HIDDEN: &str = "***";

/// The URL with `***` in the place of such values. What is no URL is shown as it is.
pub(crate) fn shown(url: &str) -> String {
    let url = without_userinfo(url);
    let Some((before, rest)) = url.split_once('?') else { return url };
    let (query, fragment) = rest.split_at(rest.find('#').unwrap_or(rest.len()));
    let parts: Vec<String> = query.split('&').map(part).collect();
    format!("{before}?{}{fragment}", parts.join("&"))
}

fn part(part: &str) -> String {
    match part.split_once('=') {
        Some((name, value)) if !value.is_empty() && is_credential(name) => format!("{name}={HIDDEN}"),
        _ => part.to_owned(),
    }
}

fn is_credential(name: &str) -> bool {
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    NAMES.contains(&name.to_ascii_lowercase().replace('-', "_").as_str())
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn values_are_hidden_by_name() {
        let cases = [
            ("https://h/a?x=1", "https://h/a?x=1"),
            ("https://u:p@h/a?api_key=k&x=1", "https://h/a?api_key=***&x=1"),
            ("https://h/?X-Amz-Signature=ab&Token=c#f", "https://h/?X-Amz-Signature=***&Token=***#f"),
            ("https://h/?api%5Fkey=k", "https://h/?api%5Fkey=***"),
            ("https://h/?page_token=k&token=", "https://h/?page_token=k&token="),
            ("https://h/?token&a=b=c", "https://h/?token&a=b=c"),
            ("/path?secret=s", "/path?secret=***"),
            ("", ""),
        ];
        for (url, expected) in cases {
            assert_eq!(shown(url), expected, "{url}");
        }
    }
}
