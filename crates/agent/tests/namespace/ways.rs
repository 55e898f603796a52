//! Many ways to one subsystem, some of them dead or late.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::thread;
use std::time::Duration;

use nvmeroot_agent::boot::Verdict;
use nvmeroot_plan::{BootPlan, Match};
use nvmeroot_record::FailureKind;
use nvmeroot_record::{StepKind, StepState};

use crate::boot::{FLOODING, LONG, NQN, PORT, Played, REFERRED, address, interface, plan};
use crate::net::{Entered, Net, skip, until};

#[test]
fn a_dead_portal_does_not_hold_up_the_living_one() {
    if skip("a_dead_portal_does_not_hold_up_the_living_one") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    let interface = interface(|i| i.addresses = vec![address("10.9.0.9/24")]);
    let mut plan = plan(interface, "10.9.0.1", Some(NQN));
    // Nobody has this address; it comes first.
    let mut dead = plan.controllers[0].clone();
    dead.traddr = "10.9.0.200".parse().expect("an address");
    plan.controllers.insert(0, dead);
    let mut path = plan.paths[0].clone();
    path.controller = 1;
    plan.paths.push(path);
    plan.mounts[0].controllers = vec![0, 1];
    let boot = net.boot_with(plan, Played::default(), LONG, |_| {
        // The first packet is given a second.
        std::thread::sleep(Duration::from_millis(1500));
    });
    assert_eq!(boot.verdict, Verdict::Done);
    // Two tries of the dead one take longer.
    assert!(boot.took < Duration::from_secs(2), "{:?}", boot.took);
    let [missing] = boot.record.missing.as_slice() else {
        panic!("{:?}", boot.record.missing);
    };
    assert_eq!(missing.scope.to_string(), "10.9.0.200:4420");
    assert!(
        matches!(
            missing.failure.kind,
            FailureKind::Timeout | FailureKind::NoRoute
        ),
        "{:?}",
        missing.failure
    );
    eprintln!("one of two portals dead: goal {:?}", boot.took);
}

/// As a VRF is bound to: there, too, an ordinary connection goes elsewhere.
#[test]
fn a_portal_behind_an_interface_is_asked_over_that_one() {
    if skip("a_portal_behind_an_interface_is_asked_over_that_one") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    net.on_host(
        "link add astray type bridge\nlink set astray up\naddress add 10.8.0.1/24 dev astray",
    );
    net.on_host("route add 10.9.0.1/32 dev astray\nroute add 10.9.0.200/32 dev astray");
    let interface = interface(|i| i.addresses = vec![address("10.9.0.9/24")]);
    let mut plan = plan(interface, "10.9.0.1", Some(NQN));
    plan.controllers[0].options.host_iface = Some("c".parse().expect("a name"));
    // Nobody has this address.
    let mut dead = plan.controllers[0].clone();
    dead.traddr = "10.9.0.200".parse().expect("an address");
    plan.controllers.push(dead);
    let mut path = plan.paths[0].clone();
    path.controller = 1;
    plan.paths.push(path);
    plan.mounts[0].controllers = vec![0, 1];
    let boot = net.boot_with(plan, Played::default(), LONG, |_| {
        thread::sleep(Duration::from_millis(1500));
    });
    assert_eq!(boot.verdict, Verdict::Done, "{:#?}", boot.record.missing);
    assert_eq!(boot.step("reach").detail, "over c from 10.9.0.9");
    // The kernel was not asked to connect the dead one.
    let [missing] = boot.record.missing.as_slice() else {
        panic!("{:?}", boot.record.missing);
    };
    assert_eq!(missing.scope.to_string(), "10.9.0.200:4420");
    assert!(
        matches!(
            missing.failure.kind,
            FailureKind::Timeout | FailureKind::NoRoute
        ),
        "{:?}",
        missing.failure
    );
}

/// `ways` to one subsystem that stays away from the first `dead` of them.
fn many_ways(net: &Net, ways: u16, dead: u16) -> BootPlan {
    let interface = interface(|i| i.addresses = vec![address("10.9.0.9/24")]);
    let mut plan = plan(interface, "10.9.0.1", Some(NQN));
    let (first, path) = (plan.controllers[0].clone(), plan.paths[0].clone());
    plan.controllers.clear();
    plan.paths.clear();
    for way in 0..ways {
        let mut controller = first.clone();
        controller.trsvcid = (PORT + way).to_string().parse().expect("a port");
        if way < dead {
            // Nobody has these addresses.
            let silent = format!("10.9.0.{}", 100 + way);
            controller.traddr = silent.parse().expect("an address");
        } else {
            net.listen(&format!("10.9.0.1:{}", PORT + way));
        }
        let mut path = path.clone();
        path.controller = plan.controllers.len();
        plan.controllers.push(controller);
        plan.paths.push(path);
    }
    plan.mounts[0].controllers = (0..plan.controllers.len()).collect();
    plan
}

