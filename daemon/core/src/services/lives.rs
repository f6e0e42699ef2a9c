//! How a life is begun and ended, and what happens when either takes too long.

use std::time::Duration;

use super::{
    Deployment, HealthCheck, Readiness, Signal,
    supervisor::{Phase, Supervisor},
    unit::{State, StopPhase, StopWhy},
};
use crate::{effect::Effect, event::Severity, ids::ServiceId, outbox::Outbox, time::human, timers::Timer};

/// How long KILL may take before what is left is reported.
pub(super) const KILL_BOUND: Duration = Duration::from_secs(5);

impl Supervisor {
    /// Everything it needs is there.
    pub(super) fn begin_start(&mut self, id: ServiceId, out: &mut Outbox) {
        if let Some(epoch) = self.done_already(id) {
            return self.skip_start(id, epoch, out);
        }
        let unit = &mut self.units[id.index()];
        unit.boot.released(out.now());
        let delay = unit.spec.start_delay;
        if delay.is_zero() {
            self.start_now(id, out);
        } else {
            self.enter(id, State::Delaying, out);
            out.arm(Timer::Service(id), out.now() + delay);
        }
    }

    fn start_now(&mut self, id: ServiceId, out: &mut Outbox) {
        // A reload during its start delay may have made it a oneshot that is done.
        if let Some(epoch) = self.done_already(id) {
            return self.skip_start(id, epoch, out);
        }
        if let Deployment::Unsupported { mode } = &self.unit(id).spec.deployment {
            let text = format!("deployment mode `{mode}` cannot be run by this version; use `binary`");
            return self.give_up(id, &text, out);
        }
        let generation = self.take_generation();
        let now = out.now();
        let mark = self.mark_of_now(id);
        let unit = &mut self.units[id.index()];
        unit.mark = mark;
        unit.generation = generation;
        unit.spawned = now;
        unit.ready = None;
        unit.health.new_life();
        unit.readiness.new_life();
        unit.boot.spawned(now);
        let preflight = !std::mem::take(&mut unit.unchecked);
        unit.record.status_text.clear();
        let effect = match &unit.spec.deployment {
            Deployment::Builtin(builtin) => Effect::StartBuiltin { service: id, generation, builtin: *builtin },
            Deployment::Binary(binary) => {
                let heartbeat = unit.spec.health.as_ref().filter(|health| *health.check == HealthCheck::Heartbeat);
                Effect::Spawn {
                    service: id,
                    generation,
                    name: unit.spec.name.clone(),
                    binary: binary.clone(),
                    readiness: unit.spec.readiness,
                    watchdog: heartbeat.map(|health| health.interval),
                    port: unit.spec.port,
                    preflight,
                }
            }
            Deployment::Unsupported { .. } => return,
        };
        let timeout = unit.spec.start_timeout;
        out.deed(effect);
        self.enter(id, State::Starting { executed: false }, out);
        out.arm(Timer::Service(id), now + timeout);
    }

    /// Ends a life, gracefully, once nothing stands in the way.
    pub(super) fn begin_stop(&mut self, id: ServiceId, why: StopWhy, out: &mut Outbox) {
        self.enter(id, State::Stopping { phase: StopPhase::Holding, why, exited: false }, out);
        self.release_hold(id, out);
    }

    /// A life that waits for its dependents to end is asked as soon as they have.
    pub(super) fn release_hold(&mut self, id: ServiceId, out: &mut Outbox) {
        let State::Stopping { phase: StopPhase::Holding, why, exited } = &self.unit(id).state else { return };
        if self.holds_for(id).is_some() {
            return;
        }
        let (why, exited) = (why.clone(), *exited);
        self.enter(id, State::Stopping { phase: StopPhase::Asked, why, exited }, out);
        let emergency = matches!(self.phase, Phase::Stopping { emergency: true, .. });
        if emergency && !self.graph.of(id).protects {
            return self.kill(id, out);
        }
        let unit = self.unit(id);
        let (generation, timeout) = (unit.generation, unit.spec.stop_timeout);
        match &unit.spec.deployment {
            Deployment::Builtin(_) => out.deed(Effect::StopBuiltin { service: id, generation, now: false }),
            Deployment::Binary(binary) if !binary.stop_command.is_empty() => out.deed(Effect::RunStopCommand {
                service: id,
                generation,
                command: binary.stop_command.clone(),
                binary: binary.clone(),
            }),
            Deployment::Binary(binary) => {
                out.deed(Effect::Signal { service: id, generation, signal: binary.stop_signal, everything: false });
                // A stopped process cannot hear: wake it.
                out.deed(Effect::Signal { service: id, generation, signal: Signal::Cont, everything: false });
            }
            Deployment::Unsupported { .. } => {}
        }
        out.arm(Timer::Service(id), out.now() + timeout);
    }

    /// The last word to a life.
    pub(super) fn kill(&mut self, id: ServiceId, out: &mut Outbox) {
        let unit = self.unit(id);
        let (why, exited) = match &unit.state {
            State::Stopping { phase: StopPhase::Killed, .. } => return,
            State::Stopping { why, exited, .. } => (why.clone(), *exited),
            _ => (StopWhy::Asked, false),
        };
        let generation = unit.generation;
        let builtin = matches!(unit.spec.deployment, Deployment::Builtin(_));
        self.enter(id, State::Stopping { phase: StopPhase::Killed, why, exited }, out);
        out.deed(if builtin {
            Effect::StopBuiltin { service: id, generation, now: true }
        } else {
            Effect::Signal { service: id, generation, signal: Signal::Kill, everything: true }
        });
        out.arm(Timer::Service(id), out.now() + KILL_BOUND);
    }

    /// A service's deadline has come.
    pub fn deadline(&mut self, id: ServiceId, out: &mut Outbox) {
        out.because(self.unit(id).cause.clone());
        let unit = self.unit(id);
        let name = unit.spec.name.clone();
        match unit.state.clone() {
            State::Delaying => self.start_now(id, out),
            State::Starting { .. } => {
                let waited = human(out.now().since(unit.spawned));
                let text = match unit.spec.readiness {
                    Readiness::Notify => format!("start timed out: no READY=1 within {waited}"),
                    Readiness::Fd(_) => {
                        format!("start timed out: no newline on its readiness descriptor within {waited}")
                    }
                    Readiness::Check => format!(
                        "start timed out: no passing health check within {waited} (last: {})",
                        match (unit.readiness.text(), unit.health.text()) {
                            ("", "") => "none",
                            ("", text) | (text, _) => text,
                        }
                    ),
                    Readiness::Exec | Readiness::Delay(_) => format!("start timed out after {waited}"),
                };
                self.fail_start(id, text, out);
            }
            State::Stopping { phase: StopPhase::Holding | StopPhase::Asked, .. } => {
                let text = format!("{name} did not stop within {}; killing it", human(unit.spec.stop_timeout));
                out.event(format!("service.{name}.kill"), "operator", Severity::Warning, text, Vec::new());
                self.kill(id, out);
            }
            State::Stopping { phase: StopPhase::Killed, .. } => {
                self.units[id.index()].haunted = true;
                self.give_up(id, "something it started survives even KILL", out);
            }
            State::Backoff => {
                self.units[id.index()].record.restarts += 1;
                self.enter(id, State::Stopped, out);
            }
            State::Stopped | State::Waiting | State::Running | State::Failed(_) | State::Completed => {}
        }
        self.settle(out);
    }
}
