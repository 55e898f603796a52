//! Second stage: which source's word counts of the controllers.
//!
//! Of interfaces and of the host's identity a later fragment simply replaces what an
//! earlier one says. Controllers add up, for each may be a further way to the same
//! drive; only where two sources can't both be right the stronger one counts:
//!
//! - A controller of the installed plan whose subsystem nobody knows takes it from the
//!   firmware's table, where the kernel itself is remote and the machine has booted from
//!   the one subsystem that the table has at this portal. It is the table's ways then
//!   that lead there, with the installed options. Else the portal may lead to others,
//!   too: it is what root needs, and the table's are connected beside it.
//! - Further ways that the table knows to an installed subsystem are ways to what lies
//!   on it. With a local kernel those at its own portal are such, too: they are bound to
//!   the firmware's cards, of which any may be dead.
//! - Where the kernel itself is remote ([`Reach::Firmware`]) and the table names none of
//!   the installed controllers, but a drive that the machine has booted from, this drive
//!   is the one: the installed controllers are left aside. So an image that was installed
//!   on one machine boots on another, and an old portal is not asked for an old copy of
//!   root.
//! - With a local kernel both count: who knows where the firmware got it from?
//! - What the kernel command line names is added. `rd.nvmf.nostatic` leaves the
//!   installed controllers aside.

use std::collections::BTreeSet;

use crate::remote::Storage;
use crate::{Authority, Controller, Mount, Reach, Warning, inserted};

/// Who names which of the controllers, by their places.
#[derive(Debug, Default)]
pub(crate) struct Named {
    installed: BTreeSet<usize>,
    firmware: BTreeSet<usize>,
    command_line: BTreeSet<usize>,
    /// Those of the firmware that the machine has booted from.
    booted_from: BTreeSet<usize>,
    /// The installed ones don't count.
    pub(crate) replaces_installed: bool,
    /// A source that only the boot knows has spoken.
    pub(crate) is_at_boot: bool,
}

impl Named {
    pub(crate) fn add(&mut self, controller: usize, by: Authority, is_booted_from: bool) {
        let named = match by {
            Authority::Installed => &mut self.installed,
            Authority::Firmware => &mut self.firmware,
            Authority::CommandLine => &mut self.command_line,
        };
        named.insert(controller);
        if is_booted_from {
            self.booted_from.insert(controller);
        }
    }

    /// What the installed system alone names.
    fn own(&self) -> BTreeSet<usize> {
        let others = |one: &usize| self.firmware.contains(one) || self.command_line.contains(one);
        let own = self.installed.iter().filter(|one| !others(one));
        inserted(own.copied())
    }
}

/// Lets the strongest source that speaks of a controller have its say. What of the
/// installed plan does not count is in the warnings.
pub(crate) fn apply(storage: &mut Storage, named: &Named, reach: Reach) -> Vec<Warning> {
    let own = named.own();
    if !reach.is_by_initramfs() || !named.is_at_boot {
        return Vec::new();
    }
    let mut gone = BTreeSet::new();
    let mut agrees = own.is_empty();
    for &old in &own {
        match agreement(storage, named, reach, old) {
            Agreement::None => {}
            Agreement::Kept => agrees = true,
            Agreement::Further(ways) => {
                agrees = true;
                take_options(storage, old, &ways);
                for way in ways {
                    storage.mounts_also_on(old, way);
                }
            }
            Agreement::Same(ways) => {
                agrees = true;
                take_options(storage, old, &ways);
                storage.move_mounts(old, &ways);
                gone.insert(old);
            }
        }
    }
    let mut warnings = Vec::new();
    let contradicts = reach == Reach::Firmware && !agrees && !named.booted_from.is_empty();
    let instead = [&named.booted_from, &named.firmware, &named.command_line];
    let instead = instead.into_iter().find(|some| !some.is_empty());
    if named.replaces_installed && instead.is_none() {
        let message = "the kernel command line leaves the installed controllers aside, and nothing else names a drive: they count";
        warnings.push(Warning::general(message));
    }
    if let Some(instead) = instead.filter(|_| contradicts || named.replaces_installed) {
        let instead: Vec<usize> = instead.iter().copied().collect();
        let because = match named.replaces_installed {
            true => "the kernel command line leaves the installed controllers aside",
            false => "the firmware's table names another drive, which the machine has booted from",
        };
        for &old in own.difference(&gone.clone()) {
            if !named.replaces_installed && waits(&storage.mounts, old) {
                continue;
            }
            let controller = &storage.controllers[old];
            let message = format!(
                "the controller at `{}` of the installed plan does not count: {because}",
                controller.portal()
            );
            warnings.push(Warning::at(controller.origin.clone(), message));
            storage.move_mounts(old, &instead);
            gone.insert(old);
        }
    }
    storage.remove(&gone);
    warnings
}

/// What the table says of a controller of the installed plan.
enum Agreement {
    /// Nothing.
    None,
    /// It may lead to several subsystems, the table's among them.
    Kept,
    /// These lead to the same subsystem.
    Further(Vec<usize>),
    /// The table's are the same, and say more of it.
    Same(Vec<usize>),
}

fn agreement(storage: &Storage, named: &Named, reach: Reach, old: usize) -> Agreement {
    let controllers = &storage.controllers;
    let one = &controllers[old];
    let table = || named.firmware.iter().copied();
    let of_subsystem = |of: &Controller| -> Vec<usize> {
        let same = |at: &usize| controllers[*at].nqn == of.nqn;
        table().filter(same).collect()
    };
    let at_portal: Vec<usize> = table()
        .filter(|at| is_at_portal_of(&controllers[*at], one))
        .filter(|at| one.nqn.is_none() || controllers[*at].nqn == one.nqn)
        .collect();
    if let Some(first) = at_portal.first().map(|at| &controllers[*at]) {
        if at_portal.iter().any(|at| controllers[*at].nqn != first.nqn) {
            return Agreement::Kept;
        }
        let ways = match first.nqn {
            Some(_) => of_subsystem(first),
            None => at_portal,
        };
        let is_booted_from = || ways.iter().any(|way| named.booted_from.contains(way));
        let is_named = one.nqn.is_some();
        let is_remote = reach == Reach::Firmware;
        return match is_remote && (is_named || first.nqn.is_none() || is_booted_from()) {
            true => Agreement::Same(ways),
            false if is_named => Agreement::Further(ways),
            // A portal without a subsystem's name is not yet the drive that the table knows
            // there.
            false => Agreement::Kept,
        };
    }
    let further = match one.nqn {
        Some(_) => of_subsystem(one),
        None => Vec::new(),
    };
    match further.is_empty() {
        true => Agreement::None,
        false => Agreement::Further(further),
    }
}

fn is_at_portal_of(one: &Controller, other: &Controller) -> bool {
    let portal = |c: &Controller| (c.transport, c.traddr, c.trsvcid);
    portal(one) == portal(other)
}

/// The table knows where a connection leaves from; how it is made the installed system
/// knows better.
fn take_options(storage: &mut Storage, old: usize, ways: &[usize]) {
    let mut options = storage.controllers[old].options.clone();
    (options.host_traddr, options.host_iface) = (None, None);
    for &way in ways {
        storage.controllers[way].options.fill_from(&options);
    }
}

/// Something lies on the controller, and all of that can wait for the running system.
fn waits(mounts: &[Mount], controller: usize) -> bool {
    let on = || {
        mounts
            .iter()
            .filter(|m| m.controllers.contains(&controller))
    };
    on().next().is_some() && on().all(|m| !m.essential && !m.path.is_read_by_firmware())
}

#[cfg(test)]
mod tests;
