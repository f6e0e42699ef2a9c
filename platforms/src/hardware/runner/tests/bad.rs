//! Hardware that misbehaves in ways that the simulated board cannot.

use std::sync::{
    Mutex,
    mpsc::{Sender, SyncSender},
};

use ubmc_core::power::Direction;

use super::*;
use crate::hardware::{Fans, HardwareError, Leds, LineDriver, LineWatcher};

/// Hardware that hangs, panics, and remembers what it was told.
#[derive(Default)]
struct Bad {
    /// Each bus takes one word per reading; without a word it hangs.
    buses: Mutex<Vec<Receiver<Word>>>,
    duties: Mutex<Option<Sender<(FanId, Duty)>>>,
}

#[derive(Clone, Copy)]
enum Word {
    Read,
    Panic,
}

struct BadBus {
    words: Receiver<Word>,
    sensor: [SensorId; 1],
}

impl SensorBus for BadBus {
    fn name(&self) -> &'static str {
        "bad"
    }

    fn sensors(&self) -> &[SensorId] {
        &self.sensor
    }

    fn read(&mut self, due: &[SensorId]) -> Vec<(SensorId, Sample)> {
        match self.words.recv() {
            Ok(Word::Read) => due.iter().map(|sensor| (*sensor, Sample::Value(1.0))).collect(),
            Ok(Word::Panic) => panic!("as told"),
            Err(_) => due.iter().map(|sensor| (*sensor, Sample::Absent)).collect(),
        }
    }
}

struct Recorder(Option<Sender<(FanId, Duty)>>);

impl Fans for Recorder {
    fn set_duty(&mut self, fan: FanId, duty: Duty) -> Result<(), HardwareError> {
        let sent = self.0.as_ref().map(|sender| sender.send((fan, duty)));
        sent.and_then(Result::ok).ok_or_else(|| HardwareError::Unbound(format!("fan {}", fan.index())))
    }
}

struct Nothing;

impl LineDriver for Nothing {
    fn set(&mut self, line: SignalId, _: Level) -> Result<(), HardwareError> {
        Err(HardwareError::Unbound(format!("line {}", line.index())))
    }
}

impl LineWatcher for Nothing {
    fn read_all(&mut self) -> Result<Vec<(SignalId, Option<Level>)>, HardwareError> {
        Err(HardwareError::Unbound("everything".into()))
    }

    fn edges(&mut self, _: Duration) -> Result<Vec<(SignalId, Option<Level>)>, HardwareError> {
        Err(HardwareError::Unbound("everything".into()))
    }
}

impl Leds for Nothing {
    fn set(&mut self, led: LedId, _: Pattern) -> Result<(), HardwareError> {
        Err(HardwareError::Unbound(format!("LED {}", led.index())))
    }
}

impl Backend for Bad {
    fn sensor_buses(&self) -> Vec<Box<dyn SensorBus>> {
        let buses = std::mem::take(&mut *self.buses.lock().unwrap());
        let bus = |(index, words)| Box::new(BadBus { words, sensor: [SensorId::new(index)] }) as Box<dyn SensorBus>;
        buses.into_iter().enumerate().map(bus).collect()
    }

    fn fans(&self) -> Box<dyn Fans> {
        Box::new(Recorder(self.duties.lock().unwrap().clone()))
    }

    fn line_driver(&self) -> Box<dyn LineDriver> {
        Box::new(Nothing)
    }

    fn power_devices(&self) -> Box<dyn PowerDevices> {
        Box::new(NoDevices)
    }

    fn line_watcher(&self) -> Box<dyn LineWatcher> {
        Box::new(Nothing)
    }

    fn leds(&self) -> Box<dyn Leds> {
        Box::new(Nothing)
    }
}

fn bad_runner(bad: Bad) -> (Runner, Inputs) {
    let (sink, inputs) = sink();
    let (mut board, _) = board(&SimConfig::default());
    board.signals.truncate(1);
    board.signals[0].direction = Direction::Input;
    (Runner::new(Arc::new(board), Arc::new(bad), sink), inputs)
}

