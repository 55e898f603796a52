//! Back-ends: a boot plan to the files that carry it out.
//!
//! [`render`] decides by the plan's reach what a root tree needs and returns
//! it as a [`FileSet`]. Nothing here reads or writes: the program that calls
//! it does.

#![forbid(unsafe_code)]

mod error;
mod file_set;
mod generator;
#[cfg(test)]
mod golden;
mod handoff;
mod host;
mod image;
mod options;
mod payload;
mod program;
mod programs;
mod runtime;
#[cfg(test)]
mod shell_tests;
#[cfg(test)]
mod testing;
mod userspace;

pub use error::RenderError;
pub use file_set::{Change, ChangeKind, FileSet, Mode, TreePath};
pub use generator::Generator;
pub use handoff::ifupdown::IFUPDOWN_PATH;
pub use handoff::netplan::HAND_OFF_PATH;
pub use handoff::networkd::NetworkdFile;
pub use host::IDENTITY;
pub use image::{ImagePart, ImageRole, image_parts};
pub use options::{Options, Runtime};
pub use program::RequiredProgram;
pub use programs::required_programs;
pub use runtime::agent::{AGENT_PATH, PLAN_PATH};
pub use runtime::scripts::command::{Command, Phase, commands, commands_text};

use nvmeroot_plan::{BootPlan, Reach, Scope, Step, Warning, steps};

use crate::generator::{dracut, initramfs_tools};
use crate::handoff::{ifupdown, netplan, network_manager};
use crate::payload::Owner;
use crate::runtime::{agent, scripts};
use crate::userspace::stas;

/// The directories in which any plan's files may lie, whatever the runtime,
/// beside those of [`DROP_INS`].
pub const DIRECTORIES: [&str; 19] = [
    "etc/NetworkManager/conf.d",
    "etc/curtin-nvme-over-tcp",
    "etc/dracut.conf.d",
    "etc/initramfs-tools/conf.d",
    "etc/initramfs-tools/hooks",
    "etc/initramfs-tools/scripts/init-bottom",
    "etc/initramfs-tools/scripts/init-premount",
    "etc/initramfs-tools/scripts/init-top",
    "etc/initramfs-tools/scripts/local-block",
    "etc/netplan",
    "etc/network/interfaces.d",
    "etc/nvme",
    "etc/nvmeroot",
    "etc/stas",
    "etc/systemd/system",
    "etc/systemd/system/multi-user.target.wants",
    dracut::LINKS,
    dracut::MODULE,
    "usr/lib/nvmeroot",
];

/// Those of them that nobody else has, but for a package of nvmeroot's.
pub const OWN_DIRECTORIES: [&str; 5] = [
    "etc/curtin-nvme-over-tcp",
    "etc/nvmeroot",
    dracut::LINKS,
    dracut::MODULE,
    "usr/lib/nvmeroot",
];

/// Whether these bytes at that path were written by `configure`: nearly every file says
/// so itself, the others lie where nobody else puts any.
pub fn is_marked(path: &TreePath, bytes: &[u8]) -> bool {
    let is_unmarked = |payload: &payload::Payload| payload.modules == *path;
    ["etc/nvmeroot", dracut::LINKS].contains(&path.directory())
        || [&agent::PAYLOAD, &scripts::PAYLOAD]
            .into_iter()
            .any(is_unmarked)
        || bytes
            .windows(payload::MARK.len())
            .any(|part| part == payload::MARK.as_bytes())
}

/// The directory of systemd-networkd's files, how the names of those directories in it
/// end that may hold a drop-in of ours, and what that is called.
pub const DROP_INS: (&str, &str, &str) = (
    handoff::networkd::PLACE,
    handoff::networkd::DIRECTORY,
    handoff::networkd::NAME,
);

/// The steps that the runtime carries out.
pub fn runtime_steps(plan: &BootPlan, runtime: Runtime) -> Vec<Step> {
    match runtime {
        Runtime::Agent => steps(plan, Scope::Path),
        Runtime::Scripts => scripts::command::scripts_steps(plan),
    }
}

/// What the runtime, or who has network or drives in the running system, can't do of the plan,
/// each with where the input asks for it.
pub fn limits(plan: &BootPlan, runtime: Runtime) -> Vec<Warning> {
    match plan.reach {
        Reach::Initramfs | Reach::Firmware => {
            let mut limits = network_manager::limits(plan, runtime);
            if runtime == Runtime::Scripts {
                limits.extend(scripts::limits(plan));
            }
            limits
        }
        Reach::Userspace => stas::limits(plan),
        Reach::Local => Vec::new(),
    }
}

