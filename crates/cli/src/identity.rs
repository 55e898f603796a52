//! Which identity the host gets.

use std::path::Path;

use anyhow::anyhow;
use nvmeroot_intake::nvme_etc::host_pair;
use nvmeroot_plan::{HostId, HostIdentity, Nqn, Warning};

use crate::Failure;
use crate::diagnose::{InputErrors, SourceMap};
use crate::root::{RootTree, read_file};

/// A pair is two lines; more is no identity.
const LONGEST: u64 = 4096;

const HINT: &str = "pass `--hostnqn NQN --hostid UUID`, or `--host-from /etc/nvme` to carry the installer's own pair over";

/// What the user says about the identity.
#[derive(Debug)]
pub(crate) enum Wanted<'a> {
    /// The root tree's files hold it.
    FromTree,
    /// It is given.
    Pair(Nqn, HostId),
    /// It is in `DIR/hostnqn` and `DIR/hostid` of the machine that runs us.
    Copied(&'a Path),
}

impl Wanted<'_> {
    /// The pair to write into the tree; `None` where the tree's own is used.
    pub(crate) fn pair(&self) -> Result<Option<HostIdentity>, Failure> {
        match self {
            Self::FromTree => Ok(None),
            Self::Pair(nqn, id) => Ok(Some(HostIdentity {
                nqn: nqn.clone(),
                id: *id,
            })),
            Self::Copied(directory) => {
                let read = |name: &str| match read_file(&directory.join(name), LONGEST) {
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(e) => Err(anyhow!(
                        "can't read `{}`: {e}",
                        directory.join(name).display()
                    )),
                };
                let shown = directory.display().to_string();
                let pair = host_pair(
                    &shown,
                    read("hostnqn")?.as_deref(),
                    read("hostid")?.as_deref(),
                )
                .map_err(|e| bad_pair(e.to_string(), None))?;
                pair.map(Some).ok_or_else(|| {
                    Failure::Runtime(anyhow!("`{shown}` holds neither `hostnqn` nor `hostid`\nhint: `nvme gen-hostnqn` makes a name for `hostnqn`, whose last part goes into `hostid`; or leave `--host-from` out, where the root tree has its own"))
                })
            }
        }
    }
}

/// The tree's own pair.
///
/// # Errors
/// Half a pair, or files that hold something else.
pub(crate) fn of_tree(root: &RootTree) -> Result<Option<HostIdentity>, Failure> {
    let nqn = root.read("etc/nvme/hostnqn", LONGEST)?;
    let id = root.read("etc/nvme/hostid", LONGEST)?;
    host_pair("etc/nvme", nqn.as_deref(), id.as_deref())
        .map_err(|e| bad_pair(e.to_string(), Some(HINT)))
}

/// Where the firmware connects first.
pub(crate) const IN_THE_TABLE: &str = "the root tree has no host NQN and no host identifier: those of the firmware's table (NBFT) count, on each machine its own";

/// The host must have an identity in the initramfs.
pub(crate) fn missing() -> Failure {
    bad_pair(
        "the root tree has neither `etc/nvme/hostnqn` nor `etc/nvme/hostid`, and the host needs both to connect"
            .to_owned(),
        Some(HINT),
    )
}

fn bad_pair(message: String, hint: Option<&str>) -> Failure {
    Failure::Input(InputErrors {
        errors: vec![Warning::general(message).maybe_hint(hint)],
        source_map: SourceMap::default(),
        left_out: 0,
    })
}
