//! Two machines and a cable that is cut at 12 s and mended at 15 s.
//!
//! ping LINUX INITRD: the initramfs sets up `eth0` with `addr=` and pings `peer=`, see README.md.
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use machinesim::{Action, CardSpec, Kernel, Mac, MachineSpec, SegmentId, Settings, Simulation};

fn machine(name: &str, initrd: &Path, number: u8, segment: SegmentId) -> MachineSpec {
    MachineSpec {
        name: name.into(),
        initrd: initrd.into(),
        cmdline: format!("addr=10.0.0.{number} quiet panic=-1"),
        memory_mib: 64,
        cards: vec![CardSpec {
            mac: Mac([0x52, 0x54, 0, 0, 0, number]),
            slot: 3,
            segment,
            carrier: true,
            speed_mbit: 1000,
        }],
        disks: vec![],
        processor: None,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let (Some(linux), Some(initrd)) = (arguments.next(), arguments.next()) else {
        return Err("ping LINUX INITRD".into());
    };
    let dir = tempfile::tempdir()?;
    let shim = machinesim::entropy::build_shim(Path::new("cc"), dir.path())?;
    let began = Instant::now();
    let mut sim = Simulation::new(Settings::new(
        dir.path(),
        Kernel {
            linux,
            entropy_shim: Some(shim),
        },
    ))?;
    let cable = sim.segment();
    let right = sim.machine(machine("right", &initrd, 2, cable))?;
    let mut spec = machine("left", &initrd, 1, cable);
    spec.cmdline += " peer=10.0.0.2";
    let left = sim.machine(spec)?;
    sim.start(right)?;
    sim.run(Duration::from_secs(60), &mut |sim| {
        sim.console(right).shows("ready")
    })?;
    sim.start(left)?;
    sim.at(
        Duration::from_secs(12),
        Action::Cut {
            segment: cable,
            cut: true,
        },
    );
    sim.at(
        Duration::from_secs(15),
        Action::Cut {
            segment: cable,
            cut: false,
        },
    );
    sim.run(Duration::from_secs(20), &mut |_| false)?;
    for id in [right, left] {
        println!("---");
        for line in sim.console(id).lines() {
            println!("{:12.6} {}", line.at.as_secs_f64(), line.text);
        }
    }
    println!(
        "--- {:?} of virtual time in {:?} of ours",
        sim.now(),
        began.elapsed()
    );
    Ok(())
}
