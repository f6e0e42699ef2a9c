//! The threads that tell hardware something: lines and LEDs as told; fans again and again, because their chip goes to
//! full speed by itself when nobody talks to it.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use ubmc_core::{
    board::Board,
    ids::FanId,
    input::{HardwareCommand, Input},
    units::Duty,
};

use super::{
    super::{Fans, HardwareError},
    Stop,
    control::{Control, Wake},
};

/// Duties are told again after this: well within the shortest watchdog of common fan chips (5 s).
const REFRESH: Duration = Duration::from_secs(2);
/// Nothing to do until told.
const IDLE: Duration = Duration::from_secs(3600);

/// Why a command that was dropped was not executed.
const DROPPED: &str = "the service that drives it was ended before it came to this";

/// Reports what was dropped from the queue, unless somebody else is quicker: a thread that hangs cannot do it.
pub(super) fn report_dropped(control: &Control, sink: impl Fn(Input)) {
    while let Some(command) = control.take_dropped() {
        sink(Input::CommandFailed { command, reason: DROPPED.to_owned() });
    }
}

/// A writer at work. However it ends, also by a panic: nobody waits for its last word any more, and no command is lost
/// without a report.
struct Writing<'a, S: Fn(Input)> {
    control: &'a Control,
    sink: &'a S,
}

impl<S: Fn(Input)> Drop for Writing<'_, S> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.control.end(Stop::Now);
        }
        self.control.settle();
        report_dropped(self.control, self.sink);
    }
}

/// Executes commands in order. What waited when an orderly end came is still done: the core thinks it is.
pub(super) fn drive(
    control: &Control,
    sink: impl Fn(Input),
    mut execute: impl FnMut(&HardwareCommand) -> Result<(), HardwareError>,
) {
    let _writing = Writing { control, sink: &sink };
    loop {
        match control.next(Instant::now() + IDLE) {
            Wake::Command(command) => {
                if let Err(error) = execute(&command) {
                    sink(Input::CommandFailed { command, reason: error.to_string() });
                }
            }
            Wake::Time => {}
            Wake::End(_) => return,
        }
    }
}

/// Drives the fans: duties as told, all of them again every two seconds, and a safe one at the end.
pub(super) fn drive_fans(mut fans: Box<dyn Fans>, board: &Board, control: &Control, sink: impl Fn(Input)) {
    let _writing = Writing { control, sink: &sink };
    let mut write = |fan: FanId, duty: Duty| {
        let failed = fans.set_duty(fan, duty).err();
        failed.map(|error| Input::CommandFailed {
            command: HardwareCommand::SetDuty(fan, duty),
            reason: error.to_string(),
        })
    };
    let mut told: BTreeMap<FanId, Duty> = BTreeMap::new();
    let mut refresh = Instant::now() + REFRESH;
    loop {
        let wake = match control.ended() {
            // The fail-safe overtakes the duties that still wait.
            Some(how @ (Stop::Orderly | Stop::Now)) => Wake::End(how),
            Some(Stop::HandOver) | None => control.next(refresh),
        };
        match wake {
            Wake::Command(HardwareCommand::SetDuty(fan, duty)) => {
                told.insert(fan, duty);
                write(fan, duty).into_iter().for_each(&sink);
            }
            Wake::Command(HardwareCommand::SetSignal(..) | HardwareCommand::SetLed(..)) => {}
            Wake::Time => {
                for (fan, duty) in &told {
                    if control.has_ended() {
                        break;
                    }
                    write(*fan, *duty).into_iter().for_each(&sink);
                }
                refresh = Instant::now() + REFRESH;
            }
            Wake::End(Stop::HandOver) => return,
            Wake::End(Stop::Orderly | Stop::Now) => break,
        }
    }
    let mut failures = Vec::new();
    for fan in (0..board.fans.len()).map(FanId::new) {
        if control.is_superseded() {
            break;
        }
        failures.extend(write(fan, failsafe(board, fan)));
    }
    // Before the failures are told: that may take until the loop listens, which may itself be waiting for this.
    control.settle();
    failures.into_iter().for_each(&sink);
}

/// What a fan is left with when nobody controls it: the highest fail-safe of its zones.
fn failsafe(board: &Board, fan: FanId) -> Duty {
    let zones = board.zones.iter().filter(|zone| zone.fans.contains(&fan));
    zones.map(|zone| zone.failsafe).reduce(Duty::max).unwrap_or(Duty::FULL)
}
