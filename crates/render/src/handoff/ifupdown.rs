//! The hand-off to Debian's ifupdown (interfaces(5)): what keeps it from taking down the
//! network that root stands on, and who renews root's leases.
//!
//! ifupdown can't take an interface over: `ip address add` fails where the address is
//! there (`static` in its inet.defn), a DHCP client of its own would be another client to
//! the server than the initramfs's, and ifenslave's script sets each member of a bond down.
//! So the agent says in ifupdown's state that root's interfaces are up, and `ifup` leaves
//! them as they are. What is here is for the time after that: `ifdown -a` of somebody who
//! had brought one up again by hand, and the leases, which the agent goes on with.

use std::fmt::Write as _;

use nvmeroot_plan::{BootPlan, Interface, Reach};

use crate::{FileSet, Mode, TreePath};

/// The file of interfaces(5) that the hand-off consists of, relative to the root tree.
pub const IFUPDOWN_PATH: &str = "etc/network/interfaces.d/nvmeroot";

const INTERFACES: TreePath = TreePath::fixed(IFUPDOWN_PATH);
const LEASES: TreePath = TreePath::fixed("etc/systemd/system/nvmeroot-leases.service");
const LEASES_WANTED: TreePath =
    TreePath::fixed("etc/systemd/system/multi-user.target.wants/nvmeroot-leases.service");

const HEADER: &str = "\
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`. It adds to what the other files say.
#
# The root filesystem stands on these interfaces: they stay up until the machine is
# off.
";

/// Takes the hand-off away.
pub(crate) fn remove(why: &'static str, set: &mut FileSet) {
    set.absent([LEASES_WANTED, LEASES, INTERFACES], why);
}

/// Adds the files; `renews` says that the agent renews root's leases.
pub(crate) fn add(plan: &BootPlan, renews: bool, set: &mut FileSet) {
    let interfaces = plan.storage_interfaces();
    // The firmware's table may have one, and it may ask.
    let may_come = plan.reach == Reach::Firmware;
    if interfaces.is_empty() && !may_come {
        return remove("no interface leads to the root filesystem (any more)", set);
    }
    if interfaces.is_empty() {
        let why = "which interfaces lead to the root filesystem shows at boot";
        set.absent([INTERFACES], why);
    } else {
        let why = "keeps `ifdown -a` from taking root's network down";
        set.file(INTERFACES, Mode::Config, why, no_auto_down(&interfaces));
    }
    let asks = may_come || interfaces.iter().any(|one| one.asks_dhcp());
    if !renews || !asks {
        let why = "the agent renews no lease in the running system (any more)";
        return set.absent([LEASES_WANTED, LEASES], why);
    }
    let why = "renews root's leases in the running system";
    let text = include_str!("ifupdown/leases.service").to_owned();
    set.file(LEASES, Mode::Config, why, text);
    let why = "starts that with the system";
    set.link(LEASES_WANTED, why, "../nvmeroot-leases.service");
}

fn no_auto_down(interfaces: &[&Interface]) -> String {
    let mut text = HEADER.to_owned();
    for interface in interfaces {
        let _ = writeln!(text, "no-auto-down {}", interface.name);
    }
    text
}

#[cfg(test)]
mod tests;
