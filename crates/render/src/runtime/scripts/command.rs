//! The plan's steps as the commands of `iproute2`, `dhcpcd` and `nvme-cli`.

mod link;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use nvmeroot_plan::{
    Action, BootPlan, CONNECT_OPTIONS, ConnectOptions, Controller, InterfaceAddress, InterfaceName,
    Ipv6Settings, LinkKind, Mtu, Origin, Portal, Reach, Route, RouteType, Rule, Scope, Step, steps,
};

use self::words::{Words, words};
use crate::RenderError;

/// Which of the two scripts a command stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `network-up`.
    Network,
    /// `connect-nvme`.
    Nvme,
}

/// A command of the scripts runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Program and arguments, as the program receives them.
    pub argv: Vec<String>,
    /// Which script it stands in.
    pub phase: Phase,
    /// Where the input asks for it.
    pub origin: Origin,
}

impl Command {
    /// The command as one line for a POSIX shell, without a line break at its
    /// end.
    ///
    /// # Errors
    /// [`RenderError::Nul`] where a word holds a NUL byte.
    pub fn line(&self) -> Result<String, RenderError> {
        let words: Result<Vec<String>, RenderError> = self
            .argv
            .iter()
            .map(|word| quote(word, &self.origin))
            .collect();
        Ok(words?.join(" "))
    }
}

/// One word for a POSIX shell.
pub(crate) fn quote(word: &str, origin: &Origin) -> Result<String, RenderError> {
    match shlex::try_quote(word) {
        Ok(quoted) => Ok(quoted.into_owned()),
        Err(_) => Err(RenderError::Nul {
            word: word.escape_default().to_string(),
            origin: origin.clone(),
        }),
    }
}

/// The commands of the scripts runtime: every network card of the input, the
/// virtual links that lead to the storage, then the controllers. Outside
/// [`nvmeroot_plan::Reach::Initramfs`] there are none.
///
/// A card that does not lead there gets its MTU, addresses and routes, as in
/// the original, and is no member of anything.
pub fn commands(plan: &BootPlan) -> Vec<Command> {
    let network = Links::of(plan);
    scripts_steps(plan)
        .into_iter()
        .flat_map(|step| {
            let (phase, all) = spelled(&step.action, plan, &network);
            let origin = step.origin;
            all.into_iter().map(move |words| Command {
                argv: words.0,
                phase,
                origin: origin.clone(),
            })
        })
        .collect()
}

/// The steps of the scripts runtime.
pub(crate) fn scripts_steps(plan: &BootPlan) -> Vec<Step> {
    // What the firmware's table says the agent alone reads.
    if plan.reach == Reach::Firmware {
        return Vec::new();
    }
    let network = Links::of(plan);
    let mut steps = steps(plan, Scope::Everything);
    steps.retain(|step| network.is_ours(step));
    steps
}

/// What the steps alone don't say of the links.
struct Links<'a> {
    cards: BTreeMap<&'a InterfaceName, Option<Mtu>>,
    vrfs: BTreeSet<&'a InterfaceName>,
    on_path: BTreeSet<&'a InterfaceName>,
    dhcp6: BTreeSet<&'a InterfaceName>,
}

impl<'a> Links<'a> {
    fn of(plan: &'a BootPlan) -> Self {
        let all = || plan.network.interfaces.iter();
        let cards = all().filter(|one| one.kind == LinkKind::Ethernet);
        let vrfs = all().filter(|one| matches!(one.kind, LinkKind::Vrf { .. }));
        let on_path = plan.storage_interfaces().into_iter();
        Self {
            cards: cards.map(|one| (&one.name, one.mtu)).collect(),
            vrfs: vrfs.map(|one| &one.name).collect(),
            on_path: on_path.map(|one| &one.name).collect(),
            dhcp6: all()
                .filter(|one| one.dhcp6.is_some())
                .map(|one| &one.name)
                .collect(),
        }
    }

