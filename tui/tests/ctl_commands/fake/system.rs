//! The daemon itself.

use tonic::Request;
use ubmc_proto::v1;

use super::{Answer, Daemon, Streamed, answer, unscripted};

#[tonic::async_trait]
impl v1::system_service_server::SystemService for Daemon {
    type WatchStatusStream = Streamed<v1::SystemStatus>;

    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Answer<v1::SystemStatus> {
        answer(v1::SystemStatus { boot_id: self.0.boot_id.into(), ..v1::SystemStatus::default() })
    }
    async fn watch_status(&self, _: Request<v1::WatchStatusRequest>) -> Answer<Self::WatchStatusStream> {
        unscripted()
    }
    async fn why(&self, _: Request<v1::WhyRequest>) -> Answer<v1::WhyResponse> {
        unscripted()
    }
    async fn get_boot_timeline(&self, _: Request<v1::GetBootTimelineRequest>) -> Answer<v1::BootTimeline> {
        unscripted()
    }
    async fn shutdown(&self, _: Request<v1::ShutdownRequest>) -> Answer<v1::ShutdownResponse> {
        unscripted()
    }
}
