//! Keys as people paste them: cleaned of what a clipboard adds, refused with the rule and never with the value.
//!
//! A secret is either the 64 characters of an HMAC secret or an Ed25519 private key in PEM. A browser's password field
//! loses the line breaks of a PEM, so they are put back here.

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// A cleaned text, and whether there was anything to clean.
type Cleaned = (Zeroizing<String>, bool);

/// Characters of an API key, and of an HMAC secret.
const KEY_CHARS: usize = 64;
/// The longest text that is looked at: a PEM with generous spacing.
pub const PASTED_MAX: usize = 1_000;
const PEM_START: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";
/// How the body of every Ed25519 key in PKCS #8 begins: version, algorithm, and the length of what follows.
const ED25519_BODY: &str = "MC4CAQAwBQYDK2VwBCIEI";

/// Which half of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyField {
    /// The API key.
    ApiKey,
    /// Its secret.
    ApiSecret,
}

impl KeyField {
    /// The name under which it is sealed and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::ApiSecret => "api_secret",
        }
    }
}

/// Why a pasted key or secret is refused. The value is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Only the other half of the pair was given.
    #[error("is required: a key and its secret are saved together")]
    Missing,
    /// More than anybody pastes.
    #[error("must be {PASTED_MAX} characters or less")]
    TooLong,
    /// Letters of another alphabet, or invisible ones.
    #[error("must be plain ASCII: it holds a character that no key has, perhaps an invisible one")]
    NotAscii,
    /// A secret where the key belongs.
    #[error("holds a private key, which is the secret: the two fields seem to be swapped")]
    Swapped,
    /// Not an API key.
    #[error("must be the {KEY_CHARS} letters and digits of an API key; it has {0} characters")]
    KeyLength(usize),
    /// Right length, wrong characters.
    #[error("must be letters and digits only")]
    KeyCharacters,
    /// Not a secret.
    #[error(
        "must be the {KEY_CHARS} letters and digits of an HMAC secret, or an Ed25519 private key in PEM; it has {0} characters"
    )]
    SecretLength(usize),
    /// A PEM, but of something else.
    #[error("must be an Ed25519 private key when it is a PEM (PKCS #8, without a passphrase); RSA is not supported")]
    OtherPem,
    /// Key and secret are one text.
    #[error("must not be the same as the API key")]
    SameAsKey,
    /// Testnet and mainnet never share a key.
    #[error("is the key of the exchange's other environment; each environment has keys of its own")]
    OtherEnvironment,
}

/// A key and its secret that look like what they should be.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// The API key.
    pub api_key: SecretString,
    /// The secret; a PEM has its line breaks.
    pub api_secret: SecretString,
    /// Fields from which spaces or line breaks were removed.
    pub cleaned: Vec<KeyField>,
}

impl KeyPair {
    /// Reads a pasted pair.
    ///
    /// # Errors
    /// Every half that is refused, with the rule it breaks.
    pub fn parse(api_key: &SecretString, api_secret: &SecretString) -> Result<Self, Vec<(KeyField, KeyProblem)>> {
        let (key, secret) = (read_key(api_key), read_secret(api_secret));
        match (key, secret) {
            (Ok((key, key_cleaned)), Ok((secret, secret_cleaned))) => {
                if key == secret {
                    return Err(vec![(KeyField::ApiSecret, KeyProblem::SameAsKey)]);
                }
                let cleaned = [(KeyField::ApiKey, key_cleaned), (KeyField::ApiSecret, secret_cleaned)];
                let cleaned = cleaned.into_iter().filter_map(|(field, was)| was.then_some(field)).collect();
                Ok(Self { api_key: key.as_str().into(), api_secret: secret.as_str().into(), cleaned })
            }
            (key, secret) => {
                let key = key.err().map(|problem| (KeyField::ApiKey, problem));
                let secret = secret.err().map(|problem| (KeyField::ApiSecret, problem));
                Err(key.into_iter().chain(secret).collect())
            }
        }
    }

    /// The last four characters of the API key.
    pub fn last4(&self) -> String {
        let key = self.api_key.expose_secret();
        key.get(key.len().saturating_sub(4)..).unwrap_or_default().to_owned()
    }
}

/// The text without spaces and line breaks, and whether there were any.
fn clean(pasted: &SecretString) -> Result<Cleaned, KeyProblem> {
    let pasted = pasted.expose_secret();
    if pasted.chars().count() > PASTED_MAX {
        return Err(KeyProblem::TooLong);
    }
    let text: Zeroizing<String> = Zeroizing::new(pasted.chars().filter(|letter| !letter.is_whitespace()).collect());
    if text.is_empty() {
        return Err(KeyProblem::Missing);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(KeyProblem::NotAscii);
    }
    let cleaned = text.len() != pasted.len();
    Ok((text, cleaned))
}