#[test]
fn thirty_two_ways_cost_root_no_more_than_one() {
    if skip("thirty_two_ways_cost_root_no_more_than_one") {
        return;
    }
    let slow = Played {
        // One after the other they take 4.8 s; the bound leaves a busy machine
        // room.
        slow: Duration::from_millis(150),
        ..Played::default()
    };
    let mut net = Net::new();
    net.plug_in();
    net.mount_root();
    let plan = many_ways(&net, 32, 0);
    let boot = net.boot_with(plan, slow, LONG, |net| {
        let record = net.path("run/nvmeroot/boot.json");
        until("all ways", || {
            let text = std::fs::read_to_string(&record).ok()?;
            let all = serde_json::from_str::<nvmeroot_record::BootRecord>(&text).ok()?;
            let steps = all.steps.iter().filter(|s| s.action.word() == "connect");
            (steps.filter(|s| s.end.is_some()).count() == 32).then_some(())
        });
    });
    assert_eq!(boot.verdict, Verdict::Done);
    assert!(boot.took < Duration::from_secs(3), "{:?}", boot.took);
    let ends = boot.all_ended("connect");
    assert_eq!(ends.len(), 32, "{:#?}", boot.record.steps);
    assert!(boot.record.mounted.is_some(), "root is seen");
    eprintln!(
        "32 ways of 150 ms each: root {:?}, all {:?}",
        boot.took,
        ends.iter().max().expect("32")
    );
}

#[test]
fn many_silent_ways_cost_root_less_than_two_seconds() {
    if skip("many_silent_ways_cost_root_less_than_two_seconds") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    let plan = many_ways(&net, 32, 31);
    let boot = net.boot(plan, Played::default(), LONG);
    assert_eq!(boot.verdict, Verdict::Done);
    assert!(boot.took < Duration::from_secs(3), "{:?}", boot.took);
    eprintln!("31 of 32 ways dead: root {:?}", boot.took);
}

#[test]
fn a_way_that_comes_back_after_the_deadline_is_still_found() {
    if skip("a_way_that_comes_back_after_the_deadline_is_still_found") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    let mut plan = many_ways(&net, 1, 0);
    let mut second = plan.controllers[0].clone();
    second.trsvcid = "4500".parse().expect("a port");
    plan.controllers.push(second);
    plan.mounts[0].controllers.push(1);
    let deadline = Duration::from_millis(700);
    let boot = net.boot_with(plan, Played::default(), deadline, |net| {
        thread::sleep(Duration::from_millis(1200));
        let entered = Entered::new(&net.target);
        let listener = TcpListener::bind("10.9.0.1:4500").expect("the address");
        drop(entered);
        // The longest pause between two tries, and a little.
        thread::sleep(Duration::from_millis(2500));
        drop(listener);
    });
    assert_eq!(boot.verdict, Verdict::Done);
    let ends = boot.all_ended("connect");
    assert_eq!(ends.len(), 2, "{:#?}", boot.record.steps);
    assert!(ends.iter().any(|end| *end > deadline), "{ends:?}");
}

#[test]
fn referrals_are_followed_and_circles_end() {
    if skip("referrals") {
        return;
    }
    let mut net = Net::up();
    net.listen("10.9.0.1:4420");
    net.listen(&format!("10.9.0.1:{REFERRED}"));
    let interface = interface(|i| i.addresses = vec![address("10.9.0.9/24")]);
    let refers = Played {
        refers: true,
        ..Played::default()
    };
    let boot = net.boot(plan(interface, "10.9.0.1", None), refers, LONG);
    assert_eq!(boot.verdict, Verdict::Done);
    let of = |action: &str| -> Vec<(String, &str)> {
        let steps = boot
            .record
            .steps
            .iter()
            .filter(|s| s.action.word() == action);
        steps
            .map(|s| (s.scope.to_string(), s.detail.as_str()))
            .collect()
    };
    assert_eq!(
        of("discover"),
        [
            (
                "10.9.0.1:4420".to_owned(),
                "0 offered, 1 referred to, 1 of other transports or address families, or unreadable, left out"
            ),
            ("10.9.0.1:8010".to_owned(), "2 offered, 1 referred to"),
        ]
    );
    // Offered twice, connected once.
    assert_eq!(
        of("connect"),
        [("10.9.0.1:4420".to_owned(), "nqn.2024-01.example:root nvme0")]
    );
}

