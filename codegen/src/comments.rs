//! Comments of a .proto as Rust docs.
//!
//! What stands in a comment was not written for rustdoc, which takes every code block that names no other language for a
//! Rust test. Blocks are found with the parser that rustdoc itself uses, so that none is missed however it is nested.

use std::iter;

use prost_types::FileDescriptorProto;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// Rewrites all comments of a file so that none of their code becomes a doc test.
pub(crate) fn disarm(file: &mut FileDescriptorProto) {
    let Some(source) = &mut file.source_code_info else { return };
    for location in &mut source.location {
        let comments = [&mut location.leading_comments, &mut location.trailing_comments];
        for comment in comments.into_iter().flatten() {
            *comment = without_tests(comment);
        }
    }
}

/// The comment with its code blocks marked as text, and without the indentation that all of its lines share.
fn without_tests(comment: &str) -> String {
    let mut text = unindented(comment);
    // A rewritten block cannot be found again, so that there are at most as many rounds as blocks.
    while let Some(block) = first_tested_block(&text) {
        match block.rewritten(&text) {
            Some(rewritten) => text = rewritten,
            None => return fenced(&text, ""),
        }
    }
    text
}

/// Removes the columns of white space that all lines begin with, as rustdoc does. Tabs become four columns.
fn unindented(comment: &str) -> String {
    let lines: Vec<String> = comment.lines().map(|line| line.replace('\t', "    ")).collect();
    let shared =
        lines.iter().filter(|line| !line.trim().is_empty()).map(|line| columns(line)).min().unwrap_or(0);
    let lines: Vec<&str> = lines.iter().map(|line| line.get(shared..).unwrap_or("").trim_end()).collect();
    lines.join("\n")
}

fn columns(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// A code block that rustdoc would compile.
enum Block {
    /// Begins with a fence; where in the text.
    Fenced { start: usize },
    /// Begins by its indentation alone; where its code starts and the whole block ends.
    Indented { code: usize, end: usize },
}

fn first_tested_block(text: &str) -> Option<Block> {
    let mut events = Parser::new(text).into_offset_iter();
    while let Some((event, range)) = events.next() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) if !names_other_language(&info) => {
                return Some(Block::Fenced { start: range.start });
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => {
                let (mut code, mut end) = (None, range.end);
                for (event, range) in events.by_ref() {
                    match event {
                        Event::End(TagEnd::CodeBlock) => break,
                        _ => {
                            code.get_or_insert(range.start);
                            end = end.max(range.end);
                        }
                    }
                }
                return Some(Block::Indented { code: code.unwrap_or(range.start), end });
            }
            _ => {}
        }
    }
    None
}

/// Whether rustdoc leaves a block with this info string alone: one word that is neither Rust nor a setting of rustdoc's.
fn names_other_language(info: &str) -> bool {
    const RUSTDOC: &[&str] = &[
        "rust",
        "rs",
        "should_panic",
        "no_run",
        "ignore",
        "allow_fail",
        "compile_fail",
        "test_harness",
        "standalone",
        "standalone_crate",
        "custom",
    ];
    let is_error_code = |word: &str| {
        word.strip_prefix('E').is_some_and(|code| code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit()))
    };
    !info.is_empty()
        && info.chars().all(|c| c.is_alphanumeric() || matches!(c, '+' | '#' | '_'))
        && !RUSTDOC.contains(&info)
        && !info.starts_with("edition")
        && !is_error_code(info)
}

impl Block {
    /// The text with this block marked as text; `None` where the block stands in something that only Markdown's own parser
    /// could write again, as in a quotation.
    fn rewritten(&self, text: &str) -> Option<String> {
        match *self {
            Self::Fenced { start } => {
                let (before, block) = text.split_at_checked(start)?;
                let fence = block.chars().next().filter(|c| matches!(c, '`' | '~'))?;
                let rest = block.trim_start_matches(fence);
                let fence = &block[..block.len() - rest.len()];
                let after = rest.find('\n').map_or("", |end| &rest[end..]);
                Some(format!("{before}{fence}text{after}"))
            }
            Self::Indented { code, end } => {
                let (before, block) =
                    text.split_at_checked(text.get(..code)?.rfind('\n').map_or(0, |at| at + 1))?;
                let block = block.get(..end.checked_sub(before.len())?)?.trim_end();
                let after = text.get(before.len() + block.len()..)?;
                // The four columns that make it code belong to it; what is left of them, to the list that it stands in.
                let margin = (code - before.len()).checked_sub(4)?;
                if columns(block) < margin + 4 {
                    return None;
                }
                let code: Vec<&str> =
                    block.lines().map(|line| line.get(margin + 4..).unwrap_or("")).collect();
                let fenced = fenced(&code.join("\n"), &" ".repeat(margin));
                Some(format!("{before}{fenced}{after}"))
            }
        }
    }
}

/// The text as a block of its own, each line behind a margin.
fn fenced(text: &str, margin: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    let open = format!("{fence}text");
    let lines = iter::once(open.as_str()).chain(text.lines()).chain(iter::once(fence.as_str()));
    lines
        .map(|line| if line.is_empty() { String::new() } else { format!("{margin}{line}") })
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests;
