// Enhances pages that work without it: live updates, keys, dialogs, countdowns, toasts. Nothing here decides anything.
(() => {
  "use strict";
  const $ = (s, r = document) => r.querySelector(s);
  const $$ = (s, r = document) => [...r.querySelectorAll(s)];
  const root = document.documentElement, body = document.body;
  const dialog = $("#dialog"), box = $("#dialog-body");
  const LIVE = ["decision", "order", "fill", "equity", "incident", "notification", "model", "health"];
  const SLOW_MS = { equity: 5000, health: 5000, model: 2000 };
  const REFRESH_MS = 1000, RETRY_MS = 5000, TOAST_MS = 7000, URGENT_MS = 300000;

  // Live: one event stream a page; each name refreshes at most once a second, figures that always move less often.
  const timers = {}, fired = {};
  function fire(name) {
    if (timers[name] || !window.htmx) return;
    const wait = Math.max(0, (SLOW_MS[name] || REFRESH_MS) - (Date.now() - (fired[name] || 0)));
    timers[name] = setTimeout(() => {
      timers[name] = 0;
      fired[name] = Date.now();
      htmx.trigger(body, "live:" + name);
    }, wait);
  }
  const offline = $("[data-offline]");
  let stream, wasOffline = false;
  function connect() {
    stream = new EventSource(body.dataset.events);
    stream.onopen = () => {
      if (wasOffline) LIVE.forEach(fire);
      wasOffline = false;
      if (offline) offline.hidden = true;
    };
    stream.onerror = () => {
      wasOffline = true;
      setTimeout(() => { if (wasOffline && offline) offline.hidden = false; }, RETRY_MS / 2);
      if (stream.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
    };
    for (const name of LIVE) stream.addEventListener(name, (event) => {
      let id;
      try { id = JSON.parse(event.data).id; } catch { /* an event without details still refreshes */ }
      fire(name);
      if (id != null) fire(name + ":" + id);
    });
  }
  if (body.dataset.events) {
    connect();
    addEventListener("pagehide", () => stream.close());
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }

  // Times: countdowns every second, ages with them.
  const two = (n) => String(n).padStart(2, "0");
  function clock(ms) {
    const s = Math.max(0, Math.floor(ms / 1000)), d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
    return d ? `${d} d ${h} h` : h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
  }
  function ago(ms) {
    const s = Math.floor(ms / 1000);
    return s < 5 ? "just now" : s < 60 ? `${s} s ago` : s < 3600 ? `${Math.floor(s / 60)} min ago` : s < 86400 ? `${Math.floor(s / 3600)} h ago` : `${Math.floor(s / 86400)} d ago`;
  }
  function set(element, text) { if (element.textContent !== text) element.textContent = text; }
  function tick() {
    const now = Date.now();
    for (const t of $$("time[data-expires]")) {
      const left = Date.parse(t.dataset.expires) - now;
      set(t, left > 0 ? clock(left) : t.dataset.over || "expired");
      if (t.classList.contains("countdown")) t.classList.toggle("wait", left < URGENT_MS);
    }
    for (const t of $$("time[data-ago]")) set(t, ago(now - Date.parse(t.dateTime)));
  }
  tick();
  setInterval(tick, 1000);

  // Toasts: what needs attention stays, the rest leaves.
  const toasts = $("#toasts");
  function toast(text, tone) {
    const element = document.createElement("div"), p = document.createElement("p"), close = document.createElement("button");
    element.className = "toast " + tone;
    element.dataset.toast = "";
    p.textContent = text;
    close.type = "button";
    close.dataset.dismiss = "";
    close.setAttribute("aria-label", "Dismiss");
    close.textContent = "×";
    element.append(p, close);
    toasts?.append(element);
  }
  function schedule() {
    for (const t of $$("[data-toast]:not([data-timed])")) {
      t.dataset.timed = "";
      if (!t.matches(".bad, .wait")) setTimeout(() => t.remove(), TOAST_MS);
    }
  }
  if (toasts) {
    schedule();
    new MutationObserver(schedule).observe(toasts, { childList: true });
  }

  // Busy: after a click a definite state shows, and a second click does nothing.
  function busy(form, on) {
    for (const button of $$("button[type=submit]", form)) {
      if (on && !button.disabled) {
        button.dataset.label = button.textContent;
        button.disabled = true;
        button.setAttribute("aria-busy", "true");
        if (button.classList.contains("primary") || button.classList.contains("danger") || button.dataset.busy) button.textContent = button.dataset.busy || "Submitting…";
      } else if (!on && button.dataset.label != null) {
        button.disabled = false;
        button.removeAttribute("aria-busy");
        if (!button.firstElementChild) button.textContent = button.dataset.label;
        delete button.dataset.label;
      }
    }
  }
  addEventListener("submit", (event) => {
    const form = event.target;
    if (form.hasAttribute("hx-post") || form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => busy(form, true));
  });
  body.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt.matches("form")) busy(event.detail.elt, true); });
  body.addEventListener("htmx:afterRequest", (event) => { if (event.detail.elt.matches("form")) busy(event.detail.elt, false); });

  // Swaps: a refused form goes back into its dialog; an answer without the expected part never empties the page.
  const has = (text, id) => text.includes(`id="${id}"`);
  body.addEventListener("htmx:beforeSwap", (event) => {
    const d = event.detail, elt = d.requestConfig.elt, text = d.xhr.responseText;
    if (!d.shouldSwap) return;
    const select = (elt.getAttribute("hx-select") || "").slice(1);
    if (dialog && dialog.contains(elt) && d.target !== box) {
      if (has(text, "form") && !has(text, select)) {
        d.target = box;
        d.selectOverride = "#form";
        d.swapOverride = "innerHTML";
        return;
      }
      if (!select || has(text, select)) dialog.close();
    }
    if (select && !has(text, select)) {
      d.shouldSwap = false;
      toast("The answer could not be shown here. Reload the page to see how it stands.", "wait");
    }
  });
  // A refresh that nobody asked for moves neither the focus nor what is being read.
  let kept;
  body.addEventListener("htmx:beforeSwap", (event) => {
    const target = event.detail.target, scroller = $(".detail-scroll", target), active = document.activeElement;
    kept = { id: target.dataset.id, top: scroller?.scrollTop, href: target.contains(active) && active.getAttribute("href") };
  });
  function restore() {
    const detail = $("#detail");
    if (kept?.top && detail?.dataset.id === kept.id) $(".detail-scroll", detail).scrollTop = kept.top;
    if (kept?.href && document.activeElement === body) $$("main a").find((a) => a.getAttribute("href") === kept.href && !a.hidden)?.focus({ preventScroll: true });
    kept = null;
  }
  body.addEventListener("htmx:afterSwap", (event) => {
    restore();
    if (event.detail.target !== box) return;
    if (!dialog.open) dialog.showModal();
    $("[autofocus], [aria-invalid=true]", box)?.focus();
  });
  body.addEventListener("htmx:load", (event) => { if (event.detail.elt.matches?.(".row")) event.detail.elt.classList.add("settle"); });
  body.addEventListener("htmx:afterSettle", (event) => {
    const detail = $("#detail[data-id]");
    if (!detail) return;
    for (const row of $$("#inbox-list .row")) {
      const link = $("a", row);
      if (row.dataset.id === detail.dataset.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (event.detail.requestConfig?.elt.closest?.(".row > a") && narrow()) scrollTo(0, 0);
  });
  body.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    if (status === 401) location.assign("/login");
    else if (event.detail.requestConfig.verb !== "get") toast(status === 403 ? "Not allowed, or this page is too old: reload it." : status === 429 ? "Too many at once. Wait a moment." : `The server answered ${status}. Look at how things stand before you try again.`, "bad");
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) body.addEventListener(name, (event) => {
    if (event.detail.requestConfig.verb !== "get") toast("No answer. Whether it arrived is unknown: look before you try again.", "wait");
  });

  // Clicks that belong to nobody's form.
  addEventListener("click", (event) => {
    const at = (s) => event.target.closest?.(s);
    if (at("[data-close]") && at("dialog")) { event.preventDefault(); at("dialog").close(); }
    else if (at("[data-dismiss]")) at("[data-toast]").remove();
    else if (at("[data-keys]")) $("#keys").showModal();
    else if (at("[data-theme-toggle]")) theme();
    else if (event.target.matches?.("dialog")) event.target.close();
    if (!at(".menu")) for (const menu of $$(".menu[open]")) menu.open = false;
  });
  addEventListener("change", (event) => { if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit(); });

  function theme() {
    const order = ["auto", "light", "dark"], next = order[(order.indexOf(root.dataset.theme) + 1) % 3];
    root.dataset.theme = next;
    document.cookie = `theme=${next}; Path=/; Max-Age=31536000; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
    for (const word of $$("[data-theme-word]")) word.textContent = next;
    dispatchEvent(new Event("themechange"));
  }

  // Keys.
  const narrow = () => matchMedia("(max-width: 860px)").matches;
  function move(step) {
    const rows = $$("[data-list] .row > a");
    if (!rows.length) return;
    let at = rows.indexOf(document.activeElement);
    if (at < 0) at = rows.findIndex((row) => row.hasAttribute("aria-current"));
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog[open]")) return;
    const key = event.key;
    if (key === "j" || key === "k") move(key === "j" ? 1 : -1);
    else if (key === "a" || key === "r" || key === "e") $(`#detail [data-key="${key}"]`)?.click();
    else if (key === "?") $("#keys")?.showModal();
    else if (key === "Escape") {
      const open = $(".menu[open]");
      if (open) { open.open = false; $("summary", open).focus(); }
      else if (narrow()) $("#detail[data-explicit] .back a")?.click();
      else $("[data-list] [aria-current]")?.focus();
    } else return;
    if (key !== "Escape") event.preventDefault();
  });
})();
