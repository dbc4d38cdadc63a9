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

    /// What the summary says of it.
    fn section(&self) -> String {
        let mut text =
            format!("\n## {0}\n\n{1} All figures are in [{0}.md]({0}.md).\n", self.name, self.about);
        if !self.goals.is_empty() {
            let _ = write!(text, "\n{}", Goals(&self.goals));
        }
        for (nth, table) in self.tables.iter().enumerate() {
            let _ = write!(text, "\n![{}]({}-{}.svg)\n", table.caption, self.name, nth + 1);
        }
        text
    }

    /// Says it in the summary that there is, in the place of what that said.
    pub(crate) fn renew_summary(&self, plan: &Plan) -> io::Result<()> {
        let summary = match fs::read_to_string(plan.pages.join(SUMMARY)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            summary => summary?,
        };
        match with_section(&summary, self.name, &self.section()) {
            Some(summary) => write(&plan.pages, SUMMARY, &summary),
            None => Ok(()),
        }
    }
}

const SUMMARY: &str = "README.md";

/// The summary with another section in the place of that of `name`.
fn with_section(summary: &str, name: &str, section: &str) -> Option<String> {
    let (before, rest) = summary.split_once(&format!("\n## {name}\n"))?;
    let after = rest.find("\n## ").map_or("", |next| &rest[next..]);
    Some([before, section, after].concat())
}

/// Writes the page that all goals stand on.
pub(crate) fn summary(pages: &[Page], plan: &Plan) -> io::Result<()> {
    let mut text = format!("# Benchmarks\n\n{}\n", machine::described("all", plan));
    text.push_str(
        "\nWhat was tried, and where the time goes, is in [notes.md](notes.md). Ratios are of medians in one run: this one, or that which a\n\
         page names as its own.\n",
    );
    text.extend(pages.iter().map(Page::section));
    write(&plan.pages, SUMMARY, &text)
}

fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_the_place_of_its_own() {
        let summary = "# all\n\n## a\n\nold\n\n## b\n\nolder\n";
        assert_eq!(
            with_section(summary, "a", "\n## a\n\nnew\n").unwrap(),
            "# all\n\n## a\n\nnew\n\n## b\n\nolder\n"
        );
        assert_eq!(
            with_section(summary, "b", "\n## b\n\nnew\n").unwrap(),
            "# all\n\n## a\n\nold\n\n## b\n\nnew\n"
        );
        assert_eq!(with_section(summary, "c", "\n## c\n"), None);
    }
}
