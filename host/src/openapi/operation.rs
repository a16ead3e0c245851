//! Which operation of an OpenAPI file a request is, and the schema of its answer.

use serde_json::Value;

use super::Asked;
use super::schema::target;

/// The path as the file writes it, and the operation behind it. Of several paths that fit, the one that says
/// the most; where none stands behind an address of the file's servers, one that the URL ends in (an API may be read
/// through another address than the documented one).
pub(super) fn find<'a>(spec: &'a Value, asked: &Asked<'_>) -> Option<(String, &'a Value)> {
    let method = asked.method.to_ascii_lowercase();
    let url = segments(path_of(asked.url));
    let mut best: Option<((bool, usize, usize), &String, &Value)> = None;
    for (path, item) in spec.get("paths")?.as_object()? {
        let Some(operation) = target(spec, item).and_then(|item| item.get(&method)) else { continue };
        let own = segments(path);
        let Some(start) = url.len().checked_sub(own.len()) else { continue };
        let (before, behind) = url.split_at(start);
        if !own.iter().zip(behind).all(|(own, behind)| fits(own, behind)) {
            continue;
        }
        let literal = own.iter().filter(|part| !part.contains('{')).count();
        let at_home = bases(spec).iter().any(|base| segments(base) == before);
        if !at_home && literal == 0 {
            continue;
        }
        let rank = (at_home, literal, own.iter().map(|part| literal_bytes(part)).sum());
        if best.is_none_or(|(known, ..)| known < rank) {
            best = Some((rank, path, operation));
        }
    }
    best.map(|(_, path, operation)| (path.clone(), operation))
}

/// The schema of what an operation answers with `status`.
pub(super) fn answer<'a>(spec: &'a Value, operation: &'a Value, status: u16) -> Option<&'a Value> {
    let responses = operation.get("responses")?;
    let range = |x| responses.get(format!("{}{x}{x}", status / 100));
    let response = responses.get(status.to_string()).or_else(|| range('X')).or_else(|| range('x'));
    let response = target(spec, response.or_else(|| responses.get("default"))?)?;
    if let Some(content) = response.get("content").and_then(Value::as_object) {
        let json = content.iter().find(|(media, _)| media.contains("json"));
        return json.or_else(|| content.iter().next())?.1.get("schema");
    }
    response.get("schema")
}

/// The paths of the addresses that the file names.
fn bases(spec: &Value) -> Vec<String> {
    let servers = spec.get("servers").and_then(Value::as_array);
    let of_server = |server: &Value| {
        let mut url = server.get("url")?.as_str()?.to_owned();
        for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
            if let Some(default) = variable.get("default").and_then(Value::as_str) {
                url = url.replace(&format!("{{{name}}}"), default);
            }
        }
        Some(path_of(&url).to_owned())
    };
    let named: Vec<String> = servers.into_iter().flatten().filter_map(of_server).collect();
    match spec.get("basePath").and_then(Value::as_str) {
        Some(base) => vec![base.to_owned()],
        None if named.is_empty() => vec![String::new()],
        None => named,
    }
}

/// The path of a URL, or of what is only a path.
fn path_of(url: &str) -> &str {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
        None => url,
    };
    path.split(['?', '#']).next().unwrap_or_default()
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

/// Bytes of a documented part that stand for themselves.
fn literal_bytes(documented: &str) -> usize {
    match (documented.find('{'), documented.rfind('}')) {
        (Some(start), Some(end)) if start < end => documented.len() - (end - start + 1),
        _ => documented.len(),
    }
}

/// Whether a part of a URL is one of a documented path: `{id}` stands for anything, `{id}.json` for what ends so.
fn fits(documented: &str, part: &str) -> bool {
    match (documented.split_once('{'), documented.rsplit_once('}')) {
        (Some((before, _)), Some((_, after))) => {
            part.strip_prefix(before).is_some_and(|rest| rest.len() > after.len() && rest.ends_with(after))
        }
        _ => documented == part,
    }
}
