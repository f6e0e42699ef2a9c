//! Hardware whose calls return late: what an old life may still do, and how long the end of everything waits.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, mpsc::Sender},
};

use super::*;
use crate::hardware::{Fans, HardwareError, Leds, LineDriver, LineWatcher};

/// What a handle did; handles are numbered in the order in which lives were started.
#[derive(Clone, Debug, PartialEq)]
enum Did {
    Begin(HardwareCommand),
    Finish(HardwareCommand),
    /// Its thread has ended.
    Close,
}

/// How a call that hung ends.
#[derive(Clone, Copy)]
enum Word {
    Return,
    Panic,
}

/// Hardware of which each life's handle may have a gate: a call then takes one word, without which it hangs. A gate that
/// nobody holds any more stands open.
struct Late {
    gates: Mutex<VecDeque<Receiver<Word>>>,
    opened: Mutex<usize>,
    log: Sender<(usize, Did)>,
}

struct LateHandle {
    life: usize,
    gate: Option<Receiver<Word>>,
    log: Sender<(usize, Did)>,
}

impl LateHandle {
    fn did(&self, what: Did) {
        // At the end of a test nobody reads any more.
        self.log.send((self.life, what)).unwrap_or_default();
    }

    fn execute(&self, command: HardwareCommand) {
        self.did(Did::Begin(command.clone()));
        if let Some(gate) = &self.gate {
            match gate.recv().unwrap_or(Word::Return) {
                Word::Return => {}
                Word::Panic => panic!("as told"),
            }
        }
        self.did(Did::Finish(command));
    }
}

impl Drop for LateHandle {
    fn drop(&mut self) {
        self.did(Did::Close);
    }
}

impl Fans for LateHandle {
    fn set_duty(&mut self, fan: FanId, duty: Duty) -> Result<(), HardwareError> {
        self.execute(HardwareCommand::SetDuty(fan, duty));
        Ok(())
    }
}

impl LineDriver for LateHandle {
    fn set(&mut self, line: SignalId, level: Level) -> Result<(), HardwareError> {
        self.execute(HardwareCommand::SetSignal(line, level));
        Ok(())
    }
}

impl Leds for LateHandle {
    fn set(&mut self, led: LedId, pattern: Pattern) -> Result<(), HardwareError> {
        self.execute(HardwareCommand::SetLed(led, pattern));
        Ok(())
    }
}

impl Late {
    fn open(&self) -> LateHandle {
        let mut opened = self.opened.lock().unwrap();
        *opened += 1;
        let gate = self.gates.lock().unwrap().pop_front();
        LateHandle { life: *opened, gate, log: self.log.clone() }
    }
}

impl Backend for Late {
    fn sensor_buses(&self) -> Vec<Box<dyn SensorBus>> {
        Vec::new()
    }

    fn fans(&self) -> Box<dyn Fans> {
        Box::new(self.open())
    }

    fn line_driver(&self) -> Box<dyn LineDriver> {
        Box::new(self.open())
    }

    fn power_devices(&self) -> Box<dyn PowerDevices> {
        Box::new(NoDevices)
    }

    fn line_watcher(&self) -> Box<dyn LineWatcher> {
        unreachable!("no test here watches lines")
    }

    fn leds(&self) -> Box<dyn Leds> {
        Box::new(self.open())
    }
}

struct Bench {
    runner: Runner,
    inputs: Inputs,
    log: Receiver<(usize, Did)>,
    /// Of the first life.
    gate: Sender<Word>,
}

impl Bench {
    fn new() -> Self {
        let ((gate, words), (sender, log)) = (mpsc::channel(), mpsc::channel());
        let late = Late { gates: Mutex::new([words].into()), opened: Mutex::default(), log: sender };
        let (sink, inputs) = sink();
        let (board, _) = board(&SimConfig::default());
        Self { runner: Runner::new(Arc::new(board), Arc::new(late), sink), inputs, log, gate }
    }

    #[track_caller]
    fn await_did(&self, life: usize, expected: &Did) {
        await_did(&self.log, life, expected);
    }

