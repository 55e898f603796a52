//! Boxes in columns with lines between, written as SVG.

use std::fmt::Write as _;

/// Sizes in pixels. Letters of a monospaced font are 0.6 of its size wide;
/// some more leaves room for fonts that are wider.
const LETTER: usize = 8;
const LINE: usize = 17;
const PAD: usize = 10;
const GAP: usize = 14;
const BETWEEN: usize = 56;
const MARGIN: usize = 16;
const HEADING: usize = 34;
/// Letters of a line; what is longer ends in dots.
const LONGEST: usize = 56;

/// What a box is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeStyle {
    Mount,
    Controller,
    Route,
    Link,
    /// Not chosen.
    Rejected,
    /// What should be there and is not.
    Missing,
}

impl NodeStyle {
    /// Fill and frame. Every box has a fill of its own and dark letters, so it
    /// can be read on any background.
    fn colours(self) -> (&'static str, &'static str) {
        match self {
            Self::Mount => ("#dbeafe", "#2563eb"),
            Self::Controller => ("#ede9fe", "#7c3aed"),
            Self::Route => ("#dcfce7", "#16a34a"),
            Self::Link => ("#fef3c7", "#d97706"),
            Self::Rejected => ("#e5e7eb", "#8b93a1"),
            Self::Missing => ("#fee2e2", "#dc2626"),
        }
    }
}

/// A box's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(usize);

struct Node {
    column: usize,
    style: NodeStyle,
    lines: Vec<String>,
    /// Boxes that stand right of it and are first named by it.
    below: Vec<usize>,
    has_parent: bool,
    y: usize,
}

impl Node {
    fn height(&self) -> usize {
        2 * PAD + self.lines.len() * LINE - 4
    }
}

/// Boxes and the lines between them.
#[derive(Default)]
pub(super) struct Canvas {
    nodes: Vec<Node>,
    edges: Vec<(usize, usize, bool)>,
}

impl Canvas {
    /// A new box; its first line is its name.
    pub(super) fn node(&mut self, column: usize, style: NodeStyle, lines: &[String]) -> NodeId {
        self.nodes.push(Node {
            column,
            style,
            lines: lines.iter().map(|line| shortened(line)).collect(),
            below: Vec::new(),
            has_parent: false,
            y: 0,
        });
        NodeId(self.nodes.len() - 1)
    }

    /// A line from a box to one right of it.
    pub(super) fn edge(&mut self, from: NodeId, to: NodeId, dashed: bool) {
        self.edges.push((from.0, to.0, dashed));
        if !std::mem::replace(&mut self.nodes[to.0].has_parent, true) {
            self.nodes[from.0].below.push(to.0);
        }
    }

    /// Lays all out; each column is headed by its name.
    pub(super) fn finish(mut self, headings: &[&str]) -> String {
        let columns = self.nodes.iter().map(|n| n.column + 1).max().unwrap_or(1);
        let mut free = vec![MARGIN + HEADING; columns];
        let mut placed = vec![false; self.nodes.len()];
        for root in 0..self.nodes.len() {
            if !self.nodes[root].has_parent {
                self.place(root, &mut free, &mut placed);
            }
        }
        let mut widths: Vec<usize> = (0..columns)
            .map(|c| headings.get(c).map_or(0, |h| h.len() * LETTER))
            .collect();
        for node in &self.nodes {
            widths[node.column] = widths[node.column].max(self.width(node));
        }
        let mut lefts = Vec::with_capacity(columns);
        let mut x = MARGIN;
        for width in &widths {
            lefts.push(x);
            x += width + BETWEEN;
        }
        let (width, height) = (
            x - BETWEEN + MARGIN,
            free.iter().max().copied().unwrap_or(0) - GAP + MARGIN,
        );
        self.write(&lefts, &widths, (width, height), headings)
    }

    /// Places a box beside the middle of those that it names, below all that
    /// its column has so far.
    fn place(&mut self, at: usize, free: &mut [usize], placed: &mut [bool]) {
        if std::mem::replace(&mut placed[at], true) {
            return;
        }
        let (column, height) = (self.nodes[at].column, self.nodes[at].height());
        // No box of it may come to stand above the place that is left here.
        let start = free[column];
        let below = self.nodes[at].below.clone();
        for &other in &below {
            let column = self.nodes[other].column;
            free[column] = free[column].max(start);
            self.place(other, free, placed);
        }
        let middle = |n: &Node| n.y + n.height() / 2;
        let ends = below.first().zip(below.last());
        let wanted = ends.map_or(0, |(first, last)| {
            (middle(&self.nodes[*first]) + middle(&self.nodes[*last])) / 2
        });
        let y = wanted.saturating_sub(height / 2).max(free[column]);
        self.nodes[at].y = y;
        free[column] = y + height + GAP;
    }

