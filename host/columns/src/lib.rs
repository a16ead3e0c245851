//! Pages of JSON rows as Arrow columns: names, types, nested data.
