//! Reads the source and fails where a rule of the house is broken: rules that nothing enforces decay.
//!
//! ```text
//! domain <- ports <- services <- { web, workers, cli }      adapters -> ports, domain      app -> everything
//! ```

use regex::Regex;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The parts of the house, each with the parts that it may name.
const ARROW: &[(&str, &[&str])] = &[
    ("domain", &["domain", "word_enum"]),
    ("ports", &["ports", "domain", "word_enum"]),
    ("services", &["services", "ports", "domain", "observe", "word_enum"]),
    ("adapters", &["adapters", "ports", "domain", "observe"]),
    ("observe", &["observe", "domain"]),
    ("workers", &["workers", "services", "ports", "domain", "observe"]),
    ("web", &["web", "services", "ports", "domain", "observe", "settings", "telemetry"]),
    ("cli", &["cli", "app", "services", "ports", "domain", "observe", "settings", "telemetry"]),
    ("settings", &["settings", "services", "domain", "telemetry"]),
    ("telemetry", &["telemetry"]),
];
/// What a pure domain knows nothing of: the runtime, the database, the web, files, clocks and chance.
const IMPURE: &str = r"\b(tokio|sea_orm|sqlx|actix_web|actix_session|serde_json|reqwest|rand|uuid|tracing)::|std::(time|fs|net|env|thread|process|io)\b|\basync fn\b|\.await\b";
/// Lines of code in one file, its unit tests not counted: more is two subjects.
const LINES_MAX: usize = 500;
/// Lines of one file of tests.
const TEST_LINES_MAX: usize = 500;

/// Where the unit tests of a file begin.
static UNIT_TESTS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^#\[cfg\(test\)\]\n[^;\n]*\{$").unwrap());

/// A file of the project and its text.
struct Source {
    /// From the top of the project, with forward slashes.
    path: String,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        let path = &self.path;
        path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs")
    }

    /// The text before the unit tests.
    fn code(&self) -> &str {
        UNIT_TESTS.split(&self.text).next().unwrap_or_default()
    }

    /// Numbered lines of code, comments left out.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code()
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(n, l)| (n + 1, l))
    }

    /// The part of the house that a file of `src` belongs to.
    fn part(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or_default();
        inside.split(['/', '.']).next().unwrap_or_default()
    }
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under a folder whose name ends so.
fn files(folder: &str, ending: &str) -> Vec<Source> {
    let (mut found, mut open) = (Vec::new(), vec![top().join(folder)]);
    while let Some(dir) = open.pop() {
        let entries: Vec<PathBuf> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        for path in entries {
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(top()).unwrap().to_string_lossy().replace('\\', "/");
                found.push(Source { text: std::fs::read_to_string(&path).unwrap(), path: name });
            }
        }
    }
    assert!(!found.is_empty(), "no {ending} under {folder}");
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Each line of these files that matches, as `path:line: text`.
fn matches<'a>(sources: impl IntoIterator<Item = &'a Source>, pattern: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    let found = |source: &'a Source| {
        let hits = source.lines().filter(|(_, line)| pattern.is_match(line));
        hits.map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim())).collect::<Vec<_>>()
    };
    sources.into_iter().flat_map(found).collect()
}

#[track_caller]
fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}\n{}", found.join("\n"));
}

#[test]
fn each_part_names_only_what_the_arrow_allows() {
    let named = Regex::new(r"\bcrate::(\w+)").unwrap();
    let mut broken = Vec::new();
    for source in files("src", ".rs") {
        let Some((_, allowed)) = ARROW.iter().find(|(part, _)| *part == source.part()) else { continue };
        for (number, line) in source.lines() {
            let wrong = named.captures_iter(line).map(|found| found[1].to_owned());
            let wrong: Vec<String> = wrong.filter(|name| !allowed.contains(&name.as_str())).collect();
            if !wrong.is_empty() {
                broken.push(format!("{}:{number}: {} may not name {}", source.path, source.part(), wrong.join(", ")));
            }
        }
    }
    none(&broken, "the arrow is broken");
}

