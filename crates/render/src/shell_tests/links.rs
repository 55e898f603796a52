//! The functions that virtual links need.

use super::{Stage, content, shells};
use crate::render;
use crate::testing::{by_scripts, vlan_on_bond};

/// With another protocol systemd-networkd would add its own beside them.
#[test]
fn rules_carry_the_running_systems_protocol() {
    for shell in shells() {
        let stage = Stage::new();
        stage.program("ip", "");
        let script = "ip rule add from 10.0.0.0/8 table 5\nip -6 rule add to fd00::/8 table 5";
        assert_eq!(stage.says(&shell, script), "");
        assert_eq!(
            stage.read("calls"),
            "ip rule add from 10.0.0.0/8 table 5 protocol static\n\
             ip -6 rule add to fd00::/8 table 5 protocol static\n"
        );
    }
}

/// A bond of the module's own making has none of the parameters.
#[test]
fn a_link_that_is_there_before_it_is_created_is_named() {
    for shell in shells() {
        let stage = Stage::new();
        stage.program("ip", "echo 'RTNETLINK answers: File exists' >&2; exit 2");
        assert_eq!(
            stage.says(&shell, "ip link add name bond0 type bond mode 802.3ad"),
            "3 `ip link add name bond0 type bond mode 802.3ad` failed: RTNETLINK answers: \
             File exists\n"
        );
    }
}

#[test]
fn settings_are_written_where_the_kernel_has_them() {
    for shell in shells() {
        let stage = Stage::new();
        stage.write("proc/sys/net/ipv6/conf/eth0.5/accept_ra", "1\n");
        let script = "nvmeroot_proc=$STAGE/proc\n\
                      sysctl -w 'net/ipv6/conf/eth0.5/accept_ra=0'\n\
                      sysctl -w 'net/ipv6/conf/e=h1/accept_ra=0'\necho status $?";
        assert_eq!(
            stage.says(&shell, script),
            "3 `sysctl -w net/ipv6/conf/e=h1/accept_ra=0` failed\nstatus 1\n"
        );
        let file = stage.read("proc/sys/net/ipv6/conf/eth0.5/accept_ra");
        assert_eq!(file, "0\n");
    }
}

#[test]
fn an_offload_that_a_card_lacks_is_a_warning() {
    for shell in shells() {
        let stage = Stage::new();
        stage.program(
            "ethtool",
            "echo 'Could not change any' >&2; echo ' device features' >&2; exit 1",
        );
        assert_eq!(
            stage.says(&shell, "ethtool -K ens3 lro on\necho status $?"),
            "4 `ethtool -K ens3 lro on` failed: Could not change any device features\nstatus 0\n"
        );
        assert_eq!(stage.read("calls"), "ethtool -K ens3 lro on\n");
    }
}

/// `network-up` is yet to create it.
#[test]
fn only_cards_are_waited_for_and_slow_links_have_longer() {
    let mut plan = vlan_on_bond();
    let bridge: nvmeroot_plan::Bridge =
        serde_json::from_str(r#"{"stp":true,"members":["bond0.7"]}"#).expect("a bridge");
    plan.network.interfaces.push(nvmeroot_plan::Interface {
        kind: nvmeroot_plan::LinkKind::Bridge { bridge },
        ..crate::testing::ethernet("br0")
    });
    plan.paths[0].interfaces[0].interface = "br0".parse().expect("a name");
    nvmeroot_plan::apply_policy(&mut plan);
    let set = render(&plan, &by_scripts()).expect("files");
    let interfaces = content(&set, "etc/curtin-nvme-over-tcp/interfaces");
    let interfaces = String::from_utf8_lossy(interfaces);
    for shell in shells() {
        let stage = Stage::new();
        stage.interface("ens3", "1\n");
        stage.interface("ens4", "1\n");
        stage.write("interfaces", &interfaces);
        let script = ". $STAGE/interfaces\n\
                      echo $nvmeroot_storage_interfaces\necho $nvmeroot_way_wait $nvmeroot_dhcp_wait";
        assert_eq!(
            stage.says(&shell, script),
            "ens3 ens4 bond0 bond0.7 br0\n30 60\n"
        );
    }
    let modules = content(&set, "etc/curtin-nvme-over-tcp/modules");
    assert_eq!(String::from_utf8_lossy(modules), "8021q\nbonding\nbridge\n");
}
