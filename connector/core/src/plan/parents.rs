//! Which resource's rows drive which: placeholders bound to a parent, found by name or by path; order and cycles.

use super::body::Body;
use super::draft::{Draft, DraftPart};
use super::hole::{Hole, Shape, collection, path_of, shown};
use super::{Piece, Pieces};
use crate::config::ResourceConfig;
use crate::contract::Notice;
use crate::diagnostic::{Problems, did_you_mean, list};
use crate::document::At;
use crate::json::Step;
use crate::select::{each_path, plain_path, spelled};
use crate::settle::Guesses;
use crate::template::renamed;

/// Where a bound value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A field of the parent's row.
    Row { steps: Vec<Step>, name: String },
    /// Something of each item of a list in the parent's row: `tags[*].id`.
    Each { list: Vec<Step>, item: Vec<Step>, name: String },
    /// A value that the parent itself was bound to.
    Bound(usize),
    /// A key that the parent's rows were given by its own parent.
    Added(usize),
}

/// How a resource hangs on its parent.
#[derive(Debug, Clone, Default)]
pub(super) struct Link {
    pub(super) name: String,
    pub(super) parent: Option<usize>,
    pub(super) bind: Vec<Source>,
    /// Keys given to each row.
    pub(super) add: Vec<(String, Source)>,
    /// What was taken to be meant.
    pub(super) guesses: Guesses,
    /// Which binding each placeholder takes.
    holes: Vec<(Hole, usize)>,
}

pub(super) struct Links {
    /// One for each resource, in the config's order.
    pub(super) links: Vec<Link>,
    /// Parents before their children.
    pub(super) order: Vec<usize>,
}

impl Link {
    fn bind(&mut self, hole: &Hole, source: Source) {
        let index = self.bind.iter().position(|other| *other == source).unwrap_or_else(|| {
            self.bind.push(source);
            self.bind.len() - 1
        });
        self.holes.push((hole.clone(), index));
    }

    /// What is bound to the items of another list than this one.
    fn other_list(&self, source: &Source) -> Option<&str> {
        let Source::Each { list: wanted, .. } = source else { return None };
        self.bind.iter().find_map(|bound| match bound {
            Source::Each { list, name, .. } if list != wanted => Some(name.as_str()),
            _ => None,
        })
    }

    fn add(&mut self, key: String, source: Source) {
        if !self.add.iter().any(|(other, _)| *other == key) {
            self.add.push((key, source));
        }
    }

    /// The bindings that become a part of a text somewhere.
    pub(super) fn texts(&self, draft: &Draft) -> Vec<usize> {
        let holes = draft.text_holes();
        self.holes.iter().filter(|(hole, _)| holes.contains(&hole)).map(|(_, index)| *index).collect()
    }

    /// The parts with each placeholder bound; one that is not has been reported.
    pub(super) fn pieces(&self, parts: &[DraftPart]) -> Pieces {
        parts.iter().filter_map(|part| self.piece(part)).collect()
    }

    pub(super) fn body(&self, body: &Body<DraftPart>) -> Body<Piece> {
        body.map(&|part| self.piece(part))
    }

    fn piece(&self, part: &DraftPart) -> Option<Piece> {
        match part {
            DraftPart::Text(text) => Some(Piece::Text(text.clone())),
            DraftPart::Hole(Hole::Incremental { value, .. }, format) => {
                Some(Piece::Incremental(*value, format.clone()))
            }
            DraftPart::Hole(hole, format) => self
                .holes
                .iter()
                .find(|(other, _)| other == hole)
                .map(|(_, index)| Piece::Bound(*index, format.clone())),
        }
    }
}

