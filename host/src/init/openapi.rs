//! What an OpenAPI file (3.x, or Swagger 2) says of a path: its address and how it is authorized.

use serde_json::Value;

use super::{Auth, Draft, InitError};
use crate::document::nearest;

/// The paths that can be read without anything in the place of a placeholder.
pub fn paths(spec: &Value) -> Vec<String> {
    let paths = spec.get("paths").and_then(Value::as_object);
    let readable = |(path, item): &(&String, &Value)| item.get("get").is_some() && !path.contains('{');
    paths
        .map(|paths| paths.iter().filter(readable).map(|(path, _)| path.clone()).collect())
        .unwrap_or_default()
}

/// A draft of one path. `address` goes before what the file says of its servers.
///
/// # Errors
/// There is no such path, or several and none is named; it is not known where the API is.
pub fn draft(spec: &Value, address: Option<&str>, path: Option<&str>) -> Result<Draft, InitError> {
    let paths = paths(spec);
    let path = match (path, paths.as_slice()) {
        (_, []) => return Err(InitError::OpenApi("it has no path with a `get` and without placeholders")),
        (Some(path), known) => {
            let is_it = |known: &&String| known.trim_matches('/') == path.trim_matches('/');
            known.iter().find(is_it).cloned().ok_or_else(|| InitError::NoSuchPath {
                path: path.to_owned(),
                near: nearest(path, known.iter().map(String::as_str)).map(str::to_owned),
            })?
        }
        (None, [one]) => one.clone(),
        (None, several) => return Err(InitError::WhichPath(several.to_vec())),
    };
    let server = match address {
        Some(address) => address.to_owned(),
        None => server(spec)
            .ok_or(InitError::OpenApi("its servers name no address; give one before --openapi"))?,
    };
    let mut draft = Draft::of_address(&server, Some(&path))?;
    draft.auth = draft.auth.or_else(|| auth(spec, &path));
    Ok(draft)
}

fn server(spec: &Value) -> Option<String> {
    let named = spec.pointer("/servers/0/url").and_then(Value::as_str).map(|url| with_defaults(spec, url));
    let of_swagger = || {
        let host = spec.get("host")?.as_str()?;
        let scheme = spec.pointer("/schemes/0").and_then(Value::as_str).unwrap_or("https");
        let base = spec.get("basePath").and_then(Value::as_str).unwrap_or_default();
        Some(format!("{scheme}://{host}{base}"))
    };
    named.or_else(of_swagger).filter(|url| url.contains("://") && !url.contains('{'))
}

/// The variables of a server's address, filled in.
fn with_defaults(spec: &Value, url: &str) -> String {
    let variables = spec.pointer("/servers/0/variables").and_then(Value::as_object);
    let mut url = url.to_owned();
    for (name, variable) in variables.into_iter().flatten() {
        if let Some(default) = variable.get("default").and_then(Value::as_str) {
            url = url.replace(&format!("{{{name}}}"), default);
        }
    }
    url
}

fn auth(spec: &Value, path: &str) -> Option<Auth> {
    let operation = spec.get("paths")?.get(path)?.get("get")?;
    let asked = operation.get("security").or_else(|| spec.get("security"))?.as_array()?;
    let schemes = spec.pointer("/components/securitySchemes").or_else(|| spec.get("securityDefinitions"))?;
    asked.iter().filter_map(Value::as_object).flat_map(|any| any.keys()).find_map(|name| {
        let scheme = schemes.get(name)?;
        let text = |key: &str| scheme.get(key).and_then(Value::as_str).unwrap_or_default();
        match (text("type"), text("scheme"), text("in")) {
            ("http", "bearer", _) => Some(Auth::Bearer),
            ("http", "basic", _) | ("basic", ..) => Some(Auth::Basic),
            ("apiKey", _, "header") => Some(Auth::Header(text("name").to_owned())),
            ("apiKey", _, "query") => Some(Auth::Query(text("name").to_owned())),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn address_and_auth_are_what_the_file_says() {
        let get = json!({"get": {}});
        let spec = json!({
            "openapi": "3.1.0",
            "servers": [{"url": "https://{region}.a.io/v1", "variables": {"region": {"default": "eu"}}}],
            "paths": {"/users": get, "/users/{id}": get, "/jobs": {"post": {}}},
            "security": [{"key": []}],
            "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}}
        });
        let draft = draft(&spec, None, None).map_err(|error| error.to_string()).unwrap();
        assert_eq!(
            (draft.address().as_str(), draft.auth),
            ("https://eu.a.io/v1/users", Some(Auth::Header("X-Key".into())))
        );
        let swagger = json!({
            "swagger": "2.0", "host": "a.io", "basePath": "/v2", "paths": {"/x": {"get": {"security": [{"b": []}]}}, "/y": get},
            "securityDefinitions": {"b": {"type": "basic"}}
        });
        let draft = super::draft(&swagger, None, Some("x")).map_err(|error| error.to_string()).unwrap();
        assert_eq!((draft.address().as_str(), draft.auth), ("https://a.io/v2/x", Some(Auth::Basic)));
        let of = |spec: &Value, address, path| super::draft(spec, address, path).err();
        assert_eq!(of(&swagger, None, None), Some(InitError::WhichPath(vec!["/x".into(), "/y".into()])));
        let near = Some("/x".to_owned());
        assert_eq!(of(&swagger, None, Some("/xx")), Some(InitError::NoSuchPath { path: "/xx".into(), near }));
        let no_server = json!({"servers": [{"url": "/v1"}], "paths": {"/x": get}});
        assert!(matches!(of(&no_server, None, None), Some(InitError::OpenApi(_))));
        let draft = super::draft(&no_server, Some("https://b.io/v3"), None)
            .map_err(|error| error.to_string())
            .unwrap();
        assert_eq!((draft.address().as_str(), draft.auth), ("https://b.io/v3/x", None));
        assert!(matches!(of(&json!({}), None, None), Some(InitError::OpenApi(_))));
    }
}
