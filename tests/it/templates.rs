//! Every template rendered with samples: nothing may panic, nothing may break the content security policy,
//! and text from a model stays text. `COUNTERSIGN_RENDER_DIR=dir cargo test --test it templates` also writes the pages
//! out, to be looked at.

mod cycles;
mod decisions;
mod desk;
mod keys;
mod pages;
mod providers;
mod truth;

use askama::Template;
use countersign::web::{assets, view::*};
use regex::Regex;

use self::{decisions::*, desk::*, pages::*};

#[test]
fn every_page_renders_and_nothing_in_it_needs_an_inline_script_or_style() {
    let forbidden = Regex::new(r#"(?i)\sstyle=|\son[a-z]+="|<style|javascript:|hx-on|<script>"#).expect("a pattern");
    for (name, html) in pages() {
        let found = forbidden.find(&html).map(|found| found.as_str());
        assert_eq!(found, None, "{name}");
    }
}

#[test]
fn text_from_a_model_stays_text_on_every_page() {
    for (name, html) in pages() {
        assert!(
            !html.contains("<script>alert") && !html.contains("<img src=x") && !html.contains("<b>trend"),
            "{name}"
        );
    }
}

#[test]
fn every_form_that_posts_carries_the_csrf_token_and_every_layout_gives_it_to_htmx() {
    let form = Regex::new(r#"(?s)<form[^>]*method="post".*?</form>"#).expect("a pattern");
    for (name, html) in pages() {
        for found in form.find_iter(&html) {
            assert!(found.as_str().contains(r#"name="csrf_token" value="c5rf-t0ken""#), "{name}: {}", found.as_str());
        }
        if html.contains("htmx.js") {
            assert!(html.contains(r#"hx-headers='{"X-CSRF-Token":"c5rf-t0ken"}'"#), "{name}");
        }
    }
}

#[test]
fn every_htmx_action_also_works_without_javascript() {
    let tag = Regex::new(r"<(a|form)\b[^>]*\bhx-(?:get|post)=[^>]*>").expect("a pattern");
    for (name, html) in pages() {
        for found in tag.find_iter(&html) {
            assert!(
                found.as_str().contains(" href=") || found.as_str().contains(" action="),
                "{name}: {}",
                found.as_str()
            );
        }
    }
}

#[test]
fn ids_are_unique_on_a_page_and_every_label_has_its_control() {
    let id = Regex::new(r#"\sid="([^"]+)""#).expect("a pattern");
    let label = Regex::new(r#"<label[^>]*\sfor="([^"]+)""#).expect("a pattern");
    for (name, html) in pages() {
        let mut seen = std::collections::HashSet::new();
        for found in id.captures_iter(&html) {
            assert!(seen.insert(found[1].to_owned()), "{name}: {} twice", &found[1]);
        }
        for found in label.captures_iter(&html) {
            assert!(seen.contains(&found[1]), "{name}: no control {}", &found[1]);
        }
    }
}

#[test]
fn a_password_is_never_rendered_back() {
    let field = Field::new("password", "Password", FieldKind::Password, "hunter2-hunter2");
    assert!(!field.render().expect("it renders").contains("hunter2"));
}

#[test]
fn real_money_is_said_in_the_title_and_by_the_frame() {
    let html = inbox(Some(mainnet_sheet()), rows(), Env::Mainnet).render().expect("it renders");
    assert!(html.contains("REAL MONEY</title>") && html.contains(r#"data-frame="mainnet""#));
}

#[test]
fn no_number_shows_before_the_first_verified_read() {
    let html = Topbar { verified: false, ..topbar() }.render().expect("it renders");
    assert!(!html.contains("84.20"));
}

#[test]
fn the_first_view_of_the_inbox_weighs_less_than_sixty_kilobytes_compressed() {
    let weigh = |bytes: &[u8]| {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).expect("memory takes it");
        encoder.finish().expect("memory takes it").len()
    };
    let many = (0..50).map(|id| row(id + 100, Side::Buy, "Buy 0.0100 BTC", "Sage", "432.61", 41)).collect();
    let html = inbox(Some(sheet()), many, Env::Testnet).render().expect("it renders");
    let assets: usize = ["app.css", "app.js", "htmx.js", "icon.svg"]
        .iter()
        .map(|name| weigh(assets::bytes(name).expect("an asset")))
        .sum();
    let total = assets + weigh(html.as_bytes());
    assert!(total < 60_000, "{total} bytes");
    assert!(!html.contains("uplot"), "charts are loaded only where there are charts");
}

#[test]
fn vendored_files_are_byte_for_byte_what_the_manifest_says() {
    use sha2::{Digest, Sha384};
    let manifest = include_str!("../../static/VENDORED.md");
    for name in ["htmx.js", "uplot.js", "uplot.css"] {
        let digest = Sha384::digest(assets::bytes(name).expect("an asset"));
        let line = manifest.lines().find(|line| line.contains(&base64(&digest)));
        assert!(line.is_some(), "{name} is not what the manifest says");
    }
}

/// Base64, written here because nothing else in the project needs it.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = (u32::from(chunk[0]) << 16)
            | (u32::from(*chunk.get(1).unwrap_or(&0)) << 8)
            | u32::from(*chunk.get(2).unwrap_or(&0));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place)) as usize & 63] as char;
            out.push(if place > chunk.len() { '=' } else { letter });
        }
    }
    out
}

/// Writes pages and assets where `COUNTERSIGN_RENDER_DIR` says, for looking at them; does nothing without it.
#[test]
fn every_page_can_be_written_out_to_be_looked_at() {
    let Ok(dir) = std::env::var("COUNTERSIGN_RENDER_DIR") else { return };
    let dir = std::path::Path::new(&dir);
    for (name, html) in pages() {
        std::fs::write(dir.join(format!("{name}.html")), html).expect("a page is written");
    }
    for name in ["app.css", "app.js", "chart.js", "htmx.js", "uplot.js", "uplot.css", "icon.svg"] {
        let path = dir.join(assets::asset(name).trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a directory is made");
        std::fs::write(path, assets::bytes(name).expect("an asset")).expect("an asset is written");
    }
}
