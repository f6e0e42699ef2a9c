//! `ubmcctl platform`: the whole.

use clap::Subcommand;
use ubmc_proto::v1::{
    self, GetStatusRequest, ListMachinesRequest, ListServicesRequest, operator_service_client::OperatorServiceClient,
    state_service_client::StateServiceClient, system_service_client::SystemServiceClient,
};

use super::{
    lifecycle,
    logs::{self, Logs},
    shutdown,
};
use crate::ctl::{
    exit::Failure,
    object::{Condition, Group, Guardian, Machine, PlatformHealth, PlatformStatus, Service, ServiceHealth, draw_all},
    output::{Canvas, Cell, Page, Paint, Table, duration, hang, left, or_dash, percent, plain_text, right},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Starts services and what they depend on; without names every service that starts by itself
    #[command(mut_arg("force", |arg| arg.help("Skip pre-flight checks, and restart what runs already")))]
    Start(Selection),
    /// Stops services, dependents first; without names all
    #[command(mut_arg("force", |arg| arg.help("Stop running dependents too")))]
    Stop(Selection),
    /// Restarts services; without names all that run
    #[command(mut_arg("force", |arg| arg.help("Skip pre-flight checks")))]
    Restart(Selection),
    /// Is anything wrong, and what: problems first, then group by group
    Status,
    /// The health of every service, the worst first
    Health,
    /// Captured output of services
    Logs(Logs),
    /// Ends ubmcd: everything is stopped in order
    Shutdown {
        /// At once, without waiting for anything to stop gracefully
        #[arg(long)]
        emergency: bool,
        /// Wait until ubmcd is gone, and show what holds it up
        #[arg(long)]
        wait: bool,
    },
}

#[derive(clap::Args, Debug)]
pub(crate) struct Selection {
    /// Services
    pub(crate) names: Vec<String>,
    /// What stands against it does not count
    #[arg(long)]
    pub(crate) force: bool,
    /// Wait for the end, showing the steps
    #[arg(long)]
    pub(crate) wait: bool,
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Start(selection) => lifecycle::start(session, selection.names, selection.force, selection.wait).await,
            Self::Stop(selection) => lifecycle::stop(session, selection.names, selection.force, selection.wait).await,
            Self::Restart(selection) => {
                lifecycle::restart(session, selection.names, selection.force, selection.wait).await
            }
            Self::Status => status(session).await,
            Self::Health => health(session).await,
            Self::Logs(arguments) => logs::run(session, arguments).await,
            Self::Shutdown { emergency, wait } => shutdown::shutdown(session, emergency, wait).await,
        }
    }
}

async fn system_status(session: &mut Session) -> Result<v1::SystemStatus, Failure> {
    session.call(|channel| async move { SystemServiceClient::new(channel).get_status(GetStatusRequest {}).await }).await
}

async fn services(session: &mut Session) -> Result<Vec<Service>, Failure> {
    let request = ListServicesRequest::default();
    let answer =
        session.call(|channel| async move { OperatorServiceClient::new(channel).list_services(request).await }).await?;
    Ok(answer.services.into_iter().map(Service::from).collect())
}

async fn status(session: &mut Session) -> Result<(), Failure> {
    let system = system_status(session).await?;
    let services = services(session).await?;
    let request = ListMachinesRequest::default();
    let machines =
        session.call(|channel| async move { StateServiceClient::new(channel).list_machines(request).await }).await?;
    let machines = machines.machines.into_iter().map(Machine::from).collect();
    let status = PlatformStatus::new(system, machines, services);
    session.out.one(&status, |canvas| status_page(&status).draw(canvas))
}

