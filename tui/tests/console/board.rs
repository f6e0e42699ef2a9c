//! The board `sim-2u` as a daemon would tell of it: wire messages, the same each time.
//!
//! host.0 runs, host.1 is being powered on; one demo process is in back-off, one is unhealthy; one sensor is stale.

use ubmc_proto::v1;

/// Wall time of the fixture: 2026-11-20 07:41:09 UTC.
pub(crate) const WALL_S: f64 = 1_795_160_469.0;

pub(crate) fn status() -> v1::SystemStatus {
    let group =
        |name: &str, total, up, failed| v1::GroupStatus { name: name.into(), total, up, failed, complete: up == total };
    v1::SystemStatus {
        version: "0.1.0".into(),
        board: "sim-2u".into(),
        hostname: "bmc7".into(),
        boot_id: "boot-a".into(),
        uptime_s: 4_210.0,
        state: "ready".into(),
        health: v1::Health::Degraded.into(),
        problems: vec![
            condition(
                "service-backoff",
                "service demo-flaky",
                "demo-flaky has crashed 3 times and starts again in 7 s",
                "look at its log; `services reset demo-flaky` starts it at once",
            ),
            condition(
                "sensor-stale",
                "sensor inlet_temp",
                "inlet_temp has not been read for 12 s",
                "check the bus i2c-3 and the cable of the front panel",
            ),
            condition("service-unhealthy", "service demo-web", "demo-web fails its health check: HTTP 503", ""),
        ],
        services_total: 15,
        services_running: 12,
        services_failed: 0,
        sensors_total: 30,
        sensors_not_ok: 1,
        last_seq: 40,
        watchers: 2,
        simulated: true,
        pid: 811,
        groups: vec![
            group("foundation", 2, 2, 0),
            group("core", 5, 5, 0),
            group("management", 2, 2, 0),
            group("interface", 6, 5, 1),
        ],
        guardian: Some(v1::Guardian { state: "watching".into(), pid: Some(812), since_s: 0.2, reason: String::new() }),
        limitations: vec!["cgroup v2 is not writable: limits of memory and cpu do not hold".into()],
        ..Default::default()
    }
}

/// A start of 3.2 s: `demo-ready-late` held up the last group, and `demo-flaky` failed.
pub(crate) fn boot() -> v1::BootTimeline {
    let phase = |group: &str, began: f64, ended: f64| v1::BootPhase {
        group: group.into(),
        began_s: Some(began),
        ended_s: Some(ended),
    };
    let times = |service: &v1::Service| match service.name.as_str() {
        "journal" => (0.1, 0.104, "", "ready", true),
        "inventory" => (0.1, 0.3, "", "ready", false),
        "sensormon" => (0.3, 0.5, "group foundation", "ready", true),
        "api" => (0.9, 0.95, "service statemgr", "ready", false),
        "demo-ready-late" => (0.9, 2.913, "group core", "ready", true),
        "demo-web" => (2.913, 3.0, "group management", "ready", false),
        "demo-needs-web" => (3.0, 3.3, "service demo-web", "ready", true),
        "demo-flaky" => (2.913, 3.1, "group management", "failed", false),
        "demo-oneshot" => (2.913, 3.05, "group management", "completed", false),
        _ if service.group == "core" => (0.5, 0.9, "service sensormon", "ready", service.name == "statemgr"),
        _ => (2.913, 2.95, "group management", "ready", false),
    };
    let services = services()
        .iter()
        .map(|service| {
            let (from, to, waited_for, outcome, critical) = times(service);
            v1::BootService {
                name: service.name.clone(),
                group: service.group.clone(),
                released_s: Some(from),
                spawned_s: Some(from),
                settled_s: Some(to),
                outcome: outcome.into(),
                waited_for: waited_for.into(),
                critical,
            }
        })
        .collect();
    v1::BootTimeline {
        started_s: 0.1,
        ended_s: Some(3.3),
        timed_out: false,
        phases: vec![
            phase("foundation", 0.1, 0.3),
            phase("core", 0.3, 0.9),
            phase("management", 0.9, 2.913),
            phase("interface", 2.913, 3.3),
        ],
        services,
        critical_path: ["journal", "sensormon", "statemgr", "demo-ready-late", "demo-needs-web"]
            .map(str::to_owned)
            .to_vec(),
    }
}

