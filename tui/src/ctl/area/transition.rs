//! Requests to state machines, shared by hosts, chassis and BMC: plan, question, request, wait.

use ubmc_proto::v1::{
    self, GetMachineRequest, ListMachinesRequest, MachineKind, RequestTransitionRequest,
    state_service_client::StateServiceClient,
};

use super::{
    policy,
    schedule::{At, schedule},
};
use crate::ctl::{
    confirm::{asks, confirm},
    exit::Failure,
    object::{Condition, Machine, Operation},
    outcome,
    output::{Cell, Format, Page, Paint, Table, duration, left, plain_text, right},
    session::Session,
    wait,
};

/// How a request is made.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct How {
    /// Show what would be done and what stands against it, and change nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// Wait for the end, showing the steps
    #[arg(long, conflicts_with = "plan")]
    pub(crate) wait: bool,
    /// Not now but then: a time like 2026-12-01T06:00:00Z, or one from now like +10m
    #[arg(long, value_name = "TIME", conflicts_with_all = ["plan", "wait"])]
    pub(crate) at: Option<At>,
}

/// Whether a request interrupts something that may be in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Risk {
    Harmless,
    /// Asked about first, with its plan.
    Interrupts,
}

/// In or out of maintenance.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Maintenance {
    #[arg(value_enum)]
    pub(crate) switch: Switch,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// The begin or the end of a firmware update.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Upgrade {
    /// `begin` before an updater writes firmware, `end` when it is done
    #[arg(value_enum)]
    pub(crate) phase: Phase,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Phase {
    Begin,
    End,
}

pub(crate) async fn upgrade(session: &mut Session, machine: &str, wanted: Upgrade) -> Result<(), Failure> {
    let asked = match wanted.phase {
        Phase::Begin => "update-begin",
        Phase::End => "update-end",
    };
    request(session, machine, asked, Risk::Harmless, wanted.how).await
}

pub(crate) async fn maintenance(session: &mut Session, machine: &str, wanted: Maintenance) -> Result<(), Failure> {
    let asked = match wanted.switch {
        Switch::On => "maintenance-on",
        Switch::Off => "maintenance-off",
    };
    request(session, machine, asked, Risk::Harmless, wanted.how).await
}

/// Asks `machine` for a transition.
pub(crate) async fn request(
    session: &mut Session,
    machine: &str,
    request: &str,
    risk: Risk,
    how: How,
) -> Result<(), Failure> {
    if let Some(at) = how.at {
        return schedule(session, machine, request, at).await;
    }
    let mut wire = RequestTransitionRequest {
        machine: machine.to_owned(),
        request: request.to_owned(),
        reason: session.reason.clone(),
        ..RequestTransitionRequest::default()
    };
    if how.plan {
        let plan = Operation::from(plan(session, wire).await?);
        session.out.one(&plan, |canvas| outcome::page(&plan).draw(canvas))?;
        // People have just read what stands against it.
        return refused_plan(&plan, session.out.format() != Format::Table);
    }
    if risk == Risk::Interrupts && asks(session) {
        let plan = Operation::from(plan(session, wire.clone()).await?);
        refused_plan(&plan, true)?;
        let canvas = session.out.stderr_canvas();
        let page = outcome::page(&plan).draw(canvas);
        session.out.progress(&page);
        confirm(session, &format!("{machine}: {request}, now?")).await?;
        // What was agreed to is this plan and no other.
        wire.plan_revision = plan.revision.unwrap_or_default();
    }
    let operation = transition(session, wire).await?;
    wait::settle(session, operation, how.wait).await
}

async fn plan(session: &mut Session, request: RequestTransitionRequest) -> Result<v1::Operation, Failure> {
    transition(session, RequestTransitionRequest { plan_only: true, ..request }).await
}

async fn transition(session: &mut Session, request: RequestTransitionRequest) -> Result<v1::Operation, Failure> {
    session.call(|channel| async move { StateServiceClient::new(channel).request_transition(request).await }).await
}

/// A plan that would be refused now ends as the request itself would.
fn refused_plan(plan: &Operation, in_full: bool) -> Result<(), Failure> {
    if plan.conditions.is_empty() {
        return outcome::verdict(plan);
    }
    let conditions = if in_full { plan.conditions.clone() } else { Vec::new() };
    Err(Failure::refused(format!("{} would be refused now", plan.title()), conditions))
}

pub(crate) async fn machine(session: &mut Session, name: &str) -> Result<Machine, Failure> {
    let request = GetMachineRequest { name: name.to_owned() };
    let machine =
        session.call(|channel| async move { StateServiceClient::new(channel).get_machine(request).await }).await?;
    Ok(machine.into())
}

/// All machines of a kind, or all.
pub(crate) async fn machines(session: &mut Session, kind: MachineKind) -> Result<Vec<Machine>, Failure> {
    let request = ListMachinesRequest { kind: kind.into() };
    let answer =
        session.call(|channel| async move { StateServiceClient::new(channel).list_machines(request).await }).await?;
    Ok(answer.machines.into_iter().map(Machine::from).collect())
}

