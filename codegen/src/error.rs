//! What stops a build, in words that name the place.

use std::path::{Path, PathBuf};
use std::{error, fmt, fs, io};

use miette::{Diagnostic, SourceCode};

/// Why no code came of the .proto files.
///
/// `Debug` says the same as `Display`, since that is what `cargo` shows of an error that `main` of a `build.rs` returns: for a
/// fault in a .proto its file, line, column and the reason, with the line itself below, and so for each fault found.
pub struct Error {
    text: String,
    source: Option<io::Error>,
}

impl Error {
    /// An option that cannot be used, or an environment that lacks something.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), source: None }
    }

    /// Something about a file or folder that failed.
    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        Self { text: format!("{doing} {}", path.display()), source: Some(source) }
    }

    /// What the compiler of .proto files found. The includes tell the path of a file that it knows by name.
    pub(crate) fn proto(error: &protox::Error, includes: &[PathBuf]) -> Self {
        let mut text = String::new();
        report(error, error.file(), None, includes, &mut text);
        Self { text, source: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        // Its text is part of ours already.
        None
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Self { text: "cannot generate code".to_owned(), source: Some(source) }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = error.source.as_ref().map_or(io::ErrorKind::InvalidData, Self::kind);
        Self::new(kind, error)
    }
}

/// Appends a fault and those that were found with it.
fn report(
    fault: &dyn Diagnostic,
    file: Option<&str>,
    outer: Option<&dyn SourceCode>,
    includes: &[PathBuf],
    text: &mut String,
) {
    let code = fault.source_code().or(outer);
    let label = fault.labels().and_then(|mut labels| labels.next());
    let place = label.as_ref().zip(code).and_then(|(label, code)| code.read_span(label.inner(), 0, 0).ok());
    let file = place.as_ref().and_then(|place| place.name()).or(file);
    let path = file.map(|name| located(name, includes));

    if !text.is_empty() {
        text.push('\n');
    }
    if let Some(path) = &path {
        text.push_str(&path.display().to_string());
        if let Some(place) = &place {
            text.push_str(&format!(":{}:{}", place.line() + 1, place.column() + 1));
        }
        text.push_str(": ");
    }
    text.push_str(&fault.to_string());
    if let Some(source) = fault.source() {
        text.push_str(&format!(": {source}"));
    }
    if let Some((path, place)) = path.as_ref().zip(place.as_ref()) {
        quote(path, place.line(), place.column(), label.map_or(1, |label| label.len()), text);
    }
    if let Some(help) = fault.help() {
        text.push_str(&format!("\n  = help: {help}"));
    }
    for related in fault.related().into_iter().flatten() {
        report(related, file, code, includes, text);
    }
}

/// Appends the line of the fault, marked.
fn quote(path: &Path, line: usize, column: usize, length: usize, text: &mut String) {
    let Ok(source) = fs::read_to_string(path) else { return };
    let Some(source) = source.lines().nth(line) else { return };
    let number = (line + 1).to_string();
    let margin = " ".repeat(number.len());
    // Tabs stay tabs, so that the mark stands below what it marks.
    let indent: String = source.chars().take(column).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let mark = "^".repeat(length.clamp(1, source.chars().count().saturating_sub(column).max(1)));
    text.push_str(&format!("\n{margin} |\n{number} | {source}\n{margin} | {indent}{mark}"));
}

/// Where a file lies that the compiler knows by its name below an include.
fn located(name: &str, includes: &[PathBuf]) -> PathBuf {
    includes
        .iter()
        .map(|include| if include == Path::new(".") { PathBuf::from(name) } else { include.join(name) })
        .find(|path| path.is_file())
        .unwrap_or_else(|| PathBuf::from(name))
}
