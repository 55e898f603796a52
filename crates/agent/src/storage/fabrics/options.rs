//! The text that makes a controller: `KEY=VALUE,…`.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use nvmeroot_plan::{CONNECT_OPTIONS, ConnectOptions, HostIdentity, Nqn, Transport, inserted};

/// The options that this kernel knows, as reading `/dev/nvme-fabrics` lists
/// them (since Linux 5.17; before, the read fails).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supported(Option<BTreeSet<String>>);

impl Supported {
    /// From the text of `/dev/nvme-fabrics`.
    pub fn parse(text: &str) -> Self {
        let parts = text.trim().split(',').filter(|part| !part.is_empty());
        let names = parts
            .map(|part| part.split('=').next().unwrap_or(part).to_owned())
            // A file that holds a controller answers with these alone.
            .filter(|name| name != "instance" && name != "cntlid");
        let names: BTreeSet<String> = inserted(names);
        Self((!names.is_empty()).then_some(names))
    }

    /// A kernel that does not tell.
    pub fn unknown() -> Self {
        Self(None)
    }

    /// The kernel knows the option, which `is_in_every_kernel` with NVMe/TCP or not:
    /// one that does not tell is asked only for what all know.
    fn has(&self, name: &str, is_in_every_kernel: bool) -> bool {
        self.0
            .as_ref()
            .map_or(is_in_every_kernel, |names| names.contains(name))
    }
}

/// A controller to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The transport.
    pub transport: Transport,
    /// The portal.
    pub at: SocketAddr,
    /// The subsystem.
    pub nqn: &'a str,
    /// Who we are; without it the kernel makes up somebody.
    pub host: Option<&'a HostIdentity>,
    /// What the plan says of the connection.
    pub options: &'a ConnectOptions,
}

