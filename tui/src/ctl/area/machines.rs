//! `ubmcctl machines`: all state machines alike.

use std::{fmt::Write, time::Duration};

use clap::Subcommand;
use ubmc_proto::v1::{
    GetMachineGraphRequest, ListHistoryRequest, ListTransitionCountsRequest, MachineKind, OverrideInterlockRequest,
    RestoreInterlockRequest, VerifyMachinesRequest, state_service_client::StateServiceClient,
};

use super::transition::{machine_page, machine_table, machines, show_machine};
use crate::ctl::{
    exit::Failure,
    graph::{Drawing, machine},
    object::{Explored, Finding, Graph, Machine, Transition, TransitionCount, Verification},
    output::{Canvas, Cell, Format, Paint, Table, clock, duration, hang, left, plain_text, right},
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
    /// How often each transition was taken, and how long the state before it had lasted
    Counts { name: Option<String> },
    /// Lets one condition no longer stand against powering a machine on, for a time; needs a --reason
    ///
    /// For administrators. It is an event, and a problem as long as it lasts; protection that powers off is untouched by
    /// it. A restart of ubmcd ends it.
    OverrideInterlock {
        name: String,
        /// As it is called in the refusal's JSON: no-supply, supply-budget, part-failed, zone-failsafe, …
        condition: String,
        /// For how long
        #[arg(long = "for", value_name = "SECONDS", value_parser = crate::ctl::cli::seconds)]
        duration: f64,
    },
    /// Ends such an override, or all of a machine
    RestoreInterlock { name: String, condition: Option<String> },
    /// Past transitions, oldest first
    History {
        name: Option<String>,
        /// At most this many, the newest
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Tries everything that can happen to the machines, and shows what is wrong with the shortest way there; exit code 1
    /// when something is. Changes nothing
    Verify {
        /// Stop each exploration after this many states
        #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
        bound: u64,
    },
}

/// How long a verification may take unless `--timeout` says otherwise: a BMC is no workstation.
const EXPLORING: Duration = Duration::from_secs(120);

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List => {
                let all = machines(session, MachineKind::Unspecified).await?;
                session.out.list(&all, |canvas| machine_table(&all).draw(canvas))
            }
            Self::Show { name } => show_machine(session, &name).await,
            Self::Graph { name, format } => graph(session, name, format).await,
            Self::Verify { bound } => verify(session, bound).await,
            Self::Counts { name } => counts(session, name.unwrap_or_default()).await,
            Self::OverrideInterlock { name, condition, duration } => {
                override_interlock(session, name, condition, duration).await
            }
            Self::RestoreInterlock { name, condition } => restore_interlock(session, name, condition).await,
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

async fn verify(session: &mut Session, bound: u64) -> Result<(), Failure> {
    session.timeout.get_or_insert(EXPLORING);
    let request = VerifyMachinesRequest { bound };
    let answer =
        session.call(|channel| async move { StateServiceClient::new(channel).verify_machines(request).await }).await?;
    let verification = Verification::from(answer);
    session.out.one(&verification, |canvas| draw_verification(&verification, canvas))?;
    if verification.findings.is_empty() { Ok(()) } else { Err(Failure::AnswerIsNo) }
}

fn draw_verification(verification: &Verification, canvas: Canvas) -> String {
    let mut text = String::new();
    let many = |count: usize| if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
    let (paint, answer) = match (verification.findings.len(), verification.complete) {
        (0, true) => (Paint::Good, "nothing is wrong with the machines".to_owned()),
        (0, false) => (Paint::Warn, "nothing was found, but not everything was explored".to_owned()),
        (count, _) => (Paint::Bad, many(count)),
    };
    let _ = writeln!(text, "{}", canvas.paint(paint, &answer));
    let rate = verification.transitions as f64 / verification.duration_s.max(1e-6);
    let explored = [
        ("each machine by itself, any fault", &verification.alone),
        ("all machines together, hardware obeys", &verification.product),
        ("each with what it stands in, any fault", &verification.faulty),
    ];
    for (what, Explored { states, transitions, complete }) in explored {
        let bound = if *complete { "" } else { ", stopped at the bound" };
        let _ = writeln!(text, "  {what}: {states} states, {transitions} transitions{bound}");
    }
    let _ = writeln!(text, "  in {}, {rate:.0} transitions/s", duration(verification.duration_s));
    for why in &verification.left_out {
        let _ = writeln!(text, "  {}", hang(&format!("left out: {}", plain_text(why)), 4, canvas));
    }
    for finding in &verification.findings {
        text.push('\n');
        text.push_str(&draw_finding(finding, canvas));
    }
    text
}

fn draw_finding(finding: &Finding, canvas: Canvas) -> String {
    let mut text = String::new();
    let headline = format!("{} {}", finding.machine, finding.kind);
    let _ = writeln!(text, "{}", canvas.paint(Paint::Bad, &headline));
    let _ = writeln!(text, "  {}", hang(&plain_text(&finding.text), 2, canvas));
    for line in &finding.trace {
        let _ = writeln!(text, "    {}", hang(&plain_text(line), 7, canvas));
    }
    if let Some(remedy) = &finding.remedy {
        let _ = writeln!(text, "  {}", hang(&format!("resolve: {}", plain_text(remedy)), 4, canvas));
    }
    text
}

async fn counts(session: &mut Session, machine: String) -> Result<(), Failure> {
    let request = ListTransitionCountsRequest { machine };
    let answer = session
        .call(|channel| async move { StateServiceClient::new(channel).list_transition_counts(request).await })
        .await?;
    let counts: Vec<_> = answer.counts.into_iter().map(TransitionCount::from).collect();
    session.out.list(&counts, |canvas| counts_table(&counts).draw(canvas))
}

fn counts_table(counts: &[TransitionCount]) -> Table {
    let mut table = Table::new(
        [
            left("MACHINE"),
            left("FROM"),
            left("TO"),
            right("TIMES"),
            right("MEAN"),
            right("SHORTEST").rank(1),
            right("LONGEST").rank(1),
        ],
        "nothing has changed its state yet",
    );
    for count in counts {
        table.row([
            Cell::name(&count.machine),
            count.from.as_str().into(),
            Cell::word(&count.to),
            count.count.to_string().into(),
            duration(count.mean_s).into(),
            duration(count.shortest_s).into(),
            duration(count.longest_s).into(),
        ]);
    }
    table
}

async fn override_interlock(
    session: &mut Session,
    machine: String,
    condition: String,
    duration_s: f64,
) -> Result<(), Failure> {
    let request = OverrideInterlockRequest { machine, condition, duration_s, reason: session.reason.clone() };
    let machine: Machine = session
        .call(|channel| async move { StateServiceClient::new(channel).override_interlock(request).await })
        .await?
        .into();
    session.out.one(&machine, |canvas| machine_page(&machine).draw(canvas))
}

async fn restore_interlock(session: &mut Session, machine: String, condition: Option<String>) -> Result<(), Failure> {
    let request = RestoreInterlockRequest { machine, condition: condition.unwrap_or_default() };
    let machine: Machine = session
        .call(|channel| async move { StateServiceClient::new(channel).restore_interlock(request).await })
        .await?
        .into();
    session.out.one(&machine, |canvas| machine_page(&machine).draw(canvas))
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
