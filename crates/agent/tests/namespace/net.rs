//! Two network namespaces, a cable between them, and a dnsmasq.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nvmeroot_plan::MacAddress;
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The host's card.
pub(crate) const MAC: MacAddress = MacAddress::new([2, 0, 0, 0, 0, 7]);

fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("not root".to_owned());
    }
    for (tool, flag) in [("ip", "-V"), ("dnsmasq", "--version")] {
        if Command::new(tool).arg(flag).output().is_err() {
            return Some(format!("no `{tool}`"));
        }
    }
    None
}

/// Whether to skip; a skipped test under CI is a failure.
pub(crate) fn skip(test: &str) -> bool {
    skip_for(test, obstacle())
}

/// The same, with an obstacle of the test's own.
pub(crate) fn skip_for(test: &str, obstacle: Option<String>) -> bool {
    let Some(reason) = obstacle else {
        return false;
    };
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{test} can't run: {reason}"
    );
    eprintln!("{test} is skipped: {reason}");
    true
}

/// Runs `ip`'s commands, one a line, with these arguments before.
fn ip_batch(arguments: &[&str], batch: &str) {
    let mut child = Command::new("ip")
        .args(arguments)
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`ip` runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(batch.as_bytes()).expect("the commands");
    drop(stdin);
    let out = child.wait_with_output().expect("its end");
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "ip {batch}: {text}");
}

/// Waits until `look` finds it; half a minute is more than a busy machine
/// takes for anything here.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within half a minute");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A target's side and a host's side, a cable between them: `s` there, `c`
/// here. The cable is plugged in at the target's side by [`Net::plug_in`].
pub(crate) struct Net {
    pub(crate) target: String,
    pub(crate) host: String,
    daemon: Option<Child>,
    starts: usize,
    dir: tempfile::TempDir,
}

