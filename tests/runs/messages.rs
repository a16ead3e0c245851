//! Every message that the program can print has a snapshot: the sources are searched for texts that read like one.
//!
//! A message is a string literal, outside tests and docs, that reads like a sentence. It has a snapshot when its words
//! stand, in one line, in a `.snap` file or in an inline snapshot, with anything in the place of its holes. What a test
//! merely looks for (`contains`, `assert_eq`) does not count: a snapshot is the message as a person reads it.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};

/// Literals that read like messages and need no snapshot. One that does nothing fails the test too.
const EXEMPT: &[Exempt] = &[
    Exempt { file: "host/demo/src/", starts: "", why: "what the demo API answers: a server's words" },
    Exempt {
        file: "connector/src/http.rs",
        starts: "",
        why: "for a host that breaks wasi:http's rules: ours does not",
    },
    Exempt {
        file: "connector/core/src/surface",
        starts: "",
        why: "the reference of configs, which stands in docs/config.md and is compared there",
    },
    Exempt {
        file: "host/src/import/airbyte/rows.rs",
        starts: "(",
        why: "expressions of jq, which its own tests pin and runs execute",
    },
    Exempt { file: "host/columns/benches/", starts: "", why: "a benchmark's rows, and its figures" },
    Exempt {
        file: "host/destination/src/sql/",
        starts: "",
        why: "statements in SQL, and words for its types",
    },
    Exempt {
        file: "host/destination/src/postgres.rs",
        starts: "connection closed",
        why: "if its thread breaks",
    },
    Exempt { file: "host/destination/src/postgres/connection.rs", starts: "", why: "statements in SQL" },
    Exempt {
        file: "host/destination/src/postgres/scalar.rs",
        starts: "a ",
        why: "for statements that are none of ours",
    },
    Exempt {
        file: "host/destination/src/postgres/copy.rs",
        starts: "PostgreSQL cannot hold a value of",
        why: "takes a GiB",
    },
    Exempt {
        file: "host/destination/src/sql/adbc/pages.rs",
        starts: "its driver has taken",
        why: "on a full disk, which the suite of destinations shows",
    },
    Exempt {
        file: "host/destination/src/store.rs",
        starts: "its client has ended",
        why: "if its thread breaks",
    },
    Exempt {
        file: "host/destination/src/store.rs",
        starts: "there are no credentials for it",
        why: "where a machine of a cloud has no identity",
    },
    Exempt { file: "host/destination/tests-support/", starts: "", why: "the server of tests" },
    Exempt { file: "host/build.rs", starts: "", why: "said while the program is built, by cargo" },
];

/// Literals of `file`, a file or a folder, that start so.
struct Exempt {
    file: &'static str,
    starts: &'static str,
    why: &'static str,
}

impl Exempt {
    fn covers(&self, message: &Message) -> bool {
        message.file.starts_with(self.file) && message.text.starts_with(self.starts)
    }
}

/// A literal that reads like a message.
struct Message {
    file: String,
    line: usize,
    text: String,
}

#[test]
fn every_message_has_a_snapshot() {
    let (messages, text) = read_all();
    let snapshots = Snapshots { flowing: flowing(&text), text };
    assert!(messages.len() > 300 && snapshots.text.lines().count() > 300, "{} messages", messages.len());
    let missing: Vec<&Message> =
        messages.iter().filter(|message| !snapshots_hold(&snapshots, message)).collect();
    let exempt = |message: &&&Message| EXEMPT.iter().any(|exempt| exempt.covers(message));
    let told: Vec<String> = missing
        .iter()
        .filter(|message| !exempt(message))
        .map(|message| format!("{}:{}: {:?}", message.file, message.line, message.text))
        .collect();
    assert!(
        told.is_empty(),
        "{} of {} messages have no snapshot:\n{}",
        told.len(),
        messages.len(),
        told.join("\n")
    );
    for exempt in EXEMPT {
        assert!(
            missing.iter().any(|message| exempt.covers(message)),
            "nothing needs this exemption any more: {} {:?} ({})",
            exempt.file,
            exempt.starts,
            exempt.why
        );
    }
}

