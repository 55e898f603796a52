//! Machines whose firmware leaves boot tables (NBFT): cases × releases × generators, on
//! machines whose tables are the lab's own; some by each network manager, and one on an
//! emulated computer with a real table.

mod case;
mod cases;
mod rivals;
mod tables;

use super::{Scenario, reporting};
use crate::host_spec::{Generator, HostSpec, Manager, Release, TreeFile};
use crate::machine::Need;
use crate::session::switch_on;
use case::Case;

pub use rivals::{Rival, WAYS, rivals};

/// Releases and generators; the first two cover both.
const HOSTS: [(Release, Generator); 4] = [
    (Release::Trixie, Generator::InitramfsTools),
    (Release::Sid, Generator::Dracut),
    (Release::Sid, Generator::InitramfsTools),
    (Release::Trixie, Generator::Dracut),
];

/// Who has the network later, and is told what the table says of it; the others are
/// systemd-networkd with netplan.
const MANAGED: [(&str, (Release, Generator), Manager); 6] = [
    ("static", HOSTS[1], Manager::NetworkManager),
    ("dhcp", HOSTS[1], Manager::NetworkManager),
    ("dhcp", HOSTS[0], Manager::NetplanNetworkManager),
    ("static", HOSTS[0], Manager::Ifupdown),
    ("dhcp", HOSTS[0], Manager::Ifupdown),
    ("dhcp", HOSTS[1], Manager::Networkd),
];

/// Each case in one of the first two ways, two by two in turn, for two machines share the
/// golden image; by other network managers; and what shows that the lab's tables are like
/// ACPI's.
pub(super) fn all() -> Vec<Scenario> {
    let cases = cases::all();
    let mut all = Vec::new();
    for (n, (two, host)) in cases.chunks(2).zip(HOSTS[..2].iter().cycle()).enumerate() {
        // A second boot is asked of each way, not of each case.
        let of = if n < 2 { Case::twice } else { Case::scenario };
        all.extend(two.iter().map(|case| of(case, host.0, host.1)));
    }
    all.extend(managed(&cases));
    all.extend(emulated(&cases));
    all.extend(rivals::stand_in());
    all
}

/// Each case in each way, with a second boot.
pub fn every() -> Vec<Scenario> {
    let cases = cases::all();
    let of = |case: &Case| HOSTS.map(|(release, generator)| case.twice(release, generator));
    cases.iter().flat_map(of).collect()
}

fn managed(cases: &[Case]) -> impl Iterator<Item = Scenario> {
    MANAGED.iter().filter_map(|(name, host, manager)| {
        let case = cases.iter().find(|case| case.name == *name)?;
        let base = case.scenario(host.0, host.1);
        let name = |of: &str| of.replacen("nbft", &format!("nbft-{}", manager.name()), 1);
        let mut files = base.host.files;
        if *manager == Manager::Ifupdown {
            let text = "auto lo\niface lo inet loopback\n";
            files.push(TreeFile::new("etc/network/interfaces", 0o644, text));
        }
        Some(Scenario {
            // Names live as long as the program.
            name: name(base.name).leak(),
            title: format!("{}; {}", base.title, manager.title()).leak(),
            host: HostSpec {
                name: name(&base.host.name),
                manager: *manager,
                files,
                ..base.host
            },
            ..base
        })
    })
}

/// Those that show that the stand-in is like what it stands in for.
fn emulated(cases: &[Case]) -> Vec<Scenario> {
    let chosen = [("static", Generator::InitramfsTools)];
    let find = |(name, generator)| {
        let case = cases.iter().find(|case| case.name == name)?;
        let simulated = case.scenario(Release::Trixie, generator);
        // Names live as long as the program.
        let name: &'static str = format!("acpi-{}", simulated.name).leak();
        Some(Scenario {
            name,
            host: reporting(HostSpec {
                name: format!("acpi-{}", simulated.host.name),
                ..simulated.host
            }),
            needs: &[Need::AcpiTable],
            // What a second boot and the running system show they show simulated.
            events: switch_on,
            ..simulated
        })
    };
    chosen.into_iter().filter_map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_is_tried_in_one_way_and_the_golden_image_by_two_machines() {
        let all = all();
        for case in cases::all() {
            // A case's name may begin like another's.
            let is_it = |one: &&Scenario| {
                let rest = one.name.strip_prefix(&format!("nbft-{}-", case.name));
                rest.is_some_and(|rest| rest.starts_with("trixie") || rest.starts_with("sid"))
            };
            assert_eq!(all.iter().filter(is_it).count(), 1, "{}", case.name);
        }
        let count = |part: &str| all.iter().filter(|one| one.name.contains(part)).count();
        for part in ["trixie-initramfs-tools", "sid-dracut"] {
            assert!(count(part) >= cases::all().len() / 2, "{part}");
        }
        assert_eq!(count("acpi-"), 1);
        let golden: Vec<_> = all
            .iter()
            .filter(|one| one.name.contains("golden"))
            .collect();
        assert_eq!(golden[0].host, golden[1].host);
    }

    #[test]
    fn the_campaign_tries_each_case_in_each_way() {
        let every = every();
        for (release, generator) in HOSTS {
            let way = format!("-{}-{}", release.suite(), generator.package());
            let tries = every.iter().filter(|one| one.name.ends_with(&way));
            assert_eq!(tries.count(), cases::all().len(), "{way}");
        }
    }

    #[test]
    fn both_machines_have_the_golden_image() {
        let hosts: Vec<_> = every()
            .into_iter()
            .filter(|one| one.name.starts_with("nbft-golden-") && one.name.ends_with("sid-dracut"))
            .collect();
        let [one, two] = &hosts[..] else {
            panic!("{} machines", hosts.len());
        };
        assert_eq!(one.host, two.host);
        assert_ne!(one.wiring.firmware, two.wiring.firmware);
        assert_ne!(one.wiring.unit, two.wiring.unit);
    }
}
