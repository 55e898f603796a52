//! `nvmeroot check`: a healthy tree of either generator has no finding; one fault in it
//! is found, and nothing else.

mod bootable;
mod common;

use bootable::{Generator, Input, Machine};

const BOTH: [Generator; 2] = [Generator::InitramfsTools, Generator::Dracut];

/// What is found in a tree that one thing was done to.
#[track_caller]
fn found(input: Input, generators: &[Generator], fault: impl Fn(&mut Machine), expected: &[&str]) {
    for generator in generators {
        let mut machine = Machine::new(*generator, input);
        fault(&mut machine);
        expect(&machine, &[], expected);
    }
}

#[track_caller]
fn expect(machine: &Machine, more: &[&str], expected: &[&str]) {
    let (status, findings) = machine.check(more);
    let findings: Vec<String> = findings
        .into_iter()
        .map(|(severity, word)| format!("{severity} {word}"))
        .collect();
    assert_eq!(
        findings,
        expected,
        "{:?}: {}",
        machine.generator,
        machine.says(more)
    );
    let has_fault = expected.iter().any(|one| one.starts_with("fault"));
    assert_eq!(status, Some(i32::from(has_fault)));
}

/// One test a fault.
macro_rules! faults {
    ($($name:ident: $input:ident, $generators:expr, $fault:expr => $expected:expr;)*) => {
        $(
            #[test]
            fn $name() {
                found(Input::$input, &$generators, $fault, &$expected);
            }
        )*
    };
}

const BY_SCRIPTS: [Generator; 1] = [Generator::InitramfsTools];
const BY_DRACUT: [Generator; 1] = [Generator::Dracut];

const PLAN: &str = "etc/nvmeroot/plan.json";
const AGENT: &str = "usr/lib/nvmeroot/nvmeroot-agent";
const HAND_OFF: &str = "etc/netplan/99-nvmeroot.yaml";
const GRUB: &str = "boot/grub/grub.cfg";

/// What machines are called on what they share.
const OWN: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

/// A card of this machine, with the driver of that name.
fn card(machine: &Machine, name: &str, driver: &str) {
    let at = |file: &str| format!("sys/class/net/{name}/{file}");
    machine.put(&at("type"), "1\n");
    machine.put(&at("device/uevent"), &format!("DRIVER={driver}\n"));
    let of_driver = machine.path(&at("device/driver"));
    std::fs::create_dir_all(&of_driver).expect("a card");
    let module = format!("../../../../module/{driver}");
    std::os::unix::fs::symlink(module, of_driver.join("module")).expect("a link");
}

fn put_two_pools(machine: &Machine) {
    for (name, number, pool) in [("sda3", "8:3", "bpool"), ("nvme0n1p1", "259:1", "rpool")] {
        machine.put(
            &format!("sys/class/block/{name}/dev"),
            &format!("{number}\n"),
        );
        let record =
            format!("E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL={pool}\nE:ID_FS_LABEL_ENC={pool}\n");
        machine.put(&format!("run/udev/data/b{number}"), &record);
    }
}

