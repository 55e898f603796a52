//! What the booted host says about itself, section by section (written by
//! `guest/report.sh`).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// A host's report.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Seconds since the kernel started, by name: `marker`, `report`.
    pub marks: BTreeMap<String, f64>,
    /// `/` and, where it is a filesystem of its own, `/home`.
    pub mounts: Vec<Mount>,
    /// Every NVMe controller.
    pub controllers: Vec<Controller>,
    /// Names of NVMe block devices.
    pub namespaces: Vec<String>,
    /// What the heartbeat saw; `None` on hosts without one.
    pub heartbeat: Option<Heartbeat>,
    /// Every address of every interface.
    pub addresses: Vec<Address>,
    /// Every link with its parameters, as `ip -d -j link` prints it.
    pub details: Vec<serde_json::Value>,
    /// The IPv4 routing rules, as `ip rule` prints them.
    pub rules: Vec<String>,
    /// What `ping` said, where the kernel command line asked for it.
    pub ping: Vec<String>,
    /// Every route of every table.
    pub routes: Vec<Route>,
    /// Units in state `failed`.
    pub failed_units: Vec<String>,
    /// networkd's interfaces: name, operational state, setup state.
    pub links: Vec<(String, String, String)>,
    /// Every process with a program (kernel threads have none).
    pub processes: Vec<Process>,
    /// What was there before systemd-networkd took over, as text.
    pub before: Vec<String>,
    /// Every change of links, addresses and routes since then (`ip monitor`).
    pub monitor: Vec<String>,
    /// The kernel's trace (`/sys/kernel/tracing/trace`), if the initramfs
    /// began one.
    pub trace: Vec<String>,
    /// The kernel's log.
    pub kernel: Vec<String>,
}

/// A mounted filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The mount point.
    pub target: String,
    /// The device.
    pub source: String,
    /// The type.
    pub fstype: String,
    /// The options.
    pub options: String,
}

/// An NVMe controller as sysfs shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// `nvme0`
    pub name: String,
    /// `tcp` or `pcie`
    pub transport: String,
    /// `live`, `connecting`, …
    pub state: String,
    /// The subsystem's NQN.
    pub subsystem: String,
    /// `traddr=…,trsvcid=…,…`
    pub address: String,
}

/// What the heartbeat saw.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Heartbeat {
    /// Rounds of one read and one write that succeeded.
    pub beats: u64,
    /// The first errors, each with its time.
    pub errors: Vec<String>,
    /// The slowest round, in seconds.
    pub longest_stall: f64,
    /// Rounds of more than a second.
    pub stalls: Vec<Stall>,
    /// When the last round ended, in seconds since the kernel started.
    pub last: f64,
}

/// A round of the heartbeat that took long; all in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Stall {
    /// When it began, since the kernel started.
    pub at: f64,
    /// How long it took.
    pub took: f64,
    /// Of that: the read.
    pub read: f64,
    /// The write into the page cache.
    pub write: f64,
    /// The flush (`fsync`).
    pub flush: f64,
    /// How long the machine itself stood still meanwhile: by so much sleeps of
    /// a fifth of a second were too long.
    pub stood: f64,
    /// How often TCP waited for an acknowledgement in vain (`TCPTimeouts` in
    /// `/proc/net/netstat`).
    pub timeouts: u32,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stall {
            at,
            took,
            read,
            write,
            flush,
            stood,
            timeouts,
        } = self;
        write!(
            f,
            "{took:.1} s at {at:.0} s (read {read:.1}, write {write:.1}, flush {flush:.1}; \
             the machine stood still for {stood:.1}, {timeouts} TCP timeouts)"
        )
    }
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The interface.
    pub interface: String,
    /// The address.
    pub ip: IpAddr,
    /// Its prefix length.
    pub prefix: u8,
    /// `global`, `link`, `host`
    pub scope: String,
}

