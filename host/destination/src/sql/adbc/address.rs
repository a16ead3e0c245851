//! `adbc:DRIVER?option=value&…`, parsed.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::sql::dialect::Dialect;

/// A database that a driver speaks to, and what the driver is told. Shown without what may let one in.
#[derive(Clone, PartialEq, Eq)]
pub struct AdbcAddress {
    /// The driver's name, under which it is installed.
    pub(crate) driver: String,
    /// Its library; none: the one that is installed under that name.
    pub(crate) library: Option<PathBuf>,
    /// The library's function that makes the driver; none: the one that goes with its name.
    pub(crate) entrypoint: Option<String>,
    /// Where tables go; none: where the driver's connection begins.
    pub(crate) schema: Option<String>,
    /// For tests: that rows wait for the commit though the database could do without, and another SQL than the database's own.
    pub(crate) defers: bool,
    pub(crate) taken_for: Option<Dialect>,
    /// The driver's own options, as they are written.
    pub(crate) options: Vec<(String, String)>,
}

/// Why a text is no address. Nothing of the text is repeated but names of options: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdbcAddressError {
    /// No driver behind the colon.
    #[error("write `adbc:DRIVER?uri=…`, DRIVER being what `dbc install` calls it, or its library")]
    NoDriver,
    /// A database in memory: it would be gone with the process, and the checkpoint with it.
    #[error("this names no file; write `adbc:{driver}?{option}=FILE`")]
    NoFile {
        /// The driver.
        driver: &'static str,
        /// Its option for a file.
        option: &'static str,
    },
    /// A driver's name that is another's for what is installed.
    #[error("no driver is called `{name}`; did you mean `adbc:{meant}`?")]
    Misnamed {
        /// What was written.
        name: String,
        /// What was meant.
        meant: &'static str,
    },
    /// An option without `=`, or without a value.
    #[error(
        "the option `{name}` has no value; write `{name}=VALUE`, with `&` between options and `%26` for `&` in a value"
    )]
    NoValue {
        /// Its name.
        name: String,
    },
    /// An option that is given twice.
    #[error("the option `{name}` is given twice; in a value write `%26` for `&`")]
    Twice {
        /// Its name.
        name: String,
    },
    /// `%` without two hexadecimal digits, or what they say is not UTF-8.
    #[error("the value of `{name}` is not percent-encoded UTF-8; write `%25` for `%`")]
    Encoding {
        /// The option's name.
        name: String,
    },
}

/// Names that people give drivers, and the drivers' own.
const ALIASES: [(&str, &str); 8] = [
    ("postgres", "postgresql"),
    ("pg", "postgresql"),
    ("sqlite3", "sqlite"),
    ("flight", "flightsql"),
    ("flight-sql", "flightsql"),
    ("flight_sql", "flightsql"),
    ("bq", "bigquery"),
    ("big-query", "bigquery"),
];

/// Drivers that there are, as `dbc install` calls them.
const DRIVERS: [&str; 12] = [
    "bigquery",
    "clickhouse",
    "databricks",
    "duckdb",
    "flightsql",
    "mssql",
    "mysql",
    "postgresql",
    "redshift",
    "snowflake",
    "sqlite",
    "trino",
];

/// Drivers whose database is a file, and the option that names it.
const FILES: [(&str, &str); 2] = [("sqlite", "uri"), ("duckdb", "path")];

/// The last parts of names of options that say which place is meant, and let nobody in.
const SHOWN: [&str; 14] = [
    "uri",
    "path",
    "username",
    "account",
    "region",
    "warehouse",
    "role",
    "db",
    "database",
    "host",
    "port",
    "project_id",
    "dataset_id",
    "location",
];