    fn write(
        &self,
        lefts: &[usize],
        widths: &[usize],
        (width, height): (usize, usize),
        headings: &[&str],
    ) -> String {
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" \
             font-family=\"'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"12\">\n\
             <title>The path from the mount points to the ports</title>\n"
        );
        // Writing to a string can't fail.
        for (column, left) in lefts.iter().enumerate() {
            let heading = headings.get(column).or(headings.last());
            let _ = writeln!(
                out,
                "<text x=\"{left}\" y=\"{}\" fill=\"#7a8699\" font-weight=\"bold\">{}</text>",
                MARGIN + 12,
                heading.map_or(String::new(), |h| escaped(h))
            );
        }
        for &(from, to, dashed) in &self.edges {
            let (from, to) = (&self.nodes[from], &self.nodes[to]);
            let x1 = lefts[from.column] + self.width(from);
            let x2 = lefts[to.column];
            let (y1, y2) = (from.y + from.height() / 2, to.y + to.height() / 2);
            // Straight past shorter boxes of its own column, then the bend.
            let bend = lefts[from.column] + widths[from.column];
            let middle = bend + (x2.saturating_sub(bend)) / 2;
            let dashes = if dashed {
                " stroke-dasharray=\"4 4\""
            } else {
                ""
            };
            let _ = writeln!(
                out,
                "<path d=\"M{x1} {y1} H{bend} C{middle} {y1} {middle} {y2} {x2} {y2}\" \
                 fill=\"none\" stroke=\"#7a8699\" stroke-width=\"1.6\"{dashes}/>"
            );
        }
        for node in &self.nodes {
            let (fill, frame) = node.style.colours();
            let (x, y) = (lefts[node.column], node.y);
            let dashes = match node.style {
                NodeStyle::Rejected => " stroke-dasharray=\"4 4\"",
                _ => "",
            };
            let _ = writeln!(
                out,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"6\" \
                 fill=\"{fill}\" stroke=\"{frame}\" stroke-width=\"1.4\"{dashes}/>",
                self.width(node),
                node.height()
            );
            for (n, line) in node.lines.iter().enumerate() {
                let (weight, colour) = match (n, node.style) {
                    (0, NodeStyle::Rejected) => ("normal", "#111827"),
                    (0, _) => ("bold", "#111827"),
                    _ => ("normal", "#4b5563"),
                };
                let _ = writeln!(
                    out,
                    "<text x=\"{}\" y=\"{}\" fill=\"{colour}\" font-weight=\"{weight}\">{}</text>",
                    x + PAD,
                    y + PAD + 10 + n * LINE,
                    escaped(line)
                );
            }
        }
        out.push_str("</svg>\n");
        out
    }

    fn width(&self, node: &Node) -> usize {
        let longest = node.lines.iter().map(|l| l.chars().count()).max();
        longest.unwrap_or(0) * LETTER + 2 * PAD
    }
}

fn shortened(line: &str) -> String {
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let kept: String = line.chars().take(LONGEST - 1).collect();
    format!("{kept}…")
}

/// Text as XML has it; control characters, which XML has not, as a mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_escaped_and_bounded() {
        assert_eq!(escaped("a<b & \u{1}"), "a&lt;b &amp; \u{fffd}");
        assert_eq!(shortened(&"x".repeat(100)).chars().count(), LONGEST);
        assert_eq!(shortened("short"), "short");
    }

    proptest! {
        /// However boxes are joined, in no column do two overlap.
        #[test]
        fn boxes_don_t_overlap(
            nodes in prop::collection::vec((0usize..5, 1usize..4), 1..30),
            edges in prop::collection::vec((0usize..30, 0usize..30), 0..60),
        ) {
            let mut canvas = Canvas::default();
            let ids: Vec<NodeId> = nodes
                .iter()
                .map(|(column, lines)| canvas.node(*column, NodeStyle::Link, &vec!["x".to_owned(); *lines]))
                .collect();
            for (from, to) in edges {
                if from < nodes.len() && to < nodes.len() && nodes[from].0 < nodes[to].0 {
                    canvas.edge(ids[from], ids[to], false);
                }
            }
            let svg = canvas.finish(&["a", "b"]);
            let mut boxes: Vec<[usize; 3]> = Vec::new();
            for line in svg.lines().filter(|l| l.starts_with("<rect")) {
                let number = |name: &str| -> usize {
                    let (_, rest) = line.split_once(&format!(" {name}=\"")).expect("the attribute");
                    rest.split_once('"').expect("its end").0.parse().expect("a number")
                };
                boxes.push([number("x"), number("y"), number("height")]);
            }
            prop_assert_eq!(boxes.len(), nodes.len());
            for (n, one) in boxes.iter().enumerate() {
                for other in &boxes[..n] {
                    let apart = one[1] + one[2] <= other[1] || other[1] + other[2] <= one[1];
                    prop_assert!(one[0] != other[0] || apart, "{:?} {:?}", one, other);
                }
            }
        }
    }
}
