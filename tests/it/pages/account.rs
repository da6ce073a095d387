//! The operator's own page.

use crate::support::{House, PASSWORD};

on_each_database!(a_new_password_ends_every_other_session,);

const NEW: &str = "a quite different phrase";

async fn a_new_password_ends_every_other_session(house: House) {
    let mut here = house.ann().await;
    let mut elsewhere = house.ann().await;
    let page = here.get("/account").await;
    assert!(page.body.contains("this one") && page.body.contains("127.0.0.1"), "{}", page.body);
    let change = |current, new, again| {
        [("current_password", current), ("password", new), ("password_repeat", again), ("username", "ann")]
    };
    for (fields, words) in [
        (change("wrong wrong wrong", NEW, NEW), "This is not your current password."),
        (change(PASSWORD, NEW, "another phrase here"), "The two passwords differ."),
        (change(PASSWORD, "short", "short"), "The new password must"),
    ] {
        let refused = here.post_form("/account/password", &fields).await;
        assert_eq!(refused.status, 422);
        assert!(refused.body.contains(words), "{words}: {}", refused.body);
        assert!(!refused.body.contains(NEW), "a password is never shown again");
    }
    assert_eq!(elsewhere.get("/account").await.status, 200);
    let answer = here.post_form("/account/password", &change(PASSWORD, NEW, NEW)).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/account"));
    assert!(here.get("/account").await.body.contains("Password changed. 1 other session was ended."));
    assert_eq!(elsewhere.get("/account").await.status, 303);
    house.client().login("ann", NEW).await;
}
