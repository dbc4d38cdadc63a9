//! Medians with their spread, as a table.

use std::fmt;

/// One measurement of one contender.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// CPU time of the server for one call, in microseconds.
    pub(crate) cpu_micros: f64,
    /// Calls in a second.
    pub(crate) per_second: f64,
}

/// The measurements of all contenders in one shape.
pub(crate) struct Table {
    rows: Vec<(&'static str, Vec<Sample>)>,
    /// Whose figure the others are compared with.
    reference: &'static str,
}

impl Table {
    pub(crate) fn new(names: impl Iterator<Item = &'static str>, reference: &'static str) -> Self {
        Self { rows: names.map(|name| (name, Vec::new())).collect(), reference }
    }

    pub(crate) fn add(&mut self, name: &str, sample: Sample) {
        if let Some((_, samples)) = self.rows.iter_mut().find(|(row, _)| *row == name) {
            samples.push(sample);
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = |samples: &[Sample]| Spread::of(samples.iter().map(|sample| sample.cpu_micros));
        let reference =
            self.rows.iter().find(|(name, _)| *name == self.reference).map(|(_, samples)| cpu(samples));
        writeln!(
            f,
            "| contender | server CPU µs per call | lowest to highest | calls/s | CPU against {} |",
            self.reference
        )?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: |")?;
        for (name, samples) in &self.rows {
            let Spread { lowest, median, highest } = cpu(samples);
            let pace = Spread::of(samples.iter().map(|sample| sample.per_second)).median;
            let ratio = reference
                .as_ref()
                .map_or_else(String::new, |reference| format!("{:.2}", median / reference.median));
            writeln!(f, "| {name} | {median:.2} | {lowest:.2} to {highest:.2} | {pace:.0} | {ratio} |")?;
        }
        Ok(())
    }
}

/// Where the middle of some figures is, and how far they lie apart; all NaN of no figure.
struct Spread {
    lowest: f64,
    median: f64,
    highest: f64,
}

impl Spread {
    fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.collect();
        figures.sort_by(f64::total_cmp);
        let at = |i: usize| figures.get(i).copied().unwrap_or(f64::NAN);
        let middle = figures.len() / 2;
        let median = if figures.len() % 2 == 1 {
            at(middle)
        } else {
            f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
        };
        Self { lowest: at(0), median, highest: at(figures.len().wrapping_sub(1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0].into_iter()).median, 2.0);
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0].into_iter()).median, 2.5);
        assert!(Spread::of([].into_iter()).median.is_nan());
    }
}
