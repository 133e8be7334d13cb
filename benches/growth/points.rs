use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

/// A measured point of a chart.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Point {
    pub chart: String,
    pub series: String,
    pub x: usize,
    pub y: f64,
}

/// The points of all charts.
#[derive(Debug, Default)]
pub struct Points(Vec<Point>);

impl Points {
    /// Adds a point, and prints it as one line of JSON. Keeps four digits of the measured value.
    pub fn add(&mut self, chart: &str, series: &str, x: usize, y: f64) {
        let y = format!("{y:.3e}").parse().expect("a number");
        let point = Point { chart: chart.to_owned(), series: series.to_owned(), x, y };
        println!("{}", line(&point));
        self.0.push(point);
    }

    /// Reads the points that an earlier run wrote. If there is no file, there are none.
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        Self(text.lines().map(|line| serde_json::from_str(line).expect("a point")).collect())
    }

    pub fn write(&self, path: &Path) {
        let lines: Vec<_> = self.0.iter().map(|point| line(point) + "\n").collect();
        fs::write(path, lines.concat()).expect("the folder can be written");
    }

    /// Replaces the charts that were measured again.
    pub fn replaced_by(mut self, measured: Self) -> Self {
        self.0.retain(|old| measured.0.iter().all(|new| new.chart != old.chart));
        self.0.extend(measured.0);
        self
    }

    /// Returns the series of a chart, in the order in which they were measured.
    pub fn series(&self, chart: &str) -> Vec<(&str, Vec<(f64, f64)>)> {
        let mut series: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
        for point in self.0.iter().filter(|point| point.chart == chart) {
            let place = (point.x as f64, point.y);
            match series.iter_mut().find(|(name, _)| *name == point.series) {
                Some((_, places)) => places.push(place),
                None => series.push((&point.series, vec![place])),
            }
        }
        series
    }
}

fn line(point: &Point) -> String {
    serde_json::to_string(point).expect("a point")
}
