//! Whoever tells duties must show that it turns; and the fans' writer waits for nobody but the fans.

use std::sync::mpsc::{Sender, SyncSender, sync_channel};

use super::*;
use crate::hardware::{Fans, HardwareError, Leds, LineDriver, LineWatcher, PowerDevices};

const SILENCE: Duration = Duration::from_millis(500);

/// A fan, and what it was told.
type Told = (usize, f64);

/// Fans alone: each duty is told to the test, and fan 3 refuses all.
struct Heard(Sender<Told>);

struct Fan(Sender<Told>);

impl Fans for Fan {
    fn set_duty(&mut self, fan: FanId, duty: Duty) -> Result<(), HardwareError> {
        // At the end of a test nobody listens any more.
        self.0.send((fan.index(), duty.percent())).unwrap_or_default();
        if fan.index() == 3 { Err(HardwareError::Unbound("fan 3".into())) } else { Ok(()) }
    }
}

impl Backend for Heard {
    fn sensor_buses(&self) -> Vec<Box<dyn SensorBus>> {
        Vec::new()
    }

    fn fans(&self) -> Box<dyn Fans> {
        Box::new(Fan(self.0.clone()))
    }

    fn line_driver(&self) -> Box<dyn LineDriver> {
        unreachable!("fans alone")
    }

    fn power_devices(&self) -> Box<dyn PowerDevices> {
        unreachable!("fans alone")
    }

    fn line_watcher(&self) -> Box<dyn LineWatcher> {
        unreachable!("fans alone")
    }

    fn leds(&self) -> Box<dyn Leds> {
        unreachable!("fans alone")
    }
}

/// A runner that must be pulsed, with all six fans at 30 %; its sink takes one input, and whoever has another waits.
fn driven() -> (Runner, Receiver<Told>, SyncSender<Input>, Receiver<Input>) {
    let (told, duties) = mpsc::channel();
    let (inlet, inputs) = sync_channel(1);
    let (board, _) = board(&SimConfig::default());
    let sink = inlet.clone();
    let runner = Runner::new(Arc::new(board), Arc::new(Heard(told)), move |input| drop(sink.send(input)));
    let mut runner = runner.pulsed(SILENCE);
    assert_eq!(runner.pulse(), Pulse::Undriven, "it does not run");
    runner.start(Part::Fans, |_| {}).unwrap();
    assert_eq!(runner.pulse(), Pulse::Undriven, "no fan was told anything");
    for fan in 0..6 {
        runner.command(HardwareCommand::SetDuty(FanId::new(fan), Duty::new(30.0))).unwrap();
    }
    let first: Vec<_> = (0..6).map(|_| duties.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(first, (0..6).map(|fan| (fan, 30.0)).collect::<Vec<_>>());
    (runner, duties, inlet, inputs)
}

/// Of four fans the zone's fail-safe, of the others full speed.
fn safe() -> Vec<(usize, f64)> {
    (0..6).map(|fan| (fan, if fan < 4 { 70.0 } else { 100.0 })).collect()
}

fn next_six(duties: &Receiver<(usize, f64)>) -> Vec<(usize, f64)> {
    (0..6).map(|_| duties.recv_timeout(PATIENCE).unwrap()).collect()
}

#[test]
fn without_a_pulse_the_fans_are_made_safe_until_it_is_back() {
    let (runner, duties, _inlet, _inputs) = driven();
    assert_eq!(runner.pulse(), Pulse::Driven(vec![Some(Duty::new(30.0)); 6]));
    let begun = Instant::now();
    assert_eq!(next_six(&duties), safe());
    assert!(begun.elapsed() >= SILENCE, "{:?}", begun.elapsed());
    assert_eq!(runner.pulse(), Pulse::Driven(vec![Some(Duty::new(30.0)); 6]));
    let again: Vec<_> = (0..6).map(|fan| (fan, 30.0)).collect();
    assert_eq!(next_six(&duties), again, "what they were told before");
}

#[test]
fn a_loop_that_takes_no_input_any_more_does_not_hold_the_writer_up() {
    let (runner, duties, inlet, inputs) = driven();
    // Every place is taken: whoever reports that fan 3 refuses waits for ever.
    while inlet.try_send(Input::Tick).is_ok() {}
    for percent in [40.0, 50.0, 60.0] {
        runner.command(HardwareCommand::SetDuty(FanId::new(3), Duty::new(percent))).unwrap();
        assert_eq!(duties.recv_timeout(PATIENCE).unwrap(), (3, percent));
    }
    assert_eq!(next_six(&duties), safe(), "and it sees that the loop hangs");
    drop(inputs);
}

#[test]
fn what_is_handed_over_is_left_as_it_is_and_not_driven_any_more() {
    let (mut runner, duties, _inlet, _inputs) = driven();
    runner.stop(Part::Fans, Stop::HandOver);
    assert_eq!(runner.pulse(), Pulse::Undriven);
    drop(runner);
    assert_eq!(duties.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
}