/// Finds each resource's parent, binds its placeholders, and orders the lot.
pub(super) fn links(
    configs: &[ResourceConfig],
    drafts: &[Draft],
    notices: &mut Vec<Notice>,
    problems: &mut Problems,
) -> Links {
    let names: Vec<&str> = configs.iter().map(|config| config.name.value.as_str()).collect();
    let shapes: Vec<Shape> = drafts.iter().map(Shape::of).collect();
    let finder = Finder { configs, names: &names, shapes: &shapes };
    let mut links: Vec<Link> = Vec::new();
    for (index, draft) in drafts.iter().enumerate() {
        let name = names.get(index).copied().unwrap_or_default().to_owned();
        links.push(Link { name, parent: finder.parent(index, draft, problems), ..Link::default() });
    }
    let order = order(&mut links, configs, problems);
    for &index in &order {
        let (Some(config), Some(draft)) = (configs.get(index), drafts.get(index)) else {
            continue;
        };
        let Some(mut link) = links.get_mut(index).map(std::mem::take) else {
            continue;
        };
        let parent = link.parent.and_then(|parent| links.get(parent));
        finder.bind(config, draft, &mut link, parent, notices, problems);
        if let Some(place) = links.get_mut(index) {
            *place = link;
        }
    }
    Links { links, order }
}

struct Finder<'a> {
    configs: &'a [ResourceConfig],
    names: &'a [&'a str],
    shapes: &'a [Shape],
}

