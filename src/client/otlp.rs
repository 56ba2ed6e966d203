//! OTLP to one destination, over gRPC or HTTP.

use super::failure::SendError;
use super::otlp_answer::Accepted;
use super::otlp_grpc::OtlpGrpcClient;
use super::otlp_http::OtlpHttpClient;
use super::otlp_request::OtlpRequest;
use super::settings::ClientSettings;
use super::target::DestinationTarget;
use std::time::Duration;
use tokio::time::timeout;

/// The client of one receiver of OTLP.
pub struct OtlpClient {
    transport: OtlpTransport,
    timeout: Duration,
}

enum OtlpTransport {
    Grpc(OtlpGrpcClient),
    Http(OtlpHttpClient),
}

impl std::fmt::Debug for OtlpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpClient").finish_non_exhaustive()
    }
}

impl OtlpClient {
    /// A client over gRPC of checked settings, whose target this is; `gzip`: it compresses. Call it inside a tokio runtime.
    pub fn grpc(settings: ClientSettings<'_>, gzip: bool, target: DestinationTarget) -> Self {
        let client = OtlpGrpcClient::new(settings, gzip, target);
        Self {
            transport: OtlpTransport::Grpc(client),
            timeout: settings.timeout,
        }
    }

    /// The same over HTTP.
    pub fn http(settings: ClientSettings<'_>, gzip: bool, target: DestinationTarget) -> Self {
        let client = OtlpHttpClient::new(settings, gzip, target);
        Self {
            transport: OtlpTransport::Http(client),
            timeout: settings.timeout,
        }
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// When it was not accepted.
    pub async fn send(&self, request: &OtlpRequest<'_>) -> Result<Accepted, SendError> {
        let sending = async {
            match &self.transport {
                OtlpTransport::Grpc(client) => client.send(request).await,
                OtlpTransport::Http(client) => client.send(request).await,
            }
        };
        let answer = timeout(self.timeout, sending).await;
        answer.unwrap_or_else(|_| Err(SendError::timeout()))
    }
}
