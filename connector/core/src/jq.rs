//! Programs in the jq language (jaq): compiled once, run on one JSON value at a time, with nothing else in reach.
//!
//! No input but the value, no environment, no clock, no files: what asks for those is not there, and a program that
//! names it does not compile. A program without an end is ended by the host's limits of time and memory.

mod json;

use std::fmt;

use jaq_core::compile::Undefined;
use jaq_core::load::{Arena, Error as Load, File, Loader, lex, parse, span};
use jaq_core::{Compiler, Ctx, Filter, Vars, data::JustLut};
pub(crate) use jaq_json::Val;

use crate::diagnostic::did_you_mean;
pub(crate) use json::{read, write};

/// What jaq would take from outside, or send there.
const OUTSIDE: [&str; 10] = [
    "debug",
    "debug_empty",
    "env",
    "halt",
    "halt_error",
    "localtime",
    "now",
    "stderr",
    "stderr_empty",
    "strflocaltime",
];

/// More of it, which jaq's libraries leave to their programs.
const OUTSIDE_ALREADY: [&str; 4] = ["$ENV", "input", "input_filename", "inputs"];

/// Characters of a value that a message shows.
const SHOWN_CHARS: usize = 200;

/// A compiled program.
pub(crate) struct Program {
    filter: Filter<JustLut<Val>>,
}

impl fmt::Debug for Program {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Program")
    }
}

/// Why a text is no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct NoProgram {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Program {
    /// Compiles a program.
    pub(crate) fn compile(code: &str) -> Result<Self, NoProgram> {
        let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let loader = Loader::new(defs.filter(|def| !is_outside(def.name)));
        let arena = Arena::default();
        let modules = loader
            .load(&arena, File { code, path: () })
            .map_err(|errors| not_read(code, errors.into_iter().next().map(|(_, error)| error)))?;
        let native = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let filter = Compiler::default()
            .with_funs(native.filter(|(name, ..)| !is_outside(name)))
            .compile(modules)
            .map_err(|errors| undefined(code, errors.into_iter().flat_map(|(_, errors)| errors).next()))?;
        Ok(Self { filter })
    }

    /// Everything that the program yields for `input`; after an error, nothing.
    pub(crate) fn run(&self, input: Val) -> impl Iterator<Item = Result<Val, String>> {
        let context = Ctx::<JustLut<Val>>::new(&self.filter.lut, Vars::new([]));
        let mut failed = false;
        self.filter
            .id
            .run((context, input))
            .take_while(move |result| !std::mem::replace(&mut failed, result.is_err()))
            .map(|result| {
                result.map_err(|exception| match exception.get_err() {
                    Ok(error) => start_of(&match error.into_val() {
                        // As `error` was given it, without quotes.
                        Val::TStr(text) => String::from_utf8_lossy(&text).into_owned(),
                        value => value.to_string(),
                    }),
                    // `halt`, which is not there to be called.
                    Err(_) => "halted".to_owned(),
                })
            })
    }

    /// The one value that the program yields for `input`; without one, or with several, how many.
    pub(crate) fn one(&self, input: Val) -> Result<Val, NotOne> {
        let mut values = self.run(input);
        let first = values.next().ok_or(NotOne::None)?.map_err(NotOne::Failed)?;
        match values.next() {
            None => Ok(first),
            Some(Ok(_)) => Err(NotOne::Several),
            Some(Err(message)) => Err(NotOne::Failed(message)),
        }
    }
}

/// Why a program has not one value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotOne {
    #[error("it yields nothing")]
    None,
    #[error("it yields several values")]
    Several,
    #[error("{0}")]
    Failed(String),
}

fn is_outside(name: &str) -> bool {
    OUTSIDE.contains(&name)
}

/// The start of what may be long.
pub(crate) fn start_of(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Where in the program `part` stands, and what stands there.
fn place(code: &str, part: &str) -> String {
    let before = code.get(..span(code, part).start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    if line > 1 { format!("line {line}, character {column}") } else { format!("character {column}") }
}

fn not_read(code: &str, error: Option<Load<&str>>) -> NoProgram {
    let told = |wanted: String, found: &str| {
        let word: String = found.chars().take_while(|char| !char.is_whitespace()).take(20).collect();
        let there = match word.is_empty() {
            true => "the program ends".to_owned(),
            false => format!("`{word}` stands"),
        };
        format!("at {} {wanted} is expected, but {there} there", place(code, found))
    };
    let message = match error {
        Some(Load::Lex(errors)) => errors.into_iter().next().map(|(wanted, found)| match wanted {
            lex::Expect::Delim(open) => {
                format!("at {} `{open}` is opened and not closed", place(code, found))
            }
            other => told(with_article(other.as_str()), found),
        }),
        Some(Load::Parse(errors)) => errors.into_iter().next().map(|(wanted, found)| match wanted {
            parse::Expect::Nothing => told("the end".to_owned(), found),
            parse::Expect::Just(word) => told(format!("`{word}`"), found),
            other => told(with_article(other.as_str()), found),
        }),
        Some(Load::Io(_)) => Some("modules cannot be loaded".to_owned()),
        None => None,
    };
    let python = code.trim_start().starts_with("lambda ") || code.contains("return ");
    NoProgram {
        message: message.unwrap_or_default(),
        hint: python.then(|| "write jq, not Python: `.status == \"open\"`".to_owned()),
    }
}

fn with_article(noun: &str) -> String {
    format!("{} {noun}", if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" })
}

fn undefined(code: &str, error: Option<(&str, Undefined)>) -> NoProgram {
    let Some((name, kind)) = error else {
        return NoProgram { message: String::new(), hint: None };
    };
    let shown = match kind {
        Undefined::Filter(1) => format!("`{name}` with one argument"),
        Undefined::Filter(arity) if arity > 0 => format!("`{name}` with {arity} arguments"),
        _ => format!("`{name}`"),
    };
    let message = format!("at {} {shown} is no {} of jq", place(code, name), kind.as_str());
    let hint = if is_outside(name) || OUTSIDE_ALREADY.contains(&name) {
        Some("a program sees its value and nothing else: no clock, no environment, no other input".to_owned())
    } else {
        let names = names();
        match kind {
            Undefined::Filter(_) if names.contains(&name) => {
                Some(format!("`{name}` takes another number of arguments"))
            }
            Undefined::Filter(0) => {
                did_you_mean(name, names).or_else(|| Some(format!("a field of the row is `.{name}`")))
            }
            Undefined::Filter(_) => did_you_mean(name, names),
            _ => None,
        }
    };
    NoProgram { message, hint }
}

/// What a program may call.
fn names() -> Vec<&'static str> {
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).map(|def| def.name);
    let native = jaq_core::funs::<JustLut<Val>>()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs())
        .map(|(name, ..)| name);
    defs.chain(native).filter(|name| !is_outside(name)).collect()
}

#[cfg(test)]
mod tests;
