//! Signatures by HMAC are the published ones, over what the template says.

use super::*;

const REQUEST: Outgoing<'_> = Outgoing {
    method: "POST",
    host: "a.test:8443",
    path: "/v1/%C3%A9",
    query: "b=2&a=1",
    body: b"{\"x\":\xFF}",
};

fn mac(algorithm: MacAlgorithm, encoding: MacEncoding, template: &str) -> Mac {
    let template = template.parse().unwrap();
    Mac { algorithm, encoding, template, timestamp_header: None, prefix: String::new(), clock: || 0 }
}

/// RFC 2202 (SHA-1) and RFC 4231, test case 2 of each.
#[test]
fn published_signatures() {
    let of = |algorithm, encoding| {
        let mac = mac(algorithm, encoding, "what do ya want for nothing?");
        mac.signature(&Secret::new("Jefe"), &REQUEST, 5)
    };
    assert_eq!(of(MacAlgorithm::Sha1, MacEncoding::Hex), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    assert_eq!(
        of(MacAlgorithm::Sha256, MacEncoding::Hex),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    assert_eq!(
        of(MacAlgorithm::Sha512, MacEncoding::Hex),
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
         9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
    );
    assert_eq!(of(MacAlgorithm::Sha1, MacEncoding::Base64), "7/zfauXrL6LSdBbV8YTfnCWafHk=");
}

#[test]
fn a_template_names_each_part_of_the_request() {
    let signed = |template: &str| {
        mac(MacAlgorithm::Sha256, MacEncoding::Hex, template).signed(&REQUEST, 1_700_000_000)
    };
    assert_eq!(signed("{method}\n{host}{path}?{query}"), b"POST\na.test:8443/v1/%C3%A9?b=2&a=1");
    assert_eq!(signed("{timestamp}.{body}"), b"1700000000.{\"x\":\xFF}");
    assert_eq!(signed("{{{body_sha256}}}"), format!("{{{}}}", sha256_hex(REQUEST.body)).as_bytes());
    assert_eq!(signed(""), b"");
    let empty = Outgoing { body: b"", ..REQUEST };
    let mac = mac(MacAlgorithm::Sha256, MacEncoding::Hex, "{body_sha256}");
    assert_eq!(mac.signed(&empty, 0), b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn templates_that_do_not_parse() {
    let of = |text: &str| text.parse::<MacTemplate>().unwrap_err();
    assert_eq!(of("{url}"), MacTemplateError::Unknown("url".into()));
    assert_eq!(of("{}"), MacTemplateError::Unknown(String::new()));
    for text in ["{", "}", "a{path", "{path}}", "{{path}"] {
        assert_eq!(of(text), MacTemplateError::Brace, "{text}");
    }
}

#[test]
fn headers_for_the_time() {
    assert_eq!(timestamp_header("X-Time").unwrap(), "x-time");
    for name in ["", "a b", "Host", "content-length", "ü"] {
        assert_eq!(timestamp_header(name), None, "{name}");
    }
}
