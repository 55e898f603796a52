//! Reading the sources, and resolving what they say.

use std::path::Path;

use nvmeroot_intake::curtin::{self, EmbeddedText, TextKind};
use nvmeroot_intake::{IntakeError, netplan, nvme_etc, yaml};
use nvmeroot_plan::{BootPlan, Fragment, HostIdentity, Origin, Warning, resolve};

use crate::args::Input;
use crate::diagnose::{Fault, Faults, Texts};
use crate::root::RootTree;
use crate::{Failure, identity};

const DISCOVERY_CONF: &str = "etc/nvme/discovery.conf";
const CONFIG_JSON: &str = "etc/nvme/config.json";

/// The plan, and the texts that its origins point into.
pub(crate) struct Read {
    pub(crate) plan: BootPlan,
    pub(crate) texts: Texts,
}

/// Opens the root tree that the user named.
pub(crate) fn open_root(path: &Path) -> Result<RootTree, Failure> {
    RootTree::open(path).map_err(|e| Failure::Usage(e.to_string()))
}

/// Reads everything that the input names.
/// `host`: the identity that the user gives, which counts more than the tree's.
pub(crate) fn read(
    input: &Input,
    root: Option<&RootTree>,
    host: Option<&HostIdentity>,
) -> Result<Read, Failure> {
    let Some(path) = &input.curtin else {
        return Err(Failure::Usage(
            "no configuration is given\nhint: pass `--curtin FILE`; curtin's hooks have it in CONFIG".to_owned(),
        ));
    };
    let name = path.display().to_string();
    let bytes = read_file(path)?;
    let mut texts = Texts::default();
    if let Ok(text) = std::str::from_utf8(&bytes) {
        texts.insert(&name, text);
    }
    let configuration = match curtin::read(&name, &bytes) {
        Ok(configuration) => configuration,
        Err(error) => return Err(Failure::Input(faults(error, texts))),
    };
    let mut network = sources_of(&configuration.texts, &mut texts);
    if network.is_empty() && configuration.network.is_none() {
        network = tree_sources(root, &mut texts)?;
    }
    let mut fragments = vec![configuration.fragment];
    if !network.is_empty() || configuration.network.is_some() {
        let sources: Vec<netplan::Source<'_>> = network.iter().map(Text::source).collect();
        match netplan::read_with(&sources, configuration.network.as_ref()) {
            Ok(fragment) => fragments.push(fragment),
            Err(error) => return Err(Failure::Input(faults(error, texts))),
        }
    }
    if let Some(root) = root {
        match portals(root, &mut texts) {
            Ok(found) => fragments.extend(found),
            Err(PortalsError::Tree(failure)) => return Err(failure),
            Err(PortalsError::Input(error)) => return Err(Failure::Input(faults(error, texts))),
        }
        fragments.push(match host {
            Some(given) => Fragment {
                host: Some((given.clone(), Origin::whole("the command line"))),
                ..Fragment::default()
            },
            None => tree_host(root)?,
        });
    }
    let mut plan = resolve(fragments);
    if plan.errors.is_empty() {
        return Ok(Read { plan, texts });
    }
    let faults = plan.errors.drain(..).map(Fault::from).collect();
    Err(Failure::Input(Faults {
        faults,
        texts,
        left_out: 0,
    }))
}

enum PortalsError {
    Tree(Failure),
    Input(IntakeError),
}

/// What the tree says of portals, the weakest first.
fn portals(root: &RootTree, texts: &mut Texts) -> Result<Vec<Fragment>, PortalsError> {
    // Thousands of portals; nobody has more, and time grows with the product of
    // them and the controllers.
    const LONGEST: u64 = 1 << 20;
    let mut read = |path: &str| -> Result<Option<Vec<u8>>, PortalsError> {
        let read = root.read(path, LONGEST);
        let Some(bytes) = read.map_err(|e| PortalsError::Tree(e.into()))? else {
            return Ok(None);
        };
        if bytes.len() as u64 > LONGEST {
            let why = anyhow::anyhow!("`{path}` is longer than {LONGEST} bytes");
            return Err(PortalsError::Tree(Failure::Could(why)));
        }
        if let Ok(text) = std::str::from_utf8(&bytes) {
            texts.insert(path, text);
        }
        Ok(Some(bytes))
    };
    let mut found = Vec::new();
    if let Some(bytes) = read(DISCOVERY_CONF)? {
        found.push(nvme_etc::discovery_conf(DISCOVERY_CONF, &bytes));
    }
    if let Some(bytes) = read(CONFIG_JSON)? {
        found.push(nvme_etc::config_json(CONFIG_JSON, &bytes).map_err(PortalsError::Input)?);
    }
    Ok(found)
}

