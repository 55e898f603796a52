//! What is compared of two boots.

use anyhow::{Context, Result};

use super::hosts::Runtime;
use super::measure::Boot;

/// What is measured of a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// From the first script of the runtime until root's drive is visible.
    Script,
    /// The same, from when there is a card as well.
    Work,
    /// How long the initramfs takes from init-premount to local-premount, which
    /// is where both runtimes hold it up.
    Held,
    /// From the first script of the initramfs until root is mounted. What comes
    /// before is the same for both runtimes, and differs by more than a second
    /// from boot to boot.
    Initramfs,
    /// Of that, what the processor worked. The rest it waited.
    Busy,
    /// From the start of the kernel until root is mounted.
    Boot,
    /// From what came late until root is mounted.
    Late,
}

impl Span {
    pub(super) fn title(self) -> &'static str {
        match self {
            Span::Script => "first script → drive visible",
            Span::Work => "first script and card there → drive visible",
            Span::Held => "init-premount → local-premount",
            Span::Initramfs => "init-top → root mounted",
            Span::Busy => "the processor's work in it",
            Span::Boot => "kernel start → root mounted",
            Span::Late => "what was late is there → root mounted",
        }
    }

    pub(super) fn of(self, boot: &Boot, runtime: Runtime) -> Result<f64> {
        let timeline = &boot.timeline;
        let script = timeline.stage(runtime.first_stage())?;
        Ok(match self {
            Span::Script => timeline.namespace - script,
            Span::Work => timeline.namespace - script.max(timeline.card),
            Span::Held => timeline.stage("local-premount")? - timeline.stage("init-premount")?,
            Span::Initramfs => timeline.root - timeline.stage("init-top")?,
            Span::Busy => {
                // Root is mounted right before init-bottom begins.
                let whole = Span::Initramfs.of(boot, runtime)?;
                whole - timeline.idle("init-top", "init-bottom")?
            }
            Span::Boot => timeline.root,
            Span::Late => timeline.root - boot.target.context("the target did not say so")?,
        })
    }
}
