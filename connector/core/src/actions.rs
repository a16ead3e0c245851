//! `response_actions`: what is done about an answer, before anything in it is read.

use memchr::memmem;

use crate::contract::Response;

/// What is done about answers of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResponseAction {
    /// The status that it must have.
    pub(crate) status: Option<u16>,
    /// What its body must contain.
    pub(crate) content: Option<String>,
    pub(crate) action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Its chain ends with the rows so far; nothing is asked again.
    Ignore,
    /// It is asked again, as a server that failed.
    Retry,
    /// The page fails, with this message; nothing is asked again.
    Fail(Option<String>),
}

/// The first action that an answer meets all conditions of.
pub(crate) fn of<'a>(actions: &'a [ResponseAction], response: &Response) -> Option<&'a ResponseAction> {
    actions.iter().find(|action| {
        action.status.is_none_or(|status| status == response.status)
            && action
                .content
                .as_ref()
                .is_none_or(|content| memmem::find(&response.body, content.as_bytes()).is_some())
    })
}
