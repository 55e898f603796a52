//! The machine's identifier (machine-id(5)), and what is derived from it.

use std::fmt;
use std::hash::Hasher as _;
use std::str::FromStr;

use nvmeroot_plan::MacAddress;
use siphasher::sip::SipHasher24;

use crate::sys::paths::Paths;

/// The machine's identifier, where the root tree has one. In an initramfs that it runs
/// systemd makes one up at each boot (src/shared/machine-id-setup.c, `machine_id_setup`):
/// that one says nothing of the machine.
pub(super) fn machine_id(paths: &Paths) -> Option<MachineId> {
    if paths.initrd_release.exists() {
        return None;
    }
    std::fs::read_to_string(&paths.machine_id)
        .ok()?
        .parse()
        .ok()
}

/// What is wrong with a machine id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MachineIdError {
    /// The system has not been booted yet (`machine-id(5)`).
    #[error("the machine id is not initialized yet")]
    Uninitialized,
    /// Not 32 hexadecimal digits, or all zero.
    #[error("`{value}` is no machine id\nhint: `/etc/machine-id` holds 32 hexadecimal digits")]
    Malformed {
        /// The text.
        value: String,
    },
}

/// A machine id (`machine-id(5)`), 16 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MachineId([u8; 16]);

/// The machine id is meant to stay on the machine, so it isn't printed.
impl fmt::Debug for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MachineId(..)")
    }
}

/// The key of systemd-networkd's MAC addresses for the links that it makes.
const LINK_KEY: [u8; 16] = [
    0x52, 0xe1, 0x45, 0xbd, 0x00, 0x6f, 0x29, 0x96, 0x21, 0xc6, 0x30, 0x6d, 0x83, 0x71, 0x04, 0x48,
];

impl MachineId {
    /// The 16 bytes.
    pub fn octets(self) -> [u8; 16] {
        self.0
    }

    /// The MAC address that systemd-networkd gives a bond, bridge, dummy or VRF
    /// of that name on this machine (`MACAddress=` in systemd.netdev(5)).
    pub fn link_address(self, name: &str) -> MacAddress {
        let mut hasher = SipHasher24::new_with_key(&LINK_KEY);
        hasher.write(&self.0);
        hasher.write(name.as_bytes());
        let [first, b, c, d, e, f, ..] = hasher.finish().to_le_bytes();
        // Local, and no group's.
        MacAddress::new([first & 0xfe | 0x02, b, c, d, e, f])
    }

    /// 128 bits for one purpose, from which the id can't be told: SipHash with
    /// the id as the key.
    pub fn derive(self, purpose: &[u8]) -> u128 {
        let half = |number: u8| {
            let mut hasher = SipHasher24::new_with_key(&self.0);
            hasher.write(purpose);
            hasher.write(&[number]);
            u128::from(hasher.finish())
        };
        half(0) << 64 | half(1)
    }
}

impl FromStr for MachineId {
    type Err = MachineIdError;

    /// Reads the content of `/etc/machine-id`; a final newline is allowed.
    fn from_str(text: &str) -> Result<Self, MachineIdError> {
        let text = text.trim_end();
        if text.is_empty() || text == "uninitialized" {
            return Err(MachineIdError::Uninitialized);
        }
        let malformed = || MachineIdError::Malformed {
            value: text.chars().take(64).collect(),
        };
        // from_str_radix takes a sign, an id doesn't.
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(malformed());
        }
        match u128::from_str_radix(text, 16) {
            Ok(0) | Err(_) => Err(malformed()),
            Ok(id) => Ok(Self(id.to_be_bytes())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_the_addresses_that_networkd_gives_them() {
        // systemd 257, on a machine with this id.
        let machine: MachineId = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let of = |name| machine.link_address(name).to_string();
        assert_eq!(of("bond0"), "f2:c4:27:59:73:5b");
        assert_eq!(of("br0"), "52:9c:2f:97:80:e3");
        assert_eq!(of("dm0"), "d2:a2:56:fe:2c:18");
        assert_eq!(of("blue"), "e2:2f:b9:b6:9d:7d");
    }

    #[test]
    fn an_initramfs_has_none_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::under(root.path());
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let id = "0123456789abcdef0123456789abcdef";
        std::fs::write(&paths.machine_id, format!("{id}\n")).unwrap();
        assert_eq!(machine_id(&paths), id.parse().ok());
        std::fs::write(&paths.initrd_release, "NAME=dracut\n").unwrap();
        assert_eq!(machine_id(&paths), None, "systemd made it up");
    }

    #[test]
    fn machine_ids() {
        let parse = str::parse::<MachineId>;
        assert_eq!(parse(""), Err(MachineIdError::Uninitialized));
        assert_eq!(parse("uninitialized\n"), Err(MachineIdError::Uninitialized));
        for bad in [
            "00000000000000000000000000000000",
            "+102030405060708090a0b0c0d0e0f10",
            "0102",
        ] {
            assert_eq!(
                parse(bad),
                Err(MachineIdError::Malformed {
                    value: bad.to_owned()
                })
            );
        }
    }
}