impl AdbcAddress {
    /// Reads an address. A value that is a URI itself goes to the driver as it is written, percent signs and all; any other
    /// is decoded.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AdbcAddressError> {
        let rest = text.strip_prefix("adbc:").unwrap_or(text);
        let (driver, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let mut address = Self {
            driver: driver.trim().to_owned(),
            library: None,
            entrypoint: None,
            schema: None,
            defers: false,
            taken_for: None,
            options: Vec::new(),
        };
        if is_path(&address.driver) {
            address.library = Some(address.driver.clone().into());
            address.driver = named_by(Path::new(&address.driver));
        }
        if address.driver.is_empty() {
            return Err(AdbcAddressError::NoDriver);
        }
        for pair in parameters.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if value.is_empty() {
                return Err(AdbcAddressError::NoValue { name: name.to_owned() });
            }
            let value = decoded(name, value)?;
            let again = match name {
                "schema" => address.schema.replace(value).is_some(),
                "driver" => address.library.replace(value.into()).is_some(),
                "entrypoint" => address.entrypoint.replace(value).is_some(),
                _ => {
                    let again = address.options.iter().any(|(other, _)| other == name);
                    address.options.push((name.to_owned(), value));
                    again
                }
            };
            if again {
                return Err(AdbcAddressError::Twice { name: name.to_owned() });
            }
        }
        let alias = |(alias, _): &&(&str, &str)| address.driver.eq_ignore_ascii_case(alias);
        let misnamed = ALIASES.iter().find(alias).map(|(_, meant)| *meant).or_else(|| near(&address.driver));
        if let (Some(meant), None) = (misnamed, &address.library) {
            return Err(AdbcAddressError::Misnamed { name: address.driver, meant });
        }
        match FILES.into_iter().find(|(driver, _)| *driver == address.driver) {
            Some((driver, option)) if address.file().is_none() => {
                Err(AdbcAddressError::NoFile { driver, option })
            }
            _ => Ok(address),
        }
    }

    /// The file that a driver keeps its database in, if it is one that does so.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        let (_, option) = FILES.into_iter().find(|(driver, _)| *driver == self.driver)?;
        let text = self.option(option)?;
        let text = match text.strip_prefix("file:") {
            // SQLite's own URIs.
            Some(uri) => uri.split(['?', '#']).next().unwrap_or_default(),
            None => text,
        };
        let is_file = !text.trim().is_empty() && text != ":memory:";
        is_file.then(|| PathBuf::from(text.strip_prefix("//").unwrap_or(text)))
    }

    /// The value of one of the driver's options.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// What lets one in, the longest first: what a driver says may repeat it.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets: Vec<String> = Vec::new();
        for (name, value) in &self.options {
            match is_shown(name).then(|| shown_uri(value)) {
                None => secrets.push(value.clone()),
                Some(Some(_)) => {
                    if let Some(password) = password_in(value) {
                        secrets.push(percent_decode_str(password).decode_utf8_lossy().into_owned());
                        secrets.push(password.to_owned());
                    }
                }
                Some(None) => {
                    // A list of settings, such as libpq's `host=… password=…`.
                    let words = value.split([' ', '\'', '=', ';']).filter(|word| !word.is_empty());
                    secrets.extend(words.skip_while(|word| !word.contains("pass")).map(str::to_owned));
                    secrets.push(value.clone());
                }
            }
        }
        // What is as short as that stands in any text.
        secrets.retain(|secret| secret.len() >= 4);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        secrets
    }
}

/// A driver whose name may have been meant by one that is none.
fn near(name: &str) -> Option<&'static str> {
    let small = name.to_ascii_lowercase();
    if DRIVERS.contains(&name) {
        return None;
    }
    let distance = |driver: &&str| strsim::damerau_levenshtein(&small, driver);
    let nearest = DRIVERS.into_iter().min_by_key(distance)?;
    (distance(&nearest) <= nearest.len() / 4).then_some(nearest)
}

/// Whether a driver is named by its library.
fn is_path(driver: &str) -> bool {
    let ends = [".so", ".dylib", ".dll", ".toml"];
    driver.contains(['/', '\\']) || ends.iter().any(|end| driver.ends_with(end))
}

/// The driver's name by that of its library: `libadbc_driver_sqlite.so` is SQLite's.
fn named_by(library: &Path) -> String {
    let name = library.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name.split('.').next().unwrap_or_default();
    let name = name.strip_prefix("lib").unwrap_or(name);
    name.strip_prefix("adbc_driver_").unwrap_or(name).to_owned()
}

fn decoded(name: &str, value: &str) -> Result<String, AdbcAddressError> {
    if value.contains("://") {
        return Ok(value.to_owned());
    }
    let encoding = || AdbcAddressError::Encoding { name: name.to_owned() };
    let whole = value
        .split('%')
        .skip(1)
        .all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|digit| digit.is_ascii_hexdigit()));
    if !whole {
        return Err(encoding());
    }
    percent_decode_str(value).decode_utf8().map(Into::into).map_err(|_| encoding())
}

fn is_shown(name: &str) -> bool {
    SHOWN.contains(&name.rsplit('.').next().unwrap_or(name))
}

/// `password` of `scheme://user:password@host…`, or of a driver's `user:password@account…`.
fn password_in(uri: &str) -> Option<&str> {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let (credentials, _) = rest.rsplit_once('@')?;
    credentials.split_once(':').map(|(_, password)| password)
}

/// A value as it may be shown: without a password, and without what follows a question mark. None for one that is a list of
/// settings.
fn shown_uri(value: &str) -> Option<String> {
    let (place, _) = value.split_once('?').unwrap_or((value, ""));
    if place.contains('=') {
        return None;
    }
    let password = password_in(value);
    Some(match password.and_then(|password| value.split_once(&format!(":{password}@"))) {
        Some((before, after)) => {
            let (after, _) = after.split_once('?').unwrap_or((after, ""));
            format!("{before}@{after}")
        }
        None => place.to_owned(),
    })
}

