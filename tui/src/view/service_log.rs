//! The log of a service: filtered, searched, and where the reader has scrolled to.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece},
    format,
};
use crate::{
    app::{LogStream, State, log},
    model::{LogEntry, Service},
    style::Role,
};

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, service: &Service) {
    if area.height == 0 {
        return;
    }
    let shown = log::shown(state);
    let height = usize::from(area.height - 1);
    let anchor = state.log_anchor.map(|anchor| log::place(&shown, anchor));
    canvas.heading(area, "Log", &remark(state, service, &shown, anchor));
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if shown.is_empty() {
        let text = match &state.model.log {
            log if !log.entries.is_empty() => "no line fits the filter",
            log if log.heard => "no output yet",
            _ if !state.connected() => "its output cannot be read without a connection",
            _ => "its output is being read",
        };
        canvas.paragraph(body, text, Role::Dim);
        return;
    }
    // Scrolled to the very top, the window is still full.
    let end = anchor.map_or(shown.len(), |anchor| anchor + 1).max(height).min(shown.len());
    let first = end.saturating_sub(height);
    let dropped = state.model.log.dropped;
    for (row, number) in body.rows().zip(shown.get(first..end).unwrap_or_default()) {
        let index = usize::try_from(number.saturating_sub(dropped)).unwrap_or(usize::MAX);
        let Some(entry) = state.model.log.entries.get(index) else { continue };
        let found = state.log_anchor == Some(*number);
        canvas.pieces(row.x, row.y, row.width, &line(entry, state.search.text(), found));
    }
}

fn remark(state: &State, service: &Service, shown: &[u64], anchor: Option<usize>) -> String {
    let mut parts = Vec::new();
    if service.dropped_lines > 0 {
        parts.push(format!("{} lines dropped", service.dropped_lines));
    }
    match state.log_stream {
        LogStream::Both => {}
        LogStream::Out => parts.push("output only".to_owned()),
        LogStream::Err => parts.push("errors only".to_owned()),
    }
    if !state.log_filter.is_empty() {
        parts.push(format!("filter: {}", state.log_filter.text()));
    }
    if !state.search.is_empty() {
        parts.push(format!("search: {}", state.search.text()));
    }
    match anchor.map(|anchor| shown.len().saturating_sub(anchor + 1)) {
        None => parts.push("following".to_owned()),
        Some(0) => {}
        Some(below) => parts.push(format!("{below} below")),
    }
    parts.join(", ")
}

fn line(entry: &LogEntry, search: &str, found: bool) -> Vec<Piece> {
    match entry {
        LogEntry::Line { stderr, time_s, text } => {
            let sign = if *stderr { Piece::new(Role::Warning, " ! ") } else { Piece::text("   ") };
            let mut pieces = vec![Piece::new(if found { Role::Key } else { Role::Dim }, format::clock(*time_s)), sign];
            pieces.extend(marked(text, search));
            pieces
        }
        LogEntry::Gap(lost) => vec![Piece::new(Role::Warning, format!("{lost} lines are missing here"))],
        LogEntry::Remark(text) => vec![Piece::new(Role::Warning, text)],
    }
}

/// The text with what is searched for standing out.
pub(super) fn marked(text: &str, search: &str) -> Vec<Piece> {
    // Only where both are ASCII do places in the lower-case text hold in the text itself.
    if search.is_empty() || !search.is_ascii() || !text.is_ascii() {
        return vec![Piece::text(text)];
    }
    let (lower, wanted) = (text.to_lowercase(), search.to_lowercase());
    let mut pieces = Vec::new();
    let mut at = 0;
    for (place, _) in lower.match_indices(&wanted) {
        pieces.push(Piece::text(text.get(at..place).unwrap_or_default()));
        at = place + wanted.len();
        pieces.push(Piece::new(Role::Tab, text.get(place..at).unwrap_or_default()));
    }
    pieces.push(Piece::text(text.get(at..).unwrap_or_default()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_stands_out_whatever_its_case() {
        let told = |text: &str, search: &str| -> String {
            let piece = |piece: &Piece| {
                if piece.role == Role::Tab { format!("[{}]", piece.text) } else { piece.text.clone() }
            };
            marked(text, search).iter().map(piece).collect()
        };
        assert_eq!(told("GET /index get", "get"), "[GET] /index [get]");
        assert_eq!(told("nothing", "get"), "nothing");
        assert_eq!(told("größer", "r"), "größer");
        assert_eq!(told("text", ""), "text");
    }
}
