//! What clients and signals ask for: judged as a whole, then begun as a whole, or refused with every reason.

use crate::{
    board::{Board, Ending},
    core::{Core, house},
    effect::{Effect, Reply},
    event::Severity,
    ids::{Generation, MachineId, Name, OperationId, ServiceId},
    input::{Asked, Request, Verb},
    machines::{Demand, MachineKind},
    operations::{
        book::{Operations, Order, kind_of},
        plan::Plan,
        services::{Member, ServiceVerb},
    },
    refusal::{Obstacle, Refusal},
    time::human,
    view::ChangeKind,
};

impl Core {
    pub(crate) fn asked(&mut self, asked: Asked) {
        let Asked { id, actor, reason, request } = asked;
        self.out.new_cause(&actor);
        let reply = self.answer(&actor, &reason, request);
        if let Err(refusal) = &reply
            && !refusal.obstacles.is_empty()
        {
            let text = format!("refused for {actor}: {}", refusal.text);
            let kinds: Vec<_> = refusal.obstacles.iter().map(|obstacle| obstacle.kind).collect();
            let fields = vec![("reason", refusal.reason.into()), ("conditions", kinds.join(" ").into())];
            self.out.event("audit.refused".to_owned(), "operator", Severity::Notice, text, fields);
        }
        self.out.deed(Effect::Reply(id, reply));
    }

    fn answer(&mut self, actor: &str, reason: &str, request: Request) -> Result<Reply, Refusal> {
        match request {
            Request::StartServices { names, force, found } => {
                let fresh = self.supervisor.next_generation();
                let members = self.supervisor.request_start(&names, force, &found, &mut self.out)?;
                // A service that runs and was not asked to restart counts in the life it has.
                let again = |id: ServiceId| force && names.contains(&self.supervisor.unit(id).spec.name);
                let members = members.iter().map(|id| Member {
                    verb: ServiceVerb::Start,
                    service: *id,
                    not_before: if again(*id) { fresh } else { Generation(0) },
                });
                let members: Vec<_> = members.collect();
                Ok(self.track(Order::of_services("service-start", &names, actor, reason), &members))
            }
            Request::StopServices { names, force } => {
                let members = self.supervisor.request_stop(&names, force, reason, &mut self.out)?;
                let member =
                    |id: &ServiceId| Member { verb: ServiceVerb::Stop, service: *id, not_before: Generation(0) };
                let members: Vec<_> = members.iter().map(member).collect();
                Ok(self.track(Order::of_services("service-stop", &names, actor, reason), &members))
            }
            Request::RestartServices { names, force, found } => {
                let fresh = self.supervisor.next_generation();
                let members = self.supervisor.request_restart(&names, force, &found, &mut self.out)?;
                // What it needs only has to be there.
                let member = |(service, again): (ServiceId, bool)| {
                    let (verb, not_before) =
                        if again { (ServiceVerb::Restart, fresh) } else { (ServiceVerb::Start, Generation(0)) };
                    Member { verb, service, not_before }
                };
                let members: Vec<_> = members.into_iter().map(member).collect();
                Ok(self.track(Order::of_services("service-restart", &names, actor, reason), &members))
            }
            Request::ResetService(name) => {
                self.supervisor.request_reset(&name, &mut self.out)?;
                let text = format!("{name} was reset by {actor}");
                self.out.event(format!("service.{name}.reset"), "operator", Severity::Notice, text, Vec::new());
                Ok(Reply::Done)
            }
            Request::Reload { read, warnings, dry_run } => {
                let board = read.map_err(|obstacles| {
                    let first = obstacles.first().map(|first| format!("{}: {}", first.subject, first.text));
                    let more = match obstacles.len() {
                        0 | 1 => String::new(),
                        all => format!(", and {} more", all - 1),
                    };
                    let text = format!(
                        "the configuration has errors ({}{more}); nothing was changed",
                        first.unwrap_or_default()
                    );
                    Refusal::precondition("CONFIGURATION", text, obstacles)
                })?;
                self.reload(*board, warnings, dry_run, actor, reason)
            }
            Request::Transition { machine, verb, plan_only, revision, idempotency_key, deadline } => {
                let order = Order {
                    kind: String::new(),
                    target: machine.to_string(),
                    actor,
                    reason,
                    key: &idempotency_key,
                    deadline,
                };
                self.transition(order, verb, plan_only, &revision)
            }
            Request::CancelOperation(id) => self.cancel(id),
            Request::Schedule { machine, verb, at } => self.schedule(&machine, verb, at, actor, reason),
            Request::CancelSchedule(id) => self.cancel_schedule(id, actor),
            Request::SetRestore { machine, policy, once, boot_attempts } => {
                self.set_restore(&machine, policy, once, boot_attempts, actor)
            }
            Request::OverrideInterlock { machine, kind, duration } => {
                let id = self.machine_named(machine.as_str())?;
                self.waivers.grant((id, &machine), &kind, duration, (actor, reason), &mut self.out)?;
                Ok(Reply::Done)
            }
            Request::RestoreInterlock { machine, kind } => {
                let id = self.machine_named(machine.as_str())?;
                self.waivers.revoke((id, &machine), &kind, actor, &mut self.out)?;
                Ok(Reply::Done)
            }
            Request::SetOverride { target, percent, duration } => {
                self.thermal.set_override(&target, percent, duration, &mut self.out)?;
                self.evaluate_zones(false);
                Ok(Reply::Done)
            }
            Request::ClearOverride(target) => {
                self.thermal.clear_override(&target, &mut self.out)?;
                self.evaluate_zones(false);
                Ok(Reply::Done)
            }
            Request::Identify { on, duration } => {
                self.leds.identify(on, duration, actor, &mut self.out)?;
                Ok(Reply::Done)
            }
            Request::SetLed { led, pattern, duration } => {
                self.leds.set(&led, pattern, duration, (actor, reason), &mut self.out)?;
                Ok(Reply::Done)
            }
            Request::Shutdown { emergency } => {
                self.leave(emergency, Ending::Over);
                Ok(Reply::Done)
            }
        }
    }

