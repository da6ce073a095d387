//! Unstyled pages.

/// A page with a title, paragraphs and a form as markup.
pub fn page(title: &str, paragraphs: &[&str], form: &str) -> String {
    let paragraphs: String =
        paragraphs.iter().filter(|text| !text.is_empty()).map(|text| format!("<p>{}</p>", escape(text))).collect();
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><title>{title} · Countersign</title><h1>{title}</h1>{paragraphs}{form}</html>"
    )
}

/// A labelled field.
pub fn field(name: &str, label: &str, kind: &str, value: &str, error: &str) -> String {
    let (value, error) = (escape(value), escape(error));
    format!("<p><label>{label} <input name=\"{name}\" type=\"{kind}\" value=\"{value}\"></label> <em>{error}</em></p>")
}

/// Text for HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
