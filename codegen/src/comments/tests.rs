use super::*;

#[track_caller]
fn becomes(comment: &str, docs: &str) {
    let text = without_tests(comment);
    assert_eq!(text, docs);
    assert!(first_tested_block(&text).is_none());
}

#[test]
fn prose_is_left_alone() {
    becomes(" One line.\n", "One line.");
    becomes(" One.\n\n   - a list\n     goes on\n", "One.\n\n  - a list\n    goes on");
}

#[test]
fn a_bare_fence_becomes_text() {
    becomes(" See:\n ```\n let x = 1;\n ```\n", "See:\n```text\nlet x = 1;\n```");
    becomes(" ~~~~ rust,should_panic\n x\n ~~~~\n", "~~~~text\nx\n~~~~");
}

#[test]
fn another_language_stays() {
    becomes(" ```json\n {}\n ```\n", "```json\n{}\n```");
    becomes(" ```c++\n int x;\n ```\n", "```c++\nint x;\n```");
}

#[test]
fn settings_of_rustdoc_are_no_language() {
    for info in
        ["rust", "no_run", "ignore", "edition2021", "E0308", "compile_fail,E0277", "go,rust", "{.rust}"]
    {
        becomes(&format!(" ```{info}\n x\n ```\n"), "```text\nx\n```");
    }
}

#[test]
fn an_open_fence_becomes_text() {
    becomes(" ```\n never closed\n", "```text\nnever closed");
}

#[test]
fn an_indented_block_gets_a_fence() {
    becomes(
        " Call it so:\n\n     a(b)\n\n       c\n\n Or not.\n",
        "Call it so:\n\n```text\na(b)\n\n  c\n```\n\nOr not.",
    );
    becomes("  \n     first\n Then.\n", "\n```text\nfirst\n```\nThen.");
    becomes(" With a tab:\n\n \tx := 1\n", "With a tab:\n\n```text\nx := 1\n```");
}

#[test]
fn a_fence_is_longer_than_those_it_holds() {
    becomes(" A:\n\n     ```\n     x\n     ```\n", "A:\n\n````text\n```\nx\n```\n````");
}

#[test]
fn code_in_a_list_stays_in_it() {
    becomes(" - a\n\n       code\n\n   b\n", "- a\n\n  ```text\n  code\n  ```\n\n  b");
    becomes(" 1. a\n    ```\n    code\n    ```\n", "1. a\n   ```text\n   code\n   ```");
}

#[test]
fn two_blocks_are_both_found() {
    becomes(" ```\n a\n ```\n\n     b\n", "```text\na\n```\n\n```text\nb\n```");
}

#[test]
fn what_cannot_be_rewritten_becomes_text_as_a_whole() {
    becomes(" A quotation:\n\n >     code\n", "```text\nA quotation:\n\n>     code\n```");
    becomes(" > ```\n > code\n > ```\n", "> ```text\n> code\n> ```");
}

#[test]
fn text_beyond_ascii_does_not_disturb() {
    becomes(" Größe – ☺\n\n     für(☺)\n", "Größe – ☺\n\n```text\nfür(☺)\n```");
}
