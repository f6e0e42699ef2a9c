//! `ubmcctl services check|validate|readiness`: what stands in the way, before anything is asked for.

use std::fmt::Write;

use ubmc_proto::v1::{
    CheckOperationRequest, ListServicesRequest, ValidateServicesRequest, operator_service_client::OperatorServiceClient,
};

use crate::ctl::{
    exit::Failure,
    object::{OperationCheck, Readiness, Service, ServiceReport, Validation, draw_all},
    output::{Canvas, Cell, Page, Paint, Table, left, or_dash},
    session::Session,
};

/// Whether the services that an operation needs are ready; the exit code says so too.
pub(super) async fn check(session: &mut Session, operation: String) -> Result<(), Failure> {
    let request = CheckOperationRequest { operation };
    let check: OperationCheck = session
        .call(|channel| async move { OperatorServiceClient::new(channel).check_operation(request).await })
        .await?
        .into();
    session.out.one(&check, |canvas| check_page(&check).draw(canvas))?;
    if check.ready { Ok(()) } else { Err(Failure::AnswerIsNo) }
}

fn check_page(check: &OperationCheck) -> Page {
    let verdict = if check.ready { "ready" } else { "not-ready" };
    let ready = check.services.iter().filter(|service| service.ready).count();
    let mut page = Page::new([
        Cell::name(&check.operation),
        Cell::new(Paint::of(verdict), verdict.replace('-', " ")),
        format!("{ready} of {} required services are", check.services.len()).into(),
    ]);
    let services = check.services.clone();
    page.section("", move |canvas| {
        let mut table = Table::new([left("NAME"), left("STATE"), left("READY"), left("WHY")], "no services");
        for service in &services {
            let (word, paint) = if service.ready { ("yes", Paint::Good) } else { ("no", Paint::Bad) };
            table.row([
                Cell::name(&service.name),
                Cell::word(&service.state),
                Cell::new(paint, word),
                service.reason.as_deref().unwrap_or_default().into(),
            ]);
        }
        table.draw(canvas)
    });
    page
}

/// Everything that stands against starting these services, or all. Something does: exit code 1.
pub(super) async fn validate(session: &mut Session, names: Vec<String>) -> Result<(), Failure> {
    let in_full = !names.is_empty();
    let validation = survey(session, names).await?;
    session.out.one(&validation, |canvas| validation_page(&validation, in_full).draw(canvas))?;
    if validation.invalid == 0 { Ok(()) } else { Err(Failure::AnswerIsNo) }
}

async fn survey(session: &mut Session, names: Vec<String>) -> Result<Validation, Failure> {
    let request = ValidateServicesRequest { names };
    let answer = session
        .call(|channel| async move { OperatorServiceClient::new(channel).validate_services(request).await })
        .await?;
    Ok(answer.into())
}

/// `in_full`: who named services wants to read about the valid ones too.
fn validation_page(validation: &Validation, in_full: bool) -> Page {
    let mut page = Page::new([
        counted(validation.total, "service", "services").into(),
        Cell::new(if validation.valid > 0 { Paint::Good } else { Paint::Plain }, format!("{} valid", validation.valid)),
        Cell::new(
            if validation.invalid > 0 { Paint::Bad } else { Paint::Plain },
            format!("{} invalid", validation.invalid),
        ),
    ]);
    let valid = validation.services.iter().filter(|service| service.valid && in_full);
    let invalid = validation.services.iter().filter(|service| !service.valid);
    let told: Vec<ServiceReport> = valid.chain(invalid).cloned().collect();
    if !told.is_empty() {
        page.section("", move |canvas| {
            told.iter().map(|report| draw_report(report, &told, canvas)).collect::<Vec<_>>().join("\n")
        });
    }
    page
}

fn draw_report(report: &ServiceReport, told: &[ServiceReport], canvas: Canvas) -> String {
    let word = if report.valid { "valid" } else { "invalid" };
    let words = [report.type_word.as_deref(), report.category.as_deref(), Some(report.state.as_str())];
    let about: Vec<_> = words.into_iter().flatten().collect();
    let headline = Page::new([Cell::name(&report.name), Cell::word(word), about.join(", ").into()]).draw(canvas);
    let own = format!("service {}", report.name);
    // Whom it is about stands above; and what stands against services that it needs is told with those.
    let of_other = |subject: &str| {
        let name = subject.strip_prefix("service ").filter(|name| *name != report.name);
        name.is_some_and(|name| told.iter().any(|other| other.name == name))
    };
    let problems = report.problems.iter().filter(|problem| !of_other(&problem.subject));
    let problems: Vec<_> = problems.cloned().map(|problem| problem.about(&own)).collect();
    let others = report.problems.len() - problems.len();
    let mut text = headline + &draw_all(&problems, canvas);
    if others > 0 {
        let _ = writeln!(text, "  - {} of services that it needs, told there", counted(others, "problem", "problems"));
    }
    text
}

/// Who can be relied on, who could be started, and who could not.
pub(super) async fn readiness(session: &mut Session) -> Result<(), Failure> {
    let validation = survey(session, Vec::new()).await?;
    let request = ListServicesRequest::default();
    let said =
        session.call(|channel| async move { OperatorServiceClient::new(channel).list_services(request).await }).await?;
    let readiness = Readiness::new(validation, said.services.into_iter().map(Service::from).collect());
    session.out.one(&readiness, |canvas| readiness_page(&readiness).draw(canvas))
}

