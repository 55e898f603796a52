//! Shell scripts made of `ip`, `dhcpcd` and `nvme`. Frozen: mended, and not
//! extended.
//!
//! What does not depend on the plan is a shell script of its own beside this
//! file; what does is data, made of quoted words only.

pub(crate) mod command;
mod limits;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use nvmeroot_plan::{BootPlan, Interface, LinkKind};

use self::command::{Phase, commands, lines, quote};
pub(crate) use self::limits::limits;
use crate::payload::{BootScript, Moment, Owner, Payload};
use crate::{FileSet, Mode, RenderError, RequiredProgram, TreePath};

const NETWORK_UP: TreePath = TreePath::fixed("etc/curtin-nvme-over-tcp/network-up");
const CONNECT_NVME: TreePath = TreePath::fixed("etc/curtin-nvme-over-tcp/connect-nvme");
const FUNCTIONS: TreePath = TreePath::fixed("etc/curtin-nvme-over-tcp/functions");
const INTERFACES: TreePath = TreePath::fixed("etc/curtin-nvme-over-tcp/interfaces");
const DHCPCD_CONF: TreePath = TreePath::fixed("etc/curtin-nvme-over-tcp/dhcpcd.conf");

/// Its part of the initramfs.
pub(crate) const PAYLOAD: Payload = Payload {
    name: "curtin-nvme-over-tcp",
    why: "puts programs, modules and these files into the initramfs",
    files: &[
        "etc/curtin-nvme-over-tcp/functions",
        "etc/curtin-nvme-over-tcp/interfaces",
        "etc/curtin-nvme-over-tcp/network-up",
        "etc/curtin-nvme-over-tcp/connect-nvme",
    ],
    wanted: "etc/curtin-nvme-over-tcp/connect-nvme",
    modules: TreePath::fixed("etc/curtin-nvme-over-tcp/modules"),
    programs: include_str!("scripts/programs.sh"),
    scripts: &[
        BootScript {
            moment: Moment::BeforeMount,
            why: "runs both scripts before the root filesystem is mounted",
            after_splash: false,
            text: include_str!("scripts/connect.sh"),
        },
        BootScript {
            moment: Moment::RootMissing,
            why: "connects again while the root filesystem's device is missing",
            after_splash: false,
            text: include_str!("scripts/retry.sh"),
        },
        BootScript {
            moment: Moment::BeforeSwitch,
            why: "ends the initramfs's DHCP client and leaves the address",
            after_splash: false,
            text: include_str!("scripts/end.sh"),
        },
    ],
    units: &[],
};

/// These scripts run with initramfs-tools only.
const REGENERATE: &str = "update-initramfs -u";

/// The metric in the dhcpcd.conf that all interfaces share.
const DHCPCD_CONF_METRIC: u32 = 100;

/// What the files call, in the order in which it is used.
pub(crate) fn programs(plan: &BootPlan) -> Vec<RequiredProgram> {
    let mut programs = vec![RequiredProgram::new("ip", "iproute2")];
    if uses_dhcp(plan) {
        programs.push(RequiredProgram::new("dhcpcd", "dhcpcd-base"));
    }
    programs.push(RequiredProgram::new("nvme", "nvme-cli"));
    programs
}

/// Adds the files.
pub(crate) fn add(plan: &BootPlan, set: &mut FileSet) -> Result<(), RenderError> {
    let all = commands(plan);
    let text = script(&lines(&all, Phase::Network)?);
    set.file(NETWORK_UP, Mode::Program, "brings the network up", text);
    let text = script(&lines(&all, Phase::Nvme)?);
    set.file(
        CONNECT_NVME,
        Mode::Program,
        "connects the controllers",
        text,
    );
    let why = "says which interfaces lead to the root filesystem";
    set.file(INTERFACES, Mode::Config, why, interfaces(plan)?);
    let why = "names on the console what fails";
    let text = include_str!("scripts/functions.sh").to_owned();
    set.file(FUNCTIONS, Mode::Config, why, text);
    let why = "makes the initramfs the same DHCP client as the running system";
    if uses_dhcp(plan) {
        let text = include_str!("scripts/dhcpcd.conf").to_owned();
        set.file(DHCPCD_CONF, Mode::Config, why, text);
    } else {
        // Its being there is the sign that DHCP is used.
        let why = "nothing asks for DHCP (any more)";
        set.absent([DHCPCD_CONF], why);
    }
    Ok(())
}

