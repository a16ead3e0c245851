//! `s3://bucket/prefix?setting=value`, `gs://…` and `az://…`, parsed.

use std::fmt;

use percent_encoding::percent_decode_str;

/// Whose store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cloud {
    /// Amazon's S3, or anything that speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

/// A setting: its name in an address, the name that `object_store` knows it by, and whether it lets somebody in.
type Setting = (&'static str, &'static str, bool);

const S3: &[Setting] = &[
    ("access_key_id", "access_key_id", true),
    ("secret_access_key", "secret_access_key", true),
    ("session_token", "session_token", true),
    ("anonymous", "skip_signature", true),
    ("region", "region", false),
    ("endpoint", "endpoint", false),
    ("virtual_hosted_style_request", "virtual_hosted_style_request", false),
    ("allow_http", "allow_http", false),
];
const GOOGLE: &[Setting] = &[
    ("service_account_key", "service_account_key", true),
    ("bearer_token", "bearer_token", true),
    ("anonymous", "skip_signature", true),
    ("endpoint", "base_url", false),
    ("allow_http", "allow_http", false),
];
const AZURE: &[Setting] = &[
    ("account_name", "account_name", false),
    ("account_key", "account_key", true),
    ("sas_token", "sas_token", true),
    ("client_id", "client_id", true),
    ("client_secret", "client_secret", true),
    ("tenant_id", "tenant_id", false),
    ("endpoint", "endpoint", false),
    ("allow_http", "allow_http", false),
];

impl Cloud {
    /// What addresses of it begin with.
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }

    fn settings(self) -> &'static [Setting] {
        match self {
            Self::S3 => S3,
            Self::Google => GOOGLE,
            Self::Azure => AZURE,
        }
    }

    /// What the variables begin with by which the cloud's own tools are told.
    fn env_prefix(self) -> &'static str {
        match self {
            Self::S3 => "AWS_",
            Self::Google => "GOOGLE_",
            Self::Azure => "AZURE_",
        }
    }
}

/// A place in an object store, and who writes there. Shown without its settings, which hold credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreAddress {
    pub(crate) cloud: Cloud,
    pub(crate) bucket: String,
    /// Without slashes at its ends; may be empty.
    pub(crate) prefix: String,
    /// As `object_store` names them: those of the environment first, then those of the address.
    pub(crate) settings: Vec<(String, String)>,
    takes_environment: bool,
}

/// Why a text is no address of a store. Nothing of the text is repeated but names of settings: it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreAddressError {
    /// No bucket, or a path that cannot be one.
    #[error("write `{scheme}://BUCKET/PREFIX`")]
    Form {
        /// `s3`, `gs` or `az`.
        scheme: &'static str,
    },
    /// `%` without two hexadecimal digits, or what they say is not UTF-8.
    #[error("a setting is not percent-encoded UTF-8; write `%25` for `%`")]
    Encoding,
    /// A setting that is not known.
    #[error("`{name}` is no setting of a store's address; {known}")]
    UnknownSetting {
        /// Its name.
        name: String,
        /// The one that was probably meant, or all.
        known: String,
    },
    /// A setting's value that cannot be.
    #[error("`{name}` must be {expected}")]
    BadSetting {
        /// Its name.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
    },
    /// Rows and credentials would go over the network as plain text.
    #[error(
        "`endpoint` is not encrypted: write https://, or add `allow_http=true` if that network is yours alone"
    )]
    PlainHttp,
}

impl StoreAddress {
    /// Reads an address; `None` if it is of no store.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, StoreAddressError>> {
        let clouds = [Cloud::S3, Cloud::Google, Cloud::Azure];
        clouds.into_iter().find_map(|cloud| {
            let rest = text.strip_prefix(cloud.scheme())?.strip_prefix("://")?;
            Some(Self::read(cloud, rest))
        })
    }

    fn read(cloud: Cloud, rest: &str) -> Result<Self, StoreAddressError> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let prefix = prefix.trim_matches('/');
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if bucket.is_empty()
            || !bucket.bytes().all(is_name)
            || object_store::path::Path::parse(prefix).is_err()
            || prefix.contains('#')
        {
            return Err(StoreAddressError::Form { scheme: cloud.scheme() });
        }
        let mut address = Self {
            cloud,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            settings: Vec::new(),
            takes_environment: true,
        };
        let (mut plain, mut allowed) = (false, false);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(&(name, key, lets_in)) = cloud.settings().iter().find(|(known, ..)| *known == name)
            else {
                return Err(unknown(cloud, name));
            };
            let value = percent_decode_str(value).decode_utf8().map_err(|_| StoreAddressError::Encoding)?;
            match name {
                "endpoint" => plain = is_plain(&value)?,
                "allow_http" => allowed = flag("allow_http", &value)?,
                "anonymous" => drop(flag("anonymous", &value)?),
                "virtual_hosted_style_request" => drop(flag("virtual_hosted_style_request", &value)?),
                _ => {}
            }
            address.takes_environment &= !lets_in && name != "endpoint";
            if name != "allow_http" {
                address.settings.push((key.to_owned(), value.into_owned()));
            }
        }
        if plain && !allowed {
            return Err(StoreAddressError::PlainHttp);
        }
        Ok(address)
    }

    /// Adds what the environment tells the cloud's own tools, unless the address itself says who writes, or to which
    /// server: nothing of it must go to a server that a config names.
    pub fn take_environment(&mut self, variables: impl Iterator<Item = (String, String)>) {
        if !self.takes_environment {
            return;
        }
        let own =
            variables.filter(|(name, value)| name.starts_with(self.cloud.env_prefix()) && !value.is_empty());
        let mut settings: Vec<(String, String)> =
            own.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        settings.sort();
        settings.append(&mut self.settings);
        self.settings = settings;
    }

    /// Whether its server may be spoken to without TLS: one on this machine, or where `allow_http` says so.
    pub(crate) fn allows_http(&self) -> bool {
        let names_server = |name: &str| name.contains("endpoint") || name.ends_with("base_url");
        // What the address names has been checked when it was read.
        !self.takes_environment
            || self.settings.iter().any(|(name, value)| {
                (name.ends_with("allow_http") && value == "true")
                    || (names_server(name) && is_plain(value) == Ok(false))
            })
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}", self.cloud.scheme(), self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(out, "/{}", self.prefix) }
    }
}

