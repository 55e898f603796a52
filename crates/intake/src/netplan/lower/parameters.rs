//! Parameters of bonds and bridges, with netplan's defaults and units.
//!
//! netplan hands to networkd what is not 0, and networkd to the kernel what
//! the mode takes; where the kernel would refuse to create the link, it is
//! said here.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use nvmeroot_plan::{
    ArpTargets, Bond, BondMode, Bridge, Centiseconds, DefinitionId, InterfaceDiagnostic, Severity,
    Warning,
};

use super::references::References;
use crate::diagnostic::Excerpt;
use crate::netplan::findings::Findings;
use crate::netplan::read;
use crate::netplan::value::{Entry, Map, Value};
use crate::yaml::KeyPath;

/// The modes that know a primary member.
const WITH_PRIMARY: &[BondMode] = &[
    BondMode::ActiveBackup,
    BondMode::BalanceTlb,
    BondMode::BalanceAlb,
];

/// The modes in which the members' links are watched by ARP.
const WITH_ARP: &[BondMode] = &[
    BondMode::BalanceRr,
    BondMode::ActiveBackup,
    BondMode::BalanceXor,
    BondMode::Broadcast,
];

/// The mapping `parameters` while it is read.
pub(super) struct Parameters<'a, 'd> {
    map: &'a Map<'d>,
    path: &'a KeyPath<'a>,
    diagnostics: &'a mut Vec<InterfaceDiagnostic>,
}

impl<'a, 'd> Parameters<'a, 'd> {
    pub(super) fn new(
        map: &'a Map<'d>,
        path: &'a KeyPath<'a>,
        diagnostics: &'a mut Vec<InterfaceDiagnostic>,
    ) -> Self {
        Self {
            map,
            path,
            diagnostics,
        }
    }

    /// Those of the bond with that id.
    pub(super) fn bond(
        mut self,
        id: &'d str,
        bond: &mut Bond,
        references: &mut References<'d>,
        findings: &mut Findings<'d>,
    ) {
        let p = &mut bond.parameters;
        p.mode = self.mode();
        p.mii_monitor_interval = self.time("mii-monitor-interval", 1_000, 1_000);
        p.arp_interval = self.time("arp-interval", 1_000, 1_000);
        p.up_delay = self.time("up-delay", 1_000, 1_000);
        p.down_delay = self.time("down-delay", 1_000, 1_000);
        p.learn_packet_interval = self.time("learn-packet-interval", 1_000_000, 1_000_000);
        p.lacp_rate = self.word(&["lacp-rate"]);
        p.transmit_hash_policy = self.word(&["transmit-hash-policy"]);
        p.ad_select = self.word(&["ad-select"]);
        p.arp_validate = self.word(&["arp-validate"]);
        p.arp_all_targets = self.word(&["arp-all-targets"]);
        p.fail_over_mac_policy = self.word(&["fail-over-mac-policy"]);
        p.primary_reselect_policy = self.word(&["primary-reselect-policy"]);
        p.min_links = self.number(&["min-links"]);
        p.gratuitous_arp = self.number(&["gratuitous-arp", "gratuitious-arp"]);
        p.packets_per_member = self.number(&["packets-per-member", "packets-per-slave"]);
        p.resend_igmp = self.number(&["resend-igmp"]);
        p.all_members_active = self
            .last(&["all-members-active", "all-slaves-active"])
            .and_then(|(_, text)| read::boolean(text));
        p.arp_ip_targets = self.arp_targets();
        if let Some(value) = self.map.get("primary") {
            let path = self.path.key("primary");
            bond.primary = references.primary(id, value, &path, findings);
            if let Some(primary) = &bond.primary {
                self.note_stranger("primary", primary, &bond.members);
            }
        }
        self.fit(bond);
    }

    /// Leaves out what the mode does not know.
    fn fit(&mut self, bond: &mut Bond) {
        let p = &mut bond.parameters;
        let mode = p.mode.unwrap_or(BondMode::BalanceRr);
        self.only("lacp-rate", &[BondMode::Lacp], mode, &mut p.lacp_rate);
        self.only("ad-select", &[BondMode::Lacp], mode, &mut p.ad_select);
        let packets = &mut p.packets_per_member;
        self.only("packets-per-member", &[BondMode::BalanceRr], mode, packets);
        self.only("packets-per-slave", &[BondMode::BalanceRr], mode, packets);
        let fail_over = &mut p.fail_over_mac_policy;
        self.only(
            "fail-over-mac-policy",
            &[BondMode::ActiveBackup],
            mode,
            fail_over,
        );
        let reselect = &mut p.primary_reselect_policy;
        self.only("primary-reselect-policy", WITH_PRIMARY, mode, reselect);
        self.only("primary", WITH_PRIMARY, mode, &mut bond.primary);
        self.only("arp-interval", WITH_ARP, mode, &mut p.arp_interval);
        self.only("arp-validate", WITH_ARP, mode, &mut p.arp_validate);
        if p.mii_monitor_interval.is_none() {
            self.without_monitor("up-delay", &mut p.up_delay);
            self.without_monitor("down-delay", &mut p.down_delay);
        } else if p.arp_interval.is_some()
            && let Some(entry) = self.map.entry("arp-interval")
        {
            let message = "the members' links are watched either by ARP or by their carrier, and `mii-monitor-interval` is there too";
            let warning = self.at(entry, message).with_hint("remove one of the two");
            self.diagnose(Severity::Refusal, warning);
        }
    }

