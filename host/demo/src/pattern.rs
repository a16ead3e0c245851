//! Path patterns of routes and faults.

/// Whether `path` fits `pattern`, segment by segment. A segment `*` stands for any one segment; as the last one, for
/// any rest, also none.
pub(crate) fn fits(pattern: &str, path: &str) -> bool {
    let mut wanted = pattern.split('/').peekable();
    let mut given = path.split('/');
    while let Some(segment) = wanted.next() {
        if segment == "*" && wanted.peek().is_none() {
            return true;
        }
        match given.next() {
            Some(other) if segment == "*" || segment == other => {}
            _ => return false,
        }
    }
    given.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns() {
        let cases = [
            ("/v1/projects", "/v1/projects", true),
            ("/v1/projects", "/v1/projects/", false),
            ("/v1/projects", "/v1/projects/1", false),
            ("/v1/projects/*", "/v1/projects/1/tasks", true),
            ("/v1/projects/*", "/v1/projects/", true),
            ("/v1/projects/*", "/v1/projects", true),
            ("/v1/projects/*", "/v1/clients", false),
            ("/v1/projects/*/tasks", "/v1/projects/7/tasks", true),
            ("/v1/projects/*/tasks", "/v1/projects/7/time", false),
            ("/v1/projects/*/tasks", "/v1/projects/tasks", false),
            ("*", "/anything/at/all", true),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        }
    }
}
