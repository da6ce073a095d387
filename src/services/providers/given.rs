//! A provider as somebody typed it: every rule in one place, refused by field and never repeated.

use crate::domain::credential::PASTED_MAX;
use crate::domain::money::parse_plain;
use crate::domain::provider::{BASE_URL_MAX, PROVIDER_NAME_MAX, Provider, ProviderKind, TokenPrice};
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use url::{Host, Url};
use zeroize::Zeroizing;

/// The dearest million of tokens, in US dollars; beyond it somebody mistook the unit.
pub const PRICE_MAX: u32 = 10_000;
/// Requests at once, at least and at most.
pub const CONCURRENCY: (u32, u32) = (1, 32);
/// Requests at once, unless somebody says otherwise.
pub const CONCURRENCY_DEFAULT: u32 = 4;
/// Seconds that an answer may take, at least and at most.
pub const TIMEOUT_SECONDS: (u32, u32) = (5, 600);
/// Seconds that an answer may take, unless somebody says otherwise: thinking models are slow.
pub const TIMEOUT_SECONDS_DEFAULT: u32 = 180;
/// A key shorter than this is not shown in part: four of its characters would be too much of it.
const LAST4_FROM: usize = 16;
/// Endings of names that no public host has.
const LOCAL_ENDINGS: &[&str] = &[".localhost", ".local", ".lan", ".internal", ".home.arpa"];

/// A provider as it was typed; numbers are text, so that a refused form shows what was typed.
#[derive(Clone, Debug)]
pub struct GivenProvider {
    /// Unique.
    pub name: String,
    /// Whose dialect.
    pub kind: String,
    /// The address.
    pub base_url: String,
    /// US dollars for a million tokens of the prompt; empty when unknown.
    pub input_price: String,
    /// US dollars for a million tokens of the answer; empty when unknown.
    pub output_price: String,
    /// Requests at once.
    pub max_concurrency: String,
    /// Seconds that an answer may take.
    pub timeout_seconds: String,
    /// A new key; the one that is stored stays without it.
    pub api_key: Option<SecretString>,
    /// Whether the stored key goes.
    pub remove_key: bool,
}

impl Default for GivenProvider {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: ProviderKind::Other.as_str().to_owned(),
            base_url: String::new(),
            input_price: String::new(),
            output_price: String::new(),
            max_concurrency: CONCURRENCY_DEFAULT.to_string(),
            timeout_seconds: TIMEOUT_SECONDS_DEFAULT.to_string(),
            api_key: None,
            remove_key: false,
        }
    }
}

impl GivenProvider {
    /// What would leave a provider as it is.
    pub fn of(provider: &Provider) -> Self {
        let price = |of: fn(TokenPrice) -> Decimal| {
            provider.price.map_or_else(String::new, |price| of(price).normalize().to_string())
        };
        Self {
            name: provider.name.clone(),
            kind: provider.kind.as_str().to_owned(),
            base_url: provider.base_url.clone(),
            input_price: price(|price| price.input),
            output_price: price(|price| price.output),
            max_concurrency: provider.max_concurrency.to_string(),
            timeout_seconds: provider.timeout_seconds.to_string(),
            api_key: None,
            remove_key: false,
        }
    }
}

/// A provider that follows every rule.
pub(super) struct ReadProvider {
    pub name: String,
    pub kind: ProviderKind,
    pub base_url: String,
    pub price: Option<TokenPrice>,
    pub max_concurrency: u32,
    pub timeout_seconds: u32,
    pub key: Option<ReadKey>,
}

/// A key without what a clipboard adds.
pub(super) struct ReadKey {
    pub secret: SecretString,
    /// Spaces or line breaks were removed.
    pub cleaned: bool,
}

impl ReadKey {
    /// The last four characters of a key that is long enough to show them.
    pub fn last4(&self) -> Option<String> {
        let key = self.secret.expose_secret();
        (key.len() >= LAST4_FROM).then(|| key[key.len() - 4..].to_owned())
    }
}

/// Reads every field.
///
/// # Errors
/// Every field that is refused, with its rule.
pub(super) fn read(given: &GivenProvider) -> Result<ReadProvider, BTreeMap<String, String>> {
    let mut fields = BTreeMap::new();
    let name = note(&mut fields, "name", read_name(&given.name));
    let kind = note(&mut fields, "kind", read_kind(&given.kind));
    let base_url = note(&mut fields, "base_url", read_base_url(&given.base_url));
    let price = read_price(given, &mut fields);
    let max_concurrency = note(&mut fields, "max_concurrency", read_number(&given.max_concurrency, CONCURRENCY));
    let timeout_seconds = note(&mut fields, "timeout_seconds", read_number(&given.timeout_seconds, TIMEOUT_SECONDS));
    let key = note(&mut fields, "api_key", given.api_key.as_ref().map(read_key).transpose());
    match (name, kind, base_url, max_concurrency, timeout_seconds, key) {
        (Some(name), Some(kind), Some(base_url), Some(max_concurrency), Some(timeout_seconds), Some(key))
            if fields.is_empty() =>
        {
            Ok(ReadProvider { name, kind, base_url, price, max_concurrency, timeout_seconds, key })
        }
        _ => Err(fields),
    }
}