impl Net {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let tag = format!(
            "{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let net = Self {
            target: format!("nvra-t-{tag}"),
            host: format!("nvra-h-{tag}"),
            daemon: None,
            starts: 0,
            dir: tempfile::tempdir().expect("a directory"),
        };
        ip_batch(
            &[],
            &format!("netns add {}\nnetns add {}", net.target, net.host),
        );
        // The target's link-local address is there at once, as that of a
        // router that has been up for long.
        net.set_on_target("ipv6/conf/default/accept_dad", "0");
        net.on_target(&format!(
            "link add s type veth peer name c address {MAC} netns {}
             address add 10.9.0.1/24 dev s
             address add fd09::1/64 dev s nodad
             link set lo up",
            net.host
        ));
        net
    }

    /// With carrier, the host's card up, and no duplicate address detection
    /// on either side: for the clients alone.
    pub(crate) fn up() -> Self {
        let net = Self::new();
        set(&net.host, "ipv6/conf/default/accept_dad", "0");
        set(&net.host, "ipv6/conf/c/accept_dad", "0");
        net.plug_in();
        net.on_host("link set c up");
        net
    }

    pub(crate) fn plug_in(&self) {
        self.on_target("link set s up");
    }

    /// As a network that has been up for long: until the kernel has noticed the
    /// carrier at an end of a new cable, up to a second later, what is sent there
    /// is lost.
    pub(crate) fn warm_up(&self) {
        self.plug_in();
        self.on_host("link set c up");
        until("both ends of the cable", || {
            let ends = [
                self.show("-o link show c"),
                self.show_target("-o link show s"),
            ];
            ends.iter()
                .all(|end| end.contains("state UP"))
                .then_some(())
        });
    }

    /// `ip` on the target's side, a command a line.
    pub(crate) fn on_target(&self, batch: &str) {
        ip_batch(&["-n", &self.target], batch);
    }

    /// `ip` on the host's side, a command a line.
    pub(crate) fn on_host(&self, batch: &str) {
        ip_batch(&["-n", &self.host], batch);
    }

    /// What `ip` prints of the host.
    pub(crate) fn show(&self, command: &str) -> String {
        show(&self.host, command)
    }

    /// What `ip` prints of the target.
    pub(crate) fn show_target(&self, command: &str) -> String {
        show(&self.target, command)
    }

    /// A sysctl below `net` on the target's side.
    pub(crate) fn set_on_target(&self, key: &str, value: &str) {
        set(&self.target, key, value);
    }

    /// A card of another host on the target's side: it answers for `address`,
    /// as Linux does for all addresses of a machine.
    pub(crate) fn squat(&self, address: &str) {
        self.on_target(&format!(
            "link add name far type veth peer name farther
             address add {address}/32 dev far
             link set far up"
        ));
    }

    /// Starts dnsmasq, in place of one that runs, and waits until it says
    /// that it is ready.
    pub(crate) fn serve(&mut self, options: &[&str]) {
        self.stop_serving();
        if options.contains(&"--enable-ra") {
            // Else its neighbour advertisements say that it is no router, and the
            // kernel takes the default route away again (RFC 4861, section 7.2.5).
            self.set_on_target("ipv6/conf/s/forwarding", "1");
        }
        let log = self.path("log");
        let file = |name: &str| self.path(name).display().to_string();
        let child = Command::new("ip")
            .args(["netns", "exec", &self.target, "dnsmasq"])
            .args(["--keep-in-foreground", "--conf-file=/dev/null", "--port=0"])
            .args(["--log-dhcp", "--no-ping", "--interface=s", "--user=root"])
            .arg(format!("--log-facility={}", file("log")))
            .arg(format!("--dhcp-leasefile={}", file("leases")))
            .arg(format!("--pid-file={}", file("pid")))
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.path("stderr")).expect("a file"))
            .spawn()
            .expect("`dnsmasq` runs");
        self.daemon = Some(child);
        self.starts += 1;
        let starts = self.starts;
        until("dnsmasq's start", || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let ended = self.daemon.as_mut().map(|d| d.try_wait().expect("a child"));
            if let Some(Some(status)) = ended {
                let said = fs::read_to_string(self.path("stderr")).unwrap_or_default();
                panic!("dnsmasq: {status}: {said}");
            }
            (text.matches(": started").count() >= starts).then_some(())
        });
    }

    /// Has dnsmasq read its files again.
    pub(crate) fn reread(&self) {
        let child = self.daemon.as_ref().expect("dnsmasq runs");
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), Signal::HUP).expect("it lives");
    }

    pub(crate) fn stop_serving(&mut self) {
        if let Some(mut child) = self.daemon.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What dnsmasq has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The clients that dnsmasq has noted with their leases.
    pub(crate) fn leases(&self) -> String {
        fs::read_to_string(self.path("leases")).unwrap_or_default()
    }

    /// The root that is mounted has a network client that listens to routers.
    pub(crate) fn root_with_client(&self) {
        let client = self.path("root/usr/sbin/NetworkManager");
        fs::create_dir_all(client.parent().expect("a folder")).expect("a directory");
        fs::write(client, "").expect("a file");
    }

    /// A file of the test's own directory, which is also the host's `/`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A TCP listener on the target's side; it lives as long as the test.
    pub(crate) fn listen(&self, at: &str) {
        let _entered = Entered::new(&self.target);
        // An IPv6 address can be bound to a moment after it was given.
        let listener = until("the address", || TcpListener::bind(at).ok());
        thread::spawn(move || for _ in listener.incoming() {});
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.stop_serving();
        for name in [&self.target, &self.host] {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

fn show(namespace: &str, command: &str) -> String {
    let out = Command::new("ip")
        .args(["-n", namespace])
        .args(command.split_whitespace())
        .output()
        .expect("`ip` runs");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn set(namespace: &str, key: &str, value: &str) {
    let _entered = Entered::new(namespace);
    fs::write(Path::new("/proc/sys/net").join(key), value).expect("a sysctl");
}

/// This thread is in a namespace, until dropped.
pub(crate) struct Entered(OwnedFd);

impl Entered {
    pub(crate) fn new(name: &str) -> Self {
        let home = fs::File::open("/proc/thread-self/ns/net").expect("this thread's");
        let there = fs::File::open(Path::new("/run/netns").join(name)).expect("a namespace");
        move_into_link_name_space(there.as_fd(), Some(LinkNameSpaceType::Network)).expect("setns");
        Self(home.into())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let _ = move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network));
    }
}
