//! What is coloured how: below each row of a screen, a letter for each cell that is not plain.
//!
//! The letters stand for roles, read back from the attributes of the cells, in 16 colours and in 24 bits; both must give
//! the same. What a role looks like in each palette is a snapshot of its own (`colours-legend`), so a wrong colour on a
//! screen is a wrong letter, and a wrong shade is one line of the legend.

use ratatui::{
    buffer::{Buffer, Cell},
    style::Style,
};
use ubmc_tui::{
    app::{Answer, App, Event, LinkEvent},
    model::{Mono, from_wire},
    style::{Depth, Look, Role},
    view,
};

use crate::{board, desk};

/// Letters by role; those that look alike share one.
const LETTERS: [(char, &str, Role); 9] = [
    ('d', "dim", Role::Dim),
    ('t', "title, key", Role::Title),
    ('g', "good", Role::Good),
    ('b', "busy", Role::Busy),
    ('b', "graph", Role::Graph),
    ('W', "warning", Role::Warning),
    ('C', "critical", Role::Critical),
    ('s', "selected", Role::Selected),
    ('S', "tab", Role::Tab),
];

/// The letter of a cell; a blank when it is plain, `?` when no role looks like it.
fn letter(cell: &Cell, look: Look) -> char {
    let wears = |style: Style| style.fg.unwrap_or_default() == cell.fg && style.add_modifier == cell.modifier;
    let blank = cell.symbol().trim().is_empty();
    if wears(Style::new()) {
        return ' ';
    }
    match LETTERS.iter().find(|(_, _, role)| wears(look.style(*role))) {
        Some((letter, _, Role::Selected | Role::Tab)) => *letter,
        // A colour that nobody can see is none.
        Some(_) if blank => ' ',
        Some((letter, ..)) => *letter,
        None => '?',
    }
}

fn letters(cells: &Buffer, y: u16, look: Look) -> String {
    let row = (cells.area.left()..cells.area.right()).filter_map(|x| cells.cell((x, y)));
    row.map(|cell| letter(cell, look)).collect::<String>().trim_end().to_owned()
}

/// Compares a screen, with a row of letters below each row that is not plain, with what was approved.
fn check(name: &str, prepare: impl Fn(&mut App)) {
    for (columns, rows) in [(80, 24), (200, 50)] {
        let mut app = desk::connected(columns, rows);
        prepare(&mut app);
        let look = Look::new(Depth::Sixteen, true);
        let sixteen = view::draw(app.state(), look).cells;
        let full = Look::new(Depth::Rgb, true);
        let rgb = view::draw(app.state(), full).cells;
        let texts = crate::screens::text(&sixteen);
        let mut shown = String::new();
        for (y, text) in (0..rows).zip(texts.lines()) {
            let below = letters(&sixteen, y, look);
            assert_eq!(below, letters(&rgb, y, full), "{name} at {columns}x{rows}, row {y}: {text}");
            assert!(
                !below.contains('?'),
                "{name} at {columns}x{rows}, row {y} wears what no role does: {text}\n{below}"
            );
            shown.extend(["  ", text, "\n"]);
            if !below.is_empty() {
                shown.extend(["~ ", &below, "\n"]);
            }
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("colours-{name}-{columns}x{rows}"), shown);
        });
    }
}

#[test]
fn each_role_looks_like_itself_in_each_palette() {
    let mut lines = Vec::new();
    for (letter, name, role) in LETTERS {
        lines.push(format!("{letter} {name}"));
        for depth in [Depth::Mono, Depth::Eight, Depth::Sixteen, Depth::Indexed, Depth::Rgb] {
            let style = Look::new(depth, true).style(role);
            let fg = style.fg.map_or("its own colour".to_owned(), |fg| fg.to_string());
            lines.push(format!("    {:<8} {fg}, {:?}", format!("{depth:?}"), style.add_modifier));
        }
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("colours-legend", lines.join("\n"));
    });
}

fn keys(keys: &'static str) -> impl Fn(&mut App) {
    move |app| {
        desk::press(app, desk::NOW, keys);
    }
}

#[test]
fn every_view_is_coloured_by_what_it_says() {
    for (name, pressed) in [
        ("overview", "1"),
        ("services", "2 j j j j j j j j j j j j j j j j"),
        ("service", "2 j j j j j j j j j j j j j Enter v"),
        ("sensors", "3 j j"),
        ("thermal", "4 j"),
        ("power", "5 j j Right"),
        ("operations", "6"),
        ("events", "7 k k k"),
        ("event", "7 k k Enter"),
        ("boot", "8 G"),
        ("hardware", "9"),
        ("help", "5 ?"),
    ] {
        check(name, keys(pressed));
    }
}

#[test]
fn a_question_is_coloured_by_what_it_says() {
    check("confirm", |app| {
        desk::press(app, desk::NOW, "5 j a j Enter");
        let token = app.state().last_token;
        let result = Ok(Answer::Operation(Box::new(from_wire::operation(desk::NOW, board::plan("host.0", "off")))));
        app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
    });
}

#[test]
fn what_is_old_has_lost_its_colours() {
    check("lost", |app| {
        let later = Mono(desk::NOW.0 + 12.0);
        let reason = "ubmcd ended the connection".to_owned();
        app.handle(later, Event::Link(LinkEvent::Down { reason, retry_in_s: 4.0 }));
    });
}

#[test]
fn every_view_says_the_same_in_every_palette_at_every_size() {
    for (columns, rows) in [(40, 15), (80, 24), (120, 40), (200, 50)] {
        for key in '1'..='9' {
            let mut app = desk::connected(columns, rows);
            desk::press(&mut app, desk::NOW, &key.to_string());
            for utf8 in [true, false] {
                let text = |depth| crate::screens::text(&view::draw(app.state(), Look::new(depth, utf8)).cells);
                let mono = text(Depth::Mono);
                for depth in [Depth::Eight, Depth::Sixteen, Depth::Indexed, Depth::Rgb] {
                    assert_eq!(mono, text(depth), "view {key} at {columns}x{rows}, {depth:?}");
                }
            }
        }
    }
}
