//! What a part's threads are told: commands, and that it is over; and what the fans' have to say.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ubmc_core::{ids::FanId, input::HardwareCommand, units::Duty};

use super::{NotTaken, Pulse, Stop};

/// Line commands that may wait; more than any sequence has steps.
const MAX_WAITING: usize = 256;

/// What a part's threads are told, and what they have to say about it.
#[derive(Debug, Default)]
pub(super) struct Control {
    told: Mutex<Told>,
    changed: Condvar,
    /// For whoever reports refusals.
    refused: Condvar,
}

#[derive(Debug, Default)]
struct Told {
    commands: VecDeque<HardwareCommand>,
    /// Commands that nobody will execute any more, and nobody has reported yet.
    dropped: VecDeque<HardwareCommand>,
    end: Option<Stop>,
    superseded: bool,
    settled: bool,
    fans: FanWork,
}

/// What is known of the fans' writer.
#[derive(Debug, Default)]
struct FanWork {
    /// What each fan was told last.
    duties: BTreeMap<FanId, Duty>,
    /// Refusals that nobody has reported yet, the newest of each fan.
    refusals: BTreeMap<FanId, (Duty, String)>,
    /// Since when it has not been idle.
    busy: Option<Instant>,
    /// When the loop last showed that it turns.
    pulse: Option<Instant>,
    /// The loop does not turn: the fans are at their fail-safe.
    abandoned: bool,
    /// Every duty is to be written anew.
    anew: bool,
}

/// Why a thread goes on.
#[derive(Debug, PartialEq)]
pub(super) enum Wake {
    /// There is work.
    Command(HardwareCommand),
    /// The time has come.
    Time,
    /// It is over, and no command waits.
    End(Stop),
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a command. A fan's older duty and an LED's older pattern make room for a newer one; lines keep their order.
    pub(super) fn push(&self, command: HardwareCommand) -> Result<(), NotTaken> {
        let mut told = self.lock();
        if told.end.is_some() {
            return Err(NotTaken { reason: "what drives it has just ended".to_owned(), command });
        }
        told.commands.retain(|waiting| match (waiting, &command) {
            (HardwareCommand::SetDuty(old, _), HardwareCommand::SetDuty(new, _)) => old != new,
            (HardwareCommand::SetLed(old, _), HardwareCommand::SetLed(new, _)) => old != new,
            (
                HardwareCommand::SetDuty(..)
                | HardwareCommand::SetLed(..)
                | HardwareCommand::SetSignal(..)
                | HardwareCommand::SetRail(..)
                | HardwareCommand::CaptureFault(_),
                _,
            ) => true,
        });
        if told.commands.len() >= MAX_WAITING {
            return Err(NotTaken { reason: format!("{MAX_WAITING} commands wait already"), command });
        }
        told.commands.push_back(command);
        drop(told);
        self.changed.notify_all();
        Ok(())
    }

    /// It is over. What was said first about how stays, but for an orderly end that takes too long and becomes
    /// [`Stop::Now`]. With that word nothing that waits is executed any more, whatever was said before.
    pub(super) fn end(&self, how: Stop) {
        let mut told = self.lock();
        told.end = Some(match (told.end, how) {
            (None | Some(Stop::Orderly), Stop::Now) => Stop::Now,
            (None, Stop::Orderly | Stop::HandOver) => how,
            (Some(first), Stop::Orderly | Stop::Now | Stop::HandOver) => first,
        });
        if how == Stop::Now {
            let Told { commands, dropped, .. } = &mut *told;
            dropped.append(commands);
        }
        drop(told);
        self.changed.notify_all();
    }

    /// The end, once it was told.
    pub(super) fn ended(&self) -> Option<Stop> {
        self.lock().end
    }

    /// Whether it is over.
    pub(super) fn has_ended(&self) -> bool {
        self.ended().is_some()
    }

    /// A new life of the part has begun: hardware is that one's business alone.
    pub(super) fn supersede(&self) {
        self.lock().superseded = true;
        self.end(Stop::Now);
    }

    /// Whether a new life of the part has begun. To be asked before every write that is not a command just taken.
    pub(super) fn is_superseded(&self) -> bool {
        self.lock().superseded
    }

    /// A command that was dropped, each once: whoever takes it reports it.
    pub(super) fn take_dropped(&self) -> Option<HardwareCommand> {
        self.lock().dropped.pop_front()
    }

    /// Whether commands were dropped that nobody has reported yet.
    pub(super) fn has_dropped(&self) -> bool {
        !self.lock().dropped.is_empty()
    }

    /// The thread has said its last word to hardware, or never will.
    pub(super) fn settle(&self) {
        self.lock().settled = true;
        self.changed.notify_all();
        self.refused.notify_all();
    }

