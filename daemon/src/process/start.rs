//! Starts: asked for, on their way, arrived. Whoever asks does not wait; what is asked of a life that is on its way is
//! done as soon as it is there, or calls it off.

use std::sync::Arc;

use tokio::time::Instant;
use ubmc_core::{
    ids::{Generation, Name, ServiceId},
    input::{ServiceHappening, SpawnError},
    services::{Binary, Signal},
};

use super::{
    Processes,
    children::Child,
    life::{Killing, Later, Life, Main, Underway},
    mark::Serial,
    spawner::{Arrival, Order, Role, Started, Task},
    usage,
};

/// What can be asked of a life before it is there; more than the supervisor ever does.
const MOST_LATER: usize = 16;

impl Processes {
    /// Has a process started. [`Processes::next`] tells of it: `Spawned` or `SpawnFailed`, or `Gone` when its end is
    /// wanted before it was there.
    pub fn spawn(&mut self, order: Order) {
        let Order { service, generation, .. } = order;
        let log = self.logs.of(&order.name);
        let serial = self.spawner.take_serial(Some(order.name.clone()));
        let task = Task::Main { order: Box::new(order), log: log.clone() };
        let ticket = self.spawner.submit(serial, task);
        let underway = Underway { ticket, later: Vec::new(), said: Vec::new(), unwanted: false };
        let life = Life {
            service,
            generation,
            main: Main::Underway(Box::new(underway)),
            leader: 0,
            leader_reaped: false,
            others: Vec::new(),
            helpers_underway: 0,
            cgroup: None,
            usage: usage::Last::default(),
            log,
        };
        self.lives.insert(serial, life);
        self.by_generation.insert((service, generation), serial);
        self.expect_arrival();
    }

    /// Runs a service's stop command in the service's surroundings (environment, directory, user, limits), with its
    /// output in the service's log; there also stands why it could not be run. The command belongs to the service:
    /// `Gone` waits for it and a `KILL` to everything takes it along, so that it is bounded by the stop time-out.
    pub fn run_stop_command(
        &mut self,
        service: ServiceId,
        name: &Name,
        generation: Generation,
        command: &[String],
        binary: &Arc<Binary>,
    ) {
        let Some(&serial) = self.by_generation.get(&(service, generation)) else {
            let text = format!("ubmcd: the stop command was not run: nothing of {name} {generation} is left to stop");
            return self.logs.append(name, generation, super::Stream::Stderr, &text);
        };
        let Some(life) = self.lives.get_mut(&serial) else { return };
        if matches!(life.main, Main::Underway(_)) {
            return self.ask_later(serial, Later::StopCommand { command: command.to_vec(), binary: binary.clone() });
        }
        life.helpers_underway += 1;
        let (command, binary, log) = (command.to_vec(), binary.clone(), life.log.clone());
        self.spawner.submit(serial, Task::StopCommand { command, binary, generation, log });
        self.expect_arrival();
    }

    /// What ends a life that is not there yet calls it off where that is still possible.
    pub(super) fn ask_later(&mut self, serial: Serial, later: Later) {
        let Some(life) = self.lives.get_mut(&serial) else { return };
        let Main::Underway(underway) = &mut life.main else { return };
        let (ends, kills) = match &later {
            Later::Signal { signal, .. } => (*signal != Signal::Cont, *signal == Signal::Kill),
            Later::StopCommand { .. } => (true, false),
        };
        if ends && self.spawner.call_off(serial, &underway.ticket) {
            self.arrivals_due -= 1;
            self.say(serial, ServiceHappening::Gone);
            return self.forget(serial);
        }
        underway.unwanted |= ends;
        if kills {
            // There may be a child that hangs in its exec.
            underway.ticket.kill();
            underway.later.clear();
            self.killing.entry(serial).or_insert_with(|| Killing::Until(Instant::now() + super::signal::PATIENCE));
        }
        if underway.later.len() < MOST_LATER {
            underway.later.push(later);
        }
    }

