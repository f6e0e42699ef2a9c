//! The threads that tell hardware something: lines and LEDs as told; fans again and again, because their chip goes to
//! full speed by itself when nobody talks to it.

use std::{
    collections::BTreeMap,
    sync::mpsc,
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
    super::{Fans, HardwareError, PowerDevices},
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

/// Speaks with regulators and supplies, one command after the other, until nobody can send any more.
pub(super) fn drive_devices(
    mut devices: Box<dyn PowerDevices>,
    waiting: &mpsc::Receiver<HardwareCommand>,
    sink: impl Fn(Input),
) {
    for command in waiting {
        let done = match &command {
            HardwareCommand::SetRail(rail, on) => devices.set_rail(*rail, *on),
            HardwareCommand::CaptureFault(supply) => {
                devices.capture_fault(*supply).map(|registers| sink(Input::FaultRegisters(*supply, registers)))
            }
            HardwareCommand::SetSignal(..) | HardwareCommand::SetDuty(..) | HardwareCommand::SetLed(..) => Ok(()),
        };
        if let Err(error) = done {
            sink(Input::CommandFailed { command, reason: error.to_string() });
        }
    }
}

/// A fan writer at work. However it ends, also by a panic: nobody waits for its last word any more.
struct Driving<'a>(&'a Control);

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end(Stop::Now);
        }
        self.0.settle();
    }
}

/// Drives the fans: duties as told, all of them again every two seconds, and a safe one at the end. It waits for nobody but
/// the fans: what they refuse is reported by [`report_refusals`]. When the loop that tells duties has not shown for
/// `silence` that it turns, the fans are made safe until it does. Absent: it need not show it.
pub(super) fn drive_fans(mut fans: Box<dyn Fans>, board: &Board, control: &Control, silence: Option<Duration>) {
    let _driving = Driving(control);
    let mut write = |fan: FanId, duty: Duty| {
        if let Err(error) = fans.set_duty(fan, duty) {
            control.refuse(fan, duty, error.to_string());
        }
    };
    let all = || (0..board.fans.len()).map(FanId::new);
    let mut told: BTreeMap<FanId, Duty> = BTreeMap::new();
    let mut abandoned = false;
    let mut refresh = Instant::now() + REFRESH;
    loop {
        let wake = match control.ended() {
            // The fail-safe overtakes the duties that still wait.
            Some(how @ (Stop::Orderly | Stop::Now)) => Wake::End(how),
            Some(Stop::HandOver) | None => control.next(match silence {
                // Beyond that moment it is looked whether the loop still turns.
                Some(silence) if !abandoned => {
                    refresh.min(Instant::now() + silence.saturating_sub(control.pulse_age().unwrap_or_default()))
                }
                Some(_) | None => refresh,
            }),
        };
        match wake {
            Wake::Command(HardwareCommand::SetDuty(fan, duty)) => {
                told.insert(fan, duty);
                control.tells(fan, duty);
                write(fan, duty);
            }
            Wake::Command(
                HardwareCommand::SetSignal(..)
                | HardwareCommand::SetLed(..)
                | HardwareCommand::SetRail(..)
                | HardwareCommand::CaptureFault(_),
            ) => {}
            Wake::Time => {
                let was = abandoned;
                let asked = control.take_anew();
                abandoned = silence.is_some_and(|silence| control.abandon(silence));
                if asked || abandoned != was || Instant::now() >= refresh {
                    let duties: Vec<_> = if abandoned {
                        all().map(|fan| (fan, failsafe(board, fan))).collect()
                    } else {
                        told.iter().map(|(fan, duty)| (*fan, *duty)).collect()
                    };
                    for (fan, duty) in duties {
                        if control.has_ended() {
                            break;
                        }
                        write(fan, duty);
                    }
                    refresh = Instant::now() + REFRESH;
                }
            }
            Wake::End(Stop::HandOver) => return,
            Wake::End(Stop::Orderly | Stop::Now) => break,
        }
    }
    for fan in all() {
        if control.is_superseded() {
            break;
        }
        write(fan, failsafe(board, fan));
    }
}

/// Reports what fans refuse, and what was dropped from their queue. It may wait for the loop, as the writer must not.
pub(super) fn report_refusals(control: &Control, sink: impl Fn(Input)) {
    while let Some((fan, duty, reason)) = control.next_refusal() {
        sink(Input::CommandFailed { command: HardwareCommand::SetDuty(fan, duty), reason });
    }
    report_dropped(control, sink);
}

/// What a fan is left with when nobody controls it: the highest fail-safe of its zones, full speed without a zone.
pub fn failsafe(board: &Board, fan: FanId) -> Duty {
    let zones = board.zones.iter().filter(|zone| zone.fans.contains(&fan));
    zones.map(|zone| zone.failsafe).reduce(Duty::max).unwrap_or(Duty::FULL)
}
