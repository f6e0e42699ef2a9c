//! `ubmcctl services watch`: all services, then each one that changes.

use std::{collections::BTreeMap, fmt::Write};

use ubmc_proto::v1::{
    WatchServicesRequest, operator_service_client::OperatorServiceClient, watch_services_response::Update,
};

use super::table;
use crate::ctl::{
    exit::Failure,
    follow::{Link, Watched},
    object::Service,
    output::{Canvas, Format, Paint, plain_text, time_of_day},
    session::Session,
};

pub(super) async fn watch(session: &mut Session) -> Result<(), Failure> {
    let mut link = Link::new(session);
    let mut mirror = Mirror::default();
    loop {
        let watched = mirror.read(session, &mut link).await;
        if !link.mend(session, watched).await? {
            return Ok(());
        }
    }
}

/// What has been shown, so that only what differs is shown again after a loss.
#[derive(Default)]
struct Mirror {
    services: BTreeMap<String, Service>,
    filled: bool,
}

/// A line of the watch for programs when a service is gone.
#[derive(serde::Serialize)]
struct Removed {
    name: String,
    removed: bool,
}

impl Mirror {
    async fn read(&mut self, session: &mut Session, link: &mut Link) -> Watched {
        link.greet(session).await?;
        let mut stream =
            session
                .call(|channel| async move {
                    OperatorServiceClient::new(channel).watch_services(WatchServicesRequest {}).await
                })
                .await?;
        loop {
            match link.next(&mut stream).await?.update {
                Some(Update::Snapshot(snapshot)) => {
                    link.up(session);
                    let services: Vec<_> = snapshot.services.into_iter().map(Service::from).collect();
                    self.take(session, services)?;
                }
                Some(Update::Changed(service)) => self.change(session, service.into())?,
                Some(Update::Removed(name)) => self.remove(session, name)?,
                None => {}
            }
        }
    }

    fn take(&mut self, session: &mut Session, services: Vec<Service>) -> Result<(), Failure> {
        if !self.filled && session.out.format() == Format::Table {
            session.out.list(&services, |canvas| table::services(&services).draw(canvas))?;
            self.services = services.into_iter().map(|service| (service.name.clone(), service)).collect();
        } else {
            let gone: Vec<_> = self
                .services
                .keys()
                .filter(|name| !services.iter().any(|service| service.name == **name))
                .cloned()
                .collect();
            gone.into_iter().try_for_each(|name| self.remove(session, name))?;
            services.into_iter().try_for_each(|service| self.change(session, service))?;
        }
        self.filled = true;
        Ok(())
    }

    fn change(&mut self, session: &mut Session, service: Service) -> Result<(), Failure> {
        let before = self.services.get(&service.name);
        // For people figures that merely move, as uptime and CPU do, are no change.
        let told = session.out.format() != Format::Table || before.is_none_or(|before| differs(before, &service));
        if told && before != Some(&service) {
            let draw = |canvas| format!("{} {}", time_of_day(), change_line(before, &service, canvas));
            session.out.item(&service, draw)?;
        }
        self.services.insert(service.name.clone(), service);
        Ok(())
    }

    fn remove(&mut self, session: &mut Session, name: String) -> Result<(), Failure> {
        self.services.remove(&name);
        let removed = Removed { name, removed: true };
        session.out.item(&removed, |_| format!("{} {}: no longer declared", time_of_day(), removed.name))
    }
}

fn differs(before: &Service, now: &Service) -> bool {
    (&before.state, &before.health, before.pid, before.restarts, &before.reason, &before.status_text)
        != (&now.state, &now.health, now.pid, now.restarts, &now.reason, &now.status_text)
}

fn change_line(before: Option<&Service>, now: &Service, canvas: Canvas) -> String {
    let state = canvas.paint(Paint::of(&now.state), &now.state);
    let step = match before {
        Some(before) if before.state != now.state => format!("{} -> {state}", before.state),
        _ => state.into_owned(),
    };
    let mut line = format!("{}: {step}", plain_text(&now.name));
    if now.health != "unknown" {
        let _ = write!(line, ", {}", canvas.paint(Paint::of(&now.health), &now.health));
    }
    if let Some(pid) = now.pid {
        let _ = write!(line, ", pid {pid}");
    }
    for text in [&now.reason, &now.status_text].into_iter().flatten() {
        let _ = write!(line, " ({})", plain_text(text));
    }
    line
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;

    #[test]
    fn a_change_says_from_what_to_what() {
        let before = Service::from(web());
        let crashed = v1::Service {
            state: v1::ServiceState::Backoff.into(),
            health: v1::Health::Unknown.into(),
            pid: None,
            reason: "exit code 7; next start in 1 s".into(),
            ..web()
        };
        let line = change_line(Some(&before), &crashed.into(), Canvas::PLAIN);
        assert_eq!(line, "web: running -> backoff (exit code 7; next start in 1 s)");
        let older = v1::Service { uptime_s: Some(193.0), cpu_percent: Some(9.0), ..web() };
        assert!(!differs(&before, &older.into()), "time alone is no change");
    }

    fn web() -> v1::Service {
        v1::Service {
            name: "web".into(),
            state: v1::ServiceState::Running.into(),
            health: v1::Health::Healthy.into(),
            pid: Some(212),
            uptime_s: Some(192.0),
            ..v1::Service::default()
        }
    }
}
