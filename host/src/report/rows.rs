//! Lays out rows as a table that fits a terminal.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Map, Value};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::show::Paint;
use crate::words::printable;

/// A column is this wide at most, and is not made narrower than that to make room.
const WIDEST: usize = 40;
const NARROWEST: usize = 12;

/// Blanks between columns, with the one at the left.
const GAP: usize = 2;

/// A table of `rows`, each of them JSON, in `width` columns of a terminal; and the names of the fields that had no room.
/// Fields stand in the order in which they first come; values that are too long are cut.
pub fn table(rows: &[Vec<u8>], width: usize, paint: Paint) -> (String, Vec<String>) {
    let rows: Vec<Map<String, Value>> = rows.iter().map(|row| fields(row)).collect();
    let mut names: Vec<&String> = Vec::new();
    for name in rows.iter().flat_map(Map::keys) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let cells: Vec<Vec<String>> = names
        .iter()
        .map(|name| rows.iter().map(|row| row.get(*name).map(text).unwrap_or_default()).collect())
        .collect();
    let natural = |(name, cells): (&&String, &Vec<String>)| {
        let widest = cells.iter().map(|cell| cell.width()).max().unwrap_or_default();
        widest.max(printable(name).width()).min(WIDEST)
    };
    let widths = fit(names.iter().zip(&cells).map(natural).collect(), width);
    let hidden = names.iter().skip(widths.len()).map(|name| printable(name)).collect();
    if widths.is_empty() {
        return (String::new(), hidden);
    }

    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(names.iter().zip(&widths).map(|(name, width)| cut(&printable(name), *width)));
    for at in 0..rows.len() {
        let cell = |(cells, width): (&Vec<String>, &usize)| {
            Cell::new(cut(cells.get(at).map_or("", String::as_str), *width))
        };
        table.add_row(cells.iter().zip(&widths).map(cell));
    }
    for (at, name) in names.iter().take(widths.len()).enumerate() {
        let number = |row: &Map<String, Value>| row.get(*name).is_none_or(|v| v.is_number() || v.is_null());
        if rows.iter().all(number)
            && let Some(column) = table.column_mut(at)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut out = String::new();
    for (at, line) in table.lines().enumerate() {
        let line = line.trim_end();
        out.push_str(&if at == 0 { paint.head(line) } else { line.to_owned() });
        out.push('\n');
    }
    (out, hidden)
}

/// Makes the widest columns narrower, and leaves the last ones out, until the rest fits. One is always shown.
fn fit(mut widths: Vec<usize>, room: usize) -> Vec<usize> {
    let taken = |widths: &[usize]| widths.iter().sum::<usize>() + widths.len() * GAP;
    loop {
        if taken(&widths) <= room || widths.is_empty() {
            return widths;
        }
        let widest = widths.iter_mut().filter(|width| **width > NARROWEST).max();
        if let Some(widest) = widest {
            *widest -= 1;
        } else if widths.len() > 1 {
            widths.pop();
        } else {
            return widths;
        }
    }
}

/// A row's fields; what is no object has one, `value`.
fn fields(row: &[u8]) -> Map<String, Value> {
    match serde_json::from_slice(row) {
        Ok(Value::Object(fields)) => fields,
        Ok(value) => Map::from_iter([("value".to_owned(), value)]),
        Err(_) => Map::from_iter([("value".to_owned(), String::from_utf8_lossy(row).into())]),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => printable(&text.replace(['\n', '\r', '\t'], " ")),
        other => printable(&other.to_string()),
    }
}

/// The start of a text, so many columns wide.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut taken = 1;
    for c in text.chars() {
        taken += c.width().unwrap_or_default();
        if taken > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn shown(rows: &[&str], width: usize) -> String {
        let rows: Vec<Vec<u8>> = rows.iter().map(|row| row.as_bytes().to_vec()).collect();
        let (text, hidden) = table(&rows, width, Paint::Plain);
        let widest = text.lines().map(UnicodeWidthStr::width).max().unwrap_or_default();
        assert!(widest <= width.max(NARROWEST + GAP), "{widest} > {width}:\n{text}");
        format!("{text}hidden: {}", hidden.join(", "))
    }

    #[test]
    fn fields_in_the_order_of_their_coming() {
        let rows = [
            r#"{"id": 1, "name": "one", "tags": ["a", {"b": 1}]}"#,
            r#"{"id": 200, "name": null, "late": true}"#,
            r#""no object""#,
        ];
        assert_snapshot!(shown(&rows, 80), @r#"
          id  name  tags           late  value
           1  one   ["a",{"b":1}]
         200  null                 true
                                         no object
        hidden:
        "#);
    }

    #[test]
    fn long_values_are_cut_and_what_has_no_room_is_named() {
        let long = "long ".repeat(30);
        let row = format!(
            r#"{{"id": 1, "a": "{long}", "b": "{long}", "c": "短い文字列はここにある", "d": 12345678901234}}"#
        );
        assert_snapshot!(shown(&[&row], 200), @r"
         id  a                                         b                                         c                                    d
          1  long long long long long long long long…  long long long long long long long long…  短い文字列はここにある  12345678901234
        hidden:
        ");
        assert_snapshot!(shown(&[&row], 60), @r"
         id  a             b             c                       d
          1  long long l…  long long l…  短い文字列…  12345678901…
        hidden:
        ");
        assert_snapshot!(shown(&[&row], 30), @r"
         id  a
          1  long long l…
        hidden: b, c, d
        ");
        assert_snapshot!(shown(&[&row], 1), @r"
         id
          1
        hidden: a, b, c, d
        ");
    }

    #[test]
    fn what_steers_a_terminal_is_made_harmless() {
        assert_snapshot!(shown(&[r#"{"a\u001b[2J": "x\u001b]0;owned\u0007y\nz"}"#], 80), @r"
         a�[2J
         x�]0;owned�y z
        hidden:
        ");
    }
}