/// All messages of the program, and the text of all snapshots.
fn read_all() -> (Vec<Message>, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut messages, mut snapshots) = (Vec::new(), String::new());
    let mut paths = Vec::new();
    for folder in ["connector", "host", "tests/runs"] {
        list(&root.join(folder), &mut paths);
    }
    for path in paths {
        let file = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        let text = || std::fs::read_to_string(&path).unwrap();
        if file.ends_with(".snap") {
            // The head names the expression, which is not what is printed.
            let text = text();
            snapshots.push_str(text.splitn(3, "---\n").nth(2).unwrap());
        } else if file.ends_with(".rs") {
            let tokens: TokenStream = text().parse().unwrap_or_else(|error| panic!("{file}: {error}"));
            let mut source =
                Source { is_test: is_test(&file), file, messages: &mut messages, snapshots: &mut snapshots };
            source.read(tokens);
        }
    }
    (messages, snapshots)
}

fn list(folder: &Path, paths: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            list(&path, paths);
        } else {
            paths.push(path);
        }
    }
}

fn is_test(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    file.starts_with("tests/runs/")
        || file.contains("/tests/")
        || name.ends_with("tests.rs")
        || file.contains("/conformance/")
}

struct Source<'a> {
    file: String,
    is_test: bool,
    messages: &'a mut Vec<Message>,
    snapshots: &'a mut String,
}

impl Source<'_> {
    fn read(&mut self, stream: TokenStream) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let outer = self.is_test;
        let punct = |at: usize, char: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == char);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Punct(hash) if hash.as_char() == '#' => {
                    let inner = punct(at + 1, '!');
                    let of = if inner { at + 2 } else { at + 1 };
                    if let Some(TokenTree::Group(group)) = tokens.get(of)
                        && group.delimiter() == Delimiter::Bracket
                    {
                        self.is_test |= !inner && is_for_tests(group);
                        self.attribute(group);
                        at = of;
                    }
                }
                TokenTree::Punct(end) if end.as_char() == ';' => self.is_test = outer,
                TokenTree::Group(group) => {
                    let reads = at > 1 && punct(at - 2, '.') && tokens.get(at - 1).is_some_and(is_search);
                    if !reads {
                        self.read(group.stream());
                    }
                    if group.delimiter() == Delimiter::Brace {
                        self.is_test = outer;
                    }
                }
                TokenTree::Literal(literal) => {
                    let compared = at > 1 && punct(at - 1, '=') && punct(at - 2, '=');
                    if !compared {
                        self.literal(literal, at > 0 && punct(at - 1, '@'));
                    }
                }
                _ => {}
            }
            at += 1;
        }
        self.is_test = outer;
    }

    /// Of attributes only those hold messages that derive an error's or a flag's words.
    fn attribute(&mut self, group: &Group) {
        let mut inside = group.stream().into_iter();
        if let Some(TokenTree::Ident(name)) = inside.next()
            && ["error", "arg", "command"].iter().any(|known| name == known)
        {
            self.read(inside.collect());
        }
    }

    fn literal(&mut self, literal: &Literal, is_snapshot: bool) {
        let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) else { return };
        let text = text.value();
        if self.is_test {
            if is_snapshot {
                self.snapshots.push_str(&text);
                self.snapshots.push('\n');
            }
        } else if is_message(&text) {
            let line = literal.span().start().line;
            self.messages.push(Message { file: self.file.clone(), line, text });
        }
    }
}

/// `#[test]`, `#[cfg(test)]`, `#[tokio::test]`.
fn is_for_tests(attribute: &Group) -> bool {
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    text == "test" || text.ends_with("::test") || text.starts_with("cfg(") && text.contains("test)")
}

/// Methods that look for a text: their literals are matched on, not printed.
fn is_search(token: &TokenTree) -> bool {
    let known = [
        "contains",
        "starts_with",
        "ends_with",
        "strip_prefix",
        "strip_suffix",
        "split_once",
        "rsplit_once",
        "find",
    ];
    matches!(token, TokenTree::Ident(name) if known.iter().any(|known| name == known))
}

