//! The `Link` header (RFC 8288): the target of the link with a wanted relation.

use crate::contract::Response;

/// The target of the first link whose relations hold `relation`, over all `Link` headers. Names of relations and of
/// parameters have no case; a link whose context is another resource (`anchor`) is passed over.
pub(crate) fn next_link(response: &Response, relation: &str) -> Option<String> {
    let headers = response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("link"));
    headers.flat_map(|(_, value)| links(value)).find(|link| link.is(relation)).map(|link| link.target)
}

struct Link {
    target: String,
    /// The first `rel`: RFC 8288, 3.3 has parsers pass over any other.
    relations: Option<String>,
    elsewhere: bool,
}

impl Link {
    fn is(&self, relation: &str) -> bool {
        let relations = self.relations.as_deref().unwrap_or_default();
        // dlt takes the whole text for one relation.
        let whole = relations.eq_ignore_ascii_case(relation);
        !self.elsewhere
            && (whole || relations.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case(relation)))
    }
}

/// The links of one header (RFC 8288, B.2). What is broken ends it; what came before stays.
fn links(header: &str) -> Vec<Link> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((target, after)) = after.split_once('>') else { break };
        let mut link = Link { target: target.trim().to_owned(), relations: None, elsewhere: false };
        rest = params(after, &mut link);
        found.push(link);
    }
    found
}

/// Takes the parameters behind a target; gives what is left from the comma on.
fn params<'a>(text: &'a str, link: &mut Link) -> &'a str {
    let mut rest = text.trim_start();
    while let Some(param) = rest.strip_prefix(';') {
        let param = param.trim_start();
        let end = param.find(['=', ';', ',']).unwrap_or(param.len());
        let (name, after) = param.split_at_checked(end).unwrap_or((param, ""));
        let (value, after) = match after.strip_prefix('=') {
            None => (String::new(), after),
            Some(value) => word(value.trim_start()),
        };
        match name.trim() {
            name if name.eq_ignore_ascii_case("rel") => {
                link.relations = link.relations.take().or(Some(value))
            }
            name if name.eq_ignore_ascii_case("anchor") => link.elsewhere = true,
            _ => {}
        }
        rest = after.trim_start();
    }
    rest
}

/// A token, or a quoted string without its quotes and escapes (RFC 9110, 5.6.4); and what follows it.
fn word(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        let (token, after) = text.split_at_checked(end).unwrap_or((text, ""));
        return (token.trim_end().to_owned(), after);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn next(headers: &[&str]) -> Option<String> {
        let headers = headers.iter().map(|value| ("lInK".to_owned(), (*value).to_owned())).collect();
        next_link(&Response { headers, ..Response::default() }, "next")
    }

    #[test]
    fn finds_the_next_link_among_all() {
        let cases: &[(&[&str], Option<&str>)] = &[
            (&[], None),
            (&[""], None),
            (&["</2>; rel=\"next\""], Some("/2")),
            (&["</2>; rel=next"], Some("/2")),
            (&["</2>;rel=next,</9>;rel=last"], Some("/2")),
            (
                &["<https://a.test/?q=1,2;3>; rel=\"prev\", <https://a.test/3>; rel=\"next\""],
                Some("https://a.test/3"),
            ),
            (&["</9>; rel=last", "</2>; REL=\"Next\""], Some("/2")),
            (&["</2>; title=\"a, <b>; rel=next\"; rel=\"last next\""], Some("/2")),
            (&["</2>; title=\"a \\\" b\"; rel=\"next\""], Some("/2")),
            (&["</1>; rel=\"prev\"; rel=\"next\""], None),
            (&["</2>; rel=\"next\"; anchor=\"#foo\", </3>; rel=next"], Some("/3")),
            (&["</2>; crossorigin; rel = \"next\" ; title*=UTF-8''x"], Some("/2")),
            (&["< /2 > ; rel=\"http://example.net/rel next\""], Some("/2")),
            (&["</2; rel=next"], None),
            (&["</2>; rel=\"next"], Some("/2")),
            (&["</2>; rel=nextpage, </3>; rel=\"next-archive\""], None),
            (&["garbage, </2>; rel=next"], Some("/2")),
            (&[";;;,,<>;=;rel"], None),
        ];
        for (headers, target) in cases {
            assert_eq!(next(headers).as_deref(), *target, "{headers:?}");
        }
    }
}
