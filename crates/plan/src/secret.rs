//! Secrets of in-band authentication.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::NameError;
use crate::base64;

/// What stands for a secret wherever it is not told.
const REDACTED: &str = "(secret)";

/// A secret of DH-HMAC-CHAP as nvme-cli and the kernel write it:
/// `DHHC-1:hh:BASE64:`. `hh` is the hash that transforms it, `00` (none) to
/// `03`; the base64 text holds 32, 48 or 64 bytes and their CRC-32
/// (NVM Express Base Specification 2.1, section 8.3.5.5.8; `nvme_auth_extract_key`
/// in the kernel's drivers/nvme/common/auth.c).
///
/// `Debug`, `Display` and the JSON form hide it. [`Secret::expose`] tells it,
/// and [`telling_secrets`] lets the JSON form tell it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Secret(String);

impl Secret {
    /// The secret as the kernel's `dhchap_secret` takes it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refuse = |why| Err(NameError::Secret { why });
        let Some(rest) = text.strip_prefix("DHHC-1:") else {
            return refuse("it does not start with `DHHC-1:`");
        };
        let Some((hash, rest)) = rest.split_once(':') else {
            return refuse("no hash and colon follow `DHHC-1:`");
        };
        if !matches!(hash, "00" | "01" | "02" | "03") {
            return refuse("its hash is none of `00`, `01`, `02` and `03`");
        }
        let Some(encoded) = rest.strip_suffix(':') else {
            return refuse("it does not end with a colon");
        };
        let Some(bytes) = base64(encoded) else {
            return refuse("its key is not base64");
        };
        if !matches!(bytes.len(), 36 | 52 | 68) {
            return refuse("its key has neither 32, 48 nor 64 bytes and a checksum");
        }
        let (key, sum) = bytes.split_at(bytes.len() - 4);
        if crc32(key).to_le_bytes() != sum {
            return refuse("the checksum of its key is wrong");
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Secret {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

thread_local! {
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; secrets that it serializes are told. Whoever forgets to call
/// this writes too little and leaks nothing.
pub fn telling_secrets<T>(work: impl FnOnce() -> T) -> T {
    /// Also when `work` panics, and no earlier than an outer call.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            TELLING.set(self.0);
        }
    }
    let _restore = Restore(TELLING.replace(true));
    work()
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if TELLING.get() { &self.0 } else { REDACTED })
    }
}

/// The CRC-32 of Ethernet and zlib, which the key ends with.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            sum >> 1 ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by Python's `base64` and `zlib` from the bytes 0, 1, 2, …
    const SHORT: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
    const MIDDLE: &str =
        "DHHC-1:02:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vcSEgBQ==:";
    const LONG: &str = "DHHC-1:03:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P4zODhA=:";

    #[test]
    fn three_lengths_are_secrets() {
        for text in [SHORT, MIDDLE, LONG] {
            let secret: Secret = text.parse().expect("a secret");
            assert_eq!(secret.expose(), text);
        }
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_shown() {
        let key = SHORT
            .strip_prefix("DHHC-1:00:")
            .and_then(|rest| rest.strip_suffix(':'))
            .expect("the key");
        let other = key.replacen('A', "B", 1);
        for (text, rule) in [
            (String::new(), "it does not start with `DHHC-1:`"),
            (
                format!("NVMeTLSkey-1:01:{key}:"),
                "it does not start with `DHHC-1:`",
            ),
            (
                format!("DHHC-1:{key}"),
                "no hash and colon follow `DHHC-1:`",
            ),
            (
                format!("DHHC-1:04:{key}:"),
                "its hash is none of `00`, `01`, `02` and `03`",
            ),
            (format!("DHHC-1:00:{key}"), "it does not end with a colon"),
            (format!("DHHC-1:00:{key},x:"), "its key is not base64"),
            (format!("DHHC-1:00:{}:", &key[1..]), "its key is not base64"),
            (
                "DHHC-1:00:AAAA:".to_owned(),
                "its key has neither 32, 48 nor 64 bytes and a checksum",
            ),
            (
                format!("DHHC-1:00:{other}:"),
                "the checksum of its key is wrong",
            ),
        ] {
            let error = text.parse::<Secret>().expect_err("no secret");
            assert_eq!(error, NameError::Secret { why: rule }, "{text:?}");
            assert!(!error.to_string().contains(key));
        }
    }

    #[test]
    fn a_secret_is_told_only_on_purpose() {
        let secret: Secret = SHORT.parse().expect("a secret");
        let json = || serde_json::to_string(&secret).expect("JSON");
        assert_eq!(format!("{secret} {secret:?}"), "(secret) (secret)");
        assert_eq!(json(), "\"(secret)\"");
        let told = telling_secrets(json);
        assert_eq!(told, format!("\"{SHORT}\""));
        assert_eq!(
            serde_json::from_str::<Secret>(&told).expect("a secret"),
            secret
        );
        assert_eq!(json(), "\"(secret)\"");
    }

    #[test]
    fn the_mark_is_no_secret() {
        assert!(serde_json::from_str::<Secret>("\"(secret)\"").is_err());
    }
}