faults! {
    a_healthy_tree_with_a_vlan: Vlan, BOTH, |_| {} => [];
    a_healthy_tree_with_dhcp: Dhcp, BOTH, |_| {} => [];
    a_healthy_tree_on_lvm: Lvm, BOTH, |_| {} => [];
    a_healthy_tree_on_zfs: Zfs, BOTH, |_| {} => [];
    a_healthy_tree_with_a_secret: Secret, BOTH, |_| {} => [];
    a_healthy_tree_with_a_mount_beside_root: Var, BOTH, |m| {
        m.edit("etc/fstab", "0 1\n", "0 1\nUUID=3 /var/ ext4 _netdev 0 2\n");
    } => [];
    a_healthy_tree_that_the_firmware_tells_the_way: Firmware, BOTH, |_| {} => [];

    // The tree.
    a_run_that_was_killed: Vlan, BOTH, |m| {
        m.edit("var/lib/nvmeroot/manifest.json", "\"configured\"", "\"reverted\"");
    } => ["fault interrupted"];
    a_plan_that_is_cut_short: Vlan, BOTH, |m| m.edit(PLAN, "\"version\"", "\"vers")
        => ["fault plan-broken"];
    a_plan_of_another_version: Vlan, BOTH, |m| m.edit(PLAN, "\"version\": 4", "\"version\": 3")
        => ["fault plan-broken"];
    a_plan_that_others_may_read: Vlan, BOTH, |m| m.mode(PLAN, 0o644) => ["warning secret-open"];
    no_agent: Vlan, BOTH, |m| m.remove(AGENT) => ["fault file-missing"];
    no_hand_off: Vlan, BOTH, |m| m.remove(HAND_OFF) => ["fault file-missing"];
    a_hand_off_that_was_edited: Vlan, BOTH, |m| m.edit(HAND_OFF, "critical: true", "critical: false")
        => ["warning file-changed"];
    a_directory_in_the_hand_off_s_place: Vlan, BOTH, |m| {
        m.remove(HAND_OFF);
        std::fs::create_dir(m.path(HAND_OFF)).expect("a directory");
    } => ["fault file-missing"];
    no_hook: Vlan, BY_SCRIPTS, |m| m.remove("etc/initramfs-tools/hooks/nvmeroot")
        => ["fault file-missing"];
    no_module_of_dracut_s: Vlan, BY_DRACUT,
        |m| m.remove("usr/lib/dracut/modules.d/90nvmeroot/module-setup.sh")
        => ["fault file-missing"];
    a_hook_of_the_other_runtime: Vlan, BOTH,
        |m| m.put("etc/initramfs-tools/hooks/curtin-nvme-over-tcp", "#!/bin/sh\n")
        => ["warning file-left"];
    no_service_for_further_paths: Vlan, BOTH,
        |m| m.remove("etc/systemd/system/multi-user.target.wants/nvmeroot-paths.service")
        => ["fault file-missing"];
    nothing_that_imports_the_pool: Zfs, BOTH, |m| {
        m.remove("usr/share/initramfs-tools/hooks/zfs");
        std::fs::remove_dir_all(m.path("usr/lib/dracut/modules.d/90zfs")).expect("a module");
    } => ["fault program-missing"];
    no_lvm: Lvm, BOTH, |m| m.remove("usr/sbin/lvm") => ["fault program-missing"];
    secrets_that_others_may_read: Secret, BOTH, |m| m.mode("etc/nvme/config.json", 0o644)
        => ["warning secret-open"];

    // The identity.
    no_identity: Vlan, BOTH, |m| {
        m.remove("etc/nvme/hostnqn");
        m.remove("etc/nvme/hostid");
    } => ["fault identity-missing"];
    half_an_identity: Vlan, BOTH, |m| m.remove("etc/nvme/hostid") => ["fault identity-missing"];
    another_name: Vlan, BOTH, |m| m.put("etc/nvme/hostnqn", "nqn.2014-08.org.nvmexpress:other\n")
        => ["fault identity-other"];
    another_identifier: Vlan, BOTH,
        |m| m.put("etc/nvme/hostid", "11111111-2222-4333-8444-555555555555\n")
        => ["fault identity-other"];
    another_name_in_the_image: Vlan, BOTH, |m| {
        m.add("etc/nvme/hostnqn", 0o644, b"nqn.2014-08.org.nvmexpress:old\n");
        m.write_initrd();
    } => ["fault identity-other"];
    the_same_name_in_the_image: Vlan, BOTH, |m| {
        m.add("etc/nvme/hostnqn", 0o644, common::HOSTNQN.as_bytes());
        m.write_initrd();
    } => [];

    // The kernels and their images.
    no_kernel: Vlan, BOTH, |m| {
        m.remove(&format!("boot/vmlinuz-{}", m.release));
        std::fs::remove_dir_all(m.path("usr/lib/modules")).expect("modules");
    } => ["fault kernel-missing"];
    no_image: Vlan, BOTH, |m| m.remove(&m.image()) => ["fault initrd-missing"];
    a_second_kernel_without_an_image: Vlan, BOTH, |m| {
        m.put("boot/vmlinuz-6.13.0-new", "");
        m.put("usr/lib/modules/6.13.0-new/modules.dep", "");
    } => ["fault initrd-missing"];
    modules_that_an_old_kernel_left: Vlan, BOTH,
        |m| m.put("usr/lib/modules/6.1.0-old/modules.dep", "") => [];
    no_modules_in_the_tree: Vlan, BOTH,
        |m| std::fs::remove_dir_all(m.path(&m.modules())).expect("modules")
        => ["warning modules-missing"];
    an_image_that_is_cut_short: Vlan, BOTH, |m| {
        let whole = std::fs::read(m.path(&m.image())).expect("an image");
        std::fs::write(m.path(&m.image()), &whole[..whole.len() / 2]).expect("an image");
    } => ["fault initrd-broken"];
    an_image_that_is_empty: Vlan, BOTH, |m| std::fs::write(m.path(&m.image()), b"").expect("a file")
        => ["fault initrd-broken"];
    an_image_that_can_not_be_looked_into: Vlan, BOTH,
        |m| std::fs::write(m.path(&m.image()), b"\x89LZO").expect("a file")
        => ["warning initrd-unread"];
    an_image_with_secrets_that_others_may_read: Secret, BOTH, |m| m.mode(&m.image(), 0o644)
        => ["warning initrd-open"];

    // What is in an image.
    an_image_without_nvmeroot: Vlan, BOTH, |m| {
        m.initrd.retain(|path, _| !path.contains("nvmeroot"));
        m.write_initrd();
    } => ["fault agent-missing"];
    an_image_without_the_agent: Vlan, BOTH, |m| m.take(AGENT) => ["fault agent-missing"];
    an_agent_that_may_not_be_executed: Vlan, BOTH, |m| {
        m.initrd.get_mut(AGENT).expect("the agent").mode = 0o100_644;
        m.write_initrd();
    } => ["fault agent-missing"];
    an_image_with_another_agent: Vlan, BOTH, |m| {
        m.initrd.get_mut(AGENT).expect("the agent").bytes.push(0);
        m.write_initrd();
    } => ["warning agent-other"];
    an_image_without_the_plan: Vlan, BOTH, |m| m.take(PLAN) => ["fault plan-missing"];
    an_image_with_an_older_plan: Vlan, BOTH, |m| {
        let plan = m.initrd.get_mut(PLAN).expect("the plan");
        let text = String::from_utf8(plan.bytes.clone()).expect("text");
        plan.bytes = text.replace("192.0.2.10", "192.0.2.11").into_bytes();
        m.write_initrd();
    } => ["fault plan-old"];
    a_script_that_is_not_in_the_image: Vlan, BY_SCRIPTS, |m| m.take("scripts/init-top/nvmeroot")
        => ["fault starter-missing"];
    a_script_that_is_not_called: Vlan, BY_SCRIPTS, |m| {
        m.add("scripts/init-premount/ORDER", 0o644, b"");
        m.write_initrd();
    } => ["fault starter-missing"];
    a_script_of_another_version: Vlan, BY_SCRIPTS, |m| {
        m.add("scripts/init-bottom/nvmeroot", 0o755, b"#!/bin/sh\n");
        m.write_initrd();
    } => ["warning starter-other"];
    a_unit_that_is_not_in_the_image: Vlan, BY_DRACUT,
        |m| m.take("usr/lib/systemd/system/nvmeroot.service")
        => ["fault starter-missing"];
    a_unit_that_nothing_wants: Vlan, BY_DRACUT,
        |m| m.take("etc/systemd/system/initrd.target.wants/nvmeroot-wait.service")
        => ["fault starter-missing"];
    dracut_s_own_module: Vlan, BY_DRACUT, |m| {
        let modules = &mut m.initrd.get_mut("usr/lib/dracut/modules.txt").expect("a list").bytes;
        modules.extend(b"nvmf\n");
        m.write_initrd();
    } => ["fault other-connector"];
    an_old_network_module_of_dracut_s: Vlan, BY_DRACUT, |m| {
        let modules = &mut m.initrd.get_mut("usr/lib/dracut/modules.txt").expect("a list").bytes;
        modules.extend(b"network-legacy\n");
        m.write_initrd();
    } => ["warning other-network"];
    no_lvm_in_the_image: Lvm, BOTH, |m| {
        m.initrd.retain(|path, _| !path.ends_with("bin/lvm"));
        m.write_initrd();
    } => ["fault tool-missing"];

    no_zpool_in_the_image: Zfs, BOTH, |m| m.take("usr/sbin/zpool") => ["fault tool-missing"];
    a_root_in_any_of_two_pools: Zfs, BOTH, |m| {
        m.edit(GRUB, "ZFS=rpool/ROOT/debian", "zfs:AUTO");
        put_two_pools(m);
    } => ["warning root-unstable"];
    a_root_that_dracut_looks_for_in_two_pools: Zfs, BY_DRACUT, |m| {
        m.edit(GRUB, "ZFS=rpool/ROOT/debian", "zfs:");
        put_two_pools(m);
    } => ["warning root-unstable"];
    a_root_that_nothing_names_in_two_pools: Zfs, BY_DRACUT, |m| {
        m.edit(GRUB, "root=ZFS=rpool/ROOT/debian", "");
        put_two_pools(m);
    } => ["warning root-unstable"];
    pools_that_can_not_be_looked_at: Zfs, BOTH, |m| {
        m.edit(GRUB, "ZFS=rpool/ROOT/debian", "zfs:AUTO");
        put_two_pools(m);
        m.remove("run/udev/data/b8:3");
        std::fs::create_dir(m.path("run/udev/data/b8:3")).expect("a directory");
    } => ["warning machine-unread"];
    two_pools_beside_one_that_can_not_be_looked_at: Zfs, BOTH, |m| {
        m.edit(GRUB, "ZFS=rpool/ROOT/debian", "zfs:AUTO");
        put_two_pools(m);
        m.put("sys/class/block/loop7/dev", "7:7\n");
        std::fs::create_dir_all(m.path("run/udev/data/b7:7")).expect("a directory");
    } => ["warning root-unstable", "warning machine-unread"];
    devices_that_can_not_be_looked_at: Zfs, BOTH, |m| {
        m.edit(GRUB, "ZFS=rpool/ROOT/debian", "zfs:AUTO");
        m.put("sys/class/block", "");
    } => ["warning machine-unread"];
    devices_that_nobody_asks_for: Zfs, BOTH, |m| m.put("sys/class/block", "") => [];
    a_root_that_dracut_finds: Zfs, BY_DRACUT,
        |m| m.edit(GRUB, "root=ZFS=rpool/ROOT/debian", "") => [];
    a_root_in_the_only_pool: Zfs, BOTH, |m| m.edit(GRUB, "ZFS=rpool/ROOT/debian", "zfs:AUTO") => [];

    // Kernel modules.
    no_nvme_tcp: Vlan, BOTH, |m| m.take_module("nvme-tcp") => ["fault module-missing"];
    no_nvme_fabrics: Vlan, BOTH, |m| m.take_module("nvme-fabrics") => ["fault module-missing"];
    no_8021q: Vlan, BOTH, |m| m.take_module("8021q") => ["fault module-missing"];
    no_bonding: Vlan, BOTH, |m| m.take_module("bonding") => ["fault module-missing"];
    no_ext4: Vlan, BOTH, |m| m.take_module("ext4") => ["fault module-missing"];
    no_zfs: Zfs, BOTH, |m| m.take_module("zfs") => ["fault module-missing"];
    no_spl: Zfs, BOTH, |m| m.take_module("spl") => ["fault module-missing"];
    no_dm_mod: Lvm, BOTH, |m| m.take_module("dm-mod") => ["fault module-missing"];
    a_kernel_that_has_it_built_in: Vlan, BOTH, |m| {
        m.take_module("ext4");
        let path = format!("{}/modules.builtin", m.modules());
        m.edit(&path, "kernel/", "kernel/fs/ext4/ext4.ko\nkernel/");
    } => [];
    a_kernel_without_vlans: Vlan, BOTH, |m| {
        m.take_module("8021q");
        let path = m.path(&format!("{}/modules.dep", m.modules()));
        let text = std::fs::read_to_string(&path).expect("an index");
        let lines = text.lines().filter(|line| !line.contains("8021q"));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        std::fs::write(path, text).expect("an index");
    } => ["fault module-missing"];
    modules_of_another_kernel: Vlan, BOTH, |m| {
        let old = m.modules();
        let all = std::mem::take(&mut m.initrd).into_iter();
        m.initrd = all.map(|(path, entry)| (path.replace(&old, "usr/lib/modules/6.1.0"), entry)).collect();
        m.write_initrd();
    } => ["fault module-missing"];
    no_driver_of_a_card: Vlan, BOTH, |m| {
        // As in Debian 13: netkit is in the kernel, bonding in the image.
        let path = format!("{}/modules.builtin", m.modules());
        m.edit(&path, "kernel/fs", "kernel/drivers/net/netkit.ko\nkernel/fs");
        m.add(&format!("{}/kernel/drivers/net/phy/mdio-x.ko.xz", m.modules()), 0o644, b"module");
        m.take_module("e1000e");
    } => ["fault card-driver-missing"];
    no_driver_of_this_machine_s_card: Dhcp, BOTH, |m| {
        card(m, "enp1s0", "e1000e");
        // The module `bonding` has it there.
        m.put("sys/class/net/bonding_masters", "bond0\n");
        m.add(&format!("{}/kernel/drivers/net/virtio_net.ko", m.modules()), 0o644, b"module");
        m.take_module("e1000e");
    } => ["fault module-missing"];
    no_driver_of_a_card_beside_one_that_can_not_be_looked_at: Dhcp, BOTH, |m| {
        card(m, "enp1s0", "e1000e");
        card(m, "wlan9", "iwlwifi");
        m.remove("sys/class/net/wlan9/type");
        std::fs::create_dir(m.path("sys/class/net/wlan9/type")).expect("a directory");
        m.add(&format!("{}/kernel/drivers/net/virtio_net.ko", m.modules()), 0o644, b"module");
        m.take_module("e1000e");
    } => ["fault module-missing", "warning machine-unread"];
    cards_that_can_not_be_looked_at: Dhcp, BOTH, |m| m.put("sys/class/net", "")
        => ["warning machine-unread"];
    a_card_that_can_not_be_looked_at: Dhcp, BOTH, |m| {
        card(m, "enp1s0", "e1000e");
        m.remove("sys/class/net/enp1s0/type");
        std::fs::create_dir(m.path("sys/class/net/enp1s0/type")).expect("a directory");
    } => ["warning machine-unread"];
    a_bond_with_the_address_of_this_machine_s_card: Mac, BOTH, |m| {
        for name in ["bond0", "enp1s0"] {
            m.put(&format!("sys/class/net/{name}/address"), "52:54:00:00:00:01\n");
        }
        m.put("sys/class/net/bond0/type", "1\n");
        card(m, "enp1s0", "igb");
    } => ["fault module-missing"];
    a_card_of_this_machine_that_is_known_by_its_driver: Driver, BOTH, |m| {
        card(m, "eno7", "e1000e");
        card(m, "eno8", "igb");
    } => ["fault module-missing"];
    a_driver_that_a_vendor_has_built: Vlan, BOTH, |m| {
        m.take_module("e1000e");
        m.add(&format!("{}/updates/dkms/card.ko.xz", m.modules()), 0o644, b"module");
        m.write_initrd();
    } => [];
    no_index_of_modules: Vlan, BOTH, |m| {
        m.initrd.retain(|path, _| !path.contains("/modules.dep"));
        m.write_initrd();
    } => ["fault module-index-missing"];

    // The kernel command line, and what is mounted.
    switched_off: Vlan, BOTH, |m| m.edit(GRUB, " quiet", " quiet nvmeroot=off")
        => ["fault switched-off"];
    switched_off_before_there_is_a_menu: Vlan, BOTH, |m| {
        m.remove(GRUB);
        m.put("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet nvmeroot=off\"\n");
    } => ["fault switched-off", "warning entry-missing"];
    switched_off_in_a_line_that_goes_on: Vlan, BOTH, |m| {
        m.remove(GRUB);
        m.put("etc/default/grub", "GRUB_CMDLINE_LINUX=\"quiet \\\n nvmeroot=off\"\n");
    } => ["fault switched-off", "warning entry-missing"];
    switched_off_in_a_comment_and_for_repairs: Vlan, BOTH, |m| {
        m.remove(GRUB);
        m.put(
            "etc/default/grub",
            "GRUB_CMDLINE_LINUX=\"quiet\" # nvmeroot=off\nGRUB_CMDLINE_LINUX_RECOVERY=nvmeroot=off\n",
        );
    } => ["warning entry-missing"];
    nothing_starts_it: Vlan, BOTH, |m| m.remove(GRUB) => ["warning entry-missing"];
    another_kernel_s_entry_alone: Vlan, BOTH,
        |m| m.edit(GRUB, "linux /vmlinuz-", "linux /vmlinuz-6.1 #")
        => ["warning entry-missing"];
    an_entry_of_extlinux_s: Vlan, BOTH, |m| {
        m.remove(GRUB);
        let release = &m.release;
        m.put("boot/extlinux/extlinux.conf", &format!(
            "label l0\n\tlinux /boot/vmlinuz-{release}\n\tinitrd /i\n\tappend root=UUID=1-2 ro\n"
        ));
    } => [];
    an_entry_of_extlinux_s_with_the_words_before_all_labels: Vlan, BOTH, |m| {
        m.remove(GRUB);
        let release = &m.release;
        m.put("boot/extlinux/extlinux.conf", &format!(
            "append root=UUID=1-2 nvmeroot=off\nlabel l0\n\tlinux /boot/vmlinuz-{release}\n\tinitrd /i\n"
        ));
    } => ["fault switched-off"];
    an_entry_that_a_menu_includes: Vlan, BOTH, |m| {
        m.remove(GRUB);
        let release = &m.release;
        m.put("boot/extlinux/extlinux.conf", "default l0\ninclude mine.cfg\n");
        m.put("boot/extlinux/mine.cfg", &format!(
            "label l0\n\tlinux /boot/vmlinuz-{release}\n\tinitrd /i\n\tappend root=UUID=1-2 nvmeroot=off\n"
        ));
    } => ["fault switched-off"];
    a_menu_that_includes_what_is_not_there: Vlan, BOTH,
        |m| m.put("boot/extlinux/extlinux.conf", "include mine.cfg\n")
        => ["warning entry-unread"];
    a_deadline_that_is_no_number: Vlan, BOTH, |m| m.edit(GRUB, " quiet", " nvmeroot.deadline=x")
        => ["warning boot-option"];
    an_option_that_nvmeroot_does_not_have: Vlan, BOTH,
        |m| m.edit(GRUB, " quiet", " nvmeroot.dedline=9")
        => ["warning boot-option"];
    dracut_is_told_to_leave_it_out: Vlan, BY_DRACUT,
        |m| m.put("etc/dracut.conf.d/mine.conf", "omit_dracutmodules+=\" nvmeroot \"\n")
        => ["fault left-out"];
    dracut_is_told_to_leave_it_out_in_a_line_that_goes_on: Vlan, BY_DRACUT,
        |m| m.put("etc/dracut.conf.d/mine.conf", "omit_dracutmodules+=\" nvmf \\\n  nvmeroot \"\n")
        => ["fault left-out"];
    dracut_is_told_many_times_in_a_way_that_bash_alone_knows: Vlan, BY_DRACUT,
        |m| m.put("etc/dracut.conf.d/mine.conf", &"omit_dracutmodules+=\" $mine \"\n".repeat(9))
        => ["warning left-out-unclear"];
    dracut_is_told_otherwise_later: Vlan, BY_DRACUT, |m| {
        m.put("etc/dracut.conf", "omit_dracutmodules+=\" nvmeroot \"\n");
        m.put("usr/lib/dracut/dracut.conf.d/a.conf", "omit_dracutmodules=\" nvmf \"\n");
        m.put("usr/lib/dracut/dracut.conf.d/b.conf", "omit_dracutmodules+=\" nvmeroot \"\n");
        m.put("etc/dracut.conf.d/b.conf", "\n");
    } => [];
    dracut_s_file_in_the_place_of_which_is_nothing: Vlan, BY_DRACUT, |m| {
        m.put("usr/lib/dracut/dracut.conf.d/b.conf", "omit_dracutmodules+=\" nvmeroot \"\n");
        m.put("etc/dracut.conf.d/a.conf", "\n");
        std::os::unix::fs::symlink("gone", m.path("etc/dracut.conf.d/b.conf")).expect("a link");
    } => ["fault left-out"];
    a_file_that_dracut_takes_for_two_which_are_not_there: Vlan, BY_DRACUT,
        |m| m.put("etc/dracut.conf.d/a b.conf", "omit_dracutmodules+=\" nvmeroot \"\n") => [];
    dracut_s_files_are_read_in_the_order_of_their_numbers: Vlan, BY_DRACUT, |m| {
        m.put("etc/dracut.conf.d/9-mine.conf", "omit_dracutmodules=\" nvmf \"\n");
        m.put("usr/lib/dracut/dracut.conf.d/10-a.conf", "omit_dracutmodules+=\" nvmeroot \"\n");
        m.put("etc/dracut.conf.d/.b.conf", "omit_dracutmodules=\" nvmf \"\n");
    } => ["fault left-out"];
    a_file_that_dracut_takes_for_another: Vlan, BY_DRACUT, |m| {
        m.put("etc/dracut.conf.d/01-a.conf", "\n");
        m.put("usr/lib/dracut/dracut.conf.d/1-a.conf", "omit_dracutmodules+=\" nvmeroot \"\n");
    } => [];
    initramfs_tools_knows_no_dracut_conf: Vlan, BY_SCRIPTS,
        |m| m.put("etc/dracut.conf", "omit_dracutmodules+=\" nvmeroot \"\n")
        => [];
    an_entry_that_is_for_a_repair: Vlan, BOTH, |m| {
        let text = std::fs::read_to_string(m.path(GRUB)).expect("a menu");
        m.put(GRUB, &(text.clone() + &text.replace("quiet", "nvmeroot=off")));
    } => [];
    an_entry_without_an_initramfs: Vlan, BOTH, |m| m.edit(GRUB, "\tinitrd ", "\t# initrd ")
        => ["fault entry-without-initrd"];
    another_root: Vlan, BOTH, |m| m.edit(GRUB, "root=UUID=1-2", "root=UUID=2-2")
        => ["fault root-other"];
    no_root: Vlan, BOTH, |m| m.edit(GRUB, "root=UUID=1-2", "") => ["fault root-missing"];
    a_root_by_number: Vlan, BOTH, |m| m.edit(GRUB, "root=UUID=1-2", "root=/dev/nvme0n1p1")
        => ["warning root-unstable"];
    an_entry_of_the_loader_s_that_is_switched_off: Vlan, BOTH, |m| {
        m.remove(GRUB);
        let release = &m.release;
        m.put("boot/loader/entries/a.conf", &format!(
            "linux /t/{release}/linux\ninitrd /t/{release}/initrd.img\noptions root=UUID=1-2 nvmeroot=off\n"
        ));
    } => ["fault switched-off"];
    an_entry_with_a_blank_line: Vlan, BOTH, |m| {
        m.remove(GRUB);
        let release = &m.release;
        m.put("boot/loader/entries/a.conf", &format!(
            "title a\n\nlinux /t/{release}/linux\ninitrd /t/{release}/initrd.img\noptions root=UUID=2-2\n"
        ));
    } => ["fault root-other"];

    // Other systems beside it.
    another_system_s_entries: Vlan, BOTH, |m| {
        let text = std::fs::read_to_string(m.path(GRUB)).expect("a menu");
        m.put(GRUB, &(text + "menuentry 'Ubuntu' {\n\tlinux /vmlinuz-6.99 root=UUID=9\n}\n"));
        m.put("boot/loader/entries/a.conf", "linux /t/6.98/linux\noptions root=UUID=9\n");
    } => [];
    another_system_s_entry_of_the_same_kernel: Vlan, BOTH, |m| {
        m.remove(GRUB);
        m.put("etc/machine-id", &format!("{OWN}\n"));
        let release = &m.release;
        for (name, machine, root) in [("a", OTHER, "9"), ("b", OWN, "1-2")] {
            m.put(&format!("boot/loader/entries/{name}.conf"), &format!(
                "machine-id {machine}\nlinux /t/{release}/linux\ninitrd /i\noptions root=UUID={root}\n"
            ));
        }
        m.put(&format!("boot/{OTHER}/{release}/initrd"), "another system's");
    } => [];
    entries_of_a_machine_that_was_given_another_name: Vlan, BOTH, |m| {
        m.remove(GRUB);
        m.put("etc/machine-id", &format!("{OWN}\n"));
        let release = &m.release;
        m.put(&format!("boot/loader/entries/{OTHER}-{release}.conf"), &format!(
            "linux /{OTHER}/{release}/linux\ninitrd /{OTHER}/{release}/initrd\noptions root=UUID=9\n"
        ));
    } => ["fault root-other"];
    another_system_s_unified_image: Vlan, BOTH, |m| {
        m.put("etc/machine-id", &format!("{OWN}\n"));
        let file = unified(&[
            (".uname", b"6.99"),
            (".cmdline", b"root=UUID=9"),
            (".initrd", b"another system's"),
        ]);
        common::write(&m.path(&format!("boot/efi/EFI/Linux/{OTHER}-6.99.efi")), &file, 0o600);
    } => [];
    a_kernel_that_may_be_another_system_s: Vlan, BOTH, |m| {
        m.put("boot/vmlinuz-6.99", "");
        m.put("boot/initrd.img-6.99", "another system's");
    } => ["warning modules-missing"];
    a_kernel_without_modules_that_boots_this_root: Vlan, BOTH, |m| {
        m.put("boot/vmlinuz-6.99", "");
        m.put("boot/initrd.img-6.99", "no image");
        let text = std::fs::read_to_string(m.path(GRUB)).expect("a menu");
        let new = text.replace(&m.release, "6.99").replace("quiet", "nvmeroot=off");
        m.put(GRUB, &(new.replace("UUID=1-2", "/dev/disk/by-uuid/1-2") + &text));
    } => ["fault switched-off", "fault initrd-broken", "warning modules-missing"];
    a_kernel_that_boots_another_root: Vlan, BOTH, |m| {
        m.put("boot/vmlinuz-6.99", "");
        m.put("boot/initrd.img-6.99", "another system's");
        let text = std::fs::read_to_string(m.path(GRUB)).expect("a menu");
        m.put(GRUB, &(text.replace(&m.release, "6.99").replace("=1-2", "=9") + &text));
    } => ["warning modules-missing"];
    another_system_s_image_and_no_kernel_of_its_own: Vlan, BOTH, |m| {
        m.remove(&m.image());
        m.remove(&format!("boot/vmlinuz-{}", m.release));
        let file = unified(&[(".uname", b"6.99"), (".initrd", b"another system's")]);
        common::write(&m.path("boot/efi/EFI/Linux/other.efi"), &file, 0o600);
    } => ["fault initrd-missing", "warning modules-missing"];
    an_essential_mount_that_fstab_lacks: Var, BOTH, |_| {} => ["warning mount-missing"];
}

