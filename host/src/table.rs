//! Tables as text: columns in line, and no blanks at the end of lines.

use comfy_table::{Cell, CellAlignment, Table, presets};

use crate::show::Paint;

/// A head and rows of `N` columns, of which `right` are numbers. The last column holds remarks, which stand out.
pub fn lay_out<const N: usize>(
    head: [&str; N],
    rows: &[[String; N]],
    right: &[usize],
    paint: Paint,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(head);
    for row in rows {
        table.add_row(row.iter().map(Cell::new));
    }
    for &column in right {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = String::new();
    for (at, line) in table.lines().enumerate() {
        let line = line.trim_end();
        let row = at.checked_sub(1).and_then(|at| rows.get(at));
        let remark = row.and_then(|row| row.last()).filter(|remark| !remark.is_empty());
        match remark.and_then(|remark| Some((line.strip_suffix(remark.as_str())?, remark))) {
            _ if at == 0 => text.push_str(&paint.head(line)),
            Some((before, remark)) => text.push_str(&format!("{before}{}", paint.note(remark))),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_their_text_does() {
        let rows =
            [["a".to_owned(), "1".into(), String::new()], ["long".into(), "1,000".into(), "failed".into()]];
        let shown = lay_out(["name", "rows", ""], &rows, &[1], Paint::Plain);
        assert_eq!(shown, " name   rows\n a         1\n long  1,000  failed\n");
        let painted = lay_out(["name", "rows", ""], &rows, &[1], Paint::Ansi);
        let text: Vec<&str> = painted.lines().collect();
        assert_eq!(text[1], " a         1");
        assert!(
            text[0].starts_with("\u{1b}[1m name") && text[2].ends_with("mfailed\u{1b}[0m"),
            "{painted:?}"
        );
    }
}
