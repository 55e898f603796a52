//! `cargo xtask demo`: two machines boot from a drive across the network.

use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use comfy_table::{Table, presets};
use nvmeroot_lab::scenario::{self, Scenario};
use nvmeroot_lab::{Clock, Kind, Lab, Marks, Phase, Report, SEED, Way, boot};

use crate::setup;

/// What is shown: the lab's name, and the directory of its artefacts, so that
/// those of the scenario itself stay.
const SHOWN: [(&str, &str); 2] = [("static-ipv4", "demo-static-ipv4"), ("dhcp4", "demo-dhcp4")];

/// What a phase means to somebody who watches.
fn meaning(phase: Phase) -> &'static str {
    match phase {
        Phase::Images => "nvmeroot has configured the host's tree; its images are there",
        Phase::TargetReady => "the machine that exports the drive is up",
        Phase::Kernel => "the kernel starts; only kernel and initramfs are local",
        Phase::Premount => "the initramfs runs its scripts, nvmeroot's agent beside them",
        Phase::Network => "the network is up",
        Phase::Namespace => "the drive is connected",
        Phase::Root => "root is mounted from it",
        Phase::Systemd => "systemd runs from it",
        Phase::Marker => "the machine is up",
        Phase::PowerOff => "the machine has reported and is off again",
    }
}

pub(crate) fn run() -> Result<()> {
    let began = Instant::now();
    setup::run()?;
    say("building nvmeroot");
    let program = crate::program::build()?;
    let preparing = |text: &str| say(&format!("preparing: {text} (kept for the next time)"));
    let lab = Lab::open(&program, &preparing)?;
    // Whoever wants to see something does not want to see a kernel being built.
    let (lab, way) = if lab.has_uml() {
        let way = Way::simulated(Clock::Real, SEED);
        (lab.with_uml(&preparing)?, way)
    } else {
        (lab, Way::EMULATED)
    };
    say(match way.kind {
        Kind::Uml => "machines: User-mode Linux, by our clock",
        Kind::Qemu => "machines: QEMU, which emulates (`cargo xtask lab` builds a faster kernel)",
    });
    let plain = lab.plain_initrd_bytes(way.kind)?;
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "host",
        "root",
        "portal",
        "interface",
        "kernel",
        "network up",
        "root mounted",
        "machine up",
        "added to the initrd",
    ]);
    // Both at once: each keeps one processor busy.
    let rows: Vec<Result<Vec<String>>> = thread::scope(|scope| {
        let boots: Vec<_> = SHOWN
            .iter()
            .map(|shown| scope.spawn(|| show(&lab, way, *shown, plain)))
            .collect();
        boots
            .into_iter()
            .map(|boot| {
                boot.join()
                    .unwrap_or_else(|_| bail!("a part of the demonstration panicked"))
            })
            .collect()
    });
    for row in rows {
        table.add_row(row?);
    }
    println!("\n{table}");
    let how = match way.kind {
        Kind::Uml => "User-mode Linux",
        Kind::Qemu => "under emulation",
    };
    println!("seconds count from switching the machine on, {how}");
    println!("done in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

fn say(text: &str) {
    println!("── {text}");
}

fn show(
    lab: &Lab,
    way: Way,
    (name, directory): (&str, &'static str),
    plain: u64,
) -> Result<Vec<String>> {
    let mut scenario = scenario::all()
        .into_iter()
        .find(|s| s.name == name)
        .with_context(|| format!("the lab has no scenario `{name}`"))?;
    scenario.name = directory;
    // What a user gets who says nothing of it.
    scenario.host.name = directory.to_owned();
    scenario.host.configure_args.clear();
    // The lab's tests watch the running machine for a minute; this does not.
    scenario.wiring.settle = 1;
    let boot = boot(lab, &scenario, way, &|phase, seconds| {
        println!("{name:>12} │ {seconds:6.1} s  {}", meaning(phase));
    })?;
    let outcome = boot.outcome;
    let report = outcome
        .report
        .context("the machine did not come up and report")?;
    let added = outcome.image.initrd_bytes()?.saturating_sub(plain);
    row(&scenario, &report, &outcome.marks, added)
}

fn row(scenario: &Scenario, report: &Report, marks: &Marks, added: u64) -> Result<Vec<String>> {
    let root = report.mount("/").context("the machine reports no root")?;
    let controller = report
        .controllers
        .iter()
        .find(|c| c.transport == "tcp" && c.state == "live")
        .context("the machine reports no live NVMe/TCP controller")?;
    if !root.source.starts_with("/dev/nvme") {
        bail!("root is on `{}`, not on a remote drive", root.source);
    }
    let field = |name: &str| {
        controller
            .address
            .split(',')
            .find_map(|part| part.strip_prefix(name))
            .unwrap_or("?")
            .to_owned()
    };
    let source = field("src_addr=");
    let interface = report
        .addresses
        .iter()
        .find(|a| a.ip.to_string() == source)
        .map_or_else(|| "?".to_owned(), |a| a.interface.clone());
    let seconds = |mark: Option<f64>| mark.map_or_else(|| "?".to_owned(), |s| format!("{s:.1} s"));
    Ok(vec![
        scenario.title.to_owned(),
        format!("{} ({})", root.source, root.fstype),
        format!("{}:{}", field("traddr="), field("trsvcid=")),
        format!("{interface} ({source})"),
        seconds(marks.kernel),
        seconds(marks.network),
        seconds(marks.root),
        seconds(marks.marker),
        format!("{} kB", added / 1000),
    ])
}