impl Finder<'_> {
    /// The one resource that the placeholders speak of.
    fn parent(&self, index: usize, draft: &Draft, problems: &mut Problems) -> Option<usize> {
        let mut named: Option<usize> = None;
        let mut unknown = false;
        for hole in draft.holes() {
            let Hole::Field { resource: At { pointer, .. }, .. } = hole else { continue };
            let Some((resource, ..)) = hole.field(self.names) else { continue };
            let Some(found) = self.names.iter().position(|name| *name == resource) else {
                let hint = did_you_mean(resource, self.names.iter().copied())
                    .unwrap_or_else(|| format!("there are {}", list(self.names.iter().copied())));
                problems.hint(pointer, format!("there is no resource `{resource}`"), hint);
                unknown = true;
                continue;
            };
            match named {
                Some(other) if other != found => {
                    let other = self.names.get(other).copied().unwrap_or_default();
                    let message = format!(
                        "a resource has one parent, but this one takes from `{other}` and `{resource}`"
                    );
                    let hint =
                        "what `include_from_parent` adds to a parent's rows can be taken from them too";
                    problems.hint(pointer, message, hint);
                }
                _ => named = Some(found),
            }
        }
        if named.is_some() || unknown {
            return named;
        }
        let (before, hole) = self
            .shapes
            .get(index)?
            .before
            .iter()
            .rev()
            .find(|(_, hole)| matches!(hole, Hole::Plain { .. }))?;
        let Hole::Plain { name, pointer } = hole else {
            return None;
        };
        let wanted = collection(before);
        let same: Vec<usize> = self
            .shapes
            .iter()
            .enumerate()
            .filter(|(_, shape)| shape.text == wanted)
            .map(|(index, _)| index)
            .collect();
        match same.as_slice() {
            [only] => Some(*only),
            [] => {
                let hint =
                    format!("name its resource: `{{resources.NAME.id}}`, or give `{name}` in `params`");
                let path = shown(path_of(wanted));
                problems.hint(
                    pointer,
                    format!("nothing says what `{{{name}}}` is: no resource has the path `{path}`"),
                    hint,
                );
                None
            }
            several => {
                let names = several.iter().filter_map(|index| self.names.get(*index)).copied();
                let hint = format!(
                    "name the one that is meant: `{{resources.{}.id}}`",
                    names.clone().next().unwrap_or_default()
                );
                problems.hint(
                    pointer,
                    format!("`{{{name}}}` could be taken from each of {}", list(names)),
                    hint,
                );
                None
            }
        }
    }

    fn bind(
        &self,
        config: &ResourceConfig,
        draft: &Draft,
        link: &mut Link,
        parent_link: Option<&Link>,
        notices: &mut Vec<Notice>,
        problems: &mut Problems,
    ) {
        let before = Shape::of(draft).before;
        for (index, (_, hole)) in before.iter().enumerate() {
            if let Hole::Plain { name, pointer } = hole
                && before.iter().take(index).any(|(_, other)| other == hole)
            {
                problems.add(
                    pointer,
                    format!("`{{{name}}}` stands twice: give each placeholder a name of its own"),
                );
            }
        }
        let parent = link.parent.and_then(|index| Some((self.configs.get(index)?, self.shapes.get(index)?)));
        let (Some((parent, parent_shape)), Some(parent_link)) = (parent, parent_link) else {
            // `parent` has reported the placeholders of the path; those elsewhere cannot be found by a path at all.
            for hole in draft.holes().filter(|hole| !before.iter().any(|(_, other)| other == *hole)) {
                if let Hole::Plain { name, pointer } = hole {
                    let hint =
                        "a field of a resource's rows is `{resources.NAME.FIELD}`; a brace is written `{{`";
                    problems.hint(pointer, format!("nothing says what `{{{name}}}` is"), hint);
                }
            }
            if let Some(field) = config.include_from_parent.first() {
                problems.add(
                    &field.pointer,
                    format!("`{}` has no parent to include fields from", config.name.value),
                );
            }
            return;
        };
        let mut inferred = None;
        for hole in draft.holes() {
            match hole {
                Hole::Faulty | Hole::Incremental { .. } => {}
                Hole::Field { .. } => {
                    let Some((_, field, pointer)) = hole.field(self.names) else {
                        continue;
                    };
                    let Some(source) = field_source(field, parent_link, pointer, problems) else { continue };
                    if let Some(other) = link.other_list(&source) {
                        let message = format!(
                            "a request goes through one list, but this one takes from `{other}` and `{field}`"
                        );
                        problems.add(pointer, message);
                        continue;
                    }
                    link.bind(hole, source);
                }
                Hole::Plain { name, pointer } => {
                    let before =
                        before.iter().find(|(_, other)| other == hole).map(|(before, _)| before.as_str());
                    let passed = before.and_then(|before| passed_down(before, parent_shape, parent_link));
                    if let Some(index) = passed {
                        link.bind(hole, Source::Bound(index));
                    } else if before.is_some_and(|before| collection(before) == parent_shape.text) {
                        let Some(key) = key_of(parent, pointer, problems) else {
                            continue;
                        };
                        link.bind(hole, included(&key, parent_link));
                        inferred = Some((name, key));
                    } else {
                        let hint =
                            format!("`{{resources.{}.…}}`, or give `{name}` in `params`", parent.name.value);
                        problems.hint(pointer, format!("nothing says what `{{{name}}}` is"), hint);
                    }
                }
            }
        }
        for field in &config.include_from_parent {
            link.add(added_key(parent, &field.value), included(&field.value, parent_link));
        }
        if let Some((placeholder, key)) = inferred {
            link.add(added_key(parent, &key), included(&key, parent_link));
            notices.push(notice(config, parent, placeholder, &key, &mut link.guesses));
        }
    }
}

fn notice(
    config: &ResourceConfig,
    parent: &ResourceConfig,
    placeholder: &str,
    key: &str,
    guesses: &mut Guesses,
) -> Notice {
    let (child, parent_name) = (&config.name.value, &parent.name.value);
    let field = spelled(&[Step::Member(key.to_owned())]);
    let path = renamed(&config.endpoint.path.value, placeholder, &format!("resources.{parent_name}.{field}"));
    let mut include: Vec<String> =
        config.include_from_parent.iter().map(|field| field.value.clone()).collect();
    let included = include.iter().any(|field| field == key);
    include.extend((!included).then(|| key.to_owned()));
    let added = added_key(parent, key);
    Notice {
        code: "parent-inferred",
        message: format!(
            "`{{{placeholder}}}` in the path of `{child}` is taken to be `{key}` of `{parent_name}`; its rows carry it as `{added}`"
        ),
        hint: None,
        settles: guesses.take(&config.written, |guesses| {
            guesses.path = Some(path);
            guesses.include_from_parent = (!included).then_some(include);
        }),
    }
}

