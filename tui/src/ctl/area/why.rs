//! `ubmcctl why`: why something is as it is, down to the root; and what a stop would bring about.

use std::fmt::Write;

use ubmc_proto::v1::{
    GetStatusRequest, WhatIfStoppedRequest, WhyRequest, operator_service_client::OperatorServiceClient,
    system_service_client::SystemServiceClient,
};

use crate::ctl::{
    exit::Failure,
    object::{Consequence, WhatIf, Why, draw_all},
    output::{Canvas, Paint, duration, hang, plain_text},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// A service or a machine, e.g. `host.0`
    pub(crate) name: String,
    /// Instead: what would stop, or wait, if this service were stopped now. Changes nothing
    #[arg(long)]
    pub(crate) if_stopped: bool,
}

pub(crate) async fn run(session: &mut Session, arguments: Arguments) -> Result<(), Failure> {
    let name = arguments.name;
    if arguments.if_stopped {
        let request = WhatIfStoppedRequest { name: name.clone() };
        let answer = session
            .call(|channel| async move { OperatorServiceClient::new(channel).what_if_stopped(request).await })
            .await?;
        let what_if = WhatIf::new(name, answer);
        return session.out.one(&what_if, |canvas| draw_what_if(&what_if, canvas));
    }
    let request = WhyRequest { name };
    let answer = session.call(|channel| async move { SystemServiceClient::new(channel).why(request).await }).await?;
    let why = Why::new(answer, now(session).await);
    session.out.one(&why, |canvas| draw_why(&why, canvas))
}

/// The daemon's monotonic clock, which begins with it. Absent when it does not say: then ages are left out.
pub(super) async fn now(session: &mut Session) -> Option<f64> {
    let status =
        session.call(|channel| async move { SystemServiceClient::new(channel).get_status(GetStatusRequest {}).await });
    status.await.ok().map(|status| status.uptime_s)
}

fn draw_why(why: &Why, canvas: Canvas) -> String {
    let paint = if why.as_desired { Paint::Good } else { Paint::Bad };
    let answer = hang(&plain_text(&why.answer), 0, canvas);
    let mut text = format!("{}\n", canvas.paint(paint, &answer));
    match why.chain.as_slice() {
        [] => {}
        // The only link says what the answer says.
        [only] if only.text == why.answer => {
            if let Some(age) = only.age_s {
                let _ = writeln!(text, "  so for {}", duration(age));
            }
            if let Some(remedy) = &only.remedy {
                let _ = writeln!(text, "  {}", hang(&format!("resolve: {}", plain_text(remedy)), 4, canvas));
            }
        }
        chain => {
            text.push('\n');
            let branch = if canvas.utf8 { "└─ " } else { "`- " };
            for (depth, link) in chain.iter().enumerate() {
                let lead = if depth == 0 { 0 } else { (depth - 1) * 3 };
                let mark = if depth == 0 { "" } else { branch };
                let _ = writeln!(text, "{:lead$}{mark}{}", "", link.draw_at(depth * 3, canvas));
            }
        }
    }
    text
}

fn draw_what_if(what_if: &WhatIf, canvas: Canvas) -> String {
    let name = plain_text(&what_if.name);
    let mut text = String::new();
    if !what_if.obstacles.is_empty() {
        let _ = writeln!(text, "stopping {name} would be refused without --force:");
        text.push_str(&draw_all(&what_if.obstacles, canvas));
        text.push('\n');
    }
    if what_if.consequences.is_empty() {
        let _ = writeln!(text, "stopping {name} now would bring about nothing");
        return text;
    }
    if what_if.obstacles.is_empty() {
        let _ = writeln!(text, "stopping {name} now would mean:");
    } else {
        text.push_str("with --force it would mean:\n");
    }
    let width = what_if.consequences.iter().map(|consequence| consequence.kind.chars().count()).max().unwrap_or(0);
    for consequence in &what_if.consequences {
        draw_consequence(consequence, width, canvas, &mut text);
    }
    text
}

