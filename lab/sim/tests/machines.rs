//! Real machines. `MACHINESIM_KERNEL` names a User-mode Linux kernel (`linux`, with `virtio_net.ko` and what it needs
//! somewhere below the same directory); without it these tests say that they were skipped, and with `CI=true` they
//! fail.
#![allow(clippy::unwrap_used, reason = "a test")]
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use machinesim::wire::{Faults, Place, Share};
use machinesim::{
    Action, CardSpec, ClockKind, DiskSpec, Error, Kernel, Mac, MachineId, MachineSpec, SegmentId,
    Settings, Simulation, State, Stopped,
};

const SECOND: Duration = Duration::from_secs(1);

/// What all machines of these tests are made of.
struct Parts {
    dir: tempfile::TempDir,
    kernel: Kernel,
}

impl Parts {
    fn get() -> Option<Self> {
        let Some(linux) = std::env::var_os("MACHINESIM_KERNEL").map(PathBuf::from) else {
            let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!ci, "no kernel: `MACHINESIM_KERNEL` is not set");
            eprintln!("skipped: `MACHINESIM_KERNEL` names no User-mode Linux kernel");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let cc = Path::new("cc");
        let init = dir.path().join("init");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/init.c");
        let built = Command::new(cc)
            .args(["-static", "-Os", "-w", "-o"])
            .args([&init, &source])
            .status()
            .unwrap();
        assert!(built.success());
        let mut files = vec![("init".to_owned(), std::fs::read(init).unwrap())];
        for name in ["failover.ko", "net_failover.ko", "virtio_net.ko"] {
            // Built in where there is no such file.
            if let Some(path) = find(linux.parent().unwrap(), name) {
                files.push((name.to_owned(), std::fs::read(path).unwrap()));
            }
        }
        let archive = File::create(dir.path().join("initrd")).unwrap();
        let entries = files.into_iter().map(|(name, bytes)| {
            (
                cpio::NewcBuilder::new(&name).mode(0o100_755),
                std::io::Cursor::new(bytes),
            )
        });
        cpio::write_cpio(entries, archive).unwrap();
        std::fs::write(dir.path().join("image"), vec![0; 1 << 20]).unwrap();
        let shim = machinesim::entropy::build_shim(cc, dir.path()).unwrap();
        Some(Self {
            dir,
            kernel: Kernel {
                linux,
                entropy_shim: Some(shim),
            },
        })
    }

    fn simulation(&self, clock: ClockKind, seed: u64) -> Simulation {
        let mut settings = Settings::new(self.dir.path().join("run"), self.kernel.clone());
        settings.clock = clock;
        settings.seed = seed;
        Simulation::new(settings).unwrap()
    }

    /// Machine `number`, which talks to `peer`; 0: it only answers.
    fn machine(&self, number: u8, peer: u8, segment: SegmentId) -> MachineSpec {
        MachineSpec {
            name: format!("m{number}"),
            initrd: self.dir.path().join("initrd"),
            cmdline: format!("number={number} peer={peer} quiet panic=-1"),
            memory_mib: 64,
            cards: vec![CardSpec {
                mac: Mac([0x52, 0x54, 0, 0, 0, number]),
                slot: 3,
                segment,
                carrier: true,
                speed_mbit: 1000,
            }],
            disks: vec![DiskSpec {
                image: self.dir.path().join("image"),
                slot: 5,
                read_only: false,
            }],
            processor: None,
        }
    }
}

fn find(below: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(below).ok()?;
    entries.flatten().find_map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => find(&entry.path(), name),
        Ok(_) if entry.file_name() == name => Some(entry.path()),
        _ => None,
    })
}

fn says(sim: &mut Simulation, machine: MachineId, text: &str) {
    let until = sim.now() + 60 * SECOND;
    let stopped = sim
        .run(until, &mut |sim| sim.console(machine).shows(text))
        .unwrap();
    let lines = sim.console(machine).lines();
    assert_eq!(
        stopped,
        Stopped::Condition,
        "{text} {:?} {lines:?}",
        sim.state(machine)
    );
}

