//! Clicks: where things stand, and that none of them does anything that was not asked about.

use ubmc_tui::{
    app::{App, Effect, Event, Item, Modal, Place, View, rows},
    style::{Depth, Look},
    view,
};

use crate::{desk, screens};

/// Clicks on the first cell that shows `text`.
fn click(app: &mut App, text: &str) -> Vec<Effect> {
    let picture = view::draw(app.state(), Look::new(Depth::Mono, false));
    let shown = screens::text(&picture.cells);
    let found = shown.lines().zip(0..).find_map(|(line, row)| {
        let column = line[..line.find(text)?].chars().count();
        Some((u16::try_from(column).expect("it is on the screen"), row))
    });
    let (column, row) = found.unwrap_or_else(|| panic!("{text} is not shown:\n{shown}"));
    match picture.at(column, row).cloned() {
        Some(place) => app.handle(desk::NOW, Event::Click(place)),
        None => Vec::new(),
    }
}

#[test]
fn a_click_on_a_tab_opens_the_view_and_on_a_row_selects_what_the_second_opens() {
    let mut app = desk::connected(80, 24);
    click(&mut app, "2 services");
    assert_eq!(app.state().view, View::Services);
    click(&mut app, "demo-web");
    assert_eq!(rows::selected(app.state()), Some(Item::Service("demo-web".into())));
    assert_eq!(app.state().page, None);
    let effects = click(&mut app, "demo-web");
    assert_eq!(app.state().open_service(), Some("demo-web"));
    assert!(effects.contains(&Effect::FollowLog(Some("demo-web".into()))), "{effects:?}");
    let effects = click(&mut app, "7 events");
    assert_eq!((app.state().view, app.state().open_service()), (View::Events, None));
    assert!(effects.contains(&Effect::FollowLog(None)));
}

#[test]
fn every_row_that_can_be_clicked_is_the_one_that_is_selected_then() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        for view in View::ALL {
            let mut app = desk::connected(columns, rows);
            app.handle(desk::NOW, Event::Click(Place::Tab(view)));
            let picture = view::draw(app.state(), Look::new(Depth::Mono, false));
            let items = rows::items(app.state());
            let mut count = 0;
            for (_, place) in &picture.places {
                let Place::Row(item) = place else { continue };
                count += 1;
                assert!(items.contains(item), "{item:?} in {view:?}");
                let mut app = app.clone();
                if rows::selected(app.state()).as_ref() == Some(item) {
                    continue;
                }
                app.handle(desk::NOW, Event::Click(place.clone()));
                assert_eq!(rows::selected(app.state()).as_ref(), Some(item), "in {view:?}");
            }
            assert!(count > 0, "nothing can be clicked in {view:?} at {columns}x{rows}");
        }
    }
}

#[test]
fn a_click_never_does_what_interrupts_something() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "5 j Enter");
    let of_places = |app: &App| view::draw(app.state(), Look::new(Depth::Mono, false)).places;
    // Whatever is clicked, and however often: a question at most, which no click answers.
    for _ in 0..4 {
        for (_, place) in of_places(&app) {
            let mut app = app.clone();
            for _ in 0..4 {
                let effects = app.handle(desk::NOW, Event::Click(place.clone()));
                for effect in effects {
                    let asks_only = match &effect {
                        Effect::Ask(_, ask) => !format!("{ask:?}").starts_with("Transition"),
                        _ => true,
                    };
                    assert!(asks_only, "{effect:?}");
                }
            }
            if matches!(app.state().modal, Some(Modal::Confirm(_))) {
                assert_eq!(of_places(&app), Vec::new(), "a question takes no click: {place:?}");
                app.handle(desk::NOW, Event::Click(Place::Tab(View::Events)));
                assert!(matches!(app.state().modal, Some(Modal::Confirm(_))), "{place:?}");
            }
        }
        desk::press(&mut app, desk::NOW, "j");
    }
}

#[test]
fn a_menu_and_the_palette_select_with_one_click_and_enter_with_the_next() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "4 a");
    assert_eq!(click(&mut app, "hold at 60 %"), []);
    assert!(matches!(&app.state().modal, Some(Modal::Menu(menu)) if menu.selected == 1), "{:?}", app.state().modal);
    click(&mut app, "hold at 60 %");
    assert!(matches!(app.state().modal, Some(Modal::Confirm(_))));
    desk::press(&mut app, desk::NOW, "Esc :");
    for key in "view ".chars() {
        app.handle(desk::NOW, Event::Key(key.into()));
    }
    click(&mut app, "view sensors");
    click(&mut app, "view sensors");
    assert_eq!((app.state().view, &app.state().modal), (View::Sensors, &None));
}