pub(crate) async fn show_machine(session: &mut Session, name: &str) -> Result<(), Failure> {
    let machine = machine(session, name).await?;
    session.out.one(&machine, |canvas| machine_page(&machine).draw(canvas))
}

pub(crate) fn machine_table(machines: &[Machine]) -> Table {
    let mut table = Table::new(
        [
            left("NAME"),
            left("STATE"),
            left("REQUESTED").rank(2),
            right("SINCE"),
            left("OPERATION").rank(1),
            left("WHY"),
        ],
        "no such machines",
    );
    for machine in machines {
        let why = machine.reason.as_ref().or(machine.cause.as_ref());
        table.row([
            Cell::name(&machine.name),
            Cell::word(&machine.state),
            Cell::maybe(machine.requested.as_ref()),
            duration(machine.state_age_s).into(),
            Cell::maybe(machine.operation.as_ref()),
            why.map_or("", String::as_str).into(),
        ]);
    }
    table
}

pub(crate) fn machine_page(machine: &Machine) -> Page {
    let mut page = Page::new([Cell::name(&machine.name), Cell::word(&machine.state)]);
    page.maybe("why", machine.reason.as_deref().map(|reason| Cell::new(Paint::Warn, reason)))
        .fact("requested", Cell::maybe(machine.requested.as_ref()))
        .fact("in this state", format!("for {}", duration(machine.state_age_s)))
        .maybe("since", machine.since.clone())
        .maybe("at most", machine.timeout_in_s.map(|left| format!("{} more", duration(left))))
        .maybe("brought by", machine.cause.clone())
        .maybe("operation", machine.operation.clone())
        .maybe("part of", machine.parent.clone());
    if let Some(restoration) = &machine.restoration {
        policy::facts(&mut page, restoration);
    }
    for waiver in &machine.overrides {
        let left = duration(waiver.expires_in_s);
        let text = format!("{} for {left} more, by {}: {}", waiver.condition, waiver.actor, waiver.reason);
        page.fact("overridden", Cell::new(Paint::Warn, text));
    }
    if !machine.requests.is_empty() {
        let requests = machine.requests.clone();
        page.section("REQUESTS", move |canvas| {
            let mut table = Table::new([left("  REQUEST"), left("NOW"), left("")], "");
            for request in &requests {
                let (mut now, mut note) = (Cell::new(Paint::Good, "possible"), String::new());
                if !request.blocked_by.is_empty() {
                    now = Cell::new(Paint::Faint, "refused");
                    note = first_of(&request.blocked_by);
                } else if request.destructive {
                    "interrupts what runs".clone_into(&mut note);
                }
                table.row([format!("  {}", request.name).into(), now, note.into()]);
            }
            table.draw(canvas)
        });
    }
    page
}

/// The first condition and how many there are; `--plan` tells them all.
fn first_of(conditions: &[Condition]) -> String {
    match conditions {
        [] => String::new(),
        [only] => only.text.clone(),
        [first, others @ ..] => format!("{}; and {} more, see --plan", first.text, others.len()),
    }
}

/// The machine of that name when it is of the wanted kind; one that is not could be switched by mistake.
pub(crate) async fn of_kind(session: &mut Session, name: &str, kind: &str) -> Result<Machine, Failure> {
    let found = machine(session, name).await?;
    if found.kind == kind {
        return Ok(found);
    }
    let name = plain_text(&found.name);
    Err(Failure::NotFound(format!("`{name}` is no {kind}: use `ubmcctl {} …` for it", found.kind)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctl::output::Canvas;

    #[test]
    fn a_machines_page_lists_what_can_be_asked_of_it_and_what_forbids_the_rest() {
        let wire = v1::Machine {
            name: "host.0".into(),
            kind: MachineKind::Host.into(),
            state: "off".into(),
            requested: "on".into(),
            state_age_s: 192.0,
            reason: "chassis is off".into(),
            parent: "chassis".into(),
            requests: vec![
                v1::AllowedRequest {
                    request: "on".into(),
                    blocked_by: vec![v1::Condition {
                        kind: "chassis-off".into(),
                        subject: "chassis".into(),
                        text: "chassis is off".into(),
                        remedy: "switch it on".into(),
                        since_s: None,
                        severity: 0,
                    }],
                    destructive: false,
                },
                v1::AllowedRequest { request: "force-off".into(), blocked_by: vec![], destructive: true },
            ],
            ..v1::Machine::default()
        };
        assert_eq!(
            machine_page(&wire.into()).draw(Canvas::PLAIN),
            "\
host.0 · off
  why            chassis is off
  requested      on
  in this state  for 3m 12s
  part of        chassis

REQUESTS
  REQUEST    NOW
  on         refused   chassis is off
  force-off  possible  interrupts what runs
"
        );
    }
}