fn read_key(pasted: &SecretString) -> Result<Cleaned, KeyProblem> {
    let (text, cleaned) = clean(pasted)?;
    if text.starts_with("-----BEGIN") {
        return Err(KeyProblem::Swapped);
    }
    if text.len() != KEY_CHARS {
        return Err(KeyProblem::KeyLength(text.len()));
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(KeyProblem::KeyCharacters);
    }
    Ok((text, cleaned))
}

fn read_secret(pasted: &SecretString) -> Result<Cleaned, KeyProblem> {
    let (text, cleaned) = clean(pasted)?;
    if text.starts_with("-----BEGIN") {
        // Line breaks belong into a PEM: they are no dirt.
        return ed25519(&text).map(|pem| (pem, false)).ok_or(KeyProblem::OtherPem);
    }
    if text.len() != KEY_CHARS {
        return Err(KeyProblem::SecretLength(text.len()));
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(KeyProblem::KeyCharacters);
    }
    Ok((text, cleaned))
}

/// The PEM with its line breaks; `None` when it holds no plain Ed25519 key. `text` has no spaces.
fn ed25519(text: &str) -> Option<Zeroizing<String>> {
    let bare = |line: &str| line.replace(' ', "");
    let body = text.strip_prefix(&bare(PEM_START))?.strip_suffix(&bare(PEM_END))?;
    let is_base64 = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
    // 48 bytes: 16 of frame and 32 of key, which Base64 writes as 64 characters without padding.
    (body.len() == 64 && is_base64 && body.starts_with(ED25519_BODY))
        .then(|| Zeroizing::new(format!("{PEM_START}\n{body}\n{PEM_END}\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
    const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIGsGZmUVCjYzdcUBoMOgbZIdlvS1JpDUa1T/x4/p8HZV\n-----END PRIVATE KEY-----\n";

    fn parse(key: &str, secret: &str) -> Result<KeyPair, Vec<(KeyField, KeyProblem)>> {
        KeyPair::parse(&key.to_owned().into(), &secret.to_owned().into())
    }

    #[test]
    fn what_a_clipboard_adds_is_removed_and_said() {
        let pair = parse(&format!(" {KEY}\r\n"), SECRET).unwrap();
        assert_eq!(pair.api_key.expose_secret(), KEY);
        assert_eq!(pair.cleaned, [KeyField::ApiKey]);
        assert_eq!(pair.last4(), "Eh8A");
        let wrapped = format!("{}\n{}", &SECRET[..30], &SECRET[30..]);
        let pair = parse(KEY, &wrapped).unwrap();
        assert_eq!((pair.api_secret.expose_secret(), pair.cleaned), (SECRET, vec![KeyField::ApiSecret]));
    }

    #[test]
    fn an_ed25519_key_gets_its_line_breaks_back() {
        for pasted in [PEM.to_owned(), PEM.replace('\n', ""), PEM.replace('\n', "\r\n"), PEM.replace('\n', " ")] {
            let pair = parse(KEY, &pasted).unwrap();
            assert_eq!((pair.api_secret.expose_secret(), pair.cleaned.len()), (PEM, 0));
        }
    }

    #[test]
    fn whatever_is_no_pair_is_refused_by_field_and_never_repeated() {
        use KeyField::{ApiKey, ApiSecret};
        let rsa = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----";
        for (key, secret, field, problem) in [
            (PEM, SECRET, ApiKey, KeyProblem::Swapped),
            (&KEY[1..], SECRET, ApiKey, KeyProblem::KeyLength(63)),
            (&KEY.replace('v', "-"), SECRET, ApiKey, KeyProblem::KeyCharacters),
            (&KEY.replace('v', "ν"), SECRET, ApiKey, KeyProblem::NotAscii),
            (&format!("{KEY}\u{200b}"), SECRET, ApiKey, KeyProblem::NotAscii),
            (KEY, &SECRET[..40], ApiSecret, KeyProblem::SecretLength(40)),
            (KEY, KEY, ApiSecret, KeyProblem::SameAsKey),
            (KEY, " \n", ApiSecret, KeyProblem::Missing),
            (KEY, rsa, ApiSecret, KeyProblem::OtherPem),
            (KEY, "-----BEGIN RSA PRIVATE KEY-----", ApiSecret, KeyProblem::OtherPem),
            (KEY, &"x".repeat(PASTED_MAX + 1), ApiSecret, KeyProblem::TooLong),
        ] {
            let problems = parse(key, secret).unwrap_err();
            assert_eq!(problems, [(field, problem)]);
            let words = problem.to_string();
            assert!(!words.contains(&KEY[..12]) && !words.contains(&SECRET[..12]), "{words}");
        }
        assert_eq!(parse("short", "too short").unwrap_err().len(), 2);
        assert!(!format!("{:?}", parse(KEY, SECRET).unwrap()).contains(&KEY[..12]));
    }
}
