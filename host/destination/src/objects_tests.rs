//! What becomes of loads into a store that break off, meet each other, or meet a store that says no.

use crate::conformance::{load, page, table};
use crate::store::server::{Fault, Server};
use crate::{Destination, DestinationError, Disposition, LoadStatus, StoreFailure, Target};

fn target(server: &Server, scheme: &str) -> Target {
    let (scheme, url) = match scheme.strip_suffix("@google") {
        Some(scheme) => (scheme, server.google_url("out")),
        None => (scheme, server.url("out")),
    };
    Target::parse(&format!("{scheme}:{url}")).unwrap()
}

fn open(server: &Server, scheme: &str) -> Destination {
    Destination::open(&target(server, scheme), "demo").unwrap()
}

/// The names of the files that count.
fn named(server: &Server, target: &Target) -> Vec<String> {
    let Target::Store { address, .. } = target else { unreachable!() };
    let store = crate::store::Store::open(address).unwrap();
    let manifest = store.get("manifest.json").unwrap().unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.bytes).unwrap();
    drop(server.requests());
    let files = manifest["resources"]["tasks"]["files"].as_array().unwrap();
    files.iter().map(|file| format!("out/{}", file.as_str().unwrap())).collect()
}

/// The answer to a commit is lost, before or after it was done; both ways it is known at once what is so.
#[test]
fn a_commit_whose_answer_is_lost() {
    let lost = |times| {
        [
            Fault::Before { method: "PUT", name: "manifest.json", times },
            Fault::After { method: "PUT", name: "manifest.json", times },
        ]
    };
    let faults = || lost(1).into_iter().chain(lost(9));
    let google = faults().map(|fault| (fault, "parquet@google"));
    for (fault, scheme) in faults().map(|fault| (fault, "parquet")).chain(google) {
        let server = Server::start();
        let tasks = table("tasks", Disposition::Append);
        let mut to = open(&server, scheme);
        to.begin(&tasks, &load("tasks", "1")).unwrap();
        to.write(&tasks, &page("{\"id\":1}\n", "1"), &[]).unwrap();
        to.commit().unwrap();
        to.write(&tasks, &page("{\"id\":2}\n", "1"), &[]).unwrap();
        server.fault(fault.clone());
        let committed = to.commit();
        let done = matches!(fault, Fault::After { .. });
        assert_eq!(committed.is_ok(), done, "{fault:?} {committed:?}");
        drop(to);
        server.fault(Fault::Before { method: "PUT", name: "manifest.json", times: 0 });
        let mut to = open(&server, scheme);
        assert_eq!(named(&server, &target(&server, scheme)).len(), 1 + usize::from(done), "{fault:?}");
        to.resume(&tasks, &load("tasks", "1")).unwrap();
        to.finish(&tasks, &load("tasks", "1"), &[]).unwrap();
        to.commit().unwrap();
        assert_eq!(to.state().loads["tasks"].status, LoadStatus::Complete);
        // What no commit ever named is gone, and nothing else is.
        let data = server.names().into_iter().filter(|name| name.starts_with("out/tasks/"));
        assert_eq!(data.collect::<Vec<_>>(), named(&server, &target(&server, scheme)));
    }
}

