//! An API that shows the caller its own key, in all the forms that real ones do.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::reply::Reply;

/// The key in the forms that answers show.
#[derive(Debug)]
pub(crate) struct Echo {
    raw: String,
    percent: String,
    form: String,
    base64: String,
    /// A JSON member, `"echo":{…}`.
    pub(crate) member: String,
}

impl Echo {
    pub(crate) fn new(key: &str) -> Self {
        let percent = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string();
        let form: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
        let base64 = STANDARD.encode(key);
        let forms = json!({
            "key": key,
            "percent": percent,
            "percent_lower": lower_escapes(&percent),
            "form": form,
            "base64": base64,
            "base64_url": URL_SAFE_NO_PAD.encode(key),
            "basic": STANDARD.encode(format!("user:{key}")),
            "next": format!("/v1/time_entries?api_key={percent}&offset=0"),
        });
        // `ascii` is written as encoders do that escape all but ASCII.
        let mut member = format!("\"echo\":{forms}");
        member.pop();
        member.push_str(&format!(",\"ascii\":{}}}", ascii_json(key)));
        Echo { raw: key.to_owned(), percent, form, base64, member }
    }

    /// Shows the key in the answer's headers, and in its body if that is a JSON object or text.
    pub(crate) fn show(&self, mut reply: Reply) -> Reply {
        let headers =
            [("X-Echo-Key", &self.raw), ("X-Echo-Percent", &self.percent), ("X-Echo-Base64", &self.base64)];
        for (name, value) in headers {
            // A key with a line break cannot stand in a header as it is.
            if !value.contains(|c: char| c.is_control()) {
                reply = reply.header(name, value);
            }
        }
        let body = reply.body.trim_ascii_end();
        if body.starts_with(b"{") && body.ends_with(b"}") {
            let open = &body[..body.len() - 1];
            let comma: &[u8] = if open.len() == 1 { b"" } else { b"," };
            reply.body = [open, comma, self.member.as_bytes(), b"}"].concat().into();
        } else if reply.headers.iter().any(|(_, value)| value.starts_with("text/")) {
            let note = format!("<!-- {} {} {} {} -->\n", self.raw, self.percent, self.form, self.base64);
            reply.body = [&reply.body, note.as_bytes()].concat().into();
        }
        reply
    }
}

/// `%C3` becomes `%c3`; the rest stays.
fn lower_escapes(percent: &str) -> String {
    let mut left_in_escape = 0;
    let lower = |c: char| {
        if c == '%' {
            left_in_escape = 2;
            return c;
        }
        if left_in_escape == 0 {
            return c;
        }
        left_in_escape -= 1;
        c.to_ascii_lowercase()
    };
    percent.chars().map(lower).collect()
}

/// A JSON string in ASCII: `é` is `\u00e9`, and `/` is `\/`.
fn ascii_json(text: &str) -> String {
    let mut out = String::new();
    for c in serde_json::Value::from(text).to_string().chars() {
        match c {
            '/' => out.push_str("\\/"),
            c if c.is_ascii() => out.push(c),
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_an_awkward_key() {
        let key = "a&é /+=\"k";
        let echo = Echo::new(key);
        let value: serde_json::Value = serde_json::from_str(&format!("{{{}}}", echo.member)).unwrap();
        let forms = &value["echo"];
        assert_eq!(forms["key"], key);
        assert_eq!(forms["ascii"], key);
        assert_eq!(forms["percent"], "a%26%C3%A9%20%2F%2B%3D%22k");
        assert_eq!(forms["percent_lower"], "a%26%c3%a9%20%2f%2b%3d%22k");
        assert_eq!(forms["form"], "a%26%C3%A9+%2F%2B%3D%22k");
        assert!(echo.member.contains(r#""ascii":"a&\u00e9 \/+=\"k""#), "{}", echo.member);
    }

    #[test]
    fn shown_in_objects_and_text_only() {
        let echo = Echo::new("key-123");
        for (body, expected) in [("{}", "{\"echo\":"), ("{\"a\":1}\n", "{\"a\":1,\"echo\":")] {
            let shown = echo.show(Reply::json(200, body));
            let text = String::from_utf8(shown.body.to_vec()).unwrap();
            assert!(text.starts_with(expected), "{text}");
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
            assert!(shown.headers.contains(&("X-Echo-Key".to_owned(), "key-123".to_owned())));
        }
        assert_eq!(&echo.show(Reply::json(200, "[1]")).body[..], b"[1]");
        assert!(echo.show(Reply::html(200, "<p>")).body.starts_with(b"<p><!-- key-123 "));
        let broken = echo.show(Reply::json(200, "{}").header("A", "b"));
        assert!(broken.names("x-echo-base64"));
    }
}
