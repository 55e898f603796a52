//! Debian's and Ubuntu's initramfs-tools (initramfs-tools(7)): a hook that
//! copies, and boot scripts in one directory for each moment of the boot.

use std::fmt::Write as _;

use nvmeroot_plan::BootPlan;

use crate::payload::{BootScript, Moment, Owner, Payload};
use crate::{FileSet, Mode, RenderError, RequiredProgram, TreePath};

/// What makes the image.
pub(crate) const PROGRAM: RequiredProgram =
    RequiredProgram::new("mkinitramfs", "initramfs-tools-core");

/// cryptsetup's hook: the program alone is not copied.
pub(crate) const DECRYPTS: RequiredProgram = RequiredProgram::within(
    "initramfs-tools' hook",
    &["usr/share/initramfs-tools/hooks"],
    "cryptroot",
    "cryptsetup-initramfs",
);

/// The hook of OpenZFS: the program alone is not copied.
pub(crate) const IMPORTS: RequiredProgram = RequiredProgram::within(
    "initramfs-tools' hook",
    &["usr/share/initramfs-tools/hooks"],
    "zfs",
    "zfs-initramfs",
);

/// Makes the images of all kernels anew.
pub(crate) const COMMAND: &[&str] = &["update-initramfs", "-u", "-k", "all"];

/// The same for the newest kernel, as a generated file names it.
const REGENERATE: &str = "update-initramfs -u";

/// initramfs.conf(5): without it the image is for everybody to read. The
/// scripts runtime's hook takes its being there as the sign that libnvme's file
/// with the secrets is needed.
const PRIVATE: TreePath = TreePath::fixed("etc/initramfs-tools/conf.d/nvmeroot");
const PRIVATE_TEXT: &str = "\
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`.
#
# The initramfs holds secrets of DH-HMAC-CHAP: only root may read it.
UMASK=0077
";

/// What every script says when it is asked what it comes after.
const PREREQS: &str = include_str!("initramfs_tools/prereqs.sh");

/// Keeps the image from everybody but the administrator. It comes before anything that
/// brings a secret in.
pub(crate) fn protect(has_secret: bool, set: &mut FileSet) {
    if has_secret {
        let why = "keeps the initramfs, which holds secrets, from other users";
        set.file(PRIVATE, Mode::Config, why, PRIVATE_TEXT.to_owned());
    }
}

/// Lets everybody read the image again, when no file with a secret is left.
pub(crate) fn unprotect(has_secret: bool, set: &mut FileSet) {
    if !has_secret {
        open("the initramfs holds no secret (any more)", set);
    }
}

/// Lets everybody read the image.
pub(crate) fn open(why: &'static str, set: &mut FileSet) {
    set.absent([PRIVATE], why);
}

/// Adds what brings the runtime into the image. `packaged`: a package has brought hook
/// and boot scripts, and those of an earlier time without it go.
pub(crate) fn add(
    plan: &BootPlan,
    payload: &Payload,
    packaged: bool,
    set: &mut FileSet,
) -> Result<(), RenderError> {
    payload.add_modules(plan, set);
    if packaged {
        return remove_scripts(payload, "the package `nvmeroot` has brought it", set);
    }
    add_scripts(payload, Owner::Machine, set)
}

/// Adds hook and boot scripts. The hook is last: without it nothing of the runtime
/// comes in.
pub(crate) fn add_scripts(
    payload: &Payload,
    owner: Owner,
    set: &mut FileSet,
) -> Result<(), RenderError> {
    for script in payload.scripts {
        let path = script_path(payload, owner, script.moment)?;
        let text = boot_script(payload, owner, script);
        set.file(path, Mode::Program, script.why, text);
    }
    let path = hook_path(payload, owner)?;
    set.file(path, Mode::Program, payload.why, hook(payload, owner));
    Ok(())
}

/// Takes away all but the list of modules, which belongs to the runtime: what makes the
/// image is another program now.
pub(crate) fn leave(
    payload: &Payload,
    why: &'static str,
    set: &mut FileSet,
) -> Result<(), RenderError> {
    remove_scripts(payload, why, set)?;
    open(why, set);
    Ok(())
}

