"""Carries out one configuration of the batch after the other, by
systemd-networkd or by the agent, and prints for each what the kernel then
says, as a line of JSON on the second serial port.

Between two configurations the virtual links are deleted and the drivers let go
of the cards and take them again: the next one finds them as at power-on."""
import glob
import json
import os
import shutil
import socket
import subprocess
import time

BATCH, AGENT = "/dev/vdc", "/dev/vdd"
DRIVER = "/sys/bus/virtio/drivers/virtio_net"
PLAN = "/etc/nvmeroot/plan.json"
# Link, address, route and rule messages of both families.
GROUPS = 0x1 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x40000
LONGEST = 25
# `ip route` names these by no link, so nothing takes them along.
LINKLESS = ["blackhole", "unreachable", "prohibit", "throw"]
SYSCTLS = {
    "ipv4": ["forwarding", "proxy_arp", "rp_filter", "accept_local"],
    "ipv6": ["use_tempaddr", "disable_ipv6", "mtu", "proxy_ndp", "forwarding"],
}


def run(*words, check=False):
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    if check and done.returncode != 0:
        raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")
    return done


def read_json(*words):
    text = run(*words, check=True).stdout
    return json.loads(text) if text.strip() else []


def write(path, text, mode=0o600):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def forget(*patterns):
    for pattern in patterns:
        for path in glob.glob(pattern):
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def cards():
    return sorted(os.path.basename(p) for p in glob.glob(DRIVER + "/virtio*"))