/// A route as `ip -j route` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Route {
    /// Destination: `default`, an address, a prefix.
    pub dst: String,
    /// Next hop.
    #[serde(default)]
    pub gateway: Option<String>,
    /// Interface.
    #[serde(default)]
    pub dev: Option<String>,
    /// Table; `None` is the main table.
    #[serde(default)]
    pub table: Option<String>,
    /// Who put it there: `static`, `dhcp`, `kernel`, `ra`, …
    #[serde(default)]
    pub protocol: Option<String>,
    /// Metric; `None` is 0.
    #[serde(default)]
    pub metric: Option<u32>,
    /// Type where it isn't unicast: `local`, `broadcast`, …
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// The object that holds its next hop, which the kernel's own routes don't have.
    #[serde(default)]
    pub nhid: Option<u32>,
    /// Flags, among them `onlink`.
    #[serde(default)]
    pub flags: Vec<String>,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its root directory.
    pub root: String,
    /// Its program; ends with ` (deleted)` when the file is gone.
    pub program: String,
}

impl Process {
    /// Whether it was started in the initramfs: its program's file went away
    /// with it, or its root is elsewhere, or it is a tool that only the
    /// initramfs starts.
    ///
    /// udev's daemon is left out: the initramfs's own `init-bottom/udev` ends
    /// it, and on a busy machine sometimes gives up waiting for it.
    pub fn is_survivor(&self) -> bool {
        let name = self.program.rsplit('/').next().unwrap_or_default();
        if is_udev(&self.program) {
            return false;
        }
        self.program.ends_with(" (deleted)")
            || self.root != "/"
            || ["dhcpcd", "nvme", "nvmeroot-agent"].contains(&name)
    }
}

/// Whether the text ends with the path of udev's program, present or deleted.
pub(crate) fn is_udev(text: &str) -> bool {
    let path = text.strip_suffix(" (deleted)").unwrap_or(text);
    let name = path.rsplit('/').next().unwrap_or_default();
    ["udevadm", "systemd-udevd"].contains(&name)
}

#[derive(Deserialize)]
struct IpLink {
    ifname: String,
    #[serde(default)]
    addr_info: Vec<IpAddress>,
}

#[derive(Deserialize)]
struct IpAddress {
    local: Option<IpAddr>,
    #[serde(default)]
    prefixlen: u8,
    #[serde(default)]
    scope: String,
}

impl Report {
    /// Whether the text holds a whole report.
    pub fn is_complete(text: &str) -> bool {
        text.lines().any(|line| line == "@section end")
    }

