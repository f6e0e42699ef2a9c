//! Brings the state onto the terminal, as fast as the line allows and no faster.

use std::io;

use ratatui::layout::Rect;

use crate::{
    app::{Ends, Place, State},
    link::Clock,
    model::Mono,
    style::Look,
    term::{
        pace::{Pace, Urgency},
        screen::Screen,
        writer::Writer,
    },
    view,
};

/// Draws, paces and writes.
#[derive(Debug)]
pub(super) struct Painter {
    look: Look,
    clock: Clock,
    screen: Screen,
    pace: Pace,
    writer: Writer,
    /// Somebody waits for a frame. None: the screen shows what is.
    wanted: Option<Urgency>,
    /// The screen has to be emptied first.
    anew: bool,
    /// When the next frame may be tried. None: at once, or nothing is wanted.
    due: Option<Mono>,
    /// What can be clicked in the last picture that was sent.
    places: Vec<(Rect, Place)>,
}

impl Painter {
    pub(super) fn new(look: Look, baud: Option<u32>, clock: Clock) -> io::Result<Self> {
        Ok(Self {
            look,
            clock,
            screen: Screen::new(0, 0),
            pace: Pace::new(baud),
            writer: Writer::start()?,
            wanted: None,
            anew: true,
            due: None,
            places: Vec::new(),
        })
    }

    /// Something may look different now.
    pub(super) fn changed(&mut self, urgency: Urgency) {
        if self.wanted < Some(urgency) {
            self.wanted = Some(urgency);
            self.due = None;
        }
    }

    /// What is shown at this cell.
    pub(super) fn at(&self, column: u16, row: u16) -> Option<Place> {
        view::at(&self.places, column, row).cloned()
    }

    /// Everything has to be sent again.
    pub(super) fn repaint(&mut self) {
        self.anew = true;
        self.changed(Urgency::Answer);
    }

    /// Bytes a second of late.
    pub(super) fn rate(&mut self, now: Mono) -> f64 {
        self.pace.rate_now(now)
    }

    /// Wakes up when a frame is worth trying; never, when none is wanted.
    pub(super) async fn due(&self) {
        match (self.wanted, self.due) {
            (None, _) => std::future::pending().await,
            (Some(_), _) if self.writer.is_busy() => self.writer.idle().await,
            (Some(_), Some(due)) => tokio::time::sleep_until(self.clock.instant(due).into()).await,
            (Some(_), None) => {}
        }
    }

    /// Sends a frame, if one is wanted and the line has room. What does not fit now comes with the next. The answer is how
    /// far what was drawn can be scrolled; none when nothing was.
    pub(super) fn paint(&mut self, state: &State) -> Option<Ends> {
        let urgency = self.wanted?;
        if self.writer.is_busy() {
            return None;
        }
        let now = self.clock.now();
        let budget = self.pace.allowance(now, urgency);
        if budget == 0 {
            self.due = Some(self.pace.next(now, urgency));
            return None;
        }
        let picture = view::draw(state, self.look);
        let mut bytes = Vec::new();
        if std::mem::take(&mut self.anew) {
            bytes = self.screen.clear(state.size.columns, state.size.rows);
        }
        let frame = self.screen.paint(&picture.cells, &picture.first, &picture.last, budget);
        bytes.extend(frame.bytes);
        self.wanted = (!frame.complete).then_some(urgency);
        self.due = None;
        self.places = picture.places;
        if !bytes.is_empty() {
            self.pace.sent(now, bytes.len(), urgency);
            self.writer.write(bytes);
        }
        Some(picture.ends)
    }
}