class Quiet:
    """Notices when the kernel's network last changed."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((0, GROUPS))
        self.last = time.monotonic()

    def wait(self, one, ready):
        """Until nothing has changed for so long and it is ready; false if that
        takes too long."""
        end = time.monotonic() + LONGEST + one["quiet"]
        self.last = time.monotonic()
        while time.monotonic() < end:
            self.socket.settimeout(0.1)
            try:
                self.socket.recv(1 << 16)
                self.last = time.monotonic()
            except (TimeoutError, OSError):
                quiet = time.monotonic() - self.last
                if quiet > one["quiet"] and ready(one, quiet):
                    return True
        return False


def tentative():
    with open("/proc/net/if_inet6", encoding="ascii") as f:
        return any(int(line.split()[4], 16) & 0x40 for line in f)


def flags():
    """The flags of each link but the loopback (bit 0: it is up)."""
    found = {}
    for name in os.listdir("/sys/class/net"):
        try:
            with open(f"/sys/class/net/{name}/flags", encoding="ascii") as f:
                if name != "lo":
                    found[name] = int(f.read(), 16)
        except OSError:
            pass  # It went in this moment, or is no link (bonding_masters).
    return found


class Networkd:
    def __init__(self):
        self.running, self.said = None, None

    def start(self, one):
        # What `netplan generate` made of it.
        for path, text in one["generated"].items():
            write("/" + path, text, 0o644)
        run("udevadm", "control", "--reload", check=True)
        take_cards(one)
        os.makedirs("/run/systemd/netif", exist_ok=True)
        shutil.chown("/run/systemd/netif", "systemd-network", "systemd-network")
        self.said = open("/run/lab-networkd", "w+", encoding="utf-8")
        # By itself and not as a service: a start of the service manager takes
        # longer than all the rest, and adds nothing to what the kernel is told.
        self.running = subprocess.Popen(
            ["/usr/lib/systemd/systemd-networkd"],
            stdin=subprocess.DEVNULL,
            stdout=self.said,
            stderr=self.said,
            env={"SYSTEMD_LOG_TARGET": "console", "PATH": os.environ["PATH"]},
        )

    def ready(self, one, quiet):
        """Whether it has configured all links that there must be. One on which
        only routers could give addresses stays `configuring` until one does."""
        busy = ("pending", "configuring") if quiet < one["quiet"] + 3 else ("pending",)
        links = flags()
        if tentative() or len(links) < len(one["plan"]["network"]["interfaces"]):
            return False
        for name in links:
            try:
                with open(f"/sys/class/net/{name}/ifindex", encoding="ascii") as f:
                    index = f.read().strip()
                with open(f"/run/systemd/netif/links/{index}", encoding="utf-8") as f:
                    state = [l for l in f if l.startswith("ADMIN_STATE=")]
            except OSError:
                return False
            if not state or state[0].strip().split("=")[1] in busy:
                return False
        return True

    def stop(self):
        stop(self.running)
        self.running = None
        forget("/run/systemd/network/*", "/run/systemd/netif", "/run/udev/rules.d/*netplan*")

    def log(self):
        if not self.said:
            return []
        self.said.seek(0)
        return self.said.read().splitlines()


class Agent:
    def __init__(self, length):
        # Root is there already, which would be the end of its work.
        with open("/proc/cmdline", encoding="ascii") as f:
            words = [w for w in f.read().split() if not w.startswith("root=")]
        write("/run/lab-cmdline", " ".join(words) + "\n", 0o644)
        run("mount", "--bind", "/run/lab-cmdline", "/proc/cmdline", check=True)
        self.program = "/usr/local/lib/lab/nvmeroot-agent"
        with open(AGENT, "rb") as f:
            bytes_ = f.read(length)
        with open(self.program, "wb") as f:
            f.write(bytes_)
        os.chmod(self.program, 0o755)
        self.kmsg = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.kmsg, 0, os.SEEK_END)
        self.running = None

    def start(self, one):
        write(PLAN, json.dumps(one["plan"]))
        self.running = subprocess.Popen(
            [self.program, "run"], stdin=subprocess.DEVNULL
        )
        take_cards(one)

    def ready(self, one, _quiet):
        """Whether as many links are up as there must be."""
        up = sum(bits & 1 for bits in flags().values())
        return not tentative() and up >= len(one["plan"]["network"]["interfaces"])

    def stop(self):
        stop(self.running)
        self.running = None
        forget("/run/nvmeroot", "/run/net-*.conf", "/run/net6-*.conf")

    def log(self):
        lines = []
        while True:
            try:
                text = os.read(self.kmsg, 8192).decode(errors="replace")
            except BlockingIOError:
                return lines
            except OSError:
                continue
            if ";nvmeroot: " in text:
                lines.append(text.split(";nvmeroot: ", 1)[1].splitlines()[0])


ALL_CARDS = cards()


def stop(program):
    if program:
        program.terminate()
        try:
            program.wait(10)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def take_cards(one):
    for number in one["cards"]:
        write_raw(DRIVER + "/bind", ALL_CARDS[number])


def write_raw(path, text):
    try:
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
    except OSError as e:
        print(f"lab: {path}: {text}: {e}", flush=True)


def reset(seen):
    """`seen`: the last dump, if there is one."""
    for name in os.listdir("/sys/class/net"):
        at = "/sys/class/net/" + name
        # Beside the links lies `bonding_masters`, a file.
        if name != "lo" and os.path.isdir(at) and not os.path.exists(at + "/device"):
            run("ip", "link", "delete", name)
    for card in cards():
        # A driver that goes while frames come in hears of rings that are no more.
        for link in os.listdir(f"/sys/bus/virtio/devices/{card}/net"):
            run("ip", "link", "set", link, "down")
        write_raw(DRIVER + "/unbind", card)
    for family in ("4", "6"):
        rules = seen["rules" + family] if seen else read_json("ip", "-j", "-" + family, "rule")
        for rule in rules:
            priority = rule["priority"]
            # The kernel makes the one for VRFs once, with the first VRF.
            if priority not in (0, 32766, 32767) and not rule.get("l3mdev"):
                run("ip", "-" + family, "rule", "delete", "priority", str(priority))
        routes = seen["routes" + family] if seen else [{"type": kind} for kind in LINKLESS]
        for kind in {route.get("type") for route in routes} & set(LINKLESS):
            run("ip", "-" + family, "route", "flush", "table", "all", "type", kind)
    run("udevadm", "settle", "--timeout=10")


def sysctls():
    found = {}
    for family, keys in SYSCTLS.items():
        for key in keys:
            for path in glob.glob(f"/proc/sys/net/{family}/conf/*/{key}"):
                name = path.split("/")[6]
                if name in ("all", "default", "lo"):
                    continue
                with open(path, encoding="ascii") as f:
                    found.setdefault(name, {})[f"{family}.{key}"] = f.read().strip()
    return found


def dump(one):
    links = read_json("ip", "-j", "-d", "link")
    offloads = {}
    for link in links:
        is_card = os.path.exists(f"/sys/class/net/{link['ifname']}/device")
        if is_card and one["offloads"]:
            offloads[link["ifname"]] = read_json("ethtool", "--json", "-k", link["ifname"])
    return {
        "links": links,
        "addresses": read_json("ip", "-j", "address"),
        "routes4": read_json("ip", "-j", "-d", "-4", "route", "show", "table", "all"),
        "routes6": read_json("ip", "-j", "-d", "-6", "route", "show", "table", "all"),
        "rules4": read_json("ip", "-j", "-4", "rule"),
        "rules6": read_json("ip", "-j", "-6", "rule"),
        "offloads": offloads,
        "sysctls": sysctls(),
    }


def main():
    with open(BATCH, encoding="utf-8") as f:
        batch = json.load(f)
    actor = Agent(batch["agent_length"]) if batch["actor"] == "agent" else Networkd()
    versions = {
        "kernel": os.uname().release,
        "systemd": run("networkctl", "--version").stdout.split("\n")[0],
        "netplan": run("dpkg-query", "-W", "-f", "${Version}", "netplan.io").stdout,
        "iproute2": run("ip", "-Version").stdout.strip(),
    }
    with open("/dev/ttyS1", "w", encoding="utf-8") as report:
        run("stty", "-F", "/dev/ttyS1", "raw")
        report.write(json.dumps({"versions": versions}) + "\n")
        actor.stop()
        reset(None)
        for one in batch["configurations"]:
            began = time.monotonic()
            answer = {"name": one["name"]}
            try:
                changes = Quiet()
                actor.start(one)
                started = time.monotonic()
                answer["settled"] = changes.wait(one, actor.ready)
                settled = time.monotonic()
                answer["dump"] = dump(one)
            except Exception as e:  # What one breaks must not end the batch.
                answer["error"] = repr(e)
                started = settled = time.monotonic()
            dumped = time.monotonic()
            actor.stop()
            answer["log"] = actor.log()
            reset(answer.get("dump"))
            report.write(json.dumps(answer) + "\n")
            report.flush()
            times = [started, settled, dumped, time.monotonic()]
            spans = " ".join(f"{b - a:.1f}" for a, b in zip([began] + times, times))
            print(f"lab: {one['name']} {spans}", flush=True)
        report.write(json.dumps({"end": True}) + "\n")
        report.flush()
    run("systemctl", "poweroff", "--force", "--force")


main()
