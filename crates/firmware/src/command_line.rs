//! The kernel command line as one fragment: dracut's options (dracut.cmdline(7)) with
//! dracut's meanings, whichever program made the initramfs.
//!
//! | option | meaning |
//! |---|---|
//! | `ip=`, `ifname=`, `vlan=`, `bond=`, `rd.route=`, `nameserver=` | the network |
//! | `rd.nvmf.hostnqn=`, `rd.nvmf.hostid=` | the host's identity |
//! | `rd.nvmf.discover=tcp,ADDRESS,[HOST-ADDRESS],[PORT]` | one more portal to ask |
//! | `rd.nvmf.nonbft`, `nvmeroot.nbft=off` | the firmware's tables don't count |
//! | `rd.nvmf.nostatic` | the installed controllers don't count |
//!
//! Other than with dracut, what is said here comes before the firmware's table.

mod bond;
mod fields;
mod ip;
mod nvmf;
mod option;
mod own;
mod words;

use nvmeroot_plan::{
    Authority, DefinitionId, Fragment, HostIdentity, Interface, InterfaceName, LinkKind,
    MacAddress, Match, Origin, Vlan, VlanId, Warning,
};

pub use self::own::{CommandLine, DEFAULT_DEADLINE};
pub use self::words::{Words, words};

use self::fields::fields;
use self::nvmf::Drives;
use self::option::{BootOption, NAME, is_on};
use crate::known::Known;

/// dracut's options for links that nvmeroot does not make.
const NOT_OURS: [&str; 4] = ["bridge", "team", "rd.znet", "BOOTIF"];

/// What is said where they don't.
pub const TABLES_DO_NOT_COUNT: &str =
    "the firmware's tables don't count, by the kernel command line";

/// Whether the firmware's tables count.
pub fn takes_tables(line: &str) -> bool {
    let mut takes = [true, true];
    for (name, value) in words(line) {
        match name.as_str() {
            // Without `rd.`, too, as its other names.
            "rd.nvmf.nonbft" | "nvmf.nonbft" => takes[0] = !is_on(value.as_deref()),
            // What it does not understand, `fragment` says.
            "nvmeroot.nbft" => takes[1] = is_on(value.as_deref()),
            _ => {}
        }
    }
    takes == [true; 2]
}

/// The MAC addresses of the cards that `ifname=` names.
pub fn named_cards(line: &str) -> impl Iterator<Item = MacAddress> {
    let named = words(line).filter(|(name, _)| name == "ifname");
    named.filter_map(|(_, value)| value?.split_once(':')?.1.parse().ok())
}

/// What the line says; `None` where it says nothing of network and drives. `weaker`: the
/// identity that other sources give the host.
pub(crate) fn fragment(
    line: &str,
    weaker: Option<HostIdentity>,
    known: &mut Known<'_>,
    warnings: &mut Vec<Warning>,
) -> Option<Fragment> {
    let options: Vec<BootOption> = words(line)
        .map(|(name, value)| {
            let place = match &value {
                Some(value) => format!("{name}={value}"),
                None => name.clone(),
            };
            BootOption {
                place: Origin::whole(NAME).with_key(place),
                value: value.unwrap_or_default(),
                name,
            }
        })
        .collect();
    let mut network = Network {
        known,
        warnings,
        found: Vec::new(),
    };
    // What others refer to comes first, whatever the order on the line.
    for option in of(&options, "ifname") {
        network.name_card(option);
    }
    for option in of(&options, "bond") {
        network.bond(option);
    }
    for option in of(&options, "vlan") {
        network.vlan(option);
    }
    for option in of(&options, "ip") {
        network.ip(option);
    }
    for option in of(&options, "rd.route") {
        network.route(option);
    }
    for option in of(&options, "nameserver") {
        network.name_server(option);
    }
    for option in of(&options, "nvmeroot.nbft") {
        if !["", "on", "1", "yes", "off", "0", "no"].contains(&option.value.as_str()) {
            network.warn(option, "it is neither `on` nor `off`");
        }
    }
    for option in options
        .iter()
        .filter(|o| NOT_OURS.contains(&o.name.as_str()))
    {
        network.warn(option, "nvmeroot does not carry it out");
    }
    let interfaces = network.found;
    let mut drives = Drives::default();
    for option in &options {
        drives.take(option, warnings);
    }
    let (storage, replaces_installed) = drives.storage();
    let host = drives.host(weaker.as_ref(), warnings);
    let says = !interfaces.is_empty() || storage.is_some() || replaces_installed || host.is_some();
    says.then(|| Fragment {
        authority: Authority::CommandLine,
        storage,
        replaces_installed,
        interfaces: (!interfaces.is_empty()).then_some(interfaces),
        host,
        ..Fragment::default()
    })
}

