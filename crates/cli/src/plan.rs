//! `nvmeroot plan`: what the input means.

use nvmeroot_plan::Document;
use nvmeroot_render::{Runtime, runtime_steps};

use crate::args::{PlanArgs, PlanFormat};
use crate::environment::path_variable;
use crate::{Failure, boot, diagnose, output, plan_svg, plan_text, sources};

/// Reads the input and prints its meaning.
pub(crate) fn run(args: PlanArgs) -> Result<(), Failure> {
    let from = args.input.resolve(path_variable);
    let root = from.root.as_deref().map(sources::open_root).transpose()?;
    let read = sources::read(&from, root.as_ref(), None)?;
    let read = boot::with_what_the_boot_knows(read, &args.boot, &from)?;
    let plan = read.plan;
    let runtime = match args.format {
        PlanFormat::Commands => Runtime::Scripts,
        _ => args.runtime.into(),
    };
    // The JSON form has the plan's own in it.
    let warnings = match args.format {
        PlanFormat::Json => nvmeroot_render::limits(&plan, runtime),
        _ => diagnose::warnings_of_plan(&plan, runtime),
    };
    diagnose::print_warnings(&warnings, &read.source_map);
    let text = match args.format {
        PlanFormat::Text => plan_text::PlanText {
            steps: &runtime_steps(&plan, runtime),
            plan: &plan,
        }
        .to_string(),
        PlanFormat::Json => {
            let steps = runtime_steps(&plan, runtime);
            let document = Document::of_steps(plan, steps).explained();
            serde_json::to_string_pretty(&document)? + "\n"
        }
        PlanFormat::Svg => plan_svg::drawing(&plan).to_string(),
        PlanFormat::Commands => nvmeroot_render::commands_text(&plan)?,
    };
    Ok(output::data(&text)?)
}
