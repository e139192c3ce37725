// Makes kb/explorer/editor.js of editor.js and what it imports, with their licences on top.
import {createHash} from "node:crypto";
import {readFileSync, writeFileSync} from "node:fs";
import {build} from "esbuild";

const read = (name) => readFileSync(name, "utf-8");
const made = await build({
    entryPoints: ["editor.js"], bundle: true, minify: true, format: "esm", target: "es2022", charset: "utf8",
    metafile: true, write: false, legalComments: "none",
});
const packages = new Set(Object.keys(made.metafile.inputs)
    .map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]).filter(Boolean));
const licences = new Map();  // by the text of the licence: whose it is
for (const name of [...packages].sort()) {
    const {version} = JSON.parse(read(`node_modules/${name}/package.json`));
    const text = read(`node_modules/${name}/LICENSE`).trim();
    licences.set(text, [...licences.get(text) ?? [], `${name} ${version}`]);
}
const said = [...licences].map(([text, names]) => `${names.join(", ")}:\n\n${text}`).join("\n\n\n");
const sources = ["editor.js", "package-lock.json"].map(read).join("\0");
const banner = `/* Made of the folder beside it by \`make editor\`; SHA-256 of its sources: ${createHash("sha256").update(sources).digest("hex")}

${said}
*/
`;
writeFileSync("../editor.js", banner + made.outputFiles[0].text);
console.log(`Wrote kb/explorer/editor.js: ${Math.round(made.outputFiles[0].text.length / 1024)} KiB of ${packages.size} packages`);
