//! `ubmcctl services reload`: goes over to the configuration as it is on the disk now.

use std::fmt::Write;

use ubmc_proto::v1::{ReloadServicesRequest, operator_service_client::OperatorServiceClient};

use crate::ctl::{
    confirm::{asks, confirm},
    exit::Failure,
    object::{Change, Reload},
    outcome::{summary, verdict},
    output::{Canvas, Format, Paint, hang, plain_text},
    session::Session,
    wait,
};

pub(super) async fn reload(session: &mut Session, dry_run: bool, wait: bool) -> Result<(), Failure> {
    if dry_run {
        let planned = ask(session, true).await?;
        return session.out.one(&planned, |canvas| draw(&planned, canvas));
    }
    if asks(session) {
        let planned = ask(session, true).await?;
        if planned.interrupts() {
            let page = draw(&planned, session.out.stderr_canvas());
            session.out.progress(&page);
            confirm(session, "Go over to it?").await?;
        }
    }
    let mut reload = ask(session, false).await?;
    let tables = session.out.format() == Format::Table;
    if tables {
        session.out.one(&reload, |canvas| draw(&reload, canvas))?;
    }
    if let Some(accepted) = reload.operation.take() {
        let ended = wait::follow_if(session, accepted, wait).await?;
        reload.operation = Some(ended);
    }
    let ended = reload.operation.as_ref().map_or(Ok(()), verdict);
    match &reload.operation {
        // For people the diff stands there already, and an error says how the operation ended.
        Some(operation) if tables && ended.is_ok() => {
            session.out.one(operation, |canvas| summary(operation, canvas))?;
        }
        _ if tables => {}
        _ => session.out.one(&reload, |_| String::new())?,
    }
    ended
}

async fn ask(session: &mut Session, dry_run: bool) -> Result<Reload, Failure> {
    let request = ReloadServicesRequest { dry_run, reason: session.reason.clone() };
    let answer = session
        .call(|channel| async move { OperatorServiceClient::new(channel).reload_services(request).await })
        .await?;
    Ok(answer.into())
}

fn draw(reload: &Reload, canvas: Canvas) -> String {
    let mut text = headline(reload, canvas);
    text.push('\n');
    let width = reload.changes.iter().map(|change| change.name.chars().count()).max().unwrap_or(0);
    for (index, change) in reload.changes.iter().enumerate() {
        if index == 0 {
            text.push('\n');
        }
        draw_change(change, width, canvas, &mut text);
    }
    if !reload.restarts.is_empty() {
        let heading = if reload.applied { "RESTARTED, IN THIS ORDER" } else { "RESTARTS, IN THIS ORDER" };
        let names = hang(&plain_text(&reload.restarts.join(", ")), 2, canvas);
        let _ = write!(text, "\n{}\n  {names}\n", canvas.paint(Paint::Strong, heading));
    }
    if !reload.notes.is_empty() {
        let _ = writeln!(text, "\n{}", canvas.paint(Paint::Strong, "NOTES"));
        for note in &reload.notes {
            let _ = writeln!(text, "  - {}", hang(&plain_text(note), 4, canvas));
        }
    }
    text
}

fn headline(reload: &Reload, canvas: Canvas) -> String {
    let counts: Vec<_> = ["added", "changed", "removed"]
        .into_iter()
        .map(|kind| (kind, reload.changes.iter().filter(|change| change.kind == kind).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    match (counts.is_empty(), reload.applied) {
        (true, _) => "nothing differs: nothing has to change".to_owned(),
        (false, true) => format!("the new configuration holds: {}", counts.join(", ")),
        (false, false) => {
            format!("{} {}", canvas.paint(Paint::Warn, "not done, this is what would change:"), counts.join(", "))
        }
    }
}

fn draw_change(change: &Change, width: usize, canvas: Canvas, text: &mut String) {
    let (mark, paint) = match (change.kind.as_str(), change.effect.as_str()) {
        ("added", _) => ("+", Paint::Good),
        ("removed", _) => ("-", Paint::Bad),
        (_, "restart" | "stop") => ("~", Paint::Warn),
        _ => ("~", Paint::Plain),
    };
    let name = plain_text(&change.name);
    let pad = width.saturating_sub(change.name.chars().count());
    let indent = width + 4;
    let what = change.text.as_deref().unwrap_or(&change.effect);
    let _ = writeln!(
        text,
        "{} {}{:pad$}  {}",
        canvas.paint(paint, mark),
        canvas.paint(Paint::Strong, &name),
        "",
        hang(&plain_text(what), indent, canvas)
    );
    if !change.fields.is_empty() {
        let fields = format!("differs in {}", plain_text(&change.fields.join(", ")));
        let _ = writeln!(text, "{:indent$}{}", "", hang(&fields, indent, canvas));
    }
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;

    fn change(
        name: &str,
        kind: v1::ChangeKind,
        effect: v1::ChangeEffect,
        fields: &[&str],
        text: &str,
    ) -> v1::ServiceChange {
        v1::ServiceChange {
            name: name.into(),
            kind: kind.into(),
            effect: effect.into(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            text: text.into(),
        }
    }

    fn answer() -> v1::ReloadServicesResponse {
        use v1::{ChangeEffect as Effect, ChangeKind as Kind};
        v1::ReloadServicesResponse {
            changes: vec![
                change("cache", Kind::Added, Effect::Start, &[], "cache is new and is started"),
                change("db", Kind::Changed, Effect::InPlace, &["health_check"], "holds at once; db runs on"),
                change("web", Kind::Changed, Effect::Restart, &["args", "env"], "web is restarted"),
                change("old", Kind::Removed, Effect::Stop, &[], "old is not declared any more and is stopped"),
            ],
            restarts: vec!["web".into(), "shop".into()],
            notes: vec!["the board's own table is read again at the next start of ubmcd only".into()],
            applied: false,
            operation: None,
        }
    }

    #[test]
    fn a_dry_run_reads_as_a_list_of_what_would_happen() {
        assert_eq!(
            draw(&answer().into(), Canvas::PLAIN),
            "\
not done, this is what would change: 1 added, 2 changed, 1 removed

+ cache  cache is new and is started
~ db     holds at once; db runs on
         differs in health_check
~ web    web is restarted
         differs in args, env
- old    old is not declared any more and is stopped

RESTARTS, IN THIS ORDER
  web, shop

NOTES
  - the board's own table is read again at the next start of ubmcd only
"
        );
    }

    #[test]
    fn what_was_done_is_said_so_and_nothing_is_nothing() {
        let done = v1::ReloadServicesResponse { applied: true, ..answer() };
        assert!(draw(&done.into(), Canvas::PLAIN).starts_with("the new configuration holds: 1 added"));
        let same = v1::ReloadServicesResponse { applied: true, ..v1::ReloadServicesResponse::default() };
        assert_eq!(draw(&same.into(), Canvas::PLAIN), "nothing differs: nothing has to change\n");
    }
}
