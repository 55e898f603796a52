//! What one source says of the portals that another one names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::{ConnectOptions, Controller, Nqn, Origin, Port, Transport, Warning};

/// What a source such as `/etc/nvme/config.json` says of a portal. It makes no
/// controller of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalSettings {
    /// The transport.
    pub transport: Transport,
    /// The portal's address.
    pub traddr: IpAddr,
    /// The portal's port.
    pub trsvcid: Port,
    /// The host that this is said for; `None`: any.
    pub hostnqn: Option<Nqn>,
    /// The subsystem that is to be connected there.
    pub nqn: Option<Nqn>,
    /// What the connection is made with.
    pub options: ConnectOptions,
    /// What the user should know where a controller is at this portal.
    pub warnings: Vec<Warning>,
    /// What can't be carried out where a controller is at this portal.
    pub faults: Vec<Warning>,
    /// Where it is said.
    pub origin: Origin,
}

/// What came up while settings were taken over.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) warnings: Vec<Warning>,
    pub(crate) faults: Vec<Warning>,
}

/// Fills in what the controllers leave open; of two settings the later one
/// counts.
pub(crate) fn settle(
    controllers: &mut [Controller],
    settings: &[PortalSettings],
    hostnqn: Option<&Nqn>,
) -> Heard {
    let mut heard = Heard::default();
    let mut by_portal: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (i, one) in settings.iter().enumerate() {
        let portal = (one.transport, one.traddr, one.trsvcid);
        by_portal.entry(portal).or_default().push(i);
    }
    // What is told is told once, whatever number of controllers it concerns.
    let mut told = BTreeSet::new();
    for controller in controllers {
        let portal = (controller.transport, controller.traddr, controller.trsvcid);
        let mut fitting = Vec::new();
        for &i in by_portal.get(&portal).into_iter().flatten() {
            let one = &settings[i];
            if differ(one.nqn.as_ref(), controller.nqn.as_ref()) {
                continue;
            }
            let foreign = differ(one.hostnqn.as_ref(), hostnqn);
            if told.insert(i) {
                if foreign {
                    heard
                        .warnings
                        .push(of_another_host(controller, one, hostnqn));
                } else {
                    heard.warnings.extend_from_slice(&one.warnings);
                    heard.faults.extend_from_slice(&one.faults);
                }
            }
            if !foreign {
                fitting.push(one);
            }
        }
        let named: Vec<&PortalSettings> = fitting
            .iter()
            .copied()
            .filter(|s| s.nqn.is_some())
            .collect();
        if let Some(first) = named.first() {
            if named.iter().all(|s| s.nqn == first.nqn) {
                controller.nqn.clone_from(&first.nqn);
            } else if let Some(other) = named.iter().find(|s| s.options != first.options) {
                // Without a subsystem of its own it connects all, and all alike.
                heard.faults.push(not_alike(controller, other));
                continue;
            }
        }
        for one in fitting.iter().rev() {
            controller.options.fill_from(&one.options);
        }
    }
    heard
}

/// Both are said, and they are not the same.
fn differ(a: Option<&Nqn>, b: Option<&Nqn>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a != b)
}

fn of_another_host(
    controller: &Controller,
    one: &PortalSettings,
    hostnqn: Option<&Nqn>,
) -> Warning {
    let name = |nqn: Option<&Nqn>| nqn.map_or_else(String::new, |nqn| format!("`{nqn}`"));
    let message = format!(
        "what this says of the portal `{}` is for the host {}, and this host is {}",
        controller.portal(),
        name(one.hostnqn.as_ref()),
        name(hostnqn),
    );
    Warning::at(one.origin.clone(), message)
        .with_hint("make `hostnqn` here and in `/etc/nvme/hostnqn` the same if this host is meant")
}

