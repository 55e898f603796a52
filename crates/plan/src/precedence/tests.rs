use crate::testing::{card, controller, graph, node};
use crate::{
    Authority, BootPlan, Controller, Fragment, NodeRole, Nqn, Reach, StorageGraph, resolve,
};

const ROOT: &str = "nqn.2024-01.example:root";
const OTHER: &str = "nqn.2024-01.example:other";

fn of(address: &str, nqn: &str) -> Controller {
    let nqn: Option<Nqn> = (!nqn.is_empty()).then(|| nqn.parse().expect("an NQN"));
    Controller {
        nqn,
        ..controller(address)
    }
}

/// By an interface of the table's.
fn over(name: &str, address: &str, nqn: &str) -> Controller {
    let mut one = of(address, nqn);
    one.options.host_iface = name.parse().ok();
    one
}

fn installed(mounts: &[(&str, &[usize])], controllers: Vec<Controller>) -> Fragment {
    Fragment {
        storage: Some(graph(mounts, controllers)),
        interfaces: Some(vec![card("e0").with_address("192.0.2.20/24")]),
        ..Fragment::default()
    }
}

/// What a table says; it has booted from the first `reached` of these.
fn table(controllers: Vec<Controller>, reached: usize) -> Fragment {
    let nodes = controllers.into_iter().enumerate().map(|(n, one)| {
        let role = NodeRole::Controller(Box::new(one));
        node(format!("t{n}"), Vec::new(), role)
    });
    Fragment {
        authority: Authority::Firmware,
        storage: StorageGraph::new(nodes.collect::<Vec<_>>()).ok(),
        booted_from: (0..reached).map(|n| format!("t{n}")).collect(),
        ..Fragment::default()
    }
}

/// `ADDRESS NQN INTERFACE`, and what each mount lies on.
fn shown(plan: &BootPlan) -> (Vec<String>, Vec<(String, Vec<usize>)>) {
    let controllers = plan.controllers.iter().map(|one| {
        let nqn = one.nqn.as_ref().map_or("?", Nqn::as_str);
        let name = one.options.host_iface.as_ref();
        let nqn = nqn.rsplit(':').next().unwrap_or_default();
        format!(
            "{} {nqn} {}",
            one.traddr,
            name.map_or("-", |name| name.as_str())
        )
    });
    let mounts = plan.mounts.iter();
    let mounts = mounts.map(|one| (one.path.to_string(), one.controllers.clone()));
    (controllers.collect(), mounts.collect())
}

fn needs(plan: &BootPlan) -> Vec<Vec<usize>> {
    let all = plan.requirements.iter();
    all.map(|one| one.any_of.clone()).collect()
}

/// All of it remote: the firmware reads `/boot`.
const FIRMWARE: &[(&str, &[usize])] = &[("/", &[0])];
/// The kernel is local.
const INITRAMFS: &[(&str, &[usize])] = &[("/boot", &[]), ("/", &[0])];

#[test]
fn a_portal_s_subsystem_is_the_table_s_and_all_its_ways_lead_there() {
    let mut own = of("192.0.2.1", "");
    own.options.queue_size = Some(64);
    own.options.host_traddr = "192.0.2.20".parse().ok();
    let plan = resolve(vec![
        installed(FIRMWARE, vec![own]),
        table(
            vec![
                over("a", "192.0.2.1", ROOT),
                over("b", "192.0.2.2", ROOT),
                over("a", "192.0.2.3", OTHER),
            ],
            2,
        ),
    ]);
    let (controllers, mounts) = shown(&plan);
    assert_eq!(
        controllers,
        ["192.0.2.1 root a", "192.0.2.2 root b", "192.0.2.3 other a"]
    );
    assert_eq!(mounts.last().expect("root").1, [0, 1]);
    assert_eq!(needs(&plan), [vec![0, 1]], "one of them is enough");
    let options = &plan.controllers[1].options;
    assert_eq!(options.queue_size, Some(64), "how is the installed plan's");
    assert_eq!(options.host_traddr, None, "where from is the table's");
    let mut warnings = plan.warnings.iter();
    assert!(warnings.all(|w| !w.message.contains("does not count")));
}

