//! Releases × generators × managers × networks: each cell is a full boot, a restart of the
//! manager, and a second boot.

mod cell;
mod cover;
mod table;

pub use cell::{Cell, Kind};
pub use table::{passed, table};

use super::static_address::net;
use super::{Controller, Faults, InstallerConfig, Outcome, Scenario, boots, by_agent, twice};
use super::{bonds, hand_over, slim};
use crate::host_spec::{HostSpec, TreeFile};
use crate::installed::Installed;
use crate::lab::Wiring;

const RESTART: &str = include_str!("../../../guest/restart-manager.sh");

/// Seconds that a host runs after its manager was restarted: a lease of two minutes is
/// renewed meanwhile.
const SETTLE: u32 = 90;

/// Of what nvmeroot carries a selection that covers it.
pub(super) fn all() -> Vec<Scenario> {
    let cells = cover::cover(&Cell::all());
    cells.iter().map(Cell::scenario).collect()
}

impl Cell {
    /// Its boots, and what must come of them.
    pub fn scenario(&self) -> Scenario {
        let base = base(self.network);
        let portal = match self.network {
            Kind::Advertised => "fd77::1",
            _ => "10.77.0.1",
        };
        let installed = Installed::new(&self.network.network(), self.manager);
        let config = InstallerConfig {
            controllers: vec![Controller::Tcp(portal, 4420)],
            remote_root: true,
            netplan: Some(installed.told),
            ..InstallerConfig::default()
        };
        let mut files = installed.files;
        files.extend(restarting(self.manager.unit()));
        // Names live as long as the program.
        let name: &'static str = format!("matrix-{self}").leak();
        let title = format!(
            "{}, {}, {}, {}",
            self.release.title(),
            self.generator.package(),
            self.manager.title(),
            self.network.title()
        );
        Scenario {
            name,
            title: title.leak(),
            host: by_agent(HostSpec {
                name: name.to_owned(),
                release: self.release,
                generator: self.generator,
                manager: self.manager,
                curtin: config.yaml(),
                netplan: config.netplan.filter(|_| installed.has_netplan),
                files,
                ..HostSpec::default()
            }),
            wiring: Wiring {
                settle: SETTLE,
                ..base.wiring
            },
            needs: &[],
            end: boots(),
            events: twice,
            check: match self.network {
                Kind::Static => check_static,
                Kind::Dhcp4 => check_dhcp4,
                Kind::Advertised => check_advertised,
                Kind::VlanOnBond => check_vlan_on_bond,
            },
            ..base
        }
    }
}

/// A host with that network, with the target that it has.
fn base(network: Kind) -> Scenario {
    match network {
        Kind::Static => slim::agent_ipv4(),
        Kind::Dhcp4 => hand_over::agent_dhcp4(),
        Kind::Advertised => slim::advertised(),
        Kind::VlanOnBond => bonds::handed_over(),
    }
}

/// Has a host restart its manager before it reports.
fn restarting(unit: &str) -> [TreeFile; 2] {
    let program = "usr/local/lib/lab/restart-manager.sh";
    [
        TreeFile::new(program, 0o755, RESTART),
        TreeFile::new(
            "etc/systemd/system/lab-report.service.d/restart.conf",
            0o644,
            format!("[Service]\nExecStartPre=/{program} {unit}\n"),
        ),
    ]
}

fn check_static(outcome: &Outcome, faults: &mut Faults) {
    (base(Kind::Static).check)(outcome, faults);
    default_route(outcome, faults, |gateway| gateway == "10.77.0.1");
    taken_over(outcome, faults);
}

fn check_dhcp4(outcome: &Outcome, faults: &mut Faults) {
    (base(Kind::Dhcp4).check)(outcome, faults);
    taken_over(outcome, faults);
    // Later than the restart, so it is no question of that.
    let marker = outcome.marks.marker;
    let renewed = outcome.target_said("DHCPACK(");
    let fine = renewed.zip(marker).is_some_and(|(at, up)| at > up);
    faults.expect(fine, || {
        format!("nobody renewed the lease: the last ACK was at {renewed:?} s, the marker at {marker:?} s")
    });
}

fn check_advertised(outcome: &Outcome, faults: &mut Faults) {
    (base(Kind::Advertised).check)(outcome, faults);
    default_route(outcome, faults, |gateway| gateway.starts_with("fe80::"));
    taken_over(outcome, faults);
}

fn check_vlan_on_bond(outcome: &Outcome, faults: &mut Faults) {
    (base(Kind::VlanOnBond).check)(outcome, faults);
    taken_over(outcome, faults);
}

/// There is a default route by such a router through the first card.
fn default_route(outcome: &Outcome, faults: &mut Faults, is_router: fn(&str) -> bool) {
    let Some(report) = &outcome.report else {
        return;
    };
    let mut routes = report.routes.iter();
    let found = routes.any(|route| {
        route.dst == "default"
            && route.dev.as_deref() == Some("ens3")
            && route.gateway.as_deref().is_some_and(is_router)
    });
    faults.expect(found, || {
        format!("no default route as before: {:?}", report.routes)
    });
}

/// What root had in the initramfs it has after the manager was restarted.
fn taken_over(outcome: &Outcome, faults: &mut Faults) {
    let Some(report) = &outcome.report else {
        return;
    };
    faults.expect(report.marks.contains_key("manager-restarted"), || {
        "the network manager was not restarted".to_owned()
    });
    let global = report
        .before
        .iter()
        .filter(|line| line.contains(" scope global"));
    let mut count = 0;
    for line in global {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, interface, _, address, ..] = words[..] else {
            continue;
        };
        let address = net(address);
        count += 1;
        let mut now = report.addresses.iter();
        let kept = now.any(|one| {
            one.interface == interface
                && one.ip == address.addr()
                && one.prefix == address.prefix_len()
        });
        faults.expect(kept, || {
            format!(
                "`{interface}` had {address} in the initramfs, and now there are {:?}",
                report.addresses
            )
        });
    }
    faults.expect(count > 0, || {
        format!("no address before the take-over: {:?}", report.before)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host_spec::{Generator, Manager, Release};

    #[test]
    fn a_cell_is_a_host_of_its_kind() {
        let cell = Cell {
            release: Release::Forky,
            generator: Generator::Dracut,
            manager: Manager::Ifupdown,
            network: Kind::VlanOnBond,
        };
        let scenario = cell.scenario();
        assert_eq!(scenario.name, "matrix-forky-dracut-ifupdown-vlan-on-bond");
        assert_eq!(scenario.wiring.slots.len(), 2);
        assert_eq!(scenario.host.netplan, None);
        assert!(scenario.host.curtin.contains("bond0.7: {id: 7"));
        let paths: Vec<_> = scenario
            .host
            .files
            .iter()
            .map(|f| f.path.as_str())
            .collect();
        assert!(paths.contains(&"etc/network/interfaces"), "{paths:?}");
    }
}