    fn only<T>(&mut self, key: &str, modes: &[BondMode], mode: BondMode, value: &mut Option<T>) {
        if modes.contains(&mode) {
            return;
        }
        if let Some(entry) = self.map.entry(key) {
            let message = format!("a bond in mode `{mode}` knows no `{key}`");
            self.diagnose(Severity::Note, self.at(entry, message));
        }
        *value = None;
    }

    fn without_monitor<T>(&mut self, key: &str, value: &mut Option<T>) {
        if value.take().is_some()
            && let Some(entry) = self.map.entry(key)
        {
            let message = format!("without `mii-monitor-interval` there is no `{key}`");
            self.diagnose(Severity::Note, self.at(entry, message));
        }
    }

    fn mode(&mut self) -> Option<BondMode> {
        let (entry, text) = self.last(&["mode"])?;
        let mode = text.parse().ok();
        if mode.is_none() {
            // The schema lets only Open vSwitch's own come here.
            let message = format!(
                "`{}` is a mode of Open vSwitch's, which does not run in the initramfs",
                Excerpt(text)
            );
            let warning = self
                .at(entry, message)
                .with_hint("`802.3ad` and `balance-xor` are the kernel's own modes nearest to it");
            self.diagnose(Severity::Refusal, warning);
        }
        mode
    }