    fn is_ours(&self, step: &Step) -> bool {
        let Some(interface) = step.action.interface() else {
            return true;
        };
        if self.on_path.contains(interface) {
            let other = step.action.needs();
            return other.is_none_or(|other| self.on_path.contains(other));
        }
        match &step.action {
            // Not one that something else asks for.
            Action::SetMtu { mtu, .. } => self.cards.get(interface) == Some(&Some(*mtu)),
            Action::AddAddress { .. }
            | Action::Dhcp { .. }
            | Action::LinkUp { .. }
            | Action::AddRoute { .. } => self.cards.contains_key(interface),
            _ => false,
        }
    }

    fn is_card(&self, interface: &InterfaceName) -> bool {
        self.cards.contains_key(interface)
    }

    /// Others set whether the kernel listens to routers: on cards that do not,
    /// `init-premount`, before anything is brought up; where dhcpcd asks for
    /// DHCPv6, dhcpcd, which listens itself (`if_setup_inet6` in its src/if-linux.c).
    fn sets_no_advertisements(&self, interface: &InterfaceName, accept: Option<bool>) -> bool {
        match accept {
            Some(false) => self.is_card(interface),
            Some(true) => self.dhcp6.contains(interface),
            None => false,
        }
    }

    /// A route that belongs to a VRF finds its member by the gateway.
    fn is_vrf(&self, interface: &InterfaceName) -> bool {
        self.vrfs.contains(interface)
    }
}

/// The commands that carry an action out; none where `limits` says that the
/// scripts don't.
fn spelled(action: &Action, plan: &BootPlan, links: &Links<'_>) -> (Phase, Vec<Words>) {
    let command = match action {
        Action::SetMtu { interface, mtu } => {
            words(&["ip", "link", "set", interface.as_str(), "mtu"]).and(mtu.to_string())
        }
        Action::AddAddress { interface, address } => add_address(interface, address),
        Action::Dhcp {
            interface,
            dhcp4,
            dhcp6,
            ..
        } => match (dhcp4, dhcp6) {
            (Some(_), None) => words(&["dhcpcd", "-4", interface.as_str()]),
            (None, Some(_)) => words(&["dhcpcd", "-6", interface.as_str()]),
            _ => words(&["dhcpcd", interface.as_str()]),
        },
        Action::LinkUp { interface } => words(&["ip", "link", "set", interface.as_str(), "up"]),
        Action::AddRoute { interface, route } => add_route(interface, route, links),
        Action::AddRule { rule, .. } => add_rule(rule),
        Action::SetIpv6 {
            interface,
            settings,
        } if links.sets_no_advertisements(interface, settings.accept_ra) => {
            let settings = Ipv6Settings {
                accept_ra: None,
                ..*settings
            };
            return (Phase::Network, link::ipv6(interface, &settings));
        }
        Action::Connect { controller, portal } => {
            let command = connect(portal, plan.controllers.get(*controller));
            return (Phase::Nvme, vec![command]);
        }
        other => return (Phase::Network, link::commands(other)),
    };
    (Phase::Network, vec![command])
}

/// What `plan --format commands` prints: one command a line, the network
/// first.
///
/// # Errors
/// [`RenderError::Nul`] where a word holds a NUL byte.
pub fn commands_text(plan: &BootPlan) -> Result<String, RenderError> {
    let commands = commands(plan);
    Ok(lines(&commands, Phase::Network)? + &lines(&commands, Phase::Nvme)?)
}

/// The commands of one phase, each with its line break.
pub(crate) fn lines(commands: &[Command], phase: Phase) -> Result<String, RenderError> {
    let mut text = String::new();
    for command in commands.iter().filter(|c| c.phase == phase) {
        text.push_str(&command.line()?);
        text.push('\n');
    }
    Ok(text)
}

fn add_address(interface: &InterfaceName, address: &InterfaceAddress) -> Words {
    let name = interface.as_str();
    // `ip` refuses a label that does not start with the interface's name and
    // then adds no address either; networkd sets such a label later.
    let label = address
        .label
        .as_ref()
        .filter(|label| label.starts_with(name));
    words(&["ip", "address", "add"])
        .and(address.address.to_string())
        .and("dev")
        .and(name)
        .option("label", label)
        .option("preferred_lft", address.deprecated.then_some(0))
}

