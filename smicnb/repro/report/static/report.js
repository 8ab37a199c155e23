// Search: what does not hold the phrase that is typed is hidden. Where nothing holds it, its words count one by one.
"use strict";
const form = document.querySelector("form.search");
const input = document.getElementById("find");
const count = document.getElementById("count");
const main = document.querySelector("main");
const cards = [...document.querySelectorAll("li.card")];
const items = [...document.querySelectorAll("tr.item")];
const plain = (text) => text.toLowerCase().replace(/\s+/g, " ").trim();
const texts = new Map([...cards, ...items].map((entry) => [entry, plain(`${entry.id} ${entry.textContent}`)]));

const filter = () => {
  const phrase = plain(input.value);
  const whole = [...texts.values()].some((text) => text.includes(phrase));
  const words = whole ? [phrase] : phrase.split(" ");
  for (const [entry, text] of texts) entry.hidden = !words.every((word) => text.includes(word));
  const shown = (entries) => entries.filter((entry) => !entry.hidden).length;
  for (const box of document.querySelectorAll(".group, .paper")) {
    box.hidden = phrase !== "" && !box.querySelector("li.card:not([hidden]), tr.item:not([hidden])");
  }
  for (const box of document.querySelectorAll(".notice, #notebooks")) box.hidden = phrase !== "";
  const without = phrase === "" ? "" : `, ${shown(items)} items without one`;
  count.textContent = `${shown(cards)} of ${cards.length} figures and tables${without}`;
  if (phrase !== "" && main.getBoundingClientRect().top < 0) main.scrollIntoView({ behavior: "instant" });
};

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
input.addEventListener("input", filter);
filter();

// Paper shows what a click would.
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach((details) => (details.open = true));
});
addEventListener("afterprint", () => closed.forEach((details) => (details.open = false)));