fn note<T>(fields: &mut BTreeMap<String, String>, field: &str, read: Result<T, String>) -> Option<T> {
    read.map_err(|why| fields.insert(field.to_owned(), why)).ok()
}

fn read_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let ok = (1..=PROVIDER_NAME_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    ok.then(|| name.to_owned())
        .ok_or_else(|| format!("must be 1 to {PROVIDER_NAME_MAX} characters, without control characters"))
}

fn read_kind(text: &str) -> Result<ProviderKind, String> {
    let words = || ProviderKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    ProviderKind::parse(text).ok_or_else(|| format!("must be one of {}", words()))
}

/// The address as it was given, but for spaces around it and slashes at its end.
pub(super) fn read_base_url(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    if text.is_empty() {
        return Err("is required".to_owned());
    }
    if text.chars().count() > BASE_URL_MAX {
        return Err(format!("must be {BASE_URL_MAX} characters or less"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err("must be plain ASCII without spaces".to_owned());
    }
    let is_web = text.starts_with("http://") || text.starts_with("https://");
    let url = Url::parse(text).ok().filter(|url| is_web && url.has_host());
    let url = url.ok_or("must be an address that begins with https:// or http://, as https://api.openai.com/v1")?;
    let authority = text.split('/').nth(2).unwrap_or_default();
    if authority.contains('@') {
        return Err("must hold no user name or password: the key has a field of its own".to_owned());
    }
    if text.contains(['?', '#']) {
        return Err("must hold no query (?) and no fragment (#)".to_owned());
    }
    if url.scheme() == "http" && !url.host().is_some_and(|host| is_near(&host)) {
        return Err(
            "must begin with https://: plain http would send the key in the clear, and is for this machine and \
                    private networks only"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// Whether a host is this machine or on a private network.
fn is_near(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            !name.contains('.') || LOCAL_ENDINGS.iter().any(|ending| name.ends_with(ending))
        }
        Host::Ipv4(ip) => is_near_ip(IpAddr::V4(*ip)),
        Host::Ipv6(ip) => is_near_ip(ip.to_canonical()),
    }
}

fn is_near_ip(ip: IpAddr) -> bool {
    match ip {
        // 100.64.0.0/10 is what mesh networks hand out; nobody reaches it from outside.
        IpAddr::V4(ip) => {
            ip.is_loopback() || ip.is_private() || (ip.octets()[0] == 100 && ip.octets()[1] & 0b1100_0000 == 64)
        }
        IpAddr::V6(ip) => ip == Ipv6Addr::LOCALHOST || ip.is_unique_local(),
    }
}

/// Both prices or none.
fn read_price(given: &GivenProvider, fields: &mut BTreeMap<String, String>) -> Option<TokenPrice> {
    let rule = format!("must be a number from 0 to {PRICE_MAX}, in plain digits");
    let one = |text: &str| match text.trim() {
        "" => Ok(None),
        text => match parse_plain(text) {
            Ok(price) if price <= Decimal::from(PRICE_MAX) => Ok(Some(price)),
            _ => Err(rule.clone()),
        },
    };
    let input = note(fields, "input_price", one(&given.input_price))?;
    let output = note(fields, "output_price", one(&given.output_price))?;
    let missing = match (input, output) {
        (Some(input), Some(output)) => return Some(TokenPrice { input, output }),
        (None, None) => return None,
        (None, Some(_)) => "input_price",
        (Some(_), None) => "output_price",
    };
    fields.insert(missing.to_owned(), "is required: give both prices or none".to_owned());
    None
}

fn read_number(text: &str, (low, high): (u32, u32)) -> Result<u32, String> {
    let text = text.trim();
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if plain { text.parse::<u32>().ok() } else { None };
    number
        .filter(|number| (low..=high).contains(number))
        .ok_or_else(|| format!("must be a whole number from {low} to {high}"))
}

pub(super) fn read_key(pasted: &SecretString) -> Result<ReadKey, String> {
    let pasted = pasted.expose_secret();
    if pasted.chars().count() > PASTED_MAX {
        return Err(format!("must be {PASTED_MAX} characters or less"));
    }
    if pasted.trim_start().starts_with("Bearer ") {
        return Err("must be the key alone, without the word Bearer".to_owned());
    }
    let text: Zeroizing<String> = Zeroizing::new(pasted.chars().filter(|letter| !letter.is_whitespace()).collect());
    if text.is_empty() {
        return Err("holds nothing but spaces".to_owned());
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must be plain ASCII: it holds a character that no key has, perhaps an invisible one".to_owned());
    }
    Ok(ReadKey { cleaned: text.len() != pasted.len(), secret: text.as_str().into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_as_given_and_plain_http_stays_at_home() {
        for (given, kept) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            (" https://Openrouter.ai/api/v1/ ", "https://Openrouter.ai/api/v1"),
            (
                "https://generativelanguage.googleapis.com/v1beta/openai//",
                "https://generativelanguage.googleapis.com/v1beta/openai",
            ),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
            ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
            ("http://192.168.1.20:8000/v1", "http://192.168.1.20:8000/v1"),
            ("http://100.64.0.9/v1", "http://100.64.0.9/v1"),
            ("http://ollama:11434/v1", "http://ollama:11434/v1"),
            ("http://gpu.lan/v1", "http://gpu.lan/v1"),
        ] {
            assert_eq!(read_base_url(given).as_deref(), Ok(kept), "{given}");
        }
    }

    #[test]
    fn whatever_else_is_no_address_and_is_never_repeated() {
        let long = format!("https://host.example/{}", "x".repeat(BASE_URL_MAX));
        for (given, says) in [
            ("", "required"),
            ("api.openai.com/v1", "begins with https"),
            ("ftp://host.example", "begins with https"),
            ("https://", "begins with https"),
            ("https:host.example", "begins with https"),
            ("https://ada:hunter2@host.example/v1", "no user name"),
            ("https://@host.example/v1", "no user name"),
            ("https://host.example/v1?key=hunter2", "no query"),
            ("https://host.example/v1#hunter2", "no query"),
            ("https://host.example/v 1", "plain ASCII"),
            ("https://hοst.example/v1", "plain ASCII"),
            ("https:\\\\host.example", "plain ASCII"),
            ("http://api.openai.com/v1", "in the clear"),
            ("http://8.8.8.8/v1", "in the clear"),
            ("http://[::ffff:8.8.8.8]/v1", "in the clear"),
            ("http://169.254.169.254/v1", "in the clear"),
            ("http://localhost.example.com/v1", "in the clear"),
            ("http://127.0.0.1.nip.io/v1", "in the clear"),
            (&long, "characters or less"),
        ] {
            let why = read_base_url(given).unwrap_err();
            assert!(why.contains(says) && !why.contains("hunter2"), "{given}: {why}");
        }
    }

    #[test]
    fn numbers_are_plain_and_prices_come_in_pairs() {
        let given = |change: fn(&mut GivenProvider)| {
            let mut given = GivenProvider {
                name: "Home".to_owned(),
                base_url: "http://localhost:8080/v1".to_owned(),
                ..GivenProvider::default()
            };
            change(&mut given);
            read(&given).map(|read| read.price).map_err(|fields| fields.into_keys().collect::<Vec<_>>().join(" "))
        };
        assert_eq!(given(|_| ()), Ok(None));
        let free = TokenPrice { input: Decimal::ZERO, output: Decimal::ZERO };
        assert_eq!(given(|it| (it.input_price, it.output_price) = ("0".into(), "0".into())), Ok(Some(free)));
        for (change, wrong) in [
            ((|it| it.input_price = "1".into()) as fn(&mut GivenProvider), "output_price"),
            (|it| it.output_price = "1".into(), "input_price"),
            (|it| (it.input_price, it.output_price) = ("1e2".into(), "10001".into()), "input_price"),
            (|it| (it.input_price, it.output_price) = ("1".into(), "10001".into()), "output_price"),
            (|it| (it.input_price, it.output_price) = ("-1".into(), "1".into()), "input_price"),
            (|it| it.max_concurrency = "33".into(), "max_concurrency"),
            (|it| it.max_concurrency = "+3".into(), "max_concurrency"),
            (|it| it.timeout_seconds = "4".into(), "timeout_seconds"),
            (|it| it.name = " ".into(), "name"),
            (|it| it.name = "x".repeat(61), "name"),
            (|it| it.kind = "OpenAI".into(), "kind"),
        ] {
            assert_eq!(given(change), Err(wrong.to_owned()));
        }
    }

    #[test]
    fn a_key_loses_what_a_clipboard_adds_and_shows_little() {
        let key = |text: &str| read_key(&text.to_owned().into());
        let read = key(" sk-abcdefgh\nijkl7Qx9\r\n").ok().unwrap();
        assert_eq!((read.secret.expose_secret(), read.cleaned), ("sk-abcdefghijkl7Qx9", true));
        assert_eq!(read.last4().as_deref(), Some("7Qx9"));
        assert_eq!(key("local").ok().unwrap().last4(), None);
        for bad in [" ", "Bearer sk-abc", "sk-αbc", "sk-abc\u{200b}", &"x".repeat(PASTED_MAX + 1)] {
            let why = key(bad).err().unwrap();
            assert!(!why.contains("sk-"), "{why}");
        }
    }
}
