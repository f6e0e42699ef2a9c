//! What a part's threads are told: commands, and that it is over.

use std::{
    collections::VecDeque,
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use ubmc_core::input::HardwareCommand;

use super::{NotTaken, Stop};

/// Line commands that may wait; more than any sequence has steps.
const MAX_WAITING: usize = 256;

/// What a part's threads are told.
#[derive(Debug, Default)]
pub(super) struct Control {
    told: Mutex<Told>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Told {
    commands: VecDeque<HardwareCommand>,
    end: Option<Stop>,
}

/// Why a thread goes on.
#[derive(Debug, PartialEq)]
pub(super) enum Wake {
    /// There is work.
    Commands(VecDeque<HardwareCommand>),
    /// The time has come.
    Time,
    /// It is over; what waited before that comes along.
    End(Stop, VecDeque<HardwareCommand>),
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a command. A fan's older duty and an LED's older pattern make room for a newer one; lines keep their order.
    pub(super) fn push(&self, command: HardwareCommand) -> Result<(), NotTaken> {
        let mut told = self.lock();
        told.commands.retain(|waiting| match (waiting, &command) {
            (HardwareCommand::SetDuty(old, _), HardwareCommand::SetDuty(new, _)) => old != new,
            (HardwareCommand::SetLed(old, _), HardwareCommand::SetLed(new, _)) => old != new,
            (HardwareCommand::SetDuty(..) | HardwareCommand::SetLed(..) | HardwareCommand::SetSignal(..), _) => true,
        });
        if told.commands.len() >= MAX_WAITING {
            return Err(NotTaken { reason: format!("{MAX_WAITING} commands wait already"), command });
        }
        told.commands.push_back(command);
        drop(told);
        self.changed.notify_all();
        Ok(())
    }

    /// It is over. What was said first about how stays.
    pub(super) fn end(&self, how: Stop) {
        self.lock().end.get_or_insert(how);
        self.changed.notify_all();
    }

    /// Whether it is over.
    pub(super) fn has_ended(&self) -> bool {
        self.lock().end.is_some()
    }

    /// Waits for work or the end, at most until `until`.
    pub(super) fn wait(&self, until: Instant) -> Wake {
        let mut told = self.lock();
        loop {
            if let Some(how) = told.end {
                return Wake::End(how, mem::take(&mut told.commands));
            }
            if !told.commands.is_empty() {
                return Wake::Commands(mem::take(&mut told.commands));
            }
            let now = Instant::now();
            if now >= until {
                return Wake::Time;
            }
            told = self.changed.wait_timeout(told, until - now).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use ubmc_core::{
        ids::{FanId, LedId, SignalId},
        leds::Pattern,
        units::{Duty, Level},
    };

    use super::*;

    #[test]
    fn only_the_newest_duty_and_pattern_wait_but_every_line_command() {
        let control = Control::default();
        let duty = |fan, percent| HardwareCommand::SetDuty(FanId::new(fan), Duty::new(percent));
        let line = |level| HardwareCommand::SetSignal(SignalId::new(0), level);
        let led = |pattern| HardwareCommand::SetLed(LedId::new(1), pattern);
        for command in [
            duty(0, 10.0),
            line(Level::High),
            duty(1, 20.0),
            led(Pattern::On),
            duty(0, 30.0),
            line(Level::Low),
            led(Pattern::Off),
        ] {
            control.push(command).unwrap();
        }
        let expected = [line(Level::High), duty(1, 20.0), duty(0, 30.0), line(Level::Low), led(Pattern::Off)];
        assert_eq!(control.wait(Instant::now()), Wake::Commands(expected.into()));
        assert_eq!(control.wait(Instant::now()), Wake::Time);
    }

    #[test]
    fn commands_beyond_the_bound_are_not_taken() {
        let control = Control::default();
        let command = HardwareCommand::SetSignal(SignalId::new(0), Level::High);
        for _ in 0..MAX_WAITING {
            control.push(command.clone()).unwrap();
        }
        assert_eq!(control.push(command).unwrap_err().to_string(), "256 commands wait already");
    }

    #[test]
    fn the_first_word_about_the_end_stays() {
        let control = Control::default();
        control.end(Stop::HandOver);
        control.end(Stop::Orderly);
        assert_eq!(control.wait(Instant::now()), Wake::End(Stop::HandOver, VecDeque::new()));
    }
}
