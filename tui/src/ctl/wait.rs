//! Operations: accepted, followed to their end with their steps, and what their end means for the exit code.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, timeout};
use ubmc_proto::v1::{self, WatchOperationRequest, state_service_client::StateServiceClient};

use super::{
    exit::Failure,
    object::{Condition, Operation, Step, draw_all},
    output::{Canvas, Cell, Format, Page, Paint, Table, duration, left, plain_text, right},
    session::Session,
};

/// Prints the accepted operation, or with `wait` follows it and prints how it ended. Fails as the operation failed.
pub(crate) async fn settle(session: &mut Session, accepted: v1::Operation, wait: bool) -> Result<(), Failure> {
    let mut operation = Operation::from(accepted);
    if wait && !operation.ended() {
        operation = follow(session, operation).await?;
    }
    let verdict = verdict(&operation);
    // For people the error says it all; programs read the object in any case.
    if verdict.is_ok() || session.out.format() != Format::Table {
        session.out.one(&operation, |canvas| summary(&operation, canvas))?;
    }
    verdict
}

/// Follows an operation to its end, its steps shown on a terminal.
async fn follow(session: &mut Session, accepted: Operation) -> Result<Operation, Failure> {
    let deadline = session.timeout.map(|bound| Instant::now() + bound);
    let id = accepted.id.clone();
    session.left_behind = Some(format!("{} goes on without this command; {}", id, ways_on(&id)));
    let request = WatchOperationRequest { id: id.clone() };
    let mut stream =
        session.call(|channel| async move { StateServiceClient::new(channel).watch_operation(request).await }).await?;
    let mut shown = Shown::default();
    let mut newest = (accepted, Instant::now());
    loop {
        shown.draw(session, &newest.0, newest.1.elapsed().as_secs_f64());
        if newest.0.ended() {
            session.left_behind = None;
            return Ok(newest.0);
        }
        // Once a second the time that the running steps have taken is shown anew.
        let tick = Duration::from_secs(1);
        let pause = deadline.map_or(tick, |deadline| tick.min(deadline.saturating_duration_since(Instant::now())));
        match timeout(pause, stream.message()).await {
            Ok(Ok(Some(update))) => newest = (update.into(), Instant::now()),
            Ok(Ok(None)) => return Err(lost(&id, "ubmcd ended the stream")),
            Ok(Err(status)) => {
                return Err(match Failure::from(status) {
                    Failure::Unreachable(cause) => lost(&id, &cause),
                    failure => failure,
                });
            }
            Err(_) if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                let bound = session.timeout.unwrap_or_default().as_secs_f64();
                let title = newest.0.title();
                return Err(Failure::TimedOut(format!(
                    "{title} has not ended within {}; {id} goes on: {}",
                    duration(bound),
                    ways_on(&id)
                )));
            }
            Err(_) => {}
        }
    }
}

fn ways_on(id: &str) -> String {
    format!("follow it with `ubmcctl operations watch {id}`, end it with `ubmcctl operations cancel {id}`")
}

fn lost(id: &str, cause: &str) -> Failure {
    Failure::Unreachable(format!(
        "{cause}; whether {id} goes on is not known: look with `ubmcctl operations show {id}`"
    ))
}

/// Which steps have been told already.
#[derive(Default)]
struct Shown {
    ended: BTreeSet<usize>,
}

impl Shown {
    /// Each step once it has ended, and those that run now on a line of their own. `newer_s`: how old the news is.
    fn draw(&mut self, session: &mut Session, operation: &Operation, newer_s: f64) {
        let canvas = session.out.stderr_canvas();
        for (index, step) in operation.steps.iter().enumerate() {
            if matches!(step.state.as_str(), "succeeded" | "failed" | "skipped") && self.ended.insert(index) {
                session.out.progress(&step_line(step, canvas));
            }
        }
        if operation.ended() {
            return;
        }
        let running: Vec<_> = operation
            .steps
            .iter()
            .filter(|step| step.state == "running")
            .map(|step| format!("{} {}", step.name, duration(step.duration_s.unwrap_or(0.0) + newer_s)))
            .collect();
        let now = match (running.is_empty(), &operation.reason) {
            (false, _) => running.join(", "),
            (true, Some(reason)) => reason.clone(),
            (true, None) => format!("{} {}", operation.title(), duration(operation.age_s + newer_s)),
        };
        session.out.progress_now(&format!("  ...      {}", plain_text(&now)));
    }
}