    /// The first life hangs in a command; this command waits behind it.
    #[track_caller]
    fn hang(&mut self, in_call: &HardwareCommand, waiting: &HardwareCommand) {
        self.runner.start(Part::for_command(in_call), |_| {}).unwrap();
        self.runner.command(in_call.clone()).unwrap();
        self.await_did(1, &Did::Begin(in_call.clone()));
        self.runner.command(waiting.clone()).unwrap();
    }

    #[track_caller]
    fn await_dropped(&self, command: &HardwareCommand) {
        let (dropped, reason) = self.inputs.until("report", |input| match input {
            Input::CommandFailed { command, reason } => Some((command, reason)),
            other => panic!("{other:?}"),
        });
        assert_eq!(
            (&dropped, reason.as_str()),
            (command, "the service that drives it was ended before it came to this")
        );
    }
}

#[track_caller]
fn await_did(log: &Receiver<(usize, Did)>, life: usize, expected: &Did) {
    while log.recv_timeout(PATIENCE).unwrap() != (life, expected.clone()) {}
}

fn line(level: Level) -> HardwareCommand {
    HardwareCommand::SetSignal(SignalId::new(0), level)
}

fn duty(fan: usize, percent: f64) -> HardwareCommand {
    HardwareCommand::SetDuty(FanId::new(fan), Duty::new(percent))
}

fn led(pattern: Pattern) -> HardwareCommand {
    HardwareCommand::SetLed(LedId::new(0), pattern)
}

/// What the fans of the bench are left with.
fn last_words() -> Vec<HardwareCommand> {
    [70.0, 70.0, 70.0, 70.0, 100.0, 100.0].into_iter().enumerate().map(|(fan, percent)| duty(fan, percent)).collect()
}

#[test]
fn an_old_life_writes_nothing_once_a_new_one_has_begun() {
    for (in_call, waiting, newer) in [
        // Power on, asked for again and again; then the service is restarted, and power is forced off.
        (line(Level::High), line(Level::High), line(Level::Low)),
        (duty(0, 20.0), duty(1, 20.0), duty(1, 90.0)),
        (led(Pattern::On), led(Pattern::Blink), led(Pattern::Off)),
    ] {
        for before in [&[][..], &[Stop::Now], &[Stop::Orderly], &[Stop::Orderly, Stop::Now], &[Stop::HandOver]] {
            let mut bench = Bench::new();
            bench.hang(&in_call, &waiting);
            let part = Part::for_command(&in_call);
            for how in before {
                bench.runner.stop(part, *how);
            }
            bench.runner.start(part, |_| {}).unwrap();
            bench.await_dropped(&waiting);
            bench.runner.command(newer.clone()).unwrap();
            bench.await_did(2, &Did::Finish(newer.clone()));
            drop(bench.gate);
            let mut old = Vec::new();
            while old.last() != Some(&Did::Close) {
                let (life, did) = bench.log.recv_timeout(PATIENCE).unwrap();
                old.extend((life == 1).then_some(did));
            }
            assert_eq!(old, [Did::Finish(in_call.clone()), Did::Close], "{before:?}");
            drop(bench.runner);
            assert!(bench.inputs.0.try_recv().is_err(), "{before:?}: reported once");
        }
    }
}