fn ends(sim: &mut Simulation, machine: MachineId) -> State {
    let until = sim.now() + 60 * SECOND;
    sim.run(until, &mut |sim| sim.state(machine) != State::Running)
        .unwrap();
    sim.state(machine)
}

/// A pair that talks for 20 s over a cable that is cut from 12 s to 15 s: time and text of every line.
fn pair(parts: &Parts, seed: u64, faults: Faults) -> Vec<(Duration, String)> {
    let mut sim = parts.simulation(ClockKind::Virtual, seed);
    let cable = sim.segment();
    let answers = sim.machine(parts.machine(2, 0, cable)).unwrap();
    let asks = sim.machine(parts.machine(1, 2, cable)).unwrap();
    sim.set_faults(cable, Place::Everywhere, faults);
    sim.start(answers).unwrap();
    sim.start(asks).unwrap();
    sim.at(
        12 * SECOND,
        Action::Cut {
            segment: cable,
            cut: true,
        },
    );
    sim.at(
        15 * SECOND,
        Action::Cut {
            segment: cable,
            cut: false,
        },
    );
    assert_eq!(sim.run(20 * SECOND, &mut |_| false).unwrap(), Stopped::Time);
    assert_eq!(sim.now(), 20 * SECOND);
    assert_eq!(sim.report(asks), b"report of 1\r\n");
    let lines = [answers, asks].map(|m| sim.console(m).lines().to_vec());
    lines
        .concat()
        .into_iter()
        .map(|line| (line.at, line.text))
        .collect()
}

fn replies(lines: &[(Duration, String)]) -> Vec<u32> {
    lines
        .iter()
        .filter_map(|(_, text)| text.strip_prefix("reply ")?.parse().ok())
        .collect()
}

#[test]
fn a_seed_repeats_a_run_to_the_nanosecond() {
    let Some(parts) = Parts::get() else { return };
    let one = pair(&parts, 7, Faults::default());
    assert_eq!(pair(&parts, 7, Faults::default()), one);
    // 13, 14 and 15 meet the cut cable, and the kernel takes a moment to see that it is whole.
    let got = replies(&one);
    assert_eq!(&got[..12], &(1..=12).collect::<Vec<_>>());
    assert!(
        !got.contains(&13) && !got.contains(&14) && got.contains(&20),
        "{got:?}"
    );
    assert!(
        one.iter().any(|(_, text)| text == "ready 1893456000"),
        "{one:?}"
    );
    let other = pair(&parts, 8, Faults::default());
    let random = |lines: &[(Duration, String)]| {
        lines
            .iter()
            .find(|(_, text)| text.starts_with("random"))
            .unwrap()
            .1
            .clone()
    };
    assert_ne!(random(&one), random(&other));
}

#[test]
fn what_else_is_open_does_not_reach_a_machine() {
    let Some(parts) = Parts::get() else { return };
    let run = || {
        let mut sim = parts.simulation(ClockKind::Virtual, 7);
        let cable = sim.segment();
        // Without `quiet`: the kernel's own lines too.
        let mut spec = parts.machine(1, 0, cable);
        spec.cmdline = "number=1 panic=-1".into();
        let machine = sim.machine(spec).unwrap();
        sim.start(machine).unwrap();
        says(&mut sim, machine, "ready");
        assert_eq!(sim.report(machine), b"report of 1\r\n");
        let console = sim.console(machine);
        assert!(console.shows("random ") && console.shows("Kernel command line: "));
        console.lines().to_vec()
    };
    let one = run();
    let open: Vec<File> = (0..50).map(|_| File::open("/dev/null").unwrap()).collect();
    assert_eq!(run(), one);
    drop(open);
}

#[test]
fn a_seed_repeats_what_is_lost() {
    let Some(parts) = Parts::get() else { return };
    let lossy = || Faults::loss(Share::percent(20));
    let one = replies(&pair(&parts, 7, lossy()));
    assert_eq!(replies(&pair(&parts, 7, lossy())), one);
    assert!(one.len() < 17, "{one:?}");
}