#[test]
fn an_image_may_be_named() {
    for generator in BOTH {
        let mut machine = Machine::new(generator, Input::Vlan);
        std::fs::copy(machine.path(&machine.image()), machine.path("../image")).expect("a copy");
        machine.take(AGENT);
        expect(&machine, &["--initrd", "image"], &[]);
        expect(&machine, &[], &["fault agent-missing"]);
    }
}

#[test]
fn an_image_with_modules_of_many_kernels_is_not_looked_at_for_all() {
    let mut machine = Machine::new(Generator::InitramfsTools, Input::Vlan);
    for number in 0..20 {
        let path = format!("usr/lib/modules/6.99.{number:02}/kernel/a.ko");
        machine.add(&path, 0o644, b"module");
    }
    // Too long to be read: what the kernel has is not known of it.
    let mut index = b"kernel/nvme-tcp.ko:\n".to_vec();
    index.resize(9 << 20, b'\n');
    machine.add("usr/lib/modules/6.99.00/modules.dep", 0o644, &index);
    index.truncate(1 << 20);
    machine.add("usr/lib/modules/6.99.01/modules.dep", 0o644, &index);
    machine.write_initrd();
    let image = machine.path(&machine.image());
    std::fs::copy(image, machine.path("../image")).expect("a copy");
    let said = machine.says(&["--initrd", "image"]);
    let has = |text: &str| said.contains(text);
    assert!(has(
        "warning: `image` has modules of 21 kernels\n  it was looked at for 16 of them"
    ));
    assert!(
        has("the kernel `6.99.00` has no module `nvme-tcp`"),
        "{said}"
    );
    assert!(
        !has("the kernel `6.99.01` has no module `nvme-tcp`"),
        "{said}"
    );
    // One kernel of the stand-in's, and fifteen.
    assert!(has("`6.99.14`") && !has("`6.99.15`"), "{said}");
}

