//! Expressions of Jinja as manifests write them, as trees.

use serde_json::{Number, Value};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// Text, number, boolean, none.
    Literal(Value),
    /// `[a, b]`
    List(Vec<Expression>),
    /// A name.
    Name(String),
    /// `a.b`, `a['b']`, `a[0]`
    Member(Box<Expression>, Box<Expression>),
    /// `a(b)`
    Call(Box<Expression>, Vec<Expression>),
    /// `a | name(b)`
    Filter(Box<Expression>, String),
    /// `not a`
    Not(Box<Expression>),
    /// `a and b`, `a or b`
    Both(Box<Expression>, &'static str, Box<Expression>),
    /// `a == b`, `a in b`, `a is none`
    Compare(Box<Expression>, String, Box<Expression>),
}

/// A part of a text with expressions in it.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'t> {
    /// As it stands.
    Text(&'t str),
    /// What stands between `{{` and `}}`.
    Expression(&'t str),
}

/// The parts of a text; `None` for statements (`{% … %}`) and for braces that do not close.
pub(super) fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    if text.contains("{%") {
        return None;
    }
    while let Some(at) = rest.find("{{") {
        let (before, from) = rest.split_at(at);
        let (inner, after) = from[2..].split_once("}}")?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Expression(inner.trim_matches('-').trim()));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Some(pieces)
}

/// Longer than anything that a manifest says.
const MAX_TOKENS: usize = 500;

/// Reads an expression; `None` for what is not known here.
pub(super) fn parse(text: &str) -> Option<Expression> {
    // Each may go one deeper.
    let tokens = tokens(text).filter(|tokens| tokens.len() <= MAX_TOKENS)?;
    let mut reader = Reader { tokens, at: 0, depth: 0 };
    let expression = reader.either()?;
    (reader.at == reader.tokens.len()).then_some(expression)
}