/// The same when the clock stood at 2 s.
pub(crate) fn booting() -> v1::BootTimeline {
    let by_then = |at: Option<f64>| at.filter(|at| *at <= 2.0);
    let mut boot = boot();
    boot.ended_s = None;
    for phase in &mut boot.phases {
        (phase.began_s, phase.ended_s) = (by_then(phase.began_s), by_then(phase.ended_s));
    }
    for service in &mut boot.services {
        (service.released_s, service.settled_s) = (by_then(service.released_s), by_then(service.settled_s));
        if service.settled_s.is_none() {
            service.outcome = "pending".into();
            service.critical = false;
        }
    }
    boot.critical_path.truncate(3);
    boot
}

fn condition(kind: &str, subject: &str, text: &str, remedy: &str) -> v1::Condition {
    v1::Condition {
        kind: kind.into(),
        subject: subject.into(),
        text: text.into(),
        remedy: remedy.into(),
        since_s: None,
        severity: 0,
    }
}

pub(crate) fn services() -> Vec<v1::Service> {
    let builtin = |name: &str, group: &str, needs: &[&str], description: &str| v1::Service {
        name: name.into(),
        description: description.into(),
        group: group.into(),
        category: "platform".into(),
        kind: v1::ServiceKind::Builtin.into(),
        state: v1::ServiceState::Running.into(),
        desired: v1::DesiredState::Up.into(),
        health: v1::Health::Healthy.into(),
        health_text: "heartbeat 0.4 s ago".into(),
        uptime_s: Some(4_208.0),
        critical: true,
        auto_start: true,
        dependencies: needs.iter().map(|need| (*need).to_owned()).collect(),
        start_duration_s: Some(0.004),
        health_success_rate: Some(1.0),
        state_age_s: 4_208.0,
        generation: 1,
        ..Default::default()
    };
    let process = |name: &str, needs: &[&str], description: &str, pid: i32| v1::Service {
        kind: v1::ServiceKind::Binary.into(),
        category: "demo".into(),
        critical: false,
        pid: Some(pid),
        cpu_percent: Some(0.3),
        rss_bytes: Some(3_412_000),
        fds: Some(9),
        start_duration_s: Some(0.031),
        ..builtin(name, "interface", needs, description)
    };
    let mut all = vec![
        builtin("journal", "foundation", &[], "Keeps the events"),
        builtin("inventory", "foundation", &[], "Knows what is built in"),
        builtin("sensormon", "core", &["journal"], "Reads the sensors"),
        builtin("thermalmgr", "core", &["sensormon"], "Turns the fans"),
        builtin("powermgr", "core", &["sensormon"], "Sequences the rails"),
        builtin("statemgr", "core", &["powermgr"], "Runs the state machines"),
        builtin("ledmgr", "core", &["statemgr"], "Drives the LEDs"),
        builtin("api", "management", &["statemgr"], "Serves ubmc.v1"),
        process("demo-ready-late", &["api"], "Says READY=1 after two seconds", 871),
        process("demo-web", &["api"], "A web server with an HTTP health check", 873),
        process("demo-needs-web", &["demo-web"], "Fetches from demo-web every second", 902),
        process("demo-chatty", &["api"], "Writes ten lines a second", 875),
        process("demo-flaky", &["api"], "Crashes now and then", 0),
        process("demo-oneshot", &[], "Runs once and ends", 0),
        process("demo-übersetzer", &[], "Ein Dienst mit Umlauten — 温度計", 880),
    ];
    for service in &mut all {
        match service.name.as_str() {
            "demo-ready-late" => {
                service.start_duration_s = Some(2.013);
                service.group = "management".into();
                service.status_text = "serving on :9091".into();
                service.readiness_text = "READY=1".into();
                service.ready = true;
            }
            "demo-web" => {
                service.health = v1::Health::Unhealthy.into();
                service.health_text = "HTTP 503 from http://localhost:9090/health".into();
                service.health_success_rate = Some(0.62);
                service.health_check = "http".into();
                service.health_latency_s = Some(0.031);
                service.required_for = vec!["update".into()];
                service.reason = "3 of its last 3 health checks failed".into();
                service.cpu_percent = Some(12.4);
                service.rss_bytes = Some(25_165_824);
                service.dependents = vec!["demo-needs-web".into()];
            }
            "demo-chatty" => service.dropped_lines = 18,
            "demo-flaky" => {
                service.state = v1::ServiceState::Backoff.into();
                service.health = v1::Health::Unknown.into();
                service.pid = None;
                service.uptime_s = None;
                service.cpu_percent = None;
                service.rss_bytes = None;
                service.restarts = 3;
                service.crashes = 3;
                service.retry_in_s = Some(7.0);
                service.reason = "it ended with exit code 7, three times within a minute".into();
                service.last_error = "exit code 7".into();
                service.last_exit =
                    Some(v1::Exit { at_s: 4_200.0, text: "exit code 7".into(), how: Some(v1::exit::How::Code(7)) });
                service.state_age_s = 3.0;
            }
            "demo-oneshot" => {
                service.state = v1::ServiceState::Completed.into();
                service.health = v1::Health::Unknown.into();
                service.oneshot = true;
                service.pid = None;
                service.uptime_s = None;
                service.cpu_percent = None;
                service.rss_bytes = None;
            }
            _ => {}
        }
    }
    all
}

