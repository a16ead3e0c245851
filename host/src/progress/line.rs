//! A bar as a line of text that fits its terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::track::{Track, Wait};
use crate::show::Paint;
use crate::words::{clock_time, grouped, printable};

/// Columns of the bar itself, from wide to narrow.
const BARS: [usize; 3] = [24, 16, 8];

/// Columns of a name; longer ones are cut.
const NAME: usize = 20;

/// The line of a resource in at most `width` columns. What matters less is left out first.
pub(super) fn bar(track: &Track, now_ms: u64, width: usize, name_width: usize, paint: Paint) -> String {
    let name = fit(&printable(&track.resource), name_width.min(NAME).min(width.saturating_sub(12).max(6)));
    let facts = facts(track, now_ms);
    let mut shown: &[String] = &facts;
    let length = |facts: &[String], bar: usize| {
        let facts: usize = facts.iter().map(|fact| 2 + fact.width()).sum();
        1 + name.width() + if bar > 0 { 2 + bar } else { 0 } + facts
    };
    let share = track.share();
    let bar_columns = |facts: &[String]| {
        let bars = BARS.into_iter().filter(|_| share.is_some());
        bars.into_iter().find(|bar| length(facts, *bar) <= width)
    };
    // The facts stand in the order of their weight: without the last ones there may be room for a bar.
    while shown.len() > 1 && (length(shown, 0) > width || (share.is_some() && bar_columns(shown).is_none())) {
        shown = &shown[..shown.len() - 1];
    }
    let mut line = format!(" {}", paint.head(&name));
    if let (Some(share), Some(columns)) = (share, bar_columns(shown)) {
        let done = (share * columns as f64).floor() as usize;
        line.push_str("  ");
        line.push_str(&paint.good(&"━".repeat(done)));
        line.push_str(&paint.dim(&"─".repeat(columns - done)));
    }
    let mut left = width.saturating_sub(length(&[], bar_columns(shown).unwrap_or_default()));
    for fact in shown {
        let fact = cut(fact, left.saturating_sub(2));
        if fact.is_empty() {
            break;
        }
        left -= 2 + fact.width();
        line.push_str("  ");
        line.push_str(&if fact.starts_with("waiting") { paint.note(&fact) } else { fact });
    }
    line
}

/// What there is to say, what matters most first.
fn facts(track: &Track, now_ms: u64) -> Vec<String> {
    let rows = match (track.total, track.parents) {
        (Some(total), None) => format!("{}/{} rows", grouped(track.rows), grouped(total)),
        _ => format!("{} rows", grouped(track.rows)),
    };
    let mut facts = vec![rows];
    let waiting = track.wait.as_ref().filter(|wait| wait.until_ms > now_ms).map(|wait| waiting(wait, now_ms));
    if let Some(parents) = track.parents {
        facts.insert(0, format!("{}/{} parents", grouped(parents.done), grouped(parents.known)));
    }
    if let Some(waiting) = waiting {
        facts.insert(0, waiting);
    } else {
        match track.pages_in_all() {
            _ if track.parents.is_some() => {}
            Some(all) => facts.push(format!("{}/{} pages", grouped(track.pages), grouped(all))),
            None => facts.push(format!("{} pages", grouped(track.pages))),
        }
        if let Some(rate) = track.rows_per_second(now_ms) {
            facts.push(format!("{} rows/s", grouped(rate.round() as u64)));
        }
    }
    facts
}

/// `waiting until 14:05:03 (429, try 2) 12 s`; times of day are UTC.
fn waiting(wait: &Wait, now_ms: u64) -> String {
    let why = match (wait.status, wait.attempt) {
        (None, ..=1) => "rate limit".to_owned(),
        (None, attempt) => format!("no answer, try {attempt}"),
        (Some(status), attempt) => format!("{status}, try {attempt}"),
    };
    let left_s = wait.until_ms.saturating_sub(now_ms).div_ceil(1_000);
    format!("waiting {left_s} s ({why}) until {} UTC", clock_time(wait.until_ms))
}

/// A text of exactly `width` columns.
fn fit(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let blanks = width.saturating_sub(text.width());
    text + &" ".repeat(blanks)
}

