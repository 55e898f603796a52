//! What a mount stands on, from its filesystem down to the controllers.

use std::collections::BTreeSet;

use crate::layer::{Array, Layer};
use crate::storage::{NodeRole, StorageGraph};

/// More looks at nodes than this are not taken, over all mounts of a graph: their number
/// grows with a product, and no machine has as many. What lies under a mount beyond is
/// not known.
const MOST_LOOKS: usize = 1_000_000;

/// The layers below mounts of one graph.
#[derive(Debug)]
pub(crate) struct Stacks<'a> {
    graph: &'a StorageGraph,
    looks: usize,
}

/// What one mount stands on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Stack {
    /// All layers.
    pub(crate) layers: BTreeSet<Layer>,
    /// The uppermost arrays that can do without a member, in the graph's numbers. What
    /// is also reached past them is an array that can't.
    pub(crate) arrays: Vec<Array>,
}

impl<'a> Stacks<'a> {
    pub(crate) fn new(graph: &'a StorageGraph) -> Self {
        Self { graph, looks: 0 }
    }

    /// What lies below the node of that number.
    pub(crate) fn below(&mut self, mount: usize) -> Stack {
        let nodes = self.graph.nodes();
        let of_node = self.graph.controllers_below();
        let mut stack = Stack::default();
        let mut past_arrays = BTreeSet::new();
        // A node may be seen twice: within an array and past all arrays.
        let mut seen = BTreeSet::new();
        let mut open = vec![(mount, false)];
        while let Some((at, mut in_array)) = open.pop() {
            if !seen.insert((at, in_array)) {
                continue;
            }
            self.looks += 1;
            if self.looks > MOST_LOOKS {
                return Stack::default();
            }
            let node = &nodes[at];
            if let NodeRole::Layer(layer) = &node.role {
                stack.layers.insert(layer.clone());
                if let Layer::Array { can_miss, .. } = *layer
                    && can_miss > 0
                    && !in_array
                {
                    in_array = true;
                    let members = self.graph.on(at).map(|member| of_node[member].to_vec());
                    let members = members.collect();
                    stack.arrays.push(Array { can_miss, members });
                }
            }
            if !in_array && node.on.is_empty() {
                past_arrays.insert(at);
            }
            open.extend(self.graph.on(at).map(|below| (below, in_array)));
        }
        let firm = past_arrays.into_iter();
        let both = firm.filter(|at| stack.arrays.iter().any(|one| one.has(*at)));
        let firm: Vec<Array> = both
            .map(|at| Array {
                can_miss: 0,
                members: vec![vec![at]],
            })
            .collect();
        stack.arrays.extend(firm);
        stack
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Node;
    use crate::testing::{controller, node};

    fn layer(id: &str, on: &[&str], layer: Layer) -> Node {
        let on = on.iter().map(|id| (*id).to_owned()).collect();
        node(id.to_owned(), on, NodeRole::Layer(layer))
    }

    fn device(id: &str, on: &[&str]) -> Node {
        let on = on.iter().map(|id| (*id).to_owned()).collect();
        node(id.to_owned(), on, NodeRole::Device)
    }

    fn drive(id: &str) -> Node {
        let role = NodeRole::Controller(Box::new(controller("10.0.0.1")));
        node(id.to_owned(), Vec::new(), role)
    }

    fn array(can_miss: usize) -> Layer {
        Layer::Array {
            name: None,
            can_miss,
        }
    }

    fn group() -> Layer {
        Layer::VolumeGroup {
            name: "vg".parse().ok(),
        }
    }

    fn below(nodes: Vec<Node>) -> Stack {
        let graph = StorageGraph::new(nodes).expect("a graph");
        Stacks::new(&graph).below(0)
    }

    #[test]
    fn layers_are_found_at_any_depth_and_arrays_know_their_members() {
        let crypt = Layer::Encrypted {
            name: "luks".parse().ok(),
        };
        let stack = below(vec![
            device("mount", &["lv"]),
            device("lv", &["vg"]),
            layer("vg", &["luks"], group()),
            layer("luks", &["md"], crypt.clone()),
            layer("md", &["p0", "p1"], array(1)),
            device("p0", &["c0"]),
            device("p1", &["c1"]),
            drive("c0"),
            drive("c1"),
        ]);
        assert_eq!(stack.layers, [group(), crypt, array(1)].into());
        let mirror = Array {
            can_miss: 1,
            members: vec![vec![7], vec![8]],
        };
        assert_eq!(stack.arrays, [mirror]);
    }

    #[test]
    fn what_is_reached_past_an_array_can_not_be_missed() {
        let stack = below(vec![
            layer("vg", &["md", "p"], group()),
            layer("md", &["c0", "c1"], array(1)),
            device("p", &["c0"]),
            drive("c0"),
            drive("c1"),
        ]);
        let firm = Array {
            can_miss: 0,
            members: vec![vec![3]],
        };
        assert_eq!(stack.arrays.last(), Some(&firm));
        assert_eq!(stack.arrays.len(), 2);
    }

    #[test]
    fn an_array_of_arrays_counts_by_its_own_members() {
        let stack = below(vec![
            layer("top", &["a", "b"], array(1)),
            layer("a", &["c0", "c1"], array(1)),
            device("b", &["c2"]),
            drive("c0"),
            drive("c1"),
            drive("c2"),
        ]);
        let members = vec![vec![3, 4], vec![5]];
        assert_eq!(
            stack.arrays,
            [Array {
                can_miss: 1,
                members
            }]
        );
    }

    #[test]
    fn a_stripe_can_miss_nothing() {
        let stack = below(vec![
            layer("md", &["c0", "c1"], array(0)),
            drive("c0"),
            drive("c1"),
        ]);
        assert_eq!((stack.layers.len(), stack.arrays.len()), (1, 0));
    }
}
