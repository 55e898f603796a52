//! How a link comes by IPv6 addresses: settings by netlink and by sysctl
//! (Documentation/networking/ip-sysctl.rst).

use std::net::Ipv6Addr;

use nvmeroot_plan::{Ipv6AddressGeneration, Ipv6Settings};
use nvmeroot_record::StepKind;

use super::dhcp::Random;
use super::interface_task::InterfaceTask;
use super::machine_id::machine_id;
use crate::sys::netlink::{Link, LinkAddresses, failed, sysctl};
use crate::sys::paths::Paths;
use crate::task::Ended;

impl InterfaceTask<'_> {
    /// Sets how the link comes by IPv6 addresses.
    pub(super) fn ipv6(&mut self, link: &Link, settings: Ipv6Settings) -> Result<(), Ended> {
        let Ipv6Settings {
            mtu,
            no_link_local,
            accept_ra,
            ra_metric,
            address_generation,
            token,
            privacy,
        } = settings;
        if let Some(mtu) = mtu {
            self.sysctl(link, "mtu", &mtu.to_string())?;
        }
        if no_link_local {
            self.attempt(StepKind::Ipv6, "no link-local address", |netlink| {
                netlink.set_link_addresses(link, LinkAddresses::NoLinkLocal)
            })?;
        }
        if let Some(accept) = accept_ra {
            self.sysctl(link, "accept_ra", if accept { "1" } else { "0" })?;
        }
        // As the running system's network manager sets it, which then finds its
        // own.
        if let Some(metric) = ra_metric {
            self.network
                .try_ipv6(link, "ra_defrtr_metric", &metric.to_string());
        }
        match address_generation {
            // Without link-local addresses the others are of this kind too.
            Some(Ipv6AddressGeneration::Eui64) if !no_link_local => {
                self.attempt(StepKind::Ipv6, "eui64", |netlink| {
                    netlink.set_link_addresses(link, LinkAddresses::Eui64)
                })?;
            }
            // Setting the secret sets the kind.
            Some(Ipv6AddressGeneration::StablePrivacy) if !no_link_local => {
                let secret = secret(&self.context.paths).to_string();
                self.sysctl(link, "stable_secret", &secret)?;
            }
            Some(Ipv6AddressGeneration::StablePrivacy) => self.cannot(
                StepKind::Ipv6,
                "stable-privacy",
                "the kernel makes stable-privacy addresses only where it makes a link-local one",
            ),
            _ => {}
        }
        if let Some(token) = token {
            self.attempt(StepKind::Token, token.to_string(), |netlink| {
                netlink.set_token(link, token.address())
            })?;
        }
        if privacy {
            self.sysctl(link, "use_tempaddr", "2")?;
        }
        Ok(())
    }

    /// Sets a sysctl of IPv6 on the link. A secret does not get into the record.
    fn sysctl(&mut self, link: &Link, key: &str, value: &str) -> Result<(), Ended> {
        let detail = match key {
            "stable_secret" => key.to_owned(),
            _ => format!("{key} {value}"),
        };
        let paths = &self.context.paths;
        self.attempt(StepKind::Ipv6, detail, |_| {
            let what = || format!("can't set `{key}` of `{}`", link.name);
            sysctl::set_ipv6(paths, &link.name, key, value).map_err(failed(what))
        })
    }
}

/// What stable-privacy addresses are made of (RFC 7217): the same at every boot
/// of this machine. The running system has a secret of its own, and its
/// addresses are others.
fn secret(paths: &Paths) -> Ipv6Addr {
    let bits = match machine_id(paths) {
        Some(machine) => machine.derive(b"nvmeroot: IPv6 stable secret"),
        None => {
            let mut random = Random::from_system();
            u128::from(random.bits()) << 64 | u128::from(random.bits())
        }
    };
    Ipv6Addr::from_bits(bits)
}
