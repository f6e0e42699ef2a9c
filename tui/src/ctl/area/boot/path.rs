//! The chain that decided how long the start took.

use super::verdict;
use crate::ctl::{
    object::CriticalPath,
    output::{Canvas, Cell, Paint, Table, duration, left, percent, right},
};

pub(super) fn draw(path: &CriticalPath, canvas: Canvas) -> String {
    let mut text = verdict(path.ended, path.timed_out, path.elapsed_s);
    if path.services.is_empty() {
        return text + ", and nothing of it is decided yet\n";
    }
    text.push_str(if path.ended { "; this chain decided it:\n\n" } else { "; so far this chain decides it:\n\n" });
    let mut table = Table::new(
        [
            left("SERVICE"),
            left("GROUP").rank(2),
            right("FROM"),
            right("TO").rank(1),
            right("OWN"),
            right("SHARE"),
            left("WAITED FOR"),
        ],
        "",
    );
    let longest = path.services.iter().filter_map(|service| service.own_s).fold(0.0, f64::max);
    for service in &path.services {
        let share = service.own_s.map(|own| percent((own / path.elapsed_s.max(1e-6) * 100.0).round()));
        let slowest = service.own_s.is_some_and(|own| own >= longest && longest > 0.0);
        table.row([
            Cell::name(&service.name),
            service.group.as_str().into(),
            Cell::maybe(service.released_s.map(duration)),
            Cell::maybe(service.settled_s.map(duration)),
            Cell::new(if slowest { Paint::Warn } else { Paint::Plain }, service.own_s.map_or("-".to_owned(), duration)),
            Cell::maybe(share),
            Cell::maybe(service.waited_for.as_ref()),
        ]);
    }
    text + &table.draw(canvas)
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;
    use crate::ctl::object::Boot;

    #[test]
    fn the_path_is_told_from_first_to_last_with_its_shares() {
        let service = |name: &str, from: f64, to: f64, waited_for: &str| v1::BootService {
            name: name.into(),
            group: "core".into(),
            released_s: Some(from),
            spawned_s: Some(from),
            settled_s: Some(to),
            outcome: "ready".into(),
            waited_for: waited_for.into(),
            critical: true,
        };
        let wire = v1::BootTimeline {
            started_s: 0.0,
            ended_s: Some(2.0),
            services: vec![service("web", 0.5, 2.0, "service db"), service("db", 0.0, 0.5, "")],
            critical_path: vec!["db".into(), "web".into()],
            ..v1::BootTimeline::default()
        };
        let path = CriticalPath::from(Boot::new(wire, None));
        assert_eq!(
            draw(&path, Canvas::PLAIN),
            "\
started in 2.0s; this chain decided it:

SERVICE  GROUP   FROM     TO    OWN  SHARE  WAITED FOR
db       core     0ms  500ms  500ms   25 %  -
web      core   500ms   2.0s   1.5s   75 %  service db
"
        );
        assert_eq!(
            draw(&CriticalPath { services: Vec::new(), ended: false, ..path }, Canvas::PLAIN),
            "starting for 2.0s, and nothing of it is decided yet\n"
        );
    }
}
