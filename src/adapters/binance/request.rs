//! The one encoded string of a request. It is built once, signed as it stands, and those bytes are what is sent.

use super::sign::Signer;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::{Display, Write};

/// How long the venue may take to look at a request, in milliseconds. Small, so that a lost one cannot land late.
pub const RECV_WINDOW_MS: i64 = 5_000;
/// What stays as it is: the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Room for the longest order without growing.
const CAPACITY: usize = 384;

/// A text with everything encoded that is not unreserved.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Parameters in the order in which they are sent, encoded as they are added.
#[derive(Clone, Debug)]
pub struct Params(String);

impl Default for Params {
    fn default() -> Self {
        Self(String::with_capacity(CAPACITY))
    }
}

impl Params {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, name: &'static str, value: &str) -> Self {
        self.name(name);
        self.0.extend(utf8_percent_encode(value, RESERVED));
        self
    }

    /// Adds what shows as a plain number or a plain word of ours, which needs no encoding.
    #[must_use]
    pub fn plain(mut self, name: &'static str, value: impl Display) -> Self {
        self.name(name);
        let begun = self.0.len();
        write!(self.0, "{value}").expect("writing to a string cannot fail");
        debug_assert!(self.0[begun..].bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')));
        self
    }

    /// Adds a number when there is one.
    #[must_use]
    pub fn optional(self, name: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.plain(name, value),
            None => self,
        }
    }

    /// The encoded string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Stamps the parameters with the venue's time, signs them, and closes them with the signature.
    pub fn signed(self, signer: &Signer, timestamp_ms: i64) -> SignedParams {
        let Self(mut text) = self.plain("recvWindow", RECV_WINDOW_MS).plain("timestamp", timestamp_ms);
        let signature = signer.sign(text.as_bytes());
        text.push_str("&signature=");
        text.push_str(&signature);
        SignedParams(text)
    }

    fn name(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
    }
}

/// Signed parameters: good for one call within [`RECV_WINDOW_MS`], and never printed.
pub struct SignedParams(String);

impl SignedParams {
    /// The bytes to send.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes to send, as a body.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl std::fmt::Debug for SignedParams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignedParams(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    fn signer() -> Signer {
        let secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
        Signer::parse(&secret.to_owned().into()).expect("usable")
    }

    /// The order of the published examples, for any symbol.
    fn published(symbol: &str) -> SignedParams {
        Params::new()
            .text("symbol", symbol)
            .plain("side", "BUY")
            .plain("type", "LIMIT")
            .plain("timeInForce", "GTC")
            .plain("quantity", Decimal::ONE)
            .plain("price", Decimal::new(1, 1))
            .signed(&signer(), 1_499_827_319_559)
    }

    #[test]
    fn what_we_build_is_byte_for_byte_what_the_examples_sign() {
        let tail = "&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559&signature=";
        let plain = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71";
        assert_eq!(published("LTCBTC").as_str(), format!("symbol=LTCBTC{tail}{plain}"));
        let wide = "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3";
        let symbol = "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96";
        assert_eq!(published("１２３４５６").as_str(), format!("symbol={symbol}{tail}{wide}"));
    }

    #[test]
    fn reserved_characters_are_encoded_and_survive_being_put_into_an_address() {
        let params = Params::new().text("symbols", r#"["BTCUSDT","A&B=C D+E"]"#);
        assert_eq!(params.as_str(), "symbols=%5B%22BTCUSDT%22%2C%22A%26B%3DC%20D%2BE%22%5D");
        let mut url = reqwest::Url::parse("http://127.0.0.1/").expect("an address");
        url.set_query(Some(params.as_str()));
        assert_eq!(url.query(), Some(params.as_str()));
    }

    #[test]
    fn a_signature_is_never_printed() {
        assert_eq!(format!("{:?}", published("LTCBTC")), "SignedParams(..)");
    }
}
