//! A service's page: its particulars, what it is tied to, and its log as it comes.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece, role_of},
    format, service_log, service_parts, services, table, verdict,
};
use crate::{
    app::{HISTORY_BESIDE, Pane, State},
    model::{Health, Service},
    style::{Mark, Role},
};

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, name: &str) {
    let Some(service) = state.model.service(name) else {
        canvas.heading(area, name, "");
        let gone = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        canvas.paragraph(gone, "this service is not declared any more", Role::Warning);
        return;
    };
    canvas.heading(area, name, &service.description);
    let wide = area.width >= 110;
    let most =
        area.height.saturating_sub(1) * if area.height > 30 { 1 } else { 2 } / if area.height > 30 { 2 } else { 3 };
    let top = Rect { y: area.y + 1, height: most, ..area };
    let used = if wide {
        let gap = 3;
        let left = Rect { width: (top.width - gap) / 2, ..top };
        let right = Rect { x: left.right() + gap, width: top.width - gap - left.width, ..top };
        let one = table::facts(canvas, left, &state_facts(canvas.glyphs(), service, state));
        one.max(table::facts(canvas, right, &tie_facts(canvas.glyphs(), service, state)))
    } else {
        let mut facts = state_facts(canvas.glyphs(), service, state);
        facts.extend(tie_facts(canvas.glyphs(), service, state));
        table::facts(canvas, top, &facts)
    };
    let y = top.y + used;
    let below = Rect { y, height: area.bottom().saturating_sub(y), ..area };
    // Where there is room, what happened stands beside the log.
    if area.width >= HISTORY_BESIDE && matches!(state.pane, Pane::Log | Pane::History) {
        let left = Rect { width: below.width * 3 / 5, ..below };
        let right = Rect { x: left.right() + 3, width: below.width - left.width - 3, ..below };
        service_log::draw(canvas, left, state, service);
        return service_parts::history(canvas, right, state, name);
    }
    match state.pane {
        Pane::Log => service_log::draw(canvas, below, state, service),
        Pane::History => service_parts::history(canvas, below, state, name),
        Pane::Start => service_parts::start(canvas, below, state, name),
        Pane::Ties => service_parts::ties(canvas, below, state, name),
    }
}

/// Its particulars and what happened to it, beside the list.
pub(super) fn aside(canvas: &mut Canvas<'_>, area: Rect, state: &State, name: &str) {
    let Some(service) = state.model.service(name) else { return };
    canvas.heading(area, name, &service.description);
    let mut facts = state_facts(canvas.glyphs(), service, state);
    facts.extend(tie_facts(canvas.glyphs(), service, state));
    let top = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let used = table::facts(canvas, top, &facts);
    let below = Rect { y: top.y + used, height: top.height.saturating_sub(used), ..area };
    if below.height > 2 {
        service_parts::history(canvas, below, state, name);
    }
}

fn state_facts(glyphs: crate::style::Glyphs, service: &Service, state: &State) -> Vec<(&'static str, Vec<Piece>)> {
    let mark = verdict::service_now(service, state.now);
    let age = format::duration(state.now.since(service.since));
    let wanted = match service.wanted {
        Some(true) => ", wanted up",
        Some(false) => ", not wanted",
        None => "",
    };
    let mut kind = vec![service.kind.word()];
    kind.extend(
        [(service.critical, "critical"), (service.oneshot, "oneshot"), (service.auto_start, "starts by itself")]
            .into_iter()
            .filter_map(|(is, word)| is.then_some(word)),
    );
    let mut health = if service.health == Health::Unknown {
        let never = service.health_check.is_empty() && service.health_text.is_empty();
        vec![Piece::dim(if never { "no check tells" } else { "not checked now" })]
    } else {
        vec![
            mark_piece(glyphs, verdict::health(service.health)),
            Piece::new(role_of(verdict::health(service.health)), format!(" {}", service.health.word())),
        ]
    };
    if !service.health_check.is_empty() {
        health.push(Piece::dim(format!(", {}", service.health_check)));
    }
    if let Some(rate) = service.health_success_rate {
        health.push(Piece::dim(format!(", {:.0} % of checks passed", rate * 100.0)));
    }
    if let Some(took) = service.health_latency_s {
        health.push(Piece::dim(format!(", in {}", format::precise(took))));
    }
    if !service.health_text.is_empty() {
        health.push(Piece::text(format!(": {}", service.health_text)));
    }
    let use_of = [
        service.pid.map(|pid| format!("pid {pid}")),
        service.cpu_percent.map(|percent| format!("cpu {percent:.1} %")),
        service.rss_bytes.map(|bytes| format!("memory {}", format::bytes(bytes))),
        service.fds.map(|fds| format!("{fds} descriptors")),
    ];
    let use_of: Vec<String> = use_of.into_iter().flatten().collect();
    vec![
        (
            "state",
            vec![
                mark_piece(glyphs, mark),
                Piece::new(role_of(mark), format!(" {}", service.state.word())),
                Piece::dim(format!(" for {age}{wanted}")),
            ],
        ),
        ("why", vec![Piece::text(services::why(service, state))]),
        ("ready", readiness(service)),
        ("health", health),
        ("uses", vec![Piece::text(use_of.join(", "))]),
        ("kind", vec![Piece::text(kind.join(", "))]),
    ]
}

/// Worth a row when a check of its own tells.
fn readiness(service: &Service) -> Vec<Piece> {
    match (service.readiness_text.as_str(), service.ready) {
        ("", _) => Vec::new(),
        (said, true) => vec![Piece::text(format!("yes: {said}"))],
        (said, false) => vec![Piece::new(Role::Warning, format!("no: {said}"))],
    }
}

fn tie_facts(glyphs: crate::style::Glyphs, service: &Service, state: &State) -> Vec<(&'static str, Vec<Piece>)> {
    let names = |names: &[String]| -> Vec<Piece> {
        names
            .iter()
            .flat_map(|name| {
                let mark = state.model.service(name).map_or(Mark::Unknown, verdict::service);
                [mark_piece(glyphs, mark), Piece::text(format!(" {name}  "))]
            })
            .collect()
    };
    let mut starts = vec![format!("{} again by itself, {} by request", service.restarts, service.manual_starts)];
    if service.crashes > 0 {
        starts.push(format!("{} unexpected ends", service.crashes));
    }
    if let Some(took) = service.start_duration_s {
        starts.push(format!("last start took {}", format::precise(took)));
    }
    // Where it is why the service is as it is, it was said.
    let said = services::why(service, state).contains(&service.last_error);
    let last_error = if said { "" } else { &service.last_error };
    vec![
        ("starts", vec![Piece::text(starts.join(", "))]),
        ("last exit", vec![Piece::text(service.last_exit.clone().unwrap_or_default())]),
        ("last error", vec![Piece::new(Role::Warning, last_error)]),
        ("needs", names(&service.dependencies)),
        ("wants", names(&service.wants)),
        ("needed by", names(&service.dependents)),
        ("needed for", vec![Piece::text(service.required_for.join(", "))]),
    ]
}