/// Two words or more, the first of them none of SQL's.
fn is_message(text: &str) -> bool {
    let sql = [
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "CREATE",
        "DROP",
        "ALTER",
        "PRAGMA",
        "ROLLBACK",
        "RELEASE",
        "BEGIN",
        "SAVEPOINT",
        "ON",
    ];
    let fixed = parts(text).join(" ");
    let words = fixed.split(|char: char| !char.is_alphabetic()).filter(|word| word.chars().count() > 1);
    text.trim().contains(' ')
        && words.count() >= 2
        && !text.split_whitespace().next().is_some_and(|word| sql.contains(&word))
}

/// What stands between the holes of a format string.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        let part = parts.last_mut().unwrap();
        part.push_str(before);
        if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            part.push_str(&from[..1]);
            rest = after;
        } else if let (true, Some((_, after))) = (from.starts_with('{'), from.split_once('}')) {
            parts.push(String::new());
            rest = after;
        } else {
            part.push_str(&from[..1]);
            rest = &from[1..];
        }
    }
    parts.last_mut().unwrap().push_str(rest);
    parts
}

/// A message of several lines is looked for line by line, each of which may have been folded: help is.
fn snapshots_hold(snapshots: &Snapshots, message: &Message) -> bool {
    let lines: Vec<&str> = message.text.lines().filter(|line| is_message(line)).collect();
    match lines.as_slice() {
        [line] => snapshots.hold(line) || snapshots.hold(line.trim()),
        lines => lines.iter().all(|line| snapshots.hold(line.trim()) || snapshots.hold_folded(line)),
    }
}

/// The texts of all snapshots.
struct Snapshots {
    text: String,
    /// The same in one line.
    flowing: String,
}

impl Snapshots {
    fn hold(&self, line: &str) -> bool {
        let parts = parts(line);
        // A text that is no format prints its braces as they are.
        self.text.lines().any(|shown| shown.contains(line) || in_order(shown, &parts))
    }

    fn hold_folded(&self, line: &str) -> bool {
        let parts: Vec<String> = parts(line).iter().map(|part| flowing(part)).collect();
        let Some(first) = parts.iter().find(|part| !part.is_empty()) else { return true };
        let starts = self.flowing.match_indices(first.as_str()).map(|(at, _)| at);
        starts.into_iter().any(|at| {
            let near = self.flowing[at..]
                .char_indices()
                .nth(line.len() + 200)
                .map_or(self.flowing.len(), |(end, _)| at + end);
            in_order(&self.flowing[at..near], &parts)
        })
    }
}

/// Words with one space between them, none at the ends.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn in_order(line: &str, parts: &[String]) -> bool {
    let mut rest = line;
    parts.iter().all(|part| match rest.find(part.as_str()) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

#[test]
fn holes_stand_for_anything_and_braces_for_themselves() {
    for (message, line, held) in [
        ("no `{key}` in {of}", "error: no `a b` in `client`", true),
        ("no `{key}` in {of}", "error: no `a b`", false),
        ("`{{{name}}}` is {what}", "`{id}` is a hole", true),
        ("write `limits: {memory_mib: …}` there", "write `limits: {memory_mib: …}` there", true),
        ("`{{` without its `}}` ", "`{` without its `}` ", true),
    ] {
        assert_eq!(in_order(line, &parts(message)), held, "{message}");
    }
}

#[test]
fn what_counts_as_a_message_and_as_a_snapshot() {
    let source = r#"
        /// Not "a doc comment".
        #[allow(dead_code, reason = "nor a reason")]
        #[error("no {0} here")]
        fn code() {
            text.contains("not what is looked for");
            text == "nor compared";
            say("but this, {}", "one");
        }
        #[cfg(test)]
        mod tests {
            fn test() { assert_snapshot!(said, @"a snapshot"); assert_eq!(said, "no snapshot"); }
        }
        fn after() { say("after tests too") }
    "#;
    let (mut messages, mut snapshots) = (Vec::new(), String::new());
    let file = "host/src/code.rs".to_owned();
    Source { is_test: false, file, messages: &mut messages, snapshots: &mut snapshots }
        .read(source.parse().unwrap());
    let found: Vec<&str> = messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(found, ["no {0} here", "but this, {}", "after tests too"]);
    assert_eq!(snapshots, "a snapshot\n");
}
