//! What is told of an operation: how it ended and what that means for the exit code, and everything about it.

use super::{
    exit::Failure,
    object::{Condition, Operation, Step, draw_all},
    output::{Canvas, Cell, Page, Paint, Table, duration, left, plain_text, right},
};

/// What an operation's state means for the command that asked for it.
pub(crate) fn verdict(operation: &Operation) -> Result<(), Failure> {
    let (title, id) = (operation.title(), &operation.id);
    let took = operation.duration_s.map(|took| format!(" after {}", duration(took))).unwrap_or_default();
    // A reason that names the step says it all; in front of it stands what was asked for, and that is the title.
    let own = format!("{title}: ");
    let reason = operation.reason.as_ref().map(|reason| reason.strip_prefix(&own).unwrap_or(reason).to_owned());
    let told = |detail: &str| reason.as_ref().is_some_and(|reason| reason.contains(detail));
    let failed_step = operation.steps.iter().find(|step| step.state == "failed").and_then(|step| match &step.detail {
        Some(detail) if told(detail) => None,
        Some(detail) => Some(format!("step `{}` failed: {detail}", step.name)),
        None => Some(format!("step `{}` failed", step.name)),
    });
    let reasons: Vec<_> = [reason.clone(), failed_step].into_iter().flatten().collect();
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
pub(crate) fn summary(operation: &Operation, canvas: Canvas) -> String {
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
    let mut page = if planned {
        Page::new([Cell::name("plan"), operation.title().into()])
    } else {
        Page::new([Cell::name(&operation.id), operation.title().into(), Cell::word(&operation.state)])
    };
    page.maybe("reason", operation.reason.clone());
    if !planned {
        page.maybe("asked by", operation.requested_by.clone())
            .maybe("asked because", operation.request_reason.clone())
            .fact("accepted", format!("{} ago", duration(operation.age_s)));
    }
    page.maybe("took", operation.duration_s.map(duration))
        .maybe("usually", operation.expected_s.map(duration))
        .maybe("at most", operation.bound_s.filter(|bound| *bound > 0.0).map(duration))
        .maybe("affects", Some(operation.affects.join(", ")))
        .maybe("revision", operation.revision.clone())
        .maybe("cause", operation.cause.filter(|_| !planned).map(|cause| cause.to_string()));
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
    use ubmc_proto::v1;

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
    fn a_reason_that_names_the_step_is_not_told_twice() {
        let failed = v1::Operation {
            kind: "service-restart".into(),
            target: "web".into(),
            steps: vec![step("restart web", v1::StepState::Failed, Some(0.1), "exit code 7")],
            reason: "restart web: exit code 7".into(),
            state: v1::OperationState::Failed.into(),
            ..v1::Operation::default()
        };
        let failure = verdict(&failed.into()).unwrap_err();
        assert_eq!(failure.to_string(), "restart web failed: exit code 7 ()");
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