/// As it is written, without what may let one in.
impl fmt::Display for AdbcAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "adbc:{}", self.driver)?;
        let shown = self.options.iter().filter(|(name, _)| is_shown(name));
        let shown = shown.filter_map(|(name, value)| Some((name.as_str(), shown_uri(value)?)));
        let schema = self.schema.iter().map(|schema| ("schema", schema.clone()));
        for (at, (name, value)) in shown.chain(schema).enumerate() {
            write!(out, "{}{name}={value}", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for AdbcAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AdbcAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> AdbcAddress {
        AdbcAddress::parse(text).unwrap()
    }

    #[test]
    fn every_part() {
        let address =
            parsed("adbc:sqlite?uri=a%20b.db&schema=raw&driver=/x/lib.so&entrypoint=Init&adbc.x=1%262");
        assert_eq!((address.driver.as_str(), address.schema.as_deref()), ("sqlite", Some("raw")));
        assert_eq!(address.library, Some("/x/lib.so".into()));
        assert_eq!(address.entrypoint.as_deref(), Some("Init"));
        assert_eq!((address.option("uri"), address.option("adbc.x")), (Some("a b.db"), Some("1&2")));
        // A URI has its own percent signs.
        let uri = "postgresql://ada:p%40ss@h/db?sslmode=require";
        assert_eq!(parsed(&format!("adbc:postgresql?uri={uri}")).option("uri"), Some(uri));
        let by_library = parsed("adbc:/opt/libadbc_driver_flightsql.so.1?uri=grpc://h:1");
        assert_eq!(by_library.driver, "flightsql");
        assert_eq!(by_library.library, Some("/opt/libadbc_driver_flightsql.so.1".into()));
    }

    #[test]
    fn shown_without_what_lets_one_in() {
        for (text, shown, secrets) in [
            (
                "adbc:postgresql?uri=postgresql://ada:ge%40heim@h:1/db?sslmode=disable&schema=raw",
                "adbc:postgresql?uri=postgresql://ada@h:1/db&schema=raw",
                &["ge%40heim", "ge@heim"][..],
            ),
            ("adbc:postgresql?uri=postgresql://h/db", "adbc:postgresql?uri=postgresql://h/db", &[]),
            (
                "adbc:snowflake?username=ada&password=geheim&adbc.snowflake.sql.account=a1&adbc.snowflake.sql.db=D",
                "adbc:snowflake?username=ada&adbc.snowflake.sql.account=a1&adbc.snowflake.sql.db=D",
                &["geheim"],
            ),
            ("adbc:snowflake?uri=ada:ge:he@im@a1/d?token=t", "adbc:snowflake?uri=ada@a1/d", &["ge:he@im"]),
            (
                "adbc:snowflake?adbc.snowflake.sql.client_option.auth_token=tokentoken",
                "adbc:snowflake",
                &["tokentoken"],
            ),
            (
                "adbc:postgresql?uri=host=h password=geheim",
                "adbc:postgresql",
                &["host=h password=geheim", "password", "geheim"],
            ),
            (
                "adbc:bigquery?adbc.bigquery.sql.project_id=p&adbc.bigquery.sql.auth_credentials=%7Bkey%7D",
                "adbc:bigquery?adbc.bigquery.sql.project_id=p",
                &["{key}"],
            ),
            ("adbc:sqlite?uri=file:x.db%3Fmode=rw", "adbc:sqlite?uri=file:x.db", &[]),
        ] {
            let address = parsed(text);
            assert_eq!(address.to_string(), shown, "{text}");
            assert_eq!(format!("{address:?}"), format!("AdbcAddress({shown})"));
            assert_eq!(address.secrets(), secrets, "{text}");
        }
    }

    #[test]
    fn refusals_repeat_no_secret() {
        for (text, said) in [
            ("adbc:", "write `adbc:DRIVER?uri=…`, DRIVER being what `dbc install` calls it, or its library"),
            (
                "adbc:?uri=geheim",
                "write `adbc:DRIVER?uri=…`, DRIVER being what `dbc install` calls it, or its library",
            ),
            ("adbc:sqlite", "this names no file; write `adbc:sqlite?uri=FILE`"),
            ("adbc:sqlite?uri=:memory:", "this names no file; write `adbc:sqlite?uri=FILE`"),
            (
                "adbc:/x/libadbc_driver_sqlite.so?uri=file::memory:",
                "this names no file; write `adbc:sqlite?uri=FILE`",
            ),
            ("adbc:duckdb?uri=x", "this names no file; write `adbc:duckdb?path=FILE`"),
            ("adbc:sqlit?uri=x.db", "no driver is called `sqlit`; did you mean `adbc:sqlite`?"),
            ("adbc:SnowFlake?account=a", "no driver is called `SnowFlake`; did you mean `adbc:snowflake`?"),
            ("adbc:Postgres?uri=x", "no driver is called `Postgres`; did you mean `adbc:postgresql`?"),
            (
                "adbc:sqlite?uri",
                "the option `uri` has no value; write `uri=VALUE`, with `&` between options and `%26` for `&` in a value",
            ),
            (
                "adbc:sqlite?uri=a&uri=geheim",
                "the option `uri` is given twice; in a value write `%26` for `&`",
            ),
            (
                "adbc:x?password=ge%heim",
                "the value of `password` is not percent-encoded UTF-8; write `%25` for `%`",
            ),
        ] {
            assert_eq!(AdbcAddress::parse(text).unwrap_err().to_string(), said, "{text}");
        }
    }
}
