//! NetworkManager's key files (nm-settings-keyfile(5), nm-settings(5)).

mod ip;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use nvmeroot_plan::{BOOT_PROFILE, Fragment, MacAddress, Origin, Severity, Warning};

use crate::IntakeError;
use crate::native::ini::{self, Dialect, Entry, Section, is_true};
use crate::native::{Card, Files, Link, Network, Wanted, bond, bridge, vlan_filtering};

/// Where profiles lie, the strongest first (`nms_keyfile_plugin_init` in NetworkManager's
/// src/core/settings/plugins/keyfile/nms-keyfile-plugin.c).
pub const DIRECTORIES: [&str; 3] = [
    "etc/NetworkManager/system-connections",
    "run/NetworkManager/system-connections",
    "usr/lib/NetworkManager/system-connections",
];

/// No tree has more.
const MOST_PROFILES: usize = 1000;

/// A profile.
struct Profile {
    sections: Vec<Section>,
    path: String,
}

impl Profile {
    fn section(&self, names: &[&str]) -> Option<&Section> {
        let mut all = self.sections.iter();
        all.find(|section| names.contains(&section.name.as_str()))
    }

    fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.section(&[section])?.get(key)
    }

    fn kind(&self) -> &str {
        self.get("connection", "type").unwrap_or_default()
    }

    fn is_wired(&self) -> bool {
        matches!(self.kind(), "ethernet" | "802-3-ethernet")
    }

    fn wired(&self) -> Option<&Section> {
        self.section(&["ethernet", "802-3-ethernet"])
    }

    /// The name of the interface that it is for; some kinds have it in their own group.
    fn name(&self) -> Option<&str> {
        let own = self.get("connection", "interface-name");
        own.or_else(|| self.get(self.kind(), "interface-name"))
    }

    fn priority(&self) -> i64 {
        let said = self.get("connection", "autoconnect-priority");
        said.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    fn wanted(&self) -> Wanted {
        let mac = self.wired().and_then(|section| section.get("mac-address"));
        Wanted {
            names: self.name().map(str::to_owned).into_iter().collect(),
            macs: mac.and_then(mac_address).into_iter().collect(),
            drivers: Vec::new(),
        }
    }

    fn origin(&self) -> Origin {
        let connection = self.section(&["connection"]);
        connection.map_or_else(
            || Origin::whole(self.path.as_str()),
            |section| section.origin.clone(),
        )
    }
}

/// Reads the profiles that NetworkManager brings up by itself. `cards`: those that the
/// machine is known to have; a profile that names no card is for any of them. The texts
/// of the files come beside the fragment.
///
/// # Errors
/// What the kernel would not take.
pub fn read(
    files: &dyn Files,
    cards: &[Card],
) -> Result<(Fragment, BTreeMap<String, String>), IntakeError> {
    let mut texts = BTreeMap::new();
    let mut profiles = profiles(files, &mut texts);
    // The one that NetworkManager would take comes first.
    profiles.sort_by_key(|profile| -profile.priority());
    let names: BTreeMap<String, String> = profiles
        .iter()
        .filter_map(|profile| {
            let uuid = profile.get("connection", "uuid")?;
            Some((uuid.to_owned(), profile.name()?.to_owned()))
        })
        .collect();
    let mut network = Network::default();
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for profile in &profiles {
        for name in names_of(profile, cards, &taken) {
            if let Some(other) = taken.get(&name) {
                let message = format!("`{other}` is for `{name}` too, and comes first");
                let warning = Warning::at(profile.origin(), message).with_hint(
                    "set `autoconnect=false` in the one that is not to be used, or `autoconnect-priority`",
                );
                let link = network.link(&name, &profile.origin());
                link.say(Severity::Notice, warning);
                continue;
            }
            taken.insert(name.clone(), profile.path.clone());
            lower(&mut network, profile, &name, &names, cards.is_empty());
        }
    }
    Ok((network.finish()?, texts))
}

