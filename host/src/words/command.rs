//! A failed command.

use sanderling_destination::DataType;
use sanderling_gate::RuleError;

use super::connector::of_ungranted;
use super::destination::of_destination;
use super::failure::{code_of_fault, of_fault, of_trap};
use super::hints::{CONNECTORS_FAULT, hint_for_guesses, hint_for_trap};
use super::import::of_import;
use super::init::of_init;
use super::text::without_number;
use super::{Words, exit, of_connector, schema, to_write};
use crate::contract::{Notice, Setting};
use crate::document::edit::EditError;
use crate::document::{Document, Format, nearest, render};
use crate::error::Error;
use crate::run::plan::PlanError;
use crate::sandbox::{CallError, ListError, LoadError};
use crate::secrets::SecretError;
use crate::show::Paint;
/// A failed command. `paint` is for the config's lines; the rest has no colour.
pub fn of_error(error: &Error, paint: Paint) -> Words {
    match error {
        Error::Unreadable { path, cause, near } => {
            let mut words = Words::new(exit::CONFIG, format!("{} cannot be read: {cause}", path.display()));
            words.hints.extend(near.iter().map(|near| format!("did you mean `{near}`?")));
            words
        }
        Error::Unwritable { path, cause } => {
            Words::new(exit::CONFIG, format!("{} cannot be written: {cause}", path.display()))
        }
        Error::Exists { path, force } => {
            let words = Words::new(exit::CONFIG, format!("{} is there already", path.display()));
            let words = if *force { words.hint("--force overwrites it") } else { words };
            words.hint("-o names another file")
        }
        Error::NotYaml(path) => {
            Words::new(exit::CONFIG, format!("{}: this config is written as YAML", path.display()))
                .hint("let the name end in .yaml")
        }
        Error::Several { path, count } => {
            Words::new(exit::CONFIG, format!("{count} configs cannot be written into {}", path.display()))
                .hint("name a folder: -o configs/")
        }
        Error::Init(problem) => of_init(problem),
        Error::Unasked(cause) => {
            Words::new(exit::OTHER, format!("a question cannot be asked: {}", without_number(cause)))
                .hint("--yes asks none")
        }
        Error::Interrupted => Words::new(exit::INTERRUPTED, "broken off; nothing was written"),
        Error::Import { path, problem } => of_import(&path.display().to_string(), *problem),
        Error::Unwritten { path, cause } => {
            Words::new(exit::CONFIG, format!("{} cannot be written: {cause}", path.display()))
                .hint("it is as it was; `sanderling check` without --fix shows the lines to write")
        }
        Error::Format(error) => Words::new(exit::CONFIG, error.to_string()),
        Error::Syntax { file_name, text, problems } => {
            let shown = render(file_name, text, problems, paint == Paint::Ansi, &str::to_owned);
            with_snippet(&shown, problems.len())
        }
        Error::Config { document, problems } => {
            with_snippet(&document.render(problems, paint == Paint::Ansi, &str::to_owned), problems.len())
        }
        Error::Guessed { document, notices } => of_guesses(notices, document),
        Error::Secrets(errors) => of_secrets(errors),
        Error::Secret(error) => Words::new(exit::CREDENTIAL, error.to_string()),
        Error::Allow(error) => Words::new(exit::CONFIG, error.to_string()).hint(RuleError::HINT),
        Error::Origin(error) => Words::new(exit::CONFIG, format!("the connector names no origin: {error}")),
        Error::Plan(error) => of_plan(error),
        Error::Load(error @ LoadError::Engine(_)) => Words::new(exit::OTHER, error.to_string()),
        Error::Load(error) => Words::new(exit::CONFIG, error.to_string()),
        Error::Connector { path, problem } => of_connector(&path.display().to_string(), problem),
        Error::Ungranted(ungranted) => of_ungranted(ungranted),
        Error::List(ListError::AsksApi) => Words::new(
            exit::CONFIG,
            "the connector asks its API what there is, which is not supported yet: nothing was sent",
        )
        .hint("a connector lists its resources from its config alone"),
        Error::List(ListError::Call(CallError::Fault(fault))) => {
            let (what, _) = of_fault(fault);
            Words::new(code_of_fault(fault), what)
        }
        Error::List(ListError::Call(CallError::Trap(trap))) => {
            let mut words = Words::new(exit::OTHER, of_trap(trap));
            words.hints.extend(hint_for_trap(trap, Format::Yaml));
            words
        }
        Error::Target(error) => Words::new(exit::CONFIG, error.to_string()),
        Error::Useless { option, why } => {
            Words::new(exit::CONFIG, format!("{option} would do nothing: {why}"))
                .hint(format!("leave {option} out"))
        }
        Error::OneStream { resources } => Words::new(
            exit::CONFIG,
            format!("standard output takes the rows of one resource, and these are {}", resources.len()),
        )
        .hint(format!(
            "name one: {}",
            resources
                .iter()
                .take(3)
                .map(|name| format!("--resource {name}"))
                .collect::<Vec<_>>()
                .join(", or ")
        )),
        Error::NoColumns { target } => schema::of_no_columns(target),
        Error::Undiscovered { config, target, resources } => {
            schema::of_undiscovered(config, target, resources)
        }
        Error::Destination(error) => of_destination(error),
        Error::Demo(cause) => {
            Words::new(exit::OTHER, format!("the demo API does not start: {}", without_number(cause)))
                .hint("give it another --port, or none: it then takes a free one")
        }
        Error::NoPipeline { known } => {
            let words = Words::new(exit::CONFIG, "it is not clear which pipeline is meant");
            match known.as_slice() {
                [] => words.hint("name its config, or its destination with --to"),
                known => words.hint(format!("there are {}: name one with --pipeline", known.join(", "))),
            }
        }
        Error::NotRemembered { name, known } => {
            let words = Words::new(exit::CONFIG, format!("nothing is remembered of `{name}`"));
            match nearest(name, known.iter().map(String::as_str)) {
                Some(near) => words.hint(format!("did you mean `{near}`?")),
                None => words.hint(format!("something is of {}", known.join(", "))),
            }
        }
        Error::Adopt { target, error } => super::adopt::of_refusal(target, error),
        Error::Edit { resource, error } => super::state::of_unset(resource, *error),
        Error::Unprinted(cause) => Words::new(
            exit::OTHER,
            format!("all is read, but the result cannot be printed on stdout: {}", without_number(cause)),
        ),
        Error::Runtime(cause) => Words::new(exit::OTHER, format!("the program does not start: {cause}")),
    }
}