    fn arp_targets(&mut self) -> ArpTargets {
        let Some(Value::List(list)) = self.map.get("arp-ip-targets") else {
            return ArpTargets::default();
        };
        let texts = list.items.iter().filter_map(|item| item.node.text());
        let mut targets: Vec<std::net::Ipv4Addr> = Vec::new();
        for target in texts.filter_map(|text| text.parse().ok()) {
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        match ArpTargets::try_from(targets) {
            Ok(targets) => targets,
            Err(why) => {
                self.doubt("arp-ip-targets", &why, None);
                ArpTargets::default()
            }
        }
    }

    pub(super) fn bridge(mut self, bridge: &mut Bridge, references: &mut References<'d>) {
        const SECOND: u64 = 1_000_000;
        // networkd says nothing of a delay of 0, but does of an age.
        bridge.parameters.ageing_time = self
            .any_time(&["ageing-time", "aging-time"], SECOND, 10_000)
            .and_then(|(_, time)| Centiseconds::try_from(time).ok());
        let p = &mut bridge.parameters;
        p.priority = self.number(&["priority"]);
        if let Some(stp) = self.map.boolean("stp") {
            p.stp = Some(stp);
        }
        p.hello_time = self.time("hello-time", SECOND, 10_000);
        p.max_age = self.time("max-age", SECOND, 10_000);
        // Without the protocol none at all is a delay too.
        let stp = p.stp != Some(false);
        p.forward_delay = self
            .any_time(&["forward-delay"], SECOND, 10_000)
            .filter(|(_, time)| *time > 0 || !stp)
            .and_then(|(_, time)| Centiseconds::try_from(time).ok());
        self.within("hello-time", 1, 10, &mut p.hello_time);
        self.within("max-age", 6, 40, &mut p.max_age);
        if p.stp == Some(true) {
            self.within("forward-delay", 2, 30, &mut p.forward_delay);
        }
        bridge.path_cost = self.of_ports("path-cost", references);
        bridge.port_priority = self.of_ports("port-priority", references);
        for port in bridge.path_cost.keys() {
            self.note_stranger("path-cost", port, &bridge.members);
        }
        for port in bridge.port_priority.keys() {
            self.note_stranger("port-priority", port, &bridge.members);
        }
    }

    /// The kernel creates no bridge with a time outside of its bounds
    /// (`BR_MIN_…`, `BR_MAX_…` in net/bridge/br_private.h), seconds here.
    fn within(&mut self, key: &str, min: u64, max: u64, time: &mut Option<Centiseconds>) {
        let fits = |time: Centiseconds| (min * 100..=max * 100).contains(&u64::from(time));
        if time.is_none_or(fits) {
            return;
        }
        *time = None;
        if let Some((entry, text)) = self.last(&[key]) {
            let message = format!("the kernel does not take `{}` for `{key}`", Excerpt(text));
            let hint = format!("write a time from {min} to {max} seconds");
            self.diagnose(Severity::Doubt, self.at(entry, message).with_hint(hint));
        }
    }

    /// A number per port; netplan says nothing of a 0.
    fn of_ports<T>(
        &mut self,
        key: &str,
        references: &mut References<'d>,
    ) -> BTreeMap<DefinitionId, T>
    where
        T: TryFrom<u64, Error: Display>,
    {
        let mut found = BTreeMap::new();
        let Some(Value::Map(ports)) = self.map.get(key) else {
            return found;
        };
        let path = self.path.key(key);
        for entry in ports.entries() {
            let own = path.key(entry.name());
            let id = references.one(&Value::of(entry.key), &own, true);
            let number = ports.text(entry.name()).and_then(read::number);
            let (Some(id), Some(number @ 1..)) = (id, number) else {
                continue;
            };
            match T::try_from(number) {
                Ok(number) => {
                    found.insert(id, number);
                }
                Err(why) => {
                    let warning = Warning::at(entry.key.origin(&own), why.to_string());
                    self.diagnose(Severity::Doubt, warning);
                }
            }
        }
        found
    }

    fn note_stranger(&mut self, key: &str, id: &DefinitionId, members: &[DefinitionId]) {
        if !members.contains(id)
            && let Some(entry) = self.map.entry(key)
        {
            let message = format!("`{key}` counts only of members, and `{id}` is none");
            self.diagnose(Severity::Note, self.at(entry, message));
        }
    }

    fn diagnose(&mut self, severity: Severity, warning: Warning) {
        self.diagnostics.push(severity.diagnostic(warning));
    }

    fn at(&self, entry: &Entry<'d>, message: impl Into<String>) -> Warning {
        Warning::at(entry.key.origin(&self.path.key(entry.name())), message)
    }

    fn doubt(&mut self, key: &str, why: &impl Display, hint: Option<&str>) {
        if let Some(entry) = self.map.entry(key) {
            let warning = self.at(entry, why.to_string());
            let warning = match hint {
                Some(hint) => warning.with_hint(hint),
                None => warning,
            };
            self.diagnose(Severity::Doubt, warning);
        }
    }

    /// Of several spellings of a key the last one counts.
    fn last(&self, keys: &[&str]) -> Option<(&'a Entry<'d>, &'d str)> {
        let entries = self.map.entries().filter(|e| keys.contains(&e.name()));
        let entry = entries.last()?;
        match &entry.value {
            Value::Scalar(scalar) => Some((entry, scalar.text())),
            _ => None,
        }
    }

    fn word<T: FromStr<Err: Display>>(&mut self, keys: &[&str]) -> Option<T> {
        let (entry, text) = self.last(keys)?;
        let parsed = text.parse::<T>();
        parsed
            .map_err(|why| self.doubt(entry.name(), &why, None))
            .ok()
    }

    /// A number that is not 0.
    fn number<T: TryFrom<u64>>(&mut self, keys: &[&str]) -> Option<T> {
        let (entry, text) = self.last(keys)?;
        let number = read::number(text).filter(|number| *number > 0)?;
        let fit = T::try_from(number).ok();
        if fit.is_none() {
            let most = u64::MAX >> (64 - 8 * size_of::<T>());
            let why = format!("`{number}` is more than the kernel takes");
            let hint = format!("write a number up to {most}");
            self.doubt(entry.name(), &why, Some(&hint));
        }
        fit
    }

    /// A time that is not 0: bare digits count `plain` microseconds each, the
    /// kernel's number `unit` microseconds.
    fn time<T>(&mut self, key: &'static str, plain: u64, unit: u64) -> Option<T>
    where
        T: TryFrom<u64, Error: Display>,
    {
        let (_, time) = self.any_time(&[key], plain, unit)?;
        if time == 0 {
            return None;
        }
        let fit = T::try_from(time);
        fit.map_err(|why| self.doubt(key, &why, None)).ok()
    }

    fn any_time(&mut self, keys: &[&str], plain: u64, unit: u64) -> Option<(&'a Entry<'d>, u64)> {
        let (entry, text) = self.last(keys)?;
        let Some(time) = read::time(text, plain) else {
            let why = format!("`{}` is no time", Excerpt(text));
            let hint = "write a number with its unit, such as `100ms` or `15s`";
            self.doubt(entry.name(), &why, Some(hint));
            return None;
        };
        Some((entry, time / unit))
    }
}
