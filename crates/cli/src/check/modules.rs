//! Kernel modules: those for the transport, for each link on the way to the drives, and
//! for what root stands on must be in the image, or in the kernel.

use std::collections::{BTreeMap, BTreeSet};

use nvmeroot_plan::{BootPlan, CardFacts, Interface, Layer, LinkKind, Mount};

use super::finding::{Finding, Topic};
use super::initrd::Inside;
use super::subject::Subject;

/// Where modules are, from old trees too.
const PLACES: [&str; 2] = ["usr/lib/modules", "lib/modules"];

/// An image is looked at for no more kernels.
pub(crate) const MOST_RELEASES: usize = 16;

/// Longer indexes of an image are not read. Those of distributions have 2 MiB at most.
const LONGEST_INDEX: usize = 8 << 20;

/// A module, and what for.
struct Need {
    module: String,
    what_for: String,
}

/// What a kernel has, and an image has of it. Names have `_` for `-`, as the kernel's.
#[derive(Default)]
struct Known {
    in_image: BTreeSet<String>,
    built_in: BTreeSet<String>,
    /// What the kernel has as modules, and what these depend on.
    depend: BTreeMap<String, Vec<String>>,
    aliases: BTreeMap<String, Vec<String>>,
    has_card: bool,
    has_index: bool,
}

fn normal(name: &str) -> String {
    name.replace('-', "_")
}

/// The module of a path: `kernel/net/8021q/8021q.ko.xz`.
fn module_of(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let (name, rest) = name.split_once(".ko")?;
    (rest.is_empty() || rest.starts_with('.')).then(|| normal(name))
}

/// Whether a path is, or may be, the driver of a network card. Most of `drivers/net` are
/// links in software, and parts of drivers.
fn is_card(path: &str) -> bool {
    const CARDS: [&str; 5] = [
        "/drivers/net/ethernet/",
        "/drivers/net/usb/",
        "/drivers/net/thunderbolt/",
        "/drivers/s390/net/",
        "/infiniband/ulp/ipoib/",
    ];
    const VIRTUAL: [&str; 4] = ["virtio_net", "vmxnet3", "xen_netfront", "hv_netvsc"];
    // Where DKMS and vendors put theirs, which nobody tells apart.
    const OTHERS: [&str; 2] = ["updates/", "extra/"];
    module_of(path).is_some_and(|name| {
        CARDS.iter().any(|place| path.contains(place))
            || VIRTUAL.contains(&name.as_str())
            || OTHERS.iter().any(|place| path.starts_with(place))
    })
}

impl Known {
    fn of(subject: &Subject<'_>, inside: &Inside, release: &str) -> Self {
        let mut known = Self::default();
        let index = |name: &str| {
            let of_tree = subject.text(&format!("lib/modules/{release}/{name}"));
            of_tree.or_else(|| {
                let mut paths = PLACES.iter().map(|at| format!("{at}/{release}/{name}"));
                let path = paths.find(|path| {
                    let content = inside.content(path);
                    content.is_some_and(|content| content.len() <= LONGEST_INDEX)
                });
                inside.text(&path?)
            })
        };
        for line in index("modules.builtin").unwrap_or_default().lines() {
            known.has_card |= is_card(line);
            known.built_in.extend(module_of(line));
        }
        for line in index("modules.dep").unwrap_or_default().lines() {
            if let Some((path, needs)) = line.split_once(':')
                && let Some(name) = module_of(path)
            {
                let needs = needs.split_whitespace().filter_map(module_of);
                known.depend.insert(name, needs.collect());
            }
        }
        for line in index("modules.alias").unwrap_or_default().lines() {
            let mut words = line.split_whitespace();
            if let (Some("alias"), Some(alias), Some(name)) =
                (words.next(), words.next(), words.next())
                && !alias.contains(['*', '['])
            {
                let names = known.aliases.entry(normal(alias)).or_default();
                names.push(normal(name));
            }
        }
        for place in PLACES {
            let directory = format!("{place}/{release}");
            for (path, _) in inside.image.below(&directory) {
                known.has_index |= path == "modules.dep" || path == "modules.dep.bin";
                known.has_card |= is_card(path);
                known.in_image.extend(module_of(path));
            }
        }
        known
    }

