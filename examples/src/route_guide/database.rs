//! The places the route guide knows.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Area, Point};

/// A place and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Where it is.
    pub location: Point,
    /// Its name; empty when the place has none.
    pub name: String,
}

impl Feature {
    /// Reads one entry of the list that [`Database::parse`] reads.
    ///
    /// # Errors
    /// When `json` is no such entry, or its location is not on the globe. The error tells the column.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<Listed>(json).map(Self::from)
    }
}

/// Every place, in the order of the file it came from.
#[derive(Clone, Debug)]
pub struct Database {
    features: Vec<Feature>,
    /// Index into `features` of the first one at each point.
    at: HashMap<Point, usize>,
}

impl Database {
    /// The list of places that is built into the examples.
    pub fn embedded() -> Self {
        Self::parse(include_str!("../../data/route_guide_db.json"))
            .expect("the embedded list is parsed by a test of this crate")
    }

    /// Reads the list at `path`, or takes the embedded one where no path is given.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn open(path: Option<&Path>) -> Result<Self, DatabaseError> {
        path.map_or_else(|| Ok(Self::embedded()), Self::load)
    }

    /// Reads the list at `path`.
    ///
    /// # Errors
    /// When the file cannot be read, or is not such a list; the message names the file and, within it, the line.
    pub fn load(path: &Path) -> Result<Self, DatabaseError> {
        let failed = |reason: String| DatabaseError { path: path.to_owned(), reason };
        let json = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        Self::parse(&json).map_err(|error| failed(error.to_string()))
    }

    /// Reads a list in the format that the route guides of all languages share: an array of
    /// `{"location": {"latitude": E7, "longitude": E7}, "name": "..."}`, where an empty name marks a place without one.
    ///
    /// # Errors
    /// When `json` is no such array, or a location is not on the globe. The error tells line and column.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let features: Vec<Feature> =
            serde_json::from_str::<Vec<Listed>>(json)?.into_iter().map(Feature::from).collect();
        let mut at = HashMap::with_capacity(features.len());
        for (index, feature) in features.iter().enumerate() {
            at.entry(feature.location).or_insert(index);
        }
        Ok(Self { features, at })
    }

    /// All places, in the order of the file.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// What is exactly at `point`: the first in the list, named or not.
    pub fn at(&self, point: Point) -> Option<&Feature> {
        self.at.get(&point).and_then(|&index| self.features.get(index))
    }

    /// Whether a place with a name is exactly at `point`.
    pub fn is_named(&self, point: Point) -> bool {
        self.at(point).is_some_and(|feature| !feature.name.is_empty())
    }

    /// The places inside `area` that have a name, in the order of the file.
    pub fn named_in(&self, area: Area) -> impl Iterator<Item = &Feature> {
        self.features
            .iter()
            .filter(move |feature| !feature.name.is_empty() && area.contains(feature.location))
    }
}

/// Why a file of places was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseError {
    path: PathBuf,
    reason: String,
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use the places in {}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for DatabaseError {}

/// A place as the file writes it. Checked while it is read, so that an error carries the line.
#[derive(Deserialize)]
struct Listed {
    location: OnTheGlobe,
    #[serde(default)]
    name: String,
}

impl From<Listed> for Feature {
    fn from(listed: Listed) -> Self {
        Self { location: listed.location.0, name: listed.name }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "Point")]
struct OnTheGlobe(Point);

impl TryFrom<Point> for OnTheGlobe {
    type Error = String;

    fn try_from(point: Point) -> Result<Self, String> {
        if point.is_on_the_globe() {
            Ok(Self(point))
        } else {
            Err(format!("{},{} is not on the globe", point.latitude, point.longitude))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERKSHIRE: Point = Point::new(409_146_138, -746_188_906);

    fn around_new_york() -> Area {
        Area::between(Point::new(400_000_000, -750_000_000), Point::new(420_000_000, -730_000_000))
    }

    fn refusal(json: &str) -> String {
        Database::parse(json).expect_err(json).to_string()
    }

    #[test]
    fn the_embedded_list_knows_what_clients_ask_for() {
        let database = Database::embedded();
        assert!(database.features().iter().filter(|feature| !feature.name.is_empty()).count() >= 100);
        assert_eq!(
            database.at(BERKSHIRE).map(|feature| feature.name.as_str()),
            Some("Berkshire Valley Management Area Trail, Jefferson, NJ, USA")
        );
        assert!(database.named_in(around_new_york()).count() >= 31);
        assert_eq!(database.at.len(), database.features.len(), "a place is listed twice");
    }

    #[test]
    fn a_place_without_a_name_is_found_but_never_listed() {
        let database = Database::embedded();
        let unnamed = Point::new(402_500_000, -745_000_000);
        assert_eq!(database.at(unnamed).map(|feature| feature.name.as_str()), Some(""));
        assert!(!database.is_named(unnamed) && database.is_named(BERKSHIRE));
        assert!(database.named_in(around_new_york()).all(|feature| !feature.name.is_empty()));
        assert_eq!(database.at(Point::new(0, 0)), None);
    }

    #[test]
    fn edges_belong_to_the_area() {
        let json = r#"[{"location":{"latitude":1,"longitude":1},"name":"a"},{"location":{"latitude":2,"longitude":2},"name":"b"},
            {"location":{"latitude":3,"longitude":3},"name":"c"},{"location":{"latitude":4,"longitude":4},"name":"d"}]"#;
        let database = Database::parse(json).unwrap();
        let area = Area::between(Point::new(3, 3), Point::new(1, 1));
        let names: Vec<&str> = database.named_in(area).map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn the_first_of_two_at_one_point_counts() {
        let json = r#"[{"location":{"latitude":1,"longitude":1},"name":"first"},{"location":{"latitude":1,"longitude":1}}]"#;
        let database = Database::parse(json).unwrap();
        assert_eq!(database.at(Point::new(1, 1)).map(|feature| feature.name.as_str()), Some("first"));
    }

    #[test]
    fn a_broken_list_is_refused_with_line_and_reason() {
        assert_eq!(
            refusal("[\n  {\"location\": {\"latitude\": 1}, \"name\": \"x\"}\n]"),
            "missing field `longitude` at line 2 column 30"
        );
        assert_eq!(
            refusal("[\n\n  {\"location\": {\"latitude\": 1, \"longitude\": 1800000001}}\n]"),
            "1,1800000001 is not on the globe at line 3 column 56"
        );
        assert!(
            refusal("[\n{\"location\": {\"latitude\": 99999999999, \"longitude\": 0}}]")
                .contains("at line 2")
        );
        assert!(refusal("[\n{\"location\": {\"latitude\": 0,").starts_with("EOF while parsing"));
        assert!(refusal("{}").starts_with("invalid type: map, expected a sequence"));
        assert!(refusal("").contains("line 1"));
    }

    #[test]
    fn a_file_is_named_in_the_refusal() {
        let error =
            Database::load(Path::new("no/such/list.json")).expect_err("there is no such file").to_string();
        assert!(error.starts_with("cannot use the places in no/such/list.json: "), "{error}");
    }

    #[test]
    fn the_list_of_the_tutorials_loads() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/route_guide_db.json");
        if !path.exists() {
            eprintln!("skipped: {} is not there", path.display());
            return;
        }
        let database = Database::load(&path).unwrap();
        assert_eq!(database.features().len(), 100);
        assert!(database.is_named(BERKSHIRE));
    }
}
