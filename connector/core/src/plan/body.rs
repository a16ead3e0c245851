//! A body as a template: JSON, a form or text with places in it for what a request brings.

use serde_json::Value;

/// `P` is a piece of text or a place in it: of a draft first, of the plan when its placeholders are bound.
#[derive(Debug, Clone)]
pub(crate) enum Body<P> {
    Json(Members<P>),
    Form(Vec<(Vec<P>, Vec<P>)>),
    Text(Vec<P>),
}

/// Names and values of an object.
pub(crate) type Members<P> = Vec<(Vec<P>, Json<P>)>;

#[derive(Debug, Clone)]
pub(crate) enum Json<P> {
    /// A number, a boolean or null.
    Plain(Value),
    Text(Vec<P>),
    /// A text that was one placeholder and nothing else: the value itself, of whatever type.
    Whole(P),
    List(Vec<Json<P>>),
    Object(Members<P>),
}

impl<P> Body<P> {
    /// The same with other pieces; those that `with` has none for are left out.
    pub(super) fn map<Q>(&self, with: &impl Fn(&P) -> Option<Q>) -> Body<Q> {
        match self {
            Self::Json(members) => Body::Json(map_members(members, with)),
            Self::Form(fields) => Body::Form(
                fields.iter().map(|(name, value)| (texts(name, with), texts(value, with))).collect(),
            ),
            Self::Text(parts) => Body::Text(texts(parts, with)),
        }
    }

    /// Every piece, and whether it is a whole value.
    pub(super) fn each<'a>(&'a self, see: &mut impl FnMut(&'a P, bool)) {
        match self {
            Self::Json(members) => each_member(members, see),
            Self::Form(fields) => fields
                .iter()
                .flat_map(|(name, value)| name.iter().chain(value))
                .for_each(|part| see(part, false)),
            Self::Text(parts) => parts.iter().for_each(|part| see(part, false)),
        }
    }
}

fn texts<P, Q>(parts: &[P], with: &impl Fn(&P) -> Option<Q>) -> Vec<Q> {
    parts.iter().filter_map(with).collect()
}

fn map_members<P, Q>(members: &Members<P>, with: &impl Fn(&P) -> Option<Q>) -> Members<Q> {
    members.iter().map(|(key, value)| (texts(key, with), map_json(value, with))).collect()
}

fn map_json<P, Q>(json: &Json<P>, with: &impl Fn(&P) -> Option<Q>) -> Json<Q> {
    match json {
        Json::Plain(value) => Json::Plain(value.clone()),
        Json::Text(parts) => Json::Text(texts(parts, with)),
        // What is not bound has been reported, and no plan comes of it.
        Json::Whole(part) => with(part).map_or(Json::Plain(Value::Null), Json::Whole),
        Json::List(items) => Json::List(items.iter().map(|item| map_json(item, with)).collect()),
        Json::Object(members) => Json::Object(map_members(members, with)),
    }
}

fn each_member<'a, P>(members: &'a Members<P>, see: &mut impl FnMut(&'a P, bool)) {
    for (key, value) in members {
        key.iter().for_each(|part| see(part, false));
        each_json(value, see);
    }
}

fn each_json<'a, P>(json: &'a Json<P>, see: &mut impl FnMut(&'a P, bool)) {
    match json {
        Json::Plain(_) => {}
        Json::Text(parts) => parts.iter().for_each(|part| see(part, false)),
        Json::Whole(part) => see(part, true),
        Json::List(items) => items.iter().for_each(|item| each_json(item, see)),
        Json::Object(members) => each_member(members, see),
    }
}
