//! Roots that stand on more than a partition, by both generators.

use std::time::Duration;

use super::faults::UP;
use super::late::target_after;
use super::paths::two_networks;
use super::static_address::{IPV4_NETPLAN, ipv4_target, portal};
use super::{
    Controller, End, Faults, InstallerConfig, Outcome, Scenario, boots, by_agent, settled,
};
use crate::host_spec::{Generator, HostSpec, Under};
use crate::lab::{FIRST_SLOT, Wiring};
use crate::session::{KEYBOARD, switch_on};
use crate::target::TargetSpec;
use crate::under::{KEY, asking};

/// A name for each stack and generator, which live as long as the program.
const NAMES: [(Under, [&str; 2], &str); 5] = [
    (
        Under::Lvm,
        ["stack-lvm", "dracut-stack-lvm"],
        "root on a volume of LVM",
    ),
    (
        Under::Apart,
        ["stack-apart", "dracut-stack-apart"],
        "`/`, `/usr` and `/var` on volumes of LVM",
    ),
    (
        Under::Raid1,
        ["stack-raid1", "dracut-stack-raid1"],
        "root on an array of two remote drives",
    ),
    (
        Under::Luks,
        ["stack-luks", "dracut-stack-luks"],
        "an encrypted root, opened with a key file",
    ),
    (
        Under::Btrfs,
        ["stack-btrfs", "dracut-stack-btrfs"],
        "root on a subvolume of btrfs",
    ),
];

const GENERATORS: [Generator; 2] = [Generator::InitramfsTools, Generator::Dracut];

pub(super) fn all() -> Vec<Scenario> {
    let plain = NAMES.iter().flat_map(|(under, names, title)| {
        let both = GENERATORS.iter().zip(names);
        both.map(|(generator, name)| plain(*under, *generator, name, title))
    });
    let mut all: Vec<_> = plain.collect();
    for (generator, name) in GENERATORS
        .into_iter()
        .zip(["stack-late", "dracut-stack-late"])
    {
        all.push(late(generator, name));
    }
    for (generator, name) in GENERATORS
        .into_iter()
        .zip(["stack-leg", "dracut-stack-leg"])
    {
        all.push(dead_leg(generator, name));
    }
    for (generator, name) in GENERATORS
        .into_iter()
        .zip(["stack-asked", "dracut-stack-asked"])
    {
        all.push(asked(generator, name));
    }
    all
}

/// The two portals of an array, over a card each.
const TWO_NETPLAN: &str = "\
network:
  version: 2
  ethernets:
    ens3:
      addresses: [10.77.0.50/24]
    ens4:
      addresses: [10.78.0.50/24]
";

fn host(under: Under, generator: Generator) -> HostSpec {
    let first = Controller::Tcp("10.77.0.1", 4420);
    let second = Controller::Tcp("10.78.0.1", 4420);
    let (controllers, netplan) = match under.drives() {
        1 => (vec![first], IPV4_NETPLAN),
        _ => (vec![first, second], TWO_NETPLAN),
    };
    let config = InstallerConfig {
        controllers,
        remote_root: true,
        under,
        netplan: Some(netplan.to_owned()),
        ..InstallerConfig::default()
    };
    let by = match generator {
        Generator::InitramfsTools => "",
        Generator::Dracut => "-dracut",
    };
    by_agent(HostSpec {
        name: format!("stack-{}{by}", under.name()),
        generator,
        packages: under.packages(generator),
        under,
        curtin: config.yaml(),
        netplan: config.netplan,
        ..HostSpec::default()
    })
}

/// A drive for each card, behind a subsystem of its own.
fn two_drives() -> TargetSpec {
    TargetSpec {
        portals: vec![portal("10.77.0.1")],
        second: vec![portal("10.78.0.1")],
        ..two_networks()
    }
}

fn plain(under: Under, generator: Generator, name: &'static str, title: &'static str) -> Scenario {
    let mut scenario = Scenario {
        name,
        title,
        host: host(under, generator),
        wiring: settled(),
        target: Some(ipv4_target()),
        needs: &[],
        seed: None,
        end: boots(),
        outage: None,
        renumbered: false,
        trouble: Vec::new(),
        events: switch_on,
        check: came_up,
    };
    if under.drives() > 1 {
        let slots = vec![FIRST_SLOT, FIRST_SLOT + 1];
        scenario.wiring = Wiring {
            slots,
            ..scenario.wiring
        };
        scenario.target = Some(two_drives());
        scenario.check = both_legs;
    }
    if under == Under::Apart {
        scenario.check = three_mounts;
    }
    scenario
}