fn step_line(step: &Step, canvas: Canvas) -> String {
    let word = if step.state == "succeeded" { "ok" } else { &step.state };
    let mark = canvas.paint(Paint::of(&step.state), word).into_owned();
    let pad = 9_usize.saturating_sub(word.len());
    let took = step.duration_s.map(|took| format!("  {}", duration(took))).unwrap_or_default();
    let detail = step.detail.as_ref().map(|detail| format!("  {}", plain_text(detail))).unwrap_or_default();
    format!("  {mark}{:pad$}{}{took}{detail}", "", plain_text(&step.name))
}

/// What an operation's state means for the command that asked for it.
pub(crate) fn verdict(operation: &Operation) -> Result<(), Failure> {
    let (title, id) = (operation.title(), &operation.id);
    let took = operation.duration_s.map(|took| format!(" after {}", duration(took))).unwrap_or_default();
    let failed_step = operation.steps.iter().find(|step| step.state == "failed").map(|step| match &step.detail {
        Some(detail) => format!("step `{}` failed: {detail}", step.name),
        None => format!("step `{}` failed", step.name),
    });
    let reasons: Vec<_> = [operation.reason.clone(), failed_step].into_iter().flatten().collect();
    let why = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
    match operation.state.as_str() {
        "failed" => Err(Failure::Failed(format!("{title} failed{took}{why} ({id})"))),
        "rolled-back" => Err(Failure::Failed(format!("{title} failed{took} and was rolled back{why} ({id})"))),
        "cancelled" => Err(Failure::Failed(format!("{title} was cancelled{took}{why} ({id})"))),
        "refused" => Err(Failure::refused(format!("{title} was refused{why}"), operation.conditions.clone())),
        _ => Ok(()),
    }
}

/// One or two lines: how it ended, or how to follow it.
fn summary(operation: &Operation, canvas: Canvas) -> String {
    // What was fulfilled before it was asked for never became an operation.
    if operation.id.is_empty() {
        let word = canvas.paint(Paint::of(&operation.state), &operation.state);
        return operation.reason.as_deref().map_or(word.into_owned(), |reason| plain_text(reason).into_owned());
    }
    let title = plain_text(&operation.title()).into_owned();
    let state = canvas.paint(Paint::of(&operation.state), &operation.state);
    if operation.ended() {
        let took = operation.duration_s.map(|took| format!(" after {}", duration(took))).unwrap_or_default();
        let reason = operation.reason.as_ref().map(|text| format!(": {}", plain_text(text))).unwrap_or_default();
        return format!("{title}: {state}{took} ({}){reason}", operation.id);
    }
    format!("{title}: accepted as {id}\nfollow it with: ubmcctl operations watch {id}", id = operation.id)
}

/// Everything about an operation.
pub(crate) fn page(operation: &Operation) -> Page {
    let planned = operation.state == "planned";
    let mut page = Page::new([Cell::name(&operation.id), operation.title().into(), Cell::word(&operation.state)]);
    page.maybe("reason", operation.reason.clone())
        .maybe("asked by", operation.requested_by.clone())
        .maybe("asked because", operation.request_reason.clone());
    if !planned {
        page.fact("accepted", format!("{} ago", duration(operation.age_s)));
    }
    page.maybe("took", operation.duration_s.map(duration))
        .maybe("expected", operation.expected_s.map(duration))
        .maybe("affects", Some(operation.affects.join(", ")))
        .maybe("revision", operation.revision.clone())
        .maybe("cause", operation.cause.map(|cause| cause.to_string()));
    if !operation.steps.is_empty() {
        let steps = operation.steps.clone();
        page.section("STEPS", move |canvas| steps_table(&steps, planned).draw(canvas));
    }
    if !operation.conditions.is_empty() {
        let conditions: Vec<Condition> = operation.conditions.clone();
        page.section("STANDS AGAINST IT", move |canvas| draw_all(&conditions, canvas));
    }
    page
}

