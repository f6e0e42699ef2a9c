//! Why a piece of hardware does not do what it should: what, where, and what to do.

use std::io;

/// Why Linux' hardware did not do something. The text is for people.
#[derive(Debug, thiserror::Error)]
pub enum LinuxError {
    /// No device of the hwmon class is the one that is meant.
    #[error("there is no hwmon device {device}: it is absent, or its driver is not loaded")]
    NoHwmon {
        /// As the board file has it.
        device: String,
    },
    /// Several are.
    #[error("two hwmon devices are {device}: {one} and {other}; give the end of the path in the board file")]
    AmbiguousHwmon {
        /// As the board file has it.
        device: String,
        /// Path of the first.
        one: String,
        /// Path of the second.
        other: String,
    },
    /// A device is there, without that channel.
    #[error("{device} has no channel `{channel}`; it has {has}")]
    NoChannel {
        /// As the board file has it.
        channel: String,
        /// Its folder.
        device: String,
        /// Channels that it has.
        has: String,
    },
    /// The chip says that the sensor is broken.
    #[error("{channel}: {fault} is set: the sensor is open or shorted, or the fan does not turn")]
    Faulty {
        /// As the board file has it.
        channel: String,
        /// The file that says so.
        fault: String,
    },
    /// A fan output does not take a duty.
    #[error("{channel} of {device}: {doing}: {source}")]
    Pwm {
        /// e.g. `pwm1`.
        channel: String,
        /// Its folder.
        device: String,
        /// At what it failed.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A transfer on an I²C bus failed.
    #[error(transparent)]
    Smbus(#[from] super::smbus::SmbusError),
    /// There is no such LED.
    #[error("there is no LED `{led}` in {class}: its device is absent, or its driver is not loaded")]
    NoLed {
        /// As the board file has it.
        led: String,
        /// Where it should be.
        class: String,
    },
    /// An LED does not show what it should.
    #[error("LED `{led}`: {file} does not take `{text}`: {source}")]
    Led {
        /// As the board file has it.
        led: String,
        /// Which of its files.
        file: String,
        /// What was written.
        text: String,
        /// What the system said.
        source: io::Error,
    },
    /// No line is the one that is meant.
    #[error("there is no GPIO line `{line}`{on}: its chip is absent, or the device tree names it otherwise")]
    NoLine {
        /// As the board file has it.
        line: String,
        /// On which chip, for people; empty: on any.
        on: String,
    },
    /// Several are.
    #[error("two GPIO lines are named `{line}`: on {one} and on {other}; say which by `chip` in the board file")]
    AmbiguousLine {
        /// As the board file has it.
        line: String,
        /// The first chip.
        one: String,
        /// The second.
        other: String,
    },
    /// Somebody else has it.
    #[error("the GPIO line `{line}` is held by `{by}`; end that, or unbind its driver")]
    LineHeld {
        /// As the board file has it.
        line: String,
        /// What it calls itself.
        by: String,
    },
    /// A line does not do what it should.
    #[error("the GPIO line `{line}`: {doing}: {source}")]
    Line {
        /// As the board file has it.
        line: String,
        /// At what it failed.
        doing: &'static str,
        /// What the system said.
        source: gpiocdev::Error,
    },
    /// It was driven, and reads otherwise.
    #[error("the GPIO line `{line}` was driven {wanted}, but reads otherwise: something holds it")]
    LineStuck {
        /// As the board file has it.
        line: String,
        /// `high` or `low`, after polarity.
        wanted: ubmc_core::units::Level,
    },
    /// The watcher of lines cannot wait.
    #[error("cannot wait for edges: {0}")]
    Wait(#[source] io::Error),
    /// A new watcher has taken over.
    #[error("another watcher has taken over the lines")]
    Superseded,
}
