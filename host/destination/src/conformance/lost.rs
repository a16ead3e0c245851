//! Connections to real stores that break off in a commit. (Those to servers of databases: `postgres/tests.rs`.)

use super::left_over::assert_no_leftovers;
use super::loads::{load, page, table};
use super::places::{real_stores, store_places};
use crate::proxy::losing;
use crate::*;

/// It is lost before the store has it, or after it was done; both ways it is known at once what is so.
#[test]
fn a_commit_to_a_store_that_is_lost() {
    let is_commit = |sent: &[u8]| {
        sent.starts_with(b"PUT ")
            && sent.windows(15).any(|word| word == b"/manifest.json?" || word == b"/manifest.json ")
    };
    for (url, done) in real_stores().into_iter().flat_map(|url| [(url.clone(), false), (url, true)]) {
        let (_, port) = url.split_once("http://127.0.0.1:").unwrap();
        let port = &port[..port.find(['&', '/']).unwrap()];
        for form in 0..2 {
            let way = losing(port.parse().unwrap(), is_commit, 2, done);
            let place = store_places(url.replacen(port, &way.to_string(), 1)).nth(form).unwrap();
            let tasks = table("tasks", Disposition::Append);
            let mut to = place.open();
            to.begin(&tasks, &load("tasks", "1")).unwrap();
            to.write(&tasks, &page("{\"id\":1}\n", "1"), &[]).unwrap();
            to.commit().unwrap();
            to.write(&tasks, &page("{\"id\":2}\n", "1"), &[]).unwrap();
            let committed = to.commit();
            assert_eq!(committed.is_ok(), done, "{:?} {committed:?}", place.target);
            drop(to);
            let there: &[&str] = if done { &["{\"id\":1}", "{\"id\":2}"] } else { &["{\"id\":1}"] };
            assert_eq!(place.rows("tasks"), there, "{:?}", place.target);
            let mut to = place.open();
            to.resume(&tasks, &load("tasks", "1")).unwrap();
            if !done {
                to.write(&tasks, &page("{\"id\":2}\n", "1"), &[]).unwrap();
            }
            to.finish(&tasks, &load("tasks", "1"), &[]).unwrap();
            to.commit().unwrap();
            drop(to);
            assert_eq!(place.rows("tasks"), ["{\"id\":1}", "{\"id\":2}"], "{:?}", place.target);
            assert_no_leftovers(&place);
        }
    }
}
