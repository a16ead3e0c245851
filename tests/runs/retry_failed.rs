//! `run --retry-failed`: only the parents that failed are asked for, and then the tables are what a clean run leaves.

use sanderling_demo::{Action, Fault, Options, Reply, Server, When, start};

use crate::program::Folder;

const PARENTS: usize = 100;
/// Not one behind the other, which would halt the origin.
const BAD: [usize; 3] = [7, 42, 93];

struct Api {
    server: Server,
    folder: Folder,
    target: &'static str,
}

fn api(target: &'static str, disposition: &str) -> Api {
    let (server, folder) = (start(Options::default()).unwrap(), Folder::new());
    server.set_route("/p", |request| {
        let number = |name| request.number_param(name).unwrap();
        let ids = (number("offset")..PARENTS).take(number("limit"));
        let rows: Vec<String> = ids.map(|id| format!("{{\"id\":{id}}}")).collect();
        Reply::json(200, format!("{{\"data\":[{}],\"total\":{PARENTS}}}", rows.join(",")))
    });
    server.set_route("/p/*/c", |request| {
        let parent: usize = request.path.split('/').nth(2).and_then(|id| id.parse().ok()).unwrap();
        let offset = request.number_param("offset").unwrap();
        let rows: Vec<String> =
            (offset..3).take(2).map(|n| format!("{{\"id\":{}}}", parent * 10 + n)).collect();
        Reply::json(200, format!("{{\"data\":[{}],\"total\":3}}", rows.join(",")))
    });
    server.set_route("/other", |_| Reply::json(200, r#"{"data":[{"id":1}],"total":1}"#));
    folder.write(
        "p.json",
        &format!(
            r#"{{"client": {{"base_url": "{}"}}, "resume_within": "1s",
            "resource_defaults": {{"primary_key": "id", "write_disposition": "{disposition}",
              "endpoint": {{"data_selector": "data", "paginator": {{"type": "offset", "limit": 2}},
                "error_handler": {{"max_retries": 0}}}}}},
            "resources": [{{"name": "p", "endpoint": {{"paginator": {{"type": "offset", "limit": 30}}}}}},
              {{"name": "c", "endpoint": "/p/{{resources.p.id}}/c"}}, "other"]}}"#,
            server.base_url()
        ),
    );
    Api { server, folder, target }
}

impl Api {
    fn args(&self) -> [&'static str; 4] {
        ["run", "p.json", "--to", self.target]
    }

    /// The second page of each bad parent fails for good.
    fn spoil(&self) {
        for id in BAD {
            let fault = Fault::new(&format!("/p/{id}/c"), When::Always, Action::status(500));
            // The first page of the first of them is there already.
            let query = if id == BAD[0] { vec![("offset".into(), "2".into())] } else { Vec::new() };
            self.server.add_fault(Fault { query, ..fault });
        }
    }

    fn mend(&self) {
        self.server.clear_faults();
        self.server.clear_log();
    }

    fn tables(&self) -> Vec<Vec<String>> {
        ["p", "c", "other"]
            .map(|table| {
                let mut rows = match self.target {
                    "jsonl:out" => self.folder.lines(&format!("out/{table}.jsonl")),
                    _ => self.folder.table("out.db", table),
                };
                rows.sort();
                rows
            })
            .into()
    }

    fn asked(&self) -> Vec<String> {
        let mut asked: Vec<String> =
            self.server.requests().into_iter().map(|request| request.target).collect();
        asked.sort();
        asked
    }
}

#[test]
fn exactly_those_are_asked_for_and_the_tables_are_a_clean_runs() {
    for target in ["sqlite:out.db", "jsonl:out"] {
        for disposition in ["append", "replace", "merge"] {
            let clean = api(target, disposition);
            clean.folder.run(&clean.args()).expect(0);
            let it = api(target, disposition);
            it.spoil();
            it.folder.run(&it.args()).expect(4).says(&["3 parents failed"]);
            it.mend();
            // Longer than `resume_within`: what was written is as it was.
            std::thread::sleep(std::time::Duration::from_millis(1_100));
            let ran = it.folder.run(&[&it.args()[..], &["--retry-failed"]].concat()).expect(0);
            let ran = ran.says(&[
                "note: p: reading 3 parents that failed once more, 1 s later",
                "c: complete, 300 rows",
            ]);
            assert_eq!(
                it.asked(),
                [
                    "/p/42/c?offset=0&limit=2",
                    "/p/42/c?offset=2&limit=2",
                    "/p/7/c?offset=2&limit=2",
                    "/p/93/c?offset=0&limit=2",
                    "/p/93/c?offset=2&limit=2",
                ]
            );
            assert!(it.tables() == clean.tables(), "{target} {disposition}\n{}", ran.stderr);
            // Nothing is left to do.
            it.mend();
            let ran = it.folder.run(&[&it.args()[..], &["--retry-failed"]].concat()).expect(0);
            ran.says(&["no parent failed in the last run; nothing is asked for"]);
            assert_eq!(it.asked(), [""; 0]);
            // The next run is another one.
            it.folder.run(&it.args()).expect(0);
        }
    }
}

