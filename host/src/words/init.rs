//! What `init` says: what it saw, what it kept, and why it made nothing.

use serde_json::Value;

use super::text::{counted, grouped};
use super::{Words, exit};
use crate::init::{InitError, shown};
use crate::sample::Sampled;
use crate::show::Paint;

/// Before a person is asked for a credential.
pub const ASKED_WHO: &str = "the API wants to know who asks\n";

/// Nothing that a config could be made of.
pub(super) fn of_init(problem: &InitError) -> Words {
    let words = Words::new(exit::CONFIG, problem.to_string());
    match problem {
        InitError::NoAddress => {
            words.hint("name a list that it has: `sanderling init https://api.example.com/v1/users`")
        }
        InitError::NotHttp => words.hint("write it whole, such as https://api.example.com/v1/users"),
        InitError::Curl(_) => words.hint("write the address, and say the rest by --auth and --path"),
        InitError::OpenApi(_) => words.hint("write the address without --openapi"),
        InitError::WhichPath(paths) => {
            let shown: Vec<&str> = paths.iter().take(10).map(String::as_str).collect();
            words.hint(format!("name one by --path: {}", shown.join(", ")))
        }
        InitError::NoSuchPath { near: Some(near), .. } => words.hint(format!("did you mean `{near}`?")),
        InitError::NoSuchPath { near: None, .. } => words.hint("--path names one of its paths"),
        InitError::NoPage => words,
    }
}

/// A first page that could not be had. `unknown`: it was not said how the API knows who asks.
pub fn of_no_first_page(mut failure: Words, unknown: bool) -> Words {
    if unknown {
        failure.hints = vec![
            "say how the API knows you: --auth bearer --secret token=env:VAR, or header:NAME, query:NAME, basic".into(),
        ];
    }
    failure.more.push("nothing was written".to_owned());
    failure
}

/// What was seen, and what the config makes of it.
pub fn of_proposal(name: &str, page: &Sampled, config: &Value, paint: Paint) -> String {
    let rows = match page.total {
        Some(total) => format!("{} of {} rows", grouped(page.kept), grouped(total)),
        None => counted(page.kept, "row"),
    };
    let more = if page.more { ", and there are more" } else { "" };
    let mut text = format!("{name}: {rows} on the first page{more}\n");
    let mut line = |key: &str, pointer: &str, none: &str| {
        let said = shown(config, pointer).unwrap_or_else(|| none.to_owned());
        text.push_str(&format!("  {}: {said}\n", paint.dim(key)));
    };
    line("auth", "/client/auth", "none");
    line("rows", "/resources/0/endpoint/data_selector", "the answer itself");
    line("pages", "/resources/0/endpoint/paginator", "one is all, as far as can be seen");
    line("key", "/resources/0/primary_key", "none seen: each run puts new rows in the old ones' place");
    text
}

/// How the rows are compared with the file that the config was made of.
pub fn of_comparable(config: &str, openapi: &str) -> String {
    format!("`sanderling check {config} --openapi {openapi}` compares its columns with those documented\n")
}

/// A secret that was kept.
pub fn of_kept(name: &str, paint: Paint) -> String {
    format!(
        "{}: `{name}` is in .sanderling/secrets.toml, for this API and this user alone\n",
        paint.good("kept")
    )
}
