//! A controller as sysfs shows it (`nvme_dev_attrs` in the kernel's
//! drivers/nvme/host/sysfs.c).

use nvmeroot_plan::{
    ConnectOption, ConnectOptions, Controller, HostIdentity, NameError, NodeRole, Nqn, Origin,
    OtherRemote, Transport, Warning,
};

/// The files of one controller, without the line break at their ends; `None` where this
/// kernel has no such file.
#[derive(Clone, Debug, Default)]
pub struct NvmeController {
    /// The kernel's name: `nvme0`.
    pub name: String,
    /// `transport`: `tcp`, `pcie`, …
    pub transport: String,
    /// `address`: of a fabric `traddr=…,trsvcid=…,…`.
    pub address: String,
    /// `subsysnqn`.
    pub subsysnqn: String,
    /// `cntrltype`: `io`, `discovery`, …
    pub kind: Option<String>,
    /// `hostnqn`.
    pub hostnqn: Option<String>,
    /// `hostid`.
    pub hostid: Option<String>,
    /// `ctrl_loss_tmo`: seconds, or `off`.
    pub ctrl_loss_tmo: Option<String>,
    /// `reconnect_delay`: seconds.
    pub reconnect_delay: Option<String>,
    /// `fast_io_fail_tmo`: seconds, or `off`.
    pub fast_io_fail_tmo: Option<String>,
    /// `dhchap_secret`; `none` where there is none.
    pub dhchap_secret: Option<String>,
    /// `dhchap_ctrl_secret`; `none` where there is none.
    pub dhchap_ctrl_secret: Option<String>,
    /// `tls_key`: the key that is in use, where the connection is encrypted.
    pub tls_key: Option<String>,
    /// The names of the namespaces: block devices, and with multipath the hidden ones
    /// of this path (`nvme0c1n1`).
    pub namespaces: Vec<String>,
}

/// What the kernel takes where nothing is said (`NVMF_DEF_CTRL_LOSS_TMO` and
/// `NVMF_DEF_RECONNECT_DELAY` in its drivers/nvme/host/fabrics.h).
const DEFAULTS: [(&str, &str); 2] = [("ctrl_loss_tmo", "600"), ("reconnect_delay", "10")];

/// Where the kernel shows controllers, as origins have it.
pub const CONTROLLERS: &str = "/sys/class/nvme/";

impl NvmeController {
    pub(super) fn origin(&self) -> Origin {
        Origin::whole(format!("{CONTROLLERS}{}", self.name))
    }

    /// It gives no namespaces, only the log of who does.
    pub(super) fn is_discovery(&self) -> bool {
        self.kind.as_deref() == Some("discovery") || self.subsysnqn == Nqn::DISCOVERY
    }

    /// The names under which the block layer has its namespaces: with multipath the path
    /// `nvme0c1n2` belongs to `nvme0n2` (`nvme_mpath_alloc_disk` and
    /// `nvme_mpath_get_disk_name` in drivers/nvme/host/multipath.c).
    pub(super) fn disks(&self) -> impl Iterator<Item = String> {
        self.namespaces.iter().map(|name| {
            let parts = name.strip_prefix("nvme").and_then(|rest| {
                let (subsystem, rest) = rest.split_once('c')?;
                let (_, namespace) = rest.split_once('n')?;
                Some(format!("nvme{subsystem}n{namespace}"))
            });
            parts.unwrap_or_else(|| name.clone())
        })
    }

    /// What it is to the plan, and what of it can't be carried over.
    ///
    /// # Errors
    /// A value that is none.
    pub(super) fn role(&self) -> Result<(NodeRole, Vec<Warning>), Warning> {
        match self.transport.as_str() {
            "tcp" => self.by_tcp(),
            // An Apple controller is one in the machine, too.
            "pcie" | "apple-nvme" | "loop" => Ok((NodeRole::LocalController, Vec::new())),
            other => {
                let other = OtherRemote::NvmeOver(other.to_owned());
                Ok((NodeRole::OtherRemote(other), Vec::new()))
            }
        }
    }

    fn by_tcp(&self) -> Result<(NodeRole, Vec<Warning>), Warning> {
        let wrong = |error: NameError| Warning::at(self.origin(), error.to_string());
        let get = |wanted: &str| {
            let mut parts = self
                .address
                .split(',')
                .filter_map(|one| one.split_once('='));
            parts
                .find(|(key, _)| *key == wanted)
                .map(|(_, value)| value)
        };
        let traddr = get("traddr").unwrap_or_default();
        let traddr = without_zone(traddr).parse().map_err(|_| {
            let message = format!("`{}` has no address that can be read", self.name);
            Warning::at(self.origin(), message)
        })?;
        let trsvcid = get("trsvcid").unwrap_or("4420");
        let mut options = ConnectOptions::default();
        let mut warnings = Vec::new();
        for (name, value) in [
            ("host_traddr", get("host_traddr").map(without_zone)),
            ("host_iface", get("host_iface")),
            ("ctrl_loss_tmo", self.ctrl_loss_tmo.as_deref()),
            ("reconnect_delay", self.reconnect_delay.as_deref()),
            ("fast_io_fail_tmo", self.fast_io_fail_tmo.as_deref()),
            ("dhchap_secret", self.dhchap_secret.as_deref()),
            ("dhchap_ctrl_secret", self.dhchap_ctrl_secret.as_deref()),
        ] {
            let Some(value) = value.and_then(|value| said(name, value)) else {
                continue;
            };
            let option = ConnectOption::named(name);
            let set = option.map(|option| option.set(&mut options, value));
            if set.is_some_and(|set| set.is_err()) {
                let message = format!("`{name}` of `{}` can't be read", self.name);
                warnings.push(Warning::at(self.origin(), message));
            }
        }
        if self.tls_key.as_deref().is_some_and(|key| !key.is_empty()) {
            let message = format!(
                "`{}` is connected with TLS, which is not carried out yet",
                self.name
            );
            let hint = "let root's controller be reached without TLS";
            return Err(Warning::at(self.origin(), message).with_hint(hint));
        }
        let controller = Controller {
            transport: Transport::Tcp,
            traddr,
            trsvcid: trsvcid.parse().map_err(wrong)?,
            nqn: Some(self.subsysnqn.parse().map_err(wrong)?),
            options,
            origin: self.origin(),
        };
        Ok((NodeRole::Controller(Box::new(controller)), warnings))
    }