fn profiles(files: &dyn Files, texts: &mut BTreeMap<String, String>) -> Vec<Profile> {
    let mut found: Vec<Profile> = Vec::new();
    for directory in DIRECTORIES {
        for name in files.list(directory) {
            let is_profile = name.ends_with(".nmconnection") || directory.starts_with("etc/");
            // netplan makes those of its own files.
            let is_netplans = name.starts_with("netplan-");
            // Nor is what the boot has set up what is installed.
            let is_boots = directory.starts_with("run/") && name.starts_with(BOOT_PROFILE);
            if !is_profile || is_left_aside(&name) || is_netplans || is_boots {
                continue;
            }
            let path = format!("{directory}/{name}");
            let Some(bytes) = files.read(&path).filter(|_| found.len() < MOST_PROFILES) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let sections = ini::read(&path, &text, Dialect::KeyFile);
            let profile = Profile { sections, path };
            let uuid = profile.get("connection", "uuid");
            let is_hidden = found
                .iter()
                .any(|other| uuid.is_some() && other.get("connection", "uuid") == uuid);
            let is_off = matches!(
                profile.get("connection", "autoconnect"),
                Some("false" | "0")
            );
            // A port comes up with what holds it.
            let is_port = controller(&profile).is_some();
            if is_hidden || (is_off && !is_port) || profile.kind() == "loopback" {
                continue;
            }
            texts.insert(profile.path.clone(), text);
            found.push(profile);
        }
    }
    found
}

/// `nm_utils_file_is_in_path` aside: names that editors and packages leave
/// (`nm_keyfile_utils_ignore_filename` in src/libnm-core-impl/nm-keyfile-utils.c).
fn is_left_aside(name: &str) -> bool {
    let ends = [
        "~", ".bak", ".swp", ".swx", ".pem", ".der", ".rpmsave", ".rpmorig", ".rpmnew",
    ];
    name.starts_with('.') || ends.iter().any(|end| name.ends_with(end)) || name.contains(".dpkg-")
}

/// What the profile is a port of.
fn controller(profile: &Profile) -> Option<&Entry> {
    let connection = profile.section(&["connection"])?;
    let entry = connection
        .entry("controller")
        .or_else(|| connection.entry("master"))?;
    Some(entry).filter(|entry| !entry.value.is_empty())
}

/// The interfaces that a profile is for.
fn names_of(profile: &Profile, cards: &[Card], taken: &BTreeMap<String, String>) -> Vec<String> {
    let wanted = profile.wanted();
    if let Some(name) = wanted.name() {
        return vec![name.to_owned()];
    }
    let id = profile.get("connection", "id").unwrap_or(&profile.path);
    if !profile.is_wired() || cards.is_empty() {
        return vec![id.to_owned()];
    }
    let fits = cards.iter().filter(|card| wanted.fits(card));
    let free = fits.filter(|card| !taken.contains_key(&card.name));
    free.map(|card| card.name.clone()).collect()
}

fn lower(
    network: &mut Network,
    profile: &Profile,
    name: &str,
    names: &BTreeMap<String, String>,
    are_cards_unknown: bool,
) {
    let origin = profile.origin();
    let by_uuid = |value: &str| names.get(value).map_or(value, String::as_str).to_owned();
    network.link(name, &origin);
    match profile.kind() {
        "ethernet" | "802-3-ethernet" => {
            let link = network.link(name, &origin);
            if are_cards_unknown {
                matching(link, profile);
            }
        }
        "bond" => {
            let link = network.link(name, &origin);
            link.become_a("bonds");
            for entry in profile
                .section(&["bond"])
                .into_iter()
                .flat_map(|one| &one.entries)
            {
                if entry.key != "interface-name"
                    && !bond(link, &entry.key, &entry.value, &entry.origin)
                {
                    link.doubt(
                        &entry.origin,
                        format!("`{}` is no parameter of a bond", entry.key),
                    );
                }
            }
        }
        "bridge" => of_bridge(network.link(name, &origin), profile, &origin),
        "vlan" => {
            let id = profile.get("vlan", "id").unwrap_or_default();
            match profile.get("vlan", "parent").map(by_uuid) {
                Some(parent) => network.vlan(name, id, &parent, &origin),
                None => network
                    .link(name, &origin)
                    .refuse(&origin, "this VLAN has no `parent`"),
            }
        }
        "dummy" => network.link(name, &origin).become_a("dummy-devices"),
        other => network.link(name, &origin).become_foreign(other),
    }
    if let Some(entry) = controller(profile) {
        let connection = profile.section(&["connection"]);
        let kind =
            connection.and_then(|one| one.get("port-type").or_else(|| one.get("slave-type")));
        match kind {
            Some("bond") => network.hold(&by_uuid(&entry.value), "bonds", name, &entry.origin),
            Some("bridge") => network.hold(&by_uuid(&entry.value), "bridges", name, &entry.origin),
            _ => {
                let message = "the initramfs makes no port but of a bond or a bridge";
                network
                    .link(name, &entry.origin)
                    .refuse(&entry.origin, message);
            }
        }
        return;
    }
    let link = network.link(name, &origin);
    of_card(link, profile);
    if let Some(section) = profile.section(&["802-1x"]) {
        let message = "the initramfs proves nothing to a switch (802.1X)";
        link.refuse(&section.origin, message);
    }
    ip::read(
        link,
        profile.section(&["ipv4"]),
        profile.section(&["ipv6"]),
        &origin,
    );
}

