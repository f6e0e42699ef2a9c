//! The log of a service's page: which lines are shown, scrolling that new lines do not disturb, and searching.

use super::{LogStream, State};
use crate::model::LogEntry;

/// The numbers of the entries that are shown, oldest first. Gaps and remarks always are: what is missing concerns every
/// filter.
pub fn shown(state: &State) -> Vec<u64> {
    let filter = state.log_filter.text().to_lowercase();
    let fits = |entry: &LogEntry| match entry {
        LogEntry::Line { stderr, text, .. } => {
            let stream = match state.log_stream {
                LogStream::Both => true,
                LogStream::Out => !stderr,
                LogStream::Err => *stderr,
            };
            stream && (filter.is_empty() || text.to_lowercase().contains(&filter))
        }
        LogEntry::Gap(_) | LogEntry::Remark(_) => true,
    };
    let log = &state.model.log;
    log.entries.iter().zip(log.dropped..).filter(|(entry, _)| fits(entry)).map(|(_, number)| number).collect()
}

/// Moves by so many shown lines. Reaching the newest takes hold of it again: that is what is wanted there.
pub(super) fn scroll(state: &mut State, by: isize) {
    let shown = shown(state);
    let Some(last) = shown.len().checked_sub(1) else { return };
    let at = state.log_anchor.map_or(last, |anchor| place(&shown, anchor));
    let to = at.saturating_add_signed(by).min(last);
    state.log_anchor = if to == last { None } else { shown.get(to).copied() };
}

/// Takes hold of the newest, or stays where the reader is.
pub(super) fn follow(state: &mut State) {
    state.log_anchor = match state.log_anchor {
        Some(_) => None,
        None => shown(state).last().copied(),
    };
}

/// To the next line that holds what is searched for, upwards or downwards. False when there is none.
pub(super) fn find(state: &mut State, upwards: bool) -> bool {
    let wanted = state.search.text().to_lowercase();
    let shown = shown(state);
    let at = state.log_anchor.map_or(shown.len(), |anchor| place(&shown, anchor));
    let holds = |number: &&u64| {
        let index = number.checked_sub(state.model.log.dropped).and_then(|index| usize::try_from(index).ok());
        match index.and_then(|index| state.model.log.entries.get(index)) {
            Some(LogEntry::Line { text, .. } | LogEntry::Remark(text)) => text.to_lowercase().contains(&wanted),
            Some(LogEntry::Gap(_)) | None => false,
        }
    };
    let found = if upwards {
        shown.iter().take(at).rev().find(holds)
    } else {
        shown.iter().skip(at.saturating_add(1)).find(holds)
    };
    let Some(found) = found.copied() else { return false };
    state.log_anchor = Some(found);
    true
}

/// Where an entry stands among those that are shown; where it would stand when it is not.
pub fn place(shown: &[u64], number: u64) -> usize {
    shown.partition_point(|one| *one < number).min(shown.len().saturating_sub(1))
}
