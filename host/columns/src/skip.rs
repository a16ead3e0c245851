//! Whole JSON values read over, strictly.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::scan::{Cursor, Fault};

/// Reads over values, however deep they are.
#[derive(Debug, Default)]
pub(crate) struct Skipper<'a> {
    // What is open; for objects, the keys seen.
    open: Vec<Option<Keys<'a>>>,
}

#[derive(Debug, Default)]
struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    fn add(&mut self, key: Cow<'a, str>) -> Result<(), Fault> {
        const FEW: usize = 16;
        if self.many.is_empty() {
            if self.few.contains(&key) {
                return Err(Fault::KeyTwice(key.into_owned()));
            }
            if self.few.len() < FEW {
                self.few.push(key);
                return Ok(());
            }
            self.many.extend(self.few.drain(..));
        }
        if self.many.contains(&key) {
            return Err(Fault::KeyTwice(key.into_owned()));
        }
        self.many.insert(key);
        Ok(())
    }
}

impl<'a> Skipper<'a> {
    /// Reads over one value, strictly; keys must be single and strings be text.
    pub(crate) fn skip(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        self.open.clear();
        loop {
            // A value.
            cursor.space();
            match cursor.peek() {
                Some(b'{') => {
                    cursor.at += 1;
                    cursor.space();
                    if !cursor.eat(b'}') {
                        let mut keys = Keys::default();
                        key(cursor, &mut keys)?;
                        self.open.push(Some(keys));
                        continue;
                    }
                }
                Some(b'[') => {
                    cursor.at += 1;
                    cursor.space();
                    if !cursor.eat(b']') {
                        self.open.push(None);
                        continue;
                    }
                }
                Some(b'"') => {
                    if cursor.string()?.lone {
                        return Err(Fault::LoneSurrogate);
                    }
                }
                Some(b't') => cursor.word("true")?,
                Some(b'f') => cursor.word("false")?,
                Some(b'n') => cursor.word("null")?,
                Some(b'-' | b'0'..=b'9') => {
                    cursor.number()?;
                }
                _ => return Ok(cursor.expected("a value")?),
            }
            // What follows it.
            loop {
                let Some(open) = self.open.last_mut() else { return Ok(()) };
                cursor.space();
                match (open, cursor.peek()) {
                    (Some(keys), Some(b',')) => {
                        cursor.at += 1;
                        cursor.space();
                        key(cursor, keys)?;
                        break;
                    }
                    (None, Some(b',')) => {
                        cursor.at += 1;
                        break;
                    }
                    (Some(_), Some(b'}')) | (None, Some(b']')) => {
                        cursor.at += 1;
                        self.open.pop();
                    }
                    (Some(_), _) => return Ok(cursor.expected("a comma or a closing brace")?),
                    (None, _) => return Ok(cursor.expected("a comma or a closing bracket")?),
                }
            }
        }
    }
}

fn key<'a>(cursor: &mut Cursor<'a>, keys: &mut Keys<'a>) -> Result<(), Fault> {
    let key = cursor.string()?.text()?;
    keys.add(key)?;
    cursor.space();
    if !cursor.eat(b':') {
        return Ok(cursor.expected("a colon")?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn skip(text: &str) -> Result<usize, Fault> {
        let mut cursor = Cursor::new(text);
        Skipper::default().skip(&mut cursor).map(|()| cursor.at)
    }

    #[test]
    fn values_are_read_over() {
        for text in [
            "null",
            "true",
            "-0",
            "0.5e+7",
            "1E9",
            "\"\"",
            "\"a\\u00e9\\n\\ud83d\\ude00\"",
            "{}",
            "[]",
            "{\"a\" : [1, {\"a\":2}] , \"b\":{}}",
            "[[],[{}]]",
            "\"0123456789é\u{7f}\"",
        ] {
            assert_eq!(skip(text), Ok(text.len()), "{text}");
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(skip(&deep), Ok(deep.len()));
        for text in [
            "",
            "nul",
            "01x",
            "-",
            "1.",
            "1.e3",
            "1e",
            ".5",
            "+1",
            "\"a",
            "\"\\x\"",
            "\"\\u12g4\"",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "[1,]",
            "[1 2]",
            "{\"a\":1",
            "[1}",
            "\"\t\"",
            "\"12345678\u{1}\"",
        ] {
            // A number ends where it ends: what follows is the caller's to refuse.
            let whole = skip(text) == Ok(text.len());
            assert!(!whole, "{text}");
        }
        for text in [
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "[\"\\ud800\\ud800\\udc00\"]",
            "{\"\\ud800\":1}",
        ] {
            assert_eq!(skip(text), Err(Fault::LoneSurrogate), "{text}");
        }
        assert_eq!(skip("{\"a\":1,\"\\u0061\":2}"), Err(Fault::KeyTwice("a".into())));
        let many: Vec<String> = (0..40).map(|at| format!("\"k{at}\":0")).collect();
        assert!(skip(&format!("{{{}}}", many.join(","))).is_ok());
        assert_eq!(skip(&format!("{{{},\"k3\":1}}", many.join(","))), Err(Fault::KeyTwice("k3".into())));
    }

    proptest! {
        #[test]
        fn as_strict_as_serde_json(text in "[\\[\\]{}\",:0-9eE.+\\-truefalsn\\\\ ]{0,24}") {
            let ours = skip(&text).is_ok_and(|end| text[end..].trim().is_empty());
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            // A number that no double holds is JSON.
            let wide = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            let twice = matches!(skip(&text), Err(Fault::KeyTwice(_)));
            prop_assert!(ours == theirs.is_ok() || wide || twice, "{text} {theirs:?}");
        }
    }
}
