//! Why a destination is not reached, in a sentence that says whose fault it is. It shows what certificates say of themselves, and nothing else of them.

use std::error::Error;
use std::fmt::{Display, Formatter};
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error as RustlsError};

/// What rustls writes before the name of an alert.
const ALERT: &str = "received fatal alert: ";

/// What is wrong with TLS towards a destination. Hints are keys of its section `tls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// Nobody who is trusted here has issued its certificate.
    UnknownAuthority,
    /// Its certificate has expired.
    Expired,
    /// Its certificate is for later.
    NotValidYet,
    /// Its certificate is for other names.
    OtherName(String),
    /// It asks for a certificate, and there is none.
    ClientCertificateMissing,
    /// It does not accept the certificate that it was shown.
    ClientCertificateRefused,
    /// Both sides have no version or cipher in common.
    NothingInCommon,
    /// What answers there speaks something else.
    NoTls,
    /// As rustls says it.
    Other(String),
}

impl Display for TlsFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UnknownAuthority => {
                "its certificate is of an authority that is not trusted here: set ca_file to the certificate of its authority"
            }
            Self::Expired => {
                "its certificate has expired: renew it there, or correct the clock of this machine"
            }
            Self::NotValidYet => {
                "its certificate is not valid yet: correct the clock of this machine, or issue it anew"
            }
            Self::OtherName(what) => {
                return write!(
                    f,
                    "its certificate is for another name ({what}): correct the address, or set server_name_override to a name of the certificate"
                );
            }
            Self::ClientCertificateMissing => {
                "it asks for a client certificate: set cert_file and key_file"
            }
            Self::ClientCertificateRefused => {
                "it does not accept the client certificate of cert_file: compare its authority and its expiry with what the destination expects"
            }
            Self::NothingInCommon => "both sides have no version of TLS or no cipher in common",
            Self::NoTls => "what answers there does not speak TLS",
            Self::Other(what) => return write!(f, "TLS failed: {what}"),
        })
    }
}

impl TlsFault {
    /// What an error of a connection says of TLS; `None`: nothing.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let found = rustls_error(error).map(Self::of_rustls);
        found.or_else(|| causes(error).find_map(told_alert).map(Self::of_alert))
    }

    fn of_rustls(error: &RustlsError) -> Self {
        match error {
            RustlsError::InvalidCertificate(error) => Self::of_certificate(error),
            RustlsError::AlertReceived(alert) => Self::of_alert(*alert),
            RustlsError::PeerIncompatible(_) | RustlsError::NoApplicationProtocol => {
                Self::NothingInCommon
            }
            RustlsError::InvalidMessage(_) => Self::NoTls,
            error => Self::Other(error.to_string()),
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        use CertificateError as Of;
        match error {
            Of::UnknownIssuer => Self::UnknownAuthority,
            Of::Expired | Of::ExpiredContext { .. } => Self::Expired,
            Of::NotValidYet | Of::NotValidYetContext { .. } => Self::NotValidYet,
            Of::NotValidForName | Of::NotValidForNameContext { .. } => {
                Self::OtherName(error.to_string())
            }
            error => Self::Other(error.to_string()),
        }
    }

    fn of_alert(alert: AlertDescription) -> Self {
        use AlertDescription as Of;
        match alert {
            Of::CertificateRequired | Of::NoCertificate => Self::ClientCertificateMissing,
            Of::BadCertificate
            | Of::UnsupportedCertificate
            | Of::CertificateRevoked
            | Of::CertificateExpired
            | Of::CertificateUnknown
            | Of::UnknownCA
            | Of::AccessDenied
            | Of::DecryptError => Self::ClientCertificateRefused,
            Of::HandshakeFailure | Of::ProtocolVersion | Of::InsufficientSecurity => {
                Self::NothingInCommon
            }
            alert => Self::Other(format!("the other side says {alert:?}")),
        }
    }
}

/// The error of rustls that an error is, has as a cause, or has inside.
pub(super) fn rustls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e RustlsError> {
    causes(error).find_map(|cause| within(cause).downcast_ref())
}

