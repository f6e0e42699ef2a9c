//! How the platform came up: each group and each service as a lane of one timeline, and the chain that decided how long
//! it took.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, columns as width_of, mark_piece, role_of},
    format,
    table::{self, Column, Table},
    verdict,
};
use crate::{
    app::{Area, Item, Place, State, rows, serves},
    model::{Boot, BootService, Outcome},
    style::{Glyphs, Lane, Mark, Role, Stroke},
};

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let Some(boot) = &state.model.boot else {
        canvas.heading(area, "Start", "");
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let text = if serves(state, Area::Boot) { "not known yet" } else { "this daemon does not tell how it started" };
        canvas.paragraph(below, text, Role::Dim);
        return;
    };
    let chart = Chart::new(boot, state, area.width, canvas.glyphs());
    let height = u16::try_from(boot.phases.len()).unwrap_or(u16::MAX).saturating_add(1).min(area.height / 3);
    let mut y = area.y;
    phases(canvas, Rect { height, ..area }, &chart);
    y += height;
    y += limitations(canvas, Rect { y, height: area.height / 6, ..area }, state);
    // A high screen has the critical path member by member, each with its why.
    let path = u16::try_from(boot.critical_path.len()).unwrap_or(u16::MAX);
    let below = if area.height >= 36 && path > 0 { path.saturating_add(2).min(area.height / 3) } else { 0 };
    let footed = if below > 0 { 2 } else { 2.min(area.height / 8) };
    let room = area.bottom().saturating_sub(y + footed + below);
    let needed = u16::try_from(rows::items(state).len()).unwrap_or(u16::MAX).saturating_add(2);
    let list = Rect { y, height: if below > 0 { room.min(needed.max(3)) } else { room }, ..area };
    services(canvas, list, state, &chart);
    let rest = Rect { y: list.bottom(), height: area.bottom() - list.bottom(), ..area };
    if below > 0 {
        footer(canvas, Rect { height: 1, ..rest }, state, &chart);
        critical_path(canvas, Rect { y: rest.y + 2, height: rest.height.saturating_sub(2), ..rest }, &chart);
    } else {
        footer(canvas, rest, state, &chart);
    }
}

/// Lanes that share an axis.
struct Chart<'a> {
    boot: &'a Boot,
    glyphs: Glyphs,
    /// How far the daemon's clock is.
    now_s: f64,
    columns: [Column; 7],
    lane: u16,
}

impl<'a> Chart<'a> {
    fn new(boot: &'a Boot, state: &State, width: u16, glyphs: Glyphs) -> Self {
        let roomy = width >= 100;
        let (gap, name, note) = if roomy { (2, 20, 22) } else { (1, 15, 0) };
        let figure = if width >= 60 { 7 } else { 0 };
        let lane = width.saturating_sub(2 + name + note + 2 * figure + 6 * gap).max(8);
        let columns = [
            Column::new("", 1),
            Column::new("", 1),
            Column::new("", name),
            Column::new("", lane),
            Column::new(if figure > 0 { "waited" } else { "" }, figure).right(),
            Column::new(if figure > 0 { "own" } else { "" }, figure).right(),
            Column::new(if roomy { "after" } else { "" }, note),
        ];
        // Until the daemon has said how long it is up, what is known of the start is the clock.
        let known = boot.services.iter().flat_map(|one| [one.released_s, one.settled_s]).flatten();
        let now_s = state.daemon_clock().unwrap_or_else(|| known.fold(boot.started_s, f64::max));
        Self { boot, glyphs, now_s, columns, lane }
    }

    fn elapsed(&self) -> f64 {
        self.boot.elapsed(self.now_s)
    }

    /// A moment's place on the axis.
    fn share(&self, at_s: f64) -> f64 {
        (at_s - self.boot.started_s).max(0.0) / self.elapsed().max(1e-6)
    }

    fn empty(&self) -> Lane {
        Lane::new(usize::from(self.lane), self.glyphs)
    }