#[test]
fn what_fails_again_can_be_tried_again() {
    let it = api("sqlite:out.db", "append");
    it.spoil();
    it.folder.run(&it.args()).expect(4);
    let retry = [&it.args()[..], &["--retry-failed"]].concat();
    it.mend();
    let again = Fault::new("/p/42/c", When::Always, Action::status(500));
    it.server.add_fault(again);
    it.folder.run(&retry).expect(4).says(&["1 parent failed"]);
    it.mend();
    it.folder.run(&retry).expect(0).says(&["reading 1 parent that failed once more"]);
    assert_eq!(it.server.requests().len(), 2);
    assert_eq!(it.folder.count("out.db", "select count(distinct id) from c"), 300);
    assert_eq!(it.folder.count("out.db", "select count(*) from c"), 300);
}

#[test]
fn what_was_not_read_at_all_is_left_alone() {
    let it = api("sqlite:out.db", "append");
    it.spoil();
    it.server.add_fault(Fault::new("/other", When::Always, Action::status(500)));
    let fault = Fault::new("/p", When::Always, Action::status(404));
    it.server.add_fault(Fault { query: vec![("offset".into(), "60".into())], ..fault });
    it.folder.run(&it.args()).expect(4);
    it.mend();
    let retry = [&it.args()[..], &["--retry-failed"]].concat();
    // Of the parents only the first sixty were listed.
    it.folder.run(&retry).expect(1).says(&["reading 2 parents that failed once more", "not finished"]);
    assert_eq!(it.server.count("/p") + it.server.count("/other") + it.server.count("/p/93/c"), 0);
    it.mend();
    it.folder.run(&retry).expect(0).says(&["no parent failed", "run without --retry-failed to go on"]);
    assert_eq!(it.server.requests().len(), 0);
    it.folder.run(&it.args()).expect(0);
    assert_eq!(it.folder.count("out.db", "select count(*) from c"), 300);
    assert_eq!(it.folder.count("out.db", "select count(*) from p"), 100);
}

#[test]
fn what_has_changed_is_refused_with_what_to_do() {
    let it = api("sqlite:out.db", "append");
    it.spoil();
    it.folder.run(&it.args()).expect(4);
    it.mend();
    let retry = [&it.args()[..], &["--retry-failed"]].concat();
    let config = it.folder.read("p.json");
    it.folder.write("p.json", &config.replace("\"limit\": 2", "\"limit\": 3"));
    it.folder.run(&retry).expect(2).says(&[
        "error: p: what failed cannot be read by itself: the config, or what is read of it, has changed since",
        "hint: run without --retry-failed",
    ]);
    assert_eq!(it.server.requests().len(), 0);
    it.folder.write("p.json", &config);
    // A parent that was half-read, and has another total now.
    it.server.add_fault(Fault::new(
        "/p/7/c",
        When::Always,
        Action::Answer(Reply::json(200, "{\"data\":[{\"id\":72}],\"total\":9}")),
    ));
    it.folder.run(&retry).expect(2).says(&["p", "`c` had 3 rows then and has 9 now"]);
    it.mend();
    it.folder.run(&it.args()).expect(0);
    assert_eq!(it.folder.count("out.db", "select count(*) from c"), 300);
}

#[test]
fn flags_that_say_something_else_are_refused() {
    let it = api("sqlite:out.db", "append");
    for flags in [&["--fresh"][..], &["--max-pages", "2"], &["--resource", "c"]] {
        let args = [&it.args()[..], &["--retry-failed"], flags].concat();
        it.folder.run(&args).expect(2).says(&["cannot be used with"]);
    }
}
