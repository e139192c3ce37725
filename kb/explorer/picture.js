// The picture of a tree: where its nodes stand, what joins them, and zoom. To pan is to scroll, so wheel, fingers and keys do it as
// everywhere, and what is focused comes into view. What it shows is made by kb/explorer/picture.py.
const ACROSS = 72, FORK = 34, BEND = 10, NEAR = 8, FAR = 22, MARGIN = 20;
const LEAST = 0.1, MOST = 2.5, READABLE = 0.85, STEP = 1.25, MOVED = 4;
const ZOOMS = {"+": STEP, "=": STEP, "-": 1 / STEP};

// The nodes as a tree with their sizes.
const nodes = (item) => {
    const node = item.querySelector(":scope > .node"), list = item.querySelector(":scope > ul");
    return {
        node, list, fork: item.querySelector(":scope > .fork"), width: node.offsetWidth, height: node.offsetHeight,
        children: list ? [...list.children].map(nodes) : [],
    };
};

// Where the nodes below one stand: the first beside it, the others under that, as close as what is below them allows. Heights
// are from its top.
const stack = (tree) => {
    const tops = [], bottoms = [];
    for (const child of tree.children) {
        const own = stack(child);
        const clear = (top, depth) => (bottoms[depth] ?? -Infinity) + (depth ? FAR : NEAR) - top;
        child.y = tops.length ? Math.max(...own.tops.map(clear)) : (tree.height - child.height) / 2;
        own.tops.forEach((top, depth) => {
            tops[depth] ??= child.y + top;
            bottoms[depth] = child.y + own.bottoms[depth];
        });
    }
    return {tops: [0, ...tops], bottoms: [tree.height, ...bottoms]};
};

const columns = (tree, depth = 0, widest = []) => {
    widest[depth] = Math.max(widest[depth] ?? 0, tree.width);
    for (const child of tree.children) columns(child, depth + 1, widest);
    return widest;
};

// Put every node in its place; the lines to its children go through the fork that says how they count together.
const place = (tree, x, y, widest, lines, depth = 0) => {
    tree.node.style.transform = `translate(${x}px, ${y}px)`;
    let low = y + tree.height;
    const right = x + tree.width, next = x + widest[depth] + ACROSS, middle = y + tree.height / 2;
    if (tree.fork) {
        tree.fork.style.transform = `translate(${right + FORK}px, ${middle}px) translate(-50%, -50%)`;
        lines[tree.list.className] += `M${right} ${middle}H${right + FORK}`;
    }
    for (const child of tree.children) {
        const at = y + child.y + child.height / 2, bend = Math.min(BEND, at - middle);
        lines[tree.list.className] += `M${right + FORK} ${middle}V${at - bend}q0 ${bend} ${bend} ${bend}H${next}`;
        low = Math.max(low, place(child, next, y + child.y, widest, lines, depth + 1));
    }
    return low;
};

const arrange = (root) => {
    const tree = nodes(root.plane.querySelector("li")), widest = columns(tree), lines = {and: "", or: ""};
    const top = Math.min(...stack(tree).tops);
    root.high = place(tree, MARGIN, MARGIN - top, widest, lines) + MARGIN;
    root.wide = widest.reduce((x, width) => x + width + ACROSS, 2 * MARGIN - ACROSS);
    for (const kind in lines) root.querySelector(`path.${kind}`).setAttribute("d", lines[kind]);
    zoom(root, root.zoom ?? Math.min(1, Math.max(READABLE, root.canvas.clientWidth / root.wide)));
};

// Zoom so that the point of the picture that is at (x, y) of the canvas stays there.
const zoom = (root, factor, x = 0, y = 0) => {
    const {canvas, stage, plane} = root, to = Math.min(MOST, Math.max(LEAST, factor)), grown = to / (root.zoom ?? to);
    const spare = () => Math.max(0, (canvas.clientWidth - root.wide * root.zoom) / 2);  // what is narrow stands in the middle
    const [left, top] = [(canvas.scrollLeft + x - spare()) * grown - x, (canvas.scrollTop + y) * grown - y];
    root.zoom = to;
    stage.style.width = `${root.wide * to}px`;
    stage.style.height = `${root.high * to}px`;
    plane.style.width = `${root.wide}px`;
    plane.style.height = `${root.high}px`;
    plane.style.transform = `scale(${to})`;
    canvas.scrollTo(left + spare(), top);
};
const zoomBy = (root, by, x = root.canvas.clientWidth / 2, y = root.canvas.clientHeight / 2) => zoom(root, root.zoom * by, x, y);
const fit = (root) => {
    zoom(root, Math.min(1, root.canvas.clientWidth / root.wide, root.canvas.clientHeight / root.high));
    root.canvas.scrollTo(0, 0);
};
const acts = {
    in: (root) => zoomBy(root, STEP),
    out: (root) => zoomBy(root, 1 / STEP),
    fit,
    full: (root) => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()),
};

// Open or shut a goal: shut at once, and told to the server, which puts it into the address and sends what is below.
const turn = (root, button) => {
    const open = button.getAttribute("aria-expanded") === "false", item = button.closest("li");
    button.setAttribute("aria-expanded", open);
    if (open) button.setAttribute("aria-busy", "true");
    else {
        for (const below of item.querySelectorAll(":scope > ul, :scope > .fork")) below.remove();
        arrange(root);
    }
    ask(root, [{place: item.dataset.place, open, linked: true}]);
};

