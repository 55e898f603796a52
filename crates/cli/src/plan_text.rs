//! The plan for people.

use std::fmt;

use crate::plan_path::{PathTree, place};
use crate::terminal::shown;
use crate::ways;

use nvmeroot_plan::{
    Action, BootPlan, Dhcp4, Dhcp6, Interface, Ipv6Settings, LinkKind, Match, NewLink, Reach, Step,
};

/// Shows a plan and the steps of a runtime.
pub(crate) struct PlanText<'a> {
    pub(crate) plan: &'a BootPlan,
    pub(crate) steps: &'a [Step],
}

impl fmt::Display for PlanText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan;
        writeln!(f, "reach: {}", plan.reach)?;
        for reason in &plan.reasons {
            let origin = reason.origin.as_ref();
            let place = origin.map_or_else(String::new, |one| format!(" ({})", place(one)));
            writeln!(f, "  {}{place}", reason.message)?;
        }
        writeln!(f, "  {}", consequence(plan.reach))?;
        write!(f, "{}", ways::lines(plan))?;
        if let Some(host) = &plan.host {
            writeln!(f, "\nhost\n  nqn {}\n  id  {}", host.nqn, host.id)?;
        }
        self.mounts(f)?;
        self.controllers(f)?;
        write!(f, "{}", PathTree::new(plan))?;
        if plan.reach != Reach::Local && !plan.network.interfaces.is_empty() {
            writeln!(f, "\nnetwork")?;
            for interface in &plan.network.interfaces {
                writeln!(f, "  {}", interface_text(interface))?;
            }
        }
        let steps = self.steps;
        if !steps.is_empty() {
            writeln!(f, "\nsteps at boot")?;
            let lines = steps.iter().map(|step| shown(&step_text(step)));
            let lines: Vec<String> = lines.collect();
            let width = lines.iter().map(|l| l.chars().count()).max().unwrap_or(0);
            for (n, (line, step)) in lines.iter().zip(steps).enumerate() {
                let place = place(&step.origin);
                writeln!(f, "  {:>2}. {line:width$}  {place}", n + 1)?;
            }
        }
        Ok(())
    }
}

impl PlanText<'_> {
    fn mounts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan;
        if plan.mounts.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nmounts")?;
        let width = plan
            .mounts
            .iter()
            .map(|m| m.path.as_str().chars().count())
            .max()
            .unwrap_or(0);
        for mount in &plan.mounts {
            let path = mount.path.as_str();
            let where_from = if mount.controllers.is_empty() {
                "local".to_owned()
            } else {
                let portals: Vec<String> = mount
                    .controllers
                    .iter()
                    .map(|c| plan.controllers[*c].portal())
                    .collect();
                format!("remote: {}", portals.join(", "))
            };
            let essential = if mount.essential { " (essential)" } else { "" };
            writeln!(f, "  {path:width$}  {where_from}{essential}")?;
        }
        Ok(())
    }

    fn controllers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan;
        if plan.controllers.is_empty() {
            return Ok(());
        }
        writeln!(f, "\ncontrollers")?;
        for (controller, path) in plan.controllers.iter().zip(&plan.paths) {
            writeln!(f, "  {} over {}", controller.portal(), controller.transport)?;
            if let Some(nqn) = &controller.nqn {
                writeln!(f, "    subsystem {nqn}")?;
            }
            if let Some(secret) = &controller.options.dhchap_secret {
                let both = match &controller.options.dhchap_ctrl_secret {
                    Some(_) => "both sides authenticate",
                    None => "the host authenticates",
                };
                writeln!(f, "    {both} by DH-HMAC-CHAP {secret}")?;
            }
            for lead in &path.interfaces {
                writeln!(f, "    through {}: {}", lead.interface, lead.why)?;
            }
            if path.interfaces.is_empty() {
                writeln!(f, "    no interface leads there")?;
            }
        }
        Ok(())
    }
}

fn consequence(reach: Reach) -> &'static str {
    match reach {
        Reach::Local => "nothing needs to be configured",
        Reach::Userspace => "the running system connects the controllers (nvme-stas)",
        Reach::Initramfs => "the initramfs brings the network up and connects the controllers",
        Reach::Firmware => {
            "the firmware connects first; its table (NBFT) says at each boot which network and drive it is"
        }
    }
}

fn interface_text(interface: &Interface) -> String {
    let kind = match &interface.kind {
        LinkKind::Ethernet => "ethernet",
        virtual_link => virtual_link.word().unwrap_or("other"),
    };
    let mut parts = vec![kind.to_owned()];
    parts.extend(interface.addresses.iter().map(|a| a.address.to_string()));
    parts.extend(interface.dhcp4.as_ref().map(|_| "DHCPv4".to_owned()));
    parts.extend(interface.dhcp6.as_ref().map(|_| "DHCPv6".to_owned()));
    for route in &interface.routes {
        parts.push(match route.via {
            Some(via) => format!("{} by {via}", route.to),
            None => format!("{} on the link", route.to),
        });
    }
    format!("{}  {}", interface.name, parts.join(", "))
}

