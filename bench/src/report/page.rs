//! What one kind of work gave, as a page.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use super::goal::Goals;
use super::plot;
use super::{Goal, Table};
use crate::machine;
use crate::plan::Plan;

/// The tables of one kind of work, and what was to be reached.
pub(crate) struct Page {
    /// Its name, on the command line and as a file.
    pub(crate) name: &'static str,
    /// What was done and what is counted.
    pub(crate) about: &'static str,
    pub(crate) tables: Vec<Table>,
    pub(crate) goals: Vec<Goal>,
}

impl Page {
    /// Prints the page, and writes it with a plot of each table.
    pub(crate) fn publish(&self, plan: &Plan) -> io::Result<()> {
        let mut text =
            format!("# {}\n\n{}\n\n{}\n", self.name, self.about, machine::described(self.name, plan));
        for (nth, table) in self.tables.iter().enumerate() {
            let plot = format!("{}-{}.svg", self.name, nth + 1);
            fs::create_dir_all(&plan.pages)?;
            fs::write(plan.pages.join(&plot), plot::bars(&table.caption, table))?;
            let _ = write!(text, "\n## {0}\n\n{table}\n![{0}]({plot})\n", table.caption);
        }
        if !self.goals.is_empty() {
            let _ = write!(text, "\n## What is to be reached\n\n{}", Goals(&self.goals));
        }
        println!("{text}");
        write(&plan.pages, &format!("{}.md", self.name), &text)
    }
}

/// Writes the page that all goals stand on.
pub(crate) fn summary(pages: &[Page], plan: &Plan) -> io::Result<()> {
    let mut text = format!("# Benchmarks\n\n{}\n", machine::described("all", plan));
    text.push_str(
        "\nWhat was tried, and where the time goes, is in [notes.md](notes.md). Ratios are of medians in this run.\n",
    );
    for page in pages {
        let _ = write!(text, "\n## {0}\n\n{1} All figures are in [{0}.md]({0}.md).\n", page.name, page.about);
        if !page.goals.is_empty() {
            let _ = write!(text, "\n{}", Goals(&page.goals));
        }
        for (nth, table) in page.tables.iter().enumerate() {
            let _ = write!(text, "\n![{}]({}-{}.svg)\n", table.caption, page.name, nth + 1);
        }
    }
    write(&plan.pages, "README.md", &text)
}

fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), text)
}
