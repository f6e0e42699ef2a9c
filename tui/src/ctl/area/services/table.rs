//! The list of services.

use crate::ctl::{
    object::Service,
    output::{Cell, Paint, Table, bytes, duration, left, right},
};

/// All services, a line each.
pub(super) fn services(services: &[Service]) -> Table {
    let mut table = Table::new(
        [
            left("NAME"),
            left("GROUP").rank(3),
            left("STATE"),
            left("HEALTH"),
            right("UP").rank(1),
            right("RESTARTS").rank(2),
            right("PID").rank(4),
            right("CPU").rank(6),
            right("MEMORY").rank(5),
            left("WHY"),
        ],
        "no such services",
    );
    for service in services {
        table.row([
            Cell::name(&service.name),
            service.group.as_str().into(),
            Cell::word(&service.state),
            Cell::health(&service.health),
            Cell::maybe(service.uptime_s.map(duration)),
            Cell::new(if service.restarts == 0 { Paint::Faint } else { Paint::Warn }, service.restarts.to_string()),
            Cell::maybe(service.pid.map(|pid| pid.to_string())),
            Cell::maybe(service.cpu_percent.map(|cpu| format!("{cpu:.1} %"))),
            Cell::maybe(service.rss_bytes.map(bytes)),
            why(service).into(),
        ]);
    }
    table
}

/// Why it is as it is, and what else an operator must see at a glance.
fn why(service: &Service) -> String {
    let unready = service.readiness_text.as_ref().filter(|_| service.state == "running" && !service.ready);
    let dropped = Some(service.dropped_lines).filter(|lines| *lines > 0);
    let parts = [
        service.reason.clone(),
        unready.filter(|_| service.reason.is_none()).map(|text| format!("not ready: {text}")),
        dropped.map(|lines| format!("{lines} lines of output were dropped")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
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
            cpu_percent: Some(1.25),
            rss_bytes: Some(3 << 20),
            ..v1::Service::default()
        }
    }

    fn waiting() -> v1::Service {
        v1::Service {
            name: "shop".into(),
            group: "interface".into(),
            state: v1::ServiceState::Waiting.into(),
            health: v1::Health::Unknown.into(),
            reason: "waits for web".into(),
            ..v1::Service::default()
        }
    }

    #[test]
    fn the_list_lines_up_and_says_why() {
        let all = [Service::from(web()), Service::from(waiting())];
        assert_eq!(
            services(&all).draw(Canvas::PLAIN),
            "\
NAME  GROUP      STATE    HEALTH       UP  RESTARTS  PID    CPU   MEMORY  WHY
web   interface  running  healthy  3m 12s         1  212  1.2 %  3.0 MiB
shop  interface  waiting  -             -         0    -      -        -  waits for web
"
        );
    }

    #[test]
    fn dropped_output_and_a_readiness_check_that_fails_are_seen_in_the_list() {
        let unready = v1::Service { readiness_text: "HTTP 503".into(), dropped_lines: 12, ..web() };
        assert_eq!(why(&unready.into()), "not ready: HTTP 503; 12 lines of output were dropped");
        let ready = v1::Service { readiness_text: "HTTP 200".into(), ready: true, ..web() };
        assert_eq!(why(&ready.into()), "");
    }

    #[test]
    fn at_80_columns_what_matters_stays_and_the_rest_is_named() {
        let long = v1::Service {
            name: "control-center".into(),
            reason: "waits for service orchestrator, which has failed: exit code 7".into(),
            ..waiting()
        };
        let text = services(&[Service::from(web()), Service::from(long)]).draw(Canvas::narrow(80));
        assert_eq!(
            text,
            "\
NAME            STATE    HEALTH       UP  WHY                      (+ 5 columns)
web             running  healthy  3m 12s
control-center  waiting  -             -  waits for service orchestrator, which…
"
        );
    }
}
