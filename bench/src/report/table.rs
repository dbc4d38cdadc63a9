//! The measurements of some contenders doing the same.

use std::fmt;

use super::spread::Spread;

/// One figure of a measurement.
pub(crate) struct Column {
    /// What it is, and in which unit.
    pub(crate) head: &'static str,
    /// Digits after the point.
    pub(crate) digits: usize,
}

/// Rows of figures: the first column is what counts, and has its spread and its ratios beside it.
pub(crate) struct Table {
    pub(crate) caption: String,
    columns: &'static [Column],
    /// Whose first figure the others' are divided by.
    references: Vec<&'static str>,
    rows: Vec<Row>,
}

/// One contender.
struct Row {
    name: String,
    /// The figures of each round, a column each.
    rounds: Vec<Vec<f64>>,
}

impl Row {
    fn spread(&self, column: usize) -> Spread {
        Spread::of(self.rounds.iter().filter_map(|figures| figures.get(column)).copied())
    }
}

impl Table {
    pub(crate) fn new(
        caption: impl Into<String>,
        columns: &'static [Column],
        references: &[&'static str],
    ) -> Self {
        Self { caption: caption.into(), columns, references: references.to_vec(), rows: Vec::new() }
    }

    /// Adds what one round gave, a figure for each column.
    pub(crate) fn add(&mut self, name: &str, figures: Vec<f64>) {
        match self.rows.iter_mut().find(|row| row.name == name) {
            Some(row) => row.rounds.push(figures),
            None => self.rows.push(Row { name: name.to_owned(), rounds: vec![figures] }),
        }
    }

    /// What the first column holds.
    pub(super) fn head(&self) -> &'static str {
        self.columns.first().map_or("", |column| column.head)
    }

    /// The name of each row, and the spread of its first column.
    pub(super) fn bars(&self) -> impl Iterator<Item = (&str, Spread)> {
        self.rows.iter().map(|row| (row.name.as_str(), row.spread(0)))
    }

    /// The median of a contender, if it was measured.
    pub(crate) fn median(&self, name: &str, column: usize) -> Option<f64> {
        self.rows.iter().find(|row| row.name == name).map(|row| row.spread(column).median)
    }

    /// How often the median of one contender goes into that of the other, if both were measured.
    pub(crate) fn ratio(&self, name: &str, reference: &str, column: usize) -> Option<f64> {
        Some(self.median(name, column)? / self.median(reference, column)?)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let references = self.references.iter().filter(|name| self.median(name, 0).is_some());
        let references: Vec<_> = references.collect();
        write!(f, "| | {} | lowest to highest |", self.head())?;
        for column in self.columns.iter().skip(1) {
            write!(f, " {} |", column.head)?;
        }
        for name in &references {
            write!(f, " to {name} |")?;
        }
        let figures = 1 + self.columns.len() + references.len();
        writeln!(f, "\n| --- |{}", " ---: |".repeat(figures))?;
        for row in &self.rows {
            write!(f, "| {} |", row.name)?;
            for (nth, Column { digits, .. }) in self.columns.iter().enumerate() {
                let Spread { lowest, median, highest } = row.spread(nth);
                write!(f, " {} |", Figure(median, *digits))?;
                if nth == 0 {
                    write!(f, " {} to {} |", Figure(lowest, *digits), Figure(highest, *digits))?;
                }
            }
            for name in &references {
                let ratio = self.ratio(&row.name, name, 0).unwrap_or(f64::NAN);
                write!(f, " {} |", Figure(ratio, 2))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// A number with so many digits; nothing, where nothing was measured.
struct Figure(f64, usize);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, digits) = *self;
        if number.is_nan() { f.write_str("") } else { write!(f, "{number:.digits$}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_for_each_contender_and_a_ratio_to_each_reference_that_was_measured() {
        const COLUMNS: &[Column] = &[Column { head: "µs", digits: 1 }, Column { head: "calls/s", digits: 0 }];
        let mut table = Table::new("greeter", COLUMNS, &["slow", "absent"]);
        table.add("fast", vec![1.0, 9.0]);
        table.add("slow", vec![4.0, f64::NAN]);
        table.add("fast", vec![3.0, 11.0]);
        let lines = [
            "| | µs | lowest to highest | calls/s | to slow |",
            "| --- | ---: | ---: | ---: | ---: |",
            "| fast | 2.0 | 1.0 to 3.0 | 10 | 0.50 |",
            "| slow | 4.0 | 4.0 to 4.0 |  | 1.00 |",
        ];
        assert_eq!(table.to_string().lines().collect::<Vec<_>>(), lines);
    }
}
