//! Whole runs into Parquet files, and their rows.

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
use ::parquet::record::Row;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use insta::assert_snapshot;
use sanderling_demo::{KEY, Options, demo_config, start};
use serde_json::Value;

use crate::program::Folder;

/// The rows of a file in words, without what each load has of its own.
pub(crate) fn rows(file: Vec<u8>) -> Vec<String> {
    let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
    let row = |row: Result<Row, _>| {
        let row: Row = row.unwrap();
        let fields = row.get_column_iter().filter(|(name, _)| !name.starts_with("_load"));
        fields.map(|(name, value)| format!("{name}={value} ")).collect()
    };
    reader.get_row_iter(None).unwrap().map(row).collect()
}

/// Two columns of whole numbers of a file.
pub(crate) fn pairs(file: Vec<u8>, one: &str, other: &str) -> Vec<(i64, i64)> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file)).unwrap();
    let mut pairs = Vec::new();
    for batch in reader.build().unwrap() {
        let batch = batch.unwrap();
        let [one, other] = [one, other]
            .map(|name| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec());
        pairs.extend(one.into_iter().zip(other));
    }
    pairs
}

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
