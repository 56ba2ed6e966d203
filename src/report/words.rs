//! Numbers as people read them.

/// What a figure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Share,
    Money,
    Seconds,
}

/// Writes numbers with the sign of the currency.
#[derive(Clone, Debug)]
pub(super) struct NumberWords {
    pub(super) currency: String,
}

impl NumberWords {
    /// A value.
    pub(super) fn value(&self, unit: Unit, value: f64) -> String {
        match unit {
            Unit::Share => format!("{:.1}%", value * 100.0),
            Unit::Seconds => seconds(value),
            Unit::Money => self.money(value),
        }
    }

    /// A change, with its sign.
    pub(super) fn change(&self, unit: Unit, change: f64) -> String {
        let text = match unit {
            Unit::Share => format!("{:.1} pt", change.abs() * 100.0),
            Unit::Seconds => seconds(change.abs()),
            Unit::Money => self.money(change.abs()),
        };
        let is_zero = !text.contains(|c: char| ('1'..='9').contains(&c));
        match (is_zero, change > 0.0) {
            (true, _) => text,
            (false, true) => format!("+{text}"),
            (false, false) => format!("−{text}"),
        }
    }

    fn money(&self, amount: f64) -> String {
        let size = amount.abs();
        let digits = match size {
            s if s < 0.1 && s > 0.0 => 4,
            s if s < 1000.0 => 2,
            _ => 0,
        };
        let number = thousands(&format!("{size:.digits$}"));
        let sign = if amount < 0.0 { "−" } else { "" };
        match self.currency.as_str() {
            "USD" => format!("{sign}${number}"),
            "EUR" => format!("{sign}€{number}"),
            "GBP" => format!("{sign}£{number}"),
            other => format!("{sign}{number}\u{a0}{other}"),
        }
    }
}

fn seconds(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.2}\u{a0}s"),
        v if v < 90.0 => format!("{v:.0}\u{a0}s"),
        v => format!("{:.1}\u{a0}min", v / 60.0),
    }
}

/// A count.
pub(super) fn number(count: u64) -> String {
    thousands(&count.to_string())
}

fn thousands(text: &str) -> String {
    let (whole, rest) = match text.find('.') {
        Some(dot) => text.split_at(dot),
        None => (text, ""),
    };
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}
