//! `postgresql://user:password@host:port/database?setting=value`, parsed.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;

/// How long a host may take to answer, unless `connect_timeout` says otherwise.
const CONNECT_TIMEOUT_S: u64 = 10;
const DEFAULT_PORT: u16 = 5432;
/// What takes the place of a host where none is written, in this order: where packages put the server's socket.
const SOCKET_DIRS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// A PostgreSQL database, and who logs in. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresAddress {
    pub(crate) hosts: Vec<(String, u16)>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: Option<String>,
    /// Where tables go.
    pub(crate) schema: String,
    pub(crate) tls: Tls,
    /// Who may sign the server's certificate; without it, whom the system trusts.
    pub(crate) root_certificates: Option<PathBuf>,
    pub(crate) application_name: String,
    pub(crate) connect_timeout_s: u64,
    pub(crate) options: Option<String>,
}

/// Whether a connection is encrypted, and what the server has to prove (libpq's `sslmode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Plain text.
    Disable,
    /// Encrypted if the server can, by whatever certificate.
    Prefer,
    /// Encrypted, by whatever certificate; by a trusted one if `sslrootcert` names who signs.
    Require,
    /// Encrypted, by a trusted certificate, of whatever host.
    VerifyCa,
    /// Encrypted, by a trusted certificate of this host.
    VerifyFull,
}

