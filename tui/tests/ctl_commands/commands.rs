//! Commands that end by themselves.

use std::process::Stdio;

use crate::{Ended, Running, fake::Fake, run, ubmcctl};

/// The exit code, and what must be on each stream.
pub(crate) struct Expect {
    pub line: &'static str,
    pub code: i32,
    pub stdout: &'static [&'static str],
    pub stderr: &'static [&'static str],
}

#[test]
fn each_end_has_its_exit_code_and_says_why() {
    check(&[
        Expect {
            line: "host on host.0 --wait",
            code: 0,
            stdout: &["host.0 on: succeeded after 500ms (op-succeeds)\n"],
            stderr: &[],
        },
        Expect {
            line: "host on host.0",
            code: 0,
            stdout: &["host.0 on: accepted as op-succeeds\nfollow it with: ubmcctl operations watch op-succeeds\n"],
            stderr: &[],
        },
        Expect {
            line: "host cycle host.0 --wait",
            code: 1,
            stdout: &[],
            stderr: &["error: host.0 on failed after 500ms and was rolled back: step `wait for power-good` failed"],
        },
        Expect {
            line: "host off host.0 --wait --timeout 0.3",
            code: 6,
            stdout: &[],
            stderr: &["has not ended within 300ms; op-never-ends goes on", "ubmcctl operations cancel op-never-ends"],
        },
        Expect {
            line: "host restart host.0 --wait",
            code: 1,
            stdout: &[],
            stderr: &["error: ubmcd was restarted while host.0 on ran (op-is-lost): how it ended is not known\n"],
        },
        Expect {
            line: "host force-off host.0 --timeout 0.3",
            code: 6,
            stdout: &[],
            stderr: &["error: ubmcd has not answered within 300ms\n"],
        },
        Expect {
            line: "host nmi host.0",
            code: 7,
            stdout: &[],
            stderr: &["error: uid 1000 is a viewer; `nmi` takes an operator\n"],
        },
        Expect {
            line: "host reset host.0",
            code: 4,
            stdout: &[],
            stderr: &[
                "error: host.0 cannot do this now\n  - zone cpu is over its limit\n    resolve: let it cool below \
                       90 °C\n  - host.0: op-3 drives host.0\n",
            ],
        },
        Expect {
            line: "services stop db",
            code: 4,
            stdout: &[],
            stderr: &["`web` runs and needs it\n    resolve: stop `web` first, or use --force\n"],
        },
        Expect {
            line: "host on host.9",
            code: 5,
            stdout: &[],
            stderr: &["error: no machine is named `host.9`; did you mean `host.0`?\n"],
        },
        Expect {
            line: "host off chassis",
            code: 5,
            stdout: &[],
            stderr: &["error: `chassis` is no host: use `ubmcctl chassis …` for it\n"],
        },
        Expect { line: "services status wbe", code: 5, stdout: &[], stderr: &["did you mean `web`?"] },
        Expect { line: "operations watch op-rolls-back", code: 1, stdout: &["op-rolls-back host.0 on: "], stderr: &[] },
        Expect {
            line: "host off host.0 --plan",
            code: 0,
            stdout: &["plan · host.0 off", "usually   12s", "revision  r1", "wait for power-good"],
            stderr: &[],
        },
        Expect { line: "services reset web", code: 1, stdout: &[], stderr: &["this ubmcd does not offer that"] },
        Expect { line: "services logs web -n 2", code: 0, stdout: &["| boot-1 line 2\n"], stderr: &[] },
    ]);
}

/// Runs each line against one fake.
pub(crate) fn check(table: &[Expect]) {
    let (_fake, _directory, socket) = Fake::new();
    for expect in table {
        let Ended { code, stdout, stderr } = run(&socket, expect.line);
        assert_eq!(code, Some(expect.code), "{}: {stdout}{stderr}", expect.line);
        for (stream, texts) in [(&stdout, expect.stdout), (&stderr, expect.stderr)] {
            for text in texts {
                assert!(stream.contains(text), "{}: {text:?} is not in:\n{stream}", expect.line);
            }
        }
        if expect.stdout.is_empty() {
            assert_eq!(stdout, "", "{}: nothing to answer, nothing on stdout", expect.line);
        }
        if expect.code == 0 {
            assert_eq!(stderr, "", "{}: no progress without a terminal", expect.line);
        }
    }
}

