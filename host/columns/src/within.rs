//! The fields of structs within a column, by the way to them.

use std::fmt;

use crate::column_type::ColumnType;
use crate::schema::Column;

/// A field of a struct that a column, or an item of it, is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within<'a> {
    /// From the column on, which comes first.
    pub way: Vec<Step<'a>>,
    /// The field.
    pub column: &'a Column,
}

/// One step on the way to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// Into the field of that name.
    Field(&'a str),
    /// Into the items of a list.
    Item,
}

impl Column {
    /// The fields of its structs, each before those within it.
    #[must_use]
    pub fn within(&self) -> Vec<Within<'_>> {
        let mut found = Vec::new();
        collect(&mut vec![Step::Field(&self.name)], &self.data_type, &mut found);
        found
    }

    /// The fields that its structs have got since it was `before`, named by the way to them.
    #[must_use]
    pub fn grown_since(&self, before: &Self) -> Vec<Self> {
        if self.data_type == before.data_type {
            return Vec::new();
        }
        let had: Vec<Vec<Step>> = before.within().into_iter().map(|it| it.way).collect();
        let mut new: Vec<Within> = Vec::new();
        for it in self.within() {
            // What is within a new field is of its type.
            if !had.contains(&it.way) && !new.iter().any(|new| it.way.starts_with(&new.way)) {
                new.push(it);
            }
        }
        let named = |it: &Within| Self { name: it.to_string(), field: it.to_string(), ..it.column.clone() };
        new.iter().map(named).collect()
    }
}

fn collect<'a>(way: &mut Vec<Step<'a>>, data_type: &'a ColumnType, found: &mut Vec<Within<'a>>) {
    match data_type {
        ColumnType::Struct(fields) => {
            for column in fields {
                way.push(Step::Field(&column.name));
                found.push(Within { way: way.clone(), column });
                collect(way, &column.data_type, found);
                way.pop();
            }
        }
        ColumnType::List(item) => {
            way.push(Step::Item);
            collect(way, item, found);
            way.pop();
        }
        _ => {}
    }
}

/// `user.geo.lat`, `lines[].id`.
impl fmt::Display for Within<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        for (at, step) in self.way.iter().enumerate() {
            match step {
                Step::Field(name) if at == 0 => formatter.write_str(name)?,
                Step::Field(name) => write!(formatter, ".{name}")?,
                Step::Item => formatter.write_str("[]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Role;

    fn column(name: &str, data_type: ColumnType) -> Column {
        Column { name: name.into(), field: name.into(), data_type, nullable: true, role: Role::Field }
    }

    fn of(fields: &[(&str, ColumnType)]) -> ColumnType {
        ColumnType::Struct(fields.iter().map(|(name, kind)| column(name, kind.clone())).collect())
    }

    fn list(item: ColumnType) -> ColumnType {
        ColumnType::List(Box::new(item))
    }

    #[test]
    fn ways_and_what_has_grown() {
        let int = ColumnType::Int64;
        let before = column("u", of(&[("a", int.clone()), ("l", list(list(of(&[("x", int.clone())]))))]));
        let after = column(
            "u",
            of(&[
                ("a", int.clone()),
                ("l", list(list(of(&[("x", int.clone()), ("y", ColumnType::Text)])))),
                ("geo", of(&[("lat", ColumnType::Double)])),
                ("z", list(int.clone())),
            ]),
        );
        let ways = |column: &Column| {
            column.within().iter().map(|it| format!("{it} {}", it.column.data_type)).collect::<Vec<_>>()
        };
        assert_eq!(ways(&before), ["u.a bigint", "u.l struct(x bigint)[][]", "u.l[][].x bigint"]);
        let grown: Vec<String> =
            after.grown_since(&before).iter().map(|it| format!("{} {}", it.name, it.data_type)).collect();
        assert_eq!(grown, ["u.l[][].y text", "u.geo struct(lat double)", "u.z bigint[]"]);
        assert_eq!(after.grown_since(&after), []);
        assert_eq!(ways(&column("n", list(int))), Vec::<String>::new());
    }
}
