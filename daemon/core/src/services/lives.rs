//! How a life begins, goes on and ends.

use std::time::Duration;

use super::{
    Deployment, HealthCheck, Readiness, Run, Signal,
    health::Finding,
    restart::Verdict,
    spec::RestartPolicy,
    supervisor::{Phase, Supervisor},
    unit::{FailReason, State, StopPhase, StopWhy},
};
use crate::{
    effect::Effect,
    event::{Field, Severity},
    ids::{Generation, ServiceId},
    input::{Exit, ServiceHappening, SpawnError, Usage},
    outbox::Outbox,
    time::human,
    timers::Timer,
    view::Desired,
};

/// How long KILL may take before what is left is reported.
pub(super) const KILL_BOUND: Duration = Duration::from_secs(5);

/// A service may ask for more time again and again, but not for ever at once.
const LONGEST_EXTENSION: Duration = Duration::from_secs(600);

/// Kernel errors that may be gone at the next try: EAGAIN, ENOMEM, ENFILE, EMFILE, ETXTBSY.
const TRANSIENT: [i32; 5] = [11, 12, 23, 24, 26];

impl Supervisor {
    /// Everything it needs is there.
    pub(super) fn begin_start(&mut self, id: ServiceId, out: &mut Outbox) {
        let unit = self.unit(id);
        let delay = unit.spec.start_delay;
        if delay.is_zero() {
            self.start_now(id, out);
        } else {
            self.enter(id, State::Delaying, out);
            out.arm(Timer::Service(id), out.now() + delay);
        }
    }