pub(crate) fn machines() -> Vec<v1::Machine> {
    let request = |name: &str, destructive: bool, blocked: Vec<v1::Condition>| v1::AllowedRequest {
        request: name.into(),
        blocked_by: blocked,
        destructive,
    };
    let host_requests = |on: bool| {
        let is = |text: &str| vec![condition("already", "host", text, "")];
        vec![
            request("on", false, if on { is("it is on already") } else { vec![] }),
            request("off", true, if on { vec![] } else { is("it is not running") }),
            request("force-off", true, vec![]),
            request("reset", true, if on { vec![] } else { is("it is not running") }),
            request("cycle", true, if on { vec![] } else { is("it is not running") }),
            request("nmi", true, if on { vec![] } else { is("it is not running") }),
        ]
    };
    let host = |name: &str, state: &str, requested: &str, age: f64| v1::Machine {
        name: name.into(),
        kind: v1::MachineKind::Host.into(),
        state: state.into(),
        requested: requested.into(),
        state_age_s: age,
        parent: "chassis".into(),
        ..Default::default()
    };
    vec![
        v1::Machine {
            name: "chassis".into(),
            kind: v1::MachineKind::Chassis.into(),
            state: "on".into(),
            requested: "on".into(),
            state_age_s: 3_980.0,
            cause: "power-good rose".into(),
            requests: vec![
                request("on", false, vec![condition("already", "chassis", "it is on already", "")]),
                request("off", true, vec![]),
                request("cycle", true, vec![]),
                request("emergency-off", true, vec![]),
            ],
            ..Default::default()
        },
        v1::Machine {
            cause: "the operating system said that it has started".into(),
            requests: host_requests(true),
            restoration: Some(v1::Restoration {
                chosen: true,
                boot_attempts_left: Some(3),
                ..restoration("last-state", 30.0)
            }),
            ..host("host.0", "running", "on", 3_724.0)
        },
        v1::Machine {
            overrides: vec![v1::InterlockOverride {
                condition: "supply-budget".into(),
                actor: "uid 0 (root)".into(),
                reason: "psu.0 is being replaced".into(),
                expires_in_s: 1_140.0,
            }],
            restoration: Some(v1::Restoration {
                once: "always-off".into(),
                boot_attempts_left: Some(2),
                ..restoration("always-on", 0.0)
            }),
            transitional: true,
            operation: "op-17".into(),
            timeout_in_s: Some(6.4),
            cause: "requested by uid 0 (root)".into(),
            reason: "waiting for power-good of host.1".into(),
            requests: vec![
                request(
                    "on",
                    false,
                    vec![condition(
                        "operation-running",
                        "host.1",
                        "op-17 is bringing it up",
                        "wait for op-17, or cancel it",
                    )],
                ),
                request("off", true, vec![]),
                request("force-off", true, vec![]),
            ],
            ..host("host.1", "powering-on", "on", 1.6)
        },
        v1::Machine {
            name: "bmc".into(),
            kind: v1::MachineKind::Bmc.into(),
            state: "ready".into(),
            state_age_s: 4_204.0,
            cause: "every group is up".into(),
            requests: vec![request("maintenance-on", false, vec![])],
            ..Default::default()
        },
    ]
}

fn restoration(policy: &str, delay_s: f64) -> v1::Restoration {
    v1::Restoration { policy: policy.into(), delay_s, boot_attempts: Some(3), ..Default::default() }
}

