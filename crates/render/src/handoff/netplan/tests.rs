use granit_parser::{Event, Parser};
use nvmeroot_plan::{Bond, Origin, Vlan, VlanId};
use proptest::prelude::*;

use super::*;
use crate::ChangeKind;
use crate::testing::{controller, ethernet, initramfs_plan};

/// All scalars of a document in order.
fn scalars(text: &str) -> Vec<String> {
    Parser::new_from_str(text)
        .map(|event| event.expect("YAML").0)
        .filter_map(|event| match event {
            Event::Scalar(value, ..) => Some(value.to_string()),
            _ => None,
        })
        .collect()
}

#[test]
fn every_kind_goes_into_its_own_section() {
    let mut dhcp = ethernet("ens3");
    dhcp.dhcp4 = Some(nvmeroot_plan::Dhcp4 {
        identifier_mac: true,
        ..nvmeroot_plan::Dhcp4::default()
    });
    let mut vlan = ethernet("storage");
    vlan.kind = LinkKind::Vlan {
        vlan: Vlan {
            id: VlanId::try_from(7).expect("an id"),
            link: "ens3".parse().expect("an id"),
        },
    };
    let mut bond = ethernet("bond0");
    bond.kind = LinkKind::Bond {
        bond: Bond::default(),
    };
    let mut of_manager = ethernet("ens4");
    of_manager.connection = "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d".parse().ok();
    let text = netplan(&[&dhcp, &vlan, &of_manager, &bond]).expect("a file");
    assert_eq!(
        text.strip_prefix(HEADER),
        Some(
            "\
network:
  version: 2
  ethernets:
    \"ens3\":
      critical: true
      dhcp-identifier: mac
    \"ens4\":
      critical: true
      networkmanager:
        uuid: \"8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d\"
  vlans:
    \"storage\":
      critical: true
  bonds:
    \"bond0\":
      critical: true
"
        )
    );
}

#[test]
fn the_id_counts_and_not_the_name() {
    let mut renamed = ethernet("any-card");
    renamed.name = "san0".parse().expect("a name");
    let text = netplan(&[&renamed]).expect("a file");
    assert!(text.contains("    \"any-card\":\n") && !text.contains("san0"));
}

#[test]
fn a_nul_byte_in_an_id_is_refused() {
    let mut bad = ethernet("ens3");
    bad.id = "a\0b".parse().expect("an id");
    assert_eq!(
        netplan(&[&bad]),
        Err(RenderError::Nul {
            word: "a\\u{0}b".to_owned(),
            origin: Origin::whole("network"),
        })
    );
}

#[test]
fn without_a_way_to_root_an_old_file_goes() {
    let mut plan = initramfs_plan(vec![ethernet("ens3")], vec![controller("10.0.0.9", "4420")]);
    plan.paths.clear();
    let mut set = FileSet::default();
    add(&plan, &mut set).expect("files");
    let kinds: Vec<_> = set
        .changes()
        .iter()
        .map(|c| (c.path.as_str(), &c.kind))
        .collect();
    assert_eq!(
        kinds,
        [("etc/netplan/99-nvmeroot.yaml", &ChangeKind::Absent)]
    );
}

proptest! {
    #[test]
    fn any_id_survives_yaml(id in "[^\0]{1,20}") {
        let mut interface = ethernet("ens3");
        interface.id = id.parse().expect("an id");
        let text = netplan(&[&interface]).expect("a file");
        prop_assert_eq!(
            scalars(&text),
            ["network", "version", "2", "ethernets", id.as_str(), "critical", "true"]
        );
    }

    #[test]
    fn words_that_yaml_takes_for_something_else_survive(
        id in prop::sample::select(vec![
            "yes", "null", "~", "1e3", "0x10", "*", "&a", "- a", "a: b", "#", "<<", "!t",
            "\"", "'", "\\", "\n", "\u{85}", "\u{2028}", "\u{feff}", "\u{1f600}", "---",
        ])
    ) {
        prop_assert_eq!(scalars(&scalar(id)), [id]);
    }

    #[test]
    fn any_id_is_a_file_name(id in "[^\0]{1,20}") {
        let mut interface = ethernet("ens3");
        interface.id = id.parse().expect("an id");
        let path = networkd_drop_in(&interface).expect("a path");
        prop_assert_eq!(path.as_str().matches('/').count(), 4);
    }
}
