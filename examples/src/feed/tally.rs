//! How a feed went.

use std::fmt;

use unwired::Status;

/// What came of the lines of a feed. Its text is the last line that the program prints.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Features that the server received.
    pub received: u64,
    /// Features that it refused.
    pub refused: u64,
    /// Lines that are no features.
    pub broken: u64,
    /// Why there were no more.
    pub end: End,
}

/// Why a feed ended.
#[derive(Clone, Debug, Default)]
pub enum End {
    /// All lines had their turn.
    #[default]
    Complete,
    /// It was told to stop.
    Stopped,
    /// For this line there was no answer, however often it was sent.
    Unanswered {
        /// The number of the line.
        line: u64,
        /// What came of the last attempt.
        status: Status,
    },
    /// The next line could not be read.
    Unreadable(String),
}

impl Tally {
    /// Whether the program did what it was asked for: everything went through, or it was told to stop.
    ///
    /// # Errors
    /// In a line, what did not go through.
    pub fn verdict(&self) -> Result<(), String> {
        match &self.end {
            End::Unanswered { line, status } => {
                Err(format!("the server does not answer, from line {line} on nothing was received: {status}"))
            }
            End::Unreadable(error) => Err(format!("cannot read on: {error}")),
            End::Complete | End::Stopped if self.refused + self.broken > 0 => {
                Err(format!("{} lines did not go through", self.refused + self.broken))
            }
            End::Complete | End::Stopped => Ok(()),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, refused, broken, end } = self;
        if matches!(end, End::Stopped) {
            f.write_str("stopped: ")?;
        }
        write!(f, "{received} features went through, {refused} were refused, {broken} lines were broken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_through_is_well() {
        let tally = Tally { received: 3, ..Tally::default() };
        assert_eq!(tally.to_string(), "3 features went through, 0 were refused, 0 lines were broken");
        assert_eq!(tally.verdict(), Ok(()));
    }

    #[test]
    fn stopped_is_well_but_told() {
        let tally = Tally { received: 3, end: End::Stopped, ..Tally::default() };
        assert!(tally.to_string().starts_with("stopped: 3 features went through"));
        assert_eq!(tally.verdict(), Ok(()));
    }

    #[test]
    fn what_did_not_go_through_is_an_error() {
        let tally = Tally { received: 3, refused: 1, broken: 2, end: End::Complete };
        assert_eq!(tally.verdict(), Err("3 lines did not go through".to_owned()));
        let gone = End::Unanswered { line: 7, status: Status::unavailable("gone") };
        let verdict = Tally { end: gone, ..Tally::default() }.verdict().unwrap_err();
        assert!(verdict.contains("line 7") && verdict.contains("gone"), "{verdict}");
        let end = End::Unreadable("broken pipe".to_owned());
        assert_eq!(Tally { end, ..tally }.verdict(), Err("cannot read on: broken pipe".to_owned()));
    }
}
