//! `baton report`.

use super::{Exit, ReportArgs, ReportFormat, complain, load, out};
use crate::clock::Clock;
use crate::config::Config;
use crate::ledger::{EVER, LedgerQuery, LedgerReader, LedgerRow, Table};
use crate::model::time::Timestamp;
use crate::report::{
    BusinessReport, PeriodTally, ReportContext, ReportPeriod, RowSource, TABLES, html, json,
    markdown,
};
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::path::Path;

pub(super) fn report(asked: &ReportArgs) -> Exit {
    let mut config = match load(asked.config.as_deref()) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    if let Some(zone) = &asked.time_zone {
        config.report.time_zone.clone_from(zone);
    }
    let directory = asked.ledger.clone().or(config.ledger.directory.clone());
    let Some(directory) = directory else {
        complain("baton: no ledger: name its directory with --ledger, or set ledger.directory");
        return Exit::Usage;
    };
    let now = Clock::system().now();
    let periods = match periods(asked, &config, now) {
        Ok(periods) => periods,
        Err(what) => {
            complain(&format!("baton: {what}"));
            return Exit::Usage;
        }
    };
    let context = ReportContext {
        settings: config.report.clone(),
        currency: config.money.currency.clone(),
        window: config.outcomes.window,
        now,
    };
    match read(&directory, &periods) {
        Err(what) => {
            complain(&format!("{}: {what}", directory.display()));
            Exit::Input
        }
        Ok([current, before]) => {
            let report = BusinessReport::new(context, current, before);
            out(&match asked.format {
                ReportFormat::Markdown => markdown(&report),
                ReportFormat::Html => html(&report),
                ReportFormat::Json => format!("{:#}\n", json(&report)),
            })
        }
    }
}

/// The period that is asked for and the one before.
fn periods(
    asked: &ReportArgs,
    config: &Config,
    now: Timestamp,
) -> Result<[ReportPeriod; 2], String> {
    let zone = &config.report.time_zone;
    let zone = TimeZone::get(zone).map_err(|_| format!("{zone}: no time zone of this name"))?;
    let instant = jiff::Timestamp::from_nanosecond(i128::from(now.0));
    let today = zone
        .to_datetime(instant.map_err(|error| error.to_string())?)
        .date();
    let (first, last) = range(asked, today).map_err(|error| error.to_string())?;
    if last < first {
        return Err("--to is before --from".into());
    }
    let period = ReportPeriod::new(first, last, &zone).map_err(|error| error.to_string())?;
    let before = period.before(&zone).map_err(|error| error.to_string())?;
    Ok([period, before])
}

/// The first and the last day. A week begins on Monday; without a range it is the last whole one.
fn range(asked: &ReportArgs, today: Date) -> Result<(Date, Date), jiff::Error> {
    if let Some(first) = asked.from {
        return Ok((first, asked.to.unwrap_or(today)));
    }
    if asked.month {
        let last = today.first_of_month().yesterday()?;
        return Ok((last.first_of_month(), last));
    }
    let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days())?;
    Ok((monday.checked_sub(7.days())?, monday.yesterday()?))
}

/// The rows of both periods, added up.
fn read(directory: &Path, periods: &[ReportPeriod; 2]) -> Result<[PeriodTally; 2], String> {
    let reader = LedgerReader::look(directory).map_err(|error| error.to_string())?;
    let [now, before] = periods;
    let days = (before.utc_days().0, now.utc_days().1);
    let mut tallies = [PeriodTally::new(now), PeriodTally::new(before)];
    for (table, columns) in TABLES {
        let query = LedgerQuery {
            table: Table::of_name(table).ok_or("a table is missing")?,
            columns,
            happened: EVER,
            decided: Some(days),
        };
        let read = reader.read(&query, &mut |row| {
            for tally in &mut tallies {
                tally.take(table, &NamedRow { columns, row });
            }
        });
        read.map_err(|error| error.to_string())?;
    }
    Ok(tallies)
}

/// A row of the ledger, whose columns are known by their names.
struct NamedRow<'b> {
    columns: &'b [&'b str],
    row: LedgerRow<'b>,
}

impl NamedRow<'_> {
    fn place(&self, column: &str) -> usize {
        let mut columns = self.columns.iter();
        columns
            .position(|known| *known == column)
            .unwrap_or(usize::MAX)
    }
}

impl RowSource for NamedRow<'_> {
    fn text(&self, column: &str) -> &str {
        self.row.text(self.place(column)).map_or("", |text| text)
    }

    fn whole(&self, column: &str) -> Option<i64> {
        self.row.whole(self.place(column))
    }

    fn real(&self, column: &str) -> Option<f64> {
        self.row.real(self.place(column))
    }

    fn money(&self, column: &str) -> Option<i128> {
        self.row.money(self.place(column))
    }

    fn text_of(&self, map: &str, name: &str) -> &str {
        let pairs = self.row.named_texts(self.place(map)).iter();
        let found = pairs
            .map(|(key, value)| (&**key, &**value))
            .find(|(key, _)| *key == name);
        found.map_or("", |(_, value)| value)
    }
}