#[test]
fn what_helps_is_said_of_an_image_that_is_not_read() {
    const EMPTY: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
    let machine = Machine::new(Generator::InitramfsTools, Input::Vlan);
    let mends = [
        "have it compressed with zstd at its usual level",
        "have less put into it",
    ];
    for (bytes, what, at) in [
        (b"\x89LZO".to_vec(), "is compressed with lzo", 0),
        (EMPTY.repeat(65), "it has more than 64 archives", 1),
    ] {
        std::fs::write(machine.path(&machine.image()), bytes).expect("an image");
        let said = machine.says(&[]);
        assert!(said.contains(what) && said.contains(mends[at]), "{said}");
        assert!(!said.contains(mends[1 - at]), "{said}");
    }
}

#[test]
fn another_input_than_the_tree_was_configured_for_is_found() {
    for generator in BOTH {
        let machine = Machine::new(generator, Input::Vlan);
        let curtin = ["--curtin", "curtin.yaml"];
        expect(&machine, &curtin, &[]);
        // Where the input's parts stand is not what it means.
        let text = std::fs::read_to_string(machine.path("../curtin.yaml")).expect("an input");
        let other = text.replace(
            "storage:\n  version: 2",
            "# moved\n\nstorage:\n  version: 2",
        );
        std::fs::write(machine.path("../other.yaml"), other).expect("an input");
        expect(&machine, &["--curtin", "other.yaml"], &[]);
        machine.edit(
            "../curtin.yaml",
            "tcp_addr: 192.0.2.10",
            "tcp_addr: 192.0.2.11",
        );
        expect(&machine, &curtin, &["fault plan-other"]);
        machine.edit(
            "../curtin.yaml",
            "tcp_addr: 192.0.2.11",
            "tcp_addr: 10.9.9.9",
        );
        for file in ["../curtin.yaml", "etc/netplan/00-installer-config.yaml"] {
            machine.edit(file, "dhcp4: true", "dhcp4: false");
            machine.edit(file, "{to: default,", "{to: 192.0.3.0/24,");
        }
        let (_, findings) = machine.check(&["--curtin", "curtin.yaml"]);
        let words: Vec<&str> = findings.iter().map(|(_, word)| &**word).collect();
        assert_eq!(words[..2], ["no-way", "plan-other"], "{words:?}");
    }
}