    /// The modules that a name stands for.
    fn names(&self, name: &str) -> Vec<String> {
        let name = normal(name);
        let mut names = self.aliases.get(&name).cloned().unwrap_or_default();
        names.push(name);
        names
    }

    fn is_there(&self, name: &str) -> bool {
        self.in_image.contains(name) || self.built_in.contains(name)
    }

    /// What of a name is missing: it, or what it depends on.
    fn missing(&self, name: &str) -> Option<String> {
        let names = self.names(name);
        let there = names.iter().find(|name| self.is_there(name));
        let Some(there) = there else {
            return Some(name.to_owned());
        };
        let needs = self.depend.get(there).into_iter().flatten();
        let mut missing = needs.filter(|need| !self.is_there(need));
        missing.next().cloned()
    }

    /// The kernel has it at all.
    fn is_known(&self, name: &str) -> bool {
        let mut names = self.names(name).into_iter();
        names.any(|name| self.depend.contains_key(&name) || self.built_in.contains(&name))
    }
}

/// Looks for all modules of a release in an image.
pub(crate) fn check(
    subject: &Subject<'_>,
    inside: &Inside,
    release: &str,
    findings: &mut Vec<Finding>,
) {
    let name = &inside.name;
    let known = Known::of(subject, inside, release);
    let fault = |topic, what: String, why: &str| Finding::fault(topic, what).because(why);
    if known.in_image.is_empty() && !known.depend.is_empty() {
        let others: Vec<String> = releases(inside)
            .into_iter()
            .take(MOST_RELEASES)
            .map(|r| format!("`{r}`"))
            .collect();
        let what = match others.as_slice() {
            [] => format!("`{name}` has no kernel modules"),
            _ => format!(
                "`{name}` has kernel modules of {}, and the kernel is `{release}`",
                others.join(", ")
            ),
        };
        let why = "no card and no drive can be used with it";
        findings.push(fault(Topic::ModuleMissing, what, why).mend(subject.regenerate()));
        return;
    }
    if !known.in_image.is_empty() && !known.has_index {
        let what = format!("`{name}` has no `modules.dep` for the kernel `{release}`");
        let why = "none of its modules can be loaded";
        findings.push(fault(Topic::ModuleIndexMissing, what, why).mend(subject.regenerate()));
    }
    if !known.has_card {
        let what = format!("`{name}` has no driver of a network card");
        let why = "root's network can't come up";
        findings.push(
            fault(Topic::CardDriverMissing, what, why).mend(format!(
                "have all drivers taken (`MODULES=most` in `/etc/initramfs-tools/initramfs.conf`; `hostonly=no` for dracut), then {}",
                subject.regenerate()
            )),
        );
    }
    for need in needs(subject) {
        let Some(missing) = known.missing(&need.module) else {
            continue;
        };
        // A kernel that can't be asked for a digest by this name computes it without.
        if missing.starts_with("crypto-") && !known.is_known(&missing) {
            continue;
        }
        let finding = if known.is_known(&missing) {
            let what = format!("`{name}` has no kernel module `{missing}`");
            Finding::fault(Topic::ModuleMissing, what).mend(subject.regenerate())
        } else {
            let what = format!("the kernel `{release}` has no module `{missing}`");
            let package = match missing.as_str() {
                "zfs" => {
                    "`zfs-dkms` and that kernel's headers, or the package with that kernel's `zfs`"
                        .to_owned()
                }
                _ => format!(
                    "the package with all modules of that kernel (Ubuntu: `linux-modules-extra-{release}`)"
                ),
            };
            Finding::fault(Topic::ModuleMissing, what)
                .mend(format!("install {package}, then {}", subject.regenerate()))
        };
        findings.push(finding.because(need.what_for));
    }
    tools(subject, inside, findings);
}

/// The releases that an image has modules of.
pub(crate) fn releases(inside: &Inside) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for place in PLACES {
        for (path, _) in inside.image.below(place) {
            if let Some((release, rest)) = path.split_once('/')
                && (rest == "modules.dep" || rest == "modules.builtin" || rest == "kernel")
            {
                found.insert(release.to_owned());
            }
        }
    }
    found
}

