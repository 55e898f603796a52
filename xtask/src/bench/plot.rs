//! A small plot: lines over a logarithmic axis, as SVG, for light and dark
//! pages.

use std::fmt::Write as _;

/// One line of a plot.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) dashed: bool,
    pub(super) points: Vec<(f64, f64)>,
    /// Readable on white and on black.
    pub(super) color: &'static str,
}

/// A plot. The horizontal axis doubles from mark to mark; the vertical one
/// begins at 0.
#[derive(Debug, Clone)]
pub(super) struct Plot {
    pub(super) title: String,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) lines: Vec<Line>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 80.0;
const BOTTOM: f64 = 60.0;

/// Grey for text and axes that shows on white and on black.
const INK: &str = "#7d8590";

impl Plot {
    /// The SVG document.
    pub(super) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let highest = points().map(|(_, y)| *y).fold(0.0, f64::max);
        let step = step(highest);
        let top = (highest / step).ceil().max(1.0) * step;
        let least = points().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
        let most = points().map(|(x, _)| *x).fold(0.0, f64::max);
        let octaves = (most / least).log2().max(1.0);
        let at_x = |x: f64| LEFT + (x / least).log2() / octaves * (WIDTH - LEFT - RIGHT);
        let at_y = |y: f64| HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM);

        // Writing to a String can't fail.
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" \
             font-family=\"sans-serif\" font-size=\"13\" fill=\"{INK}\">\n<title>{}</title>\n",
            escaped(&self.title)
        );
        let s = &mut svg;
        let _ = writeln!(
            s,
            "<text x=\"{LEFT}\" y=\"24\" font-size=\"16\" font-weight=\"bold\">{}</text>",
            escaped(&self.title)
        );
        let mut y = 0.0;
        while y <= top + step / 2.0 {
            let _ = writeln!(
                s,
                "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{h:.1}\" y2=\"{h:.1}\" stroke=\"{INK}\" \
                 stroke-opacity=\"{}\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{y}</text>",
                WIDTH - RIGHT,
                if y == 0.0 { 1.0 } else { 0.25 },
                LEFT - 8.0,
                at_y(y) + 4.5,
                h = at_y(y),
            );
            y += step;
        }
        let mut marks: Vec<f64> = points().map(|(x, _)| *x).collect();
        marks.sort_by(f64::total_cmp);
        marks.dedup();
        for x in marks {
            let _ = writeln!(
                s,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{x}</text>",
                at_x(x),
                HEIGHT - BOTTOM + 20.0
            );
        }
        let _ = writeln!(
            s,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n\
             <text transform=\"translate(20 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 16.0,
            escaped(&self.x),
            (TOP + HEIGHT - BOTTOM) / 2.0,
            escaped(&self.y)
        );
        for (number, line) in self.lines.iter().enumerate() {
            self.draw(s, line, number, &at_x, &at_y);
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// A line, its points, and its entry in the legend.
    fn draw(
        &self,
        s: &mut String,
        line: &Line,
        number: usize,
        at_x: &dyn Fn(f64) -> f64,
        at_y: &dyn Fn(f64) -> f64,
    ) {
        let color = line.color;
        let dashes = if line.dashed {
            " stroke-dasharray=\"6 5\""
        } else {
            ""
        };
        let stroke = format!("fill=\"none\" stroke=\"{color}\" stroke-width=\"2.5\"{dashes}");
        let places: Vec<String> = line
            .points
            .iter()
            .map(|(x, y)| format!("{:.1},{:.1}", at_x(*x), at_y(*y)))
            .collect();
        let _ = writeln!(s, "<polyline points=\"{}\" {stroke}/>", places.join(" "));
        for (x, y) in &line.points {
            let _ = writeln!(
                s,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{color}\"><title>{}: {x} → {y:.2}</title></circle>",
                at_x(*x),
                at_y(*y),
                escaped(&line.name)
            );
        }
        // Two columns of entries above the lines.
        let left = LEFT + 250.0 * (number / 2) as f64;
        let at = 44.0 + 18.0 * (number % 2) as f64;
        let _ = writeln!(
            s,
            "<line x1=\"{left:.1}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" {stroke}/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            left + 34.0,
            left + 42.0,
            at + 4.5,
            escaped(&line.name)
        );
    }
}

/// The distance of the marks: 1, 2 or 5 times a power of ten, six marks or
/// fewer.
fn step(highest: f64) -> f64 {
    if highest <= 0.0 || !highest.is_finite() {
        return 1.0;
    }
    let rough = highest / 6.0;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    steps
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_axes_lines_and_a_legend() {
        let svg = Plot {
            title: "a < b".to_owned(),
            x: "portals".to_owned(),
            y: "seconds".to_owned(),
            lines: vec![Line {
                name: "one".to_owned(),
                dashed: true,
                points: vec![(1.0, 0.0), (4.0, 30.0)],
                color: "#123456",
            }],
        }
        .svg();
        for text in [
            "<title>a &lt; b</title>",
            ">portals<",
            ">seconds<",
            ">one<",
            ">30<",
        ] {
            assert!(svg.contains(text), "{text} missing in\n{svg}");
        }
        // The first point lies at the origin, the last one at the right top.
        assert!(svg.contains("points=\"70.0,380.0 730.0,80.0\""), "{svg}");
    }

    #[test]
    fn steps_are_round() {
        assert_eq!(step(30.0), 5.0);
        assert_eq!(step(31.0), 10.0);
        assert_eq!(step(0.7), 0.2);
        assert_eq!(step(0.0), 1.0);
    }
}
