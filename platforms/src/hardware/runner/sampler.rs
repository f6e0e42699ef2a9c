//! Reads the sensors of one bus, each at its own interval.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use ubmc_core::{
    board::Board,
    ids::SensorId,
    input::{Input, Limits, Sample},
};

use super::{
    super::{HardwareError, SensorBus},
    control::{Control, Wake},
};

/// Sensors that are due so soon are read along with those that are due now: fewer round trips, and fewer inputs.
const ALONG: Duration = Duration::from_millis(20);

/// Nothing to do until told.
const IDLE: Duration = Duration::from_secs(3600);

/// Reads until the end. `limits` asks a sensor's device for its limits, after its first good reading and until it has
/// told them; a device that has none answers with nothing.
pub(super) fn run(
    mut bus: Box<dyn SensorBus>,
    board: &Board,
    control: &Control,
    limits: impl Fn(SensorId) -> Option<Result<Limits, HardwareError>>,
    sink: impl Fn(Input),
) {
    let started = Instant::now();
    let mut schedule: Vec<_> = bus.sensors().iter().map(|sensor| (started, *sensor)).collect();
    let mut wanting: BTreeSet<_> =
        bus.sensors().iter().copied().filter(|sensor| board.sensor(*sensor).thresholds.from_hardware).collect();
    loop {
        let now = Instant::now();
        let due = take_due(&mut schedule, now, |sensor| board.sensor(sensor).interval);
        if !due.is_empty() {
            let samples = bus.read(&due);
            if control.has_ended() {
                return;
            }
            let answered: Vec<_> = samples
                .iter()
                .filter(|(sensor, sample)| matches!(sample, Sample::Value(_)) && wanting.contains(sensor))
                .map(|(sensor, _)| *sensor)
                .collect();
            sink(Input::Samples(samples));
            for sensor in answered {
                match limits(sensor) {
                    Some(Ok(limits)) => {
                        wanting.remove(&sensor);
                        sink(Input::Limits { sensor, limits });
                    }
                    None => drop(wanting.remove(&sensor)),
                    // It has gone since: asked again after the next good reading.
                    Some(Err(_)) => {}
                }
            }
        }
        let next = schedule.iter().map(|(at, _)| *at).min().unwrap_or(now + IDLE);
        match control.next(next) {
            Wake::End(_) => return,
            Wake::Time | Wake::Command(_) => {}
        }
    }
}

/// On a board without sensors: nothing, until the end.
pub(super) fn idle(control: &Control) {
    while !matches!(control.next(Instant::now() + IDLE), Wake::End(_)) {}
}

/// The sensors that are due, in order; each becomes due again after its interval.
fn take_due(
    schedule: &mut [(Instant, SensorId)],
    now: Instant,
    interval: impl Fn(SensorId) -> Duration,
) -> Vec<SensorId> {
    schedule
        .iter_mut()
        .filter(|(at, _)| *at <= now + ALONG)
        .map(|(at, sensor)| {
            let interval = interval(*sensor).max(Duration::from_millis(10));
            // What was missed, because the bus held us up, is not made up for.
            *at = (*at + interval).max(now + interval / 2);
            *sensor
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sensor_is_read_at_its_interval_and_nothing_is_made_up_for() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let [fast, slow] = [SensorId::new(0), SensorId::new(1)];
        let interval = |sensor| Duration::from_millis(if sensor == fast { 100 } else { 300 });
        let mut schedule = [(start, fast), (start, slow)];
        let mut due = |ms| take_due(&mut schedule, at(ms), interval);
        assert_eq!(due(0), [fast, slow]);
        assert_eq!(due(50), []);
        assert_eq!(due(100), [fast]);
        assert_eq!(due(190), [fast]);
        assert_eq!(due(300), [fast, slow]);
        // Held up for long: once, then again at the interval.
        assert_eq!(due(5000), [fast, slow]);
        assert_eq!(due(5010), []);
        assert_eq!(due(5060), [fast]);
    }
}
