//! `processing_steps`: what is done to each row, in order, before anything else looks at it.

use std::borrow::Cow;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::rc::Rc;

use crate::cut::{Cut, item};
use crate::jq::{NotOne, Program, Val, read, write};
use crate::json::{Item, Kind};
use crate::rows::{Edit, RowError, push_without_breaks, spliced};

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Keeps a row where the program says neither `false` nor `null`.
    Filter(Rc<Program>),
    /// Puts the program's one value in the row's place.
    Map(Rc<Program>),
    /// Puts all of the program's values in the row's place, also none.
    YieldMap(Rc<Program>),
    /// The API's name, the new one.
    Rename(Vec<(String, String)>),
    /// Takes fields away.
    Cut(Cut),
}

impl Step {
    fn name(&self) -> &'static str {
        match self {
            Self::Filter(_) => "filter",
            Self::Map(_) => "map",
            Self::YieldMap(_) => "yield_map",
            Self::Rename(_) => "rename",
            Self::Cut(Cut::Drop(_)) => "drop",
            Self::Cut(Cut::Keep(_)) => "keep",
        }
    }
}

/// Rows as the steps leave them.
#[derive(Debug, Default)]
pub(crate) struct Shaped {
    pub(crate) text: Vec<u8>,
    pub(crate) rows: Vec<Item>,
    /// For each row, which row of the page it was.
    origins: Vec<usize>,
}

impl Shaped {
    /// The place of a row in the page that came.
    pub(crate) fn origin(&self, index: usize) -> usize {
        self.origins.get(index).copied().unwrap_or(index)
    }
}

/// A row on its way: its text, its value, or both where a step has only looked at it.
enum Row<'a> {
    Text(Cow<'a, [u8]>, Option<Val>),
    Value(Val),
}

impl<'a> Row<'a> {
    /// The value, built at most once.
    fn value(&mut self) -> Result<Val, String> {
        match self {
            Self::Value(value) | Self::Text(_, Some(value)) => Ok(value.clone()),
            Self::Text(text, value) => {
                let read = read(text).map_err(|error| format!("is nothing that jq reads: {error}"))?;
                Ok(value.insert(read).clone())
            }
        }
    }

    fn text(self) -> Result<Cow<'a, [u8]>, String> {
        match self {
            Self::Text(text, _) => Ok(text),
            Self::Value(Val::Null) => Err("it yields null, which is no row".to_owned()),
            Self::Value(value) => {
                let mut text = Vec::new();
                write(&value, &mut text).map_err(|what| format!("it yields {what}"))?;
                Ok(Cow::Owned(text))
            }
        }
    }
}

/// Takes the rows of a page, with the keys that a parent adds, through all steps. `numbered`: they are those of a list,
/// and go by their number in messages.
///
/// # Errors
/// A row that a step fails on; no row is left out because of that.
pub(crate) fn shape(
    steps: &[Step],
    numbered: bool,
    body: &[u8],
    rows: &[Item],
    added: &[(&str, &str)],
) -> Result<Shaped, RowError> {
    let mut shaped = Shaped::default();
    let parent = Edit { added: added.to_vec(), ..Edit::default() };
    for (index, row) in rows.iter().enumerate() {
        let error = |message| RowError { index, message };
        if row.kind == Kind::Null {
            // Refused where rows are written; no step has seen it.
            shaped.rows.push(item(b"null", shaped.text.len()));
            shaped.origins.push(index);
            shaped.text.extend_from_slice(b"null\n");
            continue;
        }
        let text = if !added.is_empty() {
            Cow::Owned(spliced(row.span.of(body), row, &parent).map_err(error)?)
        } else if row.line_breaks {
            let mut text = Vec::with_capacity(row.span.len());
            push_without_breaks(&mut text, row.span.of(body), true);
            Cow::Owned(text)
        } else {
            Cow::Borrowed(row.span.of(body))
        };
        through(steps, numbered.then_some(1), Row::Text(text, None), &mut |text| {
            shaped.rows.push(item(text, shaped.text.len()));
            shaped.origins.push(index);
            shaped.text.extend_from_slice(text);
            shaped.text.push(b'\n');
        })
        .map_err(error)?;
    }
    Ok(shaped)
}

/// Takes a row through `steps`, the first of which has that `number`, and hands over what comes out.
fn through(
    steps: &[Step],
    number: Option<usize>,
    mut row: Row<'_>,
    out: &mut dyn FnMut(&[u8]),
) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else {
        out(&row.text()?);
        return Ok(());
    };
    let failed = |message: String| match number {
        Some(number) => format!("fails in step {number} (`{}`): {message}", step.name()),
        None => format!("fails in `{}`: {message}", step.name()),
    };
    let next = number.map(|number| number + 1);
    let row = match step {
        Step::Filter(program) => {
            let verdict = program.one(row.value()?).map_err(|error| {
                failed(match error {
                    NotOne::None => {
                        "it yields nothing, and a filter yields true or false (without `select`)".to_owned()
                    }
                    NotOne::Several => {
                        "it yields several values, and a filter yields one: `any(…)`, `all(…)`?".to_owned()
                    }
                    NotOne::Failed(message) => message,
                })
            })?;
            if matches!(verdict, Val::Null | Val::Bool(false)) {
                return Ok(());
            }
            row
        }
        Step::Map(program) => Row::Value(program.one(row.value()?).map_err(|error| {
            failed(match error {
                NotOne::Failed(message) => message,
                NotOne::None | NotOne::Several => {
                    format!("{error}, and a map yields one: `yield_map` takes any number")
                }
            })
        })?),
        Step::YieldMap(program) => {
            for value in program.run(row.value()?) {
                let value = value.map_err(failed)?;
                let row = landed(Row::Value(value), rest).map_err(failed)?;
                through(rest, next, row, out)?;
            }
            return Ok(());
        }
        Step::Rename(pairs) => {
            let text = object(row).map_err(failed)?;
            let edit = Edit { rename: pairs, ..Edit::default() };
            Row::Text(Cow::Owned(spliced(&text, &item(&text, 0), &edit).map_err(failed)?), None)
        }
        Step::Cut(cut) => {
            let text = object(row).map_err(failed)?;
            let mut left = Vec::with_capacity(text.len());
            cut.apply(&text, &mut left);
            Row::Text(Cow::Owned(left), None)
        }
    };
    let row = match step {
        Step::Map(_) => landed(row, rest).map_err(failed)?,
        _ => row,
    };
    through(rest, next, row, out)
}

/// What a program has made, as text where no program comes next: what cannot be written is then named with its step.
fn landed<'a>(row: Row<'a>, rest: &[Step]) -> Result<Row<'a>, String> {
    match rest.first() {
        Some(Step::Filter(_) | Step::Map(_) | Step::YieldMap(_)) => Ok(row),
        _ => Ok(Row::Text(row.text()?, None)),
    }
}

fn object(row: Row<'_>) -> Result<Cow<'_, [u8]>, String> {
    let text = row.text()?;
    match Kind::of(text.first().copied()) {
        Kind::Object => Ok(text),
        other => Err(format!("this is {}, and only objects have fields", other.noun())),
    }
}

/// Stands for the rows that came, where those that are handed over do not: a page that comes again shows by it.
pub(crate) fn digest(body: &[u8], rows: &[Item]) -> String {
    let mut hasher = DefaultHasher::new();
    for row in rows {
        hasher.write_usize(row.span.len());
        hasher.write(row.span.of(body));
    }
    format!("{:016x}", hasher.finish())
}
