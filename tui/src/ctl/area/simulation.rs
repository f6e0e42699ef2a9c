//! `ubmcctl sim`: faults and surroundings of a simulated board.

use std::fmt::Write;

use clap::Subcommand;
use ubmc_proto::v1::{
    self, ClearFaultsRequest, GetStateRequest, InjectFaultRequest, ListFaultsRequest, SetValueRequest, StartRequest,
    StopRequest, simulation_service_client::SimulationServiceClient,
};

use crate::ctl::{
    confirm::confirm,
    exit::Failure,
    object::{Fault, FaultKind, Faults, Simulation},
    output::{Canvas, Cell, Format, Page, Paint, Table, duration, hang, left, measure, or_dash, plain_text, right},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Faults that can be injected
    #[command(subcommand)]
    Fault(FaultCommand),
    /// Changes the surroundings: `ambient` (°C), `host.N.load` (0 to 1), `speed` (time factor)
    Set {
        name: String,
        #[arg(allow_negative_numbers = true)]
        value: f64,
    },
    /// Every value of the simulated board
    Show,
    /// Plugs the simulated board in again after it was stopped or has died
    Start,
    /// Ends the simulated board, as unplugging it would
    Stop,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FaultCommand {
    /// Faults that are active, and the kinds there are
    List,
    /// Injects a fault
    Inject {
        kind: String,
        target: String,
        /// Its meaning depends on the kind. Default: the kind's own
        #[arg(allow_negative_numbers = true)]
        value: Option<f64>,
    },
    /// Clears one fault, every one of a kind, or, without a kind, all
    Clear { kind: Option<String>, target: Option<String> },
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Fault(command) => command.run(session).await,
            Self::Set { name, value } => {
                let request = SetValueRequest { name: name.clone(), value };
                let state = session
                    .call(|channel| async move { SimulationServiceClient::new(channel).set_value(request).await })
                    .await?;
                let mut state = Simulation::from(state);
                if session.out.format() == Format::Table {
                    state.values.retain(|value| value.name == name);
                    return session.out.list(&state.values, |canvas| value_table(&state).draw(canvas));
                }
                session.out.one(&state, |_| String::new())
            }
            Self::Start => {
                let state: Simulation = session
                    .call(|channel| async move { SimulationServiceClient::new(channel).start(StartRequest {}).await })
                    .await?
                    .into();
                session.out.progress(&format!("the simulated board runs (process {})", state.pid));
                Ok(())
            }
            Self::Show => {
                let state: Simulation =
                    session
                        .call(|channel| async move {
                            SimulationServiceClient::new(channel).get_state(GetStateRequest {}).await
                        })
                        .await?
                        .into();
                session.out.one(&state, |canvas| page(&state).draw(canvas))
            }
            Self::Stop => {
                confirm(session, "End the simulated board, as unplugging it would?").await?;
                session
                    .call(|channel| async move { SimulationServiceClient::new(channel).stop(StopRequest {}).await })
                    .await?;
                session.out.progress("the simulated board has ended");
                Ok(())
            }
        }
    }
}

impl FaultCommand {
    async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let answer: Faults = match self {
            Self::List => {
                let faults: Faults = session
                    .call(|channel| async move {
                        SimulationServiceClient::new(channel).list_faults(ListFaultsRequest {}).await
                    })
                    .await?
                    .into();
                return session.out.one(&faults, |canvas| faults_text(&faults, canvas));
            }
            Self::Inject { kind, target, value } => {
                let request = InjectFaultRequest { fault: Some(v1::Fault { kind, target, value }) };
                session
                    .call(|channel| async move { SimulationServiceClient::new(channel).inject_fault(request).await })
                    .await?
                    .into()
            }
            Self::Clear { kind, target } => {
                let request = ClearFaultsRequest { kind: kind.unwrap_or_default(), target: target.unwrap_or_default() };
                session
                    .call(|channel| async move { SimulationServiceClient::new(channel).clear_faults(request).await })
                    .await?
                    .into()
            }
        };
        session.out.one(&answer, |canvas| active_table(&answer.active).draw(canvas))
    }
}

fn active_table(faults: &[Fault]) -> Table {
    let mut table = Table::new([left("ACTIVE FAULT"), left("TARGET"), right("VALUE")], "no faults are active");
    for fault in faults {
        table.row([
            Cell::new(Paint::Bad, &fault.kind),
            Cell::name(or_dash(&fault.target)),
            Cell::maybe(fault.value.map(|value| value.to_string())),
        ]);
    }
    table
}

/// What can be injected, where, and what it does.
fn kinds_text(kinds: &[FaultKind], canvas: Canvas) -> String {
    let width = kinds.iter().map(|kind| kind.kind.len()).max().unwrap_or(0);
    let indent = width + 2;
    kinds.iter().fold(String::new(), |mut text, kind| {
        let name = plain_text(&kind.kind);
        let pad = width.saturating_sub(kind.kind.len());
        let does = hang(&plain_text(&kind.description), indent, canvas);
        let targets = hang(&plain_text(&kind.targets.join(" ")), indent, canvas);
        let _ = writeln!(text, "{}{:pad$}  {does}", canvas.paint(Paint::Strong, &name), "");
        let _ = writeln!(text, "{:indent$}{}", "", canvas.paint(Paint::Faint, &targets));
        text
    })
}

fn faults_text(faults: &Faults, canvas: Canvas) -> String {
    format!("{}\n{}", active_table(&faults.active).draw(canvas), kinds_text(&faults.kinds, canvas))
}

fn value_table(state: &Simulation) -> Table {
    let mut table = Table::new([left("NAME"), right("VALUE"), left("")], "no values");
    for value in &state.values {
        let note = if value.settable { "can be set" } else { "" };
        table.row([Cell::name(&value.name), measure(value.value, &value.unit).into(), note.into()]);
    }
    table
}

fn page(state: &Simulation) -> Page {
    let mut page = Page::new([Cell::name("simulated board")]);
    page.fact("process", state.pid.to_string()).fact("simulated time", duration(state.time_s));
    let state = state.clone();
    page.section("VALUES", move |canvas| value_table(&state).draw(canvas));
    page
}
