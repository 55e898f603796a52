//! Routing rules (ip-rule(8)).

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nvmeroot_plan as plan;

use super::{Netlink, NetlinkError};

/// A rule to set, in one address family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRule {
    /// IPv6 rather than IPv4.
    pub ipv6: bool,
    /// Source network.
    pub from: Option<(IpAddr, u8)>,
    /// Destination network.
    pub to: Option<(IpAddr, u8)>,
    /// Table that is looked up; `None` is the main one.
    pub table: Option<u32>,
    /// Priority.
    pub priority: Option<u32>,
    /// Firewall mark.
    pub mark: Option<u32>,
    /// Type of service.
    pub type_of_service: Option<u8>,
}

impl From<&plan::Rule> for NewRule {
    fn from(rule: &plan::Rule) -> Self {
        let from = rule.from.map(|net| (net.network(), net.prefix_len()));
        let to = rule.to.map(|net| (net.network(), net.prefix_len()));
        Self {
            ipv6: from.or(to).is_some_and(|(a, _)| a.is_ipv6()),
            from,
            to,
            table: rule.table,
            priority: rule.priority,
            mark: rule.mark,
            type_of_service: rule.type_of_service,
        }
    }
}

impl Netlink {
    /// Sets a rule; one that is there already is no error.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn add_rule(&mut self, new: &NewRule) -> Result<(), NetlinkError> {
        let mut message = RuleMessage::default();
        let header = &mut message.header;
        header.family = if new.ipv6 {
            AddressFamily::Inet6
        } else {
            AddressFamily::Inet
        };
        header.action = RuleAction::ToTable;
        header.tos = new.type_of_service.unwrap_or(0);
        header.src_len = new.from.map_or(0, |(_, n)| n);
        header.dst_len = new.to.map_or(0, |(_, n)| n);
        let table = new.table.unwrap_or(254);
        header.table = u8::try_from(table).unwrap_or(0);
        let attributes = &mut message.attributes;
        attributes.push(RuleAttribute::Table(table));
        attributes.extend(new.from.map(|(a, _)| RuleAttribute::Source(a)));
        attributes.extend(new.to.map(|(a, _)| RuleAttribute::Destination(a)));
        attributes.extend(new.priority.map(RuleAttribute::Priority));
        attributes.extend(new.mark.map(RuleAttribute::FwMark));
        let added = self.change(
            RouteNetlinkMessage::NewRule(message),
            NLM_F_CREATE | NLM_F_EXCL,
            || format!("can't set the routing rule for table {table}"),
        );
        match added {
            Err(e) if e.errno() == Some(rustix::io::Errno::EXIST) => Ok(()),
            other => other,
        }
    }
}
