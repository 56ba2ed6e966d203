//! OTLP to one destination, over gRPC or HTTP.

use super::failure::SendError;
use super::otlp_answer::Accepted;
use super::otlp_grpc::OtlpGrpcClient;
use super::otlp_http::OtlpHttpClient;
use super::otlp_request::OtlpRequest;
use super::settings::ClientSettings;
use super::target::DestinationTarget;

/// The client of one receiver of OTLP.
pub struct OtlpClient(OtlpTransport);

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
        Self(OtlpTransport::Grpc(OtlpGrpcClient::new(
            settings, gzip, target,
        )))
    }

    /// The same over HTTP.
    pub fn http(settings: ClientSettings<'_>, gzip: bool, target: DestinationTarget) -> Self {
        Self(OtlpTransport::Http(OtlpHttpClient::new(
            settings, gzip, target,
        )))
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// When it was not accepted.
    pub async fn send(&self, request: &OtlpRequest<'_>) -> Result<Accepted, SendError> {
        match &self.0 {
            OtlpTransport::Grpc(client) => client.send(request).await,
            OtlpTransport::Http(client) => client.send(request).await,
        }
    }
}
