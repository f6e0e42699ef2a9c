//! Limits that a chip brings, from a made-up sysfs to the core's input.

use std::fs;

use ubmc_core::input::Limits;

use super::*;
use crate::board::HwmonDevice;

#[test]
fn a_chip_is_asked_for_its_limits_once_after_the_first_good_reading() {
    let dir = tempfile::tempdir().unwrap();
    let chip = dir.path().join("class/hwmon/hwmon3");
    fs::create_dir_all(&chip).unwrap();
    for (file, text) in [
        ("name", "lm75"),
        ("temp1_input", "41500"),
        ("temp1_max", "80000"),
        ("temp1_max_hyst", "75000"),
        ("temp1_crit", "95000"),
    ] {
        fs::write(chip.join(file), text).unwrap();
    }
    let (mut board, _) = board(&SimConfig::default());
    board.sensors.truncate(1);
    board.sensors[0].thresholds.from_hardware = true;
    board.fans.clear();
    board.zones.clear();
    board.signals.clear();
    board.leds.clear();
    let bindings = Bindings {
        sensors: vec![SensorBinding::Hwmon {
            device: HwmonDevice { path: None, name: Some("lm75".into()) },
            channel: "temp1".into(),
        }],
        ..Bindings::default()
    };
    let hardware = open(&board, &bindings, Platform::Linux { sysfs: dir.path().to_owned() }).unwrap();
    let (sink, inputs) = sink();
    let mut runner = Runner::new(Arc::new(board), hardware, sink);
    let end = start(&mut runner, Part::Sampler);
    let mut told = Vec::new();
    let mut readings = 0;
    inputs.until("a third reading", |input| {
        match input {
            Input::Samples(_) => readings += 1,
            Input::Limits { sensor, limits } => told.push((sensor, limits)),
            _ => {}
        }
        (readings == 3).then_some(())
    });
    let limits =
        Limits { warning_high: Some(80.0), critical_high: Some(95.0), hysteresis: Some(5.0), ..Limits::default() };
    assert_eq!(told, [(SensorId::new(0), limits)]);
    runner.stop(Part::Sampler, Stop::Orderly);
    assert_eq!(await_end(&end), Exit::Code(0));
}