/// No space is left in it: what is committed stays, and the next run goes on once there is some.
#[test]
fn a_full_store() {
    for (scheme, name) in
        [("jsonl", "out/tasks/"), ("parquet", "out/tasks/"), ("parquet", "out/.sanderling/")]
    {
        for (status, code) in [(403, "QuotaExceeded"), (507, "XMinioStorageFull")] {
            let server = Server::start();
            let tasks = table("tasks", Disposition::Append);
            let mut to = open(&server, scheme);
            to.begin(&tasks, &load("tasks", "1")).unwrap();
            to.write(&tasks, &page("{\"id\":1}\n", "1"), &[]).unwrap();
            to.commit().unwrap();
            to.write(&tasks, &page("{\"id\":2}\n", "1"), &[]).unwrap();
            server.fault(Fault::Answer { name, status, code });
            let refused = to.commit().unwrap_err();
            assert!(matches!(refused, DestinationError::Full { .. }), "{refused:?}");
            assert!(refused.to_string().starts_with("no space is left for s3://lake/out: "), "{refused}");
            server.fault(Fault::Before { method: "PUT", name: "manifest.json", times: 0 });
            assert_eq!(named(&server, &target(&server, scheme)).len(), 1);
            // No commit passes over rows that did not arrive.
            assert!(matches!(to.commit(), Err(DestinationError::Stopped { .. })));
            drop(to);
            let mut to = open(&server, scheme);
            to.resume(&tasks, &load("tasks", "1")).unwrap();
            to.write(&tasks, &page("{\"id\":2}\n", "1"), &[]).unwrap();
            to.finish(&tasks, &load("tasks", "1"), &[]).unwrap();
            to.commit().unwrap();
            let data = server.names().into_iter().filter(|name| name.starts_with("out/tasks/"));
            let data: Vec<String> = data.collect();
            let mut named = named(&server, &target(&server, scheme));
            named.sort();
            assert_eq!(data, named, "{scheme} {name} {code}");
            assert_eq!(data.len(), 2, "{scheme} {name} {code}");
        }
    }
}

/// What others keep beside the rows stays.
#[test]
fn orphans_are_removed_and_nothing_else() {
    let server = Server::start();
    let tasks = table("tasks", Disposition::Replace);
    let mut to = open(&server, "jsonl");
    to.begin(&tasks, &load("tasks", "1")).unwrap();
    to.write(&tasks, &page("{\"id\":1}\n", "1"), &[]).unwrap();
    to.commit().unwrap();
    to.write(&tasks, &page("{\"id\":2}\n", "1"), &[]).unwrap();
    server.fault(Fault::Answer { name: "manifest.json", status: 403, code: "AccessDenied" });
    let refused = to.commit().unwrap_err();
    assert!(
        matches!(refused, DestinationError::Store { failure: StoreFailure::LostInCommit, .. }),
        "{refused}"
    );
    server.fault(Fault::Before { method: "PUT", name: "manifest.json", times: 0 });
    drop(to);
    let others = [
        "out/tasks/notes.jsonl",
        "out/other/1-0123456789abcdef-000001.jsonl",
        "out/deep/tasks/1-0123456789abcdef-000001.jsonl",
    ];
    others.iter().for_each(|name| server.put(name, b"mine"));
    let data =
        |server: &Server| server.names().into_iter().filter(|name| name.starts_with("out/tasks/1-")).count();
    assert_eq!(data(&server), 2);
    let mut to = open(&server, "jsonl");
    to.resume(&tasks, &load("tasks", "1")).unwrap();
    to.record(&[crate::Change::LoadForgotten { resource: "other".to_owned() }]).unwrap();
    to.commit().unwrap();
    assert_eq!(data(&server), 1);
    to.finish(&tasks, &load("tasks", "1"), &[]).unwrap();
    to.commit().unwrap();
    let names = server.names();
    others.iter().for_each(|name| assert!(names.iter().any(|there| there == name), "{name}"));
    assert_eq!(names.iter().filter(|name| name.starts_with("out/.sanderling/")).count(), 1, "{names:?}");
}

#[test]
fn what_is_gone_is_not_gone_on_with() {
    for scheme in ["jsonl", "parquet"] {
        let server = Server::start();
        let tasks = table("tasks", Disposition::Append);
        let mut to = open(&server, scheme);
        to.begin(&tasks, &load("tasks", "1")).unwrap();
        to.write(&tasks, &page("{\"id\":1}\n", "1"), &[]).unwrap();
        to.commit().unwrap();
        drop(to);
        named(&server, &target(&server, scheme)).iter().for_each(|name| server.remove(name));
        let mut to = open(&server, scheme);
        let refused = to.resume(&tasks, &load("tasks", "1")).unwrap_err();
        assert!(matches!(refused, DestinationError::Corrupt { .. }), "{refused}");
        to.undo(&tasks, "1").unwrap();
        to.begin(&tasks, &load("tasks", "2")).unwrap();
        to.commit().unwrap();
    }
}

