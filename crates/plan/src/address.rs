//! Addresses on an interface.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::Origin;
use crate::json::is_default;

/// An address with its prefix length, as an interface carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceAddress {
    /// Address and prefix length; the host part is kept.
    pub address: IpNet,
    /// IPv4 label (`ip-address(8)`, at most 15 bytes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The address is deprecated from the start (preferred lifetime 0): it
    /// receives, and is no source for new connections.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deprecated: bool,
    /// Where it was said; a step has its own.
    #[serde(skip)]
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

/// The JSON form of an interface's addresses: `addresses` holds each as the
/// text `A/N`; what else is said of some stands under `address_options`.
pub(crate) mod list {
    use ipnet::IpNet;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::InterfaceAddress;
    use crate::json::is_default;

    #[derive(Serialize, Deserialize)]
    struct Form {
        #[serde(default)]
        addresses: Vec<IpNet>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        address_options: Vec<Options>,
    }

    #[derive(Serialize, Deserialize)]
    struct Options {
        /// Place in `addresses`.
        index: usize,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        #[serde(default, skip_serializing_if = "is_default")]
        deprecated: bool,
    }

    pub(crate) fn serialize<S: Serializer>(
        list: &[InterfaceAddress],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let options = list.iter().enumerate();
        Form {
            addresses: list.iter().map(|one| one.address).collect(),
            address_options: options
                .filter(|(_, one)| one.label.is_some() || one.deprecated)
                .map(|(index, one)| Options {
                    index,
                    label: one.label.clone(),
                    deprecated: one.deprecated,
                })
                .collect(),
        }
        .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<InterfaceAddress>, D::Error> {
        let form = Form::deserialize(deserializer)?;
        let mut list: Vec<_> = form
            .addresses
            .into_iter()
            .map(InterfaceAddress::new)
            .collect();
        for options in form.address_options {
            let one = list.get_mut(options.index).ok_or_else(|| {
                let message = format!("`address_options` speaks of address {}", options.index);
                serde::de::Error::custom(message)
            })?;
            one.label = options.label;
            one.deprecated = options.deprecated;
        }
        Ok(list)
    }
}
