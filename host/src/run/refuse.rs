//! Writes a page without the rows that break what the config declares, as long as they are few.

use sanderling_destination::{Change, DataError, DestinationError, QuarantinedRow};
use serde_json::value::RawValue;

use super::Driver;
use super::outcome::{Cause, Failure};
use super::pages::LastTry;
use super::stack::Item;
use super::take::rows;
use super::truth::Refusal;
use crate::contract::Page;

/// What becomes of a row that does not fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnBadRow {
    /// It is kept aside, and the rest is written, as long as such rows are few.
    #[default]
    Quarantine,
    /// Its resource fails.
    Fail,
}

impl OnBadRow {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Quarantine, Self::Fail];

    /// Its name in a config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Fail => "fail",
        }
    }
}

/// Of so many rows one may be refused; of fewer than that, one too.
const ROWS_PER_REFUSAL: u64 = 100;

/// How much of a refused row is kept for a person to read, in characters.
const EXCERPT_CHARS: usize = 300;

/// How much of a key's value is shown, in characters.
const KEY_CHARS: usize = 40;

/// Whether so many refused rows of those that came make their resource fail.
pub fn are_too_many(refused: u64, seen: u64) -> bool {
    refused > (seen / ROWS_PER_REFUSAL).max(1)
}

impl Driver<'_> {
    /// Writes what is left of a page once the rows are taken out that break what is declared, of which `first` is one.
    /// The load counts all of the page's rows already. The inner error is why the resource fails instead: the page is
    /// then as it was, and nothing of it is written.
    pub(super) fn write_the_rest(
        &mut self,
        item: &Item,
        page: &mut Page,
        last_try: &LastTry,
        changes: &[Change],
        first: Box<DataError>,
    ) -> Result<Result<(), Cause>, DestinationError> {
        let resource = item.resource;
        let load = &self.loads[resource];
        let page_rows = rows(item, page, &load.load_id, self.started_ms);
        let breaches = self.destination.breaches(&self.plan.resources[resource].table, &page_rows)?;
        let refused = breaches.len() as u64;
        let seen = load.rows + load.refused_rows + load.discarded_rows;
        let refused_in_all = load.refused_rows + refused;
        // A declaration that is wrong shows on the first page that has rows.
        let is_first = seen == page.kept && load.last_complete.is_none();
        if refused == 0 || is_first || self.settings.on_bad_row == OnBadRow::Fail {
            let parent = self.parent_key(resource, &page.rows);
            return Ok(Err(Cause::Data { error: first, parent }));
        }
        if are_too_many(refused_in_all, seen) {
            let refusal = Refusal::TooManyRows { refused: refused_in_all, rows: seen, first };
            return Ok(Err(Cause::Refused(refusal)));
        }

        let key = self.plan.resources[resource].table.primary_key.clone();
        let lines: Vec<&[u8]> = page.rows.split_inclusive(|&byte| byte == b'\n').collect();
        let mut taken_out = breaches.into_iter().peekable();
        let (mut kept, mut failures) = (Vec::with_capacity(page.rows.len()), Vec::new());
        let mut changes = changes.to_vec();
        for (at, line) in (0..).zip(lines) {
            match taken_out.next_if(|breach| breach.row == Some(at)) {
                None => kept.extend_from_slice(line),
                Some(error) => {
                    changes.push(Change::Quarantined(self.quarantined(item, &error, line)));
                    failures.push(self.refused_row(item, last_try, &key, error, line));
                }
            }
        }
        page.rows = kept;
        page.kept -= refused;
        let load = &mut self.loads[resource];
        load.rows -= refused;
        load.refused_rows = refused_in_all;
        changes.extend(failures.iter().map(|failure| Change::Error(self.error_line(failure))));
        match self.write(item, page, &changes) {
            Ok(()) => failures.into_iter().for_each(|failure| self.list(failure)),
            Err(DestinationError::Data(error)) => return Ok(Err(Cause::Data { error, parent: None })),
            Err(error) => return Err(error),
        }
        Ok(Ok(()))
    }

    fn quarantined(&self, item: &Item, error: &DataError, line: &[u8]) -> QuarantinedRow {
        let line = String::from_utf8_lossy(line);
        QuarantinedRow {
            at_ms: self.now_ms(),
            load_id: self.loads[item.resource].load_id.clone(),
            resource: self.plan.resources[item.resource].name.clone(),
            partition_key: item.partition.as_ref().map(|partition| partition.key.clone()),
            reason: self.vault.redact(&error.kind.to_string()),
            row: line.trim_end().to_owned(),
        }
    }

    fn refused_row(
        &self,
        item: &Item,
        last_try: &LastTry,
        key: &[String],
        error: DataError,
        line: &[u8],
    ) -> Failure {
        let line = String::from_utf8_lossy(line);
        let cause = Cause::Row {
            key: key_of(&line, key),
            excerpt: start_of(&self.vault.redact(line.trim_end()), EXCERPT_CHARS),
            error: Box::new(error),
        };
        let last_try = LastTry { attempts: last_try.attempts, exchange: last_try.exchange.clone() };
        self.failure(item, cause, last_try)
    }
}

/// The key of a row, as far as it has one: `id = 7`.
fn key_of(line: &str, key: &[String]) -> Option<String> {
    let row: std::collections::HashMap<String, &RawValue> = serde_json::from_str(line).ok()?;
    let part = |field: &String| {
        let value = row.get(field)?.get();
        Some(format!("{field} = {}", start_of(value, KEY_CHARS)))
    };
    let parts: Vec<String> = key.iter().filter_map(part).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn start_of(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_named_by_what_it_has_of_its_key() {
        let key = ["id".to_owned(), "at".to_owned()];
        assert_eq!(key_of(r#"{"at":"x","id":7,"b":null}"#, &key), Some("id = 7, at = \"x\"".into()));
        assert_eq!(key_of(r#"{"id":7}"#, &key), Some("id = 7".into()));
        assert_eq!(key_of(r#"{"b":7}"#, &key), None);
        assert_eq!(key_of("[1]", &key), None);
        let long = format!("{{\"id\":\"{}\"}}", "é".repeat(100));
        assert_eq!(key_of(&long, &key).unwrap().chars().count(), "id = ".len() + KEY_CHARS + 1);
    }
}
