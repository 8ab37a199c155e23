// Search: sections of pages and names of the reference that hold every word that is typed; those that hold it in their title first.
"use strict";
const form = document.querySelector("form.find");
const input = document.getElementById("find");
const count = document.getElementById("count");
const results = document.getElementById("results");
const MOST = 40;
const entries = ENTRIES.map(([address, title, text]) => ({ address, title, text, low: `${title} ${text}`.toLowerCase() }));

const shorten = (text, word) => {
  const at = Math.max(0, text.toLowerCase().indexOf(word) - 60);
  return `${at ? "… " : ""}${text.slice(at, at + 180)}${text.length > at + 180 ? " …" : ""}`;
};

const find = () => {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length ? entries.filter(({ low }) => words.every((word) => low.includes(word))) : [];
  const rank = ({ title }) => words.filter((word) => title.toLowerCase().includes(word)).length;
  found.sort((one, other) => rank(other) - rank(one));
  count.textContent = words.length ? `${found.length} found${found.length > MOST ? `, the first ${MOST} shown` : ""}` : "";
  results.replaceChildren(
    ...found.slice(0, MOST).map(({ address, title, text }) => {
      const item = document.createElement("li");
      const link = Object.assign(document.createElement("a"), { href: address, textContent: title });
      item.append(link, Object.assign(document.createElement("small"), { textContent: shorten(text, words[0]) }));
      return item;
    }),
  );
};

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
input.addEventListener("input", find);
