//! Who sends a request: API keys, and signatures over the bytes exactly as they came.
//!
//! The payload is the raw query followed by the raw body, without a separator and without the `signature=` pair. It is
//! never rebuilt from decoded parameters: clients encode the same value differently, and each is right as long as what
//! was signed is what was sent.

use super::error::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{hmac, signature};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use subtle::ConstantTimeEq;

/// The longest API key that is looked up.
const KEY_MAX: usize = 128;
/// How a PEM file of a public key begins and ends.
const PEM: (&str, &str) = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----");
/// DER in front of the 32 bytes of an Ed25519 public key: SubjectPublicKeyInfo with the algorithm's identifier.
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Bytes of an Ed25519 public key.
const ED25519_BYTES: usize = 32;

/// Checks the signatures of one API key.
pub enum Verifier {
    /// A secret that both sides know; hexadecimal signatures.
    Hmac(hmac::Key),
    /// A public key; base64 signatures.
    Ed25519([u8; ED25519_BYTES]),
}

impl std::fmt::Debug for Verifier {
    /// Names the kind and nothing of the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Hmac(_) => "Hmac",
            Self::Ed25519(_) => "Ed25519",
        })
    }
}

/// Why a key cannot check signatures. The key is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifierError {
    /// Nothing was given.
    #[error("the secret is empty")]
    Empty,
    /// A PEM text of something else.
    #[error("the PEM text is no Ed25519 public key (SubjectPublicKeyInfo)")]
    NotEd25519,
}

impl Verifier {
    /// Takes a secret as text, or an Ed25519 public key in PEM.
    ///
    /// # Errors
    /// When it is empty or a PEM text of another kind.
    pub fn new(secret: &SecretString) -> Result<Self, VerifierError> {
        let text = secret.expose_secret().trim();
        if text.is_empty() {
            return Err(VerifierError::Empty);
        }
        if !text.starts_with("-----") {
            return Ok(Self::Hmac(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())));
        }
        let inner =
            text.strip_prefix(PEM.0).and_then(|rest| rest.strip_suffix(PEM.1)).ok_or(VerifierError::NotEd25519)?;
        let packed: String = inner.split_whitespace().collect();
        let der = STANDARD.decode(packed).map_err(|_| VerifierError::NotEd25519)?;
        let key = der.strip_prefix(&ED25519_PREFIX).and_then(|key| key.try_into().ok());
        key.map(Self::Ed25519).ok_or(VerifierError::NotEd25519)
    }

    /// Whether a signature fits these bytes.
    pub fn fits(&self, payload: [&[u8]; 2], given: &str) -> bool {
        match self {
            Self::Hmac(key) => {
                let mut tag = [0_u8; 32];
                if hex::decode_to_slice(given, &mut tag).is_err() {
                    return false;
                }
                let mut context = hmac::Context::with_key(key);
                payload.iter().for_each(|part| context.update(part));
                context.sign().as_ref().ct_eq(&tag).into()
            }
            Self::Ed25519(key) => {
                let Ok(given) = STANDARD.decode(given) else { return false };
                let message = payload.concat();
                signature::UnparsedPublicKey::new(&signature::ED25519, key).verify(&message, &given).is_ok()
            }
        }
    }
}

/// Reads the key's header.
///
/// # Errors
/// -2014 when it is missing or cannot be a key.
pub fn key_of(header: Option<&[u8]>) -> Result<&str, ApiError> {
    let key = header.and_then(|bytes| std::str::from_utf8(bytes).ok()).ok_or_else(ApiError::key_format)?;
    if is_key(key) { Ok(key) } else { Err(ApiError::key_format()) }
}

