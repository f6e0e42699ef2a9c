//! `ubmcctl services monitor`: one service again and again.

use std::{fmt::Write, time::Duration};

use super::get;
use crate::ctl::{
    exit::Failure,
    follow::{Link, Watched},
    object::Service,
    output::{Canvas, Paint, bytes, duration, plain_text, time_of_day},
    session::Session,
};

pub(super) async fn monitor(session: &mut Session, name: String, interval_s: f64) -> Result<(), Failure> {
    let interval = Duration::from_secs_f64(interval_s);
    let mut link = Link::new(session);
    loop {
        let watched = look(session, &mut link, &name, interval).await;
        if !link.mend(session, watched).await? {
            return Ok(());
        }
    }
}

async fn look(session: &mut Session, link: &mut Link, name: &str, interval: Duration) -> Watched {
    loop {
        // Each time: between two looks a daemon may come and go unnoticed.
        link.greet(session).await?;
        let service = get(session, name.to_owned()).await?;
        link.up(session);
        session.out.item(&service, |canvas| format!("{} {}", time_of_day(), line(&service, canvas)))?;
        link.pause(interval).await?;
    }
}

fn line(service: &Service, canvas: Canvas) -> String {
    let mut line = format!("{} {}", plain_text(&service.name), canvas.paint(Paint::of(&service.state), &service.state));
    if service.health != "unknown" {
        let _ = write!(line, ", {}", canvas.paint(Paint::of(&service.health), &service.health));
    }
    for (label, figure) in [
        ("pid", service.pid.map(|pid| pid.to_string())),
        ("up", service.uptime_s.map(duration)),
        ("cpu", service.cpu_percent.map(|cpu| format!("{cpu:.1} %"))),
        ("memory", service.rss_bytes.map(bytes)),
        ("descriptors", service.fds.map(|fds| fds.to_string())),
        ("restarts", Some(service.restarts.to_string())),
        ("last check took", service.health_latency_s.map(duration)),
    ] {
        if let Some(figure) = figure {
            let _ = write!(line, ", {label} {figure}");
        }
    }
    let said = [&service.reason, &service.readiness_text, &service.health_text, &service.status_text];
    let said: Vec<_> = said.into_iter().flatten().map(|text| plain_text(text)).collect();
    if !said.is_empty() {
        let _ = write!(line, " ({})", said.join("; "));
    }
    line
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;

    #[test]
    fn a_look_names_only_what_is_known() {
        let wire = v1::Service {
            name: "web".into(),
            state: v1::ServiceState::Running.into(),
            health: v1::Health::Healthy.into(),
            pid: Some(212),
            uptime_s: Some(192.0),
            rss_bytes: Some(3 << 20),
            ..v1::Service::default()
        };
        let text = line(&wire.clone().into(), Canvas::PLAIN);
        assert_eq!(text, "web running, healthy, pid 212, up 3m 12s, memory 3.0 MiB, restarts 0");
        let checked = v1::Service { health_text: "HTTP 200".into(), health_latency_s: Some(0.012), ..wire };
        let text = line(&checked.into(), Canvas::PLAIN);
        assert!(text.ends_with("restarts 0, last check took 12ms (HTTP 200)"), "{text}");
    }
}
