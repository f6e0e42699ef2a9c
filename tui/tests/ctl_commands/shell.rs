//! The line shell: on a terminal that can edit, on one that cannot, and as a script.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    Ended, Running,
    fake::{Asked, Fake, Life},
    terminal::OnTerminal,
    ubmcctl,
};

/// The shell on a terminal, its history in a place of its own.
fn shell(socket: &Path, term: &str) -> OnTerminal {
    let state = socket.parent().expect("the socket has a directory").join("state");
    let state = state.to_string_lossy().into_owned();
    OnTerminal::start_in(socket, "shell", &[("TERM", term), ("XDG_STATE_HOME", &state)])
}

fn script_of(mut command: Command, lines: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("ubmcctl starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(lines.as_bytes()).expect("it takes the script");
    drop(stdin);
    Running::new(child).end()
}

/// Lines from a pipe.
fn script(socket: &Path, options: &str, lines: &str) -> Ended {
    let mut command = ubmcctl(socket);
    command.arg("shell").args(options.split_whitespace());
    script_of(command, lines)
}

fn second_life() -> Life {
    Life { boot_id: "boot-2", last_seq: 3, expired: 0, op_ends: false }
}

#[test]
fn a_command_that_was_given_up_while_the_daemon_was_looked_for_is_not_done_later() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("s.sock");
    // It takes connections, and never says a word.
    let _hung = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    let mut shell = shell(&socket, "vt100");
    shell.wait_for("(no connection)> ");
    shell.forget();
    shell.type_keys("host off host.0 --yes\r");
    shell.wait_for("--yes\r\n");
    shell.running.interrupt();
    shell.wait_for("(exit code 130)");
    shell.wait_for("(no connection)> ");
    shell.type_keys("exit\r");
    assert_eq!(shell.end().1, Some(0));
}

#[test]
fn pasted_lines_are_commands_of_their_own_up_to_the_first_that_fails() {
    let (_fake, _directory, socket) = Fake::new();
    let mut shell = shell(&socket, "xterm");
    shell.wait_for("fake-1u> ");
    shell.forget();
    shell.type_keys("\x1b[200~services status web\nservices status nobody\nservices status db\x1b[201~");
    shell.wait_for("status db");
    shell.forget();
    shell.type_keys("\r");
    shell.wait_for("running");
    shell.wait_for("no service is named `nobody`");
    shell.wait_for("(exit code 5)");
    shell.wait_for("1 more line was pasted, and not run");
    shell.wait_for("fake-1u> ");
    shell.type_keys("exit\r");
    assert_eq!(shell.end().1, Some(0));
}

#[test]
fn many_completions_take_one_screen_and_ctrl_c_leaves_them() {
    let (_fake, _directory, socket) = Fake::new();
    let mut shell = shell(&socket, "vt100");
    shell.wait_for("fake-1u> ");
    shell.resize(6, 40);
    shell.forget();
    shell.type_keys("services \t\t");
    shell.wait_for(" more: type on)");
    shell.wait_for("fake-1u> services ");
    assert!(!shell.seen.contains("--More--"), "{}", shell.seen);
    shell.forget();
    shell.type_keys("\x03");
    shell.wait_for("fake-1u> ");
    shell.type_keys("exit\r");
    assert_eq!(shell.end().1, Some(0));
}

#[test]
fn live_names_are_completed_and_the_board_is_in_the_prompt() {
    let (_fake, _directory, socket) = Fake::new();
    let mut shell = shell(&socket, "vt100");
    shell.wait_for("fake-1u> ");
    shell.forget();
    shell.type_keys("services stat\tw\t\r");
    shell.wait_for("web");
    shell.wait_for("running");
    shell.forget();
    shell.type_keys("services logs \t\t");
    shell.wait_for("db   web");
    shell.wait_for("fake-1u> services logs ");
    shell.forget();
    shell.type_keys("\x03");
    shell.wait_for("fake-1u> ");
    shell.forget();
    shell.type_keys("exit\r");
    assert_eq!(shell.end().1, Some(0));
}

