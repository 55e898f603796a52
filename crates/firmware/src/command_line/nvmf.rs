//! `rd.nvmf.…` (dracut's modules.d/*nvmf/parse-nvmf-boot-connections.sh).

use nvmeroot_plan::{
    ConnectOptions, Controller, HostId, HostIdentity, Node, NodeRole, Nqn, Origin, StorageGraph,
    Transport, Warning,
};

use super::option::{BootOption, NAME, is_on};
use crate::host::completed;

/// dracut's default, which is not discovery's own port.
const PORT: &str = "4420";

/// What the line says of drives, and of the host.
#[derive(Debug, Default)]
pub(super) struct Drives {
    nodes: Vec<Node>,
    replaces_installed: bool,
    nqn: Option<Nqn>,
    id: Option<HostId>,
    place: Option<Origin>,
}

impl Drives {
    /// Takes one option, if it is about drives. Of several of one name the last one
    /// counts, but for those that add up.
    pub(super) fn take(&mut self, option: &BootOption, warnings: &mut Vec<Warning>) {
        // dracut takes the names without `rd.`, too.
        let name = option.name.strip_prefix("rd.").unwrap_or(&option.name);
        let mut warn = |why: String| warnings.push(Warning::at(option.place.clone(), why));
        match name {
            "nvmf.hostnqn" => match option.value.parse() {
                Ok(nqn) => self.nqn = Some(nqn),
                Err(e) => return warn(e.to_string()),
            },
            "nvmf.hostid" => match option.value.parse() {
                Ok(id) => self.id = Some(id),
                Err(e) => return warn(e.to_string()),
            },
            "nvmf.discover" => {
                return match controller(option) {
                    Ok(controller) => self.add(controller),
                    Err(why) => warn(why),
                };
            }
            "nvmf.nostatic" => {
                self.replaces_installed = is_on(Some(&option.value));
                return;
            }
            // `takes_tables` reads it. The other tells NetworkManager's own reader.
            "nvmf.nonbft" | "nvmf.nm" => return,
            "nonvmf" => {
                return warn(
                    "it is for dracut's own module; nvmeroot is off by `nvmeroot=off`".to_owned(),
                );
            }
            other if other.starts_with("nvmf.") => {
                return warn("nvmeroot knows no such option".to_owned());
            }
            _ => return,
        }
        self.place = Some(option.place.clone());
    }

    fn add(&mut self, controller: Controller) {
        self.nodes.push(Node {
            id: format!("discover-{}", self.nodes.len()),
            kind: "rd.nvmf.discover".to_owned(),
            on: Vec::new(),
            origin: controller.origin.clone(),
            role: NodeRole::Controller(Box::new(controller)),
        });
    }

    /// The portals to ask, and whether the installed ones don't count.
    pub(super) fn storage(&mut self) -> (Option<StorageGraph>, bool) {
        let nodes = std::mem::take(&mut self.nodes);
        let graph = (!nodes.is_empty()).then(|| StorageGraph::new(nodes).ok());
        (graph.flatten(), self.replaces_installed)
    }

    /// The identity, each half of which may come from a weaker source.
    pub(super) fn host(
        self,
        weaker: Option<&HostIdentity>,
        warnings: &mut Vec<Warning>,
    ) -> Option<(HostIdentity, Origin)> {
        let place = self.place?;
        let identity = completed(self.nqn, self.id, weaker);
        if identity.is_none() {
            let message = "half an identity is none: nothing says the other half of host NQN and host identifier";
            let hint = "give both `rd.nvmf.hostnqn=` and `rd.nvmf.hostid=`";
            warnings.push(Warning::at(Origin::whole(NAME), message).with_hint(hint));
        }
        Some((identity?, place))
    }
}

/// `rd.nvmf.discover=TRANSPORT,ADDRESS[,HOST-ADDRESS[,PORT]]` (`parse_nvmf_discover`).
fn controller(option: &BootOption) -> Result<Controller, String> {
    let parts: Vec<&str> = option.value.split(',').collect();
    let part = |n: usize| parts.get(n).copied().filter(|part| !part.is_empty());
    if parts.len() > 4 {
        return Err("expected `rd.nvmf.discover=tcp,ADDRESS,[HOST-ADDRESS],[PORT]`".to_owned());
    }
    match part(0) {
        Some("tcp") => {}
        Some(other) => return Err(format!("nvmeroot connects NVMe/TCP only, not `{other}`")),
        None => return Err("it names no transport: `tcp`".to_owned()),
    }
    let address = |text: &str| {
        let plain = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let address = plain.unwrap_or(text).parse();
        address.map_err(|_| format!("`{text}` is no IP address"))
    };
    let traddr = part(1).ok_or("it names no address")?;
    let options = ConnectOptions {
        host_traddr: part(2).map(address).transpose()?,
        ..ConnectOptions::default()
    };
    let trsvcid = part(3).unwrap_or(PORT).parse();
    Ok(Controller {
        transport: Transport::Tcp,
        traddr: address(traddr)?,
        trsvcid: trsvcid.map_err(|e: nvmeroot_plan::NameError| e.to_string())?,
        nqn: None,
        options,
        origin: option.place.clone(),
    })
}
