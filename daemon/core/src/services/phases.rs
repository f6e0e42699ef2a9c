//! What the platform does as a whole: it comes up group by group, and goes down in reverse, each in bounded time.

use super::{
    supervisor::{Phase, Supervisor},
    unit::{Goal, State},
};
use crate::{
    board::{Ending, Policy},
    effect::Effect,
    event::Severity,
    outbox::Outbox,
    timers::Timer,
    view::Desired,
};

impl Supervisor {
    /// Begins: every service with auto-start is wanted up.
    pub fn boot(&mut self, start_timeout: std::time::Duration, out: &mut Outbox) {
        self.boot_book.started = out.now();
        out.arm(Timer::Boot, out.now() + start_timeout);
        for unit in &mut self.units {
            if unit.spec.auto_start {
                unit.goal = Goal::Up;
            }
        }
        for id in self.ids().rev() {
            self.refresh_desired(id, out);
        }
        for unit in &mut self.units {
            if unit.desired == Desired::Up {
                unit.boot.want();
            }
        }
        // Before the first step: what later groups wait for must be known.
        for id in self.ids() {
            self.count_unsettled(id);
        }
        self.settle(out);
    }

    /// The groups had their time: what is left no longer holds up the others.
    pub fn boot_timed_out(&mut self, out: &mut Outbox) {
        if self.phase != Phase::Booting {
            return;
        }
        let late: Vec<_> =
            self.units.iter().filter(|unit| unit.unsettled).map(|unit| unit.spec.name.to_string()).collect();
        out.event(
            "platform.start-timeout".to_owned(),
            "operator",
            Severity::Error,
            format!("not everything came up in time; still waiting for {}", late.join(", ")),
            vec![("waiting_for", late.join(" ").into())],
        );
        self.boot_book.timed_out = true;
        self.finish_boot(out);
        self.settle(out);
    }

    pub(super) fn finish_boot(&mut self, out: &mut Outbox) {
        self.phase = Phase::Up;
        self.boot_book.ended = Some(out.now());
        out.cancel(Timer::Boot);
        let failed: Vec<_> = self
            .listed()
            .filter(|unit| unit.desired == Desired::Up && !unit.is_ready())
            // What waits for a power-on is not late.
            .filter(|unit| unit.state != State::Waiting || unit.unsettled)
            .map(|unit| unit.spec.name.to_string())
            .collect();
        let took = out.now().since_origin().as_secs_f64();
        let (severity, text) = if failed.is_empty() {
            (Severity::Info, "every service that is wanted up is up".to_owned())
        } else {
            (Severity::Warning, format!("started without {}", failed.join(", ")))
        };
        out.event("platform.started".to_owned(), "operator", severity, text, vec![("mono_s", took.into())]);
        out.changed().system = true;
        self.look_at_all();
    }

    /// All are looked at again.
    pub(super) fn look_at_all(&mut self) {
        self.dirty.extend(0..self.graph.order().len());
    }

    /// Everything is to go down. The second call may make it an emergency.
    pub fn shut_down(&mut self, emergency: bool, policy: &Policy, then: Ending, out: &mut Outbox) {
        let stop_timeout = policy.stop_timeout;
        // Who asks for a reboot and then for an end gets there sooner, and the reboot all the same.
        if then != Ending::Over {
            self.then = then;
        }
        let since = match self.phase {
            Phase::Stopping { since, emergency: false } if emergency => since,
            Phase::Stopping { .. } | Phase::Ended => return,
            Phase::Booting | Phase::Up => out.now(),
        };
        self.phase = Phase::Stopping { since, emergency };
        out.cancel(Timer::Boot);
        out.arm(Timer::Shutdown, out.now() + if emergency { stop_timeout / 4 } else { stop_timeout });
        let text = if emergency { "emergency stop: no graceful time-outs" } else { "ordered shutdown begins" };
        let severity = if emergency { Severity::Warning } else { Severity::Notice };
        out.event("platform.stopping".to_owned(), "operator", severity, text.to_owned(), Vec::new());
        out.changed().system = true;
        for id in self.ids().rev() {
            self.refresh_desired(id, out);
        }
        if emergency {
            for id in self.ids() {
                if self.unit(id).state.is_alive() && !self.graph.of(id).protects {
                    self.kill(id, out);
                }
            }
        }
        self.look_at_all();
        self.settle(out);
    }

    /// The shutdown had its time: whatever is left is killed, protectors last of all.
    pub fn shutdown_timed_out(&mut self, out: &mut Outbox) {
        let mut left: Vec<_> = self.ids().rev().filter(|id| self.unit(*id).state.is_alive()).collect();
        left.sort_by_key(|id| self.graph.of(*id).protects);
        let names: Vec<_> = left.iter().map(|id| self.unit(*id).spec.name.to_string()).collect();
        out.event(
            "platform.stop-timeout".to_owned(),
            "operator",
            Severity::Error,
            format!("the shutdown took too long; ending without waiting for {}", names.join(", ")),
            vec![("waiting_for", names.join(" ").into())],
        );
        for id in left {
            self.kill(id, out);
        }
        self.phase = Phase::Ended;
        out.deed(Effect::Exit(std::mem::take(&mut self.then)));
    }

    pub(super) fn end(&mut self, out: &mut Outbox) {
        if self.phase != Phase::Ended {
            self.phase = Phase::Ended;
            out.cancel(Timer::Shutdown);
            out.event(
                "platform.stopped".to_owned(),
                "operator",
                Severity::Notice,
                "every service is down".to_owned(),
                Vec::new(),
            );
            out.deed(Effect::Exit(std::mem::take(&mut self.then)));
        }
    }
}