/// The name that a path of members begins with, and the members: `a.b['c'].get('d')`.
pub(super) fn path(expression: &Expression) -> Option<(&str, Vec<Value>)> {
    match expression {
        Expression::Name(name) => Some((name, Vec::new())),
        Expression::Member(of, key) => {
            let Expression::Literal(key) = key.as_ref() else { return None };
            let (name, mut keys) = path(of)?;
            keys.push(key.clone());
            Some((name, keys))
        }
        Expression::Call(method, arguments) => {
            let Expression::Member(of, get) = method.as_ref() else { return None };
            let (Expression::Literal(get), [Expression::Literal(key), ..]) =
                (get.as_ref(), arguments.as_slice())
            else {
                return None;
            };
            let (name, mut keys) = path(of).filter(|_| get == "get")?;
            keys.push(key.clone());
            Some((name, keys))
        }
        _ => None,
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Literal(Value),
    Sign(String),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let length = if matches!(first, '\'' | '"') {
            let end = rest[1..].find(first)? + 1;
            let inner = &rest[1..end];
            if inner.contains('\\') {
                return None;
            }
            tokens.push(Token::Literal(inner.into()));
            end + 1
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
            let number: Number = serde_json::from_str(&rest[..end]).ok()?;
            tokens.push(Token::Literal(number.into()));
            end
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            tokens.push(match &rest[..end] {
                "true" | "True" => Token::Literal(true.into()),
                "false" | "False" => Token::Literal(false.into()),
                "none" | "None" => Token::Literal(Value::Null),
                word => Token::Word(word.into()),
            });
            end
        } else {
            let two = ["==", "!=", "<=", ">="].into_iter().find(|sign| rest.starts_with(*sign));
            let length = two.map_or(first.len_utf8(), str::len);
            tokens.push(Token::Sign(rest[..length].to_owned()));
            length
        };
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Reader {
    fn either(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > 50 {
            return None;
        }
        let mut left = self.both()?;
        while self.word("or") {
            left = Expression::Both(Box::new(left), "or", Box::new(self.both()?));
        }
        self.depth -= 1;
        Some(left)
    }

    fn both(&mut self) -> Option<Expression> {
        let mut left = self.negation()?;
        while self.word("and") {
            left = Expression::Both(Box::new(left), "and", Box::new(self.negation()?));
        }
        Some(left)
    }

    fn negation(&mut self) -> Option<Expression> {
        let mut count = 0;
        while self.word("not") {
            count += 1;
        }
        let mut inner = self.comparison()?;
        for _ in 0..count {
            inner = Expression::Not(Box::new(inner));
        }
        Some(inner)
    }

    fn comparison(&mut self) -> Option<Expression> {
        let left = self.postfix()?;
        for sign in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.sign(sign) {
                return Some(Expression::Compare(Box::new(left), sign.into(), Box::new(self.postfix()?)));
            }
        }
        if self.word("is") {
            let operator = if self.word("not") { "is not" } else { "is" };
            return Some(Expression::Compare(Box::new(left), operator.into(), Box::new(self.primary()?)));
        }
        let start = self.at;
        let operator = if self.word("not") { "not in" } else { "in" };
        if self.word("in") {
            return Some(Expression::Compare(Box::new(left), operator.into(), Box::new(self.postfix()?)));
        }
        self.at = start;
        Some(left)
    }

    fn postfix(&mut self) -> Option<Expression> {
        let mut left = self.primary()?;
        loop {
            if self.sign(".") {
                let Token::Word(name) = self.next()? else { return None };
                left = Expression::Member(Box::new(left), Box::new(Expression::Literal(name.into())));
            } else if self.sign("[") {
                let key = self.index()?;
                self.sign("]").then_some(())?;
                left = Expression::Member(Box::new(left), Box::new(key));
            } else if self.sign("(") {
                left = Expression::Call(Box::new(left), self.until(")")?);
            } else if self.sign("|") {
                let Token::Word(name) = self.next()? else { return None };
                if self.sign("(") {
                    let arguments = self.until(")")?;
                    left = Expression::Call(Box::new(Expression::Filter(Box::new(left), name)), arguments);
                } else {
                    left = Expression::Filter(Box::new(left), name);
                }
            } else {
                return Some(left);
            }
        }
    }

    fn index(&mut self) -> Option<Expression> {
        if self.sign("-") {
            let Token::Literal(Value::Number(number)) = self.next()? else { return None };
            return Some(Expression::Literal((-number.as_i64()?).into()));
        }
        self.either()
    }

    fn primary(&mut self) -> Option<Expression> {
        match self.next()? {
            Token::Literal(value) => Some(Expression::Literal(value)),
            Token::Word(word) if !matches!(word.as_str(), "if" | "else" | "and" | "or" | "in" | "is") => {
                Some(Expression::Name(word))
            }
            Token::Sign(sign) if sign == "(" => {
                let inner = self.either()?;
                self.sign(")").then_some(inner)
            }
            Token::Sign(sign) if sign == "[" => Some(Expression::List(self.until("]")?)),
            Token::Sign(sign) if sign == "{" => {
                self.sign("}").then(|| Expression::Literal(Value::Object(Default::default())))
            }
            Token::Sign(sign) if sign == "-" => self.negative().map(Expression::Literal),
            _ => None,
        }
    }

    fn negative(&mut self) -> Option<Value> {
        let Token::Literal(Value::Number(number)) = self.next()? else { return None };
        match number.as_i64() {
            Some(whole) => Some((-whole).into()),
            None => Number::from_f64(-number.as_f64()?).map(Value::Number),
        }
    }

    fn until(&mut self, end: &str) -> Option<Vec<Expression>> {
        let mut items = Vec::new();
        while !self.sign(end) {
            if !items.is_empty() && !self.sign(",") {
                return None;
            }
            if self.sign(end) {
                break;
            }
            items.push(self.either()?);
        }
        Some(items)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word == wanted);
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(sign)) if sign == wanted);
        self.at += usize::from(found);
        found
    }
}