#[test]
fn a_tree_that_was_not_configured_is_found() {
    for generator in BOTH {
        let machine = Machine::new(generator, Input::Vlan);
        machine.remove(PLAN);
        expect(
            &machine,
            &["--curtin", "curtin.yaml"],
            &["fault not-configured"],
        );
    }
}

/// curtin's own scripts lie where those of `--runtime scripts` do.
#[test]
fn curtin_s_own_scripts_are_no_configuration() {
    let machine = Machine::new(Generator::InitramfsTools, Input::Vlan);
    machine.remove(PLAN);
    machine.put(
        "etc/curtin-nvme-over-tcp/connect-nvme",
        "#!/bin/sh\nnvme connect-all\n",
    );
    let curtin = ["--curtin", "curtin.yaml"];
    expect(&machine, &curtin, &["fault not-configured"]);
}

/// Not by GRUB's settings, where another boot loader is there.
#[test]
fn a_word_is_corrected_where_it_comes_from() {
    for (menu, text, hint) in [
        (
            "boot/extlinux/extlinux.conf",
            "label l0\n\tlinux /vmlinuz-RELEASE\n\tinitrd /i\n\tappend root=UUID=1-2 nvmeroot=off\n",
            "(`/etc/default/u-boot`, then `u-boot-update`)",
        ),
        (
            "boot/loader/entries/a.conf",
            "linux /t/RELEASE/linux\ninitrd /i\noptions root=UUID=1-2 nvmeroot=off\n",
            "(`/etc/kernel/cmdline`, then `kernel-install add-all`)",
        ),
    ] {
        let machine = Machine::new(Generator::InitramfsTools, Input::Vlan);
        machine.remove(GRUB);
        machine.put(menu, &text.replace("RELEASE", &machine.release));
        let said = machine.says(&[]);
        assert!(
            said.contains(&format!("hint: take the word away {hint}\n")),
            "{said}"
        );
    }
}

