//! Operations while they run, for the person who waits: on standard error, and only where it is a terminal.
//!
//! Steps that have ended stay on the screen; those that run stand below them, the one that takes longest first, with what
//! they wait for, and are drawn anew as time passes.

use std::collections::BTreeSet;

use super::{
    object::{Operation, Step},
    output::{Canvas, Paint, duration, plain_text},
    session::Session,
};

/// Running steps that are shown; of the rest only the number.
const MOST: usize = 5;

/// What has been told of an operation.
#[derive(Default)]
pub(super) struct Shown {
    /// Steps by place.
    ended: BTreeSet<usize>,
}

impl Shown {
    /// Tells what is new. `newer_s`: how old the news is.
    pub(super) fn draw(&mut self, session: &mut Session, operation: &Operation, newer_s: f64) {
        let canvas = session.out.stderr_canvas();
        for line in self.newly_ended(operation, canvas) {
            session.out.progress(&line);
        }
        if !operation.ended() {
            session.out.progress_lines(&live(operation, newer_s));
        }
    }

    fn newly_ended(&mut self, operation: &Operation, canvas: Canvas) -> Vec<String> {
        let ended = |step: &Step| matches!(step.state.as_str(), "succeeded" | "failed" | "skipped");
        let steps = operation.steps.iter().enumerate().filter(|(_, step)| ended(step));
        let news: Vec<_> = steps.filter(|(place, _)| !self.ended.contains(place)).collect();
        self.ended.extend(news.iter().map(|(place, _)| *place));
        news.into_iter().map(|(_, step)| ended_line(step, canvas)).collect()
    }
}

fn ended_line(step: &Step, canvas: Canvas) -> String {
    let word = if step.state == "succeeded" { "ok" } else { &step.state };
    let mark = canvas.paint(Paint::of(&step.state), word).into_owned();
    let pad = 9_usize.saturating_sub(word.len());
    let took = step.duration_s.map(|took| format!("  {}", duration(took))).unwrap_or_default();
    let detail = step.detail.as_ref().map(|detail| format!("  {}", plain_text(detail))).unwrap_or_default();
    format!("  {mark}{:pad$}{}{took}{detail}", "", plain_text(&step.name))
}

/// What runs now, and how far all of it is.
fn live(operation: &Operation, newer_s: f64) -> Vec<String> {
    let took = |step: &Step| step.duration_s.unwrap_or(0.0) + newer_s;
    let mut running: Vec<_> = operation.steps.iter().filter(|step| step.state == "running").collect();
    running.sort_by(|one, other| took(other).total_cmp(&took(one)));
    let line = |text: &str| format!("  ...      {text}");
    let mut lines: Vec<_> = running
        .iter()
        .take(MOST)
        .map(|step| {
            let detail = step.detail.as_ref().map(|detail| format!("  {}", plain_text(detail))).unwrap_or_default();
            line(&format!("{}  {}{detail}", plain_text(&step.name), duration(took(step))))
        })
        .collect();
    if let Some(more) = running.len().checked_sub(MOST).filter(|more| *more > 0) {
        lines.push(line(&format!("and {more} more")));
    }
    let elapsed = duration(operation.age_s + newer_s);
    if lines.is_empty() {
        let what = operation.reason.clone().unwrap_or_else(|| operation.title());
        return vec![line(&format!("{}  {elapsed}", plain_text(&what)))];
    }
    if operation.steps.len() > 1 {
        let pending = |step: &&Step| matches!(step.state.as_str(), "pending" | "running");
        let done = operation.steps.len() - operation.steps.iter().filter(pending).count();
        lines.push(format!("  {done} of {} done, {elapsed}", operation.steps.len()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;

    fn step(name: &str, state: v1::StepState, duration_s: Option<f64>, detail: &str) -> v1::Step {
        v1::Step { name: name.into(), state: state.into(), duration_s, detail: detail.into() }
    }

    fn stop(steps: Vec<v1::Step>) -> Operation {
        v1::Operation {
            id: "op-7".into(),
            kind: "service-stop".into(),
            target: "web, db".into(),
            state: v1::OperationState::Running.into(),
            age_s: 4.0,
            steps,
            ..v1::Operation::default()
        }
        .into()
    }

    #[test]
    fn who_takes_longest_stands_first_with_what_it_waits_for() {
        use v1::StepState::{Pending, Running, Succeeded};
        let operation = stop(vec![
            step("stop shop", Succeeded, Some(0.2), ""),
            step("stop web", Running, Some(1.0), "TERM was sent"),
            step("stop cache", Running, Some(3.0), "its stop command runs, killed in 7 s"),
            step("stop db", Pending, None, ""),
        ]);
        assert_eq!(
            live(&operation, 0.5),
            [
                "  ...      stop cache  3.5s  its stop command runs, killed in 7 s",
                "  ...      stop web  1.5s  TERM was sent",
                "  1 of 4 done, 4.5s",
            ]
        );
        let mut shown = Shown::default();
        assert_eq!(shown.newly_ended(&operation, Canvas::PLAIN), ["  ok       stop shop  200ms"]);
        assert!(shown.newly_ended(&operation, Canvas::PLAIN).is_empty(), "told once");
    }

    #[test]
    fn a_great_many_running_steps_stay_few_lines() {
        let many = (0..40).map(|n| step(&format!("stop s{n}"), v1::StepState::Running, Some(1.0), "")).collect();
        let lines = live(&stop(many), 0.0);
        assert_eq!(lines.len(), MOST + 2);
        assert_eq!(lines[MOST], "  ...      and 35 more");
    }

    #[test]
    fn an_operation_without_steps_says_what_it_waits_for() {
        let waiting = Operation { reason: Some("waits for op-6".into()), ..stop(Vec::new()) };
        assert_eq!(live(&waiting, 0.0), ["  ...      waits for op-6  4.0s"]);
        assert_eq!(live(&stop(Vec::new()), 0.0), ["  ...      stop web, db  4.0s"]);
    }
}