#[test]
fn a_machine_has_many_lives_and_one_disk() {
    let Some(parts) = Parts::get() else { return };
    for clock in [ClockKind::Virtual, ClockKind::Real] {
        let mut sim = parts.simulation(clock, 1);
        let cable = sim.segment();
        let machine = sim.machine(parts.machine(1, 0, cable)).unwrap();
        assert_eq!(sim.state(machine), State::Off);
        sim.start(machine).unwrap();
        says(&mut sim, machine, "ready");
        assert!(sim.console(machine).shows("start 1"));
        sim.kill(machine);
        assert_eq!(sim.state(machine), State::Off);
        let refused = sim.send(machine, "anybody?").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "machine `m1` is not running: nobody reads a line"
        );

        sim.start(machine).unwrap();
        says(&mut sim, machine, "start 2");
        let lines = sim.console(machine).lines().len();
        let until = sim.now() + 10 * SECOND;
        sim.run(until, &mut |sim| {
            sim.console(machine).find("ready", lines).is_some()
        })
        .unwrap();
        sim.send(machine, "reboot").unwrap();
        assert_eq!(ends(&mut sim, machine), State::Rebooted);

        sim.start(machine).unwrap();
        says(&mut sim, machine, "start 3");
        sim.run(sim.now() + SECOND, &mut |_| false).unwrap();
        sim.send(machine, "poweroff").unwrap();
        assert!(matches!(ends(&mut sim, machine), State::Exited(status) if status.success()));
    }
}

#[test]
fn a_line_comes_at_its_time() {
    let Some(parts) = Parts::get() else { return };
    let mut sim = parts.simulation(ClockKind::Virtual, 1);
    let cable = sim.segment();
    let machine = sim.machine(parts.machine(1, 0, cable)).unwrap();
    sim.start(machine).unwrap();
    sim.at(
        100 * SECOND,
        Action::Send {
            machine,
            line: "hello".into(),
        },
    );
    sim.run(200 * SECOND, &mut |sim| {
        sim.console(machine).shows("line hello")
    })
    .unwrap();
    let (_, line) = sim.console(machine).find("line hello", 0).unwrap();
    // The driver looks at it in the next tick.
    assert!(
        line.at >= 100 * SECOND && line.at < 100 * SECOND + Duration::from_millis(30),
        "{:?}",
        line.at
    );
}

#[test]
fn a_machine_that_spins_is_found_out() {
    let Some(parts) = Parts::get() else { return };
    let mut settings = Settings::new(parts.dir.path().join("run"), parts.kernel.clone());
    // Long enough for a boot on a busy machine.
    settings.watchdog = 15 * SECOND;
    let mut sim = Simulation::new(settings).unwrap();
    let cable = sim.segment();
    let machine = sim.machine(parts.machine(1, 0, cable)).unwrap();
    sim.start(machine).unwrap();
    says(&mut sim, machine, "ready");
    sim.send(machine, "spin").unwrap();
    let error = sim.run(100 * SECOND, &mut |_| false).unwrap_err();
    assert!(
        matches!(&error, Error::Stuck { who, .. } if who.contains("machine `m1` computes")),
        "{error}"
    );
    sim.kill(machine);
    assert_eq!(
        sim.run(100 * SECOND, &mut |_| false).unwrap(),
        Stopped::Time
    );
}

#[test]
fn a_pair_talks_in_real_time() {
    let Some(parts) = Parts::get() else { return };
    let mut sim = parts.simulation(ClockKind::Real, 1);
    let cable = sim.segment();
    let answers = sim.machine(parts.machine(2, 0, cable)).unwrap();
    let asks = sim.machine(parts.machine(1, 2, cable)).unwrap();
    sim.start(answers).unwrap();
    says(&mut sim, answers, "ready");
    sim.start(asks).unwrap();
    says(&mut sim, asks, "reply ");
    sim.cut(cable, true);
    sim.run(sim.now() + SECOND, &mut |_| false).unwrap();
    let lines = sim.console(asks).lines().len();
    sim.cut(cable, false);
    let until = sim.now() + 60 * SECOND;
    let stopped = sim
        .run(until, &mut |sim| {
            sim.console(asks).find("reply ", lines).is_some()
        })
        .unwrap();
    assert_eq!(stopped, Stopped::Condition);
}
