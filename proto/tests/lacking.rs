//! A service that lacks a method of its .proto does not compile, and the error names the method.

#[test]
fn a_missing_method_is_named() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