fn add_route(interface: &InterfaceName, route: &Route, links: &Links<'_>) -> Words {
    let &Route {
        to,
        via,
        metric,
        table,
        on_link,
        from,
        scope,
        kind,
        mtu,
        congestion_window,
        advertised_receive_window,
        advertised_mss,
        origin: _,
    } = route;
    let has_gateway = matches!(kind, RouteType::Unicast | RouteType::Multicast);
    let via = via.filter(|_| has_gateway);
    // The kernel finds the device by the gateway. It can't where there is no
    // gateway, where the gateway is said to be on the link, and where the
    // gateway's address is there on every link.
    let needs_device = match kind {
        kind if !kind.carries_packets() => false,
        _ if via.is_none_or(is_link_local) || on_link => true,
        // Of several links in the gateway's network it is this one.
        _ => !links.is_card(interface) && !links.is_vrf(interface),
    };
    let destination = match to.network() {
        // The kernel refuses a destination with host bits; networkd and
        // nvmeroot clear them.
        Some(net) if net.addr() != net.network() => net.trunc().to_string(),
        _ => to.to_string(),
    };
    let other_family = match (via, to.network()) {
        (Some(via), Some(to)) => via.is_ipv4() != to.addr().is_ipv4(),
        _ => false,
    };
    let mut command = words(&["ip", "route", "add"]);
    if kind != RouteType::Unicast {
        command = command.and(kind.as_str());
    }
    command = command.and(destination);
    if let Some(via) = via {
        command = command.and("via");
        if other_family {
            command = command.and(if via.is_ipv4() { "inet" } else { "inet6" });
        }
        command = command.and(via.to_string());
    }
    command
        .option("dev", needs_device.then_some(interface))
        .flag("onlink", on_link && via.is_some())
        .option("metric", metric)
        .option("table", table)
        .option("src", from)
        .option("scope", scope)
        .option("mtu", mtu)
        .option("advmss", advertised_mss)
        .option("initcwnd", congestion_window)
        .option("initrwnd", advertised_receive_window)
}

fn add_rule(rule: &Rule) -> Words {
    let &Rule {
        from,
        to,
        table,
        priority,
        mark,
        type_of_service,
        origin: _,
    } = rule;
    let command = match rule.is_ipv6() {
        true => words(&["ip", "-6", "rule", "add"]),
        false => words(&["ip", "rule", "add"]),
    };
    command
        .option("from", from.map(|net| net.trunc()))
        .option("to", to.map(|net| net.trunc()))
        // `ip` reads a type of service as hexadecimal, whatever it looks like.
        .option("tos", type_of_service.map(|tos| format!("0x{tos:02x}")))
        .option("fwmark", mark)
        .option("priority", priority)
        .option("table", table)
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_link_local(),
        IpAddr::V6(a) => a.is_unicast_link_local(),
    }
}

fn connect(portal: &Portal, controller: Option<&Controller>) -> Words {
    let verb = if portal.nqn.is_some() {
        "connect"
    } else {
        "connect-all"
    };
    let command = words(&["nvme", verb])
        .and("--transport")
        .and(portal.transport.to_string())
        .and("--traddr")
        .and(portal.traddr.to_string())
        .and("--trsvcid")
        .and(portal.trsvcid.to_string())
        .option("--nqn", portal.nqn.as_ref());
    match controller {
        Some(controller) => connect_options(command, &controller.options),
        None => command,
    }
}

/// Options under the names that nvme-cli 2 gives them. Secrets are for nobody
/// to see in a list of processes: nvme-cli reads them from config.json.
fn connect_options(command: Words, options: &ConnectOptions) -> Words {
    let mut command = command;
    for option in CONNECT_OPTIONS.iter().filter(|o| !o.is_secret()) {
        command = match option.value(options) {
            Some(value) if value.is_empty() => command.and(option.long),
            value => command.option(option.long, value),
        };
    }
    command
}

#[cfg(test)]
mod tests;
