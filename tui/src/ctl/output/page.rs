//! A page on one thing: a headline, facts that line up, and paragraphs.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::{Canvas, Cell, Paint, hang};

/// What is told of one thing.
#[derive(Default)]
pub(crate) struct Page {
    headline: Vec<Cell>,
    blocks: Vec<Block>,
}

enum Block {
    Facts(Vec<(&'static str, Cell)>),
    /// Drawn already, e.g. a table, under a heading.
    Section(String, Box<dyn Fn(Canvas) -> String>),
}

impl Page {
    /// The headline's parts are joined by ` · `; empty ones are left out.
    pub(crate) fn new(headline: impl IntoIterator<Item = Cell>) -> Self {
        Self { headline: headline.into_iter().collect(), blocks: Vec::new() }
    }

    pub(crate) fn fact(&mut self, label: &'static str, value: impl Into<Cell>) -> &mut Self {
        let value = value.into();
        match self.blocks.last_mut() {
            Some(Block::Facts(facts)) => facts.push((label, value)),
            _ => self.blocks.push(Block::Facts(vec![(label, value)])),
        }
        self
    }

    /// A fact that is left out when there is nothing to say.
    pub(crate) fn maybe(&mut self, label: &'static str, value: Option<impl Into<Cell>>) -> &mut Self {
        match value.map(Into::into) {
            Some(value) if !value.text.is_empty() => self.fact(label, value),
            _ => self,
        }
    }

    /// A heading and what `draw` makes below it. An empty heading is none.
    pub(crate) fn section(
        &mut self,
        heading: impl Into<String>,
        draw: impl Fn(Canvas) -> String + 'static,
    ) -> &mut Self {
        self.blocks.push(Block::Section(heading.into(), Box::new(draw)));
        self
    }

    pub(crate) fn draw(&self, canvas: Canvas) -> String {
        let headline: Vec<_> = self
            .headline
            .iter()
            .filter(|cell| !cell.text.is_empty())
            .map(|cell| canvas.paint(cell.paint, &cell.text))
            .collect();
        let mut text = headline.join(" · ");
        text.push('\n');
        let label_width = self.label_width();
        for block in &self.blocks {
            match block {
                Block::Facts(facts) => {
                    for (label, value) in facts {
                        let pad = label_width - label.width() + 2;
                        let label = canvas.paint(Paint::Faint, label);
                        let wrapped = hang(&value.text, label_width + 4, canvas);
                        let value = canvas.paint(value.paint, &wrapped);
                        let _ = writeln!(text, "  {label}{:pad$}{value}", "");
                    }
                }
                Block::Section(heading, draw) => {
                    text.push('\n');
                    if !heading.is_empty() {
                        let _ = writeln!(text, "{}", canvas.paint(Paint::Strong, heading));
                    }
                    text.push_str(&draw(canvas));
                    if !text.ends_with('\n') {
                        text.push('\n');
                    }
                }
            }
        }
        text
    }

    fn label_width(&self) -> usize {
        self.blocks
            .iter()
            .filter_map(|block| match block {
                Block::Facts(facts) => facts.iter().map(|(label, _)| label.width()).max(),
                Block::Section(..) => None,
            })
            .max()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_fact_goes_on_under_itself() {
        let mut page = Page::new([Cell::name("cpu")]);
        page.fact("sensors", "host0_cpu_temp, host1_cpu_temp, host0_dimm_temp");
        assert_eq!(
            page.draw(Canvas::narrow(44)),
            "cpu\n  sensors  host0_cpu_temp, host1_cpu_temp,\n           host0_dimm_temp\n"
        );
    }

    #[test]
    fn facts_line_up_under_the_headline_and_absent_ones_are_left_out() {
        let mut page = Page::new([Cell::name("web"), Cell::word("running"), "".into()]);
        page.fact("pid", "212").maybe("last error", None::<&str>).maybe("status", Some("")).fact("uptime", "3m 12s");
        page.section("NEEDS", |_| "db".to_owned());
        assert_eq!(page.draw(Canvas::PLAIN), "web · running\n  pid     212\n  uptime  3m 12s\n\nNEEDS\ndb\n");
    }
}
