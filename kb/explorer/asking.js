// What the tree and the picture of a goal tell the server: what was opened and shut in them. Put before outline.js and picture.js.
// The server is asked for one thing at a time: it answers with the address as well, over which a second answer would write.
const PATIENCE = 10_000;
const ask = (root, turns) => {
    root.turns.push(...turns);
    if (!root.turns.length || "asked" in root.dataset) return;
    root.dataset.asked = "";
    root.overdue = setTimeout(answered, PATIENCE, root);
    root.send("turned", root.turns.splice(0));
};
const answered = (root) => {
    clearTimeout(root.overdue);
    delete root.dataset.asked;
    ask(root, []);
};