/// A text of at most `width` columns, `…` where something is left out.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut shown, mut columns) = (String::new(), 1);
    for letter in text.chars() {
        columns += letter.width().unwrap_or_default();
        if columns > width {
            break;
        }
        shown.push(letter);
    }
    if width > 0 { shown + "…" } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::waiting as waiting_for;
    use super::*;
    use crate::run::outcome::{Event, Parents};

    const NOW_MS: u64 = 1_600_000_000_000;

    fn track(name: &str, rows: u64, pages: u64, total: Option<u64>, parents: Option<(u64, u64)>) -> Track {
        let mut track = Track::new(name);
        let parents = parents.map(|(done, known)| Parents { done, known });
        let progress = |rows, pages| Event::Progress { resource: name.into(), rows, pages, total, parents };
        track.take(&progress(rows / pages, 1), NOW_MS - 10_000);
        track.take(&progress(rows, pages), NOW_MS);
        track
    }

    fn waiting(mut track: Track) -> Track {
        let resource = track.resource.clone();
        let until_ms = NOW_MS + 11_200;
        track.take(
            &Event::Waiting { resource, until_ms, why: String::new(), status: Some(429), attempts: 1 },
            NOW_MS,
        );
        track
    }

    #[test]
    fn why_it_waits() {
        let why = |status, attempt| waiting_for(&Wait { until_ms: NOW_MS + 5_000, status, attempt }, NOW_MS);
        let lines = [why(Some(429), 2), why(None, 3), why(None, 1)];
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn lines_fit_terminals_of_every_width() {
        let tracks = [
            track("time_entries", 1_200, 12, Some(2_500), None),
            track("a_resource_with_a_very_long_name", 1_200_000, 1_200, Some(250_000_000), None),
            track("tasks", 34_000, 3_400, None, Some((3_400, 100_000))),
            track("users", 800, 8, None, None),
            waiting(track("expenses", 100, 1, Some(340), None)),
            waiting(track("名前がとても長いリソースです", 100, 1, Some(340), None)),
        ];
        let shown = |width| {
            let lines: Vec<String> =
                tracks.iter().map(|track| bar(track, NOW_MS, width, 12, Paint::Plain)).collect();
            for line in &lines {
                assert!(line.width() <= width, "{width}: {line}");
            }
            lines.join("\n")
        };
        insta::assert_snapshot!(shown(110), @r"
        time_entries  ━━━━━━━━━━━─────────────  1,200/2,500 rows  12/25 pages  110 rows/s
        a_resource_…  ────────────────────────  1,200,000/250,000,000 rows  1,200/250,000 pages  119,900 rows/s
        tasks         ────────────────────────  3,400/100,000 parents  34,000 rows  3,399 rows/s
        users         800 rows  8 pages  70 rows/s
        expenses      ━━━━━━━─────────────────  waiting 12 s (429, try 2) until 12:26:51 UTC  100/340 rows
        名前がとて…   ━━━━━━━─────────────────  waiting 12 s (429, try 2) until 12:26:51 UTC  100/340 rows
        ");
        insta::assert_snapshot!(shown(79), @r"
        time_entries  ━━━━━━━─────────  1,200/2,500 rows  12/25 pages  110 rows/s
        a_resource_…  ────────  1,200,000/250,000,000 rows  1,200/250,000 pages
        tasks         ────────  3,400/100,000 parents  34,000 rows  3,399 rows/s
        users         800 rows  8 pages  70 rows/s
        expenses      ━━━━────────────  waiting 12 s (429, try 2) until 12:26:51 UTC
        名前がとて…   ━━━━────────────  waiting 12 s (429, try 2) until 12:26:51 UTC
        ");
        insta::assert_snapshot!(shown(39), @r"
        time_entries  1,200/2,500 rows
        a_resource_…  1,200,000/250,000,000 r…
        tasks         3,400/100,000 parents
        users         800 rows  8 pages
        expenses      waiting 12 s (429, try …
        名前がとて…   waiting 12 s (429, try …
        ");
        for width in 0..200 {
            if width >= 20 {
                shown(width);
            } else {
                tracks.iter().for_each(|track| drop(bar(track, NOW_MS, width, 12, Paint::Ansi)));
            }
        }
    }

    #[test]
    fn a_wait_that_is_over_is_not_shown() {
        let track = waiting(track("x", 100, 1, Some(340), None));
        assert!(
            bar(&track, NOW_MS, 100, 10, Paint::Plain)
                .contains("waiting 12 s (429, try 2) until 12:26:51 UTC")
        );
        assert!(!bar(&track, NOW_MS + 20_000, 100, 10, Paint::Plain).contains("waiting"));
    }

    #[test]
    fn texts_are_cut_by_columns() {
        let cases = [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("名前長", 4, "名…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("", 0, ""),
        ];
        for (text, width, expected) in cases {
            assert_eq!(cut(text, width), expected, "{text} {width}");
        }
    }
}
