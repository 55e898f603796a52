//! What makes the initramfs, one file a generator. None knows what runs in it.

pub(crate) mod dracut;
pub(crate) mod initramfs_tools;

use nvmeroot_plan::BootPlan;

use crate::payload::Payload;
use crate::{FileSet, RenderError, RequiredProgram};

/// What makes the initramfs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Generator {
    /// initramfs-tools(7), `update-initramfs`.
    #[default]
    InitramfsTools,
    /// dracut(8).
    Dracut,
}

impl Generator {
    /// What it is called, also as a package of Debian's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InitramfsTools => "initramfs-tools",
            Self::Dracut => "dracut",
        }
    }

    /// The command that makes the images of all kernels anew.
    pub const fn command(self) -> &'static [&'static str] {
        match self {
            Self::InitramfsTools => initramfs_tools::COMMAND,
            Self::Dracut => dracut::COMMAND,
        }
    }

    /// The program that makes an image.
    pub const fn program(self) -> RequiredProgram {
        match self {
            Self::InitramfsTools => initramfs_tools::PROGRAM,
            Self::Dracut => dracut::PROGRAM,
        }
    }

    /// What opens encrypted volumes in its images.
    pub(crate) const fn decrypts(self) -> RequiredProgram {
        match self {
            Self::InitramfsTools => initramfs_tools::DECRYPTS,
            Self::Dracut => dracut::DECRYPTS,
        }
    }

    /// What imports a pool of ZFS in its images.
    pub(crate) const fn imports(self) -> RequiredProgram {
        match self {
            Self::InitramfsTools => initramfs_tools::IMPORTS,
            Self::Dracut => dracut::IMPORTS,
        }
    }

    /// Keeps the image from everybody but the administrator, where it gets a secret. It
    /// comes before anything that brings the secret in.
    pub(crate) fn protect(self, has_secret: bool, set: &mut FileSet) {
        match self {
            Self::InitramfsTools => initramfs_tools::protect(has_secret, set),
            // Its images are root's alone, whatever is in them.
            Self::Dracut => {}
        }
    }

    /// Lets everybody read the image again, when no file with a secret is left.
    pub(crate) fn unprotect(self, has_secret: bool, set: &mut FileSet) {
        match self {
            Self::InitramfsTools => initramfs_tools::unprotect(has_secret, set),
            Self::Dracut => {}
        }
    }

    /// Takes away what the other generators have of the runtime: their images would be
    /// made of what is for this one.
    pub(crate) fn leave_others(
        self,
        payload: &Payload,
        packaged: bool,
        set: &mut FileSet,
    ) -> Result<(), RenderError> {
        match self {
            Self::InitramfsTools => {
                let why = "initramfs-tools takes dracut's place";
                dracut::remove(payload, packaged, why, set)
            }
            Self::Dracut => {
                let why = "dracut takes the place of initramfs-tools";
                initramfs_tools::leave(payload, why, set)
            }
        }
    }

    /// Adds what brings the runtime into the image. `packaged`: a package has brought
    /// what is the same for every plan.
    pub(crate) fn add(
        self,
        plan: &BootPlan,
        payload: &Payload,
        packaged: bool,
        set: &mut FileSet,
    ) -> Result<(), RenderError> {
        match self {
            Self::InitramfsTools => initramfs_tools::add(plan, payload, packaged, set),
            Self::Dracut => dracut::add(plan, payload, packaged, set),
        }
    }
}
