//! Whole runs into Parquet files.

use insta::assert_snapshot;
use sanderling_demo::{KEY, Options, demo_config, start};
use serde_json::Value;

use crate::program::Folder;

#[test]
fn a_run_leaves_files_and_a_manifest_and_the_next_one_replaces_them() {
    let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
    let folder = Folder::with_key(KEY);
    folder.write("demo.yaml", &demo_config(&server.base_url()));
    let run = || {
        let args = ["run", "demo.yaml", "--to", "parquet:out", "--resource", "expenses", "--fresh"];
        let ran = folder.run(&args).expect(0);
        let manifest: Value = serde_json::from_str(&folder.read("out/manifest.json")).unwrap();
        let expenses = manifest["resources"]["expenses"].clone();
        let files = expenses["files"].as_array().unwrap().clone();
        let files: Vec<String> = files.iter().map(|file| file.as_str().unwrap().to_owned()).collect();
        let there = std::fs::read_dir(folder.path("out/expenses")).unwrap().count();
        assert_eq!(there, files.len());
        assert!(!files.is_empty());
        (ran, files, expenses["columns"].clone())
    };
    let (ran, first, columns) = run();
    let peek = ran.stderr.lines().find(|line| line.starts_with("look at it")).unwrap();
    assert_snapshot!(peek);
    assert_snapshot!(serde_json::to_string_pretty(&columns).unwrap());
    let (_, second, _) = run();
    assert!(first.iter().all(|file| !second.contains(file)), "{first:?} {second:?}");
    let shown = folder.run(&["status", "--to", "parquet:out"]).expect(0);
    assert!(shown.stdout.contains("expenses"), "{}", shown.stdout);
}
