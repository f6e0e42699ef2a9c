//! The daemon itself.

use tonic::{Request, Status};
use ubmc_proto::v1;

use super::{Answer, Asked, Daemon, Streamed, answer, then_silence};

#[tonic::async_trait]
impl v1::system_service_server::SystemService for Daemon {
    type WatchStatusStream = Streamed<v1::SystemStatus>;

    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Answer<v1::SystemStatus> {
        answer(v1::SystemStatus {
            boot_id: self.0.boot_id.into(),
            board: "fake-1u".into(),
            uptime_s: 200.0,
            ..v1::SystemStatus::default()
        })
    }
    /// As while it stops: `web` holds it up for three minutes already.
    async fn watch_status(&self, _: Request<v1::WatchStatusRequest>) -> Answer<Self::WatchStatusStream> {
        let held = v1::Condition {
            kind: "stopping".into(),
            subject: "service web".into(),
            text: "web ignores TERM".into(),
            remedy: String::new(),
            since_s: Some(8.0),
            severity: 0,
        };
        answer(then_silence(vec![v1::SystemStatus {
            boot_id: self.0.boot_id.into(),
            uptime_s: 200.0,
            state: "stopping".into(),
            services_running: 2,
            holding_up: vec![held],
            ..v1::SystemStatus::default()
        }]))
    }
    async fn why(&self, request: Request<v1::WhyRequest>) -> Answer<v1::WhyResponse> {
        let name = request.into_inner().name;
        if name != "web" {
            return Err(Status::not_found(format!("no service or machine is named `{name}`; did you mean `web`?")));
        }
        let link = |subject: &str, text: &str, remedy: &str| v1::Condition {
            kind: String::new(),
            subject: subject.into(),
            text: text.into(),
            remedy: remedy.into(),
            since_s: Some(8.0),
            severity: 0,
        };
        answer(v1::WhyResponse {
            name,
            kind: "service".into(),
            as_desired: false,
            answer: "web is waiting because db has failed: exit code 7".into(),
            chain: vec![
                link("service web", "web is waiting: it needs db", ""),
                link("service db", "db has failed: exit code 7", "look at `ubmcctl services logs db`"),
            ],
        })
    }
    async fn get_boot_timeline(&self, _: Request<v1::GetBootTimelineRequest>) -> Answer<v1::BootTimeline> {
        let service = |name: &str, from: f64, to: f64, waited_for: &str| v1::BootService {
            name: name.into(),
            group: "interface".into(),
            released_s: Some(from),
            spawned_s: Some(from),
            settled_s: Some(to),
            outcome: "ready".into(),
            waited_for: waited_for.into(),
            critical: true,
        };
        answer(v1::BootTimeline {
            started_s: 1.0,
            ended_s: Some(3.0),
            timed_out: false,
            phases: vec![v1::BootPhase { group: "interface".into(), began_s: Some(1.0), ended_s: Some(3.0) }],
            services: vec![service("db", 1.0, 2.0, ""), service("web", 2.0, 3.0, "service db")],
            critical_path: vec!["db".into(), "web".into()],
        })
    }
    async fn shutdown(&self, request: Request<v1::ShutdownRequest>) -> Answer<v1::ShutdownResponse> {
        let _ = self.1.send(Asked::Shutdown { emergency: request.into_inner().emergency });
        answer(v1::ShutdownResponse {})
    }
}