    fn lane_of(&self, service: &BootService) -> String {
        let released = service.released_s.map(|at| self.share(at));
        let settled = service.settled_s.map(|at| self.share(at));
        let mut lane = self.empty();
        let waiting_ends = released.or(settled);
        if waiting_ends != Some(0.0) {
            lane = lane.stretch(0.0, waiting_ends, Stroke::Waiting);
        }
        if let Some(released) = released {
            lane = lane.stretch(released, settled, Stroke::Own);
        }
        lane.text()
    }

    /// How long something held it up, and how long it took itself.
    fn times(&self, service: &BootService) -> [Option<f64>; 2] {
        let open = |at: Option<f64>| at.unwrap_or(self.now_s);
        let waited = service.released_s.or(service.settled_s).unwrap_or(self.now_s) - self.boot.started_s;
        [Some(waited.max(0.0)), service.released_s.map(|released| (open(service.settled_s) - released).max(0.0))]
    }

    fn verdict(&self) -> String {
        let elapsed = format::precise(self.elapsed());
        match (self.boot.ended_s.is_some(), self.boot.timed_out) {
            (false, _) => format!("starting for {elapsed}"),
            (true, false) => format!("started in {elapsed}"),
            (true, true) => format!("not everything was up after {elapsed}"),
        }
    }
}

fn time(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), format::precise)
}

fn phases(canvas: &mut Canvas<'_>, area: Rect, chart: &Chart<'_>) {
    let table = Table {
        title: "Start",
        remark: chart.verdict(),
        columns: &chart.columns.map(Column::untitled),
        count: chart.boot.phases.len(),
        selected: None,
        empty: "no service is wanted up from the start",
    };
    table::draw(canvas, area, &table, |index| {
        let Some(phase) = chart.boot.phases.get(index) else { return Vec::new() };
        let members = || chart.boot.services.iter().filter(|one| one.group == phase.group);
        let failed = members().filter(|one| one.outcome == Outcome::Failed).count();
        let mark = match (failed, phase.ended_s) {
            (1.., _) => Mark::Warning,
            (0, Some(_)) => Mark::Done,
            (0, None) if phase.began_s.is_some() => Mark::Busy,
            (0, None) => Mark::Off,
        };
        let lane = match phase.began_s {
            Some(began) => {
                let ended = phase.ended_s.map(|ended| chart.share(ended));
                chart.empty().stretch(chart.share(began), ended, Stroke::Whole).text()
            }
            None => String::new(),
        };
        let took = phase.began_s.map(|began| (phase.ended_s.unwrap_or(chart.now_s) - began).max(0.0));
        let settled = members().filter(|one| one.outcome != Outcome::Pending).count();
        let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        vec![
            mark_piece(chart.glyphs, mark),
            Piece::text(""),
            Piece::new(Role::Title, &phase.group),
            Piece::new(Role::Graph, lane),
            Piece::text(time(phase.began_s.map(|began| (began - chart.boot.started_s).max(0.0)))),
            Piece::text(time(took)),
            Piece::new(role_of(mark), format!("{settled} of {} settled{failed}", members().count())),
        ]
    });
}

/// Said once at the start, so it belongs to it. The answer is the rows used.
fn limitations(canvas: &mut Canvas<'_>, area: Rect, state: &State) -> u16 {
    let limitations: &[String] = state.model.status.as_ref().map_or(&[], |status| &status.limitations);
    if limitations.is_empty() || area.height < 2 {
        return 0;
    }
    let height = area.height.min(u16::try_from(limitations.len()).unwrap_or(u16::MAX).saturating_add(1));
    let columns = [Column::new("", 1), Column::new("", 20).grows()];
    let table = Table {
        title: "What this machine lacks",
        remark: String::new(),
        columns: &columns,
        count: limitations.len(),
        selected: None,
        empty: "",
    };
    table::draw(canvas, Rect { height, ..area }, &table, |index| {
        let text = limitations.get(index).map_or("", String::as_str);
        vec![Piece::dim("-"), Piece::text(text)]
    });
    height
}

