//! Machines whose firmware leaves boot tables (NBFT): cases × releases × generators, each
//! booted twice, on machines whose tables are the lab's own; some by each network manager,
//! and some on emulated computers with real tables.

mod case;
mod cases;
mod rivals;
mod tables;

use super::Scenario;
use crate::host_spec::{Generator, HostSpec, Manager, Release, TreeFile};
use crate::machine::Need;
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

/// Each case by both generators and on both releases, by other network managers, and what shows that the lab's tables
/// are like ACPI's.
pub(super) fn all() -> Vec<Scenario> {
    let cases = cases::all();
    let both = |case: &Case| [HOSTS[0], HOSTS[1]].map(|host| case.scenario(host.0, host.1));
    let mut all: Vec<Scenario> = cases.iter().flat_map(both).collect();
    all.extend(managed(&cases));
    all.extend(emulated(&cases));
    all.extend(rivals::stand_in());
    all
}

/// Each case in each way.
pub fn every() -> Vec<Scenario> {
    let cases = cases::all();
    let of = |case: &Case| HOSTS.map(|(release, generator)| case.scenario(release, generator));
    cases.iter().flat_map(of).collect()
}

fn managed(cases: &[Case]) -> impl Iterator<Item = Scenario> {
    MANAGED.iter().filter_map(|(name, host, manager)| {
        let case = cases.iter().find(|case| case.name == *name)?;
        let base = case.scenario(host.0, host.1);
        let name = |of: &str| of.replacen("nbft", &format!("nbft-{}", manager.name()), 1);
        let mut files = base.host.files;
        if *manager == Manager::Ifupdown {
            files.push(TreeFile {
                path: "etc/network/interfaces".to_owned(),
                mode: 0o644,
                text: "auto lo\niface lo inet loopback\n".to_owned(),
            });
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
    let chosen = [
        ("static", Generator::InitramfsTools),
        ("two-tables", Generator::Dracut),
    ];
    let find = |(name, generator)| {
        let case = cases.iter().find(|case| case.name == name)?;
        let simulated = case.scenario(Release::Trixie, generator);
        // Names live as long as the program.
        let name: &'static str = format!("acpi-{}", simulated.name).leak();
        Some(Scenario {
            name,
            needs: &[Need::AcpiTable],
            ..simulated
        })
    };
    chosen.into_iter().filter_map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generators_and_both_releases_try_each_case() {
        let names: Vec<&str> = all().iter().map(|one| one.name).collect();
        for case in cases::all() {
            for part in ["trixie", "sid", "initramfs-tools", "dracut"] {
                // A case's name may begin like another's.
                let tries = |name: &&&str| {
                    let rest = name.strip_prefix(&format!("nbft-{}-", case.name));
                    let rest = rest.filter(|rest| !rest.starts_with("dhcp-"));
                    rest.is_some_and(|rest| rest.contains(part))
                };
                assert_eq!(
                    names.iter().filter(tries).count(),
                    1,
                    "{}, {part}",
                    case.name
                );
            }
        }
        assert_eq!(
            names
                .iter()
                .filter(|name| name.starts_with("acpi-"))
                .count(),
            2
        );
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
