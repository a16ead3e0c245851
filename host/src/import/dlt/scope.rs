//! What names mean where: the assignments, parameters, functions and imports of a module and of its functions.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;
use tree_sitter::Node;

use crate::import::python::{bare, dotted, line, part, parts, text_of};

/// The names of a block, and of the blocks around it.
pub(super) struct Scope<'t> {
    names: BTreeMap<String, Vec<Bound<'t>>>,
    changes: Vec<Change>,
    outer: Option<Rc<Scope<'t>>>,
}

struct Bound<'t> {
    /// Where the statement ends, in bytes.
    at: usize,
    meaning: Meaning<'t>,
}

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Meaning<'t> {
    /// `name = …`
    Expression(Node<'t>),
    /// What a call of a function gives for its parameter.
    Value(Value),
    /// A parameter of a function, with its default.
    Parameter {
        /// The function.
        of: String,
        /// `= …`
        default: Option<Node<'t>>,
    },
    /// `def name`
    Function(Node<'t>),
    /// `class name`
    Class,
    /// `from … import name`: what it is called there.
    Imported(String),
    /// It depends on how the program goes.
    Unsure,
}

/// A statement that changes the value of a name.
pub(super) struct Change {
    name: String,
    /// Its line, from 1.
    pub(super) line: usize,
    /// Its text.
    pub(super) text: String,
}

const CHANGING: [&str; 9] =
    ["append", "extend", "insert", "pop", "remove", "update", "setdefault", "clear", "popitem"];

impl<'t> Scope<'t> {
    /// The names of a module or of a function's body.
    pub(super) fn of_block(block: Node<'t>, text: &str, outer: Option<Rc<Scope<'t>>>) -> Scope<'t> {
        let mut scope = Scope { names: BTreeMap::new(), changes: Vec::new(), outer };
        for statement in parts(block) {
            scope.read(statement, text, true);
        }
        scope
    }

    /// The names of a function: its parameters and what its body assigns.
    pub(super) fn of_function(function: Node<'t>, text: &str, outer: Rc<Scope<'t>>) -> Scope<'t> {
        let Some(body) = part(function, "body") else {
            return Scope { names: BTreeMap::new(), changes: Vec::new(), outer: Some(outer) };
        };
        let mut scope = Scope::of_block(body, text, Some(outer));
        let of = part(function, "name").map(|name| text_of(name, text)).unwrap_or_default();
        for (name, default) in parameters(function, text) {
            let meaning = Meaning::Parameter { of: of.to_owned(), default };
            scope.names.entry(name).or_default().insert(0, Bound { at: 0, meaning });
        }
        scope
    }

    /// A scope in which one name more is known.
    pub(super) fn with(name: String, value: Value, outer: Rc<Scope<'t>>) -> Scope<'t> {
        let mut scope = Scope { names: BTreeMap::new(), changes: Vec::new(), outer: Some(outer) };
        scope.give(name, value);
        scope
    }

    /// Gives a name a value, as the argument of a call does.
    pub(super) fn give(&mut self, name: String, value: Value) {
        let bound = self.names.entry(name).or_default();
        bound.retain(|bound| !matches!(bound.meaning, Meaning::Parameter { .. }));
        bound.insert(0, Bound { at: 0, meaning: Meaning::Value(value) });
    }

    /// What a name means at a place, in bytes, with the scope that says so.
    pub(super) fn find<'s>(self: &'s Rc<Self>, name: &str, at: usize) -> Option<(Meaning<'t>, &'s Rc<Self>)> {
        let mut scope = self;
        let mut is_inner = true;
        loop {
            if let Some(bounds) = scope.names.get(name) {
                // A function is called after the module around it has been read.
                let before = bounds.iter().rev().find(|bound| !is_inner || bound.at <= at);
                return before.or(bounds.first()).map(|bound| (bound.meaning.clone(), scope));
            }
            scope = scope.outer.as_ref()?;
            is_inner = false;
        }
    }

    /// The statements that change what a name of this very scope holds.
    pub(super) fn changes_of<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Change> {
        self.changes.iter().filter(move |change| change.name == name)
    }

    /// `is_sure`: it is read in any case, and once.
    fn read(&mut self, statement: Node<'t>, text: &str, is_sure: bool) {
        match statement.kind() {
            "expression_statement" => {
                for expression in parts(statement) {
                    self.expression(expression, text, is_sure);
                }
            }
            "function_definition" => {
                self.bind(part(statement, "name"), statement, text, |_| Meaning::Function(statement))
            }
            "class_definition" => self.bind(part(statement, "name"), statement, text, |_| Meaning::Class),
            "decorated_definition" => {
                if let Some(definition) = part(statement, "definition") {
                    self.read(definition, text, is_sure);
                }
            }
            "import_from_statement" | "import_statement" => self.imports(statement, text),
            "if_statement" => {
                let sure = is_sure && is_main(statement, text);
                self.blocks(statement, text, sure);
            }
            "with_statement" => self.blocks(statement, text, is_sure),
            "try_statement" | "for_statement" | "while_statement" | "elif_clause" | "else_clause"
            | "except_clause" | "finally_clause" | "match_statement" | "case_clause" => {
                if let Some(left) = part(statement, "left") {
                    self.bind(Some(left), statement, text, |_| Meaning::Unsure);
                }
                self.blocks(statement, text, false);
            }
            "block" => parts(statement).for_each(|inner| self.read(inner, text, is_sure)),
            "delete_statement" => parts(statement).for_each(|what| self.change(what, statement, text)),
            _ => {}
        }
    }

    fn blocks(&mut self, statement: Node<'t>, text: &str, is_sure: bool) {
        for inner in parts(statement) {
            if inner.kind() == "block" || inner.kind().ends_with("_clause") {
                self.read(inner, text, is_sure);
            }
        }
    }

    fn expression(&mut self, expression: Node<'t>, text: &str, is_sure: bool) {
        match expression.kind() {
            "assignment" => {
                let (left, right) = (part(expression, "left"), part(expression, "right"));
                let (Some(left), Some(right)) = (left, right) else { return };
                match left.kind() {
                    "identifier" => self.bind(Some(left), expression, text, |_| {
                        if is_sure { Meaning::Expression(right) } else { Meaning::Unsure }
                    }),
                    "subscript" | "attribute" => self.change(left, expression, text),
                    _ => parts(left)
                        .for_each(|name| self.bind(Some(name), expression, text, |_| Meaning::Unsure)),
                }
                // `a = b = …`
                if right.kind() == "assignment" {
                    self.expression(right, text, is_sure);
                }
            }
            "augmented_assignment" => {
                if let Some(left) = part(expression, "left") {
                    self.change(left, expression, text);
                }
            }
            "call" => {
                let Some(function) = part(expression, "function").filter(|f| f.kind() == "attribute") else {
                    return;
                };
                let method = part(function, "attribute").map(|name| text_of(name, text)).unwrap_or_default();
                if let Some(object) = part(function, "object").filter(|_| CHANGING.contains(&method)) {
                    self.change(object, expression, text);
                }
            }
            _ => {}
        }
    }

    fn bind(
        &mut self,
        name: Option<Node<'t>>,
        statement: Node<'t>,
        text: &str,
        meaning: impl FnOnce(Node<'t>) -> Meaning<'t>,
    ) {
        let Some(name) = name.filter(|name| name.kind() == "identifier") else { return };
        let bound = Bound { at: statement.end_byte(), meaning: meaning(name) };
        self.names.entry(text_of(name, text).to_owned()).or_default().push(bound);
    }

    /// `target` is changed in place: the name that it begins with is what changes.
    fn change(&mut self, mut target: Node<'t>, statement: Node<'t>, text: &str) {
        while let Some(inner) = part(target, "value").or_else(|| part(target, "object")) {
            target = inner;
        }
        if target.kind() == "identifier" {
            self.changes.push(Change {
                name: text_of(target, text).to_owned(),
                line: line(statement),
                text: text_of(statement, text).to_owned(),
            });
        }
    }

    fn imports(&mut self, statement: Node<'t>, text: &str) {
        let module = part(statement, "module_name");
        for name in parts(statement).filter(|name| Some(*name) != module) {
            let (origin, known_as) = match name.kind() {
                "aliased_import" => (part(name, "name"), part(name, "alias")),
                "dotted_name" => (Some(name), Some(name)),
                _ => continue,
            };
            if let (Some(origin), Some(known_as)) = (origin, known_as) {
                let bound = Bound {
                    at: statement.end_byte(),
                    meaning: Meaning::Imported(text_of(origin, text).to_owned()),
                };
                self.names.entry(text_of(known_as, text).to_owned()).or_default().push(bound);
            }
        }
    }
}