fn status_page(status: &PlatformStatus) -> Page {
    let board = if status.simulated { format!("{} (simulated)", status.board) } else { status.board.clone() };
    let host = if status.hostname.is_empty() { "ubmcd" } else { &status.hostname };
    let mut page = Page::new([Cell::name(host), board.into(), Cell::word(&status.state), Cell::word(&status.health)]);
    page.fact("ubmcd", format!("{}, pid {}, up {}", status.version, status.pid, duration(status.uptime_s)));
    let machines: Vec<_> =
        status.machines.iter().map(|machine| format!("{} {}", machine.name, machine.state)).collect();
    page.maybe("power", Some(machines.join(" · ")));
    page.fact("services", services_line(status)).fact("sensors", sensors_line(status));
    if let Some(guardian) = &status.guardian {
        page.fact("guardian", guardian_line(guardian));
    }
    if status.dropped_events > 0 {
        let text = format!("{} events were dropped for slow watchers", status.dropped_events);
        page.fact("watchers", Cell::new(Paint::Warn, text));
    }
    if !status.holding_up.is_empty() {
        let conditions = status.holding_up.clone();
        page.section("STOPPING WAITS FOR", move |canvas| draw_all(&conditions, canvas));
    }
    let problems = status.problems.clone();
    page.section(problems_heading(&problems), move |canvas| draw_problems(&problems, canvas));
    if !status.limitations.is_empty() {
        let limitations = status.limitations.clone();
        page.section("WHAT THIS MACHINE LACKS", move |canvas| {
            let line = |text: &String| format!("  - {}\n", hang(&plain_text(text), 4, canvas));
            limitations.iter().map(line).collect()
        });
    }
    let (groups, services) = (status.groups.clone(), status.services.clone());
    page.section("SERVICES", move |canvas| draw_groups(&groups, &services, canvas));
    page
}

fn services_line(status: &PlatformStatus) -> Cell {
    let counts = format!("{} of {} running", status.services_running, status.services_total);
    if status.services_failed == 0 {
        return counts.into();
    }
    Cell::new(Paint::Bad, format!("{counts}, {} failed", status.services_failed))
}

fn guardian_line(guardian: &Guardian) -> Cell {
    let pid = guardian.pid.map_or_else(String::new, |pid| format!(", pid {pid}"));
    let reason = guardian.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
    let text = format!("{}{pid}{reason}", guardian.state);
    match guardian.state.as_str() {
        "watching" => text.into(),
        "absent" => Cell::new(Paint::Bad, text),
        _ => Cell::new(Paint::Warn, text),
    }
}

fn sensors_line(status: &PlatformStatus) -> Cell {
    if status.sensors_not_ok == 0 {
        return format!("all {} ok", status.sensors_total).into();
    }
    Cell::new(Paint::Warn, format!("{} of {} not ok", status.sensors_not_ok, status.sensors_total))
}

fn problems_heading(problems: &[Condition]) -> String {
    if problems.is_empty() { "PROBLEMS".to_owned() } else { format!("PROBLEMS ({})", problems.len()) }
}

fn draw_problems(problems: &[Condition], canvas: Canvas) -> String {
    if problems.is_empty() { format!("  {}", canvas.paint(Paint::Good, "none")) } else { draw_all(problems, canvas) }
}

/// Groups in the order they start, each with its services, those in trouble first.
fn draw_groups(groups: &[Group], services: &[Service], canvas: Canvas) -> String {
    let mut table = Table::new(
        [left("  NAME"), left("STATE"), left("HEALTH"), right("UP").rank(1), right("RESTARTS").rank(2), left("WHY")],
        "  no services",
    );
    for group in groups {
        let paint = match (group.failed, group.complete) {
            (0, true) => Paint::Good,
            (0, false) => Paint::Warn,
            (_, _) => Paint::Bad,
        };
        let failed = if group.failed > 0 { format!("{} failed", group.failed) } else { String::new() };
        let up = Cell::new(paint, format!("{}/{} up", group.up, group.total));
        let heading = Cell::new(Paint::Strong, &group.name);
        table.row([heading, up, "".into(), "".into(), "".into(), Cell::new(paint, failed)]);
        let mut members: Vec<_> = services.iter().filter(|service| service.group == group.name).collect();
        members.sort_by_key(|service| std::cmp::Reverse(trouble(&service.state, &service.health)));
        for service in members {
            table.row([
                format!("  {}", service.name).into(),
                Cell::word(&service.state),
                Cell::health(&service.health),
                Cell::maybe(service.uptime_s.map(duration)),
                count(service.restarts),
                service.reason.as_deref().unwrap_or_default().into(),
            ]);
        }
    }
    table.draw(canvas)
}

/// How much attention a service needs; what is well sorts as what is merely off.
fn trouble(state: &str, health: &str) -> Paint {
    Paint::of(state).max(Paint::of(health)).max(Paint::Strong)
}

/// A count in which only something is of interest.
fn count(count: u32) -> Cell {
    let paint = if count == 0 { Paint::Faint } else { Paint::Warn };
    Cell::new(paint, count.to_string())
}

async fn health(session: &mut Session) -> Result<(), Failure> {
    let system = PlatformStatus::new(system_status(session).await?, Vec::new(), services(session).await?);
    let mut services: Vec<_> = system.services.into_iter().map(ServiceHealth::from).collect();
    services.sort_by_key(|service| std::cmp::Reverse(trouble(&service.state, &service.health)));
    let health = PlatformHealth { health: system.health, state: system.state, problems: system.problems, services };
    session.out.one(&health, |canvas| health_page(&health).draw(canvas))
}