/// Requests that wait for their time.
pub(crate) fn schedules() -> v1::ListSchedulesResponse {
    let one = |id: &str, machine: &str, request: &str, in_s: f64, held_by: &str| v1::Schedule {
        id: id.into(),
        machine: machine.into(),
        request: request.into(),
        at_s: WALL_S + in_s,
        in_s,
        requested_by: "uid 0 (root)".into(),
        request_reason: "maintenance window".into(),
        held_by: held_by.into(),
    };
    v1::ListSchedulesResponse {
        schedules: vec![
            one("at-3", "host.1", "off", 1_830.0, ""),
            one("at-2", "host.0", "reset", 0.0, "op-17 is bringing host.1 up"),
        ],
    }
}

pub(crate) fn operations() -> Vec<v1::Operation> {
    use v1::StepState::{Failed, Pending, Running, Skipped, Succeeded};
    let step = |name: &str, state: v1::StepState, took: Option<f64>, detail: &str| v1::Step {
        name: name.into(),
        state: state.into(),
        duration_s: took,
        detail: detail.into(),
    };
    vec![
        v1::Operation {
            id: "op-12".into(),
            kind: "host-on".into(),
            target: "host.0".into(),
            state: v1::OperationState::Succeeded.into(),
            steps: vec![
                step("interlocks", Succeeded, Some(0.001), ""),
                step("enable rail host.0", Succeeded, Some(0.25), ""),
                step("wait for power-good", Succeeded, Some(1.1), ""),
                step("wait for the operating system", Succeeded, Some(11.4), ""),
            ],
            requested_by: "uid 0 (root)".into(),
            age_s: 3_740.0,
            duration_s: Some(12.8),
            progress: 1.0,
            ..Default::default()
        },
        v1::Operation {
            id: "op-15".into(),
            kind: "service-restart".into(),
            target: "demo-web".into(),
            state: v1::OperationState::Failed.into(),
            steps: vec![
                step("stop demo-needs-web", Succeeded, Some(0.2), ""),
                step("stop demo-web", Succeeded, Some(0.1), ""),
                step("start demo-web", Failed, Some(10.0), "not ready within 10 s"),
                step("start demo-needs-web", Skipped, None, ""),
            ],
            reason: "demo-web was not ready within 10 s".into(),
            requested_by: "uid 1000 (kim)".into(),
            age_s: 310.0,
            duration_s: Some(10.4),
            progress: 0.75,
            ..Default::default()
        },
        v1::Operation {
            id: "op-17".into(),
            kind: "host-on".into(),
            target: "host.1".into(),
            state: v1::OperationState::Running.into(),
            steps: vec![
                step("interlocks", Succeeded, Some(0.001), "9 conditions hold"),
                step("enable rail host.1", Succeeded, Some(0.25), "power-host1-on"),
                step("wait for power-good", Running, Some(1.3), "power-good-host1 is low"),
                step("wait for the operating system", Pending, None, ""),
            ],
            reason: "waiting for power-good of host.1".into(),
            requested_by: "uid 0 (root)".into(),
            request_reason: "psu.0 was replaced".into(),
            age_s: 1.6,
            expected_s: Some(12.8),
            bound_s: Some(140.0),
            affects: vec!["host.1".into(), "rail p1v8_h1".into(), "service host-bridge".into()],
            cause: 102,
            progress: 0.5,
            ..Default::default()
        },
    ]
}

/// The plan that the daemon makes for `request` to `machine`.
pub(crate) fn plan(machine: &str, request: &str) -> v1::Operation {
    let step = |name: &str| v1::Step { name: name.into(), state: v1::StepState::Pending.into(), ..Default::default() };
    v1::Operation {
        id: String::new(),
        kind: format!("host-{request}"),
        target: machine.into(),
        state: v1::OperationState::Planned.into(),
        steps: vec![step("interlocks"), step(&format!("disable rail {machine}")), step("wait for power-good to fall")],
        revision: "r7".into(),
        affects: vec![machine.into(), "rail p1v8_h0".into(), "service demo-web".into()],
        expected_s: Some(4.5),
        bound_s: Some(130.0),
        ..Default::default()
    }
}