impl Request<'_> {
    /// The text to write, and the options left out because the kernel lacks
    /// them. The text may hold secrets: it is for the kernel alone.
    pub fn text(&self, supported: &Supported) -> (String, Vec<&'static str>) {
        let mut text = format!(
            "nqn={},transport={},traddr={},trsvcid={}",
            self.nqn,
            self.transport,
            self.at.ip(),
            self.at.port()
        );
        let mut left_out = Vec::new();
        let mut add = |name: &'static str, is_in_every_kernel, value: String| {
            if !supported.has(name, is_in_every_kernel) {
                left_out.push(name);
                return;
            }
            text.push(',');
            text.push_str(name);
            if !value.is_empty() {
                text.push('=');
                text.push_str(&value);
            }
        };
        if let Some(host) = self.host {
            add("hostnqn", true, host.nqn.to_string());
            add("hostid", true, host.id.to_string());
        }
        for option in CONNECT_OPTIONS {
            if self.nqn == Nqn::DISCOVERY && !option.concerns_discovery {
                continue;
            }
            if let Some(value) = option.value(self.options) {
                add(option.name, option.is_in_every_kernel, value);
            }
        }
        (text, left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Linux 6.12 answers; what newer kernels know of the table belongs here, too.
    const KERNEL_6_12: &str = "instance=-1,cntlid=-1,transport=%s,traddr=%s,trsvcid=%s,nqn=%s,queue_size=%d,nr_io_queues=%d,reconnect_delay=%d,ctrl_loss_tmo=%d,keep_alive_tmo=%d,hostnqn=%s,host_traddr=%s,host_iface=%s,hostid=%s,duplicate_connect,disable_sqflow,hdr_digest,data_digest,nr_write_queues=%d,nr_poll_queues=%d,tos=%d,fast_io_fail_tmo=%d,discovery,dhchap_secret=%s,dhchap_ctrl_secret=%s\n";

    fn identity() -> HostIdentity {
        HostIdentity {
            nqn: "nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d"
                .parse()
                .expect("an NQN"),
            id: "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d"
                .parse()
                .expect("an id"),
        }
    }

    fn request<'a>(
        nqn: &'a str,
        host: &'a HostIdentity,
        options: &'a ConnectOptions,
    ) -> Request<'a> {
        Request {
            transport: Transport::Tcp,
            at: SocketAddr::from(([192, 0, 2, 1], 4420)),
            nqn,
            host: Some(host),
            options,
        }
    }

    #[test]
    fn the_loss_timeout_is_the_plans() {
        let host = identity();
        // As the plan has it for root's controllers.
        let options = ConnectOptions {
            ctrl_loss_tmo: Some(-1),
            ..ConnectOptions::default()
        };
        let (text, left_out) =
            request("nqn.2024-01.a:b", &host, &options).text(&Supported::parse(KERNEL_6_12));
        assert_eq!(
            text,
            "nqn=nqn.2024-01.a:b,transport=tcp,traddr=192.0.2.1,trsvcid=4420,\
             hostnqn=nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d,\
             hostid=8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d,ctrl_loss_tmo=-1"
        );
        assert_eq!(left_out, Vec::<&str>::new());
    }

    #[test]
    fn options_of_the_plan_are_passed_on_and_unknown_ones_left_out() {
        let host = identity();
        let options = ConnectOptions {
            host_iface: Some("eth0".parse().expect("a name")),
            ctrl_loss_tmo: Some(900),
            reconnect_delay: Some(2),
            fast_io_fail_tmo: Some(5),
            nr_io_queues: Some(4),
            hdr_digest: true,
            ..ConnectOptions::default()
        };
        let one = request("nqn.2024-01.a:b", &host, &options);
        let (text, left_out) = one.text(&Supported::parse(KERNEL_6_12));
        assert!(text.ends_with(
            ",host_iface=eth0,nr_io_queues=4,reconnect_delay=2,ctrl_loss_tmo=900,fast_io_fail_tmo=5,hdr_digest"
        ), "{text}");
        assert_eq!(left_out, Vec::<&str>::new());

        let (text, left_out) = one.text(&Supported::unknown());
        assert!(
            !text.contains("host_iface") && !text.contains("fast_io_fail_tmo"),
            "{text}"
        );
        assert_eq!(left_out, ["host_iface", "fast_io_fail_tmo"]);
        let (_, left_out) = one.text(&Supported::parse(
            "instance=-1,cntlid=-1,transport=%s,ctrl_loss_tmo=%d",
        ));
        assert!(
            left_out.contains(&"hdr_digest") && left_out.contains(&"hostnqn"),
            "{left_out:?}"
        );
    }

    #[test]
    fn every_option_of_the_table_gets_to_the_kernel() {
        let host = identity();
        for option in CONNECT_OPTIONS {
            let mut options = ConnectOptions::default();
            let values = [
                "true",
                "7",
                "192.0.2.2",
                "eth0",
                "DHHC-1:00:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACtVQoZ:",
            ];
            let set = values.iter().any(|v| option.set(&mut options, v).is_ok());
            assert!(set, "{}", option.name);
            let value = option.value(&options).expect("it is set");
            let wanted = match value.as_str() {
                "" => format!(",{}", option.name),
                value => format!(",{}={value}", option.name),
            };
            let text = |nqn, kernel: &Supported| request(nqn, &host, &options).text(kernel);
            let (told, left_out) = text("nqn.2024-01.a:b", &Supported::parse(KERNEL_6_12));
            assert!(told.ends_with(&wanted), "{}", option.name);
            assert_eq!(left_out, Vec::<&str>::new());
            let (told, _) = text(Nqn::DISCOVERY, &Supported::parse(KERNEL_6_12));
            assert_eq!(told.ends_with(&wanted), option.concerns_discovery);
            let (told, _) = text("nqn.2024-01.a:b", &Supported::unknown());
            assert_eq!(told.ends_with(&wanted), option.is_in_every_kernel);
        }
    }

    #[test]
    fn secrets_go_to_kernels_that_know_them_and_nowhere_else() {
        // 32 bytes of zero and their checksum.
        let secret = "DHHC-1:00:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACtVQoZ:";
        let host = identity();
        let options = ConnectOptions {
            dhchap_secret: secret.parse().ok(),
            dhchap_ctrl_secret: secret.parse().ok(),
            ..ConnectOptions::default()
        };
        assert!(options.dhchap_secret.is_some(), "the test's own secret");
        let one = request("nqn.2024-01.a:b", &host, &options);
        let (text, left_out) = one.text(&Supported::parse(KERNEL_6_12));
        let both = format!(",dhchap_secret={secret},dhchap_ctrl_secret={secret}");
        assert!(text.contains(&both), "{text}");
        assert_eq!(left_out, Vec::<&str>::new());
        let (text, left_out) = one.text(&Supported::unknown());
        assert!(!text.contains("DHHC"), "{text}");
        assert_eq!(left_out, ["dhchap_secret", "dhchap_ctrl_secret"]);
        assert!(!format!("{one:?}").contains("DHHC"));
    }

    #[test]
    fn a_discovery_controller_does_not_stay() {
        let host = identity();
        let options = ConnectOptions {
            ctrl_loss_tmo: Some(-1),
            nr_io_queues: Some(4),
            ..ConnectOptions::default()
        };
        let (text, _) =
            request(Nqn::DISCOVERY, &host, &options).text(&Supported::parse(KERNEL_6_12));
        assert!(
            !text.contains("ctrl_loss_tmo") && !text.contains("nr_io_queues"),
            "{text}"
        );
    }

    #[test]
    fn a_list_without_options_tells_nothing() {
        assert_eq!(
            Supported::parse("instance=0,cntlid=1\n"),
            Supported::unknown()
        );
        assert_eq!(Supported::parse(""), Supported::unknown());
    }
}
