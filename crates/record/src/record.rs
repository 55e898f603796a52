//! The record itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use nvmeroot_plan::{InterfaceName, MountPoint, Nqn};
use serde::{Deserialize, Serialize};

use crate::{Failure, Scope, StepKind};

/// The version of the JSON form. It grows when a reader of the one before would
/// misread the new one; further fields alone don't change it.
pub const FORMAT_VERSION: u32 = 2;

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// Microseconds of the monotonic clock (clock_gettime(2)).
    pub monotonic_us: u64,
    /// Microseconds of the kernel log's clock, as `dmesg` shows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_us: Option<u64>,
}

/// How far the program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Outcome {
    /// It works on the requirements.
    Running,
    /// The requirements are met; other paths may still be worked on.
    Done,
    /// It gave up.
    Failed,
    /// Nothing was required: nothing essential in the plan is remote.
    Idle,
}

/// How far one step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StepState {
    /// It is being done, or tried again.
    Running,
    /// It is done.
    Done,
    /// It can't be done, or could not in time.
    Failed,
}

/// One error of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorRecord {
    /// When it was seen first.
    pub at: Moment,
    /// How often it was seen in a row.
    pub times: u32,
    /// What it was.
    #[serde(flatten)]
    pub failure: Failure,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// What it is about.
    #[serde(flatten)]
    pub scope: Scope,
    /// What it does.
    pub action: StepKind,
    /// What with: an address, a route, a subsystem.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How far it is.
    pub state: StepState,
    /// When it began.
    pub start: Moment,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Moment>,
    /// How often it was tried.
    pub tries: u32,
    /// What went wrong meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorRecord>,
}

/// What is not there although the plan names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What failed.
    #[serde(flatten)]
    pub scope: Scope,
    /// The step that failed; `None`: the whole of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<StepKind>,
    /// What that step was done with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The subsystem behind the portal, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nqn: Option<Nqn>,
    /// Why.
    #[serde(flatten)]
    pub failure: Failure,
}

/// What must be there before root can be mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// The mounts that need it.
    pub mounts: Vec<MountPoint>,
    /// A namespace behind one of these portals is enough.
    pub any_of: Vec<SocketAddr>,
}

/// The whole record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootRecord {
    /// The form's version, [`FORMAT_VERSION`].
    pub version: u32,
    /// The program's version.
    pub program: String,
    /// How far it is.
    pub outcome: Outcome,
    /// When the program started.
    pub start: Moment,
    /// When the requirements were met or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Moment>,
    /// When root was mounted, if other paths were still worked on then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounted: Option<Moment>,
    /// When the program ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Moment>,
    /// Seconds after which it gives up.
    pub deadline_s: u64,
    /// What must be there.
    pub requirements: Vec<Requirement>,
    /// What the kernel calls the links of the plan's interfaces, by configured
    /// name. They differ where a card is matched and not renamed.
    #[serde(default)]
    pub interfaces: BTreeMap<InterfaceName, String>,
    /// The steps, in the order in which they began.
    pub steps: Vec<StepRecord>,
    /// How many further steps are left out: the record has a bound.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub steps_left_out: u32,
    /// What is left to the running system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Why a record can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is no JSON, or not of this form.
    #[error("the boot record can't be read: {source}")]
    Malformed {
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Another version of this program wrote it.
    #[error("the boot record has version {found}, this program reads {FORMAT_VERSION}")]
    Version {
        /// The version.
        found: u32,
    },
}

impl BootRecord {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// When it is of another form or version.
    pub fn parse(json: &[u8]) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Form {
            version: u32,
        }
        let malformed = |source| RecordError::Malformed { source };
        // The version first: a newer record may hold what this one can't read.
        let Form { version } = serde_json::from_slice(json).map_err(malformed)?;
        if version != FORMAT_VERSION {
            return Err(RecordError::Version { found: version });
        }
        serde_json::from_slice(json).map_err(malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailureKind, Portal};

    const EXAMPLE: &str = include_str!("../example.json");

    #[test]
    fn the_example_is_what_is_written() {
        let record = BootRecord::parse(EXAMPLE.as_bytes()).expect("the example");
        let written = serde_json::to_string_pretty(&record).expect("JSON");
        assert_eq!(written.trim(), EXAMPLE.trim());
        let [card, connect] = record.steps.as_slice() else {
            panic!("{:?}", record.steps);
        };
        assert_eq!(card.action, StepKind::Card);
        let name: InterfaceName = "san0".parse().expect("a name");
        assert_eq!(card.scope, Scope::from(&name));
        assert_eq!(record.interfaces[&name], "ens3");
        let portal = Portal {
            address: "10.0.0.1:4420".parse().expect("a portal"),
            host_iface: None,
            host_traddr: None,
        };
        assert_eq!(connect.scope, Scope::Portal(portal));
        assert_eq!(connect.errors[0].failure.kind, FailureKind::Refused);
        assert_eq!(record.missing[0].action, Some(StepKind::Mtu));
    }

    #[test]
    fn another_version_is_named() {
        let newer = EXAMPLE.replacen("\"version\": 2", "\"version\": 3", 1);
        let error = BootRecord::parse(newer.as_bytes()).expect_err("another version");
        assert!(
            matches!(error, RecordError::Version { found: 3 }),
            "{error}"
        );
        let error = BootRecord::parse(b"{}").expect_err("no record");
        assert!(matches!(error, RecordError::Malformed { .. }), "{error}");
    }

    #[test]
    fn the_words_in_messages_are_those_of_the_form() {
        for kind in StepKind::ALL {
            let json = serde_json::to_value(kind).expect("JSON");
            assert_eq!(json, kind.word());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = BootRecord::parse(&bytes);
        }
    }
}
