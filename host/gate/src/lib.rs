//! The host's one way out to the network, and the only reader of secrets.
//!
//! A guest writes a request with placeholders where credentials belong. [`Gate::send`] checks it against a [`Policy`],
//! puts the secrets of a [`Vault`] in, sends it, and gives the guest an answer with the placeholders put back. So a
//! connector implements an API's authentication without ever holding a credential.
//!
//! Tokens that an API gives out are kept from the guest as well: `token` answers a request for one from what is here.
//!
//! To read the code: `gate` is the life of one exchange. It asks `policy` (`origin`, `address`) what may be reached,
//! has `inject` and `inject_body` fill placeholders in and `sign` those of keys, sends through `connect` and `tls`, and reads with `body`. `vault` keeps the
//! secrets; `needles` knows the shapes in which one may come back, `mask` finds them. `shown` is a URL for people.
//!
//! What holds, and what the tests show:
//! 1. No byte leaves for an origin or an address that the policy does not admit; redirects are no exception.
//! 2. A secret goes only where it is bound to, and nowhere in plain text but to this machine. A placeholder that
//!    cannot be filled in is a refusal, not a request.
//! 3. Neither guest nor message sees a secret of 8 bytes or more (messages: 4), unless an API disguises it.
//! 4. An answer is whole, or it is an error; its size and its time are bounded.
//! 5. Nothing is tried twice, printed, or read from a config file or the environment (the system's TLS roots apart). The
//!    one file is that of replaced refresh tokens (`rotated`).
//! 6. Two policies never share a connection.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")
)]

mod address;
mod body;
mod connect;
mod denial;
mod error;
mod exchange;
mod gate;
mod headers;
mod inject;
mod inject_body;
mod jwt;
mod limits;
mod mac;
mod mask;
#[cfg(test)]
mod messages_tests;
mod needles;
mod origin;
mod policy;
mod rotated;
mod secret;
mod shown;
mod sign;
mod sigv4;
mod tls;
mod token;
mod vault;

pub use address::{Reach, reach};
pub use denial::Denial;
pub use error::GateError;
pub use exchange::Exchange;
pub use gate::Gate;
pub use jwt::{Jwt, JwtAlgorithm, KeyError};
pub use limits::Limits;
pub use mac::{Mac, MacAlgorithm, MacEncoding, MacTemplate, MacTemplateError, timestamp_header};
pub use origin::{Origin, OriginError, Scheme};
pub use policy::{Admitted, Methods, Policy, Rule, RuleError};
pub use rotated::{Rotated, RotatedError};
pub use secret::{Binding, Place, Secret};
pub use sign::Signer;
pub use sigv4::SigV4;
pub use token::{Seal, SealError, SealField};
pub use vault::{Vault, VaultError};
