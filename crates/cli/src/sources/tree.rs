//! What the root tree itself says: its network configuration and `etc/nvme`.

use std::collections::BTreeSet;

use nvmeroot_intake::{ifupdown, nvme_etc, yaml};
use nvmeroot_plan::{Fragment, Manager, Origin};

use super::{NetworkText, SourceError, native};
use crate::diagnose::SourceMap;
use crate::root::RootTree;
use crate::{Failure, identity};

const DISCOVERY_CONF: &str = "etc/nvme/discovery.conf";
const CONFIG_JSON: &str = "etc/nvme/config.json";
const FABRICS_CONF: &str = "etc/nvme/nvme-fabrics.conf";

/// netplan reads the files of all together
/// (`netplan_parser_load_yaml_hierarchy` in its src/util.c). The first two are
/// one wherever `lib` is a link.
const NETPLAN_DIRECTORIES: [&str; 4] = [
    "usr/lib/netplan",
    "lib/netplan",
    "etc/netplan",
    "run/netplan",
];

/// Where cloud-init finds the network configuration of a seed.
const SEEDS: [&str; 2] = [
    "var/lib/cloud/seed/nocloud/network-config",
    "var/lib/cloud/seed/nocloud-net/network-config",
];

/// Directories of network managers, how their files end, and who reads them.
const OTHERS: [(&str, &str, Option<Manager>); 5] = [
    ("etc/netplan", ".yml", None),
    ("etc/network/interfaces.d", "", Some(Manager::Ifupdown)),
    ("etc/systemd/network", ".network", Some(Manager::Networkd)),
    (
        "etc/NetworkManager/system-connections",
        ".nmconnection",
        Some(Manager::NetworkManager),
    ),
    ("etc/sysconfig/network-scripts", "", None),
];

/// The netplan files that lie in the root tree. Where cloud-init has not
/// written its own yet, or `is_cloud_inits` says that it will write it anew,
/// what it will make that of counts too.
pub(super) fn network(
    root: &RootTree,
    is_cloud_inits: bool,
    source_map: &mut SourceMap,
) -> Result<Vec<NetworkText>, Failure> {
    let mut paths = Vec::new();
    for directory in NETPLAN_DIRECTORIES {
        let names = root.list(directory)?.into_iter();
        let of_netplan = names.filter(|name| name.ends_with(".yaml"));
        paths.extend(of_netplan.map(|name| format!("{directory}/{name}")));
    }
    // The hand-off says nothing that the other files don't.
    paths.retain(|path| path != nvmeroot_render::HAND_OFF_PATH);
    let is_written = |path: &String| path == "etc/netplan/50-cloud-init.yaml";
    if is_cloud_inits || !paths.iter().any(is_written) {
        paths.extend(SEEDS.map(str::to_owned));
        paths.push("etc/cloud/cloud.cfg".to_owned());
        let names = root.list("etc/cloud/cloud.cfg.d")?.into_iter();
        let of_cloud_init = names.filter(|name| name.ends_with(".cfg"));
        paths.extend(of_cloud_init.map(|name| format!("etc/cloud/cloud.cfg.d/{name}")));
    }
    let mut sources = Vec::new();
    for path in paths {
        let Some(content) = root.read(&path, yaml::MAX_BYTES as u64)? else {
            continue;
        };
        if path.starts_with("etc/cloud/") && !is_about_network(&content) {
            continue;
        }
        source_map.insert_bytes(&path, &content);
        sources.push(NetworkText {
            name: path.clone(),
            path: Some(path),
            content,
            within: None,
        });
    }
    Ok(sources)
}

/// It is one of cloud-init's files.
pub(super) fn is_cloud_init(source: &NetworkText) -> bool {
    let path = source.path.as_deref().unwrap_or_default();
    path.starts_with("etc/cloud/") || path.starts_with("var/lib/cloud/")
}

/// Whether one of cloud-init's files has the key `network` at all: what else
/// they hold, and how, is nobody's business here.
fn is_about_network(content: &[u8]) -> bool {
    let mut lines = content.split(|&byte| byte == b'\n');
    // JSON need not begin a line with its key.
    let is_json = content.starts_with(b"{\"");
    is_json || lines.any(|line| line.starts_with(b"network"))
}

