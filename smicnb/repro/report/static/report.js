// Search: cards and items that do not hold every word are hidden, with sections that are empty then.
"use strict";
const form = document.querySelector("form.search");
const input = document.getElementById("find");
const status = document.getElementById("count");
const entries = [...document.querySelectorAll("li.card, tr.item")];
const texts = entries.map((entry) => `${entry.id} ${entry.textContent}`.toLowerCase());

const filter = () => {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let cards = 0;
  let items = 0;
  entries.forEach((entry, index) => {
    const shown = words.every((word) => texts[index].includes(word));
    entry.hidden = !shown;
    if (shown) entry.matches("li.card") ? cards++ : items++;
  });
  for (const box of document.querySelectorAll(".group, .paper")) {
    box.hidden = words.length > 0 && !box.querySelector("li.card:not([hidden]), tr.item:not([hidden])");
  }
  const all = document.querySelectorAll("li.card").length;
  const others = cards === all && !words.length ? "" : `, ${items} items without one`;
  status.textContent = `${cards} of ${all} figures and tables${others}`;
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
