//! Who we are to a DHCP server.
//!
//! A server gives the same address to the same identity. The running system's
//! client (systemd-networkd) asks again after switch-root; were we somebody
//! else to the server, root's address would change when our lease ends. So the
//! identity is formed as systemd-networkd forms it (`src/libsystemd-network/
//! dhcp-identifier.c`, `DUIDType=vendor` and `ClientIdentifier=duid`, both its
//! defaults):
//!
//! - DUID-EN (RFC 8415, section 11.3) with systemd's enterprise number 43793
//!   and a hash of the machine id;
//! - IAID: a hash of the name that udev would give the card, or of its MAC
//!   address where udev has no name for it (virtual links, containers);
//! - DHCPv4 client identifier: `0xff`, IAID, DUID (RFC 4361).
//!
//! Without a machine id (an image whose `/etc/machine-id` is empty or says
//! `uninitialized` gets one only in the running system) nobody can know what
//! networkd will say. Then DHCPv4 sends no client identifier: a server that
//! finds a lease by hardware address alone lets the same card take it over
//! under an identifier later. DHCPv6 has no such way; DUID-LL (type 3) stands
//! in, and the running system may get another address.

use std::fmt;
use std::hash::Hasher as _;

use nvmeroot_plan::MacAddress;
use siphasher::sip::SipHasher24;

use crate::net::machine_id::MachineId;

/// The key of systemd's hashes of machine id and interface name.
const HASH_KEY: [u8; 16] = [
    0x80, 0x11, 0x8c, 0xc2, 0xfe, 0x4a, 0x03, 0xee, 0x3e, 0xd6, 0x0c, 0x6f, 0x36, 0x39, 0x14, 0x09,
];
/// systemd's private enterprise number.
const SYSTEMD_ENTERPRISE: u32 = 43793;
/// The hardware type Ethernet (RFC 826).
const ETHERNET: u16 = 1;

fn siphash24(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new_with_key(&HASH_KEY);
    hasher.write(bytes);
    hasher.finish()
}

/// A DHCP unique identifier (RFC 8415, section 11), type included.
#[derive(Clone, PartialEq, Eq)]
pub struct Duid(Vec<u8>);

impl Duid {
    /// DUID-EN as systemd forms it.
    pub fn systemd(machine: MachineId) -> Self {
        let mut bytes = vec![0, 2];
        bytes.extend(SYSTEMD_ENTERPRISE.to_be_bytes());
        bytes.extend(siphash24(&machine.octets()).to_le_bytes());
        Self(bytes)
    }

    /// DUID-LL (RFC 8415, section 11.4) of an Ethernet card.
    pub fn link_layer(mac: MacAddress) -> Self {
        let mut bytes = vec![0, 3];
        bytes.extend(ETHERNET.to_be_bytes());
        bytes.extend(mac.octets());
        Self(bytes)
    }

    /// As it stands in packets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Identity association identifier (RFC 8415, section 12), as in packets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Iaid(pub [u8; 4]);

impl Iaid {
    /// Of a card that udev names.
    pub fn of_name(name: &str) -> Self {
        Self::fold(siphash24(name.as_bytes()))
    }

    /// Of a link that udev has no name for.
    pub fn of_mac(mac: MacAddress) -> Self {
        Self::fold(siphash24(&mac.octets()))
    }

    fn fold(hash: u64) -> Self {
        let [low, high] = [hash & 0xffff_ffff, hash >> 32];
        // Both fit 32 bits.
        Self(((low ^ high) as u32).to_be_bytes())
    }
}

/// A DHCPv4 client identifier (option 61).
#[derive(Clone, PartialEq, Eq)]
pub struct ClientId(Vec<u8>);

impl ClientId {
    /// By IAID and DUID (RFC 4361).
    pub fn of_duid(iaid: Iaid, duid: &Duid) -> Self {
        let mut bytes = vec![0xff];
        bytes.extend(iaid.0);
        bytes.extend(duid.as_bytes());
        Self(bytes)
    }

    /// By hardware type and address (RFC 2132, section 9.14).
    pub fn of_mac(mac: MacAddress) -> Self {
        let mut bytes = vec![1];
        bytes.extend(mac.octets());
        Self(bytes)
    }

    /// The option's value.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Shows bytes as DHCP servers note them.
macro_rules! shown_in_hex {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for (at, byte) in self.0.iter().enumerate() {
                    let colon = if at == 0 { "" } else { ":" };
                    write!(f, "{colon}{byte:02x}")?;
                }
                Ok(())
            }
        }
    )+};
}
shown_in_hex!(Duid, Iaid, ClientId);

/// A link's identity to DHCP servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// DHCPv4 client identifier; `None`: identified by the hardware address.
    pub client_id: Option<ClientId>,
    /// DHCPv6 client identifier.
    pub duid: Duid,
    /// IAID of the link's addresses.
    pub iaid: Iaid,
}

