//! What is to be reached, and whether it is.

use std::fmt;

/// One figure that is to be on one side of a bound.
pub(crate) struct Goal {
    /// The work, and what is compared with what.
    work: String,
    bound: Bound,
    /// `None` if it was not measured.
    figure: Option<f64>,
    /// What there is to say as long as it is not reached: where the rest goes, what was tried, what would close it.
    because: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    pub(crate) fn at_most(work: impl Into<String>, most: f64, figure: Option<f64>) -> Self {
        Self { work: work.into(), bound: Bound::AtMost(most), figure, because: None }
    }

    pub(crate) fn at_least(work: impl Into<String>, least: f64, figure: Option<f64>) -> Self {
        Self { work: work.into(), bound: Bound::AtLeast(least), figure, because: None }
    }

    /// Says why the figure may be on the wrong side.
    pub(crate) fn because(self, because: &'static str) -> Self {
        Self { because: Some(because), ..self }
    }

    /// How many times too much it is, or too little: at most 1 where it is reached.
    fn off(&self) -> Option<f64> {
        self.figure.map(|figure| match self.bound {
            Bound::AtMost(most) => figure / most,
            Bound::AtLeast(least) => least / figure,
        })
    }

    /// The head of the table that goals are the rows of.
    const HEAD: &'static str = "| work | reach | reached | |\n| --- | --- | ---: | --- |\n";
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, bound) = match self.bound {
            Bound::AtMost(most) => ("at most", most),
            Bound::AtLeast(least) => ("at least", least),
        };
        write!(f, "| {} | {text} {bound} |", self.work)?;
        match self.figure.zip(self.off()) {
            None => writeln!(f, " | not measured |"),
            Some((figure, off)) => {
                let digits = if figure < 100.0 { 2 } else { 0 };
                write!(f, " {figure:.digits$} | ")?;
                if off <= 1.0 { writeln!(f, "yes |") } else { writeln!(f, "no, {off:.2} × off |") }
            }
        }
    }
}

/// All that is to be reached in one kind of work, and why some of it is not.
pub(crate) struct Goals<'a>(pub(crate) &'a [Goal]);

impl fmt::Display for Goals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Goal::HEAD)?;
        self.0.iter().try_for_each(|goal| write!(f, "{goal}"))?;
        let missed = || self.0.iter().filter(|goal| goal.off().is_some_and(|off| off > 1.0));
        let mut said = Vec::new();
        for because in missed().filter_map(|goal| goal.because) {
            if said.contains(&because) {
                continue;
            }
            said.push(because);
            let works: Vec<_> = missed()
                .filter(|goal| goal.because == Some(because))
                .map(|goal| goal.work.as_str())
                .collect();
            write!(f, "\n*{}*: {because}\n", works.join("; "))?;
        }
        Ok(())
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

    #[test]
    fn what_is_missed_says_why_and_what_is_reached_does_not() {
        let goal = |work: &str, figure| Goal::at_most(work, 1.0, Some(figure)).because("it is far.");
        let text = Goals(&[goal("one", 2.0), goal("two", 0.5), goal("three", 3.0)]).to_string();
        assert_eq!(text.lines().last(), Some("*one; three*: it is far."));
        let reached = Goals(&[goal("two", 0.5)]).to_string();
        assert!(!reached.contains("far"));
    }
}