    fn track(&mut self, mut order: Order<'_>, members: &[Member]) -> Reply {
        let ids: Vec<_> = members.iter().map(|member| member.service).collect();
        order.deadline = Some(self.supervisor.bound(&ids) + self.board.policy.start_timeout);
        Reply::Operation(self.operations.open_services(order, members, &self.supervisor, &mut self.out))
    }

    /// Goes over to another registry, or says what that would change.
    fn reload(
        &mut self,
        mut board: Board,
        warnings: Vec<String>,
        dry_run: bool,
        actor: &str,
        reason: &str,
    ) -> Result<Reply, Refusal> {
        let specs = std::mem::take(&mut board.services);
        let (mut view, _) = self.supervisor.compare(specs.clone(), self.out.now())?;
        view.notes.extend(warnings);
        let policy = std::mem::replace(&mut board.policy, self.board.policy.clone());
        if board != self.board {
            let text = "the board file differs in more than services: that holds when ubmcd is started anew";
            view.notes.push(text.to_owned());
        }
        if dry_run {
            return Ok(Reply::Reload(Box::new(view), None));
        }
        self.board.policy = policy;
        let fresh = self.supervisor.next_generation();
        let moves = self.supervisor.go_over(specs, &mut self.out);
        let count = |kind| view.changes.iter().filter(|change| change.kind == kind).count();
        let (added, removed, changed) =
            (count(ChangeKind::Added), count(ChangeKind::Removed), count(ChangeKind::Changed));
        let restarts: Vec<_> = view.restarts.iter().map(Name::as_str).collect();
        let text = match (view.changes.len(), restarts.join(", ")) {
            (0, _) => format!("configuration reloaded by {actor}: nothing differs"),
            (_, restarts) => {
                let restarts = if restarts.is_empty() { "nothing".to_owned() } else { restarts };
                format!(
                    "configuration reloaded by {actor}: {added} added, {changed} changed, {removed} removed; \
                     {restarts} restarted"
                )
            }
        };
        let fields = vec![("restarts", restarts.join(" ").into()), ("reason", reason.into())];
        self.out.event("platform.reloaded".to_owned(), "operator", Severity::Notice, text, fields);
        self.out.changed().system = true;
        let of = |verb, ids: &[ServiceId], not_before| {
            ids.iter().map(move |service| Member { verb, service: *service, not_before }).collect::<Vec<_>>()
        };
        let mut members = of(ServiceVerb::Stop, &moves.stops, Generation(0));
        members.extend(of(ServiceVerb::Restart, &moves.restarts, fresh));
        members.extend(of(ServiceVerb::Start, &moves.starts, Generation(0)));
        if members.is_empty() {
            return Ok(Reply::Reload(Box::new(view), None));
        }
        let order = Order::of_services("reload", &[], actor, reason);
        match self.track(order, &members) {
            Reply::Operation(id) => Ok(Reply::Reload(Box::new(view), Some(id))),
            other => Ok(other),
        }
    }

    pub(crate) fn machine_named(&self, name: &str) -> Result<MachineId, Refusal> {
        let names = self.board.machines.iter().map(|spec| &spec.name);
        self.board.find_machine(name).ok_or_else(|| Refusal::unknown("machine", name, names))
    }

