use serde_json::json;

use crate::Turns;

/// A result, which `benches/ratios` prints as a row of its table.
#[derive(Debug)]
pub struct Row<'a> {
    pub what: &'a str,
    /// The time of one operation of the library, in nanoseconds.
    pub ours: Option<f64>,
    /// The time of one operation of the peer, in nanoseconds.
    pub peer: Option<f64>,
    /// The result: a ratio, or another figure that `what` names.
    pub result: f64,
    pub bar: Option<Bar>,
}

/// The results that pass.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    Minimum(f64),
    Maximum(f64),
}

impl<'a> Row<'a> {
    /// Returns the row of two ways that took turns: the library's, and the peer's. The result is
    /// the peer's time divided by the library's time of the same turn. If the bar is a maximum, the
    /// result is the inverse.
    pub fn comparing(what: &'a str, turns: &Turns<2>, bar: Option<Bar>) -> Self {
        let result = match bar {
            Some(Bar::Maximum(_)) => turns.median(|[ours, peer]| ours / peer),
            _ => turns.median(|[ours, peer]| peer / ours),
        };
        let (ours, peer) = (turns.median(|[ours, _]| ours), turns.median(|[_, peer]| peer));
        Self { what, ours: Some(ours), peer: Some(peer), result, bar }
    }

    /// Prints the row as one line of JSON.
    pub fn print(&self) {
        let (bar, pass) = match self.bar {
            Some(Bar::Minimum(bar)) => (Some(format!(">= {bar}")), Some(self.result >= bar)),
            Some(Bar::Maximum(bar)) => (Some(format!("<= {bar}")), Some(self.result <= bar)),
            None => (None, None),
        };
        let Self { what, ours, peer, result, .. } = self;
        println!(
            "{}",
            json!({ "what": what, "ours": ours, "peer": peer, "result": result, "bar": bar, "pass": pass })
        );
    }
}