fn step_text(step: &Step) -> String {
    match &step.action {
        Action::FindCard { interface, card } => {
            format!("find the card of {interface}{}", card_text(card))
        }
        Action::Rename { interface, card } => {
            format!("give the card{} the name {interface}", card_text(card))
        }
        Action::CreateLink { interface, link } => match link {
            NewLink::Vlan { id, parent } => {
                format!("create {interface}, VLAN {id} on {parent}")
            }
            NewLink::Bond(bond) => match bond.mode {
                Some(mode) => format!("create the bond {interface}, mode {mode}"),
                None => format!("create the bond {interface}"),
            },
            NewLink::Bridge(_) => format!("create the bridge {interface}"),
            NewLink::Vrf { table } => format!("create the VRF {interface}, table {table}"),
            NewLink::Dummy {} => format!("create the dummy device {interface}"),
            other => format!("create {interface}: {other:?}"),
        },
        Action::SetMac { interface, mac } => {
            format!("set the MAC address of {interface} to {mac}")
        }
        Action::SetOffloads { interface, .. } => format!("set the offloads of {interface}"),
        Action::SetMaster { interface, master } => {
            format!("make {interface} a member of {master}")
        }
        Action::SetBridgePort { interface, .. } => {
            format!("set the bridge port {interface}")
        }
        Action::SetBondPrimary { interface, primary } => {
            format!("make {primary} the primary member of {interface}")
        }
        Action::SetIpv6 {
            interface,
            settings,
        } => format!("set up IPv6 on {interface}{}", ipv6_text(settings)),
        Action::Ipv4LinkLocal { interface } => {
            format!("take an IPv4 link-local address on {interface}")
        }
        Action::AddRule { rule, .. } => {
            let mut which = String::new();
            for (word, net) in [("from", rule.from), ("to", rule.to)] {
                if let Some(net) = net {
                    which = format!("{which} {word} {net}");
                }
            }
            match rule.table {
                Some(table) => format!("add the rule{which}: table {table}"),
                None => format!("add the rule{which}: the main table"),
            }
        }
        Action::SetMtu { interface, mtu } => format!("set the MTU of {interface} to {mtu}"),
        Action::AddAddress { interface, address } => {
            format!("add the address {} to {interface}", address.address)
        }
        Action::Dhcp {
            interface,
            dhcp4,
            dhcp6,
            table,
        } => {
            let four = dhcp4.as_ref().map(dhcp4_text);
            let six = dhcp6.as_ref().map(dhcp6_text);
            let by: Vec<String> = four.into_iter().chain(six).collect();
            let table = table.map_or_else(String::new, |table| format!(" for table {table}"));
            let by = by.join(" and ");
            format!("ask for a lease on {interface} by {by}{table}")
        }
        Action::LinkUp { interface } => format!("bring {interface} up"),
        Action::AddRoute { interface, route } => match route.via {
            Some(via) => format!("add the route to {} by {via} on {interface}", route.to),
            None => format!("add the route to {} on {interface}", route.to),
        },
        Action::Connect { portal, .. } => match &portal.nqn {
            Some(nqn) => format!("connect {nqn} at {} port {}", portal.traddr, portal.trsvcid),
            None => format!(
                "connect all that {} port {} offers",
                portal.traddr, portal.trsvcid
            ),
        },
        other => format!("{other:?}"),
    }
}

/// ` with …`, as far as it says anything.
fn card_text(card: &Match) -> String {
    let mac = card.macaddress.map(|mac| format!("MAC address {mac}"));
    let name = card.name.as_ref().map(|name| format!("name {name}"));
    let driver = card.driver.join(" or ");
    let driver = (!driver.is_empty()).then(|| format!("driver {driver}"));
    after(" with ", [mac, name, driver], " and ")
}

/// What is not as usual.
fn dhcp4_text(client: &Dhcp4) -> String {
    let usual = Dhcp4::default();
    let mut words = without(&[
        (client.use_routes, "routes"),
        (client.use_mtu, "MTU"),
        (client.use_dns, "name servers"),
        (client.use_hostname, "host name"),
    ]);
    words.extend(client.use_domains.then(|| "with domains".to_owned()));
    if client.route_metric != usual.route_metric {
        words.push(format!("metric {}", client.route_metric));
    }
    match &client.hostname {
        _ if !client.send_hostname => words.push("sending no host name".to_owned()),
        Some(name) => words.push(format!("as host {name}")),
        None => {}
    }
    in_brackets("DHCPv4", &words)
}

fn dhcp6_text(client: &Dhcp6) -> String {
    let mut words = without(&[(client.use_dns, "name servers")]);
    words.extend(client.use_domains.then(|| "with domains".to_owned()));
    in_brackets("DHCPv6", &words)
}

/// `without …`, for what of an answer is not used.
fn without(used: &[(bool, &str)]) -> Vec<String> {
    let unused = used.iter().filter(|(used, _)| !used);
    unused.map(|(_, what)| format!("without {what}")).collect()
}

fn in_brackets(name: &str, words: &[String]) -> String {
    match words.is_empty() {
        true => name.to_owned(),
        false => format!("{name} ({})", words.join(", ")),
    }
}

/// What is not as usual.
fn ipv6_text(settings: &Ipv6Settings) -> String {
    let usual = Dhcp4::default().route_metric;
    let metric = settings.ra_metric.filter(|metric| *metric != usual);
    let words = [
        settings.mtu.map(|mtu| format!("MTU {mtu}")),
        settings
            .no_link_local
            .then(|| "no link-local address".to_owned()),
        metric.map(|metric| format!("routers' routes with metric {metric}")),
        settings.address_generation.map(|how| how.to_string()),
        settings.token.map(|token| format!("token {token}")),
        settings.privacy.then(|| "temporary addresses".to_owned()),
    ];
    after(": ", words, ", ")
}

/// The words after what leads to them; nothing where there are none.
fn after<const N: usize>(lead: &str, words: [Option<String>; N], between: &str) -> String {
    let words: Vec<String> = words.into_iter().flatten().collect();
    match words.is_empty() {
        true => String::new(),
        false => format!("{lead}{}", words.join(between)),
    }
}