/// What card it is, where nobody knows the names of the cards.
fn matching(link: &mut Link, profile: &Profile) {
    let wanted = profile.wanted();
    if wanted.name().is_some() && wanted.macs.is_empty() {
        return;
    }
    let origin = profile.origin();
    let words = link.words.map("match", &origin);
    if let Some(mac) = wanted.macs.first() {
        words.text("macaddress", &origin, mac.to_string());
    }
    let any = wanted.macs.is_empty().then_some("*");
    if let Some(name) = wanted.name().or(any) {
        words.text("name", &origin, name);
    }
}

fn of_card(link: &mut Link, profile: &Profile) {
    let Some(section) = profile.wired() else {
        return;
    };
    for entry in &section.entries {
        let (value, origin) = (entry.value.as_str(), &entry.origin);
        match entry.key.as_str() {
            "mtu" => match value.parse::<u16>() {
                Ok(0) => {}
                mtu => link.mtu(origin, mtu.ok()),
            },
            "cloned-mac-address" | "assigned-mac-address" => match (mac_address(value), value) {
                (Some(mac), _) => link.text("macaddress", origin, &mac.to_string()),
                (None, "" | "preserve" | "permanent") => {}
                (None, _) => {
                    link.refuse(
                        origin,
                        "the running system would change the address under the connection",
                    );
                }
            },
            // What it is known by, and what makes no difference.
            "mac-address"
            | "mac-address-blacklist"
            | "mac-address-denylist"
            | "auto-negotiate"
            | "wake-on-lan"
            | "duplex"
            | "speed"
            | "accept-all-mac-addresses" => {}
            key => link.not_carried_out(key, origin),
        }
    }
}

fn mac_address(text: &str) -> Option<MacAddress> {
    // Older files have decimal bytes with semicolons.
    let Some(decimal) = text.contains(';').then(|| text.trim_end_matches(';')) else {
        return text.parse().ok();
    };
    let bytes: Result<Vec<u8>, _> = decimal.split(';').map(str::parse).collect();
    Some(MacAddress::new(bytes.ok()?.try_into().ok()?))
}

fn of_bridge(link: &mut Link, profile: &Profile, origin: &Origin) {
    // On, unless it is off.
    bridge(link, "stp", "true", origin);
    let entries = profile
        .section(&["bridge"])
        .into_iter()
        .flat_map(|one| &one.entries);
    for entry in entries {
        let (value, at) = (entry.value.as_str(), &entry.origin);
        match entry.key.as_str() {
            "stp" => bridge(link, "stp", &is_true(value).to_string(), at),
            key @ ("priority" | "forward-delay" | "hello-time" | "max-age" | "ageing-time") => {
                match value.parse::<u32>() {
                    Ok(number) => bridge(link, key, &number.to_string(), at),
                    Err(_) => link.misfit(key, at),
                }
            }
            "vlan-filtering" if is_true(value) => vlan_filtering(link, at),
            "mac-address" => {
                if let Some(mac) = mac_address(value) {
                    link.text("macaddress", at, &mac.to_string());
                }
            }
            _ => {}
        }
    }
}
