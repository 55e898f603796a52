//! Back-ends: a boot plan to the files that carry it out.
//!
//! [`render`] decides by the plan's reach what a root tree needs and returns
//! it as a [`FileSet`]. Nothing here reads or writes: the program that calls
//! it does.

#![forbid(unsafe_code)]

mod advertisements;
mod agent;
mod command;
mod error;
mod file_set;
#[cfg(test)]
mod golden;
mod handover;
mod host;
mod initramfs_tools;
mod modules;
mod programs;
mod secrets;
#[cfg(test)]
mod shell_tests;
mod stas;
#[cfg(test)]
mod testing;

pub use agent::AGENT_PATH;
pub use command::{Command, Phase, commands, commands_text};
pub use error::RenderError;
pub use file_set::{Change, ChangeKind, FileSet, Mode, TreePath};
pub use handover::HANDOVER_PATH;
pub use programs::{RequiredProgram, required_programs};

use nvmeroot_plan::{BootPlan, HostIdentity, Reach};

/// What runs in the initramfs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Runtime {
    /// The static program `nvmeroot-agent`.
    #[default]
    Agent,
    /// Shell scripts made of `ip`, `dhcpcd` and `nvme`.
    Scripts,
}

/// What the user decides about the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What runs in the initramfs.
    pub runtime: Runtime,
    /// The agent's bytes, which [`Runtime::Agent`] puts into the root tree. It
    /// is not looked at: that it runs on the machine is the caller's to see.
    pub agent: Option<Vec<u8>>,
    /// The identity that `etc/nvme/hostnqn` and `etc/nvme/hostid` get;
    /// `None`: they stay as they are.
    pub host: Option<HostIdentity>,
}

/// The changes that make a root tree carry `plan` out.
///
/// | reach | changes |
/// |---|---|
/// | `local` | none |
/// | `userspace` | nvme-stas's configuration |
/// | `initramfs` | the runtime's files, without the other runtime's, and the hand-over to the running system |
/// | `firmware` | an error: no runtime reads what the firmware hands over |
///
/// # Errors
/// [`RenderError::NeedsAgent`] and [`RenderError::Firmware`] for reach
/// `firmware`, by runtime; [`RenderError::NoAgent`] without
/// [`Options::agent`] where it is needed; [`RenderError::Nul`] and
/// [`RenderError::Kind`] where the plan says what the files can't.
pub fn render(plan: &BootPlan, options: &Options) -> Result<FileSet, RenderError> {
    let mut set = FileSet::default();
    match (plan.reach, options.runtime) {
        (Reach::Local, _) => {}
        (Reach::Userspace, _) => {
            host::add(options.host.as_ref(), &mut set);
            stas::add(plan, &mut set);
        }
        (Reach::Initramfs, Runtime::Scripts) => {
            host::add(options.host.as_ref(), &mut set);
            agent::remove(&mut set);
            initramfs_tools::add(plan, &mut set)?;
            secrets::add(plan, &mut set);
            handover::add(plan, &mut set)?;
        }
        (Reach::Initramfs, Runtime::Agent) => {
            let program = options.agent.as_deref().ok_or(RenderError::NoAgent)?;
            host::add(options.host.as_ref(), &mut set);
            initramfs_tools::remove(&mut set);
            agent::add(plan, options.host.as_ref(), program, &mut set)?;
            secrets::add(plan, &mut set);
            handover::add(plan, &mut set)?;
        }
        (Reach::Firmware, Runtime::Scripts) => return Err(RenderError::NeedsAgent),
        (Reach::Firmware, Runtime::Agent) => return Err(RenderError::Firmware),
    }
    Ok(set)
}