/// What can't be handed over to the network managers of the running system.
pub fn manager_limits(plan: &BootPlan, options: &Options) -> Vec<Warning> {
    match plan.reach {
        Reach::Initramfs | Reach::Firmware => handoff::limits(&options.managers, options.runtime),
        _ => Vec::new(),
    }
}

/// What takes away all that the reaches `initramfs` and `firmware` may have put into a
/// root tree, by any runtime and generator, but the agent's program, which may have come with a package.
/// `packaged`: dracut's module is a package's, too. `drop_ins`: the files of [`DROP_INS`]
/// that are there.
///
/// # Errors
/// A drop-in's path is none inside a tree.
pub fn left_over(packaged: bool, drop_ins: &[String]) -> Result<FileSet, RenderError> {
    let why = "nothing is needed in the initramfs (any more)";
    let mut set = FileSet::default();
    for payload in [&agent::PAYLOAD, &scripts::PAYLOAD] {
        initramfs_tools::remove(payload, why, &mut set)?;
    }
    initramfs_tools::open(why, &mut set);
    dracut::remove(&agent::PAYLOAD, packaged, why, &mut set)?;
    agent::remove(why, &mut set);
    scripts::remove(why, &mut set);
    netplan::remove(why, &mut set);
    network_manager::remove(why, &mut set);
    ifupdown::remove(why, &mut set);
    for path in drop_ins {
        set.absent([path.parse()?], why);
    }
    Ok(set)
}

/// What a distribution's package brings beside the programs: the agent's part of the
/// initramfs by every generator. It does nothing in a root tree that has no plan.
///
/// # Errors
/// None that a path known beforehand could cause.
pub fn package_files() -> Result<FileSet, RenderError> {
    let mut set = FileSet::default();
    initramfs_tools::add_scripts(&agent::PAYLOAD, Owner::Package, &mut set)?;
    dracut::add_module(&agent::PAYLOAD, Owner::Package, &mut set)?;
    Ok(set)
}

/// The file of the package by which a root tree shows that it has it.
///
/// # Errors
/// None that a path known beforehand could cause.
pub fn package_sign() -> Result<TreePath, RenderError> {
    initramfs_tools::hook_path(&agent::PAYLOAD, Owner::Package)
}

/// The changes that make a root tree carry `plan` out.
///
/// | reach | changes |
/// |---|---|
/// | `local` | none |
/// | `userspace` | nvme-stas's configuration |
/// | `initramfs` | the runtime's files, without the other runtime's, and the hand-off to the running system |
/// | `firmware` | the same with the agent, which reads what the firmware hands over |
///
/// # Errors
/// [`RenderError::NeedsAgent`] for reach `firmware` with the scripts runtime;
/// [`RenderError::NoAgent`] without
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
        (Reach::Firmware, Runtime::Scripts) => return Err(RenderError::NeedsAgent),
        // What protects comes first, what makes it work last: a program that is
        // killed in between leaves no secret open and nothing half alive.
        (Reach::Initramfs | Reach::Firmware, runtime) => {
            let generator = options.generator;
            let has_secret = options.has_secret(plan);
            generator.protect(has_secret, &mut set);
            host::add(options.host.as_ref(), &mut set);
            match runtime {
                Runtime::Agent => {
                    let why = "the agent takes the scripts' place";
                    initramfs_tools::remove(&scripts::PAYLOAD, why, &mut set)?;
                    scripts::remove(why, &mut set);
                }
                Runtime::Scripts => {
                    let why = "the scripts runtime takes the agent's place";
                    initramfs_tools::remove(&agent::PAYLOAD, why, &mut set)?;
                    agent::remove(why, &mut set);
                }
            }
            let packaged = options.packaged;
            generator.leave_others(&agent::PAYLOAD, packaged, &mut set)?;
            handoff::add(plan, options, &mut set)?;
            match runtime {
                Runtime::Agent => {
                    let program = options.agent.as_deref();
                    if program.is_none() && !packaged {
                        return Err(RenderError::NoAgent);
                    }
                    agent::add(plan, &options.fragments, program, &mut set)?;
                    generator.add(plan, &agent::PAYLOAD, packaged, &mut set)?;
                }
                Runtime::Scripts => {
                    scripts::add(plan, &mut set)?;
                    generator.add(plan, &scripts::PAYLOAD, false, &mut set)?;
                }
            }
            generator.unprotect(has_secret, &mut set);
        }
    }
    Ok(set)
}