fn services(canvas: &mut Canvas<'_>, area: Rect, state: &State, chart: &Chart<'_>) {
    let items = rows::items(state);
    let selected = rows::selected(state).and_then(|item| items.iter().position(|other| *other == item));
    let name = |item: &Item| if let Item::Service(name) = item { name.clone() } else { String::new() };
    let names: Vec<String> = items.iter().map(name).collect();
    let empty =
        if state.filter().is_empty() { "no service is wanted up from the start" } else { "no service fits the filter" };
    lanes(canvas, area, chart, ("Services", empty), &names, selected);
}

/// The first starts of some services, the last of which is the one that the page is about.
pub(super) fn of(canvas: &mut Canvas<'_>, area: Rect, state: &State, names: &[String], about: &str) {
    let title = "Start";
    let Some(boot) = &state.model.boot else {
        canvas.heading(area, title, "");
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        canvas.paragraph(below, "not known yet", Role::Dim);
        return;
    };
    let chart = Chart::new(boot, state, area.width, canvas.glyphs());
    let names: Vec<String> = names.iter().filter(|name| boot.service(name).is_some()).cloned().collect();
    let footed = u16::from(area.height > 5);
    let list = Rect { height: area.height - footed, ..area };
    lanes(canvas, list, &chart, (title, "it was not wanted up from the start"), &names, None);
    if let Some(service) = boot.service(about).filter(|_| footed > 0) {
        canvas.put(area.x, area.bottom() - 1, area.width, &sentence(service, &chart), Role::Dim);
    }
}

/// One service a lane, under a title; a word where there is none.
fn lanes(
    canvas: &mut Canvas<'_>,
    area: Rect,
    chart: &Chart<'_>,
    (title, empty): (&str, &str),
    names: &[String],
    selected: Option<usize>,
) {
    let [waited, own] = [Stroke::Waiting, Stroke::Own].map(|stroke| stroke.glyph(chart.glyphs));
    let table = Table {
        title,
        remark: format!("{waited} waited  {own} own  > critical path"),
        columns: &chart.columns,
        count: names.len(),
        selected,
        empty,
    };
    let rows = table::draw(canvas, area, &table, |index| {
        let Some(service) = names.get(index).and_then(|name| chart.boot.service(name)) else { return Vec::new() };
        let mark = verdict::outcome(service.outcome);
        let [waited, own] = chart.times(service).map(time);
        // A oneshot that had done its work in this boot of the BMC already.
        let before = service.outcome == Outcome::Completed && service.released_s.is_none();
        let own = if before { "before".to_owned() } else { own };
        let role = match service.outcome {
            Outcome::Failed | Outcome::Pending => role_of(mark),
            Outcome::Ready | Outcome::Completed | Outcome::Abandoned if service.critical => Role::Title,
            Outcome::Ready | Outcome::Completed | Outcome::Abandoned => Role::Graph,
        };
        vec![
            mark_piece(chart.glyphs, mark),
            Piece::new(Role::Title, if service.critical { ">" } else { "" }),
            Piece::new(if service.critical { Role::Title } else { Role::Text }, &service.name),
            Piece::new(role, chart.lane_of(service)),
            Piece::dim(waited),
            Piece::text(own),
            Piece::dim(&service.waited_for),
        ]
    });
    canvas.places(rows, |index| names.get(index).map(|name| Place::Row(Item::Service(name.clone()))));
}

/// The selected one in a sentence, and the critical path.
fn footer(canvas: &mut Canvas<'_>, area: Rect, state: &State, chart: &Chart<'_>) {
    let mut rows = area.rows();
    if let (Some(row), Some(Item::Service(name))) = (rows.next(), rows::selected(state))
        && let Some(service) = chart.boot.service(&name)
    {
        canvas.put(row.x, row.y, row.width, &sentence(service, chart), Role::Dim);
    }
    if let Some(row) = rows.next()
        && !chart.boot.critical_path.is_empty()
    {
        let label = if chart.boot.ended_s.is_some() { "critical path: " } else { "critical path so far: " };
        let used = canvas.put(row.x, row.y, row.width, label, Role::Dim);
        let room = row.width.saturating_sub(used);
        canvas.put(row.x + used, row.y, room, &path_in(chart, room), Role::Title);
    }
}