// Arrows lead from a goal to the one beside it.
const beside = (root, from, key) => {
    const all = [...root.plane.querySelectorAll("a, button")], item = from.closest("li");
    const above = item.parentElement.closest("li[data-place]")?.querySelector(":scope > .node a");
    if (key === "ArrowLeft") return from.matches("button") ? all[all.indexOf(from) - 1] : above;
    if (key === "ArrowRight") return from.matches("a") ? from.closest(".node").querySelector("button") : item.querySelector(":scope ul a");
    const links = all.filter((each) => each.matches("a")), at = links.indexOf(item.querySelector("a"));
    return links[at + (key === "ArrowDown" ? 1 : -1)];
};

const listen = (root) => {
    const {canvas, plane} = root;
    root.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (button?.dataset.act) acts[button.dataset.act](root);
        else if (button) turn(root, button);
    });
    canvas.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const next = event.key.startsWith("Arrow") && event.target !== canvas && beside(root, event.target, event.key);
        if (event.key in ZOOMS) zoomBy(root, ZOOMS[event.key]);
        else if (event.key === "0") fit(root);
        else if (next) next.focus();
        else return;
        event.preventDefault();
    });
    canvas.addEventListener("wheel", (event) => {
        if (!event.ctrlKey) return;
        const box = canvas.getBoundingClientRect();
        event.preventDefault();
        zoomBy(root, Math.exp(-event.deltaY / 200), event.clientX - box.left, event.clientY - box.top);
    }, {passive: false});
    canvas.addEventListener("dragstart", (event) => event.preventDefault());
    canvas.addEventListener("pointerdown", (event) => {
        if (event.pointerType !== "touch" && !event.button) drag(root, event);
    });
    let apart = 0;
    canvas.addEventListener("touchmove", (event) => {
        if (event.touches.length !== 2) return void (apart = 0);
        const [one, two] = event.touches, box = canvas.getBoundingClientRect();
        const now = Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY);
        event.preventDefault();
        if (apart) zoomBy(root, now / apart, (one.clientX + two.clientX) / 2 - box.left, (one.clientY + two.clientY) / 2 - box.top);
        apart = now;
    }, {passive: false});
    canvas.addEventListener("touchend", () => { apart = 0; });
};

// With a mouse one pulls the picture. Meanwhile nothing in it can be hit, so a pull that begins on a link does not follow it.
const drag = (root, from) => {
    const {canvas} = root, {scrollLeft: left, scrollTop: top} = canvas;
    const move = (event) => {
        const [x, y] = [event.clientX - from.clientX, event.clientY - from.clientY];
        if (Math.hypot(x, y) > MOVED) root.classList.add("dragging");
        if (root.classList.contains("dragging")) canvas.scrollTo(left - x, top - y);
    };
    const end = () => {
        removeEventListener("pointermove", move);
        setTimeout(() => root.classList.remove("dragging"));
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end, {once: true});
};

// The picture as the server last sent it, once all is answered; what was focused stays where it was.
const draw = (root) => {
    if (root.shown === root.sent || "asked" in root.dataset) return;
    if (root.matches(":active")) return void setTimeout(draw, 50, root);
    const at = root.plane.contains(document.activeElement) && document.activeElement.closest("li")?.dataset.place;
    const held = () => !at ? null : root.plane.querySelector(`li[data-place="${at}"] > .node`);
    const before = held()?.getBoundingClientRect(), kind = document.activeElement?.tagName;
    root.shown = root.sent;
    root.plane.querySelector(".nodes").innerHTML = root.sent;
    arrange(root);
    const after = held()?.getBoundingClientRect();
    if (!before || !after) return;
    root.canvas.scrollBy(after.left - before.left, after.top - before.top);
    held().querySelector(kind)?.focus({preventScroll: true});
};

const made = (parent) => {
    const root = document.createElement("div");
    root.className = "picture";
    root.turns = [];
    root.innerHTML = `<div class="acts">
            <button data-act="out" aria-label="Zoom out">−</button><button data-act="in" aria-label="Zoom in">+</button>
            <button data-act="fit">Fit</button><button data-act="full">Full screen</button>
            <p class="legend"><span><i class="fork and">and</i> all are needed</span> <span><i class="fork or">or</i> one is enough</span>
                <span><i class="sample"></i> a step that is a goal of its own</span></p>
        </div>
        <div class="canvas" tabindex="0" role="group"><div class="stage"><div class="plane">
            <svg aria-hidden="true"><path class="and"/><path class="or"/></svg><div class="nodes"></div>
        </div></div></div>`;
    [root.canvas, root.stage, root.plane] = [".canvas", ".stage", ".plane"].map((name) => root.querySelector(name));
    parent.append(root);
    listen(root);
    return root;
};

export default function ({data, parentElement, setTriggerValue}) {
    const root = parentElement.querySelector(".picture") || made(parentElement);
    root.send = setTriggerValue;
    if (root.sent === data.html) return;
    if (root.named !== data.name) [root.named, root.zoom] = [data.name, undefined];
    root.canvas.setAttribute("aria-label", data.name);
    root.sent = data.html;
    answered(root);
    draw(root);
}