#[test]
fn a_hint_is_said_once() {
    let machine = Machine::new(Generator::InitramfsTools, Input::Vlan);
    machine.remove(HAND_OFF);
    machine.remove("etc/initramfs-tools/hooks/nvmeroot");
    let said = machine.says(&[]);
    assert_eq!(said.matches("fault: ").count(), 2, "{said}");
    assert_eq!(said.matches("hint: ").count(), 1, "{said}");
}

#[test]
fn a_unified_kernel_image_is_looked_into() {
    for generator in BOTH {
        let mut machine = Machine::new(generator, Input::Vlan);
        machine.remove(&machine.image());
        machine.remove(&format!("boot/vmlinuz-{}", machine.release));
        machine.remove(GRUB);
        let place = machine.path("boot/efi/EFI/Linux/debian.efi");
        let build = |machine: &Machine, command_line: &str| {
            let file = unified(&[
                (".uname", machine.release.as_bytes()),
                (".cmdline", command_line.as_bytes()),
                (".initrd", &machine.archive()),
            ]);
            common::write(&place, &file, 0o600);
        };
        build(&machine, "root=UUID=1-2");
        expect(&machine, &[], &[]);
        build(&machine, "root=UUID=1-2 nvmeroot=off");
        expect(&machine, &[], &["fault switched-off"]);
        machine.initrd.remove(PLAN);
        build(&machine, "root=UUID=1-2");
        expect(&machine, &[], &["fault plan-missing"]);
    }
}