/// dlt's name for a parent's field in a child's row.
fn added_key(parent: &ResourceConfig, field: &str) -> String {
    format!("_{}_{field}", parent.name.value)
}

/// The field that identifies a parent's row: its primary key, else `id`.
fn key_of(parent: &ResourceConfig, pointer: &str, problems: &mut Problems) -> Option<String> {
    match parent.primary_key.as_slice() {
        [] => Some("id".to_owned()),
        [only] => Some(only.clone()),
        several => {
            let keys = list(several.iter().map(String::as_str));
            let hint = format!(
                "`{{resources.{}.{}}}`",
                parent.name.value,
                several.first().map_or("", String::as_str)
            );
            problems.hint(
                pointer,
                format!("`{}` is identified by {keys} together: say which is meant", parent.name.value),
                hint,
            );
            None
        }
    }
}

/// A field of the parent's rows, as the API gave it or as they were given it.
fn included(field: &str, parent: &Link) -> Source {
    own_key(field, parent).unwrap_or_else(|| Source::Row {
        steps: vec![Step::Member(field.to_owned())],
        name: field.to_owned(),
    })
}

/// A key that the parent's rows were given.
fn own_key(field: &str, parent: &Link) -> Option<Source> {
    parent.add.iter().position(|(key, _)| key == field).map(Source::Added)
}

fn field_source(field: &str, parent: &Link, pointer: &str, problems: &mut Problems) -> Option<Source> {
    if let Some(source) = own_key(field, parent) {
        return Some(source);
    }
    match plain_path(field) {
        Some(steps) if !steps.is_empty() => Some(Source::Row { steps, name: field.to_owned() }),
        _ if let Some((list, item)) = each_path(field) => {
            Some(Source::Each { list, item, name: field.to_owned() })
        }
        _ => {
            problems.add(
                pointer,
                format!("`{field}` is no field of a row: names, indexes and one `[*]` can stand in it"),
            );
            None
        }
    }
}

/// The binding of the parent whose placeholder stands at the same place of the same path.
fn passed_down(before: &str, parent_shape: &Shape, parent: &Link) -> Option<usize> {
    let (_, hole) = parent_shape.before.iter().find(|(other, _)| other == before)?;
    parent.holes.iter().find(|(other, _)| other == hole).map(|(_, index)| *index)
}

/// Parents before children, else the config's order. A cycle is reported and cut.
fn order(links: &mut [Link], configs: &[ResourceConfig], problems: &mut Problems) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    for start in 0..links.len() {
        let mut chain = vec![start];
        while let Some(parent) = chain.last().and_then(|last| links.get(*last)).and_then(|link| link.parent) {
            if order.contains(&parent) {
                break;
            }
            if chain.contains(&parent) {
                let name =
                    |index: &usize| configs.get(*index).map_or("", |config| config.name.value.as_str());
                let round = chain.iter().skip_while(|index| **index != parent).map(name);
                if let Some(config) = configs.get(start) {
                    let path = &config.endpoint.path.pointer;
                    let round: Vec<&str> = round.collect();
                    let message = match round.as_slice() {
                        [only] => format!("a resource cannot hang on itself: `{only}`"),
                        several => {
                            format!("resources cannot hang on each other: {}", list(several.iter().copied()))
                        }
                    };
                    problems.hint(path, message, "one of them must be read without the others");
                }
                if let Some(link) = chain.last().and_then(|last| links.get_mut(*last)) {
                    link.parent = None;
                }
                break;
            }
            chain.push(parent);
        }
        for index in chain.into_iter().rev() {
            if !order.contains(&index) {
                order.push(index);
            }
        }
    }
    order
}
