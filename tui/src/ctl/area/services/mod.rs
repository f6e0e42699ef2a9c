//! `ubmcctl services`: what ubmcd supervises.

mod check;
mod monitor;
mod page;
mod reload;
mod table;
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
    output::{Format, Paint},
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
    #[command(mut_arg("force", |arg| arg.help("Skip pre-flight checks, and restart what runs already")))]
    Start(Selection),
    /// Stops services; refused while dependents run, unless forced
    #[command(mut_arg("force", |arg| arg.help("Stop running dependents too")))]
    Stop(Selection),
    /// Restarts services
    #[command(mut_arg("force", |arg| arg.help("Skip pre-flight checks")))]
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
    /// What stands against starting services, all at once and with what to do; exit code 1 when something does
    Validate { names: Vec<String> },
    /// Whether the services that an operation needs (`required_for`) are ready; exit code 1 when one is not
    Check { operation: String },
    /// Who can be relied on now, who could be started, and who could not
    Readiness,
    /// Goes over to the configuration as it is now: only what differs is restarted
    ///
    /// A configuration with errors is refused as a whole and changes nothing (exit code 4).
    Reload {
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
        /// Wait until everything that has to move has, showing the steps
        #[arg(long, conflicts_with = "dry_run")]
        wait: bool,
    },
    /// Forgets a failure: clears `failed`, the restart count and the back-off
    Reset { name: String },
    /// All services, then each one that changes
    Watch,
}

#[derive(clap::Args, Debug)]
pub(crate) struct Selection {
    #[arg(required = true)]
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
            Self::List { running, category, group } => {
                let category = category.unwrap_or_default();
                let group = group.unwrap_or_default();
                list(session, ListServicesRequest { running, category, group }).await
            }
            Self::Status { name } => {
                let service = get(session, name).await?;
                session.out.one(&service, |canvas| page::service(&service).draw(canvas))
            }
            Self::Start(Selection { names, force, wait }) => lifecycle::start(session, names, force, wait).await,
            Self::Stop(Selection { names, force, wait }) => lifecycle::stop(session, names, force, wait).await,
            Self::Restart(Selection { names, force, wait }) => lifecycle::restart(session, names, force, wait).await,
            Self::Health { name } => {
                let health = ServiceHealth::from(get(session, name).await?);
                session.out.one(&health, |canvas| page::health(&health).draw(canvas))
            }
            Self::Logs(arguments) => logs::run(session, arguments).await,
            Self::Dependencies { name, format } => show_dependencies(session, name, format).await,
            Self::Validate { names } => check::validate(session, names).await,
            Self::Check { operation } => check::check(session, operation).await,
            Self::Readiness => check::readiness(session).await,
            Self::Reload { dry_run, wait } => reload::reload(session, dry_run, wait).await,
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
    session.out.list(&services, |canvas| table::services(&services).draw(canvas))
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
    let request = ResetServiceRequest { name, reason: session.reason.clone() };
    let service: Service = session
        .call(|channel| async move { OperatorServiceClient::new(channel).reset_service(request).await })
        .await?
        .into();
    session.out.one(&service, |canvas| {
        format!("{} is reset: {}", service.name, canvas.paint(Paint::of(&service.state), &service.state))
    })
}