/// Takes away what brings a runtime into the image.
pub(crate) fn remove(
    payload: &Payload,
    why: &'static str,
    set: &mut FileSet,
) -> Result<(), RenderError> {
    remove_scripts(payload, why, set)?;
    set.absent([payload.modules.clone()], why);
    Ok(())
}

/// The hook first: without it nothing of the runtime comes in.
fn remove_scripts(
    payload: &Payload,
    why: &'static str,
    set: &mut FileSet,
) -> Result<(), RenderError> {
    set.absent([hook_path(payload, Owner::Machine)?], why);
    for script in payload.scripts {
        set.absent([script_path(payload, Owner::Machine, script.moment)?], why);
    }
    Ok(())
}

/// What starts the runtime in an image: the path there, and the file that it is a copy
/// of.
pub(crate) fn inside(
    payload: &Payload,
    owner: Owner,
) -> Result<Vec<(String, Option<TreePath>)>, RenderError> {
    let scripts = payload.scripts.iter();
    scripts
        .map(|script| {
            let place = format!("scripts/{}/{}", stage(script.moment), payload.name);
            Ok((place, Some(script_path(payload, owner, script.moment)?)))
        })
        .collect()
}

/// Where their files lie (initramfs-tools(7)).
const fn top(owner: Owner) -> &'static str {
    match owner {
        Owner::Machine => "etc/initramfs-tools",
        Owner::Package => "usr/share/initramfs-tools",
    }
}

pub(crate) fn hook_path(payload: &Payload, owner: Owner) -> Result<TreePath, RenderError> {
    format!("{}/hooks/{}", top(owner), payload.name).parse()
}

fn script_path(payload: &Payload, owner: Owner, moment: Moment) -> Result<TreePath, RenderError> {
    let stage = stage(moment);
    format!("{}/scripts/{stage}/{}", top(owner), payload.name).parse()
}

/// Before the mount it is not `local-top`: scripts there assemble what root may
/// lie on (mdadm, lvm2, cryptroot), and no script can make others come after
/// itself.
fn stage(moment: Moment) -> &'static str {
    match moment {
        Moment::DevicesAppear => "init-top",
        Moment::BeforeMount => "init-premount",
        Moment::RootMissing => "local-block",
        Moment::BeforeSwitch => "init-bottom",
    }
}

/// Nothing but the splash is waited for. Above all not udev: its own script
/// ends when all devices are found, and root's card may be among the first.
pub(crate) fn boot_script(payload: &Payload, owner: Owner, script: &BootScript) -> String {
    let after = if script.after_splash { "plymouth" } else { "" };
    let (about, body) = script.text.split_once("\n\n").unwrap_or(("#", script.text));
    format!(
        "#!/bin/sh\n{}#\n{about}\n\nPREREQ=\"{after}\"\n{PREREQS}\n{}{body}",
        owner.header(REGENERATE),
        guard(payload, owner),
    )
}

/// A package's scripts are in every image, also where nothing is configured. Where
/// `nvmeroot configure` wrote them, a plan that is missing is an error.
fn guard(payload: &Payload, owner: Owner) -> String {
    match owner {
        Owner::Machine => String::new(),
        Owner::Package => format!("[ -e /{} ] || exit 0\n\n", payload.wanted),
    }
}

pub(crate) fn hook(payload: &Payload, owner: Owner) -> String {
    let mut text = format!(
        "#!/bin/sh\n{}#\n# Copies into the initramfs what the boot scripts need.\n\nPREREQ=\"udev\"\n{PREREQS}\n{}{}\n",
        owner.header(REGENERATE),
        guard(payload, owner),
        include_str!("initramfs_tools/hook.sh"),
    );
    for path in payload.files {
        // Writing to a string can't fail.
        let _ = writeln!(text, "file /{path} 'run `nvmeroot configure` again'");
    }
    text.push('\n');
    if !payload.programs.is_empty() {
        text.push_str(payload.programs);
        text.push('\n');
    }
    let _ = writeln!(text, "modules=/{}", payload.modules);
    text + include_str!("initramfs_tools/modules.sh")
}
