// What pages do in the browser. It listens to the whole document, since Streamlit draws pages again and again.

// Streamlit's own links swallow a click with Ctrl, and one to another state of the same page leaves the address as it
// was. So a plain click changes the address and reaches Streamlit as the browser's Back does; others go to the browser.
const follow = (event, link) => {
    event.stopPropagation();
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    leave(link.href, link.classList.contains("still"));
};

// A widget whose value is in the address (`bound` in address.py) asks the server a moment after it was touched, and is
// answered with an address.
const MOMENT = 400, LONG = 10_000, STATE = "data-test-script-state";
let touched = -LONG, asked = false;
for (const kind of ["input", "click", "keydown"])
    document.addEventListener(kind, (event) => {
        if (event.target.closest?.('[class*="st-key-at-"]')) touched = performance.now();
    }, true);
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (...message) {
    asked ||= performance.now() - touched < 2 * MOMENT;
    return send.apply(this, message);
};
new MutationObserver((changes) => {
    if (changes.some(({target}) => target.getAttribute(STATE) === "notRunning")) asked = false;
}).observe(document.body, {subtree: true, attributeFilter: [STATE]});
const answering = () => {
    const since = performance.now() - touched;
    return since < MOMENT || (asked && since < LONG);
};

// What has asked the server, a widget or a tree (asking.js), waits for an answer that writes the address: a new address comes
// after it, lest it be written over.
const leave = (url, still, tries = 200) => {
    if (tries && (answering() || document.querySelector("[data-asked]"))) return setTimeout(leave, 50, url, still, tries - 1);
    history.pushState({}, "", url);
    window.dispatchEvent(new PopStateEvent("popstate"));
    if (!still) document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
};

// A page is seen (page.css) once it is drawn, each piece of it that has a place on the screen, and still; and soon after its
// first piece, drawn or not. Both are counted in milliseconds of frames, in which a busy browser does less than its clock says.
const PATIENCE = 1800, STILL = 200, FRAME = 25, BEGUN = '[data-testid="stMainBlockContainer"] [data-testid]';
const awaited = `[data-testid="stSkeleton"], [data-testid="stVegaLiteChart"]:not(:has(canvas, svg)),
    [data-testid="stEChartsChart"]:not(:has(canvas, svg)), [data-testid="stCode"]:not(:has(code)),
    .stBidiComponent:not(:has([role="tree"], svg, .cm-editor))`;
const whole = () => {
    const app = document.querySelector('[data-testid="stApp"]');
    const drawn = app?.dataset.testScriptState === "notRunning" && app.querySelector("h1.title");
    return drawn && ![...app.querySelectorAll(awaited)].some((piece) => piece.getClientRects().length);
};
let height = 0, last = performance.now(), spent = 0, moved = 0;
const look = (now) => {
    if (document.querySelector(BEGUN)) spent += Math.min(now - last, FRAME);
    last = now;
    const high = document.querySelector('[data-testid="stMain"]')?.scrollHeight;
    if (high !== height) [height, moved] = [high, spent];
    const drawn = whole() && spent - moved > STILL;
    if (drawn || spent > PATIENCE) document.documentElement.dataset.drawn = drawn ? "whole" : "partly";
    else requestAnimationFrame(look);
};
requestAnimationFrame(look);

// A place on the page: scrolled to and focused, without a word in the address.
const go = (event, link) => {
    event.preventDefault();
    event.stopPropagation();
    const place = document.getElementById(link.getAttribute("href").slice(1));
    place?.scrollIntoView({behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth"});
    place?.focus({preventScroll: true});
};

document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[data-testid="stPageLink-NavLink"], a.goal');
    if (link && link.target !== "_blank") return follow(event, link);
    const place = event.target.closest?.('.reading a[href^="#"]');
    if (place) return go(event, place);
    const act = event.target.closest?.(".reading [data-act]");
    if (act) acts[act.dataset.act](act.closest(".reading"), act);
}, true);

// Enter in the judge's name moves on: the keys then answer. Ctrl+Enter runs a query also where there is no editor of queries.
document.addEventListener("keydown", (event) => {
    const box = event.target;
    if (event.key !== "Enter") return;
    if (box.closest?.('[class*="st-key-at-who-"]')) setTimeout(() => box.blur());
    if ((event.ctrlKey || event.metaKey) && box.name === "sql") box.form.requestSubmit();
});

// Ticks stay in this browser, by goal.
const name = (reading) => `howtree ticks ${reading.dataset.goal}`;
const boxes = (reading) => [...reading.querySelectorAll("input[data-tick]")];
const kept = (reading) => {
    try { return JSON.parse(localStorage.getItem(name(reading))) || []; } catch { return []; }
};
const keep = (reading) => {
    const ticked = boxes(reading).filter((box) => box.checked).map((box) => box.dataset.tick);
    try {
        if (ticked.length) localStorage.setItem(name(reading), JSON.stringify(ticked));
        else localStorage.removeItem(name(reading));
    } catch { /* a browser that keeps nothing: the ticks last as long as the page */ }
};
document.addEventListener("change", (event) => {
    if (event.target.matches?.(".reading input[data-tick]")) keep(event.target.closest(".reading"));
});
const restore = () => {
    for (const reading of document.querySelectorAll(".reading")) {
        if (reading.dataset.ready === reading.dataset.goal) continue;
        reading.dataset.ready = reading.dataset.goal;
        const ticked = new Set(kept(reading));
        for (const box of boxes(reading)) box.checked = ticked.has(box.dataset.tick);
    }
};
new MutationObserver(restore).observe(document.body, {childList: true, subtree: true});
restore();

const acts = {
    fold: (reading, button) => {
        const open = button.textContent === "Open all";
        for (const fold of reading.querySelectorAll("details")) fold.open = open;
        button.textContent = open ? "Close all" : "Open all";
    },
    untick: (reading) => {
        for (const box of boxes(reading)) box.checked = false;
        keep(reading);
    },
    print: () => window.print(),
};