fn steps_table(steps: &[Step], planned: bool) -> Table {
    if planned {
        let mut table = Table::new([right("  #"), left("STEP"), left("DETAIL")], "");
        for (number, step) in steps.iter().enumerate() {
            let detail = step.detail.as_deref().unwrap_or_default();
            table.row([(number + 1).to_string().into(), step.name.as_str().into(), detail.into()]);
        }
        return table;
    }
    let mut table = Table::new([left("  STATE"), left("STEP"), right("TOOK"), left("DETAIL")], "");
    for step in steps {
        table.row([
            Cell::new(Paint::of(&step.state), format!("  {}", step.state)),
            step.name.as_str().into(),
            Cell::maybe(step.duration_s.map(duration)),
            step.detail.as_deref().unwrap_or_default().into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctl::exit::Exit;

    fn operation(state: v1::OperationState) -> Operation {
        v1::Operation {
            id: "op-17".into(),
            kind: "host-on".into(),
            target: "host.0".into(),
            state: state.into(),
            steps: vec![
                step("enable rail", v1::StepState::Succeeded, Some(0.2), ""),
                step("wait for power-good", v1::StepState::Failed, Some(10.0), "no answer within 10 s"),
            ],
            reason: "power-good never came".into(),
            duration_s: Some(10.4),
            ..v1::Operation::default()
        }
        .into()
    }

    fn step(name: &str, state: v1::StepState, duration_s: Option<f64>, detail: &str) -> v1::Step {
        v1::Step { name: name.into(), state: state.into(), duration_s, detail: detail.into() }
    }

    #[test]
    fn the_end_of_an_operation_decides_the_exit_code() {
        for (state, exit) in [
            (v1::OperationState::Planned, Exit::Done),
            (v1::OperationState::Running, Exit::Done),
            (v1::OperationState::Succeeded, Exit::Done),
            (v1::OperationState::Failed, Exit::Failed),
            (v1::OperationState::RolledBack, Exit::Failed),
            (v1::OperationState::Cancelled, Exit::Failed),
            (v1::OperationState::Refused, Exit::Refused),
        ] {
            let ended = verdict(&operation(state)).map_or_else(|failure| failure.exit(), |()| Exit::Done);
            assert_eq!(ended, exit, "{state:?}");
        }
    }

    #[test]
    fn a_failure_says_what_why_and_which_step() {
        let failure = verdict(&operation(v1::OperationState::RolledBack)).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "host.0 on failed after 10s and was rolled back: power-good never came; step `wait for power-good` \
             failed: no answer within 10 s (op-17)"
        );
    }

    #[test]
    fn what_is_accepted_says_how_to_follow_it() {
        let text = summary(&operation(v1::OperationState::Running), Canvas::PLAIN);
        assert_eq!(text, "host.0 on: accepted as op-17\nfollow it with: ubmcctl operations watch op-17");
    }

    #[test]
    fn what_needs_no_operation_says_so() {
        let nothing = v1::Operation {
            state: v1::OperationState::Succeeded.into(),
            reason: "nothing to do: it was so already".into(),
            ..v1::Operation::default()
        };
        assert_eq!(summary(&nothing.into(), Canvas::PLAIN), "nothing to do: it was so already");
    }

    #[test]
    fn an_operations_page_lists_its_steps() {
        assert_eq!(
            page(&operation(v1::OperationState::Failed)).draw(Canvas::PLAIN),
            "\
op-17 · host.0 on · failed
  reason    power-good never came
  accepted  0ms ago
  took      10s

STEPS
  STATE      STEP                  TOOK  DETAIL
  succeeded  enable rail          200ms
  failed     wait for power-good    10s  no answer within 10 s
"
        );
    }
}
