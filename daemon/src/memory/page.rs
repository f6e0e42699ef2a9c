//! What lies in the file: one JSON object. A key that is missing says that nothing is known of it; one that is not known
//! is passed over, so that an older and a newer daemon can read each other's.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use ubmc_core::{
    ids::{Name, OperationId, ScheduleId},
    input::Verb,
    machines::Demand,
    memory::{Done, EpochMemory, MachineMemory, Memory, OperationMemory, OperationsMemory, ScheduleMemory},
    restore::{Power, RestorePolicy},
    services::Epoch,
    time::Wall,
};

#[derive(Serialize, Deserialize)]
pub(super) struct Page {
    version: u64,
    chassis_power: u64,
    host_boot: u64,
    powered: BTreeSet<String>,
    done: BTreeMap<String, Entry>,
    #[serde(default)]
    boot: String,
    #[serde(default)]
    in_order: bool,
    #[serde(default)]
    machines: BTreeMap<String, Machine>,
    #[serde(default)]
    next_operation: u64,
    #[serde(default)]
    operations: BTreeMap<String, Operation>,
    #[serde(default)]
    last_schedule: u64,
    #[serde(default)]
    schedules: BTreeMap<String, Schedule>,
    #[serde(default)]
    trips: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    once_per: String,
    mark: String,
}

/// Words that are empty, and numbers that are absent, are not known.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Machine {
    #[serde(skip_serializing_if = "String::is_empty")]
    requested: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    stable: String,
    restoring: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    restore: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    restore_once: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    boots_left: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boots_once: Option<u32>,
    given_up: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    took_ms: BTreeMap<String, Vec<u64>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Operation {
    kind: String,
    target: String,
    machines: BTreeSet<String>,
    actor: String,
    reason: String,
    /// Milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    begun_ms: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Schedule {
    /// Milliseconds since 1970.
    at_ms: u64,
    machine: String,
    request: String,
    #[serde(default)]
    actor: String,
    #[serde(default)]
    reason: String,
}

impl Page {
    pub(super) fn of(memory: &Memory, version: u64) -> Self {
        let done = memory.epochs.done.iter().map(|(name, done)| {
            let entry = Entry { once_per: done.epoch.as_str().to_owned(), mark: done.mark.clone() };
            (name.to_string(), entry)
        });
        let machines = memory.machines.iter().map(|(name, machine)| (name.to_string(), Machine::of(machine)));
        let operations = memory.operations.running.iter().map(|(id, one)| (id.to_string(), Operation::of(one)));
        let schedules = memory.schedules.iter().map(|(id, schedule)| (id.to_string(), Schedule::of(schedule)));
        Self {
            version,
            chassis_power: memory.epochs.chassis_power,
            host_boot: memory.epochs.host_boot,
            powered: memory.epochs.powered.iter().map(Name::to_string).collect(),
            done: done.collect(),
            boot: memory.boot.clone(),
            in_order: memory.in_order,
            machines: machines.collect(),
            next_operation: memory.operations.next,
            operations: operations.collect(),
            last_schedule: memory.last_schedule,
            schedules: schedules.collect(),
            trips: memory.trips.iter().map(|(zone, why)| (zone.to_string(), why.clone())).collect(),
        }
    }

    /// The error is a sentence without a full stop.
    pub(super) fn memory(self) -> Result<Memory, String> {
        let epoch = |word: &str| {
            let all = [Epoch::BmcBoot, Epoch::ChassisPower, Epoch::HostBoot];
            let known = all.into_iter().find(|epoch| epoch.as_str() == word);
            known.ok_or_else(|| format!("`{word}` is nothing that a oneshot runs once per"))
        };
        let done = self.done.into_iter().map(|(name, entry)| {
            let done = Done { epoch: epoch(&entry.once_per)?, mark: entry.mark };
            Ok((Name::from(name), done))
        });
        let machines = self.machines.into_iter().map(|(name, machine)| Ok((Name::from(name), machine.memory()?)));
        let operations = self.operations.into_iter().map(|(id, operation)| {
            let number = OperationId::parse(&id).ok_or_else(|| format!("`{id}` is no operation"))?;
            Ok((number, operation.memory()))
        });
        let schedules = self.schedules.into_iter().map(|(id, schedule)| {
            let number = ScheduleId::parse(&id).ok_or_else(|| format!("`{id}` is no schedule"))?;
            Ok((number, schedule.memory()?))
        });
        Ok(Memory {
            boot: self.boot,
            in_order: self.in_order,
            epochs: EpochMemory {
                chassis_power: self.chassis_power,
                host_boot: self.host_boot,
                powered: self.powered.into_iter().map(Name::from).collect(),
                done: done.collect::<Result<_, String>>()?,
            },
            machines: machines.collect::<Result<_, String>>()?,
            operations: OperationsMemory {
                next: self.next_operation,
                running: operations.collect::<Result<_, String>>()?,
            },
            last_schedule: self.last_schedule,
            schedules: schedules.collect::<Result<_, String>>()?,
            trips: self.trips.into_iter().map(|(zone, why)| (Name::from(zone), why)).collect(),
        })
    }
}