    /// The loop turns. What the writer is at; `bound` is how long it may be busy before it counts as hanging.
    pub(super) fn pulse(&self, fans: usize, bound: Duration) -> Pulse {
        let mut told = self.lock();
        let now = Instant::now();
        told.fans.pulse = Some(now);
        if std::mem::take(&mut told.fans.abandoned) {
            told.fans.anew = true;
            self.changed.notify_all();
        }
        if told.end.is_some() || told.fans.duties.len() < fans {
            return Pulse::Undriven;
        }
        if told.fans.busy.is_some_and(|since| now.duration_since(since) >= bound) {
            return Pulse::Hangs;
        }
        Pulse::Driven((0..fans).map(|fan| told.fans.duties.get(&FanId::new(fan)).copied()).collect())
    }

    /// How long the loop has not shown that it turns. Absent: it never has, and need not.
    pub(super) fn pulse_age(&self) -> Option<Duration> {
        self.lock().fans.pulse.map(|pulse| pulse.elapsed())
    }

    /// From here on a pulse is expected.
    pub(super) fn expect_pulses(&self) {
        self.lock().fans.pulse = Some(Instant::now());
    }

    /// The loop does not turn. False: it has just done so.
    pub(super) fn abandon(&self, limit: Duration) -> bool {
        let mut told = self.lock();
        let fans = &mut told.fans;
        fans.abandoned = fans.pulse.is_some_and(|pulse| pulse.elapsed() >= limit);
        fans.abandoned
    }

    /// A fan is about to be told this.
    pub(super) fn tells(&self, fan: FanId, duty: Duty) {
        self.lock().fans.duties.insert(fan, duty);
    }

    /// Every duty that was told is to be written again, if the loop asks for that. Once for each asking.
    pub(super) fn take_anew(&self) -> bool {
        std::mem::take(&mut self.lock().fans.anew)
    }

    /// A fan did not take its duty. Waits for nobody: whoever reports it takes it from here, the newest of each fan.
    pub(super) fn refuse(&self, fan: FanId, duty: Duty, reason: String) {
        self.lock().fans.refusals.insert(fan, (duty, reason));
        self.refused.notify_all();
    }

    /// Waits for a refusal. None: there will be no more.
    pub(super) fn next_refusal(&self) -> Option<(FanId, Duty, String)> {
        let mut told = self.lock();
        loop {
            if let Some((fan, (duty, reason))) = told.fans.refusals.pop_first() {
                return Some((fan, duty, reason));
            }
            if told.settled {
                return None;
            }
            told = self.refused.wait(told).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until the thread has said its last word, at most until `until`, and not at all after a hand-over: what it
    /// leaves behind is then somebody else's to change.
    pub(super) fn await_settled(&self, until: Instant) {
        let mut told = self.lock();
        while !told.settled && told.end != Some(Stop::HandOver) {
            let now = Instant::now();
            if now >= until {
                return;
            }
            told = self.changed.wait_timeout(told, until - now).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for work or the end, at most until `until`. Commands are taken one at a time and under the same lock as
    /// the word of the end, so that a thread holds none that it should not execute any more.
    pub(super) fn next(&self, until: Instant) -> Wake {
        let mut told = self.lock();
        loop {
            if let Some(command) = told.commands.pop_front() {
                told.fans.busy.get_or_insert_with(Instant::now);
                return Wake::Command(command);
            }
            if let Some(how) = told.end {
                return Wake::End(how);
            }
            let now = Instant::now();
            if now >= until || told.fans.anew {
                told.fans.busy.get_or_insert(now);
                return Wake::Time;
            }
            told.fans.busy = None;
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
        for command in expected {
            assert_eq!(control.next(Instant::now()), Wake::Command(command));
        }
        assert_eq!(control.next(Instant::now()), Wake::Time);
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
    fn an_end_is_told_after_what_waits_unless_there_is_no_time_left() {
        let high = || HardwareCommand::SetSignal(SignalId::new(0), Level::High);
        for (words, executed, last) in [
            (&[Stop::Orderly][..], true, Stop::Orderly),
            (&[Stop::HandOver], true, Stop::HandOver),
            (&[Stop::HandOver, Stop::Orderly], true, Stop::HandOver),
            (&[Stop::Orderly, Stop::HandOver], true, Stop::Orderly),
            (&[Stop::Now], false, Stop::Now),
            (&[Stop::Now, Stop::Orderly], false, Stop::Now),
            (&[Stop::Orderly, Stop::Now], false, Stop::Now),
            // Left as it is, and by now: nothing is executed either.
            (&[Stop::HandOver, Stop::Now], false, Stop::HandOver),
        ] {
            let control = Control::default();
            control.push(high()).unwrap();
            for how in words {
                control.end(*how);
            }
            let refused = control.push(high()).unwrap_err();
            assert_eq!(refused.to_string(), "what drives it has just ended", "{words:?}");
            if executed {
                assert_eq!(control.next(Instant::now()), Wake::Command(high()), "{words:?}");
            }
            assert_eq!(control.next(Instant::now()), Wake::End(last), "{words:?}");
            assert_eq!(control.take_dropped(), (!executed).then(high), "{words:?}");
            assert_eq!(control.take_dropped(), None, "{words:?}: once");
        }
    }
}
