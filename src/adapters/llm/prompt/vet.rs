//! What is refused before the engine sees it. The engine bounds the steps, the output and the nesting of a template by
//! itself, but reads one tag by recursion: a tag of ten thousand `not`s would take the process down with its stack.

use crate::ports::language_model::{TEMPLATE_MAX_BYTES, TemplateError};

/// The longest tag, in bytes between its brackets.
const TAG_MAX_BYTES: usize = 400;

/// Looks at length, characters and tags.
///
/// # Errors
/// [`TemplateError`] names the line.
pub(super) fn vet(template: &str) -> Result<(), TemplateError> {
    if template.len() > TEMPLATE_MAX_BYTES {
        let message = format!("the template has {} bytes, at most {TEMPLATE_MAX_BYTES}", template.len());
        return Err(TemplateError { line: None, message });
    }
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if let Some(at) = template.find(is_odd) {
        return Err(refused(template, at, "a control character".to_owned()));
    }
    let mut at = 0;
    while let Some(found) = template[at..].find('{') {
        let open = at + found;
        let rest = &template[open + 1..];
        at = match rest.as_bytes().first() {
            Some(b'#') => rest.find("#}").map_or(template.len(), |end| open + 1 + end + 2),
            Some(b'{') => open + 2 + inside(template, open, "}}")?,
            Some(b'%') => open + 2 + inside(template, open, "%}")?,
            _ => open + 1,
        };
    }
    Ok(())
}

/// How far the tag that opens at `open` reaches behind its two brackets, the closing ones included.
fn inside(template: &str, open: usize, close: &str) -> Result<usize, TemplateError> {
    let tag = &template[open + 2..];
    let word = tag.trim_start_matches(['-', '+']).trim_start();
    if close == "%}" && word.starts_with("raw") {
        return Err(refused(template, open, "raw blocks are not known here".to_owned()));
    }
    let (mut quote, mut escaped) = (None, false);
    for (place, byte) in tag.bytes().enumerate() {
        if place > TAG_MAX_BYTES {
            return Err(refused(template, open, format!("a tag of more than {TAG_MAX_BYTES} bytes")));
        }
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(mark), byte) if mark == byte => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, _) if tag.as_bytes()[place..].starts_with(close.as_bytes()) => return Ok(place + 2),
            _ => {}
        }
    }
    Err(refused(template, open, format!("a tag that is not closed with {close}")))
}

fn refused(template: &str, at: usize, message: String) -> TemplateError {
    let line = template[..at].bytes().filter(|&byte| byte == b'\n').count() + 1;
    TemplateError { line: u32::try_from(line).ok(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_templates_pass() {
        for template in [
            "",
            "{",
            "{ {} } 100 % }}",
            "{{ a }}{% if b == '}}' %}{# {{ #}{% endif %}",
            "{{ '\\'}}' }}",
            "{\"decisions\": [{\"coin\": 1}]}",
        ] {
            assert_eq!(vet(template), Ok(()), "{template}");
        }
    }

    #[test]
    fn what_would_strain_the_engine_is_refused_with_its_line() {
        let long = |inside: &str| format!("one\ntwo {{{{ {inside} }}}}");
        for (template, line, words) in [
            (long(&"not ".repeat(200)), Some(2), "400 bytes"),
            (long(&format!("'}}}}' {}", "not ".repeat(200))), Some(2), "400 bytes"),
            (long(&format!("\"\\\"}}}}\" {}", "not ".repeat(200))), Some(2), "400 bytes"),
            ("\n\n{%- raw %}{{ ' {% endraw %}".to_owned(), Some(3), "raw"),
            ("{{ a".to_owned(), Some(1), "not closed"),
            ("a\nb\u{7}".to_owned(), Some(2), "control"),
            ("x".repeat(TEMPLATE_MAX_BYTES + 1), None, "bytes"),
        ] {
            let error = vet(&template).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.message.contains(words), "{error}");
        }
    }
}