    fn start_now(&mut self, id: ServiceId, out: &mut Outbox) {
        if let Deployment::Unsupported { mode } = &self.unit(id).spec.deployment {
            let text = format!("deployment mode `{mode}` cannot be run by this version; use `binary`");
            return self.give_up(id, &text, out);
        }
        let generation = self.take_generation();
        let now = out.now();
        let unit = &mut self.units[id.index()];
        unit.generation = generation;
        unit.spawned = now;
        unit.ready = None;
        unit.health.new_life();
        unit.record.status_text.clear();
        let effect = match &unit.spec.deployment {
            Deployment::Builtin(builtin) => Effect::StartBuiltin { service: id, generation, builtin: *builtin },
            Deployment::Binary(binary) => {
                Effect::Spawn { service: id, generation, binary: binary.clone(), readiness: unit.spec.readiness }
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
                        if unit.health.text().is_empty() { "none" } else { unit.health.text() }
                    ),
                    Readiness::Exec | Readiness::Delay(_) => format!("start timed out after {waited}"),
                };
                self.fail_life(id, text, out);
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

    /// Ready after a delay.
    pub fn ready_delay_over(&mut self, id: ServiceId, out: &mut Outbox) {
        out.because(self.unit(id).cause.clone());
        self.become_ready(id, out);
        self.settle(out);
    }

    /// Something happened to a life.
    pub fn happened(&mut self, id: ServiceId, generation: Generation, happening: ServiceHappening, out: &mut Outbox) {
        if let Some(unit) = self.units.get_mut(id.index())
            && unit.haunted
            && unit.generation == generation
            && happening == ServiceHappening::Gone
        {
            unit.haunted = false;
            self.touch(id);
            return self.settle(out);
        }
        // An older life's news is no news.
        if self.units.get(id.index()).is_none_or(|unit| unit.generation != generation || !unit.state.is_alive()) {
            return;
        }
        let cause = self.unit(id).cause.clone();
        match happening {
            ServiceHappening::Spawned { pid } => self.spawned(id, pid, out),
            ServiceHappening::SpawnFailed(error) => self.spawn_failed(id, &error, out),
            ServiceHappening::Exited(exit) => self.exited(id, exit, out),
            ServiceHappening::Gone => {
                out.because(cause);
                self.gone(id, out);
            }
            ServiceHappening::Ready => {
                out.because(cause);
                if matches!(self.unit(id).spec.readiness, Readiness::Notify | Readiness::Fd(_))
                    || matches!(self.unit(id).spec.deployment, Deployment::Builtin(_))
                {
                    self.become_ready(id, out);
                }
            }
            ServiceHappening::ReadyClosed => {
                // A oneshot's descriptor closes with its success.
                let oneshot = matches!(self.unit(id).spec.run, Run::Oneshot { .. });
                if matches!(self.unit(id).state, State::Starting { .. }) && !oneshot {
                    self.fail_life(id, "it closed its readiness descriptor without a newline".to_owned(), out);
                }
            }
            ServiceHappening::Status(text) => {
                self.units[id.index()].record.status_text = text;
                out.changed().services.insert(id);
            }
            ServiceHappening::AnnouncesStop | ServiceHappening::Reloading => {}
            ServiceHappening::ExtendTimeout(more) => {
                let asks = matches!(
                    self.unit(id).state,
                    State::Starting { .. } | State::Stopping { phase: StopPhase::Asked, .. }
                );
                if let Some(at) = out.timers.get(Timer::Service(id)).filter(|_| asks) {
                    out.arm(Timer::Service(id), at.max(out.now() + more.min(LONGEST_EXTENSION)));
                }
            }
            ServiceHappening::Heartbeat => self.heartbeat(id, out),
            ServiceHappening::Checked { passed, text, took } => self.checked(id, passed, &text, took, out),
            ServiceHappening::Survivors { pids } => {
                let pids: Vec<_> = pids.iter().map(ToString::to_string).collect();
                self.units[id.index()].haunted = true;
                self.give_up(id, &format!("processes {} survive even KILL", pids.join(" ")), out);
            }
        }
        self.settle(out);
    }

    fn spawned(&mut self, id: ServiceId, pid: Option<u32>, out: &mut Outbox) {
        let unit = &mut self.units[id.index()];
        unit.pid = pid;
        out.changed().services.insert(id);
        if !matches!(unit.state, State::Starting { executed: false }) {
            return;
        }
        unit.state = State::Starting { executed: true };
        let now = out.now();
        if matches!(unit.spec.deployment, Deployment::Builtin(_)) {
            return;
        }
        match (unit.spec.readiness, unit.spec.run) {
            // A oneshot is ready when it has done its work.
            (_, Run::Oneshot { .. }) | (Readiness::Notify | Readiness::Fd(_), Run::LongRunning) => {}
            (Readiness::Exec, Run::LongRunning) => self.become_ready(id, out),
            (Readiness::Delay(delay), Run::LongRunning) => out.arm(Timer::Ready(id), now + delay),
            (Readiness::Check, Run::LongRunning) => self.check_now(id, out),
        }
    }

    fn spawn_failed(&mut self, id: ServiceId, error: &SpawnError, out: &mut Outbox) {
        let name = self.unit(id).spec.name.clone();
        let text = error.to_string();
        let fields = vec![
            ("stage", Field::from(error.stage.to_string())),
            ("errno", f64::from(error.errno).into()),
            ("reason", error.text.as_str().into()),
        ];
        out.event(
            format!("service.{name}.exec-failed"),
            "operator",
            Severity::Error,
            format!("{name} could not be started: {text}"),
            fields,
        );
        self.units[id.index()].record.last_error.clone_from(&text);
        if TRANSIENT.contains(&error.errno) {
            self.after_failure(id, &text, Duration::ZERO, out);
        } else {
            self.give_up(id, &text, out);
        }
    }

    fn become_ready(&mut self, id: ServiceId, out: &mut Outbox) {
        if !matches!(self.unit(id).state, State::Starting { .. }) {
            return;
        }
        let now = out.now();
        self.enter(id, State::Running, out);
        let unit = &mut self.units[id.index()];
        unit.ready = Some(now);
        let took = now.since(unit.spawned);
        unit.record.start_duration = Some(took);
        unit.record.last_error.clear();
        self.failsafe.remove(&id);
        let name = &unit.spec.name;
        out.event(
            format!("service.{name}.ready"),
            "operator",
            Severity::Info,
            format!("{name} is ready after {}", human(took)),
            vec![
                ("service", name.as_str().into()),
                ("took_s", took.as_secs_f64().into()),
                ("generation", (unit.generation.0 as f64).into()),
            ],
        );
        if let Some(health) = &unit.spec.health {
            out.arm(Timer::Health(id), now + health.interval);
        }
    }

    /// The next health check, or the heartbeat, is due.
    pub fn health_due(&mut self, id: ServiceId, out: &mut Outbox) {
        out.because(self.unit(id).cause.clone());
        let Some(health) = self.unit(id).spec.health.clone() else { return };
        if *health.check == HealthCheck::Heartbeat {
            let text = format!("no heartbeat for {}", human(health.interval));
            out.arm(Timer::Health(id), out.now() + health.interval);
            self.checked(id, false, &text, Duration::ZERO, out);
        } else {
            self.check_now(id, out);
        }
        self.settle(out);
    }

    fn check_now(&mut self, id: ServiceId, out: &mut Outbox) {
        let unit = &mut self.units[id.index()];
        let Some(health) = &unit.spec.health else { return };
        if !unit.health.in_flight {
            unit.health.in_flight = true;
            out.deed(Effect::Check {
                service: id,
                generation: unit.generation,
                check: health.check.clone(),
                timeout: health.timeout,
            });
        }
    }

    fn heartbeat(&mut self, id: ServiceId, out: &mut Outbox) {
        let Some(health) = self.unit(id).spec.health.clone() else { return };
        if *health.check == HealthCheck::Heartbeat && matches!(self.unit(id).state, State::Running) {
            out.arm(Timer::Health(id), out.now() + health.interval);
            self.checked(id, true, "heartbeat", Duration::ZERO, out);
        }
    }

    fn checked(&mut self, id: ServiceId, passed: bool, text: &str, took: Duration, out: &mut Outbox) {
        let now = out.now();
        let unit = &mut self.units[id.index()];
        let Some(spec) = &unit.spec.health else { return };
        let starting = matches!(unit.state, State::Starting { .. });
        if !starting && !matches!(unit.state, State::Running) {
            // It is going down: how it feels about that changes nothing.
            return;
        }
        let name = unit.spec.name.clone();
        let finding = unit.health.record(spec, passed, text.to_owned(), took);
        let (interval, heartbeat) = (spec.interval, *spec.check == HealthCheck::Heartbeat);
        out.changed().services.insert(id);
        if starting {
            if passed && unit.spec.readiness == Readiness::Check {
                self.become_ready(id, out);
            } else {
                // While it starts it is asked more often: a start should not take a whole interval longer.
                out.arm(Timer::Health(id), now + interval.min(Duration::from_millis(500)));
            }
            return;
        }
        if !heartbeat {
            out.arm(Timer::Health(id), now + interval);
        }
        match finding {
            Finding::Same => {}
            Finding::BecameHealthy => out.event(
                format!("service.{name}.healthy"),
                "operator",
                Severity::Info,
                format!("{name} is healthy: {text}"),
                Vec::new(),
            ),
            Finding::BecameUnhealthy => {
                out.new_cause("");
                self.units[id.index()].cause = out.cause();
                out.event(
                    format!("service.{name}.unhealthy"),
                    "operator",
                    Severity::Error,
                    format!("{name} is unhealthy: {text}"),
                    vec![("reason", text.into())],
                );
                if self.unit(id).spec.restart.policy != RestartPolicy::Never {
                    self.begin_stop(id, StopWhy::Failure(format!("unhealthy: {text}")), out);
                }
            }
        }
    }

    /// A life failed in our judgement: it is ended first.
    fn fail_life(&mut self, id: ServiceId, why: String, out: &mut Outbox) {
        let name = self.unit(id).spec.name.clone();
        self.units[id.index()].record.last_error.clone_from(&why);
        out.event(
            format!("service.{name}.start-failed"),
            "operator",
            Severity::Error,
            format!("{name}: {why}"),
            vec![("reason", why.as_str().into())],
        );
        self.begin_stop(id, StopWhy::Failure(why), out);
    }

    fn exited(&mut self, id: ServiceId, exit: Exit, out: &mut Outbox) {
        let now = out.now();
        let asked = matches!(self.unit(id).state, State::Stopping { phase: StopPhase::Asked | StopPhase::Killed, .. });
        if asked {
            out.because(self.unit(id).cause.clone());
        } else {
            let cause = out.new_cause("");
            self.units[id.index()].cause = cause;
        }
        let unit = &mut self.units[id.index()];
        let name = unit.spec.name.clone();
        unit.record.last_exit = Some((exit, now));
        let oneshot = matches!(unit.spec.run, Run::Oneshot { .. });
        let uptime = unit.uptime(now);
        let was_starting = matches!(unit.state, State::Starting { .. });
        let (severity, text) = if asked {
            (Severity::Info, format!("{name} has stopped: {exit}"))
        } else if exit.is_success() && oneshot {
            (Severity::Info, format!("{name} has done its work"))
        } else if was_starting {
            (Severity::Error, format!("{name} ended before it was ready: {exit}"))
        } else if exit.is_success() {
            (Severity::Warning, format!("{name} ended by itself: {exit}"))
        } else {
            (Severity::Error, format!("{name} crashed: {exit}"))
        };
        out.event(
            format!("service.{name}.exited"),
            "operator",
            severity,
            text,
            vec![
                ("service", name.as_str().into()),
                ("exit", exit.to_string().into()),
                ("expected", asked.into()),
                ("uptime_s", uptime.as_secs_f64().into()),
            ],
        );
        let state = match &unit.state {
            State::Stopping { phase, why, .. } if asked => {
                State::Stopping { phase: *phase, why: why.clone(), exited: true }
            }
            // While it was held for its dependents it ended by itself; what was decided for it stands.
            State::Stopping { why, .. } => State::Stopping { phase: StopPhase::Asked, why: why.clone(), exited: true },
            _ => {
                let finished = exit.is_success() && (oneshot || !was_starting);
                let why = if finished {
                    StopWhy::Finished
                } else if was_starting {
                    StopWhy::Failure(format!("{exit} before it was ready"))
                } else {
                    StopWhy::Failure(exit.to_string())
                };
                if !finished {
                    unit.record.crashes += 1;
                    unit.record.last_error = exit.to_string();
                }
                State::Stopping { phase: StopPhase::Asked, why, exited: true }
            }
        };
        let deadline = out.timers.get(Timer::Service(id)).filter(|_| asked);
        self.enter(id, state, out);
        self.units[id.index()].pid = None;
        match deadline {
            // The rest of it has as long as it was given.
            Some(at) => out.arm(Timer::Service(id), at),
            // Nobody asked: what it left behind has no claim to time.
            None => self.kill(id, out),
        }
    }

    /// Nothing of the life is left.
    fn gone(&mut self, id: ServiceId, out: &mut Outbox) {
        let State::Stopping { why, .. } = self.unit(id).state.clone() else { return };
        let uptime = self.unit(id).uptime(out.now());
        if self.unit(id).desired == Desired::Down {
            return self.enter(id, State::Stopped, out);
        }
        match why {
            StopWhy::Asked | StopWhy::DependencyLost(_) => self.enter(id, State::Stopped, out),
            StopWhy::Finished => {
                let unit = self.unit(id);
                let again = unit.spec.run == Run::LongRunning && unit.spec.restart.policy == RestartPolicy::Always;
                if again {
                    self.after_failure(id, "ended by itself", uptime, out);
                } else {
                    self.complete(id, out);
                }
            }
            StopWhy::Failure(reason) => self.after_failure(id, &reason, uptime, out),
        }
    }

    fn complete(&mut self, id: ServiceId, out: &mut Outbox) {
        let unit = &mut self.units[id.index()];
        unit.record.start_duration = Some(out.now().since(unit.spawned));
        self.enter(id, State::Completed, out);
    }

    fn after_failure(&mut self, id: ServiceId, reason: &str, uptime: Duration, out: &mut Outbox) {
        let now = out.now();
        let unit = &mut self.units[id.index()];
        let name = unit.spec.name.clone();
        if unit.spec.restart.policy == RestartPolicy::Never {
            return self.give_up(id, &format!("{reason}; its restart policy is never"), out);
        }
        if uptime >= unit.spec.restart.reset_after {
            unit.rung = 0;
        }
        match unit.restart.failed(&unit.spec.restart, now, uptime, &mut self.rng) {
            Verdict::Retry(delay) => {
                self.enter(id, State::Backoff, out);
                out.arm(Timer::Service(id), now + delay);
                out.event(
                    format!("service.{name}.backoff"),
                    "operator",
                    Severity::Notice,
                    format!("{name} will be started again in {}", human(delay)),
                    vec![("delay_s", delay.as_secs_f64().into()), ("reason", reason.into())],
                );
            }
            Verdict::Exhausted if unit.rung < unit.spec.restart.escalate.len() => self.climb(id, reason, out),
            Verdict::Exhausted => {
                let spec = &unit.spec.restart;
                let text = format!("{reason}; {} restarts within {} did not help", spec.burst, human(spec.window));
                self.give_up(id, &text, out);
            }
        }
    }

    /// Until an operator acts.
    fn give_up(&mut self, id: ServiceId, reason: &str, out: &mut Outbox) {
        reason.clone_into(&mut self.units[id.index()].record.last_error);
        self.enter(id, State::Failed(FailReason::Own(reason.to_owned())), out);
        self.announce_failed(id, reason, out);
    }

    /// What its process uses.
    pub fn used(&mut self, id: ServiceId, generation: Generation, usage: Usage, out: &mut Outbox) {
        if let Some(unit) = self.units.get_mut(id.index())
            && unit.generation == generation
            && unit.state.is_alive()
            && unit.record.usage != Some(usage)
        {
            unit.record.usage = Some(usage);
            out.changed().services.insert(id);
        }
    }
}
