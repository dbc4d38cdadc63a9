//! What is to be reached, and whether it is.

use std::fmt;

/// One figure that is to be on one side of a bound.
pub(crate) struct Goal {
    /// The work, and what is compared with what.
    work: String,
    bound: Bound,
    /// `None` if it was not measured.
    figure: Option<f64>,
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    pub(crate) fn at_most(work: impl Into<String>, most: f64, figure: Option<f64>) -> Self {
        Self { work: work.into(), bound: Bound::AtMost(most), figure }
    }

    pub(crate) fn at_least(work: impl Into<String>, least: f64, figure: Option<f64>) -> Self {
        Self { work: work.into(), bound: Bound::AtLeast(least), figure }
    }

    /// The head of the table that goals are the rows of.
    pub(crate) const HEAD: &'static str = "| work | reach | reached | |\n| --- | --- | ---: | --- |\n";
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // How many times too much, or too little.
        let (text, off): (_, fn(f64, f64) -> f64) = match self.bound {
            Bound::AtMost(_) => ("at most", |figure, bound| figure / bound),
            Bound::AtLeast(_) => ("at least", |figure, bound| bound / figure),
        };
        let (Bound::AtMost(bound) | Bound::AtLeast(bound)) = self.bound;
        write!(f, "| {} | {text} {bound} |", self.work)?;
        match self.figure {
            None => writeln!(f, " | not measured |"),
            Some(figure) => {
                let (off, digits) = (off(figure, bound), if figure < 100.0 { 2 } else { 0 });
                write!(f, " {figure:.digits$} | ")?;
                if off <= 1.0 { writeln!(f, "yes |") } else { writeln!(f, "no, {off:.2} × off |") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_says_how_far_it_is() {
        let goal = |figure| Goal::at_most("CPU to tonic", 0.125, figure).to_string();
        assert_eq!(goal(Some(0.1)), "| CPU to tonic | at most 0.125 | 0.10 | yes |\n");
        assert_eq!(goal(Some(0.25)), "| CPU to tonic | at most 0.125 | 0.25 | no, 2.00 × off |\n");
        assert_eq!(goal(None), "| CPU to tonic | at most 0.125 | | not measured |\n");
        let least = Goal::at_least("messages", 2.0, Some(1.0)).to_string();
        assert_eq!(least, "| messages | at least 2 | 1.00 | no, 2.00 × off |\n");
    }
}