/// Takes the files away.
pub(crate) fn remove(why: &'static str, set: &mut FileSet) {
    let files = [NETWORK_UP, CONNECT_NVME, FUNCTIONS, INTERFACES, DHCPCD_CONF];
    set.absent(files, why);
}

fn script(commands: &str) -> String {
    format!(
        "#!/bin/sh\n{}\n{commands}",
        Owner::Machine.header(REGENERATE)
    )
}

fn uses_dhcp(plan: &BootPlan) -> bool {
    plan.network.interfaces.iter().any(Interface::asks_dhcp)
}

/// The calls by which `init-premount` learns of the interfaces.
fn interfaces(plan: &BootPlan) -> Result<String, RenderError> {
    let mut text = Owner::Machine.header(REGENERATE) + "\n";
    let mut call = |function: &str, interface: &Interface, rest: &str| {
        let name = quote(interface.name.as_str(), &interface.origin)?;
        // Writing to a string can't fail.
        let _ = writeln!(text, "{function} {name}{rest}");
        Ok::<(), RenderError>(())
    };
    let on_path = plan.storage_interfaces();
    for interface in &on_path {
        // What `network-up` is yet to create is not waited for.
        let function = match interface.kind {
            LinkKind::Ethernet => "nvmeroot_storage",
            _ => "nvmeroot_storage_link",
        };
        call(function, interface, "")?;
    }
    let names: BTreeSet<_> = on_path.iter().map(|one| &one.name).collect();
    for interface in &plan.network.interfaces {
        let is_card = interface.kind == LinkKind::Ethernet;
        if !is_card && !names.contains(&interface.name) {
            continue;
        }
        if is_card && interface.accept_ra == Some(false) {
            call("nvmeroot_no_advertisements", interface, "")?;
        }
        let metric = dhcp_metric(interface);
        if interface.asks_dhcp() && metric != DHCPCD_CONF_METRIC {
            call("nvmeroot_dhcp_metric", interface, &format!(" {metric}"))?;
        }
    }
    let slow = carrier_delay(&on_path);
    if slow > 0 {
        let _ = writeln!(text, "nvmeroot_slow_links {slow}");
    }
    Ok(text)
}

/// Seconds till packets go through, beyond what cards take: a bridge with the
/// spanning tree protocol lets none pass while a port listens, nor while it
/// learns, and a bond waits for its delay.
fn carrier_delay(on_path: &[&Interface]) -> u64 {
    // The kernel's own (`br_stp_timer`; IEEE 802.1D-2004, table 17-1).
    const FORWARD_DELAY: u64 = 1500;
    let delay = |one: &&Interface| match &one.kind {
        LinkKind::Bridge { bridge } if bridge.parameters.stp == Some(true) => {
            let delay = bridge.parameters.forward_delay;
            (2 * delay.map_or(FORWARD_DELAY, u64::from)).div_ceil(100)
        }
        LinkKind::Bond { bond } => {
            let delay = bond.parameters.up_delay;
            delay.map_or(0, u64::from).div_ceil(1000)
        }
        _ => 0,
    };
    on_path.iter().map(delay).sum()
}

fn dhcp_metric(interface: &Interface) -> u32 {
    let metric = interface.dhcp4.as_ref().map(|client| client.route_metric);
    metric.or(interface.ra_metric).unwrap_or(DHCPCD_CONF_METRIC)
}