#[test]
fn a_portal_that_the_machine_has_not_booted_from_is_asked_all_the_same() {
    for (mounts, reached) in [(INITRAMFS, 2), (FIRMWARE, 0)] {
        let plan = resolve(vec![
            installed(mounts, vec![of("192.0.2.1", "")]),
            table(
                vec![over("a", "192.0.2.1", ROOT), over("b", "192.0.2.2", ROOT)],
                reached,
            ),
        ]);
        let (controllers, mounts) = shown(&plan);
        assert_eq!(
            controllers,
            ["192.0.2.1 ? -", "192.0.2.1 root a", "192.0.2.2 root b"]
        );
        assert_eq!(mounts.last().expect("root").1, [0]);
        assert_eq!(needs(&plan), [vec![0]], "nobody waits for the table's");
    }
}

/// Both ask it for its discovery log.
#[test]
fn a_portal_that_the_table_asks_too_is_asked_once_where_the_kernel_is_remote() {
    for (mounts, expected) in [
        (FIRMWARE, &["192.0.2.1 ? a"][..]),
        (INITRAMFS, &["192.0.2.1 ? -", "192.0.2.1 ? a"]),
    ] {
        let plan = resolve(vec![
            installed(mounts, vec![of("192.0.2.1", "")]),
            table(vec![over("a", "192.0.2.1", "")], 0),
        ]);
        assert_eq!(shown(&plan).0, expected);
    }
}

#[test]
fn of_a_portal_with_several_subsystems_any_may_be_meant() {
    let plan = resolve(vec![
        installed(FIRMWARE, vec![of("192.0.2.1", "")]),
        table(
            vec![over("a", "192.0.2.1", ROOT), over("a", "192.0.2.1", OTHER)],
            2,
        ),
    ]);
    let (controllers, mounts) = shown(&plan);
    assert_eq!(
        controllers,
        ["192.0.2.1 ? -", "192.0.2.1 other a", "192.0.2.1 root a"]
    );
    assert_eq!(mounts, [("/".to_owned(), vec![0])]);
}

/// The table's are bound to cards that may be dead.
#[test]
fn with_a_local_kernel_a_named_subsystem_keeps_the_way_that_is_bound_to_no_card() {
    let mut own = of("192.0.2.1", ROOT);
    own.options.queue_size = Some(64);
    for (mounts, expected) in [
        (FIRMWARE, &["192.0.2.1 root a", "192.0.2.2 root b"][..]),
        (
            INITRAMFS,
            &["192.0.2.1 root -", "192.0.2.1 root a", "192.0.2.2 root b"],
        ),
    ] {
        let plan = resolve(vec![
            installed(mounts, vec![own.clone()]),
            table(
                vec![over("a", "192.0.2.1", ROOT), over("b", "192.0.2.2", ROOT)],
                2,
            ),
        ]);
        let (controllers, mounts) = shown(&plan);
        assert_eq!(controllers, expected);
        let all: Vec<usize> = (0..expected.len()).collect();
        assert_eq!(mounts.last().expect("root").1, all);
        assert_eq!(needs(&plan), [all], "one of them is enough");
        let mut controllers = plan.controllers.iter();
        assert!(controllers.all(|one| one.options.queue_size == Some(64)));
    }
}

#[test]
fn a_further_way_to_an_installed_subsystem_is_one_more() {
    let plan = resolve(vec![
        installed(FIRMWARE, vec![of("192.0.2.1", ROOT)]),
        table(vec![over("a", "192.0.2.9", ROOT)], 1),
    ]);
    let (controllers, _) = shown(&plan);
    assert_eq!(controllers, ["192.0.2.1 root -", "192.0.2.9 root a"]);
    assert_eq!(needs(&plan), [vec![0, 1]]);
}

