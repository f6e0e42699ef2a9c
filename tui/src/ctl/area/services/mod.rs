//! `ubmcctl services`: what ubmcd supervises.

mod monitor;
mod watch;

use clap::Subcommand;
use ubmc_proto::v1::{
    GetDependenciesRequest, GetServiceRequest, ListServicesRequest, ResetServiceRequest,
    operator_service_client::OperatorServiceClient,
};

use super::{
    lifecycle,
    logs::{self, Logs},
};
use crate::ctl::{
    cli::seconds,
    exit::Failure,
    graph::{Drawing, dependencies},
    object::{Dependency, Service, ServiceHealth},
    output::{Cell, Format, Page, Paint, Table, bytes, duration, left, percent, right},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// All services in start order
    List {
        /// Only running ones
        #[arg(long)]
        running: bool,
        #[arg(long, value_name = "C")]
        category: Option<String>,
        /// foundation, core, management or interface
        #[arg(long, value_name = "G")]
        group: Option<String>,
    },
    /// Everything about one service
    Status { name: String },
    /// Starts services and what they depend on
    Start(Selection),
    /// Stops services; refused while dependents run, unless forced
    Stop(Selection),
    /// Restarts services
    Restart(Selection),
    /// What the health checks of a service say
    Health { name: String },
    /// Captured output
    Logs(Logs),
    /// What depends on what, for one service or all
    Dependencies {
        name: Option<String>,
        #[arg(long, value_enum, default_value_t)]
        format: Drawing,
    },
    /// One service again and again: state, health and what it takes
    Monitor {
        name: String,
        /// Time between two looks
        #[arg(long, value_name = "S", default_value = "2", value_parser = seconds)]
        interval: f64,
    },
    /// Forgets a failure: clears `failed`, the restart count and the back-off
    Reset { name: String },
    /// All services, then each one that changes
    Watch,
}

#[derive(clap::Args, Debug)]
pub(crate) struct Selection {
    #[arg(required = true)]
    names: Vec<String>,
    /// Start: skip pre-flight checks and restart what runs. Stop, restart: take running dependents along
    #[arg(long)]
    force: bool,
    /// Wait for the end, showing the steps
    #[arg(long)]
    wait: bool,
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List { running, category, group } => {
                let category = category.unwrap_or_default();
                let group = group.unwrap_or_default();
                list(session, ListServicesRequest { running, category, group }).await
            }
            Self::Status { name } => {
                let service = get(session, name).await?;
                session.out.one(&service, |canvas| page(&service).draw(canvas))
            }
            Self::Start(Selection { names, force, wait }) => lifecycle::start(session, names, force, wait).await,
            Self::Stop(Selection { names, force, wait }) => lifecycle::stop(session, names, force, wait).await,
            Self::Restart(Selection { names, force, wait }) => lifecycle::restart(session, names, force, wait).await,
            Self::Health { name } => {
                let health = ServiceHealth::from(get(session, name).await?);
                session.out.one(&health, |canvas| health_page(&health).draw(canvas))
            }
            Self::Logs(arguments) => logs::run(session, arguments).await,
            Self::Dependencies { name, format } => show_dependencies(session, name, format).await,
            Self::Reset { name } => reset(session, name).await,
            Self::Monitor { name, interval } => monitor::monitor(session, name, interval).await,
            Self::Watch => watch::watch(session).await,
        }
    }
}

async fn get(session: &mut Session, name: String) -> Result<Service, Failure> {
    let request = GetServiceRequest { name };
    let service =
        session.call(|channel| async move { OperatorServiceClient::new(channel).get_service(request).await }).await?;
    Ok(service.into())
}

async fn list(session: &mut Session, request: ListServicesRequest) -> Result<(), Failure> {
    let answer =
        session.call(|channel| async move { OperatorServiceClient::new(channel).list_services(request).await }).await?;
    let services: Vec<_> = answer.services.into_iter().map(Service::from).collect();
    session.out.list(&services, |canvas| table(&services).draw(canvas))
}

fn table(services: &[Service]) -> Table {
    let mut table = Table::new(
        [
            left("NAME"),
            left("GROUP"),
            left("STATE"),
            left("HEALTH"),
            right("UP"),
            right("RESTARTS"),
            right("PID"),
            right("CPU"),
            right("MEMORY"),
            left("WHY"),
        ],
        "no such services",
    );
    for service in services {
        table.row([
            Cell::name(&service.name),
            service.group.as_str().into(),
            Cell::word(&service.state),
            Cell::word(&service.health),
            Cell::maybe(service.uptime_s.map(duration)),
            Cell::new(if service.restarts == 0 { Paint::Faint } else { Paint::Warn }, service.restarts.to_string()),
            Cell::maybe(service.pid.map(|pid| pid.to_string())),
            Cell::maybe(service.cpu_percent.map(|cpu| format!("{cpu:.1} %"))),
            Cell::maybe(service.rss_bytes.map(bytes)),
            service.reason.as_deref().unwrap_or_default().into(),
        ]);
    }
    table
}

