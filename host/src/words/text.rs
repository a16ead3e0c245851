//! Words of others made fit to be printed, and numbers as people read them.

/// The system's word for a file that cannot be read.
pub fn of_io(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::IsADirectory => "it is a folder".into(),
        std::io::ErrorKind::PermissionDenied => "it may not be read".into(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8".into(),
        _ => without_number(&error.to_string()),
    }
}

/// The system's word without its number, which says nothing more.
pub(super) fn without_number(text: &str) -> String {
    match text.rsplit_once(" (os error ") {
        Some((before, after)) => match after.split_once(')') {
            Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("{before}{rest}")
            }
            _ => text.to_owned(),
        },
        None => text.to_owned(),
    }
}

/// `1 row`, `2 rows`.
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Text from outside without what would steer a terminal.
pub fn printable(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}

/// The same for text that has colours of our own: what is not one of their sequences cannot steer a terminal.
pub fn printable_lines(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut shown = printable(parts.next().unwrap_or_default());
    for part in parts {
        let codes = part
            .strip_prefix('[')
            .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'));
        shown.push(if codes.is_some_and(|rest| rest.starts_with('m')) { '\u{1b}' } else { '\u{fffd}' });
        shown.push_str(&printable(part));
    }
    shown
}

/// The start of a body on one line, short.
pub(super) fn one_line(text: &str) -> String {
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &flat[..end]),
        None => flat,
    }
}

/// A text that may be long, short.
pub fn short(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A length of time, roughly: `90 s`, `12 min`, `3 h`, `5 days`.
pub fn span(time_ms: u64) -> String {
    match time_ms / 1_000 {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 2 * 3_600 => format!("{} min", seconds / 60),
        seconds if seconds < 48 * 3_600 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// `14:05 UTC`.
pub(super) fn time_of_day(at_ms: u64) -> String {
    let minutes = at_ms / 60_000 % 1_440;
    format!("{:02}:{:02} UTC", minutes / 60, minutes % 60)
}

/// `14:05:03`, UTC.
pub fn clock_time(at_ms: u64) -> String {
    let seconds = at_ms / 1_000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")];
        for (number, expected) in cases {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn times_are_told_in_utc() {
        assert_eq!(time_of_day(1_600_000_000_000), "12:26 UTC");
        assert_eq!(clock_time(1_600_000_000_000), "12:26:40");
    }

    #[test]
    fn only_colors_pass_for_sequences() {
        let cases = [
            ("a\n\u{1b}[1;31mb\u{1b}[0m", "a\n\u{1b}[1;31mb\u{1b}[0m"),
            ("\u{1b}[2J\u{1b}]0;x\u{7}", "\u{fffd}[2J\u{fffd}]0;x\u{fffd}"),
            ("a\u{1b}", "a\u{fffd}"),
            ("\u{1b}[3", "\u{fffd}[3"),
            ("\r\u{9b}m", "\u{fffd}\u{fffd}m"),
        ];
        for (text, shown) in cases {
            assert_eq!(printable_lines(text), shown, "{text:?}");
        }
        assert_eq!(printable("\u{1b}[1m"), "\u{fffd}[1m");
    }

    #[test]
    fn numbers_of_the_system_are_left_out() {
        assert_eq!(without_number("no (os error 2)"), "no");
        assert_eq!(without_number("no (os error 111) (2 tries)"), "no (2 tries)");
        assert_eq!(without_number("a (os error x) b"), "a (os error x) b");
    }

    #[test]
    fn excerpts_are_short_and_on_one_line() {
        assert_eq!(one_line(" a\n\tb "), "a b");
        assert_eq!(one_line(&"é".repeat(300)).chars().count(), 201);
    }
}
