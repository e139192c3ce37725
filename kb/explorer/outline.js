// The tree of a goal's steps: keys and chevrons. What it shows is made by kb/explorer/outline.py and fetched when it is opened.
const items = (root) => [...root.querySelectorAll("[role=treeitem]")].filter((item) => item.offsetParent);
const above = (item) => item.parentElement.closest("[role=treeitem]");
const named = (item) => item.querySelector(":scope > .line .name").textContent;

// One item is in the order of Tab; the line on top says where it is.
const stand = (root, item, focus) => {
    for (const other of root.querySelectorAll("[role=treeitem][tabindex='0']")) other.tabIndex = -1;
    item.tabIndex = 0;
    root.dataset.at = item.dataset.place;
    const way = [];
    for (let each = item; each; each = above(each)) way.unshift(named(each));
    const here = root.querySelector(".here");
    here.textContent = here.title = way.length > 1 ? `You are here: ${way.join(" › ")}` : "";
    if (focus) {
        item.focus({preventScroll: true});
        item.querySelector(":scope > .line").scrollIntoView({block: "nearest"});
    }
};

// Open or shut an item: seen at once, and told to the server, which puts it into the address and sends what is below.
const turn = (root, item, open) => {
    item.setAttribute("aria-expanded", open);
    if (open && !item.querySelector(":scope > .inside")) item.setAttribute("aria-busy", "true");
    ask(root, [{place: item.dataset.place, open, linked: "linked" in item.dataset}]);
};

const collapse = (root) => {
    for (const item of root.querySelectorAll("[aria-expanded=true]")) item.setAttribute("aria-expanded", "false");
    ask(root, [{place: ""}]);
};

const isOpen = (item) => item.getAttribute("aria-expanded") === "true";

const keys = {
    ArrowDown: (root, item) => { const all = items(root); stand(root, all[all.indexOf(item) + 1] || item, true); },
    ArrowUp: (root, item) => { const all = items(root); stand(root, all[all.indexOf(item) - 1] || item, true); },
    Home: (root) => stand(root, items(root)[0], true),
    End: (root) => stand(root, items(root).at(-1), true),
    ArrowRight: (root, item) => {
        const child = item.querySelector("[role=treeitem]");
        if (!isOpen(item)) turn(root, item, true);
        else if (child) stand(root, child, true);
    },
    ArrowLeft: (root, item) => {
        if (isOpen(item)) turn(root, item, false);
        else if (above(item)) stand(root, above(item), true);
    },
    Enter: (root, item) => {
        const link = item.querySelector(":scope > .line a.goal");
        if (link) link.click();
        else turn(root, item, !isOpen(item));
    },
    " ": (root, item) => turn(root, item, !isOpen(item)),
};

// A letter leads to the next item that begins with it.
const typed = (root, item, letter) => {
    const all = items(root), at = all.indexOf(item);
    const found = [...all.slice(at + 1), ...all.slice(0, at)].find((each) => named(each).toLowerCase().startsWith(letter));
    if (found) stand(root, found, true);
    return found;
};

const listen = (root) => {
    root.addEventListener("keydown", (event) => {
        const item = event.target;
        if (item.role !== "treeitem" || event.ctrlKey || event.metaKey || event.altKey) return;
        const letter = event.key.length === 1 && event.key !== " ";
        if (letter ? !typed(root, item, event.key.toLowerCase()) : !(event.key in keys)) return;
        if (!letter) keys[event.key](root, item);
        event.preventDefault();
        event.stopPropagation();
    });
    root.addEventListener("click", (event) => {
        if (event.target.closest("[data-collapse]")) return collapse(root);
        const line = event.target.closest(".line");
        if (!line || event.target.closest("a") || !getSelection().isCollapsed) return;
        stand(root, line.parentElement, true);
        turn(root, line.parentElement, !isOpen(line.parentElement));
    });
    root.addEventListener("focusin", (event) => {
        const item = event.target.closest("[role=treeitem]");
        if (item) stand(root, item, false);
    });
};

// The tree as the server last sent it, once all is answered. While a press is under way it waits: a click counts only on
// what the press began on.
const draw = (root) => {
    if (root.shown === root.sent || "asked" in root.dataset) return;
    if (root.matches(":active")) return void setTimeout(draw, 50, root);
    const steps = root.querySelector(".steps"), focused = steps.contains(document.activeElement);
    root.shown = root.sent;
    steps.innerHTML = root.sent;
    const before = root.dataset.at && steps.querySelector(`[data-place="${root.dataset.at}"]`);
    const item = before || steps.querySelector("[role=treeitem]");
    if (item) stand(root, item, focused);
};

const made = (parent) => {
    const root = document.createElement("div");
    root.className = "outline";
    root.turns = [];
    root.innerHTML = `<div class="acts"><button data-collapse>Collapse all</button><p class="here"></p></div>
        <div class="steps"></div>`;
    parent.append(root);
    listen(root);
    return root;
};

export default function ({data, parentElement, setTriggerValue}) {
    const known = parentElement.querySelector(".outline"), root = known || made(parentElement);
    root.send = setTriggerValue;
    if (root.sent !== data.html) {
        root.sent = data.html;
        answered(root);
        draw(root);
    }
    if (!known) root.querySelector("[role=treeitem]:has(> .inside > .rivals) > .line")?.scrollIntoView();
}
