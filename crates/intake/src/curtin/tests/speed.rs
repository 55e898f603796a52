//! Time is linear, and nothing recurses.

use nvmeroot_plan::NodeRole;

use super::{bad, good};
use crate::curtin::read;
use crate::stopwatch::{limit, timed};

/// As an installer writes it: partitions, a volume group, mounts.
fn large(actions: usize) -> String {
    let mut text = String::from("storage:\n  version: 2\n  config:\n");
    text.push_str(
        "  - id: c\n    type: nvme_controller\n    transport: tcp\n    tcp_addr: 10.0.0.1\n    tcp_port: 4420\n  - id: d\n    type: disk\n    nvme_controller: c\n    path: /dev/nvme0n1\n    ptable: gpt\n",
    );
    for n in 0..actions / 3 {
        text.push_str(&format!(
            "  - id: partition-{n}\n    type: partition\n    device: d\n    size: 1073741824\n    number: {n}\n    preserve: false\n    uuid: 12345678-1234-1234-1234-{n:012}\n    path: /dev/nvme0n1p{n}\n  - id: format-{n}\n    type: format\n    fstype: ext4\n    volume: partition-{n}\n    preserve: false\n  - id: mount-{n}\n    type: mount\n    device: format-{n}\n    path: /srv/{n}\n    options: defaults,_netdev\n"
        ));
    }
    text
}

#[test]
fn ten_thousand_actions_are_read_in_time() {
    let text = large(10_000);
    let (input, taken) = timed(|| good(&text));
    assert_eq!(
        input.fragment.storage.unwrap().nodes().len(),
        10_000 / 3 * 3 + 2
    );
    assert!(taken < limit(150), "{taken:?}");
}

#[test]
fn time_grows_as_the_configuration_does() {
    let time = |actions| {
        let text = large(actions);
        // The shortest of three, since others use the caches too.
        (0..3).map(|_| timed(|| good(&text)).1).min().unwrap()
    };
    let (small, eightfold) = (time(1_000), time(8_000));
    assert!(eightfold < small * 24, "{small:?}, then {eightfold:?}");
}

#[test]
fn a_long_chain_neither_recurses_nor_takes_long() {
    let mut text = String::from("config:\n- {type: partition, id: p0}\n");
    for n in 1..20_000 {
        text.push_str(&format!(
            "- {{type: partition, id: p{n}, device: p{}}}\n",
            n - 1
        ));
    }
    text.push_str("- {type: mount, path: /, device: p19999}\n");
    let graph = good(&text).fragment.storage.unwrap();
    let NodeRole::Mount(request) = &graph.nodes()[20_000].role else {
        panic!("no mount");
    };
    assert!(request.unknown_device);
}

#[test]
fn many_bad_references_and_a_long_circle_take_no_longer() {
    let list = |below: fn(usize) -> usize| -> String {
        let action = |n: usize| format!("- {{type: format, id: f{n}, volume: f{}}}\n", below(n));
        format!("config:\n{}", (0..20_000).map(action).collect::<String>())
    };
    let (dangling, taken) = timed(|| read("c.yaml", list(|n| n + 50_000)).unwrap_err());
    assert!(taken < limit(500), "{taken:?}");
    let dangling = dangling.into_diagnostics();
    assert_eq!((dangling.shown.len(), dangling.left_out), (20, 19_980));
    let (circle, taken) = timed(|| bad(list(|n| (n + 1) % 20_000)));
    assert!(taken < limit(500), "{taken:?}");
    assert!(circle.starts_with(
        "c.yaml:20001:38 `config[19999].volume`: these lie on each other in a circle: f0 → f1 → "
    ));
    assert!(
        circle.contains("f16 → … 19982 more … → f19999 → f0\n"),
        "{circle}"
    );
}