/// The chain that decided how long it took, each member with what it waited for and what it took itself.
fn critical_path(canvas: &mut Canvas<'_>, area: Rect, chart: &Chart<'_>) {
    let path = &chart.boot.critical_path;
    let columns = [
        Column::new("", 1),
        Column::new("service", 20),
        Column::new("group", 14),
        Column::new("settled at", 10).right(),
        Column::new("share", 6).right(),
        Column::new("why", 30).grows(),
    ];
    let table = Table {
        title: if chart.boot.ended_s.is_some() { "Critical path" } else { "Critical path so far" },
        remark: String::new(),
        columns: &columns,
        count: path.len(),
        selected: None,
        empty: "",
    };
    let rows = table::draw(canvas, area, &table, |index| {
        let Some(service) = path.get(index).and_then(|name| chart.boot.service(name)) else { return Vec::new() };
        let [_, own] = chart.times(service);
        let settled = service.settled_s.map(|at| (at - chart.boot.started_s).max(0.0));
        let share = own.map(|own| format!("{:.0} %", (own / chart.elapsed().max(1e-6) * 100.0).clamp(0.0, 100.0)));
        vec![
            mark_piece(chart.glyphs, verdict::outcome(service.outcome)),
            Piece::text(&service.name),
            Piece::dim(&service.group),
            Piece::text(time(settled)),
            Piece::text(share.unwrap_or_default()),
            // All of them are on it.
            Piece::dim(sentence(service, chart).trim_end_matches(ON_PATH)),
        ]
    });
    canvas.places(rows, |index| path.get(index).map(|name| Place::Row(Item::Service(name.clone()))));
}

/// The path, its end whole: what came last is what one waits for.
fn path_in(chart: &Chart<'_>, room: u16) -> String {
    let arrow = format!(" {} ", chart.glyphs.arrow());
    let mut path = String::new();
    for name in chart.boot.critical_path.iter().rev() {
        let longer = if path.is_empty() { name.clone() } else { format!("{name}{arrow}{path}") };
        if !path.is_empty() && width_of(&longer) + 2 > room {
            return format!("{}{}", chart.glyphs.ellipsis(), format!("{arrow}{path}").trim_end());
        }
        path = longer;
    }
    path
}

/// Ends the sentence of whoever decided how long it took.
const ON_PATH: &str = "; on the critical path";

fn sentence(service: &BootService, chart: &Chart<'_>) -> String {
    let name = &service.name;
    let [waited, own] = chart.times(service).map(time);
    let after = match service.waited_for.as_str() {
        "" => String::new(),
        other => format!(" for {other}"),
    };
    let critical = if service.critical { ON_PATH } else { "" };
    match (service.outcome, service.released_s) {
        (Outcome::Pending, None) => format!("{name} waits{after} since {waited}"),
        (Outcome::Pending, Some(_)) => format!("{name} waited {waited}{after}, and is starting for {own}{critical}"),
        (Outcome::Failed, None) => format!("{name} never started: it waited {waited}{after}, which failed{critical}"),
        (Outcome::Abandoned, _) => format!("{name} was not wanted any more after {waited}"),
        (Outcome::Failed, Some(_)) => format!("{name} waited {waited}{after}, and failed after {own}{critical}"),
        (Outcome::Ready, Some(_)) => format!("{name} waited {waited}{after}, and was ready after {own}{critical}"),
        (Outcome::Ready, None) => format!("{name} was ready, having waited for nothing{critical}"),
        (Outcome::Completed, None) => format!("{name} had done its work before: it is done once a boot{critical}"),
        (Outcome::Completed, Some(_)) => format!("{name} waited {waited}{after}, and was done after {own}{critical}"),
    }
}