/// A PE file with these sections.
fn unified(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = b"MZ".to_vec();
    file.resize(0x3c, 0);
    file.extend(64_u32.to_le_bytes());
    file.extend(b"PE\0\0\x64\x86");
    file.extend(u16::try_from(sections.len()).expect("few").to_le_bytes());
    file.resize(64 + 24, 0);
    let mut at = u32::try_from(file.len() + 40 * sections.len()).expect("small");
    for (name, content) in sections {
        let size = u32::try_from(content.len()).expect("small");
        let mut header = name.as_bytes().to_vec();
        header.resize(8, 0);
        for word in [size, 0, size, at] {
            header.extend(word.to_le_bytes());
        }
        header.resize(40, 0);
        file.extend(header);
        at += size;
    }
    file.extend(sections.iter().flat_map(|(_, content)| *content));
    file
}

#[test]
fn what_is_said_names_the_reason_and_the_command() {
    let mut machine = Machine::new(Generator::InitramfsTools, Input::Vlan);
    machine.take(PLAN);
    machine.mode(PLAN, 0o644);
    let image = machine.image();
    assert_eq!(
        machine.says(&[]),
        format!(
            "\
fault: `{image}` has no plan
  the agent does not know what to do
hint: `chroot root update-initramfs -u -k all`

warning: `etc/nvmeroot/plan.json` is open to others: its mode is 0644
  the next plan may hold secrets
hint: `chmod 0600 etc/nvmeroot/plan.json` in the root tree

would not boot: 1 fault, 1 warning (looked into `{image}`)
"
        )
    );
}

