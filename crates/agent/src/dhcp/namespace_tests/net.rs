//! Two network namespaces, a link between them, and a dnsmasq.

use std::fs;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nvmeroot_plan::MacAddress;
use rustix::event::{EventfdFlags, eventfd};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::super::*;

pub(super) const MAC: MacAddress = MacAddress::new([2, 0, 0, 0, 0, 7]);
pub(super) const MACHINE_ID: &str = "0102030405060708090a0b0c0d0e0f10";
pub(super) const NEVER: Duration = Duration::from_secs(20);

/// Why the tests can't run here.
fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("not root".into());
    }
    for tool in ["ip", "dnsmasq"] {
        if Command::new(tool).arg("--version").output().is_err()
            && Command::new(tool).arg("-V").output().is_err()
        {
            return Some(format!("no `{tool}`"));
        }
    }
    None
}

/// Whether to skip; a skipped test under CI is a failure.
pub(super) fn skip(test: &str) -> bool {
    let Some(reason) = obstacle() else {
        return false;
    };
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{test} can't run: {reason}"
    );
    eprintln!("{test} is skipped: {reason}");
    true
}

pub(super) fn ip(batch: &str) {
    for line in batch.lines() {
        let out = Command::new("ip")
            .args(line.split_whitespace())
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "ip {line}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
    }
}

/// Two namespaces with a link between them: `s` on the server's side,
/// `c` on ours.
pub(super) struct Net {
    pub(super) server: String,
    pub(super) ours: String,
    daemon: Option<Child>,
    pub(super) files: tempfile::TempDir,
    pub(super) stop: OwnedFd,
}

impl Net {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let tag = format!(
            "{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let (server, ours) = (format!("nvr-s-{tag}"), format!("nvr-c-{tag}"));
        let net = Self {
            daemon: None,
            files: tempfile::tempdir().unwrap(),
            stop: eventfd(0, EventfdFlags::CLOEXEC).unwrap(),
            server,
            ours,
        };
        let (s, c) = (&net.server, &net.ours);
        ip(&format!("netns add {s}\nnetns add {c}"));
        // No duplicate address detection: the link-local addresses are ready
        // when the links are.
        for name in [s, c] {
            let entered = Entered::new(name);
            for scope in ["default", "all"] {
                let path = format!("/proc/sys/net/ipv6/conf/{scope}/accept_dad");
                fs::write(path, "0").unwrap();
            }
            drop(entered);
        }
        ip(&format!(
            "-n {s} link add s type veth peer name c address {MAC} netns {c}\n\
             -n {s} address add 10.9.0.1/24 dev s\n\
             -n {s} link set lo up\n\
             -n {s} link set s up\n\
             -n {s} address add fd09::1/64 dev s nodad\n\
             -n {c} link set c up"
        ));
        net
    }

    /// Starts dnsmasq and waits until it says that it is ready.
    pub(super) fn serve(&mut self, options: &[&str]) {
        let lease_file = self.files.path().join("leases");
        let log = self.log();
        let child = Command::new("ip")
            .args(["netns", "exec", &self.server, "dnsmasq"])
            .args(["--keep-in-foreground", "--conf-file=/dev/null", "--port=0"])
            .args(["--log-dhcp", "--no-ping", "--interface=s", "--user=root"])
            .arg(format!("--log-facility={}", log.display()))
            .arg(format!("--dhcp-leasefile={}", lease_file.display()))
            .arg(format!("--pid-file={}/pid", self.files.path().display()))
            .args(options)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let child = self.daemon.insert(child);
        for _ in 0..400 {
            if fs::read_to_string(&log).is_ok_and(|text| text.contains("started")) {
                return;
            }
            if child.try_wait().unwrap().is_some() {
                let mut text = String::new();
                let _ = child.stderr.take().unwrap().read_to_string(&mut text);
                panic!("dnsmasq: {text}");
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("dnsmasq isn't ready");
    }

    fn log(&self) -> std::path::PathBuf {
        self.files.path().join("log")
    }

    pub(super) fn log_text(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Runs in our namespace.
    pub(super) fn inside<T: Send>(&self, run: impl FnOnce(Link) -> T + Send) -> T {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let _entered = Entered::new(&self.ours);
                run(self.link())
            });
            thread
                .join()
                .unwrap_or_else(|e| std::panic::resume_unwind(e))
        })
    }

    pub(super) fn link(&self) -> Link {
        let out = Command::new("ip")
            .args(["-n", &self.ours, "-o", "link", "show", "dev", "c"])
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        Link {
            name: "c".parse().unwrap(),
            index: text.split(':').next().unwrap().parse().unwrap(),
            mac: MAC,
        }
    }

    pub(super) fn v4(
        &self,
        id: Option<ClientId>,
        patience: Duration,
    ) -> (Result<Lease4, DhcpError>, Run) {
        self.inside(|link| {
            let config = V4Config {
                link,
                client_id: id,
                host_name: Some("host".into()),
            };
            let mut run = Run::new();
            let deadline = Instant::now() + patience;
            let lease = run_v4(&config, deadline, self.stop.as_fd(), &mut |e| run.take(e));
            run.time = run.start.elapsed();
            (lease, run)
        })
    }

    pub(super) fn v6(&self, patience: Duration) -> (Result<Lease6, DhcpError>, Run) {
        self.inside(|link| {
            let identity = identity();
            let config = V6Config {
                link,
                duid: identity.duid,
                iaid: identity.iaid,
            };
            let mut run = Run::new();
            let deadline = Instant::now() + patience;
            let lease = run_v6(&config, deadline, self.stop.as_fd(), &mut |e| run.take(e));
            run.time = run.start.elapsed();
            (lease, run)
        })
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        if let Some(child) = &mut self.daemon {
            let _ = child.kill();
            let _ = child.wait();
        }
        for name in [&self.server, &self.ours] {
            let _ = Command::new("ip").args(["netns", "del", name]).output();
        }
    }
}

/// This thread is in a namespace, until dropped.
pub(super) struct Entered(OwnedFd);

impl Entered {
    pub(super) fn new(name: &str) -> Self {
        let home = fs::File::open("/proc/thread-self/ns/net").unwrap();
        let there = fs::File::open(Path::new("/run/netns").join(name)).unwrap();
        move_into_link_name_space(there.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        Self(home.into())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let _ = move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network));
    }
}

/// What a client reported.
pub(super) struct Run {
    pub(super) start: Instant,
    pub(super) time: Duration,
    pub(super) events: Vec<(Duration, Event)>,
}

impl Run {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            time: Duration::ZERO,
            events: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, event: Event) {
        self.events.push((self.start.elapsed(), event));
    }

    pub(super) fn sent(&self) -> Vec<&'static str> {
        self.events
            .iter()
            .filter_map(|(_, e)| match e {
                Event::Sent { message, .. } => Some(*message),
                _ => None,
            })
            .collect()
    }
}

pub(super) fn identity() -> Identity {
    Identity::new(MACHINE_ID.parse().ok(), None, MAC, false)
}
