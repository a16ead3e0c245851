//! The contract's generated types, and the few of them that misbehaviour needs.

#![allow(unsafe_code, reason = "the generated glue crosses the component's boundary by pointers")]

mod generated {
    wit_bindgen::generate!({
        path: "../../wit",
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

    use super::Component;
    export!(Component);
}

#[cfg(feature = "unknown-import")]
mod unknown {
    wit_bindgen::generate!({
        inline: "package evil:thing@1.0.0; interface host { steal: func(); } world w { import host; }",
    });
    pub(super) use evil::thing::host::steal;
}

#[cfg(feature = "unknown-import")]
pub(crate) fn steal() {
    unknown::steal();
}

use generated::exports::sanderling::connector::source::Guest;
use generated::sanderling::connector::types as wit;
pub(crate) use wit::{ChildPartitions, Continuation, Error, PageRequest, Partition};

/// Resources, and nothing else.
#[derive(Default)]
pub(crate) struct SourceInfo {
    pub(crate) resources: Vec<ResourceInfo>,
}

/// A resource whose rows are appended.
pub(crate) struct ResourceInfo {
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
}

/// A page without notices and watermark.
pub(crate) struct Page {
    pub(crate) rows: Vec<u8>,
    pub(crate) received: u64,
    pub(crate) kept: u64,
    pub(crate) total: Option<u64>,
    pub(crate) continuation: Continuation,
    pub(crate) children: Vec<ChildPartitions>,
}

struct Component;

impl Guest for Component {
    fn list_resources(config: String) -> Result<wit::SourceInfo, Error> {
        let info = crate::list_resources(&config)?;
        let resources = info.resources.into_iter().map(|resource| wit::ResourceInfo {
            name: resource.name,
            parent: resource.parent,
            primary_key: Vec::new(),
            write_disposition: wit::WriteDisposition::Append,
            columns: None,
            incremental: None,
            selected: true,
            retry: None,
            origins: Vec::new(),
            seals: Vec::new(),
            settings: None,
        });
        Ok(wit::SourceInfo { resources: resources.collect(), credentials: Vec::new(), notices: Vec::new() })
    }

    fn fetch_page(config: String, request: PageRequest) -> Result<wit::Page, Error> {
        let page = crate::fetch_page(&config, &request)?;
        Ok(wit::Page {
            rows: page.rows,
            received: page.received,
            kept: page.kept,
            digest: None,
            total: page.total,
            continuation: page.continuation,
            children: page.children,
            watermark: None,
            notices: Vec::new(),
        })
    }
}
