"use strict";
// Lets a click on a column's head sort the table. Numbers and days begin with the greatest, words with A.
for (const table of document.querySelectorAll("table.sorts")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    const words = !head.hasAttribute("data-greatest-first");
    const numbers = head.classList.contains("number");
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const rising = before === null ? words : before === "descending";
      const order = new Intl.Collator("en").compare;
      const keyed = [...body.rows].map((row) => {
        const text = row.cells[column].getAttribute("data-key") ?? row.cells[column].textContent;
        return { row, key: numbers ? Number(text) : text };
      });
      keyed.sort((a, b) => (rising ? 1 : -1) * (numbers ? a.key - b.key : order(a.key, b.key)));
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      for (const item of keyed) body.append(item.row); // not in one call: that takes only so many arguments
    });
  });
}