#[test]
fn a_kernel_without_zfs_is_told_who_makes_it() {
    let mut machine = Machine::new(Generator::InitramfsTools, Input::Zfs);
    machine.take_module("zfs");
    let index = format!("{}/modules.dep", machine.modules());
    machine.edit(&index, "kernel/zfs/zfs.ko.zst:", "kernel/zfs/other.ko.zst:");
    let said = machine.says(&[]);
    let what = format!(
        "fault: the kernel `{}` has no module `zfs`\n  `/` is such a filesystem\nhint: install `zfs-dkms` and",
        machine.release
    );
    assert!(said.contains(&what), "{said}");
}

#[test]
fn what_is_not_remote_needs_nothing() {
    let machine = Machine::new(Generator::InitramfsTools, Input::Vlan);
    // What would make an initramfs matters to nobody.
    machine.remove("usr/sbin/mkinitramfs");
    machine.remove("etc/initramfs-tools/hooks/nvmeroot");
    let local = include_str!("golden/local/input/curtin.yaml");
    machine.put("../local.yaml", local);
    let mut command = common::nvmeroot();
    let said = common::run(
        command
            .arg("check")
            .arg("--root")
            .arg(machine.path(""))
            .arg("--curtin")
            .arg(machine.path("../local.yaml")),
    );
    assert_eq!(
        said.stdout,
        "nothing was found (reach: local; what boots it was not looked at)\n"
    );
    assert_eq!(said.status, Some(0));
}

/// It would take everything away: this machine has none of what curtin's file speaks of.
#[test]
fn the_command_that_is_named_is_the_one_that_made_the_plan() {
    let machine = Machine::new(Generator::InitramfsTools, Input::Vlan);
    machine.remove(HAND_OFF);
    let said = machine.says(&[]);
    let hint = "\nhint: `nvmeroot configure --curtin FILE --root root`\n";
    assert!(said.contains(hint), "{said}");
}

#[test]
fn a_record_that_is_damaged_is_found_with_its_own_hint() {
    let machine = Machine::new(Generator::InitramfsTools, Input::Vlan);
    machine.put("var/lib/nvmeroot/manifest.json", "{");
    let said = machine.says(&[]);
    let hint = "\n  its files are partly those from before\nhint: restore the file from a backup";
    assert!(said.contains(hint), "{said}");
    assert!(!said.contains("\\n"), "{said}");
}

/// A file that was cut short says nothing; that is not "nothing is remote".
#[test]
fn a_configuration_without_storage_undoes_nothing() {
    let machine = Machine::new(Generator::InitramfsTools, Input::Vlan);
    for text in [
        "",
        "{}",
        "kernel: {}\n",
        "storage: {version: 2, config: []}\n",
    ] {
        machine.put("../cut.yaml", text);
        for more in [&[][..], &["--dry-run"], &["--force"]] {
            let mut command = common::nvmeroot();
            command.current_dir(machine.path(".."));
            command.args(["configure", "--curtin", "cut.yaml", "--root", "root"]);
            let said = common::run(command.args(more));
            let (is_forced, is_there) = (more == ["--force"], machine.path(PLAN).exists());
            if is_forced {
                assert_eq!((said.status, is_there), (Some(0), false), "{text}");
                machine.configure();
                continue;
            }
            assert_eq!((said.status, is_there), (Some(2), true), "{text}");
            let has = |part| said.stderr.contains(part);
            assert!(
                has(", but what `/` lies on is not known\n"),
                "{}",
                said.stderr
            );
            let warns = has("warning: there is no `storage` in this configuration");
            assert_eq!(warns, !text.contains("storage"), "{}", said.stderr);
        }
    }
}
