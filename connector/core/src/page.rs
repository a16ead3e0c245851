//! From an answer to a page: the guest's heart, read from top to bottom.

use crate::actions::{self, Action, ResponseAction};
use crate::answer::{Answer, bad, empty_body, excerpt, guess, read, values};
use crate::contract::{Continuation, Fault, HttpFailure, Notice, Page, PageRequest, Response, Watermark};
use crate::detect::{Guess, detect};
use crate::json::{Item, without_bom};
use crate::more::refuse_part;
use crate::paging::{Pager, PagingError, Seen, Turn};
use crate::partition::{self, Bindings};
use crate::plan::{Plan, Resource};
use crate::request::{request, resource};
use crate::rows::{Edit, RowError, render};
use crate::select::{Selector, spelled};
use crate::settle::Guesses;
use crate::sift::{Sifted, sift};
use crate::signs::signs;
use crate::steps::{Shaped, digest, shape};

/// The page that an answer holds. `wanted` is the one that [`crate::request`] was called with.
///
/// # Errors
/// [`Fault::Http`] for a status that is no success; [`Fault::BadResponse`] for an answer that is not what the config
/// says, or damaged; [`Fault::Other`] as [`crate::request`]. No error leaves rows behind: the page is asked again, or
/// the reading fails.
pub fn page(plan: &Plan, wanted: &PageRequest, response: &Response) -> Result<Page, Fault> {
    let resource = resource(plan, &wanted.name)?;
    let bindings = Bindings::of_request(resource, wanted)?;
    let cursor_error = |error: PagingError| Fault::Other(error.to_string());
    let mut turn = resource.pager.turn(wanted.cursor.as_deref()).map_err(cursor_error)?;
    match actions::of(&resource.actions, response) {
        Some(ResponseAction { action: Action::Ignore, .. }) => return Ok(ignored(&turn, response)),
        Some(action) => return Err(acted(action, response)),
        None => refuse_status(response)?,
    }
    let settled = turn.settled().and_then(|settled| settled.selector.clone());
    let mut notices = Vec::new();
    let mut guesses = resource.guesses.clone();
    let mut guessed = None;
    let mut answer = match empty_body(response, resource.empty_ok) {
        Some(answer) => answer?,
        None => {
            let selector = match (&resource.selector, settled.as_deref()) {
                (Some(selector), _) => selector.clone(),
                (None, Some(settled)) => {
                    Selector::parse(settled).map_err(|error| Fault::Other(error.to_string()))?
                }
                (None, None) => {
                    let (selector, said) = guess(response, &resource.name)?;
                    notices.extend(said.map(|(path, message)| Notice {
                        code: "selector-guessed",
                        message,
                        hint: None,
                        settles:
                            guesses.take(&resource.written, |guesses| guesses.data_selector = Some(path)),
                    }));
                    guessed = plain_text_of(&selector);
                    selector
                }
            };
            read(response, &selector, &turn.paths().list(), resource.empty_ok)?
        }
    };
    if let Turn::Guess(reading) = turn {
        let rows = answer.sent.max(answer.rows.len() as u64);
        let signs = signs(response, answer.span);
        match detect(&signs, rows) {
            Some(guess) => {
                notices.push(by_guess(resource, &mut guesses, &guess));
                turn = Pager::guessed(&guess.paginator, reading)
                    .and_then(|pager| pager.turn(None))
                    .map_err(cursor_error)?;
                answer.sides = values(response, &turn.paths().list())?;
                if let Some(settled) = turn.settled() {
                    settled.paginator = Some(guess.paginator);
                }
            }
            None => {
                refuse_part(response, &signs, rows)?;
                // Where the API speaks of pages and says that this was the last, nothing is guessed.
                let is_guess = answer.listed && signs.is_empty();
                notices.extend(is_guess.then(|| one_page(resource, &mut guesses)));
            }
        }
    }
    if let Some(settled) = turn.settled()
        && settled.selector.is_none()
    {
        settled.selector = guessed;
    }
    let url = request(plan, wanted)?.url;
    let seen = Seen::of(&turn, answer.sent, &answer.sides, response, url);
    let step =
        turn.step(&seen).map_err(|error| bad(error.to_string(), excerpt(&response.body), error.retry()))?;
    answer.keep(step.owed);
    notices.extend(step.notice);
    let body = without_bom(&response.body);
    let unfit = |error: RowError| unfit(&error, &answer, body);
    let mut added: Vec<(&str, &str)> = (resource.added.iter().zip(&bindings.added))
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    // The rows as children see them, then as they are handed over: the API's own bytes, unless the config says otherwise.
    let mut shaped = None;
    if !resource.steps.is_empty() {
        shaped = Some(shape(&resource.steps, true, body, &answer.rows, &added).map_err(unfit)?);
        added.clear();
    }
    let came_as = |error: RowError| {
        let index = shaped.as_ref().map_or(error.index, |shaped| shaped.origin(error.index));
        unfit(RowError { index, ..error })
    };
    let (text, rows) = in_hand(shaped.as_ref(), body, &answer.rows);
    let bounds = resource.incremental.as_ref().map(|incremental| incremental.window(wanted)).transpose()?;
    let mut chosen = Chosen::default();
    if let Some(window) = &bounds {
        let sifted = sift(window, text, rows).map_err(came_as)?;
        chosen = choose(resource, rows, sifted, &mut notices);
    }
    let rows = chosen.rows.as_deref().unwrap_or(rows);
    let came_as = |error: RowError| {
        let index = chosen.places.get(error.index).copied().unwrap_or(error.index);
        came_as(RowError { index, ..error })
    };
    let (children, repeated) = partition::open(resource, text, rows, &bindings).map_err(came_as)?;
    notices.extend(repeated);
    let mut last = None;
    if !resource.last.is_empty() {
        last = Some(shape(&resource.last, false, text, rows, &added).map_err(came_as)?);
        added.clear();
    }
    let (text, rows) = in_hand(last.as_ref(), text, rows);
    let lines = render(text, rows, &Edit { added, rename: &resource.rename }).map_err(came_as)?;
    let altered = shaped.is_some() || last.is_some() || chosen.rows.is_some();
    let sent = answer.sent.max(answer.rows.len() as u64);
    Ok(Page {
        rows: lines,
        received: sent,
        kept: rows.len() as u64,
        digest: altered.then(|| digest(body, &answer.rows)),
        // Where the rows behind a page may not be wanted, none are owed.
        total: step.total.filter(|_| !bounds.is_some_and(|window| window.can_stop())),
        continuation: if chosen.over { Continuation::End } else { step.continuation },
        watermark: chosen.watermark,
        children,
        notices,
    })
}

