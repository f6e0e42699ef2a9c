//! Who owns what is told for every board, simulated and real: each piece once, with whoever uses it.

use std::{collections::BTreeMap, fs};

use ubmc_platforms::board::{LoadOptions, NameOrFile, Resource, load, resources, shipped};

fn of(board: NameOrFile) -> Vec<Resource> {
    let vars = BTreeMap::from([("UBMC_BIN_DIR".to_owned(), "/usr/libexec".to_owned())]);
    let options = LoadOptions { board, registries: Vec::new(), services_dir: None, vars };
    let loaded = load(&options).unwrap_or_else(|problems| panic!("{problems}"));
    resources(&loaded.board, &loaded.bindings)
}

#[test]
fn every_row_of_a_real_board_is_a_piece_of_hardware_with_one_owner() {
    let text = r#"
[board]
name = "bench"
[signals.power-control]
direction = "output"
source = { gpio = "power-chassis-control" }
[signals.power-good]
direction = "input"
source = { gpio = "power-chassis-good", chip = "1e780000.gpio", active_low = true, bias = "pull-up" }
[signals.ps0-present]
direction = "input"
source = { gpio = "presence-ps0" }
[sensors.inlet]
kind = "temperature"
source = { hwmon = "4-0048", channel = "temp1" }
thresholds = { fatal_high = 60 }
[sensors.fan0]
kind = "fan-speed"
source = { hwmon_name = "max31785a", channel = "fan1" }
[sensors.humidity]
kind = "humidity"
source = { iio = "7-0040", channel = "humidityrelative" }
[sensors.vin]
kind = "voltage"
source = { pmbus = { bus = 3, address = 0x68, pec = true }, command = 0x88, format = "linear11" }
[sensors.vout]
kind = "voltage"
source = { pmbus = { bus = 3, address = 0x68, pec = true }, command = 0x8b, page = 1, format = { m = 4062, b = 0, r = -2 } }
[sensors.hottest]
kind = "temperature"
derived = { maximum = ["inlet"] }
[fans.f0]
source = { hwmon = "7-0052", channel = "pwm1" }
tachometer = "fan0"
max_rpm = 10000
[zones.all]
fans = ["f0"]
controllers = [{ sensors = ["inlet"], points = [[20, 30], [50, 100]] }]
[supplies.ps0]
present = "ps0-present"
rated_w = 1000
pmbus = { bus = 3, address = 0x68, pec = true }
[machines.chassis]
definition = "chassis"
signals = { power-control = "power-control", power-good = "power-good" }
[leds.front]
role = "power"
source = { led = "pca955x:front-sys-pwron0" }
[watchdog]
device = "/dev/watchdog0"
timeout = 20
"#;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bench.toml");
    fs::write(&file, text).expect("written");
    let told: Vec<_> = of(NameOrFile::File(file))
        .into_iter()
        .map(|row| format!("{} | {} | {} | {}", row.kind, row.name, row.owner, row.used_by.join(", ")))
        .collect();
    let wanted = [
        "gpio-line | power-chassis-control | signal power-control | machine chassis (power-control)",
        "gpio-line | 1e780000.gpio/power-chassis-good | signal power-good | machine chassis (power-good)",
        "gpio-line | presence-ps0 | signal ps0-present | supply ps0 (present)",
        "hwmon-channel | 4-0048/temp1 | sensor inlet | zone all",
        "hwmon-channel | max31785a/fan1 | sensor fan0 | fan f0",
        "hwmon-channel | 7-0040/humidityrelative | sensor humidity | ",
        "i2c-device | 3-0068 command 0x88 | sensor vin | ",
        "i2c-device | 3-0068 page 1 command 0x8b | sensor vout | ",
        "pwm | 7-0052/pwm1 | fan f0 | zone all",
        "led | pca955x:front-sys-pwron0 | led front | ",
        "i2c-device | 3-0068 | supply ps0 | ",
        "watchdog | /dev/watchdog0 | watchdog | ",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn no_piece_of_a_shipped_board_is_told_twice() {
    for name in shipped::boards() {
        let mut pieces: Vec<_> = of(NameOrFile::from(name)).into_iter().map(|row| (row.kind, row.name)).collect();
        let count = pieces.len();
        pieces.sort();
        pieces.dedup();
        assert_eq!(pieces.len(), count, "{name}");
        assert!(count > 40, "{name} has {count}");
    }
}
