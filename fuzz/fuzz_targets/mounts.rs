//! `/etc/fstab` of a root tree, and the files of the machine that has it mounted.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::fstab;
use nvmeroot_intake::machine::{Block, Machine, NvmeController, RootTree, storage};

fuzz_target!(|input: (&[u8], &[u8], &[u8], &str, &str)| {
    let (text, mountinfo, udev, address, name) = input;
    let (entries, _) = fstab::read("etc/fstab", text);
    let machine = Machine {
        mountinfo: mountinfo.to_vec(),
        blocks: vec![Block {
            name: "nvme0n1".to_owned(),
            number: "259:0".to_owned(),
            slaves: vec![name.to_owned()],
            dm_name: Some(name.to_owned()),
            dm_uuid: Some(address.to_owned()),
            udev: udev.to_vec(),
            ..Block::default()
        }],
        controllers: vec![NvmeController {
            name: "nvme0".to_owned(),
            transport: "tcp".to_owned(),
            address: address.to_owned(),
            subsysnqn: "nqn.x".to_owned(),
            namespaces: vec!["nvme0n1".to_owned(), name.to_owned()],
            ..NvmeController::default()
        }],
        btrfs: Vec::new(),
    };
    let tree = RootTree {
        path: "/",
        fstab: Some(&entries),
        named: &[],
    };
    let _ = storage(tree, &machine);
});
