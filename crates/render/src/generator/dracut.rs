//! dracut (dracut(8), dracut.modules(7)): a module that copies, and where the image is
//! run by systemd, units; else a hook for each moment of the boot.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use nvmeroot_plan::{BootPlan, Layer};

use self::others::RootLinks;
use crate::payload::{BootScript, Moment, Owner, Payload};
use crate::{FileSet, Mode, RenderError, RequiredProgram, TreePath};

/// What makes the image.
pub(crate) const PROGRAM: RequiredProgram = RequiredProgram::new("dracut", "dracut");

/// Opens encrypted volumes.
pub(crate) const DECRYPTS: RequiredProgram = RequiredProgram::within(
    "systemd's",
    &["usr/lib/systemd", "lib/systemd"],
    "systemd-cryptsetup",
    "systemd-cryptsetup",
);

/// OpenZFS' module.
pub(crate) const IMPORTS: RequiredProgram = RequiredProgram::within(
    "dracut's module",
    &["usr/lib/dracut/modules.d"],
    "90zfs",
    "zfs-dracut",
);

/// Makes the images of all kernels anew.
pub(crate) const COMMAND: &[&str] = &["dracut", "--force", "--regenerate-all"];

/// The module's directory. Its number is its place among the others, which matters to
/// none of its files.
pub(crate) const MODULE: &str = "usr/lib/dracut/modules.d/90nvmeroot";

const CONFIGURATION: TreePath = TreePath::fixed("etc/dracut.conf.d/nvmeroot.conf");

/// What keeps kernel modules in the image from making links of their own.
const MODPROBE: &str = "modprobe.conf";

/// Where files lie that the module copies and that depend on the plan: the module
/// itself may be a package's.
pub(crate) const LINKS: &str = "etc/nvmeroot/dracut";

/// Those files.
const LINK_FILES: [&str; 4] = [
    "names.network",
    "macs.network",
    "drivers.network",
    "network-manager.conf",
];

/// What essential mounts stand on, for the module: a layer a line, and its name.
const LAYERS: TreePath = TreePath::fixed("etc/nvmeroot/layers");

/// What a payload's programs call, as dracut says it.
const FAIL: &str = r#"fail()
{
	dfatal "nvmeroot: $1"
	dfatal "hint: $2"
	exit 1
}
"#;

/// Without it dracut passes the directory over.
const SETUP: &str = "module-setup.sh";

/// Adds what brings the runtime into the image. The module's own script is last:
/// without it nothing of the runtime comes in. The image is for root's eyes alone, as
/// dracut makes all of its own. `packaged`: a package has brought the module.
pub(crate) fn add(
    plan: &BootPlan,
    payload: &Payload,
    packaged: bool,
    set: &mut FileSet,
) -> Result<(), RenderError> {
    if payload.units.is_empty() {
        return Err(RenderError::ScriptsByDracut);
    }
    payload.add_modules(plan, set);
    add_layers(plan, set);
    let why = "keeps other modules for NVMe over fabrics out of the initramfs";
    let text = include_str!("dracut/dracut.conf").to_owned();
    set.file(CONFIGURATION, Mode::Config, why, text);
    leave_links(plan, set)?;
    if packaged {
        return Ok(());
    }
    add_module(payload, Owner::Machine, set)
}

/// Adds the module, which is the same for every plan.
pub(crate) fn add_module(
    payload: &Payload,
    owner: Owner,
    set: &mut FileSet,
) -> Result<(), RenderError> {
    let header = owner.header(&COMMAND.join(" "));
    let why = "keeps kernel modules from making links of their own";
    let text = format!("{header}#\n{}", include_str!("dracut/modprobe.conf"));
    set.file(path(MODPROBE)?, Mode::Config, why, text);
    for unit in payload.units {
        let text = format!("{header}\n{}", unit.text);
        set.file(path(unit.name)?, Mode::Config, unit.why, text);
    }
    for script in payload.scripts {
        if let Some(hook) = hook(script.moment) {
            let path = path(&format!("{hook}.sh"))?;
            set.file(path, Mode::Program, script.why, boot_script(owner, script));
        }
    }
    let text = setup(payload, owner);
    set.file(path(SETUP)?, Mode::Program, payload.why, text);
    Ok(())
}

/// Has other network managers in the image leave root's links alone.
fn leave_links(plan: &BootPlan, set: &mut FileSet) -> Result<(), RenderError> {
    let why = "keeps systemd-networkd in the initramfs from root's links";
    let links = RootLinks::of(plan);
    for (name, text) in links.networkd() {
        let path = link_path(&format!("{name}.network"))?;
        if text.is_empty() {
            set.absent([path], "no link is known by that (any more)");
        } else {
            set.file(path, Mode::Config, why, text);
        }
    }
    let why = "keeps NetworkManager in the initramfs from root's links";
    let text = links.network_manager();
    set.file(link_path("network-manager.conf")?, Mode::Config, why, text);
    Ok(())
}