    fn transition(
        &mut self,
        mut order: Order<'_>,
        verb: Verb,
        plan_only: bool,
        revision: &str,
    ) -> Result<Reply, Refusal> {
        let id = self.machine_named(&order.target)?;
        let kind = self.takes(id, verb)?;
        let plan = self.scene().plan(id, verb);
        order.kind = kind_of(kind, verb);
        if plan_only {
            let view = Operations::describe(&order, plan, &self.machines, &self.out);
            return Ok(Reply::Plan(Box::new(view)));
        }
        if let Some(earlier) = self.operations.by_key(order.key, self.out.now()) {
            let same = |view: &crate::view::OperationView| view.kind == order.kind && view.target == order.target;
            if self.operations.get(earlier).is_some_and(same) {
                return Ok(Reply::Operation(earlier));
            }
            let text = format!("the idempotency key `{}` was used for another request, {earlier}", order.key);
            return Err(Refusal::invalid("KEY_REUSED", text));
        }
        if !revision.is_empty() && revision != plan.revision {
            let obstacle = Obstacle {
                kind: "stale-plan",
                subject: format!("machine {}", order.target),
                text: "the machine has changed since the plan was made".to_owned(),
                remedy: "look at the new plan and confirm that".to_owned(),
                since: None,
            };
            return Err(Refusal::precondition("STALE_PLAN", "the plan is stale", vec![obstacle]));
        }
        if self.supervisor.phase().is_stopping() {
            return Err(Refusal::invalid("SHUTTING_DOWN", "the daemon is shutting down"));
        }
        if !plan.obstacles.is_empty() {
            let text = match plan.obstacles.as_slice() {
                [only] => format!("{} {} is refused: {}", order.target, verb.as_str(), only.text),
                all => {
                    format!("{} {} is refused: {} conditions stand against it", order.target, verb.as_str(), all.len())
                }
            };
            return Err(Refusal::precondition("INTERLOCK", text, plan.obstacles));
        }
        self.asked_for(&plan.machines, verb);
        Ok(Reply::Operation(self.open_planned(order, plan, verb)))
    }

    /// Whether `verb` makes sense for the machine; its kind.
    pub(crate) fn takes(&self, id: MachineId, verb: Verb) -> Result<MachineKind, Refusal> {
        let kind = self.machines.get(id).spec.definition.kind;
        let known = crate::operations::plan::verbs_of(kind);
        if known.contains(&verb) {
            return Ok(kind);
        }
        let known: Vec<_> = known.iter().map(|verb| verb.as_str()).collect();
        let text = format!("a {kind} does not take `{}`; it takes {}", verb.as_str(), known.join(", "));
        Err(Refusal::invalid("UNKNOWN_REQUEST", text))
    }

    /// What was planned, and has nothing against it, begins.
    pub(crate) fn open_planned(&mut self, order: Order<'_>, plan: Plan, verb: Verb) -> OperationId {
        if matches!(verb, Verb::Demand(Demand::Off | Demand::ForceOff) | Verb::EmergencyOff) {
            for machine in &plan.machines {
                for zone in self.board.machine(*machine).zones.clone() {
                    self.thermal.release_trip(zone, &self.sensors, &mut self.out);
                }
                let name = self.board.machine(*machine).name.clone();
                self.emergency.release(*machine, &name, &mut self.out);
            }
        }
        let house = house!(self);
        self.operations.open_machines(order, plan, &house, &mut self.machines, &mut self.out)
    }

    fn cancel(&mut self, id: OperationId) -> Result<Reply, Refusal> {
        let Some(view) = self.operations.get(id) else {
            return Err(Refusal {
                text: format!("there is no operation {id}"),
                ..Refusal::unknown("operation", "", [])
            });
        };
        if view.state.is_final() {
            let took = human(view.ended.unwrap_or(view.created).since(view.created));
            let obstacle = Obstacle {
                kind: "already-ended",
                subject: format!("operation {id}"),
                text: format!("{id} has ended already: {} after {took}", view.state.as_str()),
                remedy: String::new(),
                since: view.ended,
            };
            return Err(Refusal::precondition("ALREADY_ENDED", obstacle.text.clone(), vec![obstacle]));
        }
        if !self.operations.drives_machines(id) {
            let obstacle = Obstacle {
                kind: "acts-on-services",
                subject: format!("operation {id}"),
                text: format!("{id} acts on services, which go on until they are up or down"),
                remedy: format!("stop or start {} instead", view.target),
                since: None,
            };
            return Err(Refusal::precondition("NOT_CANCELLABLE", obstacle.text.clone(), vec![obstacle]));
        }
        let house = house!(self);
        if !self.operations.cancel(id, &house, &mut self.machines, &mut self.out) {
            let obstacle = Obstacle {
                kind: "cannot-be-taken-back",
                subject: format!("operation {id}"),
                text: format!("what is left of {id} is under way, and half of it would be worse than all of it"),
                remedy: "wait for its end, and ask for what you want instead then".to_owned(),
                since: None,
            };
            return Err(Refusal::precondition("NOT_CANCELLABLE", obstacle.text.clone(), vec![obstacle]));
        }
        Ok(Reply::Operation(id))
    }
}
