//! Requests are signed as AWS's published examples are.

use super::*;

const TIME_S: u64 = 1_440_938_160;
const EXAMPLE_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn aws(id: &str, service: &str) -> SigV4 {
    SigV4 {
        access_key_id: Secret::new(id),
        session_token: None,
        region: "us-east-1".into(),
        service: service.into(),
        clock: || TIME_S * 1_000,
    }
}

fn headers(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn request<'a>(method: &'a str, path: &'a str, query: &'a str, body: &'a str) -> Outgoing<'a> {
    Outgoing { method, host: "", path, query, body: body.as_bytes() }
}

#[test]
fn times() {
    assert_eq!(amz_date(TIME_S).unwrap(), "20150830T123600Z");
    assert_eq!(amz_date(u64::MAX), None);
}

/// The test suite of Signature Version 4: get-vanilla, get-vanilla-query-order-key-case, get-vanilla-utf8-query,
/// post-vanilla, post-x-www-form-urlencoded.
#[test]
fn the_published_suite() {
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    type Case = (Outgoing<'static>, &'static [(&'static str, &'static str)], &'static str);
    let cases: [Case; 5] = [
        (
            request("GET", "/", "", ""),
            &[],
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            request("GET", "/", "Param2=value2&Param1=value1", ""),
            &[],
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            request("GET", "/", "%E1%88%B4=bar", ""),
            &[],
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        ),
        (
            request("POST", "/", "", ""),
            &[],
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            request("POST", "/", "", "Param1=value1"),
            &[FORM],
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ];
    for (request, more, expected) in cases {
        let mut list = headers(more);
        list.extend(headers(&[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")]));
        let aws = aws("AKIDEXAMPLE", "service");
        let (value, signature) =
            authorization(&aws, &Secret::new(EXAMPLE_KEY), &request, &list, "20150830T123600Z");
        assert_eq!(signature, expected);
        if !more.is_empty() {
            insta::assert_snapshot!(value, @"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
        }
    }
}

/// S3's documentation, "Signature Calculations for the Authorization Header": a bucket's lifecycle, and its objects.
#[test]
fn the_published_examples_of_s3() {
    for (query, expected) in [
        ("lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ] {
        let list = headers(&[
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-content-sha256", &sha256_hex(b"")),
            ("host", "examplebucket.s3.amazonaws.com"),
        ]);
        let key = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let aws = aws("AKIAIOSFODNN7EXAMPLE", "s3");
        let (_, signature) =
            authorization(&aws, &key, &request("GET", "/", query, ""), &list, "20130524T000000Z");
        assert_eq!(signature, expected, "{query}");
    }
}

#[test]
fn paths() {
    for (path, service, expected) in [
        ("/", "s3", "/"),
        ("/a%20b//c+d:%2F/", "s3", "/a%20b//c%2Bd%3A%2F/"),
        ("/%E1%88%B4", "s3", "/%E1%88%B4"),
        ("/", "es", "/"),
        ("//example//", "es", "/example/"),
        ("/a%20b/c", "es", "/a%2520b/c"),
        ("/model:v1/x", "bedrock", "/model%3Av1/x"),
    ] {
        assert_eq!(canonical_path(path, service), expected, "{path} of {service}");
    }
}

#[test]
fn queries() {
    for (query, expected) in [
        ("", ""),
        ("b=2&a=1&a=0", "a=0&a=1&b=2"),
        ("a-b=1&a=2", "a=2&a-b=1"),
        ("flag&x=", "flag=&x="),
        ("q=a+b%20c*&r=%7e%2f/", "q=a%20b%20c%2A&r=~%2F%2F"),
    ] {
        assert_eq!(canonical_query(query), expected, "{query}");
    }
}

#[test]
fn header_lines() {
    let list = headers(&[("x-amz-b", " a   b\tc "), ("host", "h"), ("x-amz-b", "2"), ("x-amz-a", "")]);
    let (block, names) = canonical_headers(&list);
    assert_eq!(
        (block.as_str(), names.as_str()),
        ("host:h\nx-amz-a:\nx-amz-b:a b c,2\n", "host;x-amz-a;x-amz-b")
    );
}