/// Takes away what brings a runtime into the image, the module's own script first.
/// `packaged`: the module is a package's, and stays.
pub(crate) fn remove(
    payload: &Payload,
    packaged: bool,
    why: &'static str,
    set: &mut FileSet,
) -> Result<(), RenderError> {
    if !packaged {
        remove_module(payload, why, set)?;
    }
    for name in LINK_FILES {
        set.absent([link_path(name)?], why);
    }
    set.absent([CONFIGURATION, LAYERS], why);
    Ok(())
}

fn remove_module(
    payload: &Payload,
    why: &'static str,
    set: &mut FileSet,
) -> Result<(), RenderError> {
    set.absent([path(SETUP)?], why);
    let hooks = payload.scripts.iter().filter_map(|s| hook(s.moment));
    for hook in hooks {
        set.absent([path(&format!("{hook}.sh"))?], why);
    }
    for unit in payload.units {
        set.absent([path(unit.name)?], why);
    }
    set.absent([path(MODPROBE)?], why);
    Ok(())
}

/// dracut sees by itself only what this machine has mounted now. In an image that is for
/// any machine it starts no array and opens no encrypted volume (dracut.cmdline(7),
/// `rd.auto`).
fn add_layers(plan: &BootPlan, set: &mut FileSet) {
    let essential = plan.mounts.iter().filter(|mount| mount.essential);
    let lines: BTreeSet<String> = essential.flat_map(|m| &m.layers).map(line).collect();
    if lines.is_empty() {
        let why = "root stands on plain drives (or partitions)";
        set.absent([LAYERS], why);
    } else {
        let why = "says what the initramfs puts together before root is mounted";
        set.file(LAYERS, Mode::Config, why, lines.into_iter().collect());
    }
}

fn line(layer: &Layer) -> String {
    let (word, name) = match layer {
        Layer::VolumeGroup { name } => ("lvm", name),
        Layer::Array { name, .. } => ("raid", name),
        Layer::Encrypted { name } => ("crypt", name),
    };
    match name {
        Some(name) => format!("{word} {name}\n"),
        None => format!("{word}\n"),
    }
}

/// What starts the runtime in an image: the path there, and the file that it is a copy
/// of; `None`: a symbolic link (`install` in the module's script).
pub(crate) fn inside(
    payload: &Payload,
    by_systemd: bool,
) -> Result<Vec<(String, Option<TreePath>)>, RenderError> {
    let mut parts = Vec::new();
    if by_systemd {
        for unit in payload.units {
            let name = unit.name;
            let place = format!("usr/lib/systemd/system/{name}");
            parts.push((place, Some(path(name)?)));
            let wants = format!("etc/systemd/system/initrd.target.wants/{name}");
            parts.push((wants, None));
        }
        return Ok(parts);
    }
    for hook in payload.scripts.iter().filter_map(|s| hook(s.moment)) {
        let place = format!("usr/lib/nvmeroot/boot/{hook}");
        parts.push((place, Some(path(&format!("{hook}.sh"))?)));
    }
    Ok(parts)
}

fn path(name: &str) -> Result<TreePath, RenderError> {
    format!("{MODULE}/{name}").parse()
}

fn link_path(name: &str) -> Result<TreePath, RenderError> {
    format!("{LINKS}/{name}").parse()
}

/// Where dracut runs what is to run then, without systemd (dracut.modules(7), Stages).
/// Nothing where root is missing: each try would take the agent's whole patience, and
/// dracut's own shell waits behind it.
fn hook(moment: Moment) -> Option<&'static str> {
    match moment {
        Moment::DevicesAppear => Some("pre-trigger"),
        Moment::BeforeMount => Some("initqueue"),
        Moment::RootMissing => None,
        Moment::BeforeSwitch => Some("cleanup"),
    }
}

fn boot_script(owner: Owner, script: &BootScript) -> String {
    format!(
        "#!/bin/sh\n{}#\n{}",
        owner.header(&COMMAND.join(" ")),
        script.text
    )
}

pub(crate) fn setup(payload: &Payload, owner: Owner) -> String {
    let mut text = format!(
        "#!/bin/bash\n{}#\n# Copies into the initramfs what root's network and drives need.\n\n",
        owner.header(&COMMAND.join(" "))
    );
    let units = payload.units.iter().map(|unit| unit.name);
    let hooks = payload
        .scripts
        .iter()
        .filter_map(|script| hook(script.moment));
    // Writing to a string can't fail.
    let _ = writeln!(text, "nvmeroot_files=({})", payload.files.join(" "));
    let _ = writeln!(text, "nvmeroot_wanted={}", payload.wanted);
    let _ = writeln!(text, "nvmeroot_modules={}", payload.modules);
    let _ = writeln!(text, "nvmeroot_layers={LAYERS}");
    let _ = writeln!(text, "nvmeroot_links={LINKS}");
    let _ = writeln!(text, "nvmeroot_units=({})", joined(units));
    let _ = writeln!(text, "nvmeroot_hooks=({})\n", joined(hooks));
    // In a subshell, for `fail` is no name of dracut's to take.
    let _ = writeln!(
        text,
        "nvmeroot_programs()\n(\n{FAIL}\n{})\n",
        payload.programs
    );
    text + include_str!("dracut/module-setup.sh")
}

fn joined(words: impl Iterator<Item = &'static str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

mod others;
#[cfg(test)]
mod tests;