/// The files that are read for none of the managers that are there.
pub(super) fn passed_over(
    root: &RootTree,
    managers: &BTreeSet<Manager>,
) -> Result<Fragment, Failure> {
    let mut fragment = Fragment::default();
    let is_read = |by: Option<Manager>| by.is_some_and(|by| native::is_read(managers, by));
    for (directory, end, by) in OTHERS {
        if is_read(by) {
            continue;
        }
        for name in root.list(directory)? {
            let path = format!("{directory}/{name}");
            let is_ours = path == nvmeroot_render::IFUPDOWN_PATH;
            if name.ends_with(end) && !name.starts_with('.') && !is_ours {
                fragment.passed_over.push(path);
            }
        }
    }
    // Every Debian has this file; what matters is whether it has an interface.
    let interfaces = ifupdown::INTERFACES;
    if !is_read(Some(Manager::Ifupdown))
        && let Some(content) = root.read(interfaces, 1 << 20)?
    {
        let text = String::from_utf8_lossy(&content);
        let mut words = text.lines().map(|line| line.split_whitespace());
        let is_interface = words.any(|mut line| {
            line.next() == Some("iface") && line.next().is_some_and(|name| name != "lo")
        });
        if is_interface {
            fragment.passed_over.push(interfaces.to_owned());
        }
    }
    Ok(fragment)
}

/// What `etc/nvme` says of hosts and ports, the weakest first.
pub(super) fn nvme(
    root: &RootTree,
    source_map: &mut SourceMap,
) -> Result<Vec<Fragment>, SourceError> {
    // Thousands of ports; nobody has more, and time grows with the product of
    // them and the controllers.
    const LONGEST: u64 = 1 << 20;
    let mut read = |path: &str| -> Result<Option<Vec<u8>>, SourceError> {
        let Some(bytes) = root.read(path, LONGEST).map_err(Failure::from)? else {
            return Ok(None);
        };
        if bytes.len() as u64 > LONGEST {
            let why = anyhow::anyhow!("`{path}` is longer than {LONGEST} bytes");
            return Err(Failure::Runtime(why).into());
        }
        source_map.insert_bytes(path, &bytes);
        Ok(Some(bytes))
    };
    let mut found = Vec::new();
    if let Some(bytes) = read(DISCOVERY_CONF)? {
        found.push(nvme_etc::discovery_conf(DISCOVERY_CONF, &bytes));
    }
    if let Some(bytes) = read(CONFIG_JSON)? {
        found.push(nvme_etc::config_json(CONFIG_JSON, &bytes)?);
    }
    // nvme-cli 3 has it instead of both.
    let main = read(FABRICS_CONF)?;
    let directory = format!("{FABRICS_CONF}.d");
    let mut drop_ins = Vec::new();
    for name in root.list(&directory).map_err(Failure::from)? {
        let path = format!("{directory}/{name}");
        if name.ends_with(".conf")
            && let Some(bytes) = read(&path)?
        {
            drop_ins.push((path, bytes));
        }
    }
    if main.is_some() || !drop_ins.is_empty() {
        let main = main.as_deref().map(|bytes| nvme_etc::FabricsFile {
            name: FABRICS_CONF,
            bytes,
        });
        let drop_ins: Vec<_> = drop_ins
            .iter()
            .map(|(name, bytes)| nvme_etc::FabricsFile { name, bytes })
            .collect();
        found.push(nvme_etc::fabrics_conf(main, &drop_ins));
    }
    Ok(found)
}

/// The tree's own identity. That it is broken matters only to who needs it.
pub(super) fn host(root: &RootTree) -> Result<Fragment, Failure> {
    let mut fragment = Fragment::default();
    match identity::of_tree(root) {
        Ok(host) => fragment.host = host.map(|host| (host, Origin::whole("etc/nvme"))),
        Err(Failure::Input(broken)) => fragment.warnings = broken.errors,
        Err(other) => return Err(other),
    }
    Ok(fragment)
}
