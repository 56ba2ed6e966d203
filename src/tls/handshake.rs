//! Why a client did not get through the handshake of a listener, with what to do about it. Fixed texts: nothing that the client wrote is in them.

use super::fault::rustls_error;
use std::io::ErrorKind;
use tokio_rustls::rustls::{AlertDescription, Error as RustlsError};

/// What went wrong in the handshake of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFault {
    /// The client went away.
    Closed,
    /// The client did not go on in time.
    Late,
    /// The client speaks something else, for example plain HTTP.
    NoTls,
    /// Both sides have no version, cipher or protocol in common.
    NothingInCommon,
    /// The client does not accept the certificate of the listener.
    Distrusted,
    /// The client shows no certificate, and it must.
    CertificateMissing,
    /// The certificate of the client is not accepted.
    CertificateRefused,
    /// Anything else.
    Other,
}

impl HandshakeFault {
    /// What an error of a handshake says.
    pub fn of(error: &std::io::Error) -> Self {
        match (rustls_error(error), error.kind()) {
            (Some(error), _) => Self::of_rustls(error),
            (
                None,
                ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe,
            ) => Self::Closed,
            (None, ErrorKind::TimedOut) => Self::Late,
            (None, _) => Self::Other,
        }
    }

    fn of_rustls(error: &RustlsError) -> Self {
        match error {
            RustlsError::InvalidMessage(_) => Self::NoTls,
            RustlsError::PeerIncompatible(_) | RustlsError::NoApplicationProtocol => {
                Self::NothingInCommon
            }
            RustlsError::NoCertificatesPresented => Self::CertificateMissing,
            RustlsError::InvalidCertificate(_) => Self::CertificateRefused,
            RustlsError::AlertReceived(alert) => Self::of_alert(*alert),
            _ => Self::Other,
        }
    }

    fn of_alert(alert: AlertDescription) -> Self {
        use AlertDescription as Of;
        match alert {
            Of::CloseNotify | Of::UserCanceled => Self::Closed,
            Of::UnknownCA
            | Of::BadCertificate
            | Of::UnsupportedCertificate
            | Of::CertificateRevoked
            | Of::CertificateExpired
            | Of::CertificateUnknown
            | Of::AccessDenied => Self::Distrusted,
            Of::HandshakeFailure
            | Of::ProtocolVersion
            | Of::InsufficientSecurity
            | Of::NoApplicationProtocol => Self::NothingInCommon,
            _ => Self::Other,
        }
    }

    /// Whether it happens where all is well: checks of load balancers connect and go away.
    pub fn is_usual(self) -> bool {
        self == Self::Closed
    }

    /// What happened.
    pub fn what(self) -> &'static str {
        match self {
            Self::Closed => "a client closed its connection before the end of the TLS handshake",
            Self::Late => "a client did not finish the TLS handshake in time",
            Self::NoTls => "a client does not speak TLS to a port with TLS",
            Self::NothingInCommon => {
                "a client has no version of TLS, no cipher or no protocol in common with the listener"
            }
            Self::Distrusted => "a client does not accept the certificate of the listener",
            Self::CertificateMissing => "a client showed no certificate",
            Self::CertificateRefused => "a client showed a certificate that is not accepted",
            Self::Other => "a client did not get through the TLS handshake",
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Closed => {
                "if it is no check of a load balancer, look at the log of the client: it may not accept the certificate of cert_file"
            }
            Self::Late => "check the network and the client, or raise connections.header_timeout",
            Self::NoTls => "let the client send to https://, or with tls instead of insecure",
            Self::NothingInCommon => "update the client, or lower tls.min_version",
            Self::Distrusted => {
                "let the client trust the authority of cert_file, connect by a name of the certificate, and check that it has not expired"
            }
            Self::CertificateMissing => {
                "give the client a certificate of an authority of client_ca_file"
            }
            Self::CertificateRefused => {
                "compare its authority with client_ca_file, and check that it has not expired and is for clients"
            }
            Self::Other => "look at the log of the client",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_rustls::rustls::{CertificateError, InvalidMessage};

    #[test]
    fn each_cause_is_told_apart() {
        let of_rustls = |error: RustlsError| std::io::Error::new(ErrorKind::InvalidData, error);
        for (error, expected) in [
            (ErrorKind::UnexpectedEof.into(), HandshakeFault::Closed),
            (ErrorKind::ConnectionReset.into(), HandshakeFault::Closed),
            (ErrorKind::TimedOut.into(), HandshakeFault::Late),
            (ErrorKind::OutOfMemory.into(), HandshakeFault::Other),
            (
                of_rustls(RustlsError::InvalidMessage(
                    InvalidMessage::InvalidContentType,
                )),
                HandshakeFault::NoTls,
            ),
            (
                of_rustls(RustlsError::NoCertificatesPresented),
                HandshakeFault::CertificateMissing,
            ),
            (
                of_rustls(CertificateError::UnknownIssuer.into()),
                HandshakeFault::CertificateRefused,
            ),
            (
                of_rustls(RustlsError::AlertReceived(AlertDescription::UnknownCA)),
                HandshakeFault::Distrusted,
            ),
            (
                of_rustls(RustlsError::AlertReceived(
                    AlertDescription::ProtocolVersion,
                )),
                HandshakeFault::NothingInCommon,
            ),
        ] {
            let found = HandshakeFault::of(&error);
            assert_eq!(found, expected, "{error}");
            assert_eq!(found.is_usual(), expected == HandshakeFault::Closed);
        }
    }
}