fn came_up(outcome: &Outcome, faults: &mut Faults) {
    faults.recorded(outcome, "done");
    if let Some(report) = &outcome.report {
        faults.controller(report, "10.77.0.1", 4420);
    }
    let warned = outcome
        .image
        .talk
        .contains("needed and not in the root tree");
    faults.expect(!warned, || {
        format!("`configure` misses a program: {}", outcome.image.talk)
    });
}

fn three_mounts(outcome: &Outcome, faults: &mut Faults) {
    came_up(outcome, faults);
    if let Some(report) = &outcome.report {
        let mounts =
            |line: &&String| line.contains("EXT4-fs (dm-") && line.contains("mounted filesystem");
        let count = report.kernel.iter().filter(mounts).count();
        faults.expect(count == 3, || {
            format!("{count} filesystems were mounted from volumes, not 3")
        });
    }
}

fn both_legs(outcome: &Outcome, faults: &mut Faults) {
    came_up(outcome, faults);
    if let Some(report) = &outcome.report {
        faults.controller(report, "10.78.0.1", 4420);
    }
    faults.kernel_says(outcome, "active with 2 out of 2 mirrors");
}

/// The target is switched on 40 s after the host: what lies on its drive is put together
/// when it is there, and nobody has given up by then.
fn late(generator: Generator, name: &'static str) -> Scenario {
    Scenario {
        events: |session| target_after(session, 40),
        ..plain(
            Under::Lvm,
            generator,
            name,
            "root on a volume of LVM, the target 40 s late",
        )
    }
}

/// One of the two drives can't be reached while the host boots: it comes up without, says
/// so, and takes the drive into the array again once it is there.
fn dead_leg(generator: Generator, name: &'static str) -> Scenario {
    Scenario {
        events: |session| {
            session.start_target()?;
            session.command("ip address del 10.78.0.1/24 dev eth1")?;
            session.start_host()?;
            session.host_says("lab: marker", UP)?;
            session.run_for(Duration::from_secs(10))?;
            session.command("ip address add 10.78.0.1/24 dev eth1")
        },
        check: |outcome, faults| {
            came_up(outcome, faults);
            faults.missing(outcome, "10.78.0.1:4420");
            faults.kernel_says(outcome, "`/` does without a drive of an array");
            faults.kernel_says(outcome, "active with 1 out of 2 mirrors");
            if let Some(report) = &outcome.report {
                faults.controller(report, "10.78.0.1", 4420);
                // `md_do_sync` in drivers/md/md.c; the word depends on the kernel.
                let is_whole =
                    |line: &String| line.contains("md: md127: recover") && line.ends_with(" done.");
                faults.expect(report.kernel.iter().any(is_whole), || {
                    "the array was not whole again".to_owned()
                });
            }
        },
        ..plain(
            Under::Raid1,
            generator,
            name,
            "an array of two remote drives, one of them away at boot",
        )
    }
}

/// cryptroot's in initramfs-tools, and systemd-cryptsetup(8)'s.
const PROMPTS: [&str; 2] = ["Please unlock disk", "Please enter passphrase"];

/// Longer than the agent tries, and than dracut waits for a device.
const COFFEE: Duration = Duration::from_secs(300);

/// Nobody has put a key into the initramfs: whoever boots is asked on the console, and may
/// be slow.
fn asked(generator: Generator, name: &'static str) -> Scenario {
    let base = plain(
        Under::Luks,
        generator,
        name,
        "an encrypted root, its passphrase typed after five minutes",
    );
    Scenario {
        host: HostSpec {
            name: name.to_owned(),
            files: asking(generator),
            ..base.host
        },
        wiring: Wiring {
            cmdline: KEYBOARD.to_owned(),
            ..base.wiring
        },
        end: End::Boots {
            after: COFFEE,
            within: UP,
        },
        events: |session| {
            switch_on(session)?;
            session.answer(&PROMPTS, KEY, COFFEE, UP)
        },
        ..base
    }
}