fn draw_consequence(consequence: &Consequence, width: usize, canvas: Canvas, text: &mut String) {
    let paint = match consequence.kind.as_str() {
        "stops" | "fail-safe" => Paint::Bad,
        "unaffected" => Paint::Faint,
        _ => Paint::Warn,
    };
    let kind = plain_text(&consequence.kind);
    let pad = width.saturating_sub(consequence.kind.chars().count());
    let sentence = hang(&plain_text(&consequence.text), width + 4, canvas);
    let _ = writeln!(text, "  {}{:pad$}  {sentence}", canvas.paint(paint, &kind), "");
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;

    fn link(subject: &str, text: &str, remedy: &str, since_s: f64) -> v1::Condition {
        v1::Condition {
            kind: String::new(),
            subject: subject.into(),
            text: text.into(),
            remedy: remedy.into(),
            since_s: Some(since_s),
            severity: 0,
        }
    }

    fn shop() -> v1::WhyResponse {
        v1::WhyResponse {
            name: "shop".into(),
            kind: "service".into(),
            as_desired: false,
            answer: "shop is waiting because db has failed: exit code 7".into(),
            chain: vec![
                link("service shop", "shop is waiting: it needs web", "", 10.0),
                link("service web", "web has failed: it needs db", "it comes up by itself when db does", 10.0),
                link("service db", "db has failed: exit code 7", "look at `ubmcctl services logs db`", 8.0),
            ],
        }
    }

    #[test]
    fn the_answer_comes_first_and_below_it_the_chain_to_the_root() {
        assert_eq!(
            draw_why(&Why::new(shop(), Some(202.0)), Canvas::PLAIN),
            "\
shop is waiting because db has failed: exit code 7

shop is waiting: it needs web (for 3m 12s)
└─ web has failed: it needs db (for 3m 12s)
   resolve: it comes up by itself when db does
   └─ db has failed: exit code 7 (for 3m 14s)
      resolve: look at `ubmcctl services logs db`
"
        );
    }

    #[test]
    fn a_narrow_terminal_breaks_sentences_under_themselves_and_ascii_is_ascii() {
        let text = draw_why(&Why::new(shop(), None), Canvas::ascii(40));
        assert!(text.is_ascii(), "{text}");
        assert!(text.lines().all(|line| line.len() <= 40), "{text}");
        assert!(text.contains("\n   `- db has failed: exit code 7\n      resolve: look at `ubmcctl\n"), "{text}");
    }

    #[test]
    fn what_is_as_it_should_be_needs_one_sentence() {
        let wire = v1::WhyResponse {
            name: "db".into(),
            kind: "service".into(),
            as_desired: true,
            answer: "db is running, as it is wanted".into(),
            chain: vec![link("service db", "db is running, as it is wanted", "", 10.0)],
        };
        assert_eq!(
            draw_why(&Why::new(wire, Some(202.0)), Canvas::PLAIN),
            "db is running, as it is wanted\n  so for 3m 12s\n"
        );
    }

    #[test]
    fn what_a_stop_would_bring_about_is_told_with_what_would_refuse_it() {
        let consequence =
            |kind: &str, text: &str| v1::Consequence { subject: String::new(), kind: kind.into(), text: text.into() };
        let wire = v1::WhatIfStoppedResponse {
            consequences: vec![
                consequence("stops", "web stops first: it needs db"),
                consequence("stops", "db stops"),
                consequence("operation", "host-on is refused as long as db is down"),
            ],
            obstacles: vec![v1::Condition {
                kind: "dependents-running".into(),
                subject: "service db".into(),
                text: "db is needed by web".into(),
                remedy: "stop it first, or use --force".into(),
                since_s: None,
                severity: 0,
            }],
        };
        assert_eq!(
            draw_what_if(&WhatIf::new("db".into(), wire), Canvas::PLAIN),
            "\
stopping db would be refused without --force:
  - db is needed by web
    resolve: stop it first, or use --force

with --force it would mean:
  stops      web stops first: it needs db
  stops      db stops
  operation  host-on is refused as long as db is down
"
        );
        let nothing = WhatIf::new("db".into(), v1::WhatIfStoppedResponse::default());
        assert_eq!(draw_what_if(&nothing, Canvas::PLAIN), "stopping db now would bring about nothing\n");
    }
}
