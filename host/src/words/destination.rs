//! A failed destination.

use sanderling_destination::{DestinationError, ServerFailure, StoreFailure};

use super::failure::of_data;
use super::hints::hint_for_data;
use super::text::without_number;
use super::{Words, exit};
use crate::document::Format;
/// A failed destination.
pub fn of_destination(error: &DestinationError) -> Words {
    let words = |code| Words::new(code, without_number(&error.to_string()));
    match error {
        DestinationError::Locked { .. } => {
            words(exit::LATER).hint("wait for the other one to end, or write elsewhere with --to")
        }
        DestinationError::Unwritable { .. } => {
            words(exit::CONFIG).hint("name another place with --to, or mend its permissions")
        }
        DestinationError::Full { .. } => {
            words(exit::OTHER).hint("make room and run again: it goes on where it stopped")
        }
        DestinationError::Memory { .. } => {
            words(exit::OTHER).hint("let it take more, `to: duckdb:FILE?memory_limit=2GB`, and run again: it goes on where it stopped")
        }
        DestinationError::Data(error) => {
            let mut words = Words::new(exit::REFUSED, format!("{}: {}", error.resource, of_data(error)));
            words.hints.extend(hint_for_data(error, None, Format::Yaml));
            words
        }
        DestinationError::Name(_) => words(exit::CONFIG).hint("give the resource another `name`"),
        DestinationError::NotOurs { .. } => {
            words(exit::CONFIG).hint("write to another place with --to, or give the resource another `name`")
        }
        DestinationError::Corrupt { .. } => {
            words(exit::OTHER).hint("put the file back as it was, or start in an empty place")
        }
        DestinationError::Server { at, failure, .. } => match failure {
            ServerFailure::Busy => {
                words(exit::LATER).hint("wait for the other one to end, or write elsewhere with --to")
            }
            ServerFailure::Lost => {
                words(exit::LATER).hint("run again once it can be reached: it goes on from the last commit")
            }
            ServerFailure::LostInCommit => words(exit::LATER).hint(
                "nobody knows whether the last commit was done; run again: it looks, and goes on from there",
            ),
            ServerFailure::Denied if at.starts_with("adbc:") => words(exit::CREDENTIAL)
                .hint("give a user who may, with what lets it in as a secret: `${secrets.db_password}`"),
            ServerFailure::Denied => words(exit::CREDENTIAL).hint(
                "give a user who may: `to: \"postgresql://USER:${secrets.db_password}@HOST/DATABASE\"`",
            ),
            ServerFailure::Settings => words(exit::CONFIG).hint(
                "look at the options in `to`: they are the driver's own, as its documentation names them",
            ),
            ServerFailure::Other => words(exit::OTHER),
        },
        DestinationError::Store { at, failure, .. } => match failure {
            StoreFailure::Denied => {
                let (place, variables) = credentials_of_a_store(at);
                words(exit::CREDENTIAL).hint(format!(
                    "give who may read, write, list and delete there: `to: \"parquet:{place}\"`, \
                     or the variables of the cloud's own tools ({variables}…)"
                ))
            }
            StoreFailure::NoBucket => {
                words(exit::CONFIG).hint("make it first, or mend its name, `region` or `endpoint` in `to`")
            }
            StoreFailure::Lost => {
                words(exit::LATER).hint("run again once it can be reached: it goes on from the last commit")
            }
            StoreFailure::LostInCommit => words(exit::LATER).hint(
                "nobody knows whether the last commit was done; run again: it looks, and goes on from there",
            ),
            StoreFailure::Unconditional => {
                words(exit::CONFIG).hint("write to a store that heeds them, or to a folder with --to")
            }
            StoreFailure::Settings => {
                words(exit::CONFIG).hint("look at the settings in `to`: credentials, `region`, `endpoint`")
            }
            StoreFailure::Other => words(exit::OTHER),
        },
        DestinationError::NoDriver { name, .. } => {
            let by_path = match name.as_str() {
                "duckdb" => "duckdb:FILE?driver=libduckdb.so".to_owned(),
                name => format!("adbc:{name}?driver=LIBRARY"),
            };
            words(exit::CONFIG)
                .hint(format!("`dbc install {name}` installs it; or name its library: {by_path}"))
        }
        DestinationError::NotBegun { .. }
        | DestinationError::Database { .. }
        | DestinationError::Stopped { .. }
        | DestinationError::Io { .. } => words(exit::OTHER),
    }
}

/// How the store of an address is told who writes, and how its own tools name their variables.
fn credentials_of_a_store(at: &str) -> (&'static str, &'static str) {
    match at.split_once("://").map(|(scheme, _)| scheme) {
        Some("gs") => ("gs://BUCKET/PREFIX?service_account_key=${secrets.google}", "GOOGLE_"),
        Some("az") => ("az://CONTAINER/PREFIX?account_name=NAME&account_key=${secrets.azure}", "AZURE_"),
        _ => (
            "s3://BUCKET/PREFIX?access_key_id=${secrets.key}&secret_access_key=${secrets.key_secret}",
            "AWS_",
        ),
    }
}
