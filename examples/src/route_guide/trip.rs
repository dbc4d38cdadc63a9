//! What a traveller passed on the way.

use std::time::Duration;

use super::{Database, Point, metres_between};

/// Adds up a way, point after point.
#[derive(Clone, Debug, Default)]
pub struct Trip {
    points: i32,
    features: i32,
    metres: f64,
    last: Option<Point>,
}

/// The sums of a finished [`Trip`], each held at `i32::MAX` when it would be more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many points were passed.
    pub points: i32,
    /// At how many of them a named place is.
    pub features: i32,
    /// The length of the way, in whole metres.
    pub metres: i32,
    /// How long it took, in whole seconds.
    pub seconds: i32,
}

impl Trip {
    /// Goes on to `point`.
    pub fn pass(&mut self, database: &Database, point: Point) {
        self.points = self.points.saturating_add(1);
        if database.is_named(point) {
            self.features = self.features.saturating_add(1);
        }
        if let Some(last) = self.last.replace(point) {
            self.metres += metres_between(last, point);
        }
    }

    /// The sums so far, of a trip that took `elapsed`.
    pub fn summary(&self, elapsed: Duration) -> Summary {
        Summary {
            points: self.points,
            features: self.features,
            // A float beyond the range of an integer becomes its maximum.
            metres: self.metres as i32,
            seconds: i32::try_from(elapsed.as_secs()).unwrap_or(i32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn standing_still_is_no_way() {
        let database = Database::embedded();
        let mut trip = Trip::default();
        assert_eq!(trip.summary(Duration::ZERO), Summary { points: 0, features: 0, metres: 0, seconds: 0 });
        trip.pass(&database, Point::new(409_146_138, -746_188_906));
        trip.pass(&database, Point::new(409_146_138, -746_188_906));
        assert_eq!(
            trip.summary(Duration::from_millis(1_999)),
            Summary { points: 2, features: 2, metres: 0, seconds: 1 }
        );
    }

    #[test]
    fn unnamed_and_unknown_places_are_points_only() {
        let database = Database::embedded();
        let mut trip = Trip::default();
        for point in [Point::new(402_500_000, -745_000_000), Point::new(0, 0), Point::new(10_000_000, 0)] {
            trip.pass(&database, point);
        }
        let summary = trip.summary(Duration::MAX);
        assert_eq!((summary.points, summary.features, summary.seconds), (3, 0, i32::MAX));
    }

    #[test]
    fn a_way_too_long_stays_at_the_maximum() {
        let database = Database::embedded();
        let mut trip = Trip::default();
        for turn in 0..300 {
            trip.pass(&database, Point::new(if turn % 2 == 0 { 900_000_000 } else { -900_000_000 }, 0));
        }
        assert_eq!(trip.summary(Duration::ZERO).metres, i32::MAX);
    }

    proptest! {
        #[test]
        fn the_way_is_the_sum_of_its_parts(points in prop::collection::vec((-900_000_000..=900_000_000, any::<i32>()), 0..20)) {
            let database = Database::embedded();
            let points: Vec<Point> = points.into_iter().map(|(a, b)| Point::new(a, b)).collect();
            let mut trip = Trip::default();
            points.iter().for_each(|&point| trip.pass(&database, point));
            let sum: f64 = points.windows(2).map(|pair| metres_between(pair[0], pair[1])).sum();
            let summary = trip.summary(Duration::ZERO);
            prop_assert_eq!(summary.points as usize, points.len());
            prop_assert_eq!(summary.metres, sum as i32);
        }
    }
}
