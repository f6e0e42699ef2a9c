//! The console's decisions: [`App::handle`] takes what happens and says what is to be done.
//!
//! - [`Event`], [`Effect`], [`Ask`]: what comes in and what goes out;
//! - [`State`]: all that the screen is drawn from; only this module changes it;
//! - [`keymap`]: which key does what; help is made of it;
//! - [`rows`]: what each view lists; [`menu`], [`palette`]: the ways to act; [`offer`]: which of them something can come
//!   of; [`Deed`]: what can be done; [`confirm`]: the question before it.
//!
//! No clock, no I/O, no randomness: the same events give the same state and effects.

pub mod confirm;
mod deed;
mod event;
mod events;
mod handle;
mod intent;
mod key;
pub mod keymap;
mod line;
mod link_news;
pub mod log;
mod look;
pub mod menu;
mod modal;
mod mouse;
pub mod offer;
mod outcome;
pub mod palette;
mod parts;
mod renewal;
pub mod rows;
mod state;
mod subject;
pub mod tree;
mod view;

pub use confirm::{Confirm, Plan};
pub use deed::{Deed, Fact};
pub use event::{Answer, Area, Ask, Effect, Ends, Event, LinkEvent, ServiceVerb, Size, Token};
pub use handle::VERIFICATION;
pub use key::{Code, Key};
pub use line::Line;
pub use link_news::{STALE_PLAN, serves};
pub use menu::Menu;
pub use mouse::Place;
pub use outcome::Awaited;
pub use palette::Palette;
pub use parts::{HISTORY_BESIDE, power_beside};
pub use state::{
    About, Asked, GRAPH_SPANS, Item, LinkState, LogStream, Modal, Notice, Page, Pane, Pick, PowerPane, State, Tone,
    WhyShown,
};
pub use view::{UnknownView, View};

use crate::model::Mono;

/// The state and the only hand that changes it.
#[derive(Clone, Debug, PartialEq)]
pub struct App {
    state: State,
}

impl App {
    /// A console that has not seen anything yet.
    pub fn new(state: State) -> Self {
        Self { state }
    }

    /// What the screen is drawn from.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Takes what happened at `now` and says what is to be done, in order.
    pub fn handle(&mut self, now: Mono, event: Event) -> Vec<Effect> {
        self.state.now = now;
        let mut effects = Vec::new();
        match event {
            Event::Key(key) => handle::key(&mut self.state, key, &mut effects),
            Event::Click(place) => mouse::click(&mut self.state, place, &mut effects),
            Event::Paste(text) => modal::paste(&mut self.state, &text),
            Event::Tick { wall_s, bytes_per_s } => {
                self.state.bytes_per_s = bytes_per_s;
                look::tick(&mut self.state, wall_s, &mut effects);
            }
            Event::Resize(size) => {
                self.state.size = size;
                effects.push(Effect::Repaint);
            }
            Event::Drawn(ends) => modal::hold_to(&mut self.state, ends),
            Event::Link(event) => link_news::take(&mut self.state, event, &mut effects),
            Event::Remark(text) => intent::tell(&mut self.state, text, Tone::Bad),
        }
        effects
    }
}
