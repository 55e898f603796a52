//! `nvmeroot plan`: what the input means.

use std::io::Write;

use nvmeroot_plan::{Document, Scope};
use nvmeroot_render::Runtime;

use crate::args::{PlanArgs, PlanFormat};
use crate::{Failure, diagnose, input, path_variable, plan_svg, plan_text};

/// Reads the input and prints its meaning.
pub(crate) fn run(args: PlanArgs) -> Result<(), Failure> {
    let from = args.input.resolve(path_variable);
    let root = from.root.as_deref().map(input::open_root).transpose()?;
    let read = input::read(&from, root.as_ref(), None)?;
    // Standard output by itself writes line by line.
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let warn = |runtime| {
        diagnose::print_plan_warnings(&read.plan.warnings, &read.texts, runtime);
    };
    match args.format {
        PlanFormat::Text => {
            warn(Runtime::default());
            write!(out, "{}", plan_text::PlanText(&read.plan))?;
        }
        PlanFormat::Json => {
            let document = Document::new(read.plan, Scope::Everything).explained();
            serde_json::to_writer_pretty(&mut out, &document)?;
            writeln!(out)?;
        }
        PlanFormat::Svg => {
            warn(Runtime::default());
            write!(out, "{}", plan_svg::drawing(&read.plan))?;
        }
        PlanFormat::Commands => {
            warn(Runtime::Scripts);
            write!(out, "{}", nvmeroot_render::commands_text(&read.plan)?)?;
        }
    }
    out.flush()?;
    Ok(())
}
