//! What supervision is asked beyond starting and stopping: pre-flight, reload, why, boot.

use crate::{
    commands::{Expect, check},
    fake::{Asked, Fake},
    run,
};

#[test]
fn questions_have_answers_for_people_and_exit_codes_for_scripts() {
    check(&[
        Expect {
            line: "services check host-on",
            code: 0,
            stdout: &[
                "host-on · ready · 1 of 1 required services are\n\nNAME  STATE    READY  WHY\nweb   running  yes\n",
            ],
            stderr: &[],
        },
        Expect {
            line: "services check update",
            code: 1,
            stdout: &["update · not ready", "web   backoff  no     next start in 3 s"],
            stderr: &[],
        },
        Expect {
            line: "services check nothing",
            code: 5,
            stdout: &[],
            stderr: &["no service is required for `nothing`"],
        },
        Expect {
            line: "services validate db web",
            code: 0,
            stdout: &["2 services · 2 valid · 0 invalid\n"],
            stderr: &[],
        },
        Expect {
            line: "services validate",
            code: 1,
            stdout: &[
                "3 services · 2 valid · 1 invalid\n",
                "coredns · invalid",
                "port 53 is taken by dnsmasq (pid 812)\n    resolve: stop dnsmasq",
            ],
            stderr: &[],
        },
        Expect { line: "services validate wbe", code: 5, stdout: &[], stderr: &["no service is named `wbe`"] },
        Expect {
            line: "services readiness",
            code: 0,
            stdout: &["3 services · 1 ready · 1 can start · 1 not ready\n", "not ready  port 53 is taken by dnsmasq"],
            stderr: &[],
        },
        Expect {
            line: "services reload --dry-run",
            code: 0,
            stdout: &[
                "not done, this is what would change: 1 changed\n\n~ web  web is restarted\n       differs in args, env\n",
            ],
            stderr: &[],
        },
        Expect {
            line: "services reload",
            code: 0,
            stdout: &[
                "the new configuration holds: 1 changed",
                "NOTES\n  - board files are read at the start only",
                "accepted as op-succeeds",
            ],
            stderr: &[],
        },
        Expect {
            line: "services reload --wait",
            code: 0,
            stdout: &["the new configuration holds", "host.0 on: succeeded after 500ms (op-succeeds)"],
            stderr: &[],
        },
        Expect {
            line: "services reload --reason broken",
            code: 4,
            stdout: &[],
            stderr: &[
                "error: the new configuration is refused; nothing was changed\n\nerror: unknown key `dependancies`\n  ┌─ \
                 services.toml:3:1\n3 │ dependancies = []\n  │ ^^^^^^^^^^^^ write `dependencies`\n",
            ],
        },
        Expect {
            line: "why web",
            code: 0,
            stdout: &[
                "web is waiting because db has failed: exit code 7\n\nweb is waiting: it needs db (for 3m 12s)\n`- db has \
                 failed: exit code 7 (for 3m 12s)\n   resolve: look at `ubmcctl services logs db`\n",
            ],
            stderr: &[],
        },
        Expect { line: "why wbe", code: 5, stdout: &[], stderr: &["did you mean `web`?"] },
        Expect {
            line: "why db --if-stopped",
            code: 0,
            stdout: &["stopping db would be refused without --force:\n", "  stops  web stops first: it needs db\n"],
            stderr: &[],
        },
        Expect {
            line: "boot timeline",
            code: 0,
            // Without a terminal a chart is 80 columns wide; without a locale it is ASCII.
            stdout: &[
                "started in 2.0s, 2 services\n",
                "\n> web        1.0s    1.0s  ...........................#########",
            ],
            stderr: &[],
        },
        Expect {
            line: "boot critical-path",
            code: 0,
            stdout: &[
                "started in 2.0s; this chain decided it:\n",
                "web      interface  1.0s  2.0s  1.0s   50 %  service db\n",
            ],
            stderr: &[],
        },
    ]);
}

#[test]
fn programs_read_the_same_as_objects() {
    let (_fake, _directory, socket) = Fake::new();
    let json = |line: &str| -> serde_json::Value {
        let ended = run(&socket, &format!("{line} --output json"));
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{line}: {error}: {ended:?}"))
    };
    let check = json("services check update");
    assert_eq!((&check["ready"], &check["services"][0]["reason"]), (&false.into(), &"next start in 3 s".into()));
    let validation = json("services validate");
    assert_eq!((&validation["total"], &validation["invalid"]), (&3.into(), &1.into()));
    assert_eq!(validation["services"][2]["problems"][0]["kind"], "port-taken");
    let readiness = json("services readiness");
    let words: Vec<_> = readiness["services"].as_array().unwrap().iter().map(|one| one["readiness"].clone()).collect();
    assert_eq!(words, ["ready", "can-start", "not-ready"]);
    let reload = json("services reload --wait");
    assert_eq!((&reload["applied"], &reload["operation"]["state"]), (&true.into(), &"succeeded".into()));
    assert_eq!(
        (&reload["changes"][0]["kind"], &reload["changes"][0]["effect"]),
        (&"changed".into(), &"restart".into())
    );
    assert_eq!(json("services reload --dry-run")["operation"], serde_json::Value::Null);
    let why = json("why web");
    assert_eq!((&why["chain"][1]["age_s"], &why["as_desired"]), (&192.0.into(), &false.into()));
    assert_eq!(json("why db --if-stopped")["obstacles"][0]["kind"], "dependents-running");
    let boot = json("boot timeline");
    assert_eq!((&boot["took_s"], &boot["services"][1]["own_s"]), (&2.0.into(), &1.0.into()));
    assert_eq!(boot["critical_path"], serde_json::json!(["db", "web"]));
    assert_eq!(json("boot critical-path")["services"][1]["waited_for"], "service db");
    let refused = run(&socket, "services reload --reason broken --output json");
    let error: serde_json::Value = serde_json::from_str(&refused.stderr).unwrap();
    assert_eq!((refused.code, &error["error"]["reason"]), (Some(4), &"CONFIGURATION".into()));
    assert_eq!(error["error"]["conditions"][0]["subject"], "services.toml:3:1");
}

#[test]
fn force_reaches_the_daemon_and_a_dry_run_changes_nothing() {
    let (fake, _directory, socket) = Fake::new();
    for line in [
        "services start web --force",
        "services restart web db --force",
        "platform restart",
        "services reload --dry-run",
    ] {
        assert_eq!(run(&socket, line).code, Some(0), "{line}");
    }
    let asked: Vec<_> = fake.asked.try_iter().collect();
    assert_eq!(
        asked,
        [
            Asked::Start { names: vec!["web".into()], force: true },
            Asked::Restart { names: vec!["web".into(), "db".into()], force: true },
            Asked::Restart { names: Vec::new(), force: false },
            Asked::Reload { dry_run: true },
        ]
    );
}
