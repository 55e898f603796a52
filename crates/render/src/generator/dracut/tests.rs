//! The module as bash reads it, with functions in dracut's place that say what they
//! were told; the lab has the real ones.

use std::process::Command;

use nvmeroot_plan::Layer;

use crate::generator::Generator;
use crate::payload::Owner;
use crate::runtime::{agent, scripts};
use crate::testing::{by_agent, by_scripts, controller, ethernet, initramfs_plan};
use crate::{ChangeKind, Options, RenderError, render};

/// What dracut-init.sh has, as far as the module calls it.
const STAND_INS: &str = r#"
initdir=$PWD moddir=$PWD kernel=6.12 systemdsystemunitdir=/usr/lib/systemd/system
SYSTEMCTL=systemctl
instmods() { echo "instmods hostonly=$hostonly $*"; }
dracut_instmods() { echo "dracut_instmods hostonly=$hostonly ${*: -1}"; }
inst_simple() { echo "inst_simple ${1#"$PWD"/} ${2-}"; [[ $1 != */missing ]]; }
inst_multiple() { printf 'inst_multiple %s\n' "${@:2}"; }
inst_script() { echo "inst_script ${1#"$PWD"/} $2"; }
inst_hook() { echo "inst_hook $1 $2 $(<"$3")"; }
systemctl() { echo "systemctl ${*: -3}"; }
dfatal() { echo "fatal $*"; }
derror() { echo "error $*"; }
dinfo() { echo "info $*"; }
dwarn() { echo "warn $*"; }
find_binary() { [[ $1 != ${absent-none} ]]; }
systemdutildir=/usr/lib/systemd
/usr/lib/nvmeroot/nvmeroot-agent() { echo "agent $*"; return "${reads-0}"; }
"#;

/// What the module does when bash is told `then`.
fn said(then: &str) -> (String, bool) {
    let stage = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(stage.path().join("tmp")).expect("a directory");
    let setup = super::setup(&agent::PAYLOAD, Owner::Machine);
    let output = Command::new("bash")
        .current_dir(stage.path())
        .args(["-uc", &format!("{STAND_INS}\n{setup}\n{then}")])
        .output()
        .expect("bash");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors, "", "{then}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (said, output.status.success())
}

#[test]
fn it_is_there_as_long_as_the_plan_is() {
    assert!(!said("dracutsysrootdir=$PWD; check").1);
    let plan = "mkdir -p etc/nvmeroot; : >etc/nvmeroot/plan.json";
    assert!(said(&format!("{plan}; dracutsysrootdir=$PWD; check")).1);
}

#[test]
fn systemd_has_units() {
    let (said, well) = said("dracut_module_included() { [[ $1 = systemd ]]; }; install");
    assert!(well);
    assert_eq!(
        said,
        "\
inst_simple /usr/lib/nvmeroot/nvmeroot-agent \n\
inst_simple /etc/nvmeroot/plan.json \n\
agent reads\n\
inst_simple modprobe.conf /etc/modprobe.d/nvmeroot.conf\n\
inst_simple /etc/nvmeroot/dracut/network-manager.conf /etc/NetworkManager/conf.d/nvmeroot.conf\n\
inst_multiple /usr/lib/udev/rules.d/73-special-net-names.rules\n\
inst_multiple /usr/lib/udev/rules.d/75-net-description.rules\n\
inst_multiple /usr/lib/udev/rules.d/80-net-setup-link.rules\n\
inst_multiple /etc/udev/rules.d/*.rules\n\
inst_multiple /usr/lib/systemd/network/*.link\n\
inst_multiple /usr/lib/systemd/network/*.link.d/*.conf\n\
inst_multiple /etc/systemd/network/*.link\n\
inst_multiple /etc/systemd/network/*.link.d/*.conf\n\
inst_simple nvmeroot.service /usr/lib/systemd/system/nvmeroot.service\n\
systemctl add-wants initrd.target nvmeroot.service\n\
inst_simple nvmeroot-wait.service /usr/lib/systemd/system/nvmeroot-wait.service\n\
systemctl add-wants initrd.target nvmeroot-wait.service\n"
    );
}

