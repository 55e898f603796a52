//! What a root tree must have installed.

use nvmeroot_plan::{BootPlan, FilesystemType, Layer, Mount, Reach};

use crate::runtime::scripts;
use crate::userspace::stas;
use crate::{Generator, RequiredProgram, Runtime};

/// The programs that a root tree needs so that what [`crate::render`] writes
/// works, in the order in which they are used.
pub fn required_programs(
    plan: &BootPlan,
    runtime: Runtime,
    generator: Generator,
) -> Vec<RequiredProgram> {
    match (plan.reach, runtime) {
        (Reach::Local, _) => Vec::new(),
        (Reach::Userspace, _) => vec![stas::PROGRAM],
        (Reach::Initramfs | Reach::Firmware, runtime) => {
            let mut programs = vec![generator.program()];
            // The agent is written with the files.
            if runtime == Runtime::Scripts {
                programs.extend(scripts::programs(plan));
            }
            programs.extend(layers(plan, generator));
            programs
        }
    }
}

/// What puts together what essential mounts stand on, each once.
fn layers(plan: &BootPlan, generator: Generator) -> Vec<RequiredProgram> {
    let essential = || plan.mounts.iter().filter(|mount| mount.essential);
    let has = |wanted: fn(&Layer) -> bool| essential().any(|m| m.layers.iter().any(wanted));
    let is_btrfs = |name: &FilesystemType| name.as_str() == "btrfs";
    let mut programs = Vec::new();
    if has(|layer| matches!(layer, Layer::VolumeGroup { .. })) {
        programs.push(RequiredProgram::new("lvm", "lvm2"));
    }
    if has(|layer| matches!(layer, Layer::Array { .. })) {
        programs.push(RequiredProgram::new("mdadm", "mdadm"));
    }
    if has(|layer| matches!(layer, Layer::Encrypted { .. })) {
        programs.push(generator.decrypts());
    }
    let remote = || essential().filter(|mount| !mount.controllers.is_empty());
    if remote().any(|mount| mount.filesystem.as_ref().is_some_and(is_btrfs)) {
        programs.push(RequiredProgram::new("btrfs", "btrfs-progs"));
    }
    if remote().any(Mount::is_zfs) {
        programs.push(generator.imports());
    }
    programs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{controller, ethernet, initramfs_plan};

    #[test]
    fn each_layer_wants_who_puts_it_together() {
        let mut plan = initramfs_plan(
            vec![ethernet("ens3")],
            vec![controller("10.77.0.1", "4420")],
        );
        let needed = |plan: &BootPlan, generator| {
            let programs = required_programs(plan, Runtime::Agent, generator);
            let words = programs.iter().map(|one| one.package);
            words.collect::<Vec<_>>()
        };
        let plain = [Generator::InitramfsTools, Generator::Dracut].map(|one| needed(&plan, one));
        assert_eq!(plain, [["initramfs-tools-core"], ["dracut"]]);
        let root = &mut plan.mounts[0];
        root.layers = vec![
            Layer::VolumeGroup { name: None },
            Layer::Array {
                name: None,
                can_miss: 1,
            },
            Layer::Encrypted { name: None },
        ];
        root.filesystem = "btrfs".parse().ok();
        assert_eq!(
            needed(&plan, Generator::InitramfsTools)[1..],
            ["lvm2", "mdadm", "cryptsetup-initramfs", "btrfs-progs"]
        );
        assert_eq!(
            needed(&plan, Generator::Dracut)[1..],
            ["lvm2", "mdadm", "systemd-cryptsetup", "btrfs-progs"]
        );
        plan.mounts[0].layers.clear();
        plan.mounts[0].filesystem = "zfs".parse().ok();
        let zfs = [Generator::InitramfsTools, Generator::Dracut].map(|one| needed(&plan, one));
        assert_eq!(
            zfs,
            [
                ["initramfs-tools-core", "zfs-initramfs"],
                ["dracut", "zfs-dracut"]
            ]
        );
        plan.mounts[0].essential = false;
        assert_eq!(needed(&plan, Generator::Dracut), ["dracut"]);
    }
}