fn page(service: &Service) -> Page {
    let title = service.display_name.as_deref().filter(|title| *title != service.name).unwrap_or_default();
    let mut page =
        Page::new([Cell::name(&service.name), title.into(), Cell::word(&service.state), Cell::word(&service.health)]);
    page.maybe("why", service.reason.clone())
        .maybe("says", service.status_text.clone())
        .maybe("check says", service.health_text.clone())
        .maybe("checks passed", service.health_success_rate.map(|rate| percent(rate * 100.0)))
        .maybe("last error", service.last_error.as_deref().map(|error| Cell::new(Paint::Bad, error)))
        .maybe("last exit", service.last_exit.as_ref().map(|exit| exit.text.clone()))
        .maybe("next start in", service.retry_in_s.map(duration))
        .maybe("description", service.description.clone())
        .fact("group", service.group.as_str())
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
        .maybe("dropped output", Some(service.dropped_lines).filter(|lines| *lines > 0).map(|n| format!("{n} lines")))
        .maybe("needs", Some(service.dependencies.join(", ")))
        .maybe("wants", Some(service.wants.join(", ")))
        .maybe("needed by", Some(service.dependents.join(", ")));
    page
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

fn health_page(health: &ServiceHealth) -> Page {
    let mut page = Page::new([Cell::name(&health.name), Cell::word(&health.health), Cell::word(&health.state)]);
    page.maybe("says", health.text.clone())
        .maybe("checks passed", health.success_rate.map(|rate| percent(rate * 100.0)))
        .fact("restarts", health.restarts.to_string())
        .fact("crashes", health.crashes.to_string())
        .maybe("last error", health.last_error.as_deref().map(|error| Cell::new(Paint::Bad, error)));
    page
}

async fn show_dependencies(session: &mut Session, name: Option<String>, format: Drawing) -> Result<(), Failure> {
    let asked = name.clone().unwrap_or_default();
    let mut nodes = graph(session, asked).await?;
    if session.out.format() == Format::Table {
        if name.is_some() {
            // The chain above and below it may reach further than the answer for one service does.
            nodes = graph(session, String::new()).await?;
        }
        let text = dependencies::draw(&nodes, name.as_deref(), format);
        return session.out.text(&text);
    }
    session.out.list(&nodes, |_| String::new())
}

async fn graph(session: &mut Session, name: String) -> Result<Vec<Dependency>, Failure> {
    let request = GetDependenciesRequest { name };
    let answer = session
        .call(|channel| async move { OperatorServiceClient::new(channel).get_dependencies(request).await })
        .await?;
    Ok(answer.nodes.into_iter().map(Dependency::from).collect())
}

async fn reset(session: &mut Session, name: String) -> Result<(), Failure> {
    let request = ResetServiceRequest { name };
    let service: Service = session
        .call(|channel| async move { OperatorServiceClient::new(channel).reset_service(request).await })
        .await?
        .into();
    session.out.one(&service, |canvas| {
        format!("{} is reset: {}", service.name, canvas.paint(Paint::of(&service.state), &service.state))
    })
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
            ..v1::Service::default()
        }
    }

    #[test]
    fn the_list_lines_up_and_says_why() {
        let waiting = v1::Service {
            name: "shop".into(),
            group: "interface".into(),
            state: v1::ServiceState::Waiting.into(),
            health: v1::Health::Unknown.into(),
            reason: "waits for web".into(),
            ..v1::Service::default()
        };
        let services = [Service::from(web()), Service::from(waiting)];
        assert_eq!(
            table(&services).draw(Canvas::PLAIN),
            "\
NAME  GROUP      STATE    HEALTH       UP  RESTARTS  PID    CPU   MEMORY  WHY
web   interface  running  healthy  3m 12s         1  212  1.2 %  3.0 MiB
shop  interface  waiting  unknown       -         0    -      -        -  waits for web
"
        );
    }

    #[test]
    fn the_page_tells_all_that_is_known_and_nothing_else() {
        assert_eq!(
            page(&web().into()).draw(Canvas::PLAIN),
            "\
web · running · healthy
  last exit      exit code 7
  group          interface
  kind           binary, critical, starts by itself
  wanted         up
  pid            212, generation 2
  in this state  for 0ms
  up             3m 12s
  starts         0 by request, 1 restarts, 1 crashes
  cpu            1.2 %
  memory         3.0 MiB
  needs          db
"
        );
    }
}
