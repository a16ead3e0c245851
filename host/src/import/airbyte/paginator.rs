//! How pages of a stream hang together.

use serde_json::{Map, Value, json};

use super::jinja::{self, Expression, Piece};
use super::manifest::Node;
use super::rows::json_path;
use super::text::Place;
use super::{Around, Reading};

/// Where a value of a page goes.
enum Spot {
    Parameter(String),
    Body(String),
    Path,
    Nowhere,
}

/// A paginator, and what each request says beside it.
#[derive(Default)]
pub(super) struct Paging {
    pub(super) paginator: Option<Value>,
    /// The size of a page, where the paginator does not send it.
    pub(super) params: Map<String, Value>,
    pub(super) json: Map<String, Value>,
}

/// What a cursor is read from.
enum From {
    Body(String),
    Link(String),
    Header(String),
}

impl Reading<'_> {
    /// A paginator. `selector`: the rows of a page.
    pub(super) fn paging(&mut self, node: &Node, selector: &str, around: &Around) -> Paging {
        let kind = self.manifest.kind(node, "DefaultPaginator").to_owned();
        let strategy = self.manifest.get(node, "pagination_strategy");
        let (Some(strategy), "DefaultPaginator") = (strategy, kind.as_str()) else {
            if kind != "NoPagination" {
                self.leave(node, &format!("`{kind}` has no form in a config"));
                return Paging::default();
            }
            return Paging { paginator: Some("single_page".into()), ..Paging::default() };
        };
        self.close(
            node,
            &[
                "type",
                "pagination_strategy",
                "page_token_option",
                "page_size_option",
                "url_base",
                "page_size",
                "decoder",
            ],
        );
        let token = self.spot(node, "page_token_option", around);
        let size = self.spot(node, "page_size_option", around);
        let page_size = self.page_size(&strategy, around);
        match self.manifest.kind(&strategy, "").to_owned().as_str() {
            "OffsetIncrement" => self.offset(&strategy, token, size, page_size),
            "PageIncrement" => {
                self.close(&strategy, &["type", "page_size", "start_from_page", "inject_on_first_request"]);
                let start = self.manifest.get(&strategy, "start_from_page");
                let start =
                    start.and_then(|start| self.value(&start, Place::Credential, around)).unwrap_or(json!(0));
                let mut paginator = json!({"type": "page_number", "base_page": start});
                match token {
                    Spot::Parameter(name) => paginator["page_param"] = name.into(),
                    Spot::Body(path) => paginator["page_body_path"] = path.into(),
                    Spot::Path | Spot::Nowhere => {
                        self.leave(&strategy, "it is not said where the number of a page goes");
                        return Paging::default();
                    }
                }
                paginator["total_path"] = Value::Null;
                sized(paginator, size, page_size)
            }
            "CursorPagination" => self.cursor(&strategy, selector, token, size, page_size),
            other => {
                let what = format!("`{other}` has no form in a config");
                self.leave(&strategy, &what);
                Paging::default()
            }
        }
    }

    fn offset(&mut self, strategy: &Node, token: Spot, size: Spot, page_size: Option<Value>) -> Paging {
        self.close(strategy, &["type", "page_size", "inject_on_first_request"]);
        let Some(limit) = page_size else {
            self.leave(strategy, "offset paging without `page_size` has no form in a config");
            return Paging::default();
        };
        let mut paginator = json!({"type": "offset", "limit": limit});
        match token {
            Spot::Parameter(name) => paginator["offset_param"] = name.into(),
            Spot::Body(path) => paginator["offset_body_path"] = path.into(),
            Spot::Path | Spot::Nowhere => {
                self.leave(strategy, "it is not said where the offset goes");
                return Paging::default();
            }
        }
        match size {
            Spot::Parameter(name) => paginator["limit_param"] = name.into(),
            Spot::Body(path) => paginator["limit_body_path"] = path.into(),
            Spot::Path | Spot::Nowhere => {}
        }
        paginator["total_path"] = Value::Null;
        Paging { paginator: Some(paginator), ..Paging::default() }
    }

    fn cursor(
        &mut self,
        strategy: &Node,
        selector: &str,
        token: Spot,
        size: Spot,
        page_size: Option<Value>,
    ) -> Paging {
        self.close(strategy, &["type", "cursor_value", "stop_condition", "page_size", "decoder"]);
        let value = self.manifest.text(strategy, "cursor_value").unwrap_or_default().to_owned();
        let from = expression(&value).and_then(|value| cursor_from(&value, selector));
        let mut paginator = match (from, token) {
            (Some(From::Body(path)), Spot::Parameter(name)) => {
                json!({"type": "cursor", "cursor_path": path, "cursor_param": name})
            }
            (Some(From::Body(path)), Spot::Body(body)) => {
                json!({"type": "cursor", "cursor_path": path, "cursor_body_path": body})
            }
            (Some(From::Body(path)), Spot::Path) => json!({"type": "json_link", "next_url_path": path}),
            (Some(From::Link(rel)), Spot::Path) => json!({"type": "header_link", "links_next_key": rel}),
            (Some(From::Header(name)), Spot::Parameter(param)) => {
                json!({"type": "header_cursor", "cursor_key": name, "cursor_param": param})
            }
            _ => {
                let what = format!("a cursor of `{}` has no form in a config", crate::import::short(&value));
                self.leave(strategy, &what);
                return Paging::default();
            }
        };
        if let Some(stop) = self.manifest.get(strategy, "stop_condition") {
            self.stop(&stop, &mut paginator);
        }
        sized(paginator, size, page_size)
    }

    /// When pages end, beside there being no cursor any more.
    fn stop(&mut self, stop: &Node, paginator: &mut Value) {
        let text = self.manifest.value(stop).as_str().unwrap_or_default().to_owned();
        let condition = expression(&text);
        let path_of = |of: &Expression| match cursor_from(of, "") {
            Some(From::Body(path)) => Some(path),
            _ => None,
        };
        // `not response.x`, `response.x is none`, `response.x == false`
        let (of, is_missing) = match &condition {
            Some(Expression::Not(of)) => (path_of(of), true),
            Some(Expression::Compare(of, operator, right)) => {
                let none = matches!(right.as_ref(), Expression::Literal(Value::Null | Value::Bool(false)));
                let is_missing = none && matches!(operator.as_str(), "==" | "is");
                (path_of(of), is_missing)
            }
            _ => (None, false),
        };
        let cursor = paginator.get("cursor_path").or(paginator.get("next_url_path")).and_then(Value::as_str);
        match (of, is_missing) {
            (Some(path), true) if cursor == Some(path.as_str()) => {}
            (Some(path), true) if paginator["type"] == "cursor" => paginator["has_more_path"] = path.into(),
            _ => {
                let what = format!("`{}`: pages end where there is no cursor", crate::import::short(&text));
                self.leave(stop, &what);
            }
        }
    }

    fn page_size(&mut self, strategy: &Node, around: &Around) -> Option<Value> {
        let size = self.manifest.get(strategy, "page_size")?;
        let size = self.value(&size, Place::Credential, around)?;
        match &size {
            Value::String(text) => text.parse::<u64>().ok().map(Value::from),
            Value::Number(_) => Some(size),
            _ => None,
        }
    }

    fn spot(&mut self, node: &Node, key: &str, around: &Around) -> Spot {
        let Some(option) = self.manifest.get(node, key) else { return Spot::Nowhere };
        if self.manifest.kind(&option, "RequestOption") == "RequestPath" {
            return Spot::Path;
        }
        let Some(name) = self.option_name(&option, around) else { return Spot::Nowhere };
        match self.manifest.text(&option, "inject_into").unwrap_or_default() {
            "request_parameter" => Spot::Parameter(name),
            "body_json" => Spot::Body(name),
            other => {
                let what = format!("`inject_into: {other}` has no form in a config");
                self.leave(&option, &what);
                Spot::Nowhere
            }
        }
    }

    /// The name of a `RequestOption`; in a body, with dots.
    pub(super) fn option_name(&mut self, option: &Node, around: &Around) -> Option<String> {
        if self.manifest.get(option, "field_path").is_some() {
            let path: Vec<String> = self
                .manifest
                .list(option, "field_path")
                .iter()
                .filter_map(|part| Some(self.manifest.value(part).as_str()?.to_owned()))
                .collect();
            return Some(path.join("."));
        }
        self.string(option, "field_name", Place::Credential, around)
    }
}

