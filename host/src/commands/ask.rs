//! Asks a person at a terminal.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

use dialoguer::{Confirm, Input, Password, Select};

use super::terminal::tell;
use crate::error::Error;
use crate::init::Auth;
use crate::words::exit;

/// Whether a question stands open. Ctrl-C is then its answer.
static OPEN: AtomicBool = AtomicBool::new(false);

/// Whether there is somebody to ask.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// From now on Ctrl-C ends the program only between questions; a question that it ends leaves the terminal in order.
pub fn expect_interruption() {
    tokio::spawn(async {
        while tokio::signal::ctrl_c().await.is_ok() {
            if !OPEN.load(Ordering::SeqCst) {
                std::process::exit(i32::from(exit::INTERRUPTED));
            }
        }
    });
}

fn asked<T>(ask: impl FnOnce() -> dialoguer::Result<T>) -> Result<T, Error> {
    OPEN.store(true, Ordering::SeqCst);
    let answer = ask().map_err(unasked);
    // The signal of a question that was broken off may still be on its way to `expect_interruption`, which would end the
    // program before it has said so.
    if !matches!(answer, Err(Error::Interrupted)) {
        OPEN.store(false, Ordering::SeqCst);
    }
    answer
}

/// A line.
pub fn line(question: &str) -> Result<String, Error> {
    asked(|| Input::new().with_prompt(question).interact_text())
}

/// Something that is not shown while it is typed.
pub fn hidden(question: &str) -> Result<String, Error> {
    asked(|| Password::new().with_prompt(question).interact())
}

/// One of several, by its place.
pub fn choice(question: &str, of: &[String]) -> Result<usize, Error> {
    asked(|| Select::new().with_prompt(question).items(of).default(0).interact())
}

/// Yes, unless it is no.
pub fn consent(question: &str) -> Result<bool, Error> {
    asked(|| Confirm::new().with_prompt(question).default(true).interact())
}

/// How an API wants its credential; `None`: it wants none.
pub fn auth() -> Result<Option<Auth>, Error> {
    let kinds = [
        "a bearer token",
        "a key in a header",
        "a key in the query",
        "a name and a password",
        "none of these",
    ];
    Ok(match choice("How does the API know you?", &kinds.map(str::to_owned))? {
        0 => Some(Auth::Bearer),
        1 => Some(Auth::Header(line("Which header? (such as X-Api-Key)")?)),
        2 => Some(Auth::Query(line("Which parameter? (such as api_key)")?)),
        3 => Some(Auth::Basic),
        _ => None,
    })
}

fn unasked(error: dialoguer::Error) -> Error {
    let dialoguer::Error::IO(error) = error;
    match error.kind() {
        std::io::ErrorKind::Interrupted => {
            // The question's line is not ended.
            tell("\n");
            Error::Interrupted
        }
        _ => Error::Unasked(error.to_string()),
    }
}
