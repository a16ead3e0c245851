use super::*;

fn sources<'a>(flags: &'a [String], env: &'a dyn Fn(&str) -> Option<String>, dir: &'a Path) -> Sources<'a> {
    static NONE: BTreeSet<String> = BTreeSet::new();
    Sources { flags, also: &NONE, env, dir }
}

use serde_json::json;

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn references_are_found_and_replaced_wherever_they_stand() {
    let config = json!({"a": ["${secrets.x}", {"b": "Bearer ${secrets.y.z} ${secrets.x}"}], "c": "${secret.x} ${secrets.}"});
    assert_eq!(references(&config), names(&["x", "y.z"]));
    let replaced = substitute(&config, &|name| Some(format!("<{name}>")));
    assert_eq!(replaced, json!({"a": ["<x>", {"b": "Bearer <y.z> <x>"}], "c": "${secret.x} ${secrets.}"}));
    assert_eq!(substitute(&config, &|_| None), config);
}

#[test]
fn an_unclosed_reference_is_text() {
    for text in ["${secrets.x", "${secrets.", "${secrets.a b}", "$${secrets"] {
        let config = json!(text);
        assert!(references(&config).is_empty());
        assert_eq!(substitute(&config, &|_| Some("!".into())), config);
    }
}

#[test]
fn what_looks_like_a_reference_and_is_none_is_found() {
    let config = json!({
        "good": "a ${secrets.x} b ${other} $secret ${s",
        "bad/key": ["${secrets.a b}", "${secret.x}", "${Secrets.x}", "${secrets.x", "${secrets.x} ${secrets.}"],
    });
    let expected: Vec<String> = (0..5).map(|index| format!("/bad~1key/{index}")).collect();
    assert_eq!(malformed_references(&config), expected);
}

#[test]
fn a_missing_secret_names_every_place() {
    let dir = tempfile::tempdir().unwrap();
    let errors = resolve(&names(&["api-key"]), sources(&[], &|_| None, dir.path())).err().unwrap();
    let [SecretError::Missing { name, places }] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!(name, "api-key");
    let told = places.join("\n");
    for part in ["--secret api-key=env:VAR", "SANDERLING_SECRET_API_KEY", ".sanderling/secrets.toml"] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn only_one_name_of_the_environment_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let asked = std::cell::RefCell::new(Vec::new());
    let env = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        None
    };
    let _ = resolve(&names(&["GITHUB_TOKEN"]), sources(&[], &env, dir.path()));
    assert_eq!(*asked.borrow(), ["SANDERLING_SECRET_GITHUB_TOKEN"]);
}

#[test]
fn sources_are_read_and_their_last_line_break_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, "from file\r\n").unwrap();
    let flags =
        ["e=env:VAR".to_owned(), format!("f=file:{}", path.display()), "c=cmd:printf 'a b\\n\\n'".to_owned()];
    let env = |name: &str| (name == "VAR").then(|| "from env\n".to_owned());
    let given = resolve(&names(&["e", "f", "c"]), sources(&flags, &env, dir.path())).ok().unwrap();
    let values: Vec<_> = given.iter().map(|given| (given.name.as_str(), given.secret.clone())).collect();
    let expected = [("c", "a b\n"), ("e", "from env\n"), ("f", "from file")];
    for ((name, secret), (expected_name, expected)) in values.iter().zip(expected) {
        assert_eq!(*name, expected_name);
        assert!(*secret == Secret::new(expected.to_owned()));
    }
}

#[test]
fn a_value_on_the_command_line_is_refused_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    for flag in ["k=hunter2hunter2", "hunter2hunter2 ", "k"] {
        let errors = resolve(&names(&["k"]), sources(&[flag.into()], &|_| None, dir.path())).err().unwrap();
        let told: String = errors.iter().map(|error| format!("{error} {error:?}")).collect();
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[cfg(unix)]
#[test]
fn the_file_must_be_private_and_its_faults_do_not_quote_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let write = |text: &str, mode| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        resolve(&names(&["k"]), sources(&[], &|_| None, dir.path()))
    };
    let told = |result: Result<Vec<Given>, Vec<SecretError>>| format!("{:?}", result.err().unwrap());
    assert!(told(write("k = \"hunter2\"\n", 0o644)).contains("0644"));
    let broken = told(write("k = \"hunter2\nx = 1\n", 0o600));
    assert!(broken.contains("line 1") && !broken.contains("hunter2"), "{broken}");
    assert!(told(write("[k]\nvalu = \"hunter2\"\n", 0o600)).contains("unknown key `valu`"));
    assert_eq!(write("k = \"hunter2\"\n", 0o600).ok().unwrap().len(), 1);
    let bound = write(
        "[k]\nvalue = \"hunter2\"\norigins = [\"https://api.example.com\"]\nplace = \"header:X-Api-Key\"\n",
        0o600,
    );
    // Around the gate it goes nowhere.
    let to = "postgresql://u:${secrets.k}@h/d";
    let around = fill(to, sources(&[], &|_| None, dir.path())).err().unwrap();
    assert!(matches!(around.as_slice(), [SecretError::Bound { name }] if name == "k"));
    write("k = \"hunter2\"\n", 0o600).ok().unwrap();
    assert!(fill(to, sources(&[], &|_| None, dir.path())).is_ok());
    let bound = bound.ok().unwrap();
    assert!(bound[0].binding.origins.is_some() && bound[0].binding.places.is_some());
}

#[test]
fn a_destination_gets_the_values_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let env = |name: &str| (name == "SANDERLING_SECRET_DB").then(|| "p@ss/w%rd".to_owned());
    let fill = |text: &str| fill(text, sources(&[], &env, dir.path()));
    let in_url = fill("postgresql://u:${secrets.db}@h/d").ok().unwrap();
    assert_eq!(in_url, "postgresql://u:p%40ss%2Fw%25rd@h/d");
    assert_eq!(fill("${secrets.db}").ok().unwrap(), "p@ss/w%rd");
    assert_eq!(fill("jsonl:${secrets.db}").ok().unwrap(), "jsonl:p@ss/w%rd");
    assert_eq!(fill("sqlite:x").ok().unwrap(), "sqlite:x");
    assert!(matches!(fill("${secrets.other}").err().unwrap().as_slice(), [SecretError::Missing { .. }]));
    // One that only the config refers to is no mistake here.
    let also = names(&["api"]);
    let flags = ["api=env:API".to_owned()];
    let sources = Sources { also: &also, ..sources(&flags, &env, dir.path()) };
    assert!(super::fill("sqlite:x", sources).is_ok());
}
