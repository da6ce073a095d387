//! One operation, as the document and its page describe it.

use super::document::Describe;

/// What kind of value a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A decimal, as JSON number or text in plain notation.
    Decimal,
    /// A whole number.
    Integer,
    /// True or false.
    Bool,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An object.
    Object,
    /// A list of whole numbers.
    Integers,
}

/// A query parameter or a field of the body.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub text: &'static str,
}

/// What an answer looks like.
#[derive(Clone, Copy)]
pub enum Shape {
    /// One value.
    One(Describe),
    /// A bare array.
    List(Describe),
    /// An object with one value for each name.
    Map(Describe),
    /// A model's settings.
    Settings,
    /// The error of every refusal.
    Error,
    /// Something else, by its content type.
    Other(&'static str),
}

/// One answer.
#[derive(Clone, Copy)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// When, or which codes.
    pub text: &'static str,
    /// What it looks like.
    pub shape: Shape,
}

/// One operation.
pub struct Operation {
    /// As in the URL map.
    pub method: &'static str,
    /// As in the URL map.
    pub path: &'static str,
    /// The heading under which it stands.
    pub group: &'static str,
    /// One line.
    pub summary: &'static str,
    /// More; may be empty.
    pub text: &'static str,
    /// Query parameters.
    pub query: &'static [Param],
    /// Fields of the body.
    pub body: &'static [Param],
    /// Whether the body takes every setting too.
    pub takes_settings: bool,
    /// Whether it answers a page of a list.
    pub is_paged: bool,
    /// An example of the body; may be empty.
    pub example: &'static str,
    /// Answers beside 401 and 403.
    pub replies: &'static [Reply],
}

/// A parameter that must be there.
pub(super) const fn must(name: &'static str, kind: Kind, text: &'static str) -> Param {
    Param { name, kind, required: true, text }
}

/// A parameter that may be left out.
pub(super) const fn may(name: &'static str, kind: Kind, text: &'static str) -> Param {
    Param { name, kind, required: false, text }
}

/// One answer.
pub(super) const fn reply(status: u16, text: &'static str, shape: Shape) -> Reply {
    Reply { status, text, shape }
}

/// One refusal.
pub(super) const fn error(status: u16, text: &'static str) -> Reply {
    reply(status, text, Shape::Error)
}

/// An operation without anything optional; the rest is said with the functions below.
pub(super) const fn op(
    method: &'static str,
    path: &'static str,
    group: &'static str,
    summary: &'static str,
    replies: &'static [Reply],
) -> Operation {
    Operation {
        method,
        path,
        group,
        summary,
        text: "",
        query: &[],
        body: &[],
        takes_settings: false,
        is_paged: false,
        example: "",
        replies,
    }
}

impl Operation {
    pub(super) const fn text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    pub(super) const fn query(self, query: &'static [Param]) -> Self {
        Self { query, ..self }
    }

    pub(super) const fn body(self, body: &'static [Param], example: &'static str) -> Self {
        Self { body, example, ..self }
    }

    pub(super) const fn settings(self) -> Self {
        Self { takes_settings: true, ..self }
    }

    pub(super) const fn paged(self) -> Self {
        Self { is_paged: true, ..self }
    }
}
