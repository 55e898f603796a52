//! What is said of the way to a controller, and with which hint.

use crate::testing::{card, controller, graph, mounted, of_kind, origin, root_on, vlan};
use crate::{BootPlan, Controller, Fragment, Interface, LinkKind, Severity, Warning, resolve};

fn messages(warnings: &[Warning]) -> Vec<&str> {
    warnings.iter().map(|w| w.message.as_str()).collect()
}

fn over(address: &str, interface: &str) -> Controller {
    let mut one = controller(address);
    one.options.host_iface = interface.parse().ok();
    one
}

/// The kernel's `tcp_v6_connect` answers `EINVAL`.
#[test]
fn a_link_local_portal_needs_an_interface() {
    let no_interface =
        "`fe80::9` is a link-local address, and nothing says which interface leads to it";
    let idle = "nothing is mounted from the controller at `[fe80::9]:4420`";
    let root: &[(&str, &[usize])] = &[("/boot", &[]), ("/", &[0])];
    let root_elsewhere: &[(&str, &[usize])] = &[("/boot", &[]), ("/", &[1])];
    let home: &[(&str, &[usize])] = &[("/", &[]), ("/home", &[0])];
    let home_elsewhere: &[(&str, &[usize])] = &[("/", &[]), ("/home", &[1])];
    let said = |mounts, first| {
        let near = card("e0").with_address("10.0.0.2/24");
        let plan = mounted(mounts, vec![first, controller("10.0.0.9")], vec![near]);
        let texts = |warnings| messages(warnings).join("; ").replace(idle, "idle");
        (texts(&plan.errors), texts(&plan.warnings))
    };
    let other_idle = "nothing is mounted from the controller at `10.0.0.9:4420`";
    for (mounts, errors, warnings) in [
        (root, no_interface, other_idle.to_owned()),
        // The initramfs connects every controller.
        (root_elsewhere, no_interface, "idle".to_owned()),
        (home, no_interface, other_idle.to_owned()),
        (home_elsewhere, "", format!("idle; {no_interface}")),
    ] {
        let expected = (errors.to_owned(), warnings);
        assert_eq!(said(mounts, controller("fe80::9")), expected, "{mounts:?}");
        let (errors, warnings) = said(mounts, over("fe80::9", "e0"));
        assert_eq!(errors, "", "{mounts:?}");
        assert!(!warnings.contains("link-local"), "{warnings}");
    }
}

/// The hint at the one controller that nothing leads to.
fn hint(portal: Controller, interfaces: Vec<Interface>) -> String {
    let shown = portal.portal();
    let plan = root_on(vec![portal], interfaces);
    let message = format!("no interface leads to the controller at `{shown}`, which `/` needs");
    let [warning] = plan.warnings.as_slice() else {
        panic!("{:?}", plan.warnings);
    };
    assert_eq!(warning.message, message);
    warning.hint.clone().expect("a hint")
}

fn foreign(id: &str) -> Interface {
    let section = "wifis".to_owned();
    of_kind(id, LinkKind::Foreign { section })
}

fn says(mut one: Interface, severity: Severity, key: &str) -> Interface {
    let warning = Warning::at(origin(3).with_key(key), "a diagnostic");
    one.diagnostics.push(severity.diagnostic(warning));
    one
}

#[test]
fn the_hint_names_what_most_likely_keeps_packets_from_the_controller() {
    let give = "give an interface an address in the portal's network, a route to it, or DHCP";
    let bring_up = |what: &str| {
        format!(
            "the initramfs does not bring up {what}, which may lead there: reach the storage over a network card, or a VLAN, a bond or a bridge on one"
        )
    };
    let to = || controller("10.9.0.1");
    let far = || card("e0").with_address("10.0.0.2/24");

    assert_eq!(hint(to(), vec![far()]), give);
    assert_eq!(
        hint(over("10.9.0.1", "e7"), vec![far(), foreign("w0")]),
        "`host_iface` names `e7`, and no interface of that name is configured"
    );
    let lost = far().with_route("default", "10.1.0.1");
    assert_eq!(
        hint(to(), vec![lost, foreign("w0")]),
        "the gateway `10.1.0.1` is in no network of `e0`: if it is on that link, add `on-link: true` to the route"
    );
    // What is left to the running system or only noted stops no link.
    let noted = says(far(), Severity::Note, "network.ethernets.e0.wakeonlan");
    assert_eq!(hint(to(), vec![noted]), give);
    let refused = says(card("e1"), Severity::Refusal, "network.ethernets.e1.auth");
    assert_eq!(
        hint(to(), vec![far(), foreign("w0"), refused]),
        bring_up("`w0` (wifis), `e1` (auth)")
    );
    let many = (0..9).map(|n| foreign(&format!("w{n}"))).collect();
    let named: Vec<String> = (0..8).map(|n| format!("`w{n}` (wifis)")).collect();
    assert_eq!(hint(to(), many), bring_up(&named.join(", ")));
}

#[test]
fn files_that_nobody_reads_are_named_where_no_network_is_configured() {
    let hint = |count: usize| {
        let plan = resolve(vec![Fragment {
            storage: Some(graph(&[("/home", &[0])], vec![controller("10.0.0.9")])),
            passed_over: (0..count).map(|n| format!("etc/f{n}")).collect(),
            ..Fragment::default()
        }]);
        let [warning] = plan.warnings.as_slice() else {
            panic!("{:?}", plan.warnings);
        };
        assert_eq!(
            warning.message,
            "there is no network configuration, so nothing leads to the controllers"
        );
        warning.hint.clone().expect("a hint")
    };
    let not = |files: &str| {
        format!(
            "no network manager of the root tree reads {files}: install the one that this is for, or write the configuration for netplan (`*.yaml`)"
        )
    };
    let names: Vec<String> = (0..8).map(|n| format!("`etc/f{n}`")).collect();
    let names = names.join(", ");
    assert_eq!(
        hint(0),
        "configure the interface that leads there in the root tree, or pass the installer's netplan file in `write_files`"
    );
    assert_eq!(hint(1), not("`etc/f0`"));
    assert_eq!(hint(8), not(&names));
    assert_eq!(hint(10), not(&format!("{names}, 2 more")));
}

fn errors(plan: &BootPlan) -> Vec<&str> {
    messages(&plan.errors)
}

#[test]
fn a_vlan_of_the_path_needs_a_parent_that_is_there_and_the_lowest_is_named() {
    let lost = |id: &str, link: &str| {
        format!("`{id}` is a VLAN on `{link}`, which is not defined or stands on the VLAN itself")
    };
    let near = |id, link| vlan(id, 7, link).with_address("10.0.0.2/24");
    let plan = |interfaces| root_on(vec![controller("10.0.0.9")], interfaces);
    assert_eq!(
        errors(&plan(vec![near("v7", "e0"), card("e0")])),
        Vec::<&str>::new()
    );
    assert_eq!(errors(&plan(vec![near("v7", "e0")])), [lost("v7", "e0")]);
    assert_eq!(errors(&plan(vec![near("v7", "v7")])), [lost("v7", "v7")]);
    assert_eq!(
        errors(&plan(vec![near("v8", "v7"), vlan("v7", 7, "e0")])),
        [lost("v7", "e0")]
    );
    // What the path does not need may be as it is.
    let beside = vec![card("e1").with_address("10.0.0.3/24"), vlan("v7", 7, "e0")];
    assert_eq!(errors(&plan(beside)), Vec::<&str>::new());
}
