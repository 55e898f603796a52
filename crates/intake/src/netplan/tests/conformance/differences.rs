//! Where netplan and nvmeroot differ over whole configurations, and why. The
//! document `docs/netplan.md` has the same list.

use std::collections::BTreeSet;

use super::cases::End;

/// A test of netplan's and why nvmeroot ends elsewhere.
struct Difference {
    /// Its file and its name.
    test: &'static str,
    end: End,
    why: &'static str,
}

const TWICE: &str = "a key that is there twice is a warning with both lines, whatever key it is";
const NO_SWITCH: &str =
    "what `openvswitch` says is noted as a whole: the initramfs has no use for it";
const NO_NAME: &str = "Linux takes no such name, so no card could ever have it";
const NETWORKD_IGNORES: &str = "netplan hands the word on, and networkd, which knows no such word, does as if nothing was said";

const DIFFERENCES: &[Difference] = &[
    refused_there("test_bonds.py test_bond_duplicate_primary_member", TWICE),
    refused_there(
        "test_bridges.py test_bridge_path_cost_already_defined",
        TWICE,
    ),
    refused_there(
        "test_bridges.py test_bridge_port_prio_already_defined",
        TWICE,
    ),
    refused_there("test_ovs.py test_duplicate_map_entry", TWICE),
    refused_there("test_ovs.py test_both_ports_with_same_name", NO_SWITCH),
    refused_there("test_ovs.py test_global_ports", NO_SWITCH),
    refused_there("test_ovs.py test_few_ports", NO_SWITCH),
    refused_there("test_ovs.py test_many_ports", NO_SWITCH),
    refused_there("test_ovs.py test_ovs_invalid_port", NO_SWITCH),
    refused_there("test_ovs.py test_ovs_invalid_peer", NO_SWITCH),
    Difference {
        test: "test_errors.py test_invalid_yaml_tabs",
        end: End::Planned,
        why: "a file that holds a tab and nothing else says nothing, as an empty one does",
    },
    accepted_there("test_common.py test_nm_udev_rules_escaped", NO_NAME),
    accepted_there("test_common.py test_nd_udev_rules_escaped", NO_NAME),
    accepted_there(
        "test_dhcp_overrides.py test_dhcp_overrides_use_domains",
        NETWORKD_IGNORES,
    ),
];

/// netplan refuses it, and here it is a warning.
const fn refused_there(test: &'static str, why: &'static str) -> Difference {
    let end = End::Warned;
    Difference { test, end, why }
}

/// netplan takes it, and here it is an error.
const fn accepted_there(test: &'static str, why: &'static str) -> Difference {
    let end = End::Error;
    Difference { test, end, why }
}

/// The listed difference that this is; the case's name has a line number.
pub(super) fn reason(case: &str, end: End) -> Option<&'static str> {
    let of = |one: &&Difference| {
        let (file, name) = one.test.split_once(' ').unwrap_or_default();
        let (own_file, own_name) = case.split_once(' ').unwrap_or_default();
        let own_file = own_file.split(':').next().unwrap_or_default();
        (file, name, one.end) == (own_file, own_name, end)
    };
    DIFFERENCES.iter().find(of).map(|one| one.test)
}

/// Those that no longer are any.
pub(super) fn unmet(met: &BTreeSet<&'static str>) -> Vec<String> {
    let gone = DIFFERENCES.iter().filter(|one| !met.contains(one.test));
    gone.map(|one| format!("{}: listed, and no difference any more", one.test))
        .collect()
}

#[test]
fn the_document_lists_every_difference() {
    let document = include_str!("../../../../../../docs/netplan.md");
    for Difference { test, end, why } in DIFFERENCES {
        let netplan = if *end == End::Error {
            "takes"
        } else {
            "refuses"
        };
        let here = match end {
            End::Error => "error",
            End::Refused => "refused on the path",
            End::Warned => "warning",
            End::Planned => "planned",
        };
        let row = format!("| `{test}` | {netplan} | {here} | {why} |");
        assert!(document.contains(&row), "`docs/netplan.md` lacks\n{row}");
    }
}