fn needs(subject: &Subject<'_>) -> Vec<Need> {
    let plan = subject.plan;
    let mut needs: Vec<Need> = Vec::new();
    let mut add = |module: &str, what_for: String| {
        if !needs.iter().any(|need| need.module == module) {
            needs.push(Need {
                module: module.to_owned(),
                what_for,
            });
        }
    };
    add("nvme-tcp", "it is the transport to the drives".to_owned());
    let links = plan.storage_interfaces();
    for link in &links {
        if let Some(module) = link.kind.module() {
            let word = link.kind.word().unwrap_or("link");
            let what = format!("`{}` on the way to the drives is a {word}", link.name);
            add(module, what);
        }
        if link.dhcp4.is_some() {
            let what = format!("`{}` gets its address by DHCP", link.name);
            add("af_packet", what);
        }
        if matches!(link.kind, LinkKind::Ethernet)
            && let Some(driver) = driver(subject, link)
        {
            let what = format!("it drives the card `{}` of this machine", link.name);
            add(&driver, what);
        }
    }
    for module in &plan.modules {
        add(module, "root's connections need it".to_owned());
    }
    for layer in layers(plan) {
        let (module, what) = match layer {
            Layer::VolumeGroup { .. } => ("dm-mod", "LVM"),
            Layer::Array { .. } => ("md-mod", "an array"),
            Layer::Encrypted { .. } => ("dm-crypt", "an encrypted volume"),
        };
        add(module, format!("root stands on {what}"));
    }
    for mount in by_initramfs(plan) {
        if let Some(filesystem) = &mount.filesystem {
            let what = format!("`{}` is such a filesystem", mount.path);
            add(filesystem.as_str(), what);
        }
    }
    needs
}

/// The remote mounts that the initramfs itself makes.
fn by_initramfs(plan: &BootPlan) -> impl Iterator<Item = &Mount> {
    let mounts = plan.mounts.iter();
    mounts.filter(|mount| {
        !mount.controllers.is_empty() && matches!(mount.path.as_str(), "/" | "/usr")
    })
}

fn layers(plan: &BootPlan) -> BTreeSet<&Layer> {
    by_initramfs(plan).flat_map(|mount| &mount.layers).collect()
}

/// The module that drives a card, where the tree shows the machine itself (`/sys`).
fn driver(subject: &Subject<'_>, link: &Interface) -> Option<String> {
    let mut cards = subject.machine.cards().iter();
    let card = cards.find(|card| {
        link.means(CardFacts {
            name: &card.name,
            mac: card.mac,
            driver: card.driver.as_deref(),
        })
    })?;
    // Not there for one in the kernel.
    let module = format!("sys/class/net/{}/device/driver/module", card.name);
    let module = subject.root.link(&module)?;
    module.rsplit('/').next().map(str::to_owned)
}

/// What puts together what root stands on.
fn tools(subject: &Subject<'_>, inside: &Inside, findings: &mut Vec<Finding>) {
    let of_layer = |layer: &Layer| -> (&str, &[&str]) {
        match layer {
            Layer::VolumeGroup { .. } => ("LVM", &["lvm"]),
            Layer::Array { .. } => ("an array", &["mdadm"]),
            Layer::Encrypted { .. } => (
                "an encrypted volume",
                &["cryptsetup", "systemd-cryptsetup", "cryptroot-unlock"],
            ),
        }
    };
    let is_zfs = by_initramfs(subject.plan).any(Mount::is_zfs);
    let of_zfs: Option<(&str, &[&str])> = is_zfs.then_some(("a pool of ZFS", &["zpool"]));
    let of_layers = layers(subject.plan).into_iter().map(of_layer);
    for (what, names) in of_layers.chain(of_zfs) {
        let places = [
            "usr/sbin",
            "usr/bin",
            "sbin",
            "bin",
            "usr/lib/systemd",
            "lib/systemd",
        ];
        let has = |name: &&str| {
            let mut places = places.iter();
            places.any(|place| inside.image.get(&format!("{place}/{name}")).is_some())
        };
        if !names.iter().any(has) {
            let what_is = format!("`{}` has no `{}`", inside.name, names[0]);
            findings.push(
                Finding::fault(Topic::ToolMissing, what_is)
                    .because(format!("root stands on {what}"))
                    .mend(format!(
                        "see that its package is installed, then {}",
                        subject.regenerate()
                    )),
            );
        }
    }
}