/// The rows as steps have left them, or as they came.
fn in_hand<'a>(shaped: Option<&'a Shaped>, text: &'a [u8], rows: &'a [Item]) -> (&'a [u8], &'a [Item]) {
    shaped.map_or((text, rows), |shaped| (&shaped.text, &shaped.rows))
}

/// Says that a list was taken to be whole: in the same words for every answer, so that a host may say them once.
fn one_page(resource: &Resource, guesses: &mut Guesses) -> Notice {
    Notice {
        code: "paginator-guessed",
        message: "no paginator is named, and the answer has no sign of more pages: read as one page"
            .to_owned(),
        hint: None,
        settles: guesses.take(&resource.written, |guesses| guesses.paginator = Some("single_page".into())),
    }
}

/// Says by what the next pages are read, in the same words for every answer.
fn by_guess(resource: &Resource, guesses: &mut Guesses, guess: &Guess) -> Notice {
    Notice {
        code: "paginator-guessed",
        message: format!("no paginator is named: {}", guess.said),
        hint: None,
        settles: guesses.take(&resource.written, |guesses| guesses.paginator = Some(guess.paginator.clone())),
    }
}

fn plain_text_of(selector: &Selector) -> Option<String> {
    match selector {
        Selector::Plain(steps) => Some(spelled(steps)),
        Selector::Query(_) => None,
    }
}