pub(crate) fn sensors() -> Vec<v1::Sensor> {
    use v1::SensorKind::{Current, FanSpeed, Humidity, Power, Voltage};

    let temperature = |name: &str, value: f64, warning: f64| v1::Sensor {
        name: name.into(),
        kind: v1::SensorKind::Temperature.into(),
        unit: "°C".into(),
        value: Some(value),
        quality: v1::Quality::Good.into(),
        age_s: Some(0.4),
        status: v1::SensorStatus::Ok.into(),
        thresholds: Some(v1::Thresholds {
            warning_high: Some(warning),
            critical_high: Some(warning + 10.0),
            fatal_high: Some(warning + 15.0),
            hysteresis: 2.0,
            ..Default::default()
        }),
        minimum: Some(value - 11.5),
        maximum: Some(value + 3.25),
        interval_s: 1.0,
        ..Default::default()
    };
    let other =
        |name: &str, kind: v1::SensorKind, unit: &str, value: f64, low: Option<f64>, high: Option<f64>| v1::Sensor {
            kind: kind.into(),
            unit: unit.into(),
            thresholds: Some(v1::Thresholds { warning_low: low, warning_high: high, ..Default::default() }),
            minimum: Some(value * 0.99),
            maximum: Some(value * 1.01),
            ..temperature(name, value, 0.0)
        };
    let mut all = vec![
        v1::Sensor {
            quality: v1::Quality::Stale.into(),
            status: v1::SensorStatus::Unknown.into(),
            age_s: Some(12.0),
            reason: "the bus i2c-3 does not answer".into(),
            ..temperature("inlet_temp", 24.1, 40.0)
        },
        temperature("outlet_temp", 38.6, 60.0),
        v1::Sensor { description: "Package temperature of host.0".into(), ..temperature("host0_cpu_temp", 71.2, 85.0) },
        temperature("host1_cpu_temp", 33.9, 85.0),
        temperature("host0_dimm_temp", 52.0, 80.0),
        v1::Sensor {
            quality: v1::Quality::Unpowered.into(),
            status: v1::SensorStatus::Unknown.into(),
            value: None,
            age_s: None,
            minimum: None,
            maximum: None,
            reason: "host.1 is off".into(),
            ..temperature("host1_dimm_temp", 0.0, 80.0)
        },
        temperature("psu0_temp", 41.7, 75.0),
        v1::Sensor { status: v1::SensorStatus::Warning.into(), ..temperature("psu1_temp", 76.3, 75.0) },
        other("psu0_power", Power, "W", 312.0, None, Some(750.0)),
        other("psu1_power", Power, "W", 287.4, None, Some(750.0)),
        other("p12v", Voltage, "V", 12.043, Some(11.4), Some(12.6)),
        other("p3v3", Voltage, "V", 3.298, Some(3.135), Some(3.465)),
        other("p5v", Voltage, "V", 5.021, Some(4.75), Some(5.25)),
        other("host0_current", Current, "A", 21.37, None, Some(40.0)),
        other("host1_current", Current, "A", 0.42, None, Some(40.0)),
        other("humidity", Humidity, "%", 41.0, Some(8.0), Some(80.0)),
    ];
    for fan in 0..6 {
        let speed = 6_240.0 + f64::from(fan) * 31.0;
        all.push(other(&format!("fan{fan}_speed"), FanSpeed, "RPM", speed, Some(1_000.0), None));
    }
    for slot in 0..8 {
        all.push(temperature(&format!("nvme{slot}_temp"), 36.0 + f64::from(slot), 65.0));
    }
    all
}

pub(crate) fn history() -> v1::GetSensorHistoryResponse {
    let points = (0..120_i32).rev().map(|age| v1::HistoryPoint {
        age_s: f64::from(age),
        // A hole of eight seconds, as after a failed read.
        value: (!(40..48).contains(&age)).then(|| 66.0 + 6.0 * (f64::from(120 - age) / 17.0).sin()),
    });
    v1::GetSensorHistoryResponse { points: points.collect(), unit: "°C".into() }
}

