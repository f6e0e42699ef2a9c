//! One number of every contender, side by side: a table for people, one JSON object for programs.

use std::fmt;

use serde_json::{Value as Json, json};

use super::{figure::rounded, foreign::Foreign, spread::Spread};

/// What a contender is to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// What there is nothing below of.
    Floor,
    /// The product.
    Ours,
    /// Another supervisor.
    Peer,
}

/// One contender's line.
#[derive(Clone, Debug)]
pub struct Row {
    /// As it is called.
    pub contender: String,
    /// What it is to the others.
    pub rank: Rank,
    /// One a run, in the order of the runs; none when it has no figure, and the notes say why.
    pub samples: Vec<f64>,
    /// What is to be known of it.
    pub notes: Vec<String>,
}

/// All contenders' lines.
#[derive(Clone, Debug)]
pub struct Table {
    /// As asked for, e.g. `start`.
    pub name: &'static str,
    /// Which of several, e.g. `1000 independent`.
    pub case: String,
    /// Of the numbers. Less is better.
    pub unit: &'static str,
    /// What the numbers are.
    pub measured: &'static str,
    /// The floor first.
    pub rows: Vec<Row>,
    /// What everybody else took meanwhile.
    pub foreign: Foreign,
}

impl Row {
    fn spread(&self) -> Option<Spread> {
        (!self.samples.is_empty()).then(|| Spread::of(self.samples.clone()))
    }

    /// How many times another row's. Of runs side by side where there are as many of both: what the machine did
    /// meanwhile hit both alike.
    fn ratio_to(&self, other: &Self) -> Option<f64> {
        let (own, others) = (self.spread()?, other.spread()?);
        let ratio = |own: f64, other: f64| if own == 0.0 && other == 0.0 { 1.0 } else { own / other };
        let ratio = if self.samples.len() == other.samples.len() {
            Spread::of(self.samples.iter().zip(&other.samples).map(|(own, other)| ratio(*own, *other)).collect())
                .median()
        } else {
            ratio(own.median(), others.median())
        };
        ratio.is_finite().then_some(ratio)
    }
}

impl Table {
    fn floor(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.rank == Rank::Floor)
    }

    /// The peer with the least median.
    fn best_peer(&self) -> Option<&Row> {
        let peers = self.rows.iter().filter(|row| row.rank == Rank::Peer);
        let medians = peers.filter_map(|row| Some((row, row.spread()?.median())));
        medians.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(row, _)| row)
    }

    /// One object.
    pub fn json(&self) -> Json {
        let (floor, best) = (self.floor(), self.best_peer());
        let ratio = |row: &Row, other: Option<&Row>| other.and_then(|other| row.ratio_to(other)).map(rounded);
        let rows: Vec<Json> = self
            .rows
            .iter()
            .map(|row| {
                let spread = row.spread();
                let number = |of: fn(&Spread) -> f64| spread.as_ref().map(of).map(rounded);
                json!({
                    "contender": row.contender,
                    "runs": row.samples.len(),
                    "median": number(Spread::median),
                    "min": number(Spread::min),
                    "max": number(Spread::max),
                    "to_bare": ratio(row, floor),
                    "to_best_peer": ratio(row, best),
                    "notes": row.notes,
                })
            })
            .collect();
        json!({
            "figure": self.name,
            "case": self.case,
            "measured": self.measured,
            "unit": self.unit,
            "best_peer": best.map(|row| &row.contender),
            "rows": rows,
            "foreign_cpus": rounded(self.foreign.cpus),
            "cpus": self.foreign.of,
        })
    }
}

/// Columns of the table: who, how much, and beside whom.
const WHO: usize = 16;
const MUCH: usize = 26;
const BESIDE: usize = 8;

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (floor, best) = (self.floor(), self.best_peer());
        let title = if self.case.is_empty() { self.name.to_owned() } else { format!("{} · {}", self.name, self.case) };
        writeln!(f, "{title}  [{}]", self.foreign)?;
        let beside = best.map_or_else(|| "no peer".to_owned(), |row| format!("× {}", row.contender));
        let width = BESIDE.max(beside.chars().count());
        let much = format!("{} (least–most)", self.unit);
        write!(f, "  {:WHO$}{much:>MUCH$}  {:>BESIDE$}  {beside:>width$}", "", "× bare")?;
        for row in &self.rows {
            let much = row.spread().map_or_else(|| "–".to_owned(), |spread| shown(&spread));
            let ratio = |other: Option<&Row>| {
                other
                    .and_then(|other| row.ratio_to(other))
                    .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
            };
            let (to_bare, to_best) = (ratio(floor), ratio(best));
            write!(f, "\n  {:WHO$}{much:>MUCH$}  {to_bare:>BESIDE$}  {to_best:>width$}", row.contender)?;
            if !row.notes.is_empty() {
                write!(f, "  {}", row.notes.join("; "))?;
            }
        }
        Ok(())
    }
}

fn shown(spread: &Spread) -> String {
    let (median, min, max) = (rounded(spread.median()), rounded(spread.min()), rounded(spread.max()));
    if spread.count() == 1 { format!("{median}") } else { format!("{median} ({min}–{max})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let row = |contender: &str, rank, samples: &[f64], note: &str| Row {
            contender: contender.to_owned(),
            rank,
            samples: samples.to_vec(),
            notes: (!note.is_empty()).then(|| note.to_owned()).into_iter().collect(),
        };
        Table {
            name: "start",
            case: "100 independent".to_owned(),
            unit: "ms",
            measured: "How long.",
            rows: vec![
                row("bare", Rank::Floor, &[10.0, 20.0, 30.0], ""),
                row("ubmcd", Rank::Ours, &[11.0, 24.0, 33.0], ""),
                row("slow", Rank::Peer, &[100.0], "1 kill"),
                row("quick", Rank::Peer, &[5.0, 20.0, 60.0], ""),
                row("lost", Rank::Peer, &[], "not installed"),
            ],
            foreign: Foreign { cpus: 0.5, of: 2 },
        }
    }

    #[test]
    fn everybody_is_beside_the_floor_and_the_best_peer() {
        let expected = "\
start · 100 independent  [others: 0.50 of 2 CPUs]
                             ms (least–most)    × bare   × quick
  bare                            20 (10–30)      1.00      1.00
  ubmcd                           24 (11–33)      1.10      1.20
  slow                                   100      5.00      5.00  1 kill
  quick                            20 (5–60)      1.00      1.00
  lost                                     –         –         –  not installed";
        assert_eq!(table().to_string(), expected);
    }

    #[test]
    fn programs_read_the_same() {
        let json = table().json();
        assert_eq!(json["best_peer"], "quick");
        assert_eq!(json["rows"][1]["to_bare"], json!(1.1), "the median of the ratios, not the ratio of the medians");
        assert_eq!(json["rows"][4]["median"], Json::Null);
        assert_eq!(json["rows"][4]["notes"][0], "not installed");
    }

    #[test]
    fn nothing_beside_nothing_is_the_same_and_something_beside_nothing_is_no_number() {
        let row =
            |sample: f64| Row { contender: String::new(), rank: Rank::Peer, samples: vec![sample], notes: Vec::new() };
        assert_eq!(row(0.0).ratio_to(&row(0.0)), Some(1.0));
        assert_eq!(row(3.0).ratio_to(&row(0.0)), None);
    }
}
