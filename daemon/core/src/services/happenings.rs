//! What becomes of a life: it runs, is ready, says things, ends.

use std::time::Duration;

use super::{
    Deployment, Readiness, Run,
    restart::Verdict,
    spec::RestartPolicy,
    supervisor::Supervisor,
    unit::{Announced, FailReason, State, StopPhase, StopWhy},
};
use crate::{
    event::{Field, Severity},
    ids::{Generation, ServiceId},
    input::{Exit, ServiceHappening, SpawnError, Usage},
    outbox::Outbox,
    time::human,
    timers::Timer,
    view::Desired,
};

/// A service may ask for more time again and again, but not for ever at once.
const LONGEST_EXTENSION: Duration = Duration::from_secs(600);

/// Kernel errors that may be gone at the next try: EAGAIN, ENOMEM, ENFILE, EMFILE, ETXTBSY, EADDRINUSE.
const TRANSIENT: [i32; 6] = [11, 12, 23, 24, 26, 98];

impl Supervisor {
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
            ServiceHappening::Ready if self.unit(id).announced == Some(Announced::Reloading) => {
                self.units[id.index()].announced = None;
                out.cancel(Timer::Announced(id));
                out.changed().services.insert(id);
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
                    self.fail_start(id, "it closed its readiness descriptor without a newline".to_owned(), out);
                }
            }
            ServiceHappening::Status(text) => {
                self.units[id.index()].record.status_text = text;
                out.changed().services.insert(id);
            }
            ServiceHappening::AnnouncesStop => self.announced(id, Announced::Stopping, out),
            ServiceHappening::Reloading => self.announced(id, Announced::Reloading, out),
            ServiceHappening::MainPid(pid) => {
                self.units[id.index()].pid = Some(pid);
                out.changed().services.insert(id);
            }
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
            ServiceHappening::Checked { probe, passed, text, took } => {
                self.checked(id, probe, passed, &text, took, out);
            }
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
            (Readiness::Check, Run::LongRunning) => self.ask_whether_ready(id, out),
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

    pub(super) fn become_ready(&mut self, id: ServiceId, out: &mut Outbox) {
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
        self.begin_recovery(id, out);
        let unit = self.unit(id);
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
        self.begin_checks(id, out);
    }

    /// It says what it is doing. That is shown, and bounded: what is announced has to come.
    fn announced(&mut self, id: ServiceId, what: Announced, out: &mut Outbox) {
        let unit = &mut self.units[id.index()];
        if unit.state != State::Running {
            return;
        }
        let bound = match what {
            Announced::Reloading => unit.spec.start_timeout,
            Announced::Stopping => unit.spec.stop_timeout,
        };
        if unit.announced == Some(what) {
            // Said again: it has as long as it had.
            return;
        }
        unit.announced = Some(what);
        out.arm(Timer::Announced(id), out.now() + bound);
        out.changed().services.insert(id);
    }

    /// What it announced should have come by now.
    pub fn announced_due(&mut self, id: ServiceId, out: &mut Outbox) {
        let unit = self.unit(id);
        let text = match unit.announced {
            Some(Announced::Reloading) => {
                format!("it said RELOADING=1 and not READY=1 within {}", human(unit.spec.start_timeout))
            }
            Some(Announced::Stopping) => {
                format!("it said STOPPING=1 and was still there after {}", human(unit.spec.stop_timeout))
            }
            None => return,
        };
        self.units[id.index()].cause = out.new_cause("");
        self.fail_life(id, "overdue", text, out);
        self.settle(out);
    }

    /// A start failed in our judgement.
    pub(super) fn fail_start(&mut self, id: ServiceId, why: String, out: &mut Outbox) {
        self.fail_life(id, "start-failed", why, out);
    }

    /// A life failed in our judgement: it is ended first.
    fn fail_life(&mut self, id: ServiceId, subject: &str, why: String, out: &mut Outbox) {
        let name = self.unit(id).spec.name.clone();
        self.units[id.index()].record.last_error.clone_from(&why);
        out.event(
            format!("service.{name}.{subject}"),
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
                // An end in the middle of a reload is no success, whatever it says.
                let reloading = unit.announced == Some(Announced::Reloading);
                let finished = exit.is_success() && (oneshot || !was_starting) && !reloading;
                let why = if finished {
                    StopWhy::Finished
                } else if reloading {
                    StopWhy::Failure(format!("{exit} while it was reloading"))
                } else if was_starting {
                    StopWhy::Failure(format!("{exit} before it was ready"))
                } else {
                    StopWhy::Failure(exit.to_string())
                };
                if !finished {
                    unit.record.crashes += 1;
                    if let StopWhy::Failure(text) = &why {
                        unit.record.last_error.clone_from(text);
                    }
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
        unit.record.last_error.clear();
        self.enter(id, State::Completed, out);
        self.stand_down(id, out);
        if !self.remember_done(id) {
            // While it worked, the next power-on or boot began: that one has it done too.
            self.enter(id, State::Stopped, out);
        }
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
                let window = human(spec.window);
                let text = match spec.burst {
                    0 => format!("{reason}; it is not to be restarted (burst = 0)"),
                    1 => format!("{reason}; 1 restart within {window} did not help"),
                    burst => format!("{reason}; {burst} restarts within {window} did not help"),
                };
                self.give_up(id, &text, out);
            }
        }
    }

    /// Until an operator acts.
    pub(super) fn give_up(&mut self, id: ServiceId, reason: &str, out: &mut Outbox) {
        reason.clone_into(&mut self.units[id.index()].record.last_error);
        self.enter(id, State::Failed(FailReason::Own(reason.to_owned())), out);
        self.announce_failed(id, reason, out);
    }

    /// Nobody has looked for a while: what comes next is news, also where it is what it was. That something is not known
    /// any more is none.
    pub fn forget_usage(&mut self) {
        for unit in &mut self.units {
            unit.record.usage = None;
        }
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