    /// Takes in what launchers have done, a bounded number.
    pub(super) fn take_in_arrivals(&mut self) {
        for Arrival { serial, role, result } in self.spawner.arrivals() {
            self.arrivals_due -= usize::from(role != Role::Command);
            match (role, result) {
                (Role::Main, Ok(started)) => self.main_started(serial, started),
                (Role::Main, Err(error)) => self.main_failed(serial, error),
                (Role::StopCommand, result) => self.stop_command_started(serial, result),
                (Role::Command, Ok(Started { pid, pidfd, .. })) => {
                    self.children.add(pid, pidfd, Child::Command(serial));
                    if !self.spawner.command_started(serial, pid) {
                        super::spawner::kill_group(pid);
                    }
                }
                (Role::Command, Err(_)) => {}
            }
        }
        if self.arrivals_due == 0 {
            self.relief_due = None;
        }
        if std::mem::take(&mut self.look_again) {
            self.adopt();
        }
    }

    fn main_started(&mut self, serial: Serial, started: Started) {
        let Started { pid, pidfd, ready, cgroup, remarks } = started;
        self.children.add(pid, pidfd, Child::Main(serial));
        let Some(life) = self.lives.get_mut(&serial) else {
            // It was forgotten, which does not happen before its arrival: then nothing may be left of it.
            return super::spawner::kill_group(pid);
        };
        life.leader = pid;
        life.cgroup = cgroup;
        let main = std::mem::replace(&mut life.main, Main::Runs(pid));
        self.say(serial, ServiceHappening::Spawned { pid: Some(pid) });
        if let Some(ready) = ready
            && let Err(error) = self.ears.add(serial, ready)
        {
            self.remark(serial, &format!("its readiness descriptor cannot be read: {error}"));
        }
        for missing in remarks {
            self.remark(serial, &missing);
        }
        let Main::Underway(underway) = main else { return };
        for said in underway.said {
            self.told(serial, said);
        }
        for later in underway.later {
            self.do_later(serial, later);
        }
    }

    fn do_later(&mut self, serial: Serial, later: Later) {
        match later {
            Later::Signal { signal, everything: true } => self.signal_everything(serial, signal),
            Later::Signal { signal, everything: false } => self.signal_group(serial, signal),
            Later::StopCommand { command, binary } => {
                let Some(life) = self.lives.get_mut(&serial) else { return };
                life.helpers_underway += 1;
                let (generation, log) = (life.generation, life.log.clone());
                self.spawner.submit(serial, Task::StopCommand { command, binary, generation, log });
                self.expect_arrival();
            }
        }
    }

    fn main_failed(&mut self, serial: Serial, error: SpawnError) {
        let Some(life) = self.lives.get(&serial) else { return };
        let unwanted = matches!(&life.main, Main::Underway(underway) if underway.unwanted);
        if unwanted {
            self.remark(serial, &error.to_string());
        }
        self.say(serial, if unwanted { ServiceHappening::Gone } else { ServiceHappening::SpawnFailed(error) });
        self.forget(serial);
    }

    fn stop_command_started(&mut self, serial: Serial, result: Result<Started, SpawnError>) {
        let Some(life) = self.lives.get_mut(&serial) else { return };
        life.helpers_underway -= 1;
        match result {
            Ok(Started { pid, pidfd, .. }) => {
                life.others.push(pid);
                self.children.add(pid, pidfd, Child::Helper(serial));
                if self.killing.contains_key(&serial) {
                    super::spawner::kill_group(pid);
                }
            }
            Err(error) => {
                self.remark(serial, &format!("the stop command could not be run: {error}"));
                self.bury(&[serial].into());
            }
        }
    }

    fn expect_arrival(&mut self) {
        self.arrivals_due += 1;
        self.relief_due.get_or_insert_with(|| Instant::now() + self.spawner.patience());
    }

    /// Something has been on its way for long: others must not wait for it, and what is to die must not live.
    pub(super) fn relieve(&mut self) {
        let next_look = self.spawner.relieve();
        for serial in self.killing.keys() {
            if let Some(Life { main: Main::Underway(underway), .. }) = self.lives.get(serial) {
                underway.ticket.kill();
            }
        }
        self.relief_due = (self.arrivals_due > 0).then(|| Instant::now() + next_look);
    }

    /// Nothing of a life is left, and this has been told.
    pub(super) fn forget(&mut self, serial: Serial) {
        self.ears.forget(serial);
        self.killing.remove(&serial);
        if let Some(life) = self.lives.remove(&serial) {
            self.by_generation.remove(&(life.service, life.generation));
        }
        self.spawner.free_serial(serial);
    }
}
