// The editor of queries: highlighting, completion from the schema, and one's own queries, which stay in this browser.
// `make editor` bundles it into kb/explorer/editor.js, which the wheel carries. What is run is an address; kb/explorer/query.py answers it.
import {autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, ifNotIn, insertCompletionText} from "@codemirror/autocomplete";
import {defaultKeymap, history as undoable, historyKeymap} from "@codemirror/commands";
import {SQLDialect, sql} from "@codemirror/lang-sql";
import {bracketMatching, HighlightStyle, syntaxHighlighting} from "@codemirror/language";
import {Prec} from "@codemirror/state";
import {EditorView, keymap, placeholder} from "@codemirror/view";
import {tags} from "@lezer/highlight";

const KEPT = "howtree queries", MOST = 50;

const queries = () => {
    try {
        const found = JSON.parse(localStorage.getItem(KEPT));
        return Array.isArray(found) ? found.filter((each) => typeof each === "string") : [];
    } catch { return []; }
};
const keep = (found) => {
    try { localStorage.setItem(KEPT, JSON.stringify(found.slice(0, MOST))); } catch { /* a browser that keeps nothing */ }
};

const inAddress = () => new URLSearchParams(location.search).get("sql") ?? "";

// The address changes, and reaches Streamlit as the browser's Back does.
const run = (root) => {
    const text = root.view.state.doc.toString().trim();
    if (!text) return true;
    keep([text, ...queries().filter((each) => each !== text)]);
    list(root);
    root.asked = text;
    const url = `${location.pathname}?${new URLSearchParams({sql: text})}`;
    history[text === inAddress() ? "replaceState" : "pushState"]({}, "", url);
    dispatchEvent(new PopStateEvent("popstate"));
    return true;
};

const write = (root, text) =>
    root.view.dispatch({changes: {from: 0, to: root.view.state.doc.length, insert: text}, selection: {anchor: text.length}});

// What the address asks, by a link or by Back, is what the editor says; a text that was not run can be had back by Ctrl+Z.
const follow = (root) => {
    if (!root.isConnected || root.asked === inAddress()) return;
    root.asked = inAddress();
    write(root, root.asked);
};

const list = (root) => {
    const found = queries(), box = root.querySelector(".queries");
    box.hidden = !found.length;
    box.querySelector("ol").replaceChildren(...found.map((text) => {
        const item = document.createElement("li"), button = document.createElement("button");
        button.type = "button";
        button.textContent = text;
        button.onclick = () => { write(root, text); box.open = false; root.view.focus(); };
        item.append(button);
        return item;
    }));
};

const dialect = (schema) => SQLDialect.define({
    keywords: schema.keywords.join(" "),
    types: schema.types.join(" "),
    builtin: "",
    doubleDollarQuotedStrings: true,
    operatorChars: "*+-%<>!=&|^/~@:",
});

// Of a bare word: macros, functions, and the columns of all tables, with where they are.
const words = (schema) => {
    const where = {};
    for (const [table, columns] of Object.entries(schema.tables)) for (const column of columns) (where[column] ??= []).push(table);
    const call = (boost) => ([name, parameters]) => ({
        label: name, type: "function", detail: parameters, boost,
        apply: (view, _, from, to) => view.dispatch({  // on to between the brackets
            ...insertCompletionText(view.state, `${name}()`, from, to), selection: {anchor: from + name.length + 1},
        }),
    });
    const options = [
        ...Object.entries(where).map(([column, tables]) => ({
            label: column, type: "property", boost: 2,
            detail: tables.length > 2 ? `${tables.slice(0, 2).join(", ")}, …` : tables.join(", "),
        })),
        ...schema.macros.map(call(1)),
        ...schema.functions.map((name) => call(-50)([name, ""])),
    ];
    return ifNotIn(["String", "LineComment", "BlockComment", "."], (context) => {
        const word = context.matchBefore(/\w+/);
        const dotted = context.matchBefore(/\.\w*/);
        return dotted || !(word || context.explicit) ? null : {from: word?.from ?? context.pos, options, validFor: /^\w*$/};
    });
};

const colours = HighlightStyle.define([
    {tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "light-dark(#0b5a86, #7cc4f0)", fontWeight: "600"},
    {tag: tags.typeName, color: "light-dark(#7a3e9d, #d3a6f0)"},
    {tag: [tags.string, tags.special(tags.string)], color: "light-dark(#0b6b52, #4fc3a1)"},
    {tag: [tags.number, tags.bool, tags.null], color: "light-dark(#9a4a00, #f0b070)"},
    {tag: tags.comment, color: "light-dark(#5c6670, #a0a8b0)", fontStyle: "italic"},
]);

const made = (parent, schema) => {
    const root = document.createElement("div");
    root.className = "editor";
    root.innerHTML = `<div class="text"></div>
        <div class="acts"><button type="button" class="run">Run</button> <span>Ctrl+Enter runs, Ctrl+Space completes</span></div>
        <details class="queries" hidden><summary>Your queries</summary><ol></ol>
            <div class="acts"><span>They are kept in this browser alone.</span> <button type="button" class="clear">Forget them</button></div>
        </details>`;
    const spoken = dialect(schema);
    root.asked = inAddress();
    root.view = new EditorView({
        parent: root.querySelector(".text"),
        doc: root.asked,
        extensions: [
            Prec.highest(keymap.of([{key: "Mod-Enter", run: () => run(root)}])),
            keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),  // Tab goes on
            sql({dialect: spoken, schema: schema.tables, upperCaseKeywords: true}),
            spoken.language.data.of({autocomplete: words(schema)}),
            autocompletion({icons: false, interactionDelay: 0}), undoable(), closeBrackets(), bracketMatching(), syntaxHighlighting(colours),
            placeholder("SELECT … FROM links"), EditorView.lineWrapping,
            EditorView.contentAttributes.of({"aria-label": "Query", spellcheck: "false"}),
        ],
    });
    root.querySelector(".run").onclick = () => run(root);
    root.querySelector(".clear").onclick = () => { keep([]); list(root); root.view.focus(); };
    root.led = () => follow(root);
    addEventListener("popstate", root.led);
    parent.append(root);
    list(root);
    return root;
};

// Where the editor cannot be made, the plain form below it stays (query.py).
export default function ({data, parentElement}) {
    let root;
    try {
        root = parentElement.querySelector(".editor") ?? made(parentElement, data);
    } catch (error) {
        return console.error(error);
    }
    follow(root);
    return () => {
        removeEventListener("popstate", root.led);
        root.view.destroy();
        root.remove();
    };
}
