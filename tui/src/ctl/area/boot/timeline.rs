//! Bars in proportion to time, as wide as the terminal.
//!
//! ```text
//!   SERVICE     WAITED    OWN  0                          2.0s
//! core           12ms   2.0s  ══════════════════════════
//! > db           12ms   2.0s  ·█████████████████████████
//! ```

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::verdict;
use crate::{
    ctl::{
        object::{Boot, BootService},
        output::{Canvas, Paint, duration, hang, plain_text},
    },
    style::{Lane, Stroke},
};

/// Columns where nobody says how many there are.
const ORDINARY: usize = 80;
/// A bar has at least so many columns; a narrower terminal wraps.
const LEAST_BAR: usize = 12;

pub(super) fn draw(boot: &Boot, canvas: Canvas) -> String {
    let failed = boot.services.iter().filter(|one| matches!(one.outcome.as_str(), "failed" | "abandoned")).count();
    let open = boot.services.iter().filter(|one| one.outcome == "pending").count();
    let mut headline =
        vec![verdict(boot.ended, boot.timed_out, boot.elapsed_s), format!("{} services", boot.services.len())];
    if open > 0 {
        headline.push(format!("{open} not up yet"));
    }
    if failed > 0 {
        headline.push(format!("{failed} did not come up"));
    }
    let mut text = format!("{}\n", headline.join(if canvas.utf8 { " · " } else { ", " }));
    if boot.services.is_empty() {
        text.push_str("no service is wanted up from the start\n");
        return text;
    }
    Chart::new(boot, canvas).draw(&mut text);
    let [waited, own] = [Stroke::Waiting, Stroke::Own].map(|stroke| stroke.glyph(canvas.glyphs()));
    let legend = format!("{waited} waited  {own} its own start  > on the critical path");
    let _ = writeln!(text, "\n{}", canvas.paint(Paint::Faint, &legend));
    let waiting: Vec<_> = boot.services.iter().filter(|one| one.outcome == "pending").collect();
    if !waiting.is_empty() {
        let _ = writeln!(text, "\n{}", canvas.paint(Paint::Strong, "NOT UP YET"));
        for service in waiting {
            let what = match (&service.waited_for, service.released_s) {
                (_, Some(released)) => {
                    format!("has been starting for {}", duration((boot.elapsed_s - released).max(0.0)))
                }
                (Some(other), None) => format!("waits for {other}"),
                (None, None) => "waits".to_owned(),
            };
            let line = hang(&plain_text(&format!("{} {what}", service.name)), 4, canvas);
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

struct Chart<'a> {
    boot: &'a Boot,
    canvas: Canvas,
    names: usize,
    /// Columns of the outcome; 0: all is well, there is no such column.
    outcomes: usize,
    bar: usize,
}

/// The width of a column of times.
const TIME: usize = 7;

impl<'a> Chart<'a> {
    fn new(boot: &'a Boot, canvas: Canvas) -> Self {
        let names = boot.services.iter().map(|one| one.name.width() + 2).max().unwrap_or(0).max("  SERVICE".len());
        let outcomes = boot.services.iter().map(|one| outcome(one).len()).max().unwrap_or(0);
        let mut used = names + 2 * (TIME + 1) + 2;
        if outcomes > 0 {
            used += outcomes + 2;
        }
        let bar = canvas.width.unwrap_or(ORDINARY).saturating_sub(used).max(LEAST_BAR);
        Self { boot, canvas, names, outcomes, bar }
    }

    fn draw(&self, text: &mut String) {
        let mut heading = self.columns("  SERVICE", "WAITED", "OWN", "");
        let end = duration(self.boot.elapsed_s);
        let pad = self.bar.saturating_sub(1);
        let _ = write!(heading, "0{end:>pad$}");
        let _ = writeln!(text, "\n{}", self.canvas.paint(Paint::Faint, &heading));
        let mut group = "";
        for service in &self.boot.services {
            if service.group != group {
                group = &service.group;
                self.draw_phase(group, text);
            }
            self.draw_service(service, text);
        }
    }

    fn columns(&self, name: &str, waited: &str, own: &str, outcome: &str) -> String {
        let pad = self.names.saturating_sub(name.width());
        let mut line = format!("{name}{:pad$} {waited:>TIME$} {own:>TIME$}  ", "");
        if self.outcomes > 0 {
            let _ = write!(line, "{outcome:outcomes$}  ", outcomes = self.outcomes);
        }
        line
    }

    fn draw_phase(&self, group: &str, text: &mut String) {
        let phase = self.boot.phases.iter().find(|phase| phase.group == group);
        let (began, ended) = phase.map_or((None, None), |phase| (phase.began_s, phase.ended_s));
        let took = began.map(|began| (ended.unwrap_or(self.boot.elapsed_s) - began).max(0.0));
        let line = self.columns(&plain_text(group), &time(began), &time(took), "");
        let mut lane = Lane::new(self.bar, self.canvas.glyphs());
        if let Some(began) = began {
            lane = lane.stretch(self.share(began), ended.map(|ended| self.share(ended)), Stroke::Whole);
        }
        let _ = writeln!(text, "{}", self.canvas.paint(Paint::Strong, format!("{line}{}", lane.text()).trim_end()));
    }

    fn draw_service(&self, service: &BootService, text: &mut String) {
        let mark = if service.critical { '>' } else { ' ' };
        let name = format!("{mark} {}", plain_text(&service.name));
        let waited = service.released_s.or(service.settled_s);
        let line = self.columns(&name, &time(waited), &time(service.own_s), "");
        let line = line.get(..line.len() - if self.outcomes > 0 { self.outcomes + 2 } else { 0 }).unwrap_or(&line);
        let mut lane = Lane::new(self.bar, self.canvas.glyphs());
        let released = service.released_s.map(|released| self.share(released));
        let settled = service.settled_s.map(|settled| self.share(settled));
        let waiting_ends = released.or(settled);
        if waiting_ends != Some(0.0) {
            lane = lane.stretch(0.0, waiting_ends, Stroke::Waiting);
        }
        if let Some(released) = released {
            lane = lane.stretch(released, settled, Stroke::Own);
        }
        let paint = match (service.outcome.as_str(), service.critical) {
            ("failed" | "abandoned", _) => Paint::Bad,
            ("pending", _) => Paint::Warn,
            (_, true) => Paint::Strong,
            (_, false) => Paint::Plain,
        };
        let mut drawn = self.canvas.paint(paint, line).into_owned();
        if self.outcomes > 0 {
            let word = format!("{:outcomes$}", outcome(service), outcomes = self.outcomes);
            drawn = format!("{drawn}{}  ", self.canvas.paint(paint, &word));
        }
        let bar = lane.text();
        let own = bar.find(Stroke::Own.glyph(self.canvas.glyphs())).unwrap_or(bar.len());
        let (waiting, own) = bar.split_at(own);
        let own_paint = if paint == Paint::Plain { Paint::Good } else { paint };
        let bar = format!("{}{}", self.canvas.paint(Paint::Faint, waiting), self.canvas.paint(own_paint, own));
        let _ = writeln!(text, "{}", format!("{drawn}{bar}").trim_end());
    }

    /// A moment's place on the axis; beyond 1, it is later than what is drawn.
    fn share(&self, at: f64) -> f64 {
        at / self.boot.elapsed_s.max(1e-6)
    }
}

fn time(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), duration)
}