    /// Reads a report.
    ///
    /// # Errors
    /// [`Error::Report`] names the section that is missing or malformed.
    pub fn parse(text: &str) -> Result<Report> {
        let sections = sections(text);
        let lines = |name: &'static str| -> Result<&[&str]> {
            let found = sections.get(name).map(Vec::as_slice);
            found.ok_or_else(|| fault(name, "missing"))
        };
        let mut routes: Vec<Route> = json("routes4", lines("routes4")?)?;
        // Asked for every table, ip prints both families: take each once.
        routes.retain(|route| !route.dst.contains(':'));
        let six: Vec<Route> = json("routes6", lines("routes6")?)?;
        routes.extend(six);
        let links: Vec<IpLink> = json("addresses", lines("addresses")?)?;
        let heartbeat = match lines("heartbeat")? {
            [] => None,
            lines => Some(object("heartbeat", lines)?),
        };
        Ok(Report {
            marks: rows(lines("marks")?, |[name, at]| {
                Some((name.to_owned(), at.parse().ok()?))
            })
            .collect(),
            mounts: rows(lines("mounts")?, |[target, source, fstype, options]| {
                Some(Mount {
                    target: target.to_owned(),
                    source: source.to_owned(),
                    fstype: fstype.to_owned(),
                    options: options.to_owned(),
                })
            })
            .collect(),
            controllers: rows(
                lines("controllers")?,
                |[name, transport, state, subsystem, address]| {
                    Some(Controller {
                        name: name.to_owned(),
                        transport: transport.to_owned(),
                        state: state.to_owned(),
                        subsystem: subsystem.to_owned(),
                        address: address.to_owned(),
                    })
                },
            )
            .collect(),
            namespaces: owned(lines("namespaces")?),
            heartbeat,
            addresses: addresses(links),
            details: json("details", lines("details")?)?,
            rules: owned(lines("rules4")?),
            ping: owned(lines("ping")?),
            routes,
            failed_units: rows(lines("failed")?, |[unit]| Some(unit.to_owned())).collect(),
            links: rows(lines("links")?, |[_, name, _, operational, setup]| {
                Some((name.to_owned(), operational.to_owned(), setup.to_owned()))
            })
            .collect(),
            processes: lines("processes")?
                .iter()
                .filter_map(|line| process(line))
                .collect(),
            before: owned(lines("before")?),
            monitor: owned(lines("monitor")?),
            trace: owned(lines("trace")?),
            kernel: owned(lines("kernel")?),
        })
    }

    /// A value of a link's details by its path of keys and numbers
    /// (`/linkinfo/info_data/mode`).
    pub fn detail(&self, link: &str, path: &str) -> Option<&serde_json::Value> {
        let link = self.details.iter().find(|one| one["ifname"] == link);
        link?.pointer(path)
    }

    /// The mount at `target`.
    pub fn mount(&self, target: &str) -> Option<&Mount> {
        self.mounts.iter().find(|mount| mount.target == target)
    }

    /// Processes that the initramfs left running.
    pub fn survivors(&self) -> Vec<&Process> {
        self.processes
            .iter()
            .filter(|process| process.is_survivor())
            .collect()
    }

    /// Routes that lead to the same destination twice, in one table through
    /// one interface. The kernel's own one to an advertised router is none of them: it stays
    /// beside systemd-networkd's until it expires. A manager that `has_own_metrics` puts
    /// its routes beside those of the initramfs, and never touches them.
    pub fn duplicate_routes(&self, has_own_metrics: bool) -> Vec<&Route> {
        let place = |route: &Route| {
            (
                route.metric.filter(|_| has_own_metrics),
                route.dst.clone(),
                route.table.clone(),
                route.dev.clone(),
                route.kind.clone(),
                route.protocol.as_deref() == Some("ra") && route.nhid.is_some(),
            )
        };
        let twice = |route: &&Route| {
            self.routes
                .iter()
                .filter(|other| place(other) == place(route))
                .count()
                > 1
        };
        self.routes.iter().filter(twice).collect()
    }

    /// What `ip monitor` saw going. Routes that router advertisements made are renewed by
    /// whoever listens; the kernel's own follow the addresses, and where systemd-networkd
    /// has one of its own to the same prefix none is missed. What a manager that
    /// `has_own_metrics` takes back is missed when no other leads there.
    pub fn lost(&self, has_own_metrics: bool) -> Vec<&String> {
        let has_another = |line: &str| {
            let route = line.split_once("Deleted ").map_or(line, |(_, route)| route);
            let mut words = route.split_whitespace();
            let to = words.next().unwrap_or_default();
            let metric = words.skip_while(|word| *word != "metric").nth(1);
            let metric = metric.and_then(|text| text.parse::<u32>().ok());
            let mut routes = self.routes.iter();
            metric.is_some() && routes.any(|one| one.dst == to && one.metric != metric)
        };
        let replaced = |line: &str| {
            let route = line.split_once("Deleted ").map_or(line, |(_, route)| route);
            let Some((place, _)) = route.split_once(" proto kernel") else {
                return false;
            };
            let own = format!("{place} proto ra");
            let mut lines = self.monitor.iter();
            lines.any(|line| !line.contains("Deleted") && line.contains(&own))
        };
        let tolerated = ["proto ra", " fe80::", " ff00::", "multicast"];
        let gone = self.monitor.iter().filter(|line| line.contains("Deleted"));
        let missed = gone.filter(|line| !tolerated.iter().any(|word| line.contains(word)));
        missed
            .filter(|line| !(replaced(line) || has_own_metrics && has_another(line)))
            .collect()
    }
}