    /// Who the host is to it.
    pub(super) fn host(&self) -> Option<HostIdentity> {
        Some(HostIdentity {
            nqn: self.hostnqn.as_deref()?.parse().ok()?,
            id: self.hostid.as_deref()?.parse().ok()?,
        })
    }
}

/// The value, where it is not what the kernel has anyway.
fn said<'v>(name: &str, value: &'v str) -> Option<&'v str> {
    match value {
        "" | "none" => None,
        // The kernel's word for never. No limit is what it has for I/O anyway.
        "off" => (name == "ctrl_loss_tmo").then_some("-1"),
        _ if DEFAULTS.contains(&(name, value)) => None,
        _ => Some(value),
    }
}

/// libnvme adds the interface to a link-local address, and has it in `host_iface` too.
fn without_zone(address: &str) -> &str {
    address
        .split_once('%')
        .map_or(address, |(address, _)| address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";

    fn by_tcp(address: &str) -> NvmeController {
        NvmeController {
            name: "nvme1".to_owned(),
            transport: "tcp".to_owned(),
            address: address.to_owned(),
            subsysnqn: "nqn.2024-01.example:root".to_owned(),
            ..NvmeController::default()
        }
    }

    fn controller(files: &NvmeController) -> Controller {
        match files.role().expect("a controller") {
            (NodeRole::Controller(controller), warnings) if warnings.is_empty() => *controller,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_address_says_where_the_connection_goes_and_comes_from() {
        let files = by_tcp(
            "traddr=fe80::2%ens3,trsvcid=4420,host_traddr=fe80::1,host_iface=ens3,src_addr=fe80::1",
        );
        let one = controller(&files);
        assert_eq!(one.portal(), "[fe80::2]:4420");
        assert_eq!(
            one.nqn.map(String::from).as_deref(),
            Some("nqn.2024-01.example:root")
        );
        assert_eq!(one.options.host_iface, "ens3".parse().ok());
        assert_eq!(one.options.host_traddr, "fe80::1".parse().ok());
        assert_eq!(one.origin.to_string(), "/sys/class/nvme/nvme1");
    }

    #[test]
    fn what_the_kernel_has_anyway_is_not_said() {
        let mut files = by_tcp("traddr=10.0.0.1,trsvcid=4420");
        files.ctrl_loss_tmo = Some("600".to_owned());
        files.reconnect_delay = Some("10".to_owned());
        files.fast_io_fail_tmo = Some("off".to_owned());
        files.dhchap_secret = Some("none".to_owned());
        assert!(controller(&files).options.is_default());
        files.ctrl_loss_tmo = Some("off".to_owned());
        files.reconnect_delay = Some("2".to_owned());
        files.dhchap_secret = Some(SECRET.to_owned());
        let options = controller(&files).options;
        assert_eq!(options.ctrl_loss_tmo, Some(-1));
        assert_eq!(options.reconnect_delay, Some(2));
        assert_eq!(
            options
                .dhchap_secret
                .map(|s| s.expose().to_owned())
                .as_deref(),
            Some(SECRET)
        );
    }

    #[test]
    fn other_transports_are_local_or_another_s() {
        let role = |transport: &str| {
            let files = NvmeController {
                transport: transport.to_owned(),
                ..by_tcp("0000:00:03.0")
            };
            files.role().expect("a role").0
        };
        assert_eq!(role("pcie"), NodeRole::LocalController);
        let rdma = OtherRemote::NvmeOver("rdma".to_owned());
        assert_eq!(role("rdma"), NodeRole::OtherRemote(rdma));
    }

    #[test]
    fn tls_and_a_missing_address_are_refused() {
        let mut files = by_tcp("traddr=10.0.0.1,trsvcid=4420");
        files.tls_key = Some("1f2e3d4c".to_owned());
        let error = files.role().expect_err("TLS");
        assert_eq!(
            error.message,
            "`nvme1` is connected with TLS, which is not carried out yet"
        );
        let error = by_tcp("").role().expect_err("no address");
        assert_eq!(error.message, "`nvme1` has no address that can be read");
    }

    #[test]
    fn a_path_has_the_disk_of_its_subsystem() {
        let files = NvmeController {
            namespaces: ["nvme0n1", "nvme3c1n12"].map(str::to_owned).to_vec(),
            ..by_tcp("")
        };
        let disks: Vec<String> = files.disks().collect();
        assert_eq!(disks, ["nvme0n1", "nvme3n12"]);
    }
}
