//! Everything about one service, and about its health.

use crate::ctl::{
    object::{Service, ServiceHealth},
    output::{Cell, Page, Paint, bytes, duration, percent},
};

/// Everything about one service.
pub(super) fn service(service: &Service) -> Page {
    let title = service.display_name.as_deref().filter(|title| *title != service.name).unwrap_or_default();
    let mut page =
        Page::new([Cell::name(&service.name), title.into(), Cell::word(&service.state), known_health(&service.health)]);
    page.maybe("why", service.reason.clone())
        .maybe("says", service.status_text.clone())
        .maybe("ready", readiness(service.ready, service.readiness_text.as_deref()))
        .maybe(
            "health check",
            checks(service.health_check.as_deref(), service.health_success_rate, service.health_latency_s),
        )
        .maybe("check says", service.health_text.clone())
        .maybe("last error", service.last_error.as_deref().map(|error| Cell::new(Paint::Bad, error)))
        .maybe("last exit", service.last_exit.as_ref().map(|exit| exit.text.clone()))
        .maybe("next start in", service.retry_in_s.map(duration))
        .maybe("crash over in", service.settles_in_s.map(duration))
        .maybe("description", service.description.clone())
        .fact("group", service.group.as_str())
        .maybe("type", service.type_word.clone())
        .maybe("category", service.category.clone())
        .fact("kind", kind(service))
        .fact("wanted", service.desired.as_str())
        .maybe("pid", service.pid.map(|pid| format!("{pid}, generation {}", service.generation)))
        .fact("in this state", format!("for {}", duration(service.state_age_s)))
        .maybe("up", service.uptime_s.map(duration))
        .maybe("became ready in", service.start_duration_s.map(duration))
        .fact(
            "starts",
            format!("{} by request, {} restarts, {} crashes", service.manual_starts, service.restarts, service.crashes),
        )
        .maybe("cpu", service.cpu_percent.map(|cpu| format!("{cpu:.1} %")))
        .maybe("memory", service.rss_bytes.map(bytes))
        .maybe("descriptors", service.fds.map(|fds| fds.to_string()))
        .maybe("dropped output", dropped(service.dropped_lines))
        .maybe("needs", Some(service.dependencies.join(", ")))
        .maybe("wants", Some(service.wants.join(", ")))
        .maybe("needed by", Some(service.dependents.join(", ")))
        .maybe("required for", Some(service.required_for.join(", ")));
    page
}

/// Left out when nothing tells.
fn known_health(word: &str) -> Cell {
    if word == "unknown" { "".into() } else { Cell::word(word) }
}

/// Worth a line when a check of its own tells.
fn readiness(ready: bool, said: Option<&str>) -> Option<Cell> {
    let said = said?;
    Some(if ready { format!("yes: {said}").into() } else { Cell::new(Paint::Warn, format!("no: {said}")) })
}

/// `http, 98 % passed, the last took 12ms`.
fn checks(check: Option<&str>, success_rate: Option<f64>, latency_s: Option<f64>) -> Option<String> {
    let parts = [
        check.map(str::to_owned),
        success_rate.map(|rate| format!("{} passed", percent(rate * 100.0))),
        latency_s.map(|took| format!("the last took {}", duration(took))),
    ];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
}

fn dropped(lines: u64) -> Option<Cell> {
    (lines > 0).then(|| Cell::new(Paint::Warn, format!("{lines} lines")))
}

/// `binary, critical, starts by itself`.
fn kind(service: &Service) -> String {
    let mut text = service.kind.clone();
    for (holds, word) in
        [(service.oneshot, ", oneshot"), (service.critical, ", critical"), (service.auto_start, ", starts by itself")]
    {
        if holds {
            text.push_str(word);
        }
    }
    text
}

/// What is known of its health.
pub(super) fn health(health: &ServiceHealth) -> Page {
    let mut page = Page::new([Cell::name(&health.name), Cell::word(&health.health), Cell::word(&health.state)]);
    page.maybe("says", health.text.clone())
        .fact(
            "health check",
            checks(health.check.as_deref(), health.success_rate, health.latency_s).unwrap_or_else(|| "none".to_owned()),
        )
        .maybe("ready", readiness(health.ready, health.readiness_text.as_deref()))
        .fact("restarts", health.restarts.to_string())
        .fact("crashes", health.crashes.to_string())
        .maybe("last error", health.last_error.as_deref().map(|error| Cell::new(Paint::Bad, error)));
    page
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;
    use crate::ctl::output::Canvas;

    fn web() -> v1::Service {
        v1::Service {
            name: "web".into(),
            group: "interface".into(),
            kind: v1::ServiceKind::Binary.into(),
            state: v1::ServiceState::Running.into(),
            desired: v1::DesiredState::Up.into(),
            health: v1::Health::Healthy.into(),
            pid: Some(212),
            uptime_s: Some(192.0),
            restarts: 1,
            generation: 2,
            cpu_percent: Some(1.25),
            rss_bytes: Some(3 << 20),
            dependencies: vec!["db".into()],
            critical: true,
            auto_start: true,
            crashes: 1,
            last_exit: Some(v1::Exit { how: None, at_s: 1.0, text: "exit code 7".into() }),
            health_check: "http".into(),
            health_latency_s: Some(0.012),
            health_success_rate: Some(0.98),
            readiness_text: "HTTP 503".into(),
            required_for: vec!["host-on".into(), "update".into()],
            r#type: "platform".into(),
            dropped_lines: 12,
            settles_in_s: Some(48.0),
            ..v1::Service::default()
        }
    }

    #[test]
    fn the_page_tells_all_that_is_known_and_nothing_else() {
        assert_eq!(
            service(&web().into()).draw(Canvas::PLAIN),
            "\
web · running · healthy
  ready           no: HTTP 503
  health check    http, 98 % passed, the last took 12ms
  last exit       exit code 7
  crash over in   48s
  group           interface
  type            platform
  kind            binary, critical, starts by itself
  wanted          up
  pid             212, generation 2
  in this state   for 0ms
  up              3m 12s
  starts          0 by request, 1 restarts, 1 crashes
  cpu             1.2 %
  memory          3.0 MiB
  dropped output  12 lines
  needs           db
  required for    host-on, update
"
        );
        let plain = service(&v1::Service { name: "db".into(), ..v1::Service::default() }.into()).draw(Canvas::PLAIN);
        for absent in ["ready", "health check", "crash over", "type", "dropped output", "required for"] {
            assert!(!plain.contains(absent), "{absent}: {plain}");
        }
    }

    #[test]
    fn the_health_page_says_how_it_is_asked() {
        let health_of = |wire: v1::Service| health(&ServiceHealth::from(Service::from(wire))).draw(Canvas::PLAIN);
        assert_eq!(
            health_of(web()),
            "\
web · healthy · running
  health check  http, 98 % passed, the last took 12ms
  ready         no: HTTP 503
  restarts      1
  crashes       1
"
        );
        assert!(health_of(v1::Service::default()).contains("health check  none\n"));
    }
}