fn readiness_page(readiness: &Readiness) -> Page {
    let count = |number: usize, word: &str, paint| {
        Cell::new(if number == 0 { Paint::Plain } else { paint }, format!("{number} {word}"))
    };
    let mut page = Page::new([
        counted(readiness.total, "service", "services").into(),
        count(readiness.ready, "ready", Paint::Good),
        count(readiness.can_start, "can start", Paint::Plain),
        count(readiness.not_ready, "not ready", Paint::Warn),
    ]);
    let services = readiness.services.clone();
    page.section("", move |canvas| {
        let mut table = Table::new(
            [
                left("NAME"),
                left("GROUP").rank(1),
                left("TYPE").rank(2),
                left("CATEGORY").rank(3),
                left("STATE"),
                left("READINESS"),
                left("WHY"),
            ],
            "no services",
        );
        for service in &services {
            table.row([
                Cell::name(&service.name),
                service.group.as_str().into(),
                or_dash(service.type_word.as_deref().unwrap_or_default()).into(),
                or_dash(service.category.as_deref().unwrap_or_default()).into(),
                Cell::word(&service.state),
                Cell::new(Paint::of(&service.readiness), service.readiness.replace('-', " ")),
                service.reason.as_deref().unwrap_or_default().into(),
            ]);
        }
        table.draw(canvas)
    });
    page
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;

    fn report(name: &str, state: v1::ServiceState, ready: bool, problems: &[(&str, &str)]) -> v1::ServiceReport {
        v1::ServiceReport {
            name: name.into(),
            group: "interface".into(),
            category: "dns".into(),
            r#type: "infrastructure".into(),
            state: state.into(),
            ready,
            problems: problems
                .iter()
                .map(|(text, remedy)| v1::Condition {
                    kind: "preflight".into(),
                    subject: format!("service {name}"),
                    text: (*text).into(),
                    remedy: (*remedy).into(),
                    since_s: None,
                    severity: 0,
                })
                .collect(),
        }
    }

    fn survey() -> Validation {
        v1::ValidateServicesResponse {
            services: vec![
                report("web", v1::ServiceState::Running, true, &[]),
                report("git", v1::ServiceState::Stopped, false, &[]),
                report(
                    "coredns",
                    v1::ServiceState::Failed,
                    false,
                    &[
                        ("/usr/bin/coredns is not executable", "chmod +x /usr/bin/coredns"),
                        ("port 53 is taken by dnsmasq (pid 812)", ""),
                    ],
                ),
                report("shop", v1::ServiceState::Waiting, false, &[]),
            ],
        }
        .into()
    }

    #[test]
    fn validate_counts_and_tells_every_problem_with_what_to_do() {
        assert_eq!(
            validation_page(&survey(), false).draw(Canvas::PLAIN),
            "\
4 services · 3 valid · 1 invalid

coredns · invalid · infrastructure, dns, failed
  - /usr/bin/coredns is not executable
    resolve: chmod +x /usr/bin/coredns
  - port 53 is taken by dnsmasq (pid 812)
"
        );
    }

    #[test]
    fn what_stands_against_a_needed_service_is_told_once() {
        let problem = ("/usr/bin/coredns is not executable", "chmod +x /usr/bin/coredns");
        let coredns = report("coredns", v1::ServiceState::Failed, false, &[problem]);
        let mut cluster = report("cluster", v1::ServiceState::Failed, false, &[("it needs coredns", "")]);
        cluster.problems.extend(coredns.problems.clone());
        let alone = Validation::from(v1::ValidateServicesResponse { services: vec![cluster.clone()] });
        let alone = validation_page(&alone, true).draw(Canvas::PLAIN);
        assert!(alone.contains("  - it needs coredns\n  - service coredns: /usr/bin/coredns is not"), "{alone}");
        let both = Validation::from(v1::ValidateServicesResponse { services: vec![cluster, coredns] });
        let both = validation_page(&both, false).draw(Canvas::PLAIN);
        assert!(both.contains("  - it needs coredns\n  - 1 problem of services that it needs, told there\n"), "{both}");
        assert_eq!(both.matches("is not executable").count(), 1, "{both}");
    }

    #[test]
    fn who_names_services_reads_of_the_valid_ones_too() {
        let mut two = survey();
        two.services.truncate(1);
        assert!(
            validation_page(&two, true).draw(Canvas::PLAIN).contains("\nweb · valid · infrastructure, dns, running\n")
        );
    }

    #[test]
    fn readiness_tells_apart_who_is_ready_who_could_be_and_who_could_not() {
        let shop =
            v1::Service { name: "shop".into(), reason: "waits for service web".into(), ..v1::Service::default() };
        let page = readiness_page(&Readiness::new(survey(), vec![shop.into()])).draw(Canvas::narrow(80));
        assert_eq!(
            page,
            "\
4 services · 1 ready · 1 can start · 2 not ready

NAME     GROUP      STATE    READINESS  WHY                   (+ TYPE, CATEGORY)
web      interface  running  ready
git      interface  stopped  can start
coredns  interface  failed   not ready  /usr/bin/coredns is not executable; and…
shop     interface  waiting  not ready  waits for service web
"
        );
    }

    #[test]
    fn a_check_of_an_operation_names_who_is_not_ready_and_why() {
        let required = |name: &str, ready, reason: &str| v1::RequiredService {
            name: name.into(),
            state: if ready { v1::ServiceState::Running } else { v1::ServiceState::Backoff }.into(),
            ready,
            reason: reason.into(),
        };
        let wire = v1::CheckOperationResponse {
            operation: "host-on".into(),
            ready: false,
            services: vec![required("powermgr", true, ""), required("pdu", false, "next start in 3 s")],
        };
        assert_eq!(
            check_page(&wire.into()).draw(Canvas::PLAIN),
            "\
host-on · not ready · 1 of 2 required services are

NAME      STATE    READY  WHY
powermgr  running  yes
pdu       backoff  no     next start in 3 s
"
        );
    }
}
