//! Each outcome as a text: every change with its path, mode, reason and
//! content, compared with a file under `tests/golden`. With the environment
//! variable `NVMEROOT_WRITE_GOLDEN` set, the files are written instead.

use std::fmt::Write as _;
use std::path::Path;

use nvmeroot_plan::{BootPlan, DhcpOverrides, InterfaceAddress, Origin, Reach, Route};

use crate::testing::{controller, ethernet, initramfs_plan};
use crate::{ChangeKind, FileSet, Options, RenderError, render};

/// Files that are the same for every plan, named instead of shown.
const CONSTANT: [(&str, &str); 6] = [
    ("hook.sh", include_str!("initramfs_tools/hook.sh")),
    ("functions.sh", include_str!("initramfs_tools/functions.sh")),
    (
        "init-premount.sh",
        include_str!("initramfs_tools/init-premount.sh"),
    ),
    (
        "local-block.sh",
        include_str!("initramfs_tools/local-block.sh"),
    ),
    (
        "init-bottom.sh",
        include_str!("initramfs_tools/init-bottom.sh"),
    ),
    ("dhcpcd.conf", include_str!("initramfs_tools/dhcpcd.conf")),
];

fn shown(set: &FileSet) -> String {
    let mut text = String::new();
    for change in set {
        let _ = write!(text, "=== {} # {}\n    ", change.path, change.why);
        match &change.kind {
            ChangeKind::File { mode, bytes } => {
                let content = String::from_utf8_lossy(bytes);
                let _ = match CONSTANT.iter().find(|(_, constant)| *constant == content) {
                    Some((name, _)) => {
                        writeln!(text, "{:04o} as src/initramfs_tools/{name}", mode.bits())
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
    if std::env::var_os("NVMEROOT_WRITE_GOLDEN").is_some() {
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
    let options = Options {
        host: Some(host),
        ..Options::default()
    };
    check("initramfs-static", &static_plan(), &options);
}

#[test]
fn initramfs_dhcp() {
    let mut four = ethernet("ens3");
    four.dhcp4 = true;
    let mut six = ethernet("ens4");
    six.dhcp6 = true;
    six.dhcp6_overrides = Some(DhcpOverrides {
        route_metric: Some(200),
        ..DhcpOverrides::default()
    });
    let mut plan = initramfs_plan(vec![four, six], vec![controller("10.77.0.1", "4420")]);
    // An interface that leads nowhere near root is brought up and not waited
    // for.
    let mut other = ethernet("ens5");
    other.dhcp4 = true;
    plan.network.interfaces.push(other);
    check("initramfs-dhcp", &plan, &Options::default());
}

#[test]
fn initramfs_router_advertisements() {
    let plan = initramfs_plan(
        vec![ethernet("ens3")],
        vec![controller("2001:db8::9", "4420")],
    );
    check(
        "initramfs-router-advertisements",
        &plan,
        &Options::default(),
    );
}

#[test]
fn userspace() {
    let mut plan = static_plan();
    plan.reach = Reach::Userspace;
    let mut twice = controller("10.77.0.1", "4420");
    twice.nqn = Some("nqn.2014-08.org.example:home".parse().expect("an NQN"));
    plan.controllers.insert(1, twice);
    check("userspace", &plan, &Options::default());
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
    let error = render(&plan, &Options::default());
    assert_eq!(error, Err(RenderError::NeedsAgent));
    assert!(
        RenderError::NeedsAgent
            .to_string()
            .contains("`--runtime agent`")
    );
}

#[test]
fn equal_plans_give_equal_files() {
    let options = Options::default();
    assert_eq!(
        render(&static_plan(), &options),
        render(&static_plan(), &options)
    );
}

#[test]
fn programs_follow_the_plan() {
    let names = |plan: &BootPlan| -> Vec<&str> {
        crate::required_programs(plan, crate::Runtime::Scripts)
            .iter()
            .map(|p| p.package)
            .collect()
    };
    let mut plan = static_plan();
    assert_eq!(
        names(&plan),
        ["initramfs-tools-core", "iproute2", "nvme-cli"]
    );
    plan.network.interfaces[0].dhcp4 = true;
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