fn with_snippet(shown: &str, count: usize) -> Words {
    let problems = if count == 1 { "a problem".to_owned() } else { format!("{count} problems") };
    let mut words = Words::new(exit::CONFIG, format!("the config has {problems}"));
    words.snippet = shown.trim_end().lines().map(str::to_owned).collect();
    words
}

/// A setting that `--fix` could not write.
pub fn of_unwritten(setting: &Setting, error: EditError, config: &Document) -> Words {
    Words::new(exit::CONFIG, format!("{} is left as it is: {error}", config.file_name()))
        .hint(to_write(std::slice::from_ref(setting), config))
}

fn of_guesses(notices: &[Notice], config: &Document) -> Words {
    let count = if notices.len() == 1 { "one".to_owned() } else { notices.len().to_string() };
    let mut words = Words::new(
        exit::CONFIG,
        format!("--frozen takes no guesses, and the config leaves {count} to be made"),
    );
    words.more = notices.iter().map(|notice| notice.message.clone()).collect();
    words.hints = notices.iter().map(|notice| to_write(&notice.settles, config)).collect();
    words.hint(hint_for_guesses(config))
}

fn of_secrets(errors: &[SecretError]) -> Words {
    let mut words = match errors {
        [one] => Words::new(exit::CREDENTIAL, one.to_string()),
        several => {
            let mut words = Words::new(exit::CREDENTIAL, format!("{} problems with secrets", several.len()));
            words.more = several.iter().map(ToString::to_string).collect();
            words
        }
    };
    for error in errors {
        match error {
            SecretError::Missing { name, places } => {
                words.hints.push(format!("give `{name}` by one of\n    {}", places.join("\n    ")));
            }
            SecretError::File { hint: Some(hint), .. } => words.hints.push(hint.clone()),
            SecretError::Flag { .. } => words.code = exit::CONFIG,
            SecretError::Unused { known, near, .. } => {
                words.code = exit::CONFIG;
                words.hints.push(match (near, known.as_slice()) {
                    (Some(near), _) => format!("did you mean `{near}`?"),
                    (None, []) => "the config refers to no secret; leave --secret out".into(),
                    (None, known) => format!("the config refers to {}", known.join(", ")),
                });
            }
            SecretError::Bound { .. } => {
                words.hints.push("give the destination a secret of its own".to_owned());
            }
            SecretError::Source { .. } | SecretError::File { .. } => {}
        }
    }
    words
}

fn of_plan(error: &PlanError) -> Words {
    let words = Words::new(exit::CONFIG, error.to_string());
    match error {
        PlanError::Unknown { name, known } => {
            let near = nearest(name, known.iter().map(String::as_str));
            let words = match near {
                Some(near) => words.hint(format!("did you mean `{near}`?")),
                None => words,
            };
            words.hint(format!("the config has {}", known.join(", ")))
        }
        PlanError::DataType { data_type, .. } => {
            let known = DataType::ALL.map(DataType::name);
            match nearest(data_type, known) {
                Some(near) => words.hint(format!("did you mean `{near}`?")),
                None => words.hint(format!("the types are {}", known.join(", "))),
            }
        }
        PlanError::Unsound(_) => words.hint(CONNECTORS_FAULT),
        PlanError::NoRange { replaced: true, .. } => {
            words.hint("leave `--since` and `--until` out, or name other resources")
        }
        PlanError::NoRange { .. } | PlanError::NothingIncremental => {
            words.hint("give its endpoint an `incremental` with a `cursor_path`")
        }
        PlanError::WouldAppend { .. } => words.hint("write to a database, or leave `--strict` out"),
        PlanError::NeedsDatabase { .. } => words.hint("write to a database, or leave it out"),
        PlanError::Unsupported { .. } => words,
    }
}