/// A file of more than one part arrives as it was.
#[test]
fn a_large_file_is_sent_in_parts() {
    let server = Server::start();
    let tasks = table("tasks", Disposition::Append);
    let row = format!("{{\"id\":1,\"text\":\"{}\"}}\n", "x".repeat(20 << 20));
    let mut to = open(&server, "jsonl");
    to.begin(&tasks, &load("tasks", "1")).unwrap();
    to.write(&tasks, &page(&row, "1"), &[]).unwrap();
    drop(server.requests());
    to.commit().unwrap();
    assert!(server.requests().iter().filter(|request| request.starts_with("PUT out/tasks/")).count() > 1);
    let target = target(&server, "jsonl");
    let name = named(&server, &target).remove(0);
    let Target::Store { address, .. } = &target else { unreachable!() };
    let found =
        crate::store::Store::open(address).unwrap().get(name.strip_prefix("out/").unwrap()).unwrap().unwrap();
    assert!(found.bytes == row.as_bytes());
}

#[test]
fn each_refusal_of_a_store() {
    let refused =
        |server: &Server, scheme: &str| Destination::open(&target(server, scheme), "demo").unwrap_err();
    let mut said = Vec::new();
    for (status, code) in [
        (403, "InvalidAccessKeyId"),
        (400, "AuthorizationHeaderMalformed"),
        (503, "SlowDown"),
        (405, "MethodNotAllowed"),
        (200, "Nonsense"),
    ] {
        let server = Server::start();
        server.fault(Fault::Answer { name: ".probe", status, code });
        said.push(refused(&server, "parquet"));
    }
    let server = Server::start();
    server.heedless();
    said.push(refused(&server, "parquet"));
    let server = Server::start();
    let elsewhere = Target::parse(&format!("jsonl:{}", server.url("out").replace("lake", "pond"))).unwrap();
    said.push(Destination::open(&elsewhere, "demo").unwrap_err());
    server.put("out/manifest.json", b"{\"version\":1}");
    said.push(refused(&server, "jsonl"));
    let server = Server::start();
    let mut to = open(&server, "jsonl");
    to.record(&[crate::Change::Done { seq: 1 }]).unwrap();
    to.commit().unwrap();
    said.push(refused(&server, "parquet"));
    let state = server.names().into_iter().find(|name| name.ends_with(".state.zst")).unwrap();
    server.put(&state, b"x");
    said.push(refused(&server, "jsonl"));
    server.remove(&state);
    said.push(refused(&server, "jsonl"));
    let server = Server::start();
    let tasks = table("tasks", Disposition::Append);
    let mut to = open(&server, "jsonl");
    to.begin(&tasks, &load("tasks", "1")).unwrap();
    to.write(&tasks, &page("{\"id\":1}\n", "1"), &[]).unwrap();
    to.commit().unwrap();
    named(&server, &target(&server, "jsonl")).iter().for_each(|name| server.remove(name));
    said.push(open(&server, "jsonl").resume(&tasks, &load("tasks", "1")).unwrap_err());
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("parquet:s3://lake?endpoint=http://{closed}&access_key_id=a&secret_access_key=hush");
    said.push(Destination::open(&Target::parse(&nobody).unwrap(), "demo").unwrap_err());
    let half = "parquet:s3://lake?access_key_id=a";
    said.push(Destination::open(&Target::parse(half).unwrap(), "demo").unwrap_err());
    let hex = |text: String| {
        let is_run = |word: &str| word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
        words
            .map(|word| {
                let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
                if is_run(bare) { word.replace(bare, "[run]") } else { word.to_owned() }
            })
            .collect::<String>()
    };
    let said: Vec<String> =
        said.into_iter().map(|error| format!("{:?}: {error}", kind(&error))).map(hex).collect();
    assert!(!said.iter().any(|text| text.contains("hush")));
    insta::assert_snapshot!(said.join("\n"));
}

fn kind(error: &DestinationError) -> Option<StoreFailure> {
    match error {
        DestinationError::Store { failure, .. } => Some(*failure),
        _ => None,
    }
}
