//! The threads that tell hardware something: lines and LEDs as told; fans again and again, because their chip goes to
//! full speed by itself when nobody talks to it.

use std::{
    collections::BTreeMap,
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

/// Executes commands in order. What waited when the end came is still done: the core thinks it is.
pub(super) fn drive(
    control: &Control,
    sink: impl Fn(Input),
    mut execute: impl FnMut(&HardwareCommand) -> Result<(), HardwareError>,
) {
    loop {
        let (commands, over) = match control.wait(Instant::now() + IDLE) {
            Wake::Commands(commands) => (commands, false),
            Wake::End(_, commands) => (commands, true),
            Wake::Time => continue,
        };
        for command in commands {
            if let Err(error) = execute(&command) {
                sink(Input::CommandFailed { command, reason: error.to_string() });
            }
        }
        if over {
            return;
        }
    }
}

/// Drives the fans: duties as told, all of them again every two seconds, and a safe one at the end.
pub(super) fn drive_fans(mut fans: Box<dyn Fans>, board: &Board, control: &Control, sink: impl Fn(Input)) {
    let mut write = |fan: FanId, duty: Duty| {
        if let Err(error) = fans.set_duty(fan, duty) {
            sink(Input::CommandFailed { command: HardwareCommand::SetDuty(fan, duty), reason: error.to_string() });
        }
    };
    let mut told: BTreeMap<FanId, Duty> = BTreeMap::new();
    let mut refresh = Instant::now() + REFRESH;
    loop {
        match control.wait(refresh) {
            Wake::Commands(commands) => {
                for (fan, duty) in duties(commands) {
                    told.insert(fan, duty);
                    write(fan, duty);
                }
            }
            Wake::Time => {
                for (fan, duty) in &told {
                    write(*fan, *duty);
                }
                refresh = Instant::now() + REFRESH;
            }
            Wake::End(Stop::HandOver, commands) => {
                duties(commands).for_each(|(fan, duty)| write(fan, duty));
                return;
            }
            Wake::End(Stop::Orderly | Stop::Now, _) => {
                (0..board.fans.len()).map(FanId::new).for_each(|fan| write(fan, failsafe(board, fan)));
                return;
            }
        }
    }
}

fn duties(commands: impl IntoIterator<Item = HardwareCommand>) -> impl Iterator<Item = (FanId, Duty)> {
    commands.into_iter().filter_map(|command| match command {
        HardwareCommand::SetDuty(fan, duty) => Some((fan, duty)),
        HardwareCommand::SetSignal(..) | HardwareCommand::SetLed(..) => None,
    })
}

/// What a fan is left with when nobody controls it: the highest fail-safe of its zones.
fn failsafe(board: &Board, fan: FanId) -> Duty {
    let zones = board.zones.iter().filter(|zone| zone.fans.contains(&fan));
    zones.map(|zone| zone.failsafe).reduce(Duty::max).unwrap_or(Duty::FULL)
}