/// Why a text is no address of a database. Nothing of the text is repeated but names of settings: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not `postgresql://…`.
    #[error("write `postgresql://USER:PASSWORD@HOST/DATABASE`")]
    Form,
    /// A port that is no number up to 65535.
    #[error("the port is no number up to 65535")]
    Port,
    /// `%` without two hexadecimal digits, or what they say is not UTF-8.
    #[error("the {part} is not percent-encoded UTF-8; write `%25` for `%`")]
    Encoding {
        /// Which part.
        part: &'static str,
    },
    /// A setting that is not known.
    #[error("`{name}` is no setting of a database's address; {}", known(*.nearest))]
    UnknownSetting {
        /// Its name.
        name: String,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A setting's value that cannot be.
    #[error("`{name}` must be {expected}")]
    BadSetting {
        /// Its name.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}

const SETTINGS: [&str; 11] = [
    "schema",
    "sslmode",
    "sslrootcert",
    "application_name",
    "connect_timeout",
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "options",
];

fn known(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("there are {}", SETTINGS.map(|name| format!("`{name}`")).join(", ")),
    }
}

impl PostgresAddress {
    /// Reads an address, as libpq's documentation has it ("Connection URIs"); `schema` is ours, and says where tables go.
    /// An `@` in a password may stand as it is: the last one counts.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let rest = ["postgresql://", "postgres://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = rest.ok_or(AddressError::Form)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        let (hosts, database) = rest.split_once('/').unwrap_or((rest, ""));
        let mut address = Self {
            hosts: Vec::new(),
            user: None,
            password: None,
            database: Some(decode(database, "database's name")?).filter(|name| !name.is_empty()),
            schema: "public".to_owned(),
            tls: Tls::Prefer,
            root_certificates: None,
            application_name: "sanderling".to_owned(),
            connect_timeout_s: CONNECT_TIMEOUT_S,
            options: None,
        };
        if let Some(credentials) = credentials {
            let (user, password) = match credentials.split_once(':') {
                Some((user, password)) => (user, Some(decode(password, "password")?)),
                None => (credentials, None),
            };
            address.user = Some(decode(user, "user's name")?).filter(|name| !name.is_empty());
            address.password = password;
        }
        for host in hosts.split(',').filter(|host| !host.is_empty()) {
            address.hosts.push(parse_host(host)?);
        }
        let mut port = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name, "name of a setting")?;
            let value = decode(value, "value of a setting")?;
            address.set(&name, value, &mut port)?;
        }
        if address.hosts.is_empty() {
            let dirs = if cfg!(unix) { SOCKET_DIRS.as_slice() } else { &[] };
            let hosts = dirs.iter().chain(&["localhost"]);
            address.hosts = hosts.map(|host| ((*host).to_owned(), DEFAULT_PORT)).collect();
        }
        if let Some(port) = port {
            address.hosts.iter_mut().for_each(|host| host.1 = port);
        }
        Ok(address)
    }

    fn set(&mut self, name: &str, value: String, port: &mut Option<u16>) -> Result<(), AddressError> {
        let bad = |name, expected| AddressError::BadSetting { name, expected };
        match name {
            "schema" if value.is_empty() => return Err(bad("schema", "the name of a schema")),
            "schema" => self.schema = value,
            "sslmode" => {
                self.tls = match value.as_str() {
                    "disable" => Tls::Disable,
                    "prefer" => Tls::Prefer,
                    "require" => Tls::Require,
                    "verify-ca" => Tls::VerifyCa,
                    "verify-full" => Tls::VerifyFull,
                    _ => return Err(bad("sslmode", "disable, prefer, require, verify-ca or verify-full")),
                }
            }
            // libpq's word for what is the default here.
            "sslrootcert" if value == "system" => self.root_certificates = None,
            "sslrootcert" => self.root_certificates = Some(value.into()),
            "application_name" => self.application_name = value,
            "connect_timeout" => {
                let seconds = value.parse().ok().filter(|seconds| (1..=3600).contains(seconds));
                self.connect_timeout_s =
                    seconds.ok_or(bad("connect_timeout", "a number of seconds, up to 3600"))?;
            }
            "host" => self.hosts.push((value, DEFAULT_PORT)),
            "port" => *port = Some(value.parse().map_err(|_| AddressError::Port)?),
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "dbname" => self.database = Some(value),
            "options" => self.options = Some(value),
            _ => {
                let nearest = SETTINGS
                    .into_iter()
                    .map(|known| (strsim::damerau_levenshtein(known, name), known))
                    .filter(|(distance, _)| *distance <= 2)
                    .min()
                    .map(|(_, known)| known);
                return Err(AddressError::UnknownSetting { name: name.to_owned(), nearest });
            }
        }
        Ok(())
    }

    pub(crate) fn config(&self) -> postgres::Config {
        let mut config = postgres::Config::new();
        for (host, port) in &self.hosts {
            config.host(host).port(*port);
        }
        if let Some(user) = &self.user {
            config.user(user);
        }
        if let Some(password) = &self.password {
            config.password(password);
        }
        if let Some(database) = &self.database {
            config.dbname(database);
        }
        if let Some(options) = &self.options {
            config.options(options);
        }
        config
            .application_name(&self.application_name)
            .connect_timeout(Duration::from_secs(self.connect_timeout_s))
            // A server that is gone is noticed in two minutes rather than in two hours.
            .keepalives_idle(Duration::from_secs(60))
            .keepalives_interval(Duration::from_secs(15))
            .keepalives_retries(4)
            .ssl_mode(match self.tls {
                Tls::Disable => postgres::config::SslMode::Disable,
                Tls::Prefer => postgres::config::SslMode::Prefer,
                Tls::Require | Tls::VerifyCa | Tls::VerifyFull => postgres::config::SslMode::Require,
            });
        config
    }
}

fn parse_host(text: &str) -> Result<(String, u16), AddressError> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        None | Some("") => DEFAULT_PORT,
        Some(port) => port.parse().map_err(|_| AddressError::Port)?,
    };
    Ok((decode(host, "host")?, port))
}

fn decode(text: &str, part: &'static str) -> Result<String, AddressError> {
    let whole = text
        .split('%')
        .skip(1)
        .all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|digit| digit.is_ascii_hexdigit()));
    if !whole {
        return Err(AddressError::Encoding { part });
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| AddressError::Encoding { part })
}