fn not_alike(controller: &Controller, other: &PortalSettings) -> Warning {
    let message = format!(
        "several subsystems are named at the portal `{}`, with different options, and the controller at `{}` does not say which one it is",
        controller.portal(),
        controller.origin
    );
    Warning::at(other.origin.clone(), message)
        .with_hint("give the controller its `nqn`, or each of these subsystems the same options")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d";

    fn nqn(text: &str) -> Nqn {
        text.parse().expect("an NQN")
    }

    fn controller(nqn: Option<Nqn>) -> Controller {
        Controller {
            transport: Transport::Tcp,
            traddr: "192.0.2.1".parse().expect("an address"),
            trsvcid: "4420".parse().expect("a port"),
            nqn,
            options: ConnectOptions {
                reconnect_delay: Some(2),
                ..ConnectOptions::default()
            },
            origin: Origin::at("curtin.yaml", 1, 1),
        }
    }

    fn setting(line: u32, subsystem: Option<&str>, delay: u32) -> PortalSettings {
        let at = controller(None);
        PortalSettings {
            transport: at.transport,
            traddr: at.traddr,
            trsvcid: at.trsvcid,
            hostnqn: None,
            nqn: subsystem.map(nqn),
            options: ConnectOptions {
                reconnect_delay: Some(delay),
                keep_alive_tmo: Some(delay),
                ..ConnectOptions::default()
            },
            warnings: vec![Warning::general(format!("warned of {line}"))],
            faults: Vec::new(),
            origin: Origin::at("config.json", line, 1),
        }
    }

    fn settled(own: Option<Nqn>, settings: &[PortalSettings]) -> (Controller, Heard) {
        let mut all = [controller(own)];
        let heard = settle(&mut all, settings, Some(&nqn(HOST)));
        let [one] = all;
        (one, heard)
    }

    #[test]
    fn the_controller_s_own_word_counts_then_the_latest() {
        let (one, heard) = settled(None, &[setting(1, None, 7), setting(2, Some("nqn.a"), 8)]);
        assert_eq!(one.nqn, Some(nqn("nqn.a")));
        assert_eq!(one.options.reconnect_delay, Some(2));
        assert_eq!(one.options.keep_alive_tmo, Some(8));
        assert_eq!(heard.warnings.len(), 2);
        assert!(heard.faults.is_empty());
    }

    #[test]
    fn another_portal_subsystem_or_host_is_not_taken_over() {
        let mut elsewhere = setting(1, Some("nqn.a"), 7);
        elsewhere.trsvcid = "4421".parse().expect("a port");
        let (one, heard) = settled(None, &[elsewhere]);
        assert_eq!((one, heard.warnings.len()), (controller(None), 0));

        let own = Some(nqn("nqn.b"));
        let (one, heard) = settled(own.clone(), &[setting(1, Some("nqn.a"), 7)]);
        assert_eq!((one, heard.warnings.len()), (controller(own), 0));

        let mut foreign = setting(4, Some("nqn.a"), 7);
        foreign.hostnqn = Some(nqn("nqn.other"));
        let (one, heard) = settled(None, &[foreign]);
        assert_eq!(one, controller(None));
        assert_eq!(
            heard.warnings[0].message,
            format!(
                "what this says of the portal `192.0.2.1:4420` is for the host `nqn.other`, and this host is `{HOST}`"
            )
        );
    }

    #[test]
    fn several_subsystems_are_all_connected_if_alike() {
        let (one, heard) = settled(
            None,
            &[setting(1, Some("nqn.a"), 7), setting(2, Some("nqn.b"), 7)],
        );
        assert_eq!((one.nqn, one.options.keep_alive_tmo), (None, Some(7)));
        assert!(heard.faults.is_empty());

        let (one, heard) = settled(
            None,
            &[setting(1, Some("nqn.a"), 7), setting(2, Some("nqn.b"), 8)],
        );
        assert_eq!(one, controller(None));
        assert!(
            heard.faults[0]
                .message
                .starts_with("several subsystems are named at the portal `192.0.2.1:4420`"),
            "{:?}",
            heard.faults
        );
    }
}
