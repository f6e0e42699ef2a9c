//! Every key that a board, registry or definition file may have, in one place: what is not here is unknown, and what is
//! here is described in `docs/board-schema.md` (a test holds the two together).

/// The keys of one table.
#[derive(Debug)]
pub struct Keys {
    /// Where the table stands, e.g. `[sensors.NAME]`.
    pub path: &'static str,
    /// Its keys.
    pub names: &'static [&'static str],
}

impl Keys {
    /// What the word of another supervisor is called here, and in which table that stands when it is not this one.
    pub(super) fn translated(&self, wanted: &str) -> Option<(&'static str, Option<&'static str>)> {
        let (_, known, path) = WORDS.iter().find(|(word, ..)| *word == wanted)?;
        if !self.path.starts_with("[services.") {
            None
        } else if self.names.contains(known) {
            Some((known, None))
        } else {
            Some((known, Some(path)))
        }
    }

    /// The key of another table that somebody put into this one: the same letters, one level up, down or beside.
    pub(super) fn elsewhere(&self, wanted: &str) -> Option<(&'static str, &'static str)> {
        let letters = |key: &str| key.replace(['_', '-'], "").to_lowercase();
        if self.names.iter().any(|known| letters(known) == letters(wanted)) {
            return None;
        }
        let family = |path: &str| path.trim_matches(['[', ']']).split('.').next().unwrap_or_default().to_owned();
        TABLES.iter().filter(|table| family(table.path) == family(self.path)).find_map(|table| {
            table.names.iter().find(|known| letters(known) == letters(wanted)).map(|known| (*known, table.path))
        })
    }
}

/// Words of other supervisors for keys of services: as those say, as it is said here, and the table.
const WORDS: [(&str, &str, &str); 12] = [
    ("environment", "env", "[services.NAME.deployment.binary]"),
    ("exec", "binary_path", "[services.NAME.deployment.binary]"),
    ("cmd", "binary_path", "[services.NAME.deployment.binary]"),
    ("cwd", "working_dir", "[services.NAME.deployment.binary]"),
    ("data_dir", "working_dir", "[services.NAME.deployment.binary]"),
    ("depends_on", "dependencies", "[services.NAME]"),
    ("requires", "dependencies", "[services.NAME]"),
    ("enabled", "auto_start", "[services.NAME.startup]"),
    ("memory_limit", "memory", "[services.NAME.limits]"),
    ("restart_policy", "policy", "[services.NAME.restart]"),
    ("max_restart_attempts", "burst", "[services.NAME.restart]"),
    ("liveness_check", "health_check", "[services.NAME]"),
];

macro_rules! schema {
    ($($table:ident $path:literal [$($key:literal)*])*) => {
        $(pub(super) const $table: &Keys = &Keys { path: $path, names: &[$($key),*] };)*

        /// Every table that the loader knows.
        pub const TABLES: &[&Keys] = &[$($table),*];
    };
}