#[test]
fn other_network_managers_are_told_and_told_of() {
    let then = "mkdir -p etc/nvmeroot/dracut; : >etc/nvmeroot/dracut/names.network; dracutsysrootdir=$PWD; dracut_module_included() { true; }; install";
    let (said, well) = said(then);
    assert!(well);
    let has = |line: &str| assert!(said.lines().any(|one| one == line), "{said}");
    has(
        "inst_simple /etc/nvmeroot/dracut/names.network /etc/systemd/network/00-nvmeroot-names.network",
    );
    has(
        "info nvmeroot: `network-manager` is in the image too, and leaves root's links to the agent",
    );
    has(
        "warn nvmeroot: `network-legacy` is in the image too, and may set root's links up beside the agent",
    );
    assert!(!said.contains("macs.network"), "{said}");
}

#[test]
fn others_have_hooks_that_start_a_script() {
    let (said, well) = said("dracut_module_included() { false; }; install");
    assert!(well);
    let hooks: Vec<_> = said.lines().filter(|l| l.contains("_hook")).collect();
    assert_eq!(
        hooks,
        [
            "inst_hook pre-trigger 10 /usr/lib/nvmeroot/boot/pre-trigger",
            "inst_hook initqueue 10 rm -f -- \"$job\"; /usr/lib/nvmeroot/boot/initqueue",
            "inst_hook cleanup 10 /usr/lib/nvmeroot/boot/cleanup",
        ]
    );
    let script = "inst_script initqueue.sh /usr/lib/nvmeroot/boot/initqueue";
    assert!(said.lines().any(|line| line == script), "{said}");
}

#[test]
fn a_file_that_is_missing_ends_it() {
    let then = "nvmeroot_files+=(missing); dracut_module_included() { true; }; install; echo on";
    let (said, well) = said(then);
    assert!(!well);
    assert!(
        said.ends_with(
            "fatal nvmeroot: can't copy `/missing`\nfatal hint: run `nvmeroot configure` again\n"
        ),
        "{said}"
    );
}

#[test]
fn a_plan_that_the_agent_can_not_read_ends_it() {
    let with = |status: u8, more: &str| {
        let install = "dracut_module_included() { true; }; install; echo on";
        said(&format!("reads={status} {more}; {install}"))
    };
    let (words, well) = with(1, "");
    assert!(!well);
    let end = "agent reads\nfatal nvmeroot: the agent can't read its plan\nfatal hint: run `nvmeroot configure` again\n";
    assert!(words.ends_with(end), "{words}");
    // Of an agent that does not know the question nothing is known.
    for status in [0, 2] {
        let (words, well) = with(status, "");
        assert!(well && words.contains("\nagent reads\n"), "{words}");
        assert!(words.ends_with("\non\n"), "{words}");
    }
    let (words, well) = with(1, "dracutsysrootdir=$PWD");
    assert!(well && !words.contains("agent reads"), "{words}");
}

#[test]
fn kernel_modules_are_those_of_any_machine() {
    let modules = "mkdir -p etc/nvmeroot
        printf '%s\\n' bonding 8021q '' =drivers -o 'a b' >etc/nvmeroot/modules
        printf '%s\\n' '# / of a drive' 'UUID=1 / xfs defaults 0 1' \\
            'none /tmp tmpfs' 'UUID=2 /var ext4' >etc/fstab";
    let then = format!("{modules}\ndracutsysrootdir=$PWD hostonly=-h; installkernel");
    let (said, well) = said(&then);
    assert!(well);
    assert_eq!(
        said,
        "instmods hostonly= -c nvme-tcp af_packet bonding 8021q\n\
         dracut_instmods hostonly= =drivers/net\n\
         instmods hostonly= xfs ext4\n"
    );
}

#[test]
fn what_is_no_list_of_modules_is_none() {
    let then = "mkdir -p etc/nvmeroot; mkfifo etc/nvmeroot/modules etc/fstab
        dracutsysrootdir=$PWD hostonly=; installkernel";
    let (said, well) = said(then);
    assert!(well);
    let first = "instmods hostonly= -c nvme-tcp af_packet";
    assert_eq!(said.lines().next(), Some(first));
    assert_eq!(said.lines().count(), 2, "{said}");
}

