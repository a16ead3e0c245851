//! The declarative connector: a component that reads REST APIs from a config in the shape of dlt's `rest_api`.
//!
//! What it knows is in `sanderling-core`. Here are the two exports, the one HTTP call, and nothing else: a config's
//! plan is kept from call to call, because the host sends the config's text with each page.

mod bindings;
mod http;

use std::cell::RefCell;
use std::rc::Rc;

use sanderling_core::{Fault, Page, PageRequest, Plan, SourceInfo};

thread_local! {
    /// The last config and its plan.
    static PLAN: RefCell<Option<(String, Rc<Plan>)>> = const { RefCell::new(None) };
}

fn plan(config: &str) -> Result<Rc<Plan>, Fault> {
    PLAN.with(|kept| {
        if let Some((text, plan)) = kept.borrow().as_ref()
            && text == config
        {
            return Ok(Rc::clone(plan));
        }
        let plan = Rc::new(sanderling_core::plan(config).map_err(Fault::InvalidConfig)?);
        kept.replace(Some((config.to_owned(), Rc::clone(&plan))));
        Ok(plan)
    })
}

/// `list-resources`: sends nothing.
fn list_resources(config: &str) -> Result<SourceInfo, Fault> {
    Ok(plan(config)?.source_info())
}

/// `fetch-page`: one request, one page; before it the request for a token, where one is needed. Never tries again: the
/// host does.
fn fetch_page(config: &str, request: &PageRequest) -> Result<Page, Fault> {
    let plan = plan(config)?;
    let mut ask = sanderling_core::request(&plan, request)?;
    if let Some(first) = sanderling_core::token_request(&plan, request, &ask)? {
        let answer = http::send(&first)?;
        sanderling_core::authorize(&plan, request, &mut ask, &answer)?;
    }
    let response = http::send(&ask)?;
    sanderling_core::page(&plan, request, &response)
}
