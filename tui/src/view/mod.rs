//! Draws the state: [`draw`] reads, and changes nothing.
//!
//! One pane a file, by the name of what it shows. [`canvas`] is the surface, [`table`] lists, [`graph`] draws curves,
//! [`verdict`] says how good a thing is, [`format`] how a number is written. No pane knows a colour or a byte.

mod boot;
pub mod canvas;
mod dialog;
mod duty;
mod events;
pub mod format;
mod frame;
mod graph;
mod hardware;
mod help;
mod machine_graph;
mod operations;
mod overview;
mod palette;
mod particulars;
mod plan;
mod power;
mod sensors;
mod service;
mod service_log;
mod service_parts;
mod services;
mod sheet;
pub mod table;
mod thermal;
pub mod verdict;
mod why;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    app::{Ends, Modal, Page, Place, State, View},
    style::{Look, Role},
};
use canvas::Canvas;

/// Below this, nothing sensible can be shown.
pub const SMALLEST: (u16, u16) = (40, 15);
/// What the views are made for.
pub const MADE_FOR: (u16, u16) = (80, 24);

/// A drawn screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// All cells.
    pub cells: Buffer,
    /// What is sent first: the answer to a key, alarms.
    pub first: Vec<Rect>,
    /// What is sent last: graphs.
    pub last: Vec<Rect>,
    /// What can be clicked, and where.
    pub places: Vec<(Rect, Place)>,
    /// How far it can be scrolled: the app has to be told, it knows of no rows.
    pub ends: Ends,
}

impl Picture {
    /// What stands at this cell.
    pub fn at(&self, column: u16, row: u16) -> Option<&Place> {
        at(&self.places, column, row)
    }
}

/// What stands at this cell.
pub fn at(places: &[(Rect, Place)], column: u16, row: u16) -> Option<&Place> {
    places.iter().find(|(area, _)| area.contains((column, row).into())).map(|(_, place)| place)
}

/// Draws the whole screen.
pub fn draw(state: &State, look: Look) -> Picture {
    let area = Rect::new(0, 0, state.size.columns, state.size.rows);
    let mut cells = Buffer::empty(area);
    let mut canvas = Canvas::new(&mut cells, look);
    let mut first = Vec::new();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(&mut canvas, area, state);
    } else {
        let header = Rect { height: 2, ..area };
        let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
        let body = Rect { y: 2, height: area.height - 3, ..area };
        frame::header(&mut canvas, header, state);
        canvas.fade(!state.connected());
        pane(&mut canvas, body, state);
        canvas.fade(false);
        frame::footer(&mut canvas, footer, state);
        if let Some(modal) = &state.modal {
            if !matches!(modal, Modal::Progress { .. }) {
                // It has the keys, so the view behind it takes no click either.
                canvas.forget_places();
            }
            first.extend(dialog(&mut canvas, body, state, modal));
        }
        first.push(footer);
        first.push(header);
    }
    let (last, places, ends) = canvas.into_parts();
    Picture { cells, first, last, places, ends }
}

fn pane(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if state.model.heard.is_none() {
        // Empty tables would say that there is nothing, and cost a slow line their headings.
        let used = canvas.paragraph(area, &format!("waiting for ubmcd at {}", state.address), Role::Dim);
        if let Some(reason) = &state.lost {
            let below = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
            canvas.paragraph(below, reason, Role::Warning);
        }
        return;
    }
    match &state.page {
        Some(Page::Service(name)) => return service::draw(canvas, area, state, name),
        Some(Page::Entry(number)) => return events::page(canvas, area, state, *number),
        None => {}
    }
    match state.view {
        View::Overview => overview::draw(canvas, area, state),
        View::Services => services::draw(canvas, area, state),
        View::Sensors => sensors::draw(canvas, area, state),
        View::Thermal => thermal::draw(canvas, area, state),
        View::Power => power::draw(canvas, area, state),
        View::Operations => operations::draw(canvas, area, state),
        View::Events => events::draw(canvas, area, state),
        View::Boot => boot::draw(canvas, area, state),
        View::Hardware => hardware::draw(canvas, area, state),
    }
}

/// Draws what stands in front; the answer is where.
fn dialog(canvas: &mut Canvas<'_>, area: Rect, state: &State, modal: &Modal) -> Option<Rect> {
    match modal {
        Modal::Help(scrolled) => Some(help::draw(canvas, area, state, *scrolled)),
        // Typed in the footer.
        Modal::Filter { .. } | Modal::Search { .. } => None,
        Modal::Why(shown) => Some(why::draw(canvas, area, state, shown)),
        Modal::Palette(open) => Some(palette::draw(canvas, area, state, open)),
        Modal::Menu(menu) => Some(dialog::menu(canvas, area, state, menu)),
        Modal::Confirm(confirm) => Some(dialog::confirm(canvas, area, state, confirm)),
        Modal::Progress { id, scrolled } => dialog::progress(canvas, area, state, id, *scrolled),
        Modal::Refused { what, refusal, scrolled } => Some(dialog::refused(canvas, area, what, refusal, *scrolled)),
    }
}

/// The one thing that matters, and what to do about the size.
fn too_small(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let word = frame::verdict(state);
    let mut y = 0;
    for (text, role) in [
        (word.text.clone(), word.role),
        (format!("{}x{} is too small", area.width, area.height), Role::Text),
        (format!("at least {}x{}, better {}x{}", SMALLEST.0, SMALLEST.1, MADE_FOR.0, MADE_FOR.1), Role::Dim),
        ("q quits".to_owned(), Role::Dim),
    ] {
        let rest = Rect { y, height: area.height.saturating_sub(y), ..area };
        y += canvas.paragraph(rest, &text, role);
    }
}