/// A tree whose root stands on these layers.
const STACK: &str = "mkdir -p etc/nvmeroot etc/mdadm sysroot/etc
    printf '%s\\n' 'crypt luks' 'lvm vg0' 'raid md0' >etc/nvmeroot/layers
    printf '%s\\n' '# array' 'ARRAY /dev/md7 UUID=7:7' \\
        'ARRAY /dev/md/md0 metadata=1.2 name=h:md0 UUID=AB:12' >etc/mdadm/mdadm.conf
    printf '%s\\n' '# x y z' 'swap /dev/s /dev/urandom swap' 'luks UUID=1 /etc/k luks' \\
        'other UUID=2 none luks,initramfs' >etc/crypttab
    dracutsysrootdir=$PWD initdir=$PWD/sysroot";

#[test]
fn what_root_stands_on_is_put_together() {
    let (words, well) = said(&format!("{STACK}; depends"));
    assert!(well);
    assert_eq!(words, "systemd-cryptsetup\nlvm\nmdraid\n");
    let show = "nvmeroot_put_together; cat sysroot/etc/cmdline.d/* sysroot/etc/crypttab";
    let (words, well) = said(&format!("{STACK}; {show}"));
    assert!(well);
    let lines: Vec<_> = words.lines().collect();
    assert_eq!(
        lines[0],
        "inst_simple /etc/mdadm/mdadm.conf /etc/mdadm.conf"
    );
    assert!(lines[1].starts_with("warn nvmeroot: `luks` is opened with `/etc/k`"));
    assert_eq!(
        lines[3..],
        [
            "rd.lvm.vg=vg0 rd.md.uuid=ab:12",
            "luks UUID=1 /etc/k luks",
            "other UUID=2 none luks,initramfs",
        ]
    );
}

#[test]
fn what_has_no_name_is_looked_for_among_all() {
    let stack =
        "mkdir -p etc/nvmeroot sysroot; printf '%s\\n' lvm 'raid md0' crypt >etc/nvmeroot/layers
        dracutsysrootdir=$PWD initdir=$PWD/sysroot";
    let (words, well) = said(&format!(
        "{stack}; nvmeroot_put_together; cat sysroot/etc/cmdline.d/*"
    ));
    assert!(well);
    assert_eq!(words, "rd.auto=1 rd.auto=1\n");
}

#[test]
fn a_module_that_can_not_be_had_does_not_keep_this_one_out() {
    let (words, well) = said(&format!(
        "{STACK}; absent=lvm omit_dracutmodules=' mdraid '; depends"
    ));
    assert!(well);
    assert_eq!(words, "systemd-cryptsetup\n");
    let (words, _) = said(&format!("{STACK}; absent=lvm; nvmeroot_put_together"));
    let told = "error nvmeroot: root stands on LVM, and `lvm` is not installed";
    assert!(words.lines().any(|line| line == told), "{words}");
}

#[test]
fn layers_bring_their_kernel_modules() {
    let (words, well) = said(&format!("{STACK}; hostonly=-h; installkernel"));
    assert!(well);
    let last: Vec<_> = words.lines().skip(2).collect();
    assert_eq!(
        last,
        [
            "instmods hostonly= dm_crypt =crypto",
            "instmods hostonly= =drivers/md",
            "instmods hostonly= =drivers/md",
        ]
    );
}

