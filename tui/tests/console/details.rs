//! More of the canned board: what is asked for only when somebody looks.

use ubmc_proto::v1;

/// What a host can do.
pub(crate) fn graph() -> v1::MachineGraph {
    let state = |name: &str, timeout_s: Option<f64>, description: &str| v1::GraphState {
        name: name.into(),
        transitional: timeout_s.is_some(),
        timeout_s,
        description: description.into(),
    };
    let transition = |(from, on, to): (&str, &str, &str)| v1::GraphTransition {
        from: from.into(),
        to: to.into(),
        on: on.into(),
        guard: String::new(),
    };
    let transitions = [
        ("off", "request on", "powering-on"),
        ("off", "power-good rises", "booting"),
        ("powering-on", "power-good rises", "booting"),
        ("powering-on", "request off", "powering-off"),
        ("powering-on", "request force-off", "powering-off"),
        ("powering-on", "timeout", "off"),
        ("booting", "power-good falls", "off"),
        ("booting", "post-complete rises", "running"),
        ("booting", "request off", "shutting-down"),
        ("booting", "timeout", "quiesced"),
        ("running", "power-good falls", "off"),
        ("running", "request off", "shutting-down"),
        ("running", "request force-off", "powering-off"),
        ("shutting-down", "power-good falls", "off"),
        ("shutting-down", "timeout", "powering-off"),
        ("powering-off", "power-good falls", "off"),
        ("powering-off", "timeout", "error"),
        ("quiesced", "request force-off", "powering-off"),
    ];
    v1::MachineGraph {
        name: "host.1".into(),
        current: "powering-on".into(),
        states: vec![
            state("off", None, "No power."),
            state("powering-on", Some(10.0), "Power was switched on; waiting for power-good."),
            state("booting", Some(120.0), "Power is good; the firmware has not finished."),
            state("running", None, "The host is up."),
            state("shutting-down", Some(60.0), "The host was asked to shut down."),
            state("powering-off", Some(10.0), "Power was switched off; waiting for power-good to fall."),
            state("quiesced", None, "It does not answer."),
            state("error", None, "It stays on although it was switched off."),
        ],
        transitions: transitions.into_iter().map(transition).collect(),
    }
}

/// What would follow if `demo-web` were stopped.
pub(crate) fn what_if() -> v1::WhatIfStoppedResponse {
    let one = |subject: &str, text: &str| v1::Consequence {
        subject: subject.into(),
        kind: "stops".into(),
        text: text.into(),
    };
    v1::WhatIfStoppedResponse {
        consequences: vec![
            one("service demo-needs-web", "demo-needs-web stops first: it needs demo-web"),
            one("service demo-web", "demo-web stops"),
        ],
        obstacles: vec![v1::Condition {
            kind: "still-needed".into(),
            subject: "service demo-needs-web".into(),
            text: "demo-needs-web is running and needs demo-web".into(),
            remedy: "stop it too".into(),
            since_s: None,
            severity: 0,
        }],
    }
}

/// Why `demo-flaky` is not as it is wanted.
pub(crate) fn why(name: &str) -> v1::WhyResponse {
    let link = |text: &str, remedy: &str, since_s: f64| v1::Condition {
        kind: "state".into(),
        subject: format!("service {name}"),
        text: text.into(),
        remedy: remedy.into(),
        since_s: Some(since_s),
        severity: 0,
    };
    v1::WhyResponse {
        name: name.into(),
        kind: "service".into(),
        as_desired: false,
        answer: format!("{name} is waiting because bmc-setup has failed: exit code 2 after 1.2 s"),
        chain: vec![
            link(&format!("{name} waits for demo-db"), "", 4_190.0),
            link("demo-db is given up: it needs bmc-setup, which has failed", "", 4_180.0),
            link(
                "bmc-setup has failed: exit code 2 after 1.2 s",
                "look at its log, then start it again: ubmcctl services start bmc-setup",
                4_170.0,
            ),
        ],
    }
}

/// Who owns which line.
pub(crate) fn resources() -> v1::ListResourcesResponse {
    use v1::ResourceKind::{GpioLine, HwmonChannel, Pwm};
    let one = |kind: v1::ResourceKind, name: &str, owner: &str, user: &str, reachable: Option<bool>| v1::Resource {
        kind: kind.into(),
        name: name.into(),
        owner: owner.into(),
        used_by: if user.is_empty() { Vec::new() } else { vec![user.into()] },
        reachable,
        error: if reachable == Some(false) { "no acknowledge from 7-0052".into() } else { String::new() },
    };
    v1::ListResourcesResponse {
        resources: vec![
            one(
                GpioLine,
                "power-chassis-good",
                "signal chassis-power-good",
                "machine chassis (power-good)",
                Some(true),
            ),
            one(Pwm, "7-0052/pwm1", "fan fan.0", "zone cpu", Some(false)),
            one(HwmonChannel, "7-0052/fan1_input", "sensor fan0_speed", "", None),
        ],
    }
}

/// What is broken on the simulated board, and what can be.
pub(crate) fn faults() -> v1::ListFaultsResponse {
    let kind = |kind: &str, description: &str, targets: &[&str]| v1::FaultKind {
        kind: kind.into(),
        description: description.into(),
        targets: targets.iter().map(|one| (*one).to_owned()).collect(),
    };
    v1::ListFaultsResponse {
        active: vec![v1::Fault { kind: "fan-fail".into(), target: "fan.3".into(), value: None }],
        kinds: vec![
            kind("fan-fail", "The fan stands still.", &["fan.0", "fan.3"]),
            kind("psu-absent", "The supply is pulled.", &["psu.0", "psu.1"]),
        ],
    }
}

/// What was when a zone tripped.
pub(crate) fn trip() -> v1::Trip {
    v1::Trip {
        why: "host0_cpu_temp passed 105.0 °C: hosts were switched off".into(),
        age_s: 1_830.0,
        parts: vec![
            v1::TripPart {
                sensor: "host0_cpu_temp".into(),
                unit: "°C".into(),
                value: Some(106.2),
                quality: v1::Quality::Good.into(),
                worst_case: None,
                limit: Some(105.0),
            },
            v1::TripPart {
                sensor: "host0_dimm_temp".into(),
                unit: "°C".into(),
                value: None,
                quality: v1::Quality::Failed.into(),
                worst_case: Some(88.0),
                limit: Some(95.0),
            },
        ],
        fans: vec![v1::TripFan { name: "fan.4".into(), rpm: Some(11_900.0), duty: 100.0 }],
    }
}
