//! Positions on the globe, and the way between two of them.

use std::fmt;

use serde::Deserialize;

/// The mean radius of the earth, in metres.
const EARTH_RADIUS: f64 = 6_371_000.0;

/// Units of a [`Point`] in one degree.
const PER_DEGREE: i32 = 10_000_000;

/// A position in degrees times 10⁷ ("E7"), north and east positive.
///
/// Any pair of numbers is a legal question ("what is here?"); only a database file is held to the globe's own range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
pub struct Point {
    /// Degrees north times 10⁷.
    pub latitude: i32,
    /// Degrees east times 10⁷.
    pub longitude: i32,
}

impl Point {
    /// The point at `latitude`, `longitude`, both in degrees times 10⁷.
    pub const fn new(latitude: i32, longitude: i32) -> Self {
        Self { latitude, longitude }
    }

    /// Whether this is a place on the globe: at most 90° north or south, at most 180° east or west.
    pub fn is_on_the_globe(self) -> bool {
        self.latitude.unsigned_abs() <= 90 * PER_DEGREE.unsigned_abs()
            && self.longitude.unsigned_abs() <= 180 * PER_DEGREE.unsigned_abs()
    }

    /// Latitude and longitude in radians.
    fn radians(self) -> (f64, f64) {
        let radians = |e7: i32| (f64::from(e7) / f64::from(PER_DEGREE)).to_radians();
        (radians(self.latitude), radians(self.longitude))
    }
}

/// Both in degrees.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let degrees = |e7: i32| f64::from(e7) / f64::from(PER_DEGREE);
        write!(f, "{}, {}", degrees(self.latitude), degrees(self.longitude))
    }
}

/// The length in metres of the great circle between two points, by the haversine formula.
pub fn metres_between(from: Point, to: Point) -> f64 {
    let ((from_latitude, from_longitude), (to_latitude, to_longitude)) = (from.radians(), to.radians());
    let half_chord = |angle: f64| (angle / 2.0).sin().powi(2);
    let a = half_chord(to_latitude - from_latitude)
        + from_latitude.cos() * to_latitude.cos() * half_chord(to_longitude - from_longitude);
    // Rounding, or a point beyond the poles, may carry `a` a little out of 0..=1, where the root of a negative number waits.
    let a = a.clamp(0.0, 1.0);
    2.0 * EARTH_RADIUS * a.sqrt().atan2((1.0 - a).sqrt())
}

/// The rectangle between two corners, its edges included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    south_west: Point,
    north_east: Point,
}

impl Area {
    /// The area between any two opposite corners, in any order. It never reaches across the 180th meridian.
    pub fn between(one: Point, other: Point) -> Self {
        Self {
            south_west: Point::new(one.latitude.min(other.latitude), one.longitude.min(other.longitude)),
            north_east: Point::new(one.latitude.max(other.latitude), one.longitude.max(other.longitude)),
        }
    }

    /// Whether `point` lies inside or on the edge.
    pub fn contains(&self, point: Point) -> bool {
        (self.south_west.latitude..=self.north_east.latitude).contains(&point.latitude)
            && (self.south_west.longitude..=self.north_east.longitude).contains(&point.longitude)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point() -> impl Strategy<Value = Point> {
        (any::<i32>(), any::<i32>()).prop_map(|(latitude, longitude)| Point::new(latitude, longitude))
    }

    #[test]
    fn one_degree_of_a_meridian() {
        let degree = metres_between(Point::new(0, 0), Point::new(PER_DEGREE, 0));
        assert!((degree - 111_194.93).abs() < 0.01, "{degree}");
    }

    #[test]
    fn london_to_new_york() {
        let way = metres_between(Point::new(515_074_000, -1_278_000), Point::new(407_128_000, -740_060_000));
        assert!((way - 5_570_222.0).abs() < 100.0, "{way}");
    }

    #[test]
    fn is_shown_in_degrees() {
        assert_eq!(Point::new(409_146_138, -746_188_906).to_string(), "40.9146138, -74.6188906");
        assert_eq!(Point::new(0, 10_000_000).to_string(), "0, 1");
    }

    #[test]
    fn half_way_round_is_the_longest() {
        let way = metres_between(Point::new(900_000_000, 0), Point::new(-900_000_000, 0));
        assert!((way - std::f64::consts::PI * EARTH_RADIUS).abs() < 1.0, "{way}");
    }

    #[test]
    fn the_globe_ends_at_the_poles_and_the_date_line() {
        assert!(Point::new(900_000_000, -1_800_000_000).is_on_the_globe());
        assert!(!Point::new(900_000_001, 0).is_on_the_globe());
        assert!(!Point::new(0, -1_800_000_001).is_on_the_globe());
        assert!(!Point::new(i32::MIN, i32::MIN).is_on_the_globe());
    }

    proptest! {
        #[test]
        fn a_way_is_finite_and_the_same_back(a in point(), b in point()) {
            let way = metres_between(a, b);
            prop_assert!(way.is_finite() && way >= 0.0);
            prop_assert!((way - metres_between(b, a)).abs() < 1e-3);
            prop_assert!(metres_between(a, a) == 0.0);
        }

        #[test]
        fn corners_come_in_any_order(a in point(), b in point(), p in point()) {
            let (ab, ba) = (Area::between(a, b), Area::between(b, a));
            let (cd, dc) = (
                Area::between(Point::new(a.latitude, b.longitude), Point::new(b.latitude, a.longitude)),
                Area::between(Point::new(b.latitude, a.longitude), Point::new(a.latitude, b.longitude)),
            );
            prop_assert_eq!(ab, ba);
            prop_assert_eq!(ab, cd);
            prop_assert_eq!(ab, dc);
            prop_assert!(ab.contains(a) && ab.contains(b));
            let inside = |x: i32, one: i32, other: i32| one.min(other) <= x && x <= one.max(other);
            prop_assert_eq!(
                ab.contains(p),
                inside(p.latitude, a.latitude, b.latitude) && inside(p.longitude, a.longitude, b.longitude)
            );
        }
    }
}
