//! `nvmeroot plan`: what the input means.

use nvmeroot_plan::{Document, Scope};
use nvmeroot_render::Runtime;

use crate::args::{PlanArgs, PlanFormat};
use crate::{Failure, diagnose, input, output, path_variable, plan_svg, plan_text};

/// Reads the input and prints its meaning.
pub(crate) fn run(args: PlanArgs) -> Result<(), Failure> {
    let from = args.input.resolve(path_variable);
    let root = from.root.as_deref().map(input::open_root).transpose()?;
    let read = input::read(&from, root.as_ref(), None)?;
    let warn = |runtime| {
        diagnose::print_plan_warnings(&read.plan.warnings, &read.texts, runtime);
    };
    let text = match args.format {
        PlanFormat::Text => {
            warn(Runtime::default());
            plan_text::PlanText(&read.plan).to_string()
        }
        PlanFormat::Json => {
            let document = Document::new(read.plan, Scope::Everything).explained();
            serde_json::to_string_pretty(&document)? + "\n"
        }
        PlanFormat::Svg => {
            warn(Runtime::default());
            plan_svg::drawing(&read.plan).to_string()
        }
        PlanFormat::Commands => {
            warn(Runtime::Scripts);
            nvmeroot_render::commands_text(&read.plan)?
        }
    };
    output::data(&text)
}