/// What is left of a page by its bounds.
#[derive(Default)]
struct Chosen {
    /// `None`: all rows.
    rows: Option<Vec<Item>>,
    /// For each of these its place among the rows that there were.
    places: Vec<usize>,
    watermark: Option<Watermark>,
    /// Nothing behind this page is wanted.
    over: bool,
}

/// Leaves the rows that are within bounds.
fn choose(resource: &Resource, rows: &[Item], sifted: Sifted, notices: &mut Vec<Notice>) -> Chosen {
    notices.extend(sifted.disorder.then(|| Notice {
        code: "row-order",
        message: format!(
            "the rows of `{}` do not come in the order that `row_order` says: all pages are read",
            resource.name
        ),
        hint: None,
        settles: Vec::new(),
    }));
    let mut chosen = Chosen { watermark: sifted.watermark, over: sifted.over, ..Chosen::default() };
    if sifted.kept.len() < rows.len() {
        chosen.rows = Some(sifted.kept.iter().filter_map(|place| rows.get(*place).copied()).collect());
        chosen.places = sifted.kept;
    }
    chosen
}

fn unfit(error: &RowError, answer: &Answer, body: &[u8]) -> Fault {
    let row = answer.rows.get(error.index).map_or(body, |row| row.span.of(body));
    bad(error.to_string(), excerpt(row), false)
}

/// The page that an answer is taken for which the config ignores: no rows, and the end.
fn ignored(turn: &Turn, response: &Response) -> Page {
    let status = response.status;
    let message =
        format!("an answer with status {status} was ignored (`response_actions`), and nothing follows it");
    let continuation = match turn.owes_more() {
        true => Continuation::Limit("an answer that `response_actions` ignores".to_owned()),
        false => Continuation::End,
    };
    Page {
        rows: Vec::new(),
        received: 0,
        kept: 0,
        digest: None,
        total: None,
        continuation,
        watermark: None,
        children: Vec::new(),
        notices: vec![Notice { code: "answer-ignored", message, hint: None, settles: Vec::new() }],
    }
}

/// The failure that the config makes of an answer.
fn acted(action: &ResponseAction, response: &Response) -> Fault {
    let status = response.status;
    let of = match &action.content {
        Some(content) => format!("{status} with `{content}` in it"),
        None => status.to_string(),
    };
    let message = match &action.action {
        Action::Fail(Some(message)) => message.clone(),
        Action::Fail(None) | Action::Ignore => {
            format!("the API answered {of}, which `response_actions` makes a failure")
        }
        Action::Retry => format!("the API answered {of}, which `response_actions` has asked for again"),
    };
    Fault::Http(HttpFailure {
        status,
        retry: Some(action.action == Action::Retry),
        retry_after: response.header("retry-after").map(str::to_owned),
        message,
        excerpt: excerpt(&response.body),
    })
}

fn refuse_status(response: &Response) -> Result<(), Fault> {
    if (200..300).contains(&response.status) {
        return Ok(());
    }
    let status = response.status;
    let meaning = match status {
        ..200 => "an interim answer",
        300..400 => "a redirect that was not followed",
        400 => "bad request",
        401 => "not authenticated",
        403 => "forbidden",
        404 => "not found",
        410 => "gone",
        429 => "too many requests",
        500.. => "the server failed",
        _ => "refused",
    };
    Err(Fault::Http(HttpFailure {
        status,
        retry: None,
        retry_after: response.header("retry-after").map(str::to_owned),
        message: format!("the API answered {status} ({meaning})"),
        excerpt: excerpt(&response.body),
    }))
}
