//! A profile, and what it says of itself.

use nvmeroot_plan::{MacAddress, Origin};

use crate::native::ini::{Entry, Section};
use crate::native::{Card, Wanted};

/// A profile.
pub(super) struct Profile {
    pub(super) sections: Vec<Section>,
    pub(super) path: String,
}

impl Profile {
    pub(super) fn section(&self, names: &[&str]) -> Option<&Section> {
        let mut all = self.sections.iter();
        all.find(|section| names.contains(&section.name.as_str()))
    }

    pub(super) fn entries(&self, section: &str) -> &[Entry] {
        let section = self.section(&[section]);
        section.map_or(&[], |section| section.entries.as_slice())
    }

    pub(super) fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.section(&[section])?.get(key)
    }

    pub(super) fn kind(&self) -> &str {
        self.get("connection", "type").unwrap_or_default()
    }

    pub(super) fn is_wired(&self) -> bool {
        matches!(self.kind(), "ethernet" | "802-3-ethernet")
    }

    pub(super) fn wired(&self) -> Option<&Section> {
        self.section(&["ethernet", "802-3-ethernet"])
    }

    /// The name of the interface that it is for; some kinds have it in their own group.
    pub(super) fn name(&self) -> Option<&str> {
        let own = self.get("connection", "interface-name");
        own.or_else(|| self.get(self.kind(), "interface-name"))
    }

    pub(super) fn priority(&self) -> i64 {
        let said = self.get("connection", "autoconnect-priority");
        said.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    pub(super) fn wanted(&self) -> Wanted {
        let mac = self.wired().and_then(|section| section.get("mac-address"));
        let name = self.name().map(|name| vec![name.to_owned()]);
        Wanted {
            names: name.unwrap_or_else(|| self.patterns("interface-name")),
            macs: mac.and_then(mac_address).into_iter().collect(),
            drivers: self.patterns("driver"),
        }
    }

    /// Shell patterns of the group `match`.
    pub(super) fn patterns(&self, key: &str) -> Vec<String> {
        let said = self.get("match", key).unwrap_or_default();
        let all = said.split(';').map(str::trim);
        all.filter(|one| !one.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// What of `match` says which cards the profile is for, and is not looked at.
    pub(super) fn unfollowed(&self) -> Option<&Entry> {
        let group = self.section(&["match"])?;
        let mut said = group.entries.iter().filter(|entry| !entry.value.is_empty());
        said.find(|entry| match entry.key.as_str() {
            "interface-name" | "driver" => entry.value.contains(['!', '&', '|', '\\']),
            _ => true,
        })
    }

    /// It is kept away from that card.
    pub(super) fn denies(&self, card: &Card) -> bool {
        let said = self.denied().map_or("", |entry| entry.value.as_str());
        let mut denied = said
            .split([';', ','])
            .filter_map(|one| one.trim().parse().ok());
        denied.any(|mac| card.mac == Some(mac))
    }

    pub(super) fn denied(&self) -> Option<&Entry> {
        let section = self.wired()?;
        let keys = ["mac-address-denylist", "mac-address-blacklist"];
        let mut said = keys.into_iter().filter_map(|key| section.entry(key));
        said.find(|entry| !entry.value.is_empty())
    }

    pub(super) fn origin(&self) -> Origin {
        let connection = self.section(&["connection"]);
        connection.map_or_else(
            || Origin::whole(self.path.as_str()),
            |section| section.origin.clone(),
        )
    }

    /// What the profile is a port of.
    pub(super) fn controller(&self) -> Option<&Entry> {
        let connection = self.section(&["connection"])?;
        let entry = connection
            .entry("controller")
            .or_else(|| connection.entry("master"))?;
        Some(entry).filter(|entry| !entry.value.is_empty())
    }
}

pub(super) fn mac_address(text: &str) -> Option<MacAddress> {
    // Older files have decimal bytes with semicolons.
    let Some(decimal) = text.contains(';').then(|| text.trim_end_matches(';')) else {
        return text.parse().ok();
    };
    let bytes: Result<Vec<u8>, _> = decimal.split(';').map(str::parse).collect();
    Some(MacAddress::new(bytes.ok()?.try_into().ok()?))
}