pub(crate) fn zones() -> v1::ZonesSnapshot {
    let term = |name: &str, value: f64, unit: &str| v1::Term { name: name.into(), value, unit: unit.into() };
    let point = |temperature: f64, duty: f64| v1::CurvePoint { temperature, duty };
    let cpu = v1::Zone {
        name: "cpu".into(),
        state: v1::ZoneState::Controlled.into(),
        duty: 58.0,
        driver: "host0_cpu_temp via cpu-curve".into(),
        sensors: vec!["host0_cpu_temp".into(), "host1_cpu_temp".into()],
        fans: (0..4).map(|fan| format!("fan.{fan}")).collect(),
        controllers: vec![
            v1::Controller {
                name: "cpu-curve".into(),
                kind: "linear".into(),
                sensors: vec!["host0_cpu_temp".into(), "host1_cpu_temp".into()],
                curve: vec![point(40.0, 25.0), point(60.0, 40.0), point(75.0, 65.0), point(85.0, 100.0)],
                input: Some(71.2),
                output: Some(58.0),
                ..Default::default()
            },
            v1::Controller {
                name: "dimm-steps".into(),
                kind: "stepwise".into(),
                sensors: vec!["host0_dimm_temp".into()],
                curve: vec![point(30.0, 20.0), point(50.0, 35.0), point(70.0, 80.0)],
                input: Some(52.0),
                output: Some(35.0),
                ..Default::default()
            },
        ],
        floor: 20.0,
        ceiling: 100.0,
        failsafe_duty: 90.0,
        reason: "host0_cpu_temp at 71.2 °C asks for 58 % by cpu-curve".into(),
        terms: vec![
            term("cpu-curve", 58.0, "%"),
            term("dimm-steps", 35.0, "%"),
            term("ceiling", 58.0, "%"),
            term("floor", 58.0, "%"),
        ],
        state_age_s: 4_100.0,
        ..v1::Zone::default()
    };
    let system = v1::Zone {
        name: "system".into(),
        state: v1::ZoneState::Failsafe.into(),
        duty: 90.0,
        driver: "fail-safe: inlet_temp stale".into(),
        sensors: vec!["inlet_temp".into(), "outlet_temp".into()],
        fans: vec!["fan.4".into(), "fan.5".into()],
        controllers: vec![v1::Controller {
            name: "outlet-pid".into(),
            kind: "pid".into(),
            sensors: vec!["outlet_temp".into()],
            input: Some(38.6),
            output: Some(31.0),
            set_point: Some(45.0),
            terms: vec![term("P", -12.8, "%"), term("I", 43.8, "%"), term("D", 0.0, "%")],
            ..Default::default()
        }],
        floor: 20.0,
        ceiling: 100.0,
        failsafe_duty: 90.0,
        reason: "inlet_temp is stale, so the fans turn at their fail-safe speed".into(),
        terms: vec![term("outlet-pid", 31.0, "%"), term("fail-safe", 90.0, "%")],
        state_age_s: 11.0,
        ..v1::Zone::default()
    };
    let fan = |index: u32, zone: &str, duty: f64, mode: v1::FanMode| v1::Fan {
        name: format!("fan.{index}"),
        rpm: Some(duty * 108.0 + f64::from(index) * 7.0),
        duty,
        mode: mode.into(),
        zone: zone.into(),
        health: v1::Health::Healthy.into(),
        expected_rpm: Some(duty * 110.0),
        ..Default::default()
    };
    let mut fans: Vec<v1::Fan> = (0..4).map(|index| fan(index, "cpu", 58.0, v1::FanMode::Auto)).collect();
    fans.extend((4..6).map(|index| fan(index, "system", 90.0, v1::FanMode::Failsafe)));
    fans[2] = v1::Fan { override_left_s: Some(141.0), duty: 75.0, ..fan(2, "cpu", 75.0, v1::FanMode::Manual) };
    fans[3] = v1::Fan {
        rpm: Some(1_210.0),
        health: v1::Health::Unhealthy.into(),
        reason: "turns at 1210 instead of 6380 RPM".into(),
        ..fans[3].clone()
    };
    let system = v1::Zone { trip: Some(crate::details::trip()), ..system };
    v1::ZonesSnapshot { zones: vec![cpu, system], fans, seq: 40 }
}