#[test]
fn the_list_of_layers_comes_and_goes_with_them() {
    let mut plan = initramfs_plan(
        vec![ethernet("ens3")],
        vec![controller("10.77.0.1", "4420")],
    );
    let options = Options {
        generator: Generator::Dracut,
        ..by_agent()
    };
    let layers = |plan: &nvmeroot_plan::BootPlan| {
        let set = render(plan, &options).expect("files");
        let mut changes = set.changes().iter();
        let change = changes.find(|change| change.path.as_str() == "etc/nvmeroot/layers");
        match &change.expect("a change").kind {
            ChangeKind::File { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    };
    assert_eq!(layers(&plan), None);
    plan.mounts[0].layers = vec![
        Layer::Array {
            name: None,
            can_miss: 1,
        },
        Layer::VolumeGroup {
            name: "vg0".parse().ok(),
        },
        Layer::Encrypted {
            name: "luks".parse().ok(),
        },
    ];
    assert_eq!(
        layers(&plan).as_deref(),
        Some("crypt luks\nlvm vg0\nraid\n")
    );
}

#[test]
fn a_kernel_without_nvme_tcp_ends_it() {
    let then = "hostonly=; instmods() { [[ $* != *nvme-tcp* ]]; }; installkernel";
    let (said, well) = said(then);
    assert!(!well);
    assert_eq!(
        said.lines().next(),
        Some(
            "error nvmeroot: the kernel 6.12 lacks a module that root needs, one of: nvme-tcp af_packet"
        )
    );
}

#[test]
fn the_scripts_runtime_is_refused() {
    let plan = initramfs_plan(
        vec![ethernet("ens3")],
        vec![controller("10.77.0.1", "4420")],
    );
    let by = |options| Options {
        generator: Generator::Dracut,
        ..options
    };
    assert_eq!(
        render(&plan, &by(by_scripts())),
        Err(RenderError::ScriptsByDracut)
    );
    assert!(scripts::PAYLOAD.units.is_empty());
    let set = render(&plan, &by(by_agent())).expect("files");
    let last = set.changes().last().expect("a change");
    assert_eq!(
        last.path.as_str(),
        "usr/lib/dracut/modules.d/90nvmeroot/module-setup.sh"
    );
    assert!(matches!(last.kind, ChangeKind::File { .. }));
}

#[test]
fn who_changes_the_generator_takes_its_part_of_the_image_along() {
    let plan = initramfs_plan(
        vec![ethernet("ens3")],
        vec![controller("10.77.0.1", "4420")],
    );
    let paths = |generator, absent| {
        let options = Options {
            generator,
            ..by_agent()
        };
        let set = render(&plan, &options).expect("files");
        let changes = set.changes().iter();
        let of_kind = changes.filter(|c| matches!(c.kind, ChangeKind::Absent) == absent);
        of_kind.map(|c| c.path.to_string()).collect::<Vec<_>>()
    };
    let is_image = |path: &&String| path.contains("initramfs-tools") || path.contains("dracut");
    for (now, before) in [
        (Generator::Dracut, Generator::InitramfsTools),
        (Generator::InitramfsTools, Generator::Dracut),
    ] {
        let gone = paths(now, true);
        for path in paths(before, false).iter().filter(is_image) {
            assert!(gone.contains(path), "{path} stays");
        }
        let list = "etc/nvmeroot/modules".to_owned();
        assert_eq!(gone.contains(&list), !paths(now, false).contains(&list));
    }
}

/// A file says whose it is: of the package's none is the machine's configuration.
#[test]
fn the_package_s_files_say_that_they_are() {
    let set = crate::package_files().expect("files");
    for change in &set {
        let path = change.path.as_str();
        let ChangeKind::File { bytes, .. } = &change.kind else {
            panic!("{path}");
        };
        let text = String::from_utf8_lossy(bytes);
        let owner = "# This file belongs to the package `nvmeroot`.\n";
        let body = text.split_once(owner).map(|(before, _)| before);
        let is_first = body.is_some_and(|before| before.is_empty() || before.starts_with("#!/"));
        assert!(is_first, "{path}: {text}");
        assert!(!text.contains(crate::payload::MARK), "{path}");
    }
    let plan = initramfs_plan(
        vec![ethernet("ens3")],
        vec![controller("10.77.0.1", "4420")],
    );
    let options = Options {
        generator: Generator::Dracut,
        ..by_agent()
    };
    let module = render(&plan, &options).expect("files");
    let module = module.into_iter();
    let module = module.filter(|change| change.path.directory() == super::MODULE);
    for change in module {
        if let ChangeKind::File { bytes, .. } = &change.kind {
            assert!(crate::is_marked(&change.path, bytes), "{}", change.path);
        }
    }
}
