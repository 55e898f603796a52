//! Each outcome as a text: every change with its path, mode, reason and
//! content, compared with a file under `tests/golden`. With the environment
//! variable `UPDATE_GOLDEN` set, the files are written instead.

use std::fmt::Write as _;
use std::path::Path;

use nvmeroot_plan::{BootPlan, InterfaceAddress, Origin, Reach, Route};

use crate::generator::initramfs_tools;
use crate::payload::Owner;
use crate::runtime::{agent, scripts};
use crate::testing::{by_agent, by_scripts, controller, ethernet, initramfs_plan};
use crate::{ChangeKind, FileSet, Options, RenderError, render};

/// Files that are the same for every plan, named instead of shown.
fn constants() -> Vec<(String, String)> {
    let mut constants = vec![
        (
            "functions.sh".to_owned(),
            include_str!("runtime/scripts/functions.sh").to_owned(),
        ),
        (
            "dhcpcd.conf".to_owned(),
            include_str!("runtime/scripts/dhcpcd.conf").to_owned(),
        ),
    ];
    for payload in [&agent::PAYLOAD, &scripts::PAYLOAD] {
        let name = payload.name;
        constants.push((
            format!("the hook of {name}"),
            initramfs_tools::hook(payload, Owner::Machine),
        ));
        for script in payload.scripts {
            let about = format!("the script of {name} for {:?}", script.moment);
            constants.push((
                about,
                initramfs_tools::boot_script(payload, Owner::Machine, script),
            ));
        }
    }
    constants
}

fn shown(set: &FileSet) -> String {
    let mut text = String::new();
    let constants = constants();
    for change in set {
        let _ = write!(text, "=== {} # {}\n    ", change.path, change.why);
        match &change.kind {
            ChangeKind::File { mode, bytes } => {
                let content = String::from_utf8_lossy(bytes);
                let _ = match constants.iter().find(|(_, constant)| *constant == content) {
                    Some((name, _)) => {
                        writeln!(text, "{:04o}, {name}", mode.bits())
                    }
                    None => writeln!(text, "{:04o}\n{content}", mode.bits()),
                };
            }
            ChangeKind::Symlink { target } => {
                let _ = writeln!(text, "-> {target}");
            }
            ChangeKind::MoveAside { to, unless_link_to } => {
                let _ = writeln!(text, "moved to {to} unless it is -> {unless_link_to}");
            }
            ChangeKind::Absent => text.push_str("absent\n"),
        }
    }
    text
}

fn check(name: &str, plan: &BootPlan, options: &Options) {
    let found = shown(&render(plan, options).expect("files"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).expect("the golden file is written");
    }
    let wanted = std::fs::read_to_string(&path).expect("the golden file");
    assert!(
        found == wanted,
        "{} differs; found:\n{found}",
        path.display()
    );
}

fn address(text: &str) -> InterfaceAddress {
    InterfaceAddress::new(text.parse().expect("an address"))
}

fn route(to: &str, via: &str) -> Route {
    let mut route = Route::new(to.parse().expect("a destination"), Origin::whole("network"));
    route.via = Some(via.parse().expect("an address"));
    route
}

fn static_plan() -> BootPlan {
    let mut ens3 = ethernet("ens3");
    ens3.addresses = vec![address("10.77.0.50/24"), address("fd77::50/64")];
    ens3.routes = vec![route("default", "10.77.0.1")];
    let plan = vec![
        controller("10.77.0.1", "4420"),
        controller("fd77::1", "4420"),
    ];
    initramfs_plan(vec![ens3], plan)
}

#[test]
fn initramfs_static() {
    let host = nvmeroot_plan::HostIdentity {
        nqn: "nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d"
            .parse()
            .expect("an NQN"),
        id: "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d"
            .parse()
            .expect("an id"),
    };
    for (name, base) in [
        ("initramfs-static", by_scripts()),
        ("agent-static", by_agent()),
    ] {
        let options = Options {
            host: Some(host.clone()),
            ..base
        };
        let plan = BootPlan {
            host: Some(host.clone()),
            ..static_plan()
        };
        check(name, &plan, &options);
    }
}

#[test]
fn initramfs_dhcp() {
    let mut four = ethernet("ens3");
    four.dhcp4 = Some(nvmeroot_plan::Dhcp4::default());
    let mut six = ethernet("ens4");
    six.dhcp6 = Some(nvmeroot_plan::Dhcp6::default());
    six.ra_metric = Some(200);
    let mut plan = initramfs_plan(vec![four, six], vec![controller("10.77.0.1", "4420")]);
    // An interface that leads nowhere near root is brought up and not waited
    // for.
    let mut other = ethernet("ens5");
    other.dhcp4 = Some(nvmeroot_plan::Dhcp4::default());
    plan.network.interfaces.push(other);
    nvmeroot_plan::apply_policy(&mut plan);
    check("initramfs-dhcp", &plan, &by_scripts());
    check("agent-dhcp", &plan, &by_agent());
    let ifupdown = |options| Options {
        managers: [nvmeroot_plan::Manager::Ifupdown].into(),
        ..options
    };
    check("agent-dhcp-ifupdown", &plan, &ifupdown(by_agent()));
    check("initramfs-dhcp-ifupdown", &plan, &ifupdown(by_scripts()));
}

