//! The command line's definition: global flags, and the areas in the order people look for them.

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    area::{
        bmc, boot, chassis, events, fans, host, inventory, leds, machines, operations, platform, power, resources,
        schedule, sensors, services, simulation, why, zones,
    },
    exit::Failure,
    manual,
    output::Format,
    session::Session,
};

/// Drives and watches a BMC through ubmcd.
///
/// Tables for people go to standard output; progress goes to standard error, and only on a terminal.
#[derive(Debug, Parser)]
#[command(
    name = "ubmcctl",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "\
Exit codes: 0 done, 1 it failed, 2 usage, 3 cannot reach the daemon, 4 refused (dependents, interlock, conflict, \
              stale plan), 5 no such name, 6 timed out, 7 not permitted.

Commands that interrupt something ask first on a terminal; --yes answers. Without a terminal they go ahead: scripts \
              are taken at their word."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Args, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The daemon's address: `unix:PATH` or `tcp:HOST:PORT`. Default: the path in $UBMC_SOCKET, else the system's socket
    #[arg(long, global = true, value_name = "ADDR", env = "UBMC_CONNECT", hide_env_values = true)]
    pub connect: Option<String>,
    /// Tables for people, one JSON document, or one JSON object a line (as streams always are for programs)
    #[arg(long, short, global = true, value_enum, default_value_t, hide_default_value = true)]
    pub output: Format,
    /// Give up after so many seconds (10 for an answer; with --wait the operation's own bound); a watch ends then
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<f64>,
    /// Do not ask before something is interrupted
    #[arg(long, short, global = true)]
    pub yes: bool,
    /// Why, for the audit trail
    #[arg(long, global = true, value_name = "TEXT")]
    pub reason: Option<String>,
    /// No colour, as with NO_COLOR in the environment
    #[arg(long, global = true)]
    pub no_color: bool,
}

impl Global {
    /// The options that were given, as they would be typed: for commands that inherit them.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut say = |name: &str, value: Option<String>| {
            words.extend(value.map(|value| format!("--{name}={value}")));
        };
        say("connect", self.connect.clone());
        let format = (self.output != Format::default()).then(|| self.output.to_possible_value()).flatten();
        say("output", format.map(|value| value.get_name().to_owned()));
        say("timeout", self.timeout.map(|seconds| seconds.to_string()));
        say("reason", self.reason.clone());
        words.extend(self.yes.then(|| "--yes".to_owned()));
        words.extend(self.no_color.then(|| "--no-color".to_owned()));
        words
    }

    /// Whether colour is welcome, by flag and by <https://no-color.org>.
    pub(crate) fn color(&self) -> bool {
        !self.no_color && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }
}

/// The areas of commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole: start, stop, status, health, logs, shutdown
    #[command(subcommand)]
    Platform(platform::Command),
    /// Supervised services
    #[command(subcommand)]
    Services(services::Command),
    /// Hosts: power, reset, status
    #[command(subcommand)]
    Host(host::Command),
    /// The chassis: power, identify, status
    #[command(subcommand)]
    Chassis(chassis::Command),
    /// The BMC itself
    #[command(subcommand)]
    Bmc(bmc::Command),
    /// State machines: their states, drawings, counts, history
    #[command(subcommand)]
    Machines(machines::Command),
    /// Long-running requests
    #[command(subcommand)]
    Operations(operations::Command),
    /// Requests that wait for their time; made with `--at`
    #[command(subcommand)]
    Schedule(schedule::Command),
    /// Readings, thresholds, history
    #[command(subcommand)]
    Sensors(sensors::Command),
    /// Fan speeds and manual overrides
    #[command(subcommand)]
    Fans(fans::Command),
    /// Thermal zones and what drives them
    #[command(subcommand)]
    Zones(zones::Command),
    /// Rails and supplies
    #[command(subcommand)]
    Power(power::Command),
    /// LEDs and why they show what they show
    #[command(subcommand)]
    Leds(leds::Command),
    /// What is built in
    #[command(subcommand)]
    Inventory(inventory::Command),
    /// Who owns which piece of hardware, and whether it answers
    #[command(subcommand)]
    Resources(resources::Command),
    /// The one ordered stream of everything that happens
    #[command(subcommand)]
    Events(events::Command),
    /// Why a service or a machine is as it is, down to the root
    Why(why::Arguments),
    /// How the platform came up, and what decided how long it took
    #[command(subcommand)]
    Boot(boot::Command),
    /// Faults and surroundings of a simulated board
    #[command(subcommand)]
    Sim(simulation::Command),
    /// The line shell: these commands with completion of live names, hints, history
    ///
    /// Options given here hold for every command in it. Lines that come from a pipe or a file are run as a script, up to
    /// the first that fails: its exit code is the shell's.
    Shell,
    /// Prints the completions for a shell
    Completions(manual::Completions),
    /// Prints the man page, or writes a page for each command
    Man(manual::Pages),
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Platform(command) => command.run(session).await,
            Self::Services(command) => command.run(session).await,
            Self::Host(command) => command.run(session).await,
            Self::Chassis(command) => command.run(session).await,
            Self::Bmc(command) => command.run(session).await,
            Self::Machines(command) => command.run(session).await,
            Self::Operations(command) => command.run(session).await,
            Self::Schedule(command) => command.run(session).await,
            Self::Sensors(command) => command.run(session).await,
            Self::Fans(command) => command.run(session).await,
            Self::Zones(command) => command.run(session).await,
            Self::Power(command) => command.run(session).await,
            Self::Leds(command) => command.run(session).await,
            Self::Inventory(command) => command.run(session).await,
            Self::Resources(command) => command.run(session).await,
            Self::Events(command) => command.run(session).await,
            Self::Why(arguments) => why::run(session, arguments).await,
            Self::Boot(command) => command.run(session).await,
            Self::Sim(command) => command.run(session).await,
            // Only within itself does it come here: from outside it has no session yet.
            Self::Shell => Err(Failure::Usage("this is the line shell already: `exit` leaves it".to_owned())),
            Self::Completions(arguments) => manual::completions(&arguments, &mut session.out),
            Self::Man(arguments) => manual::pages(&arguments, &mut session.out),
        }
    }
}

