//! Why a plan can't be rendered.

use nvmeroot_plan::{InterfaceName, Origin};
use thiserror::Error;

/// Why a plan can't be rendered.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RenderError {
    /// The firmware connects first, and only the agent reads what it says.
    #[error(
        "the firmware connects the drive first (reach `firmware`), and the scripts runtime can't read what the firmware hands over\nhint: leave `--runtime scripts` away: the agent reads the firmware's table (NBFT); or have `/boot`, and `/boot/efi` if there is one, on a local disk, so that the initramfs connects the drive by itself"
    )]
    NeedsAgent,
    /// The scripts runtime in an initramfs that dracut makes.
    #[error(
        "the scripts runtime works with initramfs-tools only, and the initramfs is to be made by dracut\nhint: leave `--runtime scripts` away: the agent works with both"
    )]
    ScriptsByDracut,
    /// The agent runtime without the agent.
    #[error("the agent runtime needs the program `nvmeroot-agent`")]
    NoAgent,
    /// The plan has no JSON form.
    #[error("the plan can't be written down for the agent: {why}")]
    Json {
        /// What serde_json says.
        why: String,
    },
    /// A word of a command holds a NUL byte, which no shell can pass on.
    #[error("`{word}` contains a NUL byte, which no command can take")]
    Nul {
        /// The word, shown escaped.
        word: String,
        /// Where the input says it.
        origin: Origin,
    },
    /// An interface of a kind that netplan has no section for.
    #[error(
        "netplan has no section for the kind of `{interface}`, so the running system can't be told to keep it"
    )]
    Kind {
        /// The interface.
        interface: InterfaceName,
        /// Where it is defined.
        origin: Origin,
    },
    /// Not a path inside a tree.
    #[error("`{value}` is no path inside the root tree: {why}")]
    TreePath {
        /// The text.
        value: String,
        /// The rule that it breaks.
        why: &'static str,
    },
}

impl RenderError {
    /// Where in the input its cause stands.
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Nul { origin, .. } | Self::Kind { origin, .. } => Some(origin),
            _ => None,
        }
    }
}
