use plotters::{
    coord::{
        Shift,
        ranged1d::{AsRangedCoord, ValueFormatter},
    },
    prelude::*,
};

use super::points::Points;

/// The size of a chart. A picture has one chart above the other.
const SIZE: (u32, u32) = (820, 360);
/// The right part of a chart, which has the names of the series.
const LEGEND: u32 = 264;
/// The colour of each series. Colour-blind readers can tell them apart (Okabe and Ito).
const COLOURS: [(RGBColor, &[&str]); 5] = [
    (RGBColor(0, 114, 178), &["memory", "sign-ins", "median", "with source address and user agent"]),
    (RGBColor(213, 94, 0), &["SQLite", "refused", "99th percentile", "without origin"]),
    (RGBColor(0, 158, 115), &["PostgreSQL"]),
    (RGBColor(190, 90, 150), &["Redis"]),
    (RGBColor(110, 110, 110), &["digest and one load"]),
];

struct Chart {
    name: &'static str,
    /// The measured value, with its unit.
    y: &'static str,
    is_y_logarithmic: bool,
    x: &'static str,
    /// The base of the logarithmic axis.
    x_base: f64,
}

/// Each picture: its name, its title and its charts.
const PICTURES: [(&str, &str, &[Chart]); 4] = [
    (
        "verify",
        "The time of a verification against the live tokens",
        &[Chart {
            name: "verify",
            y: "time of a verification, ns",
            is_y_logarithmic: true,
            x: "live tokens",
            x_base: 10.0,
        }],
    ),
    (
        "throughput",
        "Verifications in a second against the callers at once",
        &[Chart {
            name: "throughput",
            y: "verifications in a second",
            is_y_logarithmic: true,
            x: "callers at once",
            x_base: 2.0,
        }],
    ),
    (
        "sign-ins",
        "Sign-ins in a second and their latency against the callers at once",
        &[
            Chart {
                name: "sign-ins",
                y: "in a second",
                is_y_logarithmic: false,
                x: "callers at once",
                x_base: 2.0,
            },
            Chart {
                name: "latency",
                y: "latency of a sign-in, ms",
                is_y_logarithmic: true,
                x: "callers at once",
                x_base: 2.0,
            },
        ],
    ),
    (
        "memory",
        "Bytes of a live token in the memory store against the live tokens",
        &[Chart {
            name: "memory",
            y: "bytes of a live token",
            is_y_logarithmic: false,
            x: "live tokens",
            x_base: 10.0,
        }],
    ),
];

/// Draws the pictures. Returns the name and the SVG of each.
pub fn draw(points: &Points) -> [(&'static str, String); PICTURES.len()] {
    PICTURES.map(|(name, title, charts)| {
        let mut svg = String::new();
        let size = (SIZE.0, SIZE.1 * charts.len() as u32);
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE).expect("a text can grow");
        for (chart, area) in charts.iter().zip(root.split_evenly((charts.len(), 1))) {
            draw_chart(&area, chart, &points.series(chart.name)).expect("a text can grow");
        }
        drop(root);
        (name, svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{title}\" "), 1))
    })
}

type Series<'a> = (&'a str, Vec<(f64, f64)>);
type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

fn draw_chart<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    chart: &Chart,
    series: &[Series<'_>],
) -> Drawn<DB> {
    let values = || series.iter().flat_map(|(_, points)| points).map(|(_, y)| *y);
    let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(1.0, f64::max));
    if chart.is_y_logarithmic {
        // From one power of ten to another.
        let (first, last) = (10_f64.powf(least.log10().floor()), 10_f64.powf(most.log10().ceil()));
        draw_series(area, chart, series, (first * 0.99..last * 1.01).log_scale())
    } else {
        draw_series(area, chart, series, 0.0..most * 1.1)
    }
}

fn draw_series<DB: DrawingBackend, Y>(
    area: &DrawingArea<DB, Shift>,
    chart: &Chart,
    series: &[Series<'_>],
    y: Y,
) -> Drawn<DB>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let places = || series.iter().flat_map(|(_, points)| points).map(|(x, _)| *x);
    let (first, last) = (places().fold(f64::MAX, f64::min), places().fold(1.0, f64::max));
    // A little more than the points, so that the axis has labels at both ends.
    let x = (first * 0.95..last * 1.05).log_scale().base(chart.x_base);
    let font = ("sans-serif", 16).into_font();
    let mut drawing = ChartBuilder::on(area)
        .margin(14)
        .margin_right(LEGEND)
        .x_label_area_size(50)
        .y_label_area_size(84)
        .build_cartesian_2d(x, y)?;
    drawing
        .configure_mesh()
        .x_desc(chart.x)
        .y_desc(chart.y)
        .x_label_formatter(&number)
        .y_label_formatter(&number)
        .label_style(font.clone())
        .axis_desc_style(font.clone())
        .x_max_light_lines(0)
        .y_max_light_lines(if chart.is_y_logarithmic { 9 } else { 0 })
        .light_line_style(RGBColor(235, 235, 235))
        .draw()?;
    for (index, (name, points)) in series.iter().enumerate() {
        let colour =
            COLOURS.iter().find(|(_, names)| names.contains(name)).map_or(BLACK, |(colour, _)| *colour);
        let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
        drawing.draw_series(line.point_size(if points.len() < 20 { 3 } else { 0 }))?;
        let (left, middle) = ((SIZE.0 - LEGEND + 14) as i32, 30 + 24 * index as i32);
        area.draw(&PathElement::new([(left, middle), (left + 22, middle)], colour.stroke_width(2)))?;
        area.draw(&Text::new(*name, (left + 30, middle - 5), font.clone()))?;
    }
    Ok(())
}

/// Returns a number with a comma before each three digits.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "plotters passes a reference")]
fn number(value: &f64) -> String {
    let mut text = format!("{value:.0}");
    for place in (1..text.len()).rev().filter(|place| (text.len() - place) % 3 == 0).collect::<Vec<_>>() {
        text.insert(place, ',');
    }
    text
}