impl fmt::Debug for StoreAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StoreAddress({self})")
    }
}

/// Whether an endpoint is another machine that is spoken to without TLS.
fn is_plain(endpoint: &str) -> Result<bool, StoreAddressError> {
    let bad = StoreAddressError::BadSetting { name: "endpoint", expected: "a URL with http:// or https://" };
    let url = url::Url::parse(endpoint).map_err(|_| bad.clone())?;
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(false),
        ("http", Some(url::Host::Ipv4(ip))) => Ok(!ip.is_loopback()),
        ("http", Some(url::Host::Ipv6(ip))) => Ok(!ip.is_loopback()),
        ("http", Some(url::Host::Domain(name))) => Ok(name != "localhost"),
        _ => Err(bad),
    }
}

fn flag(name: &'static str, value: &str) -> Result<bool, StoreAddressError> {
    value.parse().map_err(|_| StoreAddressError::BadSetting { name, expected: "true or false" })
}

fn unknown(cloud: Cloud, name: &str) -> StoreAddressError {
    let names = || cloud.settings().iter().map(|(known, ..)| *known);
    let near = names()
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .filter(|(distance, _)| *distance <= 2)
        .min();
    let known = match near {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => {
            format!("there are {}", names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
    };
    StoreAddressError::UnknownSetting { name: name.to_owned(), known }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<StoreAddress, StoreAddressError> {
        StoreAddress::parse(text).unwrap()
    }

    #[test]
    fn each_part_and_no_secret_in_what_is_shown() {
        let address = read(
            "s3://lake/raw/time/?access_key_id=AK&secret_access_key=a%2Fb%2Bc&region=eu-west-1&endpoint=http://127.0.0.1:9000",
        )
        .unwrap();
        assert_eq!((address.bucket.as_str(), address.prefix.as_str()), ("lake", "raw/time"));
        assert!(address.settings.contains(&("secret_access_key".to_owned(), "a/b+c".to_owned())));
        assert_eq!(address.to_string(), "s3://lake/raw/time");
        assert_eq!(format!("{address:?}"), "StoreAddress(s3://lake/raw/time)");
        assert_eq!(read("gs://lake").unwrap().to_string(), "gs://lake");
        assert_eq!(read("az://box/a?account_name=me").unwrap().to_string(), "az://box/a");
        assert_eq!(StoreAddress::parse("out"), None);
    }

    #[test]
    fn each_refusal() {
        for (text, said) in [
            ("s3://", "write `s3://BUCKET/PREFIX`"),
            ("gs:///x", "write `gs://BUCKET/PREFIX`"),
            ("az://b/x/../y", "write `az://BUCKET/PREFIX`"),
            (
                "s3://b?acces_key_id=x",
                "`acces_key_id` is no setting of a store's address; did you mean `access_key_id`?",
            ),
            (
                "gs://b?nope=x",
                "`nope` is no setting of a store's address; there are `service_account_key`, `bearer_token`, `anonymous`, `endpoint`, `allow_http`",
            ),
            ("s3://b?region=%zz%ff", "a setting is not percent-encoded UTF-8; write `%25` for `%`"),
            ("s3://b?allow_http=yes", "`allow_http` must be true or false"),
            ("s3://b?endpoint=minio", "`endpoint` must be a URL with http:// or https://"),
            (
                "s3://b?endpoint=http://minio:9000",
                "`endpoint` is not encrypted: write https://, or add `allow_http=true` if that network is yours alone",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), said, "{text}");
        }
        assert!(read("s3://b?endpoint=http://minio:9000&allow_http=true").is_ok());
        assert!(read("s3://b?endpoint=https://minio:9000").is_ok());
    }

    /// Nobody's own credentials go to a server that a config names, or are mixed with those of an address.
    #[test]
    fn when_the_environment_is_taken() {
        let variables =
            [("AWS_ACCESS_KEY_ID", "AK"), ("GOOGLE_BEARER_TOKEN", "t"), ("AWS_REGION", ""), ("HOME", "/")];
        let taken = |text: &str| {
            let mut address = read(text).unwrap();
            address.take_environment(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
            address.settings.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(taken("s3://b?region=x"), ["aws_access_key_id", "region"]);
        assert_eq!(taken("s3://b?endpoint=https://evil.example"), ["endpoint"]);
        assert_eq!(taken("s3://b?access_key_id=me"), ["access_key_id"]);
        assert_eq!(taken("gs://b"), ["google_bearer_token"]);
        assert_eq!(taken("gs://b?endpoint=https://evil.example"), ["base_url"]);
    }
}