/// A positive time: seconds, or a number with `ms`, `s`, `m` or `h`.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("`{unit}` is no unit of time: write seconds, or a number with ms, s, m or h")),
    };
    match digits.parse::<f64>() {
        // A year is past every use and keeps the sum with any clock in range.
        Ok(number) if number > 0.0 && number * factor <= 31_536_000.0 => Ok(number * factor),
        _ => Err("write a positive number of seconds, or a number with ms, s, m or h; at most a year".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_are_seconds_or_carry_their_unit() {
        for (text, expected) in
            [("10", 10.0), ("1.5", 1.5), ("250ms", 0.25), ("5s", 5.0), ("2m", 120.0), ("1h", 3600.0)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "-1", "x", "5 parsecs", "NaN", "inf", "1e99", "s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_contract_s_command_lines_are_understood() {
        for line in CONTRACT.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words = std::iter::once("ubmcctl").chain(line.split_whitespace());
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{line}: {error}");
            }
        }
    }

    const CONTRACT: &str = "
        platform start
        platform stop web db --force --yes
        platform restart web
        platform status --output json
        --output jsonl platform health
        platform logs web --lines 20 --follow
        platform shutdown --emergency
        services list --running --category c --group core
        services status web
        services start web db --wait --timeout 30
        services stop web --force --wait
        services restart web --reason maintenance
        services health web
        services logs web db --lines 5 --follow
        services dependencies
        services dependencies web --format dot
        services check host-on
        services validate
        services validate web db
        services readiness
        services reload
        services reload --dry-run
        services reload --wait
        services start web --force
        services restart web --force
        why web
        why host.0
        why web --if-stopped
        boot timeline
        boot critical-path
        services reset web
        services watch
        services monitor web --interval 5
        host list
        host status
        host status host.0
        host on host.0 --wait --timeout 90
        host off host.0 --plan
        host force-off host.0
        host reset host.0
        host restart host.0
        host cycle host.0
        host nmi host.0
        chassis status
        chassis on --wait
        chassis off --plan
        chassis cycle
        chassis emergency-off --yes
        chassis identify
        chassis identify 30
        chassis identify on
        chassis identify off
        bmc status
        bmc maintenance on
        bmc upgrade begin
        machines counts
        machines override-interlock host.0 no-supply --for 600 --reason test
        machines restore-interlock host.0
        events cause 812
        chassis maintenance off --wait
        machines list
        machines show host.0
        machines graph host.0 --format mermaid
        machines history
        machines verify
        machines verify --bound 1000
        machines history host.0
        host policy host.0
        host policy host.0 last-state
        host policy host.0 always-off --once
        host policy host.0 --boot-attempts 0
        chassis policy none
        host on host.0 --at +10m
        host restart host.0 --at 2026-12-01T06:00:00Z --yes
        chassis off --at +1h
        schedule list
        schedule cancel at-3
        operations list
        operations show op-17
        operations watch op-17
        operations cancel op-17
        sensors list
        sensors show inlet_temp
        sensors watch
        sensors watch inlet_temp p12v
        sensors history inlet_temp --since 60
        fans list
        fans set fan.0 80 --for 60
        fans auto cpu
        zones list
        zones explain cpu
        power rails
        power supplies
        leds list
        leds set fault fast-blink --for 30
        leds set fault auto
        inventory list
        inventory show psu.0
        resources list
        events list --since 812 --subject service.> --severity warning
        events tail --since 812 --subject a.* --subject b.> --severity error
        sim fault list
        sim fault inject sensor-stuck inlet_temp 45.5
        sim fault inject fan-fail fan.0
        sim fault clear
        sim fault clear fan-fail fan.0
        sim set host.0.load 0.9
        sim set ambient -5
        sim show
        sim start
        sim stop
        completions bash
        man
        shell --output json --yes
    ";
}