/// What is worth a word.
fn outcome(service: &BootService) -> &str {
    match service.outcome.as_str() {
        "ready" | "completed" => "",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;

    /// Times in seconds of the daemon's clock, at which the start began at 1.
    fn service(name: &str, group: &str, times: [Option<f64>; 2], outcome: &str, critical: bool) -> v1::BootService {
        v1::BootService {
            name: name.into(),
            group: group.into(),
            released_s: times[0],
            spawned_s: times[0],
            settled_s: times[1],
            outcome: outcome.into(),
            waited_for: if times[0].is_some() { String::new() } else { "service db".into() },
            critical,
        }
    }

    fn phase(group: &str, began_s: f64, ended_s: Option<f64>) -> v1::BootPhase {
        v1::BootPhase { group: group.into(), began_s: Some(began_s), ended_s }
    }

    fn done() -> v1::BootTimeline {
        v1::BootTimeline {
            started_s: 1.0,
            ended_s: Some(3.0),
            timed_out: false,
            phases: vec![phase("core", 1.0, Some(2.0)), phase("interface", 2.0, Some(3.0))],
            services: vec![
                service("journal", "core", [Some(1.0), Some(1.004)], "ready", false),
                service("db", "core", [Some(1.0), Some(2.0)], "ready", true),
                service("web", "interface", [Some(2.0), Some(3.0)], "ready", true),
            ],
            critical_path: vec!["db".into(), "web".into()],
        }
    }

    #[test]
    fn bars_are_in_proportion_and_tell_waiting_from_starting() {
        assert_eq!(
            draw(&Boot::new(done(), None), Canvas::narrow(60)),
            "\
started in 2.0s · 3 services

  SERVICE  WAITED     OWN  0                            2.0s
core          0ms    1.0s  ═════════════════
  journal     0ms     4ms  █
> db          0ms    1.0s  █████████████████
interface    1.0s    1.0s                   ════════════════
> web        1.0s    1.0s  ·················████████████████

· waited  █ its own start  > on the critical path
"
        );
    }

    #[test]
    fn ascii_has_bars_too_and_no_line_is_wider_than_the_terminal() {
        let text = draw(&Boot::new(done(), None), Canvas::ascii(60));
        assert!(
            text.is_ascii() && text.contains("> web        1.0s    1.0s  .................################\n"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.len() <= 60), "{text}");
    }

    #[test]
    fn a_start_that_goes_on_says_who_is_not_up_and_what_it_waits_for() {
        let wire = v1::BootTimeline {
            ended_s: None,
            phases: vec![phase("core", 1.0, None)],
            services: vec![
                service("journal", "core", [Some(1.0), Some(1.004)], "ready", false),
                service("db", "core", [Some(2.0), None], "pending", false),
                service("web", "core", [None, None], "pending", false),
                service("cache", "core", [Some(1.5), Some(2.0)], "failed", false),
            ],
            critical_path: Vec::new(),
            ..done()
        };
        assert_eq!(
            draw(&Boot::new(wire, Some(5.0)), Canvas::narrow(60)),
            "\
starting for 4.0s · 4 services · 2 not up yet · 1 did not come up

  SERVICE  WAITED     OWN           0                   4.0s
core          0ms    4.0s           ═══════════════════════→
  journal     0ms     4ms           █
  db         1.0s       -  pending  ······█████████████████→
  web           -       -  pending  ·······················→
  cache     500ms   500ms  failed   ···███

· waited  █ its own start  > on the critical path

NOT UP YET
  db has been starting for 3.0s
  web waits for service db
"
        );
    }

    #[test]
    fn what_settled_long_after_the_end_does_not_squeeze_the_rest() {
        let mut wire = done();
        wire.services.push(service("late", "interface", [Some(2.0), Some(301.0)], "ready", false));
        let text = draw(&Boot::new(wire, None), Canvas::narrow(60));
        assert!(text.contains("  late       1.0s  4m 59s  ·················███████████████→\n"), "{text}");
    }

    #[test]
    fn nothing_to_start_is_no_chart() {
        let text = draw(&Boot::new(v1::BootTimeline::default(), None), Canvas::PLAIN);
        assert_eq!(text, "starting for 0ms · 0 services\nno service is wanted up from the start\n");
    }
}
