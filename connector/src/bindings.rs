//! The contract's generated types, and their conversion from and to core's: the only file that knows them.

#![allow(unsafe_code, reason = "the generated glue crosses the component's boundary by pointers")]
#![allow(missing_docs, unreachable_pub, reason = "generated from wit/connector.wit, which documents it")]

mod generated {
    wit_bindgen::generate!({
        path: "../wit",
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

use generated::exports::sanderling::connector::source::Guest;
use generated::sanderling::connector::types as wit;
use sanderling_core as core;

struct Component;

impl Guest for Component {
    fn list_resources(config: String) -> Result<wit::SourceInfo, wit::Error> {
        Ok(crate::list_resources(&config)?.into())
    }

    fn fetch_page(config: String, request: wit::PageRequest) -> Result<wit::Page, wit::Error> {
        Ok(crate::fetch_page(&config, &request.into())?.into())
    }
}

fn all<T, U: From<T>>(list: Vec<T>) -> Vec<U> {
    list.into_iter().map(U::from).collect()
}

impl From<core::SourceInfo> for wit::SourceInfo {
    fn from(info: core::SourceInfo) -> Self {
        Self { resources: all(info.resources), credentials: info.credentials, notices: all(info.notices) }
    }
}

impl From<core::ResourceInfo> for wit::ResourceInfo {
    fn from(info: core::ResourceInfo) -> Self {
        Self {
            name: info.name,
            parent: info.parent,
            primary_key: info.primary_key,
            write_disposition: info.write_disposition.into(),
            columns: info.columns,
            incremental: info.incremental.map(|it| wit::Incremental { cursor: it.cursor, sorted: it.sorted }),
            selected: info.selected,
            retry: info.retry.map(Into::into),
            origins: info.origins,
            seals: all(info.seals),
            settings: info.settings,
        }
    }
}

impl From<core::WriteDisposition> for wit::WriteDisposition {
    fn from(disposition: core::WriteDisposition) -> Self {
        match disposition {
            core::WriteDisposition::Append => Self::Append,
            core::WriteDisposition::Replace => Self::Replace,
            core::WriteDisposition::Merge => Self::Merge,
            core::WriteDisposition::Other(word) => Self::Other(word.to_owned()),
        }
    }
}

impl From<core::RetryPolicy> for wit::RetryPolicy {
    fn from(policy: core::RetryPolicy) -> Self {
        Self {
            statuses: policy.statuses,
            max_retries: policy.max_retries,
            backoff_factor: policy.backoff_factor,
        }
    }
}

impl From<core::Seal> for wit::Seal {
    fn from(seal: core::Seal) -> Self {
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

impl From<core::Notice> for wit::Notice {
    fn from(notice: core::Notice) -> Self {
        Self {
            code: notice.code.to_owned(),
            message: notice.message,
            hint: notice.hint,
            settles: all(notice.settles),
        }
    }
}

impl From<core::Setting> for wit::Setting {
    fn from(setting: core::Setting) -> Self {
        Self { path: setting.path, value: setting.value }
    }
}

impl From<core::Diagnostic> for wit::Diagnostic {
    fn from(diagnostic: core::Diagnostic) -> Self {
        Self { path: diagnostic.path, message: diagnostic.message, hint: diagnostic.hint }
    }
}

impl From<wit::PageRequest> for core::PageRequest {
    fn from(request: wit::PageRequest) -> Self {
        Self {
            name: request.name,
            partition: request.partition.map(Into::into),
            cursor: request.cursor,
            since: request.since.map(Into::into),
            range: request.range.map(|range| core::Range { since: range.since, until: range.until }),
            now_ms: request.now_ms,
        }
    }
}

impl From<wit::Watermark> for core::Watermark {
    fn from(watermark: wit::Watermark) -> Self {
        Self { value: watermark.value, order: watermark.order, ties: watermark.ties }
    }
}

impl From<core::Watermark> for wit::Watermark {
    fn from(watermark: core::Watermark) -> Self {
        Self { value: watermark.value, order: watermark.order, ties: watermark.ties }
    }
}

impl From<wit::Partition> for core::Partition {
    fn from(partition: wit::Partition) -> Self {
        Self { key: partition.key, data: partition.data }
    }
}

impl From<core::Partition> for wit::Partition {
    fn from(partition: core::Partition) -> Self {
        Self { key: partition.key, data: partition.data }
    }
}

impl From<core::Page> for wit::Page {
    fn from(page: core::Page) -> Self {
        Self {
            rows: page.rows,
            received: page.received,
            kept: page.kept,
            digest: page.digest,
            total: page.total,
            continuation: page.continuation.into(),
            children: all(page.children),
            watermark: page.watermark.map(Into::into),
            notices: all(page.notices),
        }
    }
}

impl From<core::ChildPartitions> for wit::ChildPartitions {
    fn from(children: core::ChildPartitions) -> Self {
        Self { name: children.name, partitions: all(children.partitions) }
    }
}

impl From<core::Continuation> for wit::Continuation {
    fn from(continuation: core::Continuation) -> Self {
        match continuation {
            core::Continuation::End => Self::End,
            core::Continuation::Limit(which) => Self::Limit(which),
            core::Continuation::Next(cursor) => Self::Next(cursor),
            core::Continuation::Rest(cursors) => Self::Rest(cursors),
        }
    }
}

impl From<core::Fault> for wit::Error {
    fn from(fault: core::Fault) -> Self {
        match fault {
            core::Fault::InvalidConfig(diagnostics) => Self::InvalidConfig(all(diagnostics)),
            core::Fault::Http(failure) => Self::Http(wit::HttpFailure {
                status: failure.status,
                retry: failure.retry,
                retry_after: failure.retry_after,
                message: failure.message,
                excerpt: failure.excerpt,
            }),
            core::Fault::Transport(message) => Self::Transport(message),
            core::Fault::Denied(message) => Self::Denied(message),
            core::Fault::BadResponse(bad) => Self::BadResponse(wit::BadResponse {
                message: bad.message,
                excerpt: bad.excerpt,
                retry: bad.retry,
            }),
            core::Fault::Other(message) => Self::Other(message),
        }
    }
}