/// The tree's own identity. That it is broken matters only to who needs it.
fn tree_host(root: &RootTree) -> Result<Fragment, Failure> {
    let mut fragment = Fragment::default();
    match identity::of_tree(root) {
        Ok(host) => fragment.host = host.map(|host| (host, Origin::whole("etc/nvme"))),
        Err(Failure::Input(broken)) => {
            fragment.warnings = broken.faults.into_iter().map(Warning::from).collect();
        }
        Err(other) => return Err(other),
    }
    Ok(fragment)
}

/// A network configuration with the name that messages give it.
struct Text {
    name: String,
    path: Option<String>,
    content: Vec<u8>,
}

impl Text {
    fn source(&self) -> netplan::Source<'_> {
        netplan::Source {
            name: self.name.clone(),
            path: self.path.clone(),
            text: &self.content,
        }
    }
}

fn sources_of(embedded: &[EmbeddedText], texts: &mut Texts) -> Vec<Text> {
    let mut sources = Vec::new();
    for one in embedded {
        if let Ok(text) = std::str::from_utf8(&one.content) {
            texts.insert(&one.name, text);
        }
        match one.kind {
            TextKind::Netplan | TextKind::CloudInit => sources.push(Text {
                name: one.name.to_string(),
                path: one.path.clone(),
                content: one.content.clone(),
            }),
        }
    }
    sources
}

/// The netplan files that already lie in the root tree, for an installer that
/// does not write them through curtin. Where cloud-init has not written its
/// own yet, what it will make that of counts too.
fn tree_sources(root: Option<&RootTree>, texts: &mut Texts) -> Result<Vec<Text>, Failure> {
    let Some(root) = root else {
        return Ok(Vec::new());
    };
    let mut paths = Vec::new();
    for directory in ["lib/netplan", "etc/netplan", "run/netplan"] {
        let names = root.list(directory)?.into_iter();
        let of_netplan = names.filter(|name| name.ends_with(".yaml"));
        paths.extend(of_netplan.map(|name| format!("{directory}/{name}")));
    }
    // The hand-over says nothing that the other files don't.
    paths.retain(|path| path != nvmeroot_render::HANDOVER_PATH);
    if !paths
        .iter()
        .any(|path| path == "etc/netplan/50-cloud-init.yaml")
    {
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
        if let Ok(text) = std::str::from_utf8(&content) {
            texts.insert(&path, text);
        }
        sources.push(Text {
            name: path.clone(),
            path: Some(path),
            content,
        });
    }
    Ok(sources)
}

/// Where cloud-init finds the network configuration of a seed.
const SEEDS: [&str; 2] = [
    "var/lib/cloud/seed/nocloud/network-config",
    "var/lib/cloud/seed/nocloud-net/network-config",
];

/// Whether one of cloud-init's files has the key `network` at all: what else
/// they hold, and how, is nobody's business here.
fn is_about_network(content: &[u8]) -> bool {
    let mut lines = content.split(|&byte| byte == b'\n');
    // JSON need not begin a line with its key.
    let is_json = content.starts_with(b"{\"");
    is_json || lines.any(|line| line.starts_with(b"network"))
}

/// Reads no more than the parser takes and one byte, so that a file without
/// an end costs an error and not the memory.
fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let shown = path.display();
    let open = || -> std::io::Result<Vec<u8>> {
        let file = std::fs::File::open(path)?;
        let mut bytes = Vec::new();
        file.take(yaml::MAX_BYTES as u64 + 1)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match open() {
        Ok(bytes) => Ok(bytes),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Err(Failure::Usage(format!("there is no file `{shown}`")))
        }
        Err(e) => Err(Failure::Usage(format!("can't read `{shown}`: {e}"))),
    }
}

fn faults(error: IntakeError, texts: Texts) -> Faults {
    let found = error.into_diagnostics();
    let faults = found
        .shown
        .into_iter()
        .map(|d| Fault {
            message: d.sentence(),
            hint: d.hint,
            origin: Some(d.origin),
        })
        .collect();
    Faults {
        faults,
        texts,
        left_out: found.left_out,
    }
}
