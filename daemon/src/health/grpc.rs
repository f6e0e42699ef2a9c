//! grpc.health.v1.

use std::io;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint, Uri},
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use super::{Finding, connect};

pub(super) async fn ask(endpoint: &str, service: &str) -> Finding {
    let channel = if let Some(path) = endpoint.strip_prefix("unix:") {
        channel(endpoint, connect::unix(path.strip_prefix("//").unwrap_or(path)).await?).await?
    } else {
        let form = || format!("`{endpoint}` is not of the form HOST:PORT or unix:PATH");
        let (host, port) = endpoint.rsplit_once(':').ok_or_else(form)?;
        let port = port.parse().map_err(|_| form())?;
        channel(endpoint, connect::tcp(host, port).await?).await?
    };
    let question = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(channel).check(question).await;
    let whom = if service.is_empty() { "the server" } else { service };
    match answer.map(|answer| answer.into_inner().status()) {
        Ok(ServingStatus::Serving) => Ok(format!("{whom} is serving")),
        Ok(ServingStatus::NotServing) => Err(format!("{whom} is not serving")),
        Ok(ServingStatus::Unknown) => Err(format!("{whom} does not know its own health")),
        Ok(ServingStatus::ServiceUnknown) => Err(format!("the server at {endpoint} knows no service `{service}`")),
        Err(status) => Err(refusal(&status, endpoint, service)),
    }
}

/// The connection is made before, where its failure has a better name than the transport would give it.
async fn channel<S>(endpoint: &str, stream: S) -> Result<Channel, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut stream = Some(TokioIo::new(stream));
    // The authority is fixed: h2 refuses a socket path there.
    Endpoint::from_static("http://localhost")
        .connect_with_connector(tower::service_fn(move |_: Uri| {
            let once = stream.take().ok_or_else(|| io::Error::other("the connection was lost"));
            async move { once }
        }))
        .await
        .map_err(|error| format!("{endpoint} does not speak gRPC: {error}"))
}

fn refusal(status: &Status, endpoint: &str, service: &str) -> String {
    match status.code() {
        Code::NotFound => format!("the server at {endpoint} knows no service `{service}`"),
        Code::Unimplemented => format!("the server at {endpoint} has no health service"),
        _ => format!("{endpoint}: {}", status.message()),
    }
}
