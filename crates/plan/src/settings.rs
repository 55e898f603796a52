//! What one source says of connections that another one names. libnvme keeps
//! such settings on three levels: of a host, of a subsystem and of a port
//! (`json_parse_host`, `json_parse_subsys` and `json_parse_port` in its
//! src/nvme/json.c). A subsystem has none that concern a connection.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::json::is_default;
use crate::remote::Storage;
use crate::source::{Source, differ, fits, source};
use crate::{
    ConnectOptions, Controller, HostId, HostIdentity, KnownPort, Nqn, Origin, Port, Secret,
    Transport, Warning,
};

/// Which host something is said for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSelector {
    /// Its name; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nqn: Option<Nqn>,
    /// Its identifier; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<HostId>,
}

impl HostSelector {
    /// It means this host (`nvme_lookup_host` in libnvme's src/nvme/tree.c). A
    /// host of which nothing is known is any host.
    pub(crate) fn means(&self, host: Option<&HostIdentity>) -> bool {
        let Some(host) = host else { return true };
        self.nqn.as_ref().is_none_or(|nqn| *nqn == host.nqn)
            && self.id.is_none_or(|id| id == host.id)
    }

    fn shown(&self) -> String {
        match (&self.nqn, self.id) {
            (Some(nqn), Some(id)) => format!("`{nqn}` with the id `{id}`"),
            (Some(nqn), None) => format!("`{nqn}`"),
            (None, Some(id)) => format!("with the id `{id}`"),
            (None, None) => "of any name".to_owned(),
        }
    }
}

/// What a source says of every connection of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSettings {
    /// Which host.
    pub host: HostSelector,
    /// What that host proves to every controller that it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhchap_secret: Option<Secret>,
    /// What is wrong with it, where this is the host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Warning>,
    /// Where it is said.
    pub origin: Origin,
}

/// What a source such as `/etc/nvme/config.json` says of a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSettings {
    /// The transport.
    pub transport: Transport,
    /// The portal's address.
    pub traddr: IpAddr,
    /// The portal's port.
    pub trsvcid: Port,
    /// The host that this is said for.
    #[serde(default)]
    pub host: HostSelector,
    /// The subsystem that is to be connected there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nqn: Option<Nqn>,
    /// nvme-cli connects it by itself (`discover_from_json_config_file`), so it
    /// can be a further path to storage that another source names.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_connected: bool,
    /// What the connection is made with.
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: ConnectOptions,
    /// What the user should know where a controller is at this portal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// What can't be carried out where a controller is at this portal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Warning>,
    /// Where it is said.
    pub origin: Origin,
}

impl PortSettings {
    /// Nothing is said yet.
    pub fn new(traddr: IpAddr, trsvcid: Port, origin: Origin) -> Self {
        Self {
            transport: Transport::Tcp,
            traddr,
            trsvcid,
            host: HostSelector::default(),
            nqn: None,
            is_connected: false,
            options: ConnectOptions::default(),
            warnings: Vec::new(),
            errors: Vec::new(),
            origin,
        }
    }

    /// The controller that it tells of.
    pub fn controller(&self) -> Controller {
        Controller {
            transport: self.transport,
            traddr: self.traddr,
            trsvcid: self.trsvcid,
            nqn: self.nqn.clone(),
            options: self.options.clone(),
            origin: self.origin.clone(),
        }
    }

    fn portal(&self) -> (Transport, IpAddr, Port) {
        (self.transport, self.traddr, self.trsvcid)
    }

    fn source(&self) -> Source {
        source(&self.options)
    }
}

/// What came up while settings were taken over.
#[derive(Debug, Default)]
pub(crate) struct SettingsReport {
    pub(crate) known_ports: Vec<KnownPort>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) errors: Vec<Warning>,
}

/// Fills in what the controllers leave open, and adds the further paths to
/// their storage. Of two settings the later one counts. `is_open`: another host's may count
/// at boot, when the firmware's table says which host this is.
pub(crate) fn apply(
    storage: &mut Storage,
    hosts: &[HostSettings],
    ports: &[PortSettings],
    host: Option<&HostIdentity>,
    is_open: bool,
) -> SettingsReport {
    let mut application = Application {
        storage,
        ports,
        host,
        is_open,
        used: vec![false; ports.len()],
        told: BTreeSet::new(),
        report: SettingsReport::default(),
    };
    application.settle_all();
    application.add_further_paths();
    application.know_the_rest();
    let mut report = application.report;
    let known = report
        .known_ports
        .iter_mut()
        .map(|known| &mut known.options);
    let controllers = storage.controllers.iter_mut().map(|c| &mut c.options);
    let mut options: Vec<&mut ConnectOptions> = controllers.chain(known).collect();
    for one in hosts {
        if !one.host.means(host) {
            if let Some(host) = host.filter(|_| one.dhchap_secret.is_some()) {
                report
                    .warnings
                    .push(of_another_host(&one.host, host, is_open, &one.origin));
            }
            continue;
        }
        report.errors.extend_from_slice(&one.errors);
        // `build_options` in libnvme's src/nvme/fabrics.c: the host's secret
        // comes before the port's.
        for options in &mut options {
            if let Some(secret) = &one.dhchap_secret {
                options.dhchap_secret = Some(secret.clone());
            }
        }
    }
    storage.sort();
    report
}

struct Application<'a> {
    storage: &'a mut Storage,
    ports: &'a [PortSettings],
    host: Option<&'a HostIdentity>,
    is_open: bool,
    /// Which of the ports a controller has taken over.
    used: Vec<bool>,
    /// What is told is told once, whatever number of controllers it concerns.
    told: BTreeSet<usize>,
    report: SettingsReport,
}

