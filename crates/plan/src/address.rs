//! Addresses on an interface.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::Origin;

/// An address with its prefix length, as an interface carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// Address and prefix length; the host part is kept.
    pub address: IpNet,
    /// IPv4 label (`ip-address(8)`, at most 15 bytes).
    pub label: Option<String>,
    /// The address is deprecated from the start (preferred lifetime 0): it
    /// receives, and is no source for new connections.
    pub deprecated: bool,
    /// Where it was said.
    pub origin: Option<Origin>,
}

impl InterfaceAddress {
    /// A plain address.
    pub fn new(address: IpNet) -> Self {
        Self {
            address,
            label: None,
            deprecated: false,
            origin: None,
        }
    }
}

/// In JSON an address is the text `A/N`; what else is said of it makes it an
/// object with that text under `address`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Plain(IpNet),
    Full {
        address: IpNet,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        #[serde(default, skip_serializing_if = "crate::nvme::is_false")]
        deprecated: bool,
    },
}

impl Serialize for InterfaceAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.label.is_none() && !self.deprecated {
            Form::Plain(self.address).serialize(serializer)
        } else {
            Form::Full {
                address: self.address,
                label: self.label.clone(),
                deprecated: self.deprecated,
            }
            .serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for InterfaceAddress {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Form::deserialize(deserializer)? {
            Form::Plain(address) => Self::new(address),
            Form::Full {
                address,
                label,
                deprecated,
            } => Self {
                address,
                label,
                deprecated,
                origin: None,
            },
        })
    }
}