#[test]
fn every_part_of_the_house_has_its_rule() {
    let known = |part: &str| ARROW.iter().any(|(name, _)| *name == part) || ["app", "main", "lib"].contains(&part);
    let unknown: Vec<String> =
        files("src", ".rs").iter().filter(|source| !known(source.part())).map(|source| source.path.clone()).collect();
    none(&unknown, "these belong to no part that the arrow knows");
}

#[test]
fn the_domain_is_pure() {
    let sources = files("src/domain", ".rs");
    none(&matches(&sources, IMPURE), "the domain knows no runtime, database, web, file, clock or chance");
    none(&matches(&sources, r"\b(f32|f64)\b"), "no float comes near money");
}

#[test]
fn frameworks_stay_in_their_places() {
    let sources = files("src", ".rs");
    let outside = |part: &'static [&str]| sources.iter().filter(move |source| !part.contains(&source.part()));
    // The paper exchange is a server of its own, for other programs.
    let served = outside(&["web", "app", "telemetry"]).filter(|source| !source.path.contains("/paper_exchange/"));
    none(&matches(served, r"\bactix_(web|session)::"), "only the web knows the web framework");
    none(&matches(outside(&["adapters"]), r"\b(sea_orm|sqlx)::"), "only adapters know the database");
    none(&matches(outside(&["adapters"]), r"\breqwest::"), "only adapters call other hosts");
    let clock = r"\b(SystemTime|Timestamp|Zoned)::now\(\)";
    none(&matches(sources.iter().filter(|source| source.path != "src/adapters/clock.rs"), clock), "time is injected");
}

#[test]
fn nothing_unwraps_outside_tests() {
    let sources = files("src", ".rs");
    none(&matches(sources.iter().filter(|source| !source.is_test()), r"\.unwrap\(\)"), "say why it cannot fail");
    let unfinished = r"\b(todo!|unimplemented!|dbg!)|\b(TODO|FIXME|XXX)\b";
    none(&matches(&sources, unfinished), "nothing is left unfinished");
}

#[test]
fn templates_escape_everything_and_hold_no_script_or_style() {
    let templates = files("templates", ".html");
    none(&matches(&templates, r"\|\s*safe\b"), "every value is escaped");
    none(&matches(&templates, r"(?i)\sstyle\s*=|<style\b"), "styles live in files: the page's policy refuses others");
    none(&matches(&templates, r"(?i)<script(?:\s+[^>]*)?>\s*[^<\s]"), "scripts live in files");
    let inline = matches(&templates, r"(?i)<script\b");
    let inline: Vec<String> = inline.into_iter().filter(|line| !line.contains("src=")).collect();
    none(&inline, "scripts live in files");
    none(&matches(&templates, r"(?i)\son[a-z]+\s*=|javascript:|\shx-on"), "no handler lives in a page");
    none(&matches(&templates, r#"(?i)(src|href)="https?://"#), "nothing is loaded from another host");
}

#[test]
fn no_file_has_two_subjects() {
    let mut long = Vec::new();
    for source in files("src", ".rs").into_iter().chain(files("tests", ".rs")).chain(files("migration", ".rs")) {
        let (lines, limit) = if source.is_test() {
            (source.text.lines().count(), TEST_LINES_MAX)
        } else {
            (source.code().lines().count(), LINES_MAX)
        };
        if lines > limit {
            long.push(format!("{}: {lines} lines, at most {limit}", source.path));
        }
    }
    none(&long, "split these");
}

#[test]
fn the_project_names_no_machine() {
    let here = Regex::new(&[r"[/\\](home|Users|root)[/\\]\w", &regex::escape(&top().display().to_string())].join("|"));
    let here = here.unwrap();
    let mut found = Vec::new();
    let folders =
        [("src", ".rs"), ("tests", ".rs"), ("migration", ".rs"), ("templates", ".html"), ("static/css", ".css")];
    for source in folders.iter().flat_map(|(folder, ending)| files(folder, ending)) {
        let hits = source.text.lines().enumerate().filter(|(_, line)| here.is_match(line));
        found.extend(hits.map(|(number, line)| format!("{}:{}: {}", source.path, number + 1, line.trim())));
    }
    none(&found, "these are about one machine");
}