fn addresses(links: Vec<IpLink>) -> Vec<Address> {
    let mut found = Vec::new();
    for link in links {
        for address in link.addr_info {
            if let Some(ip) = address.local {
                found.push(Address {
                    interface: link.ifname.clone(),
                    ip,
                    prefix: address.prefixlen,
                    scope: address.scope,
                });
            }
        }
    }
    found
}

fn process(line: &str) -> Option<Process> {
    let mut words = line.splitn(3, ' ');
    Some(Process {
        pid: words.next()?.parse().ok()?,
        root: words.next()?.to_owned(),
        program: words.next()?.to_owned(),
    })
}

fn sections(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut sections: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut current = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("@section ") {
            current = Some(sections.entry(name).or_default());
        } else if let Some(lines) = &mut current
            && !line.trim().is_empty()
        {
            lines.push(line);
        }
    }
    sections
}

fn rows<'a, T, const N: usize>(
    lines: &'a [&'a str],
    make: impl Fn([&'a str; N]) -> Option<T> + 'a,
) -> impl Iterator<Item = T> + 'a {
    lines.iter().filter_map(move |line| {
        let words: Vec<&str> = line.split_whitespace().take(N).collect();
        make(words.try_into().ok()?)
    })
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// A list; `ip -j` prints nothing at all for an empty one.
fn json<T: DeserializeOwned>(name: &'static str, lines: &[&str]) -> Result<Vec<T>> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    object(name, lines)
}

fn object<T: DeserializeOwned>(name: &'static str, lines: &[&str]) -> Result<T> {
    serde_json::from_str(&lines.join("\n")).map_err(|e| fault(name, &e.to_string()))
}

fn fault(section: &'static str, what: &str) -> Error {
    Error::Report {
        section,
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
@section marks
marker 61.20
@section mounts
/ /dev/nvme1n1 ext4 rw,relatime
@section controllers
nvme1 tcp live nqn.x traddr=10.77.0.1,trsvcid=4420
@section namespaces
nvme1n1
@section heartbeat
{"beats": 3, "errors": [], "longest_stall": 1.5, "stalls": [{"at": 9.0, "took": 1.5, "read": 0.5, "write": 0.25, "flush": 0.75, "stood": 0.0, "timeouts": 1}], "last": 12.5}
@section addresses
[{"ifname":"ens3","addr_info":[{"family":"inet","local":"10.77.0.50","prefixlen":24,"scope":"global"}]}]
@section details
[{"ifname":"bond0","linkinfo":{"info_kind":"bond","info_data":{"mode":"active-backup"}}}]
@section rules4
0:	from all lookup local
@section ping
@section routes4
[{"dst":"default","gateway":"10.77.0.1","dev":"ens3","protocol":"dhcp","metric":100,"flags":[]},
{"dst":"default","gateway":"10.77.0.1","dev":"ens3","protocol":"dhcp","metric":1002,"flags":[]},
{"dst":"fe80::/64","dev":"ens3","protocol":"kernel","metric":256,"flags":[]}]
@section routes6
[{"dst":"fe80::/64","dev":"ens3","protocol":"kernel","metric":256,"flags":[]}]
@section failed
@section links
  2 ens3 ether    routable configured
@section processes
1 / /usr/lib/systemd/systemd
158 / /usr/bin/udevadm (deleted)
183 /usr/lib/dhcpcd /usr/sbin/dhcpcd (deleted)
@section before
@section monitor
@section trace
@section kernel
[    1.0] x
@section end
"#;

    #[test]
    fn a_report_is_read() {
        assert!(Report::is_complete(TEXT));
        let report = Report::parse(TEXT).unwrap();
        assert_eq!(report.mount("/").unwrap().source, "/dev/nvme1n1");
        assert_eq!(report.controllers[0].transport, "tcp");
        assert_eq!(report.addresses[0].ip.to_string(), "10.77.0.50");
        let mode = report.detail("bond0", "/linkinfo/info_data/mode");
        assert_eq!(mode.and_then(|m| m.as_str()), Some("active-backup"));
        assert_eq!(report.heartbeat.as_ref().unwrap().beats, 3);
        let stalls = &report.heartbeat.as_ref().unwrap().stalls;
        let told: Vec<String> = stalls.iter().map(Stall::to_string).collect();
        assert_eq!(
            told,
            [
                "1.5 s at 9 s (read 0.5, write 0.2, flush 0.8; the machine stood still for 0.0, \
              1 TCP timeouts)"
            ]
        );
        assert_eq!(
            report.links,
            [("ens3".into(), "routable".into(), "configured".into())]
        );
        assert_eq!(report.duplicate_routes(false).len(), 2);
        assert_eq!(report.survivors().len(), 1);
        assert_eq!(report.survivors()[0].pid, 183);
    }

    #[test]
    fn what_systemd_networkd_has_instead_of_the_kernels_own_is_not_missed() {
        let route = |nhid| Route {
            dst: "default".to_owned(),
            gateway: Some("fe80::1".to_owned()),
            dev: Some("ens3".to_owned()),
            table: None,
            protocol: Some("ra".to_owned()),
            metric: Some(1024),
            kind: None,
            nhid,
            flags: Vec::new(),
        };
        let mut report = Report {
            routes: vec![route(None), route(Some(7))],
            monitor: [
                "[1] fd77::/64 dev ens3 proto ra metric 1024 expires 1800sec pref medium",
                "[1] Deleted fd77::/64 dev ens3 proto kernel metric 256 pref medium",
                "[2] Deleted fd78::/64 dev ens3 proto kernel metric 256 pref medium",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..Report::default()
        };
        assert_eq!(report.duplicate_routes(false), [] as [&Route; 0]);
        assert_eq!(report.lost(false), [&report.monitor[2]]);
        report.routes.push(route(Some(8)));
        assert_eq!(report.duplicate_routes(false).len(), 2);
    }

    #[test]
    fn a_manager_with_metrics_of_its_own_loses_nothing_with_its_own_routes() {
        let route = |dst: &str, metric| Route {
            dst: dst.to_owned(),
            gateway: None,
            dev: Some("ens3".to_owned()),
            table: None,
            protocol: Some("kernel".to_owned()),
            metric,
            kind: None,
            nhid: None,
            flags: Vec::new(),
        };
        let report = Report {
            routes: vec![
                route("10.77.0.0/24", None),
                route("10.77.0.0/24", Some(100)),
            ],
            monitor: [
                "[1] Deleted 10.77.0.0/24 dev ens3 proto kernel scope link metric 100 ",
                "[1] Deleted 10.78.0.0/24 dev ens3 proto kernel scope link metric 100 ",
                "[1] Deleted 10.77.0.0/24 dev ens3 proto kernel scope link ",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..Report::default()
        };
        assert_eq!(report.duplicate_routes(true), [] as [&Route; 0]);
        assert_eq!(report.duplicate_routes(false).len(), 2);
        assert_eq!(report.lost(true), [&report.monitor[1], &report.monitor[2]]);
        assert_eq!(report.lost(false).len(), 3);
    }

    #[test]
    fn a_cut_report_names_the_section() {
        let cut = TEXT.split("@section routes6").next().unwrap();
        assert!(!Report::is_complete(cut));
        let error = Report::parse(cut).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Report {
                    section: "routes6",
                    ..
                }
            ),
            "{error}"
        );
    }
}