#[test]
fn a_failure_says_its_exit_code_and_the_shell_goes_on() {
    let (_fake, _directory, socket) = Fake::new();
    let mut shell = shell(&socket, "vt100");
    shell.wait_for("fake-1u> ");
    shell.forget();
    shell.type_keys("services status wbe\r");
    shell.wait_for("no service is named `wbe`; did you mean `web`?");
    shell.wait_for("(exit code 5)");
    shell.forget();
    shell.type_keys("zones\r");
    shell.wait_for("explain");
    shell.wait_for("(exit code 2)");
    shell.forget();
    shell.type_keys("hsot list\r");
    shell.wait_for("unrecognized subcommand 'hsot'");
    shell.wait_for("`help` lists the commands");
    shell.wait_for("(exit code 2)");
    shell.wait_for("fake-1u> ");
    // Ctrl-C throws the line away, Ctrl-D on an empty one leaves.
    shell.forget();
    shell.type_keys("services stop web");
    shell.wait_for("services stop web");
    shell.forget();
    shell.type_keys("\x03");
    shell.wait_for("fake-1u> ");
    shell.type_keys("\x04");
    assert_eq!(shell.end().1, Some(0));
}

#[test]
fn an_interrupt_ends_the_tail_and_not_the_shell() {
    for term in ["vt100", "dumb"] {
        let (_fake, _directory, socket) = Fake::new();
        let mut shell = shell(&socket, term);
        shell.wait_for("fake-1u> ");
        shell.forget();
        shell.type_keys("events tail --since 2\n");
        shell.wait_for("boot-1 event 3");
        shell.forget();
        shell.running.interrupt();
        shell.wait_for("fake-1u> ");
        shell.forget();
        shell.type_keys("services list\n");
        shell.wait_for("web");
        shell.wait_for("fake-1u> ");
        shell.forget();
        shell.type_keys("exit\n");
        assert_eq!(shell.end().1, Some(0), "{term}");
    }
}

#[test]
fn an_interrupted_question_takes_no_later_line() {
    let (fake, _directory, socket) = Fake::new();
    let mut shell = shell(&socket, "dumb");
    shell.wait_for("fake-1u> ");
    shell.forget();
    shell.type_keys("host off host.0\n");
    shell.wait_for("[y/N] ");
    shell.forget();
    shell.running.interrupt();
    shell.wait_for("(exit code 130)");
    shell.wait_for("fake-1u> ");
    shell.forget();
    shell.type_keys("services start web\n");
    shell.wait_for("accepted as op-succeeds");
    shell.forget();
    shell.type_keys("exit\n");
    assert_eq!(shell.end().1, Some(0));
    let asked: Vec<_> = fake.asked.try_iter().filter(|asked| matches!(asked, Asked::Start { .. })).collect();
    assert_eq!(asked, [Asked::Start { names: vec!["web".to_owned()], force: false }]);
}

#[test]
fn a_lost_daemon_is_told_and_found_again() {
    let (fake, _directory, socket) = Fake::new();
    let mut shell = shell(&socket, "vt100");
    shell.wait_for("fake-1u> ");
    drop(fake);
    shell.forget();
    shell.type_keys("services list\r");
    shell.wait_for("(exit code 3)");
    shell.wait_for("fake-1u (no connection)> ");
    let _fake = Fake::on(&socket, second_life());
    shell.forget();
    shell.type_keys("services status web\r");
    shell.wait_for("connected again");
    shell.wait_for("boot-2");
    shell.wait_for("fake-1u> ");
    shell.forget();
    shell.type_keys("\x04");
    assert_eq!(shell.end().1, Some(0));
}

#[test]
fn a_restart_between_two_commands_is_not_even_noticed() {
    let (fake, _directory, socket) = Fake::new();
    let mut shell = shell(&socket, "vt100");
    shell.wait_for("fake-1u> ");
    drop(fake);
    let _fake = Fake::on(&socket, second_life());
    shell.forget();
    shell.type_keys("services status w\t\r");
    shell.wait_for("boot-2");
    shell.wait_for("fake-1u> ");
    assert!(!shell.seen.contains("exit code"), "{}", shell.seen);
    shell.forget();
    shell.type_keys("quit\r");
    assert_eq!(shell.end().1, Some(0));
}

#[test]
fn lines_are_remembered_by_the_next_shell_except_private_ones() {
    let (_fake, directory, socket) = Fake::new();
    let mut first = shell(&socket, "vt100");
    first.wait_for("fake-1u> ");
    first.forget();
    first.type_keys("services list # the first\r");
    first.wait_for("running");
    first.wait_for("fake-1u> ");
    first.forget();
    first.type_keys(" services status web\rexit\r");
    assert_eq!(first.end().1, Some(0));
    let file = directory.path().join("state/ubmc/shell-history");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.contains("services list # the first\n") && !kept.contains("status web"), "{kept}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "others can read it: {mode:o}");

    let mut second = shell(&socket, "vt100");
    second.wait_for("fake-1u> ");
    // Up twice: `exit` was the last.
    second.forget();
    second.type_keys("\x1b[A\x1b[A\r");
    second.wait_for("services list # the first");
    second.wait_for("running");
    second.forget();
    second.type_keys("exit\r");
    assert_eq!(second.end().1, Some(0));
}

