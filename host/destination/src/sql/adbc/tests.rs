//! What holds of drivers beside what holds of every destination: two runs at once, and what goes wrong.

use crate::conformance::{Place, driven_places, load, page, table};
use crate::postgres::server::shared;
use crate::sql::adbc::served;
use crate::{Destination, DestinationError, Disposition, ServerFailure, Target};

/// Of two runs the one that commits later is refused, and nothing of it counts.
#[test]
fn two_runs_at_once() {
    let servers =
        || driven_places().into_iter().filter(|place| matches!(place.target, Target::Postgres { .. }));
    // As they are, and as if definitions committed by themselves.
    let deferring = servers().map(|place| {
        let Some(Target::Adbc { mut address }) = place.driven else { unreachable!() };
        address.defers = true;
        Place { driven: Some(Target::Adbc { address }), ..place }
    });
    for place in servers().chain(deferring).chain(served::snowflake()).chain(served::flight()) {
        let tasks = table("tasks", Disposition::Append);
        let (mut one, mut two) = (place.open(), place.open());
        for round in 0..2 {
            for (to, id) in [(&mut one, "1"), (&mut two, "2")] {
                to.begin(&tasks, &load("tasks", id)).unwrap();
                to.write(&tasks, &page(&format!("{{\"id\":1{round}}}\n"), id), &[]).unwrap();
                // Each makes the table, and the second waits for the first.
                if id == "1" {
                    to.commit().unwrap();
                }
            }
            let refused = two.commit().unwrap_err();
            let said = refused.to_string();
            assert!(
                matches!(refused, DestinationError::Server { failure: ServerFailure::Busy, .. }),
                "{refused:?}"
            );
            assert!(said.ends_with("pipeline `demo` is being loaded by another run"), "{said}");
            assert!(matches!(two.commit(), Err(DestinationError::Stopped { .. })));
            drop(two);
            two = place.open();
        }
        one.finish(&tasks, &load("tasks", "1"), &[]).unwrap();
        drop(two);
        one.commit().unwrap();
        drop(one);
        assert_eq!(place.rows("tasks"), ["{\"id\":10}", "{\"id\":11}"]);
        // Another pipeline has a turn of its own.
        let mut other = Destination::open(place.door(), "other").unwrap();
        let mut own = place.open();
        for (to, name) in [(&mut other, "others"), (&mut own, "mine")] {
            let table = table(name, Disposition::Append);
            to.begin(&table, &load(name, "1")).unwrap();
            to.write(&table, &page("{\"id\":1}\n", "1"), &[]).unwrap();
            to.commit().unwrap();
        }
    }
}

/// What a run has sent stays when another is opened, and when one of the same name commits in another schema.
#[test]
fn pages_of_others_stay() {
    let Some((here, elsewhere)) = served::flight().zip(served::flight()) else { return };
    let tasks = table("tasks", Disposition::Append);
    let write = |to: &mut Destination| {
        to.begin(&tasks, &load("tasks", "1")).unwrap();
        to.write(&tasks, &page("{\"id\":1}\n", "1"), &[]).unwrap();
    };
    let mut one = here.open();
    write(&mut one);
    drop(here.open());
    let mut other = elsewhere.open();
    write(&mut other);
    other.commit().unwrap();
    one.commit().unwrap();
    assert_eq!(here.rows("tasks"), ["{\"id\":1}"]);
}

/// What opening says, with the secrets of its address.
#[test]
fn refusals_repeat_no_secret() {
    if driven_places().is_empty() {
        return;
    }
    let folder = std::env::var("SANDERLING_ADBC").unwrap();
    let driver = |name: &str| format!("driver={folder}/adbc_driver_{name}/libadbc_driver_{name}.so");
    let mut told = String::new();
    let mut say = |text: &str| {
        let target = Target::parse(text).unwrap();
        let opened = Destination::open(&target, "demo").unwrap_err();
        assert!(!format!("{opened:?} {opened}").contains("geheim"), "{opened:?}");
        let kind = match &opened {
            DestinationError::Server { failure, .. } => format!("{failure:?}"),
            DestinationError::NoDriver { .. } => "NoDriver".to_owned(),
            DestinationError::Unwritable { .. } => "Unwritable".to_owned(),
            DestinationError::NotOurs { .. } => "NotOurs".to_owned(),
            other => format!("{other:?}"),
        };
        told.push_str(&format!("{kind}: {}\n", opened.to_string().replace(&folder, "FOLDER")));
    };
    say("adbc:snowflake?username=ada&password=geheim");
    say("adbc:sqlite?uri=x.db&driver=/nowhere/x.so&x=geheimnis");
    let (sqlite, postgresql) = (driver("sqlite"), driver("postgresql"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.db");
    std::fs::write(&file, "no database at all, but a text that is longer than its header would be").unwrap();
    let text = format!("adbc:sqlite?uri={}&{sqlite}", file.display());
    let refused = Destination::open(&Target::parse(&text).unwrap(), "demo").unwrap_err();
    assert!(matches!(refused, DestinationError::NotOurs { .. }), "{refused:?}");
    say(&format!("adbc:postgresql?uri=postgresql://ada:geheim@127.0.0.1:1/db&{postgresql}&sslmode=geheim"));
    if let Some(server) = shared() {
        let url = server.driver_url();
        let (before, after) = url.split_once("://").unwrap();
        let (_, place) = after.split_once('@').unwrap();
        let mut said = String::new();
        for text in [format!("{before}://tester:geheim@{place}"), format!("{url}x")] {
            let target = Target::parse(&format!("adbc:postgresql?uri={text}&{postgresql}")).unwrap();
            let refused = Destination::open(&target, "demo").unwrap_err().to_string();
            assert!(!refused.contains("geheim"), "{refused}");
            said.push_str(&refused.replace(&format!(":{}", server.port()), ":PORT"));
            said.push('\n');
        }
        told.push_str(&said.replace(&format!("port {}", server.port()), "port PORT"));
    }
    insta::assert_snapshot!(told);
}
