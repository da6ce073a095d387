//! The list: tabs, counts, filter, pages, news, weight.

use crate::support::{House, buy};
use countersign::domain::venue_kind::AutomationLevel;
use std::io::Write;

on_each_database!(
    tabs_count_and_the_filter_narrows,
    an_empty_inbox_says_what_happens_next,
    news_are_offered_instead_of_moving_the_list,
    the_list_is_paged_and_its_first_view_is_light,
    every_page_has_the_headers_that_protect_it,
);

/// The first view in bytes, compressed: page, styles and scripts.
const WEIGHT_MAX: usize = 60 * 1_024;

fn gzip(text: &str) -> usize {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().len()
}

async fn many(house: &House, count: usize) {
    let settings = [("max_open_positions", "50"), ("max_daily_trades", "1000"), ("min_cash_reserve_pct", "0")];
    for index in 0..count {
        let model = house.model(&format!("Model {index}"), AutomationLevel::SemiAutomated, &settings).await;
        house.propose(model.id, "BTC", buy("0.001", "A reason of some length, as models give them."), "43250").await;
    }
}

async fn tabs_count_and_the_filter_narrows(house: House) {
    let (sage, first) = house.waiting("Sage").await;
    let (_, second) = house.waiting("Drifter").await;
    let mut ann = house.ann().await;
    ann.post_form(&format!("/decisions/{}/reject", second.id), &[("reason", "no")]).await;

    let page = ann.get("/inbox").await;
    assert!(page.body.contains("Pending <span class=\"num\">1</span>"), "{}", page.body);
    assert!(page.body.contains("Rejected <span class=\"num\">1</span>"));
    assert!(
        page.body.contains(&format!("id=\"row-{}\"", first.id))
            && !page.body.contains(&format!("id=\"row-{}\"", second.id))
    );
    assert!(page.body.contains("(1) Inbox"), "the title counts");

    let rejected = ann.get("/inbox?tab=rejected").await;
    assert!(rejected.body.contains(&format!("id=\"row-{}\"", second.id)) && rejected.body.contains("by ann: no"));
    let filtered = ann.get(&format!("/inbox?tab=rejected&model={}", sage.id)).await;
    assert!(filtered.body.contains("Nothing was rejected yet.") && filtered.body.contains("selected>Sage"));
    let nonsense = ann.get("/inbox?tab=%3Cscript%3E&model=x&cursor=-1").await;
    assert_eq!(nonsense.status, 200);
    assert!(nonsense.body.contains(&format!("id=\"row-{}\"", first.id)));
}

async fn an_empty_inbox_says_what_happens_next(house: House) {
    let mut ann = house.ann().await;
    assert!(ann.get("/inbox").await.body.contains("No model yet."));
    house.model("Sage", AutomationLevel::SemiAutomated, &[]).await;
    let page = ann.get("/inbox").await;
    assert!(page.body.contains("No decisions wait.") && page.body.contains("Sage runs next"), "{}", page.body);
}

async fn news_are_offered_instead_of_moving_the_list(house: House) {
    let (_, first) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    let url = format!("/fragments/inbox-news?tab=pending&after={}", first.id);
    assert!(!ann.get(&url).await.body.contains("new</a>"));
    house.waiting("Drifter").await;
    let news = ann.get(&url).await;
    assert!(news.body.contains("1 new</a>") && news.body.contains("id=\"inbox-tabs\""), "{}", news.body);
    let row = ann.get(&format!("/fragments/decisions/{}/row", first.id)).await;
    assert!(row.body.starts_with(&format!("<li id=\"row-{}\"", first.id)));
    let bar = ann.get("/fragments/topbar").await;
    assert!(bar.body.contains("id=\"inbox-count\"") && bar.body.contains("simulated"));
}

async fn the_list_is_paged_and_its_first_view_is_light(house: House) {
    many(&house, 53).await;
    let mut ann = house.ann().await;
    let page = ann.get("/inbox").await;
    assert_eq!(page.body.matches("<li id=\"row-").count(), 50);
    let older = page.body.split("class=\"pager\"><a href=\"").nth(1).unwrap().split('"').next().unwrap();
    let older = older.replace("&amp;", "&").replace("&#38;", "&");
    let rest = ann.get(&older).await;
    assert_eq!(rest.body.matches("<li id=\"row-").count(), 3);
    assert!(rest.body.contains("‹ Newest"));

    let mut weight = gzip(&page.body);
    for asset in page.body.split("=\"/static/").skip(1) {
        let path = format!("/static/{}", asset.split('"').next().unwrap());
        if !path.ends_with(".svg") {
            weight += gzip(&ann.get(&path).await.body);
        }
    }
    assert!(weight < WEIGHT_MAX, "the first view weighs {weight} bytes");
}

async fn every_page_has_the_headers_that_protect_it(house: House) {
    let (_, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    for path in ["/inbox", "/orders", "/stop", "/fragments/topbar", &format!("/decisions/{}", decision.id)] {
        let page = ann.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), value, "{name} of {path}");
        }
        assert!(!page.body.contains(" style=") && !page.body.contains(" onclick="), "{path}");
    }
    let mut nobody = house.client();
    assert_eq!(nobody.get("/inbox").await.status, 303);
}
