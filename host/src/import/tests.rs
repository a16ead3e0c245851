//! What files of other tools come to: tables of expressions, whole files, and configs printed as Python.

mod airbyte;
mod dlt;
