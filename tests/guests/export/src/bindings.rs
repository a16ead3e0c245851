//! The contract's generated types. Nothing here is particular to this connector: copy it as it is.

#![allow(unsafe_code, reason = "the generated glue crosses the component's boundary by pointers")]

mod generated {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "connector",
        with: {
            "wasi:clocks/monotonic-clock@0.2.12": wasip2::clocks::monotonic_clock,
            "wasi:http/outgoing-handler@0.2.12": wasip2::http::outgoing_handler,
            "wasi:http/types@0.2.12": wasip2::http::types,
            "wasi:io/error@0.2.12": wasip2::io::error,
            "wasi:io/poll@0.2.12": wasip2::io::poll,
            "wasi:io/streams@0.2.12": wasip2::io::streams,
        },
        generate_all,
    });

    use crate::Connector;
    export!(Connector);
}

pub(crate) use generated::exports::sanderling::connector::source::Guest;
pub(crate) use generated::sanderling::connector::types::*;
