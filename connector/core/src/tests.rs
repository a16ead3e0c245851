//! Whole walks: config to plan to request to page.
