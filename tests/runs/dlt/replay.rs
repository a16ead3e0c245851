//! Runs the program on a case and says in what it differs from dlt.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::case::{Case, Outcome, json_lines};
use super::judge::{Aspect, Seen};
use super::server::Server;
use super::tables;
use crate::program::Folder;

/// Runs a case as often as it asks for, with one state folder, each time into an empty folder.
pub(super) fn replay(case: &Case, server: &Server) -> Seen {
    let mut folder = Folder::new();
    for (name, value) in &case.env {
        folder.env(name, value);
    }
    folder.write("config.json", &case.config.to_string().replace("${BASE}", &server.base_url()));
    let mut requests = Vec::new();
    let mut rows: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut codes = Vec::new();
    let mut stderr = String::new();
    for run in 0..case.runs {
        server.reset(case.script(run));
        let to = format!("jsonl:out{run}");
        let ran = folder.run(&["run", "config.json", "--state", "state", "--to", &to]);
        codes.push(ran.code);
        stderr.push_str(&ran.stderr);
        requests.extend(server.log());
        for path in files(&folder, &format!("out{run}")) {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            rows.entry(name).or_default().extend(json_lines(&path));
        }
    }
    let mut differs = BTreeSet::new();
    let is_ok = codes.iter().all(|code| *code == Some(0));
    if is_ok != (case.outcome == Outcome::Ok) {
        differs.insert(Aspect::Outcome);
    }
    if case.outcome != Outcome::ConfigError
        && bag(requests.iter().map(compared)) != bag(case.requests().iter().map(compared))
    {
        differs.insert(Aspect::Requests);
    }
    if case.outcome == Outcome::Ok {
        let ours = |name: &str| bag(rows.get(name).into_iter().flatten().cloned());
        if case.rows().into_iter().any(|(name, theirs)| ours(&name) != bag(theirs)) {
            differs.insert(Aspect::Rows);
        }
    }
    if case.outcome == Outcome::Ok
        && !differs.contains(&Aspect::Outcome)
        && !differs.contains(&Aspect::Rows)
        && let Some(why) = tables::differ(case, server)
    {
        differs.insert(Aspect::Tables);
        stderr.push_str(&why);
    }
    Seen { differs, codes, is_dlt_ok: case.outcome == Outcome::Ok, stderr }
}

/// The `*.jsonl` of a folder that may not be there.
fn files(folder: &Folder, name: &str) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder.path(name)) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect()
}

/// What counts of a request: method, path, query in any order, body by value where it is JSON.
fn compared(request: &Value) -> Value {
    let mut query = request["query"].as_array().cloned().unwrap_or_default();
    query.sort_by_key(Value::to_string);
    let body = match request["body"].as_str() {
        None | Some("") => Value::Null,
        Some(text) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    };
    json!([request["method"], request["path"], query, body])
}

/// Values in any order: pages and children may be read side by side.
fn bag(values: impl IntoIterator<Item = Value>) -> Vec<String> {
    let mut texts: Vec<String> = values
        .into_iter()
        .map(|mut value| {
            value.sort_all_objects();
            value.to_string()
        })
        .collect();
    texts.sort();
    texts
}
