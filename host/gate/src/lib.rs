//! The host's one way out to the network, and the only reader of secrets.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "tests"
    )
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
mod limits;
mod mask;
mod needles;
mod origin;
mod policy;
mod secret;
mod tls;
mod vault;

pub use address::{Reach, reach};
pub use denial::Denial;
pub use error::GateError;
pub use exchange::Exchange;
pub use gate::Gate;
pub use limits::Limits;
pub use origin::{Origin, OriginError, Scheme};
pub use policy::{Admitted, Methods, Policy, Rule, RuleError};
pub use secret::{Binding, Place, Secret};
pub use vault::{Vault, VaultError};
