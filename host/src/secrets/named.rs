//! Names that say that what they hold is a credential.

/// Without anything but letters and digits.
const NAMES: [&str; 24] = [
    "key",
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "signature",
    "sig",
    "auth",
    "authorization",
    "bearer",
    "jwt",
    "credential",
    "credentials",
    "session",
    "sessionid",
    "sessionkey",
    "appid",
    "appkey",
    "applicationkey",
    "accesskey",
    "userkey",
    "refreshtoken",
];

const ENDINGS: [&str; 10] = [
    "apikey",
    "accesstoken",
    "authtoken",
    "apitoken",
    "privatetoken",
    "privatekey",
    "subscriptionkey",
    "password",
    "secret",
    "secretkey",
];

/// Whether a parameter, a field or a header of this name holds a credential, whatever its case and its hyphens.
pub fn is_credential(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    NAMES.contains(&plain.as_str()) || ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

/// The name of a secret for what stands under a name.
pub fn secret_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_credential_by_its_name() {
        for name in [
            "api_key",
            "X-Api-Key",
            "apikey",
            "key",
            "appid",
            "Client-Secret",
            "PRIVATE-TOKEN",
            "hapikey",
            "Authorization",
            "db_password",
            "aws_secret_key",
            "Ocp-Apim-Subscription-Key",
        ] {
            assert!(is_credential(name), "{name}");
        }
        for name in ["page_token", "next_token", "keyword", "sort_key", "author", "limit", "passed", "id"] {
            assert!(!is_credential(name), "{name}");
        }
        assert_eq!(secret_name("X-Api-Key"), "x_api_key");
    }
}
