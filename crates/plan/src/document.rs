//! The plan's JSON form.

use serde::{Deserialize, Serialize};

use crate::{BootPlan, Explanation, Fragment, Scope, Step, steps};

/// The version of the JSON form. It grows when a reader of the older form
/// would misunderstand the newer one, and not for a key that may be absent.
pub const FORMAT_VERSION: u32 = 4;

/// A plan and its steps: what `nvmeroot plan --format json` prints, and what the
/// agent reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The form's version, [`FORMAT_VERSION`].
    pub version: u32,
    /// The plan.
    #[serde(flatten)]
    pub plan: BootPlan,
    /// The steps of the plan within a scope.
    pub steps: Vec<Step>,
    /// What the plan was made of, for who makes it again with what only the boot knows;
    /// empty where nobody does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fragments: Vec<Fragment>,
    /// Why the controllers are reached as they are; not in what the initramfs
    /// gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

impl Document {
    /// The plan with its steps within `scope`.
    pub fn new(plan: BootPlan, scope: Scope) -> Self {
        let steps = steps(&plan, scope);
        Self::of_steps(plan, steps)
    }

    /// The plan with the steps of a runtime that has others.
    pub fn of_steps(plan: BootPlan, steps: Vec<Step>) -> Self {
        Self {
            version: FORMAT_VERSION,
            plan,
            steps,
            fragments: Vec::new(),
            explanation: None,
        }
    }

    /// The same, with what the plan was made of.
    #[must_use]
    pub fn made_of(self, fragments: &[Fragment]) -> Self {
        let says = |one: &&Fragment| **one != Fragment::default();
        Self {
            fragments: fragments.iter().filter(says).cloned().collect(),
            ..self
        }
    }

    /// The same, with the explanation.
    #[must_use]
    pub fn explained(mut self) -> Self {
        self.explanation = Some(self.plan.explain());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{controller, graph, root_on};

    #[test]
    fn a_plan_is_made_of_the_fragments_that_say_something() {
        let says = Fragment {
            storage: Some(graph(&[("/", &[0])], vec![controller("192.0.2.1")])),
            ..Fragment::default()
        };
        let document = Document::new(root_on(Vec::new(), Vec::new()), Scope::Path);
        let made = document.made_of(&[Fragment::default(), says.clone()]);
        assert_eq!(made.fragments, [says]);
    }
}