schema! {
    ROOT "the board file" ["board" "policy" "signals" "sensors" "fans" "zones" "supplies" "rails" "sequences" "machines" "never" "leds" "watchdog" "services" "sim"]
    REGISTRY "a registry file" ["services"]
    BOARD "[board]" ["name" "description"]
    POLICY "[policy]" ["start_timeout" "stop_timeout" "max_concurrent_power_on" "power_on_tries" "reboot_command" "supplies" "parts"]
    REACTION "[policy.supplies]" ["response" "after"]
    SIGNAL "[signals.NAME]" ["direction" "source"]
    SIGNAL_SOURCE "[signals.NAME.source]" ["sim" "gpio" "chip" "active_low" "bias"]
    SENSOR "[sensors.NAME]" [
        "description" "kind" "source" "derived" "scale" "offset" "interval" "stale_after" "powered_by" "max_slew" "history"
        "thresholds" "target" "failsafe" "missing_ok"
    ]
    SENSOR_SOURCE "[sensors.NAME.source]" [
        "sim" "hwmon" "hwmon_name" "iio" "pmbus" "channel" "page" "command" "format"
    ]
    PMBUS "pmbus" ["bus" "address" "pec"]
    DIRECT "[sensors.NAME.source.format]" ["m" "b" "r"]
    DERIVED "[sensors.NAME.derived]" ["sum" "maximum" "margin_to" "of"]
    THRESHOLDS "[sensors.NAME.thresholds]" [
        "warning_high" "critical_high" "fatal_high" "warning_low" "critical_low" "fatal_low" "hysteresis" "low_delay"
        "from_hardware"
    ]
    FAN "[fans.NAME]" ["source" "tachometer" "max_rpm" "min_rpm"]
    FAN_SOURCE "[fans.NAME.source]" ["sim" "hwmon" "hwmon_name" "channel"]
    ZONE "[zones.NAME]" ["fans" "floor" "ceiling" "failsafe" "fans_needed" "interval" "controllers"]
    CONTROLLER "[[zones.NAME.controllers]]" [
        "name" "type" "sensors" "input" "limit" "points" "interpolation" "rise_hysteresis" "fall_hysteresis" "set_point" "kp"
        "ki" "kd" "bias" "integral" "output" "fall_slew" "rise_slew" "feed_forward"
    ]
    FEED_FORWARD "[zones.NAME.controllers.feed_forward]" ["gain" "offset" "sensors"]
    SUPPLY "[supplies.NAME]" ["present" "good" "power" "temperature" "rated_w" "pmbus"]
    RAIL "[rails.NAME]" ["enable" "pmbus" "page" "good" "voltage" "requires"]
    SEQUENCE "[sequences.NAME]" ["steps" "timeout"]
    STEP "an item of steps" [
        "set" "level" "pulse" "duration" "wait" "both_ways" "voltage" "low" "high" "rail" "delay" "timeout"
    ]
    MACHINE "[machines.NAME]" [
        "definition" "parent" "signals" "sequences" "zones" "supplies" "restore" "restore_delay" "boot_attempts"
        "max_power" "needs"
    ]
    NEVER "[[never]]" ["when" "because" "briefly"]
    LED "[leds.NAME]" ["role" "source"]
    LED_SOURCE "[leds.NAME.source]" ["sim" "led"]
    WATCHDOG "[watchdog]" ["device" "timeout"]
    SIM "[sim]" ["seed" "ambient" "speed" "power" "base_w" "standby_w" "switched_rails" "hosts" "supplies" "fans"]
    SIM_HOSTS "[sim.hosts]" ["count" "cpu_idle_w" "cpu_full_w" "boot_s" "shutdown_s"]
    SIM_SUPPLIES "[sim.supplies]" ["count" "rated_w"]
    SIM_FANS "[sim.fans]" ["count" "max_rpm" "min_rpm" "max_w" "watchdog_s"]

    SERVICE "[services.NAME]" [
        "name" "display_name" "description" "type" "category" "group" "critical" "protects_hardware" "dependencies" "wants"
        "after" "before" "conflicts" "required_for" "once_per" "oneshot" "port" "deployment" "readiness" "health_check"
        "readiness_check" "startup" "restart" "limits"
    ]
    DEPLOYMENT "[services.NAME.deployment]" [
        "mode" "builtin" "binary" "docker" "docker_compose" "kubernetes" "remote"
    ]
    BINARY "[services.NAME.deployment.binary]" [
        "binary_path" "args" "working_dir" "env" "user" "group" "stop_command" "stop_signal" "umask" "nice" "oom_score"
        "no_new_privileges" "capabilities"
    ]
    DOCKER "[services.NAME.deployment.docker]" ["image" "container_name" "ports" "volumes" "env" "restart_policy"]
    DOCKER_COMPOSE "[services.NAME.deployment.docker_compose]" ["compose_file" "service_name" "project_name"]
    KUBERNETES "[services.NAME.deployment.kubernetes]" ["namespace" "deployment_name" "manifests_path"]
    REMOTE "[services.NAME.deployment.remote]" ["endpoint" "tls_enabled" "auth_token_path"]
    READINESS "[services.NAME.readiness]" ["type" "fd" "delay"]
    HEALTH "[services.NAME.health_check]" [
        "type" "interval" "retries" "timeout" "http" "tcp" "command" "file" "grpc"
    ]
    READINESS_CHECK "[services.NAME.readiness_check]" [
        "type" "interval" "retries" "timeout" "http" "tcp" "command" "file" "grpc"
    ]
    HTTP "[services.NAME.health_check.http]" ["endpoint" "expected_status" "method"]
    TCP "[services.NAME.health_check.tcp]" ["host" "port"]
    COMMAND "[services.NAME.health_check.command]" ["command" "expected_exit_code"]
    FILE "[services.NAME.health_check.file]" ["path" "must_exist"]
    GRPC "[services.NAME.health_check.grpc]" ["endpoint" "service"]
    STARTUP "[services.NAME.startup]" [
        "auto_start" "start_timeout" "stop_timeout" "start_order" "start_delay" "restart_on_failure" "max_restarts"
    ]
    RESTART "[services.NAME.restart]" [
        "policy" "delay" "max_delay" "factor" "jitter" "burst" "window" "reset_after" "smooth_recovery" "escalate"
    ]
    LIMITS "[services.NAME.limits]" ["memory" "cpu" "pids" "nofile" "core" "address_space" "file_size"]

    ROBOT "the JSON registry" ["services"]
    ROBOT_SERVICE "an item of the JSON registry" [
        "name" "display_name" "type" "cmd" "args" "working_dir" "autostart" "restart_policy" "health_check" "port"
        "description"
    ]

    DEFINITION "a machine definition" [
        "kind" "inputs" "outputs" "sequences" "undiscovered" "discovery" "goals" "states"
    ]
    GOALS "[goals]" ["on" "off" "force-off" "cycle-off" "reset" "nmi" "maintenance-on" "maintenance-off" "update-begin" "update-end" "reboot"]
    DISCOVERY "[[discovery]]" ["when" "state"]
    STATE "[states.NAME]" ["description" "tone" "powered" "timeout" "entry" "transitions"]
    ACTION "an item of entry" ["set" "level" "pulse" "duration" "run" "undo"]
    TRANSITION "an item of transitions" ["request" "rises" "falls" "event" "when" "to"]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::SimConfig;

    #[test]
    fn the_simulator_has_the_keys_that_are_listed_here() {
        let config = toml::Table::try_from(SimConfig::default()).unwrap();
        let check = |keys: &Keys, table: &toml::Table| {
            let mut listed: Vec<_> = keys.names.iter().map(|name| (*name).to_owned()).collect();
            let mut real: Vec<_> = table.keys().cloned().collect();
            listed.sort();
            real.sort();
            assert_eq!(listed, real, "{}", keys.path);
        };
        check(SIM, &config);
        for (keys, name) in [(SIM_HOSTS, "hosts"), (SIM_SUPPLIES, "supplies"), (SIM_FANS, "fans")] {
            check(keys, config[name].as_table().unwrap());
        }
    }

    #[test]
    fn words_of_other_supervisors_are_translated_to_keys_that_there_are() {
        for (word, known, path) in WORDS {
            let table = TABLES.iter().find(|table| table.path == path).unwrap();
            assert!(table.names.contains(&known), "{word}: {known} of {path}");
            assert!(!table.names.contains(&word), "{word} is a key itself");
        }
        assert_eq!(DOCKER.translated("environment"), Some(("env", None)));
        assert_eq!(SERVICE.translated("enabled"), Some(("auto_start", Some("[services.NAME.startup]"))));
        assert_eq!(SENSOR.translated("enabled"), None);
    }

    #[test]
    fn a_key_in_the_wrong_table_is_told_where_it_belongs() {
        assert_eq!(SERVICE.elsewhere("autostart"), Some(("auto_start", "[services.NAME.startup]")));
        assert_eq!(SENSOR.elsewhere("warning_high"), Some(("warning_high", "[sensors.NAME.thresholds]")));
        assert_eq!(STARTUP.elsewhere("autostart"), None);
        assert_eq!(SENSOR.elsewhere("mode"), None);
    }
}