/// Whether a text can be an API key.
pub fn is_key(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// Takes the `signature=` pair out of a query or body as it came.
pub fn unsigned(part: &str) -> Cow<'_, str> {
    const NAME: &str = "signature=";
    let at = if part.starts_with(NAME) { Some(0) } else { part.find("&signature=").map(|at| at + 1) };
    let Some(start) = at else { return Cow::Borrowed(part) };
    match part[start..].find('&') {
        // The last pair, which is where clients put it: what is before it, without the "&".
        None => Cow::Borrowed(&part[..start.saturating_sub(1)]),
        Some(length) => Cow::Owned([&part[..start], &part[start + length + 1..]].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

    fn fits(secret: &str, query: &str, body: &str, signature: &str) -> bool {
        let verifier = Verifier::new(&SecretString::from(secret.to_owned())).expect("a key");
        verifier.fits([unsigned(query).as_bytes(), unsigned(body).as_bytes()], signature)
    }

    #[test]
    fn published_signatures_fit_wherever_the_parameters_travel() {
        let plain = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
        let signature = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71";
        assert!(fits(SECRET, plain, "", signature));
        assert!(fits(SECRET, "", plain, signature));
        assert!(fits(SECRET, &format!("{plain}&signature={signature}"), "", &signature.to_uppercase()));
        let unicode = "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
        assert!(fits(SECRET, unicode, "", "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"));
        let (query, body) = (
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC",
            "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        );
        let mixed = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77";
        assert!(fits(SECRET, query, body, mixed));
        assert!(!fits(SECRET, &format!("{query}&"), body, mixed), "the parts are joined without a separator");
    }

    #[test]
    fn a_changed_byte_a_wrong_secret_and_nonsense_do_not_fit() {
        let query = "symbol=LTCBTC&timestamp=1";
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), query.as_bytes());
        let signature = hex::encode(tag);
        assert!(fits(SECRET, query, "", &signature));
        assert!(!fits(SECRET, "symbol=LTCBTC&timestamp=2", "", &signature));
        assert!(!fits("another secret", query, "", &signature));
        assert!(!fits(SECRET, query, "", &signature[1..]));
        assert!(!fits(SECRET, query, "", "zz"));
    }

    #[test]
    fn an_ed25519_key_checks_a_signature_made_elsewhere() {
        // The public half of the one private key that the exchange's documentation prints.
        let private =
            STANDARD.decode("MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u").expect("base64");
        let pair = signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(&private).expect("a key pair");
        let public = signature::KeyPair::public_key(&pair).as_ref().to_vec();
        let der = [&ED25519_PREFIX[..], &public].concat();
        let pem = format!("{}\n{}\n{}\n", PEM.0, STANDARD.encode(der), PEM.1);
        let payload = "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000";
        let published = "inDT086KVIP8vgUfw5sV3VTkescWztiAGlf4x8FLKHM4NInsn0c1kYVLoGMO8cyjfR6vmTku2YQE0gtfVVlfCw==";
        assert!(fits(&pem, payload, "", published));
        assert!(!fits(&pem, &payload.replace("0.2", "0.3"), "", published));
        assert!(!fits(&pem, payload, "", &published.to_lowercase()));
    }

    #[test]
    fn keys_that_cannot_be_keys_are_told_apart_from_unknown_ones() {
        assert_eq!(key_of(None), Err(ApiError::key_format()));
        assert_eq!(key_of(Some(b"")), Err(ApiError::key_format()));
        assert_eq!(key_of(Some(b"with space")), Err(ApiError::key_format()));
        assert_eq!(key_of(Some(b"abc123")), Ok("abc123"));
        let wrong = Verifier::new(&SecretString::from("-----BEGIN RSA PUBLIC KEY-----".to_owned()));
        assert_eq!(wrong.map(drop), Err(VerifierError::NotEd25519));
        let shown = format!("{:?}", Verifier::new(&SecretString::from(SECRET.to_owned())).expect("a key"));
        assert!(!shown.contains(SECRET));
    }

    #[test]
    fn the_signature_is_taken_out_wherever_it_stands() {
        for (sent, payload) in [
            ("a=1&signature=x", "a=1"),
            ("signature=x&a=1", "a=1"),
            ("a=1&signature=x&b=2", "a=1&b=2"),
            ("signature=x", ""),
            ("a=1&mysignature=x", "a=1&mysignature=x"),
            ("", ""),
        ] {
            assert_eq!(unsigned(sent), payload, "{sent}");
        }
    }
}
