//! `/etc/nvme`, as nvme-cli and libnvme keep it: the identity of the host in
//! `hostnqn` and `hostid` (nvme-gen-hostnqn(1)), and what `config.json`,
//! `discovery.conf` and `nvme-fabrics.conf` say of portals.

mod config_json;
mod discovery_conf;
mod fabrics_conf;
mod option;

pub use self::config_json::config_json;
pub use self::discovery_conf::discovery_conf;
pub use self::fabrics_conf::{FabricsFile, fabrics_conf};

use nvmeroot_plan::{HostIdentity, NameError};
use thiserror::Error;

/// Why two files hold no identity.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostPairError {
    /// One file is there, the other is missing or empty.
    #[error(
        "`{present}` is there and `{missing}` is missing or empty: the identity of a host is a pair"
    )]
    Half {
        /// The file that is there.
        present: String,
        /// The file that is not.
        missing: String,
    },
    /// A file holds something else.
    #[error("`{file}`: {source}")]
    Value {
        /// The file.
        file: String,
        /// What is wrong with its text.
        source: NameError,
    },
    /// A file holds more than its one line.
    #[error("`{file}` has more than one line")]
    Lines {
        /// The file.
        file: String,
    },
    /// A file holds bytes that are no text.
    #[error("`{file}` is not UTF-8")]
    NotUtf8 {
        /// The file.
        file: String,
    },
}

/// Reads the pair from the content of `directory/hostnqn` and
/// `directory/hostid`; `directory` is for messages.
///
/// # Errors
/// Half a pair, or a file that holds something else.
pub fn host_pair(
    directory: &str,
    hostnqn: Option<&[u8]>,
    hostid: Option<&[u8]>,
) -> Result<Option<HostIdentity>, HostPairError> {
    let name = |file: &str| format!("{directory}/{file}");
    let nqn = line(name("hostnqn"), hostnqn)?;
    let id = line(name("hostid"), hostid)?;
    let half = |present: &str, missing: &str| HostPairError::Half {
        present: name(present),
        missing: name(missing),
    };
    match (nqn, id) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(half("hostnqn", "hostid")),
        (None, Some(_)) => Err(half("hostid", "hostnqn")),
        (Some(nqn), Some(id)) => {
            let wrong = |file: &str| {
                let file = name(file);
                move |source| HostPairError::Value { file, source }
            };
            Ok(Some(HostIdentity {
                nqn: nqn.parse().map_err(wrong("hostnqn"))?,
                id: id.parse().map_err(wrong("hostid"))?,
            }))
        }
    }
}

/// The one line of a file, without the white space around it.
fn line(file: String, bytes: Option<&[u8]>) -> Result<Option<&str>, HostPairError> {
    let Some(bytes) = bytes else { return Ok(None) };
    match std::str::from_utf8(bytes).map(str::trim) {
        Err(_) => Err(HostPairError::NotUtf8 { file }),
        Ok("") => Ok(None),
        Ok(text) if text.contains('\n') => Err(HostPairError::Lines { file }),
        Ok(text) => Ok(Some(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NQN: &[u8] = b"nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d\n";
    const ID: &[u8] = b"8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d\n";

    #[test]
    fn a_pair_is_whole_or_absent() {
        let pair = host_pair("etc/nvme", Some(NQN), Some(ID))
            .expect("a pair")
            .expect("a pair");
        assert_eq!(pair.id.to_string(), "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d");
        assert_eq!(host_pair("etc/nvme", None, Some(b" \n")), Ok(None));
        assert_eq!(
            host_pair("etc/nvme", Some(NQN), Some(b"\n")),
            Err(HostPairError::Half {
                present: "etc/nvme/hostnqn".to_owned(),
                missing: "etc/nvme/hostid".to_owned()
            })
        );
        let half = host_pair("etc/nvme", None, Some(ID)).expect_err("half a pair");
        assert_eq!(
            half.to_string(),
            "`etc/nvme/hostid` is there and `etc/nvme/hostnqn` is missing or empty: the identity of a host is a pair"
        );
    }

    #[test]
    fn what_is_no_identity_is_named_with_its_file() {
        let swapped = host_pair("etc/nvme", Some(ID), Some(NQN)).expect_err("swapped files");
        assert!(
            matches!(&swapped, HostPairError::Value { file, source: NameError::Text { what: "NVMe qualified name", .. } } if file == "etc/nvme/hostnqn")
        );
        let lines = host_pair("x", Some(b"nqn.a\nnqn.b\n"), Some(ID));
        assert_eq!(
            lines,
            Err(HostPairError::Lines {
                file: "x/hostnqn".to_owned()
            })
        );
        let bytes = host_pair("x", Some(NQN), Some(b"\xff"));
        assert_eq!(
            bytes,
            Err(HostPairError::NotUtf8 {
                file: "x/hostid".to_owned()
            })
        );
    }
}
