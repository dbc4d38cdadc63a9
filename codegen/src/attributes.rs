//! Attributes that the user wants on generated items, by the name of what they are generated for.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser;

use crate::Error;

/// Attributes for the services, or methods, that a path matches.
///
/// Paths match as those of `prost-build` do: `.` everything, `.package.Service` what is called so from the root or lies
/// below it, `Service` what ends in that name.
#[derive(Clone, Default)]
pub(crate) struct Attributes(Vec<(String, Vec<syn::Attribute>)>);

impl Attributes {
    /// Adds attributes as they stand in a program, `#[derive(Hash)]`, one or more.
    pub(crate) fn add(&mut self, path: &str, attributes: &str) -> Result<(), Error> {
        let parsed = syn::Attribute::parse_outer.parse_str(attributes);
        let parsed = parsed
            .map_err(|error| Error::usage(format!("`{attributes}` for {path} is no attribute: {error}")))?;
        self.0.push((path.to_owned(), parsed));
        Ok(())
    }

    /// Those for an item of this full name, which has no dot in front.
    pub(crate) fn of(&self, name: &str) -> TokenStream {
        let matching = self.0.iter().filter(|(path, _)| matches(path, name));
        matching.flat_map(|(_, attributes)| attributes).map(ToTokens::to_token_stream).collect()
    }
}

/// Whether a path names this item or something that it lies in.
pub(crate) fn matches(path: &str, name: &str) -> bool {
    match path.strip_prefix('.') {
        Some("") => true,
        Some(root) => name.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
        None => name.strip_suffix(path).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_as_in_prost() {
        assert!(matches(".", "a.b.C"));
        assert!(matches(".a", "a.b.C") && matches(".a.b.C", "a.b.C") && matches(".a.b.C", "a.b.C.Method"));
        assert!(!matches(".a.b.C", "a.b.Cd") && !matches(".b", "a.b.C"));
        assert!(matches("C", "a.b.C") && matches("b.C", "a.b.C") && matches("C", "C"));
        assert!(!matches("C", "a.b.Cd") && !matches("b", "a.b.C") && !matches("C", "a.bC"));
    }

    #[test]
    fn attributes_come_in_their_order() {
        let mut attributes = Attributes::default();
        attributes.add("C", "#[a] #[b(c)]").unwrap();
        attributes.add(".", "#[d]").unwrap();
        assert_eq!(attributes.of("p.C").to_string(), "# [a] # [b (c)] # [d]");
        assert_eq!(attributes.of("p.D").to_string(), "# [d]");
    }

    #[test]
    fn what_is_no_attribute_is_named() {
        let error = Attributes::default().add(".p", "derive(Hash)").unwrap_err();
        assert!(error.to_string().starts_with("`derive(Hash)` for .p is no attribute: "), "{error}");
    }
}
