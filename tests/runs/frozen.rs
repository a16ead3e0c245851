//! `--frozen`: a config that leaves something to be guessed is refused.

use insta::{allow_duplicates, assert_snapshot};
use sanderling_demo::{KEY, Options, Reply, demo_config, start};

use crate::program::Folder;

#[test]
fn a_guess_from_the_config_is_refused_before_any_request() {
    let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
    let folder = Folder::with_key(KEY);
    folder.write("demo.yaml", &demo_config(&server.base_url()));
    let ran = folder.run(&["run", "demo.yaml", "--frozen"]).expect(2);
    assert_snapshot!(ran.stderr, @r#"
    error: --frozen takes no guesses, and the config leaves one to be made
      `{parent_id}` in the path of `tasks` is taken to be `id` of `projects`; its rows carry it as `_projects_id`
    hint: in demo.yaml:20 write `tasks: {endpoint: "/v1/projects/{resources.projects.id}/tasks", include_from_parent: [id]}`
    hint: or let `sanderling check --fix demo.yaml` write it
    "#);
    let checked = folder.run(&["check", "demo.yaml", "--frozen"]).expect(2);
    assert_eq!(checked.stderr, ran.stderr);
    assert_eq!((server.requests().len(), folder.names()), (0, vec!["demo.yaml".to_owned()]));
}

#[test]
fn a_guess_on_a_page_fails_its_resource_before_a_row_is_written() {
    let server = start(Options::default()).unwrap();
    server.set_route("/a", |_| Reply::json(200, r#"{"data":[{"id":1}]}"#));
    server.set_route("/b", |_| Reply::json(200, r#"[{"id":1}]"#));
    for (target, kept) in [("sqlite:out.db", "out.db"), ("jsonl:out", "out/b.jsonl")] {
        let folder = Folder::new();
        folder.write(
            "c.yaml",
            &format!(
                "client: {{base_url: \"{}\", paginator: single_page}}\nresources:\n  a: {{endpoint: {{path: a}}}}\n  b:\n    endpoint: {{path: b, data_selector: $}}\n",
                server.base_url()
            ),
        );
        let ran = folder.run(&["run", "c.yaml", "--frozen", "--to", target, "--progress", "none"]).expect(2);
        let told = |line: &&str| line.starts_with("error") || line.starts_with("hint");
        let errors: Vec<&str> = ran.stderr.lines().filter(told).collect();
        let errors = errors.join("\n");
        allow_duplicates!(assert_snapshot!(errors, @r"
        error: a, page 1: --frozen takes no guesses, and here is one: the rows of `a` are taken to stand at `data`
        hint: in `a.endpoint` (c.yaml:3) write `data_selector: data`
        hint: or let `sanderling check --fix c.yaml` write it
        "));
        assert!(folder.path(kept).exists());
        if target.starts_with("sqlite") {
            assert_eq!(folder.count("out.db", "select count(*) from sqlite_master where name = 'a'"), 0);
            assert_eq!(folder.count("out.db", "select count(*) from b"), 1);
        } else {
            assert_eq!(std::fs::read_to_string(folder.path("out/a.jsonl")).unwrap_or_default(), "");
        }
        folder.run(&["check", "c.yaml", "--frozen"]).expect(2).says(&["b: good, 1 row on the first page"]);
        folder.run(&["check", "c.yaml", "--fix"]).expect(0);
        folder.run(&["run", "c.yaml", "--frozen", "--to", target]).expect(0);
    }
}