/// What a word says; empty: nothing.
fn known<T>(word: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, String> {
    match (word, parse(word)) {
        ("", _) => Ok(None),
        (_, Some(value)) => Ok(Some(value)),
        (_, None) => Err(format!("`{word}` is no state or policy of a machine")),
    }
}

impl Machine {
    fn of(memory: &MachineMemory) -> Self {
        let power = |power: Option<Power>| power.map_or_else(String::new, |power| power.as_str().to_owned());
        let policy =
            |policy: Option<RestorePolicy>| policy.map_or_else(String::new, |policy| policy.as_str().to_owned());
        Self {
            requested: power(memory.requested),
            stable: power(memory.stable),
            restoring: memory.restoring,
            restore: policy(memory.restore),
            restore_once: policy(memory.restore_once),
            boots_left: memory.boots_left,
            boots_once: memory.boots_once,
            given_up: memory.given_up,
            took_ms: memory
                .took
                .iter()
                .map(|(demand, all)| (demand.as_str().to_owned(), all.iter().copied().map(whole_ms).collect()))
                .collect(),
        }
    }

    fn memory(self) -> Result<MachineMemory, String> {
        Ok(MachineMemory {
            requested: known(&self.requested, Power::parse)?,
            stable: known(&self.stable, Power::parse)?,
            restoring: self.restoring,
            restore: known(&self.restore, RestorePolicy::parse)?,
            restore_once: known(&self.restore_once, RestorePolicy::parse)?,
            boots_left: self.boots_left,
            boots_once: self.boots_once,
            given_up: self.given_up,
            // A demand that only another daemon knows is passed over.
            took: self
                .took_ms
                .into_iter()
                .filter_map(|(demand, all)| {
                    Some((Demand::parse(&demand)?, all.into_iter().map(Duration::from_millis).collect()))
                })
                .collect(),
        })
    }
}

impl Operation {
    fn of(memory: &OperationMemory) -> Self {
        Self {
            kind: memory.kind.clone(),
            target: memory.target.clone(),
            machines: memory.machines.iter().map(Name::to_string).collect(),
            actor: memory.actor.clone(),
            reason: memory.reason.clone(),
            begun_ms: memory.begun.map(milliseconds),
        }
    }

    fn memory(self) -> OperationMemory {
        OperationMemory {
            kind: self.kind,
            target: self.target,
            machines: self.machines.into_iter().map(Name::from).collect(),
            actor: self.actor,
            reason: self.reason,
            begun: self.begun_ms.map(|ms| Wall::new(Duration::from_millis(ms))),
        }
    }
}

impl Schedule {
    fn of(memory: &ScheduleMemory) -> Self {
        Self {
            at_ms: milliseconds(memory.at),
            machine: memory.machine.to_string(),
            request: memory.verb.as_str().to_owned(),
            actor: memory.actor.clone(),
            reason: memory.reason.clone(),
        }
    }

    fn memory(self) -> Result<ScheduleMemory, String> {
        let request = Verb::parse(&self.request).ok_or_else(|| format!("`{}` is no request", self.request))?;
        Ok(ScheduleMemory {
            at: Wall::new(Duration::from_millis(self.at_ms)),
            machine: Name::from(self.machine),
            verb: request,
            actor: self.actor,
            reason: self.reason,
        })
    }
}

fn milliseconds(wall: Wall) -> u64 {
    whole_ms(wall.since_1970())
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
