//! Columns without borders, two spaces apart, never wrapped: one object is one line, for people and for `grep`.

use super::escape::visible;
use comfy_table::{ContentArrangement, Table as Layout, presets};

/// Rows under headers.
#[derive(Debug)]
pub struct Table {
    headers: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// No rows yet.
    pub fn new(headers: &[&'static str]) -> Self {
        Self { headers: headers.to_vec(), rows: Vec::new() }
    }

    /// One more row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The text; empty cells show `-`.
    pub fn render(&self, with_headers: bool) -> String {
        let mut layout = Layout::new();
        layout.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
        if with_headers {
            layout.set_header(self.headers.clone());
        }
        for row in &self.rows {
            layout.add_row(row.iter().map(|cell| if cell.is_empty() { "-".to_owned() } else { visible(cell) }));
        }
        for column in layout.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let lines: Vec<String> = layout.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn one_object_is_one_line_whatever_it_holds() {
        let mut table = Table::new(&["NAME", "STATUS", "MESSAGE"]);
        table.row(vec!["a".into(), "succeeded".into(), String::new()]);
        table.row(vec!["a-long-name".into(), "failed".into(), "one\ntwo \u{1b}[2J".into()]);
        let expected = "NAME         STATUS     MESSAGE\na            succeeded  -\na-long-name  failed     one\\ntwo \\e[2J";
        assert_eq!(table.render(true), expected);
        assert_eq!(table.render(false).lines().count(), 2);
    }
}
