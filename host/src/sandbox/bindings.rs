//! The generated side of the contract, and the conversions that keep it out of every other file.

use crate::contract;

mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "connector",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "wasi:http": wasmtime_wasi_http::p2::bindings::http,
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
        },
        require_store_data_send: true,
    });
}

use generated::sanderling::connector::types as wit;
pub(super) use generated::{Connector, ConnectorPre};
pub(super) use wit::Error as WitError;

/// The request as the guest wants it.
pub(super) fn page_request(request: &contract::PageRequest) -> wit::PageRequest {
    wit::PageRequest {
        name: request.resource.clone(),
        partition: request
            .partition
            .as_ref()
            .map(|partition| wit::Partition { key: partition.key.clone(), data: partition.data.clone() }),
        cursor: request.cursor.clone(),
        since: request.since.as_ref().map(|since| wit::Watermark {
            value: since.value.clone(),
            order: since.order.clone(),
            ties: since.ties.clone(),
        }),
        range: request
            .range
            .as_ref()
            .map(|range| wit::Range { since: range.since.clone(), until: range.until.clone() }),
        now_ms: request.now_ms,
    }
}

impl From<wit::SourceInfo> for contract::SourceInfo {
    fn from(info: wit::SourceInfo) -> Self {
        Self {
            resources: info.resources.into_iter().map(Into::into).collect(),
            credentials: info.credentials,
            notices: info.notices.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<wit::ResourceInfo> for contract::ResourceInfo {
    fn from(info: wit::ResourceInfo) -> Self {
        Self {
            name: info.name,
            parent: info.parent,
            primary_key: info.primary_key,
            write_disposition: match info.write_disposition {
                wit::WriteDisposition::Append => contract::WriteDisposition::Append,
                wit::WriteDisposition::Replace => contract::WriteDisposition::Replace,
                wit::WriteDisposition::Merge => contract::WriteDisposition::Merge,
                wit::WriteDisposition::Other(word) => contract::WriteDisposition::Other(word),
            },
            columns: info.columns,
            incremental: info
                .incremental
                .map(|it| contract::Incremental { cursor: it.cursor, sorted: it.sorted }),
            selected: info.selected,
            retry: info.retry.map(|retry| contract::Retry {
                statuses: retry.statuses,
                max_retries: retry.max_retries,
                backoff_factor: retry.backoff_factor,
            }),
            origins: info.origins,
            seals: info.seals.into_iter().map(Into::into).collect(),
            settings: info.settings,
        }
    }
}

impl From<wit::Seal> for contract::Seal {
    fn from(seal: wit::Seal) -> Self {
        Self {
            origin: seal.origin,
            path: seal.path,
            fields: seal.fields,
            lifetime_s: seal.lifetime_s,
            first: seal.first,
            spends: seal.spends,
            rotates: seal.rotates,
        }
    }
}

impl From<wit::Notice> for contract::Notice {
    fn from(notice: wit::Notice) -> Self {
        let settles = notice.settles.into_iter();
        Self {
            code: notice.code,
            message: notice.message,
            hint: notice.hint,
            settles: settles
                .map(|setting| contract::Setting { path: setting.path, value: setting.value })
                .collect(),
        }
    }
}

impl From<wit::Partition> for contract::Partition {
    fn from(partition: wit::Partition) -> Self {
        Self { key: partition.key, data: partition.data }
    }
}

impl From<wit::Page> for contract::Page {
    fn from(page: wit::Page) -> Self {
        Self {
            rows: page.rows,
            received: page.received,
            kept: page.kept,
            digest: page.digest,
            total: page.total,
            continuation: match page.continuation {
                wit::Continuation::End => contract::Continuation::End,
                wit::Continuation::Limit(which) => contract::Continuation::Limit(which),
                wit::Continuation::Next(cursor) => contract::Continuation::Next(cursor),
                wit::Continuation::Rest(cursors) => contract::Continuation::Rest(cursors),
            },
            children: page
                .children
                .into_iter()
                .map(|child| (child.name, child.partitions.into_iter().map(Into::into).collect()))
                .collect(),
            watermark: page.watermark.map(|it| contract::Watermark {
                value: it.value,
                order: it.order,
                ties: it.ties,
            }),
            notices: page.notices.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<wit::Error> for contract::Fault {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::InvalidConfig(diagnostics) => Self::InvalidConfig(
                diagnostics
                    .into_iter()
                    .map(|diagnostic| contract::Diagnostic {
                        path: diagnostic.path,
                        message: diagnostic.message,
                        hint: diagnostic.hint,
                    })
                    .collect(),
            ),
            wit::Error::Http(failure) => Self::Http(contract::HttpFailure {
                status: failure.status,
                retry: failure.retry,
                retry_after: failure.retry_after,
                message: failure.message,
                excerpt: failure.excerpt,
            }),
            wit::Error::Transport(message) => Self::Transport(message),
            wit::Error::Denied(message) => Self::Denied(message),
            wit::Error::BadResponse(bad) => Self::BadResponse(contract::BadResponse {
                message: bad.message,
                excerpt: bad.excerpt,
                retry: bad.retry,
            }),
            wit::Error::Other(message) => Self::Other(message),
        }
    }
}
