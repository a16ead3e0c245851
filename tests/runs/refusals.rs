//! Configs that are refused before anything is asked, and what a person then reads, message for message.
//!
//! `messages/*.txt` hold the configs, each behind a line `=== NAME: what is wrong with it`; the snapshot beside each
//! file holds what `check` prints for them. Secrets that cannot be had are told in `secrets.snap`.

use insta::{assert_snapshot, with_settings};

use crate::program::Folder;

/// What `check` says to each config of a file.
#[track_caller]
fn told(area: &str, configs: &str) {
    let mut all = String::new();
    for config in configs.split("=== ").skip(1) {
        let (head, text) = config.split_once('\n').unwrap();
        let (name, _) = head.split_once(": ").unwrap();
        let folder = Folder::new();
        folder.write(name, text);
        let ran = folder.run(&["check", name]);
        assert!(ran.stdout.is_empty() && !ran.stderr.contains("good"), "{head}: {}", ran.stderr);
        all.push_str(&format!("=== {head}: exit {}\n{}\n", ran.code.unwrap(), ran.stderr));
    }
    assert_told(area, &all);
}

#[track_caller]
fn assert_told(area: &str, all: &str) {
    with_settings!({snapshot_path => "messages", prepend_module_to_snapshot => false, omit_expression => true}, {
        assert_snapshot!(area, all);
    });
}

#[test]
fn what_the_connector_refuses() {
    told("config", include_str!("messages/config.txt"));
}

#[test]
fn what_the_host_refuses() {
    told("host", include_str!("messages/host.txt"));
}

#[test]
fn what_is_no_json_or_yaml() {
    told("syntax", include_str!("messages/syntax.txt"));
}

#[test]
fn what_keeps_a_secret_from_being_had() {
    // Flags; the environment's value; the secrets file and its mode.
    let file = |text: &'static str| Some((text, 0o600));
    type Given = (&'static [&'static str], Option<&'static str>, Option<(&'static str, u32)>);
    let cases: [Given; 18] = [
        (&[], None, None),
        (&[], Some(""), None),
        (&["key"], None, None),
        (&["key=hunter2"], None, None),
        (&["aGVsbG8="], None, None),
        (&["kee=env:HOME"], None, None),
        (&["zzz=env:HOME"], None, None),
        (&["key=env:NOT_SET"], None, None),
        (&["key=file:nowhere.txt"], None, None),
        (&["key=cmd:exit 3"], None, None),
        (&["key=cmd:printf '\\377'"], None, None),
        (&["key=cmd:true"], None, None),
        (&[], None, Some(("key = \"hunter2\"\n", 0o644))),
        (&[], None, file("key = \"hunter2\nother = 5\n")),
        (
            &[],
            None,
            file(
                "key = 5\na = {valu = \"x\"}\nb = {value = 5}\nc = {origins = \"x\"}\nd = {origins = [5]}\n\
                 e = {origins = [\"x\"]}\nf = {place = \"body\"}\n",
            ),
        ),
        (
            &[],
            None,
            file(
                "a = {kind = \"hmag\"}\nb = {kind = \"jwt\"}\nc = {kind = \"jwt\", alg = \"none\"}\n\
                 d = {kind = \"jwt\", alg = \"HS256\", claims = 5}\ne = {kind = \"jwt\", alg = \"HS256\", ttl_s = 0}\n\
                 f = {kind = \"jwt\", alg = \"HS256\", tl = 1}\ng = {alg = \"HS256\"}\nh = {kind = 5}\n",
            ),
        ),
        (
            &[],
            None,
            file(
                "a = {kind = \"hmac\"}\nb = {kind = \"hmac\", template = \"{url}\"}\n\
                 c = {kind = \"hmac\", template = \"{\"}\nd = {kind = \"hmac\", alg = \"md5\"}\n\
                 e = {kind = \"hmac\", encoding = \"raw\"}\n\
                 f = {kind = \"hmac\", template = \"x\", timestamp_header = \"Host\"}\n\
                 g = {kind = \"hmac\", template = \"x\", region = \"x\"}\n\
                 h = {kind = \"sigv4\", service = \"s3\"}\ni = {kind = \"sigv4\", region = \"x\", service = \"\"}\n\
                 j = {kind = \"sigv4\", region = \"x\", service = \"s3\", alg = \"x\"}\n",
            ),
        ),
        (&[], Some("hunter2"), file("key = {kind = \"jwt\", alg = \"RS256\"}\n")),
    ];
    let config =
        "client: {base_url: https://api.example.com, auth: {type: bearer, token: \"${secrets.key}\"}}\n";
    let mut all = String::new();
    for (flags, value, file) in cases {
        let mut folder = Folder::new();
        folder.write("c.yaml", &format!("{config}resources: [posts]\n"));
        if let Some(value) = value {
            folder.env("SANDERLING_SECRET_KEY", value);
        }
        if let Some((text, mode)) = file {
            folder.write(".sanderling/secrets.toml", text);
            set_mode(&folder.path(".sanderling/secrets.toml"), mode);
        }
        let flags: Vec<&str> = flags.iter().flat_map(|flag| ["--secret", flag]).collect();
        let ran = folder.run(&[&["check", "c.yaml"], flags.as_slice()].concat());
        assert!(!ran.stderr.contains("hunter2") && !ran.stderr.contains("aGVs"), "{}", ran.stderr);
        all.push_str(&format!(
            "=== {flags:?} {value:?} {file:?}: exit {}\n{}\n",
            ran.code.unwrap(),
            ran.stderr
        ));
    }
    let folder = Folder::new();
    folder.write("c.yaml", "client: {base_url: https://api.example.com}\nresources: [posts]\n");
    let ran = folder.run(&["check", "c.yaml", "--secret", "key=env:HOME"]);
    all.push_str(&format!("=== a config without secrets: exit {}\n{}", ran.code.unwrap(), ran.stderr));
    assert_told("secrets", &all);
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