#[test]
fn a_fail_safe_that_was_begun_is_not_continued_over_the_duties_of_a_new_life() {
    let mut bench = Bench::new();
    bench.runner.start(Part::Fans, |_| {}).unwrap();
    bench.runner.stop(Part::Fans, Stop::Now);
    let first = &last_words()[0];
    bench.await_did(1, &Did::Begin(first.clone()));
    bench.runner.start(Part::Fans, |_| {}).unwrap();
    drop(bench.gate);
    let old: Vec<_> = (0..2).map(|_| bench.log.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(old, [(1, Did::Finish(first.clone())), (1, Did::Close)]);
}

#[test]
fn what_is_given_up_without_a_successor_drops_what_waits_and_leaves_the_fans_safe() {
    for (in_call, waiting, then) in [
        (line(Level::Low), line(Level::High), Vec::new()),
        (duty(0, 20.0), duty(1, 20.0), last_words()),
        (led(Pattern::On), led(Pattern::Blink), Vec::new()),
    ] {
        let mut bench = Bench::new();
        bench.hang(&in_call, &waiting);
        bench.runner.stop(Part::for_command(&in_call), Stop::Now);
        // Although the thread still hangs.
        bench.await_dropped(&waiting);
        drop(bench.gate);
        await_did(&bench.log, 1, &Did::Finish(in_call));
        let rest: Vec<_> = bench.log.iter().map(|(_, did)| did).take_while(|did| *did != Did::Close).collect();
        let expected: Vec<_> =
            then.into_iter().flat_map(|command| [Did::Begin(command.clone()), Did::Finish(command)]).collect();
        assert_eq!(rest, expected);
    }
}

#[test]
fn what_waited_for_a_writer_that_panics_is_reported_and_nobody_waits_for_its_last_word() {
    for (in_call, waiting) in [(line(Level::Low), line(Level::High)), (duty(0, 20.0), duty(1, 20.0))] {
        let mut bench = Bench::new();
        bench.runner.last_word = PATIENCE;
        bench.hang(&in_call, &waiting);
        bench.gate.send(Word::Panic).unwrap();
        bench.await_dropped(&waiting);
        let before = Instant::now();
        drop(bench.runner);
        assert!(before.elapsed() < PATIENCE);
    }
}

/// How a runner comes to its end.
#[derive(Clone, Copy, Debug)]
enum Way {
    Return,
    Panic,
}

fn end(runner: Runner, way: Way) {
    let ended = catch_unwind(AssertUnwindSafe(move || {
        let _runner = runner;
        match way {
            Way::Return => {}
            Way::Panic => panic!("as told"),
        }
    }));
    assert_eq!(ended.is_err(), matches!(way, Way::Panic));
}

#[test]
fn the_end_waits_until_the_fans_are_safe() {
    for way in [Way::Return, Way::Panic] {
        // Running; told to end; a shutdown that took too long.
        for before in [&[][..], &[Stop::Orderly], &[Stop::Now], &[Stop::Orderly, Stop::Now]] {
            let Bench { mut runner, log, gate, .. } = Bench::new();
            runner.last_word = PATIENCE;
            runner.start(Part::Fans, |_| {}).unwrap();
            for how in before {
                runner.stop(Part::Fans, *how);
            }
            // Each write waits for another thread: whoever does not wait for all of them is gone long before.
            let chip = thread::spawn(move || {
                let mut finished = Vec::new();
                for (_, did) in log {
                    match did {
                        Did::Begin(_) => gate.send(Word::Return).unwrap(),
                        Did::Finish(command) => finished.push((command, Instant::now())),
                        Did::Close => {}
                    }
                }
                finished
            });
            end(runner, way);
            let after = Instant::now();
            let (finished, times): (Vec<_>, Vec<_>) = chip.join().unwrap().into_iter().unzip();
            assert_eq!(finished, last_words(), "{way:?} {before:?}");
            // The last one's note may be read a little later than the fan was told.
            let in_time = times[..5].iter().all(|time| *time <= after);
            assert!(in_time, "{way:?} {before:?}");
        }
    }
}

#[test]
fn the_end_does_not_wait_longer_than_a_second_for_fans_that_hang() {
    for way in [Way::Return, Way::Panic] {
        let mut bench = Bench::new();
        bench.hang(&duty(0, 20.0), &duty(1, 20.0));
        assert_eq!(bench.runner.last_word, Duration::from_secs(1));
        let before = Instant::now();
        end(bench.runner, way);
        assert!(before.elapsed() >= Duration::from_secs(1), "{way:?}: {:?}", before.elapsed());
        assert!(bench.log.try_recv().is_err(), "{way:?}: it still hangs");
    }
}

#[test]
fn the_end_waits_for_no_fans_that_owe_nothing() {
    let idle = |_: &mut Bench| {};
    let handed_over = |bench: &mut Bench| {
        bench.hang(&duty(0, 20.0), &duty(1, 20.0));
        bench.runner.stop(Part::Fans, Stop::HandOver);
    };
    let others = |bench: &mut Bench| bench.hang(&line(Level::High), &line(Level::Low));
    for before in [&idle as &dyn Fn(&mut Bench), &handed_over, &others] {
        let mut bench = Bench::new();
        before(&mut bench);
        bench.runner.last_word = PATIENCE;
        let started = Instant::now();
        drop(bench.runner);
        assert!(started.elapsed() < PATIENCE, "nobody waited");
        assert!(bench.log.try_recv().is_err(), "what hung still hangs");
    }
}