fn health_page(health: &PlatformHealth) -> Page {
    let mut page = Page::new([Cell::name("platform"), Cell::word(&health.state), Cell::word(&health.health)]);
    let problems = health.problems.clone();
    page.section(problems_heading(&problems), move |canvas| draw_problems(&problems, canvas));
    let services = health.services.clone();
    page.section("SERVICES", move |canvas| health_table(&services).draw(canvas));
    page
}

fn health_table(services: &[ServiceHealth]) -> Table {
    let mut table = Table::new(
        [
            left("NAME"),
            left("GROUP").rank(3),
            left("HEALTH"),
            left("STATE"),
            right("PASSED").rank(1),
            right("CRASHES").rank(2),
            left("SAYS"),
        ],
        "no services",
    );
    for service in services {
        table.row([
            Cell::name(&service.name),
            service.group.as_str().into(),
            Cell::health(&service.health),
            Cell::word(&service.state),
            Cell::maybe(service.success_rate.map(|rate| percent(rate * 100.0))),
            count(service.crashes),
            or_dash(service.text.as_deref().unwrap_or_default()).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, group: &str, state: v1::ServiceState, health: v1::Health, reason: &str) -> Service {
        v1::Service {
            name: name.into(),
            group: group.into(),
            state: state.into(),
            health: health.into(),
            reason: reason.into(),
            uptime_s: (state == v1::ServiceState::Running).then_some(192.0),
            ..v1::Service::default()
        }
        .into()
    }

    #[test]
    fn status_shows_problems_first_and_then_group_by_group() {
        let group = |name: &str, total, up, failed, complete| v1::GroupStatus {
            name: name.into(),
            total,
            up,
            failed,
            complete,
        };
        let wire = v1::SystemStatus {
            version: "0.1.0".into(),
            board: "sim-2u".into(),
            hostname: "bmc7".into(),
            state: "degraded".into(),
            health: v1::Health::Degraded.into(),
            uptime_s: 18_060.0,
            pid: 41,
            simulated: true,
            services_total: 3,
            services_running: 2,
            services_failed: 1,
            sensors_total: 30,
            problems: vec![v1::Condition {
                kind: "service-failed".into(),
                subject: "service web".into(),
                text: "web has failed: exit code 7".into(),
                remedy: "look at `ubmcctl services logs web`, then `ubmcctl services reset web`".into(),
                since_s: None,
                severity: 0,
            }],
            groups: vec![group("core", 1, 1, 0, true), group("interface", 2, 1, 1, false)],
            guardian: Some(v1::Guardian {
                state: "watching".into(),
                pid: Some(43),
                since_s: 1.0,
                reason: String::new(),
            }),
            limitations: vec!["cgroup v2 is not writable: memory and cpu limits do not hold".into()],
            ..v1::SystemStatus::default()
        };
        let machine: Machine =
            v1::Machine { name: "host.0".into(), state: "off".into(), ..v1::Machine::default() }.into();
        let services = vec![
            service("sensormon", "core", v1::ServiceState::Running, v1::Health::Healthy, ""),
            service("api", "interface", v1::ServiceState::Running, v1::Health::Unknown, ""),
            service("web", "interface", v1::ServiceState::Failed, v1::Health::Unhealthy, "exit code 7"),
        ];
        let status = PlatformStatus::new(wire, vec![machine], services);
        assert_eq!(
            status_page(&status).draw(Canvas::PLAIN),
            "\
bmc7 · sim-2u (simulated) · degraded · degraded
  ubmcd     0.1.0, pid 41, up 5h 01m
  power     host.0 off
  services  2 of 3 running, 1 failed
  sensors   all 30 ok
  guardian  watching, pid 43

PROBLEMS (1)
  - web has failed: exit code 7
    resolve: look at `ubmcctl services logs web`, then `ubmcctl services reset web`

WHAT THIS MACHINE LACKS
  - cgroup v2 is not writable: memory and cpu limits do not hold

SERVICES
  NAME       STATE    HEALTH         UP  RESTARTS  WHY
core         1/1 up
  sensormon  running  healthy    3m 12s         0
interface    1/2 up                                1 failed
  web        failed   unhealthy       -         0  exit code 7
  api        running  -          3m 12s         0
"
        );
    }
}