fn sized(paginator: Value, size: Spot, page_size: Option<Value>) -> Paging {
    let mut paging = Paging { paginator: Some(paginator), ..Paging::default() };
    match (size, page_size) {
        (Spot::Parameter(name), Some(size)) => {
            paging.params.insert(name, size);
        }
        (Spot::Body(path), Some(size)) => nest(&mut paging.json, &path, size),
        _ => {}
    }
    paging
}

/// Puts a value at a path with dots.
pub(super) fn nest(map: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        Some((first, rest)) => {
            let inner = map.entry(first).or_insert_with(|| Map::new().into());
            if let Value::Object(inner) = inner {
                nest(inner, rest, value);
            }
        }
        None => {
            map.insert(path.to_owned(), value);
        }
    }
}

/// A text that is one expression.
fn expression(text: &str) -> Option<Expression> {
    match jinja::pieces(text)?.as_slice() {
        [Piece::Expression(inner)] => jinja::parse(inner),
        _ => None,
    }
}

/// What of an answer a cursor is.
fn cursor_from(value: &Expression, selector: &str) -> Option<From> {
    let (root, keys) = jinja::path(value)?;
    match root {
        "response" if !keys.is_empty() => Some(From::Body(json_path(&keys)?)),
        "last_record" if !keys.is_empty() => Some(From::Body(of_last_row(selector, &keys)?)),
        "last_records" if keys.first() == Some(&json!(-1)) && keys.len() > 1 => {
            Some(From::Body(of_last_row(selector, &keys[1..])?))
        }
        "headers" => match keys.iter().filter_map(Value::as_str).collect::<Vec<_>>().as_slice() {
            [link, rel, "url"] if link.eq_ignore_ascii_case("link") => Some(From::Link((*rel).to_owned())),
            [name] if keys.len() == 1 => Some(From::Header((*name).to_owned())),
            _ => None,
        },
        _ => None,
    }
}

fn of_last_row(selector: &str, keys: &[Value]) -> Option<String> {
    let rest = json_path(keys)?;
    let dot = if rest.starts_with('[') { "" } else { "." };
    Some(format!("{selector}[-1]{dot}{rest}"))
}