/// The parameters of a function, with their defaults.
pub(super) fn parameters<'t>(function: Node<'t>, text: &str) -> Vec<(String, Option<Node<'t>>)> {
    let Some(list) = part(function, "parameters") else { return Vec::new() };
    let named = parts(list).filter_map(|parameter| {
        let name = match parameter.kind() {
            "identifier" => Some(parameter),
            "typed_parameter" => parts(parameter).next().filter(|name| name.kind() == "identifier"),
            "default_parameter" | "typed_default_parameter" => part(parameter, "name"),
            _ => None,
        }?;
        Some((text_of(name, text).to_owned(), part(parameter, "value")))
    });
    named.collect()
}

/// `if __name__ == "__main__":`
fn is_main(statement: Node<'_>, text: &str) -> bool {
    part(statement, "condition")
        .is_some_and(|condition| text_of(bare(condition), text).starts_with("__name__"))
}

/// The last part of the name of what is called, by the name that it was imported under.
pub(super) fn called<'t>(call: Node<'t>, text: &str, scope: &Rc<Scope<'t>>) -> Option<String> {
    let function = part(call, "function")?;
    // `incremental[int](…)`
    let function = part(function, "value").filter(|_| function.kind() == "subscript").unwrap_or(function);
    let name = dotted(function, text)?;
    let last = name.rsplit('.').next().unwrap_or_default().to_owned();
    if name != last {
        return Some(last);
    }
    match scope.find(&name, call.start_byte()) {
        Some((Meaning::Imported(origin), _)) => origin.rsplit('.').next().map(str::to_owned),
        _ => Some(last),
    }
}