/// The n-th event, from 1.
pub(crate) fn event(seq: u64) -> v1::Event {
    use v1::Severity::{Debug, Error, Info, Notice, Warning};
    let (subject, severity, text, actor) = match seq % 8 {
        0 => ("service.demo-flaky.exited", Warning, "demo-flaky ended with exit code 7", ""),
        1 => ("service.demo-flaky.started", Info, "demo-flaky was started (pid 977)", ""),
        2 => ("state.host.1.transition", Notice, "host.1 went from off to powering-on: request on", "uid 0 (root)"),
        3 => ("sensor.inlet_temp.quality", Warning, "inlet_temp is stale: the bus i2c-3 does not answer", ""),
        4 => ("thermal.system.failsafe", Warning, "zone system turns its fans at the fail-safe speed of 90 %", ""),
        5 => {
            ("service.demo-web.health", Error, "demo-web is unhealthy: HTTP 503 from http://localhost:9090/health", "")
        }
        6 => ("operation.op-17.started", Info, "op-17 host-on host.1 was accepted", "uid 0 (root)"),
        _ => ("service.demo-chatty.output", Debug, "18 lines of demo-chatty were dropped", ""),
    };
    let fields = [
        ("pid", prost_types::value::Kind::NumberValue(977.0)),
        ("unit", prost_types::value::Kind::StringValue("demo".into())),
    ];
    let fields = fields.into_iter().map(|(name, kind)| (name.to_owned(), prost_types::Value { kind: Some(kind) }));
    v1::Event {
        seq,
        time_s: WALL_S - 60.0 + seq as f64,
        mono_s: 4_150.0 + seq as f64,
        subject: subject.into(),
        source: subject.split('.').next().unwrap_or_default().into(),
        severity: severity.into(),
        cause: 100 + seq / 3,
        actor: actor.into(),
        text: text.into(),
        payload: Some(prost_types::Struct { fields: fields.collect() }),
    }
}

pub(crate) fn leds() -> v1::ListLedsResponse {
    let led = |name: &str, role: &str, pattern: v1::LedPattern, reason: &str| v1::Led {
        name: name.into(),
        role: role.into(),
        pattern: pattern.into(),
        reason: reason.into(),
        ..v1::Led::default()
    };
    v1::ListLedsResponse {
        leds: vec![
            led("led.power", "power", v1::LedPattern::On, "chassis is on"),
            led("led.status", "status", v1::LedPattern::Blink, "host.1 is powering on"),
            led("led.fault", "fault", v1::LedPattern::On, "fan.3 is unhealthy"),
            led("led.identify", "identify", v1::LedPattern::Off, "nobody asked"),
        ],
    }
}

pub(crate) fn items() -> v1::ListItemsResponse {
    let item = |name: &str, kind: &str, product: &str| v1::InventoryItem {
        name: name.into(),
        kind: kind.into(),
        present: Some(true),
        manufacturer: "ubmc".into(),
        product: product.into(),
        part_number: "SIM-2U-01".into(),
        serial_number: "S0042A17".into(),
    };
    v1::ListItemsResponse {
        items: vec![
            item("chassis", "chassis", "Simulated 2U two-node server"),
            item("host.0", "board", "Simulated node"),
            item("host.1", "board", "Simulated node"),
            item("psu.0", "power-supply", "800 W Platinum"),
        ],
    }
}

pub(crate) fn rails() -> v1::ListRailsResponse {
    let rail = |name: &str, enabled, good| v1::Rail {
        name: name.into(),
        enabled,
        power_good: Some(good),
        control_signal: format!("power-{name}-on"),
        good_signal: format!("power-good-{name}"),
        machine: name.into(),
        ..v1::Rail::default()
    };
    v1::ListRailsResponse {
        rails: vec![
            rail("chassis", true, true),
            rail("host.0", true, true),
            v1::Rail { progress: "host-on 3/7: p1v8_h1 until good".into(), ..rail("host.1", true, false) },
            v1::Rail { machine: "chassis".into(), voltage: Some(12.043), ..rail("p12v", true, true) },
            v1::Rail {
                machine: "chassis".into(),
                requires: vec!["p12v".into()],
                voltage: Some(4.02),
                ..rail("p5v", true, false)
            },
            v1::Rail { machine: "host.0".into(), requires: vec!["p12v".into()], ..rail("p1v8_h0", true, true) },
            v1::Rail {
                machine: "host.1".into(),
                requires: vec!["p12v".into()],
                progress: "host-on 3/7: p1v8_h1 until good".into(),
                ..rail("p1v8_h1", true, false)
            },
        ],
    }
}

pub(crate) fn supplies() -> v1::ListSuppliesResponse {
    let supply = |name: &str, watts: f64, celsius: f64| v1::Supply {
        name: name.into(),
        present: Some(true),
        power_good: Some(true),
        power_w: Some(watts),
        temperature: Some(celsius),
        health: v1::Health::Healthy.into(),
        rated_w: 800.0,
        fault_registers: Vec::new(),
        fault_age_s: None,
    };
    v1::ListSuppliesResponse {
        supplies: vec![supply("psu.0", 312.0, 41.7), supply("psu.1", 287.4, 76.3)],
        redundant: true,
    }
}
