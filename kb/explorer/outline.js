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
    root.querySelector(".here").textContent = way.length > 1 ? `You are here: ${way.join(" › ")}` : "";
    if (focus) {
        item.focus({preventScroll: true});
        item.querySelector(":scope > .line").scrollIntoView({block: "nearest"});
    }
};

// Open or shut an item: seen at once, and told to the server, which puts it into the address and sends what is below.
const turn = (root, item, open) => {
    item.setAttribute("aria-expanded", open);
    if (open && !item.querySelector(":scope > .inside")) item.setAttribute("aria-busy", "true");
    root.send("turned", {place: item.dataset.place, open, linked: "linked" in item.dataset});
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
        if (event.target.closest("[data-collapse]")) return root.send("collapsed", true);
        if (event.target.closest("a, .inside")) return;
        const line = event.target.closest(".line");
        if (!line) return;
        stand(root, line.parentElement, true);
        turn(root, line.parentElement, !isOpen(line.parentElement));
    });
    root.addEventListener("focusin", (event) => {
        const item = event.target.closest("[role=treeitem]");
        if (item) stand(root, item, false);
    });
};

export default function ({data, parentElement, setTriggerValue}) {
    let root = parentElement.querySelector(".outline");
    if (!root) {
        root = document.createElement("div");
        root.className = "outline";
        parentElement.append(root);
        listen(root);
    }
    root.send = setTriggerValue;
    if (root.shown === data.html) return;  // drawn again as it was: a click that is under way keeps what it began on
    root.shown = data.html;
    const focused = document.activeElement?.role === "treeitem" && root.contains(document.activeElement);
    root.innerHTML = data.html;
    const before = root.dataset.at && root.querySelector(`[data-place="${root.dataset.at}"]`);
    const item = before || root.querySelector("[role=treeitem]");
    if (item) stand(root, item, focused);
}