#[test]
fn nobody_there_is_exit_code_3() {
    let directory = tempfile::tempdir().unwrap();
    let ended = run(&directory.path().join("none.sock"), "platform status");
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("there is no such socket"), "{}", ended.stderr);
}

#[test]
fn completions_and_man_pages_need_no_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = directory.path().join("none.sock");
    for (line, expected) in [
        ("completions bash", "_ubmcctl()"),
        ("completions zsh", "#compdef ubmcctl"),
        ("man", ".TH ubmcctl 1"),
        ("--version", "ubmcctl 0."),
        ("services reload --help", "--dry-run"),
    ] {
        let ended = run(&nobody, line);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{line}");
        assert!(ended.stdout.contains(expected), "{line}: {}", ended.stdout);
    }
    let pages = directory.path().join("man");
    std::fs::create_dir(&pages).unwrap();
    assert_eq!(run(&nobody, &format!("man {}", pages.display())).code, Some(0));
    for page in ["ubmcctl.1", "ubmcctl-services-reload.1", "ubmcctl-boot-critical-path.1", "ubmcctl-why.1"] {
        assert!(pages.join(page).exists(), "{page}");
    }
}

#[test]
fn each_verb_says_what_it_forces() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = directory.path().join("none.sock");
    for (line, expected) in [
        ("services start --help", "Skip pre-flight checks, and restart what runs already"),
        ("services stop --help", "Stop running dependents too"),
        ("platform restart --help", "Skip pre-flight checks"),
    ] {
        assert!(run(&nobody, line).stdout.contains(expected), "{line}");
    }
}

#[test]
fn a_socket_that_this_user_may_not_open_is_exit_code_7() {
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};

    let (_fake, _directory, socket) = Fake::new();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o000)).unwrap();
    for line in ["platform status", "events tail"] {
        let mut command = ubmcctl(&socket);
        command.args(line.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if rustix::process::geteuid().is_root() {
            // Rights mean nothing to root.
            command.uid(65_534).gid(65_534);
        }
        let ended = Running::new(command.spawn().unwrap()).end();
        assert_eq!(ended.code, Some(7), "{line}: {ended:?}");
        assert!(ended.stderr.contains("this user may not open ubmcd's socket"), "{line}: {}", ended.stderr);
    }
}

#[test]
fn json_is_one_document_and_jsonl_one_object_a_line() {
    let (_fake, _directory, socket) = Fake::new();
    let document = run(&socket, "services list --output json");
    let parsed: serde_json::Value = serde_json::from_str(&document.stdout).unwrap();
    let names: Vec<_> = parsed.as_array().unwrap().iter().map(|service| service["name"].clone()).collect();
    assert_eq!(names, ["db", "web"]);

    let lines = run(&socket, "services list --output jsonl");
    let names: Vec<_> = lines
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["name"].clone())
        .collect();
    assert_eq!(names, ["db", "web"]);
}

#[test]
fn a_programs_error_is_one_json_object_on_stderr_with_every_condition() {
    let (_fake, _directory, socket) = Fake::new();
    let refused = run(&socket, "host reset host.0 --output json");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(4), ""));
    let error: serde_json::Value = serde_json::from_str(&refused.stderr).unwrap();
    let error = &error["error"];
    assert_eq!((&error["code"], &error["reason"]), (&"refused".into(), &"INTERLOCK".into()));
    assert_eq!(error["metadata"]["machine"], "host.0");
    assert_eq!(error["conditions"][0]["remedy"], "let it cool below 90 °C");
    assert_eq!(error["conditions"][1]["remedy"], serde_json::Value::Null);
}

#[test]
fn a_failed_operation_is_still_printed_for_programs() {
    let (_fake, _directory, socket) = Fake::new();
    let ended = run(&socket, "host cycle host.0 --wait -o json");
    assert_eq!(ended.code, Some(1));
    let operation: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&operation["id"], &operation["state"]), (&"op-rolls-back".into(), &"rolled-back".into()));
    assert_eq!(operation["steps"][0]["state"], "failed");
}