#[test]
fn a_history_that_cannot_be_kept_is_said_once() {
    let (_fake, directory, socket) = Fake::new();
    std::fs::write(directory.path().join("state"), "no directory").unwrap();
    let mut shell = shell(&socket, "vt100");
    shell.wait_for("fake-1u> ");
    shell.type_keys("services list\r\r");
    shell.wait_for("running");
    shell.type_keys("exit\r");
    let (seen, code) = shell.end();
    assert_eq!((seen.matches("lines are not kept after this shell").count(), code), (1, Some(0)), "{seen}");
}

#[test]
fn a_dumb_terminal_gets_no_escape_sequence() {
    let (_fake, _directory, socket) = Fake::new();
    let mut shell = shell(&socket, "dumb");
    shell.wait_for("fake-1u> ");
    for (line, answer) in [
        ("services list", "running"),
        ("host on host.0 --wait", "op-"),
        ("services status nobody", "(exit code 5)"),
        ("nonsense", "(exit code 2)"),
        ("help", "Leaves the shell"),
        ("help host off", "--plan"),
    ] {
        shell.forget();
        shell.type_keys(&format!("{line}\n"));
        shell.wait_for(answer);
        shell.wait_for("fake-1u> ");
        assert!(!shell.seen.contains('\x1b'), "{line}: {:?}", shell.seen);
    }
    shell.forget();
    shell.type_keys("exit\n");
    assert_eq!(shell.end().1, Some(0));
}

#[test]
fn a_script_stops_at_its_first_failure_and_ends_as_that_did() {
    let (fake, _directory, socket) = Fake::new();
    let ended = script(
        &socket,
        "",
        "# what runs\nservices list\n\nubmcctl services start web  # as it stands in a document\nservices status wbe\nservices start db\n",
    );
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(ended.stdout.starts_with("NAME") && !ended.stdout.contains('>'), "{}", ended.stdout);
    assert!(ended.stderr.ends_with("line 5 ended with exit code 5: `services status wbe`\n"), "{}", ended.stderr);
    let started = Asked::Start { names: vec!["web".to_owned()], force: false };
    assert_eq!(fake.asked.try_iter().collect::<Vec<_>>(), [started]);
}

#[test]
fn a_script_that_succeeds_and_one_that_leaves_end_well() {
    let (_fake, _directory, socket) = Fake::new();
    for lines in ["", "services list", "services list\nexit\nservices status wbe\n", "'services' \"list\"\n"] {
        let ended = script(&socket, "", lines);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{lines}");
    }
    let unclosed = script(&socket, "", "services start 'web\n");
    assert_eq!(unclosed.code, Some(2));
    assert!(unclosed.stderr.contains("a quote ' is not closed"), "{}", unclosed.stderr);
}

#[test]
fn what_the_shell_was_told_holds_for_every_command_unless_it_says_otherwise() {
    let (fake, _directory, socket) = Fake::new();
    let lines = "services list\nservices list --output table\nhost off host.0\nhost off host.0 --reason now\n";
    let ended = script(&socket, "--output jsonl --reason maintenance", lines);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let first = ended.stdout.lines().next().unwrap();
    assert!(first.starts_with("{\"name\":\"db\""), "{first}");
    assert!(ended.stdout.contains("\nNAME "), "{}", ended.stdout);
    let reasons = fake.asked.try_iter().filter_map(|asked| match asked {
        Asked::Transition(request) => Some(request.reason),
        _ => None,
    });
    assert_eq!(reasons.collect::<Vec<_>>(), ["maintenance", "now"]);
}

#[test]
fn lines_that_are_typed_ahead_are_not_lost() {
    let (fake, _directory, socket) = Fake::new();
    let mut shell = shell(&socket, "vt100");
    shell.wait_for("fake-1u> ");
    shell.type_keys("services start web\rservices start db\rexit\r");
    assert_eq!(shell.end().1, Some(0));
    let started = |name: &str| Asked::Start { names: vec![name.to_owned()], force: false };
    assert_eq!(fake.asked.try_iter().collect::<Vec<_>>(), [started("web"), started("db")]);
}

#[test]
fn a_shell_in_a_shell_is_refused() {
    let (_fake, _directory, socket) = Fake::new();
    let ended = script(&socket, "", "shell\n");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("this is the line shell already"), "{}", ended.stderr);
}
