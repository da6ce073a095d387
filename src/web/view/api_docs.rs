//! The readable page of the OpenAPI document.

use askama::Template;

use super::Shell;

/// One parameter or field.
#[derive(Clone, Debug)]
pub struct ApiParam {
    /// Its name.
    pub name: String,
    /// `path`, `query`, `header` or `body`.
    pub place: String,
    /// Its type.
    pub kind: String,
    /// Whether it is required.
    pub required: bool,
    /// What it means.
    pub text: String,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct ApiResponse {
    /// The status.
    pub status: String,
    /// What it means.
    pub text: String,
    /// An example body, may be empty.
    pub example: String,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct ApiOperation {
    /// A stable anchor.
    pub anchor: String,
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path.
    pub path: String,
    /// One line.
    pub summary: String,
    /// More, may be empty.
    pub text: String,
    /// Who may call it, in words.
    pub auth: String,
    /// Parameters.
    pub params: Vec<ApiParam>,
    /// An example request body, may be empty.
    pub request: String,
    /// Answers.
    pub responses: Vec<ApiResponse>,
}

/// Operations of one subject.
#[derive(Clone, Debug)]
pub struct ApiGroup {
    /// A stable anchor.
    pub anchor: String,
    /// The heading.
    pub title: String,
    /// A sentence, may be empty.
    pub text: String,
    /// The operations.
    pub operations: Vec<ApiOperation>,
}

/// `/api/docs`.
#[derive(Clone, Debug, Template)]
#[template(path = "api/docs.html")]
pub struct ApiDocsPage {
    /// The layout.
    pub shell: Shell,
    /// The document's version.
    pub version: String,
    /// An introduction, one paragraph an entry.
    pub intro: Vec<String>,
    /// The groups.
    pub groups: Vec<ApiGroup>,
}
