//! From an answer to a page: the guest's heart, read from top to bottom.

use crate::answer::{Answer, bad, empty_body, excerpt, guess, read};
use crate::contract::{Continuation, Fault, HttpFailure, Notice, Page, PageRequest, Response};
use crate::json::{Step, without_bom};
use crate::more::refuse_part;
use crate::offset::{Offset, Seen};
use crate::partition::{self, Bindings};
use crate::plan::{Pager, Plan, Resource};
use crate::request::resource;
use crate::rows::{Edit, RowError, render};
use crate::select::{Selector, spelled};
use crate::settle::Guesses;

/// The page that an answer holds. `request` is the one that [`crate::request`] was called with.
///
/// # Errors
/// [`Fault::Http`] for a status that is no success; [`Fault::BadResponse`] for an answer that is not what the config
/// says, or damaged; [`Fault::Other`] as [`crate::request`]. No error leaves rows behind: the page is asked again, or
/// the reading fails.
pub fn page(plan: &Plan, request: &PageRequest, response: &Response) -> Result<Page, Fault> {
    let resource = resource(plan, &request.name)?;
    let bindings = Bindings::of(resource, request.partition.as_ref())?;
    refuse_status(response)?;
    let paging = match &resource.pager {
        Pager::Offset(offset) => {
            let cursor =
                offset.cursor(request.cursor.as_deref()).map_err(|error| Fault::Other(error.to_string()))?;
            Some((offset, cursor))
        }
        Pager::Unnamed | Pager::SinglePage => None,
    };
    let sides: Vec<&[Step]> = paging.iter().flat_map(|(offset, _)| side_paths(offset)).flatten().collect();
    let settled = paging.as_ref().and_then(|(_, cursor)| cursor.selector.as_deref());
    let mut notices = Vec::new();
    let mut guesses = resource.guesses.clone();
    let mut guessed = None;
    let mut answer = match empty_body(response, resource.empty_ok) {
        Some(answer) => answer?,
        None => {
            let selector = match (&resource.selector, settled) {
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
            read(response, &selector, &sides, resource.empty_ok)?
        }
    };
    let (total, continuation) = match paging {
        None => {
            if matches!(resource.pager, Pager::Unnamed) {
                refuse_part(response, answer.sent.max(answer.rows.len() as u64), answer.span)?;
                notices.extend(answer.listed.then(|| one_page(resource, &mut guesses)));
            }
            (None, Continuation::End)
        }
        Some((offset, mut cursor)) => {
            cursor.selector = cursor.selector.or(guessed);
            let step = offset
                .step(&cursor, &seen(offset, &answer, response))
                .map_err(|error| bad(error.to_string(), excerpt(&response.body), error.retry()))?;
            answer.keep(step.owed);
            notices.extend(step.notice);
            (step.total, step.continuation)
        }
    };
    let body = without_bom(&response.body);
    let unfit = |error: RowError| unfit(&error, &answer, body);
    let edit = Edit {
        added: resource
            .added
            .iter()
            .zip(&bindings.added)
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect(),
        rename: &resource.rename,
    };
    let rows = render(body, &answer.rows, &edit).map_err(unfit)?;
    let (children, repeated) = partition::open(resource, body, &answer.rows, &bindings).map_err(unfit)?;
    notices.extend(repeated);
    let kept = answer.rows.len() as u64;
    Ok(Page { rows, received: answer.sent.max(kept), kept, total, continuation, children, notices })
}

/// Says that a list was taken to be whole: in the same words for every answer, so that a host may say them once.
fn one_page(resource: &Resource, guesses: &mut Guesses) -> Notice {
    Notice {
        code: "paginator-guessed",
        message: "no paginator is named, and the answer has no sign of more pages: read as one page"
            .to_owned(),
        hint: None,
        settles: guesses.take(&resource.written, |guesses| guesses.paginator = Some("single_page")),
    }
}

fn plain_text_of(selector: &Selector) -> Option<String> {
    match selector {
        Selector::Plain(steps) => Some(spelled(steps)),
        Selector::Query(_) => None,
    }
}

/// Paths beside the rows, in the order that [`seen`] takes them back.
fn side_paths(offset: &Offset) -> [Option<&[Step]>; 2] {
    [offset.total_path(), offset.has_more_path()]
}

fn seen(offset: &Offset, answer: &Answer, response: &Response) -> Seen {
    let body = without_bom(&response.body);
    let mut sides = answer.sides.iter();
    let mut take = |path: Option<&[Step]>| {
        path.and_then(|_| sides.next()).copied().flatten().map(|item| item.span.of(body).to_vec())
    };
    let [total, has_more] = side_paths(offset);
    Seen { received: answer.sent, total: take(total), has_more: take(has_more) }
}

fn unfit(error: &RowError, answer: &Answer, body: &[u8]) -> Fault {
    let row = answer.rows.get(error.index).map_or(body, |row| row.span.of(body));
    bad(error.to_string(), excerpt(row), false)
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
        401 => "not authenticated: is the credential right?",
        403 => "forbidden: may this credential read it?",
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