impl Application<'_> {
    fn settle_all(&mut self) {
        let mut by_portal: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (i, one) in self.ports.iter().enumerate() {
            by_portal.entry(one.portal()).or_default().push(i);
        }
        for index in 0..self.storage.controllers.len() {
            let controller = &self.storage.controllers[index];
            let portal = (controller.transport, controller.traddr, controller.trsvcid);
            if let Some(at_portal) = by_portal.get(&portal) {
                let fitting = self.fitting(controller.clone(), at_portal);
                self.settle(index, fitting);
            }
        }
    }

    /// The settings that a controller may take over.
    fn fitting(&mut self, controller: Controller, at_portal: &[usize]) -> Vec<usize> {
        let own = source(&controller.options);
        let mut fitting = Vec::new();
        for &i in at_portal {
            let one = &self.ports[i];
            if differ(one.nqn.as_ref(), controller.nqn.as_ref()) || !fits(&one.source(), &own) {
                continue;
            }
            if one.host.means(self.host) {
                fitting.push(i);
                self.tell(i);
            } else if let Some(host) = self.host
                && self.told.insert(i)
            {
                let warning = of_another_host(&one.host, host, self.is_open, &one.origin);
                self.report.warnings.push(warning);
            }
        }
        fitting
    }

    fn tell(&mut self, i: usize) {
        if self.told.insert(i) {
            self.report
                .warnings
                .extend_from_slice(&self.ports[i].warnings);
            self.report.errors.extend_from_slice(&self.ports[i].errors);
        }
    }

    fn settle(&mut self, index: usize, mut fitting: Vec<usize>) {
        let ports = self.ports;
        let named: Vec<&PortSettings> = fitting
            .iter()
            .map(|i| &ports[*i])
            .filter(|s| s.nqn.is_some())
            .collect();
        if let Some(first) = named.first() {
            if named.iter().all(|s| s.nqn == first.nqn) {
                let nqn = first.nqn.clone();
                self.storage.controllers[index].nqn = nqn;
            } else if named.iter().any(|s| s.options != first.options) {
                // Without a subsystem of its own it asks for all. What each is
                // connected with is known by name.
                fitting.retain(|i| ports[*i].nqn.is_none());
            }
        }
        for i in &fitting {
            self.used[*i] = true;
        }
        // Ports that differ in where they leave from are connections of their
        // own.
        let mut sources: Vec<Source> = Vec::new();
        for i in fitting.iter().filter(|i| ports[**i].is_connected) {
            let source = ports[*i].source();
            if source != (None, None) && !sources.contains(&source) {
                sources.push(source);
            }
        }
        if sources.is_empty() {
            sources.push((None, None));
        }
        let original = self.storage.controllers[index].clone();
        for (n, wanted) in sources.iter().enumerate() {
            let mut controller = original.clone();
            for &i in fitting.iter().rev() {
                let is_for_it = sources.len() == 1 || fits(&ports[i].source(), wanted);
                if is_for_it {
                    controller.options.fill_from(&ports[i].options);
                }
            }
            if n == 0 {
                self.storage.controllers[index] = controller;
            } else {
                let new = self.storage.controller(&controller);
                self.storage.mounts_also_on(index, new);
            }
        }
    }

    /// Ports of the subsystems that are connected anyway, at other portals.
    fn add_further_paths(&mut self) {
        let mut by_nqn: BTreeMap<Nqn, usize> = BTreeMap::new();
        for (i, controller) in self.storage.controllers.iter().enumerate() {
            if let Some(nqn) = &controller.nqn {
                by_nqn.entry(nqn.clone()).or_insert(i);
            }
        }
        let ports = self.ports;
        for (i, one) in ports.iter().enumerate() {
            let known = one.nqn.as_ref().and_then(|nqn| by_nqn.get(nqn));
            let Some(&first) = known.filter(|_| one.is_connected && !self.used[i]) else {
                continue;
            };
            if !one.host.means(self.host) {
                continue;
            }
            self.used[i] = true;
            self.tell(i);
            let new = self.storage.controller(&one.controller());
            self.storage.mounts_also_on(first, new);
        }
    }

    /// What is left over concerns ports that only a discovery log may name.
    fn know_the_rest(&mut self) {
        if self.storage.controllers.iter().all(|c| c.nqn.is_some()) {
            return;
        }
        for (one, used) in self.ports.iter().zip(&self.used) {
            if *used || !one.is_connected || !one.host.means(self.host) {
                continue;
            }
            if let Some(nqn) = &one.nqn {
                self.report.known_ports.push(KnownPort {
                    transport: one.transport,
                    traddr: one.traddr,
                    trsvcid: one.trsvcid,
                    nqn: nqn.clone(),
                    options: one.options.clone(),
                    origin: one.origin.clone(),
                });
            }
        }
    }
}

fn of_another_host(
    selector: &HostSelector,
    host: &HostIdentity,
    is_open: bool,
    origin: &Origin,
) -> Warning {
    let so = match is_open {
        true => "; it counts where the firmware's table says at boot that it is that host",
        false => ", so it does not count",
    };
    let message = format!(
        "this is for the host {}, and this host is `{}` with the id `{}`{so}",
        selector.shown(),
        host.nqn,
        host.id,
    );
    Warning::at(origin.clone(), message).with_hint(
        "if this host is meant, make `hostnqn` and `hostid` the same here and in `/etc/nvme`",
    )
}

#[cfg(test)]
mod tests;
