"use strict";
/* trajectoryView(row, body, query): a DOM element that shows one trajectory.
   row and body: an Item of deepcoder.view.items. query: text to mark, lower case, "" for none.
   Needs trajectory.css; sets text by textContent alone, so that nothing a model wrote becomes markup. */
const PARTS = {
  prompt: "PROMPT", reason: "REASON, trained", act: "ACT, trained", observation: "OBSERVATION",
  unread: "NOT READABLE, not trained",
};
const FOLD = { lines: 10, characters: 1200 };

const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

function marked(parent, text, query) {
  const lower = text.toLowerCase();
  if (!query || lower.length !== text.length) { parent.append(text); return; }
  let from = 0;
  for (let at = lower.indexOf(query); at >= 0; at = lower.indexOf(query, from)) {
    parent.append(text.slice(from, at), element("mark", "", text.slice(at, at + query.length)));
    from = at + query.length;
  }
  parent.append(text.slice(from));
}

function foldable(box, pre, text, query) {
  const lines = text.split("\n").length;
  if (lines <= FOLD.lines && text.length <= FOLD.characters) return;
  const size = lines > FOLD.lines ? `${lines} lines` : `${text.length} characters`;
  const button = element("button", "fold");
  button.type = "button";
  const set = (open) => {
    pre.classList.toggle("folded", !open);
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Fold" : `Show all (${size})`;
  };
  button.addEventListener("click", () => set(pre.classList.contains("folded")));
  set(Boolean(query) && text.toLowerCase().includes(query));
  box.append(button);
}

function runView(part, text, query) {
  const box = element("div", `run ${part}`);
  const pre = element("pre");
  marked(pre, text, query);
  box.append(element("span", "label", PARTS[part] ?? part), pre);
  if (part === "observation" || part === "prompt" || part === "unread") foldable(box, pre, text, query);
  return box;
}

function factsView(row, body) {
  const list = element("dl");
  const known = { problem: row.problem_id, family: row.family, split: row.split, model: row.model, outcome: row.outcome };
  for (const [name, value] of Object.entries({ ...known, ...body.facts })) {
    if (value) list.append(element("dt", "", name), element("dd", "", value));
  }
  return list;
}

function stepHeading(number, note) {
  const heading = element("h3", "", `Step ${number + 1}`);
  if (note.tokens) heading.append(` · ${note.tokens} tokens`);
  if (note.seconds) heading.append(` · ${note.seconds} s`);
  if (note.error) heading.append(" · ", element("span", "failed", note.error));
  return heading;
}

function trajectoryView(row, body, query = "") {
  const view = element("article", "trajectory");
  view.append(element("h2", "", row.group ? `${row.group}: ${row.outcome}` : `${row.id} · ${row.outcome}`));
  view.append(factsView(row, body));
  let last = -1;
  for (const [step, part, text] of body.runs) {
    const note = body.notes[step];
    if (step !== last) {
      view.append(stepHeading(step, note));
      if (note.reasoning) {
        const more = element("details");
        const pre = element("pre");
        marked(pre, note.reasoning, query);
        more.append(element("summary", "", "The provider's own reasoning, not trained"), pre);
        view.append(more);
      }
      last = step;
    }
    view.append(runView(part, text, query));
  }
  view.append(element("h3", "", "Answer"));
  const answer = element("pre");
  if (body.answer === null) answer.append("none"); else marked(answer, body.answer, query);
  view.append(answer);
  return view;
}
