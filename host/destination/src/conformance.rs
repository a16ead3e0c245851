//! The same cases against every destination.