impl Identity {
    /// The identity that the running system will have on a link.
    ///
    /// `machine`: the root tree's machine id, where it has one.
    /// `udev_name`: what [`udev_name`] finds for the link.
    /// `mac`: the link's present address. `by_mac`: netplan's
    /// `dhcp-identifier: mac`, which concerns DHCPv4 only.
    pub fn new(
        machine: Option<MachineId>,
        udev_name: Option<&str>,
        mac: MacAddress,
        by_mac: bool,
    ) -> Self {
        let iaid = udev_name.map_or_else(|| Iaid::of_mac(mac), Iaid::of_name);
        let duid = machine.map_or_else(|| Duid::link_layer(mac), Duid::systemd);
        let client_id = match (by_mac, machine) {
            (true, _) => Some(ClientId::of_mac(mac)),
            (false, Some(_)) => Some(ClientId::of_duid(iaid, &duid)),
            (false, None) => None,
        };
        Self {
            client_id,
            duid,
            iaid,
        }
    }

    /// The same, but to DHCPv6 servers DUID-LL and the given IAID: systemd's
    /// `DUIDType=link-layer` and `IAID=` in `[DHCPv6]` (systemd.network(5)).
    #[must_use]
    pub fn by_link_layer(self, mac: MacAddress, iaid: u32) -> Self {
        Self {
            duid: Duid::link_layer(mac),
            iaid: Iaid(iaid.to_be_bytes()),
            ..self
        }
    }
}

/// The name that systemd hashes into the IAID: the first of the names that
/// udev's `net_id` found. `record` is the text of udev's database for the
/// link, `/run/udev/data/n<ifindex>`.
pub fn udev_name(record: &str) -> Option<&str> {
    [
        "E:ID_NET_NAME_ONBOARD=",
        "E:ID_NET_NAME_SLOT=",
        "E:ID_NET_NAME_PATH=",
        "E:ID_NET_NAME_MAC=",
    ]
    .into_iter()
    .find_map(|key| record.lines().find_map(|line| line.strip_prefix(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddress = MacAddress::new([0x41, 0x42, 0x43, 0x31, 0x32, 0x33]);

    fn machine() -> MachineId {
        "0102030405060708090a0b0c0d0e0f10\n".parse().unwrap()
    }

    #[test]
    fn iaid_of_a_mac_is_systemds() {
        // systemd's own test-dhcp-client.c: 0x8dde4ba8 in little endian.
        assert_eq!(Iaid::of_mac(MAC).0, [0xa8, 0x4b, 0xde, 0x8d]);
    }

    #[test]
    fn networkd_says_the_same() {
        // What dnsmasq noted of a systemd-networkd 252 with this machine id
        // on a link with this MAC address: first without udev, then with
        // `E:ID_NET_NAME_SLOT=ens3` in udev's database.
        let mac = MacAddress::new([2, 0, 0, 0, 0, 7]);
        for (name, id) in [
            (
                None,
                "ff:27:a6:8c:8d:00:02:00:00:ab:11:61:77:40:de:13:42:c3:a2",
            ),
            (
                Some("ens3"),
                "ff:b5:5e:67:ff:00:02:00:00:ab:11:61:77:40:de:13:42:c3:a2",
            ),
        ] {
            let identity = Identity::new(Some(machine()), name, mac, false);
            assert_eq!(format!("{:?}", identity.client_id.unwrap()), id);
            assert_eq!(format!("{:?}", identity.duid), id[15..]);
        }
    }

    #[test]
    fn client_id_has_iaid_and_duid() {
        let identity = Identity::new(Some(machine()), None, MAC, false);
        let id = identity.client_id.unwrap();
        assert_eq!(id.as_bytes().len(), 19);
        assert_eq!(
            id.as_bytes()[..11],
            [0xff, 0xa8, 0x4b, 0xde, 0x8d, 0, 2, 0, 0, 0xab, 0x11]
        );
        assert_eq!(id.as_bytes()[5..], *identity.duid.as_bytes());
    }

    #[test]
    fn mac_identifier_and_fallbacks() {
        let by_mac = Identity::new(Some(machine()), Some("ens3"), MAC, true);
        assert_eq!(
            format!("{:?}", by_mac.client_id.unwrap()),
            "01:41:42:43:31:32:33"
        );
        assert_eq!(by_mac.iaid, Iaid::of_name("ens3"));
        let unknown = Identity::new(None, None, MAC, false);
        assert_eq!(unknown.client_id, None);
        assert_eq!(
            format!("{:?}", unknown.duid),
            "00:03:00:01:41:42:43:31:32:33"
        );
    }

    #[test]
    fn a_link_layer_identity_is_dhcpv6s_alone() {
        let usual = Identity::new(Some(machine()), Some("ens3"), MAC, false);
        let given = usual.clone().by_link_layer(MAC, 1);
        assert_eq!(given.client_id, usual.client_id);
        assert_eq!(format!("{:?}", given.duid), "00:03:00:01:41:42:43:31:32:33");
        assert_eq!(given.iaid.0, [0, 0, 0, 1]);
    }

    #[test]
    fn udev_names_in_systemds_order() {
        let record = "I:123\nE:ID_NET_NAME_MAC=enx1\nE:ID_NET_NAME_PATH=enp0s3\nG:systemd\n";
        assert_eq!(udev_name(record), Some("enp0s3"));
        assert_eq!(
            udev_name(&format!("{record}E:ID_NET_NAME_SLOT=ens3\n")),
            Some("ens3")
        );
        assert_eq!(udev_name("I:1\nE:ID_NET_DRIVER=veth\n"), None);
    }
}