#[test]
fn initramfs_router_advertisements() {
    let plan = initramfs_plan(
        vec![ethernet("ens3")],
        vec![controller("2001:db8::9", "4420")],
    );
    check("initramfs-router-advertisements", &plan, &by_scripts());
}

#[test]
fn initramfs_vlan_on_bond() {
    let plan = crate::testing::vlan_on_bond();
    check("initramfs-vlan-on-bond", &plan, &by_scripts());
    check("agent-vlan-on-bond", &plan, &by_agent());
}

#[test]
fn userspace() {
    let mut plan = static_plan();
    plan.reach = Reach::Userspace;
    let mut twice = controller("10.77.0.1", "4420");
    twice.nqn = Some("nqn.2014-08.org.example:home".parse().expect("an NQN"));
    plan.controllers.insert(1, twice);
    check("userspace", &plan, &Options::default());
    check("userspace", &plan, &by_scripts());
}

#[test]
fn local_is_left_alone() {
    let mut plan = static_plan();
    plan.reach = Reach::Local;
    plan.controllers.clear();
    assert_eq!(render(&plan, &Options::default()), Ok(FileSet::default()));
}

#[test]
fn firmware_needs_the_agent() {
    let mut plan = static_plan();
    plan.reach = Reach::Firmware;
    assert_eq!(render(&plan, &by_scripts()), Err(RenderError::NeedsAgent));
    let message = RenderError::NeedsAgent.to_string();
    assert!(message.contains("the agent reads"), "{message}");
    let files = render(&plan, &by_agent()).expect("files");
    let has = |path: &str| files.into_iter().any(|one| one.path.as_str() == path);
    assert!(has("etc/nvmeroot/plan.json") && has("etc/nvmeroot/modules"));
}

#[test]
fn only_what_runs_in_the_initramfs_needs_the_agent() {
    let mut plan = static_plan();
    assert_eq!(
        render(&plan, &Options::default()),
        Err(RenderError::NoAgent)
    );
    plan.reach = Reach::Userspace;
    assert!(render(&plan, &Options::default()).is_ok());
}

/// With both in the initramfs, both would set addresses and connect.
#[test]
fn each_runtime_takes_the_others_files_away() {
    let plan = static_plan();
    let of = |options: &Options| -> (Vec<String>, Vec<String>) {
        let (mut there, mut gone) = (Vec::new(), Vec::new());
        for change in &render(&plan, options).expect("files") {
            let list = match change.kind {
                ChangeKind::Absent => &mut gone,
                _ => &mut there,
            };
            list.push(change.path.to_string());
        }
        (there, gone)
    };
    let (in_scripts, not_in_scripts) = of(&by_scripts());
    let (in_agent, not_in_agent) = of(&by_agent());
    let handed_over = |path: &String| path.starts_with("etc/netplan/");
    for path in in_scripts.iter().filter(|path| !handed_over(path)) {
        assert!(not_in_agent.contains(path), "{path}");
    }
    for path in in_agent.iter().filter(|path| !handed_over(path)) {
        assert_eq!(
            not_in_scripts.contains(path),
            path != crate::AGENT_PATH,
            "{path}"
        );
    }
}

#[test]
fn equal_plans_give_equal_files() {
    for options in [by_scripts(), by_agent()] {
        let files = || render(&static_plan(), &options).expect("files");
        assert_eq!(files(), files());
    }
}

#[test]
fn programs_follow_the_plan() {
    let packages = |plan: &BootPlan, runtime| -> Vec<&str> {
        crate::required_programs(plan, runtime, crate::Generator::InitramfsTools)
            .iter()
            .map(|p| p.package)
            .collect()
    };
    let names = |plan: &BootPlan| packages(plan, crate::Runtime::Scripts);
    let mut plan = static_plan();
    assert_eq!(
        packages(&plan, crate::Runtime::Agent),
        ["initramfs-tools-core"]
    );
    assert_eq!(
        names(&plan),
        ["initramfs-tools-core", "iproute2", "nvme-cli"]
    );
    plan.network.interfaces[0].dhcp4 = Some(nvmeroot_plan::Dhcp4::default());
    assert_eq!(
        names(&plan),
        [
            "initramfs-tools-core",
            "iproute2",
            "dhcpcd-base",
            "nvme-cli"
        ]
    );
    plan.reach = Reach::Userspace;
    assert_eq!(names(&plan), ["nvme-stas"]);
    plan.reach = Reach::Local;
    assert!(names(&plan).is_empty());
}
