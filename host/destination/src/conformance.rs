//! One suite for every destination: what is true of one is true of all.

mod children;
mod found;
mod full;
mod killed;
mod left_over;
mod loads;
mod lost;
mod merges;
mod million;
mod model;
mod names;
mod pages;
mod places;
mod runs;
mod state;
mod types;
mod undo;

pub(crate) use found::names;
pub(crate) use loads::{load, page, table};
pub(crate) use places::{
    Place, driven_places, driver, local_places, places, store_places, typed_place, typed_places,
};
