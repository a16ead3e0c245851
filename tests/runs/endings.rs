//! How a run ends: the lines around its table, for whoever has to go on from there.

use std::io::{BufRead, BufReader, Read};
use std::process::Command;

use insta::assert_snapshot;
use sanderling_demo::{Options, Reply, start};

use crate::program::Folder;

#[test]
fn of_many_failures_the_first_are_told() {
    let server = start(Options::default()).unwrap();
    let parents: Vec<String> = (1..=12).map(|id| format!("{{\"id\":{id}}}")).collect();
    let parents = format!("[{}]", parents.join(","));
    server.set_route("/p", move |_| Reply::json(200, parents.clone()));
    server.set_route("/p/*/c", |_| Reply::json(400, "{\"error\":\"`since` is missing\"}"));
    let folder = Folder::new();
    let config = format!(
        "client: {{base_url: \"{}\"}}\nlimits: {{concurrency: 1}}\nresources: {{p: /p, c: \"/p/{{resources.p.id}}/c\"}}\n",
        server.base_url()
    );
    folder.write("c.yaml", &config);
    let ran = folder.run(&["run", "c.yaml", "--progress", "none", "-q"]).expect(1);
    let told: Vec<&str> =
        ran.stderr.lines().filter(|line| !line.starts_with(' ') || line.starts_with("  ")).collect();
    assert_snapshot!(told.get(36..).unwrap().join("\n").replace(&server.base_url(), "http://api"));
}

#[test]
fn a_demo_that_is_stopped_says_how_to_go_on() {
    let mut demo = Folder::new();
    demo.env("NO_COLOR", "1");
    let mut child = demo.spawn(&["demo", "--progress", "plain"]);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    // The API of the demo asks for a second's patience.
    while !said.contains("; try 2 in ") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    let mut told: Vec<String> = said
        .lines()
        .filter(|line| ["; try 2", "stopped", "time_entries  "].iter().any(|part| line.contains(part)))
        .map(|line| {
            line.replace(|char: char| char.is_ascii_digit(), "#")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    told.dedup();
    assert_snapshot!(told.join("\n"));
}
