//! The engine: strict about names, with a budget for every rendering.

use super::vet::vet;
use crate::ports::language_model::TemplateError;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

/// Steps of one rendering; 64 bytes of text cost as much as a step, so this also bounds memory to a few megabytes.
const FUEL: u64 = 100_000;
/// Nested calls of blocks and loops in one rendering. Each takes some of the thread's stack.
const RECURSION_MAX: usize = 20;
/// How much of a line is quoted in an error, in characters.
const QUOTE_MAX: usize = 80;
/// The name of a template's rules.
const SYSTEM: &str = "system";
/// The name of a template's data.
const USER: &str = "user";

/// Both parts of a prompt as a template writes them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub system: String,
    pub user: String,
}

/// A template that the engine has read.
pub(super) struct Compiled<'a> {
    environment: Environment<'a>,
    source: &'a str,
}

impl<'a> Compiled<'a> {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`] names the line.
    pub fn read(source: &'a str) -> Result<Self, TemplateError> {
        vet(source)?;
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION_MAX);
        environment.set_syntax(syntax());
        // A prompt is plain text, whatever it is called.
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let this = Self { environment, source };
        this.template()?;
        Ok(this)
    }

    fn template(&self) -> Result<minijinja::Template<'_, '_>, TemplateError> {
        self.environment.template_from_str(self.source).map_err(|error| self.explain(&error))
    }

    /// Renders both blocks.
    ///
    /// # Errors
    /// [`TemplateError`] names the line.
    pub fn render(&self, facts: Value) -> Result<Parts, TemplateError> {
        let template = self.template()?;
        let explain = |error: Error| self.explain(&error);
        // What stands outside of the blocks is rendered too, so that its mistakes are found, and goes nowhere.
        let mut rendered = template.render_captured_to(facts, std::io::sink()).map_err(explain)?;
        let mut block = |name: &str| rendered.with_state_mut(|state| state.render_block(name)).map_err(explain);
        Ok(Parts { system: block(SYSTEM)?.trim().to_owned(), user: block(USER)?.trim().to_owned() })
    }

    fn explain(&self, error: &Error) -> TemplateError {
        let line = error.line().and_then(|line| u32::try_from(line).ok());
        let detail = error.detail().unwrap_or_default();
        let message = match error.kind() {
            ErrorKind::UndefinedError => format!("a name that does not exist is used{}", self.quote(line)),
            ErrorKind::OutOfFuel => "it takes too many steps, or writes too much".to_owned(),
            ErrorKind::UnknownBlock => {
                let block = if self.has_block(SYSTEM) { USER } else { SYSTEM };
                return TemplateError {
                    line: None,
                    message: format!("the block {block} is missing: {{% block {block} %}} ... {{% endblock %}}"),
                };
            }
            kind if detail.is_empty() => format!("{kind}{}", self.quote(line)),
            ErrorKind::SyntaxError | ErrorKind::UnknownFilter | ErrorKind::UnknownFunction | ErrorKind::UnknownTest => {
                detail.to_owned()
            }
            kind => format!("{kind}: {detail}"),
        };
        TemplateError { line, message }
    }

    fn has_block(&self, name: &str) -> bool {
        self.source.split("block ").skip(1).any(|rest| rest.trim_start().starts_with(name))
    }

    /// The line in question: the engine does not tell the name.
    fn quote(&self, line: Option<u32>) -> String {
        let line = line.and_then(|line| usize::try_from(line).ok()).and_then(|line| line.checked_sub(1));
        let text = line.and_then(|line| self.source.lines().nth(line)).map(str::trim).unwrap_or_default();
        if text.is_empty() {
            return String::new();
        }
        let cut: String = text.chars().take(QUOTE_MAX).collect();
        format!(": {cut}")
    }
}

/// A tag that has a line of its own leaves no line behind.
fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().expect("the usual brackets are no surprise")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(template: &str) -> TemplateError {
        let facts = minijinja::context! { name => "Sage", coins => vec![1, 2, 3] };
        Compiled::read(template).and_then(|compiled| compiled.render(facts)).expect_err(template)
    }

    #[test]
    fn two_blocks_become_two_parts_and_nothing_is_escaped() {
        let template = "{# note #}\n{% block system %}\n{{ name }} <b>\n{% endblock %}\n{% block user %}{% for n in coins %}{{ n }};{% endfor %}{% endblock %}";
        let facts = minijinja::context! { name => "S&ge", coins => vec![1, 2] };
        let parts = Compiled::read(template).unwrap().render(facts).unwrap();
        assert_eq!(parts, Parts { system: "S&ge <b>".to_owned(), user: "1;2;".to_owned() });
    }

    #[test]
    fn a_bad_template_is_refused_with_its_line() {
        let body = |system: &str| {
            format!("{{% block system %}}\n\n{system}{{% endblock %}}{{% block user %}}x{{% endblock %}}")
        };
        for (template, line, words) in [
            (body("{{ nmae }}"), Some(3), "does not exist is used: {{ nmae }}"),
            (body("{{ name.first.letter }}"), Some(3), "does not exist"),
            (body("{% for %}"), Some(3), "unexpected"),
            (body("{{ name|shout }}"), Some(3), "shout"),
            (body("{{ shout() }}"), Some(3), "shout"),
            (body("{% include 'x' %}"), Some(3), "x"),
            (body("{% if name %}"), Some(3), ""),
            ("nothing".to_owned(), None, "block system is missing"),
            ("{% block system %}x{% endblock %}".to_owned(), None, "block user is missing"),
            ("{{ oops }}{% block system %}x{% endblock %}{% block user %}y{% endblock %}".to_owned(), Some(1), "oops"),
        ] {
            let error = error_of(&template);
            assert_eq!(error.line, line, "{template}: {error}");
            assert!(error.message.contains(words), "{template}: {error}");
        }
    }

    #[test]
    fn a_hostile_template_ends_soon_and_takes_no_memory() {
        let body =
            |system: &str| format!("{{% block system %}}{system}{{% endblock %}}{{% block user %}}x{{% endblock %}}");
        let loops = "{% for a in range(99999) %}".repeat(6) + &"{% endfor %}".repeat(6);
        let doubling = "{% set x = 'aaaaaaaaaaaaaaaa' %}".to_owned() + &"{% set x = x ~ x %}".repeat(60);
        let captures =
            "{% set x = 'aaaaaaaaaaaaaaaa' %}".to_owned() + &"{% set x %}{{ x }}{{ x }}{% endset %}".repeat(60);
        let deep = "{% if name %}".repeat(500) + &"{% endif %}".repeat(500);
        let macros = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
        for hostile in [
            loops.as_str(),
            "{{ 'x' * 99999999999 }}",
            "{{ [1] * 99999999999 }}",
            "{% for a in range(99999) %}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}",
            "{{ self.system() }}",
            "{{ self.system() }}{{ self.system() }}",
            doubling.as_str(),
            captures.as_str(),
            deep.as_str(),
            macros,
        ] {
            let error = error_of(&body(hostile));
            assert!(error.line.is_some(), "{hostile:.60}: {error}");
        }
    }
}
