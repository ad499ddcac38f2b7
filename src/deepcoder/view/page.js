
const FACETS = { group: "Run by", family: "Family", split: "Split", outcome: "Outcome", model: "Model" };
const HEIGHT = 60;  // of a row, as in page.css
const $ = (id) => document.getElementById(id);

async function unpack(text) {
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);  // filled by a loop: a callback for each byte takes ten times as long
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  const gzip = new DecompressionStream("gzip");  // written to, not piped through from a Blob: a sixth of the time
  const writer = gzip.writable.getWriter();
  for (const done of [writer.write(bytes), writer.close()]) done.catch(() => {});  // the reading side says what is wrong
  return new Response(gzip.readable).json();
}
const later = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function packed(number) {  // a block's text; the file may still be being read: a block is whole when one follows
  for (;;) {
    const blocks = document.querySelectorAll("script.block");
    if (number + 1 < blocks.length || (number < blocks.length && document.readyState !== "loading")) {
      return blocks[number].textContent;
    }
    if (document.readyState !== "loading") throw new Error("the file is cut off");
    await later(20);
  }
}

function start(index) {
  const { block: size, rows } = index;
  const total = rows.id.length;
  const row = (at) => Object.fromEntries(Object.entries(rows).map(([key, column]) => [key, column[at]]));
  const byId = new Map(rows.id.map((id, at) => [id, at]));
  const byProblem = new Map();
  rows.problem_id.forEach((id, at) => {
    if (!byProblem.has(id)) byProblem.set(id, []);
    byProblem.get(id).push(at);
  });

  // --- bodies: the last few blocks stay unpacked; the text that is searched stays once it was needed
  const open = new Map();
  const texts = new Array(total);
  async function block(number) {
    const found = open.get(number) ?? packed(number).then(unpack);
    open.delete(number);
    open.set(number, found);
    if (open.size > 8) open.delete(open.keys().next().value);
    return found;
  }
  const body = async (at) => (await block(Math.floor(at / size)))[at % size];
  function searchable(at, content) {
    return [rows.id[at], rows.problem_id[at], content.answer ?? "", ...content.runs.map((run) => run[2])]
      .join("\n").toLowerCase();
  }
  const read = [];
  const readTexts = (number) => read[number] ??= (open.get(number) ?? packed(number).then(unpack)).then((bodies) => {
    bodies.forEach((content, offset) => { texts[number * size + offset] = searchable(number * size + offset, content); });
  });
  async function prepare() {  // once the list is looked at, and only while there is nothing else to do
    if (read.length) return;
    const idle = globalThis.requestIdleCallback ?? setTimeout;
    for (let number = 0; number * size < total; number++) {
      await readTexts(number);
      await new Promise((done) => idle(done));
    }
  }

  // --- filters
  const selects = {};
  for (const [key, name] of Object.entries(FACETS)) {
    const counts = new Map();
    for (const value of rows[key]) counts.set(value, (counts.get(value) ?? 0) + 1);
    if (counts.size < 2) continue;
    const select = element("select");
    select.append(new Option("all", "*"));
    for (const value of [...counts.keys()].sort()) {
      select.append(new Option(`${value || "(none)"} (${counts.get(value)})`, "=" + value));
    }
    const label = element("label", "", name);
    label.append(select);
    $("facets").append(label);
    selects[key] = select;
  }
  const number = (id, otherwise) => ($(id).value === "" ? otherwise : Number($(id).value));
  let shown = [];
  let turn = 0;

  async function filter() {
    const mine = ++turn;
    const query = $("search").value.trim().toLowerCase();
    const wanted = Object.entries(selects).filter(([, select]) => select.value !== "*");
    const least = number("least", 0), most = number("most", Infinity);
    let found = [];
    for (let at = 0; at < total; at++) {
      if (rows.steps[at] < least || rows.steps[at] > most) continue;
      if (wanted.every(([key, select]) => rows[key][at] === select.value.slice(1))) found.push(at);
    }
    if (query) {
      found = await search(query, found, () => mine === turn);
      if (!found) return;
    }
    if (!query || !found.length) list(found);
    shown = found;
    $("count").textContent = `${shown.length.toLocaleString()} of ${total.toLocaleString()} trajectories`;
    draw();
    if (document.body.dataset.view === "list" && !named() && shown.length) await show(shown[0]);
    document.body.dataset.ready = String(mine);
  }

  // Hits are listed as they come; the page answers in between. null: another search has begun.
  async function search(query, among, wanted) {
    const hits = [];
    let told = performance.now(), rested = told;
    for (const [done, at] of among.entries()) {
      if (texts[at] === undefined) await readTexts(Math.floor(at / size));
      if (texts[at].includes(query) && hits.push(at) === 1) list(hits);
      const now = performance.now();
      if (now - rested > 40) {
        if (now - told > 250) {
          $("count").textContent = `Searching, ${Math.round(100 * done / among.length)} %: ${hits.length.toLocaleString()} found`;
          draw();
          told = now;
        }
        await later(0);
        rested = performance.now();
      }
      if (!wanted()) return null;
    }
    return hits;
  }

  // --- the list: only the rows in view are in the document
  let current = -1;
  function list(found) {
    shown = found;
    $("list").scrollTop = 0;
    draw();
  }
  function draw() {
    const list = $("list");
    const from = Math.max(0, Math.floor(list.scrollTop / HEIGHT) - 8);
    const to = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / HEIGHT) + 8);
    $("rows").style.height = `${shown.length * HEIGHT}px`;
    const drawn = [];
    for (let place = from; place < to; place++) drawn.push(line(place));
    $("rows").replaceChildren(...drawn);
    const chosen = shown.indexOf(current);
    if (chosen >= from && chosen < to) list.setAttribute("aria-activedescendant", `row-${current}`);
    else list.removeAttribute("aria-activedescendant");
  }
  function line(place) {
    const at = shown[place];
    const made = element("div", "row");
    made.id = `row-${at}`;
    made.style.top = `${place * HEIGHT}px`;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", String(at === current));
    made.setAttribute("aria-posinset", String(place + 1));
    made.setAttribute("aria-setsize", String(shown.length));
    const facts = [rows.group[at], rows.problem_id[at], `${rows.steps[at]} steps`].filter(Boolean).join(" · ");
    const second = element("div", "soft", facts + " · ");
    second.append(element("span", rows.ok[at] ? "good" : "bad", rows.outcome[at]));
    made.append(element("div", "", rows.title[at] || "(no text)"), second);
    made.addEventListener("click", () => go(at));
    return made;
  }
  function bring(place) {
    const list = $("list");
    if (place * HEIGHT < list.scrollTop) list.scrollTop = place * HEIGHT;
    else if ((place + 1) * HEIGHT > list.scrollTop + list.clientHeight) {
      list.scrollTop = (place + 1) * HEIGHT - list.clientHeight;
    }
  }
  function step(by) {
    if (!shown.length) return;
    const place = shown.indexOf(current);
    go(shown[Math.max(0, Math.min(shown.length - 1, place < 0 ? 0 : place + by))]);
  }

  // --- the detail, by the address: #id, or #id&compare; "/" begins what is no id, since ids are encoded:
  // #/ the front, #/part a part of it (id="front-part"), #/trajectories?family=x&outcome=y the list, filtered
  const fronted = $("front").childElementCount > 0;
  const named = () => location.hash.length > 1 && !location.hash.startsWith("#/");
  let beside = false;
  function turnTo(view) {
    document.body.dataset.view = view;
    if (view === "list") prepare().catch(failed);
    for (const link of document.querySelectorAll("nav a")) {
      if ((link.hash === "#/") === (view === "front")) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
  async function turnToPart(address) {
    const [part, wanted] = address.slice(1).split("?");
    if (part === "trajectories" || !fronted) {
      turnTo("list");
      if (wanted !== undefined) {
        $("filters").reset();
        for (const [key, value] of new URLSearchParams(wanted)) if (selects[key]) selects[key].value = "=" + value;
      }
      await filter();
    } else {
      turnTo("front");
      document.getElementById(`front-${part}`)?.scrollIntoView();
    }
  }
  const go = (at) => { location.hash = encodeURIComponent(rows.id[at]) + (beside ? "&compare" : ""); };
  async function show(at) {
    current = at;
    const place = shown.indexOf(at);
    if (place >= 0) bring(place);
    draw();
    const same = byProblem.get(rows.problem_id[at]);
    const query = $("search").value.trim().toLowerCase();
    const together = beside && same.length > 1;
    const views = await Promise.all((together ? same : [at]).map(async (each) => trajectoryView(row(each), await body(each), query)));
    if (at !== current) return;
    const tools = element("div", "tools");
    if (same.length > 1) {
      const button = element("button", "", together ? "Show one" : `Side by side (${same.length} runs of this problem)`);
      button.addEventListener("click", compare);
      tools.append(button);
    }
    const holder = element("div", together ? "beside" : "");
    holder.append(...views);
    $("detail").replaceChildren(tools, holder);
    $("detail").scrollTop = 0;
    document.body.dataset.shown = rows.id[at];
  }
  function compare() {
    if (current < 0) return;
    beside = !beside;
    go(current);
  }
  async function follow() {
    if (!named()) return turnToPart(location.hash.slice(1));
    turnTo("list");
    const [id, ...flags] = location.hash.slice(1).split("&");
    beside = flags.includes("compare");
    let name = id;
    try { name = decodeURIComponent(id); } catch { /* not ours: shown as it is */ }
    const at = byId.get(name);
    if (at === undefined) $("detail").replaceChildren(element("p", "bad", `There is no trajectory ${name} on this page.`));
    else await show(at);
  }

  // --- what the user does
  const refilter = () => filter().catch(failed);
  let waiting = 0;
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("clear").addEventListener("click", () => setTimeout(refilter));
  $("filters").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(refilter, 150); });
  $("list").addEventListener("scroll", () => requestAnimationFrame(draw));
  addEventListener("resize", draw);
  addEventListener("hashchange", () => follow().catch(failed));
  $("list").addEventListener("keydown", (event) => {
    const far = Math.max(1, Math.floor($("list").clientHeight / HEIGHT) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: far, PageUp: -far, Home: -total, End: total };
    if (event.key in moves) step(moves[event.key]);
    else if (event.key === "Enter") $("detail").focus();
    else return;
    event.preventDefault();
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.body.dataset.view === "front") return;
    if (event.key === "Escape") { $("list").focus(); return; }
    if (event.target.matches("input, select, textarea")) return;
    const keys = {
      "/": () => $("search").focus(), j: () => step(1), k: () => step(-1), c: compare,
      e: () => document.querySelectorAll('button.fold[aria-expanded="false"]').forEach((button) => button.click()),
    };
    if (event.key in keys) { keys[event.key](); event.preventDefault(); }
  });
  $("facts").textContent = Object.entries(index.facts).map(([name, value]) => `${name}: ${value}`).join(" · ");
  document.body.toggleAttribute("data-front", fronted);
  filter().then(follow).catch(failed);
}

const failed = (error) => { $("count").textContent = `The page's data cannot be read: ${error}`; };
if (typeof DecompressionStream === "undefined") {
  $("count").textContent = "This browser cannot unpack the page's data; one of 2023 or later can.";
} else {
  unpack($("index").textContent).then(start).catch(failed);
}