/// Threads of this process in the host's network.
fn threads(net: &Net) -> usize {
    let inode = |path: std::path::PathBuf| Some(fs::metadata(path).ok()?.ino());
    let host = inode(std::path::Path::new("/run/netns").join(&net.host)).expect("a namespace");
    let tasks = fs::read_dir("/proc/self/task").expect("this process's");
    tasks
        .flatten()
        .filter(|task| inode(task.path().join("ns/net")) == Some(host))
        .count()
}

/// One after the other, its subsystems would hold up the other controller for
/// longer than the deadline.
#[test]
fn a_broken_discovery_log_costs_neither_threads_nor_the_boot() {
    if skip("a_broken_discovery_log") {
        return;
    }
    let mut net = Net::up();
    net.listen(&format!("10.9.0.1:{FLOODING}"));
    let interface = interface(|i| i.addresses = vec![address("10.9.0.9/24")]);
    let mut plan = plan(interface, "10.9.0.1", None);
    let good = plan.controllers[0].clone();
    plan.controllers[0].trsvcid = FLOODING.to_string().parse().expect("a port");
    plan.controllers.push(good);
    let mut path = plan.paths[0].clone();
    path.controller = 1;
    plan.paths.push(path);
    plan.mounts[0].controllers = vec![1];
    let mut most = 0;
    let boot = net.boot_with(plan, Played::default(), LONG, |net| {
        let record = net.path("run/nvmeroot/boot.json");
        let count = |action: &str| {
            // The record is long by now; reading it costs more than waiting.
            thread::sleep(Duration::from_millis(200));
            let text = fs::read_to_string(&record).ok()?;
            let all = serde_json::from_str::<nvmeroot_record::BootRecord>(&text).ok()?;
            let steps = all.steps.iter().filter(|s| s.action.word() == action);
            Some(steps.count())
        };
        until("the flood", || (count("connect")? > 20).then_some(()));
        net.listen("10.9.0.1:4420");
        until("the good one", || {
            most = most.max(threads(net));
            (count("namespace")? > 0).then_some(())
        });
    });
    assert_eq!(boot.verdict, Verdict::Done);
    let steps = boot.record.steps.iter();
    let logs: Vec<_> = steps
        .filter(|s| s.action.word() == "discover")
        .map(|s| s.detail.as_str())
        .collect();
    assert!(logs.contains(&"512 offered, 3584 left out"), "{logs:?}");
    // The pool's, the interface's, and those of watches and record.
    assert!(most <= 48, "{most} threads");
    eprintln!(
        "4096 offers: {most} threads at most, root after {:?}",
        boot.took
    );
}

/// The interface is matched and not renamed, so that the plan's name is not the
/// link's.
#[test]
fn the_running_system_connects_what_is_missing_and_nothing_else() {
    if skip("the_running_system_connects_what_is_missing_and_nothing_else") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    let interface = interface(|i| {
        i.name = "storage".parse().expect("a name");
        i.matching = Some(Match {
            macaddress: Some("02:00:00:00:00:07".parse().expect("a MAC address")),
            ..Match::default()
        });
        i.addresses = vec![address("10.9.0.9/24")];
    });
    let boot = net.boot_well(interface.clone(), "10.9.0.1");
    assert_eq!(boot.step("reach").detail, "over c from 10.9.0.9");
    let there = net.path("sys/class/nvme/nvme0");
    fs::create_dir_all(&there).expect("a directory");
    let address = "traddr=10.9.0.1,trsvcid=4420,src_addr=10.9.0.9";
    for (name, text) in [("subsysnqn", NQN), ("state", "live"), ("address", address)] {
        fs::write(there.join(name), text).expect("a file");
    }
    // By discovery, whose answer is that the subsystem is at .1 too.
    let mut plan = plan(interface, "10.9.0.1", None);
    let mut second = plan.controllers[0].clone();
    second.traddr = "10.9.0.2".parse().expect("an address");
    plan.controllers.push(second);
    let mut path = plan.paths[0].clone();
    path.controller = 1;
    plan.paths.push(path);
    plan.mounts[0].controllers = vec![0, 1];
    net.on_target("address add 10.9.0.2/24 dev s");
    net.listen("10.9.0.2:4420");
    let record = net.reconnect(plan);
    let steps = record.steps.iter();
    let steps: Vec<_> = steps
        .map(|step| (step.scope.to_string(), step.action, step.state))
        .collect();
    let second = || "10.9.0.2:4420".to_owned();
    let offered = || "10.9.0.1:4420".to_owned();
    assert_eq!(
        steps,
        [
            (second(), StepKind::Reach, StepState::Done),
            (second(), StepKind::Discover, StepState::Done),
            (offered(), StepKind::Reach, StepState::Done),
            (offered(), StepKind::Connect, StepState::Done),
            (offered(), StepKind::Namespace, StepState::Done)
        ]
    );
}
