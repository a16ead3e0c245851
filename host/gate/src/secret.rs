//! A credential as a type, and where it may go.

use std::fmt;

use crate::origin::Origin;

/// A credential's value. It prints as `[secret]`, and only this crate can read it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value as it was read: nothing is trimmed.
    pub fn new(value: impl Into<String>) -> Self {
        Secret(value.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// One position in a request that can hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// The value of a header, whole or in part (`Bearer …`); names compare without case.
    Header(String),
    /// The value of a query parameter, by its decoded name.
    Query(String),
    /// User or password of `Authorization: Basic` (RFC 7617).
    Basic,
    /// A value in a body of JSON, or a form, by the name of its field; in a list, by that of the list.
    Field(String),
}

impl Place {
    /// Whether a binding to `self` covers `place`.
    pub(crate) fn covers(&self, place: &Place) -> bool {
        match (self, place) {
            (Place::Header(ours), Place::Header(theirs)) => ours.eq_ignore_ascii_case(theirs),
            _ => self == place,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Header(name) => write!(f, "the header `{name}`"),
            Place::Query(name) => write!(f, "the query parameter `{name}`"),
            Place::Basic => f.write_str("a Basic pair"),
            Place::Field(name) => write!(f, "the field `{name}` of the body"),
        }
    }
}

/// Where a secret may go. The default binds it to nothing narrower than the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binding {
    /// Only these origins; `None`: each that the policy admits, though not across a redirect.
    pub origins: Option<Vec<Origin>>,
    /// Only these places; `None`: any header, query parameter, Basic pair or field.
    pub places: Option<Vec<Place>>,
}
