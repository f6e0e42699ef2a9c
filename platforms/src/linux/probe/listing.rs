//! What was found, for people: by kind, with the words that a board file takes.

use std::fmt;

use super::{Chip, Machine, Reading};

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        heading(f, "GPIO chips and their named lines", "gpio = \"LINE\"", self.gpio.is_empty())?;
        for chip in &self.gpio {
            writeln!(f, "{} ({}), {} lines", chip.name, chip.label, chip.lines.len())?;
            for (offset, line) in chip.lines.iter().enumerate().filter(|(_, line)| line.used || !line.name.is_empty()) {
                let direction = if line.output { "output" } else { "input" };
                let name = if line.name.is_empty() { "(no name)" } else { &line.name };
                write!(f, "  {offset:>4}  {name:<40} {direction}")?;
                if line.used {
                    let who = if line.consumer.is_empty() { "a driver" } else { &line.consumer };
                    write!(f, ", held by {who}")?;
                }
                writeln!(f)?;
            }
        }
        heading(f, "hwmon devices", "hwmon = \"DEVICE\", channel = \"CHANNEL\"", self.hwmon.is_empty())?;
        self.hwmon.iter().try_for_each(|chip| list(f, chip))?;
        heading(f, "IIO devices", "iio = \"DEVICE\", channel = \"CHANNEL\"", self.iio.is_empty())?;
        self.iio.iter().try_for_each(|chip| list(f, chip))?;
        heading(f, "LEDs", "led = \"NAME\"", self.leds.is_empty())?;
        for led in &self.leds {
            writeln!(
                f,
                "{}{}",
                led.name,
                if led.blinks { "" } else { "  (no timer trigger: ubmcd blinks it itself)" }
            )?;
        }
        heading(f, "watchdogs", "[watchdog] device = \"DEVICE\"", self.watchdogs.is_empty())?;
        for watchdog in &self.watchdogs {
            write!(f, "{}  {}", watchdog.device, watchdog.identity)?;
            if watchdog.timeout.is_empty() { writeln!(f) } else { writeln!(f, ", {} s", watchdog.timeout) }?;
        }
        heading(
            f,
            "I²C buses, and what is declared on them",
            "pmbus = { bus = N, address = 0xNN }, for devices without a driver",
            self.buses.is_empty(),
        )?;
        for bus in &self.buses {
            writeln!(f, "i2c-{}  {}", bus.number, bus.adapter)?;
            for device in &bus.devices {
                let driver = device.driver.as_ref().map_or_else(
                    || "no driver: absent, or its driver is not loaded".to_owned(),
                    |driver| format!("driver {driver}"),
                );
                writeln!(f, "  {:<10} {:<20} {driver}", device.at, device.kind)?;
            }
        }
        if !self.problems.is_empty() {
            writeln!(f, "\n# What could not be looked at")?;
            self.problems.iter().try_for_each(|problem| writeln!(f, "{problem}"))?;
        }
        Ok(())
    }
}

fn heading(f: &mut fmt::Formatter<'_>, what: &str, source: &str, none: bool) -> fmt::Result {
    writeln!(f, "\n# {what}: {}", if none { "none" } else { source })
}

fn list(f: &mut fmt::Formatter<'_>, chip: &Chip) -> fmt::Result {
    let label = chip.label.as_ref().map_or_else(String::new, |label| format!(", labelled {label}"));
    writeln!(f, "{} ({}{label})", chip.at, chip.name)?;
    for Reading { channel, label, value } in &chip.channels {
        let label = label.as_ref().map_or_else(String::new, |label| format!("  label:{label}"));
        writeln!(f, "  {channel:<20} {value}{label}")?;
    }
    chip.outputs.iter().try_for_each(|output| writeln!(f, "  {output:<20} fan output"))
}
