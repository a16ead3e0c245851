//! Refuses an answer that is not all there is, where no paginator is named and none can be guessed.

use crate::contract::{Fault, Response};
use crate::signs::{Sign, Tells};

/// Refuses an answer that is only a part.
///
/// # Errors
/// [`Fault::BadResponse`] whose message has a paginator to write.
pub(crate) fn refuse_part(response: &Response, signs: &[Sign], rows: u64) -> Result<(), Fault> {
    let says_more = signs.iter().filter(|sign| sign.says_more(rows));
    // A total says most about how the API may page.
    let rank = |sign: &&Sign| match sign.tells {
        Tells::Total { in_body: true, .. } => 0,
        Tells::Total { .. } => 1,
        _ => 2,
    };
    let Some(sign) = says_more.min_by_key(rank) else { return Ok(()) };
    let message = format!(
        "{rows} {}, but {}, and how to ask for them cannot be told: name the paginator, such as `paginator: {{type: offset, limit: {}{}}}`, or `paginator: single_page` if this page is all that is wanted",
        if rows == 1 { "row" } else { "rows" },
        sign.what,
        if rows == 0 { 100 } else { rows },
        path(sign),
    );
    Err(crate::answer::bad(message, crate::answer::excerpt(&response.body), false))
}

/// The options that the sign calls for.
fn path(sign: &Sign) -> String {
    match &sign.tells {
        Tells::Total { in_body: true, .. } if sign.place == "total" => String::new(),
        Tells::Total { in_body: true, .. } => format!(", total_path: {}", sign.place),
        Tells::Flag(_) => format!(", total_path: null, has_more_path: {}", sign.place),
        _ => ", total_path: null".to_owned(),
    }
}
