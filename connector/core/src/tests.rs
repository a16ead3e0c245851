//! Whole walks: config to plan to request to page, against scripted answers.

mod actions;
mod answers;
mod bodies;
mod columns;
mod configs;
mod detect;
mod follow;
mod foreign_input;
mod incremental;
#[cfg(not(target_arch = "wasm32"))]
mod messages;
mod offset_cases;
mod offset_model;
mod offset_property;
mod page_numbers;
mod pager_property;
mod parents;
mod peers;
mod requests;
mod settle;
mod steps;
mod tokens;
mod walk;

use serde_json::{Value, json};

use crate::*;

/// A plan that must be accepted.
fn planned(config: &Value) -> Plan {
    plan(&config.to_string()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// The diagnostics of a config that must be refused, as `pointer: message`.
fn refused(config: &Value) -> Vec<String> {
    let problems = plan(&config.to_string()).expect_err("the config should be refused");
    problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
}

/// One resource `r` of `https://api.test` with this endpoint.
fn endpoint(endpoint: Value) -> Value {
    json!({"client": {"base_url": "https://api.test"}, "resources": [{"name": "r", "endpoint": endpoint}]})
}

fn first_page(name: &str) -> PageRequest {
    PageRequest { name: name.into(), ..PageRequest::default() }
}

fn child_page(name: &str, partition: &Partition) -> PageRequest {
    PageRequest { partition: Some(partition.clone()), ..first_page(name) }
}

fn ok(body: impl ToString) -> Response {
    Response {
        status: 200,
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: body.to_string().into(),
    }
}

fn rows_text(page: &Page) -> &str {
    std::str::from_utf8(&page.rows).unwrap()
}

fn bad(fault: Fault) -> BadResponse {
    match fault {
        Fault::BadResponse(bad) => bad,
        other => panic!("{other:?}"),
    }
}

/// What a read of one resource did, page by page.
#[derive(Debug, Default)]
struct Read {
    /// Offset and limit of each request that was answered, in order.
    asked: Vec<(u64, u64)>,
    ids: Vec<u64>,
    totals: Vec<Option<u64>>,
    limit: Option<String>,
    notices: Vec<Notice>,
    largest_rest: usize,
}

/// Reads resource `r` as a host does: chains in order, each page's continuation in its place, a damaged answer tried
/// again twice, and the same page of two or more rows twice running refused.
fn read(config: &Value, mut server: impl FnMut(u64, u64) -> Value) -> std::result::Result<Read, String> {
    let plan = planned(config);
    let mut read = Read::default();
    let mut chains: Vec<Option<String>> = vec![None];
    let mut last = Vec::new();
    let mut failures = 0;
    while let Some(cursor) = chains.pop() {
        let wanted = PageRequest { cursor: cursor.clone(), ..first_page("r") };
        let sent = request(&plan, &wanted).map_err(|fault| fault.to_string())?;
        let url = url::Url::parse(&sent.url).unwrap();
        let number = |name: &str| {
            url.query_pairs().find(|(key, _)| key == name).map_or(0, |(_, value)| value.parse().unwrap())
        };
        let (offset, limit) = (number("offset"), number("limit"));
        read.asked.push((offset, limit));
        if read.asked.len() > 3000 {
            return Err("reads without end".into());
        }
        let answer = page(&plan, &wanted, &ok(server(offset, limit)));
        let got = match answer {
            Err(Fault::BadResponse(bad)) if bad.retry && failures < 2 => {
                failures += 1;
                chains.push(cursor);
                continue;
            }
            Err(fault) => return Err(fault.to_string()),
            Ok(got) => got,
        };
        failures = 0;
        assert_eq!(got.received, got.kept);
        if got.kept > 1 && got.rows == last {
            return Err("the same page twice".into());
        }
        last.clone_from(&got.rows);
        let ids = rows_text(&got)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap());
        read.ids.extend(ids);
        read.totals.push(got.total);
        read.notices.extend(got.notices);
        match got.continuation {
            Continuation::End => {}
            Continuation::Limit(which) => read.limit = Some(which),
            Continuation::Next(next) => chains.push(Some(next)),
            Continuation::Rest(rest) => {
                assert!((1..=256).contains(&rest.len()));
                read.largest_rest = read.largest_rest.max(rest.len());
                chains.extend(rest.into_iter().rev().map(Some));
            }
        }
    }
    Ok(read)
}

/// Rows `from..to`, as a list of objects.
fn ids(from: u64, to: u64) -> Value {
    (from..to.max(from)).map(|id| json!({"id": id})).collect()
}

fn offset_config(paginator: Value) -> Value {
    endpoint(json!({"path": "rows", "data_selector": "data", "paginator": paginator}))
}
