//! Signatures of tokens, checked with *ring*: jsonwebtoken has no back end on it, and its own ones bring a second cryptography.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature as known;

/// What jsonwebtoken asks. It knows one of the process only.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes jsonwebtoken use it. Again is the same.
pub(super) fn install() {
    // It is there already: nobody else installs one.
    let _ = PROVIDER.install_default();
}

fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(ErrorKind::UnsupportedAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let unsupported = || Err(ErrorKind::UnsupportedAlgorithm.into());
    let check = match algorithm {
        Algorithm::RS256 => SignatureCheck::Rsa(&known::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => SignatureCheck::Rsa(&known::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => SignatureCheck::Rsa(&known::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => SignatureCheck::Rsa(&known::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => SignatureCheck::Rsa(&known::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => SignatureCheck::Rsa(&known::RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => SignatureCheck::Other(&known::ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => SignatureCheck::Other(&known::ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => SignatureCheck::Other(&known::ED25519),
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => return unsupported(),
        _ => return unsupported(),
    };
    Ok(Box::new(SignatureVerifier {
        algorithm: *algorithm,
        check,
        key: key.kind().clone(),
    }))
}

enum SignatureCheck {
    Rsa(&'static known::RsaParameters),
    Other(&'static dyn known::VerificationAlgorithm),
}

struct SignatureVerifier {
    algorithm: Algorithm,
    check: SignatureCheck,
    key: DecodingKeyKind,
}

impl Verifier<Vec<u8>> for SignatureVerifier {
    fn verify(&self, message: &[u8], shown: &Vec<u8>) -> Result<(), signature::Error> {
        let checked = match (&self.check, &self.key) {
            (SignatureCheck::Rsa(of), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                known::RsaPublicKeyComponents { n, e }.verify(of, message, shown)
            }
            (SignatureCheck::Other(of), DecodingKeyKind::SecretOrDer(key)) => {
                known::UnparsedPublicKey::new(*of, key).verify(message, shown)
            }
            _ => return Err(signature::Error::new()),
        };
        checked.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for SignatureVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