fn words() -> (SyncSender<Word>, Receiver<Word>) {
    mpsc::sync_channel(4)
}

#[test]
fn a_thread_that_panics_ends_its_part_and_says_so() {
    let ((good, good_words), (bad, bad_words)) = (words(), words());
    let (mut runner, inputs) = bad_runner(Bad { buses: Mutex::new(vec![good_words, bad_words]), ..Bad::default() });
    let end = start(&mut runner, Part::Sampler);
    good.send(Word::Read).unwrap();
    inputs.until("sample", |_| Some(()));
    bad.send(Word::Panic).unwrap();
    // The other bus is told to end; it does when its reading returns.
    drop(good);
    assert_eq!(await_end(&end), Exit::Panic);
    assert!(!runner.is_running(Part::Sampler));
}

#[test]
fn a_part_that_hangs_can_be_given_up_and_started_anew() {
    let (hanging, hanging_words) = words();
    let (mut runner, inputs) = bad_runner(Bad { buses: Mutex::new(vec![hanging_words]), ..Bad::default() });
    let end = start(&mut runner, Part::Sampler);
    runner.stop(Part::Sampler, Stop::Orderly);
    assert!(end.try_recv().is_err(), "its reading has not returned");
    runner.stop(Part::Sampler, Stop::Now);
    assert_eq!(end.try_recv(), Ok(Exit::Code(0)), "given up at once");
    let end = start(&mut runner, Part::Sampler);
    drop(hanging);
    runner.stop(Part::Sampler, Stop::Orderly);
    assert_eq!(await_end(&end), Exit::Code(0), "a life without buses ends when told");
    assert!(inputs.0.try_recv().is_err(), "what the old life read late is nobody's business");
}

#[test]
fn duties_are_told_again_before_a_fan_chip_loses_patience() {
    let (told, writes) = mpsc::channel();
    let (mut runner, _inputs) = bad_runner(Bad { duties: Mutex::new(Some(told)), ..Bad::default() });
    runner.start(Part::Fans, |_| {}).unwrap();
    runner.command(HardwareCommand::SetDuty(FanId::new(3), Duty::new(40.0))).unwrap();
    let first = (writes.recv_timeout(PATIENCE).unwrap(), Instant::now());
    let again = (writes.recv_timeout(PATIENCE).unwrap(), Instant::now());
    assert_eq!((first.0, again.0), ((FanId::new(3), Duty::new(40.0)), (FanId::new(3), Duty::new(40.0))));
    assert!(again.1 - first.1 < Duration::from_secs(5), "{:?}", again.1 - first.1);
    // Even when everything ends at once.
    drop(runner);
    let last: Vec<_> = (0..6).map(|_| writes.recv_timeout(PATIENCE).unwrap().1.percent()).collect();
    assert_eq!(last, [70.0, 70.0, 70.0, 70.0, 100.0, 100.0]);
}

#[test]
fn hardware_that_is_not_there_is_reported_and_tried_again() {
    let (mut runner, inputs) = bad_runner(Bad::default());
    runner.start(Part::Watcher, |_| {}).unwrap();
    runner.start(Part::Lines, |_| {}).unwrap();
    runner.start(Part::Leds, |_| {}).unwrap();
    inputs.until_signal(SignalId::new(0), None);
    runner.command(HardwareCommand::SetSignal(SignalId::new(0), Level::High)).unwrap();
    runner.command(HardwareCommand::SetLed(LedId::new(0), Pattern::On)).unwrap();
    let mut reasons = BTreeSet::new();
    inputs.until("failures", |input| {
        let Input::CommandFailed { reason, .. } = input else { panic!("told once: {input:?}") };
        reasons.insert(reason);
        (reasons.len() == 2).then_some(())
    });
    assert!(reasons.contains("nothing stands behind LED 0 on this board"), "{reasons:?}");
}