#[test]
fn where_the_kernel_is_remote_the_drive_that_was_booted_from_is_root_s() {
    let plan = resolve(vec![
        // `/home` lies elsewhere and can wait; `2` is a further way to root.
        installed(
            &[("/", &[0]), ("/home", &[1])],
            vec![
                of("192.0.2.1", ""),
                of("192.0.2.5", ""),
                of("192.0.2.6", ""),
            ],
        ),
        table(
            vec![
                over("a", "198.51.100.1", ROOT),
                over("a", "198.51.100.2", OTHER),
            ],
            1,
        ),
    ]);
    assert_eq!(plan.reach, Reach::Firmware);
    let (controllers, mounts) = shown(&plan);
    assert_eq!(
        controllers,
        [
            "192.0.2.5 ? -",
            "198.51.100.1 root a",
            "198.51.100.2 other a"
        ]
    );
    let on = |path: &str, on: Vec<usize>| (path.to_owned(), on);
    assert_eq!(mounts, [on("/", vec![1]), on("/home", vec![0])]);
    assert_eq!(needs(&plan), [vec![1]]);
    let because = "the firmware's table names another drive, which the machine has booted from";
    let said: Vec<&str> = plan.warnings.iter().map(|w| w.message.as_str()).collect();
    let of = |at| {
        format!("the controller at `{at}:4420` of the installed plan does not count: {because}")
    };
    assert_eq!(said[..2], [of("192.0.2.1"), of("192.0.2.6")]);
}

#[test]
fn with_a_local_kernel_and_for_what_was_not_reached_both_count() {
    for (mounts, reached) in [(INITRAMFS, 1), (FIRMWARE, 0)] {
        let plan = resolve(vec![
            installed(mounts, vec![of("192.0.2.1", "")]),
            table(vec![over("a", "198.51.100.1", ROOT)], reached),
        ]);
        let (controllers, mounts) = shown(&plan);
        assert_eq!(controllers, ["192.0.2.1 ? -", "198.51.100.1 root a"]);
        assert_eq!(mounts.last().expect("root").1, [0]);
        assert_eq!(needs(&plan), [vec![0]], "a failed connect is no error");
    }
}

#[test]
fn the_command_line_adds_and_can_leave_the_installed_aside() {
    let line = |address: &str, replaces_installed| Fragment {
        authority: Authority::CommandLine,
        replaces_installed,
        ..table(vec![of(address, "")], 0)
    };
    let own = || installed(FIRMWARE, vec![of("192.0.2.1", "")]);
    let plan = resolve(vec![own(), line("192.0.2.7", false)]);
    let (controllers, mounts) = shown(&plan);
    assert_eq!(controllers, ["192.0.2.1 ? -", "192.0.2.7 ? -"]);
    assert_eq!(mounts, [("/".to_owned(), vec![0])]);
    let plan = resolve(vec![own(), line("192.0.2.7", true)]);
    let (controllers, mounts) = shown(&plan);
    assert_eq!(controllers, ["192.0.2.7 ? -"]);
    assert_eq!(mounts, [("/".to_owned(), vec![0])]);
    // Nothing to put in their place.
    let alone = Fragment {
        authority: Authority::CommandLine,
        replaces_installed: true,
        ..Fragment::default()
    };
    let plan = resolve(vec![own(), alone]);
    assert_eq!(shown(&plan).0, ["192.0.2.1 ? -"]);
    let last = plan.warnings.first().expect("a warning");
    assert!(last.message.ends_with("they count"), "{last:?}");
}

#[test]
fn an_array_over_two_portals_keeps_its_other_member() {
    let plan = resolve(vec![
        installed(
            &[("/", &[0, 1])],
            vec![of("192.0.2.1", ""), of("192.0.2.2", "")],
        ),
        table(vec![over("a", "192.0.2.1", ROOT)], 1),
    ]);
    let (controllers, mounts) = shown(&plan);
    assert_eq!(controllers, ["192.0.2.1 root a", "192.0.2.2 ? -"]);
    assert_eq!(mounts, [("/".to_owned(), vec![0, 1])]);
    assert_eq!(needs(&plan), [vec![0], vec![1]]);
}

#[test]
fn without_the_boot_s_sources_nothing_changes() {
    let own = installed(FIRMWARE, vec![of("192.0.2.1", ""), of("192.0.2.2", "")]);
    let plan = resolve(vec![own]);
    assert_eq!(shown(&plan).0, ["192.0.2.1 ? -", "192.0.2.2 ? -"]);
}
