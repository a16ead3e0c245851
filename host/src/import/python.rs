//! Python as a tree: a file is parsed, never run.

use serde_json::Number;
use tree_sitter::{Node, Parser, Tree};

use super::ImportError;

/// A file that could be parsed.
pub(super) struct Python {
    text: String,
    tree: Tree,
    /// Whether it is entries of a dict that stand alone, as documents show them.
    pub(super) is_fragment: bool,
}

/// Deeper than code that people write; readers of the tree go down as deep.
const MAX_DEPTH: usize = 500;

/// Parses a file, or entries of a dict that stand alone (`"endpoint": {…}`).
///
/// # Errors
/// Where it is no Python any more, or nested too deep.
pub(super) fn parse(text: &str) -> Result<Python, ImportError> {
    let python = parsed(text).map_err(|line| ImportError::NoPython { line })?;
    match too_deep(python.root()) {
        Some(line) => Err(ImportError::Nested { line }),
        None => Ok(python),
    }
}

fn parsed(text: &str) -> Result<Python, usize> {
    let first = text.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with('#'));
    if first.is_some_and(|line| line.starts_with(['"', '\''])) {
        // On a line of its own, so that a comment at the end does not take the brace in.
        let text = format!("{{{text}\n}}");
        if let Some(tree) = tree_of(&text).filter(|tree| !tree.root_node().has_error()) {
            return Ok(Python { text, tree, is_fragment: true });
        }
    }
    let tree = tree_of(text).ok_or(1_usize)?;
    match first_error(tree.root_node()) {
        Some(line) => Err(line),
        None => Ok(Python { text: text.to_owned(), tree, is_fragment: false }),
    }
}

impl Python {
    /// The module.
    pub(super) fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    /// What was parsed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

fn tree_of(text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).ok()?;
    parser.parse(text, None)
}

/// The line of the first node that lies too deep.
fn too_deep(root: Node<'_>) -> Option<usize> {
    let (mut cursor, mut depth) = (root.walk(), 0_usize);
    loop {
        if depth > MAX_DEPTH {
            return Some(line(cursor.node()));
        }
        if cursor.goto_first_child() {
            depth += 1;
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return None;
            }
            depth -= 1;
        }
    }
}

fn first_error(root: Node<'_>) -> Option<usize> {
    let mut node = root.has_error().then_some(root)?;
    loop {
        if node.is_error() || node.is_missing() {
            return Some(line(node));
        }
        let below = (0..node.child_count()).filter_map(|at| node.child(at)).find(|child| child.has_error());
        match below {
            Some(child) => node = child,
            None => return Some(line(node)),
        }
    }
}

/// The line that a node begins on, from 1.
pub(super) fn line(node: Node<'_>) -> usize {
    node.start_position().row + 1
}

/// A node's own text.
pub(super) fn text_of<'t>(node: Node<'_>, text: &'t str) -> &'t str {
    text.get(node.byte_range()).unwrap_or_default()
}

/// The named parts of a node, without comments.
pub(super) fn parts(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    (0..node.named_child_count()).filter_map(move |at| node.named_child(at)).filter(|n| n.kind() != "comment")
}

/// The part of a node that the grammar calls so.
pub(super) fn part<'t>(node: Node<'t>, name: &str) -> Option<Node<'t>> {
    node.child_by_field_name(name)
}

/// An expression without the parentheses around it.
pub(super) fn bare(mut node: Node<'_>) -> Node<'_> {
    while node.kind() == "parenthesized_expression" {
        match parts(node).next() {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

/// `a.b.c`, if that is all it is.
pub(super) fn dotted(node: Node<'_>, text: &str) -> Option<String> {
    match node.kind() {
        "identifier" => Some(text_of(node, text).to_owned()),
        "attribute" => {
            let object = dotted(part(node, "object")?, text)?;
            Some(format!("{object}.{}", text_of(part(node, "attribute")?, text)))
        }
        _ => None,
    }
}

/// A part of a text literal.
pub(super) enum Piece<'t> {
    /// What stands in it.
    Text(String),
    /// `{…}` of an f-string: the expression, and the format behind its colon.
    Hole(Node<'t>, Option<Node<'t>>),
}

/// The parts of a text literal; `None` for bytes and for escapes that cannot be read.
pub(super) fn pieces<'t>(node: Node<'t>, text: &str) -> Option<Vec<Piece<'t>>> {
    let start = node.child(0).filter(|start| start.kind() == "string_start")?;
    let prefix = text_of(start, text).to_ascii_lowercase();
    if prefix.contains('b') {
        return None;
    }
    let (is_raw, is_format) = (prefix.contains('r'), prefix.contains('f'));
    let content = |raw: &str| {
        // Python reads files with whatever ends of lines.
        let raw = raw.replace("\r\n", "\n");
        let raw = if is_format { raw.replace("{{", "{").replace("}}", "}") } else { raw };
        if is_raw { Some(raw) } else { unescaped(&raw) }
    };
    let mut pieces = Vec::new();
    let mut from = start.end_byte();
    for at in 1..node.child_count() {
        let child = node.child(at)?;
        let is_hole = child.kind() == "interpolation";
        if is_hole || child.kind() == "string_end" {
            pieces.push(Piece::Text(content(text.get(from..child.start_byte())?)?));
            from = child.end_byte();
        }
        if is_hole {
            if part(child, "type_conversion").is_some() {
                return None;
            }
            pieces.push(Piece::Hole(part(child, "expression")?, part(child, "format_specifier")));
        }
    }
    Some(pieces)
}

/// Escapes of text literals (the Python reference, 2.5.1); `None` for a name (`\N{…}`) or half of a pair.
fn unescaped(raw: &str) -> Option<String> {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        let hex = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>, digits: usize| {
            let digits: String = chars.by_ref().take(digits).collect();
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
        };
        match chars.next()? {
            '\n' => {}
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'v' => out.push('\u{b}'),
            same @ ('\\' | '\'' | '"') => out.push(same),
            'x' => out.push(hex(&mut chars, 2)?),
            'u' => out.push(hex(&mut chars, 4)?),
            'U' => out.push(hex(&mut chars, 8)?),
            'N' => return None,
            octal if octal.is_digit(8) => {
                let mut digits = String::from(octal);
                while digits.len() < 3
                    && let Some(digit) = chars.next_if(|next| next.is_digit(8))
                {
                    digits.push(digit);
                }
                out.push(char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?);
            }
            other => out.extend(['\\', other]),
        }
    }
    Some(out)
}

/// A number literal, if JSON can say the same.
pub(super) fn number(literal: &str) -> Option<Number> {
    let digits = literal.replace('_', "").to_ascii_lowercase();
    let radix = match digits.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 10,
    };
    if radix != 10 {
        return u64::from_str_radix(digits.get(2..)?, radix).ok().map(Number::from);
    }
    if digits.contains(['.', 'e']) {
        return digits.parse::<f64>().ok().and_then(Number::from_f64);
    }
    digits.parse::<u64>().ok().map(Number::from)
}