/// As it is written, without the password and what is not needed to know which place is meant.
impl fmt::Display for PostgresAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("postgresql://")?;
        if let Some(user) = &self.user {
            write!(out, "{user}@")?;
        }
        let mut sockets = self.hosts.iter().filter(|(host, _)| host.starts_with('/'));
        let mut hosts = self.hosts.iter().filter(|(host, _)| !host.starts_with('/'));
        let show = |out: &mut fmt::Formatter<'_>, host: &str, port: u16| match port {
            DEFAULT_PORT => out.write_str(host),
            port => write!(out, "{host}:{port}"),
        };
        let first = hosts.next();
        if let Some((host, port)) = first {
            show(out, host, *port)?;
            for (host, port) in hosts {
                out.write_str(",")?;
                show(out, host, *port)?;
            }
        }
        write!(out, "/{}", self.database.as_deref().unwrap_or_default())?;
        // Before the database's name, other programs would take a folder for a part of that.
        let mut settings = Vec::new();
        if let (Some((dir, port)), None) = (sockets.next(), first) {
            settings.push(format!("host={dir}"));
            settings.extend((*port != DEFAULT_PORT).then(|| format!("port={port}")));
        }
        settings.extend((self.schema != "public").then(|| format!("schema={}", self.schema)));
        if !settings.is_empty() {
            write!(out, "?{}", settings.join("&"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PostgresAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> PostgresAddress {
        PostgresAddress::parse(text).unwrap()
    }

    #[test]
    fn every_part() {
        let address = parsed(
            "postgresql://ada:p%40ss@w/ord@db.example:6000/sales%20x?sslmode=verify-full&schema=raw&connect_timeout=3\
             &sslrootcert=%2Fca.pem&application_name=me",
        );
        assert_eq!(address.hosts, [("db.example".to_owned(), 6000)]);
        assert_eq!(address.user.as_deref(), Some("ada"));
        assert_eq!(address.password.as_deref(), Some("p@ss@w/ord"));
        assert_eq!(address.database.as_deref(), Some("sales x"));
        assert_eq!((address.schema.as_str(), address.tls), ("raw", Tls::VerifyFull));
        assert_eq!(address.root_certificates, Some("/ca.pem".into()));
        assert_eq!((address.application_name.as_str(), address.connect_timeout_s), ("me", 3));
        assert_eq!(address.to_string(), "postgresql://ada@db.example:6000/sales x?schema=raw");
        assert_eq!(format!("{address:?}"), format!("PostgresAddress({address})"));
    }

    #[test]
    fn what_is_not_written() {
        let address = parsed("postgres://h/db");
        assert_eq!(address.hosts, [("h".to_owned(), 5432)]);
        assert_eq!((address.user, address.password), (None, None));
        assert_eq!((address.schema.as_str(), address.tls), ("public", Tls::Prefer));
        assert_eq!(parsed("postgresql:///db").hosts[2], ("localhost".to_owned(), 5432));
        assert_eq!(parsed("postgresql://[::1]:7/db").hosts, [("::1".to_owned(), 7)]);
        assert_eq!(parsed("postgresql://a:1,b/db").hosts, [("a".to_owned(), 1), ("b".to_owned(), 5432)]);
        let socket = parsed("postgresql://ada@/db?host=/run/x&port=7");
        assert_eq!(socket.hosts, [("/run/x".to_owned(), 7)]);
        assert_eq!(socket.to_string(), "postgresql://ada@/db?host=/run/x&port=7");
        assert_eq!(parsed(&socket.to_string()), socket);
        let raw = "postgresql:///db?host=/run/x&schema=raw";
        assert_eq!(parsed(raw).to_string(), raw);
    }

    #[test]
    fn refusals_repeat_no_secret() {
        for (text, said) in [
            ("postgresql:x", "write `postgresql://USER:PASSWORD@HOST/DATABASE`"),
            ("postgresql://u:secret@h:x/db", "the port is no number up to 65535"),
            ("postgresql://u:sec%ret@h/db", "the password is not percent-encoded UTF-8; write `%25` for `%`"),
            (
                "postgresql://h/db?shema=x",
                "`shema` is no setting of a database's address; did you mean `schema`?",
            ),
            (
                "postgresql://h/db?sslcert=x",
                "`sslcert` is no setting of a database's address; there are `schema`, `sslmode`, `sslrootcert`, \
                 `application_name`, `connect_timeout`, `host`, `port`, `user`, `password`, `dbname`, `options`",
            ),
            (
                "postgresql://h/db?sslmode=allow",
                "`sslmode` must be disable, prefer, require, verify-ca or verify-full",
            ),
            ("postgresql://h/db?schema=", "`schema` must be the name of a schema"),
            (
                "postgresql://h/db?connect_timeout=0",
                "`connect_timeout` must be a number of seconds, up to 3600",
            ),
        ] {
            assert_eq!(PostgresAddress::parse(text).unwrap_err().to_string(), said, "{text}");
        }
    }
}
