//! What becomes of the installed plan, in words.

use nvmeroot_plan::{BootPlan, HostIdentity, Interface, Origin};

/// A line for each thing of which a stronger source says something else than the
/// installed plan.
pub fn changes(installed: &BootPlan, now: &BootPlan) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(host(installed.host.as_ref(), now.host.as_ref()));
    for one in &now.network.interfaces {
        let mut before = installed.network.interfaces.iter();
        let before = before.find(|before| before.id == one.id);
        if let Some(before) = before.filter(|before| differs(before, one)) {
            lines.push(format!(
                "`{}`: {} counts ({}), not {} ({})",
                one.name,
                place(&one.origin),
                words(one),
                place(&before.origin),
                words(before)
            ));
        }
    }
    lines
}

fn host(installed: Option<&HostIdentity>, now: Option<&HostIdentity>) -> Option<String> {
    let now = now.filter(|now| installed != Some(now))?;
    let HostIdentity { nqn, id } = now;
    Some(match installed {
        None => format!("this host is `{nqn}` with the id `{id}`"),
        Some(installed) => format!(
            "this host is `{nqn}` with the id `{id}`, not `{}` with the id `{}` of the installed plan",
            installed.nqn, installed.id
        ),
    })
}

/// What the input says differs; what the plan's rules make of it follows.
fn differs(one: &Interface, other: &Interface) -> bool {
    one.origin != other.origin && words(one) != words(other)
}

fn place(origin: &Origin) -> String {
    match origin.line {
        0 => origin.to_string(),
        line => format!("{}:{line}", origin.file),
    }
}

fn words(one: &Interface) -> String {
    let mut words: Vec<String> = one
        .addresses
        .iter()
        .map(|a| a.address.to_string())
        .collect();
    words.extend(one.dhcp4.as_ref().map(|_| "DHCPv4".to_owned()));
    words.extend(one.dhcp6.as_ref().map(|_| "DHCPv6".to_owned()));
    for route in &one.routes {
        words.push(match route.via {
            Some(via) => format!("{} by {via}", route.to),
            None => route.to.to_string(),
        });
    }
    match words.is_empty() {
        true => "no address".to_owned(),
        false => words.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{by_tables, card_by_mac, hfi, installed, named, resolved, table};

    use super::*;

    #[test]
    fn who_wins_is_said_with_both_places() {
        let mut ens3 = card_by_mac("ens3", 1);
        ens3.dhcp4 = Some(nvmeroot_plan::Dhcp4::default());
        ens3.origin = Origin::at("etc/netplan/a.yaml", 4, 5);
        let sources = installed("192.0.2.1", vec![ens3]);
        let tables = [named(
            "NBFT",
            &table(vec![hfi(1, "192.0.2.20", 24)], Vec::new()),
        )];
        let before = resolved(&sources, &crate::Overlay::default());
        let now = resolved(&sources, &by_tables(&sources, &tables));
        assert_eq!(
            changes(&before, &now),
            [
                format!(
                    "this host is `{}` with the id `8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d`",
                    crate::testing::HOST
                ),
                "`ens3`: NBFT `HFI 1` counts (192.0.2.20/24), not etc/netplan/a.yaml:4 (DHCPv4)"
                    .to_owned()
            ]
        );
        assert_eq!(changes(&before, &before), [""; 0]);
        let mut other = now.clone();
        other.host = None;
        other.host.clone_from(&now.host);
        if let Some(host) = &mut other.host {
            host.nqn = "nqn.2024-01.example:old".parse().expect("an NQN");
        }
        let lines = changes(&other, &now);
        assert!(
            lines[0].contains("not `nqn.2024-01.example:old` with the id"),
            "{lines:?}"
        );
    }
}