/// The alert that an error only tells of. With TLS 1.3 the other side judges a client certificate after the handshake, so its alert is the
/// first thing that is read, and HTTP/2 keeps the text of such an error and not the error.
fn told_alert(error: &(dyn Error + 'static)) -> Option<AlertDescription> {
    let what = error.to_string();
    let (_, name) = what.rsplit_once(ALERT)?;
    let mut alerts = (0..=u8::MAX).map(AlertDescription::from);
    alerts.find(|alert| format!("{alert:?}") == name)
}

/// Why there is no connection: what is wrong with TLS, or else the error with its causes, which say more than it does.
pub fn connection_fault(error: &(dyn Error + 'static)) -> String {
    if let Some(fault) = TlsFault::of(error) {
        return fault.to_string();
    }
    let mut what = String::new();
    for cause in causes(error).map(ToString::to_string) {
        match what.is_empty() {
            true => what = cause,
            // Some errors say their cause themselves.
            false if what.contains(&cause) => {}
            false => what = format!("{what}: {cause}"),
        }
    }
    what
}

/// An error, its cause, and so on.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// What is in an error of a stream, which names the cause of what it holds and not what it holds. They lie inside each other.
fn within<'e>(mut error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    while let Some(inner) = error
        .downcast_ref::<std::io::Error>()
        .and_then(|error| error.get_ref())
    {
        error = inner;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_rustls::rustls::InvalidMessage;

    #[derive(Debug)]
    struct Wrapped(&'static str, Option<Box<dyn Error + 'static>>);

    impl Display for Wrapped {
        fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref()
        }
    }

    #[test]
    fn a_fault_is_found_below_other_errors_and_within_those_of_a_stream() {
        for (error, expected) in [
            (
                RustlsError::InvalidCertificate(CertificateError::UnknownIssuer),
                TlsFault::UnknownAuthority,
            ),
            (
                RustlsError::InvalidCertificate(CertificateError::Expired),
                TlsFault::Expired,
            ),
            (
                RustlsError::AlertReceived(AlertDescription::CertificateRequired),
                TlsFault::ClientCertificateMissing,
            ),
            (
                RustlsError::AlertReceived(AlertDescription::UnknownCA),
                TlsFault::ClientCertificateRefused,
            ),
            (
                RustlsError::InvalidMessage(InvalidMessage::InvalidContentType),
                TlsFault::NoTls,
            ),
            (
                RustlsError::General("x".into()),
                TlsFault::Other("unexpected error: x".into()),
            ),
        ] {
            let of_stream = std::io::Error::other(error.clone());
            let deeper = std::io::Error::other(std::io::Error::other(error.clone()));
            let errors: [Box<dyn Error>; 3] =
                [Box::new(error), Box::new(of_stream), Box::new(deeper)];
            for error in errors {
                let error = Wrapped("client error", Some(error));
                assert_eq!(TlsFault::of(&error), Some(expected.clone()));
                assert_eq!(connection_fault(&error), expected.to_string());
            }
        }
        assert_eq!(TlsFault::of(&Wrapped("no route", None)), None);
    }

    #[test]
    fn an_alert_is_found_where_only_its_text_is_left() {
        for (alert, expected) in [
            (
                AlertDescription::CertificateRequired,
                TlsFault::ClientCertificateMissing,
            ),
            (
                AlertDescription::UnknownCA,
                TlsFault::ClientCertificateRefused,
            ),
        ] {
            // As rustls writes it, whatever its version.
            let text = RustlsError::AlertReceived(alert).to_string();
            let of_stream = std::io::Error::other(text);
            let error = Wrapped("client error", Some(Box::new(of_stream)));
            assert_eq!(TlsFault::of(&error), Some(expected));
        }
        let other = std::io::Error::other("received fatal alert: Lunch");
        assert_eq!(TlsFault::of(&other), None);
    }

    #[test]
    fn causes_are_told_once() {
        let cause = Wrapped("no route", None);
        let middle = Wrapped("tcp: no route", Some(Box::new(cause)));
        let error = Wrapped("not connected", Some(Box::new(middle)));
        assert_eq!(connection_fault(&error), "not connected: tcp: no route");
    }
}
