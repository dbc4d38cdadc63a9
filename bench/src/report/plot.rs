//! Bars with their spread, as SVG.

use std::fmt::Write;

use super::table::Table;

const WIDTH: f64 = 800.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 80.0;
const TOP: f64 = 44.0;
const LINE: f64 = 26.0;
const BAR: f64 = 16.0;

/// The first column of `table`, a bar for each contender, ours in another colour.
pub(super) fn bars(title: &str, table: &Table) -> String {
    let most = table.bars().map(|(_, spread)| spread.highest).fold(f64::MIN_POSITIVE, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / most;
    let height = TOP + LINE * table.bars().count() as f64 + 8.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"12\" y=\"26\" font-size=\"15\">{}: {}</text>\n",
        text(title),
        text(table.head()),
    );
    for (nth, (name, spread)) in table.bars().enumerate() {
        let top = TOP + LINE * nth as f64;
        let middle = top + BAR / 2.0;
        let base = top + BAR - 3.0;
        let colour = if name.starts_with("unwired") { "#2166ac" } else { "#b0b0b0" };
        let [low, end, high] = [spread.lowest, spread.median, spread.highest].map(|x| LEFT + x * scale);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"end\">{}</text>\n\
             <rect x=\"{LEFT}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\n\
             <path d=\"M{low:.1} {middle:.1}H{high:.1}\" stroke=\"black\"/>\n\
             <text x=\"{:.1}\" y=\"{base:.1}\">{:.2}</text>\n",
            LEFT - 8.0,
            text(name),
            end - LEFT,
            high + 6.0,
            spread.median,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Text as XML has it.
fn text(plain: &str) -> String {
    plain.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::super::Column;
    use super::*;

    #[test]
    fn the_longest_bar_has_the_whole_width_and_names_are_escaped() {
        const COLUMNS: &[Column] = &[Column { head: "µs", digits: 1 }];
        let mut table = Table::new("greeter", COLUMNS, &[]);
        table.add("a<b", vec![2.0]);
        table.add("unwired", vec![1.0]);
        let svg = bars("c1m1", &table);
        assert!(svg.contains("a&lt;b") && !svg.contains("a<b"), "{svg}");
        let full = WIDTH - LEFT - RIGHT;
        assert!(svg.contains(&format!("width=\"{full:.1}\" height=\"{BAR}\" fill=\"#b0b0b0\"")), "{svg}");
        assert!(
            svg.contains(&format!("width=\"{:.1}\" height=\"{BAR}\" fill=\"#2166ac\"", full / 2.0)),
            "{svg}"
        );
    }
}