fn of<'a>(options: &'a [BootOption], name: &'a str) -> impl Iterator<Item = &'a BootOption> {
    options.iter().filter(move |option| option.name == name)
}

/// The interfaces that the line speaks of.
#[derive(Debug)]
struct Network<'a, 'k> {
    known: &'a mut Known<'k>,
    warnings: &'a mut Vec<Warning>,
    found: Vec<Interface>,
}

impl Network<'_, '_> {
    fn warn(&mut self, option: &BootOption, why: &str) {
        self.warnings
            .push(Warning::at(option.place.clone(), why.to_owned()));
    }

    fn put(&mut self, interface: Interface) {
        self.known.put(interface.clone());
        match self.found.iter_mut().find(|one| one.id == interface.id) {
            Some(place) => *place = interface,
            None => self.found.push(interface),
        }
    }

    /// A name of an interface, or a warning.
    fn interface_name(&mut self, option: &BootOption, text: &str) -> Option<InterfaceName> {
        match text.parse() {
            Ok(name) => Some(name),
            Err(e) => {
                self.warn(option, &e.to_string());
                None
            }
        }
    }

    /// `ifname=NAME:MAC` (`parse_ifname_opts` in dracut's net-lib.sh): the card gets this
    /// name, and keeps what else is known of it.
    fn name_card(&mut self, option: &BootOption) {
        let Some((name, mac)) = option.value.split_once(':') else {
            return self.warn(
                option,
                "expected a name and a MAC address: `ifname=NAME:MAC`",
            );
        };
        let Some(name) = self.interface_name(option, name) else {
            return;
        };
        let mac: MacAddress = match mac.parse() {
            Ok(mac) => mac,
            Err(e) => return self.warn(option, &e.to_string()),
        };
        let known = self.known.card(mac).cloned();
        let card = known.or_else(|| {
            self.known
                .new_card(name.as_str(), mac, option.place.clone())
        });
        let Some(card) = card else {
            return self.warn(option, "the name can't be that of a new interface");
        };
        self.put(Interface {
            name,
            set_name: true,
            matching: Some(Match {
                macaddress: Some(mac),
                ..Match::default()
            }),
            ..card
        });
    }

    /// `vlan=NAME:CARD` (dracut's parse-vlan.sh; the number is in the name, by `get_vid`
    /// in its ifup.sh).
    fn vlan(&mut self, option: &BootOption) {
        let parts = fields(&option.value);
        let [name, below] = parts.as_slice() else {
            return self.warn(option, "expected two names: `vlan=NAME:CARD`");
        };
        let number = match name.strip_prefix("vlan") {
            Some(number) => Some(number),
            None => name.rsplit_once('.').map(|(_, number)| number),
        };
        let id = number.and_then(|number| VlanId::try_from(number.parse::<u64>().ok()?).ok());
        let Some(id) = id else {
            let why = "the name must end with the VLAN's number: `vlan7`, `eth0.7`";
            return self.warn(option, why);
        };
        let (Some(name), Some(below)) = (
            self.interface_name(option, name),
            self.interface_name(option, below),
        ) else {
            return;
        };
        let Some(below) = self.as_part(&below, option) else {
            return;
        };
        let vlan = Vlan { id, link: below };
        let kind = LinkKind::Vlan { vlan };
        if let Some(one) = self.known.made(name, kind, option.place.clone()) {
            self.put(one);
        }
    }

    /// The id of what something stands on: as it is known, or the card of that name.
    fn as_part(&mut self, name: &InterfaceName, option: &BootOption) -> Option<DefinitionId> {
        if let Some(known) = self.known.by_name(name) {
            return Some(known.id.clone());
        }
        let card = self.known.named(name, &option.place)?;
        let id = card.id.clone();
        self.put(card);
        Some(id)
    }
}

#[cfg(test)]
mod tests;
