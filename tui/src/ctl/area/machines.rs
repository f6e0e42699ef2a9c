//! `ubmcctl machines`: all state machines alike.

use clap::Subcommand;
use ubmc_proto::v1::{
    GetMachineGraphRequest, ListHistoryRequest, MachineKind, state_service_client::StateServiceClient,
};

use super::transition::{machine_table, machines, show_machine};
use crate::ctl::{
    exit::Failure,
    graph::{Drawing, machine},
    object::{Graph, Transition},
    output::{Cell, Format, Paint, Table, clock, duration, left, right},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hosts, chassis and BMC
    List,
    /// One machine and what can be asked of it
    Show { name: String },
    /// A machine's states and transitions, the current state marked
    Graph {
        name: String,
        #[arg(long, value_enum, default_value_t)]
        format: Drawing,
    },
    /// Past transitions, oldest first
    History {
        name: Option<String>,
        /// At most this many, the newest
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List => {
                let all = machines(session, MachineKind::Unspecified).await?;
                session.out.list(&all, |canvas| machine_table(&all).draw(canvas))
            }
            Self::Show { name } => show_machine(session, &name).await,
            Self::Graph { name, format } => graph(session, name, format).await,
            Self::History { name, limit } => history(session, name.unwrap_or_default(), limit).await,
        }
    }
}

async fn graph(session: &mut Session, name: String, format: Drawing) -> Result<(), Failure> {
    let request = GetMachineGraphRequest { name };
    let graph = Graph::from(
        session
            .call(|channel| async move { StateServiceClient::new(channel).get_machine_graph(request).await })
            .await?,
    );
    if session.out.format() == Format::Table {
        return session.out.text(&machine::draw(&graph, format));
    }
    session.out.one(&graph, |_| String::new())
}

async fn history(session: &mut Session, machine: String, limit: u32) -> Result<(), Failure> {
    let request = ListHistoryRequest { machine, limit };
    let answer =
        session.call(|channel| async move { StateServiceClient::new(channel).list_history(request).await }).await?;
    let transitions: Vec<_> = answer.transitions.into_iter().map(Transition::from).collect();
    session.out.list(&transitions, |canvas| history_table(&transitions).draw(canvas))
}

fn history_table(transitions: &[Transition]) -> Table {
    let mut table = Table::new(
        [
            left("TIME"),
            left("MACHINE"),
            left("FROM"),
            left("TO"),
            right("AFTER").rank(1),
            left("BY"),
            left("ASKED BY").rank(2),
        ],
        "nothing has changed its state yet",
    );
    for transition in transitions {
        table.row([
            Cell::new(Paint::Faint, clock(transition.time.as_ref())),
            Cell::name(&transition.machine),
            transition.from.as_str().into(),
            Cell::word(&transition.to),
            duration(transition.duration_s).into(),
            transition.trigger.as_str().into(),
            Cell::maybe(transition.actor.as_ref()),
        ]);
    }
    table
}
